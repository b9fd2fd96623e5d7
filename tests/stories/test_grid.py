"""The line grid in a real browser: keyboard, paste from Excel, autosave, and what never happens."""

import re
from datetime import date

import pytest

pytestmark = pytest.mark.timeout(120)

PLAN = "/production/monthly_plan"


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


@pytest.fixture
def items(people):
    """Forty products that can be planned."""
    with people.work_as("master_data.item_keeper") as work:
        return [make_item(work, number) for number in range(1, 41)]


def make_item(work, number):
    """One product in the register."""
    kinds = work.registry.type("master_data.item").fields
    values = {"code": f"HY-{number:04d}", "name": f"阀体 {number}", "unit": first_option(work, kinds["unit"]) if "unit" in kinds else None}
    values |= {name: first_option(work, kind) for name, kind in kinds.items() if kind.required and name not in values}
    return work.create("master_data.item", {name: value for name, value in values.items() if name in kinds and value is not None}).number


def first_option(work, kind):
    """Any value that a field takes."""
    if kind.kind == "choice":
        return next(iter(kind.choices(work.reading())))
    return "x" if kind.kind == "text" else None


@pytest.fixture
def new_plan(page, people, items):
    """The form of a new plan, open in the browser of the planner."""
    people.enter(page, "production.planner")
    page.goto(f"{PLAN}/new")
    page.wait_for_selector("[data-undo]:not([hidden])")
    return page


def cell(page, row, column):
    """The input in a row of the grid, counted from one."""
    return page.locator(f"[data-grid=lines] tbody tr:nth-child({row}) td[data-column={column}] .ce")


def put_on_clipboard(page, text):
    """Paste as Excel does, into what has the focus."""
    page.evaluate("""text => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
    }""", text)


def rows(page):
    """How many rows the grid has."""
    return page.locator("[data-grid=lines] tbody tr").count()


def test_enter_goes_down_and_never_sends(new_plan):
    """A scanner's Enter adds the next row; the form stays where it is."""
    cell(new_plan, 1, "product").click()
    for number in range(1, 4):
        new_plan.keyboard.type(f"HY-{number:04d}", delay=1)
        new_plan.keyboard.press("Enter")
    assert [cell(new_plan, n, "product").input_value()[:7] for n in (1, 2, 3)] == ["HY-0001", "HY-0002", "HY-0003"]
    assert rows(new_plan) == 4
    new_plan.locator("#f-basis").click()
    assert new_plan.url.endswith(f"{PLAN}/new")


def test_enter_in_a_field_of_the_head_never_sends(new_plan):
    """It goes on to the next field instead."""
    new_plan.locator("#f-plan_month").focus()
    new_plan.keyboard.press("Enter")
    new_plan.wait_for_timeout(200)
    assert new_plan.url.endswith(f"{PLAN}/new")
    assert new_plan.evaluate("document.activeElement.id") != "f-plan_month"


def test_tab_skips_grey_cells_and_the_last_cell_adds_a_row(new_plan):
    """From the product to the stock figure, which is the next that can be written."""
    cell(new_plan, 1, "product").click()
    new_plan.keyboard.type("HY-0001")
    new_plan.keyboard.press("Tab")
    assert new_plan.evaluate("document.activeElement.closest('td').dataset.column") == "stock_qty"
    cell(new_plan, 1, "risks").click()
    new_plan.keyboard.press("Tab")
    assert rows(new_plan) == 2
    assert new_plan.evaluate("document.activeElement.closest('td').dataset.column") == "product"


def test_tab_leaves_an_empty_last_row(new_plan):
    """The keyboard is never caught in the grid."""
    cell(new_plan, 1, "risks").click()
    new_plan.keyboard.press("Tab")
    assert rows(new_plan) == 1
    assert new_plan.evaluate("!document.activeElement.matches('.ce')")


def test_arrows_move_and_f2_edits(new_plan):
    """Arrows belong to the sheet until a cell is being edited; Esc restores what stood there."""
    cell(new_plan, 1, "planned_qty").click()
    new_plan.keyboard.type("120")
    new_plan.keyboard.press("Enter")
    new_plan.keyboard.press("ArrowUp")
    assert new_plan.evaluate("document.activeElement.value") == "120"
    new_plan.keyboard.press("ArrowLeft")
    assert new_plan.evaluate("document.activeElement.closest('td').dataset.column") == "source_order"
    new_plan.keyboard.press("ArrowRight")
    new_plan.keyboard.press("F2")
    new_plan.keyboard.press("ArrowLeft")
    new_plan.keyboard.type("5")
    assert cell(new_plan, 1, "planned_qty").input_value() == "1250"
    new_plan.keyboard.press("Escape")
    assert cell(new_plan, 1, "planned_qty").input_value() == "120"


