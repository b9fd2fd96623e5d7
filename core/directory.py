"""Who is who: an immutable picture of people, departments, roles, functions, policies, settings and words.

`people.load` reads it in a handful of statements; a site keeps it in memory until the stamp of the directory changes.
Questions about rights are look-ups here and cost no statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.registry import Registry

ADMINISTRATOR = "core.administrator"
EMPLOYEE = "core.employee"
"""Held by everyone in each of their departments, without being given."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can sign in, with the departments they belong to, nearest first."""

    id: int
    username: str
    name: str
    language: str | None = None
    is_active: bool = True
    departments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """A place in the tree; `path` is its names from the top, for people."""

    id: int
    code: str
    name: str
    parent_id: int | None = None
    is_active: bool = True
    position: int = 0
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A role that a user holds: in a department and below, or in the whole site."""

    user_id: int
    role: str
    department_id: int | None


@dataclass(frozen=True, slots=True)
class Binding:
    """A function given to a department, for everybody or for one requesting department and below."""

    function: str
    department_id: int
    for_department_id: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where something holds: everywhere, or in these departments."""

    everything: bool = False
    departments: frozenset[int] = frozenset()

    def __contains__(self, department: object) -> bool:
        return self.everything or department in self.departments

    def __bool__(self) -> bool:
        return self.everything or bool(self.departments)

    def __or__(self, other: Scope) -> Scope:
        return Scope(self.everything or other.everything, self.departments | other.departments)


ALL = Scope(everything=True)
NOWHERE = Scope()


@dataclass(frozen=True)
class Contents:
    """What a directory is made of, as it stands in the database; values of settings are Python values."""

    users: tuple[User, ...] = ()
    departments: tuple[Department, ...] = ()
    held: tuple[Held, ...] = ()
    bindings: tuple[Binding, ...] = ()
    choices: Mapping[tuple[str, int | None], str] = field(default_factory=dict)
    choices_before: Mapping[tuple[str, int | None], str] = field(default_factory=dict)
    settings: Mapping[tuple[str, int | None], Any] = field(default_factory=dict)
    words: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


