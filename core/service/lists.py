"""Reading many records: pages by keyset, counts with a cap, finding by value, heads, look-ups for people who type."""

from __future__ import annotations

import json
import operator as comparison
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from core.audit import Event
from core.errors import Invalid, Problem, Refused
from core.fields import Field, Lines, Name
from core.messages import _
from core.records import RecordType
from core.service.shapes import Page, Query
from core.storage import READER, RECORD, Record, Tables
from core.storage.store import load_lines, record_from
from core.workflow import when_holds

if TYPE_CHECKING:
    from core.service.work import Work

COMPARISONS = {"eq": comparison.eq, "gte": comparison.ge, "lte": comparison.le, "gt": comparison.gt, "lt": comparison.lt}
OPERATORS = (*COMPARISONS, "in")
SORTS = ("due_at", "changed_at", "number")
MOST = 200


def sortable(rt: RecordType) -> tuple[str, ...]:
    """What a list of this type may be sorted by."""
    return (*SORTS, *filterable(rt))


def filterable(rt: RecordType) -> dict[str, Field]:
    """The fields by which lists can be filtered, without those of extensions that carry no index."""
    return {name: kind for name, kind in rt.fields.items() if kind.filters and not isinstance(kind, Lines)}


def page(work: Work, rt: RecordType, query: Query) -> Page:
    """One page: an index walk from the cursor, never an offset; nulls of the sorted field come last."""
    tables = work.tables(rt)
    limit = min(max(query.limit, 1), MOST)
    base = conditions(work, rt, query)
    name, descending = query.sort.lstrip("-"), query.sort.startswith("-")
    if name not in sortable(rt) or name in work.access.hidden(rt, None):
        raise Refused([Problem("sort", _("Lists cannot be sorted by {name}.", name=name), ", ".join(sortable(rt)), "sort")])
    keys = _keys(tables, name)
    place = _read_cursor(query.cursor, len(keys))
    found = _walk(work, tables, base, keys, descending, place, limit + 1)
    if len(found) <= limit and name not in ("due_at", "changed_at") and place[:1] != [None]:
        tail = [None, *[None] * (len(keys) - 1)]
        found += _walk(work, tables, base, keys, descending, tail, limit + 1 - len(found))
    records = [record_from(tables, row) for row in found[:limit]]
    load_lines(work.connection, tables, records, [n for n in query.lines if n in tables.lines])
    for record in records if not work.is_inside else ():
        work._peeked[record.id] = record
    next_place = _cursor(found[limit - 1], keys) if len(found) > limit else None
    return Page(records, next_place)


def _keys(tables: Tables, name: str) -> list[Any]:
    main = tables.main.c
    if name == "due_at":
        return [main.due_key, main.id]
    if name in ("changed_at", "number"):
        return [main[name], main.id]
    return [tables.columns[name], main.due_key, main.id]


def _walk(work: Work, tables: Tables, base: list[ColumnElement[bool]], keys: list[Any], descending: bool, place: list[Any], limit: int) -> list[Any]:
    """Rows after a place; a place that begins with None stands among the rows whose first key is null."""
    first, rest = keys[0], keys[1:]
    among_nulls = bool(place) and place[0] is None
    wanted: Select[Any] = tables.select_list.where(*base)
    if among_nulls:
        wanted = wanted.where(first.is_(None))
        keys, place = rest, [one for one in place[1:] if one is not None]
    elif first.name not in ("due_key", "changed_at"):
        wanted = wanted.where(first.is_not(None))
    if place:
        here: Any = tuple_(*keys)
        wanted = wanted.where(here < tuple(place) if descending else here > tuple(place))
    order = [key.desc() if descending else key for key in keys]
    return list(work.connection.execute(wanted.order_by(*order).limit(limit)))


