"""Figures: whole, exact, with a unit, with a currency. Never a float."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from core.errors import Invalid
from core.fields.kind import Field, Name, Reading, Storage, Told, Value, at_least, at_most, plain, shown
from core.fields.text import plain_number
from core.messages import _

THIN: Final = "\u2009"
LARGEST_INTEGER: Final = 999_999_999_999
DIGITS: Final = 12
PLACES: Final = 6

_TYPED = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)?(?:\.\d*)?", re.ASCII)
_LIMIT = decimal.Decimal(10) ** DIGITS
_LOOKALIKES = {"O": "0", "o": "0", "l": "1", "I": "1"}
_EXACT = decimal.Context(prec=DIGITS + PLACES + 12, traps=[decimal.InvalidOperation])


def grouped(digits: str) -> str:
    """A figure with thin spaces between its thousands: `12 000.5`."""
    whole, dot, fraction = digits.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + f"{int(whole):,}".replace(",", THIN) + dot + fraction


def typed_number(given: object) -> decimal.Decimal:
    """The number that a person typed or an Excel cell holds."""
    if isinstance(given, (bool, bytes)):
        raise Invalid(_("This is not a number."), code="number")
    if isinstance(given, (int, decimal.Decimal)):
        return decimal.Decimal(given)
    if isinstance(given, float):
        return decimal.Decimal(plain_number(given))
    if not isinstance(given, str):
        raise Invalid(_("“{given}” is not a number.", given=shown(given)), code="number")
    text = plain(given)
    digits = text.replace(",", "").replace(" ", "")
    if _TYPED.fullmatch(text) and digits.strip("+-."):
        if len(digits) > 40:
            raise Invalid(_("This number is too long."), _("At most 12 digits before the point and 6 after it."), "range")
        return decimal.Decimal(digits)
    raise _no_number(given, text)


def _no_number(given: str, text: str) -> Invalid:
    odd = next((c for c in text if c not in "0123456789+-., "), "")
    if odd in _LOOKALIKES and any(c.isdigit() for c in text):
        return Invalid(
            _("“{given}” is not a number, it contains the letter {letter}.", given=shown(given), letter=odd),
            _("Perhaps the digit {digit} is meant.", digit=_LOOKALIKES[odd]), "number",
        )
    if odd.isascii() and odd.isalpha():
        return Invalid(_("“{given}” is not a number, it contains the letter {letter}.", given=shown(given), letter=odd), code="number")
    if odd:
        return Invalid(_("“{given}” is not a number, it contains “{letter}”.", given=shown(given), letter=shown(odd)), code="number")
    return Invalid(
        _("“{given}” is not a number.", given=shown(given)),
        _("Commas and spaces stand between thousands, a point before the decimals: 1,200.5."), "number",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Integer(Field):
    """A whole number (`int`) of at most twelve digits.

    It is added up over the rows of a table; without `total` that sum says nothing and is not shown.
    """

    total: bool = True

    kind: ClassVar[str] = "integer"
    usual_width: ClassVar[int] = 3

    @property
    def storage(self) -> Storage:
        return Storage("integer")

    def read(self, raw: object) -> Value:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Invalid(_("A whole number is expected here."), code="type")
        return raw

    def accept(self, value: Value) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(_("A whole number is expected here."), code="type")
        at_least(value, self.lowest, f"{self.lowest}")
        at_most(value, self.highest, f"{self.highest}")
        return value

    @property
    def lowest(self) -> int:
        """The smallest value."""
        return -LARGEST_INTEGER if self.min is None else int(self.min)

    @property
    def highest(self) -> int:
        """The largest value."""
        return LARGEST_INTEGER if self.max is None else int(self.max)

    def understand(self, given: Any, reading: Reading) -> int:
        number = typed_number(given)
        if number != number.to_integral_value():
            raise Invalid(_("“{given}” is not a whole number.", given=shown(given)), code="number")
        return int(number)

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else grouped(str(value))

    def cell(self, value: Value, reading: Reading) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if self.lowest < -LARGEST_INTEGER or self.highest > LARGEST_INTEGER:
            yield "F120", "A whole number has at most twelve digits.", "Lower max, raise min."


@dataclass(frozen=True, kw_only=True, eq=False)
class Decimal(Field):
    """An exact number (`decimal.Decimal`), at most 12 digits before the point and `places` after it.

    Quantities and amounts are added up over the rows of a table; without `total` their sum says nothing and is not shown.
    """

    places: int = PLACES
    total: bool = True

    kind: ClassVar[str] = "decimal"
    usual_width: ClassVar[int] = 3
    fixed: ClassVar[bool] = False
    """Whether all places are always written (money), or only those that matter."""

    @property
    def storage(self) -> Storage:
        return Storage("exact", places=PLACES)

    def read(self, raw: object) -> Value:
        if not isinstance(raw, str):
            raise Invalid(_("A number as a text is expected here."), _("Write it in quotes: \"12.5\". JSON numbers lose digits."), "type")
        if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", raw):
            raise Invalid(
                _("“{given}” is not a number.", given=shown(raw)),
                _("At most 12 digits before the point and 6 after it."), "number",
            )
        return decimal.Decimal(raw)

    def accept(self, value: Value) -> decimal.Decimal:
        if isinstance(value, int) and not isinstance(value, bool):
            value = decimal.Decimal(value)
        if not isinstance(value, decimal.Decimal) or not value.is_finite():
            raise Invalid(_("An exact number is expected here."), code="type")
        if abs(value) >= _LIMIT:
            raise Invalid(_("This number is too long."), _("At most 12 digits before the point and 6 after it."), "range")
        if value.as_tuple().exponent < -self.places:  # type: ignore[operator]  # finite, so an int
            kept = value.quantize(decimal.Decimal(1).scaleb(-self.places), context=_EXACT)
            if kept != value:
                raise Invalid(self._too_fine(), code="places")
        at_least(value, self.min, f"{self.min}")
        at_most(value, self.max, f"{self.max}")
        return value if value else decimal.Decimal(0)

    def _too_fine(self) -> str:
        if not self.places:
            return _("This must be a whole number.")
        return _("This has too many digits after the point, at most {places}.", places=self.places)

    def understand(self, given: Any, reading: Reading) -> decimal.Decimal:
        return typed_number(given)

    def dump(self, value: Value) -> Any:
        return None if value is None else self.digits(value)

    def digits(self, value: decimal.Decimal) -> str:
        """The figure in its one written form, without grouping."""
        if self.fixed:
            return f"{value:.{self.places}f}"
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") or "0" if "." in text else text

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else grouped(self.digits(value))

    def cell(self, value: Value, reading: Reading) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        sign = "" if self.min is not None and self.min >= 0 else "-?"
        fraction = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        return {"type": "string", "pattern": f"^{sign}[0-9]{{1,{DIGITS}}}{fraction}$"}

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if not 0 <= self.places <= PLACES:
            yield "F121", f"places is {self.places}; an exact number has 0 to 6.", "Say how many digits stand after the point."


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity(Decimal):
    """How much, of a unit: fixed by `unit=`, or that of the record in the Reference field that `unit_of=` names.

    A quantity is not negative unless `min` says otherwise.
    """

    min: Any = 0
    unit: str = ""
    unit_of: str = ""

    kind: ClassVar[str] = "quantity"

    def suffix(self, values: Mapping[str, Value], reading: Reading) -> str:
        if self.unit:
            return reading.translate(self.unit)
        named = reading.names.get(values.get(self.unit_of) or 0) if self.unit_of else None
        return reading.translate(named.unit) if isinstance(named, Name) and named.unit else ""

    def text(self, value: Value, reading: Reading) -> str:
        text = super().text(value, reading)
        return f"{text}%" if text and self.unit == "%" else text

    def understand(self, given: Any, reading: Reading) -> decimal.Decimal:
        if isinstance(given, str) and self.unit:
            text = plain(given)
            for unit in (self.unit, reading.translate(self.unit)):
                if text.casefold().endswith(unit.casefold()) and len(text) > len(unit):
                    return typed_number(text[: -len(unit)])
        return typed_number(given)

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if self.unit and self.unit_of:
            yield "F122", "It has both unit= and unit_of=.", "Keep the one that holds."


@dataclass(frozen=True, kw_only=True, eq=False)
class Money(Decimal):
    """An amount of `currency=`, or of the currency in the field that `currency_of=` names; two places by default."""

    places: int = 2
    currency: str = _("CNY")
    currency_of: str = ""

    kind: ClassVar[str] = "money"
    fixed: ClassVar[bool] = True

    def suffix(self, values: Mapping[str, Value], reading: Reading) -> str:
        return reading.translate(str(values.get(self.currency_of) or "") if self.currency_of else self.currency)

    def understand(self, given: Any, reading: Reading) -> decimal.Decimal:
        if isinstance(given, str):
            given = re.sub(r"^[\u00a5$\u20ac\u00a3]|\u5143$|" + re.escape(self.currency or "$") + "$", "", plain(given).replace("\uffe5", "\u00a5")).strip()
        return typed_number(given)


def adds_up(kind: Field) -> bool:
    """Whether the sum of a column of this kind says something: whole numbers, quantities and amounts, unless declared without `total`."""
    return isinstance(kind, (Integer, Quantity, Money)) and kind.total and getattr(kind, "unit", "") != "%"
