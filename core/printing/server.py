"""The print server of a site: one small process that hands prints to its presses, replaces them when they fail, and ends with its parent."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.printing import frames
from core.printing.press import fonts_file

ADDRESS: Final = "YUNKONG_PRINT_SERVER"
"""The environment variable that tells the web workers of a site where their print server listens."""
_MIB: Final = 1024 * 1024
_START: Final = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a print may take: seconds, bytes of memory, seconds in the queue; and when a press is replaced for having grown."""

    seconds: int = 60
    memory: int = 1024 * _MIB
    patience: int = 30
    grown: int = 350 * _MIB
    prints: int = 2000


class Worker:
    """One press as the server sees it: a process and the socket to it."""

    def __init__(self, limits: Limits, scratch: Path) -> None:
        self._limits = limits
        self.printed = 0
        ours, theirs = socket.socketpair()
        environment = {
            "FONTCONFIG_FILE": str(fonts_file(scratch)), "HOME": str(scratch), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(scratch),
            "LANG": "C.UTF-8", "PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **{name: value for name, value in os.environ.items() if name in ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONWARNINGS")},
        }
        self._link = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from core.printing.press import main; main()", str(theirs.fileno()), str(limits.seconds), str(limits.memory)],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment, cwd=scratch,
            )
        try:
            frames.receive(ours, time.monotonic() + _START)
        except (frames.Broken, TimeoutError):
            self.end()
            raise

    @property
    def is_spent(self) -> bool:
        """Whether it is gone, has grown too big, or has printed its share."""
        return self._process.poll() is not None or self.printed >= self._limits.prints

    def print(self, head: Mapping[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """One print; the press is ended when it takes too long or goes away."""
        until = time.monotonic() + self._limits.seconds
        try:
            self._link.settimeout(self._limits.seconds)
            frames.send(self._link, head, blobs)
            answer, pdf = frames.receive(self._link, until)
        except TimeoutError:
            self.end()
            return {"error": "time"}, []
        except (frames.Broken, OSError, ValueError):
            self.end()
            late = time.monotonic() > until - 1
            return {"error": "time" if late else "stopped"}, []
        self.printed += 1
        if answer.pop("resident") > self._limits.grown or answer.get("error") == "memory":
            self.end()
        return answer, pdf

    def end(self) -> None:
        """End the process now."""
        self._link.close()
        self._process.kill()
        self._process.wait()


class Pool:
    """The presses: as many as prints come at once, up to `size`, each busy with one print at a time."""

    def __init__(self, size: int, limits: Limits, scratch: Path) -> None:
        self._limits, self._scratch = limits, scratch
        self._places: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _place in range(size):
            self._places.put(None)

    def print(self, head: Mapping[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Print on the next free press; `busy` when none becomes free in time."""
        try:
            worker = self._places.get(timeout=self._limits.patience)
        except queue.Empty:
            return {"error": "busy"}, []
        try:
            if worker is not None and worker.is_spent:
                worker.end()
                worker = None
            idle, worker = worker, worker or Worker(self._limits, self._scratch)
            began = time.monotonic()
            said, pdf = worker.print(head, blobs)
            if said.get("error") == "stopped" and idle is not None and time.monotonic() - began < 1:
                # It had died while it was idle: that is not the print's fault.
                worker = Worker(self._limits, self._scratch)
                said, pdf = worker.print(head, blobs)
            return said, pdf
        except (frames.Broken, TimeoutError, OSError) as error:
            return {"error": "stopped", "detail": f"{type(error).__name__}: {error}"}, []
        finally:
            self._places.put(worker)

    def warm(self) -> None:
        """Have one press ready before the first print."""
        self.print({"names": []}, [b"<p>1"])

    def close(self) -> None:
        """End every press that is idle."""
        with suppress(queue.Empty):
            while True:
                worker = self._places.get_nowait()
                if worker is not None:
                    worker.end()


def answer(link: socket.socket, pool: Pool) -> None:
    """Serve one print that was asked for over a connection."""
    with link, suppress(frames.Broken, TimeoutError, OSError, ValueError, KeyError):
        head, blobs = frames.receive(link, time.monotonic() + _START)
        said, pdf = pool.print({"names": head["names"]}, blobs)
        link.settimeout(_START)
        frames.send(link, said, pdf)


def listen(address: Path, pool: Pool) -> None:
    """Take connections for ever, each on its own thread."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(address))
        address.chmod(0o600)
        door.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            link, _peer = door.accept()
            threading.Thread(target=answer, args=(link, pool), daemon=True).start()


def main() -> None:
    """Run with ADDRESS SIZE LIMIT… in a process of its own; ends when its standard input closes."""
    address, size = Path(sys.argv[1]), int(sys.argv[2])
    limits = Limits(*map(int, sys.argv[3:]))
    with tempfile.TemporaryDirectory(prefix="yunkong-print-") as scratch:
        pool = Pool(size, limits, Path(scratch))
        threading.Thread(target=listen, args=(address, pool), daemon=True).start()
        threading.Thread(target=pool.warm, daemon=True).start()
        with suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()
        pool.close()
        os._exit(_tidy(Path(scratch), address))


def _tidy(scratch: Path, address: Path) -> int:
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)
    address.unlink(missing_ok=True)
    with suppress(OSError):  # whoever started it has tidied already, or is gone
        address.parent.rmdir()
    return 0

