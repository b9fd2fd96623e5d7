"""Values on their way into a record: kinds, who may write what now, conditions, references, uniqueness, numbers, titles."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core import numbering
from core.errors import Invalid, Problem
from core.fields import Computed, Field, Lines, Name
from core.messages import _
from core.records import RecordType, Section
from core.storage import Record, Row
from core.storage.store import make_rows
from core.workflow import when_holds

if TYPE_CHECKING:
    from core.service.work import Work

SEVERAL = ("references", "users", "departments", "photos", "attachments")


def put(record: Record, values: Mapping[str, Any], *, accepted: bool = False) -> list[Problem]:
    """Put values into a record that is being made or changed; what their kinds refuse comes back as problems."""
    problems: list[Problem] = []
    for name, value in values.items():
        kind = record.type.fields.get(name)
        if kind is None:
            problems.append(Problem(name, _("There is no field {name}.", name=name), code="unknown_field"))
            continue
        if isinstance(kind, Computed):
            problems.append(Problem(name, _("This is worked out by the system."), _("Leave it out."), "read_only"))
            continue
        try:
            given = value if accepted else _accept(kind, value)
        except Invalid as error:
            problems.append(error.at(f"/{name}"))
            continue
        if isinstance(kind, Lines):
            problems += _put_rows(record, name, kind, given or ())
        else:
            record.values[name] = given
    return problems


def _accept(kind: Field, value: Any) -> Any:
    if value is None:
        return kind.load(None)
    return kind.accept(value)


def _put_rows(record: Record, name: str, kind: Lines, rows: Iterable[Any]) -> list[Problem]:
    old = {row.id: row for row in record.values.get(name) or ()}
    given = [{"id": row.id} | row.values if isinstance(row, Row) else row for row in rows]
    seen: set[int] = set()
    problems: list[Problem] = []
    for index, row in enumerate(given):
        identity = row.get("id")
        if identity is not None and (identity not in old or identity in seen):
            problems.append(Problem(f"/{name}/{index}/id", _("This row does not belong here."), _("Leave id out for a new row."), "foreign_row"))
        seen.add(identity or 0)
    if kind.rows is not None:
        fixed = len([row for row in old.values() if row.position <= len(old)])
        if fixed and not set(old) <= seen:
            problems.append(Problem(name, _("The rows of this table cannot be taken out."), code="fixed_rows"))
    if not problems:
        record.values[name] = make_rows(given, kind.stored_columns, record, old)
    return problems


def changed(record: Record, old: Record | None) -> tuple[str, ...]:
    """The fields, and for Lines also the columns as `lines.column`, that differ from `old`."""
    found: list[str] = []
    for name, kind in record.type.fields.items():
        if isinstance(kind, Lines):
            found += _changed_lines(name, kind, record.values.get(name) or (), (old.values.get(name) if old else None) or ())
        elif not kind.same(record.values.get(name), old.values.get(name) if old else None):
            found.append(name)
    return tuple(found)


def _changed_lines(name: str, kind: Lines, new: tuple[Row, ...], old: tuple[Row, ...]) -> list[str]:
    before = {row.id: row for row in old}
    found = [name] if [row.id for row in new] != [row.id for row in old] else []
    for column, inner in kind.columns.items():
        pairs = ((row.values.get(column), before[row.id].values.get(column) if row.id in before else None) for row in new)
        if any(not inner.same(a, b) for a, b in pairs):
            found.append(f"{name}.{column}")
    return found


def empty(record: Record, names: Iterable[str]) -> None:
    """Empty these fields, and columns as `lines.column`."""
    for name in names:
        head, _dot, column = name.partition(".")
        if column:
            kind = record.type.lines[head].columns[column]
            for row in record.values.get(head) or ():
                row.values[column] = kind.load(None)
        else:
            record.values[head] = () if head in record.type.lines else record.type.fields[head].load(None)


# Who may write what now


def writable(work: Work, rt: RecordType, record: Record | None, department: int | None = None, step: str | None = None) -> frozenset[str]:
    """The fields, and columns as `lines.column`, that the actor may write now; `step` is a creating step."""
    if rt.is_register:
        open_sections = list(rt.all_sections.values())
        if record is not None and not work.access.may_create_in(rt, record.department):
            return frozenset()
        if record is not None and record.state != "active":
            return frozenset()
    elif record is None and step is not None:
        open_sections = [s for s in rt.all_sections.values() if not s.states and s.locked_by in (None, step)]
    else:
        state = record.state if record else (rt.initial or "")
        open_sections = [s for s in rt.all_sections.values() if state in rt.states_of(s) and _fills(work, rt, s, record, state)]
    names = {name for section in open_sections for name in section.fields}
    names |= _free_columns(rt, names)
    names = {name for name in names if _may_hold(rt, name) and (name not in rt.by_steps or rt.is_register)}
    if record is not None and record.number is not None:
        names -= set(numbering.locked_fields(rt, work.directory))
    return frozenset(names - work.access.hidden(rt, record, department))


def with_columns(rt: RecordType, names: Iterable[str]) -> frozenset[str]:
    """The names that a step fills, and of each table every column that people fill."""
    named = frozenset(names)
    return named | {one for name in named if name in rt.lines for column in rt.lines[name].columns if _may_hold(rt, one := f"{name}.{column}")}


def _free_columns(rt: RecordType, names: set[str]) -> set[str]:
    """The columns that go with their Lines field: those which no section names by themselves."""
    return {f"{n}.{c}" for n in names if n in rt.lines for c in rt.lines[n].columns if f"{n}.{c}" not in rt.section_of}


def _may_hold(rt: RecordType, name: str) -> bool:
    kind = rt.kind_of(name)
    return kind is not None and not kind.effects_only and not isinstance(kind, Computed)


def _fills(work: Work, rt: RecordType, section: Section, record: Record | None, state: str) -> bool:
    if section.filled_by is not None:
        return work.access.counts(rt, section.filled_by, None, record)
    if section.locked_by and state != "draft":
        return work.access.counts(rt, rt.steps[section.locked_by].by, section.locked_by, record)
    if record is None or record.created_by == work.actor:
        return True
    return rt.drafts == "department" and work.access.may_create_in(rt, record.department)


def may_write(rt: RecordType, names: Iterable[str], open_names: frozenset[str]) -> Iterator[Problem]:
    """A problem for each changed name that is not open."""
    for name in names:
        kind = rt.kind_of(name)
        if name in open_names or isinstance(kind, Computed):
            continue
        head = name.partition(".")[0]
        label = kind.label if kind is not None and kind.label else name
        yield Problem(head, _("“{label}” cannot be changed now.", label=label), _("It is locked, not yours to fill, or filled by a step."), "locked")


# Conditions


def is_there(work: Work, record: Record, kind: Field | Section, row: Row | None = None) -> bool:
    """Whether `when` of a field, column or section holds for these values."""
    when = kind.when
    if when is None:
        return True
    if callable(when):
        return bool(work.ask(when, record if row is None else row))
    values = record.values if row is None else {**record.values, **row.values}
    return when_holds(when, values, lambda name: work.policy(name, record))


def applies(work: Work, record: Record, name: str, row: Row | None = None) -> bool:
    """Whether a field, or of a row a column as `lines.column`, is there: its own `when` and that of its section hold."""
    rt = record.type
    kind, key = rt.kind_of(name), rt.section_of.get(name)
    if kind is None or (key is not None and not is_there(work, record, rt.all_sections[key])):
        return False
    return is_there(work, record, kind, row)


def empty_absent(work: Work, record: Record) -> list[Problem]:
    """Empty the values whose `when`, or whose section's, no longer holds; each is announced as a warning."""
    told: list[Problem] = []
    for name, kind in conditional(record.type).items():
        head, _dot, column = name.partition(".")
        if not column:
            if not kind.empty(record.values.get(name)) and not applies(work, record, name):
                record.values[name] = kind.load(None) if not isinstance(kind, Lines) else ()
                told.append(_emptied(name, kind))
            continue
        for index, row in enumerate(record.values.get(head) or ()):
            if not kind.empty(row.values.get(column)) and not applies(work, record, name, row):
                row.values[column] = kind.load(None)
                told.append(_emptied(f"/{head}/{index}/{column}", kind))
    return told


