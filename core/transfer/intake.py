"""Registers and lines from .xlsx: an answer for each row, nothing twice, the good rows in and the bad ones told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from core.errors import Invalid, NotAllowed, Problem, Refusal, Refused
from core.fields import Computed, Department, Field, Lines, Reading, Text, row_id, row_values
from core.fields.kind import shown, tidy
from core.messages import _
from core.records import RecordType
from core.transfer.export import NOT_IN_CELLS, common_columns
from core.transfer.workbook import Line, Sheet, parse_line, read_workbook

if TYPE_CHECKING:
    from core.service.work import Work
    from core.storage import Record

Status = Literal["created", "changed", "unchanged", "refused"]
MARKS: Final = "#problems"
MARKS_HEADING: Final = _("What has to be mended")
"""The column in which a workbook that was given back says what is wrong; it is passed over when it comes again."""

_NUMBER: Final = Text(_("Number"), max=100)
_DEPARTMENT: Final = Department(_("Department"))


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What became of one row: its number in Excel, what happened, why not, and the record or values that came of it.

    `typed` holds the cells as they were, by field, so that a form can show them again.
    """

    row: int
    status: Status
    problems: tuple[Problem, ...] = ()
    id: int | None = None
    number: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a file: an answer per row, headings that fit no field, the sheet, its heading row and where each field stands."""

    rows: tuple[RowAnswer, ...]
    ignored: tuple[str, ...] = ()
    sheet: str = ""
    header: int = 1
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows were created, changed, unchanged, refused."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in ("created", "changed", "unchanged", "refused")}

    @property
    def refused(self) -> tuple[RowAnswer, ...]:
        """The rows that have to be mended."""
        return tuple(row for row in self.rows if row.status == "refused")


def importable(kinds: Mapping[str, Field]) -> dict[str, Field]:
    """The fields that a sheet can bring."""
    return {n: k for n, k in kinds.items() if not isinstance(k, Computed) and not k.effects_only and k.kind not in NOT_IN_CELLS}


def remembering(reading: Reading) -> Reading:
    """The same reading, which looks the same text up only once."""
    find = reading.look_up
    return replace(reading, look_up=cache(find)) if find is not None else reading


def _sheet(content: bytes, kinds: Mapping[str, Field], every: Mapping[str, Field], reading: Reading) -> Sheet:
    """The sheet, with the headings of fields that cannot be brought known and passed over."""
    passed = {name: kind for name, kind in every.items() if name not in kinds}
    marks = dict.fromkeys((MARKS_HEADING, *reading.called(MARKS_HEADING)), MARKS)
    sheet = read_workbook(content, {**kinds, **passed}, reading, {"id": "id", **marks})
    if not sheet.places.keys() & kinds.keys():
        raise Refused([Problem("", _("None of the columns can be filled in by an import."), _("Take the headings from an export."), "no_headings")])
    return sheet


# Registers


def import_register(work: Work, rt: RecordType, content: bytes, *, dry_run: bool = False, department: int | None = None) -> Answer:
    """Create and change the entries of a register from a workbook; the same file again changes nothing.

    An entry is found by its number or by the first group of unique fields that the sheet has. A row that is refused
    changes nothing; the others count. After a dry run nothing has changed, and the work should be given up.
    Raises Refused for a file that cannot be read, NotAllowed where the actor may not fill the register.
    """
    if not rt.is_register:
        raise Refused([Problem("", _("Only registers are imported as a whole."), _("Import the lines on the page of the form."), "not_a_register")])
    if not work.departments_for(rt) and not work.is_inside:
        raise NotAllowed(_("You may not fill this register."))
    kinds = importable(rt.fields)
    common = {one.name: one.kind for one in common_columns(work, rt)}
    reading = remembering(work.reading())
    sheet = _sheet(content, {**kinds, "number": _NUMBER, "department": _DEPARTMENT}, {**rt.fields, **common}, reading)
    taker = _Register(work, rt, {n: k for n, k in kinds.items() if n in sheet.places}, reading, department)
    whole = work.connection.begin_nested()
    waiting = len(work.after_commit)
    try:
        rows = tuple(taker.take(line, sheet.places) for line in sheet.lines)
    except BaseException:
        whole.rollback()
        raise
    if dry_run:
        whole.rollback()
        del work.after_commit[waiting:]
    else:
        whole.commit()
    return Answer(rows, sheet.unknown, sheet.title, sheet.header, sheet.places)


class _Register:
    """Takes the rows of a register one by one."""

    def __init__(self, work: Work, rt: RecordType, kinds: Mapping[str, Field], reading: Reading, department: int | None) -> None:
        self.work = work
        self.rt = rt
        self.kinds = kinds
        self.reading = reading
        self.department = department
        self.seen: dict[tuple[Any, ...], int] = {}
        self.key = next((group for group in rt.unique if all(name in kinds for name in group)), ())

    def take(self, line: Line, places: Mapping[str, int]) -> RowAnswer:
        """What becomes of one row; a row that fails leaves nothing behind."""
        extra = {n: k for n, k in (("number", _NUMBER), ("department", _DEPARTMENT)) if n in places}
        values, faults = parse_line(line, {**self.kinds, **extra}, self.reading)
        if faults:
            return self._refused(line, [error.at(f"/{name}") for name, error in faults.items()])
        part = self.work.connection.begin_nested()
        waiting = len(self.work.after_commit)
        try:
            answer = self._save(line, values)
        except Refused as refused:
            answer = self._refused(line, refused.problems)
        except Refusal as refusal:
            answer = self._refused(line, [Problem("", refusal.what, code=refusal.code)])
        except BaseException:
            part.rollback()
            raise
        if answer.status == "refused":
            part.rollback()
            del self.work.after_commit[waiting:]
        else:
            part.commit()
        return answer

    def _refused(self, line: Line, problems: Iterable[Problem]) -> RowAnswer:
        return RowAnswer(line.number, "refused", tuple(problems), typed=line.cells)

    def _save(self, line: Line, values: dict[str, Any]) -> RowAnswer:
        number, department = values.pop("number", None), values.pop("department", None)
        key = tuple(values[name] for name in self.key) if self.key and all(values[name] is not None for name in self.key) else (number,)
        if key != (None,) and self.seen.setdefault(key, line.number) != line.number:
            what = _("Row {number} is about the same thing.", number=self.seen[key])
            return self._refused(line, [Problem(f"/{self.key[0] if self.key else 'number'}", what, _("Take one of the two rows out."), "twice")])
        found = self._find(values, number)
        if found is None:
            return self._create(line, values, number, department)
        new = {name: value for name, value in values.items() if not self._unchanged(name, found.values.get(name), value)}
        if not new:
            return RowAnswer(line.number, "unchanged", (), found.id, found.number)
        changed = self.work.edit(self.work.get(self.rt.name, found.id), None, accepted=True, **new)
        return RowAnswer(line.number, "changed", (), changed.id, changed.number)

    def _create(self, line: Line, values: dict[str, Any], number: str | None, department: int | None) -> RowAnswer:
        typed = bool(self.rt.numbering and self.rt.numbering.typed)
        if number is not None and not typed and not self.key:
            what = _("There is no entry with the number {number}.", number=shown(number))
            return self._refused(line, [Problem("/number", what, _("Leave the number empty for a new entry."), "unknown")])
        given = {name: value for name, value in values.items() if not self.kinds[name].empty(value)}
        made = self.work.create(self.rt.name, given, department=department or self.department, number=number if typed else None, accepted=True)
        return RowAnswer(line.number, "created", (), made.id, made.number)

    def _find(self, values: Mapping[str, Any], number: str | None) -> Record | None:
        if self.key and all(values[name] is not None for name in self.key):
            found = self.work.find(self.rt.name, **{name: values[name] for name in self.key})
            if found:
                return found[0]
        if number is not None and self.rt.numbering is not None:
            found = self.work.find(self.rt.name, number=number)
            return found[0] if found else None
        return None

    def _unchanged(self, name: str, old: Any, new: Any) -> bool:
        kind = self.kinds[name]
        return kind.same(old, new) or tidy(kind.text(old, self.reading)) == tidy(kind.text(new, self.reading)) != ""


# Lines


def read_lines(work: Work, kind: Lines, content: bytes, existing: Sequence[Any] = (), hidden: Iterable[str] = ()) -> Answer:
    """The rows of a workbook as rows of a table, beside those that are there; nothing is stored.

    A row with an id that is there changes that row; one that equals a row that is there is `unchanged`; the others are
    new. Each answer holds the row's values; a refused one holds what could be read, and its cells as they were typed.
    The pointer of a problem names the column alone.
    """
    kinds = {n: k for n, k in importable(kind.columns).items() if n not in set(hidden)}
    reading = remembering(work.reading())
    sheet = _sheet(content, kinds, kind.columns, reading)
    brought = {n: k for n, k in kinds.items() if n in sheet.places}
    known = {str(row_id(row)): row_values(row) for row in existing if row_id(row) is not None}
    free = Counter(_shape(row_values(row), brought) for row in existing)
    rows = tuple(_line(line, brought, reading, known, free) for line in sheet.lines)
    return Answer(rows, sheet.unknown, sheet.title, sheet.header, sheet.places)


def _shape(values: Mapping[str, Any], kinds: Mapping[str, Field]) -> tuple[Any, ...]:
    return tuple(repr(kind.dump(values.get(name))) for name, kind in kinds.items())


def _line(line: Line, kinds: Mapping[str, Field], reading: Reading, known: Mapping[str, Mapping[str, Any]], free: Counter[tuple[Any, ...]]) -> RowAnswer:
    values, faults = parse_line(line, kinds, reading)
    for name, one in kinds.items():
        if one.required and name in values and one.empty(values[name]) and one.when is None:
            faults[name] = Invalid(_("“{label}” is missing.", label=one.label), _("Fill it in."), "required")
    shape = _shape(values, kinds)
    identity = str(line.cells.get("id") or "").strip()
    if faults:
        return RowAnswer(line.number, "refused", tuple(error.at(f"/{name}") for name, error in faults.items()), values=values, typed=line.cells)
    if identity and identity in known:
        status: Status = "unchanged" if _shape(known[identity], kinds) == shape else "changed"
        free[_shape(known[identity], kinds)] -= 1
        return RowAnswer(line.number, status, (), int(identity), values=values, typed=line.cells)
    if free[shape] > 0:
        free[shape] -= 1
        return RowAnswer(line.number, "unchanged", values=values, typed=line.cells)
    return RowAnswer(line.number, "created", values=values, typed=line.cells)


def import_lines(work: Work, record: Record, name: str, content: bytes, version: int | None = None, *, dry_run: bool = False) -> Answer:
    """Change and add rows of a table of a record from a workbook, all of them or none; the same file again changes nothing.

    An answer may hold refused rows: then, and after a dry run, nothing has changed. What the door says of a row is told at that row.
    Raises Refused for a file that cannot be read, NotAllowed and Stale as `work.edit` does.
    """
    kind, may_write = record.type.lines[name], work.writable(record, record.type)
    if name not in may_write:
        raise NotAllowed(_("Nothing here is yours to change now."))
    columns = [column for column in kind.columns if f"{name}.{column}" in may_write]
    existing = list(record.values.get(name) or ())
    answer = read_lines(work, kind, content, existing, set(kind.columns) - set(columns))
    rows, places = _merged([{"id": row_id(row), **{column: row_values(row).get(column) for column in columns}} for row in existing], answer)
    given: dict[str, Any] = {name: rows}
    whole = work.connection.begin_nested()
    waiting = len(work.after_commit)
    try:
        changed = work.edit(record.copy() if dry_run or answer.refused else record, version, **given)
    except Refused as refused:
        answer = _told(answer, name, places, refused)
    except BaseException:
        whole.rollback()
        raise
    else:
        ids = [row_id(row) for row in changed.values[name]]
        answer = replace(answer, rows=tuple(
            replace(row, id=ids[place]) if place is not None and row.status == "created" else row for row, place in zip(answer.rows, places, strict=True)))
    if dry_run or answer.refused:
        whole.rollback()
        del work.after_commit[waiting:]
    else:
        whole.commit()
    return answer


def _merged(rows: list[dict[str, Any]], answer: Answer) -> tuple[list[dict[str, Any]], list[int | None]]:
    """The rows as they then stand, and for each row of the workbook its place among them."""
    known = {row["id"]: place for place, row in enumerate(rows)}
    places: list[int | None] = []
    for row in answer.rows:
        place = known.get(row.id) if row.id is not None else None
        if row.status == "changed" and place is not None:
            rows[place] |= row.values
        elif row.status == "created":
            place = len(rows)
            rows.append(dict(row.values))
        places.append(place)
    return rows, places


def _told(answer: Answer, name: str, places: Sequence[int | None], refused: Refused) -> Answer:
    """The answer with what the door refused told at its rows; raises what is about none of them."""
    found: dict[int, list[Problem]] = {}
    for problem in refused.problems:
        if problem.level == "warns":
            continue
        head, _slash, rest = problem.pointer.strip("/").partition("/")
        number, _slash, column = rest.partition("/")
        if head != name or not number.isdigit() or int(number) not in places:
            raise refused
        found.setdefault(int(number), []).append(replace(problem, where=f"/{column}" if column else ""))
    return replace(answer, rows=tuple(
        replace(row, status="refused", problems=(*row.problems, *found[place])) if place is not None and place in found else row
        for row, place in zip(answer.rows, places, strict=True)))
