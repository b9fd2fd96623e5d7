"""The real thing: `yunkong run` on a site, in a process group of its own, to be used and to be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil

COMMAND = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Served:
    """A served site. `code` is what the process runs: the command itself, or a variant of it that breaks a promise."""

    def __init__(self, folder: Path, *, worker: bool = True, code: str = COMMAND, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.worker = worker
        self.code = code
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Served:
        """Start it and wait until it answers."""
        options = [] if self.worker else ["--no-worker"]
        with (self.folder / "served.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self.code, "run", "--site", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, cwd=ROOT, start_new_session=True,
            )
        self.wait()
        return self

    def wait(self, seconds: float = 60) -> float:
        """Wait until it answers; returns how long that took."""
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return time.monotonic() - start
            assert self.process is not None and self.process.poll() is None, f"it ended: {(self.folder / 'served.log').read_text()[-3000:]}"
            time.sleep(0.02)
        raise TimeoutError(f"not ready after {seconds} s")

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests: children of the first process that hold its socket."""
        assert self.process is not None
        found: list[psutil.Process] = []
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                with suppress(psutil.Error):
                    if any(c.laddr.port == self.port for c in child.net_connections("tcp") if c.status == psutil.CONN_LISTEN):
                        found.append(child)
        return found

    def kill_group(self) -> None:
        """Kill all of it at one stroke, worker and print processes included."""
        assert self.process is not None
        everyone = [psutil.Process(self.process.pid)]
        everyone += everyone[0].children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for one in everyone:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(everyone, timeout=10)
        self.process.wait()

    def __enter__(self) -> Served:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        # Whoever waits for connections to end in peace waits for as long as browsers keep them open.
        self.kill_group()
