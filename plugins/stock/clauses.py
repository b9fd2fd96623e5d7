"""The points of the production procedure that the warehouse proves."""

from core import Clause, _

CLAUSES = (
    Clause("PC-4.1.3b", _("Materials are drawn with a requisition"), proven_by=("stock.requisition",)),
)
