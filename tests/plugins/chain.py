"""The steps of the chain that several tests begin with: a plan in force, a week, an order, a report, a requisition."""

from __future__ import annotations

from typing import Any

from tests.plugins.company import Company

PLAN, WEEK, ORDER = "production.monthly_plan", "production.weekly_plan", "production.order"
REPORT, SLIP = "production.daily_report", "stock.requisition"
PLANNER, APPROVER, MANAGER, PLANT_DIRECTOR = "lijianguo", "zhengguoqiang", "zhoujun", "luoyong"
DIRECTOR, OTHER_DIRECTOR, TEAM_LEADER, SUPERVISOR = "chendayong", "zhaohai", "sunxiaobing", "maliang"
KEEPER, WAREHOUSE_SUPERVISOR = "xuxiaoyan", "xuping"


def plan_line(company: Company, item: str = "V-50", quantity: str = "100", workshop: str = "MC1", due: str = "2026-12-20", **more: Any) -> dict[str, Any]:
    """One line of a plan."""
    line = {"product": company.item(item), "planned_qty": quantity, "workshop": company.department(workshop), "due_date": due}
    return line | {"stock_qty": "7", "source_order": "XS-2611-042"} | more


def draft_plan(company: Company, by: str = PLANNER, month: str = "2026-12", lines: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A plan as its author has filled it in."""
    return company[by].create(PLAN, plan_month=month, basis="Orders in hand", lines=lines if lines is not None else [plan_line(company)])


def submitted_plan(company: Company, **given: Any) -> dict[str, Any]:
    """A plan that waits for its approver."""
    return company[given.get("by", PLANNER)].take(draft_plan(company, **given), "submit")


def issued_plan(company: Company, **given: Any) -> dict[str, Any]:
    """A plan in force, approved by the deputy general manager."""
    plan = company[APPROVER].sign(submitted_plan(company, **given), "approve")
    return company[PLANNER].take(plan, "issue")


def week_line(company: Company, item: str = "V-50", days: str = "5 5 5 5 5", total: str | None = None) -> dict[str, Any]:
    """One line of a week: its days and what they add up to."""
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    figures = dict(zip(names, days.split(), strict=False))
    return {"product": company.item(item), "planned_qty": total or str(sum(map(int, figures.values())))} | figures


def draft_week(company: Company, plan: dict[str, Any], by: str = DIRECTOR, workshop: str = "MC1", week: str = "2026-W50", **more: Any) -> dict[str, Any]:
    """A week of a workshop under a plan."""
    values = {"month_plan": plan["id"], "week": week, "workshop": company.department(workshop), "lines": [week_line(company)]}
    return company[by].create(WEEK, **(values | more))


def draft_order(company: Company, by: str = PLANNER, shares: tuple[tuple[str, str], ...] = (("MC1", "60"), ("MC2", "40")), **more: Any) -> dict[str, Any]:
    """An order for 100 pieces, shared between two workshops."""
    values = {
        "source_order": "XS-2611-042", "product": company.item("V-50"), "qty": "100", "due_date": "2026-12-20", "stock_considered": "7",
        "workshops": [{"workshop": company.department(code), "qty": quantity} for code, quantity in shares],
        "materials": [{"material": company.item("M-1"), "qty_needed": "100"}, {"material": company.item("M-2"), "qty_needed": "50"}],
    }
    return company[by].create(ORDER, **(values | more))


def draft_report(company: Company, day: str, by: str = DIRECTOR, finished: str = "10", item: str = "V-50", **more: Any) -> dict[str, Any]:
    """What a workshop made on a day."""
    line = {"product": company.item(item), "qty_finished": finished, "qty_semi_finished": "0", "qty_nonconforming": "1", "process": "Assembly"}
    return company[by].create(REPORT, **({"report_date": day, "lines": [line]} | more))


def draft_slip(company: Company, source: dict[str, Any] | None, by: str = DIRECTOR, **more: Any) -> dict[str, Any]:
    """A requisition for ten pieces of a material."""
    lines = [{"material": company.item("M-1"), "qty_requested": "10"}]
    return company[by].create(SLIP, **({"source": source and source["id"], "lines": lines} | more))


def issue_slip(company: Company, slip: dict[str, Any], quantity: str = "10", expect: int = 200, by: str = KEEPER) -> dict[str, Any]:
    """Hand the materials of a requisition out."""
    slip = company[by].read(slip)
    rows = [{"id": line["id"], "qty_issued": quantity, "batch_no": "261120-01"} for line in slip["lines"]]
    return company[by].take(company[by].change(slip, lines=rows), "issue", expect)