@lru_cache(maxsize=1024)
def conditional(rt: RecordType) -> Mapping[str, Field]:
    """The fields, and columns as `lines.column`, that are not always there, worked out ones left out."""
    every = {name: kind for head in rt.fields for name in (head, *(f"{head}.{column}" for column in (rt.lines[head].columns if head in rt.lines else ())))
             if (kind := rt.kind_of(name)) is not None}
    return {
        name: kind for name, kind in every.items()
        if not isinstance(kind, Computed) and (kind.when is not None or (name in rt.section_of and rt.all_sections[rt.section_of[name]].when is not None))
    }


def _emptied(where: str, kind: Field) -> Problem:
    return Problem(where, _("“{label}” does not apply any more and was emptied.", label=kind.label), code="emptied", level="warns")


def always_missing(work: Work, record: Record) -> Iterator[Problem]:
    """A problem for each field that is required already in a draft and is empty."""
    for name, kind in record.type.fields.items():
        if kind.required == "always" and kind.empty(record.values.get(name)) and applies(work, record, name):
            yield Problem(name, _("“{label}” is missing.", label=kind.label), _("Fill it in."), "required")


def missing(work: Work, record: Record, names: Iterable[str]) -> Iterator[Problem]:
    """A problem for each required field or column among the names that is empty."""
    rt = record.type
    for name in names:
        head, _dot, column = name.partition(".")
        kind = rt.fields[head]
        if column:
            yield from _missing_column(work, record, head, column, rt.lines[head].columns[column])
            continue
        if not applies(work, record, name):
            continue
        if kind.required and kind.empty(record.values.get(name)):
            yield Problem(name, _("“{label}” is missing.", label=kind.label), _("Fill it in."), "required")
        if isinstance(kind, Lines):
            for inner_name, inner in kind.columns.items():
                if f"{name}.{inner_name}" not in rt.section_of and f"{name}.{inner_name}" not in rt.by_steps:
                    yield from _missing_column(work, record, name, inner_name, inner)


