"""The comparison to trust: in every round a short window on the floor and one on Yunkong, ratios taken inside the round."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.company import Company, document
from benchmarks.load import Operation, Window, window
from benchmarks.serving import Served, serve

OURS, FLOOR = "benchmarks.company:served()", "benchmarks.floor:floor()"
CLIENTS = 4
LIMITS: Mapping[str, float] = {"create": 2.5, "transition": 2.5, "read": 2.0, "list": 2.0}
AIMS: Mapping[str, float] = {"create": 2.0, "transition": 2.0, "read": 1.5, "list": 1.5}


@dataclass(frozen=True)
class Peer:
    """One of the two, with its addresses."""

    name: str
    served: Served
    company: Company
    base: str
    step: str

    def operations(self, name: str, client: int, ids: list[str]) -> Iterator[Operation]:
        """What one client does, again and again."""
        call, base = self.served.client.call, self.base
        if name == "create":
            return ((lambda n=n: call("POST", base, document(self.company, n))) for n in itertools.count(client))
        if name == "transition":
            return ((lambda id=id: call("POST", self.step.format(id=id), {})) for id in ids[client::CLIENTS])
        if name == "read":
            return ((lambda id=id: call("GET", f"{base}/{id}")) for id in itertools.cycle(ids[client::CLIENTS]))
        if name == "list":
            return itertools.repeat(lambda: call("GET", f"{base}?state=submitted&limit=50"))
        return itertools.repeat(lambda: call("GET", "/ping" if self.name == "floor" else "/api/v1/me"))

    def drafts(self, count: int) -> list[str]:
        """The ids of new drafts."""
        return [self.served.client.call("POST", self.base, document(self.company, n))["id"] for n in range(count)]


@dataclass
class Comparison:
    """One operation: the windows of both, round by round."""

    name: str
    floor: list[Window] = field(default_factory=list)
    ours: list[Window] = field(default_factory=list)

    def ratios(self, of: Callable[[Window], float]) -> list[float]:
        """Ours to the floor inside each clean round; of all rounds where fewer than three are clean."""
        pairs = list(zip(self.floor, self.ours, strict=True))
        clean = [(low, high) for low, high in pairs if low.is_clean and high.is_clean]
        return [of(high) / max(of(low), 1e-9) for low, high in (clean if len(clean) >= 3 else pairs)]

    @property
    def clean(self) -> int:
        """How many rounds had the machine to themselves."""
        return sum(low.is_clean and high.is_clean for low, high in zip(self.floor, self.ours, strict=True))

    @property
    def ratio(self) -> float:
        """Worker processor time of ours to that of the floor: what is judged."""
        return statistics.median(self.ratios(lambda one: one.cpu_ms))


def compare(floor: Company, ours: Company, rounds: int, seconds: float, beside: tuple[int, ...] = ()) -> list[Comparison]:
    """Serve both at once and measure each operation; each has a database of its own."""
    with serve(floor, FLOOR, "/ping") as low, serve(ours, OURS, "/api/v1/me") as high:
        peers = (
            Peer("floor", low, floor, "/documents", "/documents/{id}/submit"),
            Peer("ours", high, ours, "/api/v1/records/bench.document", "/api/v1/records/bench.document/{id}/transitions/submit"),
        )
        for peer in peers:
            for id in peer.drafts(80):
                peer.served.client.call("POST", peer.step.format(id=id), {})
        return [_operation(peers, name, rounds, seconds, beside) for name in ("create", "transition", "read", "list", "cheapest")]


def _operation(peers: tuple[Peer, ...], name: str, rounds: int, seconds: float, beside: tuple[int, ...]) -> Comparison:
    found = Comparison(name)
    kept = {peer.name: peer.drafts(40) if name == "read" else [] for peer in peers}
    rate = {peer.name: 150.0 for peer in peers}
    for number in range(rounds + 1):
        for peer in peers:
            ids = kept[peer.name] if name == "read" else peer.drafts(int(rate[peer.name] * seconds * 1.5)) if name == "transition" else []
            clients = [peer.operations(name, client, ids) for client in range(CLIENTS)]
            one = window(f"{peer.name}.{name}", clients, seconds, peer.served.pid, beside)
            rate[peer.name] = max(one.rate, 50)
            if number:
                (found.floor if peer.name == "floor" else found.ours).append(one)
    return found
