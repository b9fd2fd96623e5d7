"""The trail: one row per record and work, written in the transaction of the change, chained per record.

Each row holds the hash of the row before it on the same record; `record.chain` holds the hash of the last one. Rows
that concern no record (settings, rights, users) have no chain of their own: the sealer chains them with all others.
No row is ever changed or deleted; both engines refuse it by trigger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import DDL, BigInteger, Column, Connection, Index, Integer, Table, Text, event, func, insert, literal_column, select

from core.audit import personal
from core.errors import Invalid, Refused
from core.fields import LongText
from core.storage import Base, Id, Moment, new_id

GENESIS: Final = ""
"""What stands before the first row of a chain."""


# Append only

APPEND_ONLY: Final = ("trail", "seal")

_SQLITE: Final = """CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {VERB} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"""
_FUNCTION: Final = """CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append only', TG_TABLE_NAME; END $$"""
_POSTGRESQL: Final = """CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""


def triggers(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that make a table append only; they may be run again and again."""
    if dialect == "sqlite":
        return tuple(_SQLITE.format(table=table, verb=verb, VERB=verb.upper()) for verb in ("update", "delete"))
    return (_FUNCTION, _POSTGRESQL.format(table=table))


def protect(connection: Connection) -> None:
    """Make sure that the trail and its seal are append only: run after every upgrade of the schema."""
    for table in APPEND_ONLY:
        for statement in triggers(table, connection.dialect.name):
            connection.exec_driver_sql(statement.replace("%", "%%"))


def append_only(table: Table) -> Table:
    """The table, with its triggers made together with it, also with its copies in other metadata."""
    for dialect in ("sqlite", "postgresql"):
        for statement in triggers(table.name, dialect):
            ddl = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", ddl, propagate=True)
    return table


