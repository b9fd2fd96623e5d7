"""Unsent input: what autosave keeps of a form not yet saved. Raw values, per user; no record, no number, no trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Index, Integer, RowMapping, Table, Text, delete, select

from core.errors import Problem, Refused
from core.messages import _
from core.storage import Base, Id, Json, Moment, dialect_insert

if TYPE_CHECKING:
    from core.service import Work

KEPT: Final = timedelta(days=30)
LARGEST: Final = 1_000_000
"""Characters of raw input kept for one form."""


class UnsentRow(Base):
    """One form of one user: of a record, or of a new one of a type (`record_id` 0)."""

    __table__ = Table(
        "unsent", Base.metadata,
        Column("user_id", Id, primary_key=True),
        Column("type", Text, primary_key=True),
        Column("record_id", Id, primary_key=True),
        Column("version", Integer),
        Column("raw", Json, nullable=False),
        Column("saved_at", Moment, nullable=False),
        Index("ix_unsent_saved_at", "saved_at"),
    )


UNSENT = Base.metadata.tables["unsent"]


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was typed: raw form values, the version of the record it was typed over, and when it was kept."""

    type: str
    record_id: int | None
    version: int | None
    raw: Mapping[str, Any]
    saved_at: datetime


def save(work: Work, type: str, record_id: int | None, raw: Mapping[str, Any], version: int | None = None) -> Unsent:
    """Keep what is typed so far, in place of what was kept before."""
    if work.actor is None or sum(len(name) + len(str(value)) for name, value in raw.items()) > LARGEST:
        raise Refused([Problem("", _("This is too much to be kept while you type."), _("Save the draft itself."), "too_large")])
    kept = {"version": version, "raw": dict(raw), "saved_at": work.now}
    statement = dialect_insert(work.connection, UNSENT).values(user_id=work.actor, type=type, record_id=record_id or 0, **kept)
    work.connection.execute(statement.on_conflict_do_update(index_elements=["user_id", "type", "record_id"], set_=kept))
    return Unsent(type, record_id, version, raw, work.now)


def load(work: Work, type: str, record_id: int | None = None) -> Unsent | None:
    """What the actor typed into this form and never saved, if anything."""
    found = work.connection.execute(
        select(UNSENT).where(UNSENT.c.user_id == work.actor, UNSENT.c.type == type, UNSENT.c.record_id == (record_id or 0))).mappings().first()
    return _from(found) if found is not None else None


def of(work: Work, limit: int = 50) -> list[Unsent]:
    """Every form that the actor began and never saved, latest first."""
    rows = work.connection.execute(select(UNSENT).where(UNSENT.c.user_id == work.actor).order_by(UNSENT.c.saved_at.desc()).limit(limit)).mappings()
    return [_from(row) for row in rows if row["type"] in work.registry.types]


def drop(work: Work, type: str, record_id: int | None = None) -> None:
    """Forget it: it was saved, or the actor wants it gone."""
    work.connection.execute(delete(UNSENT).where(UNSENT.c.user_id == work.actor, UNSENT.c.type == type, UNSENT.c.record_id == (record_id or 0)))


def tidy(work: Work) -> int:
    """Forget what nobody came back to within 30 days."""
    return work.connection.execute(delete(UNSENT).where(UNSENT.c.saved_at < work.now - KEPT)).rowcount


def _from(row: RowMapping) -> Unsent:
    return Unsent(row["type"], row["record_id"] or None, row["version"], row["raw"], row["saved_at"])
