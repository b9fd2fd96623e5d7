"""The rows of a table from a workbook, on the page of a form: filled into the grid unsaved, the bad ones marked, the workbook given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from core import drafts, files, transfer
from core.errors import NotAllowed, NotFound, Problem, Refused
from core.fields import Lines
from core.fields.text import plain_number
from core.messages import _
from core.records import RecordType
from core.transfer.workbook import check_archive
from core.web import exchange, forms, place
from core.web.filling import Said, Target, page, shapes, writable
from core.web.routing import Routes
from core.web.view import signed_in

if TYPE_CHECKING:
    from core.web.view import View

routes = Routes()

SENT_AS = ".xlsx"
"""What stands behind the name of a table in the name of the input that sends a workbook for it."""


@dataclass(frozen=True)
class Received:
    """A workbook that came with a form: its bytes, and the same on disk for good."""

    content: bytes
    stored: files.Stored


def received(site: Any, form: MultiDict[str, str]) -> Received | None:
    """The workbook that a form brings, looked at before the work begins. Raises Refused for what is none, or was never read."""
    go, _colon, name = form.get("go", "").partition(":")
    if go in ("save", "step"):
        _refuse_unread(form)
    if go != "import":
        return None
    sent = request.files.get(name + SENT_AS)
    content = sent.stream.read(transfer.LARGEST_FILE + 1) if sent is not None else b""
    if sent is None or not content:
        raise Refused([Problem(name, _("No file was chosen."), _("Choose an .xlsx file."), "required")])
    try:
        check_archive(content)
        return Received(content, site.files.put(BytesIO(content), sent.filename or ""))
    except Refused as refused:
        raise _about(name, refused) from None


def _refuse_unread(form: MultiDict[str, str]) -> None:
    """Without script a workbook may be chosen and forgotten: its rows must not be taken for saved."""
    chosen = [*form.items(), *((name, file.filename) for name, file in request.files.items())]
    forgotten = [name.removesuffix(SENT_AS) for name, called in chosen if name.endswith(SENT_AS) and called]
    if forgotten:
        hint = _("Press “Read it”, or take the file out.")
        raise Refused([Problem(name, _("A workbook was chosen, but its rows have not been read."), hint, "unread") for name in forgotten])


def _about(name: str, refused: Refused) -> Refused:
    """The refusal of a whole file, told at its table."""
    return Refused([replace(problem, where=name) for problem in refused.problems])


@dataclass(frozen=True)
class _Table:
    """A table that may be filled from a workbook: what may be written of it now, and what may not."""

    rt: RecordType
    name: str
    kind: Lines
    columns: Sequence[str]

    @property
    def closed(self) -> set[str]:
        """The columns that a workbook cannot fill."""
        return set(self.kind.columns) - set(self.columns)


def _table(view: View, target: Target, name: str) -> _Table:
    kind = target.rt.lines.get(name)
    if kind is None:
        raise NotFound
    open_names = writable(view, target)
    columns = forms.writable_columns(kind, name, open_names)
    if name not in open_names or not columns or kind.rows:
        raise NotAllowed(_("Nothing here is yours to change now."))
    return _Table(target.rt, name, kind, columns)


# The workbook into the grid


def take(view: View, target: Target, raw: forms.Raw, name: str, version: int | None) -> Response:
    """The form again, unsaved, with the rows of the workbook in its table; those to be mended stand there as they were typed."""
    table = _table(view, target, name)
    sheet: Received | None = view.first.sheet
    if sheet is None:
        raise NotFound
    open_names = writable(view, target)
    standing = _standing(table, raw.get(name, []), forms.typed(target.rt, {name: raw.get(name, [])}, open_names, view.reading()))
    try:
        answer = transfer.read_lines(view.work, table.kind, sheet.content, [one.row for one in standing if not one.unread], table.closed)
    except Refused as refused:
        raise _about(name, refused) from None
    merged = _Merge(view, table, standing, answer)
    if len(merged.rows) > table.kind.max:
        what = _("There are {count} here, at most {max}.", count=len(merged.rows), max=table.kind.max)
        raise Refused([Problem(name, what, _("Split it into several files."), "too_many")])
    raw[name] = merged.rows
    with suppress(Refused):  # what is too much to be kept meanwhile still stands on the page
        drafts.save(view.work, target.rt.name, target.id, raw, version)
    typed = forms.typed(target.rt, raw, open_names, view.reading())
    known = {problem.pointer for problem in merged.problems}
    problems = [*merged.problems, *(one for one in typed.problems if one.pointer not in known)]
    if problems:
        view.refusal = Refused(problems)
    file = files.add(view.work.connection, sheet.stored, view.user_id, view.now) if answer.refused else None
    return page(view, target, raw, version=version, typed=typed, imported=_told(view, target, table, merged, file, sheet.stored.name))


@dataclass
class _Standing:
    """A row of the grid as typed, what could be read of it, and the columns that have to be mended."""

    raw: forms.Raw
    row: dict[str, Any]
    unread: Collection[str]
    wrong: Collection[str]

    def cells(self, table: _Table, names: Iterable[str]) -> dict[str, str]:
        """What each cell holds, to be compared."""
        return {one: _words(self.raw.get(one)) if one in self.unread else _value(table, one, self.row) for one in names}


def _standing(table: _Table, rows: Iterable[forms.Raw], typed: forms.Typed) -> list[_Standing]:
    unread: dict[int, set[str]] = {}
    for problem in typed.problems:
        _empty, _name, number, column = problem.pointer.split("/")
        unread.setdefault(int(number), set()).add(column)
    found = []
    kept = [row for row in rows if not forms.is_blank(row)]
    for at, (raw, row) in enumerate(zip(kept, typed.values.get(table.name, ()), strict=True)):
        odd = unread.get(at, set())
        missing = {one for one in table.columns if table.kind.columns[one].required and one not in odd and table.kind.columns[one].empty(row.get(one))}
        found.append(_Standing(raw, row, odd, odd | missing))
    return found


def _value(table: _Table, column: str, values: Mapping[str, Any]) -> str:
    return f"={table.kind.columns[column].dump(values.get(column))!r}"


def _words(given: Any) -> str:
    return " ".join(str("".join(given) if isinstance(given, list) else given or "").split())


def _as_typed(given: Any) -> str:
    """A cell that could not be read, as one would have typed it."""
    if isinstance(given, dt.datetime) and given.time() == dt.time():
        given = given.date()
    if isinstance(given, float):
        return plain_number(given)
    return "" if given is None else str(given)


@dataclass
class _Merge:
    """The rows of a workbook among those of the grid: what became of each, and the rows as they then stand.

    A row that could not be read before is taken to be the one that agrees with it in every cell that could: mended or not,
    it is not entered a second time.
    """

    view: View
    table: _Table
    standing: list[_Standing]
    answer: transfer.Answer
    answers: list[tuple[transfer.RowAnswer, forms.Raw | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = [one for one in self.table.columns if one in self.answer.places]
        self.rows = [one.raw for one in self.standing]
        self.waiting = [one for one in self.standing if one.wrong]
        work, kinds = self.view.work, self.table.kind.columns
        pointing = [one for one in self.names if kinds[one].kind in forms.POINTING]
        held = [(kinds[one].is_list, row.values.get(one)) for row in self.answer.rows for one in pointing]
        ids = {id for is_list, value in held if value for id in (value if is_list else (value,))}
        self.reading = work.reading(work.names([], ids))
        self.shapes = shapes(self.view, self.table.rt, self.reading)
        self.number = max((int(row["#"]) for row in self.rows), default=-1)
        for row in self.answer.rows:
            self.answers.append(self._take(row))

    @property
    def problems(self) -> list[Problem]:
        """What has to be mended, at its place in the grid."""
        places = {row["#"]: place for place, row in enumerate(self.rows)}
        return [
            replace(problem, where=f"/{self.table.name}/{places[raw['#']]}{problem.pointer}")
            for answer, raw in self.answers if raw is not None for problem in answer.problems
        ]

    def _take(self, row: transfer.RowAnswer) -> tuple[transfer.RowAnswer, forms.Raw | None]:
        if row.status == "unchanged":
            return row, None
        found = self._found(row)
        if found is None:
            self.number += 1
            raw = {"#": str(self.number), "id": ""} | self._raw(row)
            self.rows.append(raw)
            return row, raw
        if found in self.waiting:
            self.waiting.remove(found)
        found.raw |= self._raw(row)
        return (replace(row, status="changed") if row.status == "created" else row), found.raw

    def _found(self, row: transfer.RowAnswer) -> _Standing | None:
        """The row of the grid that a row of the workbook is about."""
        identity = str(row.typed.get("id") or "").strip()
        for one in self.standing:
            if identity and one.raw.get("id") == identity:
                return one
        cells = {one: _value(self.table, one, row.values) if one in row.values else _words(_as_typed(row.typed.get(one))) for one in self.names}
        blank = {one: _value(self.table, one, {}) for one in self.names}
        agreeing = []
        for one in self.waiting:
            there = one.cells(self.table, self.names)
            if there == cells:
                return one
            steady = [name for name in self.names if name not in one.wrong]
            if all(there[name] == cells[name] for name in steady) and any(there[name] != blank[name] for name in steady):
                agreeing.append(one)
        return agreeing[0] if agreeing else None

    def _raw(self, row: transfer.RowAnswer) -> forms.Raw:
        """The cells of a row as one would have typed them; what could not be read stays as it is."""
        found: forms.Raw = {}
        for name in self.names:
            kind = self.table.kind.columns[name]
            if kind.kind in forms.POINTING:
                found[f"{name}@"] = ""
            if name in row.values:
                found |= forms.told_one(name, kind, row.values[name], self.reading, self.shapes)
            else:
                text = _as_typed(row.typed.get(name))
                found[name] = [text] if kind.kind in forms.TICKED else text
        return found


def _told(view: View, target: Target, table: _Table, merged: _Merge, file: files.File | None, name: str) -> Said:
    """What the page says of the workbook: how many rows, and an answer for each."""
    labels = {column: view.t(kind.label) for column, kind in table.kind.columns.items()}
    places = {row["#"]: number for number, row in enumerate(merged.rows, 1)}
    answers = sorted(merged.answers, key=lambda one: (one[0].status != "refused", one[0].row))
    counts = {status: sum(one.status == status for one, _raw in merged.answers) for status in exchange.WORDS}
    return {
        "name": name, "counts": {status: count for status, count in counts.items() if count}, "ignored": merged.answer.ignored, "count": len(answers),
        "rows": [
            (one, f"#f-{table.name}-{raw['#']}-{merged.names[0]}" if raw else "", places[raw["#"]] if raw else "",
             [(labels.get(problem.pointer.strip("/"), ""), view.t(problem.what), view.t(problem.hint)) for problem in one.problems])
            for one, raw in answers[:exchange.MOST_SHOWN]
        ],
        "tones": exchange.TONES, "icons": exchange.ICONS, "words": exchange.WORDS,
        "marked": f"{target.rt.path}/lines/{table.name}/marked?{target.query}&file={file.id}" if file else "",
    }


# Workbooks out


def _asked(view: View, plugin: str, noun: str, name: str) -> tuple[Target, _Table]:
    rt, id = place.type_at(view, plugin, noun), request.args.get("record", "")
    step = request.args.get("step", "")
    target = Target(rt, place.record_at(view, plugin, noun, id) if id else None, step if step in rt.creating_steps else next(iter(rt.creating_steps), None))
    return target, _table(view, target, name)


@routes.get("/<plugin>/<noun>/lines/<name>/template", may=signed_in)
def template(view: View, plugin: str, noun: str, name: str) -> Response:
    """The headings of a table, and the rows that a record has, ready to be filled in and sent back."""
    target, table = _asked(view, plugin, noun, name)
    rows = target.record.values.get(name) or () if target.record else ()
    label = view.t(table.kind.label)
    return exchange.workbook(transfer.export_rows(view.work, target.record, table.kind, rows, hidden=table.closed), f"{noun}-{label}")


@routes.get("/<plugin>/<noun>/lines/<name>/marked", may=signed_in)
def marked(view: View, plugin: str, noun: str, name: str) -> Response:
    """The workbook that was read, given back with one more column that says what has to be mended."""
    _target, table = _asked(view, plugin, noun, name)
    id = request.args.get("file", "")
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound
    file = files.get(view.work.connection, int(id))
    if file.created_by != view.user_id:
        raise NotFound
    content = b"".join(view.site.files.read(file.sha256))
    answer = transfer.read_lines(view.work, table.kind, content, (), table.closed)
    return exchange.workbook(transfer.marked(view.work, content, answer, table.kind.columns), exchange.to_mend(view, file.name, noun))
