"""What every test may ask for: an engine, a site with a company, its pages, its people and its clock. No mail leaves.

A test that uses an engine (every one that asks for `site`, `app`, `client`, `api`, `work_as`, `page` …) runs on SQLite, and on
PostgreSQL too where the database matters: below tests/core, tests/contract and tests/faults, and where it is marked
`both_engines`. YUNKONG_TEST_ENGINES=postgresql (or sqlite,postgresql) runs everything there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from werkzeug.serving import make_server

from core.registry import Registry, available_plugins, build_registry
from core.site import Site, open_site
from tests import postgresql
from tests.company import NOW, Api, Browser, MovableClock, People, Templates

ALWAYS_BOTH = ("tests/core/", "tests/contract/", "tests/faults/")
SERVER = pytest.StashKey[postgresql.Server]()


# The engine


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for all worker processes; whoever needs it first starts it."""
    handed = getattr(config, "workerinput", {}).get("postgresql")
    config.stash[SERVER] = postgresql.Server(Path(handed) if handed else postgresql.folder(in_memory=True))
    if not handed:
        config.stash[SERVER].guard()
    for name in [one for one in os.environ if one.startswith("YUNKONG_") and not one.startswith("YUNKONG_TEST")]:
        del os.environ[name]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker process where the server is."""
    node.workerinput["postgresql"] = str(node.config.stash[SERVER].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the session ends the server."""
    if not hasattr(config, "workerinput") and SERVER in config.stash:
        config.stash[SERVER].release()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses an engine runs once for each."""
    if "engine" in metafunc.fixturenames:
        asked = os.environ.get("YUNKONG_TEST_ENGINES", "")
        only = metafunc.definition.get_closest_marker("only_on")
        marked = any(True for _mark in metafunc.definition.iter_markers("both_engines"))
        both = marked or metafunc.definition.nodeid.startswith(ALWAYS_BOTH)
        engines = list(only.args) if only else asked.split(",") if asked else ["sqlite", "postgresql"] if both else ["sqlite"]
        metafunc.parametrize("engine", engines, indirect=True, scope="session")


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


# A site


@pytest.fixture
def plugins() -> tuple[str, ...]:
    """The plugins of the site: all of them, unless a module or test overrides this fixture."""
    return tuple(name for name in available_plugins() if not name.startswith("sample"))


@pytest.fixture
def extra() -> Mapping[str, ModuleType]:
    """Plugin packages that are not installed, by name: a module that brings its own overrides this, and `plugins` too."""
    return {}


@pytest.fixture
def registry(plugins: tuple[str, ...], extra: Mapping[str, ModuleType]) -> Registry:
    """Their declarations, checked and frozen."""
    return build_registry(plugins, extra)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MovableClock:
    """The site's clock: Friday 20 November 2026, 09:00 in Shanghai, until a test moves it; other processes see it too."""
    found = MovableClock(tmp_path / "clock", NOW)
    monkeypatch.setenv("YUNKONG_NOW", f"@{found.file}")
    return found


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """Sites that were made once and are copied for each test."""
    found = Templates(tmp_path_factory.mktemp("templates"))
    yield found
    found.drop()


@pytest.fixture
def site_folder(
    engine: str, plugins: tuple[str, ...], extra: Mapping[str, ModuleType], clock: MovableClock, templates: Templates, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Path]:
    """The folder of a fresh site with the company of `tests.company`, on the engine under test."""
    server = request.getfixturevalue("server") if engine == "postgresql" else None
    folder = tmp_path / "site"
    database = templates.copy(plugins, folder, server, extra)
    yield folder
    if server is not None:
        server.drop(database)


@pytest.fixture
def site(site_folder: Path, extra: Mapping[str, ModuleType]) -> Iterator[Site]:
    """A fresh site, open."""
    found = open_site(site_folder, extra=extra)
    yield found
    found.close()


@pytest.fixture
def people(site: Site) -> People:
    """The people of the site, by role or user name; new ones as tests need them."""
    return People(site)


@pytest.fixture
def work_as(people: People) -> Callable:
    """One unit of work of somebody: `with work_as("production.planner") as work: …`."""
    return people.work_as


# Its pages and its API


@pytest.fixture
def app(site: Site):
    """The Flask application of the site."""
    from core.app import create_app

    found = create_app(site)
    found.testing = True
    found.test_client_class = Browser
    return found


@pytest.fixture
def client(app, people: People) -> Browser:
    """A browser without JavaScript: `client.sign_in("production.planner")`."""
    found = app.test_client()
    found.people = people
    return found


@pytest.fixture
def api(app, people: People) -> Callable[[str], Api]:
    """The API as somebody: `api("production.planner").get("/records/production.order")`."""
    return lambda who: Api(app.test_client(), people, who)


@pytest.fixture
def live_url(app) -> Iterator[str]:
    """The address at which the application is really served, for real browsers."""
    app.testing = False
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, live_url: str, people: People):
    """A tab at 1440 x 900, in Chinese; `people.enter(page, "production.planner")` signs in."""
    context = chromium.new_context(base_url=live_url, locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    found = context.new_page()
    yield found
    context.close()
