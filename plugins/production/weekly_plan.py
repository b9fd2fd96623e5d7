"""What a workshop makes in one week, day by day, out of the month's plan."""

from core import Numbering, Opens, PrintForm, RecordType, State, Transition, Workflow, _, fields

from . import rules

WEEKLY_PLAN = RecordType(
    name="production.weekly_plan",
    label=_("Weekly production plan"),
    title="{week} {workshop}",
    clauses=("PC-4.1.3b",),
    may_read=("production.planner", "production.manager", "production.supervisor", "production.plant_director",
              "production.workshop_director", "production.team_leader"),
    columns=("week", "workshop", "month_plan", "number", "state"),
    fields={
        "month_plan": fields.Reference(_("Monthly production plan"), to="production.monthly_plan", states=("issued",), required="always", width=6),
        "week": fields.Week(_("Week"), required=True, width=3),
        "workshop": fields.Department(_("Workshop"), function="production.workshop", required=True, default=rules.own_workshop, width=3),
        "lines": fields.Lines(_("Products"), columns={
            "product": fields.Reference(_("Product"), to="master_data.item", required=True),
            "month_qty": fields.Computed(fields.Quantity(_("Planned for the month"), unit_of="product"), by=rules.planned_for_month),
            "planned_qty": fields.Quantity(_("Quantity of the week"), unit_of="product", min=0, required=True),
            "monday": fields.Quantity(_("Monday"), unit_of="product", min=0),
            "tuesday": fields.Quantity(_("Tuesday"), unit_of="product", min=0),
            "wednesday": fields.Quantity(_("Wednesday"), unit_of="product", min=0),
            "thursday": fields.Quantity(_("Thursday"), unit_of="product", min=0),
            "friday": fields.Quantity(_("Friday"), unit_of="product", min=0),
            "saturday": fields.Quantity(_("Saturday"), unit_of="product", min=0),
            "sunday": fields.Quantity(_("Sunday"), unit_of="product", min=0),
            "remarks": fields.Text(_("Remarks"), max=200),
        }),
        "remarks": fields.LongText(_("Remarks"), max=2000),
    },
    unique=(("week", "workshop", "month_plan"),),
    numbering=Numbering("WP-{week}-{counter:02d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "issued": State(_("In force"), kind="working"),
            "closed": State(_("Closed"), final=True),
        },
        transitions={
            "issue": Transition(_("Issue"), "draft", "issued", by=rules.DIRECTORS, signs=_("Prepared"), clause="PC-4.1.3b",
                                guards=(rules.comes_from_issued_plan, rules.author_directs_the_workshop, rules.has_lines, rules.lies_in_plan_month,
                                        rules.days_add_up, rules.makes_what_the_month_plans)),
            "close": Transition(_("Close the week"), "issued", "closed", by=rules.DIRECTORS),
        },
        voids=rules.DIRECTORS,
    ),
    opens={
        "requisition": Opens("stock.requisition", label=_("Material requisition"), states=("issued",), copies=rules.requisition_for, sees=True),
        "daily_report": Opens("production.daily_report", label=_("Daily report"), states=("issued",), copies=rules.report_of_week),
    },
    prints={"plan": PrintForm(_("Weekly production plan"), signed_by=("issue",))},
)
