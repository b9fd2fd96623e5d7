"""Tables as .xlsx: typed figures and dates, texts that stay texts, a hidden row of field names to come back by.

The libraries that write and read workbooks are imported where they are used: most processes never need them.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from core import fields
from core.errors import Problem, Refused
from core.fields import Computed, Field, Lines, Reading, row_id, row_values
from core.messages import _
from core.records import RecordType
from core.service.shapes import Query

if TYPE_CHECKING:
    from core.service.work import Work
    from core.storage import Record

MOST_EXPORTED: Final = 20_000
LONGEST_CELL: Final = 32_000
CUT: Final = " […]"
"""What stands at the end of a text that is too long for a cell; such a text is not taken back."""
NOT_IN_CELLS: Final = ("lines", "checklist", "photos", "attachments", "outside_signature")
"""Kinds that no single cell can hold."""
RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

_FORMATS: Final[Mapping[str, str]] = {"date": "yyyy-mm-dd", "month": "yyyy-mm", "moment": "yyyy-mm-dd hh:mm"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: the name that stands in the hidden row, the heading, the kind of its values."""

    name: str
    heading: str
    kind: Field


def bare(kind: Field) -> Field:
    """The kind itself, or the one that a Computed holds."""
    return kind.value if isinstance(kind, Computed) else kind


def column(name: str, kind: Field, reading: Reading) -> Column:
    """The column of a field: its label, with the unit behind it where it has one of its own."""
    unit = bare(kind).suffix({}, reading)
    label = reading.translate(kind.label) or name
    return Column(name, f"{label} ({unit})" if unit else label, bare(kind))


def field_columns(kinds: Mapping[str, Field], reading: Reading, hidden: Iterable[str] = ()) -> list[Column]:
    """The columns of those fields that a cell can hold and that are not hidden."""
    return [column(n, k, reading) for n, k in kinds.items() if n not in hidden and bare(k).kind not in NOT_IN_CELLS]


def write_table(title: str, columns: Iterable[Column], rows: Iterable[Mapping[str, Any]], reading: Reading) -> bytes:
    """A workbook of one sheet; row 1, hidden, holds the field names, row 2 the headings."""
    import xlsxwriter

    columns = list(columns)
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    try:
        book.set_properties({"title": title})
        _fill(book, book.add_worksheet(_sheet_name(title)), columns, rows, reading)
    finally:
        # Its rows wait in a temporary file, which goes with it: also where a row cannot be had.
        book.close()
    return target.getvalue()


def _fill(book: Any, sheet: Any, columns: list[Column], rows: Iterable[Mapping[str, Any]], reading: Reading) -> None:
    writer = _Writer(book, sheet)
    sheet.set_row(0, None, None, {"hidden": True})
    sheet.freeze_panes(2, 1)
    for place, one in enumerate(columns):
        sheet.set_column(place, place, _width(one), None, {"hidden": one.name == "id"})
    for place, one in enumerate(columns):
        writer.text(0, place, one.name)
    for place, one in enumerate(columns):
        sheet.write_string(1, place, one.heading, writer.format(bold=True, bottom=1, text_wrap=True))
    last = 1
    for last, row in enumerate(rows, 2):
        for place, one in enumerate(columns):
            writer.value(last, place, one.kind, row.get(one.name), reading)
    if columns:
        sheet.autofilter(1, 0, last, len(columns) - 1)


def _sheet_name(title: str) -> str:
    return "".join(c for c in title if c not in "[]:*?/\\'" and c.isprintable())[:31].strip() or "Sheet"


def _width(one: Column) -> int:
    wide = {"text": 24, "long_text": 40, "reference": 20, "moment": 17}.get(one.kind.kind, 12)
    return min(60, max(wide, 2 * len(one.heading) + 2))


