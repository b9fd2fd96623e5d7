"""Forms of pages: what a person types ↔ values, and what each field needs to be drawn for writing.

What was typed is kept as `Raw`: field → text, list of texts, or rows. A field that points at something has a companion
`field@`, in which a script keeps the ids that belong to the words, one `id=words` a line; without script it is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from core.errors import Invalid, Problem
from core.fields import Field, Lines, Reading, row_id, row_values
from core.fields.number import adds_up
from core.messages import _
from core.records import RecordType

Raw = dict[str, Any]

TICKED = ("choices", "departments", "users", "attachments", "photos")
"""Kinds whose inputs send several texts under one name."""
POINTING = ("reference", "any_record", "user", "department", "references", "users", "departments")
FILES = ("attachments", "photos")
FIGURES = ("integer", "decimal", "quantity", "money")
SHOWN_OPEN = 7
SHORT_LIST = 60
HIDDEN = _("(not shown to you)")


# what was typed


def read(rt: RecordType, form: MultiDict[str, str]) -> Raw:
    """What a posted form says about the fields of a type; a field that was not sent is left out."""
    raw: Raw = {}
    for name, kind in rt.fields.items():
        if isinstance(kind, Lines):
            if f"{name}.sent" in form:
                raw[name] = list(_read_rows(name, kind, form))
        else:
            raw |= _read_one(form, name, kind, name)
    return raw


def _read_one(form: MultiDict[str, str], sent_as: str, kind: Field, name: str) -> Raw:
    if sent_as not in form:
        return {}
    if kind.kind in TICKED:
        return {name: [text for text in form.getlist(sent_as) if text]}
    found: Raw = {name: form.getlist(sent_as)[-1]}
    if f"{sent_as}@" in form:
        found[f"{name}@"] = form[f"{sent_as}@"]
    return found


def _read_rows(name: str, kind: Lines, form: MultiDict[str, str]) -> Iterator[Raw]:
    for number in form.getlist(f"{name}.row"):
        if not number.isascii() or not number.isdigit() or len(number) > 6:
            continue
        row: Raw = {"#": number, "id": form.get(f"{name}.{number}.id", "")}
        for column, one in kind.columns.items():
            row |= _read_one(form, f"{name}.{number}.{column}", one, column)
        yield row


def is_blank(row: Raw) -> bool:
    """Whether nothing was typed in a new row."""
    return not row.get("id") and not any(value for key, value in row.items() if key not in ("#", "id") and not key.endswith("@"))


@dataclass
class Typed:
    """The values of what was typed, what is wrong with it, and for each Lines field the numbers of the rows that count."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=dict)


def typed(rt: RecordType, raw: Raw, writable: Collection[str], reading: Reading) -> Typed:
    """Read the values of those fields that may be written; everything else that was sent is passed over."""
    found = Typed()
    for name, kind in rt.fields.items():
        if name not in raw:
            continue
        if isinstance(kind, Lines):
            columns = writable_columns(kind, name, writable)
            if columns:
                _typed_rows(found, name, kind, columns, raw[name], reading)
        elif name in writable:
            _typed_one(found, found.values, name, kind, raw, reading, f"/{name}")
    return found


def writable_columns(kind: Lines, name: str, writable: Collection[str]) -> list[str]:
    """The columns of a table that may be written: all that are typed where the table may, else those named."""
    every = [column for column, one in kind.columns.items() if one.kind != "computed" and not one.effects_only]
    named = [column for column in every if f"{name}.{column}" in writable]
    return named or (every if name in writable else [])


def _typed_rows(found: Typed, name: str, kind: Lines, columns: list[str], rows: list[Raw], reading: Reading) -> None:
    kept = [row for row in rows if not is_blank(row)]
    found.rows[name] = [row["#"] for row in kept]
    values: list[dict[str, Any]] = []
    for place, row in enumerate(kept):
        cells: dict[str, Any] = {"id": int(row["id"])} if re.fullmatch(r"[1-9]\d{0,18}", row.get("id") or "") else {}
        for column in columns:
            if column in row:
                _typed_one(found, cells, column, kind.columns[column], row, reading, f"/{name}/{place}/{column}")
        values.append(cells)
    found.values[name] = values


def _typed_one(found: Typed, values: dict[str, Any], name: str, kind: Field, raw: Raw, reading: Reading, where: str) -> None:
    try:
        values[name] = kind.parse(_given(kind, raw[name], raw.get(f"{name}@", "")), reading)
    except Invalid as invalid:
        found.problems.append(invalid.at(where))


