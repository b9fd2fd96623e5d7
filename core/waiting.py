"""Which records wait for a user, and which are theirs: the statements behind the inbox and the counts in the menus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, exists, false, func, or_, select, union_all

from core.access import Access
from core.audit import TRAIL
from core.directory import NOWHERE, Directory, Scope
from core.fields import Name
from core.records import RecordType
from core.storage import READER, RECORD, Database, Record
from core.storage.store import record_from
from core.workflow import Named, Transition, each_by

_COLUMNS = ("id", "type", "number", "title", "state", "department_id", "created_by", "changed_at", "due_at")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the index table, as inboxes show it."""

    id: int
    type: str
    number: str | None
    title: str
    state: str
    department: int | None
    created_by: int | None
    changed_at: datetime
    due_at: datetime | None
    steps: tuple[str, ...] = ()
    """The steps that are the reader's to take; empty where that was not asked."""


@dataclass(frozen=True, slots=True)
class Own:
    """A step that may be the user's: where by a role, and whether the form may name them for it."""

    step: str
    scope: Scope
    is_named: bool


@dataclass(frozen=True)
class Reach:
    """Where the steps of a user are: (type, state) → the steps out of it that may be theirs."""

    steps: Mapping[tuple[str, str], tuple[Own, ...]] = field(default_factory=dict)
    statements: dict[int, Select[Any] | None] = field(default_factory=dict, compare=False)
    """The statement that finds what waits, by its limit, made once."""

    @cached_property
    def by_role(self) -> Mapping[tuple[str, str], Scope]:
        """Where any step out of a state may be taken by a role."""
        found: dict[tuple[str, str], Scope] = {}
        for place, steps in self.steps.items():
            scope = NOWHERE
            for own in steps:
                scope = scope | own.scope
            if scope:
                found[place] = scope
        return found

    @cached_property
    def by_name(self) -> frozenset[tuple[str, str]]:
        """Where a step is for somebody whom the form names."""
        return frozenset(place for place, steps in self.steps.items() if any(own.is_named for own in steps))

    def step_of(self, row: Waiting) -> tuple[str, ...]:
        """The steps that lead the user to a row, by role or by name."""
        return tuple(own.step for own in self.steps.get((row.type, row.state), ()) if own.is_named or row.department in own.scope)


_reaches: WeakKeyDictionary[Directory, dict[int, Reach]] = WeakKeyDictionary()


def reach(access: Access) -> Reach:
    """The reach of a user, worked out once for each state of the directory."""
    if access.user_id is None:
        return Reach()
    known = _reaches.setdefault(access.directory, {})
    if access.user_id not in known:
        known[access.user_id] = _reach(access)
    return known[access.user_id]


def _reach(access: Access) -> Reach:
    steps: dict[tuple[str, str], tuple[Own, ...]] = {}
    for rt in access.registry.types.values():
        for name, step in rt.steps.items() if rt.workflow is not None else ():
            is_named = any(isinstance(one, Named) for one in each_by(step.by))
            for state in step.sources:
                scope = _scope(access, rt, name, step, state)
                if scope or is_named:
                    steps[rt.name, state] = (*steps.get((rt.name, state), ()), Own(name, scope, is_named))
    return Reach(steps)


def _scope(access: Access, rt: RecordType, name: str, step: Transition, state: str) -> Scope:
    """The departments in which the user may take a step by a role."""
    members = each_by(step.by)
    if not members or all(isinstance(one, Named) for one in members):
        return NOWHERE
    roles = [one for one in members if isinstance(one, str)]
    if len(roles) == len(members) and not rt.all_policies:
        scope = NOWHERE
        for role in roles:
            scope = scope | access.directory.departments_with(access.user_id, role)
        return scope
    found = frozenset(d for d in (*access.directory.departments, None) if _counts(access, rt, name, step, state, d))
    everywhere = None in found and len(found) == len(access.directory.departments) + 1
    return Scope(everywhere, frozenset(d for d in found if d is not None))


def _counts(access: Access, rt: RecordType, name: str, step: Transition, state: str, department: int | None) -> bool:
    blank = cast(Record, SimpleNamespace(department=department, state=state, values={}))
    return not access.leaves_out(rt, name, department) and access.counts(rt, step.by, name, blank)


def waiting_for(connection: Connection, database: Database, access: Access, limit: int) -> tuple[Waiting, ...]:
    """What the user may move on, nearest deadline first; those not theirs after all (another must do it) left out."""
    there = reach(access)
    if limit not in there.statements:
        there.statements[limit] = _statement(there, access, limit)
    wanted = there.statements[limit]
    if wanted is None:
        return ()
    rows = list({row.id: Waiting(*row[:-1]) for row in connection.execute(wanted)}.values())[:limit]
    return tuple(_theirs(connection, database, access, there, rows))


def _statement(there: Reach, access: Access, limit: int) -> Select[Any] | None:
    conditions = list(_by_role(there)) + list(_by_name(there, access))
    if not conditions:
        return None
    every = union_all(*(select(_nearest(condition, limit)) for condition in conditions)).subquery()
    return select(every).order_by(every.c.due_key, every.c.id).limit(limit + len(there.by_name))


def _nearest(condition: ColumnElement[bool], limit: int) -> Subquery:
    """The nearest rows of one type and state: an index walk, however many records there are."""
    columns = (RECORD.c[name] for name in (*_COLUMNS, "due_key"))
    return select(*columns).where(condition).order_by(RECORD.c.due_key, RECORD.c.id).limit(limit).subquery()


def _rows(connection: Connection, wanted: Select[Any]) -> list[Waiting]:
    return [Waiting(*row) for row in connection.execute(wanted)]


