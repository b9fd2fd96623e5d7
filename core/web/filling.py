"""What the edit page shows: which fields may be written, how they are drawn, what is wrong with them and where."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response

from core.errors import NotAllowed, Problem, Refused
from core.fields import Field, Lines, Reading
from core.messages import _
from core.records import RecordType
from core.service import values as door
from core.storage import Record
from core.transfer import LARGEST_FILE
from core.web import forms, paper, place
from core.workflow import Transition, each_by

if TYPE_CHECKING:
    from core.web.view import View

Said = dict[str, Any]
"""What a template is given: names known to it and to whoever fills it."""


@dataclass
class Target:
    """A new record, or one that is there; where it is opened from, and by which step it is made."""

    rt: RecordType
    record: Record | None = None
    step: str | None = None
    source: Record | None = None
    opens: str | None = None
    department: int | None = None

    @property
    def action(self) -> str:
        """The address that the form is sent to."""
        return f"{self.rt.path}/{self.record.id}/edit" if self.record else f"{self.rt.path}/new"

    @property
    def id(self) -> int | None:
        """The record's id; None for a new one."""
        return self.record.id if self.record else None

    @property
    def query(self) -> str:
        """What addresses beside the form carry, so that they are about the same."""
        return urlencode({"record": self.record.id} if self.record else {"step": self.step or ""})


def writable(view: View, target: Target) -> frozenset[str]:
    """What may be written on this page."""
    names: frozenset[str] = view.work.writable(target.record, target.rt, target.step)
    if target.record is None and target.step:
        fills = target.rt.steps[target.step].fills
        names |= frozenset(fills) | frozenset(f"{n}.{c}" for n in fills if n in target.rt.lines for c in target.rt.lines[n].columns)
    return names


def shapes(view: View, rt: RecordType, reading: Reading) -> forms.Shapes:
    """How fields are drawn on this site for this reader."""
    directory = view.directory

    def departments(kind: Field) -> Mapping[str, str]:
        function = getattr(kind, "function", "")
        bound = set(directory.bound(function)) if function else None
        return {str(d.id): d.name for d in directory.departments.values() if d.is_active and (bound is None or d.id in bound)}

    def users(kind: Field) -> Mapping[str, str]:
        role = getattr(kind, "role", "")
        ids = directory.holders(role, None) if role else tuple(directory.users)
        return {str(id): _user_words(view, id) for id in ids if directory.users[id].is_active}

    def look_up(kind: Field, name: str) -> str:
        return f"{rt.path}/look-up?field={name}" if kind.kind in forms.POINTING else ""

    held = {id: str(name) for id, name in reading.names.items() if name.type == "core.file"}
    return forms.Shapes(reading, _remembered(departments), _remembered(users), held, look_up)


def _user_words(view: View, id: int) -> str:
    user = view.directory.users[id]
    seat = view.directory.departments[user.departments[0]].name if user.departments else ""
    return f"{user.name} · {seat}" if seat else user.name


def _remembered(choices: Any) -> Any:
    known: dict[int, Mapping[str, str]] = {}

    def find(kind: Field) -> Mapping[str, str]:
        if id(kind) not in known:
            known[id(kind)] = choices(kind)
        return known[id(kind)]
    return find


def drawing(
    view: View, rt: RecordType, raw: forms.Raw, reading: Reading, shape: forms.Shapes, open_names: Collection[str], typed: forms.Typed,
    values: Mapping[str, Any], prefix: str = "f",
) -> forms.Drawing:
    """The inputs of a form, with what is wrong at each place."""
    found: dict[str, str] = {}
    for problem in all_problems(view, typed):
        if problem.level == "refuses":
            words = view.t(problem.what)
            found.setdefault(problem.pointer, f"{words} {view.t(problem.hint)}" if problem.hint and problem.pointer.count("/") < 2 else words)
    return forms.Drawing(rt, raw, reading, shape, open_names, found, values, typed.rows, prefix, view.access.hidden(rt, None))


def all_problems(view: View, typed: forms.Typed) -> list[Problem]:
    """What the door refused, or else what could not be read at all."""
    if isinstance(view.refusal, Refused):
        return list(view.refusal.problems)
    return list(typed.problems) if view.refusal is not None else []


