"""The month's plan against what was made: summed from the daily reports, shown beside the next plan."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from weakref import WeakKeyDictionary

_KNOWN = WeakKeyDictionary()

COUNTED = ("reported", "received")
"""States in which a daily report counts: approved where the site wants approval."""

IN_FORCE = ("issued", "closed")
"""States in which a monthly plan is what the month was meant to be."""


@dataclass
class Made:
    """What was planned and made of one product in a month."""

    planned: Decimal = Decimal(0)
    produced: Decimal = Decimal(0)

    @property
    def difference(self):
        """What was made beyond the plan; short of it below zero."""
        return self.produced - self.planned


def month_of(day):
    """The month of a day, as its first day."""
    return day.replace(day=1)


def month_before(month):
    """The month before a month."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def month_after(month):
    """The month after a month."""
    return date(month.year + (month.month == 12), month.month % 12 + 1, 1)


def produced_in(work, month, department=None):
    """Product → what the daily reports of a month count, in the workshops that serve the department."""
    workshops = work.directory.function("production.workshop", department)
    made = defaultdict(Decimal)
    for report in work.find("production.daily_report", report_month=month, state=COUNTED):
        if not workshops or report.workshop in workshops:
            for line in report.lines:
                made[line.product] += line.qty_counted or 0
    return made


def planned_in(work, month, department=None):
    """Product → what the plans in force of a month plan; of one department's plan where one is given."""
    planned = defaultdict(Decimal)
    for plan in work.find("production.monthly_plan", plan_month=month, state=IN_FORCE):
        if department in (None, plan.department):
            for line in plan.lines:
                planned[line.product] += line.planned_qty or 0
    return planned


def completion(work, month, department=None):
    """Product → planned and produced in a month; worked out once in a unit of work, for all lines of a plan."""
    known = _KNOWN.setdefault(work, {})
    if (month, department) not in known:
        known[month, department] = _completion(work, month, department)
    return known[month, department]


def _completion(work, month, department):
    found = defaultdict(Made)
    for product, quantity in planned_in(work, month, department).items():
        found[product].planned = quantity
    for product, quantity in produced_in(work, month, department).items():
        found[product].produced = quantity
    return found
