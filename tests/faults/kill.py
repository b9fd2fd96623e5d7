"""A thousand kills under a mixed load: what was acknowledged is there, and nothing is there by halves.

The load knows what it was told; the checker reads the database past the door. A server that answers before it commits must
be found out by the same run, and on PostgreSQL one that commits without waiting for the disk.
"""

from __future__ import annotations

import hashlib
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil

from tests import postgresql
from tests.faults import figures, unsafe
from tests.faults.checker import Expected, Journal, Verdict, check
from tests.faults.client import Answer, Caller
from tests.faults.plant import DURABLE, REQUISITION, Plant, build
from tests.faults.serving import COMMAND, Served

UPLOADS = 150
"""Files of one client: one user may keep so many that no record uses."""


@dataclass(frozen=True)
class Scale:
    """How many clients, how many kills of one process and of everything, how long between two of them, and how long clients rest.

    Between two kills at least a few writes are acknowledged, so that it is a working server that is killed.
    """

    clients: int = 6
    workers: int = 950
    groups: int = 50
    pause: float = 0.15
    client_pause: float = 0.01


SHORT = Scale(clients=4, workers=6, groups=1)
CONTROL = Scale(clients=4, workers=8, groups=0, client_pause=0.12)
"""For a server that answers too early: clients wait until what they were told is there."""


@dataclass
class Run:
    """One run: what was killed, what clients saw, and the verdict."""

    journal: Journal = field(default_factory=Journal)
    killed: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    server_errors: int = 0
    surprises: list[str] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    seconds: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return self.verdict.ok and not self.surprises


class Surprise(Exception):
    """A client was told something that does not fit what it was told before."""


class Client(threading.Thread):
    """One user who makes, changes, submits and deletes requisitions and uploads files, and remembers what it was told."""

    def __init__(self, plant: Plant, port: int, number: int, run: Run, pause: float, stop: threading.Event) -> None:
        super().__init__(name=f"client-{number}")
        self.plant, self.number, self.told, self.pause, self.stop = plant, number, run, pause, stop
        self.chance = random.Random(number)
        self.caller = Caller(port, timeout=20).sign_in(plant.username(number))
        self.drafts: dict[str, Expected] = {}
        self.done: dict[str, Expected] = {}
        self.files: dict[str, str] = {}
        self.acknowledged: Counter[str] = Counter()
        self.unknown = self.server_errors = self.count = 0
        self.end: Exception | None = None

    def run(self) -> None:
        """Work until told to stop; a surprise ends it."""
        try:
            while not self.stop.is_set():
                self.once()
                time.sleep(self.chance.uniform(0, 2 * self.pause))
        except Exception as error:
            self.end = error

    def once(self) -> None:
        """One deed."""
        if not self.drafts or (len(self.drafts) < 5 and self.chance.random() < 0.3):
            self.create()
            return
        weights = {self.edit: 40, self.submit: 25, self.delete: 5, self.upload: 15 if len(self.files) < UPLOADS else 0, self.read: 15}
        self.chance.choices(list(weights), list(weights.values()))[0]()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """One request; None where it stays unknown what became of it."""
        try:
            answer = self.caller.call(method, path, body, **headers)
        except (OSError, HTTPException):
            self.unknown += 1
            time.sleep(0.03)
            return None
        if answer.status >= 500:
            self.server_errors += 1
            time.sleep(0.05)
            return None
        return answer

    def insist(self, path: str, body: Any, expected: int) -> Answer:
        """A request with a key, sent again until it is answered."""
        self.count += 1
        key = f"{self.name}-{self.count}"
        while True:
            answer = self.ask("POST", path, body, Idempotency_Key=key)
            if answer is not None and answer.status == expected:
                return answer
            if answer is not None and answer.status != 409:
                raise Surprise(f"POST {path}: {answer.status} {answer.text[:300]}")
            time.sleep(0.02)

    def look(self, id: str) -> Expected:
        """The record as it stands now."""
        while True:
            answer = self.ask("GET", f"/records/{REQUISITION}/{id}")
            if answer is None:
                continue
            if answer.status == 404:
                return Expected(0, "", "", [], deleted=True)
            if answer.status != 200:
                raise Surprise(f"GET {id}: {answer.status} {answer.text[:300]}")
            return _expected(answer.json)

    def create(self) -> None:
        """A draft."""
        body = self.plant.body(date(2026, self.chance.randrange(1, 13), 1), self.chance.randrange(1, 99), purpose=f"{self.name} began {self.count}")
        made = self.insist(f"/records/{REQUISITION}", body, 201).json
        self.drafts[made["id"]] = _expected(made)
        self.acknowledged["created"] += 1

    def edit(self) -> None:
        """Other words and other lines."""
        id = self.chance.choice(list(self.drafts))
        known = self.drafts[id]
        self.count += 1
        quantities = [str(self.chance.randrange(1, 999)) for _at in range(self.chance.randrange(1, 4))]
        lines = [{"material": str(self.plant.item), "qty_requested": qty} for qty in quantities]
        wanted = replace(known, version=known.version + 1, purpose=f"{self.name} changed {self.count}", quantities=quantities)
        body = {"purpose": wanted.purpose, "lines": lines}
        answer = self.ask("PATCH", f"/records/{REQUISITION}/{id}", body, If_Match=f'"{known.version}"')
        if answer is not None and answer.status == 200:
            self.drafts[id] = wanted
            self.acknowledged["changed"] += 1
        elif answer is None or answer.status == 412:
            self.settle(id, wanted)
        else:
            raise Surprise(f"PATCH {id}: {answer.status} {answer.text[:300]}")

    def settle(self, id: str, wanted: Expected) -> None:
        """Find out what became of a change of which no answer came; it may still be on its way to the disk for a moment."""
        for _time in range(20):
            now = self.look(id)
            if now == wanted:
                break
            if now != self.drafts[id]:
                raise Surprise(f"record {id}: told {self.drafts[id]}, perhaps {wanted}, there is {now}")
            time.sleep(0.01)
        if now.deleted:
            self.done[id] = now
            del self.drafts[id]
        else:
            self.drafts[id] = now

    def submit(self) -> None:
        """A number and a signature."""
        id = self.chance.choice(list(self.drafts))
        known = self.drafts[id]
        answer = self.insist(f"/records/{REQUISITION}/{id}/transitions/submit", {}, 200)
        now = _expected(answer.json)
        if not now.number or now != replace(known, version=known.version + 1, state=now.state, number=now.number):
            raise Surprise(f"submit {id}: told {known}, then {now}")
        self.done[id] = now
        del self.drafts[id]
        self.acknowledged["submitted and signed"] += 1

    def delete(self) -> None:
        """A draft less."""
        id = self.chance.choice(list(self.drafts))
        gone = Expected(0, "", "", [], deleted=True)
        answer = self.ask("DELETE", f"/records/{REQUISITION}/{id}", If_Match=f'"{self.drafts[id].version}"')
        if answer is not None and answer.status == 204:
            self.done[id] = gone
            del self.drafts[id]
            self.acknowledged["deleted"] += 1
        elif answer is None or answer.status == 404:
            self.settle(id, gone)
        else:
            raise Surprise(f"DELETE {id}: {answer.status} {answer.text[:300]}")

    def upload(self) -> None:
        """A file; when no answer comes it is left alone, as a user would choose it again."""
        raw = b"%PDF-1.7 " + self.chance.randbytes(2_000)
        try:
            answer = self.caller.upload(f"{self.name}.pdf", raw)
        except (OSError, HTTPException):
            self.unknown += 1
            return
        if answer.status == 201:
            self.files[answer.json["id"]] = hashlib.sha256(raw).hexdigest()
            self.acknowledged["uploaded"] += 1
        elif answer.status < 500:
            raise Surprise(f"upload: {answer.status} {answer.text[:300]}")

    def read(self) -> None:
        """What was acknowledged can be read at once."""
        id = self.chance.choice(list(self.drafts))
        now = self.look(id)
        if now != self.drafts[id]:
            raise Surprise(f"record {id}: told {self.drafts[id]}, there is {now}")


