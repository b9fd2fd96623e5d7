"""Users, departments, roles and functions: their tables, every change of them, and the directory that is read from them.

A change takes the connection of the work, its origin (who, when, through what) and a reason; it refuses bad input with problems,
writes the trail and bumps the stamp in the same transaction. Changes queue on the stamp, one after the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Connection, ForeignKey, Index, Integer, String, Table, and_, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core import passwords, settings, storage
from core.directory import ADMINISTRATOR, Binding, Contents, Department, Directory, Held, User
from core.errors import NotFound, Problem, Refused
from core.fields.kind import shown
from core.messages import _
from core.translations import LANGUAGES

if TYPE_CHECKING:
    from core.audit import Origin
    from core.registry import Registry

HEAD = "core.head"
_USERNAME = re.compile(r"\w[\w.@+-]{1,63}")
_CODE = re.compile(r"\w[\w.-]{0,31}")


class UserRow(storage.Base):
    """Somebody who can sign in. `epoch` rises when all their sessions must end; nobody is ever deleted."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str | None] = mapped_column(String(10))
    password_hash: Mapped[str] = mapped_column(String(200))
    password_given: Mapped[bool] = mapped_column(Boolean, default=False)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    totp_secret: Mapped[str | None] = mapped_column(String(300))
    totp_active: Mapped[bool] = mapped_column(Boolean, default=False)
    totp_step: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(storage.Moment)
    changed_at: Mapped[datetime] = mapped_column(storage.Moment)


