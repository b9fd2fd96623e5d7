"""First answers kept under an Idempotency-Key, so that a request sent again does nothing twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, Table, Text, delete, func, select

from core.storage import Base, Id, Json, Moment, dialect_insert

KEPT: Final = timedelta(days=30)


class AnswerRow(Base):
    """The first answer to a key of a user on a route; status 0 while it is being made."""

    __table__ = Table(
        "answer", Base.metadata,
        Column("user_id", Id, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", Json, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("at", Moment, nullable=False),
        Index("ix_answer_at", "at"),
    )


ANSWER = Base.metadata.tables["answer"]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given before."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes


def scoped(route: str, key: str) -> str:
    """The key within its route."""
    return f"{route} {key}"


def is_running(connection: Connection, user_id: int, key: str) -> bool:
    """Whether a request with this key is under way in another transaction; otherwise this one holds it. SQLite queues writers instead."""
    if connection.dialect.name != "postgresql":
        return False
    number = int.from_bytes(hashlib.sha256(f"{user_id} {key}".encode()).digest()[:8], signed=True)
    return not connection.scalar(select(func.pg_try_advisory_xact_lock(number)))


def find(connection: Connection, user_id: int, key: str) -> Kept | None:
    """The first answer, if there is one."""
    columns = (ANSWER.c.fingerprint, ANSWER.c.status, ANSWER.c.headers, ANSWER.c.body)
    found = connection.execute(select(*columns).where(ANSWER.c.user_id == user_id, ANSWER.c.key == key)).one_or_none()
    return Kept(*tuple(found)) if found is not None else None


def keep(connection: Connection, user_id: int, key: str, fingerprint: str, status: int, headers: dict[str, Any], body: bytes, at: datetime) -> None:
    """Keep the first answer; a later one changes nothing."""
    row = dialect_insert(connection, ANSWER).values(
        user_id=user_id, key=key, fingerprint=fingerprint, status=status, headers=dict(headers), body=body, at=at)
    connection.execute(row.on_conflict_do_nothing(index_elements=["user_id", "key"]))


def tidy(connection: Connection, now: datetime) -> int:
    """Forget answers older than 30 days."""
    return connection.execute(delete(ANSWER).where(ANSWER.c.at < now - KEPT)).rowcount
