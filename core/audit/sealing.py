"""The seal: one chain over every committed row of the trail, its anchors outside the database, and the proof of both.

Rows are written unchained in many transactions at once; a sealer follows them and chains what is committed for good.
Until it has passed, a row is held by its record's chain alone: that window is stated by the report. What somebody with full access
to the database rewrites after the last anchor, whole chains included, only the next anchor's absence can show; so
anchors belong often and elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Row, Table, Text, and_, func, insert, literal, literal_column, select, true

from core.audit.trail import GENESIS, HASHED, TRAIL, append_only, hashed, row_hash
from core.errors import Problem
from core.messages import _
from core.storage import RECORD, Base, Database, Id

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

Found: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row that a query gave."""

BATCH: Final = 2_000
"""Rows that one transaction of the sealer chains."""
SHOWN: Final = 100
"""Problems that a report lists; the rest is counted."""
DELETED: Final = "deleted"
"""The last word of the action of the entry that a deleted draft leaves behind."""


class Seal(Base):
    """One sealed row of the trail: its place, and the hash of everything up to it."""

    __table__ = Table(
        "seal", Base.metadata,
        Column("seq", Id, primary_key=True, autoincrement=False),
        Column("trail_id", Id, ForeignKey("trail.id"), nullable=False),
        Column("hash", Text, nullable=False),
        Index("uq_seal_trail_id", "trail_id", unique=True),
    )


SEAL = append_only(Base.metadata.tables["seal"])


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was noted outside: the seal at `seq` was `hash` at that time."""

    seq: int
    hash: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.seq} {self.hash} {self.at}".rstrip()


# Sealing


def seal(database: Database) -> int:
    """Chain every row that is committed for good and not sealed yet; returns how many. Any process may run it, one at a time acts."""
    done = 0
    while True:
        with database.begin(reading=True) as connection:
            if not _unsealed(connection, 1):
                return done
        with database.begin() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('yunkong.seal'))")
            count = _seal_batch(connection)
        done += count
        if count < BATCH:
            return done


def _seal_batch(connection: Connection) -> int:
    last = connection.execute(select(SEAL.c.seq, SEAL.c.hash).order_by(SEAL.c.seq.desc()).limit(1)).first()
    seq, head = (last.seq, last.hash) if last else (0, GENESIS)
    rows: list[dict[str, Any]] = []
    for row in _unsealed(connection, BATCH):
        seq, head = seq + 1, seal_hash(head, seq + 1, row)
        rows.append({"seq": seq, "trail_id": row.id, "hash": head})
    if rows:
        connection.execute(insert(SEAL), rows)
    return len(rows)


def seal_hash(before: str, seq: int, row: Found) -> str:
    """SHA-256 over the seal before, the place, and the row's id, order and hash."""
    return hashlib.sha256(f"{before}|{seq}|{row.id}|{row.xact}|{row.hash}".encode()).hexdigest()


def _unsealed(connection: Connection, limit: int) -> list[Found]:
    """Rows that can be sealed now, in the order in which they are."""
    sealed = select(SEAL.c.seq).where(SEAL.c.trail_id == TRAIL.c.id).exists()
    wanted = select(TRAIL.c.id, TRAIL.c.xact, TRAIL.c.hash).where(_final(connection), ~sealed)
    return list(connection.execute(wanted.order_by(TRAIL.c.xact, TRAIL.c.id).limit(limit)).all())


def _final(connection: Connection) -> ColumnElement[bool]:
    """Which rows no open transaction can still stand before.

    SQLite has one writer: what can be seen is final. On PostgreSQL a row is final when its transaction lies before the
    oldest open one; all rows up to the last sealed one then are sealed, so the search begins there. After a restore
    into another cluster transaction ids may start again below: then every row is looked at, those of the old cluster
    (above any id given out here) included.
    """
    last = _last_sealed(connection)
    if connection.dialect.name == "sqlite":
        return TRAIL.c.xact > last
    oldest, next_one = _horizon()
    if last >= connection.execute(select(next_one)).scalar_one():
        return (TRAIL.c.xact < oldest) | (TRAIL.c.xact >= next_one)
    return (TRAIL.c.xact >= last) & (TRAIL.c.xact < oldest)


def _last_sealed(connection: Connection) -> int:
    """The order of the last sealed row."""
    return connection.scalar(select(TRAIL.c.xact).join(SEAL, SEAL.c.trail_id == TRAIL.c.id).order_by(SEAL.c.seq.desc()).limit(1)) or 0


