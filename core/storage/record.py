"""A record and its rows as rules see them: values by name, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.records import RecordType


class Row:
    """A row of Lines. Values are read as attributes; an unset column is None."""

    __slots__ = ("id", "parent", "position", "values")

    def __init__(self, id: int, position: int, values: dict[str, Any], parent: Record | None = None) -> None:
        self.id = id
        self.position = position
        self.values = values
        self.parent = parent

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"a row has no column {name!r}") from None

    def __repr__(self) -> str:
        return f"<row {self.position} {self.values}>"


class Record:
    """One filled form. Declared fields are read as attributes; Lines are tuples of rows.

    Rules read it and never write it: writing is `work.edit`.
    """

    __slots__ = (
        "before", "chain", "changed_at", "created_at", "created_by", "department", "due_at", "id", "number", "revision", "state", "title", "type",
        "values", "version",
    )

    def __init__(
        self, type: RecordType, id: int, values: dict[str, Any], *, state: str, department: int | None, created_by: int | None, created_at: datetime,
        changed_at: datetime, number: str | None = None, title: str = "", version: int = 1, revision: int = 1, due_at: datetime | None = None,
        chain: str = "",
    ) -> None:
        self.type = type
        self.id = id
        self.values = values
        self.state = state
        self.department = department
        self.created_by = created_by
        self.created_at = created_at
        self.changed_at = changed_at
        self.number = number
        self.title = title
        self.version = version
        self.revision = revision
        self.due_at = due_at
        self.chain = chain
        self.before: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"{self.type.name} has no field {name!r}") from None

    @property
    def changes(self) -> Mapping[str, tuple[Any, Any]]:
        """Field → (before, after) of what this work has changed so far, `state` and `number` among them."""
        return {name: (old, self.read(name)) for name, old in self.before.items()}

    def read(self, name: str) -> Any:
        """A declared field or a common one."""
        return self.values[name] if name in self.values else getattr(self, name)

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row of every Lines field, with the field's name."""
        for name in self.type.lines:
            for row in self.values.get(name) or ():
                yield name, row

    def copy(self) -> Record:
        """A record as it will stand: its values can be changed without touching this one."""
        twin = Record(
            self.type, self.id, dict(self.values), state=self.state, department=self.department, created_by=self.created_by,
            created_at=self.created_at, changed_at=self.changed_at, number=self.number, title=self.title, version=self.version,
            revision=self.revision, due_at=self.due_at, chain=self.chain,
        )
        twin.before = dict(self.before)
        for name in self.type.lines:
            rows = self.values.get(name) or ()
            twin.values[name] = tuple(Row(row.id, row.position, dict(row.values), twin) for row in rows)
        return twin

    def absorb(self, other: Record) -> None:
        """Become what another picture of the same record is; its rows belong to this one then."""
        for name in ("values", "state", "department", "number", "title", "version", "revision", "due_at", "changed_at", "chain", "before"):
            setattr(self, name, getattr(other, name))
        for _name, row in self.rows():
            row.parent = self

    def __repr__(self) -> str:
        return f"<{self.type.name} {self.number or self.id} {self.state}>"
