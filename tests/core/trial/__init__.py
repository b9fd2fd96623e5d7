"""An invented plugin with a little of everything that the door knows: a plan, the checks it opens, events that settle it,
things that few may see, a diary that a department shares.

Roles: `author` writes plans, `manager` approves them, `keeper` keeps the things, `inspector` (by the function
`inspection`) checks, `clerk` notes events.
"""

from core import Choice, Function, Named, Numbering, Opens, Plugin, Policy, PrintForm, RecordType, Role, Section, Signs, State, Transition, Workflow, _, fields

from . import rules

APPROVER = Policy(
    "trial.approver", _("Who approves"), default="manager",
    choices={
        "manager": Choice(_("The manager"), roles={"approve": ("trial.manager",), "send_back": ("trial.manager",)}),
        "head": Choice(_("The head"), roles={"approve": ("core.head",), "send_back": ("core.head",)}),
        "none": Choice(_("Nobody"), skips=("approve",)),
        "final": Choice(_("The manager, without return"), roles={"approve": ("trial.manager",)}, without=("send_back",)),
        "no_plan": Choice(_("No plans"), without=("create",)),
    },
)

THING = RecordType(
    name="trial.thing", label=_("Thing"), title="{name}", may_create=("trial.keeper",), may_read=("trial.keeper",),
    fields={"name": fields.Text(_("Name"), required=True), "size": fields.Integer(_("Size"), filter=True)},
    numbering=Numbering("TH-{counter:03d}", typed=True), unique=(("name",),), guards=(rules.is_no_giant,),
)

PLAN = RecordType(
    name="trial.plan", label=_("Plan"), title="{subject}", may_read=("trial.author", "trial.manager", "trial.clerk", "core.head"),
    fields={
        "subject": fields.Text(_("Subject"), required=True, filter=True),
        "kind": fields.Choice(_("Kind"), options={"own": _("Own"), "bought": _("Bought")}, default="own"),
        "supplier": fields.Text(_("Supplier"), required=True, when={"kind": "bought"}),
        "amount": fields.Decimal(_("Amount"), filter=True),
        "doubled": fields.Computed(fields.Decimal(_("Doubled")), by=rules.doubled),
        "answerer": fields.User(_("Who answers"), role="trial.manager"),
        "unit": fields.Department(_("Unit"), sees=True),
        "thing": fields.Reference(_("Thing"), to="trial.thing"),
        "cost": fields.Decimal(_("Cost"), read_by=("trial.manager",), filter=True),
        "verdict": fields.Text(_("Verdict"), required=True),
        "result": fields.Text(_("Result"), effects_only=True),
        "lines": fields.Lines(_("Lines"), columns={
            "what": fields.Text(_("What"), required=True),
            "qty": fields.Quantity(_("Quantity"), required=True),
            "colour": fields.Choice(_("Colour"), options={"red": _("Red"), "blue": _("Blue")}),
            "shade": fields.Text(_("Shade"), when={"colour": "red"}),
            "price": fields.Decimal(_("Price"), read_by=("trial.manager",)),
        }),
    },
    unique=(("subject", "department"),),
    numbering=Numbering("TP-{today:%Y}-{counter:03d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")), "submitted": State(_("Submitted")), "approved": State(_("Approved")), "settled": State(_("Settled")),
            "done": State(_("Done"), final=True),
        },
        transitions={
            "submit": Transition(_("Submit"), "draft", "submitted", by="trial.author", signs=_("Prepared"), guards=(rules.is_affordable,), clause="T-1"),
            "approve": Transition(_("Approve"), "submitted", "approved", by=APPROVER, other_than="submit", signs=Signs(_("Approved"), asks_password=True),
                                  opens=(Opens("trial.check", each="lines", copies=rules.check_of_line, awaited_by="finish"),)),
            "send_back": Transition(_("Send back"), "submitted", "draft", by=APPROVER, asks=_("Reason")),
            "reopen": Transition(_("Reopen"), "approved", "submitted", by="trial.author"),
            "answer": Transition(_("Answer"), "approved", "approved", by=Named("answerer"), fills=("verdict",), when={"kind": "bought"}),
            "settle": Transition(_("Settle"), "approved", "settled", signs=_("Settled")),
            "finish": Transition(_("Finish"), ("approved", "settled"), "done", by="trial.author", guards=(rules.is_not_cursed,), effects=(rules.write_diary,)),
        },
        voids="trial.manager",
    ),
    opens={
        "event": Opens("trial.event", label=_("Event"), step="note", copies={"what": "subject", "plan": "id"}, sees=True, states=("approved", "settled")),
        "again": Opens("trial.plan", label=_("The same again"), copies={"amount": "amount"}),
    },
    prints={"plan": PrintForm(_("Plan"), signed_by=("submit", "approve"))},
)

