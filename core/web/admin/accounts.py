"""Users: the list, a new account, one account with its roles, password, sessions and trail."""

from __future__ import annotations

from flask import Response, request

from core import passwords, people, sessions
from core.audit import history
from core.directory import User
from core.errors import NotFound, Problem, Refused
from core.messages import _
from core.web.admin import frame, trails
from core.web.routing import Routes
from core.web.view import View, administrator

routes = Routes()
PAGE = 50


@routes.get("/admin/users", may=administrator)
def show_users(view: View) -> Response:
    """Everybody with an account, searched and narrowed."""
    asked = {name: request.args.get(name, "")[:200] for name in ("q", "department", "state", "after")}
    found = [user for user in view.directory.users.values() if _matches(view, user, asked)]
    ids = [str(user.id) for user in found]
    start = ids.index(asked["after"]) + 1 if asked["after"] in ids else 0
    shown = found[start:start + PAGE]
    later = str(shown[-1].id) if len(found) > start + PAGE else None
    earlier = None if start == 0 else "" if start <= PAGE else ids[start - PAGE - 1]
    roles = {user.id: _roles(view, user.id) for user in shown}
    return frame.page(
        view, "users", "users", view._("Users"), users=shown, roles=roles, asked=asked, seats=frame.seats(view), later=later, earlier=earlier,
        count=len(found), total=len(view.directory.users),
    )


def _matches(view: View, user: User, asked: dict[str, str]) -> bool:
    words = asked["q"].casefold().strip()
    if words and words not in user.username and words not in user.name.casefold():
        return False
    if asked["state"] and user.is_active != (asked["state"] == "active"):
        return False
    department = asked["department"]
    return not department or bool(department.isascii() and department.isdigit() and view.directory.subtree(int(department)) & set(user.departments))


def _roles(view: View, user_id: int) -> list[tuple[str, int | None, str, str]]:
    """(role, department, its label, where it is held), as they were given."""
    return [
        (one.role, one.department_id, frame.role_label(view, one.role), frame.seat_name(view, one.department_id))
        for one in view.directory.held if one.user_id == user_id and one.role in view.registry.roles
    ]


@routes.get("/admin/users/new", may=administrator)
def ask_new(view: View) -> Response:
    """The form of a new account."""
    return frame.page(
        view, "user_new", "users", view._("New user"), seats=frame.seats(view), all_roles=_all_roles(view), languages=list(frame.languages_of(view)),
    )


def _all_roles(view: View) -> list[tuple[str, str]]:
    return [(name, f"{frame.plugin_label(view, name)} · {frame.role_label(view, name)}") for name in view.registry.roles]


@routes.post("/admin/users", may=administrator, again=ask_new, once=True)
def add_user(view: View) -> Response:
    """Make the account and show its password this once."""
    form = view.form
    roles = [(form["role"], frame.department_of(view, "department"))] if form.get("role") else []
    user_id, password = people.add_user(
        view.work.connection, view.registry, view.work.origin, username=form.get("username", ""), name=form.get("name", ""),
        language=form.get("language") or None, roles=roles, reason=form.get("reason", ""), memory=passwords.memory_for(view.site.config.kind),
    )
    name = form.get("name", "").strip()
    return _hand_over(view, user_id, people.normal_username(form.get("username", "")), name, password)


def _hand_over(view: View, user_id: int, username: str, name: str, password: str) -> Response:
    """The page that shows a fresh password; it is kept nowhere, and the browser may not keep it either."""
    response = frame.page(view, "password", "users", view._("Password of {name}", name=name), user_id=user_id, username=username, password=password)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"/admin/users/{user_id}"
    return response


@routes.get("/admin/users/<int:id>", may=administrator)
def show_user(view: View, id: int) -> Response:
    """One account."""
    user = view.directory.users.get(id)
    if user is None:
        raise NotFound
    connection = view.work.connection
    events = trails.told(view, history(connection, id, limit=30))
    return frame.page(
        view, "user", "users", user.name, user=user, roles=_roles(view, id), all_roles=_all_roles(view), seats=frame.seats(view),
        languages=list(frame.languages_of(view)), sessions=sessions.sessions_of(connection, id, view.now), events=events,
        has_totp=people.has_totp(connection, id), is_self=id == view.user_id,
        departments=[view.directory.departments[d] for d in user.departments],
    )


@routes.post("/admin/users/<int:id>", may=administrator, again=show_user)
def change_user(view: View, id: int) -> Response:
    """Save name, user name and language."""
    form = view.form
    people.change_user(
        view.work.connection, view.work.origin, id, username=form.get("username", ""), name=form.get("name", ""), language=form.get("language") or None,
        reason=form.get("reason", ""),
    )
    return view.redirect(f"/admin/users/{id}", _("The account has been saved."))


@routes.post("/admin/users/<int:id>/state", may=administrator, again=show_user)
def change_state(view: View, id: int) -> Response:
    """Disable or enable the account."""
    is_active = view.form.get("is_active") == "1"
    people.change_user(view.work.connection, view.work.origin, id, is_active=is_active, reason=view.form.get("state_reason", ""))
    said = _("The account is enabled again.") if is_active else _("The account is disabled. All its sessions have ended.")
    return view.redirect(f"/admin/users/{id}", said)


@routes.post("/admin/users/<int:id>/password", may=administrator, again=show_user, once=True)
def make_password(view: View, id: int) -> Response:
    """Give a fresh random password and show it this once."""
    user = view.directory.users.get(id)
    if user is None:
        raise NotFound
    password = people.set_password(
        view.work.connection, view.work.origin, id, reason=view.form.get("password_reason", ""), memory=passwords.memory_for(view.site.config.kind),
    )
    return _hand_over(view, id, user.username, user.name, password)


@routes.post("/admin/users/<int:id>/roles", may=administrator, again=show_user)
def add_role(view: View, id: int) -> Response:
    """Give one more role."""
    role = view.form.get("role", "")
    if not role:
        raise Refused([Problem("role", _("Choose a role."))])
    people.add_role(
        view.work.connection, view.registry, view.work.origin, id, role, frame.department_of(view, "department"), reason=view.form.get("role_reason", ""),
    )
    return view.redirect(f"/admin/users/{id}#roles", _("The role has been given."))


@routes.post("/admin/users/<int:id>/roles/remove", may=administrator, again=show_user)
def remove_role(view: View, id: int) -> Response:
    """Take one role away."""
    people.remove_role(view.work.connection, view.registry, view.work.origin, id, view.form.get("held", ""), frame.department_of(view, "at"))
    return view.redirect(f"/admin/users/{id}#roles", _("The role has been taken away."))


@routes.post("/admin/users/<int:id>/codes/stop", may=administrator, again=show_user)
def stop_codes(view: View, id: int) -> Response:
    """Turn one-time codes off for somebody who has lost their authenticator."""
    sessions.stop_totp(view.work.connection, view.work.origin, id, reason=view.form.get("codes_reason", ""))
    return view.redirect(f"/admin/users/{id}", _("One-time codes are off for this account."))


@routes.post("/admin/users/<int:id>/sessions/end", may=administrator, again=show_user)
def end_sessions(view: View, id: int) -> Response:
    """End one session of a user, or all of them."""
    one = view.form.get("session", "")
    if one.isascii() and one.isdigit():
        sessions.end(view.work.connection, view.work.origin, id, int(one[:19]))
        return view.redirect(f"/admin/users/{id}#sessions", _("The session has ended."))
    people.end_sessions(view.work.connection, view.work.origin, id)
    return view.redirect(f"/admin/users/{id}#sessions" if id != view.user_id else "/sign-in", _("All sessions have ended."))