class DepartmentRow(storage.Base):
    """A place in the tree of departments."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    parent_id: Mapped[int | None] = mapped_column(storage.Id, ForeignKey("department.id"))
    position: Mapped[int] = mapped_column(Integer, default=0)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[datetime] = mapped_column(storage.Moment)
    changed_at: Mapped[datetime] = mapped_column(storage.Moment)


class UserRole(storage.Base):
    """A role that a user holds in a department and below, or in the whole site where the department is empty."""

    __tablename__ = "user_role"
    __table_args__ = (Index("ix_user_role_user", "user_id"),)

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(storage.Id, ForeignKey("user.id"))
    role: Mapped[str] = mapped_column(String(100))
    department_id: Mapped[int | None] = mapped_column(storage.Id, ForeignKey("department.id"))


class FunctionBinding(storage.Base):
    """A function that a department carries out, for everybody or for one requesting department and below."""

    __tablename__ = "function_binding"

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    function: Mapped[str] = mapped_column(String(100))
    department_id: Mapped[int] = mapped_column(storage.Id, ForeignKey("department.id"))
    for_department_id: Mapped[int | None] = mapped_column(storage.Id, ForeignKey("department.id"))


USER: Table = storage.Base.metadata.tables["user"]
DEPARTMENT: Table = storage.Base.metadata.tables["department"]
USER_ROLE: Table = storage.Base.metadata.tables["user_role"]
BINDING: Table = storage.Base.metadata.tables["function_binding"]


def load(connection: Connection, registry: Registry) -> Directory:
    """The directory as this transaction sees it; what belongs to plugins that are not enabled is left out."""
    stamp = connection.scalar(select(storage.STAMP.c.value).where(storage.STAMP.c.name == settings.STAMP)) or 0
    users = connection.execute(select(USER.c.id, USER.c.username, USER.c.name, USER.c.language, USER.c.is_active))
    departments = connection.execute(
        select(DEPARTMENT.c.id, DEPARTMENT.c.code, DEPARTMENT.c.name, DEPARTMENT.c.parent_id, DEPARTMENT.c.is_active, DEPARTMENT.c.position)
    )
    held = connection.execute(select(USER_ROLE.c.user_id, USER_ROLE.c.role, USER_ROLE.c.department_id).order_by(USER_ROLE.c.id))
    bindings = connection.execute(
        select(BINDING.c.function, BINDING.c.department_id, BINDING.c.for_department_id).order_by(BINDING.c.id)
    )
    choices, before = settings.load_choices(connection, registry)
    contents = Contents(
        users=tuple(User(*row) for row in users),
        departments=tuple(Department(*row) for row in departments),
        held=tuple(Held(*row) for row in held if row.role in registry.roles),
        bindings=tuple(Binding(*row) for row in bindings if row.function in registry.functions),
        choices=choices, choices_before=before,
        settings=settings.load_values(connection, registry),
        words=settings.load_words(connection),
    )
    return Directory(registry, contents, stamp)


# users


def add_user(
    connection: Connection, registry: Registry, origin: Origin, *, username: str, name: str,
    password: str | None = None, language: str | None = None, roles: Iterable[tuple[str, int | None]] = (), reason: str = "",
    memory: int = passwords.MEMORY,
) -> tuple[int, str]:
    """Make an account: its id and its password, which is random where none is given."""
    storage.bump(connection, settings.STAMP)
    username = normal_username(username)
    given = password if password is not None else passwords.random_password()
    held = tuple(dict.fromkeys(roles))
    problems = [*_username_problems(connection, username), *_name_problems(name), *_language_problems(language)]
    problems += [*passwords.problems_with(given, username), *_role_problems(connection, registry, held)]
    if problems:
        raise Refused(problems)
    user_id = storage.new_id()
    connection.execute(insert(USER).values(
        id=user_id, username=username, name=name.strip(), language=language, password_hash=passwords.hasher(memory).hash(given),
        password_given=True, is_active=True, epoch=0, totp_active=False, totp_step=0, created_at=origin.at, changed_at=origin.at,
    ))
    told = {"username": (None, username), "name": (None, name.strip()), "language": (None, language)}
    settings.note(connection, origin, "core.user.added", user_id, told, reason)
    if held:
        _write_roles(connection, user_id, (), held)
        settings.note(connection, origin, "core.user.roles_changed", user_id, {"roles": ([], _shown(connection, held))}, reason)
    return user_id, given


def change_user(
    connection: Connection, origin: Origin, user_id: int, *, reason: str = "", **changes: Any,
) -> None:
    """Change `username`, `name`, `language` or `is_active`. Who is disabled is signed out at their next request."""
    _only(changes, "username", "name", "language", "is_active")
    storage.bump(connection, settings.STAMP)
    row = _user(connection, user_id)
    if "username" in changes:
        changes["username"] = normal_username(changes["username"])
    if isinstance(changes.get("name"), str):
        changes["name"] = changes["name"].strip()
    changed = {key: value for key, value in changes.items() if value != row[key]}
    problems: list[Problem] = []
    if "username" in changed:
        problems += _username_problems(connection, changed["username"])
    if "name" in changed:
        problems += _name_problems(changed["name"])
    if "language" in changed:
        problems += _language_problems(changed["language"])
    if changed.get("is_active", True) not in (True, False):
        problems.append(Problem("is_active", _("This is either true or false."), code="boolean"))
    if changed.get("is_active") is False:
        problems += _last_administrator(connection, user_id, "is_active")
    if problems:
        raise Refused(problems)
    if not changed:
        return
    epoch = {"epoch": USER.c.epoch + 1} if "is_active" in changed else {}
    connection.execute(update(USER).where(USER.c.id == user_id).values(changed_at=origin.at, **changed, **epoch))
    action = {False: "core.user.disabled", True: "core.user.enabled"}.get(changed.get("is_active", ""), "core.user.changed")
    settings.note(connection, origin, action, user_id, {key: (row[key], value) for key, value in changed.items()}, reason)


def set_password(
    connection: Connection, origin: Origin, user_id: int, password: str | None = None, *,
    reason: str = "", memory: int = passwords.MEMORY,
) -> str:
    """Give a password, random where none is given; every session and token of the user ends."""
    row = _user(connection, user_id)
    given = password if password is not None else passwords.random_password()
    problems = passwords.problems_with(given, row["username"])
    if problems:
        raise Refused(problems)
    connection.execute(update(USER).where(USER.c.id == user_id).values(
        password_hash=passwords.hasher(memory).hash(given), password_given=origin.actor_id != user_id, epoch=USER.c.epoch + 1, changed_at=origin.at,
    ))
    settings.note(connection, origin, "core.user.password_changed", user_id, {}, reason)
    return given


def end_sessions(connection: Connection, origin: Origin, user_id: int, *, reason: str = "") -> None:
    """Sign a user out everywhere, tokens included."""
    _user(connection, user_id)
    connection.execute(update(USER).where(USER.c.id == user_id).values(epoch=USER.c.epoch + 1))
    settings.note(connection, origin, "core.user.signed_out", user_id, {}, reason)


def set_roles(
    connection: Connection, registry: Registry, origin: Origin, user_id: int,
    roles: Iterable[tuple[str, int | None]], *, reason: str = "",
) -> None:
    """Make these the roles of a user; roles of plugins that are not enabled stay as they are."""
    storage.bump(connection, settings.STAMP)
    _user(connection, user_id)
    wanted = tuple(dict.fromkeys(roles))
    held = tuple(one for one in roles_held(connection, user_id) if one[0] in registry.roles)
    problems = _role_problems(connection, registry, wanted, held)
    if (ADMINISTRATOR, None) in held and (ADMINISTRATOR, None) not in wanted:
        problems += _last_administrator(connection, user_id, "roles")
    if problems:
        raise Refused(problems)
    if set(held) != set(wanted):
        before = _shown(connection, held)
        _write_roles(connection, user_id, held, wanted)
        settings.note(connection, origin, "core.user.roles_changed", user_id, {"roles": (before, _shown(connection, wanted))}, reason)


def add_role(
    connection: Connection, registry: Registry, origin: Origin, user_id: int, role: str,
    department: int | None, *, reason: str = "",
) -> None:
    """Give a user one more role."""
    set_roles(connection, registry, origin, user_id, [*_enabled(connection, registry, user_id), (role, department)], reason=reason)


def remove_role(
    connection: Connection, registry: Registry, origin: Origin, user_id: int, role: str,
    department: int | None, *, reason: str = "",
) -> None:
    """Take one role from a user."""
    held = _enabled(connection, registry, user_id)
    if (role, department) not in held:
        raise Refused([Problem("role", _("The user does not hold this role there."), code="role-not-held")])
    set_roles(connection, registry, origin, user_id, [one for one in held if one != (role, department)], reason=reason)


def roles_held(connection: Connection, user_id: int) -> tuple[tuple[str, int | None], ...]:
    """What a user was given, as (role, department or None for the whole site), in the order it was given."""
    rows = connection.execute(select(USER_ROLE.c.role, USER_ROLE.c.department_id).where(USER_ROLE.c.user_id == user_id).order_by(USER_ROLE.c.id))
    return tuple((row.role, row.department_id) for row in rows)


def has_totp(connection: Connection, user_id: int) -> bool:
    """Whether a user types a one-time code at sign-in."""
    return bool(connection.scalar(select(USER.c.totp_active).where(USER.c.id == user_id)))


def normal_username(username: object) -> str:
    """The one spelling of a user name: composed, narrow, in small letters."""
    return unicodedata.normalize("NFKC", username if isinstance(username, str) else "").strip().casefold()


def is_username(username: str) -> bool:
    """Whether somebody could be called so."""
    return _USERNAME.fullmatch(username) is not None


# departments


def add_department(
    connection: Connection, origin: Origin, *, code: str, name: str, parent_id: int | None = None,
    position: int = 0, reason: str = "",
) -> int:
    """Add a department under another, or at the top."""
    storage.bump(connection, settings.STAMP)
    new = {"code": _trimmed(code), "name": _trimmed(name), "parent_id": parent_id, "position": position}
    problems = _department_problems(connection, None, new)
    if problems:
        raise Refused(problems)
    department_id = storage.new_id()
    connection.execute(insert(DEPARTMENT).values(id=department_id, is_active=True, created_at=origin.at, changed_at=origin.at, **new))
    told = {key: (None, value) for key, value in new.items() if key != "parent_id"}
    told["parent"] = (None, _code(connection, parent_id))
    settings.note(connection, origin, "core.department.added", department_id, told, reason)
    return department_id


def change_department(
    connection: Connection, origin: Origin, department_id: int, *, reason: str = "", **changes: Any,
) -> None:
    """Change `code`, `name`, `parent_id`, `position` or `is_active` of a department."""
    _only(changes, "code", "name", "parent_id", "position", "is_active")
    storage.bump(connection, settings.STAMP)
    row = connection.execute(select(DEPARTMENT).where(DEPARTMENT.c.id == department_id)).mappings().first()
    if row is None:
        raise NotFound()
    for key in {"code", "name"} & changes.keys():
        changes[key] = _trimmed(changes[key])
    changed = {key: value for key, value in changes.items() if value != row[key]}
    problems = _department_problems(connection, department_id, changed)
    if problems:
        raise Refused(problems)
    if changed:
        connection.execute(update(DEPARTMENT).where(DEPARTMENT.c.id == department_id).values(changed_at=origin.at, **changed))
        action = "core.department.moved" if "parent_id" in changed else "core.department.changed"
        told = {key: (row[key], value) for key, value in changed.items() if key != "parent_id"}
        if "parent_id" in changed:
            told["parent"] = (_code(connection, row["parent_id"]), _code(connection, changed["parent_id"]))
        settings.note(connection, origin, action, department_id, told, reason)


# functions


def bind_function(
    connection: Connection, registry: Registry, origin: Origin, function: str, departments: Collection[int], *,
    for_department: int | None = None, reason: str = "",
) -> None:
    """Make these the departments that carry out a function, for everybody or for one requesting department and below."""
    storage.bump(connection, settings.STAMP)
    if function not in registry.functions:
        raise NotFound(_("There is no such function on this site."))
    wanted = tuple(dict.fromkeys(departments))
    known = _active_departments(connection)
    problems = [
        Problem(f"/departments/{place}", _("There is no such department, or it is closed."), code="department-unknown")
        for place, one in enumerate(wanted) if one not in known
    ]
    if for_department is not None and for_department not in known:
        problems.append(Problem("for_department", _("There is no such department, or it is closed."), code="department-unknown"))
    problems += settings.reason_problems(reason)
    if problems:
        raise Refused(problems)
    here = and_(BINDING.c.function == function, BINDING.c.for_department_id.is_not_distinct_from(for_department))
    before = tuple(connection.scalars(select(BINDING.c.department_id).where(here).order_by(BINDING.c.id)))
    if before == wanted:
        return
    connection.execute(delete(BINDING).where(here))
    for one in wanted:
        connection.execute(insert(BINDING).values(id=storage.new_id(), function=function, department_id=one, for_department_id=for_department))
    told: dict[str, tuple[Any, Any]] = {"function": (function, function), "departments": (_codes(connection, before), _codes(connection, wanted))}
    if for_department is not None:
        told["for_department"] = (_code(connection, for_department),) * 2
    settings.note(connection, origin, "core.function.bound", None, told, reason)


# what speaks against it


def _only(changes: Mapping[str, Any], *names: str) -> None:
    """A name that cannot be changed here is a fault of the caller, never of a person."""
    if not changes.keys() <= set(names):
        raise TypeError(f"these can be changed: {', '.join(names)}")


def _user(connection: Connection, user_id: int) -> Mapping[str, Any]:
    row = connection.execute(select(USER).where(USER.c.id == user_id)).mappings().first()
    if row is None:
        raise NotFound()
    return dict(row)


def _trimmed(text: object) -> str:
    return unicodedata.normalize("NFC", text).strip() if isinstance(text, str) else ""


def _username_problems(connection: Connection, username: str) -> list[Problem]:
    if not is_username(username):
        return [Problem("username", _("A user name has 2 to 64 letters, digits or . _ - + @ and begins with a letter or digit."), code="username-form")]
    if connection.scalar(select(USER.c.id).where(USER.c.username == username)) is not None:
        return [Problem("username", _("This user name is taken."), _("Choose another one."), "username-taken")]
    return []


def _name_problems(name: object) -> list[Problem]:
    text = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(text) <= 100 or not text.isprintable():
        return [Problem("name", _("A name has 1 to 100 characters on one line."), code="name-form")]
    return []


def _language_problems(language: object) -> list[Problem]:
    if language is None or language in LANGUAGES:
        return []
    return [Problem("language", _("This language is not offered."), _("Choose one of {list}.", list=", ".join(LANGUAGES)), "language")]


def _last_administrator(connection: Connection, user_id: int, where: str) -> list[Problem]:
    """Refuse to lose the only active user who looks after the site."""
    others = select(func.count()).select_from(USER_ROLE.join(USER, USER.c.id == USER_ROLE.c.user_id)).where(
        USER_ROLE.c.role == ADMINISTRATOR, USER_ROLE.c.department_id.is_(None), USER.c.is_active, USER.c.id != user_id,
    )
    if (ADMINISTRATOR, None) not in roles_held(connection, user_id) or connection.scalar(others):
        return []
    return [Problem(where, _("This is the last administrator of the site."), _("Make somebody else administrator first."), "last-administrator")]


def _role_problems(
    connection: Connection, registry: Registry, wanted: Collection[tuple[str, int | None]], held: Collection[tuple[str, int | None]] = (),
) -> list[Problem]:
    known = _active_departments(connection)
    problems: list[Problem] = []
    for place, (role, department) in enumerate(wanted):
        where, there = f"/roles/{place}/role", f"/roles/{place}/department"
        if (role, department) in held:
            continue
        if role not in registry.roles:
            what = _("There is no role “{role}” on this site.", role=shown(role))
            problems.append(Problem(where, what, _("The roles are listed under modules."), "role-unknown"))
        elif role == ADMINISTRATOR and department is not None:
            what = _("The administrator looks after the whole site.")
            problems.append(Problem(there, what, _("Leave the department empty."), "role-sitewide"))
        elif role == HEAD and department is None:
            what = _("A head is the head of a department.")
            problems.append(Problem(there, what, _("Choose the department."), "role-department"))
        elif department is not None and department not in known:
            problems.append(Problem(there, _("There is no such department, or it is closed."), code="department-unknown"))
    return problems


def _department_problems(connection: Connection, department_id: int | None, new: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    if "code" in new:
        if not _CODE.fullmatch(new["code"]):
            problems.append(Problem("code", _("A code has 1 to 32 letters, digits or . _ - and begins with a letter or digit."), code="code-form"))
        elif connection.scalar(select(DEPARTMENT.c.id).where(DEPARTMENT.c.code == new["code"])) is not None:
            problems.append(Problem("code", _("This code is taken."), _("Choose another one."), "code-taken"))
    if "name" in new:
        problems += _name_problems(new["name"])
    position = new.get("position", 0)
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position <= 1_000_000:
        problems.append(Problem("position", _("The position is a whole number from 0 to 1000000."), code="position"))
    if new.get("parent_id") is not None:
        problems += _parent_problems(connection, department_id, new["parent_id"])
    if new.get("is_active", True) not in (True, False):
        problems.append(Problem("is_active", _("This is either true or false."), code="boolean"))
    if new.get("is_active") is False and department_id is not None:
        problems += _closing_problems(connection, department_id)
    if new.get("is_active") is True and department_id is not None:
        parent = connection.scalar(select(DEPARTMENT.c.parent_id).where(DEPARTMENT.c.id == department_id))
        if parent is not None and "parent_id" not in new and parent not in _active_departments(connection):
            problems.append(Problem("is_active", _("The department above it is closed."), _("Open that one first."), "parent-closed"))
    return problems


def _parent_problems(connection: Connection, department_id: int | None, parent_id: int) -> list[Problem]:
    if parent_id not in _active_departments(connection):
        return [Problem("parent_id", _("There is no such department, or it is closed."), code="department-unknown")]
    parents = dict(connection.execute(select(DEPARTMENT.c.id, DEPARTMENT.c.parent_id)).all())
    above: int | None = parent_id
    while above is not None:
        if above == department_id:
            return [Problem("parent_id", _("A department cannot stand under itself."), _("Choose one that is not below it."), "department-cycle")]
        above = parents[above]
    return []


def _closing_problems(connection: Connection, department_id: int) -> list[Problem]:
    below = connection.scalar(select(func.count()).where(DEPARTMENT.c.parent_id == department_id, DEPARTMENT.c.is_active))
    if below:
        return [Problem("is_active", _("There are open departments below it."), _("Close or move them first."), "department-children")]
    bound = connection.scalars(select(BINDING.c.function).where(
        (BINDING.c.department_id == department_id) | (BINDING.c.for_department_id == department_id)
    ).order_by(BINDING.c.function)).all()
    if bound:
        names = ", ".join(dict.fromkeys(bound))
        return [Problem("is_active", _("It carries out functions: {list}.", list=names), _("Give them to another department first."), "department-bound")]
    return []


def _active_departments(connection: Connection) -> frozenset[int]:
    return frozenset(connection.scalars(select(DEPARTMENT.c.id).where(DEPARTMENT.c.is_active)))


# what is written


def _enabled(connection: Connection, registry: Registry, user_id: int) -> list[tuple[str, int | None]]:
    return [one for one in roles_held(connection, user_id) if one[0] in registry.roles]


def _write_roles(connection: Connection, user_id: int, held: Collection[tuple[str, int | None]], wanted: Collection[tuple[str, int | None]]) -> None:
    for role, department in held:
        if (role, department) not in wanted:
            connection.execute(delete(USER_ROLE).where(
                USER_ROLE.c.user_id == user_id, USER_ROLE.c.role == role, USER_ROLE.c.department_id.is_not_distinct_from(department),
            ))
    for role, department in wanted:
        if (role, department) not in held:
            connection.execute(insert(USER_ROLE).values(id=storage.new_id(), user_id=user_id, role=role, department_id=department))


def _codes(connection: Connection, departments: Collection[int]) -> list[str]:
    codes = dict(connection.execute(select(DEPARTMENT.c.id, DEPARTMENT.c.code).where(DEPARTMENT.c.id.in_(departments))).all())
    return [codes.get(one, str(one)) for one in departments]


def _code(connection: Connection, department: int | None) -> str | None:
    return None if department is None else _codes(connection, (department,))[0]


def _shown(connection: Connection, held: Collection[tuple[str, int | None]]) -> list[str]:
    """Roles as people and scripts write them: `core.head@DEPT`."""
    return [role if department is None else f"{role}@{_code(connection, department)}" for role, department in held]
