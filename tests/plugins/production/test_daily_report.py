"""The daily report: one for each workshop and day, and who fills in, approves and receives it in each company."""

import pytest

from tests.plugins.chain import (
    DIRECTOR,
    OTHER_DIRECTOR,
    PLANNER,
    PLANT_DIRECTOR,
    REPORT,
    SUPERVISOR,
    TEAM_LEADER,
    draft_report,
)
from tests.plugins.company import problems

FLOW = "production.daily_report.flow"


@pytest.mark.requirement("PRD-011")
def test_one_report_a_workshop_and_day(company):
    """A second one for the same day is refused; another workshop's is not."""
    company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit")
    assert "/report_date" in problems(company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit", expect=422))
    other = draft_report(company, "2026-11-19", by=OTHER_DIRECTOR)
    assert company[OTHER_DIRECTOR].take(other, "submit")["state"] == "reported"


@pytest.mark.requirement("PRD-011")
def test_a_report_counts_semi_finished_finished_and_nonconforming(company):
    """Against the plan count finished goods, and both figures of an item that is itself semi-finished."""
    lines = [
        {"product": company.item("V-50"), "process": "Assembly", "qty_semi_finished": "4", "qty_finished": "10", "qty_nonconforming": "1"},
        {"product": company.item("B-50"), "process": "Turning", "qty_semi_finished": "30", "qty_nonconforming": "0"},
    ]
    report = draft_report(company, "2026-11-19", lines=lines)
    assert [line["qty_counted"] for line in report["lines"]] == ["10", "30"]
    assert report["workshop"] == company.department("MC1")


@pytest.mark.requirement("PRD-011")
def test_a_day_to_come_is_not_reported(company):
    """Nobody counts what has not been made yet."""
    report = draft_report(company, "2026-11-21")
    assert "/report_date" in problems(company[DIRECTOR].take(report, "submit", expect=422))


@pytest.mark.requirement("PRD-011")
def test_the_report_reaches_the_production_department(company):
    """The planner finds it in the list and receives it."""
    report = company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit")
    assert [one["id"] for one in company[PLANNER].list(REPORT)] == [report["id"]]
    assert company[PLANNER].take(report, "receive")["state"] == "received"


def test_a_director_told_needs_no_receipt(company):
    """The report counts as soon as it is made."""
    company.choose(FLOW, "told_to_production")
    assert company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit")["state"] == "received"


def test_the_team_leader_reports_to_the_plant_director(company):
    """There the workshop director fills in nothing."""
    company.choose(FLOW, "team_to_plant_director")
    company[DIRECTOR].create(REPORT, expect=403, report_date="2026-11-19")
    report = company[TEAM_LEADER].take(draft_report(company, "2026-11-19", by=TEAM_LEADER), "submit")
    company[PLANNER].take(report, "receive", expect=403)
    assert company[PLANT_DIRECTOR].take(report, "receive")["state"] == "received"


def test_the_supervisor_approves_where_the_site_says_so(company):
    """Until then the report waits; who filled it in cannot approve it."""
    company.choose(FLOW, "supervisor_approves")
    report = company[DIRECTOR].take(draft_report(company, "2026-11-19"), "submit")
    assert report["state"] == "submitted"
    company[DIRECTOR].take(report, "approve", expect=403)
    assert company[SUPERVISOR].take(report, "approve")["state"] == "received"