def _given(kind: Field, text: Any, companion: str) -> Any:
    """What the field kind shall read: ids where words and companion still agree, else the words."""
    if kind.kind in FILES:
        return [one.partition("=")[0] for one in text]
    if not companion or not isinstance(text, str):
        return text
    ids = {words.strip(): id for id, _equals, words in (line.partition("=") for line in companion.split("\n")) if words.strip()}
    if kind.is_list:
        return [ids.get(one.strip(), one.strip()) for one in re.split("[\uff1b;\n]", text) if one.strip()]
    return ids.get(text.strip(), text)


# values as they stand in inputs


def told(rt: RecordType, values: Mapping[str, Any], reading: Reading, shapes: Shapes) -> Raw:
    """The values of a record as one would have typed them."""
    raw: Raw = {}
    for name, kind in rt.fields.items():
        if isinstance(kind, Lines):
            raw[name] = [_told_row(kind, number, row, reading, shapes) for number, row in enumerate(values.get(name) or ())]
        elif kind.kind != "computed":
            raw |= told_one(name, kind, values.get(name), reading, shapes)
    return raw


def _told_row(kind: Lines, number: int, row: Any, reading: Reading, shapes: Shapes) -> Raw:
    identity = row_id(row)
    told_row: Raw = {"#": str(number), "id": "" if identity is None else str(identity)}
    for column, one in kind.columns.items():
        if one.kind == "computed":
            value = row_values(row).get(column)
            told_row[column] = one.text(value, reading)
        else:
            told_row |= told_one(column, one, row_values(row).get(column), reading, shapes)
    return told_row


def told_one(name: str, kind: Field, value: Any, reading: Reading, shapes: Shapes) -> Raw:
    """One value as text, with the companion of a field that points at something."""
    if kind.kind in FILES:
        return {name: [f"{one}={shapes.file_name(one)}" for one in value or ()]}
    if kind.kind in POINTING and shapes.of(kind) not in ("select", "ticks", "list"):
        ids = (value or ()) if kind.is_list else () if value is None else (value,)
        pairs = [(str(one), str(reading.names.get(one) or reading.translate(HIDDEN))) for one in ids]
        return {name: "\uff1b".join(words for _id, words in pairs), f"{name}@": "\n".join("=".join(pair) for pair in pairs)}
    if kind.kind in POINTING or kind.kind == "choices":
        return {name: [str(one) for one in value or ()] if kind.is_list else "" if value is None else str(value)}
    if value is None:
        return {name: ""}
    if kind.kind == "boolean":
        return {name: "1" if value else "0"}
    if kind.kind == "moment":
        return {name: f"{value.astimezone(reading.zone):%Y-%m-%dT%H:%M}"}
    if kind.kind in ("duration", "outside_signature"):
        return {name: kind.text(value, reading)}
    return {name: str(kind.dump(value))}


# how a field is drawn


@dataclass(frozen=True)
class Shapes:
    """Which kind of input a field gets, and what can be chosen in it, on this site."""

    reading: Reading
    departments: Callable[[Field], Mapping[str, str]]
    users: Callable[[Field], Mapping[str, str]]
    files: Mapping[int, str] = field(default_factory=dict)
    look_up: Callable[[Field, str], str] = lambda _kind, _place: ""

    def file_name(self, id: int) -> str:
        """What a file is called."""
        return self.files.get(id, str(id))

    def of(self, kind: Field) -> str:
        """The shape: text, area, figure, date, month, week, time, moment, open, ticks, select, list, look, looks, files, shown."""
        match kind.kind:
            case "long_text":
                return "area"
            case "integer" | "decimal" | "quantity" | "money":
                return "figure"
            case "date" | "month" | "week" | "time" | "moment":
                return kind.kind
            case "boolean":
                return "open"
            case "choice" | "choices":
                short = len(self.options(kind)) <= SHOWN_OPEN
                return ("open" if short else "select") if kind.kind == "choice" else "ticks" if short else "list"
            case "department" | "departments":
                many = len(self.options(kind)) > SHOWN_OPEN
                return "select" if kind.kind == "department" else "list" if many else "ticks"
            case "user" | "users":
                if len(self.options(kind)) > SHORT_LIST:
                    return "looks" if kind.is_list else "look"
                return "list" if kind.is_list else "select"
            case "reference" | "any_record":
                return "look"
            case "references":
                return "looks"
            case "attachments" | "photos":
                return "files"
            case "computed" | "outside_signature":
                return "shown"
        return "text"

    def options(self, kind: Field) -> Mapping[str, str]:
        """What can be chosen: key or id → words."""
        match kind.kind:
            case "boolean":
                return {"1": self.reading.translate(_("Yes")), "0": self.reading.translate(_("No"))}
            case "choice" | "choices":
                choices: Mapping[str, str] = kind.choices(self.reading)  # type: ignore[attr-defined]
                return choices
            case "department" | "departments":
                return self.departments(kind)
            case "user" | "users":
                return self.users(kind)
        return {}


