"""The pages of the house in a real browser: sign-in, inbox, list, import, report, one's own account, errors, on desk and phone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.company import PASSWORD
from tests.stories import looks

LANGUAGES = ("zh_CN", "zh_TW", "en")


@pytest.fixture
def plugins():
    return ("production",)


@pytest.fixture
def filled(people):
    """Items, three plans in different states, and an order in progress."""
    with people.work_as("master_data.item_keeper") as work:
        ids = [
            work.create("master_data.item", {"code": f"V-{n:02d}", "name": f"浮动球阀 DN{n + 15}", "kind": "product", "unit": "件", "specification": "PN16，法兰连接，WCB"}).id
            for n in range(40)
        ]
    home = people.department("DEPT1")
    for month in (11, 12):
        with people.work_as("production.planner") as work:
            plan = work.create("production.monthly_plan", {
                "plan_month": date(2026, month, 1), "basis": "产销会纪要、在手订单", "distribution": (home,),
                "lines": [{"product": id, "planned_qty": Decimal(1200 + 5 * n), "due_date": date(2026, month, 20), "workshop": home} for n, id in enumerate(ids[:6])],
            })
            if month == 12:
                work.fire(plan, "submit")
    return ids


def open_as(page, people, who: str, path: str, language: str = "zh_CN") -> list[str]:
    people.enter(page, who)
    if language != "zh_CN":
        page.goto("/me")
        page.check(f"input[name=language][value={language}]")
        page.locator("form[action='/me/language'] .btn").click()
        page.wait_for_load_state()
    said = looks.watch(page)
    page.goto(path)
    return said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("who", "path"), [
    ("production.deputy_gm", "/"), ("production.planner", "/"), ("master_data.item_keeper", "/master_data/item"), ("production.planner", "/production/monthly_plan?view=all"),
    ("production.planner", "/production/order"), ("master_data.item_keeper", "/master_data/item/import"), ("production.planner", "/production/reports/completion?month=2026-11"),
    ("production.planner", "/me"), ("production.planner", "/scan?code=nothing"),
])
def test_a_page_keeps_the_measures(page, people, filled, who, path, language) -> None:
    """Frame, tokens, one primary button, nothing cut, accessible; the same on a phone without sideways scrolling."""
    said = open_as(page, people, who, path, language)
    looks.assert_frame(page)
    looks.assert_desk(page)
    looks.assert_phone(page)
    assert said == []


def test_the_inbox_has_the_parts_of_the_mock_up(page, people, filled) -> None:
    """Four figures, groups, rows of 52 and a rail of 340."""
    open_as(page, people, "production.deputy_gm", "/")
    assert page.locator(".stat").count() == 4
    looks.assert_about(looks.width(page, ".rail"), 340, "rail")
    looks.assert_about(looks.height(page, ".it.row"), 52, "row")
    looks.assert_about(looks.height(page, ".gh"), 36, "group head")
    looks.assert_about(looks.height(page, ".yk-side a"), 30, "menu entry")


def test_the_list_has_the_parts_of_the_mock_up(page, people, filled) -> None:
    """Tabs of 36, chips of 28, a head of 34 and rows of 36; the order is written out; paging below."""
    open_as(page, people, "master_data.item_keeper", "/master_data/item?limit=25")
    looks.assert_about(looks.height(page, ".tabs a"), 36, "tab")
    looks.assert_about(looks.height(page, ".chip"), 28, "chip")
    looks.assert_about(looks.height(page, ".srch .in"), 28, "search")
    looks.assert_about(looks.height(page, ".tb th"), 34, "head")
    looks.assert_about(looks.height(page, ".tb tbody tr"), 36, "row")
    looks.assert_about(looks.height(page, ".st"), 22, "badge")
    assert page.get_by_text("按编号，从小到大").first.is_visible()
    page.evaluate("window.kept = true")
    page.get_by_role("link", name="下一页").click()
    expect(page.locator(".tb tbody tr")).to_have_count(15)
    page.get_by_role("link", name="上一页").click()
    expect(page.locator(".tb tbody tr")).to_have_count(25)
    assert page.evaluate("window.kept"), "only the list is fetched anew"
    page.locator(".tb tbody a").first.click()
    page.wait_for_url("**/master_data/item/*")
    page.go_back()
    page.wait_for_selector(".tb tbody tr")


def test_columns_and_filters_work_by_mouse(page, people, filled) -> None:
    """A menu closes when something else is touched; the chosen columns stay."""
    open_as(page, people, "master_data.item_keeper", "/master_data/item")
    page.locator("summary", has_text="列").click()
    page.get_by_label("图号").check()
    page.get_by_role("button", name="显示这些列").click()
    assert page.locator(".tb th", has_text="图号").is_visible()
    page.locator("summary", has_text="类别").click()
    page.locator("summary", has_text="型号").click()
    assert page.locator("details.menu[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    page.locator("summary", has_text="类别").click()
    page.select_option("select[name='filter[kind]']", label="产品")
    page.wait_for_url("**filter*")
    assert page.locator(".chip.on").inner_text().startswith("类别：产品")


def test_the_phone_has_five_tabs_and_cards(page, people, filled) -> None:
    """The side bar is gone; rows are cards; the sheets of the tabs open from below."""
    page.set_viewport_size(looks.PHONE)
    open_as(page, people, "production.planner", "/production/monthly_plan?view=all")
    assert not page.locator(".yk-side").is_visible() and page.locator(".tabbar > *").count() == 5
    looks.assert_about(looks.height(page, ".tabbar"), 60, "tab bar")
    assert page.locator(".card-row").count() == 2 and not page.locator(".tb").is_visible()
    page.locator(".tabbar summary", has_text="新建").click()
    page.locator(".tabbar .pop a", has_text="月生产计划").last.click()
    page.wait_for_url("**/production/monthly_plan/new")


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere"])
def test_a_page_for_visitors_keeps_the_measures(page, path) -> None:
    """Large fields and one button, in the middle of nothing else."""
    page.goto(path)
    looks.assert_desk(page)
    looks.assert_phone(page)


def test_a_refusal_says_who_could(page, people) -> None:
    """The page keeps its frame."""
    open_as(page, people, "production.planner", "/admin")
    looks.assert_frame(page)
    looks.assert_desk(page)
    looks.assert_phone(page)


def test_signing_in_with_the_keyboard_alone(page, people) -> None:
    """The first field has the focus; a wrong password keeps the name and moves to the password."""
    page.goto("/sign-in")
    page.keyboard.type("production.planner")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("#username") == "production.planner"
    assert page.evaluate("document.activeElement.id") == "password"
    looks.assert_accessible(page)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_everything_needed_works_without_script(chromium, live_url, people, filled) -> None:
    """Menus, filters, columns, paging, language and signing out."""
    context = chromium.new_context(base_url=live_url, java_script_enabled=False, viewport=looks.DESK)
    page = context.new_page()
    people.enter(page, "master_data.item_keeper")
    page.goto("/master_data/item")
    page.locator("summary", has_text="类别").click()
    page.select_option("select[name='filter[kind]']", label="产品")
    page.locator("details[open] .btn").click()
    assert page.locator(".chip.on").count() == 1
    page.locator("summary.me").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/sign-in")
    context.close()


def test_a_workbook_goes_in_through_the_page(page, people, filled, tmp_path) -> None:
    """Tried, marked, imported."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in (("编码", "名称", "类别", "计量单位"), ("N-1", "新阀", "产品", "件"), ("N-2", "", "产品", "件")):
        book.active.append(row)
    book.save(tmp_path / "items.xlsx")
    open_as(page, people, "master_data.item_keeper", "/master_data/item/import")
    page.set_input_files("#file", str(tmp_path / "items.xlsx"))
    page.get_by_role("button", name="先试读，不导入").click()
    page.wait_for_selector("#answer")
    looks.assert_desk(page)
    looks.assert_phone(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="下载标出错误的工作簿").click()
    download.value.save_as(tmp_path / "marked.xlsx")
    assert openpyxl.load_workbook(tmp_path / "marked.xlsx").active.cell(3, 5).value
    page.get_by_role("button", name="导入 1 行").click()
    page.wait_for_selector("text=已导入，要改的除外")
