"""Rows of the trail about people, policies and settings in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.audit import Event
from core.messages import Message, _
from core.web.admin import frame
from core.web.view import View

ACTIONS: dict[str, Message] = {
    "core.user.added": _("added an account"), "core.user.changed": _("changed an account"), "core.user.disabled": _("disabled an account"),
    "core.user.enabled": _("enabled an account"), "core.user.password_changed": _("gave a password"), "core.user.signed_out": _("ended all sessions"),
    "core.user.roles_changed": _("changed roles"), "core.user.totp_on": _("turned one-time codes on"), "core.user.totp_off": _("turned one-time codes off"),
    "core.session.began": _("signed in"), "core.session.ended": _("ended a session"), "core.department.added": _("added a department"),
    "core.department.changed": _("changed a department"), "core.department.moved": _("moved a department"),
    "core.function.bound": _("gave a function to departments"), "core.policy.chosen": _("decided a policy"),
    "core.policy.cleared": _("took back a decision"), "core.setting.set": _("set a value"), "core.setting.cleared": _("took back a value"),
    "core.word.changed": _("changed a word of the site"), "core.plugin.uninstalled": _("took a module off the site"),
}
RECORDS: dict[str, Message] = {
    "created": _("made this"), "changed": _("saved it"), "deleted": _("deleted this"), "printed": _("printed it"), "erased": _("erased its personal data"),
}
"""What is done to records besides their steps."""
RECORD_ACTIONS: dict[str, Message] = {
    "created": _("created"), "changed": _("changed"), "deleted": _("deleted"), "printed": _("printed"), "void": _("voided"), "activated": _("activated"),
    "deactivated": _("deactivated"), "erased": _("erased personal data of"),
}
KINDS: dict[str, Message] = {
    "core.user": _("Users"), "core.session": _("Signing in"), "core.department": _("Departments"), "core.function": _("Functions"),
    "core.policy": _("Policies"), "core.setting": _("Settings"), "core.word": _("Words"), "core.plugin": _("Modules"),
}
"""What the page of changes can be narrowed to, besides the record types."""
ICONS = {
    "core.user": "user-cog", "core.session": "login", "core.department": "sitemap", "core.function": "users-group", "core.policy": "adjustments-horizontal",
    "core.setting": "settings", "core.word": "language",
}
NAMED = ("policy", "setting", "function")


@dataclass(frozen=True)
class Told:
    """One row for people: who, what, about what, the fields before and after, why."""

    id: int
    icon: str
    who: str
    what: str
    subject: str
    href: str
    at: datetime
    changes: tuple[tuple[str, str, str], ...]
    reason: str
    via: str


def told(view: View, events: Iterable[Event]) -> list[Told]:
    """The rows in words. What changed in a record is told on its own page, by the rights that hold there."""
    return [_told(view, event) for event in events]


def _told(view: View, event: Event) -> Told:
    rt = view.registry.types.get(event.type)
    via = {"cli": view._("by command"), "api": view._("by a program"), "worker": view._("by the clock")}.get(event.via, "")
    if rt is not None:
        step, word = rt.void_step if event.step == "void" else rt.steps.get(event.step), event.action.rpartition(".")[2]
        what = view.t(step.label if step else RECORDS.get(word, word))
        form, href = view.label("type", rt.name, rt.label), f"{rt.path}/{event.record_id}"
        return Told(event.id, "file-text", frame.person(view, event.actor_id), what, form, href, event.at, (), view.t(event.reason), via)
    subject, href = _subject(view, event) if event.record_id != event.actor_id or event.record_id is None else ("", "")
    what = view.t(ACTIONS[event.action]) if event.action in ACTIONS else event.action
    return Told(
        event.id, ICONS.get(event.type, "history"), frame.person(view, event.actor_id), what, subject, href, event.at, tuple(_changes(view, event)),
        event.reason, via,
    )


def _subject(view: View, event: Event) -> tuple[str, str]:
    """What the row is about, and its page."""
    if event.record_id in view.directory.users:
        return view.directory.users[event.record_id].name, f"/admin/users/{event.record_id}"
    if event.record_id in view.directory.departments:
        return view.directory.departments[event.record_id].name, f"/admin/departments/{event.record_id}"
    for word, page in (("policy", "policies"), ("setting", "settings"), ("function", "functions")):
        if word in event.changes:
            name = str(event.changes[word][1])
            declared: Any = {"policy": view.registry.policies, "setting": view.registry.settings, "function": view.registry.functions}[word].get(name)
            return (view.t(declared.label), f"/admin/{page}?{word}={name}") if declared else (name, "")
    return "", ""


def _changes(view: View, event: Event) -> Iterator[tuple[str, str, str]]:
    """(field, before, after); a field that only says where is told once."""
    for name, change in event.changes.items():
        if name in NAMED or event.type == "core.session" or not isinstance(change, list) or change in ([None, None], []) or len(change) != 2:
            continue
        label = view.t(frame.LABELS[name]) if name in frame.LABELS else name
        before, after = (_text(view, event, name, one) for one in change)
        yield label, "" if before == after else before, after


def _text(view: View, event: Event, name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return view._("yes") if value else view._("no")
    if name == "language":
        return dict(view.rendering.languages).get(value, str(value))
    if isinstance(value, list):
        return str(view.reading().separator.join(_role(view, str(one)) if name == "roles" else str(one) for one in value))
    if name == "choice" and "policy" in event.changes:
        policy = view.registry.policies.get(str(event.changes["policy"][1]))
        return view.t(policy.choices[value].label) if policy and value in policy.choices else str(value)
    return str(value)


def _role(view: View, text: str) -> str:
    role, _at, code = text.partition("@")
    place = view.directory.by_code.get(code)
    label = frame.role_label(view, role)
    return f"{label} ({place.name if place else code})" if code else label
