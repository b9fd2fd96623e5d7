"""What tells each workshop in detail what to make: the production order, workshop notice or production notice."""

from core import Choice, Numbering, Opens, Policy, PrintForm, RecordType, Section, State, Transition, Workflow, _, fields

from . import items, rules

ISSUER = Policy(
    "production.order.issuer",
    label=_("Who issues production orders"),
    choices={
        "plant_director": Choice(_("Plant director, from reviewed orders"), roles=("production.plant_director",)),
        "production": Choice(_("Production department, from contracts and orders"), roles=("production.planner",)),
        "warehouse_supervisor": Choice(_("Warehouse supervisor, after reading the reviewed order"), roles=("stock.warehouse_supervisor",)),
        "none": Choice(_("No separate order: workshops work from the monthly and weekly plans"), without=("create",)),
    },
    default="production",
)

ORDER = RecordType(
    name="production.order",
    label=_("Production order"),
    title="{product}",
    clauses=("PC-5.1.1",),
    may_read=("production.planner", "production.manager", "production.supervisor", "production.plant_director",
              "stock.keeper", "stock.warehouse_supervisor"),
    columns=("number", "product", "qty", "due_date", "state", "department"),
    fields={
        "source_order": fields.Text(_("Order or contract"), required=True, max=120, width=4),
        "month_plan": fields.Reference(_("Monthly production plan"), to="production.monthly_plan", states=("issued",), width=4),
        "due_date": fields.Date(_("Due date"), required=True, width=4),
        "product": fields.Reference(_("Product"), to="master_data.item", states=("active",), required=True, width=4),
        "model_spec": fields.Computed(fields.Text(_("Model and specification")), by=items.of_record),
        "qty": fields.Quantity(_("Quantity"), unit_of="product", min=0, required=True, width=4),
        "stock_considered": fields.Quantity(_("Stock considered"), unit_of="product", min=0, help=_("Typed by whoever issues the order."), width=4),
        "batch_no": fields.Text(_("Batch number"), max=60, filter=True, width=4),
        "process_route": fields.Text(_("Process route"), max=300, width=8),
        "workshops": fields.Lines(_("Workshops"), columns={
            "workshop": fields.Department(_("Workshop"), function="production.workshop", sees=True, required=True),
            "qty": fields.Quantity(_("Quantity"), unit_of="product", min=0, required=True),
            "process": fields.Text(_("Process"), max=120),
            "due_date": fields.Date(_("Due date")),
            "remarks": fields.Text(_("Remarks"), max=200),
        }),
        "materials": fields.Lines(_("Materials"), columns={
            "material": fields.Reference(_("Material"), to="master_data.item", states=("active",), required=True),
            "qty_needed": fields.Quantity(_("Quantity needed"), unit_of="material", min=0, required=True),
            "qty_drawn": fields.Quantity(_("Quantity drawn"), unit_of="material", effects_only=True),
            "is_drawn": fields.Boolean(_("Drawn"), effects_only=True),
        }),
        "remarks": fields.LongText(_("Remarks"), max=2000),
    },
    sections={
        "order": Section(_("Production order"), fields=("source_order", "month_plan", "due_date", "product", "model_spec", "qty",
                                                        "stock_considered", "batch_no", "process_route", "remarks")),
        "workshops": Section(_("Workshops"), fields=("workshops",)),
        "materials": Section(_("Materials"), fields=("materials",)),
    },
    numbering=Numbering("PO-{today:%Y%m}-{counter:03d}"),
    workflow=Workflow(
        states={
            "draft": State(_("Draft")),
            "issued": State(_("In production"), kind="working"),
            "completed": State(_("Completed"), final=True, kind="good"),
        },
        transitions={
            "issue": Transition(_("Issue the order"), "draft", "issued", by=ISSUER, signs=_("Order issued"), clause="PC-5.1.1",
                                guards=(rules.makes_something, rules.workshops_add_up, rules.names_each_material_once)),
            "complete": Transition(_("Complete"), "issued", "completed", by=ISSUER, signs=_("Completion")),
        },
        voids=ISSUER,
    ),
    opens={
        "requisition": Opens("stock.requisition", label=_("Material requisition"), states=("issued",), copies=rules.requisition_of_order, sees=True),
    },
    prints={"order": PrintForm(_("Production order"), signed_by=("issue",))},
)
