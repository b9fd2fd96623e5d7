"""The workshops and what each can do in a month."""

from core import Numbering, RecordType, _, fields

WORKSHOP = RecordType(
    name="production.workshop",
    label=_("Workshop capacity"),
    title="{code} {workshop}",
    may_create=("production.manager",),
    columns=("code", "workshop", "capacity", "state"),
    fields={
        "code": fields.Text(_("Code"), required=True, max=40, filter=True, width=4),
        "workshop": fields.Department(_("Workshop"), function="production.workshop", required=True, width=4),
        "capacity": fields.Quantity(_("Monthly capacity"), unit="h", min=0, required=True, width=4),
        "processes": fields.Text(_("Processes"), max=200, width=6),
        "equipment": fields.Text(_("Main equipment"), max=200, width=6),
        "remarks": fields.LongText(_("Remarks")),
    },
    unique=(("code",), ("workshop",)),
    numbering=Numbering("{code}"),
)
