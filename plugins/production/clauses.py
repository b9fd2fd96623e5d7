"""The clauses of the production procedure, and the records that prove each."""

from core import Clause, _

CLAUSES = (
    Clause("PC-3.3", _("The monthly plan is approved"), proven_by=("production.monthly_plan",)),
    Clause("PC-4.1.3a", _("The month is planned from orders, stock and capacity"), proven_by=("production.monthly_plan", "production.workshop")),
    Clause("PC-4.1.3b", _("Workshops plan the week, draw materials, and report each day; the month's completion serves the next plan"),
           proven_by=("production.weekly_plan", "stock.requisition", "production.daily_report", "report:production.completion")),
    Clause("PC-5.1.1", _("Production orders tell the workshops in detail what to make"), proven_by=("production.order",)),
)
