"""Records in and out of their tables: load, insert, the version-checked update, lines as differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete

from core.errors import Stale
from core.storage.columns import new_id
from core.storage.engine import Database
from core.storage.record import Record, Row
from core.storage.tables import INSERT_RECORD, MAIN_COMMON, READER, RECORD, UPDATE_RECORD, LineTable, Tables, due_key

_FIXED = len(MAIN_COMMON) + 1


def load(connection: Connection, tables: Tables, id: int) -> Record | None:
    """One record with its lines, or None."""
    found = connection.execute(tables.select_one, {"id_": id}).one_or_none()
    if found is None:
        return None
    record = record_from(tables, found)
    for name, lines in tables.lines.items():
        rows = connection.execute(lines.select, {"id_": id})
        record.values[name] = tuple(row_from(lines, row, record) for row in rows)
    return record


def load_lines(connection: Connection, tables: Tables, records: Sequence[Record], names: Iterable[str] | None = None) -> None:
    """Give several records their lines, one statement per Lines field."""
    by_id = {record.id: record for record in records}
    for name in names if names is not None else tables.lines:
        lines = tables.lines[name]
        for record in records:
            record.values[name] = ()
        grouped: dict[int, list[Row]] = {}
        for row in connection.execute(lines.select_many, {"ids_": list(by_id)}) if by_id else ():
            grouped.setdefault(row[0], []).append(row_from(lines, row[1:], by_id[row[0]]))
        for id, rows in grouped.items():
            by_id[id].values[name] = tuple(rows)


def record_from(tables: Tables, found: Sequence[Any]) -> Record:
    """A row of `select_one` or `select_list` as a record; JSON lists become tuples."""
    (id, number, title, state, department, created_by, created_at, changed_at, version, revision, due_at, _due_key) = found[:_FIXED]
    values = dict(zip(tables.stored, found[_FIXED:], strict=False))
    for name, kind in tables.converters.items():
        values[name] = kind.from_column(values[name])
    return Record(
        tables.type, id, values, state=state, department=department, created_by=created_by, created_at=created_at, changed_at=changed_at,
        number=number, title=title, version=version, revision=revision, due_at=due_at, chain=found[-1],
    )


def row_from(lines: LineTable, found: Sequence[Any], record: Record) -> Row:
    """A row of a Lines table."""
    values = dict(zip(lines.columns, found[2:], strict=False))
    for name, kind in lines.converters.items():
        values[name] = kind.from_column(values[name])
    return Row(found[0], found[1], values, record)


def insert(connection: Connection, tables: Tables, record: Record) -> None:
    """Write a new record: index row, own row, side rows, lines."""
    connection.execute(INSERT_RECORD, _index_row(record) | {"id": record.id, "type": record.type.name, "created_by": record.created_by,
                                                            "revision": record.revision})
    sides: dict[str, dict[str, Any]] = {plugin: {"id": record.id} for plugin in tables.sides}
    main = _common(record) | {"id": record.id, "created_by": record.created_by, "created_at": record.created_at, "revision": record.revision}
    for name in tables.stored:
        owner = tables.type.extended.get(name)
        (sides[owner] if owner else main)[name] = tables.column_value(name, record.values.get(name))
    connection.execute(tables.insert_main, main)
    for plugin, values in sides.items():
        connection.execute(tables.sides[plugin].insert(), values)
    for name, lines in tables.lines.items():
        rows = record.values.get(name) or ()
        if rows:
            connection.execute(lines.insert, [_line(lines, record.id, row) for row in rows])


def update(connection: Connection, tables: Tables, record: Record, old: Record) -> None:
    """Write what differs from `old`, if nobody was first; raises Stale otherwise. Raises the record's version by one."""
    record.version = old.version + 1
    common = _common(record)
    extended = tables.type.extended
    changed = {
        n: tables.column_value(n, record.values.get(n)) for n in tables.stored if n not in extended and record.values.get(n) != old.values.get(n)
    }
    values = common | changed
    found = connection.execute(tables.update_main(tuple(values)), values | {"id_": record.id, "version_": old.version})
    if found.rowcount != 1:
        record.version = old.version
        raise Stale()
    for plugin, side in tables.sides.items():
        names = [n for n in tables.stored if extended.get(n) == plugin and record.values.get(n) != old.values.get(n)]
        if names:
            _put_side(connection, tables, side, record, names)
    connection.execute(UPDATE_RECORD, _index_row(record) | {"id_": record.id})
    for name, lines in tables.lines.items():
        _update_lines(connection, lines, record, old.values.get(name) or (), record.values.get(name) or ())