def faults(view: View, rt: RecordType, typed: forms.Typed, prefix: str = "f") -> list[Said]:
    """The summary on top: place and fault of each, with the address of its field, in the order of the page."""
    if view.refusal is None:
        return []
    if not isinstance(view.refusal, Refused):
        who = paper.who_words(view, view.refusal.who) if isinstance(view.refusal, NotAllowed) else ""
        hint = view._("Only these can do it: {who}", who=who) if who else ""
        return [{"place": "", "what": view.t(view.refusal.what), "hint": hint, "href": "#problems"}]
    order = {name: number for number, name in enumerate(n for section in rt.all_sections.values() for n in section.fields)} | {"department": -1}
    problems = [problem for problem in view.refusal.problems if problem.level == "refuses"]
    problems.sort(key=lambda p: (order.get(p.pointer.strip("/").partition("/")[0], len(order)), _row_of(p)))
    return [_said(view, rt, typed, problem, prefix) for problem in problems]


def _row_of(problem: Problem) -> int:
    parts = problem.pointer.split("/")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else -1


def _said(view: View, rt: RecordType, typed: forms.Typed, problem: Problem, prefix: str) -> Said:
    what, hint = view.t(problem.what), view.t(problem.hint) if problem.hint else ""
    parts = problem.pointer.strip("/").split("/")
    kind = rt.fields.get(parts[0])
    if parts[0] in ("reason", "password", "otp", "department", "number") and kind is None:
        return {"place": "", "what": what, "hint": hint, "href": f"#{prefix}-_{parts[0]}"}
    if kind is None:
        return {"place": "", "what": what, "hint": hint, "href": "#problems"}
    if not isinstance(kind, Lines) or len(parts) < 3 or not parts[1].isdigit():
        label = view.t(kind.label)
        return {"place": "" if label in what else label, "what": what, "hint": hint, "href": f"#{prefix}-{parts[0]}"}
    numbers = typed.rows.get(parts[0], [])
    number = numbers[int(parts[1])] if int(parts[1]) < len(numbers) else parts[1]
    column = kind.columns.get(parts[2])
    label = view.t(column.label) if column is not None else ""
    where = view._("Row {number}", number=int(parts[1]) + 1)
    what = re.sub(rf"^{re.escape(where)}[:\uff1a ]*", "", what)
    return {
        "place": where if len(rt.lines) < 2 else f"{view.t(kind.label)} {where}",
        "what": what if not label or label in what else view._("{label}: {what}", label=label, what=what),
        "hint": "", "href": f"#{prefix}-{parts[0]}-{number}-{parts[2]}",
    }


@dataclass(frozen=True)
class EditSection:
    """A section on the edit page: fields first, then its tables."""

    title: str
    inputs: list[forms.Input]
    sheets: list[forms.Sheet]
    tables: list[paper.Table]
    locked: str = ""

    @property
    def spans(self) -> Mapping[str, int]:
        """How wide each field is on the sheet, the rows filled; one that may come and go keeps its own width."""
        steady = [one for one in self.inputs if not one.when]
        widths = paper.spans([12 if one.kind.kind == "long_text" and not one.kind.width else one.kind.span for one in steady])
        return {one.column: width for one, width in zip(steady, widths, strict=True)}


def sections(view: View, target: Target, drawn: forms.Drawing, seen: Record) -> Iterator[EditSection]:
    """The sections that are there; what cannot be written now stands in grey."""
    rt = target.rt
    sheet = paper.Paper(view, seen, drawn.reading)
    hidden = view.access.hidden(rt, target.record)
    there = {name for name in rt.fields if _is_drawn(view, seen, name, hidden)}
    kept = {key: one for key, one in rt.all_sections.items() if any(n.partition(".")[0] in there for n in one.fields)}
    for number, (key, section) in enumerate(kept.items(), 1):
        heads = dict.fromkeys(n.partition(".")[0] for n in section.fields)
        names = [n for n in heads if n in there and rt.section_of.get(n, key) == key]
        is_open = any(n in drawn.writable for n in section.fields)
        if not is_open and all(rt.fields[n].empty(seen.values.get(n)) for n in names):
            continue
        inputs = [drawn.input(n) for n in names if not paper.is_table(rt.fields[n])]
        worked_out = [n for n in names if n not in rt.lines and paper.is_table(rt.fields[n]) and seen.values.get(n)]
        has_title = bool(inputs) and len(kept) > 1 and (number > 1 or is_paper(rt))
        yield EditSection(
            paper.heading(view, section.label, number) if has_title else "", inputs, [drawn.sheet(n) for n in names if n in rt.lines],
            [sheet.table(n, rt.fields[n], seen.values[n]) for n in worked_out], "" if is_open else view._("locked"),
        )


