"""Who is there: users, departments, and which department carries out which function."""

from __future__ import annotations

import sys

import click

from core import passwords, people
from core.cli.frame import Desk, command, reason, yunkong
from core.errors import Problem, Refused
from core.messages import _
from core.service import Work

password_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making one.")


def typed_password(wanted: bool) -> str | None:
    """The first line of standard input, where it was asked for."""
    return sys.stdin.readline().rstrip("\r\n") if wanted else None


def roles_of(work: Work, user: int) -> list[str]:
    """A user's roles as `core.head@CODE`, those of the whole site without a code."""
    departments = work.directory.departments
    return [role if seat is None else f"{role}@{departments[seat].code}" for role, seat in people.roles_held(work.connection, user)]


# users


@yunkong.group()
def user() -> None:
    """People who sign in."""


@command(user, name="add")
@click.argument("username")
@click.option("--name", help="The person's name; the user name where it is left out.")
@click.option("--role", "roles", multiple=True, help="core.head@DEPARTMENT, or a role alone for the whole site. Again for more.")
@click.option("--language", type=click.Choice(["zh_CN", "zh_TW", "en"]))
@password_stdin
@reason
def user_add(desk: Desk, username: str, name: str | None, roles: tuple[str, ...], language: str | None, password_stdin: bool, reason: str) -> None:
    """Make an account and print its password once."""
    given = typed_password(password_stdin)
    with desk.work() as work:
        held = [desk.role(work, one) for one in roles]
        id, password = people.add_user(
            work.connection, work.registry, work.origin, username=username, name=name or username, password=given, language=language,
            roles=held, reason=reason, memory=passwords.memory_for(desk.site.config.kind),
        )
    told = {} if password_stdin else {"password": password}
    lines = [_("{username} can sign in.", username=username)]
    if told:
        lines.append(_("Password (shown this once): {password}", password=password))
    desk.answer({"id": str(id), "username": people.normal_username(username), **told}, *lines)


@command(user, name="list")
def user_list(desk: Desk) -> None:
    """Everybody with an account, and their roles."""
    with desk.work(reading=True) as work:
        rows = [
            {"id": str(one.id), "username": one.username, "name": one.name, "active": one.is_active, "roles": roles_of(work, one.id)}
            for one in work.directory.users.values()
        ]
    desk.table(rows, username=_("User name"), name=_("Person"), active=_("Active"), roles=_("Roles"))


@command(user, name="disable")
@click.argument("username")
@reason
def user_disable(desk: Desk, username: str, reason: str) -> None:
    """Let an account sign in no more; what it did stays."""
    with desk.work() as work:
        people.change_user(work.connection, work.origin, desk.user(work, username), is_active=False, reason=reason)
    desk.answer({"username": username, "active": False}, _("{username} can sign in no more.", username=username))


@command(user, name="password")
@click.argument("username")
@password_stdin
@reason
def user_password(desk: Desk, username: str, password_stdin: bool, reason: str) -> None:
    """Give an account another password; its sessions end."""
    given = typed_password(password_stdin)
    memory = passwords.memory_for(desk.site.config.kind)
    with desk.work() as work:
        password = people.set_password(work.connection, work.origin, desk.user(work, username), given, reason=reason, memory=memory)
    told = {} if password_stdin else {"password": password}
    lines = [_("Password (shown this once): {password}", password=password)] if told else [_("The password is changed.")]
    desk.answer({"username": username, **told}, *lines)


@command(user, name="role")
@click.argument("username")
@click.option("--add", "added", multiple=True, help="A role to give: core.head@DEPARTMENT, or a role alone for the whole site.")
@click.option("--remove", "removed", multiple=True, help="A role to take, written the same way.")
@reason
def user_role(desk: Desk, username: str, added: tuple[str, ...], removed: tuple[str, ...], reason: str) -> None:
    """Give and take roles; without either, show them."""
    with desk.work() as work:
        id = desk.user(work, username)
        held = [one for one in people.roles_held(work.connection, id) if one[0] in work.registry.roles]
        for text in removed:
            one = desk.role(work, text)
            if one not in held:
                raise Refused([Problem("role", _("{username} does not hold {role}.", username=username, role=text), code="role-not-held")])
            held.remove(one)
        if added or removed:
            held += [desk.role(work, one) for one in added]
            people.set_roles(work.connection, work.registry, work.origin, id, held, reason=reason)
        roles = roles_of(work, id)
    desk.answer({"username": username, "roles": roles}, *(roles or [_("No roles.")]))


