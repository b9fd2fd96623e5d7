"""What every field kind is: a frozen description that answers for column, JSON, form, page, print and Excel cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, TypeAlias

from core.errors import Invalid
from core.messages import Message, _

Value: TypeAlias = Any
"""A value as rules see it; each kind's docstring says of which Python type."""

Told: TypeAlias = tuple[str, str, str]
"""A fault of a declaration without its place: code, what is wrong, how to mend it."""

WIDTHS: Final = (3, 4, 6, 8, 12)
LARGEST_ID: Final = 2**63 - 1

_BY_NAME = ("core.user", "core.department")
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_SPACES = {ord(c): " " for c in "\u00a0\u2007\u2009\u202f\u3000\t"}
_FULL_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)}


@dataclass(frozen=True, slots=True)
class Storage:
    """The column that a kind asks for, in words that no database owns."""

    kind: Literal["text", "integer", "id", "exact", "date", "moment", "boolean", "json"]
    length: int | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """How a record, user or department is called: what people read in place of an id."""

    id: int
    type: str = ""
    number: str | None = None
    title: str = ""
    unit: str = ""

    @property
    def short(self) -> str:
        """The number where there is one, else the title; users and departments go by their names."""
        return self.title if self.type in _BY_NAME else self.number or self.title

    def __str__(self) -> str:
        if not self.number or self.type in _BY_NAME or self.number in self.title:
            return self.title
        return f"{self.number} {self.title}".rstrip()


def _first_spelling(text: str) -> Collection[str]:
    return (text,)


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads or types: their language and zone, the names they may see, and how what they type is looked up.

    `look_up(field, text)` finds the reference, user or department with that code, number or name; it may raise
    `Invalid` where several have it. `spellings(label)` are the texts under which a label may be typed or pasted.
    `options(field)` gives the choices of a Choice whose options are a setting.
    """

    language: str = "en"
    translate: Callable[[str], str] = str
    names: Mapping[int, Name] = field(default_factory=lambda: MappingProxyType({}))
    zone: tzinfo = UTC
    look_up: Callable[[Field, str], int | None] | None = None
    spellings: Callable[[str], Collection[str]] = _first_spelling
    options: Callable[[Field], Mapping[str, str]] | None = None

    @property
    def separator(self) -> str:
        """What stands between the members of a list."""
        return "\u3001" if self.language.startswith("zh") else "; "

    def called(self, label: str) -> frozenset[str]:
        """Every text by which a label is known to this reader, in lower case."""
        return frozenset(one.casefold() for one in (label, self.translate(label), *self.spellings(label)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """A named value of a record. The label comes first, all else by name; say only what differs from the default.

    `required` counts at the step that locks or fills the field; with "always" in a draft already. `when`, `read_by`, `effects_only`, `personal` are read
    by the door. `min` and `max` bound the value (for texts and lists its length). `width` is twelfths of the form.
    """

    label: str = field(default=Message(""), kw_only=False)
    required: bool | Literal["always"] = False
    default: Any = None
    min: Any = None
    max: Any = None
    when: Any = None
    filter: bool | None = None
    personal: bool = False
    read_by: tuple[str, ...] = ()
    effects_only: bool = False
    help: str = ""
    width: int | None = None

    kind: ClassVar[str] = ""
    usual_width: ClassVar[int] = 4
    filters_itself: ClassVar[bool] = False
    is_list: ClassVar[bool] = False
    converts: ClassVar[bool] = False
    """Whether the column holds something else than the Python value: then `to_column` and `from_column` matter."""

    @property
    def widget(self) -> str:
        """The template macro that draws it."""
        return self.kind

    @property
    def span(self) -> int:
        """Its width on form and paper in twelfths."""
        return self.width or self.usual_width

    @property
    def filters(self) -> bool:
        """Whether lists can be filtered and sorted by it."""
        return self.filters_itself if self.filter is None else self.filter

    @property
    def storage(self) -> Storage | None:
        """The column it needs; None for none."""
        return None

    def load(self, raw: object) -> Value:
        """The value of a piece of JSON; strict. Raises `Invalid`."""
        return None if raw is None else self.accept(self.read(raw))

    def read(self, raw: object) -> Value:
        """The shape of `load`: JSON that is not null to a value not yet checked."""
        raise NotImplementedError

    def accept(self, value: Value) -> Value:
        """The value itself in its one form, checked for kind and bounds; what rules and effects give passes here too."""
        return value

    def dump(self, value: Value) -> Any:
        """The value as JSON."""
        return value

    def parse(self, given: object, reading: Reading) -> Value:
        """The value of what a person typed, pasted or had in an Excel cell; lenient in form, strict in sense."""
        if isinstance(given, str):
            given = tidy(given)
        return None if given is None or given == "" else self.accept(self.understand(given, reading))

    def understand(self, given: Any, reading: Reading) -> Value:
        """The sense of `parse`: a text without surrounding spaces, or an Excel value, that is not empty."""
        raise NotImplementedError

    def text(self, value: Value, reading: Reading) -> str:
        """The value for people and paper; empty is an empty text."""
        return "" if value is None else str(value)

    def suffix(self, values: Mapping[str, Value], reading: Reading) -> str:
        """The unit that stands in the heading or behind the figure, given the row or record it stands in."""
        return ""

    def cell(self, value: Value, reading: Reading) -> object:
        """The value of an Excel cell."""
        return self.text(value, reading) or None

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of a value that is not null."""
        raise NotImplementedError

    def described(self) -> dict[str, Any]:
        """`json_schema` with label and help, null allowed."""
        schema = self.json_schema()
        if self.label:
            schema = {"title": str(self.label), **schema}
        if self.help:
            schema["description"] = str(self.help)
        return nullable(schema)

    def same(self, a: Value, b: Value) -> bool:
        """Whether two values are one and the same once stored."""
        return bool(a == b)

    def empty(self, value: Value) -> bool:
        """Whether the value counts as missing."""
        return value is None or value == () or value == [] or value == ""

    def to_column(self, value: Value) -> Any:
        """The value as its column keeps it."""
        return value

    def from_column(self, stored: Any) -> Value:
        """The value that a column kept."""
        return stored

    def initial(self, work: Any) -> Value:
        """What a new record starts with: the default, `actor`, `today`, or what the function of `work` says."""
        if callable(self.default):
            return self.accept(self.default(work))
        return None if self.default is None else self.accept(self.default)

    def check(self) -> Iterator[Told]:
        """What is wrong with the declaration itself."""
        if self.width is not None and self.width not in WIDTHS:
            yield "F101", f"The width {self.width} is not one of 3, 4, 6, 8, 12.", "Leave width out to take the usual one."
        if self.min is not None and self.max is not None and self.min > self.max:
            yield "F102", f"The smallest value {self.min} is above the largest {self.max}.", "Swap min and max."
        if self.filters and (self.storage is None or self.storage.kind == "json"):
            yield "F103", "It has no column that lists could be filtered by.", "Take filter=True away."
        if self.default is not None and not callable(self.default) and self.default not in self.known_defaults():
            try:
                self.accept(self.default)
            except Invalid as error:
                yield "F104", f"The default is refused by the field itself: {error.what}", "Give a default of the field's kind."

    def known_defaults(self) -> tuple[str, ...]:
        """The words that `default` may hold besides a value."""
        return ()


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same JSON Schema with null allowed."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    changed = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        changed["enum"] = [*schema["enum"], None]
    return changed


