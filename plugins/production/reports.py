"""Read-only tables of production."""

from decimal import Decimal

from core import Bars, Report, _, fields

from .completion import completion, month_before, month_of
from .items import description

READERS = ("production.planner", "production.manager", "production.supervisor", "production.deputy_gm", "production.plant_director",
           "production.workshop_director", "core.general_manager")


def completion_rows(work, month=None):
    """Planned, produced and difference of each product in a month, the largest shortfall first."""
    month = month_of(month or month_before(month_of(work.today)))
    found = completion(work, month)
    items = work.peek("master_data.item", found)
    for product, made in sorted(found.items(), key=lambda pair: (pair[1].difference, pair[0])):
        rate = (made.produced / made.planned * 100).quantize(Decimal("0.1")) if made.planned else None
        yield {"product": product, "model_spec": description(items.get(product)), "planned": made.planned,
               "produced": made.produced, "difference": made.difference, "rate": rate}


COMPLETION = Report(
    _("Completion of the month"),
    rows=completion_rows,
    parameters={"month": fields.Month(_("Month"))},
    columns={
        "product": fields.Reference(_("Product"), to="master_data.item"),
        "model_spec": fields.Text(_("Model and specification")),
        "planned": fields.Quantity(_("Planned"), unit_of="product"),
        "produced": fields.Quantity(_("Produced"), unit_of="product"),
        "difference": fields.Quantity(_("Difference"), unit_of="product"),
        "rate": fields.Decimal(_("Completion in %"), places=1),
    },
    chart=Bars(x="product", y=("planned", "produced")),
    may_read=READERS,
)

REPORTS = {"completion": COMPLETION}
