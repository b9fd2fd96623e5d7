"""One form with everything that a print shows: boxes, lines with units and sums, photos, hidden fields, a skipped approval."""

from core import Choice as Way
from core import Message, Numbering, Plugin, Policy, PrintForm, RecordType, Role, Section, Signs, State, Transition, Workflow, fields

APPROVER = Policy(
    "paperwork.inspection.approver",
    label=Message("Who approves an inspection"),
    choices={
        "manager": Way(Message("The manager"), roles=("paperwork.manager",)),
        "none": Way(Message("No separate approval"), skips=("approve",)),
    },
    default="manager",
)

INSPECTION = RecordType(
    "paperwork.inspection", Message("Inspection"), title="{item}", clauses=("CX-15",), may_read=("paperwork.clerk", "paperwork.manager"),
    fields={
        "item": fields.Text(Message("Item"), required=True, width=6),
        "source": fields.Choice(Message("Source"), options={"audit": Message("Audit"), "complaint": Message("Complaint"), "other": Message("Other")}, width=12),
        "causes": fields.Choices(Message("Causes"), options={"man": Message("Man"), "machine": Message("Machine"), "method": Message("Method")}),
        "is_urgent": fields.Boolean(Message("Urgent")),
        "story": fields.LongText(Message("Story")),
        "photos": fields.Photos(Message("Photos")),
        "papers": fields.Attachments(Message("Papers")),
        "lines": fields.Lines(Message("Findings"), columns={
            "place": fields.Text(Message("Place")),
            "checked": fields.Integer(Message("Checked")),
            "length": fields.Quantity(Message("Length"), unit="mm"),
        }),
        "price": fields.Text(Message("Secret price"), read_by=("paperwork.manager",)),
    },
    sections={
        "facts": Section(Message("Facts"), fields=("item", "source", "causes", "is_urgent", "story", "photos", "papers")),
        "findings": Section(Message("What was found"), fields=("lines",)),
        "money": Section(Message("Money"), fields=("price",)),
    },
    numbering=Numbering("INS-{today:%Y}-{counter:04d}"),
    workflow=Workflow(
        states={
            "draft": State(Message("Draft")), "submitted": State(Message("Awaiting approval")), "approved": State(Message("Approved"), final=True),
        },
        transitions={
            "submit": Transition(Message("Submit"), "draft", "submitted", by="paperwork.clerk", signs=Message("Prepared")),
            "approve": Transition(Message("Approve"), "submitted", "approved", by=APPROVER, signs=Signs(Message("Approved"))),
        },
        voids="paperwork.manager",
    ),
    prints={
        "form": PrintForm(Message("Inspection sheet"), form_no="QR-ZL-16", revision="B/3", signed_by=("submit", "approve")),
        "label": PrintForm(Message("Label"), fields=("item",), in_states=("approved",)),
    },
)

PLUGIN = Plugin(
    "paperwork", Message("Paperwork"), roles={"clerk": Role(Message("Clerk")), "manager": Role(Message("Manager"))}, policies=(APPROVER,),
)