def _put_side(connection: Connection, tables: Tables, side: Any, record: Record, names: Sequence[str]) -> None:
    values = {name: tables.column_value(name, record.values.get(name)) for name in names}
    done = connection.execute(side.update().where(side.c.id == record.id).values(values))
    if done.rowcount == 0:
        connection.execute(side.insert().values(id=record.id, **values))


def _update_lines(connection: Connection, lines: LineTable, record: Record, old: Iterable[Row], new: Iterable[Row]) -> None:
    before = {row.id: row for row in old}
    after = {row.id: row for row in new}
    gone = [{"id_": id} for id in before if id not in after]
    if gone:
        connection.execute(lines.delete, gone)
    fresh = [_line(lines, record.id, row) for row in after.values() if row.id not in before]
    if fresh:
        connection.execute(lines.insert, fresh)
    changed = [
        {name: lines.column_value(name, row.values.get(name)) for name in lines.columns} | {"id_": row.id, "position": row.position}
        for row in after.values() if row.id in before and (row.position, row.values) != (before[row.id].position, before[row.id].values)
    ]
    if changed:
        connection.execute(lines.update, changed)


def remove(connection: Connection, tables: Tables, record: Record) -> None:
    """Take a draft out of every table; the trail stays."""
    for lines in tables.lines.values():
        connection.execute(lines.table.delete().where(lines.table.c.record_id == record.id))
    for side in tables.sides.values():
        connection.execute(side.delete().where(side.c.id == record.id))
    done = connection.execute(delete(tables.main).where(tables.main.c.id == record.id, tables.main.c.version == record.version))
    if done.rowcount != 1:
        raise Stale()
    connection.execute(delete(READER).where(READER.c.record_id == record.id))
    connection.execute(delete(RECORD).where(RECORD.c.id == record.id))


def make_rows(values: Iterable[Mapping[str, Any]], columns: Iterable[str], record: Record, old: Mapping[int, Row]) -> tuple[Row, ...]:
    """Rows from loaded values: one with an `id` keeps its identity, one without is new; unnamed columns keep what they hold."""
    names = tuple(columns)
    rows: list[Row] = []
    for position, given in enumerate(values, start=1):
        kept = old.get(given.get("id") or 0)
        base = dict(kept.values) if kept else dict.fromkeys(names)
        rows.append(Row(kept.id if kept else new_id(), position, base | {n: v for n, v in given.items() if n in base}, record))
    return tuple(rows)


def add_readers(connection: Connection, database: Database, record: int, holders: Iterable[int]) -> None:
    """Let these users and departments read the record."""
    rows = [{"record_id": record, "holder_id": holder} for holder in sorted(set(holders))]
    if rows:
        connection.execute(database.insert(READER).on_conflict_do_nothing(), rows)


def _common(record: Record) -> dict[str, Any]:
    return {
        "number": record.number, "title": record.title, "state": record.state, "department_id": record.department, "changed_at": record.changed_at,
        "version": record.version, "due_at": record.due_at, "due_key": due_key(record.due_at),
    }


def _index_row(record: Record) -> dict[str, Any]:
    return _common(record) | {"chain": record.chain}


def _line(lines: LineTable, record: int, row: Row) -> dict[str, Any]:
    return {"id": row.id, "record_id": record, "position": row.position} | {n: lines.column_value(n, row.values.get(n)) for n in lines.columns}
