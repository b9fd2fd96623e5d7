"""The weekly plan: cut out of an issued monthly plan by whoever directs the workshop."""

import pytest

from tests.plugins.chain import (
    DIRECTOR,
    OTHER_DIRECTOR,
    PLANNER,
    PLANT_DIRECTOR,
    WEEK,
    draft_week,
    issued_plan,
    plan_line,
    week_line,
)
from tests.plugins.company import problems


@pytest.mark.requirement("PRD-009")
def test_a_week_names_an_issued_monthly_plan(company):
    """Without one it is not even saved."""
    plan = issued_plan(company)
    refused = company[DIRECTOR].create(WEEK, expect=422, month_plan=None, week="2026-W50", workshop=company.department("MC1"))
    assert "/month_plan" in problems(refused)
    assert company[DIRECTOR].take(draft_week(company, plan), "issue")["number"] == "WP-2026-W50-01"


@pytest.mark.requirement("PRD-009")
def test_the_author_of_a_week_directs_the_workshop(company):
    """A planner makes none; the director of another workshop makes none for this one."""
    plan = issued_plan(company, lines=[plan_line(company), plan_line(company, workshop="MC2")])
    company[PLANNER].create(WEEK, expect=403, month_plan=plan["id"], week="2026-W50", workshop=company.department("MC1"))
    week = draft_week(company, plan, by=OTHER_DIRECTOR)
    assert "/workshop" in problems(company[OTHER_DIRECTOR].take(week, "issue", expect=422))


@pytest.mark.requirement("PRD-009")
def test_the_plant_director_may_set_next_weeks_schedule(company):
    """As in the company where he does it himself."""
    week = draft_week(company, issued_plan(company), by=PLANT_DIRECTOR)
    assert company[PLANT_DIRECTOR].take(week, "issue")["state"] == "issued"


@pytest.mark.requirement("PRD-009")
def test_the_days_make_up_the_week(company):
    """24 pieces over the days are not 25."""
    week = draft_week(company, issued_plan(company), lines=[week_line(company, days="5 5 5 5 4", total="25")])
    assert list(problems(company[DIRECTOR].take(week, "issue", expect=422))) == ["/lines/0/planned_qty"]


@pytest.mark.requirement("PRD-009")
def test_a_week_is_opened_from_the_plan_with_an_even_share(company):
    """100 pieces over the five weeks of December: 20, four a day."""
    plan = issued_plan(company)
    week = company[DIRECTOR].create(WEEK, origin=plan, opens="weekly_plan")
    line = week["lines"][0]
    assert (week["week"], week["month_plan"], week["workshop"]) == ("2026-W49", plan["id"], company.department("MC1"))
    assert (line["planned_qty"], line["monday"], line["friday"], line["month_qty"]) == ("20", "4", "4", "100")
    company[DIRECTOR].take(week, "issue")
    assert company[DIRECTOR].create(WEEK, origin=plan, opens="weekly_plan")["week"] == "2026-W50"


def test_a_week_makes_what_the_month_plans_for_its_workshop(company):
    """A product of another workshop is refused."""
    week = draft_week(company, issued_plan(company), lines=[week_line(company, item="V-80")])
    assert "/lines/0/product" in problems(company[DIRECTOR].take(week, "issue", expect=422))


def test_weeks_beyond_the_month_are_shown_and_not_refused(company):
    """The director may catch up; the trail keeps the warning."""
    week = draft_week(company, issued_plan(company), lines=[week_line(company, days="30 30 30 30 30")])
    week = company[DIRECTOR].take(week, "issue")
    told = company[DIRECTOR].get(f"/records/{WEEK}/{week['id']}/history")["items"][0]["cause"]["passed"]
    assert [one["where"] for one in told] == ["/lines/0/planned_qty"]


def test_a_week_lies_in_the_month_of_its_plan(company):
    """A week of January is not cut out of December."""
    week = draft_week(company, issued_plan(company), week="2027-W03")
    assert "/week" in problems(company[DIRECTOR].take(week, "issue", expect=422))


def test_one_week_a_workshop_and_plan(company):
    """A second one is refused when it is put in force."""
    plan = issued_plan(company)
    company[DIRECTOR].take(draft_week(company, plan), "issue")
    assert "/week" in problems(company[DIRECTOR].take(draft_week(company, plan), "issue", expect=422))