class Directory:
    """The picture itself. It does not change; a change in the database makes a new one."""

    def __init__(self, registry: Registry, contents: Contents = Contents(), stamp: int = 0) -> None:
        self.registry = registry
        self.stamp = stamp
        self.held = contents.held
        self._choices = dict(contents.choices)
        self._choices_before = dict(contents.choices_before)
        self._settings = dict(contents.settings)
        self._words = dict(contents.words)
        self._scopes: dict[tuple[int, str], Scope] = {}
        self._plant(contents.departments)
        self._seat(contents.users, contents.held)
        self._bind(contents.bindings)

    def _plant(self, departments: Iterable[Department]) -> None:
        """Grow the tree: ancestors, subtrees, paths, and the order in which people read it."""
        rows = {row.id: row for row in departments}
        children: dict[int | None, list[Department]] = defaultdict(list)
        for row in sorted(rows.values(), key=lambda d: (d.position, d.code)):
            children[row.parent_id if row.parent_id in rows else None].append(row)
        self.departments: dict[int, Department] = {}
        self.children: dict[int | None, tuple[int, ...]] = {
            parent: tuple(child.id for child in below) for parent, below in children.items()
        }
        self._ancestors: dict[int | None, tuple[int, ...]] = {None: ()}
        self._subtrees: dict[int, frozenset[int]] = {}

        def grow(row: Department, path: tuple[str, ...], above: tuple[int, ...]) -> frozenset[int]:
            path, above = (*path, row.name), (row.id, *above)
            self.departments[row.id] = Department(row.id, row.code, row.name, row.parent_id, row.is_active, row.position, path)
            self._ancestors[row.id] = above
            below = frozenset((row.id,)).union(*(grow(child, path, above) for child in children[row.id]))
            self._subtrees[row.id] = below
            return below

        for top in children[None]:
            grow(top, (), ())
        self.by_code: dict[str, Department] = {d.code: d for d in self.departments.values()}

    def _seat(self, users: Iterable[User], held: Iterable[Held]) -> None:
        """Put people where they hold roles; only those who are active hold any."""
        order = {department: place for place, department in enumerate(self.departments)}
        places: dict[int, dict[int, tuple[bool, int]]] = defaultdict(dict)
        everywhere: set[int] = set()
        for row in held:
            if row.department_id is None:
                if row.role != ADMINISTRATOR:
                    everywhere.add(row.user_id)
            elif row.department_id in order:
                rank = (row.role != EMPLOYEE, order[row.department_id])
                known = places[row.user_id].get(row.department_id, rank)
                places[row.user_id][row.department_id] = min(known, rank)
        self.users: dict[int, User] = {}
        self._roles: dict[int, dict[str, set[int | None]]] = {}
        self._holders: dict[str, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(list))
        for user in sorted(users, key=lambda u: (u.name, u.username)):
            own = tuple(sorted(places[user.id], key=places[user.id].__getitem__))
            self.users[user.id] = User(user.id, user.username, user.name, user.language, user.is_active, own)
            if user.is_active:
                seats: set[int | None] = {d for d in own if self.departments[d].is_active}
                self._roles[user.id] = {EMPLOYEE: seats | {None} if user.id in everywhere else seats}
        for row in held:
            if row.role != EMPLOYEE and row.user_id in self._roles and (row.department_id is None or row.department_id in order):
                self._roles[row.user_id].setdefault(row.role, set()).add(row.department_id)
        for user_id, roles in self._roles.items():
            for role, seats in roles.items():
                for seat in seats:
                    self._holders[role][seat].append(user_id)
        self.by_username: dict[str, User] = {user.username: user for user in self.users.values()}

    def _bind(self, bindings: Iterable[Binding]) -> None:
        bound: dict[str, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(list))
        for row in bindings:
            department = self.departments.get(row.department_id)
            if department is not None and department.is_active:
                bound[row.function][row.for_department_id].append(row.department_id)
        self._bound = {name: {seat: tuple(ids) for seat, ids in seats.items()} for name, seats in bound.items()}

    # departments

    def ancestors(self, department: int | None) -> tuple[int, ...]:
        """The department and those above it, nearest first."""
        return self._ancestors.get(department, ())

    def subtree(self, department: int) -> frozenset[int]:
        """The department and all below it."""
        return self._subtrees.get(department, frozenset())

    # roles and functions

    def function(self, name: str, department: int | None) -> tuple[int, ...]:
        """The departments bound to a function for a requesting department; the nearest binding above it counts."""
        bound = self._bound.get(name, {})
        for seat in self.ancestors(department):
            if seat in bound:
                return bound[seat]
        return bound.get(None, ())

    def bindings(self, function: str) -> Mapping[int | None, tuple[int, ...]]:
        """Requesting department, None for everybody → the departments bound to a function for it."""
        return self._bound.get(function, {})

    def unbound(self) -> tuple[str, ...]:
        """The functions that no department carries out for everybody."""
        return tuple(name for name in self.registry.functions if not self._bound.get(name, {}).get(None))

    def roles_of(self, user: int) -> Mapping[str, frozenset[int | None]]:
        """Role → the departments in which it was given, None for the whole site; employee included."""
        return {role: frozenset(seats) for role, seats in self._roles.get(user, {}).items() if seats}

    def holds(self, user: int | None, role: str, department: int | None = None) -> bool:
        """Whether a role counts for a user in a department, by seat or by function; without one, anywhere at all.

        A function instead of a role means whoever belongs to a department bound to it, or below that.
        """
        if user is None or user not in self._roles:
            return False
        if role in self.registry.functions:
            return user in self._staff(self.bound(role, department))
        seats = self._roles[user].get(role)
        if not seats:
            return False
        if None in seats or department is None or not seats.isdisjoint(self.ancestors(department)):
            return True
        declared = self.registry.roles.get(role)
        function = declared.function if declared else None
        return function is not None and self._serves(user, role, function, department)

    def bound(self, function: str, department: int | None = None) -> Iterable[int]:
        """The departments bound for a requesting one; without one, those bound for anybody."""
        if department is not None:
            return self.function(function, department)
        return {one for ids in self._bound.get(function, {}).values() for one in ids}

    def _serves(self, user: int, role: str, function: str, department: int) -> bool:
        """Whether a user holds the role in a department bound to the function, or above it."""
        seats = self._roles[user][role]
        return any(not seats.isdisjoint(self.ancestors(one)) for one in self.function(function, department))

    def _staff(self, departments: Iterable[int]) -> set[int]:
        """Everyone who belongs to one of these departments or below it."""
        seats = self._holders.get(EMPLOYEE, {})
        return {user for one in departments for seat in self.subtree(one) for user in seats.get(seat, ())}

    def departments_with(self, user: int | None, role: str) -> Scope:
        """The departments whose records a role of this user counts for."""
        if user is None or user not in self._roles:
            return NOWHERE
        key = (user, role)
        if key not in self._scopes:
            self._scopes[key] = self._scope(user, role)
        return self._scopes[key]

    def _scope(self, user: int, role: str) -> Scope:
        is_function = role in self.registry.functions
        seats = self._roles[user].get(EMPLOYEE if is_function else role, set())
        if not seats:
            return NOWHERE
        if None in seats and not is_function:
            return ALL
        return Scope(departments=frozenset(d for d in self.departments if self.holds(user, role, d)))

    def seats(self, user: int | None, role: str) -> tuple[int | None, ...]:
        """Where a user was given a role, in reading order; None stands for the whole site."""
        seats = self._roles.get(user, {}).get(role, set()) if user is not None else set()
        found: list[int | None] = [d for d in self.departments if d in seats and self.departments[d].is_active]
        return (*found, None) if None in seats else tuple(found)

    def holders(self, role: str, department: int | None) -> tuple[int, ...]:
        """Everyone for whom a role (or a function) counts in a department, by name; without one, anywhere."""
        if role in self.registry.functions:
            found = self._staff(self.bound(role, department))
        else:
            by_seat = self._holders.get(role, {})
            if department is None:
                found = {user for users in by_seat.values() for user in users}
            else:
                found = self._members((department,), role) | set(by_seat.get(None, ()))
                declared = self.registry.roles.get(role)
                if declared and declared.function:
                    found |= self._members(self.function(declared.function, department), role)
        return tuple(sorted(found, key=lambda u: (self.users[u].name, u)))

    def _members(self, departments: Iterable[int], role: str) -> set[int]:
        by_seat = self._holders.get(role, {})
        return {user for one in departments for seat in self.ancestors(one) for user in by_seat.get(seat, ())}

    def staff(self, department: int) -> tuple[int, ...]:
        """Everyone who belongs to a department or below it, by name."""
        return tuple(sorted(self._staff((department,)), key=lambda u: (self.users[u].name, u)))

    def administrators(self) -> tuple[int, ...]:
        """Everyone who looks after the whole site."""
        return tuple(self._holders.get(ADMINISTRATOR, {}).get(None, ()))

    # policies, settings, words

    def choice(self, policy: str, department: int | None = None) -> str:
        """The choice that holds: the department's, that of the nearest above it, the site's, or the default."""
        seat = self._decided(policy, department)
        return self.registry.policies[policy].default if seat is None else self._choices[policy, seat[0]]

    def choice_before(self, policy: str, department: int | None = None) -> str:
        """The choice that held before the present one was made."""
        declared = self.registry.policies[policy]
        seat = self._decided(policy, department)
        before = self._choices_before.get((policy, seat[0])) if seat else None
        return before if before is not None and before in declared.choices else declared.default

    def _decided(self, policy: str, department: int | None) -> tuple[int | None] | None:
        """Where the choice that holds was made, as (department or None for the site,); None when nowhere."""
        choices = self.registry.policies[policy].choices
        for seat in (*self.ancestors(department), None):
            if self._choices.get((policy, seat)) in choices:
                return (seat,)
        return None

    def setting(self, name: str, department: int | None = None) -> Any:
        """The value that holds: the department's, that of the nearest above it, the site's, or the default."""
        for seat in (*self.ancestors(department), None):
            if (name, seat) in self._settings:
                return self._settings[name, seat]
        return self.registry.settings[name].default

    def chosen(self, policy: str) -> Mapping[int | None, str]:
        """Where a policy was decided, and how; None stands for the whole site."""
        return {seat: choice for (name, seat), choice in self._choices.items() if name == policy}

    def set_to(self, setting: str) -> Mapping[int | None, Any]:
        """Where a setting was set, and to what; None stands for the whole site."""
        return {seat: value for (name, seat), value in self._settings.items() if name == setting}

    def word(self, kind: str, key: str, language: str) -> str | None:
        """The site's own word for a thing in a language, where it has one."""
        return self._words.get((kind, key, language))
