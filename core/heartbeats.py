"""The pulse of the workers: each says every few seconds that it lives, so that readiness can tell when none does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core.storage import Base, Moment, dialect_insert

EVERY: Final = timedelta(seconds=15)
LATE: Final = timedelta(seconds=60)
"""After this long without a beat no worker is taken to live."""


class Heartbeat(Base):
    """When a worker last said that it lives, by the machine's own clock: a site's clock may be set for tests."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(String(100), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(Moment)
    beat_at: Mapped[datetime] = mapped_column(Moment)


def beat(connection: Connection, worker: str, began_at: datetime) -> None:
    """Say that a worker lives; those that have been silent for a day are forgotten."""
    now = datetime.now(UTC)
    table = Heartbeat.__table__
    row = dialect_insert(connection, table).values(worker=worker, began_at=began_at, beat_at=now)
    connection.execute(row.on_conflict_do_update(index_elements=["worker"], set_={"beat_at": now, "began_at": began_at}))
    connection.execute(delete(Heartbeat).where(Heartbeat.beat_at < now - timedelta(days=1)))


def stop(connection: Connection, worker: str) -> None:
    """A worker that ends in order says so."""
    connection.execute(delete(Heartbeat).where(Heartbeat.worker == worker))


def last(connection: Connection) -> datetime | None:
    """When any worker last said that it lives."""
    return connection.scalar(select(func.max(Heartbeat.beat_at)))


def is_alive(connection: Connection) -> bool:
    """Whether a worker has said so within the last minute."""
    beat_at = last(connection)
    return beat_at is not None and datetime.now(UTC) - beat_at < LATE
