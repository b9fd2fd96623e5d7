"""Who may what: create, read, take a step, see a field. Pure look-ups in the directory; the door enforces the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from core.directory import ADMINISTRATOR, ALL, EMPLOYEE, NOWHERE, Directory, Scope
from core.errors import Who
from core.workflow import By, Choice, Named, Policy, Transition, each_by

if TYPE_CHECKING:
    from core.records import RecordType, Section
    from core.registry import Registry
    from core.storage import Record

Taken = Mapping[str, int | Collection[int]]
"""Step → who took it last: the user, or everyone whose doing it was (principal and substitute)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One way of being the right person: a role or function that counts in a department, or being named."""

    role: str
    department: int | None
    users: frozenset[int] | None = None


class Access:
    """What one user may do on a site, by the declarations of the registry and the seats of the directory."""

    def __init__(self, registry: Registry, directory: Directory, user_id: int | None) -> None:
        self.registry = registry
        self.directory = directory
        self.user_id = user_id

    @property
    def is_administrator(self) -> bool:
        """Whether the user looks after the whole site."""
        return self.user_id is not None and self.user_id in self.directory.administrators()

    @property
    def is_employee(self) -> bool:
        """Whether the user belongs anywhere."""
        return self.directory.holds(self.user_id, EMPLOYEE)

    # policies

    def choice(self, policy: Policy, step: str | None, rt: RecordType, department: int | None, state: str | None) -> Choice:
        """The choice that holds for a step of a record.

        A record found in a state that the present choice passes over keeps an earlier one until it has left it.
        """
        chosen = policy.choices[self.directory.choice(policy.name, department)]
        if step in chosen.skips and state in rt.steps[step].sources:
            before = policy.choices[self.directory.choice_before(policy.name, department)]
            return next((one for one in (before, *policy.choices.values()) if step not in one.skips), chosen)
        return chosen

    def leaves_out(self, rt: RecordType, step: str, department: int | None) -> bool:
        """Whether a policy leaves a step (or `create`) out in a department."""
        return any(
            step in policy.choices[self.directory.choice(policy.name, department)].without for policy in rt.all_policies.values()
        )

    # who

    def grants(self, rt: RecordType, by: By | None, step: str | None, record: Record | None, department: int | None = None) -> tuple[Grant, ...]:
        """What a `by` comes to for a record: policies chosen, names read from the form."""
        seat = record.department if record is not None else department
        state = record.state if record is not None else None
        found: list[Grant] = []
        for one in each_by(by):
            policy = one if isinstance(one, Policy) else self.registry.policies.get(one) if isinstance(one, str) else None
            if isinstance(one, Named):
                found += self._named(rt, one, record)
            elif policy is not None:
                found += (Grant(role, seat) for role in self.choice(policy, step, rt, seat, state).roles_of(step))
            elif isinstance(one, str) and (one in self.registry.roles or one in self.registry.functions):
                found.append(Grant(one, seat))
        return tuple(dict.fromkeys(found))

    def _named(self, rt: RecordType, named: Named, record: Record | None) -> Iterator[Grant]:
        if record is None:
            return
        ids = tuple(ids_in(record, named.field))
        kind = rt.kind_of(named.field)
        if kind is None or kind.kind in ("user", "users"):
            holders = (i for i in ids if named.role is None or self.directory.holds(i, named.role, record.department))
            yield Grant(named.role or "", record.department, frozenset(holders))
        else:
            for department in ids:
                staff = frozenset(self.directory.staff(department)) if named.role is None else None
                yield Grant(named.role or EMPLOYEE, department, staff)

    def counts(self, rt: RecordType, by: By | None, step: str | None, record: Record | None, department: int | None = None) -> bool:
        """Whether the user is one of those whom a `by` means."""
        return any(self.matches(grant) for grant in self.grants(rt, by, step, record, department))

    def matches(self, grant: Grant) -> bool:
        """Whether the user is the right person by this grant."""
        if grant.users is not None:
            user = self.directory.users.get(self.user_id or 0)
            return user is not None and user.is_active and user.id in grant.users
        return self.directory.holds(self.user_id, grant.role, grant.department)

    # create

    def may_create(self, rt: RecordType, step: str | None = None) -> tuple[int, ...]:
        """The user's own departments in which they hold the creating role, in reading order.

        Somebody who holds it in the whole site and belongs nowhere creates for any department.
        """
        user = self.directory.users.get(self.user_id or 0)
        if user is None or not user.is_active:
            return ()
        return tuple(d for d in self._homes(user.departments) if self._creates_from(rt, step, d))

    def may_create_in(self, rt: RecordType, department: int | None, step: str | None = None) -> bool:
        """Whether the creating role counts for the user in a department, also by the site or by a function."""
        if department is not None and department not in self.directory.departments:
            return False
        return any(
            self.counts(rt, by, name, None, department) and not self._no_birth(rt, name, department)
            for name, by in creators(rt, step)
        )

    def _homes(self, own: Iterable[int]) -> Iterator[int]:
        active = [d for d in own if self.directory.departments[d].is_active]
        yield from active or (d.id for d in self.directory.departments.values() if d.is_active)

    def _creates_from(self, rt: RecordType, step: str | None, department: int) -> bool:
        for name, by in creators(rt, step):
            if self._no_birth(rt, name, department):
                continue
            if any(self._sits(grant.role, department) for grant in self.grants(rt, by, name, None, department)):
                return True
        return False

    def _no_birth(self, rt: RecordType, step: str | None, department: int | None) -> bool:
        born_by = step in rt.creating_steps and self.leaves_out(rt, step or "", department)
        return born_by or self.leaves_out(rt, "create", department)

    def _sits(self, role: str, department: int) -> bool:
        """Whether the user was given the role in this very department, or in the whole site."""
        if role in self.registry.functions:
            return any(department in self.directory.subtree(one) for one in self.directory.bound(role)) and (
                department in self.directory.seats(self.user_id, EMPLOYEE)
            )
        seats = self.directory.seats(self.user_id, role)
        return department in seats or None in seats

    # read

    def scope(self, rt: RecordType) -> Scope:
        """The departments whose records of a type the user may read; drafts and reader rows are the door's to add."""
        if self.user_id is None:
            return NOWHERE
        if self.is_administrator or (rt.is_register and not rt.may_read and self.is_employee):
            return ALL
        scope = self.directory.departments_with(self.user_id, ADMINISTRATOR)
        for role in rt.may_read or rt.roles:
            scope = scope | self.directory.departments_with(self.user_id, role)
        return scope

    def reads_all(self, rt: RecordType) -> bool:
        """Whether every record of a type may be read."""
        return self.scope(rt).everything

    def may_read(self, rt: RecordType, record: Record) -> bool:
        """Whether a record may be read by role or as its author; who stands in its reader rows may as well."""
        if record.created_by == self.user_id and self.user_id is not None:
            return True
        return not is_private(rt, record) and record.department in self.scope(rt)

    def hidden(self, rt: RecordType, record: Record | None, department: int | None = None) -> frozenset[str]:
        """The fields, and columns as `lines.column`, whose values do not exist for this user."""
        return frozenset(name for name, by in restricted(rt).items() if not self.counts(rt, by, None, record, department))

    def sees(self, rt: RecordType, name: str) -> Scope:
        """The departments in whose records a field is there for the user; where `read_by` says nothing, all of them."""
        by = restricted(rt).get(name)
        if by is None:
            return ALL
        scope = NOWHERE
        for role in each_by(by):
            scope = scope | self.directory.departments_with(self.user_id, str(role))
        return scope

    # steps

    def may_take(self, rt: RecordType, step_name: str, record: Record, taken: Taken | None = None) -> bool:
        """Whether the step is the user's to take: role, policy, and not one who must be another."""
        step = step_of(rt, step_name)
        if step is None or self.leaves_out(rt, step_name, record.department):
            return False
        if not self.counts(rt, step.by, step_name, record):
            return False
        return self.user_id not in self.excluded(rt, step_name, record, taken or {})

    def excluded(self, rt: RecordType, step_name: str, record: Record, taken: Taken) -> frozenset[int]:
        """The users whom `other_than` keeps from a step: who took those steps last, who is named in those fields."""
        step = step_of(rt, step_name)
        found: set[int] = set()
        for other in step.others if step else ():
            if other in rt.steps:
                last = taken.get(other, ())
                found.update((last,) if isinstance(last, int) else last)
            else:
                found.update(ids_in(record, other))
        return frozenset(found)

    def who(self, rt: RecordType, step_name: str, record: Record, taken: Taken | None = None) -> tuple[Who, ...]:
        """Who could take a step: role, department, and the names of those who hold it; nobody is left out for being none."""
        step = step_of(rt, step_name)
        if step is None or self.leaves_out(rt, step_name, record.department):
            return ()
        not_they = self.excluded(rt, step_name, record, taken or {})
        return tuple(who for grant in self.grants(rt, step.by, step_name, record) for who in self._people(grant, not_they))

    def _people(self, grant: Grant, not_they: frozenset[int]) -> Iterator[Who]:
        if grant.users is not None:
            yield Who(grant.role, grant.department, self._names(grant.users - not_they))
            return
        declared = self.registry.roles.get(grant.role)
        function = declared.function if declared else None
        everyone = self.directory.holders(grant.role, grant.department)
        served: set[int] = set()
        for one in self.directory.function(function, grant.department) if function else ():
            here = {u for u in everyone if any(s in self.directory.ancestors(one) for s in self.directory.seats(u, grant.role))}
            if here - not_they:
                yield Who(grant.role, one, self._names(here - not_they))
            served |= here
        rest = set(everyone) - served - not_they
        if rest or not served - not_they:
            yield Who(grant.role, grant.department, self._names(rest))

    def _names(self, users: Iterable[int]) -> tuple[str, ...]:
        known = (self.directory.users[u] for u in users if u in self.directory.users)
        return tuple(sorted(user.name for user in known if user.is_active))

    def unbound(self, rt: RecordType, step_name: str, record: Record) -> tuple[str, ...]:
        """The functions that a step needs and no department carries out for the record's department."""
        step = step_of(rt, step_name)
        found: list[str] = []
        for grant in self.grants(rt, step.by, step_name, record) if step else ():
            declared = self.registry.roles.get(grant.role)
            function = declared.function if declared else grant.role if grant.role in self.registry.functions else None
            if function and grant.users is None and not self.directory.function(function, grant.department):
                found.append(function)
        return tuple(dict.fromkeys(found))

    # reader rows

    def readers_of(self, rt: RecordType, record: Record, actors: Iterable[int] = ()) -> frozenset[int]:
        """Users and departments that read a record without a role: who acted, who is named, departments it shows itself to."""
        found = {*actors, record.created_by} if record.created_by is not None else set(actors)
        for name in naming_fields(rt):
            found.update(ids_in(record, name))
        return frozenset(found)


