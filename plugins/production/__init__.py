"""Production control: what the plant means to make, tells its workshops to make, and has made.

The month is planned (`monthly_plan`), cut into weeks by the workshops (`weekly_plan`), ordered (`order`), drawn for
(`stock.requisition`) and counted day by day (`daily_report`); the report `completion` compares the month's plan with what
was made and stands beside the next plan. `workshop` is the register of the workshops' capacity.

Every responsibility of the procedure is a role, and where a department bears it, a function that the site binds to its own
department: no rule knows a department's name.

Policies:

- `production.month_plan.approver`: who draws up and who approves the monthly plan;
- `production.order.issuer`: who issues production orders, if anybody does;
- `production.daily_report.flow`: who reports the day's output and who approves or receives it.
"""

from core import Function, Plugin, Role, _

from .daily_report import FLOW
from .monthly_plan import APPROVER
from .order import ISSUER

PLUGIN = Plugin(
    "production",
    label=_("Production control"),
    requires={"master_data": ">=0.1", "stock": ">=0.1"},
    functions={
        "planning": Function(_("Production planning")),
        "workshop": Function(_("Workshops")),
        "process_engineering": Function(_("Process engineering")),
        "facilities": Function(_("Facilities")),
        "environment": Function(_("Work environment")),
        "identification": Function(_("Identification and traceability")),
        "protection": Function(_("Product protection")),
        "delivery": Function(_("Delivery")),
        "service": Function(_("After-sales service")),
    },
    roles={
        "planner": Role(_("Planner"), function="production.planning"),
        "manager": Role(_("Production department manager"), function="production.planning"),
        "supervisor": Role(_("Production supervisor"), function="production.planning"),
        "deputy_gm": Role(_("Deputy general manager for production")),
        "plant_director": Role(_("Plant director")),
        "workshop_director": Role(_("Workshop director")),
        "team_leader": Role(_("Workshop team leader")),
        "process_engineer": Role(_("Process engineer"), function="production.process_engineering"),
        "instruction_writer": Role(_("Writer of work instructions"), function="production.planning"),
        "facility_keeper": Role(_("Keeper of facilities"), function="production.facilities"),
        "environment_keeper": Role(_("Keeper of the work environment"), function="production.environment"),
        "inspector": Role(_("Inspector"), function="core.quality"),
        "identification_keeper": Role(_("Keeper of identification and traceability"), function="production.identification"),
        "packer": Role(_("Packer"), function="production.protection"),
        "dispatcher": Role(_("Dispatcher"), function="production.delivery"),
        "service_engineer": Role(_("Service engineer"), function="production.service"),
    },
    policies=(APPROVER, ISSUER, FLOW),
    icon="building-factory-2",
)
