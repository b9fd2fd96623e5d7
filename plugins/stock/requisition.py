"""What a workshop draws from the warehouse for a plan, an order or a notice, and what it was given."""

from core import Choice, Numbering, Policy, PrintForm, RecordType, Section, State, Transition, Workflow, _, fields

from . import rules

REQUESTER = ("stock.requester",)
KEEPER = ("stock.keeper",)


def approved_by(*roles):
    """The steps of a requisition that its department fills in and somebody else approves."""
    return {"submit": REQUESTER, "approve": roles, "send_back": roles}


APPROVER = Policy(
    "stock.requisition.approver",
    label=_("Who approves a requisition"),
    choices={
        "requester": Choice(_("Nobody but the workshop director who fills it in"), roles={"submit": REQUESTER}, skips=("approve",)),
        "head": Choice(_("Head of the requesting department"), roles=approved_by("core.head")),
        "management": Choice(_("Management representative or general manager"),
                             roles=approved_by("core.management_representative", "core.general_manager")),
        "supervisor": Choice(_("Supervisor"), roles=approved_by("stock.supervisor")),
        "plan": Choice(_("Nobody: the storekeeper notes what is drawn under the monthly plan, without a form"),
                       roles={"submit": KEEPER}, skips=("approve",), values={"under_plan": True}),
    },
    default="head",
)

REQUISITION = RecordType(
    name="stock.requisition",
    label=_("Material requisition"),
    title="{workshop} {date:%Y-%m-%d}",
    clauses=("PC-4.1.3b",),
    may_read=("stock.requester", "stock.supervisor", "stock.keeper", "stock.warehouse_supervisor", "core.head",
              "core.management_representative", "core.general_manager"),
    columns=("number", "state", "department", "source", "date"),
    fields={
        "source": fields.AnyRecord(_("Plan, order or notice"), required=True, width=8),
        "date": fields.Date(_("Date"), required=True, default="today", width=4),
        "requested_by": fields.User(_("Drawn by"), required=True, default="actor", width=4),
        "workshop": fields.Department(_("Workshop or department"), required=True, default=rules.own_department, width=4),
        "purpose": fields.Text(_("Purpose"), max=200, width=4),
        "lines": fields.Lines(_("Materials"), columns={
            "material": fields.Reference(_("Material"), to="master_data.item", states=("active",), required=True),
            "model_spec": fields.Computed(fields.Text(_("Model and specification")), by=rules.model_and_specification),
            "qty_requested": fields.Quantity(_("Quantity requested"), unit_of="material", min=0, required=True),
            "qty_issued": fields.Quantity(_("Quantity issued"), unit_of="material", min=0, required=True),
            "batch_no": fields.Text(_("Batch number"), max=60),
            "remarks": fields.Text(_("Remarks"), max=200),
        }),
    },
    sections={
        "request": Section(_("Request"), fields=("source", "date", "requested_by", "workshop", "purpose", "lines"), states=("draft",)),
        "issue": Section(_("Issued by the warehouse"), fields=("lines.qty_issued", "lines.batch_no"), filled_by="stock.keeper", locked_by="issue"),
    },
    numbering=Numbering("LL-{date:%Y%m}-{counter:04d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "submitted": State(_("Awaiting approval")),
            "approved": State(_("Approved, to be issued"), kind="working"),
            "issued": State(_("Materials issued"), final=True, kind="good"),
        },
        transitions={
            "submit": Transition(_("Submit"), "draft", "submitted", by=APPROVER, signs=_("Requested"),
                                 guards=(rules.names_its_source, rules.asks_for_something), clause="PC-4.1.3b"),
            "approve": Transition(_("Approve"), "submitted", "approved", by=APPROVER, other_than="submit", signs=_("Approval"),
                                  guards=(rules.names_its_source,)),
            "send_back": Transition(_("Send back"), "submitted", "draft", by=APPROVER, asks=_("Reason")),
            "issue": Transition(_("Issue materials"), "approved", "issued", by="stock.keeper", signs=_("Issued by the warehouse"),
                                guards=(rules.hands_out_what_was_asked,)),
        },
        voids="stock.warehouse_supervisor",
    ),
    prints={"slip": PrintForm(_("Material requisition"), signed_by=("submit", "approve", "issue"))},
)
