"""Policies and settings: what the site decides, where each value comes from, and the form to decide anew."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from core import settings
from core.errors import Invalid, NotFound, Problem, Refused
from core.messages import Message, _
from core.settings import Standing
from core.web.admin import frame
from core.web.routing import Routes
from core.web.view import View, administrator

routes = Routes()
SOURCES = {"default": _("default"), "site": _("decided for the site"), "department": _("decided for the department")}


def _asked(view: View, word: str, known: Any) -> tuple[str, int | None]:
    """The policy or setting that was chosen, and the department."""
    name = request.args.get(word) or view.form.get(word) or next(iter(known), "")
    if known and name not in known:
        raise NotFound
    text = request.args.get("department") or view.form.get("department") or ""
    department = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return name, department if department in view.directory.departments else None


def _row(view: View, name: str, label: str, words: Any) -> dict[str, Any]:
    """A line of the table: what holds for the site, and what departments decided otherwise."""
    first, *others = settings.standings(view.directory, name)
    return {
        "name": name, "label": view.t(label), "plugin": frame.plugin_label(view, name), "value": words(first.value), "source": view.t(SOURCES[first.source]),
        "is_default": first.source == "default",
        "others": [(one.department, frame.seat_name(view, one.department), words(one.value)) for one in others],
    }


def _own(view: View, name: str, department: int | None) -> Standing | None:
    """What was decided for this very place."""
    return next((one for one in settings.standings(view.directory, name) if one.department == department and one.source != "default"), None)


@routes.get("/admin/policies", may=administrator)
def show_policies(view: View) -> Response:
    """Every point on which companies differ."""
    policies = view.registry.policies
    name, department = _asked(view, "policy", policies)
    rows = [_row(view, one, p.label, lambda key, p=p: view.t(p.choices[key].label)) for one, p in policies.items()]
    if not rows:
        return frame.page(view, "policies", "policies", view._("Policies"), rows=[], chosen=None)
    policy, own = policies[name], _own(view, name, department)
    above = settings.in_force(view.directory, name, _above(view, department)).value if department else policy.default
    choices = [(key, view.t(one.label), list(_meanings(view, one)), key == policy.default) for key, one in policy.choices.items()]
    return frame.page(
        view, "policies", "policies", view._("Policies"), rows=rows, chosen=name, chosen_label=view.t(policy.label), department=department,
        choices=choices, own=own.value if own else "", above=view.t(policy.choices[above].label), seats=frame.seats(view), types=_types(view, name),
    )


def _above(view: View, department: int | None) -> int | None:
    place = view.directory.departments.get(department or 0)
    return place.parent_id if place else None


def _meanings(view: View, choice: Any) -> Any:
    """What a choice comes to, in words."""
    if choice.all_roles:
        yield view._("Done by: {roles}", roles=view.reading().separator.join(frame.role_label(view, one) for one in choice.all_roles))
    if choice.skips:
        yield view._("Without a step of its own; the record goes straight on")
    if choice.without:
        yield view._("Leaves something out")


def _types(view: View, policy: str) -> str:
    names = [view.label("type", rt.name, rt.label) for rt in view.registry.types.values() if policy in rt.all_policies]
    return str(view.reading().separator.join(names))


@routes.post("/admin/policies", may=administrator, again=show_policies)
def decide(view: View) -> Response:
    """Decide a policy for the site or a department, or leave it to what is above."""
    name, choice, reason = view.form.get("policy", ""), view.form.get("choice", ""), view.form.get("reason", "")
    department = frame.department_of(view, "department")
    arguments = (view.work.connection, view.directory, view.work.origin, name)
    if choice:
        settings.choose(*arguments, choice, department=department, reason=reason)
    else:
        settings.clear_choice(*arguments, department=department, reason=reason)
    return view.redirect(_back("policies", "policy", name, department), _("The decision has been saved and holds from now on."))


def _back(page: str, word: str, name: str, department: int | None) -> str:
    return f"/admin/{page}?{word}={name}" + (f"&department={department}" if department else "")


@routes.get("/admin/settings", may=administrator)
def show_settings(view: View) -> Response:
    """Every value that a site may set."""
    declared = view.registry.settings
    name, department = _asked(view, "setting", declared)
    rows = [_row(view, one, s.label, lambda value, s=s: frame.value_text(view, s.field, value)) for one, s in declared.items()]
    setting, own = declared[name], _own(view, name, department)
    above = settings.in_force(view.directory, name, _above(view, department)).value if department else setting.default
    value = own.value if own else above
    return frame.page(
        view, "settings", "settings", view._("Settings"), rows=rows, chosen=name, chosen_label=view.t(setting.label), department=department,
        kind=setting.field, unit=view.t(setting.field.label), options=_options(view, setting.field), is_own=own is not None, seats=frame.seats(view),
        text=_shown(view, setting.field, value), above=frame.value_text(view, setting.field, above),
    )


def _options(view: View, kind: Any) -> list[tuple[str, str]]:
    if kind.kind == "boolean":
        return [("1", view._("Yes")), ("0", view._("No"))]
    return list(kind.choices(view.reading()).items()) if kind.kind == "choice" else []


def _shown(view: View, kind: Any, value: Any) -> str:
    """A value as it stands in the input."""
    if value is None:
        return ""
    if kind.kind == "boolean":
        return "1" if value else "0"
    dumped = kind.dump(value)
    return str(dumped) if isinstance(dumped, (str, int)) else frame.value_text(view, kind, value)


@routes.post("/admin/settings", may=administrator, again=show_settings)
def set_value(view: View) -> Response:
    """Set a value for the site or a department, or take it back."""
    name, reason, department = view.form.get("setting", ""), view.form.get("reason", ""), frame.department_of(view, "department")
    declared = view.registry.settings.get(name)
    if declared is None:
        raise NotFound
    arguments = (view.work.connection, view.directory, view.work.origin, name)
    if view.form.get("how") == "back":
        settings.clear_value(*arguments, department=department, reason=reason)
    else:
        try:
            value = declared.field.parse(view.form.get("value", ""), view.reading())
        except Invalid as error:
            raise Refused([error.at("value"), *settings.reason_problems(reason)]) from None
        if value is None:
            raise Refused([Problem("value", _("A value is missing."), _("Give one, or take the setting back to its default."), "required")])
        settings.set_value(*arguments, declared.field.dump(value), department=department, reason=reason)
    said: Message = _("The setting has been saved and holds from now on.")
    return view.redirect(_back("settings", "setting", name, department), said)
