"""What the plant means to make next month, where, for which orders, and what could stand in the way."""

from core import (
    Choice,
    Numbering,
    Opens,
    Policy,
    PrintForm,
    RecordType,
    Section,
    Signs,
    State,
    Transition,
    Workflow,
    _,
    fields,
)

from . import capacity, items, rules

PLANNER = ("production.planner",)
DIRECTOR = ("production.plant_director",)


def drawn_up_by(author, approver=()):
    """The steps of a plan that `author` draws up and `approver` decides on."""
    return {"submit": author, "issue": author, "close": author} | ({"approve": approver, "send_back": approver} if approver else {})


APPROVER = Policy(
    "production.month_plan.approver",
    label=_("Who approves the monthly plan"),
    choices={
        "deputy_gm": Choice(_("Deputy general manager for production"), roles=drawn_up_by(PLANNER, ("production.deputy_gm",))),
        "manager": Choice(_("Production department manager"), roles=drawn_up_by(PLANNER, ("production.manager",))),
        "plant_director": Choice(_("No separate approval: the plant director draws it up"), roles=drawn_up_by(DIRECTOR), skips=("approve",)),
        "none": Choice(_("No separate approval: compiled from contracts and orders"), roles=drawn_up_by(PLANNER), skips=("approve",)),
        "no_plan": Choice(_("No monthly plan: the warehouse supervisor issues production notices"), without=("create",)),
    },
    default="deputy_gm",
)

MONTHLY_PLAN = RecordType(
    name="production.monthly_plan",
    label=_("Monthly production plan"),
    title="{plan_month:%Y-%m} {department}",
    clauses=("PC-4.1.3a",),
    may_read=("production.planner", "production.manager", "production.supervisor", "production.deputy_gm", "production.plant_director",
              "production.workshop_director", "core.general_manager", "core.purchasing", "core.warehouse"),
    columns=("plan_month", "number", "state", "department", "changed_at"),
    fields={
        "plan_month": fields.Month(_("Plan month"), required=True, default=rules.next_month, width=4),
        "distribution": fields.Departments(_("Issued to"), required=True, default=rules.receiving_departments, width=12),
        "basis": fields.LongText(_("Planning basis"), required=True, max=2000, help=_("The orders, forecasts and stock the plan rests on.")),
        "resources_and_manpower": fields.LongText(_("Resources and manpower"), max=2000),
        "goals": fields.LongText(_("Goals for quality, efficiency and safety"), max=2000),
        "risks_and_countermeasures": fields.LongText(_("Risks and countermeasures"), max=4000),
        "lines": fields.Lines(_("Products"), columns={
            "product": fields.Reference(_("Product"), to="master_data.item", states=("active",), required=True),
            "model_spec": fields.Computed(fields.Text(_("Model and specification")), by=items.of_row),
            "last_planned": fields.Computed(fields.Quantity(_("Planned last month"), unit_of="product"), by=rules.last_planned),
            "last_produced": fields.Computed(fields.Quantity(_("Produced last month"), unit_of="product"), by=rules.last_produced),
            "last_difference": fields.Computed(fields.Quantity(_("Difference last month"), unit_of="product"), by=rules.last_difference),
            "stock_qty": fields.Quantity(_("In stock"), unit_of="product", min=0, total=False),
            "stock_source": fields.Computed(fields.Choice(_("Stock from"), options={"typed": _("Typed by the planner")}), by=rules.stock_source),
            "source_order": fields.Text(_("Order or contract"), max=120),
            "planned_qty": fields.Quantity(_("Planned quantity"), unit_of="product", min=0, required=True),
            "due_date": fields.Date(_("Due date"), required=True),
            "workshop": fields.Department(_("Workshop"), function="production.workshop", sees=True, required=True),
            "hours": fields.Computed(fields.Quantity(_("Hours"), unit="h"), by=capacity.hours),
            "workshop_capacity": fields.Computed(fields.Quantity(_("Capacity of the workshop"), unit="h", total=False), by=capacity.capacity_of_workshop),
            "responsible": fields.User(_("Responsible")),
            "risks": fields.Text(_("Risks and countermeasures"), max=300),
            "produced_qty": fields.Quantity(_("Actually produced"), unit_of="product", effects_only=True),
        }),
        "load": fields.Computed(fields.Lines(_("Workshop load"), columns={
            "workshop": fields.Department(_("Workshop")),
            "hours": fields.Quantity(_("Hours planned"), unit="h"),
            "capacity": fields.Quantity(_("Monthly capacity"), unit="h", total=False),
            "rate": fields.Decimal(_("Load in %"), places=1),
        }), by=capacity.workshop_loads, live=True),
        "month_before": fields.Computed(fields.Lines(_("Completion of the month before"), columns={
            "product": fields.Reference(_("Product"), to="master_data.item"),
            "planned": fields.Quantity(_("Planned"), unit_of="product"),
            "produced": fields.Quantity(_("Produced"), unit_of="product"),
            "difference": fields.Quantity(_("Difference"), unit_of="product"),
        }, when=rules.is_drawn_up), by=rules.completion_before, live=True),
    },
    sections={
        "head": Section(_("Monthly production plan"), fields=("plan_month", "distribution", "basis", "resources_and_manpower", "goals",
                                                              "risks_and_countermeasures")),
        "products": Section(_("Products"), fields=("lines",)),
        "capacity": Section(_("Workshop load"), fields=("load",)),
        "reference": Section(_("Completion of the month before"), fields=("month_before",)),
    },
    unique=(("plan_month", "department"),),
    numbering=Numbering("MP-{plan_month:%Y%m}-{counter:02d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "submitted": State(_("Awaiting approval")),
            "approved": State(_("Approved")),
            "issued": State(_("In force"), kind="working"),
            "closed": State(_("Closed"), final=True),
        },
        transitions={
            "submit": Transition(_("Submit for approval"), "draft", "submitted", by=APPROVER, signs=_("Prepared"), clause="PC-4.1.3a",
                                 guards=(rules.has_lines, rules.plans_something, rules.is_due_within_reach,
                                         capacity.workshops_are_within_capacity)),
            "approve": Transition(_("Approve"), "submitted", "approved", by=APPROVER, other_than="submit",
                                  signs=Signs(_("Approval"), asks_password=True), clause="PC-3.3"),
            "send_back": Transition(_("Send back"), "submitted", "draft", by=APPROVER, asks=_("Reason")),
            "issue": Transition(_("Issue"), "approved", "issued", by=APPROVER, signs=_("Issued")),
            "close": Transition(_("Close the month"), "issued", "closed", by=APPROVER, signs=_("Closed with actuals"),
                                guards=(rules.month_has_passed,), effects=(rules.write_actuals,)),
        },
        voids="production.manager",
    ),
    opens={
        "weekly_plan": Opens("production.weekly_plan", label=_("Weekly plan"), states=("issued",), copies=rules.week_of_plan),
        "order": Opens("production.order", label=_("Production order"), states=("issued",), copies=rules.order_of_plan),
        "requisition": Opens("stock.requisition", label=_("Material requisition"), states=("issued",), copies=rules.requisition_for, sees=True),
        "next_month": Opens("production.monthly_plan", label=_("Plan for next month"), states=("issued", "closed"), copies=rules.plan_after),
    },
    prints={"plan": PrintForm(_("Monthly production plan"), form_no="QR-7501", signed_by=("submit", "approve"))},
)
