"""What the invented plugin brings."""

from core import hookimpl

from . import CHECK, DIARY, EVENT, PLAN, THING


@hookimpl
def register_record_types():
    """All of them."""
    return (THING, PLAN, CHECK, EVENT, DIARY)