def _missing_column(work: Work, record: Record, name: str, column: str, kind: Field) -> Iterator[Problem]:
    if not kind.required:
        return
    for index, row in enumerate(record.values.get(name) or ()):
        if kind.empty(row.values.get(column)) and applies(work, record, f"{name}.{column}", row):
            yield Problem(f"/{name}/{index}/{column}", _("Row {number}: “{label}” is missing.", number=index + 1, label=kind.label), _("Fill it in."),
                          "required")


# References


def pointers(record: Record, only: Iterable[str] | None = None) -> Iterator[tuple[str, Field, int]]:
    """(place, kind, id) of everything that a record points at; `only` fields or `lines.column`."""
    rt = record.type
    wanted = None if only is None else set(only)
    for name, kind in rt.fields.items():
        if isinstance(kind, Lines):
            columns = [(c, k) for c, k in kind.columns.items() if _points(k) and (wanted is None or name in wanted or f"{name}.{c}" in wanted)]
            for index, row in enumerate(record.values.get(name) or () if columns else ()):
                for column, inner in columns:
                    yield from ((f"/{name}/{index}/{column}", inner, id) for id in _ids(row.values.get(column)))
        elif _points(kind) and (wanted is None or name in wanted):
            yield from ((f"/{name}", kind, id) for id in _ids(record.values.get(name)))


def _points(kind: Field) -> bool:
    if isinstance(kind, Computed):
        kind = kind.value
    return kind.kind in ("reference", "any_record", "user", "department", *SEVERAL)


