"""Does a list stay as quick when it has grown? Pages of a thousand records against pages of a million."""

from __future__ import annotations

import json
import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from benchmarks import bench
from benchmarks.company import Company
from core.app import create_app

LIMIT = 1.3
SMALL, LARGE = 1_000, 1_000_000
BASE = "/api/v1/records/bench.document"
PAGES = {"first": f"{BASE}?limit=50", "of a state": f"{BASE}?limit=50&state=submitted", "filtered": f"{BASE}?limit=50&filter[kind]=repair", "deep": ""}
FIRST = 10**15
"""Where the ids of the seed begin: below every id that a site gives."""


@dataclass(frozen=True)
class Pages:
    """Milliseconds of each page in one size: the median of many, answered in this process."""

    records: int
    wall: dict[str, float]


def seed(company: Company, count: int) -> None:
    """Fill up to `count` documents without lines, by SQL: two fifths drafts, kinds by thirds, due dates over a thousand days."""
    site = company.site
    rows = (
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT"
        if site.database.is_sqlite else "SELECT"
    )
    many = "" if site.database.is_sqlite else f" FROM generate_series(0, {count - 1}) AS i"
    tail = " FROM n" if site.database.is_sqlite else many
    state = "CASE WHEN i % 5 < 2 THEN 'draft' ELSE 'submitted' END"
    number = "CASE WHEN i % 5 < 2 THEN NULL ELSE 'X-' || i END"
    day = "timestamp '2026-01-01' + (i % 1000) * interval '1 day'"
    if site.database.is_sqlite:
        day = "datetime('2026-01-01', '+' || (i % 1000) || ' days') || '.000000'"
    kind = "CASE i % 3 WHEN 0 THEN 'new' WHEN 1 THEN 'repeat' ELSE 'repair' END"
    planned = "date('2026-01-01', '+' || (i % 1000) || ' days')" if site.database.is_sqlite else "date '2026-01-01' + (i % 1000)"
    common = f"{FIRST} + i, {number}, 'Document ' || i, {state}, {company.department}, {company.user}"
    with site.database.begin() as connection:
        connection.execute(text("DELETE FROM bench_document WHERE id BETWEEN :a AND :b"), {"a": FIRST, "b": FIRST + 10**9})
        connection.execute(text("DELETE FROM record WHERE id BETWEEN :a AND :b"), {"a": FIRST, "b": FIRST + 10**9})
        connection.execute(text(
            "INSERT INTO record (id, number, title, state, department_id, created_by, type, changed_at, version, revision, due_at, due_key, chain) "
            f"{rows} {common}, 'bench.document', {day}, 1, 1, NULL, {day}, ''{tail}"))
        connection.execute(text(
            "INSERT INTO bench_document (id, number, title, state, department_id, created_by, created_at, changed_at, version, revision, due_at, due_key, "
            f"subject, planned_on, kind) {rows} {common}, {day}, {day}, 1, 1, NULL, {day}, 'Document ' || i, {planned}, {kind}{tail}"))
    with site.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT", reading=True) as connection:
        connection.exec_driver_sql("ANALYZE")
    site.close()


def measure(sizes: Sequence[tuple[Company, int]], rounds: int = 60) -> list[Pages]:
    """Each page in each size, many times, in turn, so that what else goes on hits all of them alike."""
    sites = [(company.site, company, records) for company, records in sizes]
    times: list[dict[str, list[float]]] = [{name: [] for name in PAGES} for _site in sites]
    asked = [
        (create_app(site).test_client(), {"Authorization": f"Bearer {company.token}"}, {**PAGES, "deep": f"{PAGES['first']}&cursor={deep(site, records)}"})
        for site, company, records in sites
    ]
    for number in range(rounds + 5):
        for name in PAGES:
            for place, (client, headers, pages) in enumerate(asked):
                began = time.perf_counter()
                answer = client.get(pages[name], headers=headers)
                if number >= 5:
                    times[place][name].append(1000 * (time.perf_counter() - began))
                assert len(answer.json["items"]) == 50, answer.text[:300]
    for site, _company, _records in sites:
        site.close()
    return [Pages(records, {n: statistics.median(one) for n, one in found.items()}) for found, (_company, records) in zip(times, sizes, strict=True)]


def deep(site: Any, records: int) -> str:
    """The cursor behind seven tenths of the list."""
    main = site.database.tables(bench.DOCUMENT).main
    with site.database.begin(reading=True) as connection:
        here = connection.execute(select(main.c.due_key, main.c.id).order_by(main.c.due_key, main.c.id).offset(records * 7 // 10).limit(1)).one()
    return urlsafe_b64encode(json.dumps([{"m": here.due_key.isoformat()}, here.id]).encode()).decode().rstrip("=")
