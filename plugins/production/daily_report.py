"""What a workshop made on one day."""

from core import Choice, Numbering, Policy, PrintForm, RecordType, State, Transition, Workflow, _, fields

from . import rules

FLOW = Policy(
    "production.daily_report.flow",
    label=_("Who reports the day's output, and who approves or receives it"),
    choices={
        "workshop_to_production": Choice(
            _("Workshop director fills the form for the production department"), skips=("approve",),
            roles={"submit": ("production.workshop_director",), "receive": ("production.planner",)}),
        "told_to_production": Choice(
            _("Workshop director tells the production department, which need not confirm"), skips=("approve", "receive"),
            roles={"submit": ("production.workshop_director",)}),
        "team_to_plant_director": Choice(
            _("Team leader counts and fills it in for the plant director"), skips=("approve",),
            roles={"submit": ("production.team_leader",), "receive": ("production.plant_director",)}),
        "supervisor_approves": Choice(
            _("Production unit fills it in, production supervisor approves"), skips=("receive",),
            roles={"submit": ("production.workshop_director", "production.team_leader"),
                   "approve": ("production.supervisor",), "send_back": ("production.supervisor",)}),
    },
    default="workshop_to_production",
)

DAILY_REPORT = RecordType(
    name="production.daily_report",
    label=_("Daily production report"),
    title="{report_date:%Y-%m-%d} {workshop}",
    clauses=("PC-4.1.3b",),
    may_read=("production.planner", "production.manager", "production.supervisor", "production.plant_director",
              "production.workshop_director", "production.team_leader"),
    columns=("report_date", "workshop", "number", "state"),
    fields={
        "report_date": fields.Date(_("Date"), required=True, default="today", width=4),
        "workshop": fields.Department(_("Workshop"), function="production.workshop", required=True, default=rules.own_workshop, width=4),
        "weekly_plan": fields.Reference(_("Weekly production plan"), to="production.weekly_plan", width=4),
        "report_month": fields.Computed(fields.Month(_("Month")), by=rules.month_of_report),
        "lines": fields.Lines(_("Output"), columns={
            "production_order": fields.Reference(_("Production order"), to="production.order"),
            "process": fields.Text(_("Process"), max=120),
            "product": fields.Reference(_("Product"), to="master_data.item", required=True),
            "qty_semi_finished": fields.Quantity(_("Semi-finished"), unit_of="product", min=0),
            "qty_finished": fields.Quantity(_("Finished"), unit_of="product", min=0),
            "qty_counted": fields.Computed(fields.Quantity(_("Counted for the month"), unit_of="product"), by=rules.counted),
            "qty_nonconforming": fields.Quantity(_("Nonconforming"), unit_of="product", min=0),
            "remarks": fields.Text(_("Remarks"), max=200),
        }),
        "remarks": fields.LongText(_("Remarks"), max=2000),
    },
    guards=(rules.is_of_a_day_that_was,),
    unique=(("report_date", "workshop"),),
    numbering=Numbering("DR-{report_date:%Y%m%d}-{counter:02d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "submitted": State(_("Awaiting approval")),
            "reported": State(_("Reported"), kind="working"),
            "received": State(_("Received"), final=True, kind="good"),
        },
        transitions={
            "submit": Transition(_("Report"), "draft", "submitted", by=FLOW, signs=_("Filled in"),
                                 guards=(rules.has_lines, rules.counts_something), clause="PC-4.1.3b"),
            "approve": Transition(_("Approve"), "submitted", "reported", by=FLOW, other_than="submit", signs=_("Approval")),
            "send_back": Transition(_("Send back"), "submitted", "draft", by=FLOW, asks=_("Reason")),
            "receive": Transition(_("Receive"), "reported", "received", by=FLOW, signs=_("Receipt")),
        },
        voids="production.manager",
    ),
    prints={"report": PrintForm(_("Daily production report"), signed_by=("submit", "approve", "receive"))},
)
