"""What happens without anybody asking: the trail is sealed, the worker shows that it lives, what nobody needs is cleared.

Each task is safe to run at any time, in any number of workers, and to be killed in.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core import audit, files, heartbeats, sendings
from core.site import Site

log: Final = logging.getLogger(__name__)
LONGEST_PAUSE: Final = 60.0
"""Seconds after which a task that keeps failing is tried again at the latest."""


@dataclass(slots=True)
class Task:
    """Something done again and again: every so many seconds, later while it fails."""

    name: str
    every: float
    act: Callable[[], object]
    due: float = 0.0
    failures: int = 0

    def run(self) -> None:
        """Do it, and say when it is due again; a failure is logged and undoes nothing else."""
        try:
            self.act()
        except Exception:
            self.failures += 1
            log.exception("worker: %s failed", self.name)
        else:
            self.failures = 0
        pause = min(self.every * 2**self.failures, max(self.every, LONGEST_PAUSE)) if self.failures else self.every
        self.due = time.monotonic() + pause


class Worker:
    """One worker of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self.began_at = datetime.now(UTC)
        self.tasks = (
            Task("heartbeat", heartbeats.EVERY.total_seconds(), self._beat),
            Task("seal", 0.5, lambda: audit.seal(site.database)),
            Task("anchor", 600, self._anchor),
            Task("clear", 3600, self._clear, due=time.monotonic() + 60),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            self.step()
            stop.wait(max(0.05, min(task.due for task in self.tasks) - time.monotonic()))
        with self.site.database.begin() as connection:
            heartbeats.stop(connection, self.name)

    def step(self) -> None:
        """One pass: every task that is due."""
        for task in self._due():
            task.run()

    def _due(self) -> Iterable[Task]:
        return (task for task in self.tasks if task.due <= time.monotonic())

    def _beat(self) -> None:
        with self.site.database.begin() as connection:
            heartbeats.beat(connection, self.name, self.began_at)

    def _anchor(self) -> None:
        """Note the last seal outside, where the site says so."""
        told = self.site.config.anchors
        if told:
            audit.anchor(self.site.database, self.site.config.path / told, self.site.clock.now())

    def _clear(self) -> None:
        """Uploads that no record took, and one-time tokens of forms that were sent long ago."""
        now = self.site.clock.now()
        files.clean(self.site.database, self.site.files, now)
        with self.site.database.begin() as connection:
            sendings.forget_old(connection, now)
