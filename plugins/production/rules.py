"""What must hold of plans, orders and reports, and what one of them copies from another."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from core import Problem, _

from .completion import completion, month_after, month_before, month_of, produced_in
from .items import item_of

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DIRECTORS = ("production.workshop_director", "production.plant_director")
"""Who plans the weeks of a workshop."""


# What a new form starts with


def next_month(work):
    """A plan is drawn up for the month to come."""
    return month_after(month_of(work.today))


def receiving_departments(work):
    """The units that act on a plan: purchasing, the workshops, the warehouse."""
    own = own_department(work)
    functions = ("core.purchasing", "production.workshop", "core.warehouse")
    return tuple(dict.fromkeys(one for name in functions for one in work.directory.function(name, own)))


def own_department(work):
    """The department that the person at the form belongs to first."""
    user = work.directory.users.get(work.actor)
    return user.departments[0] if user and user.departments else None


def own_workshop(work):
    """The workshop that the person at the form belongs to, where it is one alone."""
    user = work.directory.users.get(work.actor)
    workshops = [one for one in (user.departments if user else ()) if one in work.directory.function("production.workshop", one)]
    return workshops[0] if len(workshops) == 1 else None


# What a line shows beside what was entered


def stock_source(work, line):
    """Where the figure of the stock comes from: typed, until stock keeps balances."""
    return None if line.stock_qty is None else "typed"


def is_drawn_up(work, plan):
    """The month before is of interest while the plan is drawn up and approved."""
    return plan.state in (None, "draft", "submitted")


def completion_before(work, plan):
    """Planned, produced and difference of every product of the month before, the largest shortfall first."""
    if plan.plan_month is None or not is_drawn_up(work, plan):
        return []
    found = completion(work, month_before(plan.plan_month), plan.department)
    order = sorted(found.items(), key=lambda pair: (pair[1].difference, pair[0]))
    return [{"product": product, "planned": made.planned, "produced": made.produced, "difference": made.difference} for product, made in order]


def _last_month(work, line):
    plan = line.parent
    if line.product is None or plan.plan_month is None:
        return None
    return completion(work, month_before(plan.plan_month), plan.department).get(line.product)


def last_planned(work, line):
    """What was planned of the product for the month before."""
    made = _last_month(work, line)
    return made and made.planned


def last_produced(work, line):
    """What the daily reports count of the product in the month before."""
    made = _last_month(work, line)
    return made and made.produced


def last_difference(work, line):
    """What was made in the month before beyond the plan; short of it below zero."""
    made = _last_month(work, line)
    return made and made.difference


def planned_for_month(work, line):
    """What the monthly plan plans of the product for this workshop."""
    week = line.parent
    if line.product is None or week.month_plan is None:
        return None
    return _month_quantities(work, week).get(line.product)


def month_of_report(work, report):
    """The month in which a daily report counts."""
    return report.report_date and month_of(report.report_date)


def counted(work, line):
    """What counts against the plan: finished goods, and of an item that is itself semi-finished both figures."""
    if line.product is None:
        return None
    finished = line.qty_finished or 0
    item = item_of(work, line)
    if item is not None and item.kind == "semi_finished":
        finished += line.qty_semi_finished or 0
    return Decimal(finished)


# Guards of the monthly plan


def has_lines(work, record):
    """A plan or report without lines says nothing."""
    if not record.lines:
        yield Problem("lines", _("There are no products."), _("Add at least one line before submitting."))


def plans_something(work, plan):
    """A planned quantity of zero plans nothing."""
    for row, line in enumerate(plan.lines):
        if line.planned_qty is not None and line.planned_qty == 0:
            yield Problem(f"/lines/{row}/planned_qty", _("The planned quantity is zero."), _("Enter a quantity, or take the line out."))


def is_due_within_reach(work, plan):
    """A due date lies in the plan's month or in the month after it."""
    if plan.plan_month is None:
        return
    first, last = plan.plan_month, month_after(month_after(plan.plan_month))
    for row, line in enumerate(plan.lines):
        if line.due_date and not first <= line.due_date < last:
            yield Problem(f"/lines/{row}/due_date", _("The due date {due} lies outside the plan.", due=line.due_date.isoformat()),
                          _("Enter a day of the plan month or of the month after it."))


def month_has_passed(work, plan):
    """A month is closed when it is over, or on its last days: then the actuals are there."""
    if work.today < month_after(plan.plan_month) - timedelta(days=3):
        yield Problem("plan_month", _("The month is not over yet."), _("Close it at month end, when the daily reports are in."))


