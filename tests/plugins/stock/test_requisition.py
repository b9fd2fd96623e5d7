"""The material requisition: what it is drawn for, who approves it in each company, and what the storekeeper hands out."""

import pytest

from tests.plugins.chain import (
    DIRECTOR,
    KEEPER,
    MANAGER,
    OTHER_DIRECTOR,
    PLANNER,
    SLIP,
    SUPERVISOR,
    WAREHOUSE_SUPERVISOR,
    draft_order,
    draft_report,
    draft_slip,
    draft_week,
    issue_slip,
    issued_plan,
)
from tests.plugins.company import problems

APPROVER = "stock.requisition.approver"


@pytest.fixture
def plan(company):
    """A monthly plan in force."""
    return issued_plan(company)


@pytest.fixture
def week(company, plan):
    """A weekly plan in force."""
    return company[DIRECTOR].take(draft_week(company, plan), "issue")


@pytest.mark.requirement("PRD-024")
def test_a_requisition_names_a_plan_order_or_notice(company):
    """One that names none is refused."""
    slip = draft_slip(company, None)
    assert "/source" in problems(company[DIRECTOR].take(slip, "submit", expect=422))


@pytest.mark.requirement("PRD-024")
def test_a_daily_report_is_no_plan(company):
    """Nor is a requisition of its own, nor an item of a register."""
    report = company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit")
    item = {"type": "master_data.item", "id": company.item("M-1")}
    for source in (report, item):
        slip = draft_slip(company, source)
        assert "/source" in problems(company[DIRECTOR].take(slip, "submit", expect=422))


@pytest.mark.requirement("PRD-024")
def test_a_requisition_is_drawn_for_a_plan_a_week_or_an_order(company, plan, week):
    """Opened from each of them, linked with it."""
    order = company[PLANNER].take(draft_order(company), "issue")
    for source in (plan, week, order):
        slip = company[DIRECTOR].create(SLIP, origin=source, opens="requisition", lines=[{"material": company.item("M-2"), "qty_requested": "3"}])
        assert slip["source"] == source["id"]
        assert company[DIRECTOR].take(slip, "submit")["state"] == "submitted"


@pytest.mark.requirement("PRD-024")
def test_a_requisition_keeps_material_model_quantities_and_people(company, week):
    """What was asked for, what was handed out, of which batch, drawn by whom."""
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    slip = issue_slip(company, company[MANAGER].take(slip, "approve"), "8")
    line = slip["lines"][0]
    assert (line["model_spec"], line["qty_requested"], line["qty_issued"], line["batch_no"]) == ("TM-1 PN16", "10", "8", "261120-01")
    assert (slip["requested_by"], slip["workshop"]) == (company.user(DIRECTOR), company.department("MC1"))
    signed = company[KEEPER].get(f"/records/{SLIP}/{slip['id']}/signatures")["items"]
    assert [(one["step"], one["standing"]) for one in signed] == [("submit", "valid"), ("approve", "valid"), ("issue", "valid")]


@pytest.mark.requirement("PRD-025")
def test_a_requisition_that_nobody_else_approves_goes_straight_to_the_warehouse(company, week):
    """The workshop director fills it in; that is all."""
    company.choose(APPROVER, "requester")
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    assert slip["state"] == "approved"
    assert issue_slip(company, slip)["state"] == "issued"


@pytest.mark.requirement("PRD-025")
@pytest.mark.parametrize(("choice", "right", "wrong"), [
    ("head", MANAGER, "gaowei"), ("management", "gaowei", MANAGER), ("management", "linlan", DIRECTOR), ("supervisor", SUPERVISOR, MANAGER),
])
def test_the_site_decides_who_approves_a_requisition(company, week, choice, right, wrong):
    """Head of the department, management representative or general manager, supervisor: nobody else; before that nothing is issued."""
    company.choose(APPROVER, choice)
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    company[wrong].take(slip, "approve", expect=(403, 404))
    company[KEEPER].take(slip, "issue", expect=409)
    slip = company[right].take(slip, "approve")
    assert issue_slip(company, slip)["state"] == "issued"


@pytest.mark.requirement("PRD-025")
def test_the_directors_word_alone_does_not_open_the_warehouse(company, week):
    """Where management approves, a requisition that only its workshop director signed cannot be issued."""
    company.choose(APPROVER, "management")
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    company[DIRECTOR].take(slip, "approve", expect=403)
    company[KEEPER].take(slip, "issue", expect=409)


@pytest.mark.requirement("PRD-025")
def test_under_the_monthly_plan_the_storekeeper_notes_what_is_drawn(company, plan):
    """No form, no approval: the workshop fills in nothing, and only the issued monthly plan counts as a source."""
    company.choose(APPROVER, "plan")
    company[DIRECTOR].create(SLIP, expect=403, origin=plan, opens="requisition")
    order = company[PLANNER].take(draft_order(company), "issue")
    wrong = draft_slip(company, order, by=KEEPER, workshop=company.department("MC1"))
    assert "/source" in problems(company[KEEPER].take(wrong, "submit", expect=422))
    slip = company[KEEPER].take(draft_slip(company, plan, by=KEEPER, workshop=company.department("MC1")), "submit")
    assert slip["state"] == "approved"
    assert issue_slip(company, slip)["state"] == "issued"


@pytest.mark.requirement("PRD-025")
def test_nobody_approves_their_own_requisition(company, week):
    """Also where one person holds both roles."""
    company.give(DIRECTOR, "core.head", "MC1")
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    company[DIRECTOR].take(slip, "approve", expect=403)


def test_more_than_was_asked_for_is_not_issued(company, week):
    """For more, a further requisition is needed."""
    slip = company[MANAGER].take(company[DIRECTOR].take(draft_slip(company, week), "submit"), "approve")
    assert "/lines/0/qty_issued" in problems(issue_slip(company, slip, "11", expect=422))


def test_a_requisition_sent_back_is_mended_by_its_author(company, week):
    """With the reason in the trail."""
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    slip = company[MANAGER].take(slip, "send_back", reason="Which size?")
    slip = company[DIRECTOR].change(company[DIRECTOR].read(slip), purpose="DN50")
    assert company[DIRECTOR].take(slip, "submit")["state"] == "submitted"


def test_a_wrong_requisition_is_voided_by_the_warehouse_supervisor(company, week):
    """It keeps its number and the reason; the storekeeper may not."""
    slip = company[MANAGER].take(company[DIRECTOR].take(draft_slip(company, week), "submit"), "approve")
    company[KEEPER].void(slip, "Wrong", expect=403)
    voided = company[WAREHOUSE_SUPERVISOR].void(slip, "Written twice")
    assert (voided["state"], voided["number"]) == ("void", slip["number"])


def test_another_workshop_does_not_see_the_requisition(company, week):
    """What one may not read does not exist."""
    slip = company[DIRECTOR].take(draft_slip(company, week), "submit")
    company[OTHER_DIRECTOR].read(slip, expect=404)