def tidy(text: str) -> str:
    """A typed or pasted text without the invisible characters and outer spaces that come along from Excel and web pages."""
    return text.translate(_ZERO_WIDTH).replace("\u00a0", " ").strip()


def plain(text: str) -> str:
    """A typed figure in ASCII: full-width digits and signs made narrow, every kind of space made one."""
    return text.translate(_FULL_WIDTH).translate(_SPACES).replace("\u2212", "-").replace("\u3002", ".").strip()


def shown(given: object) -> str:
    """What was given, short and harmless enough to stand in a sentence."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufffe\uffff]", "\ufffd", str(given)[:41])
    return text if len(text) <= 40 else text[:40] + "…"


def at_least(value: Any, bound: Any, text: str) -> None:
    """Refuse a value under its bound."""
    if bound is not None and value < bound:
        raise Invalid(_("This must be at least {bound}.", bound=text), code="too_small")


def at_most(value: Any, bound: Any, text: str) -> None:
    """Refuse a value over its bound."""
    if bound is not None and value > bound:
        raise Invalid(_("This must be at most {bound}.", bound=text), code="too_large")


def read_id(raw: object) -> int:
    """An id of the API: a decimal text from 1 to 2^63 - 1."""
    if not isinstance(raw, str):
        raise Invalid(_("An id is expected here, as a text."), _("Ids are texts in JSON: \"1234\"."), "id")
    if not re.fullmatch(r"[1-9][0-9]{0,18}", raw) or int(raw) > LARGEST_ID:
        raise Invalid(_("“{given}” is not an id.", given=shown(raw)), _("Take the id from an answer of this site."), "id")
    return int(raw)


def accept_id(value: object) -> int:
    """An id that a rule gives: an int in range, or something that has one (a record, a user)."""
    found = getattr(value, "id", value)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= LARGEST_ID:
        raise Invalid(_("“{given}” is not an id.", given=shown(found)), _("Take the id from an answer of this site."), "id")
    return found


ID_SCHEMA: Final = MappingProxyType({"type": "string", "pattern": "^[1-9][0-9]{0,18}$"})


def day_of(value: object) -> date | None:
    """The day of an Excel date or date-time cell."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
