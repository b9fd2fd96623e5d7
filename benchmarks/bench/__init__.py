"""What is measured: a document with ten fields and five lines, the parts that its lines name, and a form with forty fields."""

from core import Message, Numbering, Plugin, PrintForm, RecordType, Role, State, Transition, Workflow, fields

PART = RecordType(
    "bench.part", Message("Part"), title="{code} {name}",
    fields={"code": fields.Text(Message("Code"), required=True), "name": fields.Text(Message("Name"), required=True)},
    unique=(("code",),), numbering=Numbering("{code}"), may_create=("bench.clerk",),
)

_HEAD = {
    "subject": fields.Text(Message("Subject"), required=True),
    "customer": fields.Text(Message("Customer")),
    "contact": fields.Text(Message("Contact")),
    "planned_on": fields.Date(Message("Planned on"), required=True),
    "kind": fields.Choice(Message("Kind"), options={"new": Message("New"), "repeat": Message("Repeat"), "repair": Message("Repair")}),
    "is_urgent": fields.Boolean(Message("Urgent"), filter=False),
    "amount": fields.Money(Message("Amount"), currency="CNY"),
    "weight": fields.Quantity(Message("Weight"), unit="kg"),
    "story": fields.LongText(Message("Story")),
    "remarks": fields.Text(Message("Remarks")),
}
_LINE = {
    "part": fields.Reference(Message("Part"), to="bench.part", required=True),
    "qty": fields.Quantity(Message("Quantity"), unit="pcs", required=True),
    "place": fields.Text(Message("Place")),
    "due_on": fields.Date(Message("Due on")),
}


def _workflow() -> Workflow:
    return Workflow(
        states={"draft": State(Message("Draft")), "submitted": State(Message("Submitted")), "done": State(Message("Done"), final=True)},
        transitions={
            "submit": Transition(Message("Submit"), "draft", "submitted", by="bench.clerk", signs=Message("Prepared")),
            "finish": Transition(Message("Finish"), "submitted", "done", by="bench.clerk"),
            "send_back": Transition(Message("Send back"), "submitted", "draft", by="bench.clerk", asks=Message("Reason")),
        },
    )


DOCUMENT = RecordType(
    "bench.document", Message("Document"), title="{subject}", fields={**_HEAD, "lines": fields.Lines(Message("Lines"), columns=_LINE)},
    numbering=Numbering("D-{today:%Y%m}-{counter:07d}"), workflow=_workflow(), columns=("subject", "planned_on", "kind"), drafts="department",
)

SHEET = RecordType(
    "bench.sheet", Message("Sheet"), title="{subject}",
    fields={
        **_HEAD,
        **{f"note_{n}": fields.Text(Message(f"Note {n}")) for n in range(15)},
        **{f"day_{n}": fields.Date(Message(f"Day {n}"), filter=False) for n in range(10)},
        **{f"figure_{n}": fields.Decimal(Message(f"Figure {n}")) for n in range(4)},
        "lines": fields.Lines(Message("Lines"), columns=_LINE),
    },
    numbering=Numbering("S-{today:%Y%m}-{counter:05d}"), workflow=_workflow(), drafts="department",
    prints={"sheet": PrintForm(Message("Sheet"), form_no="QR-1", revision="A/0", signed_by=("submit",))},
)

PLUGIN = Plugin("bench", Message("Bench"), roles={"clerk": Role(Message("Clerk"))})
