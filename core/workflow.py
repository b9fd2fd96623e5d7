"""The life of a record: states, steps between them, who may take them, and the points on which companies differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

When = Mapping[str, Any] | Callable[..., bool] | None
"""A mapping of a field or policy to a value or values, or a function of (work, record); None always holds."""

Rule = Callable[..., Any]
"""A guard, effect or computed value: a plain function of (work, record)."""


def when_holds(when: When, values: Mapping[str, Any], policy: Callable[[str], str] | None = None) -> bool:
    """Whether the mapping form of `when` holds for these values; an unset field matches nothing.

    A key with a dot is a policy, asked through `policy`. The function form is read by the door, not here.
    """
    if when is None:
        return True
    if callable(when):
        raise TypeError("a function in when= is read by the door")
    for name, wanted in when.items():
        found = policy(name) if "." in name and policy else values.get(name)
        if found is None or not matches(found, wanted):
            return False
    return True


def matches(found: object, wanted: object) -> bool:
    """Whether a value is the wanted one or among the wanted ones; a value of several matches by any of them."""
    options = wanted if isinstance(wanted, (tuple, list, set, frozenset)) else (wanted,)
    if isinstance(found, (tuple, list)):
        return any(one in options for one in found)
    return found in options


@dataclass(frozen=True)
class Named:
    """The user in a field of the form, or the holders of a role in the department in a field of the form."""

    field: str
    role: str | None = None


@dataclass(frozen=True)
class Signs:
    """What a step signs, and whether it asks for the password again."""

    meaning: str
    asks_password: bool = False


@dataclass(frozen=True)
class Choice:
    """One way in which a company may decide a policy.

    `roles` who may (for all steps, or a mapping of step to roles); `skips` steps that are passed; `without` what is
    left out (steps, or `create`); `values` what else the choice stands for.
    """

    label: str
    roles: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    skips: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def roles_of(self, step: str | None) -> tuple[str, ...]:
        """The roles that may take this step under this choice."""
        if isinstance(self.roles, Mapping):
            return tuple(self.roles.get(step or "", ()))
        return self.roles

    @property
    def all_roles(self) -> tuple[str, ...]:
        """Every role that the choice names."""
        if isinstance(self.roles, Mapping):
            return tuple(dict.fromkeys(r for roles in self.roles.values() for r in roles))
        return self.roles


@dataclass(frozen=True)
class Policy:
    """A point on which companies differ, with named choices; read when a step is taken.

    With `holds_from="creation"` a record keeps the choice that held when it was made.
    """

    name: str
    label: str
    choices: Mapping[str, Choice]
    default: str
    holds_from: str | None = None

    def __hash__(self) -> int:
        return hash(self.name)


By = str | Policy | Named | tuple[Any, ...]
"""Who: a role, a function, a policy, Named, or a tuple meaning any of them; () is effects, clocks and links alone."""


IRREGULAR = {
    "send": "sent", "take": "taken", "give": "given", "put": "put", "hold": "held", "begin": "begun", "draw": "drawn",
    "withdraw": "withdrawn", "choose": "chosen", "write": "written", "bring": "brought", "find": "found", "make": "made", "set": "set",
    "submit": "submitted", "stop": "stopped", "ship": "shipped", "void": "voided", "keep": "kept", "meet": "met", "read": "read",
    "tell": "told", "pay": "paid", "sell": "sold", "plan": "planned",
}


def past(step: str) -> str:
    """The audit word of a step: `approve` → `approved`, `send_back` → `sent_back`."""
    verb, _underscore, rest = step.partition("_")
    if verb in IRREGULAR:
        done = IRREGULAR[verb]
    elif verb.endswith("e"):
        done = f"{verb}d"
    elif verb.endswith("y") and verb[-2:-1] not in "aeiou":
        done = f"{verb[:-1]}ied"
    else:
        done = f"{verb}ed"
    return f"{done}_{rest}" if rest else done


def each_by(by: By | None) -> tuple[str | Policy | Named, ...]:
    """The members of a `by`, one level, none left out."""
    if by is None:
        return ()
    if isinstance(by, tuple):
        return tuple(one for member in by for one in each_by(member))
    return (by,)


@dataclass(frozen=True)
class State:
    """Where a record can stand.

    `look` is a policy whose choices give the badge's colour; `kind` is the kind of phase when it cannot be guessed:
    `waiting`, `working`, `deciding`, `good`, `stopped`.
    """

    label: str
    final: bool = False
    look: Policy | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Opens:
    """One record opens another: on a step with the step, on the type as a button that opens a prefilled record.

    `each` names a Lines or References field, or is a rule: one record per row or thing. `copies` maps the values, as
    {field there: field here} or a rule of (work, record[, row]). The step in `awaited_by` waits until all are final
    or void. With `sees`, who reads the origin reads them.
    """

    to: str
    label: str | None = None
    when: When = None
    each: str | Rule | None = None
    copies: Mapping[str, str] | Rule | None = None
    awaited_by: str | None = None
    sees: bool = False
    step: str | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transition:
    """A named way from state to state; without a source it creates the record at once.

    `by` who may take it; `other_than` steps and User fields whose people may not; `asks` the label of the reason
    that must be given; `fills` fields asked in the step's dialog; `signs` the meaning of the signature it leaves;
    `opens` records it opens; `clause` the procedure's number that a refusal names.
    """

    label: str
    source: str | tuple[str, ...] | None
    target: str
    by: By = ()
    other_than: str | tuple[str, ...] = ()
    asks: str | None = None
    fills: tuple[str, ...] = ()
    when: When = None
    guards: tuple[Rule, ...] = ()
    effects: tuple[Rule, ...] = ()
    signs: str | Signs | None = None
    opens: tuple[Opens, ...] = ()
    clause: str = ""
    tells: Any = ()
    distributes: Any = None

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The states from which it can be taken; none for a creating step."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else tuple(self.source)

    @cached_property
    def signature(self) -> Signs | None:
        """What it signs, in one shape."""
        return Signs(self.signs) if isinstance(self.signs, str) else self.signs

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The steps and User fields whose people may not take it."""
        return (self.other_than,) if isinstance(self.other_than, str) else tuple(self.other_than)


@dataclass(frozen=True, eq=False)
class Workflow:
    """States, the steps between them, and who may void a numbered record (a role, or a whole step)."""

    states: Mapping[str, State]
    transitions: Mapping[str, Transition]
    voids: By | Transition | None = None
    revises: Any = None

    def out_of(self, state: str) -> Mapping[str, Transition]:
        """The steps that leave a state."""
        return {name: step for name, step in self.transitions.items() if state in step.sources}


class Reserved:
    """A word of the grammar that core does not carry yet; a plugin that uses it is refused at start."""

    def __init__(self, *args: object, **options: object) -> None:
        self.args = args
        self.options = options


class Countersign(Reserved):
    """Opinions of several departments before a step."""


class Slot(Reserved):
    """One place of a countersign."""


class Deadline(Reserved):
    """A clock on a record."""


class Level(Reserved):
    """One level of an escalation."""


class Duty(Reserved):
    """What must come to exist again and again."""


class Each(Reserved):
    """A duty per object."""


class Distribution(Reserved):
    """Who receives an issued record."""


class PublicLink(Reserved):
    """An address for someone without an account."""


class Retention(Reserved):
    """How long a record is kept."""


def reserved_in(values: Iterable[object]) -> bool:
    """Whether anything here is a reserved word."""
    return any(isinstance(value, Reserved) for value in values)
