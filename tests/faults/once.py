"""The same create sent one to eight times at once, with one key or from one form: one record, one answer.

Some callers go away before the answer comes; those who are told that their request still runs ask again.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPException
from pathlib import Path
from threading import Lock, local
from typing import Any

from sqlalchemy import select

from core import audit
from tests.faults import figures
from tests.faults.client import Browser, Caller
from tests.faults.plant import REQUISITION, Plant, build, databases
from tests.faults.serving import Served

DAY = date(2026, 11, 1)
SENDERS = 16


@dataclass(frozen=True)
class Scale:
    """How many creates with a key, and how many forms."""

    keys: int = 1_000
    forms: int = 200


SHORT = Scale(keys=60, forms=10)


@dataclass
class Found:
    """What came back, and what the database holds: purpose → how many."""

    answers: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    sent: int = 0
    abandoned: int = 0
    told_to_wait: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    ids: dict[str, str] = field(default_factory=dict)
    reused: list[int] = field(default_factory=list)
    seconds: float = 0.0
    trail_problems: int = 0

    @property
    def twice(self) -> int:
        """Records that should not be there."""
        return sum(count - 1 for count in self.stored.values())

    @property
    def missing(self) -> int:
        """Creates of which no record is there."""
        return len(self.answers.keys() - self.stored.keys())

    @property
    def disagreeing(self) -> int:
        """Creates whose senders were told different things, or not of the record that is there."""
        return sum(len(set(told)) != 1 or self.ids.get(name, "") not in told[0][1] for name, told in self.answers.items())

    @property
    def failed(self) -> int:
        """Answers that were neither the record nor the way to it."""
        return sum(status not in (201, 303) for told in self.answers.values() for status, _what in told)

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return not (self.twice or self.missing or self.disagreeing or self.failed or self.trail_problems) and set(self.reused) <= {422}


class Load:
    """Senders of one plant."""

    def __init__(self, plant: Plant, port: int, seed: int) -> None:
        self.plant, self.port, self.chance = plant, port, random.Random(seed)
        self.found, self.lock, self.own = Found(), Lock(), local()
        first = Caller(port).sign_in(plant.username(1))
        self.token = first.token
        self.browser = Browser(port).sign_in(plant.username(2))

    def caller(self) -> Caller:
        """This thread's connection."""
        if not hasattr(self.own, "caller"):
            self.own.caller = Caller(self.port)
            self.own.caller.token = self.token
        return self.own.caller

    def send_key(self, name: str, goes_away: bool) -> None:
        """One sending with the key of this name."""
        body = self.plant.body(DAY, purpose=name)
        if goes_away:
            self.caller().abandon("POST", f"/records/{REQUISITION}", body, Idempotency_Key=name)
            with self.lock:
                self.found.abandoned += 1
        while True:
            try:
                answer = self.caller().call("POST", f"/records/{REQUISITION}", body, Idempotency_Key=name)
            except (OSError, HTTPException):
                continue
            with self.lock:
                self.found.sent += 1
                if answer.status != 409:
                    self.found.answers.setdefault(name, []).append((answer.status, answer.text))
                    return
                self.found.told_to_wait += 1
            time.sleep(0.01)

    def send_form(self, name: str, fields: list[tuple[str, str]]) -> None:
        """One click on the form of this name."""
        answer = self.browser.twin().post("/stock/requisition/new", fields)
        with self.lock:
            self.found.sent += 1
            self.found.answers.setdefault(name, []).append((answer.status, (answer.headers.get("Location") or answer.text[:300]).partition("?")[0]))

    def fill_form(self, name: str) -> list[tuple[str, str]]:
        """The form as somebody fills it in."""
        form = self.browser.form("/stock/requisition/new", "lines.sent")
        return [(key, value) for key, value in form.filled(
            source=str(self.plant.source), purpose=name, lines__0__material=str(self.plant.item), lines__0__qty_requested="3", go="save",
        ) if "__row__" not in key and (key, value) != ("lines.row", "__row__")]

    def run(self, scale: Scale) -> Found:
        """Everything at once, shuffled."""
        start = time.monotonic()
        todo: list[tuple[Any, ...]] = []
        for at in range(scale.keys):
            todo += [(self.send_key, f"key-{at}", self.chance.random() < 0.05) for _time in range(self.chance.randint(1, 8))]
        for at in range(scale.forms):
            fields = self.fill_form(f"form-{at}")
            todo += [(self.send_form, f"form-{at}", fields) for _time in range(self.chance.randint(2, 4))]
        # Near one another, but not in order: several creates are under way at once, and each of them several times.
        order = sorted(range(len(todo)), key=lambda at: at + self.chance.uniform(0, 12))
        with ThreadPoolExecutor(SENDERS) as pool:
            for done in [pool.submit(*todo[at]) for at in order]:
                done.result()
        for at in range(0, scale.keys, max(1, scale.keys // 20)):
            answer = self.caller().call("POST", f"/records/{REQUISITION}", self.plant.body(DAY, purpose="another"), Idempotency_Key=f"key-{at}")
            self.found.reused.append(answer.status)
        self.found.seconds = time.monotonic() - start
        return self.found


def run(plant: Plant, scale: Scale, seed: int = 20261120) -> Found:
    """Serve the site, send everything, and read what is there."""
    with Served(plant.folder) as served:
        found = Load(plant, served.port, seed).run(scale)
    site = plant.open()
    main = site.database.tables(site.registry.type(REQUISITION)).main
    with site.database.begin(reading=True) as connection:
        for id, purpose in connection.execute(select(main.c.id, main.c.purpose)):
            found.stored[purpose] += 1
            found.ids[purpose] = str(id)
    audit.seal(site.database)
    found.trail_problems = audit.verify(site.database).found
    site.close()
    return found


def shown(found: Found, scale: Scale) -> dict[str, object]:
    """The figures of one engine."""
    return {
        "creates with a key": scale.keys, "forms": scale.forms, "requests": found.sent, "senders that went away": found.abandoned,
        "told that it still runs": found.told_to_wait, "records": sum(found.stored.values()), "**records too many**": found.twice,
        "**creates lost**": found.missing, "**answers that differ**": found.disagreeing, "answers that failed": found.failed,
        "the key with another body, refused": f"{found.reused.count(422)} of {len(found.reused)}", "findings in the trail": found.trail_problems,
        "seconds": found.seconds,
    }


def main() -> int:
    """The full run on both engines."""
    rows: dict[str, dict[str, object]] = {}
    sound, scale = True, Scale()
    for engine in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="yunkong-once-") as folder, databases(engine, Path(folder), durable=True) as database:
            found = run(build(Path(folder) / "site", database, workers=2), scale)
        rows[engine] = shown(found, scale)
        sound = sound and found.ok
        print(engine, "sound" if found.ok else "NOT SOUND", rows[engine], sep="\n  ", flush=True)
    figures.write("once", "Sent again", re.sub(r"\s+", " ", TOLD), rows)
    return 0 if sound else 1


TOLD = """A served site gets 1,000 creates with an Idempotency-Key, each sent 1 to 8 times at once by sixteen senders, some of whom go
away before the answer; and 200 forms, each posted 2 to 4 times at once. There must be exactly one record for each, and everybody
must be told of that one."""


if __name__ == "__main__":
    sys.exit(main())
