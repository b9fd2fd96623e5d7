"""Signatures: who signed which exact version of a record, as what, when and how; and whether it still stands.

A signature keeps the canonical JSON (RFC 8785) of the record at that version, with the hashes of its files, and its
SHA-256; the trail entry of the step keeps the digest too. Personal values stand in it protected, so that they can be
erased without breaking it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import rfc8785
from sqlalchemy import Column, Connection, Index, Integer, Table, Text, insert, select, update

from core import files as stored
from core.audit import TRAIL, Opener
from core.audit import personal as guarding
from core.errors import Problem
from core.fields import Computed, Lines
from core.messages import _
from core.storage import Base, Database, Id, Moment, new_id

if TYPE_CHECKING:
    from core.storage import Record

Standing: TypeAlias = Literal["valid", "withdrawn", "broken"]
"""Whether a signature stands, was taken back by a step, or no longer matches what it signed."""


class SignatureRow(Base):
    """One signature. Only `withdrawn_at` and `withdrawn_by_step` are ever written after it was made."""

    __table__ = Table(
        "signature", Base.metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("record_id", Id, nullable=False),
        Column("version", Integer, nullable=False),
        Column("step", Text, nullable=False),
        Column("meaning", Text, nullable=False),
        Column("user_id", Id, nullable=False),
        Column("for_id", Id),
        Column("role", Text, nullable=False),
        Column("department_id", Id),
        Column("at", Moment, nullable=False),
        Column("method", Text, nullable=False),
        Column("snapshot", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("cause_id", Id),
        Column("withdrawn_at", Moment),
        Column("withdrawn_by_step", Text),
        Index("ix_signature_record_id", "record_id", "id"),
    )


SIGNATURE = Base.metadata.tables["signature"]


@dataclass(frozen=True)
class Signature:
    """A signature as it was made: the signer in a role, the principal where one substitutes, and the signed snapshot.

    `method` is by what the signer was known: `session`, `password` typed again, or `totp`, a one-time code. `meaning` is
    the English message id of what was signed (“Approved”); `cause_id` the signature whose step made an effect take this one.
    """

    id: int
    record_id: int
    version: int
    step: str
    meaning: str
    user_id: int
    for_id: int | None
    role: str
    department_id: int | None
    at: datetime
    method: str
    snapshot: str
    digest: str
    cause_id: int | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by_step: str | None = None

    @cached_property
    def signed(self) -> Mapping[str, Any]:
        """The snapshot as JSON."""
        found = json.loads(self.snapshot)
        return found if isinstance(found, dict) else {}


_NAMES: Final = tuple(column.name for column in SIGNATURE.columns)


# Signing


def snapshot(connection: Connection, record: Record, at: datetime, hashes: Mapping[int, str], hidden: frozenset[str]) -> str:
    """The canonical JSON of a record as it stands: common and declared fields, the hashes of its files, personal fields protected."""
    rt = record.type
    key = _key(connection, record.id, at) if hidden else None
    fields: dict[str, Any] = {}
    for name, kind in rt.fields.items():
        if kind.storage is not None or isinstance(kind, Lines):
            fields[name] = _guarded(name, _dumped(kind, record.values.get(name)), hidden, record.id, key)
    signed = {
        "id": str(record.id), "type": rt.name, "number": record.number, "revision": record.revision, "version": record.version, "state": record.state,
        "department": None if record.department is None else str(record.department), "fields": fields,
        "files": {str(id): sha256 for id, sha256 in hashes.items()},
    }
    return rfc8785.dumps(signed).decode()


def _key(connection: Connection, record_id: int, at: datetime) -> bytes | None:
    try:
        return guarding.key_of(connection, record_id, at)
    except guarding.Erased:
        return None


def _dumped(kind: Any, value: Any) -> Any:
    """A field as signed JSON; of rows the stored columns alone."""
    if not isinstance(kind, Lines):
        return kind.dump(value)
    columns = kind.stored_columns
    return [{"id": str(row.id), **{name: column.dump(row.values.get(name)) for name, column in columns.items()}} for row in value or ()]


def _guarded(name: str, dumped: Any, hidden: frozenset[str], record_id: int, key: bytes | None) -> Any:
    """The same with personal values protected, or left out when the record's key is gone."""
    if name in hidden:
        return guarding.protect(key, record_id, dumped) if key else None
    columns = frozenset(one.partition(".")[2] for one in hidden if one.startswith(f"{name}."))
    if not columns:
        return dumped
    if key is None:
        return [{column: None if column in columns else value for column, value in row.items()} for row in dumped]
    return guarding.protect_rows(key, record_id, dumped, columns)


