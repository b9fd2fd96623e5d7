"""Numbers of records: gap-free per series and period, taken in the transaction of the record that gets them.

A series is the pattern with everything but the counter filled in, so the counter restarts when the rest of the number
changes. The counter row is locked from here to the commit: one upsert, so that the first number of a new series is
safe too, and a rollback gives the number back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Table, Text, select

from core import patterns, settings
from core.errors import Fault, Problem, Refused
from core.messages import _
from core.storage import RECORD, Base, Id, dialect_insert

if TYPE_CHECKING:
    from core.audit import Origin
    from core.directory import Directory
    from core.patterns import Part, Pattern
    from core.records import RecordType
    from core.storage import Record


class Counter(Base):
    """The last number given in each series."""

    __table__ = Table(
        "counter", Base.metadata,
        Column("series", Text, primary_key=True),
        Column("value", Id, nullable=False),
    )


COUNTER = Base.metadata.tables["counter"]
_HERE = "{counter}"
WORD = "number"
"""The kind of word in the directory under which a site keeps its own pattern of a type."""


def pattern_of(rt: RecordType, directory: Directory | None = None) -> Pattern:
    """The pattern that holds for a type on this site; a type without numbering has an empty one."""
    if rt.numbering is None:
        return _parsed("")
    own = directory.word(WORD, rt.name, "") if directory is not None else None
    return _parsed(own or rt.numbering.pattern)


_parsed = lru_cache(maxsize=1024)(patterns.parse)


def faults(types: Iterable[RecordType], directory: Directory | None = None) -> Iterator[Fault]:
    """What is wrong with the number patterns of a site: each by itself, and pairs that could make the same number."""
    every = tuple(types)
    own = {rt.name: pattern_of(rt, directory).text for rt in every if rt.numbering is not None}
    for rt in every:
        yield from patterns.faults(rt, own.get(rt.name))
    yield from patterns.overlaps(every, own)


def locked_fields(rt: RecordType, directory: Directory | None = None) -> tuple[str, ...]:
    """The fields that stand in the number of a type and may not change once it is given; `department` may be among them."""
    return pattern_of(rt, directory).fields


def set_pattern(connection: Connection, directory: Directory, origin: Origin, rt: RecordType, text: str | None, *, reason: str) -> None:
    """Let a site make the numbers of a type after its own pattern; None goes back to the declared one.

    Refused with every fault at once, overlaps with other types included. Numbers that were given stay as they are.
    """
    types = directory.registry.types
    own = {name: pattern_of(one, directory).text for name, one in types.items() if one.numbering is not None}
    declared = rt.numbering.pattern if rt.numbering else ""
    wanted = declared if text is None else text.strip()
    found = list(patterns.faults(rt, wanted)) if rt.numbering else [Fault("number-none", rt.name, _("Records of this kind have no numbers."))]
    if not found:
        known = set(patterns.overlaps(types.values(), own))
        found = [fault for fault in patterns.overlaps(types.values(), own | {rt.name: wanted}) if fault not in known]
    problems = [Problem("pattern", fault.what, fault.hint, fault.code) for fault in found] + settings.reason_problems(reason)
    if problems:
        raise Refused(problems)
    settings.put_word(connection, origin, (WORD, rt.name, ""), None if text is None else wanted, reason)


def next_number(connection: Connection, rt: RecordType, record: Record, directory: Directory, today: date) -> str:
    """The next number of a record; Refused when a field of it is empty, the series is full or the number too long."""
    pattern = pattern_of(rt, directory)
    before, after = _around(connection, rt, record, pattern, directory, today)
    if not pattern.counters:
        return _checked(before)
    series = f"{rt.name}:{before}{_HERE}{after}"
    while True:
        value = take(connection, series)
        counted = pattern.count(value)
        if pattern.width and len(counted) > pattern.width:
            raise Refused([Problem(
                "number", _("The series {series} is full: its counter has {width} digits.", series=f"{before}…{after}", width=pattern.width),
                _("Have an administrator widen the counter of this number, then try again."), "number-full",
            )])
        number = _checked(f"{before}{counted}{after}")
        if not (rt.numbering and rt.numbering.typed) or not is_taken(connection, rt, number):
            return number


def take(connection: Connection, series: str) -> int:
    """Count one on in a series and hold it until the transaction ends."""
    upsert = dialect_insert(connection, COUNTER).values(series=series, value=1)
    counted = upsert.on_conflict_do_update(index_elements=["series"], set_={"value": COUNTER.c.value + 1}).returning(COUNTER.c.value)
    return int(connection.execute(counted).scalar_one())


def typed_number(connection: Connection, rt: RecordType, text: str) -> str:
    """A number that a person typed, tidied; Refused when it is empty, too long, unreadable or taken."""
    number = _checked(" ".join(text.split()))
    if any(not character.isprintable() for character in number):
        raise Refused([Problem("number", _("The number holds characters that cannot be printed."), _("Type it again by hand."), "number-characters")])
    if is_taken(connection, rt, number):
        raise Refused([Problem("number", _("The number {number} is taken.", number=number), _("Type another one."), "number-taken")])
    return number


def is_taken(connection: Connection, rt: RecordType, number: str) -> bool:
    """Whether a record of this type has the number already."""
    found = select(RECORD.c.id).where(RECORD.c.type == rt.name, RECORD.c.number == number).limit(1)
    return connection.execute(found).first() is not None


def _checked(number: str) -> str:
    if not number:
        raise Refused([Problem("number", _("The number is empty."), _("Fill in the fields it is made of."), "number-empty")])
    if len(number) > patterns.LONGEST:
        raise Refused([Problem(
            "number", _("The number {number} is longer than {limit} characters.", number=f"{number[:40]}…", limit=patterns.LONGEST),
            _("Shorten the fields it is made of."), "number-too-long",
        )])
    return number


def _around(
    connection: Connection, rt: RecordType, record: Record, pattern: Pattern, directory: Directory, today: date,
) -> tuple[str, str]:
    """What stands before and after the counter."""
    references = {part.name: record.values.get(part.name) for part in pattern.parts if part.kind == "number"}
    numbers = _numbers(connection, {one for one in references.values() if one is not None})
    values: Mapping[str, Callable[[Part], Any]] = {
        "today": lambda _part: today,
        "field": lambda part: record.values.get(part.name),
        "number": lambda part: numbers.get(references[part.name]),
        "code": lambda part: _code(directory, record.values.get(part.name)),
        "department": lambda _part: _code(directory, record.department),
    }
    sides, at, problems = ["", ""], 0, []
    for part in pattern.parts:
        if part.kind == "text":
            sides[at] += part.name
        elif part.kind == "counter":
            at = 1
        else:
            value = values[part.kind](part)
            if value is None or value == "":
                problems.append(_missing(rt, part))
            else:
                sides[at] += patterns.shown(part, rt.fields.get(part.name), value)
    if problems:
        raise Refused(problems)
    return sides[0], sides[1]


def _missing(rt: RecordType, part: Part) -> Problem:
    kind = rt.fields.get(part.name)
    if part.kind == "department" or kind is None:
        return Problem("department", _("The record has no department, but its number needs one."), _("Say for which department it is."), "number-field")
    if part.kind == "number":
        what = _("“{label}” has no number yet, but the number of this record needs it.", label=kind.label)
        return Problem(part.name, what, _("Submit that record first."), "number-field")
    return Problem(part.name, _("“{label}” is empty, but the number needs it.", label=kind.label), _("Fill it in."), "number-field")


def _code(directory: Directory, department: object) -> str | None:
    found = directory.departments.get(department) if isinstance(department, int) else None
    return found.code if found else None


def _numbers(connection: Connection, ids: Iterable[int]) -> dict[object, str | None]:
    wanted = tuple(ids)
    if not wanted:
        return {}
    return {row.id: row.number for row in connection.execute(select(RECORD.c.id, RECORD.c.number).where(RECORD.c.id.in_(wanted)))}