def _horizon() -> tuple[ColumnElement[int], ColumnElement[int]]:
    """PostgreSQL's oldest open transaction and the next one to come."""
    return (
        literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger),
        literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint", BigInteger),
    )


# Anchors


def head(connection: Connection, at: datetime) -> Anchor | None:
    """The last seal, as an anchor to be kept outside; None while nothing is sealed."""
    last = connection.execute(select(SEAL.c.seq, SEAL.c.hash).order_by(SEAL.c.seq.desc()).limit(1)).first()
    return Anchor(last.seq, last.hash, at.isoformat()) if last else None


def anchor(database: Database, path: Path, at: datetime) -> Anchor | None:
    """Append the last seal to the file of anchors, unless its last line says so already; None when there is nothing new."""
    with database.begin(reading=True) as connection:
        last = head(connection, at)
    known = read_anchors(path)
    if last is None or (known and (known[-1].seq, known[-1].hash) == (last.seq, last.hash)):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{last}\n")
        file.flush()
        os.fsync(file.fileno())
    return last


def read_anchors(path: Path) -> list[Anchor]:
    """The anchors of a file; a line that is none counts as an anchor that nothing matches."""
    if not path.exists():
        return []
    found: list[Anchor] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        seq, _space, rest = line.partition(" ")
        hash, _space, at = rest.partition(" ")
        if line.strip():
            found.append(Anchor(int(seq) if seq.isascii() and seq.isdigit() else -1, hash, at))
    return found


# For somebody outside


def exported(connection: Connection, after: int = 0) -> Iterator[dict[str, Any]]:
    """Sealed rows in the order of the seal, beginning after a place: all that is needed to prove them without this site.

    Personal values stay protected. `hash` is SHA-256 of `prev` and the canonical JSON of `row`; `sealed` that of the seal
    before, the place, the row's id, its order and its hash, with `|` between them.
    """
    columns = [*(TRAIL.c[name] for name in HASHED), TRAIL.c.prev, TRAIL.c.hash, TRAIL.c.xact]
    wanted = select(SEAL.c.seq, SEAL.c.hash.label("sealed"), *columns).join(TRAIL, TRAIL.c.id == SEAL.c.trail_id)
    for row in _streamed(connection, wanted.where(SEAL.c.seq > after).order_by(SEAL.c.seq)):
        yield {"seq": row.seq, "row": hashed(row._mapping), "prev": row.prev, "hash": row.hash, "order": str(row.xact), "sealed": row.sealed}


# The proof


@dataclass(slots=True)
class Report:
    """What was checked and what does not hold. `unsealed` rows are held by their record's chain alone so far."""

    rows: int = 0
    records: int = 0
    sealed: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    anchors: int = 0
    problems: list[Problem] = field(default_factory=list)
    found: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.found

    def add(self, code: str, where: str, what: str) -> None:
        """Note what does not hold; beyond the first hundred it is only counted."""
        self.found += 1
        if len(self.problems) < SHOWN:
            self.problems.append(Problem(where, what, _HINT, code))


_HINT: Final = _("Keep the database as it is, compare it with the last backup and find out who had access to it.")


def verify(database: Database, anchors: Iterable[Anchor] | None = None) -> Report:
    """Prove the trail: each row's hash, each record's chain up to its head, the seal over all, and the anchors kept outside."""
    with database.begin(reading=True) as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return prove(connection, anchors or ())


def prove(connection: Connection, anchors: Iterable[Anchor]) -> Report:
    """The same within a transaction, which should see one and the same state throughout."""
    report = Report()
    _verify_chains(connection, report)
    _verify_heads(connection, report)
    for one in _verify_seals(connection, report, {one.seq: one for one in anchors}):
        report.add("anchor-missing", f"seal {one.seq}", _("The seal {seq}, noted outside, is not there any more.", seq=one.seq))
    return report


def _verify_chains(connection: Connection, report: Report) -> None:
    """Every row against its hash, and each record's rows against one another and the head in `record`."""
    columns = [*(TRAIL.c[name] for name in HASHED), TRAIL.c.prev, TRAIL.c.hash]
    joined = TRAIL.outerjoin(RECORD, RECORD.c.id == TRAIL.c.record_id)
    wanted = select(*columns, RECORD.c.chain.label("head_"), RECORD.c.version.label("version_")).select_from(joined)
    rows = _streamed(connection, wanted.order_by(TRAIL.c.record_id, TRAIL.c.id))
    for record_id, group in groupby(rows, key=lambda row: row.record_id):
        chained: list[Found] = []
        for row in group:
            report.rows += 1
            if row_hash(row._mapping) != row.hash:
                report.add("row-changed", f"trail {row.id}", _("Row {row} of the trail was changed.", row=row.id))
            if row.version is not None and record_id is not None:
                chained.append(row)
            elif row.prev != GENESIS:
                report.add("row-changed", f"trail {row.id}", _("Row {row} of the trail was changed.", row=row.id))
        if chained:
            report.records += 1
            _verify_chain(str(record_id), chained, report)


