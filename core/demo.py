"""A company to try things out with: departments, people with random passwords, and a few months of every plugin's work.

The company stands in `data/demo.toml`, core's and each plugin's: `[[departments]]`, `[functions]`, `[[people]]`. Then each
plugin fills in its records through the hook `fill_demo`, through the same door as everybody, at the hours of a past it makes up.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import passwords, people, settings
from core.config import Clock
from core.directory import ADMINISTRATOR, EMPLOYEE, Directory
from core.messages import _
from core.records import RecordType
from core.service import Asked, Work
from core.translations import LANGUAGES
from core.workflow import Policy, each_by

if TYPE_CHECKING:
    from core.registry import Registry
    from core.site import Site

COMPANY = Path(__file__).parent / "data" / "demo.toml"
FOUNDED = timedelta(days=150)
"""How long before today the company began to use the site."""

REASON = _("Demo company")


@dataclass(frozen=True)
class Account:
    """An account of the demo, with the password that is told once."""

    username: str
    password: str
    name: str
    roles: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Person:
    """Somebody of the company: roles as `plugin.role@DEPARTMENT`, or `plugin.role` in the whole site."""

    username: str
    name: str
    roles: tuple[str, ...]


@dataclass
class Company:
    """Departments, functions and people of core and all enabled plugins, put together."""

    departments: dict[str, Mapping[str, str]] = field(default_factory=dict)
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    """`plugin.noun:print` → the form number that the company gave it, with a blank the revision."""

    def add(self, data: Mapping[str, Any]) -> None:
        """Take in what one file says; a person named again gets more roles."""
        self.departments |= {one["code"]: one for one in data.get("departments", ())}
        self.functions |= {name: tuple(codes) for name, codes in data.get("functions", {}).items()}
        self.forms |= data.get("forms", {})
        for one in data.get("people", ()):
            known = self.people.get(one["username"])
            name = one.get("name") or (known.name if known else one["username"])
            self.people[one["username"]] = Person(one["username"], name, (*(known.roles if known else ()), *one.get("roles", ())))


class Demo:
    """What `fill_demo` gets: the site, its plugins' data, and a past to write into."""

    def __init__(self, site: Site, data: Mapping[str, Mapping[str, Any]], told: Callable[[str], None]) -> None:
        self.site = site
        self.data = data
        self.told = told
        self.random = random.Random(7501)
        self.now = site.clock.now()
        self._moment = self.now
        self._passwords: dict[str, str] = {}
        self._directory: Directory | None = None

    @property
    def today(self) -> date:
        """The day on which the demo is made, in the site's zone."""
        return self.now.astimezone(self.site.config.zone).date()

    @property
    def directory(self) -> Directory:
        """Who is who in the company."""
        if self._directory is None:
            with self.site.work(reading=True) as work:
                self._directory = work.directory
        return self._directory

    def department(self, code: str) -> int:
        """The department with a code."""
        return self.directory.by_code[code].id

    def user(self, username: str) -> int:
        """The user with a user name."""
        return self.directory.by_username[username].id

    def confirmed(self, username: str) -> Asked:
        """What the dialog of a step brings where the password is asked again."""
        return Asked(confirmed=self.site.confirm(self.user(username), self._passwords[username]))

    def because(self, reason: str) -> Asked:
        """What the dialog of a step brings where a reason is asked."""
        return Asked(reason)

    def learn(self, accounts: Iterable[Account]) -> None:
        """Remember the passwords for the steps that ask for them."""
        self._passwords |= {account.username: account.password for account in accounts}

    def moment(self, day: date, hour: int, minute: int = 0) -> datetime:
        """A moment of the past in the site's zone; never later than now."""
        return min(datetime.combine(day, time(hour, minute), self.site.config.zone).astimezone(UTC), self.now)

    @contextmanager
    def as_user(self, username: str, day: date, hour: int = 9, minute: int = 0) -> Iterator[Work]:
        """One work of somebody at an hour of a day."""
        self._moment = self.moment(day, hour, minute)
        with self.site.work(actor=self.user(username), via="web") as work:
            yield work

    @contextmanager
    def in_the_past(self) -> Iterator[None]:
        """Let the site's clock follow the story while it is written."""
        kept, self.site.clock = self.site.clock, Clock(lambda: self._moment)
        self._moment = self.now - FOUNDED
        try:
            yield
        finally:
            self.site.clock = kept


def fill(site: Site, told: Callable[[str], None] = lambda _plugin: None) -> list[Account]:
    """Make the company and its months on an empty site; the accounts with their passwords."""
    data = read_data(site.registry)
    company = Company()
    for one in data.values():
        company.add(one)
    demo = Demo(site, data, told)
    with demo.in_the_past():
        accounts = found(site, company)
        demo.learn(accounts)
        for hook in site.registry.hooks["fill_demo"]:
            told(hook.plugin)
            hook({"demo": demo})
    return accounts


