"""A small company in a real database, for the tests of people, settings and sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, SimpleNamespace

from core import fields, passwords, people
from core.audit import Origin, recent
from core.config import Clock
from core.messages import _
from core.records import Function, Role, Setting
from core.registry import Registry, build_registry
from core.storage import Database
from core.workflow import Choice, Policy

START = datetime(2026, 11, 20, 0, 20, tzinfo=UTC)
PASSWORD = "correct horse battery"
CHEAP = passwords.TEST_MEMORY


def registry() -> Registry:
    """Core alone, with two roles, a function, a policy and a setting of an invented plugin."""
    core = build_registry([])
    approver = Policy("plant.approver", _("Approver"), {"a": Choice(_("A"), roles=("plant.manager",)), "b": Choice(_("B"), roles=("plant.planner",))}, "a")
    days = Setting("plant.days", _("Days"), fields.Integer(_("Days"), min=1, max=30), default=7)
    return replace(
        core,
        roles=MappingProxyType({**core.roles, "plant.manager": Role(_("Manager")), "plant.planner": Role(_("Planner"), function="plant.planning")}),
        functions=MappingProxyType({**core.functions, "plant.planning": Function(_("Planning"))}),
        policies=MappingProxyType({"plant.approver": approver}), settings=MappingProxyType({**core.settings, "plant.days": days}),
    )


class Company:
    """A site of one administrator and three departments, with a clock that tests move."""

    def __init__(self, url: str) -> None:
        self.registry = registry()
        self.database = Database(url, self.registry)
        self.database.create()
        self.at = START
        secrets = SimpleNamespace(secret_key="k" * 40)
        self.config = SimpleNamespace(kind="test", clock=Clock(lambda: self.at), secrets=secrets)
        self.admin = self.do(
            people.add_user, self.registry, self.origin(None), username="admin", name="Admin", password=PASSWORD,
            roles=[("core.administrator", None)], memory=CHEAP,
        )[0]
        self.top = self.department("TOP", "Company")
        self.works = self.department("W", "Works", self.top)
        self.office = self.department("O", "Office", self.top)

    def origin(self, actor: int | None = 0) -> Origin:
        """The administrator at the present moment, unless another actor is given."""
        return Origin(actor_id=self.admin if actor == 0 else actor, at=self.at, via="web")

    def do(self, function, *arguments, **options):
        """One function in one transaction."""
        with self.database.begin() as connection:
            return function(connection, *arguments, **options)

    def department(self, code: str, name: str, parent: int | None = None) -> int:
        return self.do(people.add_department, self.origin(), code=code, name=name, parent_id=parent)

    def user(self, username: str = "chen", roles=(), password: str = PASSWORD) -> int:
        return self.do(
            people.add_user, self.registry, self.origin(), username=username, name=username.title(), password=password, roles=roles, memory=CHEAP,
        )[0]

    def directory(self):
        with self.database.begin(reading=True) as connection:
            return people.load(connection, self.registry)

    def trail(self):
        with self.database.begin(reading=True) as connection:
            return recent(connection)

    def move(self, **span) -> None:
        self.at += timedelta(**span)
