"""What lies in the warehouse and leaves it only against a slip.

The material requisition is here; lots, movements, stock cards and stocktaking join it in the same plugin. A requisition is
opened from any record of any plugin: a plan, an order, a repair task. Who approves it is the policy
`stock.requisition.approver`.

Roles: `requester` draws for a department, `supervisor` approves where the policy says so, `keeper` hands out,
`warehouse_supervisor` answers for the warehouse.
"""

from core import Plugin, Role, _

from .requisition import APPROVER

PLUGIN = Plugin(
    "stock",
    label=_("Stock"),
    requires={"master_data": ">=0.1"},
    roles={
        "requester": Role(_("Requester of materials")),
        "supervisor": Role(_("Supervisor of requisitions")),
        "keeper": Role(_("Storekeeper"), function="core.warehouse"),
        "warehouse_supervisor": Role(_("Warehouse supervisor"), function="core.warehouse"),
    },
    policies=(APPROVER,),
    icon="building-warehouse",
)