def is_paper(rt: RecordType) -> bool:
    """Whether a form is filled on the sheet itself; plans and registers, which are wide, have their labels above."""
    return not rt.is_register and not rt.lines


def _is_drawn(view: View, seen: Record, name: str, hidden: Collection[str]) -> bool:
    """Whether a field has a place on the page: it is there now, or a mapping that the browser follows may bring it."""
    kind = seen.type.fields[name]
    comes_later = kind.effects_only or (name in seen.type.by_steps and not seen.type.creating_steps)
    if name in hidden or (comes_later and kind.empty(seen.values.get(name))):
        return False
    section = seen.type.all_sections[seen.type.section_of.get(name, next(iter(seen.type.all_sections)))]
    if not door.is_there(view.work, seen, section):
        return False
    return bool(forms.when_json(kind)) or door.is_there(view.work, seen, kind)


def page(
    view: View, target: Target, raw: forms.Raw | None = None, *, version: int | None = None, restored: str = "", typed: forms.Typed | None = None,
    note: str = "", imported: Said | None = None,
) -> Response:
    """The edit page: `raw` is what was typed, else what is stored or a new form begins with; `imported` tells of a workbook."""
    work, rt = view.work, target.rt
    open_names = writable(view, target)
    seen = _seen(view, target, typed)
    reading = work.reading(work.names([seen], {*paper.ids_in_tables(seen), *_file_ids(rt, raw)}))
    shape = shapes(view, rt, reading)
    told = forms.told(rt, seen.values, reading, shape)
    if target.record is None:
        told |= {name: [row | {"id": ""} for row in told[name]] for name in rt.lines}
    typed = typed or forms.Typed()
    drawn = drawing(view, rt, {**told, **(raw or {})}, reading, shape, open_names, typed, seen.values)
    parts = list(sections(view, target, drawn, seen))
    said = faults(view, rt, typed)
    asked = _asked(view, target)
    page_ = _page(view, target, seen, parts, open_names, version, said, asked, raw or {})
    warnings = [{"what": f"{view.t(p.what)} {view.t(p.hint)}".strip(), "asks": p.level == "asks"} for p in all_problems(view, typed) if p.level != "refuses"]
    fillable = [sheet for part in parts for sheet in part.sheets if sheet.is_open and not sheet.is_fixed]
    page_ |= {"lines_at": f"{rt.path}/lines", "query": target.query, "largest": LARGEST_FILE // 1_000_000}
    page_ |= {"alone": fillable[0] if len(fillable) == 1 and not fillable[0].when else None}
    return view.render(
        "edit.html", page=page_, sections=parts, imported=imported, problems=said, warnings=warnings, restored=restored, stale_note=note, saved_at="",
        has_grid=any(sheet.is_open for part in parts for sheet in part.sheets), grid_texts=GRID_TEXTS(view),
    )


def _file_ids(rt: RecordType, raw: forms.Raw | None) -> set[int]:
    texts = (one for name, kind in rt.fields.items() if kind.kind in forms.FILES for one in (raw or {}).get(name, ()))
    return {int(one.partition("=")[0]) for one in texts if re.fullmatch(r"[1-9]\d{0,18}", one.partition("=")[0])}


def _seen(view: View, target: Target, typed: forms.Typed | None) -> Record:
    """The record as the page shows it: stored, or a new one with defaults, what is copied, and what was typed."""
    work = view.work
    if target.record is not None:
        if typed is None or not typed.values:
            return target.record
        twin: Record = target.record.copy()
        door.put(twin, typed.values)
        return twin
    try:
        drafted: Record = work.draft_of(target.rt, typed.values if typed else {}, source=target.source, opens=target.opens)
    except Refused:
        drafted = work.draft_of(target.rt, {}, source=target.source, opens=target.opens)
    return drafted


def _asked(view: View, target: Target) -> tuple[str, bool]:
    """What the form itself asks for besides fields: a reason (its label), the password."""
    step = target.rt.steps[target.step] if target.step and target.record is None else None
    label = view.t(step.asks) if step and step.asks else ""
    if not label and isinstance(view.refusal, Refused) and any(p.level == "asks" for p in view.refusal.problems):
        label = view._("Reason")
    return label, bool(step and step.signature and step.signature.asks_password)


def _page(
    view: View, target: Target, seen: Record, parts: list[EditSection], open_names: frozenset[str], version: int | None, said: list[Said],
    asked: tuple[str, bool], raw: forms.Raw,
) -> Said:
    rt, record = target.rt, target.record
    every = [one for part in parts for one in part.inputs]
    by_place = {problem["href"]: problem["what"] for problem in said}
    mine = view.work.departments_for(rt, target.step) if record is None else ()
    source = target.source
    return {
        **_head(view, target, seen),
        "action": target.action, "unsent": f"{rt.path}/unsent", "record_id": target.id or "",
        "version": version if version is not None else record.version if record else "",
        "carried": [(k, v) for k, v in (("_step", target.step), ("_from", source and f"{source.type.name}/{source.id}"), ("_opens", target.opens)) if v],
        "needs_mark": any(one.kind.required and one.is_open for one in every), "is_paper": is_paper(rt),
        "departments": [(str(d), view.directory.departments[d].name) for d in mine] if len(mine) > 1 else [],
        "department": str(target.department or raw.get("_department") or (source.department if source else "") or ""),
        "department_error": by_place.get("#f-_department", ""), "department_name": _department_name(view, record, mine),
        "number_input": rt.numbering is not None and rt.numbering.typed and record is None and rt.is_register, "number": raw.get("_number", ""),
        "asks": asked[0], "reason": view.form.get("_reason", ""), "asks_password": asked[1],
        "refused": view._("{count} things to mend; not sent yet", count=len(said)), "has_files": any(one.shape == "files" for one in every),
        "give_up": view._("Drop changes") if record else view._("Drop this form"), "buttons": list(buttons(view, target, open_names)),
        "keys": KEYS(view), "texts": TEXTS(view),
    }


def _head(view: View, target: Target, seen: Record) -> Said:
    """What stands above the form."""
    rt, record = target.rt, target.record
    label = view.label("type", rt.name, rt.label)
    name = (record.number or record.title or label) if record else view._("New: {form}", form=label)
    form = next(iter(place.form_names(view, rt)), None)
    state = record.state if record else rt.initial
    has_no_number = seen.number is None and rt.numbering is not None and not rt.is_register and rt.initial
    department = view.directory.departments.get((record.department if record else next(iter(view.work.departments_for(rt, target.step)), None)) or 0)
    sub = [
        department.name if department and is_paper(rt) else "",
        view._("the number is given when it leaves the draft") if has_no_number else "",
        view._("form {number} {revision}", number=form[1], revision=form[2]) if form and form[1] else "",
        view._("version {version}", version=record.version) if record else "",
    ]
    path = ((name, place.path_of(record)), (view._("Edit"), None)) if record else ((view._("New"), None),)
    is_private = state == "draft" and rt.drafts == "author"
    return {
        "heading": record.title if record and record.title else name, "crumb": place.crumb(view, rt, *path),
        "badge": place.badge(view, rt, state) if state else None, "sub": " · ".join(one for one in sub if one), "ways": [],
        "who_sees": view._("Only you see the draft; you can go on at another computer.") if is_private else "",
    }


def _department_name(view: View, record: Record | None, mine: Iterable[int]) -> str:
    found = record.department if record else next(iter(mine), None)
    department = view.directory.departments.get(found or 0)
    return department.name if department else ""


def buttons(view: View, target: Target, open_names: Collection[str]) -> Iterator[Said]:
    """Save, and the step that comes next where it is this person's; the last is the primary one."""
    rt, record = target.rt, target.record
    if not open_names:
        return
    if record is None and target.step:
        yield {"go": "save", "label": view.t(rt.steps[target.step].label), "icon": "send"}
        return
    state = record.state if record else rt.initial
    label = view._("Save draft") if state == "draft" else view._("Save")
    yield {"go": "save", "label": label, "icon": "check"}
    step = _next_step(view, target, state or "")
    if step:
        yield {"go": f"step:{step[0]}", "label": view.t(step[1].label), "icon": "send"}


def _next_step(view: View, target: Target, state: str) -> tuple[str, Transition] | None:
    rt, record = target.rt, target.record
    if rt.workflow is None:
        return None
    order = list(rt.states)
    for name, step in rt.workflow.out_of(state).items():
        goes_on = step.target in order and order.index(step.target) > order.index(state)
        seat = record.department if record else target.department or next(iter(view.work.departments_for(rt)), None)
        if goes_on and each_by(step.by) and step.when is None and view.access.counts(rt, step.by, name, record, seat):
            return name, step
    return None


# Texts that scripts say


def GRID_TEXTS(view: View) -> Mapping[str, str]:  # noqa: N802 a table of texts
    """What the grid says; its placeholders are filled in the browser."""
    return _texts(view, {
        "suggestions": _("Suggestions"), "nothingFound": _("Nothing found"), "tooMany": _("A table holds {most} rows; import more than that from Excel."),
        "removed": _("Row {row} was taken out. Ctrl+Z brings it back."), "filled": _("{cells} cells filled."), "nothingToUndo": _("There is nothing to undo."),
        "undone": _("Undone."), "pasted": _("Pasted {rows} rows"), "pastedWrong": _("Pasted {rows} rows, {wrong} cells with faults"),
        "columnsLeft": _(", {columns} columns not taken"), "rowsLeft": _(", {rows} rows without place"), "row": _("Row"), "notTaken": _("{name} (not taken)"),
        "noRoom": _("no place"), "rows": _("{rows} rows"), "place": _("Rows {from} to {to} of {rows}"), "unknown": _("“{value}” is not known here."),
        "notDate": _("“{value}” is not a date. Write it like 2026-12-31."), "notMonth": _("“{value}” is not a month. Write it like 2026-12."),
        "letter": _("“{value}” is not a number, it contains the letter {letter}."), "notNumber": _("“{value}” is not a number."),
        "notWhole": _("“{value}” is not a whole number."), "tooLong": _("“{value}” has too many digits; at most 12 before the point and {places} after it."),
        "tooSmall": _("This must be at least {min}."), "tooLarge": _("This must be at most {max}."),
    })


def TEXTS(view: View) -> Mapping[str, str]:  # noqa: N802 a table of texts
    """What autosave says."""
    return _texts(view, {"saved": _("Saved by itself {time}"), "retrying": _("Not saved yet, trying again")})


def _texts(view: View, messages: Mapping[str, str]) -> Mapping[str, str]:
    return {name: view.t(str(message)) for name, message in messages.items()}


def KEYS(view: View) -> list[tuple[tuple[str, ...], str]]:  # noqa: N802 a table of texts
    """The keys of the grid, for the dialog that lists them."""
    return [
        (("Tab", "Shift Tab"), view._("next, previous cell; at the end a new row")),
        (("Enter", "Shift Enter"), view._("down, up in the column; never sends the form")),
        (("←", "↑", "→", "↓"), view._("move, while the cell is not being edited")),
        (("F2",), view._("edit the cell")), (("Esc",), view._("what stood there before")), (("Shift ↓",), view._("mark cells of a column")),
        (("Ctrl D",), view._("fill down")), (("Ctrl V",), view._("paste from Excel, by names of columns or in their order")),
        (("Ctrl ↵",), view._("a row below")), (("Ctrl Delete",), view._("take the row out")), (("Ctrl Z",), view._("undo")),
        (("Ctrl S",), view._("save")), (("Alt ↓",), view._("list or calendar")),
    ]
