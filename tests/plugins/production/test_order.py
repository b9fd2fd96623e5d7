"""The production order: who issues it in each company, and what it tells the workshops."""

import pytest

from tests.plugins.chain import (
    DIRECTOR,
    KEEPER,
    MANAGER,
    ORDER,
    OTHER_DIRECTOR,
    PLANNER,
    PLANT_DIRECTOR,
    SLIP,
    WAREHOUSE_SUPERVISOR,
    draft_order,
    issue_slip,
)
from tests.plugins.company import problems

ISSUER = "production.order.issuer"


@pytest.mark.requirement("PRD-018")
def test_an_order_for_two_workshops_is_on_both_lists(company):
    """And not on that of a third."""
    order = company[PLANNER].take(draft_order(company), "issue")
    assert order["number"].startswith("PO-202611-")
    for director, found in ((DIRECTOR, [order["id"]]), (OTHER_DIRECTOR, [order["id"]]), ("yangli", [])):
        assert [one["id"] for one in company[director].list(ORDER)] == found


@pytest.mark.requirement("PRD-018")
def test_the_quantities_of_the_workshops_add_up_to_the_order(company):
    """60 and 30 are not 100."""
    order = draft_order(company, shares=(("MC1", "60"), ("MC2", "30")))
    assert "/workshops/0/qty" in problems(company[PLANNER].take(order, "issue", expect=422))


@pytest.mark.requirement("PRD-018")
def test_processes_one_after_the_other_each_make_it_all(company):
    """Turning 100 and then assembling 100 is an order for 100."""
    shops = [{"workshop": company.department("MC1"), "qty": "100", "process": "Turning"}, {"workshop": company.department("ASM1"), "qty": "100", "process": "Assembly"}]
    assert company[PLANNER].take(draft_order(company, workshops=shops), "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-018")
@pytest.mark.parametrize(("choice", "issuer"), [("plant_director", PLANT_DIRECTOR), ("production", PLANNER), ("warehouse_supervisor", WAREHOUSE_SUPERVISOR)])
def test_the_site_decides_who_issues_orders(company, choice, issuer):
    """Whoever it is, the others may not even draw one up."""
    company.choose(ISSUER, choice)
    for nobody in {PLANT_DIRECTOR, PLANNER, WAREHOUSE_SUPERVISOR, DIRECTOR} - {issuer}:
        company[nobody].create(ORDER, expect=403, qty="1")
    assert company[issuer].take(draft_order(company, by=issuer), "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-018")
def test_a_company_without_orders_makes_none(company):
    """There the workshops work from the monthly and weekly plans."""
    company.choose(ISSUER, "none")
    for nobody in (PLANT_DIRECTOR, PLANNER, WAREHOUSE_SUPERVISOR):
        company[nobody].create(ORDER, expect=403, qty="1")


def test_materials_issued_for_an_order_are_marked_as_drawn(company):
    """What the storekeeper hands out stands on the order; the next requisition asks for the rest."""
    order = company[PLANNER].take(draft_order(company), "issue")
    slip = company[DIRECTOR].create(SLIP, origin=order, opens="requisition")
    assert [line["qty_requested"] for line in slip["lines"]] == ["100", "50"]
    slip = company[DIRECTOR].take(slip, "submit")
    slip = company[MANAGER].take(slip, "approve")
    slip = company[KEEPER].read(slip)
    rows = [{"id": line["id"], "qty_issued": quantity} for line, quantity in zip(slip["lines"], ("80", "50"), strict=True)]
    company[KEEPER].take(company[KEEPER].change(slip, lines=rows), "issue")
    drawn = [(line["qty_drawn"], line["is_drawn"]) for line in company[PLANNER].read(order)["materials"]]
    assert drawn == [("80", False), ("50", True)]
    rest = company[DIRECTOR].create(SLIP, origin=company[DIRECTOR].read(order), opens="requisition")
    assert [line["qty_requested"] for line in rest["lines"]] == ["20"]


def test_an_order_with_a_requisition_keeps_its_signature(company):
    """What an effect writes is not what was signed."""
    order = company[PLANNER].take(draft_order(company), "issue")
    slip = company[MANAGER].take(company[DIRECTOR].take(company[DIRECTOR].create(SLIP, origin=order, opens="requisition"), "submit"), "approve")
    issue_slip(company, slip)
    signed = company[PLANNER].get(f"/records/{ORDER}/{order['id']}/signatures")["items"]
    assert [(one["step"], one["standing"]) for one in signed] == [("issue", "valid")]
