"""Texts: one line, and several."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from core.errors import Invalid
from core.fields.kind import Field, Reading, Storage, Told, Value, tidy
from core.messages import _

_REFUSED = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufffd-\uffff"
LOST = "\ufffd"
"""What stands where a character could not be read."""
_NOT_IN_LINE = re.compile(f"[{_REFUSED}\t\n\r]")
_NOT_IN_TEXT = re.compile(f"[{_REFUSED}]")


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(Field):
    """One line of text (`str`), at most 200 characters unless `max` says otherwise."""

    max: Any = 200

    kind: ClassVar[str] = "text"
    usual_width: ClassVar[int] = 6
    refused: ClassVar[re.Pattern[str]] = _NOT_IN_LINE
    longest: ClassVar[int] = 2_000

    @property
    def storage(self) -> Storage:
        return Storage("text", length=self.max)

    def read(self, raw: object) -> Value:
        if not isinstance(raw, str):
            raise Invalid(_("A text is expected here."), code="type")
        if not raw or raw.isspace():
            raise Invalid(_("An empty text is not a value."), _("Send null to leave the field empty."), "empty")
        return raw

    def accept(self, value: Value) -> str:
        if not isinstance(value, str):
            raise Invalid(_("A text is expected here."), code="type")
        if len(value) > self.max:
            raise Invalid(_("This is too long: {length} characters, at most {max}.", length=len(value), max=self.max), code="too_long")
        if self.min is not None and len(value) < self.min:
            raise Invalid(_("This is too short: {length} characters, at least {min}.", length=len(value), min=self.min), code="too_short")
        found = self.refused.search(value)
        if found and found.group() == LOST:
            raise Invalid(_("A character was lost on the way here, at place {place}.", place=found.start() + 1), _("Type it again."), "character")
        if found:
            raise Invalid(
                _("This holds a character that cannot be kept: {character}, at place {place}.",
                  character=_character(found.group()), place=found.start() + 1),
                _("Take it out; such characters are invisible and come along when pasting."), "character",
            )
        return value

    def understand(self, given: Any, reading: Reading) -> str:
        if isinstance(given, bool):
            return reading.translate(_("Yes") if given else _("No"))
        if isinstance(given, float):
            return plain_number(given)
        if isinstance(given, datetime):
            return given.strftime("%Y-%m-%d" if given.time() == given.min.time() else "%Y-%m-%d %H:%M")
        if isinstance(given, (int, date, Decimal)):
            return str(given)
        if not isinstance(given, str):
            raise Invalid(_("A text is expected here."), code="type")
        return tidy(self.unbroken(given))

    def unbroken(self, given: str) -> str:
        """Tabs and line breaks that came along when pasting become spaces."""
        return re.sub(r"[\t\r\n]+", " ", given)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": max(self.min or 1, 1), "maxLength": self.max}

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if not isinstance(self.max, int) or not 1 <= self.max <= self.longest:
            yield "F110", f"max is {self.max}; a {self.kind} holds 1 to {self.longest} characters.", "Take LongText for longer texts."


@dataclass(frozen=True, kw_only=True, eq=False)
class LongText(Text):
    """A text of several lines (`str`, lines end with a line feed), at most 20 000 characters."""

    max: Any = 20_000

    kind: ClassVar[str] = "long_text"
    usual_width: ClassVar[int] = 12
    refused: ClassVar[re.Pattern[str]] = _NOT_IN_TEXT
    longest: ClassVar[int] = 200_000

    @property
    def storage(self) -> Storage:
        return Storage("text")

    def accept(self, value: Value) -> str:
        if isinstance(value, str) and "\r" in value:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        return super().accept(value)

    def unbroken(self, given: str) -> str:
        return given

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if self.filters:
            yield "F111", "A long text cannot be filtered by.", "Take filter=True away."


def plain_number(number: float) -> str:
    """An Excel number as it was typed there: 3 for 3.0, 0.1 for 0.1; Excel keeps 15 digits."""
    if number != number or number in (float("inf"), float("-inf")):
        raise Invalid(_("This is not a number."), code="number")
    return f"{Decimal(format(number, '.15g')):f}"


def _character(character: str) -> str:
    return f"U+{ord(character):04X}"
