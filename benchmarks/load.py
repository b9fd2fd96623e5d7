"""Windows of load over loopback: clients as processes, latency, the processor time of the web workers, and how much else was going on."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
Operation = Callable[[], None]


@dataclass(frozen=True)
class Window:
    """What one window showed. `cpu_ms` is processor time of all web workers per request, `other` the share of the machine that something else used."""

    name: str
    requests: int
    errors: int
    rate: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    other: float

    @property
    def is_clean(self) -> bool:
        """Whether it may be compared: no error, and nothing else had the machine."""
        return not self.errors and self.other <= 0.15


class Client:
    """One address, one token; a new connection for each request, so that the workers share the load evenly."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer; anything but 2xx is an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content) if answer.headers.get_content_type().endswith("json") else content


def children(pid: int) -> list[int]:
    """The processes below a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # one that has just ended
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found


def processor(roots: Sequence[int]) -> dict[int, float]:
    """Seconds of processor time of processes and all below them."""
    used: dict[int, float] = {}
    for pid in [one for root in roots for one in (root, *children(root))]:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used[pid] = (int(fields[11]) + int(fields[12])) / TICK
    return used


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds between two looks; a process that ended in between is left out."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional megabytes of a process."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if ":" in line and "kB" in line)
    return int(lines["Rss"].split()[0]) / 1024, int(lines["Pss"].split()[0]) / 1024


def machine() -> tuple[float, float]:
    """Seconds of the whole machine so far, and of them idle ones."""
    fields = [int(field) / TICK for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def _drive(operations: Iterator[Operation], seconds: float, start: Any, results: Any) -> None:
    times: list[float] = []
    errors = 0
    start.wait()
    used, end = time.process_time(), time.perf_counter() + seconds
    for operation in operations:
        began = time.perf_counter()
        if began >= end:
            break
        try:
            operation()
        except Exception as error:  # counted; the first is shown
            errors += 1
            if errors == 1:
                print("client:", repr(error)[:400], flush=True)
            continue
        times.append(time.perf_counter() - began)
    results.put((times, errors, time.process_time() - used))


def window(name: str, clients: Sequence[Iterator[Operation]], seconds: float, server: int, beside: Sequence[int] = ()) -> Window:
    """Run one window: every client in a process of its own, until the seconds are over or its operations are used up."""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(len(clients) + 1), context.Queue()
    drivers = [context.Process(target=_drive, args=(operations, seconds, start, results)) for operations in clients]
    for driver in drivers:
        driver.start()
    start.wait()
    before, beside_before, whole, began = processor([server]), processor(beside), machine(), time.perf_counter()
    found = [results.get() for _driver in drivers]
    lasted, after, beside_after, whole_after = time.perf_counter() - began, processor([server]), processor(beside), machine()
    for driver in drivers:
        driver.join()
    times = sorted(one for result in found for one in result[0])
    used = spent(before, after)
    busy = (whole_after[0] - whole[0]) - (whole_after[1] - whole[1])
    other = busy - used - spent(beside_before, beside_after) - sum(result[2] for result in found)
    count = max(len(times), 1)
    return Window(
        name, len(times), sum(result[1] for result in found), len(times) / lasted, 1000 * statistics.median(times or [0]),
        1000 * times[int(count * 0.95)] if times else 0, 1000 * used / count, max(other, 0) / max(whole_after[0] - whole[0], 0.01),
    )