def write_actuals(work, plan):
    """Closing a month writes down what was made of each product; a product planned in several lines is shared out in their order."""
    left = produced_in(work, plan.plan_month, plan.department)
    rows = []
    for line in plan.lines:
        later = any(other.product == line.product and other.position > line.position for other in plan.lines)
        share = min(left[line.product], line.planned_qty) if later else left[line.product]
        left[line.product] -= share
        rows.append({"id": line.id, "produced_qty": share})
    work.edit(plan, lines=rows)


# Guards of the weekly plan


def comes_from_issued_plan(work, week):
    """A week is cut out of a monthly plan in force; without one there is nothing to cut."""
    if week.month_plan is None or work.get("production.monthly_plan", week.month_plan).state != "issued":
        yield Problem("month_plan", _("A weekly plan comes from an issued monthly plan."), _("Choose an issued monthly plan."))


def author_directs_the_workshop(work, week):
    """Only the director of a workshop, or the plant director, plans its weeks."""
    if week.workshop is not None and not any(work.holds(work.actor, role, week.workshop) for role in DIRECTORS):
        yield Problem("workshop", _("You do not direct this workshop."), _("Choose the workshop that you direct."))


def lies_in_plan_month(work, week):
    """At least one day of the week lies in the month of its plan."""
    if week.month_plan is None or week.week is None:
        return
    plan = work.get("production.monthly_plan", week.month_plan)
    monday = monday_of(week.week)
    if plan.plan_month not in (month_of(monday), month_of(monday + timedelta(days=6))):
        yield Problem("week", _("No day of this week lies in {month}.", month=f"{plan.plan_month:%Y-%m}"), _("Choose a week of the plan month."))


def days_add_up(work, week):
    """The days of a week make up the quantity of the week."""
    for row, line in enumerate(week.lines):
        total = sum((getattr(line, day) or 0 for day in DAYS), Decimal(0))
        if line.planned_qty is not None and total != line.planned_qty:
            what = _("The days add up to {total}, the week says {quantity}.", total=plain(total), quantity=plain(line.planned_qty))
            yield Problem(f"/lines/{row}/planned_qty", what, _("Mend the days or the quantity of the week."))


def makes_what_the_month_plans(work, week):
    """A week makes products of the month's plan for this workshop; more than the month plans is shown, not refused."""
    if week.month_plan is None:
        return
    planned = _month_quantities(work, week)
    others = defaultdict(Decimal)
    for other in work.find("production.weekly_plan", month_plan=week.month_plan, workshop=week.workshop):
        if other.id != week.id and other.state in ("issued", "closed"):
            for line in other.lines:
                others[line.product] += line.planned_qty or 0
    for row, line in enumerate(week.lines):
        if line.product not in planned:
            yield Problem(f"/lines/{row}/product", _("The monthly plan does not plan this product for this workshop."),
                          _("Choose a product of the monthly plan, or have the plan changed."))
        elif others[line.product] + (line.planned_qty or 0) > planned[line.product]:
            yield Problem(f"/lines/{row}/planned_qty", _("The weeks add up to more than the month plans: {total} of {planned}.",
                          total=plain(others[line.product] + (line.planned_qty or 0)), planned=plain(planned[line.product])), level="warns")


def _month_quantities(work, week):
    """Product → what the monthly plan plans of it for the workshop of the week."""
    found = defaultdict(Decimal)
    for line in work.get("production.monthly_plan", week.month_plan).lines:
        if line.workshop == week.workshop:
            found[line.product] += line.planned_qty or 0
    return found


# Guards of the order and the daily report


def makes_something(work, order):
    """An order for nothing tells a workshop nothing."""
    if order.qty is not None and order.qty == 0:
        yield Problem("qty", _("The quantity is zero."), _("Enter how much is to be made."))
    if not order.workshops:
        yield Problem("workshops", _("The order tells no workshop what to make."), _("Add at least one workshop."))


def workshops_add_up(work, order):
    """What the workshops are told to make adds up to the order; one after another in a route, each process makes it all."""
    by_process = defaultdict(Decimal)
    if order.qty is None:
        return
    for line in order.workshops:
        by_process[line.process] += line.qty or 0
    for process, total in by_process.items():
        if total != order.qty:
            row = next(index for index, line in enumerate(order.workshops) if line.process == process)
            what = _("The workshops add up to {total}, the order says {quantity}.", total=plain(total), quantity=plain(order.qty))
            yield Problem(f"/workshops/{row}/qty", what,
                          _("Mend the quantities of the workshops or of the order; workshops of different processes are added up apart."))


