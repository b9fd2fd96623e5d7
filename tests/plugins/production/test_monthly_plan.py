"""The monthly plan: what it shows, its life, and who approves it in each company."""

import pytest

from tests.plugins.chain import (
    APPROVER,
    DIRECTOR,
    MANAGER,
    PLAN,
    PLANNER,
    PLANT_DIRECTOR,
    WEEK,
    draft_plan,
    draft_slip,
    draft_week,
    issued_plan,
    plan_line,
    submitted_plan,
)
from tests.plugins.company import problems

APPROVERS = "production.month_plan.approver"


@pytest.mark.requirement("PRD-003")
def test_each_line_shows_stock_and_capacity(company):
    """Stock is what the planner typed, and says so; capacity is the workshop's, with the hours that the line takes."""
    line = draft_plan(company)["lines"][0]
    assert (line["stock_qty"], line["stock_source"]) == ("7", "typed")
    assert (line["workshop_capacity"], line["hours"]) == ("100", "50")
    assert line["model_spec"] == "TV-50 PN16"


@pytest.mark.requirement("PRD-003")
def test_a_new_plan_lists_the_units_it_will_be_issued_to(company):
    """Purchasing, the workshops and the warehouse, unless the planner chooses otherwise."""
    plan = draft_plan(company)
    codes = {plan["names"][one]["number"] for one in plan["distribution"]}
    assert codes == {"PUR", "WH", "MC1", "MC2", "WELD", "ASM1", "ASM2"}
    assert plan["plan_month"] == "2026-12"


@pytest.mark.requirement("PRD-003")
def test_a_workshop_over_its_capacity_is_shown_and_does_not_stop_the_plan(company):
    """300 pieces at half an hour are 150 h of the 100 h of the workshop."""
    plan = draft_plan(company, lines=[plan_line(company, quantity="300"), plan_line(company, item="V-80", workshop="MC2", quantity="20")])
    loads = {plan["names"][one["workshop"]]["number"]: one["rate"] for one in plan["load"]}
    assert loads == {"MC1": "150", "MC2": "10"}
    plan = company[PLANNER].take(plan, "submit")
    assert plan["state"] == "submitted"
    told = company[PLANNER].get(f"/records/{PLAN}/{plan['id']}/history")["items"][0]["cause"]["passed"]
    assert [(one["where"], one["level"]) for one in told] == [("/lines/0/workshop", "warns")]


@pytest.mark.requirement("PRD-003")
def test_a_plan_keeps_factors_risks_and_responsible_people(company):
    """Manpower, goals, risks with countermeasures, and who answers for a line."""
    line = plan_line(company, responsible=company.user(DIRECTOR), risks="Castings late")
    plan = company[PLANNER].create(PLAN, plan_month="2026-12", basis="Orders", resources_and_manpower="All on duty", goals="98.5 % at first go",
                                   risks_and_countermeasures="Power cut on the 12th: night shift", lines=[line])
    assert plan["lines"][0]["responsible"] == company.user(DIRECTOR)
    assert (plan["resources_and_manpower"], plan["goals"]) == ("All on duty", "98.5 % at first go")


def test_an_empty_plan_cannot_be_submitted(company):
    """It promises nothing."""
    plan = draft_plan(company, lines=[])
    answer = company[PLANNER].take(plan, "submit", expect=422)
    assert "/lines" in problems(answer)


def test_a_due_date_far_from_the_month_is_refused(company):
    """The place is the cell."""
    plan = draft_plan(company, lines=[plan_line(company), plan_line(company, item="V-80", due="2027-03-01")])
    assert list(problems(company[PLANNER].take(plan, "submit", expect=422))) == ["/lines/1/due_date"]


def test_one_plan_a_month_and_department(company):
    """A second one for the same month is refused when it is submitted."""
    submitted_plan(company)
    assert "/plan_month" in problems(company[PLANNER].take(draft_plan(company), "submit", expect=422))


@pytest.mark.requirement("PRD-004")
def test_only_an_approved_plan_is_issued(company):
    """In the state submitted the step does not exist; after the approval it succeeds."""
    plan = submitted_plan(company)
    company[PLANNER].take(plan, "issue", expect=409)
    plan = company[APPROVER].sign(plan, "approve")
    assert company[PLANNER].take(plan, "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-004")
def test_a_plan_that_is_not_issued_has_no_children(company):
    """Neither a week nor a requisition comes from a plan that is still submitted."""
    plan = submitted_plan(company)
    answer = company[DIRECTOR].create(WEEK, expect=422, month_plan=plan["id"], week="2026-W50", workshop=company.department("MC1"))
    assert "/month_plan" in problems(answer)
    slip = draft_slip(company, plan)
    assert "/source" in problems(company[DIRECTOR].take(slip, "submit", expect=422))


