"""A terminal in which `yunkong` answers at once: what it imports is imported once, and each command is a fork of that.

Commands that serve (`run`, `worker`) are processes of their own, as everywhere.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import json, os, socket, sys
sys.path.insert(0, {root!r})
from core.cli import main
import core.api, core.transfer, core.upgrade, core.worker  # what commands import late
door = socket.socket(socket.AF_UNIX)
door.bind({door!r})
door.listen()
while True:
    caller, _address = door.accept()
    told, places, _flags, _address = socket.recv_fds(caller, 1 << 20, 3)
    if not told:
        break
    if not (child := os.fork()):
        for place, number in zip(places, (0, 1, 2)):
            os.dup2(place, number)
        asked = json.loads(told)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        code = 1
        try:
            code = main(asked["argv"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    for place in places:
        os.close(place)
    _child, status = os.waitpid(child, 0)
    caller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    caller.close()
"""
CLIENT = """#!{python} -SE
import json, os, socket, sys
if sys.argv[1:2] in (["run"], ["worker"]):
    code = "import sys; sys.path.insert(0, {root!r}); from core.cli import main; sys.exit(main())"
    os.execv({python!r}, [{python!r}, "-c", code, *sys.argv[1:]])
door = socket.socket(socket.AF_UNIX)
door.connect({door!r})
told = dict(argv=sys.argv[1:], cwd=os.getcwd(), env=dict(os.environ))
socket.send_fds(door, [json.dumps(told).encode()], [0, 1, 2])
sys.exit(int(door.recv(16) or 1))
"""


class Terminal:
    """A folder in which a person types commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def type(self, script: str, **environment: str) -> str:
        """What the commands say on standard output; every one of them must succeed."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("YUNKONG_")}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        out, err = self.folder / "said.txt", self.folder / "told.txt"
        with out.open("w") as said, err.open("w") as told:
            shell = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-x", "-c", script], cwd=self.folder, stdout=said, stderr=told, start_new_session=True,
                env={**known, "PATH": path, "YUNKONG_LANGUAGE": "en", **environment},
            )
            code = shell.wait()
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        assert code == 0, out.read_text()[-4000:] + err.read_text()[-4000:]
        return out.read_text()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    """A terminal in an empty folder, closed at the end."""
    door = f"{folder}/.door"
    client = folder / "bin" / "yunkong"
    client.parent.mkdir()
    client.write_text(CLIENT.format(python=sys.executable, root=str(ROOT), door=door))
    client.chmod(0o755)
    server = subprocess.Popen([sys.executable, "-c", SERVER.format(root=str(ROOT), door=door)])
    try:
        while not Path(door).exists():
            assert server.poll() is None, "the terminal did not start"
            time.sleep(0.02)
        yield Terminal(folder)
    finally:
        server.terminate()
        server.wait()