def _verify_chain(record_id: str, rows: list[Found], report: Report) -> None:
    """One record: its rows follow one another from the first to the head, none left over, versions never falling."""
    by_prev = {row.prev: row for row in rows}
    at, version, walked = GENESIS, 0, 0
    last = rows[-1]
    while (row := by_prev.pop(at, None)) is not None:
        if row.version < version:
            break
        at, version, walked, last = row.hash, row.version, walked + 1, row
    where = f"record {record_id}"
    if walked != len(rows):
        report.add("chain-broken", where, _("The chain of record {record} is broken after {count} rows.", record=record_id, count=walked))
    elif last.head_ is None:
        if last.action.rpartition(".")[2] != DELETED:
            report.add("record-gone", where, _("Record {record} is gone, but its trail does not say that it was deleted.", record=record_id))
    elif last.head_ != at or last.version_ != version:
        report.add("head-differs", where, _("The last row of the trail of record {record} is missing or was replaced.", record=record_id))


def _verify_heads(connection: Connection, report: Report) -> None:
    """Records of which the trail knows nothing."""
    known = select(TRAIL.c.id).where(TRAIL.c.record_id == RECORD.c.id).exists()
    for id in connection.scalars(select(RECORD.c.id).where(~known).limit(SHOWN)):
        report.add("record-untold", f"record {id}", _("Record {record} has no trail.", record=id))


def _verify_seals(connection: Connection, report: Report, anchors: dict[int, Anchor]) -> Iterable[Anchor]:
    """The seal's chain against the trail and the anchors, and what is not sealed; returns the anchors that met no seal."""
    wanted = select(SEAL.c.seq, SEAL.c.hash.label("sealed"), SEAL.c.trail_id, TRAIL.c.id, TRAIL.c.xact, TRAIL.c.hash)
    before, expected = GENESIS, 0
    report.anchors = len(anchors)
    for row in _streamed(connection, wanted.select_from(SEAL.outerjoin(TRAIL, TRAIL.c.id == SEAL.c.trail_id)).order_by(SEAL.c.seq)):
        expected += 1
        report.sealed += 1
        where = f"seal {row.seq}"
        if row.seq != expected:
            report.add("seal-gap", where, _("Seals are missing before seal {seq}.", seq=row.seq))
            expected = row.seq
        if row.id is None:
            report.add("row-deleted", where, _("Row {row} of the trail was deleted.", row=row.trail_id))
        elif seal_hash(before, row.seq, row) != row.sealed:
            report.add("seal-broken", where, _("Seal {seq} does not match what it seals.", seq=row.seq))
        before = row.sealed
        noted = anchors.pop(row.seq, None)
        if noted is not None and noted.hash != row.sealed:
            report.add("anchor-differs", where, _("Seal {seq} is not the one that was noted outside.", seq=row.seq))
    _count_unsealed(connection, report)
    return anchors.values()


def _count_unsealed(connection: Connection, report: Report) -> None:
    """The open window, and rows that should have been sealed long ago."""
    sealed = select(SEAL.c.seq).where(SEAL.c.trail_id == TRAIL.c.id).exists()
    count, oldest = connection.execute(select(func.count(), func.min(TRAIL.c.at)).select_from(TRAIL).where(~sealed)).one()
    report.unsealed, report.oldest_unsealed = count, oldest
    last = _last_sealed(connection)
    settled: ColumnElement[bool] = true()
    if connection.dialect.name != "sqlite":
        settled = and_(TRAIL.c.xact < _horizon()[0], literal(last) < _horizon()[1])
    for id in connection.scalars(select(TRAIL.c.id).where(~sealed, TRAIL.c.xact < last, settled).limit(SHOWN)):
        report.add("row-slipped-in", f"trail {id}", _("Row {row} of the trail was put in before rows that are sealed.", row=id))


def _streamed(connection: Connection, statement: Any) -> Iterator[Found]:
    """Rows one by one, without holding them all."""
    yield from connection.execution_options(stream_results=True, yield_per=1_000).execute(statement)
