"""An .xlsx that somebody sent: looked at as a stranger's archive first, then read row by row."""

from __future__ import annotations

import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice, repeat
from operator import is_
from typing import Any, Final

from core.errors import Invalid, Problem, Refused
from core.fields import Computed, Field, Reading
from core.fields.kind import shown, tidy
from core.messages import _

LARGEST_FILE: Final = 10_000_000
LARGEST_UNPACKED: Final = 100_000_000
LARGEST_RATIO: Final = 200
"""How much smaller than its content a part of any size may be; honest sheets stay under 60."""
MOST_PARTS: Final = 2_000
MOST_ROWS: Final = 10_000
MOST_COLUMNS: Final = 200
LAST_ROW: Final = 1_048_576
HEADER_WITHIN: Final = 20
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DECLARATIONS: Final = re.compile(rb"<\x00?!\x00?(D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E|E\x00?N\x00?T\x00?I\x00?T\x00?Y)")


@dataclass(slots=True)
class Line:
    """One row of a sheet: its number in Excel, and by field the cell's value; `faults` are cells that hold none."""

    number: int
    cells: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, Invalid] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """What was read: the rows under the heading, where each field stands (1 is column A), headings that fit no field."""

    title: str
    header: int
    places: dict[str, int]
    unknown: tuple[str, ...]
    lines: list[Line]


def refuse(what: str, hint: str, code: str) -> Refused:
    """The refusal of a file as a whole."""
    return Refused([Problem("", what, hint, code)])