def names_each_material_once(work, order):
    """A material stands in one line, so that what is drawn of it is counted once."""
    seen = set()
    for row, line in enumerate(order.materials):
        if line.material in seen:
            yield Problem(f"/materials/{row}/material", _("This material stands in another line already."), _("Put the quantities together in one line."))
        seen.add(line.material)


def is_of_a_day_that_was(work, report):
    """Nobody counts what has not been made yet."""
    if report.report_date and report.report_date > work.today:
        yield Problem("report_date", _("This day is still to come."), _("Report a day when it is over."))


def counts_something(work, report):
    """A line of a report counts at least one figure."""
    for row, line in enumerate(report.lines):
        if not any((line.qty_semi_finished, line.qty_finished, line.qty_nonconforming)):
            yield Problem(f"/lines/{row}/qty_finished", _("The line counts nothing."), _("Enter what was made, or take the line out."))


# What one record copies from another


def requisition_for(work, record):
    """A requisition for a plan: the source, and for a workshop's own plan the workshop."""
    return {"source": record.id}


def requisition_of_order(work, order):
    """A requisition for an order asks for the materials that were not drawn yet."""
    rows = [{"material": line.material, "qty_requested": line.qty_needed - (line.qty_drawn or 0)}
            for line in order.materials if line.qty_needed > (line.qty_drawn or 0)]
    return {"source": order.id, "lines": rows}


def order_of_plan(work, plan):
    """An order under a plan names it; its first product is offered."""
    values = {"month_plan": plan.id}
    if plan.lines:
        line = plan.lines[0]
        values |= {"product": line.product, "qty": line.planned_qty, "due_date": line.due_date, "source_order": line.source_order,
                   "stock_considered": line.stock_qty, "workshops": [{"workshop": line.workshop, "qty": line.planned_qty}]}
    return values


def week_of_plan(work, plan):
    """The first week without a plan in this workshop, with the workshop's products and an even share of what is left."""
    workshop = own_workshop(work)
    weeks = weeks_of(plan.plan_month)
    values = {"month_plan": plan.id, "week": weeks[0]}
    if workshop is None:
        return values
    done = [week for week in work.find("production.weekly_plan", month_plan=plan.id, workshop=workshop) if week.state != "void"]
    free = [week for week in weeks if week not in {one.week for one in done}] or weeks[-1:]
    given = defaultdict(Decimal)
    for week in done:
        for line in week.lines:
            given[line.product] += line.planned_qty or 0
    rows = []
    for line in plan.lines:
        if line.workshop == workshop:
            left = max(line.planned_qty - given[line.product], Decimal(0))
            rows.append({"product": line.product, **split_over_days(whole_share(left, len(free)))})
    return values | {"week": free[0], "workshop": workshop, "lines": [row for row in rows if row["planned_qty"]]}


def report_of_week(work, week):
    """A daily report under a weekly plan: its workshop and products."""
    return {"weekly_plan": week.id, "workshop": week.workshop, "lines": [{"product": line.product} for line in week.lines]}


def plan_after(work, plan):
    """The plan for the month after: the same products, where they are made, with nothing planned yet."""
    rows = [{"product": line.product, "workshop": line.workshop, "responsible": line.responsible} for line in plan.lines]
    return {"plan_month": month_after(plan.plan_month), "distribution": plan.distribution, "lines": rows}


def whole_share(quantity, parts):
    """An even share in whole pieces, rounded up."""
    return -(-quantity // parts) if parts else quantity


def split_over_days(quantity):
    """A week's quantity over five working days in whole pieces, the rest on the first days."""
    share, rest = divmod(quantity, 5)
    return {"planned_qty": quantity} | {day: share + (1 if index < int(rest) else 0) for index, day in enumerate(DAYS[:5])}


# Weeks and figures


def monday_of(week):
    """The Monday of a week written `2026-W51`."""
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


def weeks_of(month):
    """The weeks of a month: those whose Thursday lies in it, so that every week belongs to one month."""
    thursday = month + timedelta(days=(3 - month.weekday()) % 7)
    weeks = []
    while thursday < month_after(month):
        year, number, _day = thursday.isocalendar()
        weeks.append(f"{year}-W{number:02d}")
        thursday += timedelta(days=7)
    return weeks


def plain(quantity):
    """A figure as people write it, without idle zeros."""
    return f"{quantity.normalize():f}"
