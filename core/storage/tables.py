"""Registry → tables: one per record type, complete in itself, a child table per Lines, a side table per extension,
and the narrow index table `record` that everything else points at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import Select

from core.errors import Fault, Faults
from core.fields import Field
from core.messages import _
from core.records import RecordType
from core.registry import Registry
from core.storage.columns import NAMING, Base, Id, Moment, column_type

NOT_DRAFT = text("state NOT IN ('draft', 'void', 'superseded')")
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""What the due key holds where no clock runs."""

MAIN_COMMON = ("number", "title", "state", "department_id", "created_by", "created_at", "changed_at", "version", "revision", "due_at", "due_key")


class RecordRow(Base):
    """The index table: what inbox, search, trail, files and links point at, one row per record of any type."""

    __table__ = Table(
        "record", Base.metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("type", Text, nullable=False),
        Column("number", Text),
        Column("title", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("department_id", Id),
        Column("created_by", Id),
        Column("changed_at", Moment, nullable=False),
        Column("version", Integer, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("due_at", Moment),
        Column("due_key", Moment, nullable=False),
        Column("chain", Text, nullable=False),
        Index("ix_record_type_state", "type", "state", "due_key", "id"),
        Index("ix_record_type", "type", "due_key", "id"),
        Index("ix_record_number", "number"),
        Index("ix_record_created_by", "created_by", "changed_at"),
        Index("uq_record_number", "type", "number", "revision", unique=True),
    )


class Reader(Base):
    """Users and departments that may read a record although no role of theirs says so."""

    __table__ = Table(
        "reader", Base.metadata,
        Column("record_id", Id, ForeignKey("record.id"), primary_key=True),
        Column("holder_id", Id, primary_key=True),
        Index("ix_reader_holder", "holder_id", "record_id"),
    )


class Stamp(Base):
    """Counts changes of what web processes keep in memory (people, policies, settings, words)."""

    __table__ = Table("stamp", Base.metadata, Column("name", Text, primary_key=True), Column("value", Integer, nullable=False))


RECORD = Base.metadata.tables["record"]
READER = Base.metadata.tables["reader"]
STAMP = Base.metadata.tables["stamp"]


@dataclass(frozen=True, eq=False)
class LineTable:
    """The child table of a Lines field, with its statements."""

    table: Table
    columns: tuple[str, ...]
    converters: dict[str, Field]
    """The columns that hold something else than the Python value."""

    def column_value(self, name: str, value: Any) -> Any:
        """A value as its column keeps it."""
        kind = self.converters.get(name)
        return kind.to_column(value) if kind else value

    @cached_property
    def select(self) -> Select[Any]:
        """Rows of one record in order: id, position, then the columns."""
        t = self.table
        return select(t.c.id, t.c.position, *(t.c[name] for name in self.columns)).where(t.c.record_id == bindparam("id_")).order_by(t.c.position)

    @cached_property
    def select_many(self) -> Select[Any]:
        """Rows of several records: record_id, id, position, then the columns."""
        t = self.table
        return (
            select(t.c.record_id, t.c.id, t.c.position, *(t.c[name] for name in self.columns))
            .where(t.c.record_id.in_(bindparam("ids_", expanding=True))).order_by(t.c.record_id, t.c.position)
        )

    @cached_property
    def insert(self) -> Insert:
        """New rows."""
        return insert(self.table)

    @cached_property
    def update(self) -> Update:
        """A changed row, all its columns."""
        values: dict[str, Any] = {name: bindparam(name) for name in (*self.columns, "position")}
        return update(self.table).where(self.table.c.id == bindparam("id_")).values(values)

    @cached_property
    def delete(self) -> Delete:
        """Rows that were taken out."""
        return delete(self.table).where(self.table.c.id == bindparam("id_"))


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of one record type and the statements that are built once for it."""

    type: RecordType
    main: Table
    sides: dict[str, Table]
    lines: dict[str, LineTable]
    columns: dict[str, Column[Any]]
    converters: dict[str, Field]
    """The fields whose columns hold something else than the Python value."""
    updates: dict[tuple[str, ...], Update] = field(default_factory=dict)

    def column_value(self, name: str, value: Any) -> Any:
        """A value as its column keeps it."""
        kind = self.converters.get(name)
        return kind.to_column(value) if kind else value

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """The declared fields that have a column, in order."""
        return tuple(self.columns)

    @cached_property
    def source(self) -> Any:
        """The main table with its extensions' side tables."""
        joined: Any = self.main
        for side in self.sides.values():
            joined = joined.outerjoin(side, side.c.id == self.main.c.id)
        return joined

    @cached_property
    def wanted(self) -> list[Any]:
        """The columns of a record: id, the common ones, then the stored fields."""
        return [self.main.c.id, *(self.main.c[name] for name in MAIN_COMMON), *(self.columns[name] for name in self.stored)]

    @cached_property
    def select_one(self) -> Select[Any]:
        """One record by id, with the head of its chain."""
        source = self.source.join(RECORD, RECORD.c.id == self.main.c.id)
        return select(*self.wanted, RECORD.c.chain).select_from(source).where(self.main.c.id == bindparam("id_"))

    @cached_property
    def select_list(self) -> Select[Any]:
        """Records without their chain, to be filtered and ordered."""
        return select(*self.wanted, literal_column("''").label("chain")).select_from(self.source)

    @cached_property
    def insert_main(self) -> Insert:
        """The type's own row."""
        return insert(self.main)

    def update_main(self, names: tuple[str, ...]) -> Update:
        """Sets these columns where id and version are still the ones that were read."""
        if names not in self.updates:
            found = update(self.main).where(self.main.c.id == bindparam("id_"), self.main.c.version == bindparam("version_"))
            columns: dict[str, Any] = {name: bindparam(name) for name in names}
            self.updates[names] = found.values(columns)
        return self.updates[names]


INSERT_RECORD = insert(RECORD)
UPDATE_RECORD = (
    update(RECORD).where(RECORD.c.id == bindparam("id_"))
    .values({name: bindparam(name) for name in ("number", "title", "state", "department_id", "changed_at", "version", "due_at", "due_key", "chain")})
)


def build_tables(registry: Registry) -> tuple[MetaData, dict[str, Tables]]:
    """The metadata of a registry: copies of core's own tables, then each type's tables, by type name."""
    metadata = MetaData(naming_convention=NAMING)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(metadata)
    taken = {rt.name: rt.table for rt in registry.types.values() if rt.table in metadata.tables}
    if taken:
        raise Faults(Fault("table-taken", name, _("Its table would be called “{table}”, which core uses.", table=table)) for name, table in taken.items())
    return metadata, {name: _tables(rt, metadata) for name, rt in registry.types.items()}


def _tables(rt: RecordType, metadata: MetaData) -> Tables:
    own = {n: k for n, k in rt.fields.items() if n not in rt.extended and k.storage}
    main = Table(rt.table, metadata, *_common_columns(), *(_column(n, k) for n, k in own.items()))
    Index(f"ix_{rt.table}_due", main.c.due_key, main.c.id)
    Index(f"ix_{rt.table}_state", main.c.state, main.c.due_key, main.c.id)
    Index(f"ix_{rt.table}_department", main.c.department_id, main.c.due_key, main.c.id)
    Index(f"ix_{rt.table}_changed", main.c.changed_at, main.c.id)
    Index(f"ix_{rt.table}_number", main.c.number, main.c.id)
    for name, kind in own.items():
        if kind.filters:
            Index(f"ix_{rt.table}_{name}", main.c[name], main.c.due_key, main.c.id)
    for group in rt.unique:
        keys = [main.c["department_id" if name == "department" else name] for name in group]
        Index(f"uq_{rt.table}_{'_'.join(group)}", *keys, unique=True, sqlite_where=NOT_DRAFT, postgresql_where=NOT_DRAFT)
    sides = {plugin: _side(rt, plugin, metadata, main) for plugin in dict.fromkeys(rt.extended.values())}
    columns = {n: (sides[rt.extended[n]] if n in rt.extended else main).c[n] for n, k in rt.fields.items() if k.storage}
    converters = {n: k for n, k in rt.fields.items() if n in columns and k.converts}
    return Tables(rt, main, sides, {name: _line_table(rt, name, metadata) for name in rt.lines}, columns, converters)


def _common_columns() -> list[Column[Any]]:
    return [
        Column("id", Id, ForeignKey("record.id"), primary_key=True, autoincrement=False),
        Column("number", Text), Column("title", Text, nullable=False), Column("state", Text, nullable=False),
        Column("department_id", Id), Column("created_by", Id), Column("created_at", Moment, nullable=False),
        Column("changed_at", Moment, nullable=False), Column("version", Integer, nullable=False), Column("revision", Integer, nullable=False),
        Column("due_at", Moment), Column("due_key", Moment, nullable=False),
    ]


def _column(name: str, kind: Field) -> Column[Any]:
    assert kind.storage is not None
    keys = [ForeignKey("record.id")] if kind.kind in ("reference", "any_record") else []
    return Column(name, column_type(kind.storage), *keys)


def _side(rt: RecordType, plugin: str, metadata: MetaData, main: Table) -> Table:
    columns = [_column(n, k) for n, k in rt.fields.items() if rt.extended.get(n) == plugin and k.storage]
    return Table(f"{rt.table}__x_{plugin}", metadata, Column("id", Id, ForeignKey(main.c.id), primary_key=True, autoincrement=False), *columns)


def _line_table(rt: RecordType, name: str, metadata: MetaData) -> LineTable:
    kinds = {n: k for n, k in rt.lines[name].columns.items() if k.storage}
    table = Table(
        f"{rt.table}__{name}", metadata, Column("id", Id, primary_key=True, autoincrement=False),
        Column("record_id", Id, ForeignKey(f"{rt.table}.id"), nullable=False), Column("position", Integer, nullable=False),
        *(_column(n, k) for n, k in kinds.items()),
    )
    Index(f"ix_{rt.table}__{name}_record", table.c.record_id, table.c.position)
    for column, kind in kinds.items():
        if kind.filter:
            Index(f"ix_{rt.table}__{name}_{column}", table.c[column], table.c.record_id)
    return LineTable(table, tuple(kinds), {n: k for n, k in kinds.items() if k.converts})


def due_key(due_at: datetime | None) -> datetime:
    """What lists order by: the due time, or the end of time."""
    return due_at or END_OF_TIME