def check_archive(content: bytes) -> None:
    """Refuse what is no .xlsx, is protected, or would unpack to more than a workbook should. Raises Refused."""
    if len(content) > LARGEST_FILE:
        raise refuse(_("The file is larger than {most} MB.", most=LARGEST_FILE // 1_000_000), _("Split it into several files."), "file_too_large")
    if content.startswith(_OLE):
        raise refuse(
            _("The file is protected by a password or in the old .xls format."),
            _("Save it in Excel as “Excel workbook (.xlsx)”, without a password, and try again."), "file_protected",
        )
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _check_parts(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, OSError, ValueError, EOFError, RuntimeError):
        raise _broken() from None


def _broken() -> Refused:
    return refuse(_("This is not an Excel workbook, or it is damaged."), _("Open it in Excel, save it as .xlsx and try again."), "file_broken")


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise _broken()
    bombs = [part for part in parts if part.file_size > 1_000_000 and part.file_size > LARGEST_RATIO * max(part.compress_size, 1)]
    if bombs or len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise refuse(
            _("The file unpacks to more than a workbook of this kind should."),
            _("Copy the rows into a new workbook, without pictures, and try again."), "file_bomb",
        )
    for part in parts:
        if part.flag_bits & 1:
            raise refuse(_("The file is protected by a password."), _("Save it without a password and try again."), "file_protected")
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as opened:
                if _DECLARATIONS.search(opened.read(4096)):
                    raise _broken()


def read_workbook(content: bytes, kinds: Mapping[str, Field], reading: Reading, aliases: Mapping[str, str] | None = None) -> Sheet:
    """The rows of the first sheet whose headings name fields, by label in any language or by field name.

    `aliases` gives further names (text → field). Raises Refused where the file cannot be read or has no such sheet.
    """
    import openpyxl

    check_archive(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
            try:
                return _first_sheet(book, _spellings(kinds, reading, aliases or {}))
            finally:
                book.close()
        except Refused:
            raise
        except Exception:
            # Whatever a damaged workbook makes its reader stumble over, it is the file that is refused.
            raise _broken() from None


def _first_sheet(book: Any, spellings: Mapping[str, str]) -> Sheet:
    for worksheet in book.worksheets:
        worksheet.reset_dimensions()
        found = _read_sheet(worksheet, spellings)
        if found is not None:
            return found
    raise refuse(
        _("No sheet has headings that fit."), _("Put the headings of the form into the first rows; an export shows them."), "no_headings",
    )


def folded(text: object) -> str:
    """A heading as it is compared: without case, stars, spaces and differences of width."""
    return re.sub(r"[\s*\u200b]+", "", unicodedata.normalize("NFKC", str(text))).casefold()


def _spellings(kinds: Mapping[str, Field], reading: Reading, aliases: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, kind in kinds.items():
        for text in (name, *(reading.called(kind.label) if kind.label else ())):
            found.setdefault(folded(text), name)
    for text, name in aliases.items():
        found.setdefault(folded(text), name)
    return found


def _field_of(heading: object, spellings: Mapping[str, str]) -> str | None:
    if not isinstance(heading, str):
        return None
    text = folded(heading)
    return spellings.get(text) or spellings.get(re.sub(r"\([^()]*\)$", "", text))


def _read_sheet(worksheet: Any, spellings: Mapping[str, str]) -> Sheet | None:
    rows = _rows(worksheet)
    head = _header(list(islice(rows, HEADER_WITHIN)), spellings)
    if head is None:
        return None
    header, places, unknown, rest = head
    lines: list[Line] = []
    for number, row in rest:
        _take(lines, number, row, places, spellings)
    for number, row in rows:
        _take(lines, number, row, places, spellings)
    return Sheet(worksheet.title, header, places, unknown, lines)


def _rows(worksheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows that hold something, with their numbers."""
    from openpyxl.cell.read_only import EMPTY_CELL

    blank: tuple[Any, ...] = ()
    for number, row in enumerate(worksheet.iter_rows(max_col=MOST_COLUMNS), 1):
        if number > LAST_ROW:
            raise _broken()
        # Sheets are often formatted down to their last row: such rows are passed over without looking at each cell.
        if row is blank:
            continue
        if all(map(is_, row, repeat(EMPTY_CELL))):
            blank = row
        elif any(_content(cell) is not None for cell in row):
            yield number, row


def _content(cell: Any) -> Any:
    value = cell.value
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    return value


def _header(
    first: list[tuple[int, tuple[Any, ...]]], spellings: Mapping[str, str],
) -> tuple[int, dict[str, int], tuple[str, ...], list[tuple[int, tuple[Any, ...]]]] | None:
    """The row with the most headings that fit, and the rows behind it."""
    scored = [(len({_field_of(cell.value, spellings) for cell in row} - {None}), -place) for place, (_number, row) in enumerate(first)]
    best = max(scored, default=(0, 0))
    if not best[0]:
        return None
    number, row = first[-best[1]]
    places: dict[str, int] = {}
    unknown: list[str] = []
    for place, cell in enumerate(row, 1):
        name = _field_of(cell.value, spellings)
        if name is None and _content(cell) is not None:
            unknown.append(shown(cell.value))
        elif name in places:
            raise refuse(
                _("Two columns are called “{heading}”.", heading=shown(cell.value)), _("Take one of them out or rename it."), "twice",
            )
        elif name is not None:
            places[name] = place
    return number, places, tuple(unknown), first[-best[1] + 1:]


def _take(lines: list[Line], number: int, row: tuple[Any, ...], places: Mapping[str, int], spellings: Mapping[str, str]) -> None:
    """Add a row, unless it is empty where fields stand or the headings once more."""
    given = {name: row[place - 1] for name, place in places.items() if place <= len(row) and _content(row[place - 1]) is not None}
    if not given or (not lines and all(_field_of(cell.value, spellings) == name for name, cell in given.items())):
        return
    if len(lines) >= MOST_ROWS:
        raise refuse(_("The sheet has more than {most} rows.", most=MOST_ROWS), _("Split it into several files."), "too_many")
    line = Line(number)
    for name, cell in given.items():
        line.cells[name] = cell.value
        fault = _fault(cell)
        if fault:
            line.faults[name] = fault
    lines.append(line)


def _fault(cell: Any) -> Invalid | None:
    """Why a cell holds no value: a formula, or the error of one."""
    if cell.data_type == "f":
        return Invalid(
            _("The cell holds a formula, and formulas are not read."),
            _("Copy the cells in Excel and paste them as values, then import again."), "formula",
        )
    if cell.data_type == "e":
        return Invalid(_("The cell holds the error {error}.", error=shown(cell.value)), _("Mend it in Excel, then import again."), "cell_error")
    return None


def parse_line(line: Line, kinds: Mapping[str, Field], reading: Reading) -> tuple[dict[str, Any], dict[str, Invalid]]:
    """The values of a row's cells, and by field why a cell has none; a column that the sheet has and the row leaves empty is None."""
    values: dict[str, Any] = {}
    faults = dict(line.faults)
    for name, kind in kinds.items():
        if name in faults or isinstance(kind, Computed):
            continue
        given = line.cells.get(name)
        try:
            if isinstance(given, str) and given.endswith(" […]"):
                raise Invalid(_("This text was cut when it was exported."), _("Fill in the whole text on the page."), "cut")
            values[name] = kind.parse(_unescaped(given), reading)
        except Invalid as error:
            faults[name] = error
    return values, faults


def _unescaped(given: Any) -> Any:
    """A text as Excel shows it: it writes characters that XML cannot hold as `_x0000_`, and such a text itself as `_x005F_x0000_`."""
    if not isinstance(given, str):
        return given
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), tidy(given) if "\n" not in given else given)
