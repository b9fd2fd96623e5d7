"""The trail of a record in words: who did what, which fields changed from what to what, why, and with which signature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.audit import ERASED, Event
from core.errors import Invalid
from core.fields import Field, Lines, Reading
from core.messages import Message, _
from core.service import values as door
from core.signatures import Signature
from core.storage import Record
from core.web import forms, paper

if TYPE_CHECKING:
    from core.web.view import View

SHOWN = 60
"""How many entries a page shows before it links to the rest."""
DETAILS = 6

ACTS = {
    "created": _("made this"), "changed": _("changed {what}"), "deleted": _("deleted this"), "printed": _("printed it"), "void": _("took it out of use"),
    "activated": _("brought it back into use"), "deactivated": _("took it out of use"), "erased": _("erased its personal data"),
}
ICONS = {"created": "plus", "changed": "edit", "printed": "printer", "void": "ban", "deleted": "trash"}


@dataclass(frozen=True)
class Change:
    """A field before and after, as texts."""

    label: str
    before: str
    after: str
    field: str = ""


@dataclass(frozen=True)
class Line:
    """One entry: its icon, who, what, when, and what belongs to it."""

    kind: str
    icon: str
    who: str
    what: str
    at: Any
    changes: Sequence[Change] = ()
    more: int = 0
    reason: str = ""
    signature: Signature | None = None
    standing: str = ""
    notes: Sequence[str] = ()


def ids_in(events: Sequence[Event], record: Record) -> set[int]:
    """The ids that stand in the changes of fields that point at something, so that they can be named in one go."""
    found: set[int] = set()
    for event in events:
        for name, change in event.changes.items():
            kind = record.type.fields.get(name)
            if isinstance(kind, Lines) and isinstance(change, Mapping):
                for row in change.get("changed", ()):
                    for column, pair in row["changes"].items():
                        found |= _ids(kind.columns.get(column), pair)
            elif isinstance(change, list):
                found |= _ids(kind, change)
    return found


def _ids(kind: Field | None, pair: Any) -> set[int]:
    if kind is None or door.bare(kind).kind not in (*forms.POINTING, *forms.FILES) or not isinstance(pair, list):
        return set()
    flat = (one for value in pair for one in (value if isinstance(value, list) else [value]))
    return {int(one) for one in flat if isinstance(one, str) and one.isdigit()}


def lines(view: View, record: Record, events: Sequence[Event], signatures: Sequence[Signature], standings: Mapping[int, str], reading: Reading) -> list[Line]:
    """The entries for people, newest first."""
    by_digest = {one.digest: one for one in signatures}
    return [_line(view, record, event, by_digest, standings, reading) for event in events]


def _line(view: View, record: Record, event: Event, by_digest: Mapping[str, Signature], standings: Mapping[int, str], reading: Reading) -> Line:
    signature = next((by_digest[one] for one in event.signed.split() if one in by_digest), None)
    word = event.action.rpartition(".")[2]
    is_made = word == "created" or (event.version == 1 and not event.step)
    changes = [] if is_made or event.version == 1 else list(_changes(view, record, event.changes, reading))
    kind = "signature" if signature else "step" if event.step else "change"
    icon = "signature" if signature else ICONS.get(word) or ("arrow-back-up" if _goes_back(record, event) else "arrow-right" if event.step else "robot")
    return Line(
        kind, icon, paper.person(view, event.actor_id), _what(view, record, event, word, changes), event.at,
        changes[:DETAILS], max(0, len(changes) - DETAILS), view.t(event.reason) if word == "printed" else event.reason,
        signature, standings.get(signature.id, "") if signature else "", list(_notes(view, record, event)),
    )


def _goes_back(record: Record, event: Event) -> bool:
    change = event.changes.get("state")
    states = list(record.type.states)
    return isinstance(change, list) and len(change) == 2 and change[0] in states and change[1] in states and states.index(change[1]) < states.index(change[0])


def _what(view: View, record: Record, event: Event, word: str, changes: Sequence[Change]) -> str:
    step = record.type.steps.get(event.step) or (record.type.void_step if event.step == "void" else None)
    if step is not None:
        label = view.t(step.label)
        state = event.changes.get("state")
        after = state[1] if isinstance(state, list) and len(state) == 2 else None
        return view._("{step}, now “{state}”", step=label, state=_state(view, record, after)) if after else label
    if word == "changed":
        labels = list(dict.fromkeys(one.field for one in changes))
        named = reading_join(view, labels[:3]) + (view._(" and {count} more", count=len(labels) - 3) if len(labels) > 3 else "")
        return view._("changed {what}", what=named) if labels else view._("saved it")
    return view.t(ACTS[word]) if word in ACTS else word.replace("_", " ")


def reading_join(view: View, words: Sequence[str]) -> str:
    """Words in a row, as this language lists them."""
    return str(view.work.reading().separator.join(words))


def _state(view: View, record: Record, state: str) -> str:
    declared = record.type.states.get(state)
    return view.label("state", f"{record.type.name}:{state}", declared.label if declared else state)


def _changes(view: View, record: Record, changes: Mapping[str, Any], reading: Reading) -> Iterator[Change]:
    for name, change in changes.items():
        kind = record.type.fields.get(name)
        if kind is None:
            continue
        if isinstance(kind, Lines) and isinstance(change, Mapping):
            yield from row_changes(view, record, name, kind, change, reading)
        elif isinstance(change, list) and len(change) == 2:
            yield Change(view.t(kind.label), text_of(view, kind, change[0], reading), text_of(view, kind, change[1], reading), view.t(kind.label))
        else:
            yield Change(view.t(kind.label), "", view._("erased") if change == ERASED else "…", view.t(kind.label))


def row_changes(view: View, record: Record, name: str, kind: Lines, change: Mapping[str, Any], reading: Reading) -> Iterator[Change]:
    """The changes of a table, cell by cell."""
    label = view.t(kind.label)
    places = {str(row.id): place for place, row in enumerate(record.values.get(name) or (), 1)}
    for row in change.get("changed", ()):
        place = places.get(row["id"], "?")
        for column, pair in row["changes"].items():
            one = kind.columns.get(column)
            if one is not None and isinstance(pair, list):
                where = view._("{table}, row {number}: {column}", table=label, number=place, column=view.t(one.label))
                yield Change(where, text_of(view, one, pair[0], reading), text_of(view, one, pair[1], reading), label)
    if change.get("added"):
        yield Change(label, "", view._("{count} rows added", count=len(change["added"])), label)
    if change.get("removed"):
        yield Change(label, view._("{count} rows taken out", count=len(change["removed"])), "", label)
    if change.get("order"):
        yield Change(label, "", view._("rows put in another order"), label)


def text_of(view: View, kind: Field, value: Any, reading: Reading) -> str:
    """A value of the trail as text, shortened."""
    if value == ERASED:
        return view._("erased")
    if value is None or value == []:
        return ""
    held = door.bare(kind)
    try:
        text = held.text(held.load(value), reading)
    except (Invalid, KeyError, TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"


def _passed_over(view: View, record: Record, passed: Mapping[str, Any]) -> str:
    """That a policy made a step unnecessary, in the words of step and policy; empty for any other warning."""
    values = passed.get("values", {})
    step, policy = record.type.steps.get(str(values.get("step"))), view.registry.policies.get(str(values.get("policy")))
    if step is None or policy is None:
        return ""
    return view._("“{step}” is not required here: {policy}", step=view.t(step.label), policy=view.t(policy.label))


def _said(passed: Mapping[str, Any]) -> str:
    """The sentence of a warning as a message again, where the trail kept what it was made of."""
    return Message(str(passed["id"]), **passed.get("values", {})) if "id" in passed else str(passed.get("what", ""))


def _notes(view: View, record: Record, event: Event) -> Iterator[str]:
    cause = event.cause if isinstance(event.cause, Mapping) else {}
    if cause.get("step"):
        name, _dot, step = str(cause["step"]).rpartition(".")
        rt = view.registry.types.get(name)
        if rt is not None and (step in rt.steps or step == "void"):
            declared = rt.steps.get(step) or rt.void_step
            label = view.t(declared.label) if declared else step
            yield view._("because of “{step}” of {form}", step=label, form=view.label("type", rt.name, rt.label))
    for one in cause.get("passed", ()):
        if one.get("level") in ("warns", "asks"):
            yield _passed_over(view, record, one) or view._("Passed with a warning: {what}", what=view.t(_said(one)))
    if event.via in ("api", "cli"):
        yield view._("through the API") if event.via == "api" else view._("from the command line")
