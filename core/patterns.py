"""Number patterns such as `MP-{plan_month:%Y%m}-{counter:02d}`: what they may say, and which could make the same number."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from core.errors import Fault
from core.messages import _

if TYPE_CHECKING:
    from core.fields import Field
    from core.records import RecordType

LONGEST: Final = 120
"""Characters of a number."""

_DIRECTIVES: Final[Mapping[str, int]] = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "j": 3, "G": 4, "V": 2, "u": 1}
_DATES: Final = frozenset({"date", "month"})
_PLAIN: Final = frozenset({"text", "integer", "year", "week", "choice", "time"})
_SPEC: Final = re.compile(r"(?:[^%{}]|%[" + "".join(_DIRECTIVES) + "])+")
_COUNTER: Final = re.compile(r"(?:0?([1-9]))?d?")

Shape = tuple[str, int | None]
"""A stretch of a number as the overlap check sees it: the characters allowed (`""` for any) and how many (None: one or more)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a pattern: text, `counter`, `today`, `department`, `field`, `number` (of a reference) or `code` (of a department)."""

    kind: str
    name: str
    spec: str = ""


@dataclass(frozen=True)
class Pattern:
    """A pattern, taken apart. `parse` makes it; what is wrong with it is said by `faults`."""

    text: str
    parts: tuple[Part, ...]

    @cached_property
    def counters(self) -> tuple[Part, ...]:
        """The places of the counter: one, or none where the fields alone make the number."""
        return tuple(part for part in self.parts if part.kind == "counter")

    @cached_property
    def width(self) -> int:
        """The digits that the counter has; 0 where it may have any."""
        found = _COUNTER.fullmatch(self.counters[0].spec) if self.counters else None
        return int(found[1]) if found and found[1] else 0

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields that stand in it: locked once the number is given. The department counts as one."""
        named = [part for part in self.parts if part.kind in ("field", "number", "code", "department")]
        return tuple(dict.fromkeys("department" if part.kind == "department" else part.name for part in named))

    def count(self, number: int) -> str:
        """The counter as it stands in the number."""
        return f"{number:0{self.width}d}" if self.width else str(number)


def parse(text: str) -> Pattern:
    """Take a pattern apart; ValueError when its braces do not match."""
    parts: list[Part] = []
    for literal, name, spec, conversion in string.Formatter().parse(text):
        if literal:
            parts.append(Part("text", literal))
        if name is not None:
            if conversion:
                raise ValueError(f"!{conversion}")
            parts.append(_part(name, spec or ""))
    return Pattern(text, tuple(parts))


def _part(name: str, spec: str) -> Part:
    head, dot, tail = name.partition(".")
    if name in ("counter", "today"):
        return Part(name, name, spec)
    if name == "department.code":
        return Part("department", name, spec)
    if dot and tail in ("number", "code"):
        return Part(tail, head, spec)
    return Part("field", name, spec)


def shown(part: Part, kind: Field | None, value: Any) -> str:
    """The text of a field or of today in a number."""
    if part.spec and isinstance(value, date):
        return value.strftime(part.spec)
    if part.spec and isinstance(value, int):
        return format(value, part.spec)
    dumped = kind.dump(value) if kind is not None else value
    return str(dumped)


# Faults


def faults(rt: RecordType, text: str | None = None) -> Iterator[Fault]:
    """What is wrong with the number pattern of a type, or with the one that a site wants to put in its place."""
    if rt.numbering is None:
        return
    place = f"{rt.name}.numbering"
    try:
        pattern = parse(rt.numbering.pattern if text is None else text)
    except ValueError:
        yield Fault("number-broken", place, _("The pattern “{pattern}” cannot be read.", pattern=text or rt.numbering.pattern),
                    _("Each brace needs its partner: {example}.", example="MP-{today:%Y%m}-{counter:02d}"))
        return
    for part in pattern.parts:
        if part.kind != "text":
            yield from (Fault(code, place, what, hint) for code, what, hint in _part_faults(rt, part))
    yield from (Fault(code, place, what, hint) for code, what, hint in _counter_faults(rt, pattern))


Told = tuple[str, str, str]


def _part_faults(rt: RecordType, part: Part) -> Iterator[Told]:
    if part.kind == "counter":
        if not _COUNTER.fullmatch(part.spec):
            yield "number-format", _("“{spec}” is no width of a counter.", spec=part.spec), _("Write {example} for two digits.", example="{counter:02d}")
    elif part.kind == "today":
        yield from _date_faults("today", part.spec)
    elif part.kind != "department":
        yield from _field_faults(rt, part)
    elif part.spec:
        yield "number-format", _("A code takes no format."), _("Write {example}.", example="{department.code}")


def _date_faults(name: str, spec: str) -> Iterator[Told]:
    if not _SPEC.fullmatch(spec):
        yield "number-format", _("“{name}” needs a date format in a number.", name=name), _("Write {example}.", example=f"{{{name}:%Y%m}}")