@lru_cache(maxsize=1024)
def naming_fields(rt: RecordType) -> tuple[str, ...]:
    """The fields and columns whose users and departments may read the record for being named there."""
    pointed = {one.field for step in rt.steps.values() for one in each_by(step.by) if isinstance(one, Named)}
    return tuple(
        name for name, kind in every_field(rt)
        if kind.kind in ("user", "users") or (kind.kind in ("department", "departments") and (getattr(kind, "sees", False) or name in pointed))
    )


@lru_cache(maxsize=1024)
def restricted(rt: RecordType) -> Mapping[str, By]:
    """Field or `lines.column` → who alone may see it; the narrower of field and section wins."""
    found: dict[str, By] = {}
    sections: Mapping[str, Section] = rt.all_sections
    for name, kind in every_field(rt):
        head = name.partition(".")[0]
        section = sections.get(rt.section_of.get(name, rt.section_of.get(head, "")))
        by = kind.read_by or (section.read_by if section else ())
        if by:
            found[name] = by
    return found


def every_field(rt: RecordType) -> Iterator[tuple[str, Any]]:
    """Every field and every column (as `lines.column`) with its kind."""
    for name, kind in rt.fields.items():
        yield name, kind
        if name in rt.lines:
            yield from ((f"{name}.{column}", one) for column, one in rt.lines[name].columns.items())