def digest_of(text: str | bytes) -> str:
    """The SHA-256 of a snapshot."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def make(
    connection: Connection, record: Record, *, step: str, meaning: str, user_id: int, at: datetime, files: Mapping[int, str],
    personal: frozenset[str] = frozenset(), method: str = "session", role: str = "", department: int | None = None, for_id: int | None = None,
    cause: int | None = None,
) -> Signature:
    """A signature over a record as it will be stored: values, state, number and version are those after the step.

    `files` are the hashes of its files, `personal` its personal fields. The `digest` belongs into the trail entry of the
    step (`Entry.signed`); `put` stores the signature.
    """
    text = snapshot(connection, record, at, files, personal)
    return Signature(
        new_id(), record.id, record.version, step, getattr(meaning, "id", meaning), user_id, for_id, role, department, at, method, text,
        digest_of(text), cause,
    )


def put(connection: Connection, made: Signature) -> None:
    """Store a signature."""
    connection.execute(insert(SIGNATURE), {name: getattr(made, name) for name in _NAMES})


def withdraw(connection: Connection, record_id: int, signed_steps: Iterable[str], *, by_step: str, at: datetime) -> int:
    """Take back the standing signatures of these steps, because `by_step` has unlocked what they cover; returns how many."""
    steps = tuple(signed_steps)
    if not steps:
        return 0
    standing = (SIGNATURE.c.record_id == record_id, SIGNATURE.c.step.in_(steps), SIGNATURE.c.withdrawn_at.is_(None))
    return connection.execute(update(SIGNATURE).where(*standing).values(withdrawn_at=at, withdrawn_by_step=by_step)).rowcount


def of(connection: Connection, record_id: int) -> list[Signature]:
    """The signatures of a record, oldest first, withdrawn ones too."""
    rows = connection.execute(select(*(SIGNATURE.c[name] for name in _NAMES)).where(SIGNATURE.c.record_id == record_id).order_by(SIGNATURE.c.id))
    return [Signature(*tuple(row)) for row in rows]


# Does it stand?


def state(connection: Connection, signature: Signature, record: Record, locked: Iterable[str], opener: Opener | None = None) -> Standing:
    """Whether a signature stands: withdrawn by a step, broken, or valid.

    Valid: the snapshot matches its hash, belongs to this record and version, and every field in `locked` (fields and
    `lines.column`, as `RecordType.locks(step)` names them), its files included, still equals it.
    """
    broken = next(_faults(connection, signature, record, tuple(locked), opener or Opener(connection)), None)
    if broken is not None:
        return "broken"
    return "withdrawn" if signature.withdrawn_at is not None else "valid"


def broken_fields(connection: Connection, signature: Signature, record: Record, locked: Iterable[str]) -> tuple[str, ...]:
    """What no longer equals the snapshot: names of fields, or `""` where the signature itself was touched."""
    return tuple(dict.fromkeys(_faults(connection, signature, record, tuple(locked), Opener(connection))))


def _faults(connection: Connection, signature: Signature, record: Record, locked: tuple[str, ...], opener: Opener) -> Iterator[str]:
    if not _is_intact(signature) or signature.record_id != record.id or signature.signed.get("type") != record.type.name:
        yield ""
        return
    if signature.withdrawn_at is not None:
        return
    now: dict[str, Any] = {}
    for name in locked:
        head, _dot, column = name.partition(".")
        kind = record.type.fields.get(head)
        if kind is None or head not in signature.signed["fields"] or (kind.storage is None and not isinstance(kind, Lines)):
            continue
        if kind.effects_only or isinstance(kind, Computed):
            continue
        if head not in now:
            now[head] = _dumped(kind, record.values.get(head))
        signed = opener.reveal(record.id, signature.signed["fields"][head])
        columns = (column,) if column else _own_columns(record, head)
        if not _equal(_part(signed, columns), _part(now[head], columns)):
            yield name
    yield from _file_faults(connection, signature, record, {name.partition(".")[0] for name in locked})


def _is_intact(signature: Signature) -> bool:
    """Whether a signature is in itself what was signed: hash, record and version agree."""
    if digest_of(signature.snapshot) != signature.digest:
        return False
    try:
        signed = signature.signed
    except ValueError:
        return False
    return signed.get("id") == str(signature.record_id) and signed.get("version") == signature.version


def _own_columns(record: Record, name: str) -> tuple[str, ...]:
    """The columns that a Lines field locks with itself: those that no other section, step or effect fills, and that are not worked out."""
    rt = record.type
    return tuple(
        column for column, kind in rt.lines[name].columns.items()
        if f"{name}.{column}" not in rt.section_of and f"{name}.{column}" not in rt.by_steps and not kind.effects_only and not isinstance(kind, Computed)
    ) if name in rt.lines else ()


def _part(value: Any, columns: tuple[str, ...]) -> Any:
    """The value, or these columns of its rows with the rows they stand in."""
    if not columns or not isinstance(value, list):
        return value
    return [{"id": row.get("id"), **{column: row[column] for column in columns if column in row}} for row in value]


def _equal(signed: Any, now: Any) -> bool:
    """Whether signed JSON equals today's; what was erased matches anything."""
    if signed == guarding.ERASED:
        return True
    if isinstance(signed, list) and isinstance(now, list):
        return len(signed) == len(now) and all(_equal(one, other) for one, other in zip(signed, now, strict=True))
    if isinstance(signed, dict) and isinstance(now, dict):
        # A column that an extension brought after the signature was made is not part of what was signed.
        return all(_equal(one, now.get(name)) for name, one in signed.items())
    return bool(signed == now)


