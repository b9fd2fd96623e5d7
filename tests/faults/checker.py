"""Reads a database past the door and compares it with what clients were told. Knows nothing of the load but its journal."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from core import audit, signatures
from core.files import FILE, Store
from core.links import LINK
from core.site import Site, open_site
from core.storage import RECORD
from tests.faults.plant import REQUISITION


@dataclass
class Expected:
    """A record as its client was last told it stands."""

    version: int
    state: str
    purpose: str
    quantities: list[str]
    number: str | None = None
    deleted: bool = False


@dataclass
class Journal:
    """Everything that was acknowledged: records by id, hashes of uploads by file id, and how often what was acknowledged."""

    records: dict[str, Expected] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)

    def dumped(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass
class Verdict:
    """What does not hold, by kind, with the first sentences about each."""

    counts: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    records: int = 0
    trail_rows: int = 0
    numbers: int = 0

    def add(self, kind: str, what: str) -> None:
        """Note one finding: `lost`, `half`, `chain` or `number`."""
        self.counts[kind] += 1
        if len(self.said) < 20:
            self.said.append(f"{kind}: {what}")

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.counts


def check(folder: Path, journal: Journal) -> Verdict:
    """Compare the site in this folder with the journal."""
    site = open_site(folder)
    verdict = Verdict()
    try:
        with site.database.begin(reading=True) as connection:
            if site.database.is_sqlite:
                found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
                if found != "ok":
                    verdict.add("half", f"integrity: {found}")
            _acknowledged(connection, site, journal, verdict)
            _whole(connection, site, verdict)
            _numbers(connection, verdict)
            _files(connection, site.files, journal, verdict)
        audit.seal(site.database)
        report = audit.verify(site.database)
        for problem in report.problems:
            verdict.add("chain", f"{problem.where}: {problem.what}")
        for problem in signatures.verify(site.database):
            verdict.add("half", f"{problem.where}: {problem.what}")
        verdict.trail_rows = report.rows
    finally:
        site.close()
    return verdict


def _acknowledged(connection: Connection, site: Site, journal: Journal, verdict: Verdict) -> None:
    """Every acknowledged change is there, and nothing that no client knows of."""
    tables = site.database.tables(site.registry.type(REQUISITION))
    main, lines = tables.main, tables.lines["lines"].table
    rows = {str(row.id): row for row in connection.execute(select(main.c.id, main.c.version, main.c.state, main.c.purpose, main.c.number))}
    quantities: dict[str, list[str]] = {}
    for record_id, qty in connection.execute(select(lines.c.record_id, lines.c.qty_requested).order_by(lines.c.position)):
        quantities.setdefault(str(record_id), []).append(f"{qty:f}")
    verdict.records = len(rows)
    for id, expected in journal.records.items():
        row = rows.pop(id, None)
        if expected.deleted:
            if row is not None:
                verdict.add("lost", f"the deletion of {id}")
        elif row is None:
            verdict.add("lost", f"record {id}: {expected}")
        else:
            there = Expected(row.version, row.state, row.purpose, quantities.get(id, []), row.number)
            if there != expected:
                verdict.add("lost", f"record {id}: told {expected}, there is {there}")
    for id in rows:
        verdict.add("half", f"record {id} is known to no client")


def _whole(connection: Connection, site: Site, verdict: Verdict) -> None:
    """Index row, own row, lines, links, trail and signature of each record belong together."""
    tables = site.database.tables(site.registry.type(REQUISITION))
    main, lines = tables.main, tables.lines["lines"].table
    index = {row.id: row for row in connection.execute(select(RECORD.c.id, RECORD.c.version, RECORD.c.state, RECORD.c.number).where(RECORD.c.type == REQUISITION))}
    own = {row.id: row for row in connection.execute(select(main.c.id, main.c.version, main.c.state, main.c.number))}
    linked = Counter(connection.scalars(select(LINK.c.from_id).where(LINK.c.kind == "field:source")))
    trail = Counter(connection.scalars(select(audit.TRAIL.c.record_id).where(audit.TRAIL.c.type == REQUISITION)))
    signed = set(connection.scalars(select(signatures.SIGNATURE.c.record_id)))
    materials = Counter(connection.scalars(select(LINK.c.from_id).where(LINK.c.kind == "field:lines.material")))
    rows = Counter(connection.scalars(select(lines.c.record_id)))
    for id in index.keys() | own.keys():
        one, other = index.get(id), own.get(id)
        if one is None or other is None or tuple(one) != tuple(other):
            verdict.add("half", f"record {id}: index {one}, own row {other}")
            continue
        expected = {"trail": one.version, "source": 1, "materials": rows[id], "signature": one.number is not None}
        there = {"trail": trail[id], "source": linked[id], "materials": materials[id], "signature": id in signed}
        if expected != there:
            verdict.add("half", f"record {id}: expected {expected}, there is {there}")
    for id in (linked.keys() | rows.keys()) - index.keys():
        verdict.add("half", f"lines or links of {id} without a record")


def _numbers(connection: Connection, verdict: Verdict) -> None:
    """No gap, none twice."""
    numbers = [one for one in connection.scalars(select(RECORD.c.number).where(RECORD.c.type == REQUISITION)) if one]
    series: dict[str, list[int]] = {}
    for number in numbers:
        head, _dash, counter = number.rpartition("-")
        series.setdefault(head, []).append(int(counter))
    for head, counters in series.items():
        if sorted(counters) != list(range(1, len(counters) + 1)):
            verdict.add("number", f"{head}: {len(counters)} numbers, the greatest is {max(counters)}, {len(set(counters))} differ")
    given = dict(connection.execute(text("SELECT series, value FROM counter")).all())
    for name, value in given.items():
        if name.startswith(REQUISITION) and value != len(series.get(name.partition(":")[2].replace("-{counter}", ""), ())):
            verdict.add("number", f"the counter of {name} stands at {value}")
    verdict.numbers = len(numbers)


def _files(connection: Connection, store: Store, journal: Journal, verdict: Verdict) -> None:
    """Acknowledged uploads are there, and no row is without its bytes."""
    rows = {str(row.id): row.sha256 for row in connection.execute(select(FILE.c.id, FILE.c.sha256))}
    for id, sha256 in journal.files.items():
        if rows.get(id) != sha256:
            verdict.add("lost", f"file {id}")
    for id, sha256 in rows.items():
        path = store.path(sha256)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            verdict.add("half", f"file {id} has no bytes, or others")
