"""The completion of the month: planned against made, beside the next plan and at the month's close."""

import pytest

from tests.plugins.chain import DIRECTOR, PLAN, PLANNER, draft_plan, draft_report, issued_plan, plan_line


@pytest.fixture
def november(company):
    """A plan for November of 100 V-50 and 40 V-80, and reports of 30, 45 and 5 V-50 in it."""
    company.it_is("2026-10-28")
    lines = [plan_line(company, due="2026-11-20"), plan_line(company, item="V-80", quantity="40", due="2026-11-25")]
    plan = issued_plan(company, month="2026-11", lines=lines)
    company.it_is("2026-11-30")
    for day, finished in (("2026-11-03", "30"), ("2026-11-04", "45"), ("2026-11-30", "5")):
        company[DIRECTOR].take(draft_report(company, day, finished=finished), "submit")
    return plan


@pytest.mark.requirement("PRD-010")
def test_a_new_plan_shows_the_month_before(company, november):
    """Planned, produced and difference of every product, summed from the daily reports."""
    plan = company[PLANNER].create(PLAN, origin=company[PLANNER].read(november), opens="next_month")
    assert plan["plan_month"] == "2026-12"
    shown = {plan["names"][one["product"]]["number"]: (one["planned"], one["produced"], one["difference"]) for one in plan["month_before"]}
    assert shown == {"V-50": ("100", "80", "-20"), "V-80": ("40", "0", "-40")}
    beside = [(line["last_planned"], line["last_produced"], line["last_difference"]) for line in plan["lines"]]
    assert beside == [("100", "80", "-20"), ("40", "0", "-40")]


@pytest.mark.requirement("PRD-010")
def test_the_report_compares_planned_and_produced(company, november):
    """The largest shortfall comes first."""
    report = company[PLANNER].get("/reports/production.completion?month=2026-11")
    rows = [(one["planned"], one["produced"], one["difference"], one["rate"]) for one in report["items"]]
    assert rows == [("40", "0", "-40", "0"), ("100", "80", "-20", "80")]


@pytest.mark.requirement("PRD-010")
def test_a_draft_report_does_not_count(company, november):
    """Only what was reported."""
    draft_report(company, "2026-11-06", finished="500")
    plan = draft_plan(company)
    assert plan["lines"][0]["last_produced"] == "80"


@pytest.mark.requirement("PRD-010")
def test_a_report_not_yet_approved_does_not_count(company, november):
    """Where the site wants the supervisor's approval."""
    company.choose("production.daily_report.flow", "supervisor_approves")
    company[DIRECTOR].take(draft_report(company, "2026-11-06", finished="500"), "submit")
    assert draft_plan(company)["lines"][0]["last_produced"] == "80"


@pytest.mark.requirement("PRD-004", "PRD-010")
def test_the_month_is_closed_with_the_actuals(company, november):
    """What was made stands in each line of the closed plan, and its signatures stand."""
    plan = company[PLANNER].take(company[PLANNER].read(november), "close")
    assert [line["produced_qty"] for line in plan["lines"]] == ["80", "0"]
    signed = company[PLANNER].get(f"/records/{PLAN}/{plan['id']}/signatures")["items"]
    assert {one["standing"] for one in signed} == {"valid"}