def creators(rt: RecordType, step: str | None = None) -> tuple[tuple[str | None, By], ...]:
    """Who may create, as (step, by): the creating steps' own, what the type says, or who takes a step out of draft."""
    born = rt.creating_steps
    if born:
        return tuple((name, one.by) for name, one in born.items() if step in (None, name))
    if rt.may_create or rt.workflow is None:
        return ((None, rt.may_create),)
    return tuple((name, one.by) for name, one in rt.workflow.out_of(rt.initial or "draft").items())


def step_of(rt: RecordType, name: str) -> Transition | None:
    """A step by its name, the void step included."""
    return rt.steps.get(name) or (rt.void_step if name == "void" else None)


def is_private(rt: RecordType, record: Record) -> bool:
    """Whether a record is a draft that its author alone may read; one that was sent back has a number and is not."""
    return record.state == "draft" and rt.drafts == "author" and record.number is None


def ids_in(record: Record, name: str) -> Iterator[int]:
    """The ids that stand in a field, or in a column of every row when given as `lines.column`."""
    head, _dot, column = name.partition(".")
    value = record.values.get(head)
    values = [row.values.get(column) for row in value or ()] if column else [value]
    for one in values:
        yield from one if isinstance(one, (tuple, list)) else () if one is None else (one,)