def test_fill_down_and_undo(new_plan):
    """Ctrl D takes the value from above, over a marked stretch as well; Ctrl Z takes it back."""
    cell(new_plan, 1, "planned_qty").click()
    put_on_clipboard(new_plan, "120\n\n\n")
    for _more in range(3):
        new_plan.keyboard.press("Control+Enter")
    assert rows(new_plan) == 4
    cell(new_plan, 1, "planned_qty").click()
    for _down in range(3):
        new_plan.keyboard.press("Shift+ArrowDown")
    new_plan.keyboard.press("Control+d")
    assert [cell(new_plan, n, "planned_qty").input_value() for n in (1, 2, 3, 4)] == ["120"] * 4
    new_plan.keyboard.press("Control+z")
    assert [cell(new_plan, n, "planned_qty").input_value() for n in (1, 2, 3, 4)] == ["120", "", "", ""]


def test_a_row_taken_out_comes_back(new_plan):
    """Ctrl Delete, and Ctrl Z."""
    cell(new_plan, 1, "planned_qty").click()
    new_plan.keyboard.type("7")
    new_plan.keyboard.press("Control+Enter")
    cell(new_plan, 1, "planned_qty").click()
    new_plan.keyboard.press("Control+Delete")
    assert rows(new_plan) == 1
    new_plan.keyboard.press("Control+z")
    assert rows(new_plan) == 2
    assert cell(new_plan, 1, "planned_qty").input_value() == "7"


def forty(items, wrong=()):
    """Forty lines as Excel puts them on the clipboard, by the names of the columns."""
    lines = ["产品\t计划数量\t交期\t生产车间\t备注栏"]
    for number, code in enumerate(items, 1):
        quantity = "12OO" if number in wrong else str(number * 10)
        lines.append(f"{code}\t{quantity}\t2026-12-{number % 28 + 1:02d}\t一部\t没有这一列")
    return "\r\n".join(lines) + "\r\n"


def test_forty_lines_from_excel_by_column_names(new_plan, items):
    """Codes become products, a wrong figure is marked and kept, a column that does not exist is said and not dropped silently."""
    cell(new_plan, 1, "product").click()
    put_on_clipboard(new_plan, forty(items, wrong={4}))
    report = new_plan.locator("[data-report]")
    report.wait_for(state="visible")
    assert report.inner_text() == "粘贴 40 行，1 格有错，1 列没有带入"
    assert rows(new_plan) == 40
    assert cell(new_plan, 40, "product").input_value() == "HY-0040 阀体 40"
    assert cell(new_plan, 4, "planned_qty").input_value() == "12OO"
    assert cell(new_plan, 4, "planned_qty").get_attribute("aria-invalid") == "true"
    cell(new_plan, 4, "planned_qty").click()
    assert "含字母 O" in new_plan.locator("[data-tip]").inner_text()
    report.click()
    assert "没有这一列" in new_plan.locator("dialog[data-compare]").inner_text()
    new_plan.locator("dialog[data-compare] [data-close]").click()
    cell(new_plan, 4, "planned_qty").fill("1200")
    new_plan.locator("#f-basis").fill("产销会纪要")
    new_plan.keyboard.press("Control+s")
    new_plan.wait_for_url(re.compile(rf"{PLAN}/\d+$"))
    assert new_plan.locator(".tb.gl").first.locator("tbody tr").count() == 40


def test_a_refused_form_keeps_what_was_typed(new_plan, items):
    """The summary takes the focus, leads to the cell, and the cell still holds the letter."""
    cell(new_plan, 1, "product").click()
    put_on_clipboard(new_plan, forty(items[:5], wrong={4}))
    new_plan.locator("[data-report]").wait_for(state="visible")
    new_plan.locator("button[value=save]").click()
    summary = new_plan.locator("#problems")
    summary.wait_for()
    assert new_plan.title().startswith("错误：")
    assert new_plan.evaluate("document.activeElement.id") == "problems"
    assert summary.get_attribute("role") == "alert"
    assert "第 4 行" in summary.inner_text() and "含字母 O" in summary.inner_text()
    assert cell(new_plan, 4, "planned_qty").input_value() == "12OO"
    assert cell(new_plan, 3, "planned_qty").input_value() == "30"
    summary.locator("a").first.click()
    assert new_plan.evaluate("document.activeElement.value") == "12OO"