def _field_faults(rt: RecordType, part: Part) -> Iterator[Told]:
    kind = rt.fields.get(part.name)
    if kind is None:
        yield "number-unknown", _("The form has no field “{name}”.", name=part.name), _("Name a required field of the form, today, department.code or counter.")
        return
    if not kind.required or kind.when is not None:
        yield "number-optional", _("“{name}” stands in the number but may be empty.", name=part.name), _("Say required=True and leave out when=.")
    if kind.personal or kind.read_by:
        yield "number-private", _("“{name}” is not for everyone, a number is.", name=part.name), _("Take another field for the number.")
    wanted = {"number": "reference", "code": "department"}.get(part.kind)
    if wanted is not None:
        if kind.kind != wanted:
            yield "number-kind", _("“{name}” has no {part} of its own.", name=part.name, part=part.kind), _("Name a Reference or Department field.")
    elif kind.kind in _DATES:
        yield from _date_faults(part.name, part.spec)
    elif kind.kind not in _PLAIN:
        yield "number-kind", _("A field of this kind cannot stand in a number: “{name}”.", name=part.name), _(
            "For a reference write {number}, for a department {code}.", number=f"{{{part.name}.number}}", code=f"{{{part.name}.code}}")
    elif part.spec and not (kind.kind in ("integer", "year") and _COUNTER.fullmatch(part.spec)):
        yield "number-format", _("“{name}” takes no such format.", name=part.name), _("Write {example}.", example=f"{{{part.name}}}")


def _counter_faults(rt: RecordType, pattern: Pattern) -> Iterator[Told]:
    if len(pattern.counters) > 1:
        yield "number-counters", _("The pattern counts twice."), _("Keep one {counter}.", counter="{counter}")
    elif not pattern.counters and not any(set(group) <= set(pattern.fields) for group in rt.unique):
        yield "number-no-counter", _("Nothing in the pattern “{pattern}” tells two records apart.", pattern=pattern.text), _(
            "Add {counter}, or declare its fields as unique.", counter="{counter}")


# Overlap


def overlaps(types: Iterable[RecordType], own: Mapping[str, str] | None = None) -> Iterator[Fault]:
    """Pairs of types whose counted patterns could make the same number; `own` are the site's patterns by type."""
    counted: dict[str, Pattern] = {}
    every = {rt.name: rt for rt in types}
    for rt in every.values():
        if rt.numbering is not None and not rt.numbering.typed:
            try:
                pattern = parse((own or {}).get(rt.name, rt.numbering.pattern))
            except ValueError:
                continue
            if pattern.counters:
                counted[rt.name] = pattern
    shapes = {name: tuple(_shape(pattern, every[name], every, counted, 0)) for name, pattern in counted.items()}
    for one, other in combinations(shapes, 2):
        if _meet(shapes[one], shapes[other]):
            yield Fault(
                "number-overlap", f"{other}.numbering",
                _("“{pattern}” and “{other}” of {type} could make the same number.", pattern=counted[other].text, other=counted[one].text, type=one),
                _("Begin one of them with letters of its own."),
            )


def _shape(
    pattern: Pattern, rt: RecordType, types: Mapping[str, RecordType], counted: Mapping[str, Pattern], depth: int,
) -> Iterator[Shape]:
    for part in pattern.parts:
        kind = rt.fields.get(part.name)
        if part.kind == "text":
            yield from ((character, 1) for character in part.name)
        elif part.kind == "counter":
            yield string.digits, pattern.width or None
        elif part.kind == "today" or (kind is not None and kind.kind in _DATES):
            yield from _date_shape(part.spec)
        elif kind is not None and kind.kind in ("integer", "year"):
            yield string.digits + "-", None
        elif kind is not None and kind.kind == "week":
            yield from ((string.digits, 4), ("-", 1), ("W", 1), (string.digits, 2))
        elif part.kind == "number" and depth < 4 and getattr(kind, "to", None) in counted:
            to = str(getattr(kind, "to", ""))
            yield from _shape(counted[to], types[to], types, counted, depth + 1)
        else:
            yield "", None


def _date_shape(spec: str) -> Iterator[Shape]:
    at = 0
    while at < len(spec):
        if spec[at] == "%" and at + 1 < len(spec):
            yield string.digits, _DIRECTIVES.get(spec[at + 1], 2)
            at += 2
        else:
            yield spec[at], 1
            at += 1


def _meet(one: tuple[Shape, ...], other: tuple[Shape, ...]) -> bool:
    """Whether a text exists that both could make: a walk over the pairs of places that can be reached together."""
    left, right = _places(one), _places(other)
    seen, open_pairs = {(0, 0)}, [(0, 0)]
    while open_pairs:
        i, j = open_pairs.pop()
        if i == len(left) and j == len(right):
            return True
        if i == len(left) or j == len(right) or not _share(left[i][0], right[j][0]):
            continue
        for pair in ((a, b) for a in _next(left, i) for b in _next(right, j)):
            if pair not in seen:
                seen.add(pair)
                open_pairs.append(pair)
    return False


def _places(shapes: tuple[Shape, ...]) -> list[tuple[str, bool]]:
    """One place per character; True where it may repeat."""
    return [(characters, count is None) for characters, count in shapes for _n in range(count or 1)]


def _next(places: list[tuple[str, bool]], at: int) -> tuple[int, ...]:
    return (at, at + 1) if places[at][1] else (at + 1,)


def _share(one: str, other: str) -> bool:
    return not one or not other or not set(one).isdisjoint(other)
