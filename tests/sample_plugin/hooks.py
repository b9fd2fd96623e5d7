"""What tools bring, what they add to items, and what they listen to."""

from core import Extension, Section, _, fields, hookimpl

from . import rules
from .clauses import CLAUSES
from .demo import fill
from .loan import LOAN
from .reports import REPORTS


@hookimpl
def register_record_types():
    """The tool loan."""
    return (LOAN,)


@hookimpl
def register_extensions():
    """Which items are tools that are lent."""
    return (
        Extension(
            of="master_data.item",
            fields={"tools_is_lent": fields.Boolean(_("Is lent as a tool"))},
            sections={"tools": Section(_("Tools"), fields=("tools_is_lent",))},
        ),
    )


@hookimpl
def register_reports():
    """Which tools are out."""
    return REPORTS


@hookimpl
def register_clauses():
    """The tool procedure."""
    return CLAUSES


@hookimpl
def check_step(work, record, step):
    """A tool that is lent out stays in use."""
    return rules.is_not_lent(work, record) if (record.type.name, step) == ("master_data.item", "deactivate") else ()


@hookimpl
def step_taken(work, record, step):
    """Nobody waits for a tool that was put out of use."""
    if (record.type.name, step) == ("master_data.item", "deactivate"):
        rules.release_requests(work, record)


@hookimpl
def fill_demo(demo):
    """Three tools, one of them lent."""
    fill(demo)
