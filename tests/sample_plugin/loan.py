"""A tool lent out: asked for by anybody, handed out and taken back by the keeper of tools."""

from core import Numbering, PrintForm, RecordType, State, Transition, Workflow, _, fields

from . import rules

LOAN = RecordType(
    name="tools.loan",
    label=_("Tool loan"),
    title="{tool} {borrower}",
    clauses=("TL-1",),
    may_read=("tools.keeper",),
    columns=("number", "tool", "borrower", "due_on", "state"),
    fields={
        "tool": fields.Reference(_("Tool"), to="master_data.item", states=("active",), where={"tools_is_lent": True}, required=True),
        "borrower": fields.User(_("Borrower"), required=True, default="actor"),
        "due_on": fields.Date(_("To be returned on"), required=True),
        "purpose": fields.Text(_("What it is needed for")),
        "condition": fields.Choice(_("Condition when returned"), options={"good": _("In good order"), "worn": _("Worn"), "broken": _("Broken")}, required=True),
    },
    numbering=Numbering("TL-{today:%Y}-{counter:04d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "requested": State(_("Awaiting the keeper")),
            "lent": State(_("Lent out"), kind="working"),
            "returned": State(_("Returned"), final=True),
        },
        transitions={
            "request": Transition(_("Ask for the tool"), "draft", "requested", by="core.employee", signs=_("Asked for"), guards=(rules.is_due_later,)),
            "send_back": Transition(_("Send back"), "requested", "draft", by="tools.keeper", asks=_("Reason")),
            "hand_out": Transition(_("Hand out"), "requested", "lent", by="tools.keeper", other_than="borrower", signs=_("Tool handed out"),
                                   guards=(rules.is_here,), clause="TL-1"),
            "take_back": Transition(_("Take back"), "lent", "returned", by="tools.keeper", fills=("condition",), signs=_("Tool taken back")),
        },
        voids="tools.keeper",
    ),
    prints={"slip": PrintForm(_("Tool loan"), form_no="TL-01", signed_by=("request", "hand_out", "take_back"))},
)
