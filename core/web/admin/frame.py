"""What all administration pages share: their tabs, what was wrong with a form, and lists to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from core.errors import Invalid, Problem
from core.messages import Message, _
from core.web.view import View

TABS: Mapping[str, tuple[str, Message]] = {
    "modules": ("/admin", _("Modules")), "users": ("/admin/users", _("Users")), "departments": ("/admin/departments", _("Departments")),
    "functions": ("/admin/functions", _("Functions")), "policies": ("/admin/policies", _("Policies")), "settings": ("/admin/settings", _("Settings")),
    "sessions": ("/admin/sessions", _("Signed in")), "trail": ("/admin/trail", _("Changes")),
}
LABELS: Mapping[str, Message] = {
    "username": _("User name"), "name": _("Name"), "password": _("Password"), "language": _("Language"), "role": _("Role"), "roles": _("Roles"),
    "department": _("Department"), "code": _("Code"), "parent_id": _("Stands under"), "parent": _("Stands under"), "position": _("Position"),
    "is_active": _("State"), "departments": _("Departments"), "for_department": _("Requesting department"), "reason": _("Reason"),
    "choice": _("Choice"), "value": _("Value"), "function": _("Function"), "policy": _("Policy"), "setting": _("Setting"), "kind": _("Kind"),
    "key": _("Thing"), "text": _("Word"),
}
SPACE = "\u2003"


@dataclass(frozen=True)
class Wrong:
    """One thing wrong with what was sent, as the summary on top shows it."""

    field: str
    place: str
    what: str
    hint: str

    @property
    def href(self) -> str:
        """The field on the page."""
        return f"#f-{self.field}" if self.field else "#problems"


def page(view: View, template: str, tab: str, heading: str, **context: Any) -> Response:
    """A page of the administration, with what was refused on top."""
    refusal = view.refusal
    problems = getattr(refusal, "problems", None) or ([Problem("", refusal.what)] if refusal else [])
    wrong = [_wrong(view, problem) for problem in problems]
    errors = {one.field: f"{one.what} {one.hint}".strip() for one in reversed(wrong) if one.field}
    tabs = [(key, href, view.t(label)) for key, (href, label) in TABS.items()]
    return view.render(f"admin/{template}.html", tab=tab, tabs=tabs, heading=heading, wrong=wrong, errors=errors, typed=view.form, **context)


def _wrong(view: View, problem: Problem) -> Wrong:
    parts = [part for part in problem.pointer.split("/") if part and not part.isdigit()]
    field = parts[-1] if parts else ""
    return Wrong(field, view.t(LABELS[field]) if field in LABELS else "", view.t(problem.what), view.t(problem.hint))


def seats(view: View, only_open: bool = True) -> list[tuple[int, str]]:
    """Departments to choose from, in the order of the tree and indented by it."""
    every = view.directory.departments.values()
    return [(one.id, f"{SPACE * (len(one.path) - 1)}{one.code} {one.name}") for one in every if one.is_active or not only_open]


def seat_name(view: View, department: int | None) -> str:
    """A department as people call it; none is the whole site."""
    if department is None:
        return view._("the whole site")
    place = view.directory.departments.get(department)
    return place.name if place else str(department)


def person(view: View, user_id: int | None) -> str:
    """Somebody by name; nobody is the system itself."""
    user = view.directory.users.get(user_id or 0)
    return user.name if user else view._("the system") if user_id is None else str(user_id)


def role_label(view: View, role: str) -> str:
    """A role in the site's words."""
    declared = view.registry.roles.get(role)
    return view.label("role", role, declared.label) if declared else role


def function_label(view: View, function: str) -> str:
    """A function in the site's words."""
    declared = view.registry.functions.get(function)
    return view.label("function", function, declared.label) if declared else function


def plugin_label(view: View, name: str) -> str:
    """The label of the plugin that owns a name."""
    plugin = view.registry.plugins.get(name.partition(".")[0])
    return view.t(plugin.label) if plugin else name.partition(".")[0]


def department_of(view: View, name: str) -> int | None:
    """The department chosen in a form; empty is none. One that is no id is refused with its place."""
    text = view.form.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise_at(name, _("There is no such department, or it is closed."))
    return int(text)


def raise_at(where: str, what: str) -> None:
    """Refuse one field of a form."""
    from core.errors import Refused

    raise Refused([Problem(where, what)])


def languages_of(view: View) -> Iterator[tuple[str, str]]:
    """The languages to choose from, the site's own first as the empty choice."""
    yield "", view._("The site's language")
    yield from view.rendering.languages


def value_text(view: View, kind: Any, value: Any) -> str:
    """The value of a setting as people read it."""
    try:
        return str(kind.text(value, view.reading()))
    except (Invalid, TypeError, ValueError, KeyError):
        return str(value)