class _Writer:
    """Writes cells, each as what it is."""

    def __init__(self, book: Any, sheet: Any) -> None:
        self._book = book
        self._sheet = sheet
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        """A cell format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def text(self, row: int, place: int, text: str) -> None:
        """A text, which stays one: what looks like a formula gets Excel's own quote, so that editing the cell keeps it a text."""
        if len(text) > LONGEST_CELL:
            text = text[:LONGEST_CELL] + CUT
        properties: dict[str, Any] = {}
        if text.startswith(RISKY):
            properties["quote_prefix"] = True
        if "\n" in text:
            properties["text_wrap"] = True
        self._sheet.write_string(row, place, text, self.format(**properties) if properties else None)

    def value(self, row: int, place: int, kind: Field, value: Any, reading: Reading) -> None:
        """A value of a kind: figures and dates typed, all else as text; empty leaves the cell out."""
        cell = None if value is None else kind.cell(value, reading)
        match cell:
            case None | "":
                return
            case bool():
                self._sheet.write_boolean(row, place, cell)
            case int() | decimal.Decimal():
                self._figure(row, place, kind, decimal.Decimal(cell))
            case dt.datetime() | dt.date():
                self._day(row, place, kind, cell)
            case _:
                self.text(row, place, str(cell))

    def _figure(self, row: int, place: int, kind: Field, value: decimal.Decimal) -> None:
        digits = value.normalize().as_tuple()
        if len(digits.digits) > 15:
            # Excel keeps fifteen digits: a longer figure is exact only as a text.
            self.text(row, place, f"{value:f}")
            return
        after = kind.places if isinstance(kind, fields.Money) else max(0, -int(digits.exponent))
        pattern = "0" if kind.kind == "year" else "#,##0" + ("." + "0" * after if after else "")
        self._sheet.write_number(row, place, float(value), self.format(num_format=pattern))

    def _day(self, row: int, place: int, kind: Field, value: dt.date) -> None:
        if value.year <= 1900:
            # Excel believes that 1900 was a leap year.
            self.text(row, place, f"{value:%Y-%m-%d}")
            return
        self._sheet.write_datetime(row, place, value, self.format(num_format=_FORMATS.get(kind.kind, "yyyy-mm-dd")))


def common_columns(work: Work, rt: RecordType) -> list[Column]:
    """What stands before and behind the fields of a list: number, department, state."""
    states = {name: work.text(state.label) for name, state in rt.states.items()}
    every = {
        "number": fields.Text(_("Number")), "department": fields.Department(_("Department")),
        "state": fields.Choice(_("State"), options=states),
    }
    if rt.numbering is None:
        del every["number"]
    return [column(name, kind, work.reading()) for name, kind in every.items()]


def export_list(work: Work, rt: RecordType, query: Query | None = None, columns: Iterable[str] | None = None) -> bytes:
    """The list that a query finds, all pages of it, as far as the actor may see it; `columns` names fields, all by default."""
    hidden = work.access.hidden(rt, None)
    reading = work.reading()
    own = field_columns({n: k for n, k in rt.fields.items() if columns is None or n in set(columns)}, reading, hidden)
    head = common_columns(work, rt)
    every = [one for one in head if one.name == "number"] + own + [one for one in head if one.name != "number"]
    names: dict[int, fields.Name] = {}
    return write_table(work.text(rt.label), every, _list_rows(work, rt, query or Query(), names, hidden), replace(reading, names=names))


def _list_rows(work: Work, rt: RecordType, query: Query, names: dict[int, fields.Name], hidden: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    written = 0
    page_query = replace(query, limit=200, cursor="")
    while True:
        page = work.page(rt, page_query)
        names.update(work.names(page.items))
        for record in page.items:
            written += 1
            if written > MOST_EXPORTED:
                problem = _("These are more than {most} records.", most=MOST_EXPORTED)
                raise Refused([Problem("", problem, _("Narrow the list by a filter, then export again."), "too_many")])
            yield _record_row(work, record, hidden)
        if page.next is None:
            return
        page_query = replace(page_query, cursor=page.next)


def _record_row(work: Work, record: Record, hidden: frozenset[str]) -> Mapping[str, Any]:
    more = work.access.hidden(record.type, record)
    kept = {name: value for name, value in record.values.items() if name not in more} if more != hidden else record.values
    return {**kept, "number": record.number, "state": record.state, "department": record.department}


def export_rows(work: Work, record: Record | None, kind: Lines, rows: Iterable[Any], title: str = "", hidden: Iterable[str] = ()) -> bytes:
    """The rows of a table with their ids, ready to be changed and read back; without rows it is the template to fill."""
    names = work.names([record]) if record is not None else {}
    reading = work.reading(names)
    columns = [Column("id", "id", fields.Text("id")), *field_columns(kind.columns, reading, hidden)]
    return write_table(title or reading.translate(kind.label), columns, (_row_of(row) for row in rows), reading)


def _row_of(row: Any) -> Mapping[str, Any]:
    identity = row_id(row)
    return {**row_values(row), "id": None if identity is None else str(identity)}


