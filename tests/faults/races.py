"""Two people save the same record at the same moment: one wins, the other is told what changed and keeps what was typed.

Three kinds: two calls of the API, two windows with the form, two who take the same step.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from pathlib import Path
from threading import Barrier, Lock

from sqlalchemy import select, text

from core import audit
from tests.faults import figures
from tests.faults.client import Answer, Browser, Caller, form_in
from tests.faults.plant import REQUISITION, Plant, build, databases
from tests.faults.serving import Served

ITEM = "master_data.item"
PAIRS = 4


@dataclass(frozen=True)
class Scale:
    """How many races of each kind."""

    calls: int = 600
    forms: int = 200
    steps: int = 200


SHORT = Scale(calls=40, forms=12, steps=12)


@dataclass
class Found:
    """What did not go as promised, in words, and how often each kind went as it should."""

    calls: int = 0
    forms: int = 0
    steps: int = 0
    without_winner: int = 0
    two_winners: int = 0
    lost_updates: int = 0
    loser_not_told: int = 0
    typed_lost: int = 0
    gaps: int = 0
    trail_problems: int = 0
    other: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        wrong = (self.without_winner, self.two_winners, self.lost_updates, self.loser_not_told, self.typed_lost, self.gaps, self.trail_problems)
        return not any(wrong) and not self.other


class Pair:
    """Two people, each with a window and a connection of their own."""

    def __init__(self, plant: Plant, port: int, number: int, found: Found, lock: Lock) -> None:
        self.plant, self.found, self.lock = plant, found, lock
        self.chance = random.Random(number)
        self.number = number
        names = [plant.username(number * 2), plant.username(number * 2 + 1)]
        self.callers = [Caller(port).sign_in(name) for name in names]
        self.twins = [Caller(port), Caller(port)]
        for twin in self.twins:
            twin.token = self.callers[0].token
        self.windows = [Browser(port).sign_in(name) for name in names]
        self.pool = ThreadPoolExecutor(2)

    def at_once(self, first: Callable[[], Answer], second: Callable[[], Answer]) -> list[Answer]:
        """Both at the same moment; in half of the races one a trifle later than the other."""
        barrier = Barrier(2)
        late, pause = self.chance.randrange(2), self.chance.choice([0, 0, 0.001, 0.003])

        def go(place: int, act: Callable[[], Answer]) -> Answer:
            barrier.wait(30)
            if place == late:
                time.sleep(pause)
            return act()

        return [one.result() for one in [self.pool.submit(go, 0, first), self.pool.submit(go, 1, second)]]

    def note(self, **counts: int) -> None:
        """Count what happened."""
        with self.lock:
            for name, count in counts.items():
                setattr(self.found, name, getattr(self.found, name) + count)

    def unlike(self, what: str, answers: list[Answer]) -> None:
        """Something that nobody promised or foresaw."""
        with self.lock:
            self.found.other.append(f"{what}: {[(one.status, one.text[:300]) for one in answers]}")

    def winner(self, answers: list[Answer], won: int, lost: tuple[int, ...]) -> int | None:
        """Who won; None where it was not exactly one."""
        places = [at for at, answer in enumerate(answers) if answer.status == won]
        if len(places) != 1:
            self.note(**{"two_winners" if places else "without_winner": 1})
            return None
        if answers[1 - places[0]].status not in lost:
            self.unlike("loser", answers)
            return None
        return places[0]

    def item(self, name: str) -> dict[str, object]:
        """A new item to fight over."""
        body = {"code": name, "name": "contested", "kind": "material", "unit": "kg"}
        answer = self.callers[0].call("POST", f"/records/{ITEM}", body)
        assert answer.status == 201, answer.text
        return answer.json  # type: ignore[no-any-return]

    def calls(self, at: int) -> None:
        """Two calls with the same ETag; half the time for different fields."""
        item = self.item(f"C-{self.number}-{at}")
        path, version = f"/records/{ITEM}/{item['id']}", f'"{item["version"]}"'
        fields = ["remarks", self.chance.choice(["remarks", "model"])]
        values = [f"{name} of {place} in {at}" for place, name in enumerate(fields)]
        answers = self.at_once(*(
            lambda place=place: self.callers[place].call("PATCH", path, {fields[place]: values[place]}, If_Match=version) for place in (0, 1)))
        won = self.winner(answers, 200, (412,))
        if won is None:
            return
        told = {one["field"]: one["after"] for one in answers[1 - won].json["changes"]}
        now = self.callers[0].call("GET", path).json
        expected = {"remarks": None, "model": None} | {fields[won]: values[won]}
        self.note(
            calls=1, loser_not_told=int(told.get(fields[won]) != values[won]),
            lost_updates=int({name: now[name] for name in expected} != expected or now["version"] != 2),
        )

    def forms(self, at: int) -> None:
        """Two windows with the same form; the loser sees both versions, goes on with theirs, and saves it."""
        item = self.item(f"F-{self.number}-{at}")
        path = f"/master_data/item/{item['id']}"
        typed = [f"typed by {place} in {at}" for place in (0, 1)]
        forms = [window.form(f"{path}/edit", "remarks") for window in self.windows]
        answers = self.at_once(*(
            lambda place=place: self.windows[place].post(forms[place].action, forms[place].filled(remarks=typed[place], go="save")) for place in (0, 1)))
        won = self.winner(answers, 303, (409,))
        if won is None:
            return
        page = unescape(answers[1 - won].text)
        self.note(forms=1, loser_not_told=int(typed[won] not in page), typed_lost=int(typed[1 - won] not in page))
        loser = self.windows[1 - won]
        merging = form_in(answers[1 - won].text, "_version")
        shown = loser.post(merging.action, merging.filled(_keep__remarks="mine", go="merge"))
        form = form_in(shown.text, "remarks")
        if dict(form.fields).get("remarks") != typed[1 - won]:
            self.note(typed_lost=1)
            return
        saved = loser.post(form.action, form.filled(go="save"))
        now = self.callers[0].call("GET", f"/records/{ITEM}/{item['id']}").json
        if saved.status != 303 or now["remarks"] != typed[1 - won] or now["version"] != 3:
            self.unlike("merge", [shown, saved])

    def steps(self, at: int) -> None:
        """The same step twice at once: it is taken once, and gives one number."""
        made = self.callers[0].call("POST", f"/records/{REQUISITION}", self.plant.body(date(2026, 11, 1), purpose=f"{at}")).json
        path = f"/records/{REQUISITION}/{made['id']}"
        headers = {"If_Match": f'"{made["version"]}"'} if at % 2 else {}
        answers = self.at_once(*(lambda place=place: self.twins[place].call("POST", f"{path}/transitions/submit", {}, **headers) for place in (0, 1)))
        won = self.winner(answers, 200, (409, 412))
        if won is None:
            return
        loser, now = answers[1 - won].json, self.callers[0].call("GET", path).json
        told = {one["field"]: one["after"] for one in loser.get("changes", ())}
        self.note(
            steps=1, lost_updates=int(now["number"] != answers[won].json["number"] or now["version"] != 2),
            loser_not_told=int(not loser.get("detail") or (answers[1 - won].status == 412 and told.get("state") != now["state"])),
        )


def run(plant: Plant, scale: Scale) -> Found:
    """Serve the site, let pairs race, and look at what is there."""
    found, lock = Found(), Lock()
    with Served(plant.folder) as served:
        pairs = [Pair(plant, served.port, number, found, lock) for number in range(PAIRS)]
        start = time.monotonic()

        def race(pair: Pair) -> None:
            kinds = [pair.calls] * (scale.calls // PAIRS) + [pair.forms] * (scale.forms // PAIRS) + [pair.steps] * (scale.steps // PAIRS)
            pair.chance.shuffle(kinds)
            for at, kind in enumerate(kinds):
                kind(at)

        with ThreadPoolExecutor(PAIRS) as pool:
            for done in [pool.submit(race, pair) for pair in pairs]:
                done.result()
        found.seconds = time.monotonic() - start
    _read(plant, found)
    return found


def _read(plant: Plant, found: Found) -> None:
    """Numbers without gaps, versions that match the trail, a trail that holds."""
    site = plant.open()
    with site.database.begin(reading=True) as connection:
        numbers = connection.scalars(text("SELECT number FROM record WHERE type = :type AND number IS NOT NULL"), {"type": REQUISITION}).all()
        found.gaps = max((int(one.rpartition("-")[2]) for one in numbers), default=0) - len(set(numbers))
        rows = connection.execute(select(audit.TRAIL.c.record_id, audit.TRAIL.c.version).where(audit.TRAIL.c.version.is_not(None))).all()
        found.lost_updates += len(rows) - len(set(rows))
    audit.seal(site.database)
    found.trail_problems = audit.verify(site.database).found
    site.close()


def shown(found: Found) -> dict[str, object]:
    """The figures of one engine."""
    return {
        "races of two calls": found.calls, "races of two forms": found.forms, "races for one step": found.steps, "**without a winner**": found.without_winner,
        "**two winners**": found.two_winners, "**lost updates**": found.lost_updates, "**losers not told what changed**": found.loser_not_told,
        "**typed text lost**": found.typed_lost, "gaps in numbers": found.gaps, "anything else": len(found.other),
        "findings in the trail": found.trail_problems, "seconds": found.seconds,
    }


def main() -> int:
    """The full run on both engines."""
    rows: dict[str, dict[str, object]] = {}
    sound, scale = True, Scale()
    for engine in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="yunkong-races-") as folder, databases(engine, Path(folder), durable=True) as database:
            found = run(build(Path(folder) / "site", database, workers=2), scale)
        rows[engine] = shown(found)
        sound = sound and found.ok
        print(engine, "sound" if found.ok else "NOT SOUND", rows[engine], *found.other[:5], sep="\n  ", flush=True)
    figures.write("races", "Edit races", re.sub(r"\s+", " ", TOLD), rows)
    return 0 if sound else 1


TOLD = """1,000 races on a served site: two editors save the same version at the same moment through the API (600) or the form (200), or
take the same step (200). One must win; the loser must be told what the winner changed; what the loser typed must still be there, and
can be saved after all."""


if __name__ == "__main__":
    sys.exit(main())
