"""Forms that may be sent once: the second sending of the same form gets the first one's answer. And what a user has chosen to see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Index, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.storage import Base, Id, Json, Moment, dialect_insert

KEPT = timedelta(days=30)
LONGEST = 64


class Sending(Base):
    """One sending of a form from a page, by the random token that the form carried."""

    __tablename__ = "sending"
    __table_args__ = (Index(None, "sent_at"),)

    user_id: Mapped[int] = mapped_column(Id, primary_key=True)
    token: Mapped[str] = mapped_column(String(LONGEST), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Moment)
    led_to: Mapped[str] = mapped_column(String(400), default="")


class Preference(Base):
    """What one user has chosen for their own pages: the columns of a list."""

    __tablename__ = "preference"

    user_id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a sending is the first of its token and, if not, where the first one led."""

    is_first: bool
    led_to: str = ""


def claim(connection: Connection, user_id: int, token: str, now: datetime) -> Claim:
    """Take a token for this unit of work; a second one waits until the first has ended."""
    table = Sending.__table__
    row = dialect_insert(connection, table).values(user_id=user_id, token=token[:LONGEST], sent_at=now, led_to="")
    # A row that comes back, for the count of an INSERT is not there to be asked on PostgreSQL.
    if connection.execute(row.on_conflict_do_nothing(index_elements=["user_id", "token"]).returning(table.c.token)).first() is not None:
        return Claim(True)
    found = connection.execute(select(table.c.led_to).where(table.c.user_id == user_id, table.c.token == token[:LONGEST]))
    return Claim(False, found.scalar_one())


def settle(connection: Connection, user_id: int, token: str, led_to: str) -> None:
    """Keep where a first sending led, for the ones that come after it."""
    table = Sending.__table__
    connection.execute(update(Sending).where(table.c.user_id == user_id, table.c.token == token[:LONGEST]).values(led_to=led_to[:400]))


def release(connection: Connection, user_id: int, token: str) -> None:
    """Give a token back: its sending did nothing that must not be done twice."""
    connection.execute(delete(Sending).where(Sending.user_id == user_id, Sending.token == token[:LONGEST]))


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop tokens that no browser holds any more."""
    connection.execute(delete(Sending).where(Sending.sent_at < now - KEPT))


def preference(connection: Connection, user_id: int, name: str) -> Any:
    """What a user chose under a name; None where nothing."""
    return connection.execute(select(Preference.value).where(Preference.user_id == user_id, Preference.name == name)).scalar()


def prefer(connection: Connection, user_id: int, name: str, value: Any) -> None:
    """Keep a user's choice; None forgets it."""
    connection.execute(delete(Preference).where(Preference.user_id == user_id, Preference.name == name))
    if value is not None:
        connection.execute(insert(Preference).values(user_id=user_id, name=name, value=value))
