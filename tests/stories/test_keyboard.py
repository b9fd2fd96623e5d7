"""What a keyboard meets: nothing is taken in passing, a dialog begins where one types, Enter signs from a password."""

from datetime import date
from decimal import Decimal

import pytest

from core import people as directory
from tests.company import PASSWORD

FOCUSED = "document.activeElement.name || document.activeElement.innerText || document.activeElement.id"


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


def test_tab_leaves_a_long_choice_as_it_was(page, people, site):
    """What is typed is taken with Tab; where nothing was typed, nothing is."""
    with site.work(via="cli") as work:
        for at in range(8):
            directory.add_department(work.connection, work.origin, code=f"W{at}", name=f"车间 {at}", parent_id=people.department("DEPT1"))
    people.enter(page, "production.planner")
    page.goto("/production/monthly_plan/new")
    control = page.locator("#f-distribution-ts-control")
    chosen = "[...document.querySelectorAll('select[name=distribution] option:checked')].map((one) => one.innerText)"
    before = page.evaluate(chosen)
    control.focus()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "basis" and page.evaluate(chosen) == before
    control.focus()
    page.keyboard.insert_text("车间 3")
    page.wait_for_timeout(300)
    page.keyboard.press("Tab")
    assert page.evaluate(chosen) == [*before, "车间 3"]


def test_a_step_is_taken_by_keyboard(page, people):
    """The dialog of a step without questions begins at its button, the one that asks for a password at the password."""
    with people.work_as("master_data.item_keeper") as work:
        item = work.create("master_data.item", {"code": "HY-1", "name": "阀体", "kind": "product", "unit": "件"})
    seat = people.department("DEPT1")
    with people.work_as("production.planner") as work:
        line = {"product": item.id, "planned_qty": Decimal(5), "due_date": date(2026, 12, 5), "workshop": seat}
        values = {"plan_month": date(2026, 12, 1), "basis": "订单", "distribution": (seat,), "lines": [line]}
        plan = work.create("production.monthly_plan", values)
    path = f"/production/monthly_plan/{plan.id}"
    people.enter(page, "production.planner")
    page.goto(path)
    page.get_by_role("link", name="提交批准").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.type") == "submit"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.context.clear_cookies()
    people.enter(page, "production.deputy_gm")
    page.goto(path)
    page.get_by_role("link", name="批准", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate(FOCUSED) == "_password"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog [role=alert]:focus")
    page.locator("[name=_password]").focus()
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    with people.work_as("production.planner", reading=True) as work:
        assert work.get("production.monthly_plan", plan.id).state == "approved"
