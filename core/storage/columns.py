"""Column types that mean the same on SQLite and PostgreSQL, identities, and the base of core's own tables."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Dialect, Integer, MetaData, Numeric, Text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.fields import Storage

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
SCALE = 6
"""Digits after the point that an exact number keeps; twelve may stand before it."""

EPOCH = 1_577_836_800_000
"""2020-01-01 in milliseconds: where identities begin to count."""


class Base(DeclarativeBase):
    """Core's own tables; each registry's metadata gets a copy of them."""

    metadata = MetaData(naming_convention=NAMING)


class Id(TypeDecorator[int]):
    """An identity: 63 bits."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite numbers only INTEGER keys by itself, and stores them as 64 bits."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as naive UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a moment without a zone is a fault of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back as an aware moment in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Exact(TypeDecorator[Decimal]):
    """A decimal with six digits after the point: NUMERIC on PostgreSQL, a scaled integer on SQLite.

    In SQL only comparison, min, max and sum of it are right on both; everything else is Python's.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC(18, 6), or INTEGER where the driver would go through floats."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(12 + SCALE, SCALE))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Scaled on SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return int(value.scaleb(SCALE))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """The shortest decimal that is equal to what was stored."""
        if value is None:
            return None
        number = Decimal(value).scaleb(-SCALE) if dialect.name == "sqlite" else Decimal(value)
        return plain(number)


class Json(TypeDecorator[Any]):
    """A JSON value; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True


def plain(number: Decimal) -> Decimal:
    """The number without trailing zeros and without an exponent: 1.500000 → 1.5, 2E+3 → 2000."""
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return short.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else short


def column_type(storage: Storage) -> TypeEngine[Any]:
    """The column type of a neutral column spec."""
    kinds: dict[str, type[TypeEngine[Any]]] = {
        "text": Text, "integer": BigInteger, "id": Id, "exact": Exact, "date": Date, "moment": Moment, "boolean": Boolean, "json": Json,
    }
    return kinds[storage.kind]()


class _Identities:
    """Makes identities: milliseconds since 2020 above 21 random bits, rising within a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.last = 0

    def __call__(self) -> int:
        random = int.from_bytes(os.urandom(3)) & 0x1FFFFF
        made = ((time.time_ns() // 1_000_000 - EPOCH) << 21) | random
        with self.lock:
            if made <= self.last:
                made = self.last + 1 + (random & 0x3FF)
            self.last = made
        return made


new_id = _Identities()
"""A new identity, unique over records, users, departments, files and rows; 63 bits, later ones are greater."""
