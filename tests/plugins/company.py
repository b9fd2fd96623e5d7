"""A valve maker without records: its departments, people and registers, and everyone's way in through the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from core import demo, people, settings, upgrade
from core.app import create_app
from core.config import write_site
from core.site import Site, open_site

NOW = "2026-11-20T14:20:00+08:00"
API = "/api/v1"


@dataclass
class Person:
    """Somebody signed in at the API. Every call says which answer it expects, 2xx when nothing is said."""

    client: Any
    token: str
    password: str

    def call(self, method: str, path: str, body: Any = None, expect: int | tuple[int, ...] = (200, 201, 204), **headers: str) -> Any:
        """One request; the JSON of the answer, after its status was looked at."""
        sent = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.open(API + path, method=method, headers=sent, json=body) if body is not None else self.client.open(API + path, method=method, headers=sent)
        wanted = (expect,) if isinstance(expect, int) else expect
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.get_data(as_text=True)[:3000]}"
        return answer.get_json(silent=True) if answer.is_json else answer.get_data()

    def get(self, path: str, expect: int = 200) -> Any:
        """Read something."""
        return self.call("GET", path, expect=expect)

    def create(self, type: str, expect: int = 201, *, origin: dict[str, Any] | None = None, opens: str = "", **fields: Any) -> Any:
        """Make a record, or open it from another by one of its buttons."""
        query = f"?from={origin['type']}/{origin['id']}&opens={opens}" if origin else ""
        return self.call("POST", f"/records/{type}{query}", fields, expect)

    def change(self, record: dict[str, Any], expect: int = 200, **fields: Any) -> Any:
        """Change fields of the record as it was seen."""
        return self.call("PATCH", path_of(record), fields, expect, If_Match=f'"{record["version"]}"')

    def read(self, record: dict[str, Any], expect: int = 200) -> Any:
        """The record as it stands."""
        return self.get(path_of(record), expect)

    def take(self, record: dict[str, Any], step: str, expect: int = 200, **body: Any) -> Any:
        """Take a step."""
        return self.call("POST", f"{path_of(record)}/transitions/{step}", body, expect)

    def sign(self, record: dict[str, Any], step: str, expect: int = 200, **body: Any) -> Any:
        """Take a step that asks for the password again."""
        return self.take(record, step, expect, password=self.password, **body)

    def void(self, record: dict[str, Any], reason: str, expect: int = 200) -> Any:
        """Take a numbered record out of use."""
        return self.call("POST", f"{path_of(record)}/void", {"reason": reason}, expect)

    def upload(self, path: str, content: bytes, name: str = "rows.xlsx", expect: int = 200, **headers: str) -> Any:
        """Send one file."""
        sent = {"file": (BytesIO(content), name)}
        named = {"Authorization": f"Bearer {self.token}"} | {key.replace("_", "-"): value for key, value in headers.items()}
        answer = self.client.post(API + path, data=sent, headers=named, content_type="multipart/form-data")
        assert answer.status_code == expect, answer.get_data(as_text=True)[:2000]
        return answer.get_json()

    def steps(self, record: dict[str, Any]) -> dict[str, Any]:
        """The steps that leave the record's state, by name."""
        return {one["name"]: one for one in self.get(f"{path_of(record)}/transitions")["items"]}

    def list(self, type: str, query: str = "") -> list[dict[str, Any]]:
        """Records of a type, one page."""
        return self.get(f"/records/{type}?limit=200{query}")["items"]


@dataclass
class Company:
    """The company, its site and its clock."""

    site: Site
    clock: Path
    passwords: dict[str, str]
    signed_in: dict[str, Person] = field(default_factory=dict)
    client: Any = None

    def __getitem__(self, username: str) -> Person:
        """Somebody, signed in."""
        if username not in self.signed_in:
            self.client = self.client or create_app(self.site).test_client()
            answer = self.client.post(f"{API}/tokens", json={"username": username, "password": self.passwords[username]})
            assert answer.status_code == 201, answer.get_data(as_text=True)
            self.signed_in[username] = Person(self.client, answer.json["token"], self.passwords[username])
        return self.signed_in[username]

    def it_is(self, moment: str) -> None:
        """Move the clock: `2026-11-20`, or with a time; everybody signs in anew."""
        self.clock.write_text(moment if "T" in moment else f"{moment}T09:00:00+08:00")
        self.signed_in.clear()

    def choose(self, policy: str, choice: str) -> None:
        """Decide a policy for the whole site."""
        with self.site.work(via="cli") as work:
            settings.choose(work.connection, work.directory, work.origin, policy, choice, reason="test")

    def department(self, code: str) -> str:
        """The id of a department."""
        with self.site.work(reading=True) as work:
            return str(work.directory.by_code[code].id)

    def user(self, username: str) -> str:
        """The id of a user."""
        with self.site.work(reading=True) as work:
            return str(work.directory.by_username[username].id)

    def give(self, username: str, role: str, code: str | None = None) -> None:
        """Give somebody one more role."""
        with self.site.work(via="cli") as work:
            seat = work.directory.by_code[code].id if code else None
            people.add_role(work.connection, work.registry, work.origin, work.directory.by_username[username].id, role, seat, reason="test")

    def item(self, code: str) -> str:
        """The id of an item."""
        with self.site.work(reading=True) as work, work.inside():
            return str(work.find("master_data.item", code=code, state="active")[0].id)


ITEMS = {"V-50": "product", "V-80": "product", "B-50": "semi_finished", "M-1": "material", "M-2": "material", "M-3": "material"}
CAPACITY = {"MC1": Decimal(100), "MC2": Decimal(100), "ASM1": Decimal(100)}
HOURS = Decimal("0.5")


def make_site(folder: Path, database: str) -> Site:
    """An empty site for tests with every plugin of production."""
    more = {"database": database} if database else {}
    write_site(folder, name="Valves", kind="test", plugins=("production",), **more)
    site = open_site(folder)
    upgrade.upgrade(site.database)
    return site


def populate(site: Site) -> dict[str, str]:
    """Departments and people of the demo, six items of half an hour each, three workshops of 100 h a month; everybody's password."""
    company = demo.Company()
    for one in demo.read_data(site.registry).values():
        company.add(one)
    accounts = demo.found(site, company)
    with site.work(via="cli") as work, work.inside():
        for code, kind in ITEMS.items():
            values = {"code": code, "name": f"Item {code}", "kind": kind, "unit": "pc", "model": f"T{code}", "specification": "PN16"}
            work.create("master_data.item", values | ({} if kind == "material" else {"production_standard_hours": HOURS}))
        for code, hours in CAPACITY.items():
            work.create("production.workshop", {"code": code, "workshop": work.directory.by_code[code].id, "capacity": hours})
    return {account.username: account.password for account in accounts}


def path_of(record: dict[str, Any]) -> str:
    """The address of a record."""
    return f"/records/{record['type']}/{record['id']}"


def problems(answer: Any) -> dict[str, str]:
    """Where → what of a 422."""
    return {one["where"]: one["what"] for one in answer["problems"]}


@pytest.fixture
def company(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The company with its people and registers and no records, on a site of its own."""
    clock = tmp_path / "clock"
    clock.write_text(NOW)
    monkeypatch.setenv("YUNKONG_NOW", f"@{clock}")
    site = make_site(tmp_path / "site", engine_url)
    yield Company(site, clock, populate(site))
    site.close()
