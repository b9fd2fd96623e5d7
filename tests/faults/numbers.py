"""Many creators take numbers at once, a tenth of them thinking better of it: no number twice, none left out.

Creators stand before each new series together, so that its first number is fought over. What they were given is
compared with what the database holds by a reader of its own.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import text

from core import audit
from core.service import Asked
from core.storage import is_passing
from tests.faults import figures
from tests.faults.plant import REQUISITION, Plant, build, databases

ABORTS = 0.1


@dataclass(frozen=True)
class Scale:
    """How many creators in how many processes, and how many numbers each takes, spread over so many series."""

    processes: int = 8
    threads: int = 8
    numbers: int = 200
    series: int = 20

    @property
    def creators(self) -> int:
        """All of them."""
        return self.processes * self.threads


SHORT = Scale(processes=2, threads=8, numbers=15, series=3)


class Abort(Exception):
    """A creator thinks better of it after the number was given."""


@dataclass
class Found:
    """What creators were given and what the database holds."""

    given: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    aborted: int = 0
    retried: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stored: list[str] = field(default_factory=list)
    trail_problems: int = 0

    @property
    def duplicates(self) -> int:
        """Numbers that stand, or were given, more than once."""
        return sum(count - 1 for numbers in (self.stored, self.given) for count in Counter(numbers).values())

    @property
    def gaps(self) -> int:
        """Numbers that are missing below the greatest of their series."""
        series: dict[str, set[int]] = {}
        for number in self.stored:
            head, _dash, counter = number.rpartition("-")
            series.setdefault(head, set()).add(int(counter))
        return sum(max(counters) - len(counters) for counters in series.values())

    @property
    def lost(self) -> int:
        """Numbers that somebody was given and the database does not hold, or the other way round."""
        return len(set(self.given) ^ set(self.stored))

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return not (self.duplicates or self.gaps or self.lost or self.errors or self.trail_problems) and bool(self.stored)


def run(plant: Plant, scale: Scale) -> Found:
    """Let them all begin; returns what they were given, with what a reader then finds."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(scale.creators), context.Queue()
    processes = [context.Process(target=_creators, args=(plant, scale, at, barrier, results)) for at in range(scale.processes)]
    for process in processes:
        process.start()
    found = Found()
    for _process in processes:
        part = results.get()
        found.given += part.given
        found.waits += part.waits
        found.errors += part.errors
        found.aborted += part.aborted
        found.retried += part.retried
        found.seconds = max(found.seconds, part.seconds)
    for process in processes:
        process.join()
    _read(plant, found)
    return found


def _creators(plant: Plant, scale: Scale, place: int, barrier: Any, results: Any) -> None:
    """One process of creators."""
    site = plant.open()
    found = Found()
    lock = threading.Lock()
    began: list[float] = []

    def create(number: int) -> None:
        chance = random.Random(place * 1000 + number)
        actor = plant.users[(place * scale.threads + number) % len(plant.users)]
        per_series = scale.numbers // scale.series
        for series in range(scale.series):
            barrier.wait(300)
            began.append(time.monotonic())
            for _time in range(per_series):
                _one(site, plant, actor, date(2025 + series // 12, series % 12 + 1, 1), chance, found, lock)

    def guarded(number: int) -> None:
        try:
            create(number)
        except Exception as error:
            with lock:
                found.errors.append(repr(error))
            barrier.abort()

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(scale.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.seconds = time.monotonic() - min(began, default=time.monotonic())
    site.close()
    results.put(found)


def _one(site: Any, plant: Plant, actor: int, day: date, chance: random.Random, found: Found, lock: threading.Lock) -> None:
    """Take one number; an abort is followed by another try."""
    while True:
        start = time.monotonic()
        try:
            with site.work(actor=actor, via="test") as work:
                record = work.create(REQUISITION, plant.values(day))
                work.fire(record, "submit", Asked())
                number = record.number
                if chance.random() < ABORTS:
                    raise Abort
        except Abort:
            with lock:
                found.aborted += 1
            continue
        except Exception as error:
            if not is_passing(error):
                raise
            with lock:
                found.retried += 1
            continue
        with lock:
            found.given.append(number)
            found.waits.append(time.monotonic() - start)
        return


def _read(plant: Plant, found: Found) -> None:
    """What the database holds, read past the door."""
    site = plant.open()
    with site.database.begin(reading=True) as connection:
        found.stored = list(connection.scalars(text("SELECT number FROM record WHERE type = :type AND number IS NOT NULL"), {"type": REQUISITION}))
    audit.seal(site.database)
    found.trail_problems = audit.verify(site.database).found
    site.close()


def shown(found: Found, scale: Scale) -> dict[str, object]:
    """The figures of one engine."""
    return {
        "creators": scale.creators, "numbers each": scale.numbers, "series": scale.series, "numbers given": len(found.given), "aborted": found.aborted,
        "tried again after a deadlock or a busy database": found.retried, "**duplicates**": found.duplicates, "**gaps**": found.gaps,
        "**lost**": found.lost, "errors": len(found.errors), "findings in the trail": found.trail_problems, "seconds": found.seconds,
        "numbers per second": len(found.given) / found.seconds if found.seconds else 0.0,
        "wait p50 / p95 / max, ms": " / ".join(f"{figures.percentile(found.waits, part) * 1000:,.0f}" for part in (0.5, 0.95, 1.0)),
    }


def main() -> int:
    """The full run on both engines."""
    rows: dict[str, dict[str, object]] = {}
    sound = True
    scale = Scale()
    for engine in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="yunkong-numbers-") as folder, databases(engine, Path(folder), durable=True) as database:
            found = run(build(Path(folder) / "site", database, users=scale.creators), scale)
        rows[engine] = shown(found, scale)
        sound = sound and found.ok
        print(engine, "sound" if found.ok else "NOT SOUND", rows[engine], *found.errors[:5], sep="\n  ", flush=True)
    figures.write("numbers", "Numbers", re.sub(r"\s+", " ", TOLD), rows)
    return 0 if sound else 1


TOLD = """64 creators each make and submit 200 material requisitions through the door, in twenty series that all of them begin at the same
moment; a tenth of the units of work is rolled back after the number was given. Afterwards the numbers in the database are
compared with those that were given, and the trail is proven. Every promise is a zero in bold."""


if __name__ == "__main__":
    sys.exit(main())
