"""The table on a form: Lines, and the Checklist among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.errors import Invalid
from core.fields.choice import KEY, Choice, check_count
from core.fields.kind import ID_SCHEMA, Field, Reading, Told, Value, nullable, read_id, shown
from core.fields.reference import Photos, User
from core.fields.text import Text
from core.fields.time import Moment
from core.messages import _

ROW_NAMES = ("id", "position", "parent", "values")
"""What a row carries besides its columns; a column may not have one of these names."""


def row_values(row: Any) -> Mapping[str, Value]:
    """The values of a row, be it a mapping or a stored row."""
    return row if isinstance(row, Mapping) else row.values


def row_id(row: Any) -> int | None:
    """The id of a row, None while it is new."""
    return row.get("id") if isinstance(row, Mapping) else row.id


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines(Field):
    """Rows of `columns` (name → field kind); a `list` of rows, each a mapping of values, with `id` once stored.

    `rows` are there from the start and cannot be taken out. At most 1 000 rows unless `max` says otherwise.
    """

    max: Any = 1_000
    columns: Mapping[str, Field] = field(default_factory=dict)
    rows: Any = None

    kind: ClassVar[str] = "lines"
    usual_width: ClassVar[int] = 12
    is_list: ClassVar[bool] = True

    @property
    def stored_columns(self) -> dict[str, Field]:
        """The columns that have a column in the database."""
        return {name: kind for name, kind in self.columns.items() if kind.storage is not None}

    def first_rows(self, work: Any) -> list[dict[str, Value]]:
        """The rows that are there from the start."""
        given = self.rows(work) if callable(self.rows) else self.rows or ()
        return [self.new_row(work) | dict(row) for row in given]

    def new_row(self, work: Any) -> dict[str, Value]:
        """The values of a new row: the defaults of its columns."""
        return {name: value for name, kind in self.columns.items() if (value := kind.initial(work)) is not None}

    def initial(self, work: Any) -> Value:
        return self.first_rows(work)

    def load(self, raw: object) -> Value:
        return [] if raw is None else self.accept(self.read(raw))

    def read(self, raw: object) -> Value:
        if not isinstance(raw, list):
            raise Invalid(_("A list is expected here."), code="type")
        check_count(self, len(raw))
        return [self._read_row(row, number) for number, row in enumerate(raw, 1)]

    def _read_row(self, raw: object, number: int) -> dict[str, Value]:
        if not isinstance(raw, dict):
            raise Invalid(_("Row {number} is not an object.", number=number), code="type")
        row: dict[str, Value] = {}
        for name, given in raw.items():
            if name == "id":
                row["id"] = None if given is None else read_id(given)
            elif name not in self.columns:
                raise Invalid(_("There is no field {name}.", name=shown(name)), code="unknown_field")
            else:
                row[name] = self._one(name, number, self.columns[name].load, given)
        return row

    def _one(self, name: str, number: int, reader: Any, *given: Any) -> Value:
        try:
            return reader(*given)
        except Invalid as error:
            what = _("Row {number}, {column}: {what}", number=number, column=self.columns[name].label or name, what=error.what)
            raise Invalid(what, error.hint, error.code) from None

    def accept(self, value: Value) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise Invalid(_("A list is expected here."), code="type")
        check_count(self, len(value))
        return [self._accept_row(row, number) for number, row in enumerate(value, 1)]

    def _accept_row(self, row: Any, number: int) -> dict[str, Value]:
        accepted: dict[str, Value] = {}
        identity = row_id(row)
        if identity is not None:
            accepted["id"] = identity
        for name, value in row_values(row).items():
            if name == "id":
                continue
            if name not in self.columns:
                raise Invalid(_("There is no field {name}.", name=shown(name)), code="unknown_field")
            accepted[name] = None if value is None else self._one(name, number, self.columns[name].accept, value)
        return accepted

    def parse(self, given: object, reading: Reading) -> Value:
        if given in (None, "", []):
            return []
        if not isinstance(given, list):
            raise Invalid(_("A list is expected here."), code="type")
        rows = []
        for number, raw in enumerate(given, 1):
            row = {name: self._one(name, number, kind.parse, raw.get(name), reading) for name, kind in self.columns.items() if name in raw}
            rows.append(({"id": read_id(raw["id"])} if raw.get("id") else {}) | row)
        return self.accept(rows)

    def dump(self, value: Value) -> Any:
        return [self.dump_row(row) for row in value or ()]

    def dump_row(self, row: Any) -> dict[str, Any]:
        """One row as JSON, with its id once it is stored."""
        values, identity = row_values(row), row_id(row)
        dumped = {name: kind.dump(values.get(name)) for name, kind in self.columns.items()}
        return dumped if identity is None else {"id": str(identity), **dumped}

    def text(self, value: Value, reading: Reading) -> str:
        return "\n".join(self._row_text(row_values(row), reading) for row in value or ())

    def _row_text(self, values: Mapping[str, Value], reading: Reading) -> str:
        texts: Iterable[str] = (kind.text(values.get(name), reading) for name, kind in self.columns.items())
        return reading.separator.join(text for text in texts if text)

    def json_schema(self) -> dict[str, Any]:
        properties = {"id": nullable({"title": "Id", **ID_SCHEMA})}
        properties |= {name: kind.described() for name, kind in self.columns.items()}
        row = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"type": "array", "items": row, "maxItems": self.max}

    def same(self, a: Value, b: Value) -> bool:
        return len(a or ()) == len(b or ()) and all(
            row_id(x) == row_id(y) and all(
                kind.same(row_values(x).get(name), row_values(y).get(name)) for name, kind in self.columns.items()
            ) for x, y in zip(a or (), b or (), strict=True)
        )

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if not self.columns:
            yield "F160", "It has no columns.", "Give columns={name: field}."
        for name, kind in self.columns.items():
            if not KEY.fullmatch(name) or name in ROW_NAMES:
                yield "F161", f"The column {name!r} cannot be called so.", "Small letters, digits and underscores; not id, position, parent, values."
            if kind.is_list and isinstance(kind, Lines):
                yield "F162", f"The column {name} is a table in a table.", "What has rows of its own is a record: open it."
            for code, what, hint in kind.check():
                yield code, f"Column {name}: {what}", hint
        for row in self.rows if isinstance(self.rows, (list, tuple)) else ():
            for name in row:
                if name not in self.columns:
                    yield "F163", f"A row that is there from the start has no column {name}.", "Name one of the columns."


RESULTS: Mapping[str, str] = {"normal": _("Normal"), "abnormal": _("Abnormal"), "not_applicable": _("Not applicable")}


@dataclass(frozen=True, kw_only=True, eq=False)
class Checklist(Lines):
    """Lines with item, result, remark, photos, by and at; complete when every item has a result.

    `items` key → text of what is looked at (or the name of a setting), `results` key → text of what may be found.
    """

    items: Any = field(default_factory=dict)
    results: Any = field(default_factory=lambda: RESULTS)

    kind: ClassVar[str] = "checklist"

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", {
                "item": Choice(_("What is checked"), options=self.items, required=True, filter=False),
                "result": Choice(_("Result"), options=self.results, filter=False),
                "remark": Text(_("Remark")),
                "photos": Photos(_("Photos")),
                "by": User(_("Checked by")),
                "at": Moment(_("Checked at")),
            })
        if self.rows is None and not isinstance(self.items, str):
            object.__setattr__(self, "rows", tuple({"item": key} for key in self.items))

    def complete(self, value: Value) -> bool:
        """Whether there are items and every one has a result."""
        return bool(value) and all(row_values(row).get("result") for row in value)

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if not self.items:
            yield "F164", "It has no items.", "Give items={key: _(\"What is looked at\")} or the name of a setting."
