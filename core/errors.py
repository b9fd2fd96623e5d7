"""What can be wrong, said in one shape: problems, the four refusals of the door, faults of declarations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from core.messages import _

Level = Literal["refuses", "warns", "asks"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what somebody wants to do.

    `where` is a field name or a JSON pointer (`/lines/3/planned_qty`), empty for the whole record; `level` says
    whether it refuses, warns, or asks for a reason.
    """

    where: str
    what: str
    hint: str = ""
    code: str = "rule"
    clause: str = ""
    level: Level = "refuses"

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer; a bare field name becomes `/name`."""
        return self.where if not self.where or self.where.startswith("/") else f"/{self.where}"


class Invalid(ValueError):
    """One value that its field kind refuses; whoever loads the value adds the place."""

    def __init__(self, what: str, hint: str = "", code: str = "invalid") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.code = code

    def at(self, where: str) -> Problem:
        """The same as a problem with a place."""
        return Problem(where, self.what, self.hint, self.code)


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who could: a role, the department in which it is held, and the names of those who hold it."""

    role: str
    department: int | None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody else changed meanwhile: a field, its values before and after as JSON, who and when."""

    field: str
    before: object
    after: object
    by: int | None = None
    at: str = ""


class Refusal(Exception):
    """The door says no. `status` is the HTTP status, `code` a stable word to search for, `what` the sentence."""

    status: int = 422
    code: str = "refused"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Refused(Refusal):
    """What was sent breaks a rule (422): every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems[0].what if len(self.problems) == 1 else _("There are things to mend first."))

    def __str__(self) -> str:
        return "; ".join(f"{p.pointer or '/'}: {p.what}" for p in self.problems)


class NotAllowed(Refusal):
    """Not yours to do (403); `who` says whose it is."""

    status = 403
    code = "not_allowed"

    def __init__(self, what: str, who: Iterable[Who] = ()) -> None:
        self.who = tuple(who)
        super().__init__(what)


class NotFound(Refusal):
    """Not there, or not there for you (404)."""

    status = 404
    code = "not_found"

    def __init__(self, what: str = _("This does not exist, or not for you.")) -> None:
        super().__init__(what)


class Stale(Refusal):
    """Somebody was first: another version (412) or another state (409), with what changed meanwhile."""

    code = "stale"

    def __init__(
        self, what: str = _("Somebody else has changed this meanwhile."), *, status: int = 412,
        version: int | None = None, changes: Iterable[Change] = (),
    ) -> None:
        self.status = status
        self.version = version
        self.changes = tuple(changes)
        super().__init__(what)
        if status == 409:
            self.code = "wrong_state"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a declaration: a stable code, the place (`production.monthly_plan.fields.lines`), the cure."""

    code: str
    place: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.place}: {self.what}" + (f" {self.hint}" if self.hint else "")


class Faults(Exception):
    """All faults of all declarations, found at start."""

    shown: ClassVar[int] = 200

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults[: self.shown])))
