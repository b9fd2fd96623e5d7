"""The processes behind `yunkong run`: gunicorn's web workers, the print server, and a worker that is started again if it dies."""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from core.app import create_app
from core.cli import running
from core.config import read_config
from core.printing import PrintServer
from core.printing.server import ADDRESS
from core.site import Site, open_site

log = logging.getLogger(__name__)
THREADS = 4
"""Requests that one web worker handles at once; a browser's idle connection must not hold a whole process."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn told what to serve; the application is made once, before the workers part."""

    def __init__(self, folder: Path, printer: PrintServer, options: dict[str, Any]) -> None:
        self.folder = folder
        self.printer = printer
        self.options = options
        self.site: Site | None = None
        super().__init__()

    def load_config(self) -> None:
        """Take our options, and nothing from files or the environment."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Open the site and make its application."""
        self.site = open_site(self.folder)
        return create_app(self.site)

    def part(self, _arbiter: object, _worker: object) -> None:
        """A new web worker: connections and processes that its parent opened are not its own to close."""
        atexit.unregister(self.printer.close)
        if self.site is not None:
            self.site.database.engine.dispose(close=False)


class Companion:
    """The worker process beside the web workers: started again when it dies, ended with us even if we are killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ending = threading.Event()
        self._process = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        code = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "worker", "--with-parent", "--site", str(self.folder)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})

    def _watch(self) -> None:
        while not self._ending.is_set():
            code = self._process.wait()
            if not self._ending.wait(1.0):
                log.warning("the worker ended with %s and is started again", code)
                self._process = self._start()

    def close(self) -> None:
        """End it in order."""
        self._ending.set()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


def serve(folder: Path, with_worker: bool, told: Callable[[str], None]) -> None:
    """Serve a site until a signal ends it."""
    config = read_config(folder)
    owner = os.getpid()
    printer = PrintServer()
    os.environ[ADDRESS] = printer.address
    companions: list[Companion] = []
    url = f"http://{running.shown_host(config.host)}:{config.port}"

    def ready(_arbiter: object) -> None:
        # Not before: two processes that start at once would each take twice as long.
        companions.extend([Companion(folder)] if with_worker else [])
        told(url)

    server = Server(folder, printer, {
        "bind": [f"[{config.host}]:{config.port}" if ":" in config.host else f"{config.host}:{config.port}"],
        "workers": config.workers, "worker_class": "gthread", "threads": THREADS, "preload_app": True, "timeout": 120, "graceful_timeout": 20,
        "keepalive": 15, "loglevel": "warning", "limit_request_line": 8190, "control_socket_disable": True, "proc_name": "yunkong",
        "when_ready": ready,
    })
    server.cfg.set("post_fork", server.part)
    try:
        server.run()
    finally:
        # A web worker that ends comes by here too; what it inherited is its parent's.
        if os.getpid() == owner:
            for one in companions:
                one.close()
            printer.close()