@dataclass(frozen=True)
class Input:
    """One field as the macros draw it for writing."""

    name: str
    id: str
    kind: Field
    shape: str
    label: str
    text: Any = ""
    companion: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    shown: str = ""
    error: str = ""
    is_open: bool = True
    """Whether it may be written; else `shown` stands there in grey."""
    look_up: str = ""
    when: str = ""
    column: str = ""
    is_given: bool = False
    """Whether it stands in a row that is there from the start: shown, sent along, not changed."""

    @property
    def text_shown(self) -> str:
        """What stands in grey where nothing is stored yet: the words of what was typed or prefilled."""
        return ", ".join(self.options.get(one, one) for one in self.chosen if self.shape != "files")

    @property
    def fixed_unit(self) -> str:
        """The unit for the heading of a column: one that every row has."""
        held = self.kind.value if self.kind.kind == "computed" else self.kind  # type: ignore[attr-defined]
        return "" if getattr(held, "unit_of", "") or getattr(held, "currency_of", "") else self.unit

    @property
    def chosen(self) -> tuple[str, ...]:
        """The keys that are ticked or chosen."""
        return tuple(self.text) if isinstance(self.text, list) else (str(self.text),) if self.text != "" else ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """What was typed or pasted but is none of the options: kept as it is."""
        return tuple(one for one in self.chosen if one not in self.options)

    @property
    def is_figure(self) -> bool:
        """Whether it is right-aligned."""
        return (self.kind.value if self.kind.kind == "computed" else self.kind).kind in FIGURES  # type: ignore[attr-defined]

    @property
    def fits(self) -> bool:
        """Whether a native input would keep the text as it is; else it becomes a plain text field."""
        if self.error:
            return False
        pattern = {
            "date": r"\d{4}-\d\d-\d\d", "month": r"\d{4}-\d\d", "week": r"\d{4}-W\d\d", "time": r"\d\d:\d\d",
            "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d",
        }.get(self.shape)
        return not pattern or not self.text or re.fullmatch(pattern, str(self.text)) is not None

    @property
    def files(self) -> list[tuple[str, str]]:
        """The files held: (what is sent, name)."""
        return [(one, one.partition("=")[2]) for one in self.chosen]


@dataclass(frozen=True)
class Row:
    """A row of the grid: its number within the form, its id once stored, its cells."""

    number: str
    id: str
    cells: Sequence[Input]
    place: int = 0


@dataclass(frozen=True)
class Sheet:
    """A Lines field as a grid: heads, rows, and an empty row to copy."""

    name: str
    label: str
    kind: Lines
    heads: Sequence[Input]
    rows: Sequence[Row]
    blank: Row
    is_open: bool
    is_fixed: bool
    error: str = ""
    totals: Mapping[str, str] = field(default_factory=dict)
    when: str = ""


def anchor(pointer: str, prefix: str = "f") -> str:
    """The id of the input at a place of a stored record: `/lines/3/planned_qty` → `f-lines-3-planned_qty`."""
    return "-".join((prefix, *pointer.strip("/").split("/")))


def when_json(kind: Field) -> str:
    """The mapping form of `when` for the browser: field → texts that its input may send; empty where the server alone can tell."""
    when = kind.when
    if not isinstance(when, Mapping) or any("." in name for name in when):
        return ""
    several = (tuple, list, set, frozenset)
    return json.dumps({name: [_sent(one) for one in (wanted if isinstance(wanted, several) else (wanted,))] for name, wanted in when.items()})


