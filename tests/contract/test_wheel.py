"""The wheel is the whole product: installed into an empty environment outside the checkout, it makes and serves the demo."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.contract.source import ROOT, modules

PARTS = ("core", "plugins", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An empty environment with the wheel; third-party packages are lent by the environment of the tests."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    python = place / "venv" / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel]
    subprocess.run(command, check=True, cwd=place)
    packages = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True, text=True)
    (Path(packages.stdout.strip()) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "YUNKONG", "COV"))} | {"LANG": "C.UTF-8"}


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    """Templates, translations, static files, fonts and data: nothing is forgotten."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT)) for top in ("core", "plugins") for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".swp"}
    }
    assert wanted - inside == set()


def test_the_wheel_brings_no_tests_and_no_tools(wheel):
    """Only core, plugins, and what describes them."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {one for one in tops if not one.endswith(".dist-info")} == {"core", "plugins"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_installed_wheel_makes_and_serves_the_demo(installed):
    """Outside the checkout, by the command alone: data, accounts, pages, their style."""
    command = installed / "venv" / "bin" / "yunkong"
    where = subprocess.run(
        [installed / "venv" / "bin" / "python", "-c", "import core; print(core.__file__)"], check=True, capture_output=True, text=True, cwd=installed, env=environment(),
    )
    assert str(installed) in where.stdout
    made = subprocess.run([command, "demo", "demo", "--no-serve", "--json"], capture_output=True, text=True, cwd=installed, env=environment())
    assert made.returncode == 0, made.stderr
    assert len(json.loads(made.stdout)["accounts"]) > 10
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    process = subprocess.Popen([command, "run", "--site", "demo", "--port", str(port)], cwd=installed, env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        html = fetch(f"http://127.0.0.1:{port}/sign-in")
        style = html.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert len(fetch(f"http://127.0.0.1:{port}{style}")) > 1000
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stderr.close()


def fetch(url: str, seconds: float = 60) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def test_what_core_imports_is_declared():
    """A package that only comes along with another may go with it."""
    declared = {canonical(one) for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]}
    known = packages_distributions()
    imported = {found.target.partition(".")[0] for module in (*modules("core"), *modules("plugins")) for found in module.imports()}
    ours = {"core", "plugins", *sys.stdlib_module_names}
    missing = {name for name in imported - ours if declared.isdisjoint(map(canonical, known.get(name, [name])))}
    assert missing == set()


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def test_locks_name_no_index_and_every_hash():
    """They install from wherever the machine gets its packages, and only the very files that were locked."""
    for name in ("requirements.lock", "requirements-test.lock"):
        lines = (ROOT / name).read_text().splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("-")]
        pins = [number for number, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]
        assert pins
        assert [lines[number] for number in pins if "==" not in lines[number] or "--hash=sha256:" not in lines[number + 1]] == []


def test_locks_hold_what_the_project_asks_for():
    """Run `make lock` after a change of the dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, asked in (("requirements.lock", project["dependencies"]), ("requirements-test.lock", project["optional-dependencies"]["test"])):
        locked = {canonical(line) for line in (ROOT / name).read_text().splitlines() if "==" in line}
        assert {canonical(one) for one in asked} - locked == set()
