"""A server that breaks a promise on purpose: it answers before it has committed. The kill run must find that out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.storage import Database

LATE = 0.1
"""Seconds between the answer and the commit."""
CODE = "import sys; from tests.faults.unsafe import acknowledge_early; acknowledge_early(); from core.cli import main; sys.exit(main(sys.argv[1:]))"


def acknowledge_early() -> None:
    """Let every unit of work end a moment before it is committed."""
    prompt = Database.begin

    @contextmanager
    def begin(self: Database, reading: bool = False) -> Iterator[Any]:
        if reading or threading.current_thread().name == "MainThread":
            with prompt(self, reading) as connection:
                yield connection
            return
        held = prompt(self, reading)
        connection = held.__enter__()
        try:
            yield connection
        except BaseException as error:
            if not held.__exit__(type(error), error, error.__traceback__):
                raise
            return
        threading.Thread(target=lambda: (time.sleep(LATE), held.__exit__(None, None, None)), daemon=True).start()

    Database.begin = begin  # type: ignore[method-assign]
