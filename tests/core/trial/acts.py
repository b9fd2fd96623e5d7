"""What the tests of the door do again and again with the invented plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import audit, settings
from core import people as staff
from core.errors import NotFound, Refusal, Refused
from core.service import Asked
from core.storage import Record
from tests import company
from tests.core import trial

LINES = [{"what": "first", "qty": 1}, {"what": "second", "qty": 2}]


class Trial:
    """A site with the invented plugin, its people and its clock."""

    def __init__(self, site, people) -> None:
        self.site = site
        self.people = people

    def id(self, who: str) -> int:
        """Somebody: `author` for `trial.author`, or a user name."""
        role = f"trial.{who}"
        return self.people.id(role if role in self.site.registry.roles else who)

    def do(self, who: str, act: Callable[[Any], Any], **options: Any) -> Any:
        """One work of somebody."""
        with self.site.work(actor=self.id(who), **options) as work:
            return act(work)

    def refused(self, who: str, act: Callable[[Any], Any], kind: type[Refusal] = Refused) -> Any:
        """The refusal of a work."""
        with pytest.raises(kind) as raised:
            self.do(who, act)
        return raised.value

    def problems(self, who: str, act: Callable[[Any], Any]) -> dict[str, str]:
        """Where → code of what is refused."""
        return {one.pointer: one.code for one in self.refused(who, act).problems}

    # Plans

    def draft(self, who: str = "author", /, **values: Any) -> int:
        """A plan that somebody drafts."""
        return self.do(who, lambda work: work.create("trial.plan", {"subject": "Pump", "lines": LINES, **values}).id)

    def submitted(self, **values: Any) -> int:
        """A plan that waits for its approver."""
        return self.take("author", self.draft(**values), "submit").id

    def approved(self, **values: Any) -> int:
        """A plan that the manager approved."""
        return self.approve(self.submitted(**values))

    def approve(self, id: int, who: str = "manager") -> int:
        """Approve with the password."""
        confirmed = self.site.confirm(self.id(who), company.PASSWORD)
        return self.do(who, lambda work: work.fire(work.get(None, id), "approve", Asked(confirmed=confirmed)).id)

    def take(self, who: str, id: int, step: str, reason: str = "", **values: Any) -> Record:
        """Take a step on any record."""
        return self.do(who, lambda work: work.fire(work.get(None, id), step, Asked(reason), **values))

    def edit(self, who: str, id: int, **values: Any) -> Record:
        """Change a record."""
        return self.do(who, lambda work: work.edit(work.get(None, id), **values))

    def record(self, id: int, who: str = "") -> Record:
        """A record as it stands, as somebody or, without a name, as a rule reads it."""
        if who:
            return self.do(who, lambda work: work.get(None, id), reading=True)
        with self.site.work(reading=True) as work, work.inside():
            return work.get(None, id)

    def reads(self, who: str, id: int) -> bool:
        """Whether somebody reads a record."""
        try:
            self.record(id, who)
        except NotFound:
            return False
        return True

    def event(self, plan: int | None = None, unit: str = "DEPT1", **values: Any) -> int:
        """An event that the clerk notes."""
        given = {"what": "Leak", "plan": plan, "unit": self.people.department(unit), **values}
        return self.do("clerk", lambda work: work.create("trial.event", given, step="note").id)

    def settle(self, plan: int) -> int:
        """An event that settles a plan."""
        event = self.event(plan)
        self.take("core.head", event, "accept")
        self.edit("core.head", event, remedy="Sealed")
        return self.take("core.head", event, "close").id

    def found(self, type: str, **equals: Any) -> list[Record]:
        """Records as a rule finds them."""
        with self.site.work(reading=True) as work, work.inside():
            return work.find(type, **equals)

    # Around

    def choose(self, choice: str, department: str = "") -> None:
        """Decide who approves."""
        with self.site.work(via="cli") as work:
            seat = work.directory.by_code[department].id if department else None
            settings.choose(work.connection, work.directory, work.origin, trial.APPROVER.name, choice, department=seat, reason="test")

    def bind(self, *departments: str, for_department: str = "") -> None:
        """Say who inspects for a department, or for all."""
        with self.site.work(via="cli") as work:
            seats = [work.directory.by_code[code].id for code in departments]
            wanting = work.directory.by_code[for_department].id if for_department else None
            staff.bind_function(work.connection, work.registry, work.origin, "trial.inspection", seats, for_department=wanting, reason="test")

    def trail(self, id: int, who: str = "") -> list[audit.Event]:
        """The trail of a record, newest first."""
        if who:
            return self.do(who, lambda work: work.history(work.get(None, id)), reading=True)
        with self.site.work(reading=True) as work:
            return audit.history(work.connection, id)

    def proven(self) -> bool:
        """Whether the trail holds."""
        audit.seal(self.site.database)
        return audit.verify(self.site.database).ok
