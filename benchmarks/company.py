"""A site to measure: its folder, one clerk with a session, a hundred parts; and its application as gunicorn serves it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from benchmarks import bench
from core import passwords, people
from core.config import write_site
from core.site import Site, open_site

PARTS = 100


@dataclass(frozen=True)
class Company:
    """A site with somebody who may do everything that is measured."""

    folder: Path
    token: str
    password: str
    parts: tuple[str, ...]
    user: int
    department: int

    @property
    def site(self) -> Site:
        """The site, opened anew."""
        return open_site(self.folder, extra={"bench": bench})


def found(folder: Path, database: str = "") -> Company:
    """Make the site, its department, its clerk and the clerk's token."""
    write_site(folder, name="Bench", kind="test", plugins=["bench"], database=database, language="zh_CN")
    site = open_site(folder, extra={"bench": bench})
    site.database.create()
    with site.work(via="cli") as work:
        seat = people.add_department(work.connection, work.origin, code="D1", name="Department")
        clerk, password = people.add_user(
            work.connection, work.registry, work.origin, username="clerk", name="Clerk", roles=[("bench.clerk", seat)],
            memory=passwords.memory_for("test"),
        )
    with site.work(actor=clerk, via="cli") as work, work.inside():
        parts = tuple(str(work.create("bench.part", {"code": f"P{n:03d}", "name": f"Part {n}"}).id) for n in range(PARTS))
    from core.app import create_app

    client = create_app(site).test_client()
    answer = client.post("/api/v1/tokens", json={"username": "clerk", "password": password})
    assert answer.status_code == 201, answer.text
    site.close()
    return Company(folder, answer.json["token"], password, parts, clerk, seat)


def served() -> Flask:
    """The application of the site in BENCH_SITE, for gunicorn."""
    from core.app import create_app

    return create_app(open_site(Path(os.environ["BENCH_SITE"]), extra={"bench": bench}))


def document(company: Company, number: int = 0) -> dict[str, Any]:
    """The body of a create: ten fields, five lines."""
    return {
        "subject": f"Valve bodies {number}", "customer": "Hongyuan", "contact": "Mr Lin", "planned_on": "2026-11-20", "kind": "new", "is_urgent": False,
        "amount": "12500.50", "weight": "310.5", "story": "As agreed by telephone.", "remarks": "bench",
        "lines": [{"part": company.parts[(number + n) % PARTS], "qty": f"{n + 2}", "place": f"Bay {n}", "due_on": "2026-12-01"} for n in range(5)],
    }
