"""The record page: forty fields, twenty lines, fifty entries in the trail; its statements and its processor time."""

from __future__ import annotations

import re
import statistics
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from benchmarks import bench
from benchmarks.company import Company
from benchmarks.statements import counted
from core.app import create_app
from core.service import Asked

MOST_STATEMENTS, MOST_MS = 15, 15.0


@dataclass(frozen=True)
class Page:
    """What the page of a full record takes."""

    statements: int
    cpu_ms: float
    bytes: int
    entries: int


def fill(company: Company) -> int:
    """A record with everything in it and a long history; returns its id."""
    site = company.site
    values = {name: _value(kind.kind, n) for n, (name, kind) in enumerate(bench.SHEET.fields.items()) if name != "lines"}
    values |= {"kind": "new", "is_urgent": True, "lines": [
        {"part": int(company.parts[n]), "qty": Decimal(n + 1), "place": f"Bay {n}", "due_on": date(2026, 12, 1)} for n in range(20)]}
    with site.work(actor=company.user, via="cli") as work:
        record = work.create("bench.sheet", values, accepted=True)
    for number in range(22):
        for step in ("submit", "send_back"):
            with site.work(actor=company.user, via="cli") as work:
                work.fire(work.get("bench.sheet", record.id), step, Asked(reason="again" if step == "send_back" else ""))
        if number < 6:
            with site.work(actor=company.user, via="cli") as work:
                work.edit(work.get("bench.sheet", record.id), remarks=f"round {number}")
    with site.work(actor=company.user, via="cli") as work:
        work.fire(work.get("bench.sheet", record.id), "submit", Asked())
    site.close()
    return record.id


def _value(kind: str, number: int) -> object:
    if kind == "date":
        return date(2026, 11, 1 + number % 28)
    return Decimal(number) + Decimal("0.5") if kind in ("decimal", "quantity", "money") else f"Value {number}"


def measure(company: Company, id: int, rounds: int = 40) -> Page:
    """The page as a browser gets it, signed in."""
    site = company.site
    client = create_app(site).test_client()
    form = client.get("/sign-in").text
    csrf = re.search(r'name="_csrf" value="([^"]+)"', form)
    assert csrf is not None
    answer = client.post("/sign-in", data={"_csrf": csrf[1], "username": "clerk", "password": company.password})
    assert answer.status_code in (302, 303), answer.text[:400]
    path = f"/bench/sheet/{id}"
    times = []
    for number in range(rounds + 5):
        began = time.process_time()
        answer = client.get(path)
        if number >= 5:
            times.append(1000 * (time.process_time() - began))
        assert answer.status_code == 200, answer.text[:400]
    with counted(site.database.engine) as statements:
        client.get(path)
    with site.work(actor=company.user, reading=True) as work:
        entries = len(work.history(work.get("bench.sheet", id)))
    site.close()
    return Page(len(statements), statistics.median(times), len(answer.data), entries)

