"""Departments as a tree, and which of them carries out which function."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from core import people
from core.errors import NotFound
from core.messages import _
from core.web.admin import frame
from core.web.routing import Routes
from core.web.view import View, administrator

routes = Routes()


@routes.get("/admin/departments", may=administrator)
def show_departments(view: View, id: int | None = None) -> Response:
    """The tree, with the chosen department's form beside it; without one, the form of a new one."""
    chosen = view.directory.departments.get(id) if id is not None else None
    if id is not None and chosen is None:
        raise NotFound
    staff: dict[int, int] = dict.fromkeys(view.directory.departments, 0)
    for user in view.directory.users.values():
        for one in user.departments if user.is_active else ():
            staff[one] += 1
    bound: dict[int, list[str]] = {}
    for name in view.registry.functions:
        for departments in view.directory.bindings(name).values():
            for one in departments:
                bound.setdefault(one, []).append(frame.function_label(view, name))
    below = view.directory.subtree(chosen.id) if chosen else frozenset()
    above = [(one, label) for one, label in frame.seats(view) if one not in below]
    under = request.args.get("under", "")
    return frame.page(
        view, "departments", "departments", view._("Departments"), departments=list(view.directory.departments.values()), chosen=chosen,
        staff=staff, bound={one: list(dict.fromkeys(names)) for one, names in bound.items()}, above=above, under=under,
    )


routes.get("/admin/departments/<int:id>", may=administrator)(show_departments)


@routes.post("/admin/departments", may=administrator, again=show_departments, once=True)
def add_department(view: View) -> Response:
    """Add a department."""
    id = people.add_department(view.work.connection, view.work.origin, reason=view.form.get("reason", ""), **_typed(view))
    return view.redirect(f"/admin/departments/{id}", _("The department has been added."))


@routes.post("/admin/departments/<int:id>", may=administrator, again=show_departments)
def change_department(view: View, id: int) -> Response:
    """Rename, move, close or open a department."""
    is_active = view.form.get("is_active") == "1"
    people.change_department(view.work.connection, view.work.origin, id, reason=view.form.get("reason", ""), is_active=is_active, **_typed(view))
    return view.redirect(f"/admin/departments/{id}", _("The department has been saved."))


def _typed(view: View) -> dict[str, Any]:
    position = view.form.get("position", "0").strip()
    return {
        "code": view.form.get("code", ""), "name": view.form.get("name", ""), "parent_id": frame.department_of(view, "parent_id"),
        "position": int(position) if position.isascii() and position.isdigit() and len(position) < 8 else -1,
    }


@routes.get("/admin/functions", may=administrator)
def show_functions(view: View) -> Response:
    """Every function with its departments, those without any first to be seen, and the chosen one's form."""
    name = request.args.get("function") or view.form.get("function") or next(iter(view.directory.unbound()), next(iter(view.registry.functions)))
    if name not in view.registry.functions:
        raise NotFound
    asked = request.args.get("for", "")
    requesting = int(asked) if asked.isascii() and asked.isdigit() and int(asked[:19]) in view.directory.departments else None
    rows = [
        (one, frame.function_label(view, one), frame.plugin_label(view, one), _bindings(view, one), _roles(view, one)) for one in view.registry.functions
    ]
    return frame.page(
        view, "functions", "functions", view._("Functions"), rows=rows, unbound=set(view.directory.unbound()), chosen=name,
        chosen_label=frame.function_label(view, name), requesting=requesting, bound=view.directory.bindings(name).get(requesting, ()),
        seats=frame.seats(view),
    )


def _bindings(view: View, function: str) -> list[tuple[int | None, str, str]]:
    """(requesting department, its name, the departments that carry it out), everybody first."""
    bound = view.directory.bindings(function)
    ordered = sorted(bound, key=lambda seat: (seat is not None, str(seat)))
    listed = view.reading().separator
    return [(seat, frame.seat_name(view, seat), listed.join(frame.seat_name(view, one) for one in bound[seat])) for seat in ordered if bound[seat]]


def _roles(view: View, function: str) -> str:
    names = [frame.role_label(view, name) for name, role in view.registry.roles.items() if role.function == function]
    return str(view.reading().separator.join(names))


@routes.post("/admin/functions", may=administrator, again=show_functions)
def bind_function(view: View) -> Response:
    """Say which departments carry out a function."""
    name, form = view.form.get("function", ""), view.form
    ids = [int(one) if one.isascii() and one.isdigit() and len(one) < 20 else 0 for one in form.getlist("departments") if one]
    requesting = frame.department_of(view, "for_department")
    people.bind_function(view.work.connection, view.registry, view.work.origin, name, ids, for_department=requesting, reason=form.get("reason", ""))
    return view.redirect(f"/admin/functions?function={name}", _("The function has been given to its departments."))
