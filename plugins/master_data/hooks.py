"""What master data brings: its three registers and its share of the demo."""

from core import hookimpl

from .demo import fill
from .item import ITEM
from .party import PARTY
from .place import PLACE


@hookimpl
def register_record_types():
    """Items, parties and places."""
    return (ITEM, PARTY, PLACE)


@hookimpl
def fill_demo(demo):
    """The registers of a valve maker."""
    fill(demo)