def _sent(value: object) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Drawing:
    """Draws the inputs of a form from what stands in `raw`."""

    rt: RecordType
    raw: Raw
    reading: Reading
    shapes: Shapes
    writable: Collection[str]
    problems: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, list[str]] = field(default_factory=dict)
    prefix: str = "f"
    hidden: Collection[str] = ()

    def input(self, name: str) -> Input:
        """A field outside tables."""
        kind = self.rt.fields[name]
        return self._input(name, f"{self.prefix}-{name}", kind, self.raw, name, self.writable, self.problems.get(f"/{name}", ""), self.values, name)

    def _input(
        self, sent_as: str, id: str, kind: Field, raw: Raw, name: str, writable: Collection[str], error: str, values: Mapping[str, Any], place: str,
    ) -> Input:
        shape = self.shapes.of(kind)
        value = values.get(name)
        return Input(
            name=sent_as, id=id, kind=kind, shape=shape, label=self.reading.translate(kind.label), text=raw.get(name, [] if kind.kind in TICKED else ""),
            companion=raw.get(f"{name}@", ""), options=self.shapes.options(kind), unit=kind.suffix(values, self.reading),
            shown=kind.text(value, self.reading) if value is not None else "", error=error,
            is_open=place in writable and shape != "shown", look_up=self.shapes.look_up(kind, place), when=when_json(kind),
            column=name,
        )

    def sheet(self, name: str) -> Sheet:
        """A Lines field as a grid."""
        kind = self._without_results(name)
        columns = frozenset(f"{name}.{column}" for column in writable_columns(kind, name, self.writable))
        places = {number: place for place, number in enumerate(self.rows.get(name, ()))}
        stored = {str(row_id(row)): row_values(row) for row in self.values.get(name) or () if row_id(row) is not None}
        given = self.raw.get(name) or ([{"#": "0", "id": ""}] if columns and name in self.writable else [])
        rows = [self._row(name, kind, columns, row, places.get(row["#"], place), stored.get(row["id"], {})) for place, row in enumerate(given)]
        blank = self._row(name, kind, columns, {"#": "__row__", "id": ""}, -1, {})
        whole = name in self.writable
        return Sheet(
            name=name, label=self.reading.translate(kind.label), kind=kind, heads=blank.cells, rows=rows, blank=blank, is_open=bool(columns),
            is_fixed=not whole or bool(kind.rows), error=self.problems.get(f"/{name}", ""), totals=dict.fromkeys(total_columns(kind), ""), when=when_json(kind),
        )

    def _without_results(self, name: str) -> Lines:
        """The table without columns that effects write later, as long as nothing stands in them."""
        kind = self.rt.lines[name]
        stored = [row_values(row) for row in self.values.get(name) or ()]
        return replace(kind, columns={
            column: one for column, one in kind.columns.items()
            if f"{name}.{column}" not in self.hidden and (not one.effects_only or any(not one.empty(row.get(column)) for row in stored))
        })

    def _row(self, name: str, kind: Lines, columns: Collection[str], raw: Raw, place: int, values: Mapping[str, Any]) -> Row:
        number = raw["#"]
        given = {name for row in kind.rows for name in row} if isinstance(kind.rows, (list, tuple)) else {"item"} if kind.kind == "checklist" else set()
        cells = []
        for column, one in kind.columns.items():
            cell = self._input(
                f"{name}.{number}.{column}", f"{self.prefix}-{name}-{number}-{column}", one, raw, column, columns,
                self.problems.get(f"/{name}/{place}/{column}", ""), values, f"{name}.{column}",
            )
            shown = str(raw.get(column, "")) if one.kind == "computed" and not cell.shown else cell.shown
            cells.append(replace(cell, shown=shown, is_given=column in given and bool(cell.chosen)))
        return Row(number, raw.get("id", ""), cells, place)


def total_columns(kind: Lines) -> list[str]:
    """The columns that add up: whole numbers, quantities of one unit, amounts of one currency."""
    found = []
    for name, one in kind.columns.items():
        held = one.value if one.kind == "computed" else one  # type: ignore[attr-defined]
        if adds_up(held) and not getattr(held, "currency_of", "") and not getattr(held, "unit_of", ""):
            found.append(name)
    return found


def totals(kind: Lines, rows: Iterable[Any], reading: Reading) -> dict[str, str]:
    """The sum of each column that adds up, as text; quantities of several units do not."""
    rows = list(rows)
    sums: dict[str, str] = {}
    for name, one in kind.columns.items():
        held = one.value if one.kind == "computed" else one  # type: ignore[attr-defined]
        filled = [row_values(row) for row in rows if row_values(row).get(name) is not None]
        units = {held.suffix(row, reading) for row in filled}
        if adds_up(held) and len(units) == 1:
            total = sum(row[name] for row in filled)
            sums[name] = f"{total:,f}".replace(",", "\u2009") if held.kind != "integer" else f"{total:,}".replace(",", "\u2009")
            if "." in sums[name] and held.kind == "quantity":
                sums[name] = sums[name].rstrip("0").rstrip(".")
    return sums
