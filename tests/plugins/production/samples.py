"""Samples of production's forms where their rules want more than their declarations say; for the contract tests."""

import datetime as dt

PLAN, WEEK = "production.monthly_plan", "production.weekly_plan"


def plan(make):
    """A month of the past, so that it can be closed; what is due is due in it."""
    month = make.month()
    due = (month + dt.timedelta(days=20)).isoformat()
    return {"plan_month": f"{month:%Y-%m}", "lines": make.rows("lines", 3, due_date=due)}


def week(make):
    """A week of an issued plan, whose days add up."""
    plan = make.world.read(make.world.site.registry.types[PLAN], make.record(PLAN, "issued", fresh=True))
    year, number, _day = dt.date.fromisoformat(f"{plan['plan_month']}-15").isocalendar()
    days = {"monday": "4", "tuesday": "3", "wednesday": "0", "thursday": "0", "friday": "0", "saturday": "0", "sunday": "0"}
    rows = make.rows("lines", 2, product=lambda place: plan["lines"][place]["product"], planned_qty="7", **days)
    return {"month_plan": plan["id"], "week": f"{year}-W{number:02d}", "lines": rows}


def order(make):
    """Shares of the workshops that add up, process by process."""
    return {"qty": "30", "workshops": make.rows("workshops", 2, qty="30")}


def workshop(make):
    """Each workshop stands in the register once."""
    return {"workshop": make.new_department("production.workshop")}


SAMPLES = {PLAN: plan, WEEK: week, "production.order": order, "production.workshop": workshop}
