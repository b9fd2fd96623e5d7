"""Engines for SQLite and PostgreSQL, and the one way to begin a transaction."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from core.records import RecordType
from core.registry import Registry
from core.storage.tables import STAMP, Tables, build_tables

SAFE_WAL = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The SQLite releases, per series, from which write-ahead logging is free of the WAL-reset fault."""

BUSY_MS = 30_000


def wal_is_safe(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether the linked SQLite may use a write-ahead log."""
    return version >= SAFE_WAL[0] or any(version[:2] == safe[:2] and version >= safe for safe in SAFE_WAL)


class Database:
    """One site's database: its engine, its metadata, and the tables of each record type.

    `url` is an SQLAlchemy URL (`sqlite:///…/yunkong.db`, `postgresql://…`).
    """

    def __init__(self, url: str | URL, registry: Registry, *, echo: bool = False) -> None:
        self.url = make_url(url)
        self.registry = registry
        self.metadata, self._tables = build_tables(registry)
        self.engine = self._engine(echo)
        self._lock_path = Path(f"{self.url.database}.lock") if self.is_sqlite and self.url.database else None

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded engine is used."""
        return self.url.get_backend_name() == "sqlite"

    def tables(self, rt: RecordType) -> Tables:
        """The tables of a record type."""
        return self._tables[rt.name]

    def _engine(self, echo: bool) -> Engine:
        options: dict[str, Any] = {"json_serializer": _dumps, "echo": echo}
        if self.is_sqlite:
            engine = create_engine(self.url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False}, pool_size=8, max_overflow=24, **options)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        url = self.url.set(drivername="postgresql+psycopg") if self.url.drivername == "postgresql" else self.url
        return create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=False, **options)

    @contextmanager
    def begin(self, reading: bool = False) -> Iterator[Connection]:
        """A connection in one transaction: committed at the end, rolled back on an exception.

        On SQLite writers take their turn through a file lock, so that none starves; readers do not.
        """
        with self._turn(reading), self.engine.connect() as connection:
            if reading:
                connection = connection.execution_options(reading=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _turn(self, reading: bool) -> Iterator[None]:
        if reading or self._lock_path is None:
            yield
            return
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def create(self) -> None:
        """Make every table in an empty database, and set SQLite's journal mode once and for all."""
        if self.is_sqlite:
            with self.engine.connect() as connection:
                raw = connection.connection.dbapi_connection
                assert raw is not None
                raw.execute(f"PRAGMA journal_mode={'WAL' if wal_is_safe() else 'DELETE'}")
        with self.begin() as connection:
            self.metadata.create_all(connection)

    def insert(self, table: Any) -> Any:
        """An INSERT of the engine's own dialect, which knows `on_conflict_do_…`."""
        return (sqlite_insert if self.is_sqlite else postgresql_insert)(table)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def dialect_insert(connection: Connection, table: Any) -> Any:
    """An INSERT of this connection's dialect, which knows `on_conflict_do_…`."""
    return (sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert)(table)


def bump(connection: Connection, name: str) -> None:
    """Say that what web processes keep in memory under this name has changed."""
    statement = dialect_insert(connection, STAMP).values(name=name, value=1)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": STAMP.c.value + 1}))


def is_passing(error: BaseException) -> bool:
    """Whether the whole unit of work may simply be tried again.

    A deadlock, a serialization failure, a busy SQLite; and a broken constraint, because somebody was quicker than the
    check before it: at the second try the check sees it and refuses in words.
    """
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state in ("40001", "40P01", "55P03", "23505", "23503") or isinstance(error, IntegrityError):
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def ping(connection: Connection) -> None:
    """Raise where the database does not answer."""
    connection.execute(text("SELECT 1"))
