"""A month at the valve maker, through the API: from the items to next month's plan, in the staff's own words."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook
from pypdf import PdfReader

from tests.plugins.chain import APPROVER, DIRECTOR, KEEPER, MANAGER, ORDER, PLAN, PLANNER, REPORT, SLIP, SUPERVISOR, WEEK, issue_slip
from tests.plugins.company import Company, path_of, problems

ITEM_KEEPER, ASSEMBLER = "songyi", "yangli"
HEADINGS = ("编码", "名称", "类别", "计量单位", "型号", "规格", "单件标准工时")


def workbook(*rows: tuple[Any, ...]) -> bytes:
    """A workbook of these rows."""
    book, out = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def items(number: int) -> list[tuple[Any, ...]]:
    """So many valves as a technical department lists them."""
    return [(f"Z41H-DN{10 + one}", f"楔式闸阀 DN{10 + one}", "产品", "件", "Z41H-16C", "PN16，法兰连接，WCB", 0.2) for one in range(number)]


def enter_items(company: Company) -> list[str]:
    """The technical department brings its forty valves from Excel: a dry run first, then in earnest, then once more for nothing."""
    keeper, content = company[ITEM_KEEPER], workbook(HEADINGS, *items(40))
    path = "/records/master_data.item/import"
    assert keeper.upload(f"{path}?dry_run=true", content)["counts"]["created"] == 40
    answer = keeper.upload(path, content)
    assert answer["counts"]["created"] == 40
    assert keeper.upload(path, content)["counts"]["unchanged"] == 40
    return [row["id"] for row in answer["items"]]


def lines(company: Company, products: list[str]) -> list[dict[str, Any]]:
    """Forty lines, half for each of two workshops, 20 pieces each and one of 200."""
    shops = (company.department("MC1"), company.department("ASM1"))
    return [
        {"product": product, "planned_qty": "200" if row == 0 else "20", "workshop": shops[row % 2], "due_date": f"2026-12-{5 + row % 20:02d}",
         "stock_qty": str(row), "source_order": f"XS-2611-{row:03d}"}
        for row, product in enumerate(products)
    ]


def fill_from_workbook(company: Company, plan: dict[str, Any], right: list[dict[str, Any]]) -> dict[str, Any]:
    """The forty rows as a workbook: three bad ones are told by their number in Excel and keep all out; mended, they come in once."""
    planner, names = company[PLANNER], ("stock_qty", "source_order", "planned_qty", "due_date", "workshop")
    shops = {company.department("MC1"): "机加一车间", company.department("ASM1"): "装配一车间"}
    rows = [[f"Z41H-DN{10 + number}", *(shops.get(line[name], line[name]) for name in names)] for number, line in enumerate(right)]
    wrong = [list(row) for row in rows]
    wrong[3][3], wrong[6][4], wrong[8][5] = "12OO", "2026-12-32", "机加十车间"
    path, head = f"{path_of(plan)}/lines/lines/import", ("product", *names)
    tried = planner.upload(f"{path}?dry_run=true", workbook(head, *wrong))
    assert [one["row"] for one in tried["items"] if one["status"] == "refused"] == [5, 8, 10]
    refused = planner.upload(path, workbook(head, *wrong), expect=422, If_Match='"1"')
    assert list(problems(refused)) == ["/rows/5/planned_qty", "/rows/8/due_date", "/rows/10/workshop"]
    assert planner.upload(path, workbook(head, *rows), If_Match='"1"')["counts"]["created"] == 40
    assert planner.upload(path, workbook(head, *rows), If_Match='"2"')["counts"]["unchanged"] == 40
    return planner.read(plan)


def plan_the_month(company: Company, products: list[str]) -> dict[str, Any]:
    """Three rows are wrong and come back marked; mended, the plan goes its way."""
    planner, right = company[PLANNER], lines(company, products)
    wrong = [dict(line) for line in right]
    wrong[3]["planned_qty"], wrong[6]["due_date"], wrong[8]["workshop"] = "12OO", "2026-12-32", "机加"
    answer = planner.create(PLAN, expect=422, plan_month="2026-12", basis="在手订单", lines=wrong)
    assert {one.split("/")[2] for one in problems(answer)} == {"3", "6", "8"}
    plan = fill_from_workbook(company, planner.create(PLAN, plan_month="2026-12", basis="在手订单"), right)
    plan = planner.take(plan, "submit")
    planner.sign(plan, "approve", expect=403)
    plan = company[APPROVER].sign(plan, "approve")
    return planner.take(plan, "issue")


def cut_weeks(company: Company, plan: dict[str, Any]) -> dict[str, Any]:
    """Each director derives the first week of their own workshop."""
    weeks = {}
    for director in (DIRECTOR, ASSEMBLER):
        week = company[director].create(WEEK, origin=plan, opens="weekly_plan")
        assert len(week["lines"]) == 20
        weeks[director] = company[director].take(week, "issue")
    return weeks[DIRECTOR]


def order_and_draw(company: Company, plan: dict[str, Any], week: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order for two workshops, and a requisition under each of the five ways of approving one."""
    planner = company[PLANNER]
    shops = [{"workshop": company.department("MC1"), "qty": "120"}, {"workshop": company.department("ASM1"), "qty": "80"}]
    materials = [{"material": company.item("M-1"), "qty_needed": "200"}]
    order = planner.create(ORDER, origin=plan, opens="order", workshops=shops, materials=materials)
    order = planner.take(order, "issue")
    slip = {}
    for choice, approver in (("requester", None), ("head", MANAGER), ("management", "gaowei"), ("supervisor", SUPERVISOR), ("plan", None)):
        company.choose("stock.requisition.approver", choice)
        drawer, origin = (KEEPER, plan) if choice == "plan" else (DIRECTOR, order if choice == "head" else week)
        asked = {"lines": [{"material": company.item("M-1"), "qty_requested": "40"}], "workshop": company.department("MC1")}
        slip[choice] = company[drawer].take(company[drawer].create(SLIP, origin=origin, opens="requisition", **asked), "submit")
        if approver:
            company[KEEPER].take(slip[choice], "issue", expect=409)
            slip[choice] = company[approver].take(slip[choice], "approve")
        assert issue_slip(company, slip[choice], "40")["state"] == "issued"
    assert company[PLANNER].read(order)["materials"][0]["qty_drawn"] == "40"
    return order, slip["head"]


