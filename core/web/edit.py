"""The page on which a form is filled: new or again, its table as a grid, kept while one types, refused with the place and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.datastructures import FileStorage, MultiDict

from core import drafts, files
from core.errors import NotAllowed, NotFound, Refused, Stale
from core.fields import Field
from core.messages import _
from core.records import RecordType
from core.service import Asked, Confirmed
from core.service import values as door
from core.storage import Record
from core.web import forms, merge, place, sheets
from core.web.filling import Said, Target, page, writable
from core.web.routing import Routes
from core.web.view import signed_in

if TYPE_CHECKING:
    from core.web.view import View

routes = Routes()


@dataclass(frozen=True)
class Before:
    """What is done before the work begins: the password asked again, files written for good, a workbook looked at."""

    confirmed: Confirmed | None = None
    stored: Mapping[str, list[files.Stored]] = field(default_factory=dict)
    sheet: sheets.Received | None = None


def before(site: Any, user_id: int, form: MultiDict[str, str]) -> Before:
    """Ask for the password where the form brings one, and write uploaded files to disk."""
    stored: dict[str, list[files.Stored]] = {}
    for name, upload in request.files.items(multi=True):
        if upload.filename and not name.endswith(sheets.SENT_AS):
            stored.setdefault(name, []).append(_stored(site, upload))
    confirmed = None
    if form.get("_password") or form.get("_otp"):
        confirmed = site.confirm(user_id, form.get("_password", ""), form.get("_otp", ""), address=request.remote_addr or "")
    return Before(confirmed, stored, sheets.received(site, form))


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


def new_target(view: View, plugin: str, noun: str) -> Target:
    """What `/new` makes: by which step, opened from which record."""
    given = view.form if request.method == "POST" else request.args
    named = {name: given.get(f"_{name}") or given.get(name) or "" for name in ("step", "from", "opens", "department")}
    return _target_of(view, place.type_at(view, plugin, noun), named)


def _target_of(view: View, rt: RecordType, named: Mapping[str, str]) -> Target:
    target = Target(rt, step=_birth_step(rt, named["step"]))
    type_name, _slash, id = named["from"].rpartition("/")
    if type_name and id.isascii() and id.isdigit() and len(id) < 20:
        target.source = view.work.get(type_name, int(id))
        target.opens = named["opens"] or None
    chosen = named["department"]
    target.department = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 20 else None
    return target


def _birth_step(rt: RecordType, given: str | None) -> str | None:
    if not rt.creating_steps:
        return None
    return given if given in rt.creating_steps else next(iter(rt.creating_steps))


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
    if target.record is None:
        here = f"{target.source.type.name}/{target.source.id}" if target.source else ""
        if here and here != raw.get("_from", ""):
            return page(view, target)  # a form opened from another record is another form
        named = {name: str(raw.get(f"_{name}", "")) for name in ("step", "from", "opens", "department")}
        try:
            target = _target_of(view, target.rt, named)
        except NotFound:
            target = _target_of(view, target.rt, named | {"from": ""})
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
    if go == "import":
        return sheets.take(view, target, raw, what, version)
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
    """Save, and take the step where one was pressed; what could not be read is told together with what the door refuses."""
    typed = forms.typed(target.rt, raw, writable(view, target), view.work.reading())
    try:
        response = _saved(view, target, typed, step)
    except Refused as refused:
        unread = {problem.pointer for problem in typed.problems}
        raise Refused([*typed.problems, *(one for one in refused.problems if one.pointer not in unread)]) from None
    if typed.problems:
        raise Refused(typed.problems)
    return response


def _saved(view: View, target: Target, typed: forms.Typed, step: str) -> Response:
    work, rt = view.work, target.rt
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
        born = rt.steps[target.step].label if target.step and target.record is None else ""
        said = _("Done: {step}. It is now “{state}”.", step=born, state=rt.states[record.state].label) if born else _("Saved.")
        return view.redirect(place.path_of(record), _warned(view, said))
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
