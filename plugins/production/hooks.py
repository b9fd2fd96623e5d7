"""What production brings, what it adds to items and requisitions, and what it listens to."""

from core import Extension, Section, _, fields, hookimpl

from . import drawing
from .clauses import CLAUSES
from .daily_report import DAILY_REPORT
from .demo import fill
from .monthly_plan import MONTHLY_PLAN
from .order import ORDER
from .reports import REPORTS
from .weekly_plan import WEEKLY_PLAN
from .workshop import WORKSHOP


@hookimpl
def register_record_types():
    """Workshops, monthly and weekly plans, orders, daily reports."""
    return (MONTHLY_PLAN, WEEKLY_PLAN, ORDER, DAILY_REPORT, WORKSHOP)


@hookimpl
def register_extensions():
    """Standard hours of an item; what a requisition may be drawn for."""
    return (
        Extension(
            of="master_data.item",
            fields={"production_standard_hours": fields.Decimal(_("Standard hours per unit"), places=4, min=0, width=4)},
            sections={"production": Section(_("Production"), fields=("production_standard_hours",))},
        ),
        Extension(of="stock.requisition", guards={"submit": (drawing.is_drawn_for_plan_or_order,), "approve": (drawing.is_drawn_for_plan_or_order,)}),
    )


@hookimpl
def register_reports():
    """The completion of the month."""
    return REPORTS


@hookimpl
def register_clauses():
    """The production procedure."""
    return CLAUSES


@hookimpl
def step_taken(work, record, step):
    """Materials issued for a production order are marked as drawn on it."""
    if record.type.name == "stock.requisition" and step == "issue":
        drawing.mark_as_drawn(work, record)


@hookimpl
def fill_demo(demo):
    """A valve maker's months."""
    fill(demo)
