"""The way to the print server from a web worker: finds the site's one, or starts one of its own."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import Refusal
from core.messages import _
from core.printing import frames
from core.printing.server import ADDRESS, Limits

log: Final = logging.getLogger(__name__)
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of HTML of one print."""
USUAL: Final = Limits()


class PrintFailed(Refusal):
    """The print could not be made (503); the record itself is untouched."""

    status = 503
    code = "print_failed"


@dataclass(frozen=True, slots=True)
class Printed:
    """A print: its pages, the characters that no font of ours has, the addresses that were not opened."""

    pdf: bytes
    pages: int
    missing: str
    refused: tuple[str, ...]


class PrintServer:
    """A running print server. `address` is where it listens; it ends with `close` or with this process."""

    def __init__(self, size: int = 0, limits: Limits = USUAL) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="yunkong-print-"))
        self.address = str(self._folder / "socket")
        size = size or min(4, os.cpu_count() or 1)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from core.printing.server import main; main()", self.address, str(size), *map(str, astuple(limits))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))},
        )
        assert self._process.stdout is not None
        with self._process.stdout as said:
            if said.readline() != b"ready\n":
                self.close()
                raise PrintFailed(_("The print service could not be started."))
        atexit.register(self.close)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs and can be found."""
        return self._process.poll() is None and Path(self.address).exists()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def close(self) -> None:
        """End the server and its presses."""
        atexit.unregister(self.close)
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


_ROOT: Final = Path(__file__).parent.parent.parent


class Printer:
    """What a site prints with. Without an address it takes the one of the environment, else the first print starts a
    server, which all printers of this process with the same limits share."""

    def __init__(self, address: str = "", limits: Limits = USUAL) -> None:
        self._address = address or os.environ.get(ADDRESS, "")
        self._limits = limits

    def print(self, html: str, pictures: Mapping[str, bytes] | None = None) -> bytes:
        """The PDF of a page of HTML; `pictures` are the only things it can show, as `yunkong-asset:NAME`."""
        return self.make(html, pictures).pdf

    def make(self, html: str, pictures: Mapping[str, bytes] | None = None) -> Printed:
        """The PDF with what is to be said of it. Raises PrintFailed."""
        pictures = pictures or {}
        page = html.encode("utf-8", "replace")
        if len(page) > LARGEST or len(page) + sum(map(len, pictures.values())) > frames.LARGEST:
            raise PrintFailed(_("This is too much for one print. Print a part of it, or leave the photos out."))
        head, blobs = self._ask({"names": list(pictures)}, [page, *pictures.values()])
        if error := str(head.get("error", "")):
            log.error("print failed: %s %s", error, head.get("detail", ""))
            raise PrintFailed(_FAILURES.get(error, _FAILURES["stopped"]))
        printed = Printed(blobs[0], head["pages"], "".join(map(chr, head["missing"])), tuple(head["refused"]))
        if printed.missing or printed.refused:
            log.warning("print: no glyph for %r, refused to open %s", printed.missing, printed.refused)
        return printed

    def close(self) -> None:
        """End the server that this process has started, if it has; the next print starts another."""
        with _lock:
            own = _started.pop(self._key, None)
            if own is not None:
                own.close()

    @property
    def _key(self) -> tuple[int, Limits]:
        """Under which a server is kept: one that was started before a fork is the parent's."""
        return os.getpid(), self._limits

    def _ask(self, head: Mapping[str, object], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        until = time.monotonic() + self._limits.patience + self._limits.seconds + 10
        try:
            with self._connect() as link:
                link.settimeout(self._limits.seconds)
                frames.send(link, head, blobs)
                return frames.receive(link, until)
        except (frames.Broken, TimeoutError, OSError) as error:
            return {"error": "stopped", "detail": repr(error)}, []

    def _connect(self) -> socket.socket:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(self._address)
        except OSError:
            link.close()
            link = socket.socket(socket.AF_UNIX)
        else:
            return link
        try:
            link.connect(self._start())
        except OSError:
            link.close()
            raise
        return link

    def _start(self) -> str:
        with _lock:
            own = _started.get(self._key)
            if own is None or not own.is_alive:
                own = _started[self._key] = PrintServer(limits=self._limits)
            return own.address


_started: Final[dict[tuple[int, Limits], PrintServer]] = {}
_lock: Final = threading.Lock()


_FAILURES: Final = {
    "time": _("The print took too long and was stopped. Print a part of it, or fewer rows."),
    "memory": _("The print needed too much memory and was stopped. Print a part of it, or leave the photos out."),
    "busy": _("Too many prints are being made just now. Try again in a minute."),
    "failed": _("The print could not be made. Tell your administrator; the record itself is in order."),
    "stopped": _("The print service stopped in the middle. Try again."),
}
