"""What a work changed, as the trail keeps it: values in the JSON shapes of the API, Lines as rows added, changed, removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from core.fields import Lines

if TYPE_CHECKING:
    from core.records import RecordType
    from core.storage import Record, Row


def differences(rt: RecordType, changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The changes of a record (`record.changes`) for the trail: {field: [before, after]} where they differ.

    Lines are `{"added": [row], "changed": [{"id", "changes"}], "removed": [row], "order": [[ids], [ids]]}`, each part
    only where there is something to say; a change of order alone names the ids before and after.
    """
    found: dict[str, Any] = {}
    for name, (before, after) in changes.items():
        kind = rt.fields.get(name)
        if isinstance(kind, Lines):
            lines = row_differences(kind, before or (), after or ())
            if lines:
                found[name] = lines
        elif kind is not None:
            if kind.storage is not None and not kind.same(before, after):
                found[name] = [kind.dump(before), kind.dump(after)]
        elif before != after:
            found[name] = [_common(name, before), _common(name, after)]
    return found


def creation(record: Record) -> dict[str, Any]:
    """The changes of a record that has just been made: every field that holds something, from nothing."""
    rt = record.type
    changes: dict[str, tuple[Any, Any]] = {name: (None, record.values.get(name)) for name in rt.fields}
    filled = {name: pair for name, pair in changes.items() if not rt.fields[name].empty(pair[1])}
    common = {name: (None, getattr(record, name)) for name in ("state", "number", "department") if getattr(record, name) is not None}
    return differences(rt, common | filled)


def removal(record: Record) -> dict[str, Any]:
    """The changes of a draft that is deleted: what it held, to nothing."""
    rt = record.type
    held = {name: (record.values.get(name), None) for name in rt.fields if not rt.fields[name].empty(record.values.get(name))}
    return differences(rt, {"state": (record.state, None), **held})


def row_differences(kind: Lines, before: Iterable[Row], after: Iterable[Row]) -> dict[str, Any]:
    """What differs between two lists of stored rows."""
    old, new = {row.id: row for row in before}, {row.id: row for row in after}
    stored = kind.stored_columns
    changed = [
        {"id": str(id), "changes": cells} for id in old if id in new
        if (cells := {
            name: [column.dump(old[id].values.get(name)), column.dump(new[id].values.get(name))] for name, column in stored.items()
            if not column.same(old[id].values.get(name), new[id].values.get(name))
        })
    ]
    kept_before, kept_after = [id for id in old if id in new], [id for id in new if id in old]
    parts = {
        "added": [_row(kind, row) for id, row in new.items() if id not in old],
        "changed": changed,
        "removed": [_row(kind, row) for id, row in old.items() if id not in new],
        "order": [[str(id) for id in kept_before], [str(id) for id in kept_after]] if kept_before != kept_after else [],
    }
    return {name: part for name, part in parts.items() if part}


def _row(kind: Lines, row: Row) -> dict[str, Any]:
    """A row as JSON, its empty columns left out."""
    dumped = {name: column.dump(row.values.get(name)) for name, column in kind.stored_columns.items()}
    return {"id": str(row.id)} | {name: value for name, value in dumped.items() if value not in (None, [])}


def _common(name: str, value: Any) -> Any:
    """A common field as JSON."""
    if value is not None and (name == "department" or name.endswith("_by")):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def personal_fields(rt: RecordType) -> frozenset[str]:
    """The fields and columns of a type that are personal: `phone`, `lines.phone`."""
    found = {name for name, kind in rt.fields.items() if kind.personal}
    for name, lines in rt.lines.items():
        columns = lines.columns.items()
        found |= {f"{name}.{column}" for column, kind in columns if kind.personal or lines.personal}
        found.discard(name)
    return frozenset(found)
