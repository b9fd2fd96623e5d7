"""Somebody saved first: both versions side by side, what was typed kept, and a choice for each field that both changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response

from core.errors import Change, Stale
from core.fields import Field, Lines, Reading, row_id
from core.records import RecordType
from core.storage import Record
from core.web import filling, forms, paper, place, timeline

if TYPE_CHECKING:
    from core.web.view import View

LEFT_OUT = ("_csrf", "_once", "_version", "_record", "go", "_password", "_otp")


@dataclass(frozen=True)
class Difference:
    """A field that somebody else changed: before, what they saved, what was typed here."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str
    is_open: bool
    mine_first: bool


def page(view: View, record: Record, action: str) -> Response:
    """The page with both versions; nothing is saved by it."""
    stale = view.refusal
    assert isinstance(stale, Stale)
    view.status = 409
    by = paper.person(view, next((one.by for one in reversed(stale.changes) if one.by is not None), None))
    at = next((one.at for one in reversed(stale.changes) if one.at), "")
    rows = list(_differences(view, record, stale))
    kept = [(name, value) for name, value in view.form.items(multi=True) if name not in LEFT_OUT and not name.startswith("_keep.")]
    path, called = place.path_of(record), place.called(view, record)
    page_ = {
        "crumb": place.crumb(view, record.type, (called, path), (view._("Edit"), None)), "heading": record.title or called,
        "badge": place.badge(view, record.type, record.state), "action": action, "version": record.version, "record_id": record.id, "back": path,
    }
    return view.render("conflict.html", page=page_, rows=rows, kept=kept, by=by, at=_when(view, at))


def _when(view: View, at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(view.site.config.zone):%m-%d %H:%M}" if at else ""


def _differences(view: View, record: Record, stale: Stale) -> Iterator[Difference]:
    rt, reading = record.type, view.work.reading(view.work.names([record]))
    raw = forms.read(rt, view.form)
    open_names = view.work.writable(record, rt)
    latest: dict[str, Change] = {}
    for change in stale.changes:
        first = latest.get(change.field)
        latest[change.field] = change if first is None else Change(change.field, first.before, change.after, change.by, change.at)
    for name, change in latest.items():
        kind = rt.fields.get(name)
        if kind is None or kind.kind == "computed":
            continue
        if isinstance(kind, Lines):
            yield _table(view, record, name, kind, change, raw, reading, name in open_names or any(one.startswith(f"{name}.") for one in open_names))
            continue
        before = timeline.text_of(view, kind, change.before, reading)
        mine = _typed_text(rt, name, kind, raw, reading)
        theirs = timeline.text_of(view, kind, change.after, reading)
        if mine != theirs or name not in raw:
            yield Difference(name, view.t(kind.label), before, theirs, mine, name in open_names, mine not in (before, theirs) and name in raw)


def _typed_text(rt: RecordType, name: str, kind: Field, raw: forms.Raw, reading: Reading) -> str:
    typed = forms.typed(rt, {key: raw[key] for key in (name, f"{name}@") if key in raw}, {name}, reading)
    if name in typed.values:
        text = kind.text(typed.values[name], reading)
        if text or kind.empty(typed.values[name]):
            return text
    given = raw.get(name, "")
    return reading.separator.join(given) if isinstance(given, list) else str(given)


def _table(view: View, record: Record, name: str, kind: Lines, change: Change, raw: forms.Raw, reading: Reading, is_open: bool) -> Difference:
    words = timeline.row_changes(view, record, name, kind, change.after if isinstance(change.after, dict) else {}, reading)
    theirs = "\n".join(f"{one.label}: {one.before or '—'} → {one.after or '—'}" for one in words)
    mine = "\n".join(_row_words(kind, number, row, reading) for number, row in enumerate(raw.get(name) or [], 1) if not forms.is_blank(row))
    return Difference(name, view.t(kind.label), "", theirs, mine, is_open, True)


def _row_words(kind: Lines, number: int, row: forms.Raw, reading: Reading) -> str:
    texts: list[str] = []
    for column, one in kind.columns.items():
        given = row.get(column)
        if isinstance(given, str) and given:
            choices: Any = one.choices(reading) if one.kind in ("choice", "choices") else {}  # type: ignore[attr-defined]
            texts.append(str(choices.get(given) or reading.names.get(int(given) if given.isdigit() and len(given) < 19 else 0) or given))
    return f"{number}. {reading.separator.join(texts)}"


def chosen(view: View, record: Record, raw: forms.Raw) -> forms.Raw:
    """What the form goes on with: theirs where that was chosen; rows of mine that are gone there become new ones."""
    rt, reading = record.type, view.work.reading(view.work.names([record]))
    told = forms.told(rt, record.values, reading, filling.shapes(view, rt, reading))
    found: forms.Raw = {}
    for name in rt.fields:
        if view.form.get(f"_keep.{name}") == "theirs":
            found |= {key: told[key] for key in (name, f"{name}@") if key in told}
        elif name in rt.lines and name in raw:
            there = {str(row_id(row)) for row in record.values.get(name) or ()}
            found[name] = [row if row["id"] in there else {**row, "id": ""} for row in raw[name]]
    return found
