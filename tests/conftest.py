"""What every test may ask for: an engine, a site, its pages, its people and its clock. No mail leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgresql

ALWAYS_BOTH = ("tests/core/", "tests/contract/", "tests/faults/")
SERVER = pytest.StashKey[postgresql.Server]()


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for all worker processes; whoever needs it first starts it."""
    handed = getattr(config, "workerinput", {}).get("postgresql")
    config.stash[SERVER] = postgresql.Server(Path(handed) if handed else postgresql.folder())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker process where the server is."""
    node.workerinput["postgresql"] = str(node.config.stash[SERVER].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the session ends the server."""
    if not hasattr(config, "workerinput") and SERVER in config.stash:
        config.stash[SERVER].stop()


def engines_of(node: pytest.Item | pytest.Function | object, place: str, both: bool) -> list[str]:
    """The engines on which a test runs: SQLite, and PostgreSQL where the database matters or all is asked for."""
    asked = os.environ.get("YUNKONG_TEST_ENGINES", "")
    if asked:
        return asked.split(",")
    return ["sqlite", "postgresql"] if both or place.startswith(ALWAYS_BOTH) else ["sqlite"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses an engine runs once for each."""
    if "engine" in metafunc.fixturenames:
        place = metafunc.definition.nodeid
        both = any(True for _mark in metafunc.definition.iter_markers("both_engines"))
        metafunc.parametrize("engine", engines_of(metafunc.definition, place, both), indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`."""
    return request.param


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> postgresql.Server:
    """The running PostgreSQL of this session."""
    return pytestconfig.stash[SERVER].ensure()


@pytest.fixture
def engine_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database on the engine under test."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("server")
    name = f"empty_{os.urandom(6).hex()}"
    yield server.create(name)
    server.drop(name)