def report_days(company: Company, products: list[str]) -> dict[str, Any]:
    """Three days of the month: 50, 60 and 40 pieces of the first valve."""
    company.it_is("2026-12-31")
    report = {}
    for day, made in (("2026-12-02", "50"), ("2026-12-03", "60"), ("2026-12-28", "40")):
        line = {"product": products[0], "qty_finished": made, "process": "装配"}
        report = company[DIRECTOR].take(company[DIRECTOR].create(REPORT, report_date=day, lines=[line]), "submit")
        report = company[PLANNER].take(report, "receive")
    return report


def text_of(company: Company, record: dict[str, Any], form: str) -> str:
    """What a print says."""
    pdf = company[PLANNER if record["type"] != SLIP else KEEPER].call("GET", f"{path_of(record)}/prints/{form}")
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages))


@pytest.mark.both_engines
@pytest.mark.requirement("PRD-003", "PRD-004", "PRD-005", "PRD-009", "PRD-010", "PRD-011", "PRD-018", "PRD-024", "PRD-025")
def test_a_month_from_plan_to_next_plan(company):
    """The whole chain, each step by the person whose it is."""
    products = enter_items(company)
    plan = plan_the_month(company, products)
    week = cut_weeks(company, plan)
    order, slip = order_and_draw(company, plan, week)
    report = report_days(company, products)
    following = company[PLANNER].create(PLAN, origin=company[PLANNER].read(plan), opens="next_month")
    first = next(one for one in following["month_before"] if one["product"] == products[0])
    assert (first["planned"], first["produced"], first["difference"]) == ("200", "150", "-50")
    assert following["lines"][0]["last_produced"] == "150"
    closed = company[PLANNER].take(company[PLANNER].read(plan), "close")
    assert closed["lines"][0]["produced_qty"] == "150"
    for record, form, words in (
        (closed, "plan", ("月生产计划", "QR-7501", "楔式闸阀", "李建国", "郑国强", "编制", "批准")),
        (week, "plan", ("周生产计划", "机加一车间", "陈大勇")),
        (order, "order", ("生产指令单", "楔式闸阀", "李建国")),
        (slip, "slip", ("领料单", "陈大勇", "周军", "徐小燕")),
        (report, "report", ("生产日报表", "陈大勇")),
    ):
        found = text_of(company, record, form)
        assert [word for word in words if word not in found] == []
