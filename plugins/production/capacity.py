"""What the workshops can do in a month, and what a plan asks of them."""

from collections import defaultdict
from decimal import Decimal

from core import Problem, _

from .items import item_of

HOURS = "production_standard_hours"


def capacities(work):
    """Workshop → its hours a month, as the register has them; workshops taken out of use are left out."""
    return {entry.workshop: entry.capacity for entry in work.find("production.workshop", state="active")}


def hours(work, line):
    """The hours that a line takes: its quantity times the product's standard hours."""
    if line.product is None or line.planned_qty is None:
        return None
    item = item_of(work, line)
    standard = item and getattr(item, HOURS)
    return None if standard is None else (standard * line.planned_qty).quantize(Decimal("0.01"))


def capacity_of_workshop(work, line):
    """The hours a month of the line's workshop."""
    return capacities(work).get(line.workshop) if line.workshop else None


def workshop_loads(work, plan):
    """What the plan asks of each workshop, beside what it can do: hours, capacity and the share in percent."""
    asked, able = defaultdict(Decimal), {}
    for line in plan.lines:
        if line.workshop:
            asked[line.workshop] += line.hours or 0
            able[line.workshop] = line.workshop_capacity
    return [{"workshop": one, "hours": hours, "capacity": able[one], "rate": (hours / able[one] * 100).quantize(Decimal("0.1")) if able[one] else None}
            for one, hours in asked.items()]


def workshops_are_within_capacity(work, plan):
    """A workshop that is asked for more than it can do is shown to planner and approver; the plan may stand all the same."""
    for load in workshop_loads(work, plan):
        workshop, asked, capacity = load["workshop"], load["hours"], load["capacity"]
        if capacity is not None and asked > capacity:
            row = next(index for index, line in enumerate(plan.lines) if line.workshop == workshop)
            yield Problem(
                f"/lines/{row}/workshop",
                _("{workshop} is asked for {asked} h and has {capacity} h a month.",
                  workshop=work.directory.departments[workshop].name, asked=f"{asked:.0f}", capacity=f"{capacity:.0f}"),
                _("Move lines to another workshop or month, or say how it will be done."),
                code="over-capacity", level="warns",
            )
