"""From the start of gunicorn to the first good signed-in answer, and the memory of each web worker."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.company import Company, document
from benchmarks.load import memory
from benchmarks.paired import OURS
from benchmarks.serving import serve

MOST_SECONDS, MOST_MB = 1.5, 120.0
BASE = "/api/v1/records/bench.document"


@dataclass(frozen=True)
class Start:
    """Seconds to the first answer; megabytes of the biggest worker after work."""

    seconds: float
    range: tuple[float, float]
    resident: float
    proportional: float


def measure(company: Company, times: int = 5) -> Start:
    """Start it again and again; give the last one some work before its memory is read."""
    ready = []
    for number in range(times):
        with serve(company, OURS, "/api/v1/me") as served:
            ready.append(served.ready)
            if number == times - 1:
                for n in range(60):
                    id = served.client.call("POST", BASE, document(company, n))["id"]
                    served.client.call("POST", f"{BASE}/{id}/transitions/submit", {})
                    served.client.call("GET", f"{BASE}?limit=50")
                sizes = [memory(pid) for pid in served.workers]
    return Start(statistics.median(ready), (min(ready), max(ready)), max(one[0] for one in sizes), max(one[1] for one in sizes))