CHECK = RecordType(
    name="trial.check", label=_("Check"), title="{what}", may_read=("trial.inspector",),
    fields={
        "plan": fields.Reference(_("Plan"), to="trial.plan", part=True, required=True),
        "what": fields.Text(_("What"), required=True),
        "finding": fields.Text(_("Finding"), required=True),
    },
    numbering=Numbering("{plan.number}-{counter:02d}"),
    workflow=Workflow(
        states={"waiting": State(_("Waiting")), "passed": State(_("Passed"), final=True)},
        transitions={
            "begin": Transition(_("Begin"), None, "waiting"),
            "pass_it": Transition(_("Pass"), "waiting", "passed", by="trial.inspector", fills=("finding",)),
        },
        voids="trial.inspector",
    ),
)

EVENT = RecordType(
    name="trial.event", label=_("Event"), title="{what}", may_read=("trial.clerk",),
    fields={
        "what": fields.Text(_("What"), required=True),
        "plan": fields.Reference(_("Plan"), to="trial.plan", states=("approved", "settled")),
        "unit": fields.Department(_("Responsible unit")),
        "remedy": fields.Text(_("Remedy"), required=True),
    },
    sections={
        "event": Section(_("Event"), fields=("what", "plan", "unit")),
        "remedy": Section(_("Remedy"), fields=("remedy",), filled_by=Named("unit", role="core.head"), states=("accepted",), locked_by="close"),
    },
    numbering=Numbering("EV-{counter:04d}"),
    workflow=Workflow(
        states={"noted": State(_("Noted")), "accepted": State(_("Accepted")), "closed": State(_("Closed"), final=True)},
        transitions={
            "note": Transition(_("Note"), None, "noted", by="trial.clerk", signs=_("Noted")),
            "report": Transition(_("Report"), None, "noted", by="core.employee"),
            "accept": Transition(_("Accept"), "noted", "accepted", by=Named("unit", role="core.head")),
            "close": Transition(_("Close"), "accepted", "closed", by=Named("unit", role="core.head"), signs=_("Closed"), effects=(rules.settle_plan,)),
        },
        voids="trial.clerk",
    ),
)

DIARY = RecordType(
    name="trial.diary", label=_("Diary"), title="{text}", drafts="department", may_create=("core.employee",),
    fields={
        "text": fields.Text(_("Text"), required=True), "storm": fields.Boolean(_("Storm")), "damage": fields.Text(_("Damage"), required=True),
        "roofs": fields.Lines(_("Roofs"), columns={"roof": fields.Text(_("Roof"), required=True)}),
    },
    sections={"damage": Section(_("Damage"), fields=("damage", "roofs"), when={"storm": True})},
    numbering=Numbering("DI-{counter:04d}"),
    workflow=Workflow(
        states={"draft": State(_("Draft")), "kept": State(_("Kept"), final=True)},
        transitions={"keep": Transition(_("Keep"), "draft", "kept", by="core.employee")},
    ),
)

PLUGIN = Plugin(
    "trial", label=_("Trial"), policies=(APPROVER,), functions={"inspection": Function(_("Inspection"))},
    roles={
        "author": Role(_("Author")), "manager": Role(_("Manager")), "keeper": Role(_("Keeper")), "clerk": Role(_("Clerk")),
        "inspector": Role(_("Inspector"), function="trial.inspection"),
    },
)
