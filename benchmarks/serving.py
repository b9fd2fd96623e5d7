"""A site and the floor behind gunicorn, as both are measured: two synchronous workers each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.company import Company
from benchmarks.load import Client, children

WORKERS = 2


@dataclass(frozen=True)
class Served:
    """A running server: its process, its port, seconds until its first good answer."""

    pid: int
    port: int
    ready: float
    client: Client

    @property
    def workers(self) -> list[int]:
        """Its web workers."""
        return children(self.pid)


def free_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serve(company: Company, application: str, probe: str, workers: int = WORKERS) -> Iterator[Served]:
    """Serve `benchmarks.…:factory()` with gunicorn for the length of a block."""
    port = free_port()
    environment = {**os.environ, "BENCH_SITE": str(company.folder), "BENCH_DEPARTMENT": str(company.department)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w", str(workers), "-b", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "error", application],
        env=environment,
    )
    client = Client(port, company.token)
    try:
        while True:
            try:
                client.call("GET", probe)
                break
            except (ConnectionError, OSError):
                if time.perf_counter() - began > 60 or process.poll() is not None:
                    raise
                time.sleep(0.01)
        yield Served(process.pid, port, time.perf_counter() - began, client)
    finally:
        process.terminate()
        process.wait(20)
