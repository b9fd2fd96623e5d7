"""What waits for whom: the inbox of one user in three groups, what they started, and the counts in the menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import waiting
from core.records import RecordType
from core.waiting import Waiting

SHOWN = 200
COUNTED = 100
"""How many rows an inbox reads, and how many a menu counts before it says that there are more."""


@dataclass(frozen=True)
class Counts:
    """How much waits, and how much of it is overdue; per type as well."""

    total: int = 0
    overdue: int = 0
    by_type: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One row of the inbox: the record, its type, and the step that is the user's to take, with its name."""

    row: Waiting
    type: RecordType
    step: str
    label: str


@dataclass(frozen=True)
class Inbox:
    """Everything on the first page of a day."""

    overdue: tuple[Entry, ...] = ()
    today: tuple[Entry, ...] = ()
    later: tuple[Entry, ...] = ()
    started: tuple[Waiting, ...] = ()
    drafts: tuple[Waiting, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The rows of all groups in their order."""
        return (*self.overdue, *self.today, *self.later)


def counts(work: Any) -> Counts:
    """The counts for the menus."""
    return _count(work, waiting.waiting_for(work.connection, work.site.database, work.access, COUNTED))


def counts_of(work: Any, box: Inbox) -> Counts:
    """The same from an inbox that has been read."""
    return _count(work, [entry.row for entry in box.entries])


def _count(work: Any, rows: Sequence[Waiting]) -> Counts:
    by_type: dict[str, tuple[int, int]] = {}
    for row in rows:
        count, late = by_type.get(row.type, (0, 0))
        by_type[row.type] = (count + 1, late + _is_late(row, work.now))
    return Counts(len(rows), sum(_is_late(row, work.now) for row in rows), by_type)


def inbox(work: Any) -> Inbox:
    """The inbox of the actor."""
    rows = waiting.waiting_for(work.connection, work.site.database, work.access, SHOWN)
    entries = [_entry(work, row) for row in rows]
    today = work.now.astimezone(work.site.config.zone).date()

    def is_today(row: Waiting) -> bool:
        return row.due_at is not None and row.due_at.astimezone(work.site.config.zone).date() == today

    overdue = tuple(one for one in entries if _is_late(one.row, work.now))
    due = tuple(one for one in entries if not _is_late(one.row, work.now) and is_today(one.row))
    later = tuple(one for one in entries if not _is_late(one.row, work.now) and not is_today(one.row))
    started = waiting.own_open(work.connection, work.access, SHOWN)
    drafts = waiting.own_drafts(work.connection, work.access, SHOWN)
    return Inbox(overdue, due, later, started, drafts)


def _is_late(row: Waiting, now: datetime) -> bool:
    return row.due_at is not None and row.due_at < now


def _entry(work: Any, row: Waiting) -> Entry:
    """The step that leads on: the first of the user's that goes forward (asks for no reason), else the first at all."""
    rt = work.registry.types[row.type]
    name = next((one for one in row.steps if not rt.steps[one].asks), row.steps[0])
    return Entry(row, rt, name, rt.steps[name].label)