def _cursor(row: Any, keys: list[Any]) -> str:
    values = [row._mapping[key] for key in keys]
    return urlsafe_b64encode(json.dumps([_plain(value) for value in values]).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"m": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    return {"n": str(value)} if isinstance(value, Decimal) else value


def _read_cursor(text: str, length: int) -> list[Any]:
    if not text:
        return []
    try:
        given = json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        place = [_value(one) for one in given]
        if len(place) != length or not isinstance(place[-1], int):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        raise Refused([Problem("cursor", _("This is no place in a list."), _("Take it from the answer before, unchanged."), "cursor")]) from None
    return place


def _value(one: Any) -> Any:
    if isinstance(one, dict):
        (kind, text), = one.items()
        if kind == "m":
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError
            return moment
        return date.fromisoformat(text) if kind == "d" else Decimal(text)
    if isinstance(one, str | int | bool | None):
        if (isinstance(one, int) and not -(2**63) < one < 2**63) or (isinstance(one, str) and ("\x00" in one or _is_poison(one))):
            raise ValueError
        return one
    raise ValueError


def _is_poison(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


# Conditions


def conditions(work: Work, rt: RecordType, query: Query) -> list[ColumnElement[bool]]:
    """What a record must be to stand in the list: readable for the actor, and as the query wants."""
    tables = work.tables(rt)
    main = tables.main.c
    found = _readable(work, rt, tables)
    if query.states:
        unknown = [state for state in query.states if state not in rt.states]
        if unknown:
            raise Refused([Problem("state", _("There is no state “{name}”.", name=unknown[0]), ", ".join(rt.states), "state")])
        found.append(main.state == query.states[0] if len(query.states) == 1 else main.state.in_(query.states))
    if query.department is not None:
        found.append(main.department_id.in_(sorted(work.directory.subtree(query.department) or {query.department})))
    if query.overdue:
        found.append(main.due_key < work.now)
    if query.q.strip():
        text = query.q.strip()[:100]
        found.append(or_(main.number.istartswith(text, autoescape=True), main.title.icontains(text, autoescape=True)))
    hidden = work.access.hidden(rt, None)
    allowed = filterable(rt)
    for name, wanted in query.filters.items():
        if name not in allowed or name in hidden:
            raise Refused([Problem(f"filter[{name}]", _("Lists cannot be filtered by {name}.", name=name), ", ".join(n for n in allowed if n not in hidden),
                                   "filter")])
        found += [_compare(tables.columns[name], operator, value) for operator, value in wanted.items()]
    for name in (*query.filters, query.sort.lstrip("-")):
        # Order and finds tell a value too: a field that is there in some departments alone leads to their records alone.
        scope = work.access.sees(rt, name)
        if not scope.everything:
            found.append(main.department_id.in_(sorted(scope.departments)))
    return found


def _compare(column: Any, operator: str, value: Any) -> ColumnElement[bool]:
    if operator not in OPERATORS:
        raise Refused([Problem("filter", _("There is no comparison “{name}”.", name=operator), ", ".join(OPERATORS), "filter")])
    if value is None:
        return column.is_(None)  # type: ignore[no-any-return]
    if operator == "in":
        return column.in_(list(value))  # type: ignore[no-any-return]
    if isinstance(value, bool) and operator != "eq":
        raise Refused([Problem("filter", _("Yes and no have no order."), _("Filter by one of them."), "filter")])
    found: ColumnElement[bool] = COMPARISONS[operator](column, value)
    return found


def _readable(work: Work, rt: RecordType, tables: Tables) -> list[ColumnElement[bool]]:
    if work.is_inside or work.is_machine:
        return []
    main = tables.main.c
    scope = work.access.scope(rt)
    if scope.everything and rt.is_register:
        return []
    by_role: list[ColumnElement[bool]] = []
    open_draft = or_(main.state != "draft", main.number.is_not(None)) if rt.drafts == "author" and rt.initial == "draft" else None
    if scope.everything:
        by_role = [open_draft] if open_draft is not None else []
        if not by_role:
            return []
    elif scope.departments:
        inside = main.department_id.in_(sorted(scope.departments))
        by_role = [and_(inside, open_draft) if open_draft is not None else inside]
    own = main.created_by == work.actor
    if scope.everything:
        return [or_(*by_role, own)]
    named = main.id.in_(select(READER.c.record_id).where(READER.c.holder_id.in_(work.holders)))
    return [or_(*by_role, own, and_(named, open_draft) if open_draft is not None else named)]


def count(work: Work, rt: RecordType, query: Query, cap: int) -> int:
    """How many records the query finds, counted no further than `cap` + 1."""
    tables = work.tables(rt)
    inner = select(tables.main.c.id).select_from(tables.source).where(*conditions(work, rt, query)).limit(cap + 1).subquery()
    return work.connection.scalar(select(func.count()).select_from(inner)) or 0


def counts(work: Work, rt: RecordType, queries: Iterable[Query], cap: int) -> list[int]:
    """The same for several queries, in one statement."""
    tables = work.tables(rt)
    every = [
        select(func.count()).select_from(
            select(tables.main.c.id).select_from(tables.source).where(*conditions(work, rt, query)).limit(cap + 1).correlate(None).subquery(),
        ).scalar_subquery()
        for query in queries
    ]
    return [int(found or 0) for found in work.connection.execute(select(*every)).one()] if every else []


# Finding


def find(work: Work, rt: RecordType, equals: Mapping[str, Any]) -> list[Record]:
    """Records with these values, oldest first, with their lines; drafts and void ones only where `state` asks for them."""
    tables = work.tables(rt)
    wanted = tables.select_list
    for name, value in equals.items():
        column = _find_column(tables, name)
        if isinstance(value, (tuple, list, set, frozenset)):
            wanted = wanted.where(column.in_(list(value)))
        else:
            wanted = wanted.where(column.is_(None) if value is None else column == value)
    if "state" not in equals:
        wanted = wanted.where(tables.main.c.state.not_in(("draft", "void", "superseded")))
    rows = work.connection.execute(wanted.order_by(tables.main.c.id)).all()
    records = [work._known.get(row[0]) or record_from(tables, row) for row in rows]
    fresh = [record for record in records if record.id not in work._known]
    load_lines(work.connection, tables, fresh)
    for record in fresh:
        work._compute_live(record)
        work._known[record.id] = record
    return records


def _find_column(tables: Tables, name: str) -> Any:
    if name == "department":
        return tables.main.c.department_id
    if name in tables.columns:
        return tables.columns[name]
    return tables.main.c[name]


def heads(work: Work, to: str, ids: Iterable[int]) -> list[Record]:
    """Records without their lines: of one type from its own table, of any type from the index table."""
    wanted = list(ids)
    if not wanted:
        return []
    if to:
        if to not in work.registry.types:
            return []
        tables = work.tables(work.registry.types[to])
        return [record_from(tables, row) for row in work.connection.execute(tables.select_list.where(tables.main.c.id.in_(wanted)))]
    names = ("id", "type", "number", "title", "state", "department_id", "created_by", "changed_at", "version", "revision", "due_at")
    rows = work.connection.execute(select(*(RECORD.c[name] for name in names)).where(RECORD.c.id.in_(wanted)))
    return [
        Record(
            work.registry.types[row.type], row.id, {}, state=row.state, department=row.department_id, created_by=row.created_by, created_at=row.changed_at,
            changed_at=row.changed_at, number=row.number, title=row.title, version=row.version, revision=row.revision, due_at=row.due_at,
        )
        for row in rows if row.type in work.registry.types
    ]


# For people who type


def look_up(work: Work, kind: Field, text: str) -> int | None:
    """The one thing that has this code, number or full name; Invalid where several have it."""
    names = suggest(work, kind, text, 50)
    exact = [one for one in names if text.casefold() in ((one.number or "").casefold(), one.title.casefold(), str(one).casefold())]
    by_number = [one for one in exact if (one.number or "").casefold() == text.casefold()]
    best = by_number or exact
    if len(best) > 1:
        raise Invalid(_("Several things are called “{text}”.", text=text[:60]), _("Give the code or the number."), "ambiguous")
    return best[0].id if best else None


def suggest(work: Work, kind: Field, text: str, limit: int) -> list[Name]:
    """What a field could hold whose code, number or name holds the text; those that begin with it first."""
    wanted = text.strip().casefold()[:100]
    if "\x00" in wanted:  # nothing that is kept holds one, and PostgreSQL refuses to look
        return []
    if kind.kind in ("user", "users"):
        people = [Name(u.id, "core.user", u.username, u.name) for u in work.directory.users.values() if u.is_active and _holds(work, kind, u.id)]
        return _best(people, wanted, limit)
    if kind.kind in ("department", "departments"):
        function = getattr(kind, "function", "")
        bound = set(work.directory.bound(function)) if function else None
        places = [Name(d.id, "core.department", d.code,
                       d.name) for d in work.directory.departments.values() if d.is_active and (bound is None or d.id in bound)]
        return _best(places, wanted, limit)
    if kind.kind in ("reference", "references"):
        return _suggest_records(work, kind, wanted, limit)
    return _suggest_any(work, wanted, limit)


def _holds(work: Work, kind: Any, user: int) -> bool:
    return not kind.role or bool(work.directory.departments_with(user, kind.role))


def _best(names: Iterable[Name], wanted: str, limit: int) -> list[Name]:
    found = [one for one in names if wanted in (one.number or "").casefold() or wanted in one.title.casefold()]
    found.sort(key=lambda one: (not (one.number or "").casefold().startswith(wanted) and not one.title.casefold().startswith(wanted), one.number or "",
                                one.title))
    return found[:limit]


def _suggest_records(work: Work, kind: Any, wanted: str, limit: int) -> list[Name]:
    rt = work.registry.types.get(kind.to)
    if rt is None:
        return []
    tables = work.tables(rt)
    main = tables.main.c
    states = kind.states or tuple(name for name in rt.states if name not in ("draft", "void", "inactive", "superseded"))
    statement = tables.select_list.where(*_readable(work, rt, tables), main.state.in_(states))
    if wanted:
        statement = statement.where(or_(main.number.icontains(wanted, autoescape=True), main.title.icontains(wanted, autoescape=True)))
    records = [record_from(tables, row) for row in work.connection.execute(statement.order_by(main.number, main.id).limit(200))]
    if isinstance(kind.where, Mapping):
        records = [record for record in records if when_holds(kind.where, record.values)]
    if not work.is_inside:
        work._peeked |= {record.id: record for record in records}
    return _best((Name(r.id, rt.name, r.number, r.title, unit=str(r.values.get("unit") or "")) for r in records), wanted, limit)


def _suggest_any(work: Work, wanted: str, limit: int) -> list[Name]:
    if not wanted:
        return []
    matches = RECORD.c.number.istartswith(wanted, autoescape=True)
    ids = list(work.connection.scalars(select(RECORD.c.id).where(matches, RECORD.c.state.not_in(("draft", "void"))).order_by(RECORD.c.number).limit(100)))
    return _best((Name(r.id, r.type.name, r.number, r.title) for r in work.peek("", ids).values()), wanted, limit)


def without(event: Event, hidden: Iterable[str]) -> Event:
    """A row of the trail without the changes of fields, and columns as `lines.column`, that its reader may not see."""
    names = set(hidden)
    columns = {name: frozenset(h.partition(".")[2] for h in names if h.startswith(f"{name}.")) for name in event.changes}
    changes = {name: _rows_without(pair, columns[name]) for name, pair in event.changes.items() if name not in names}
    return replace(event, changes=changes)


def _rows_without(change: Any, columns: frozenset[str]) -> Any:
    """What happened to the rows of a table, without some of its columns."""
    if not columns or not isinstance(change, dict):
        return change
    found = dict(change)
    for part in ("added", "removed"):
        if part in found:
            found[part] = [{name: value for name, value in row.items() if name not in columns} for row in found[part]]
    if "changed" in found:
        found["changed"] = [{**row, "changes": {n: pair for n, pair in row["changes"].items() if n not in columns}} for row in found["changed"]]
    return found
