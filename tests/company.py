"""A small company for tests: every role is held by somebody, every function is carried out by a department.

Departments: HQ at the top; DEPT1 and DEPT2 below it. Each role of the enabled plugins is held in DEPT1 by the user of the role's
own name (`production.planner`); `core.administrator` in the whole site; `outsider` is an employee of DEPT2. DEPT1 carries out
every function. Everybody has the same password.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from flask.testing import FlaskClient

from core import passwords, people
from core.config import write_site
from core.directory import ADMINISTRATOR
from core.service import Work
from core.site import Site, open_site
from tests.postgresql import Server

NOW = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
PASSWORD = "quiet river under pines"
DEPARTMENTS = {"HQ": ("总部", None), "DEPT1": ("一部", "HQ"), "DEPT2": ("二部", "HQ")}
HOME = "DEPT1"
NOTHING: Mapping[str, ModuleType] = MappingProxyType({})


class MovableClock:
    """A site's clock in a file, so that every process of the site sees it."""

    def __init__(self, file: Path, now: datetime) -> None:
        self.file = file
        self.set(now)

    @property
    def now(self) -> datetime:
        """What it shows."""
        return datetime.fromisoformat(self.file.read_text())

    def set(self, now: datetime | str) -> None:
        """Let it show this, a text with an offset or an aware moment."""
        moment = datetime.fromisoformat(now) if isinstance(now, str) else now
        assert moment.tzinfo is not None, "a moment needs its offset"
        new = self.file.with_suffix(".new")
        new.write_text(moment.isoformat())
        new.replace(self.file)

    def move(self, **span: float) -> None:
        """Move it by a span, back too: `clock.move(days=2)`."""
        self.set(self.now + timedelta(**span))


class Templates:
    """Sites made once per engine and set of plugins; a test's site is a copy: a file on SQLite, a database on PostgreSQL."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: dict[tuple[tuple[str, ...], bool], Path] = {}
        self.databases: list[tuple[Server, str]] = []

    def copy(self, plugins: tuple[str, ...], folder: Path, server: Server | None, extra: Mapping[str, ModuleType] = NOTHING) -> str:
        """Make a site's folder; returns the name of its database on PostgreSQL."""
        key = (plugins, server is not None)
        if key not in self.made:
            self.made[key] = self._make(plugins, server, extra)
        template = self.made[key]
        shutil.copytree(template, folder)
        if server is None:
            return ""
        name = f"site_{os.urandom(6).hex()}"
        server.create(name, template.name)
        file = folder / "site.toml"
        file.write_text(file.read_text().replace(f"/{template.name}?", f"/{name}?"))
        return name

    def _make(self, plugins: tuple[str, ...], server: Server | None, extra: Mapping[str, ModuleType]) -> Path:
        name = f"template_{os.urandom(6).hex()}"
        url = ""
        if server is not None:
            url = server.create(name)
            self.databases.append((server, name))
        site = open_site(write_site(self.root / name, name="测试公司", kind="test", plugins=plugins, database=url).path, extra=extra)
        site.database.create()
        found_company(site)
        site.close()
        return self.root / name

    def drop(self) -> None:
        """Take the databases away."""
        for server, name in self.databases:
            server.drop(name)


def found_company(site: Site) -> None:
    """Departments, functions and people, as the docstring of the module says."""
    with site.work(via="cli") as work:
        seats: dict[str, int] = {}
        for code, (name, above) in DEPARTMENTS.items():
            seats[code] = people.add_department(work.connection, work.origin, code=code, name=name, parent_id=seats.get(above or ""))
        for function in site.registry.functions:
            people.bind_function(work.connection, work.registry, work.origin, function, [seats[HOME]], reason="test")
        for role in site.registry.roles:
            add(work, role, [(role, None if role == ADMINISTRATOR else seats[HOME])])
        add(work, "outsider", [("core.employee", seats["DEPT2"])])


