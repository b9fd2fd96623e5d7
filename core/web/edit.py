"""The page on which a form is filled: new or again, its table as a grid, kept while one types, refused with the place and the remedy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.datastructures import FileStorage, MultiDict

from core import drafts, files
from core.errors import NotAllowed, NotFound, Problem, Refused, Stale
from core.fields import Field, Lines, Reading
from core.messages import _
from core.records import RecordType
from core.service import Asked, Confirmed
from core.service import values as door
from core.storage import Record
from core.web import forms, merge, paper, place
from core.web.routing import Routes
from core.web.view import signed_in
from core.workflow import Transition, each_by

if TYPE_CHECKING:
    from core.web.view import View

routes = Routes()

LARGEST_FORM = 16 * 1024 * 1024
"""Bytes of typed text that one form may send: a thousand rows of a wide table."""

Said = dict[str, Any]


@dataclass(frozen=True)
class Before:
    """What is done before the work begins: the password asked again, files written for good."""

    confirmed: Confirmed | None = None
    stored: Mapping[str, list[files.Stored]] = field(default_factory=dict)


def before(site: Any, user_id: int, form: MultiDict[str, str]) -> Before:
    """Ask for the password where the form brings one, and write uploaded files to disk."""
    stored: dict[str, list[files.Stored]] = {}
    for name, upload in request.files.items(multi=True):
        if upload.filename:
            stored.setdefault(name, []).append(_stored(site, upload))
    confirmed = None
    if form.get("_password") or form.get("_otp"):
        confirmed = site.confirm(user_id, form.get("_password", ""), form.get("_otp", ""), address=request.remote_addr or "")
    return Before(confirmed, stored)


def _stored(site: Any, upload: FileStorage) -> files.Stored:
    found: files.Stored = site.files.put(upload.stream, upload.filename or "")
    return found


def files_added(view: View, rt: RecordType, raw: forms.Raw) -> None:
    """Enter the files that came with the form itself, without script, into what was typed."""
    stored = view.first.stored if isinstance(view.first, Before) else {}
    for name, kind in rt.fields.items():
        if kind.kind in forms.FILES:
            for one in stored.get(f"{name}+", ()):
                file = files.add(view.work.connection, one, view.user_id, view.now)
                raw.setdefault(name, []).append(f"{file.id}={file.name}")


# What is being filled


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


def new_target(view: View, plugin: str, noun: str) -> Target:
    """What `/new` makes: by which step, opened from which record."""
    rt = place.type_at(view, plugin, noun)
    given = view.form if request.method == "POST" else request.args
    target = Target(rt, step=_birth_step(rt, given.get("_step") or given.get("step")))
    type_name, _slash, id = (given.get("_from") or given.get("from") or "").rpartition("/")
    if type_name and id.isascii() and id.isdigit():
        target.source = view.work.get(type_name, int(id))
        target.opens = given.get("_opens") or given.get("opens") or None
    chosen = given.get("_department") or ""
    target.department = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 20 else None
    return target


def _birth_step(rt: RecordType, given: str | None) -> str | None:
    if not rt.creating_steps:
        return None
    return given if given in rt.creating_steps else next(iter(rt.creating_steps))


def writable(view: View, target: Target) -> frozenset[str]:
    """What may be written on this page."""
    names: frozenset[str] = view.work.writable(target.record, target.rt, target.step)
    if target.record is None and target.step:
        fills = target.rt.steps[target.step].fills
        names |= frozenset(fills) | frozenset(f"{n}.{c}" for n in fills if n in target.rt.lines for c in target.rt.lines[n].columns)
    return names


# Drawing


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

    return forms.Shapes(reading, _remembered(departments), _remembered(users), {id: str(name) for id, name in reading.names.items() if name.type == "core.file"}, look_up)


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
    view: View, rt: RecordType, raw: forms.Raw, reading: Reading, shape: forms.Shapes, open_names: Collection[str], typed: forms.Typed, values: Mapping[str, Any],
    prefix: str = "f",
) -> forms.Drawing:
    """The inputs of a form, with what is wrong at each place."""
    found: dict[str, str] = {}
    for problem in all_problems(view, typed):
        if problem.level != "warns":
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
    order = {name: number for number, name in enumerate(n for section in rt.all_sections.values() for n in section.fields)}
    problems = [problem for problem in view.refusal.problems if problem.level == "refuses"]
    problems.sort(key=lambda p: (order.get(p.pointer.strip("/").partition("/")[0], -1), _row_of(p)))
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
        "place": where if len(rt.lines) < 2 else f"{view.t(kind.label)} {where}", "what": what if not label or label in what else view._("{label}: {what}", label=label, what=what),
        "hint": "", "href": f"#{prefix}-{parts[0]}-{number}-{parts[2]}",
    }


@dataclass(frozen=True)
class EditSection:
    """A section on the edit page: fields first, then its tables."""

    title: str
    who: str
    inputs: list[forms.Input]
    sheets: list[forms.Sheet]
    tables: list[paper.Table]
    locked: str = ""


def sections(view: View, target: Target, drawn: forms.Drawing, seen: Record) -> Iterator[EditSection]:
    """The sections that are there; what cannot be written now stands in grey."""
    sheet = paper.Paper(view, seen, drawn.reading)
    hidden = view.access.hidden(target.rt, target.record)
    kept = {key: one for key, one in target.rt.all_sections.items() if any(_is_drawn(view, seen, n.partition(".")[0], hidden) for n in one.fields)}
    for number, (key, section) in enumerate(kept.items(), 1):
        names = [n for n in dict.fromkeys(n.partition(".")[0] for n in section.fields) if _is_drawn(view, seen, n, hidden) and target.rt.section_of.get(n, key) == key]
        is_open = any(n in drawn.writable for n in section.fields)
        if not is_open and all(target.rt.fields[n].empty(seen.values.get(n)) for n in names):
            continue
        inputs = [drawn.input(n) for n in names if not paper.is_table(target.rt.fields[n])]
        tables = [n for n in names if n not in target.rt.lines and paper.is_table(target.rt.fields[n])]
        yield EditSection(
            paper.heading(view, section.label, number) if inputs and len(kept) > 1 and (number > 1 or is_paper(target.rt)) else "",
            "", inputs, [drawn.sheet(n) for n in names if n in target.rt.lines], [sheet.table(n, target.rt.fields[n], seen.values.get(n) or ()) for n in tables if seen.values.get(n)],
            "" if is_open else view._("locked"),
        )


def is_paper(rt: RecordType) -> bool:
    """Whether a form is filled on the sheet itself; plans and registers, which are wide, have their labels above."""
    return not rt.is_register and not rt.lines


def _is_drawn(view: View, seen: Record, name: str, hidden: Collection[str]) -> bool:
    """Whether a field has a place on the page: it is there now, or a mapping that the browser follows may bring it."""
    kind = seen.type.fields[name]
    if name in hidden or (kind.effects_only and kind.empty(seen.values.get(name))):
        return False
    section = seen.type.all_sections[seen.type.section_of.get(name, next(iter(seen.type.all_sections)))]
    if not door.is_there(view.work, seen, section):
        return False
    return bool(forms.when_json(kind)) or door.is_there(view.work, seen, kind)


def page(view: View, target: Target, raw: forms.Raw | None = None, *, version: int | None = None, restored: str = "", typed: forms.Typed | None = None, note: str = "") -> Response:
    """The edit page: `raw` is what was typed, else what is stored or a new form begins with."""
    work, rt = view.work, target.rt
    open_names = writable(view, target)
    seen = _seen(view, target, typed)
    reading = work.reading(work.names([seen], {*paper.ids_in_tables(seen), *_file_ids(rt, raw)}))
    shape = shapes(view, rt, reading)
    told = forms.told(rt, seen.values, reading, shape)
    typed = typed or forms.Typed()
    drawn = drawing(view, rt, {**told, **(raw or {})}, reading, shape, open_names, typed, seen.values)
    parts = list(sections(view, target, drawn, seen))
    said = faults(view, rt, typed)
    asked = _asked(view, target)
    page_ = _page(view, target, seen, parts, open_names, version, said, asked, raw or {})
    warnings = [{"what": view.t(p.what)} for p in all_problems(view, typed) if p.level != "refuses"]
    return view.render(
        "edit.html", page=page_, sections=parts, problems=said, warnings=warnings, restored=restored, stale_note=note, saved_at="",
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
    view: View, target: Target, seen: Record, parts: list[EditSection], open_names: frozenset[str], version: int | None, said: list[Said], asked: tuple[str, bool],
    raw: forms.Raw,
) -> Said:
    rt, record = target.rt, target.record
    label = view.label("type", rt.name, rt.label)
    name = (record.number or record.title or label) if record else view._("New: {form}", form=label)
    mine = view.work.departments_for(rt, target.step) if record is None else ()
    choose = record is None and len(mine) > 1
    by_place = {problem["href"]: problem["what"] for problem in said}
    form = next(iter(place.form_names(view, rt)), None)
    state = record.state if record else rt.initial
    numbered = rt.numbering is not None and rt.numbering.typed and record is None and rt.is_register
    typed_department = str(target.department or raw.get("_department") or (target.source.department if target.source else "") or "")
    sub = [
        view._("the number is given when it leaves the draft") if seen.number is None and rt.numbering is not None and not rt.is_register and rt.initial else "",
        view._("form {number} {revision}", number=form[1], revision=form[2]) if form and form[1] else "",
        view._("version {version}", version=record.version) if record else "",
    ]
    return {
        "heading": record.title if record and record.title else name, "crumb": place.crumb(view, rt, (name, place.path_of(record)) if record else (view._("New"), None), *([(view._("Edit"), None)] if record else [])),
        "badge": place.badge(view, rt, state) if state else None, "sub": " · ".join(one for one in sub if one), "ways": [],
        "action": target.action, "unsent": f"{rt.path}/unsent", "version": version if version is not None else record.version if record else "", "record_id": target.id or "",
        "carried": [(k, v) for k, v in (("_step", target.step), ("_from", f"{target.source.type.name}/{target.source.id}" if target.source else ""), ("_opens", target.opens)) if v],
        "needs_mark": any(one.kind.required and one.is_open for part in parts for one in part.inputs), "is_paper": is_paper(rt),
        "departments": [(str(d), view.directory.departments[d].name) for d in mine] if choose else [], "department": typed_department,
        "department_error": by_place.get("#f-_department", ""), "department_name": _department_name(view, record, mine),
        "number_input": numbered, "number": raw.get("_number", ""), "asks": asked[0], "reason": view.form.get("_reason", ""), "asks_password": asked[1],
        "refused": view._("{count} things to mend; not sent yet", count=len(said)), "has_files": any(one.shape == "files" for part in parts for one in part.inputs),
        "who_sees": view._("Only you see the draft; you can go on at another computer.") if state == "draft" and rt.drafts == "author" else "",
        "give_up": view._("Drop changes") if record else view._("Drop this form"), "buttons": list(buttons(view, target, open_names)), "keys": KEYS(view), "texts": TEXTS(view),
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


# The routes


@routes.get("/<plugin>/<noun>/new", may=signed_in)
def new(view: View, plugin: str, noun: str) -> Response:
    """An empty form, or what was typed into it before and never saved."""
    target = new_target(view, plugin, noun)
    if not view.work.departments_for(target.rt, target.step):
        view.work.create(target.rt.name, {}, step=target.step)
    return _begun(view, target)


@routes.get("/<plugin>/<noun>/<id>/edit", may=signed_in)
def edit(view: View, plugin: str, noun: str, id: str) -> Response:
    """The form of a record, or what was typed into it before and never saved."""
    target = Target(place.type_at(view, plugin, noun), place.record_at(view, plugin, noun, id))
    if not writable(view, target):
        raise NotAllowed(_("Nothing here is yours to change now."))
    return _begun(view, target)


def _begun(view: View, target: Target) -> Response:
    unsent = drafts.load(view.work, target.rt.name, target.id)
    if unsent is None:
        return page(view, target)
    raw = dict(unsent.raw)
    if target.record is None and raw.get("_department") and not target.department:
        target.department = int(raw["_department"]) if str(raw["_department"]).isdigit() else None
    typed = forms.typed(target.rt, raw, writable(view, target), view.work.reading())
    stale = target.record is not None and unsent.version is not None and unsent.version != target.record.version
    note = view._("Somebody has saved this since. When you save, you will see both versions.") if stale else ""
    when = f"{unsent.saved_at.astimezone(view.site.config.zone):%Y-%m-%d %H:%M}"
    return page(view, target, raw, version=unsent.version, restored=when, typed=replace(typed, problems=[]), note=note)


def new_again(view: View, plugin: str, noun: str) -> Response:
    """The new form after a refusal, what was typed in it."""
    return _again(view, new_target(view, plugin, noun))


def edit_again(view: View, plugin: str, noun: str, id: str) -> Response:
    """The form of a record after a refusal; both versions where somebody saved first."""
    return _again(view, Target(place.type_at(view, plugin, noun), place.record_at(view, plugin, noun, id)))


def _again(view: View, target: Target) -> Response:
    version = _version(view.form)
    if isinstance(view.refusal, Stale) and target.record is not None:
        return merge.page(view, target.record, target.action)
    raw = _raw(view, target)
    typed = forms.typed(target.rt, raw, writable(view, target), view.work.reading())
    return page(view, target, raw, version=version, typed=typed)


def _version(form: MultiDict[str, str]) -> int | None:
    text = form.get("_version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _raw(view: View, target: Target) -> forms.Raw:
    raw = forms.read(target.rt, view.form)
    return raw | {name: view.form[name] for name in ("_department", "_number", "_step", "_from", "_opens") if view.form.get(name)}


@routes.post("/<plugin>/<noun>/new", may=signed_in, again=new_again, once=True, first=before)
def create(view: View, plugin: str, noun: str) -> Response:
    """Make the record, or do what a button of the form says without saving."""
    return _act(view, new_target(view, plugin, noun))


@routes.post("/<plugin>/<noun>/<id>/edit", may=signed_in, again=edit_again, once=True, first=before)
def save(view: View, plugin: str, noun: str, id: str) -> Response:
    """Save the record, or do what a button of the form says without saving."""
    return _act(view, Target(place.type_at(view, plugin, noun), place.record_at(view, plugin, noun, id)))


def _act(view: View, target: Target) -> Response:
    go, _colon, what = view.form.get("go", "check").partition(":")
    raw = _raw(view, target)
    files_added(view, target.rt, raw)
    if go in ("discard", "fresh"):
        drafts.drop(view.work, target.rt.name, target.id)
        to = place.path_of(target.record) if target.record else target.rt.path
        return view.redirect(to if go == "discard" else target.action, _("What was typed and not saved is gone."))
    if go in ("save", "step"):
        return _save(view, target, raw, what if go == "step" else "")
    version = _version(view.form)
    if go == "merge" and target.record is not None:
        raw |= merge.chosen(view, target.record, raw)
        version = target.record.version
    _add_or_take_out(target.rt, raw, go, what)
    drafts.save(view.work, target.rt.name, target.id, raw, version)
    typed = forms.typed(target.rt, raw, writable(view, target), view.work.reading())
    return page(view, target, raw, version=version, typed=typed)


def _add_or_take_out(rt: RecordType, raw: forms.Raw, go: str, what: str) -> None:
    """Without script: one more row, or one row less."""
    name, _colon, number = what.partition(":")
    if name not in rt.lines:
        return
    rows = raw.setdefault(name, [])
    if go == "row":
        rows.append({"#": str(max((int(row["#"]) for row in rows), default=-1) + 1), "id": ""})
    elif go == "drop":
        raw[name] = [row for row in rows if row["#"] != number]


def _save(view: View, target: Target, raw: forms.Raw, step: str) -> Response:
    work, rt = view.work, target.rt
    typed = forms.typed(rt, raw, writable(view, target), work.reading())
    if typed.problems:
        raise Refused(typed.problems)
    asked = Asked(view.form.get("_reason", "").strip(), None, view.first.confirmed if isinstance(view.first, Before) else None)
    if target.record is None:
        record: Record = work.create(
            rt.name, typed.values, step=target.step, department=target.department, source=target.source, opens=target.opens, asked=asked,
            number=view.form.get("_number", "").strip() or None,
        )
    else:
        record = work.edit(target.record, _version(view.form), asked=asked, **typed.values)
    drafts.drop(work, rt.name, target.id)
    if not step:
        return view.redirect(place.path_of(record), _warned(view, _("Saved.")))
    declared = rt.steps.get(step)
    if declared is None:
        raise NotFound
    if declared.asks or declared.fills or (declared.signature and declared.signature.asks_password):
        return view.redirect(f"{place.path_of(record)}/step/{step}", _("Saved."))
    work.fire(record, step, asked)
    state = rt.states[record.state].label
    return view.redirect(place.path_of(record), _warned(view, _("Done: {step}. It is now “{state}”.", step=declared.label, state=state)))


def _warned(view: View, said: str) -> str:
    """What the next page says: the act, and the first warning that it passed."""
    warnings = [problem for problem in view.work.warnings if problem.code != "passed"]
    return _("{said} {warning}", said=view.t(said), warning=view.t(warnings[0].what)) if warnings else said


@routes.post("/<plugin>/<noun>/unsent", may=signed_in)
def keep(view: View, plugin: str, noun: str) -> Response:
    """Keep what is typed so far; says when, and whether somebody has saved the record meanwhile."""
    rt = place.type_at(view, plugin, noun)
    id = view.form.get("_record", "")
    record = place.record_at(view, plugin, noun, id) if id else None
    version = _version(view.form)
    drafts.save(view.work, rt.name, record.id if record else None, _raw(view, Target(rt, record)), version)
    stale = ""
    if record is not None and version is not None and version != record.version:
        stale = view._("Somebody has saved this since; what you type is kept. When you save, you will see both versions.")
    return place.json_answer({"saved_at": f"{view.now.astimezone(view.site.config.zone):%H:%M:%S}", "stale": stale})


@routes.get("/<plugin>/<noun>/look-up", may=signed_in)
def look_up(view: View, plugin: str, noun: str) -> Response:
    """What a field could hold, for somebody who types; `exact=` answers for pasted codes instead."""
    rt = place.type_at(view, plugin, noun)
    name = request.args.get("field", "")
    kind = rt.kind_of(name) if name else None
    if kind is None or door.bare(kind).kind not in forms.POINTING or name in view.access.hidden(rt, None):
        raise NotFound
    if "exact" in request.args:
        return place.json_answer({"found": {text: _exactly(view, kind, text) for text in request.args.getlist("exact")[:200]}})
    names = view.work.suggest(kind, request.args.get("q", "")[:100])
    return place.json_answer({"items": [_item(name) for name in names]})


def _item(name: Any) -> Said:
    return {"id": str(name.id), "text": str(name), "number": name.number, "title": name.title, "unit": name.unit}


def _exactly(view: View, kind: Field, text: str) -> Said | None:
    try:
        id = view.work.look_up(kind, text[:200])
    except ValueError:
        return None
    return _item(view.work.names([], [id])[id]) if id is not None else None


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
        (("Tab", "Shift Tab"), view._("next, previous cell; at the end a new row")), (("Enter", "Shift Enter"), view._("down, up in the column; never sends the form")),
        (("←", "↑", "→", "↓"), view._("move, while the cell is not being edited")), (("F2",), view._("edit the cell")), (("Esc",), view._("what stood there before")),
        (("Shift ↓",), view._("mark cells of a column")), (("Ctrl D",), view._("fill down")), (("Ctrl V",), view._("paste from Excel, by names of columns or in their order")),
        (("Ctrl ↵",), view._("a row below")), (("Ctrl Delete",), view._("take the row out")), (("Ctrl Z",), view._("undo")), (("Ctrl S",), view._("save")),
        (("Alt ↓",), view._("list or calendar")),
    ]
