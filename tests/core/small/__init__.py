"""A small plugin, and its database on both engines, for the tests of the floors below the door."""

import sys
from datetime import UTC, datetime
from decimal import Decimal

from core import fields
from core.messages import _
from core.records import Numbering, Plugin, RecordType
from core.registry import build_registry
from core.storage import Database, Record, Row, new_id, store
from core.workflow import State, Transition, Workflow

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

PART = RecordType(
    name="small.part", label=_("Part"), title="{code}", may_create=("core.employee",), unique=(("code",),),
    fields={"code": fields.Text(_("Code"), required=True)}, numbering=Numbering("{code}"),
)
ORDER = RecordType(
    name="small.order", label=_("Order"), title="{month:%Y-%m}",
    fields={
        "month": fields.Month(_("Month"), required=True),
        "note": fields.LongText(_("Note")),
        "phone": fields.Text(_("Phone"), personal=True),
        "part": fields.Reference(_("Part"), to="small.part"),
        "papers": fields.Attachments(_("Papers")),
        "pictures": fields.Photos(_("Pictures")),
        "lines": fields.Lines(_("Lines"), columns={
            "part": fields.Reference(_("Part"), to="small.part"),
            "qty": fields.Decimal(_("Quantity")),
            "caller": fields.Text(_("Caller"), personal=True),
        }),
    },
    numbering=Numbering("SO-{month:%Y%m}-{counter:02d}"),
    workflow=Workflow(
        states={"draft": State(_("Draft")), "open": State(_("Open")), "done": State(_("Done"), final=True)},
        transitions={
            "submit": Transition(_("Submit"), "draft", "open", by="core.employee", signs=_("Prepared")),
            "finish": Transition(_("Finish"), "open", "done", by="core.employee"),
        },
    ),
)


PLUGIN = Plugin("small", label=_("Small"))


def registry():
    """A registry of the small plugin alone."""
    return build_registry(["small"], extra={"small": sys.modules[__name__]})


def open_database(url):
    """The small plugin's empty database at this address."""
    database = Database(url, registry())
    database.create()
    return database


def order(month=NOW.date().replace(day=1), lines=(), **values):
    """An order that is not stored yet."""
    record = Record(
        ORDER, new_id(), dict.fromkeys(ORDER.fields) | {"month": month, "papers": (), "pictures": ()} | values,
        state="draft", department=None, created_by=7, created_at=NOW, changed_at=NOW,
    )
    record.values["lines"] = tuple(row(at, record, **values) for at, values in enumerate(lines, 1))
    return record


def row(position, parent=None, id=None, qty=None, **values):
    """A row of an order."""
    qty = None if qty is None else Decimal(qty)
    return Row(id or new_id(), position, {"part": None, "qty": qty, "caller": None} | values, parent)


def insert(database, record):
    """Store a record as the door would, without its trail."""
    with database.begin() as connection:
        store.insert(connection, database.tables(record.type), record)
    return record