def add(work: Work, username: str, roles: list[tuple[str, int | None]]) -> int:
    """One more user."""
    id, _password = people.add_user(
        work.connection, work.registry, work.origin, username=username, name=username, password=PASSWORD, roles=roles,
        memory=passwords.memory_for(work.site.config.kind),
    )
    return id


class People:
    """The people of a site by role or user name."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def department(self, code: str) -> int:
        """The id of a department."""
        with self.site.work(reading=True) as work:
            return work.directory.by_code[code].id

    def id(self, who: str, department: str = "") -> int:
        """The id of a user: a user name, a role, or a role in another department than DEPT1; made where there is none."""
        username = f"{who}@{department.lower()}" if department else who
        with self.site.work(reading=True) as work:
            found = work.directory.by_username.get(username)
        if found is not None:
            return found.id
        assert who in self.site.registry.roles, f"neither a user nor a role: {who}"
        seat = self.department(department or HOME)
        with self.site.work(via="cli") as work:
            return add(work, username, [(who, seat)])

    def name(self, id: int) -> str:
        """The user name of an id."""
        with self.site.work(reading=True) as work:
            return work.directory.users[id].username

    def give(self, who: str, role: str, department: str | None = HOME) -> int:
        """Give somebody one more role; a new user where there is none of that name."""
        seat = self.department(department) if department else None
        with self.site.work(via="cli") as work:
            found = work.directory.by_username.get(who)
            if found is None:
                return add(work, who, [(role, seat)])
            people.add_role(work.connection, work.registry, work.origin, found.id, role, seat, reason="test")
            return found.id

    @contextmanager
    def work_as(self, who: str, department: str = "", **options: Any) -> Iterator[Work]:
        """One unit of work of somebody."""
        with self.site.work(actor=self.id(who, department), **options) as work:
            yield work

    def enter(self, page: Any, who: str, department: str = "") -> None:
        """Sign in with a real browser and wait for the inbox."""
        page.goto("/sign-in")
        page.fill("[name=username]", self.name(self.id(who, department)))
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(re.compile(r"/$"))


class Browser(FlaskClient):
    """Flask's test client that can sign in and post forms."""

    people: People

    def sign_in(self, who: str, department: str = "", password: str = PASSWORD) -> Browser:
        """Sign in through the page, as a role or user name."""
        answer = self.post_form("/sign-in", {"username": self.people.name(self.people.id(who, department)), "password": password})
        assert answer.status_code in (302, 303), answer.get_data(as_text=True)[:2000]
        return self

    def sign_out(self) -> None:
        """Sign out through the page."""
        assert self.post_form("/sign-out", {}, page="/").status_code in (302, 303)

    def secrets(self, page: str) -> dict[str, str]:
        """The hidden secrets of a page's forms."""
        html = self.get(page).get_data(as_text=True)
        return dict(reversed(re.findall(r'<input type="hidden" name="(_csrf|_once)" value="([^"]*)"', html)))

    def post_form(self, path: str, values: Mapping[str, Any], page: str = "", **options: Any) -> Any:
        """Post a form as a browser does: with the secrets of the page that it stands on (`path` itself by default)."""
        return self.post(path, data={**self.secrets(page or path), **values}, **options)


class Api:
    """The API as somebody with a token."""

    def __init__(self, client: FlaskClient, people: People, who: str) -> None:
        self.client = client
        answer = client.post("/api/v1/tokens", json={"username": people.name(people.id(who)), "password": PASSWORD})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        self.token = answer.json["token"]

    def open(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        """One request below /api/v1; `If_Match="3"` becomes the header If-Match."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers={"Authorization": f"Bearer {self.token}", **named})

    def get(self, path: str, **headers: str) -> Any:
        """Read."""
        return self.open("GET", path, **headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Any:
        """Create, or take a step."""
        return self.open("POST", path, {} if json is None else json, **headers)

    def patch(self, path: str, json: Any, version: str, **headers: str) -> Any:
        """Change; `version` is the ETag that was read."""
        return self.open("PATCH", path, json, If_Match=version, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        """Take out."""
        return self.open("DELETE", path, **headers)
