"""What stock brings: the material requisition, and its share of the demo."""

from core import hookimpl

from .clauses import CLAUSES
from .demo import fill
from .requisition import REQUISITION


@hookimpl
def register_record_types():
    """The material requisition."""
    return (REQUISITION,)


@hookimpl
def register_clauses():
    """The warehouse's points of the production procedure."""
    return CLAUSES


@hookimpl
def fill_demo(demo):
    """The people of the warehouse; the requisitions come with what they are drawn for."""
    fill(demo)