# departments


@yunkong.group()
def department() -> None:
    """The tree of departments."""


@command(department, name="add")
@click.argument("code")
@click.argument("name")
@click.option("--under", help="The code of the department above it; at the top where it is left out.")
@reason
def department_add(desk: Desk, code: str, name: str, under: str | None, reason: str) -> None:
    """Add a department."""
    with desk.work() as work:
        above = desk.department(work, under)
        id = people.add_department(work.connection, work.origin, code=code, name=name, parent_id=above, reason=reason)
    desk.answer({"id": str(id), "code": code, "name": name, "under": under}, _("Department {code} is there.", code=code))


@command(department, name="list")
def department_list(desk: Desk) -> None:
    """All departments in the order of the tree."""
    with desk.work(reading=True) as work:
        known = work.directory.departments
        above = {one.id: work.directory.ancestors(one.id)[1:] for one in known.values()}
    rows = [
        {
            "id": str(one.id), "code": one.code, "name": one.name if desk.as_json else "  " * len(above[one.id]) + one.name,
            "active": one.is_active, "under": known[one.parent_id].code if one.parent_id else None,
        }
        for one in known.values()
    ]
    desk.table(rows, name=_("Department"), code=_("Code"), under=_("Under"), active=_("Active"))


@command(department, name="move")
@click.argument("code")
@click.option("--under", help="The code of the department that it comes under.")
@click.option("--to-top", is_flag=True, help="Put it at the top.")
@reason
def department_move(desk: Desk, code: str, under: str | None, to_top: bool, reason: str) -> None:
    """Put a department under another, with all below it."""
    if (under is None) != to_top:
        raise click.UsageError("Say either --under CODE or --to-top.")
    with desk.work() as work:
        id = desk.department(work, code)
        assert id is not None
        people.change_department(work.connection, work.origin, id, parent_id=desk.department(work, under), reason=reason)
    desk.answer({"code": code, "under": under}, _("Department {code} is moved.", code=code))


# functions


@yunkong.group()
def function() -> None:
    """The duties of the company, and the departments that carry them out."""


@command(function, name="list")
def function_list(desk: Desk) -> None:
    """Every function with the departments bound to it."""
    with desk.work(reading=True) as work:
        directory = work.directory
        rows = [
            {
                "name": name, "label": desk.text(one.label),
                "departments": [directory.departments[id].code for id in directory.function(name, None)],
                "for": {
                    directory.departments[seat].code: [directory.departments[id].code for id in ids]
                    for seat, ids in directory.bindings(name).items() if seat is not None
                },
            }
            for name, one in work.registry.functions.items()
        ]
    desk.table(rows, name=_("Function"), label=_("Label"), departments=_("Departments"))


@command(function, name="bind")
@click.argument("name")
@click.argument("departments", nargs=-1, required=True)
@click.option("--for", "requesting", help="Only for this department and those below it.")
@reason
def function_bind(desk: Desk, name: str, departments: tuple[str, ...], requesting: str | None, reason: str) -> None:
    """Say which departments carry out a function."""
    with desk.work() as work:
        ids = [id for one in departments if (id := desk.department(work, one)) is not None]
        people.bind_function(work.connection, work.registry, work.origin, name, ids, for_department=desk.department(work, requesting), reason=reason)
    told = {"name": name, "departments": list(departments), "for": requesting}
    desk.answer(told, _("{function} is carried out by {departments}.", function=name, departments=", ".join(departments)))
