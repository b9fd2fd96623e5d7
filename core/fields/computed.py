"""A value that a rule works out: nobody types it."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from core.errors import Invalid
from core.fields.kind import Field, Reading, Storage, Told, Value
from core.fields.number import Decimal, Integer
from core.messages import Message, _


def _unbound(kind: Field) -> Field:
    """The kind without bounds of its figures, those of its columns included: nobody could mend what a rule works out."""
    if isinstance(kind, (Decimal, Integer)):
        return replace(kind, min=None, max=None)
    columns = getattr(kind, "columns", None)
    return replace(kind, columns={name: _unbound(column) for name, column in columns.items()}) if columns else kind  # type: ignore[call-arg]


def _nothing(*_given: Any) -> None:
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Computed(Field):
    """A value of another kind that `by(work, record)` works out, in Lines `by(work, row)`: `Computed(Quantity(…), by=rule)`.

    It is worked out and stored at each save; with `live` it is never stored but worked out whenever it is read.
    Label, unit and all else come from the kind given; `value` is that kind.
    """

    label: Any = field(default=Message(""), kw_only=False)
    by: Callable[..., Any] = _nothing
    live: bool = False
    value: Field = field(default=Field(), kw_only=True)

    kind: ClassVar[str] = "computed"

    def __post_init__(self) -> None:
        if isinstance(self.label, Field):
            object.__setattr__(self, "value", _unbound(self.label))
            for name in ("label", "when", "personal", "read_by", "help", "width", "filter"):
                if name == "label" or getattr(self, name) in (None, False, (), ""):
                    object.__setattr__(self, name, getattr(self.value, name))

    @property
    def span(self) -> int:
        return self.value.span

    @property
    def filters(self) -> bool:
        return not self.live and self.value.filters

    @property
    def is_table(self) -> bool:
        """Whether it works out rows."""
        return self.value.is_list and self.value.storage is None

    @property
    def converts(self) -> bool:  # type: ignore[override]  # as the kind it holds
        return self.value.converts

    @property
    def storage(self) -> Storage | None:
        return None if self.live else self.value.storage

    def load(self, raw: object) -> Value:
        raise Invalid(_("This is worked out by the system."), _("Leave it out."), "read_only")

    def parse(self, given: object, reading: Reading) -> Value:
        raise Invalid(_("This is worked out by the system."), _("Leave it out."), "read_only")

    def accept(self, value: Value) -> Value:
        """What the rule gave; a figure is rounded to its places and has no bounds, as nobody could mend it."""
        if isinstance(value, decimal.Decimal) and isinstance(self.value, Decimal) and value.is_finite():
            value = round(value, self.value.places)
        return self.value.accept(value)

    def dump(self, value: Value) -> Any:
        return self.value.dump(value)

    def text(self, value: Value, reading: Reading) -> str:
        return self.value.text(value, reading)

    def suffix(self, values: Mapping[str, Value], reading: Reading) -> str:
        return self.value.suffix(values, reading)

    def cell(self, value: Value, reading: Reading) -> object:
        return self.value.cell(value, reading)

    def json_schema(self) -> dict[str, Any]:
        return self.value.json_schema() | {"readOnly": True}

    def same(self, a: Value, b: Value) -> bool:
        return self.value.same(a, b)

    def empty(self, value: Value) -> bool:
        return self.value.empty(value)

    def to_column(self, value: Value) -> Any:
        return self.value.to_column(value)

    def from_column(self, stored: Any) -> Value:
        return self.value.from_column(stored)

    def initial(self, work: Any) -> Value:
        return None

    def check(self) -> Iterator[Told]:
        if type(self.value) is Field or isinstance(self.value, Computed):
            yield "F170", "It does not say of which kind the value is.", "Computed(fields.Quantity(…), by=rule)."
            return
        yield from self.value.check()
        if self.by is _nothing or not callable(self.by):
            yield "F171", "It has no rule that works it out.", "Give by=, a function of (work, record) or (work, row)."
        if self.required or self.default is not None:
            yield "F172", "What is worked out is neither required nor has a default.", "Take required and default away."
        if self.filter and self.live:
            yield "F173", "What is worked out when read cannot be filtered by.", "Take live=True or filter=True away."