def _expected(body: dict[str, Any]) -> Expected:
    return Expected(body["version"], body["state"], body["purpose"], [row["qty_requested"] for row in body["lines"]], body["number"])


class Killer:
    """Kills now one process, now all of it, at moments that nobody chose."""

    def __init__(self, served: Served, run: Run, server: postgresql.Server | None, clients: Sequence[Client]) -> None:
        self.served, self.run, self.server, self.clients = served, run, server, clients
        self.chance = random.Random(9)

    def work(self, scale: Scale) -> None:
        """All kills of a run, shuffled."""
        kinds = ["worker"] * scale.workers + ["group"] * scale.groups
        self.chance.shuffle(kinds)
        for kind in kinds:
            self.let_work(self.chance.randrange(1, 6))
            time.sleep(self.chance.uniform(0, scale.pause))
            if kind == "group":
                self.group()
            else:
                self.one()

    def let_work(self, writes: int) -> None:
        """Wait until so many more writes were acknowledged; no longer than it takes a server to come up on a busy machine."""
        wanted, end = self.acknowledged() + writes, time.monotonic() + 20
        while self.acknowledged() < wanted and time.monotonic() < end and any(client.is_alive() for client in self.clients):
            time.sleep(0.005)

    def acknowledged(self) -> int:
        """The writes that all clients were told of so far."""
        return sum(client.acknowledged.total() for client in self.clients)

    def one(self) -> None:
        """A web worker; one time in twenty the process that seals."""
        while True:
            found = self.companions() if self.chance.random() < 0.05 else self.served.web_workers()
            if found:
                with suppress(psutil.Error):
                    self.chance.choice(found).send_signal(signal.SIGKILL)
                    self.run.killed["one process"] += 1
                    return
            time.sleep(0.02)

    def companions(self) -> list[psutil.Process]:
        """The processes that work beside the web workers."""
        assert self.served.process is not None
        with suppress(psutil.Error):
            children = psutil.Process(self.served.process.pid).children()
            return [child for child in children if "worker" in child.cmdline()]
        return []

    def group(self) -> None:
        """Everything at one stroke, on PostgreSQL the database server too; then it is started again."""
        self.served.kill_group()
        if self.server is not None:
            self.server.crash()
        start = time.monotonic()
        self.served.start()
        self.run.ready.append(time.monotonic() - start)
        self.run.killed["everything"] += 1