def _ids(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)


def bare(kind: Field) -> Field:
    """The kind itself, or the one that a Computed holds."""
    return kind.value if isinstance(kind, Computed) else kind


def reference_problems(work: Work, record: Record, only: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with the things that the named fields point at: not there, not for the actor, not of the right kind."""
    found = [(place, kind, id) for place, kind, id in pointers(record, only) if not isinstance(kind, Computed)]
    wanted: dict[str, set[int]] = {}
    for _place, kind, id in found:
        if kind.kind in ("reference", "references", "any_record"):
            wanted.setdefault(getattr(kind, "to", ""), set()).add(id)
    known: dict[int, Record] = {}
    for to, ids in wanted.items():
        known |= work.peek(to, ids)
    for place, kind, id in found:
        if kind.kind in ("reference", "references", "any_record"):
            yield from _record_problems(work, record, place, kind, known.get(id))
        elif kind.kind in ("user", "users"):
            yield from _user_problems(work, record, place, kind, id)
        elif kind.kind in ("department", "departments"):
            yield from _department_problems(work, place, kind, id)


def _record_problems(work: Work, record: Record, place: str, kind: Any, target: Record | None) -> Iterator[Problem]:
    if target is None:
        yield Problem(place, _("This does not exist, or not for you."), _("Choose another one."), "reference")
        return
    if target.state in ("void", "inactive") and not getattr(kind, "states", ()):
        yield Problem(place, _("“{title}” is out of use.", title=target.number or target.title), _("Choose another one."), "reference_state")
    states = getattr(kind, "states", ())
    if target.state == "draft" and not states:
        yield Problem(place, _("“{title}” is still a draft.", title=target.title), _("Submit it first, or choose another one."), "reference_state")
    if states and target.state not in states:
        label = target.type.states[target.state].label
        yield Problem(place, _("“{title}” is in the state “{state}”.", title=target.number or target.title, state=label),
                      _("Choose one that is ready for this."), "reference_state")
    where = getattr(kind, "where", None)
    fits = True if where is None else work.ask(where, record, target) if callable(where) else when_holds(where, target.values)
    if not fits:
        yield Problem(place, _("“{title}” is not of the kind that is wanted here.", title=target.number or target.title), _("Choose another one."),
                      "reference_where")


def _user_problems(work: Work, record: Record, place: str, kind: Any, id: int) -> Iterator[Problem]:
    user = work.directory.users.get(id)
    if user is None or not user.is_active:
        yield Problem(place, _("There is no such user, or they have left."), _("Choose somebody else."), "user")
        return
    seat = record.values.get(kind.of) if kind.of else record.department
    if kind.role and not work.directory.holds(id, kind.role, seat):
        role = work.registry.roles[kind.role].label if kind.role in work.registry.roles else kind.role
        yield Problem(place, _("{name} does not hold the role “{role}” here.", name=user.name, role=role),
                      _("Choose somebody who does, or have the role given."), "user_role")
    if callable(kind.where) and not work.ask(kind.where, record, user):
        yield Problem(place, _("{name} cannot stand here.", name=user.name), _("Choose somebody else."), "user_where")


def _department_problems(work: Work, place: str, kind: Any, id: int) -> Iterator[Problem]:
    department = work.directory.departments.get(id)
    if department is None or not department.is_active:
        yield Problem(place, _("There is no such department any more."), _("Choose another one."), "department")
    elif kind.function and id not in set(work.directory.bound(kind.function)):
        function = work.registry.functions[kind.function].label if kind.function in work.registry.functions else kind.function
        yield Problem(
            place, _("{name} does not carry out “{function}”.", name=department.name, function=function),
            _("Choose another one, or have the function bound to it on the page “Functions”."), "department_function",
        )


# Choices whose options a site sets


def option_problems(work: Work, record: Record, only: Iterable[str]) -> Iterator[Problem]:
    """A problem for each named choice that is not, or no longer, among the options that the site has set."""
    wanted = set(only)
    for name, kind in record.type.fields.items():
        if isinstance(kind, Lines):
            for column, inner in kind.columns.items():
                if f"{name}.{column}" in wanted and isinstance(getattr(inner, "options", None), str):
                    for index, row in enumerate(record.values.get(name) or ()):
                        yield from _not_offered(work, f"/{name}/{index}/{column}", inner, row.values.get(column))
        elif name in wanted and isinstance(getattr(kind, "options", None), str):
            yield from _not_offered(work, f"/{name}", kind, record.values.get(name))


def _not_offered(work: Work, place: str, kind: Any, value: Any) -> Iterator[Problem]:
    offered = work.options(kind)
    for one in value if isinstance(value, tuple) else () if value is None else (value,):
        if one not in offered:
            yield Problem(place, _("“{given}” is not one of the choices.", given=one), ", ".join(offered), "choice")


# Uniqueness


def unique_problems(work: Work, record: Record, old: Record | None) -> Iterator[Problem]:
    """A problem for each unique group that another record in force holds already."""
    touched = set(changed(record, old)) if old is not None and old.state not in ("draft", "") else None
    tables = work.tables(record.type)
    for group in record.type.unique:
        if touched is not None and not touched & set(group):
            continue
        values = {name: record.department if name == "department" else record.values.get(name) for name in group}
        if any(value is None for value in values.values()):
            continue
        main = tables.main.c
        columns = {name: main["department_id" if name == "department" else name] for name in group}
        statement = select(main.number, main.title).where(
            main.id != record.id, main.state.not_in(("draft", "void", "superseded")), *(columns[name] == value for name, value in values.items()))
        other = work.connection.execute(statement.limit(1)).first()
        if other is not None:
            labels = [record.type.fields[name].label if name in record.type.fields else _("Department") for name in group]
            yield Problem(
                group[0], _("{other} exists already for the same {fields}.", other=other.number or other.title, fields=_join(work, labels)),
                _("Open that one, or change what is the same."), "unique",
            )


def _join(work: Work, labels: Iterable[str]) -> str:
    return ", ".join(work.text(label) for label in labels)


# Titles


def title_of(work: Work, record: Record) -> str:
    """The title in the site's language, from the type's pattern; at most 200 characters."""
    rt = record.type
    if not rt.title:
        named = [str(record.values[n]) for n, k in rt.fields.items() if k.kind == "text" and not k.personal and record.values.get(n)]
        return (named[0] if named else work.site_text(rt.label))[:200]
    parts: list[str] = []
    for literal, name, spec, _conversion in string.Formatter().parse(rt.title):
        parts.append(literal)
        if name:
            parts.append(_title_part(work, record, name, spec or ""))
    return " ".join("".join(parts).split())[:200]


def _title_part(work: Work, record: Record, name: str, spec: str) -> str:
    if name == "department":
        department = work.directory.departments.get(record.department or 0)
        return department.name if department else ""
    if name in ("number", "created_at"):
        value = record.read(name)
        return format(value, spec) if value is not None else ""
    head, _dot, part = name.partition(".")
    value, kind = record.values.get(head), bare(record.type.fields[head])
    if value is None:
        return ""
    if spec and isinstance(value, date):
        return value.strftime(spec)
    if kind.kind in ("reference", "any_record"):
        target = work.peek(getattr(kind, "to", ""), {value}).get(value)
        return "" if target is None else (target.number or "") if part in ("number", "code") else target.title or target.number or ""
    return kind.text(value, work.site_reading)


def names_in(work: Work, ids: Iterable[int]) -> dict[int, Name]:
    """The names of users and departments among the ids."""
    found: dict[int, Name] = {}
    for id in ids:
        user, department = work.directory.users.get(id), work.directory.departments.get(id)
        if user is not None:
            found[id] = Name(id, "core.user", user.username, user.name)
        elif department is not None:
            found[id] = Name(id, "core.department", department.code, department.name)
    return found