def test_unsent_input_survives_a_killed_browser(new_plan, items, chromium, live_url, people):
    """Two seconds after the last key it is on the server; another computer goes on with it."""
    cell(new_plan, 1, "product").click()
    put_on_clipboard(new_plan, forty(items[:3]))
    new_plan.locator("[data-report]").wait_for(state="visible")
    new_plan.locator("#f-basis").fill("写到一半")
    new_plan.locator("[data-autosave]", has_text="已自动保存").wait_for(timeout=6000)
    new_plan.context.close()
    context = chromium.new_context(base_url=live_url, locale="zh-CN")
    other = context.new_page()
    people.enter(other, "production.planner")
    other.goto(f"{PLAN}/new")
    assert "已恢复到这里" in other.locator("#main").inner_text()
    assert other.locator("#f-basis").input_value() == "写到一半"
    assert cell(other, 3, "product").input_value() == "HY-0003 阀体 3"
    other.locator("button[value=fresh]").click()
    other.wait_for_selector("[data-undo]:not([hidden])")
    assert other.locator("#f-basis").input_value() == ""
    context.close()


def test_who_saves_second_sees_both_versions(page, people, items):
    """What was typed is kept; where both changed the same, they choose; nothing is lost."""
    with people.work_as("production.planner") as work:
        plan = work.create("production.monthly_plan", {"plan_month": date(2026, 12, 1), "basis": "第一稿", "goals": "目标"})
    people.enter(page, "production.planner")
    page.goto(f"{PLAN}/{plan.id}/edit")
    page.locator("#f-basis").fill("我写的")
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", plan.id), basis="别人写的", goals="新目标")
    page.locator("button[value=save]").click()
    page.locator(".cf").wait_for()
    text = page.locator("#main").inner_text()
    assert "第一稿" in text and "别人写的" in text and "我写的" in text
    assert page.locator("[name='_keep.basis'][value=mine]").is_checked()
    assert page.locator("[name='_keep.goals'][value=theirs]").is_checked()
    page.locator("button[value=merge]").click()
    page.wait_for_selector("#edit-form")
    assert page.locator("#f-basis").input_value() == "我写的"
    assert page.locator("#f-goals").input_value() == "新目标"
    page.locator("button[value=save]").click()
    page.wait_for_url(re.compile(rf"{PLAN}/\d+$"))
    with people.work_as("production.planner", reading=True) as work:
        saved = work.get("production.monthly_plan", plan.id)
    assert (saved.basis, saved.goals) == ("我写的", "新目标")


def test_a_step_is_asked_in_a_dialog(page, people, items):
    """A wrong password is said in the dialog; the right one signs and the page shows the next state."""
    workshop = people.department("DEPT1")
    with people.work_as("production.planner") as work:
        (item,) = work.find("master_data.item", code="HY-0001")
        plan = work.create("production.monthly_plan", {
            "plan_month": date(2026, 12, 1), "basis": "产销会", "distribution": (workshop,),
            "lines": [{"product": item.id, "planned_qty": 5, "due_date": date(2026, 12, 20), "workshop": workshop}],
        })
        work.fire(plan, "submit")
    people.enter(page, "production.deputy_gm")
    page.goto(f"{PLAN}/{plan.id}")
    page.locator("a.btn-p[data-dialog]").click()
    dialog = page.locator("dialog[data-step-dialog]")
    dialog.locator("[name=_password]").fill("not this")
    dialog.locator("button.btn-p").click()
    dialog.locator("[role=alert]:not([hidden])").wait_for()
    assert page.url.endswith(str(plan.id))
    from tests.company import PASSWORD

    dialog.locator("[name=_password]").fill(PASSWORD)
    dialog.locator("button.btn-p").click()
    page.locator(".st", has_text="已批准").first.wait_for()
    assert "有效" in page.locator("ul.sg").inner_text()
