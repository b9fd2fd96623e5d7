"""Bring a database up to what the declarations say: tables, columns and indexes are added; anything else is refused.

A plan that would take something away, or change what stands, is refused as a whole and listed, so that nothing is ever
lost by an upgrade. Tables of plugins that are not enabled stay as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Column, Connection, Table
from sqlalchemy.schema import CreateColumn

from core.errors import Fault, Faults
from core.messages import Message, _
from core.storage import Database


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do, as people read it and as the database does it."""

    what: Message
    apply: Callable[[Connection], object] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be added, and what stands in the way."""

    changes: tuple[Change, ...] = ()
    refused: tuple[Message, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the database is as the declarations say."""
        return not self.changes and not self.refused


def plan(database: Database) -> Plan:
    """What an upgrade would do, without doing it."""
    with database.begin(reading=True) as connection:
        return _plan(connection, database)


def upgrade(database: Database) -> Plan:
    """Do it, in one transaction; of several processes one does it and the others find nothing left. Raises `Faults`."""
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('yunkong.upgrade'))")
        found = _plan(connection, database)
        if found.refused:
            hint = _("Nothing was changed. Take the change of the declaration back, or move the data by hand first.")
            raise Faults(Fault("upgrade.refused", database.url.render_as_string(), what, hint) for what in found.refused)
        for change in found.changes:
            change.apply(connection)
    return found


def _plan(connection: Connection, database: Database) -> Plan:
    metadata = database.metadata
    options = {"compare_type": True, "include_name": lambda name, kind, _parents: kind != "table" or name in metadata.tables}
    with warnings.catch_warnings():
        # SQLite cannot tell expressions and partial indexes apart from plain ones; alembic says so each time.
        warnings.simplefilter("ignore")
        found = produce_migrations(MigrationContext.configure(connection, opts=options), metadata)
    assert found.upgrade_ops is not None
    sorter = _Sorter(metadata.tables)
    for one in _flat(found.upgrade_ops.ops):
        sorter.take(one)
    return Plan(tuple(sorter.changes), tuple(sorter.refused))


def _flat(found: list[Any]) -> Iterator[Any]:
    for one in found:
        if isinstance(one, ops.ModifyTableOps):
            yield from _flat(list(one.ops))
        else:
            yield one


class _Sorter:
    """Sorts what alembic found into what can be added and what is refused."""

    def __init__(self, tables: Any) -> None:
        self.tables = tables
        self.changes: list[Change] = []
        self.refused: list[Message] = []
        self.created: set[str] = set()
        self.added: set[tuple[str, str]] = set()

    def take(self, op: Any) -> None:
        """Sort one operation."""
        if isinstance(op, ops.CreateTableOp):
            self._create_table(op)
        elif isinstance(op, ops.AddColumnOp) and op.column.nullable:
            self._add_column(op)
        elif isinstance(op, ops.CreateIndexOp) and (op.table_name in self.created or not op.unique):
            self._create_index(op)
        elif isinstance(op, ops.CreateForeignKeyOp) and {(op.source_table, one) for one in op.local_cols} <= self.added:
            return  # came with its column
        else:
            self.refused.append(_words(op))

    def _create_table(self, op: ops.CreateTableOp) -> None:
        table: Table = self.tables[op.table_name]
        self.created.add(op.table_name)
        # `create` and not alembic's copy: triggers and indexes hang on the table itself.
        self.changes.append(Change(_("Create the table {table}", table=op.table_name), table.create))

    def _add_column(self, op: ops.AddColumnOp) -> None:
        column = self.tables[op.table_name].c[op.column.name]
        self.added.add((op.table_name, op.column.name))
        what = _("Add the column {column} to {table}", column=op.column.name, table=op.table_name)
        self.changes.append(Change(what, partial(_add_column, column=column)))

    def _create_index(self, op: ops.CreateIndexOp) -> None:
        if op.table_name in self.created:
            return
        index = next(one for one in self.tables[op.table_name].indexes if one.name == op.index_name)
        what = _("Create the index {index} on {table}", index=op.index_name, table=op.table_name)
        self.changes.append(Change(what, index.create))


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """Add a column with its references, in the one form that both engines know."""
    quote = connection.dialect.identifier_preparer
    clauses = [str(CreateColumn(column).compile(dialect=connection.dialect))]
    for key in column.foreign_keys:
        name = quote.format_constraint(key.constraint) if key.constraint is not None else None
        target = f"REFERENCES {quote.format_table(key.column.table)} ({quote.format_column(key.column)})"
        clauses.append(f"CONSTRAINT {name} {target}" if name else target)
    connection.exec_driver_sql(f"ALTER TABLE {quote.format_table(column.table)} ADD COLUMN {' '.join(clauses)}")


def _words(op: Any) -> Message:
    """What stands in the way, for people."""
    if isinstance(op, ops.DropTableOp):
        return _("The table {table} is not declared any more.", table=op.table_name)
    if isinstance(op, ops.DropColumnOp):
        return _("The column {column} of {table} is not declared any more.", column=op.column_name, table=op.table_name)
    if isinstance(op, ops.AddColumnOp):
        return _("The column {column} of {table} would have to hold something in every row.", column=op.column.name, table=op.table_name)
    if isinstance(op, ops.AlterColumnOp):
        return _("The column {column} of {table} is of another kind.", column=op.column_name, table=op.table_name)
    if isinstance(op, ops.CreateIndexOp):
        return _("{index} on {table} would have to be unique.", index=op.index_name, table=op.table_name)
    name = getattr(op, "constraint_name", None) or getattr(op, "index_name", None) or type(op).__name__
    table = getattr(op, "table_name", None) or getattr(op, "source_table", "")
    return _("{index} on {table} is not as declared.", index=name, table=table)