def _by_role(there: Reach) -> Iterator[ColumnElement[bool]]:
    for (type_name, state), scope in there.by_role.items():
        condition = _place(type_name, state)
        yield condition if scope.everything else and_(condition, RECORD.c.department_id.in_(sorted(scope.departments)))


def _by_name(there: Reach, access: Access) -> Iterator[ColumnElement[bool]]:
    if not there.by_name:
        return
    user = access.directory.users.get(access.user_id or 0)
    holders = [access.user_id, *(d for own in (user.departments if user else ()) for d in access.directory.ancestors(own))]
    read = exists().where(READER.c.record_id == RECORD.c.id, READER.c.holder_id.in_(holders))
    yield from (and_(_place(type_name, state), read) for type_name, state in sorted(there.by_name))


def _place(type_name: str, state: str) -> ColumnElement[bool]:
    """One type and state; a draft counts once it has a number (it was sent back)."""
    place = and_(RECORD.c.type == type_name, RECORD.c.state == state)
    return and_(place, RECORD.c.number.is_not(None)) if state == "draft" else place


def _theirs(connection: Connection, database: Database, access: Access, there: Reach, rows: list[Waiting]) -> Iterator[Waiting]:
    """The rows whose steps are really the user's: what a field names, and who must be another, is read from the record."""
    doubtful = {row.id: row for row in rows if _is_doubtful(access, there, row)}
    records = load_many(connection, database, access, doubtful.values())
    taken = _taken(connection, records.values())
    for row in rows:
        steps = there.step_of(row)
        if row.id in doubtful:
            record = records.get(row.id)
            steps = tuple(step for step in steps if record is not None and access.may_take(record.type, step, record, taken.get(row.id, {})))
        if steps:
            yield replace(row, steps=steps)


def _is_doubtful(access: Access, there: Reach, row: Waiting) -> bool:
    if (row.type, row.state) in there.by_name:
        return row.department not in there.by_role.get((row.type, row.state), NOWHERE)
    rt = access.registry.types[row.type]
    return any(step.others for step in rt.steps.values() if row.state in step.sources)


def _taken(connection: Connection, records: Iterable[Record]) -> dict[int, dict[str, tuple[int, ...]]]:
    """For each record, who took the steps that an `other_than` names, each at its last time."""
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    watched = {record.id: _watched(record.type) for record in records}
    steps = {step for names in watched.values() for step in names}
    if not steps:
        return found
    t = TRAIL.c
    last = select(func.max(t.id)).where(t.record_id.in_([id for id, names in watched.items() if names]), t.step.in_(steps)).group_by(t.record_id, t.step)
    for row in connection.execute(select(t.record_id, t.step, t.actor_id, t.for_id).where(t.id.in_(last))):
        found.setdefault(row.record_id, {})[row.step] = tuple(one for one in (row.actor_id, row.for_id) if one is not None)
    return found


def _watched(rt: RecordType) -> frozenset[str]:
    """The steps that keep their taker from another step."""
    return frozenset(other for step in rt.steps.values() for other in step.others if other in rt.steps)


def load_many(connection: Connection, database: Database, access: Access, rows: Iterable[Waiting]) -> dict[int, Record]:
    """Whole records without their lines, one statement for each type."""
    by_type: dict[str, list[int]] = {}
    for row in rows:
        by_type.setdefault(row.type, []).append(row.id)
    found: dict[int, Record] = {}
    for name, ids in by_type.items():
        tables = database.tables(access.registry.types[name])
        for found_row in connection.execute(tables.select_list.where(tables.main.c.id.in_(ids))):
            record = record_from(tables, found_row)
            found[record.id] = record
    return found


def own_open(connection: Connection, access: Access, limit: int) -> tuple[Waiting, ...]:
    """What the user started and has not ended, latest change first; drafts without a number left out."""
    ended = _ended(access)
    wanted = (
        select(*(RECORD.c[name] for name in _COLUMNS)).where(RECORD.c.created_by == access.user_id, RECORD.c.number.is_not(None), ended)
        .order_by(RECORD.c.changed_at.desc(), RECORD.c.id.desc()).limit(limit)
    )
    return tuple(_rows(connection, wanted))


def _ended(access: Access) -> ColumnElement[bool]:
    """That a record's type has a workflow and its state is not an end of it."""
    finals: dict[frozenset[str], list[str]] = {}
    for rt in access.registry.types.values():
        if rt.workflow is not None:
            finals.setdefault(frozenset(name for name, state in rt.states.items() if state.final), []).append(rt.name)
    open_ = [and_(RECORD.c.type.in_(names), RECORD.c.state.not_in(sorted(states))) for states, names in finals.items()]
    return or_(*open_) if open_ else false()


def own_drafts(connection: Connection, access: Access, limit: int) -> tuple[Waiting, ...]:
    """The user's drafts that have no number yet, latest change first."""
    wanted = (
        select(*(RECORD.c[name] for name in _COLUMNS))
        .where(RECORD.c.created_by == access.user_id, RECORD.c.state == "draft", RECORD.c.number.is_(None), RECORD.c.type.in_(list(access.registry.types)))
        .order_by(RECORD.c.changed_at.desc(), RECORD.c.id.desc()).limit(limit)
    )
    return tuple(_rows(connection, wanted))


def find_number(connection: Connection, access: Access, number: str) -> tuple[Name, ...]:
    """Records of enabled types with exactly this number; whether they may be read is for the door to say."""
    wanted = select(RECORD.c.id, RECORD.c.type, RECORD.c.number, RECORD.c.title).where(
        func.lower(RECORD.c.number) == number.lower(), RECORD.c.type.in_(list(access.registry.types)),
    )
    return tuple(Name(id=row.id, type=row.type, number=row.number, title=row.title) for row in connection.execute(wanted.limit(20)))