class Trail(Base):
    """Who did what, when, why and from where. `changes` and `cause` are JSON kept as the very text that was hashed.

    `version` is the record's version after the change, null for rows without a chain. `xact` orders rows by the
    transaction that wrote them: PostgreSQL's transaction id, a count on SQLite.
    """

    __table__ = Table(
        "trail", Base.metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("record_id", Id),
        Column("version", Integer),
        Column("type", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("step", Text, nullable=False),
        Column("actor_id", Id),
        Column("for_id", Id),
        Column("at", Moment, nullable=False),
        Column("reason", Text, nullable=False),
        Column("via", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("changes", Text, nullable=False),
        Column("signed", Text, nullable=False),
        Column("prev", Text, nullable=False),
        Column("hash", Text, nullable=False),
        Column("xact", Id, nullable=False),
        Index("ix_trail_record_id", "record_id", "id"),
        Index("ix_trail_xact", "xact", "id"),
    )


TRAIL = append_only(Base.metadata.tables["trail"])
HASHED: Final = tuple(column.name for column in TRAIL.columns if column.name not in ("prev", "hash", "xact"))
"""The columns that a row's hash covers, besides the hash before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a work comes from: the actor (None for the machine), for whom they act, when, and through what."""

    actor_id: int | None
    at: datetime
    for_id: int | None = None
    via: str = ""
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one work did to one thing.

    `action` is the audit word (`production.monthly_plan.approved`, `core.setting.changed`); `changes` {field:
    [before, after]} in JSON shapes, Lines as `differences` gives them. A record's entry names its `version` after the change and
    the `chain` it had before (`record.chain`); without a version the entry has no chain, and `record_id` may name a
    user or department, or nothing. `personal` are the fields whose values may be erased one day (`phone`,
    `lines.phone`); `signed` is the digest of the signature that the step left
    (several with spaces between them); `cause` what made an effect act.
    """

    type: str
    action: str
    record_id: int | None = None
    version: int | None = None
    chain: str = GENESIS
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    step: str = ""
    reason: str = ""
    cause: Any = None
    signed: str = ""
    personal: frozenset[str] = frozenset()


def write(connection: Connection, origin: Origin, entries: Iterable[Entry]) -> dict[int, str]:
    """Write the rows of one work, one INSERT; returns the new head of each record's chain.

    The caller puts a head into `record.chain` with its version-checked UPDATE, in the same transaction. Several
    entries on one record chain on one another in their order.
    """
    heads: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    for entry in entries:
        row = _row(connection, origin, entry)
        prev = GENESIS
        if entry.version is not None and entry.record_id is not None:
            prev = heads.get(entry.record_id, entry.chain)
        row["prev"] = prev
        row["hash"] = row_hash(row)
        if entry.version is not None and entry.record_id is not None:
            heads[entry.record_id] = row["hash"]
        rows.append(row)
    if rows:
        connection.execute(_INSERT[connection.dialect.name], rows)
    return heads


def _row(connection: Connection, origin: Origin, entry: Entry) -> dict[str, Any]:
    changes: Mapping[str, Any] = entry.changes
    if entry.personal and entry.record_id is not None:
        changes = personal.protect_changes(connection, entry.record_id, changes, entry.personal, origin.at)
    return {
        "id": new_id(), "record_id": entry.record_id, "version": entry.version, "type": entry.type, "action": entry.action, "step": entry.step,
        "actor_id": origin.actor_id, "for_id": origin.for_id, "at": origin.at, "reason": _readable(entry.reason), "via": origin.via,
        "address": origin.address, "request_id": origin.request_id, "cause": "" if entry.cause is None else canonical(entry.cause),
        "changes": canonical(changes), "signed": entry.signed,
    }


def _readable(reason: str) -> str:
    """A reason that both databases can keep; Refused where somebody typed or sent one that they cannot."""
    try:
        return str(_REASON.accept(reason)) if reason else ""
    except Invalid as invalid:
        raise Refused([invalid.at("reason")]) from None


_REASON: Final = LongText(max=2_000)
_INSERT: Final = {
    "sqlite": insert(TRAIL).values(xact=select(func.coalesce(func.max(TRAIL.c.xact), 0) + 1).correlate(None).scalar_subquery()),
    "postgresql": insert(TRAIL).values(xact=literal_column("pg_current_xact_id()::text::bigint")),
}


def canonical(value: Any) -> str:
    """JSON in one spelling: keys sorted, no spaces. Floats are refused: two engines need not spell them alike."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> Any:
    """Mappings and tuples of other kinds as plain JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def row_hash(row: Mapping[Any, Any]) -> str:
    """SHA-256 of the hash before and the canonical JSON of the row."""
    return hashlib.sha256(f"{row['prev']}{canonical(hashed(row))}".encode()).hexdigest()


def hashed(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What the hash of a row covers; ids as texts, the moment in UTC."""
    found: dict[str, Any] = {}
    for name in HASHED:
        value = row[name]
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        found[name] = str(value) if name in _IDS and value is not None else value
    return found


_IDS: Final = frozenset({"id", "record_id", "actor_id", "for_id"})


# Reading


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the trail for people: the changes with personal values shown as far as they were not erased."""

    id: int
    record_id: int | None
    version: int | None
    type: str
    action: str
    step: str
    actor_id: int | None
    for_id: int | None
    at: datetime
    reason: str
    via: str
    cause: Any
    changes: Mapping[str, Any]
    signed: str


_SHOWN: Final = select(*(TRAIL.c[name] for name in Event.__slots__))


def history(connection: Connection, record_id: int, *, newest_first: bool = True, limit: int | None = None) -> list[Event]:
    """The rows of one record (or user, or department)."""
    order = (TRAIL.c.id.desc(),) if newest_first else (TRAIL.c.id,)
    rows = connection.execute(_SHOWN.where(TRAIL.c.record_id == record_id).order_by(*order).limit(limit)).all()
    return [event_from(row._mapping, personal.Opener(connection)) for row in rows]


def times(connection: Connection, record_id: int, action: str) -> int:
    """How often something was done to a record."""
    found = connection.scalar(select(func.count()).select_from(TRAIL).where(TRAIL.c.record_id == record_id, TRAIL.c.action == action))
    return found or 0


def recent(connection: Connection, *, types: Iterable[str] = (), actor_id: int | None = None, before: int | None = None, limit: int = 50) -> list[Event]:
    """The latest rows of the whole site, for those who may see the trail: of some types, of one actor, before a row's id."""
    wanted = _SHOWN.order_by(TRAIL.c.id.desc()).limit(limit)
    kinds = tuple(types)
    if kinds:
        wanted = wanted.where(TRAIL.c.type.in_(kinds))
    if actor_id is not None:
        wanted = wanted.where(TRAIL.c.actor_id == actor_id)
    if before is not None:
        wanted = wanted.where(TRAIL.c.id < before)
    opener = personal.Opener(connection)
    return [event_from(row._mapping, opener) for row in connection.execute(wanted).all()]


def event_from(row: Mapping[Any, Any], opener: personal.Opener) -> Event:
    """A row as people read it."""
    values = {name: row[name] for name in Event.__slots__}
    values["cause"] = json.loads(row["cause"]) if row["cause"] else None
    values["changes"] = opener.reveal(row["record_id"], json.loads(row["changes"]))
    return Event(**values)


def changed_since(connection: Connection, record_id: int, version: int) -> list[Event]:
    """What others did to a record after a version, oldest first: told to whoever saves a stale one.

    A save that comes too late has written its own row already, before it found that out; that row is left out.
    """
    wanted = _SHOWN.where(TRAIL.c.record_id == record_id, TRAIL.c.version > version).order_by(TRAIL.c.version, TRAIL.c.id)
    if connection.dialect.name == "postgresql":
        wanted = wanted.where(TRAIL.c.xact.is_distinct_from(literal_column("pg_current_xact_id_if_assigned()::text::bigint", BigInteger)))
    opener = personal.Opener(connection)
    return [event_from(row._mapping, opener) for row in connection.execute(wanted).all()]
