"""The site as a whole: its modules and what each brings, who is signed in, and what was changed by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from core import sessions
from core.audit import recent
from core.errors import Problem, Refused
from core.messages import _
from core.registry import available_plugins
from core.service.shapes import Query
from core.web.admin import frame, trails
from core.web.badges import type_icon
from core.web.routing import Routes
from core.web.view import View, administrator

if TYPE_CHECKING:
    from core.records import RecordType

routes = Routes()
COUNTED = 1000
AT_LEAST = "\u2265 "
PAGE = 50


@routes.get("/admin", may=administrator)
def show_modules(view: View) -> Response:
    """Every module, what it needs and what it brings."""
    registry, listed = view.registry, view.reading().separator
    needed = {name for plugin in registry.plugins.values() for name in plugin.requires}
    rows = []
    for name, plugin in registry.plugins.items():
        types = [rt for rt in registry.types.values() if rt.plugin == name]
        needs = (f"{view.t(registry.plugins[one].label)} {wish.replace('>=', AT_LEAST)}" for one, wish in plugin.requires.items())
        rows.append({
            "name": name, "label": view.t(plugin.label), "icon": "settings-2" if name == "core" else plugin.icon, "version": plugin.version,
            "is_needed": name == "core" or name in needed, "requires": listed.join(needs), "records": _count(view, types),
            "types": [(view.label("type", rt.name, rt.label), type_icon(rt), rt.path) for rt in types], **_brings(view, name),
        })
    off = [(name, view.t(module.PLUGIN.label), module.PLUGIN.version) for name, module in available_plugins().items() if name not in registry.plugins]
    return frame.page(view, "modules", "modules", view._("Modules and site"), rows=rows, off=off, config=view.site.config)


def _brings(view: View, name: str) -> dict[str, Any]:
    registry, listed = view.registry, view.reading().separator

    def own(mapping: Any) -> list[str]:
        return [key for key in mapping if key.partition(".")[0] == name]

    return {
        "roles": listed.join(frame.role_label(view, one) for one in own(registry.roles)),
        "functions": listed.join(frame.function_label(view, one) for one in own(registry.functions)),
        "policies": len(own(registry.policies)), "settings": len(own(registry.settings)), "reports": len(own(registry.reports)),
    }


def _count(view: View, types: list[RecordType]) -> tuple[int, bool]:
    """How many records a module has, and whether there are more: each form is counted no further than needed."""
    counts = [view.work.count(rt, Query(), COUNTED) for rt in types]
    return sum(min(one, COUNTED) for one in counts), any(one > COUNTED for one in counts)


@routes.get("/admin/sessions", may=administrator)
def show_sessions(view: View) -> Response:
    """Everybody who is signed in now, and every token."""
    rows = [(one, view.directory.users.get(one.user_id)) for one in sessions.all_sessions(view.work.connection, view.now)]
    return frame.page(view, "sessions", "sessions", view._("Signed in"), rows=rows, current=view.work.seen.session_id)


@routes.post("/admin/sessions", may=administrator, again=show_sessions)
def end_sessions(view: View) -> Response:
    """End the sessions that were ticked."""
    chosen = {int(one) for one in view.form.getlist("session") if one.isascii() and one.isdigit() and len(one) < 20}
    if not chosen:
        raise Refused([Problem("session", _("No session was ticked."), _("Tick those that shall end."))])
    owners = {one.id: one.user_id for one in sessions.all_sessions(view.work.connection, view.now)}
    for one in chosen & owners.keys():
        sessions.end(view.work.connection, view.work.origin, owners[one], one, reason=view.form.get("reason", ""))
    return view.redirect("/admin/sessions" if view.work.seen.session_id not in chosen else "/sign-in", _("The sessions have ended."))


@routes.get("/admin/trail", may=administrator)
def show_trail(view: View) -> Response:
    """What was changed, latest first, narrowed by kind and person."""
    asked = {name: request.args.get(name, "")[:100] for name in ("kind", "actor", "before")}
    before = int(asked["before"]) if asked["before"].isascii() and asked["before"].isdigit() and len(asked["before"]) < 20 else None
    actor = int(asked["actor"]) if asked["actor"].isascii() and asked["actor"].isdigit() and len(asked["actor"]) < 20 else None
    kinds = {key: view.t(label) for key, label in trails.KINDS.items()}
    kinds |= {rt.name: view.label("type", rt.name, rt.label) for rt in view.registry.types.values()}
    types = (asked["kind"],) if asked["kind"] in kinds else ()
    events = recent(view.work.connection, types=types, actor_id=actor, before=before, limit=PAGE + 1)
    people = [(user.id, f"{user.name} ({user.username})") for user in view.directory.users.values()]
    return frame.page(
        view, "trail", "trail", view._("Changes"), events=trails.told(view, events[:PAGE]), later=str(events[PAGE - 1].id) if len(events) > PAGE else None,
        asked=asked, kinds=kinds, people=people,
    )
