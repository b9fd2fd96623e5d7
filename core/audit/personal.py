"""Personal values in the trail and in signed snapshots: a salted hash beside the value, encrypted under a key per record.

Whoever destroys the key makes the values unreadable without touching what was chained or signed: the hash stays, and
its salt lies inside the encryption, so that not even a short value can be guessed from it afterwards.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from datetime import datetime
from secrets import token_bytes
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection, LargeBinary, Table, select, update

from core.storage import Base, Id, Moment, dialect_insert

ERASED: Final = {"erased": True}
"""What is shown in place of a value whose key is gone."""
UNREADABLE: Final = {"unreadable": True}
"""What is shown in place of a value that was tampered with."""
_MARK: Final = "sealed"


class RecordKey(Base):
    """The key of a record's personal values; the row stays without its key once they are erased."""

    __table__ = Table(
        "record_key", Base.metadata,
        Column("record_id", Id, primary_key=True, autoincrement=False),
        Column("key", LargeBinary),
        Column("created_at", Moment, nullable=False),
        Column("erased_at", Moment),
    )


RECORD_KEY = Base.metadata.tables["record_key"]


class Erased(Exception):
    """A personal value should be written to a record whose personal data were erased."""


def key_of(connection: Connection, record_id: int, at: datetime) -> bytes:
    """The key of a record, made when it has none yet; `Erased` once it was destroyed."""
    row = connection.execute(select(RECORD_KEY.c.key).where(RECORD_KEY.c.record_id == record_id)).first()
    if row is None:
        fresh = dialect_insert(connection, RECORD_KEY).values(record_id=record_id, key=token_bytes(32), created_at=at)
        connection.execute(fresh.on_conflict_do_nothing())
        row = connection.execute(select(RECORD_KEY.c.key).where(RECORD_KEY.c.record_id == record_id)).one()
    if row.key is None:
        raise Erased(record_id)
    return bytes(row.key)


def is_erased(connection: Connection, record_id: int) -> bool:
    """Whether a record's personal data were erased."""
    return connection.scalar(select(RECORD_KEY.c.erased_at).where(RECORD_KEY.c.record_id == record_id)) is not None


def destroy_key(connection: Connection, record_id: int, at: datetime) -> None:
    """Destroy a record's key. A record without one gets the empty row, so that none is ever made."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    empty = dialect_insert(connection, RECORD_KEY).values(record_id=record_id, key=None, created_at=at, erased_at=at)
    connection.execute(empty.on_conflict_do_nothing())
    connection.execute(update(RECORD_KEY).where(RECORD_KEY.c.record_id == record_id).values(key=None, erased_at=at))


def protect(key: bytes, record_id: int, value: Any) -> Any:
    """The value as it is chained or signed: `{"hash", "sealed"}`; empty stays empty."""
    if value is None:
        return None
    salt, nonce = token_bytes(16), token_bytes(12)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    sealed = nonce + AESGCM(key).encrypt(nonce, salt + text, str(record_id).encode())
    return {"hash": hashlib.sha256(salt + text).hexdigest(), _MARK: b64encode(sealed).decode()}


def is_protected(value: object) -> bool:
    """Whether a piece of JSON is a protected value."""
    return isinstance(value, dict) and value.keys() == {"hash", _MARK}


def reveal(key: bytes, record_id: int, protected: Mapping[str, str]) -> Any:
    """The value behind a protected one; ValueError when it does not belong to this record or its hash does not match."""
    raw = b64decode(protected[_MARK])
    try:
        opened = AESGCM(key).decrypt(raw[:12], raw[12:], str(record_id).encode())
    except Exception as error:
        raise ValueError("a protected value does not open with the key of its record") from error
    if hashlib.sha256(opened).hexdigest() != protected["hash"]:
        raise ValueError("a protected value does not match its hash")
    return json.loads(opened[16:])


def protect_changes(
    connection: Connection, record_id: int, changes: Mapping[str, Any], fields: Collection[str], at: datetime,
) -> Mapping[str, Any]:
    """Changes with the values of personal fields protected; of an erased record only that they changed is kept."""
    touched = {name.partition(".")[0] for name in fields} & changes.keys()
    if not touched:
        return changes
    try:
        key = key_of(connection, record_id, at)
    except Erased:
        return {name: (ERASED if name in touched else change) for name, change in changes.items()}
    guarded = dict(changes)
    for name in touched:
        columns = frozenset(one.partition(".")[2] for one in fields if one.startswith(f"{name}."))
        guarded[name] = _guard_lines(key, record_id, changes[name], columns) if columns else [protect(key, record_id, one) for one in changes[name]]
    return guarded


def protect_rows(key: bytes, record_id: int, rows: list[dict[str, Any]], columns: Collection[str]) -> list[dict[str, Any]]:
    """Rows of Lines with the values of personal columns protected."""
    return [{name: protect(key, record_id, value) if name in columns else value for name, value in row.items()} for row in rows]


def _guard_lines(key: bytes, record_id: int, change: Mapping[str, Any], columns: Collection[str]) -> dict[str, Any]:
    """The same for what `differences` says of Lines."""
    guarded = dict(change)
    for part in ("added", "removed"):
        if part in change:
            guarded[part] = protect_rows(key, record_id, change[part], columns)
    if "changed" in change:
        guarded["changed"] = [
            {**row, "changes": {
                name: [protect(key, record_id, one) for one in pair] if name in columns else pair for name, pair in row["changes"].items()
            }}
            for row in change["changed"]
        ]
    return guarded


def _revealed(key: bytes, record_id: int, value: Mapping[str, str]) -> Any:
    try:
        return reveal(key, record_id, value)
    except ValueError:
        return UNREADABLE


class Opener:
    """Shows protected values of records; reads each record's key once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._keys: dict[int, bytes | None] = {}

    def reveal(self, record_id: int | None, value: Any) -> Any:
        """The piece of JSON with every protected value in it shown, or said to be erased."""
        if isinstance(value, list):
            return [self.reveal(record_id, one) for one in value]
        if not isinstance(value, dict):
            return value
        if is_protected(value) and record_id is not None:
            key = self._key(record_id)
            return ERASED if key is None else _revealed(key, record_id, value)
        return {name: self.reveal(record_id, one) for name, one in value.items()}

    def _key(self, record_id: int) -> bytes | None:
        if record_id not in self._keys:
            found = self.connection.scalar(select(RECORD_KEY.c.key).where(RECORD_KEY.c.record_id == record_id))
            self._keys[record_id] = None if found is None else bytes(found)
        return self._keys[record_id]