@pytest.mark.requirement("PRD-004")
def test_a_plan_goes_from_draft_to_closed(company):
    """Draft, submitted, approved, issued, and closed at month end with the actuals; the number comes with the first step."""
    plan = draft_plan(company)
    assert (plan["state"], plan["number"]) == ("draft", None)
    plan = company[PLANNER].take(plan, "submit")
    assert (plan["state"], plan["number"]) == ("submitted", "MP-202612-01")
    plan = company[APPROVER].sign(plan, "approve")
    plan = company[PLANNER].take(plan, "issue")
    assert "/plan_month" in problems(company[PLANNER].take(plan, "close", expect=422))
    company.it_is("2026-12-31")
    plan = company[PLANNER].take(plan, "close")
    assert (plan["state"], plan["lines"][0]["produced_qty"]) == ("closed", "0")


@pytest.mark.requirement("PRD-004")
def test_a_plan_sent_back_comes_again_with_its_number(company):
    """The reason is asked; the planner mends and submits again."""
    plan = submitted_plan(company)
    company[APPROVER].take(plan, "send_back", expect=422)
    plan = company[APPROVER].take(plan, "send_back", reason="Too much for MC1")
    assert plan["state"] == "draft"
    plan = company[PLANNER].change(company[PLANNER].read(plan), goals="99 %")
    assert company[PLANNER].take(plan, "submit")["number"] == "MP-202612-01"


@pytest.mark.requirement("PRD-004")
def test_an_issued_plan_cannot_be_changed(company):
    """What was approved stands."""
    company[PLANNER].change(issued_plan(company), expect=403, goals="Other goals")


@pytest.mark.requirement("PRD-005")
@pytest.mark.parametrize(("choice", "right", "wrong"), [("deputy_gm", APPROVER, MANAGER), ("manager", MANAGER, APPROVER)])
def test_the_site_decides_who_approves(company, choice, right, wrong):
    """Deputy general manager or production department manager: the other one is refused, and so is the planner."""
    company.choose(APPROVERS, choice)
    plan = submitted_plan(company)
    for nobody in (wrong, PLANNER):
        company[nobody].sign(plan, "approve", expect=403)
    assert company[right].sign(plan, "approve")["state"] == "approved"


@pytest.mark.requirement("PRD-005")
def test_the_approval_asks_for_the_password(company):
    """A session alone does not sign."""
    plan = submitted_plan(company)
    assert "/password" in problems(company[APPROVER].take(plan, "approve", expect=422))
    company[APPROVER].take(plan, "approve", expect=422, password="wrong")


@pytest.mark.requirement("PRD-005")
def test_the_plant_director_draws_up_the_plan_himself(company):
    """Then the planner may not, and no approval follows."""
    company.choose(APPROVERS, "plant_director")
    company[PLANNER].create(PLAN, expect=403, plan_month="2026-12")
    plan = submitted_plan(company, by=PLANT_DIRECTOR)
    assert plan["state"] == "approved"
    assert company[PLANT_DIRECTOR].take(plan, "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-005")
def test_a_plan_compiled_from_orders_needs_no_approval(company):
    """The step is passed, and the trail says by which policy."""
    company.choose(APPROVERS, "none")
    plan = submitted_plan(company)
    assert plan["state"] == "approved"
    assert [one["step"] for one in company[PLANNER].get(f"/records/{PLAN}/{plan['id']}/signatures")["items"]] == ["submit"]
    assert company[PLANNER].take(plan, "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-005")
def test_a_company_without_monthly_plans_makes_none(company):
    """There the warehouse supervisor issues production notices instead."""
    company.choose(APPROVERS, "no_plan")
    for nobody in (PLANNER, PLANT_DIRECTOR, MANAGER):
        company[nobody].create(PLAN, expect=403, plan_month="2026-12")


@pytest.mark.requirement("PRD-001", "PRD-005")
def test_another_post_approves_when_the_role_is_given_to_it(company):
    """Mapping the role anew changes who may take the step, with no change of code."""
    plan = submitted_plan(company)
    assert not company[PLANT_DIRECTOR].steps(plan)["approve"]["allowed"]
    company.give("gaowei", "production.deputy_gm")
    assert company["gaowei"].steps(plan)["approve"]["allowed"]


@pytest.mark.requirement("PRD-005")
def test_the_planner_sees_who_could_approve(company):
    """The step is not theirs; the answer names the role and its holder."""
    step = company[PLANNER].steps(submitted_plan(company))["approve"]
    assert not step["allowed"]
    assert [(one["role"], one["users"]) for one in step["who"]] == [("production.deputy_gm", ["郑国强"])]


def test_a_week_may_be_drawn_up_once_the_plan_is_in_force(company):
    """The other side of the refusal above."""
    assert draft_week(company, issued_plan(company))["state"] == "draft"
