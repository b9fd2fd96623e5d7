"""The README keeps its word: its plugin is written, checked, tested, switched on and served as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.stories.terminal import free_port

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
LINKED = ("core", "pyproject.toml", "tests/conftest.py", "tests/company.py", "tests/postgresql.py")
FILE = re.compile(r"^`([\w/]+\.py)`[^\n]*\n\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHIM = "#!{python}\nimport sys\nfrom core.cli import main\nsys.exit(main())\n"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def files_of(name: str) -> dict[str, str]:
    """Path → content of the files that a README tells to write."""
    return dict(FILE.findall(text_of(name)))


def commands_of(name: str) -> list[str]:
    """The commands that a README tells to run."""
    return [line for block in COMMANDS.findall(text_of(name)) for line in block.splitlines() if line]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like this one, where nothing that is written touches this one."""
    root = tmp_path / "checkout"
    for name in LINKED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(ROOT / name)
    (root / "plugins").mkdir()
    for one in (ROOT / "plugins").iterdir():
        if one.name != "__pycache__":
            (root / "plugins" / one.name).symlink_to(one)
    shim = root / "bin" / "yunkong"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(0o755)
    return root


def run(root: Path, command: str) -> str:
    """What a command says; it must succeed."""
    done = subprocess.run(["bash", "-c", command], cwd=root, env=environment(root), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(root: Path) -> dict[str, str]:
    """The terminal of somebody who reads the README."""
    return {**os.environ, "PATH": f"{root / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(root), "YUNKONG_LANGUAGE": "en"}


def answers(url: str) -> bool:
    """Whether something answers there within half a minute."""
    for _try in range(120):
        try:
            with urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.25)
    return False


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_ten_minute_plugin_does_what_it_says(checkout: Path) -> None:
    """Its files are written as they stand there, its commands run in their order, and the last one serves."""
    for name, content in files_of("README.md").items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(content, encoding="utf-8")
    run(checkout, "yunkong demo demo-site --plugins master_data --no-serve")
    *commands, last = commands_of("README.md")
    said = [run(checkout, one) for one in commands]
    assert "no fault" in said[0]
    assert "3 passed" in said[1]
    assert "visitors" in run(checkout, "yunkong types --site demo-site")
    assert last.startswith("yunkong run ")
    port = free_port()
    served = subprocess.Popen(last.split(), cwd=checkout, env={**environment(checkout), "YUNKONG_PORT": str(port)})
    try:
        assert answers(f"http://127.0.0.1:{port}/healthz")
    finally:
        served.terminate()
        served.wait(30)


def test_both_readmes_tell_the_same_plugin() -> None:
    """Files and commands are the same in both languages."""
    english, chinese = READMES
    assert files_of(english) == files_of(chinese)
    assert commands_of(english) == commands_of(chinese)
    assert len(files_of(english)) == 4
