"""Links between records: what a record refers to, what it opened, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, case, delete, insert, or_, select, tuple_

from core.storage import RECORD, Base, Id, Moment, new_id

if TYPE_CHECKING:
    from core.records import RecordType
    from core.storage import Record

FIELD: Final = "field:"
"""Begins the kind of a link that a reference field makes: `field:order`, `field:lines.product`."""
OPENED: Final = "opened:"
"""Begins the kind of a link to a record that was opened: `opened:` and the key of the Opens."""
REFERENCES: Final = frozenset({"reference", "references", "any_record"})
"""The field kinds that point at records."""
NO_ROW: Final = 0


class LinkRow(Base):
    """From a record, or one of its rows (`row_id`, 0 for none), to another. `once` keeps a thing from being opened twice."""

    __table__ = Table(
        "link", Base.metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("from_id", Id, nullable=False),
        Column("to_id", Id, nullable=False),
        Column("kind", Text, nullable=False),
        Column("row_id", Id, nullable=False),
        Column("once", Text),
        Column("created_at", Moment, nullable=False),
        Index("uq_link_from_id", "from_id", "kind", "row_id", "to_id", unique=True),
        Index("uq_link_once", "once", unique=True),
        Index("ix_link_to_id", "to_id", "kind"),
    )


LINK = Base.metadata.tables["link"]


@dataclass(frozen=True, slots=True)
class Link:
    """One link, with what the index table says of the record at its other end."""

    id: int
    from_id: int
    to_id: int
    kind: str
    row_id: int
    created_at: datetime
    other_id: int
    type: str
    number: str | None
    title: str
    state: str

    @property
    def is_opened(self) -> bool:
        """Whether the one opened the other."""
        return self.kind.startswith(OPENED)

    @property
    def name(self) -> str:
        """The field or the key of the Opens that made it."""
        return self.kind.partition(":")[2]


Pair = tuple[int, int]
"""A row (0 for the record itself) and the record it points at."""


def references_of(record: Record) -> dict[str, frozenset[Pair]]:
    """What a record refers to: {field or `lines.column`: {(row, record)}}, every reference field named, empty ones too."""
    rt = record.type
    found: dict[str, frozenset[Pair]] = {}
    for name in _fields(rt):
        head, dot, column = name.partition(".")
        if dot:
            rows = record.values.get(head) or ()
            found[name] = frozenset((row.id, one) for row in rows for one in _ids(row.values.get(column)))
        else:
            found[name] = frozenset((NO_ROW, one) for one in _ids(record.values.get(name)))
    return found


def _fields(rt: RecordType) -> list[str]:
    fields = [name for name, kind in rt.fields.items() if kind.kind in REFERENCES]
    for name, lines in rt.lines.items():
        fields += [f"{name}.{column}" for column, kind in lines.columns.items() if kind.kind in REFERENCES]
    return fields


def _ids(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def replace_references(
    connection: Connection, record_id: int, after: Mapping[str, Iterable[Pair]], before: Mapping[str, Iterable[Pair]] | None = None,
    *, at: datetime,
) -> None:
    """Make the links of these fields what they should be.

    `before` is what they were, `{}` for a new record; without it they are read. At most one DELETE and one INSERT.
    """
    kinds = {f"{FIELD}{name}": frozenset(pairs) for name, pairs in after.items()}
    if before is None:
        old = _stored(connection, record_id, kinds)
    else:
        old = {(f"{FIELD}{name}", *pair) for name, pairs in before.items() if name in after for pair in pairs}
    new = {(kind, *pair) for kind, pairs in kinds.items() for pair in pairs}
    gone, fresh = old - new, new - old
    if gone:
        which = tuple_(LINK.c.kind, LINK.c.row_id, LINK.c.to_id).in_(sorted(gone))
        connection.execute(delete(LINK).where(LINK.c.from_id == record_id, which))
    if fresh:
        connection.execute(insert(LINK), [_row(record_id, to, kind, row, at) for kind, row, to in sorted(fresh)])


def _stored(connection: Connection, record_id: int, kinds: Iterable[str]) -> set[tuple[str, int, int]]:
    wanted = select(LINK.c.kind, LINK.c.row_id, LINK.c.to_id).where(LINK.c.from_id == record_id, LINK.c.kind.in_(list(kinds)))
    return {(row.kind, row.row_id, row.to_id) for row in connection.execute(wanted)}


def _row(from_id: int, to_id: int, kind: str, row_id: int, at: datetime, once: str | None = None) -> dict[str, Any]:
    return {"id": new_id(), "from_id": from_id, "to_id": to_id, "kind": kind, "row_id": row_id, "once": once, "created_at": at}


def opened(connection: Connection, from_id: int, key: str, row_id: int = NO_ROW, round: int | None = None) -> int | None:
    """The record that was opened from here under this key (in this round of the step, if one is given), if any."""
    wanted = select(LINK.c.to_id).where(LINK.c.from_id == from_id, LINK.c.kind == f"{OPENED}{key}", LINK.c.row_id == row_id)
    if round is not None:
        wanted = wanted.where(LINK.c.once == _once(from_id, key, row_id, round))
    return connection.scalar(wanted.order_by(LINK.c.id.desc()).limit(1))


def open_link(
    connection: Connection, from_id: int, to_id: int, key: str, *, at: datetime, row_id: int = NO_ROW, round: int | None = None,
) -> None:
    """Link a record to the one it opened under `key` (`submit:0` for the first Opens of the step `submit`).

    With a round, it can be opened once per key, row and round: the second attempt breaks the unique index. Without one
    (a button on the page) it can be opened again and again.
    """
    once = None if round is None else _once(from_id, key, row_id, round)
    connection.execute(insert(LINK), _row(from_id, to_id, f"{OPENED}{key}", row_id, at, once))


def _once(from_id: int, key: str, row_id: int, round: int) -> str:
    return f"{from_id}:{key}:{row_id}:{round}"


def of(connection: Connection, record_id: int, direction: str = "both", *, kinds: str = "", limit: int | None = None) -> list[Link]:
    """The links of a record, oldest first: `out` those it makes, `in` those that point at it, or `both`.

    `kinds` is the beginning of their kind (`opened:`, `field:order`). Whether the reader may see the other end is the door's to say.
    """
    mine = {"out": LINK.c.from_id == record_id, "in": LINK.c.to_id == record_id}
    wanted = _JOINED[direction].where(or_(*mine.values()) if direction == "both" else mine[direction])
    if kinds:
        wanted = wanted.where(LINK.c.kind.startswith(kinds, autoescape=True))
    parameters = {"self_": record_id} if direction == "both" else {}
    return [Link(*row) for row in connection.execute(wanted.order_by(LINK.c.id).limit(limit), parameters)]


def _joined(direction: str) -> Any:
    other: Any = {
        "out": LINK.c.to_id,
        "in": LINK.c.from_id,
        "both": case((LINK.c.from_id == bindparam("self_", type_=Id), LINK.c.to_id), else_=LINK.c.from_id),
    }[direction]
    columns = [LINK.c.id, LINK.c.from_id, LINK.c.to_id, LINK.c.kind, LINK.c.row_id, LINK.c.created_at]
    return select(*columns, RECORD.c.id, RECORD.c.type, RECORD.c.number, RECORD.c.title, RECORD.c.state).join(RECORD, RECORD.c.id == other)


_JOINED: Final = {direction: _joined(direction) for direction in ("out", "in", "both")}


def is_referred_to(connection: Connection, record_id: int) -> bool:
    """Whether any record points at this one: a used register entry is made inactive, never deleted."""
    return connection.execute(select(LINK.c.id).where(LINK.c.to_id == record_id).limit(1)).first() is not None


def unfinished(connection: Connection, record_id: int, keys: Iterable[str], finals: Mapping[str, Iterable[str]]) -> list[Link]:
    """The records opened under these keys that are in none of the final states of their type: what a step waits for."""
    wanted = {f"{OPENED}{key}" for key in keys}
    ends = {name: frozenset(states) for name, states in finals.items()}
    return [link for link in of(connection, record_id, "out", kinds=OPENED) if link.kind in wanted and link.state not in ends.get(link.type, ())]


def remove(connection: Connection, record_id: int) -> None:
    """Take away the links that a deleted draft made; those that point at it go with it."""
    connection.execute(delete(LINK).where(or_(LINK.c.from_id == record_id, LINK.c.to_id == record_id)))
