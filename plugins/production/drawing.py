"""What production says about requisitions: what may be drawn for, and what an issued one means for its order."""

from collections import defaultdict
from decimal import Decimal

from core import Problem, _

IN_FORCE = {
    "production.monthly_plan": ("issued",),
    "production.weekly_plan": ("issued",),
    "production.order": ("issued",),
}
"""The plans and orders that materials are drawn for, and the states in which they are."""

HINT = _("Name an issued plan, order or notice.")


def is_drawn_for_plan_or_order(work, requisition):
    """Production's own records count as a source only where they order something now: issued plans and orders."""
    if requisition.source is None:
        return
    source = work.get(None, requisition.source)
    if source.type.plugin == "production":
        states = IN_FORCE.get(source.type.name)
        if states is None:
            yield Problem("source", _("“{source}” is no plan, order or notice.", source=source.title), HINT, clause="PC-4.1.3b")
        elif source.state not in states:
            yield Problem("source", _("“{source}” is not in force.", source=source.title), HINT, clause="PC-4.1.3b")
            return
    if draws_under_plan(work, requisition) and source.type.name != "production.monthly_plan":
        yield Problem("source", _("On this site materials are drawn under the monthly plan."), _("Name an issued monthly plan."), clause="PC-4.1.4b")


def draws_under_plan(work, requisition):
    """Whether the site draws materials under the monthly plan, without a form."""
    return work.policy("stock.requisition.approver", requisition) == "plan"


def mark_as_drawn(work, requisition):
    """What was issued is added to the order's materials, and a material of which enough was drawn is marked."""
    order = work.get(None, requisition.source)
    if order.type.name != "production.order":
        return
    issued = defaultdict(Decimal)
    for given in requisition.lines:
        issued[given.material] += given.qty_issued or 0
    if not any(issued[line.material] for line in order.materials):
        return
    rows = []
    for line in order.materials:
        drawn = (line.qty_drawn or 0) + issued[line.material]
        rows.append({"id": line.id, "qty_drawn": drawn, "is_drawn": drawn >= line.qty_needed})
    work.edit(order, materials=rows)