def company_name() -> str:
    """What the company is called."""
    return str(tomllib.loads(COMPANY.read_text(encoding="utf-8"))["name"])


def read_data(registry: Registry) -> dict[str, dict[str, Any]]:
    """Plugin → what its `data/demo.toml` says, core's own first."""
    files = {"core": COMPANY} | {name: folder / "data" / "demo.toml" for name, folder in registry.folders.items()}
    return {name: tomllib.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}


def found(site: Site, company: Company) -> list[Account]:
    """Make departments, functions and people; a role that nobody holds gets an account of its own."""
    with site.work(actor=None, via="cli") as work:
        seats: dict[str, int] = {}
        for position, (code, one) in enumerate(company.departments.items()):
            parent = seats.get(one.get("parent", ""))
            seats[code] = people.add_department(
                work.connection, work.origin, code=code, name=one["name"], parent_id=parent, position=position, reason=work.site_text(REASON),
            )
        for function in site.registry.functions:
            codes = company.functions.get(function) or tuple(company.departments)[:1]
            people.bind_function(work.connection, site.registry, work.origin, function, [seats[code] for code in codes], reason=work.site_text(REASON))
        name_forms(work, company)
        staff = [*company.people.values(), *vacancies(site.registry, company)]
        return [hire(work, site.registry, person, seats) for person in staff]


def name_forms(work: Work, company: Company) -> None:
    """Give the printed forms the company's own numbers and revisions."""
    for key, told in company.forms.items():
        number, _blank, revision = told.partition(" ")
        for kind, word in (("form_no", number), ("form_revision", revision)):
            for language in LANGUAGES if word else ():
                settings.set_word(work.connection, work.registry, work.origin, kind, key, language, word, reason=work.site_text(REASON))


def vacancies(registry: Registry, company: Company) -> Iterator[Person]:
    """One account for each role that nobody of the company holds."""
    held = {role.partition("@")[0] for person in company.people.values() for role in person.roles}
    for role, declared in registry.roles.items():
        if role not in held and role not in (EMPLOYEE, ADMINISTRATOR):
            codes = company.functions.get(declared.function or "") or tuple(company.departments)[:1]
            yield Person(role.replace(".", "-").replace("_", "-"), registry.translations.text(declared.label, "zh_CN"), (f"{role}@{codes[0]}",))


def hire(work: Work, registry: Registry, person: Person, seats: Mapping[str, int]) -> Account:
    """Make the account of a person, with a random password."""
    roles = [role for role in person.roles if role.partition("@")[0] in registry.roles]
    held = [(role.partition("@")[0], seats.get(role.partition("@")[2])) for role in roles]
    _id, password = people.add_user(
        work.connection, registry, work.origin, username=person.username, name=person.name, roles=held, reason=work.site_text(REASON),
        memory=passwords.memory_for(work.site.config.kind),
    )
    return Account(person.username, password, person.name, shown(roles), departments_of(roles))


def accounts(site: Site) -> list[Account]:
    """The accounts of a demo site that stands already, each with a new password."""
    found: list[Account] = []
    with site.work(actor=None, via="cli") as work:
        directory = work.directory
        for user in directory.users.values():
            if user.is_active:
                password = people.set_password(
                    work.connection, work.origin, user.id, reason=work.site_text(REASON), memory=passwords.memory_for(site.config.kind))
                held = people.roles_held(work.connection, user.id)
                roles = [role if seat is None else f"{role}@{directory.departments[seat].code}" for role, seat in held]
                found.append(Account(user.username, password, user.name, shown(roles), departments_of(roles)))
    return found


def shown(roles: Iterable[str]) -> tuple[str, ...]:
    """The roles as they are told: belonging to a department is not one."""
    return tuple(role for role in roles if role.partition("@")[0] != EMPLOYEE)


def departments_of(roles: Iterable[str]) -> tuple[str, ...]:
    """The departments that roles seat somebody in."""
    return tuple(dict.fromkeys(role.partition("@")[2] for role in roles if "@" in role))


def kept_apart(registry: Registry) -> frozenset[frozenset[str]]:
    """Pairs of roles that a rule keeps apart: who took one step may not take the other."""
    pairs: set[frozenset[str]] = set()
    for rt in registry.types.values():
        for name, step in rt.steps.items():
            for other in step.others:
                if other in rt.steps:
                    pairs |= {frozenset((one, two)) for one in roles_of(rt, name) for two in roles_of(rt, other) if one != two}
    return frozenset(pairs)


def roles_of(rt: RecordType, step: str) -> frozenset[str]:
    """Every role that may take a step under any choice."""
    found: set[str] = set()
    for one in each_by(rt.steps[step].by):
        if isinstance(one, Policy):
            found |= {role for choice in one.choices.values() for role in choice.roles_of(step)}
        elif isinstance(one, str):
            found.add(one)
    return frozenset(found)
