"""What goes into the door and what comes out of it, besides records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Problem, Who
from core.records import RecordType
from core.storage import Record
from core.workflow import Transition


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The actor proved who they are just now, by `password` or `totp`; only `Site.confirm` makes it."""

    user_id: int
    method: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step's dialog brought besides fields: the reason, the proof of the password, the version that was seen."""

    reason: str = ""
    version: int | None = None
    confirmed: Confirmed | None = None


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class StepView:
    """One step as the actor sees it: whether it may be taken now and, if not, why not and who could."""

    name: str
    step: Transition
    label: str
    target: str
    allowed: bool
    why_not: tuple[Problem, ...]
    who: tuple[Who, ...]
    is_mine: bool
    asks: str | None
    fills: tuple[str, ...]
    asks_password: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for. `filters` is {field: {operator: Python value}} with `eq gte lte gt lt in`; `sort` a
    field, with `-` for descending; `lines` the Lines fields that are wanted too."""

    states: tuple[str, ...] = ()
    q: str = ""
    department: int | None = None
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sort: str = "due_at"
    overdue: bool = False
    cursor: str = ""
    limit: int = 50
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one page of a list, and the cursor of the next (None at the end)."""

    items: list[Record]
    next: str | None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as its reader may see it: the other record, which way, and what kind of link."""

    record_id: int
    type: RecordType
    number: str | None
    title: str
    state: str
    kind: str
    outgoing: bool
    row_id: int | None = None


def located(problem: Problem) -> Problem:
    """The problem with its place as a JSON pointer."""
    if problem.where == problem.pointer:
        return problem
    return Problem(problem.pointer, problem.what, problem.hint, problem.code, problem.clause, problem.level)
