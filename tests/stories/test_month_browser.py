"""The same month in a real browser: every person at their own page, with mouse, keyboard and password."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from werkzeug.serving import make_server

from core.app import create_app
from tests.plugins.chain import APPROVER, DIRECTOR, KEEPER, MANAGER, PLANNER, SUPERVISOR
from tests.plugins.company import Company

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

HEADINGS = ("产品", "库存情况", "订单或合同", "计划数量", "交期", "生产车间")
PLAN, WEEK, ORDER, REPORT, SLIP = ("/production/monthly_plan", "/production/weekly_plan", "/production/order", "/production/daily_report", "/stock/requisition")


class Town:
    """The company at its real address, and a window for each person."""

    def __init__(self, company: Company, chromium: Any, url: str) -> None:
        self.company = company
        self.chromium = chromium
        self.url = url
        self.windows: dict[str, Any] = {}

    def __getitem__(self, username: str) -> Any:
        """The window of somebody, signed in."""
        if username not in self.windows:
            context = self.chromium.new_context(base_url=self.url, locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.goto("/sign-in")
            page.fill("[name=username]", username)
            page.fill("[name=password]", self.company.passwords[username])
            page.press("[name=password]", "Enter")
            page.wait_for_url(re.compile(r"/$"))
            self.windows[username] = page
        return self.windows[username]

    def it_is(self, day: str) -> None:
        """Move the clock; sessions of the month before have ended, so everybody signs in again."""
        self.company.it_is(day)
        self.close()

    def close(self) -> None:
        """Close every window."""
        for page in self.windows.values():
            page.context.close()
        self.windows.clear()


@pytest.fixture
def town(company: Company, chromium: Any) -> Iterator[Town]:
    """The company, served."""
    server = make_server("127.0.0.1", 0, create_app(company.site), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found = Town(company, chromium, f"http://127.0.0.1:{server.server_port}")
    yield found
    found.close()
    server.shutdown()
    thread.join()
    server.server_close()


def enter_items(town: Town) -> None:
    """Forty valves stand in the register."""
    with town.company.site.work(via="cli") as work, work.inside():
        for one in range(40):
            work.create("master_data.item", {"code": f"Z41H-DN{10 + one}", "name": f"楔式闸阀 DN{10 + one}", "kind": "product", "unit": "件", "model": "Z41H-16C"})


def cell(page: Any, row: int, column: str) -> Any:
    """The input in a row of the grid, counted from one."""
    return page.locator(f"[data-grid=lines] tbody tr:nth-child({row}) td[data-column={column}] .ce")


def press(page: Any, label: str) -> None:
    """Press a button of the page, and wait for the answer."""
    page.get_by_role("button", name=label, exact=True).last.click()
    page.wait_for_load_state()


def take(page: Any, label: str, reason: str = "", password: str = "") -> None:
    """Take a step on a record page: its button, then the dialog."""
    page.locator(".rh-acts a.btn", has_text=label).first.click()
    dialog = page.locator("[data-step-dialog][open], main [data-step]").first
    dialog.wait_for()
    if reason:
        dialog.locator("[name=_reason]").fill(reason)
    if password:
        dialog.locator("[name=_password]").fill(password)
    with page.expect_navigation():
        dialog.locator("button[type=submit]").click()


def state(page: Any) -> str:
    """What the badge of the record says."""
    return page.locator(".rh h1 .st").inner_text().strip()


def address(page: Any) -> str:
    """The address of the record without the host."""
    return re.sub(r"^https?://[^/]+", "", page.url).partition("?")[0]


def workbook(rows: Iterable[Iterable[Any]]) -> bytes:
    """The rows as Excel saves them."""
    book, target = Workbook(), BytesIO()
    for row in rows:
        book.active.append(list(row))
    book.save(target)
    return target.getvalue()


def import_lines(page: Any, content: bytes) -> None:
    """Choose a workbook under the button; it is read at once."""
    page.locator("details.imp > summary").click()
    with page.expect_navigation():
        page.locator("[data-import]").set_input_files({"name": "十二月.xlsx", "mimeType": "application/octet-stream", "buffer": content})
    page.wait_for_selector("[data-undo]:not([hidden])")


def plan_the_month(town: Town, tmp_path: Path) -> str:
    """Forty lines come from a workbook; three come back marked, in the grid and in the workbook, are mended, and the plan is submitted."""
    page = town[PLANNER]
    page.goto(f"{PLAN}/new")
    page.wait_for_selector("[data-undo]:not([hidden])")
    page.fill("#f-basis", "在手订单、成品库存")
    rows = [(f"Z41H-DN{10 + one}", str(one), f"XS-2611-{one:03d}", "200" if one == 0 else "20", f"2026-12-{5 + one % 20:02d}", ("机加一车间", "装配一车间")[one % 2]) for one in range(40)]
    wrong = [list(row) for row in rows]
    wrong[3][3], wrong[6][4], wrong[8][5] = "12OO", "2026-13-40", "机加十车间"
    for _time in range(2):  # the second time adds nothing
        import_lines(page, workbook((HEADINGS, *wrong)))
        marked = page.locator("[role=alert]").first
        assert marked.locator("a").count() == 3, marked.inner_text()
        assert page.locator("[data-grid=lines] tbody tr").count() == 40
    assert [cell(page, row, name).get_attribute("aria-invalid") for row, name in ((4, "planned_qty"), (7, "due_date"), (9, "workshop"))] == ["true"] * 3
    assert cell(page, 4, "planned_qty").input_value() == "12OO"
    with page.expect_download() as download:
        page.locator("#imported a[download]").click()
    download.value.save_as(tmp_path / "marked.xlsx")
    sheet = load_workbook(tmp_path / "marked.xlsx").active
    assert [number for number in range(2, 42) if sheet.cell(number, len(HEADINGS) + 1).value] == [5, 8, 10]
    for row, column, text in ((4, "planned_qty", "20"), (7, "due_date", "2026-12-11"), (9, "workshop", "")):
        if column == "workshop":
            page.locator(f"[data-grid=lines] tbody tr:nth-child({row}) td[data-column=workshop] select").select_option(label="机加一车间")
        else:
            cell(page, row, column).fill(text)
    press(page, "提交批准")
    assert state(page) == "待批准"
    return address(page)


def approve_and_issue(town: Town, plan: str) -> None:
    """The planner has no button for it; the deputy general manager signs with the password; the planner issues."""
    assert town[PLANNER].locator(".rh-acts a.btn", has_text="批准").count() == 0
    page = town[APPROVER]
    page.goto("/")
    page.get_by_role("link", name="打开").first.click()
    assert address(page) == plan
    take(page, "批准", password=town.company.passwords[APPROVER])
    assert state(page) == "已批准"
    town[PLANNER].goto(plan)
    take(town[PLANNER], "发放")
    assert state(town[PLANNER]) == "执行中"


def cut_a_week(town: Town, plan: str) -> str:
    """The director opens the week from the plan, finds the shares filled in, and puts it in force."""
    page = town[DIRECTOR]
    page.goto(plan)
    page.get_by_role("link", name="周计划", exact=True).click()
    page.wait_for_selector("[data-grid=lines]")
    assert cell(page, 1, "planned_qty").input_value() == "40"
    press(page, "发放")
    assert state(page) == "执行中"
    return address(page)


def order_for_two(town: Town, plan: str) -> str:
    """The planner opens an order from the plan and shares it between two workshops."""
    page = town[PLANNER]
    page.goto(plan)
    page.get_by_role("link", name="生产指令单", exact=True).last.click()
    page.wait_for_selector("[data-grid=workshops]")
    page.fill("#f-qty", "100")
    grid = page.locator("[data-grid=workshops]")
    for row, (shop, quantity) in enumerate((("机加一车间", "60"), ("装配一车间", "40")), 1):
        line = grid.locator(f"tbody tr:nth-child({row})")
        line.locator("td[data-column=workshop] select").select_option(label=shop)
        line.locator("td[data-column=qty] .ce").fill(quantity)
        if row == 1:
            line.locator("td[data-column=qty] .ce").press("Control+Enter")
    press(page, "签发")
    assert state(page) == "生产中"
    for director in (DIRECTOR, "yangli"):
        town[director].goto(ORDER)
        assert town[director].locator("tbody tr").count() == 1
    return address(page)


def draw_in_five_ways(town: Town, plan: str, week: str) -> list[str]:
    """A requisition under each way of approving one; before its approval the storekeeper has no button."""
    found = []
    for choice, approver in (("requester", None), ("head", MANAGER), ("management", "gaowei"), ("supervisor", SUPERVISOR), ("plan", None)):
        town.company.choose("stock.requisition.approver", choice)
        drawer, origin = (KEEPER, plan) if choice == "plan" else (DIRECTOR, week)
        page = town[drawer]
        page.goto(origin)
        page.get_by_role("link", name="领料单", exact=True).last.click()
        page.wait_for_selector("[data-grid=lines]")
        cell(page, 1, "material").click()
        page.keyboard.type("M-1")
        page.keyboard.press("Tab")
        cell(page, 1, "qty_requested").fill("40")
        press(page, "提交")
        slip = address(page)
        if approver:
            town[approver].goto(slip)
            take(town[approver], "批准")
        hand_out(town[KEEPER], slip)
        found.append(slip)
    return found


def hand_out(page: Any, slip: str) -> None:
    """The storekeeper fills in what was handed out, and signs."""
    page.goto(slip)
    page.locator(".rh-acts a.btn", has_text="填写").or_(page.locator(".rh-acts a.btn", has_text="编辑")).first.click()
    page.wait_for_selector("[data-grid=lines]")
    cell(page, 1, "qty_issued").fill("40")
    cell(page, 1, "batch_no").fill("261120-01")
    press(page, "发料")
    assert state(page) == "已发料"


def report_days(town: Town, week: str) -> None:
    """Two days of December, 90 pieces of the first valve."""
    town.it_is("2026-12-31")
    for day, made in (("2026-12-02", "50"), ("2026-12-03", "40")):
        page = town[DIRECTOR]
        page.goto(f"{REPORT}/new")
        page.fill("#f-report_date", day)
        cell(page, 1, "product").click()
        page.keyboard.type("Z41H-DN10")
        page.keyboard.press("Tab")
        cell(page, 1, "qty_finished").fill(made)
        press(page, "上报")
        assert state(page) == "已上报"
        town[PLANNER].goto(address(page))
        take(town[PLANNER], "接收")


@pytest.mark.requirement("PRD-003", "PRD-004", "PRD-005", "PRD-009", "PRD-010", "PRD-011", "PRD-018", "PRD-024", "PRD-025")
def test_a_month_from_plan_to_next_plan(town, tmp_path):
    """From forty lines of a workbook to the figures beside the next plan; every form prints."""
    enter_items(town)
    plan = plan_the_month(town, tmp_path)
    approve_and_issue(town, plan)
    week = cut_a_week(town, plan)
    order = order_for_two(town, plan)
    slips = draw_in_five_ways(town, plan, week)
    report_days(town, week)
    page = town[PLANNER]
    page.goto(plan)
    page.get_by_role("link", name="下月计划", exact=True).click()
    page.wait_for_selector("[data-grid=lines]")
    first = page.locator("[data-grid=lines] tbody tr:nth-child(1)")
    shown = [first.locator(f"td[data-column={name}]").inner_text().strip() for name in ("last_planned", "last_produced", "last_difference")]
    assert shown == ["200", "90", "-110"]
    for reader, path in ((PLANNER, plan), (DIRECTOR, week), (PLANNER, order), (KEEPER, slips[0])):
        town[reader].goto(path)
        link = town[reader].get_by_role("link", name="打印").first.get_attribute("href")
        answer = town[reader].context.request.get(town.url + link)
        assert answer.status == 200 and answer.body().startswith(b"%PDF")