def run(plant: Plant, scale: Scale, *, code: str = COMMAND, server: postgresql.Server | None = None, last_crash: bool = False) -> Run:
    """Serve, load, kill, and check what is left. With `last_crash` the database server is broken off at the end, under load."""
    found, stop = Run(), threading.Event()
    start = time.monotonic()
    with Served(plant.folder, code=code) as served:
        clients = [Client(plant, served.port, number, found, scale.client_pause, stop) for number in range(scale.clients)]
        for client in clients:
            client.start()
        Killer(served, found, server, clients).work(scale)
        if last_crash and server is not None:
            time.sleep(0.5)
            server.crash()
        stop.set()
        for client in clients:
            client.join()
        time.sleep(0.3)
    for client in clients:
        found.journal.records |= client.drafts | client.done
        found.journal.files |= client.files
        found.journal.acknowledged += client.acknowledged
        found.unknown += client.unknown
        found.server_errors += client.server_errors
        if client.end is not None:
            found.surprises.append(f"{client.name}: {client.end!r}")
    found.verdict = check(plant.folder, found.journal)
    found.seconds = time.monotonic() - start
    return found


@contextmanager
def site(engine: str, clients: int, **settings: str) -> Iterator[tuple[Plant, postgresql.Server | None]]:
    """A site on a database that keeps its promises, in a folder of its own on a real disk."""
    with tempfile.TemporaryDirectory(prefix="yunkong-kill-") as folder:
        place = Path(folder) / "site"
        if engine == "sqlite":
            yield build(place, "", users=clients, workers=2), None
            return
        with postgresql.server({**DURABLE, **settings}) as server:
            yield build(place, server.create("plant"), users=clients, workers=2), server


def control(engine: str, scale: Scale = CONTROL) -> Run:
    """The same against a server that answers before it commits: something must be found."""
    with site(engine, scale.clients) as (plant, _server):
        return run(plant, scale, code=unsafe.CODE)


def control_of_the_disk() -> Run:
    """The same on a PostgreSQL that does not wait for the disk, broken off under load: something must be found."""
    with site("postgresql", CONTROL.clients, synchronous_commit="off", wal_writer_delay="10s") as (plant, server):
        return run(plant, replace(CONTROL, workers=2, client_pause=0.005), server=server, last_crash=True)


def shown(found: Run) -> dict[str, object]:
    """The figures of one engine."""
    counts = found.verdict.counts
    return {
        "kills of one process": found.killed["one process"], "kills of everything": found.killed["everything"],
        **{f"acknowledged: {name}": count for name, count in sorted(found.journal.acknowledged.items())},
        "requests without an answer": found.unknown, "server errors seen": found.server_errors, "records at the end": found.verdict.records,
        "numbers at the end": found.verdict.numbers, "rows of the trail": found.verdict.trail_rows,
        "**acknowledged writes lost**": counts["lost"] + len(found.surprises), "**half records**": counts["half"], "**broken chains**": counts["chain"],
        "**gaps or duplicates in numbers**": counts["number"],
        "ready again after everything was killed, p50 / max, s": f"{figures.percentile(found.ready, 0.5):.1f} / {max(found.ready, default=0):.1f}",
        "seconds": found.seconds,
    }


def main() -> int:
    """The full run on both engines, and the controls."""
    rows: dict[str, dict[str, object]] = {}
    sound, scale = True, Scale()
    for engine in ("sqlite", "postgresql"):
        with site(engine, scale.clients) as (plant, server):
            found = run(plant, scale, server=server)
        rows[engine] = shown(found)
        early = control(engine)
        rows[engine]["control: answers before the commit"] = _caught(early)
        sound = sound and found.ok and not early.ok
        print(engine, "sound" if found.ok else "NOT SOUND", rows[engine], *found.verdict.said, *found.surprises, sep="\n  ", flush=True)
    careless = control_of_the_disk()
    rows["postgresql"]["control: commits without waiting for the disk"] = _caught(careless)
    sound = sound and not careless.ok
    figures.write("kill", "Kills", re.sub(r"\s+", " ", TOLD), rows)
    print("controls", {name: one for name, one in rows["postgresql"].items() if name.startswith("control")}, flush=True)
    return 0 if sound else 1


def _caught(found: Run) -> str:
    findings = found.verdict.counts.total() + len(found.surprises)
    return f"caught, {findings} findings" if findings else "NOT CAUGHT"


TOLD = """Six clients make, change, submit, sign, delete, upload and read on a served site while its processes are killed with SIGKILL: 950
times one web worker (now and then the worker that seals), 50 times everything at once, on PostgreSQL the database server with
it. Clients note what they were told; a checker of its own reads the database past the door and proves trail, seal and signatures. The controls are the
same run against servers that break a promise on purpose."""


if __name__ == "__main__":
    sys.exit(main())