def _file_faults(connection: Connection, signature: Signature, record: Record, locked: set[str]) -> Iterator[str]:
    """Fields whose files are not the ones that were signed."""
    signed: Mapping[str, str] = signature.signed.get("files", {})
    used = {place: ids for place, ids in stored.used_by(record).items() if place.split("/")[1] in locked}
    if not signed and not used:
        return
    known = stored.hashes(connection, (one for ids in used.values() for one in ids))
    for place, ids in used.items():
        if any(known.get(one) != signed.get(str(one)) for one in ids):
            yield place.split("/")[1]


# The proof


def verify(database: Database, store: stored.Store | None = None) -> list[Problem]:
    """Every signature of the site against its own hash, its record, the digest in the trail, and (with a store) the bytes of its files."""
    problems: list[Problem] = []
    seen: set[tuple[int, int, str]] = set()
    with database.begin(reading=True) as connection:
        told: dict[tuple[int, int], set[str]] = {}
        for row in connection.execute(select(TRAIL.c.record_id, TRAIL.c.version, TRAIL.c.signed).where(TRAIL.c.signed != "")):
            told.setdefault((row.record_id, row.version), set()).update(row.signed.split())
        for row in connection.execution_options(stream_results=True, yield_per=500).execute(select(*(SIGNATURE.c[name] for name in _NAMES))):
            one = Signature(*tuple(row))
            where = f"signature {one.id}"
            made = (one.record_id, one.version)
            if not _is_intact(one) or one.digest not in told.get(made, ()):
                problems.append(Problem(where, _("Signature {signature} is not the one that was made.", signature=one.id), code="signature-changed"))
            seen.add((*made, one.digest))
            if store is not None:
                problems += _damaged_files(one, store, where)
    gone = {record_id for (record_id, version), digests in told.items() for digest in digests if (record_id, version, digest) not in seen}
    problems += [Problem(f"record {id}", _("A signature on record {record} is gone.", record=id), code="signature-gone") for id in sorted(gone)]
    return problems


def _damaged_files(one: Signature, store: stored.Store, where: str) -> Iterator[Problem]:
    signed: Mapping[str, str] = one.signed.get("files", {}) if _is_intact(one) else {}
    for sha256 in signed.values():
        try:
            store.check(sha256)
        except stored.Damaged:
            yield Problem(where, _("A file that was signed reads back changed or not at all: {sha256}.", sha256=sha256), code="file-damaged")
