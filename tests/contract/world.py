"""One site with every plugin, where contract tests make records of every type: who may, who must, and by which way a state is reached."""

from __future__ import annotations

import importlib.util
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core import settings
from core.app import create_app
from core.fields import Field
from core.people import add_department, bind_function, change_user
from core.records import RecordType
from core.service import Work
from core.service import steps as door
from core.site import Site
from core.workflow import Transition
from tests.company import HOME, PASSWORD, Api, Browser, People
from tests.contract.samples import Maker, filled, upload

OUTSIDE = ("outsider", "core.administrator")
"""People who hold none of the roles: an employee of another department, and the administrator, who reads everything."""


@dataclass
class Taken:
    """One step as it was taken: by whom, from where to where, and what those answered who may not."""

    record: str
    step: str
    by: str
    before: str
    after: str
    refused: dict[str, int] = field(default_factory=dict)
    waited: bool | None = None
    number: str | None = None
    signed: bool = False


class World:
    """The site and what is done on it. Records are JSON as the API gives them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.people = People(site)
        self.app = create_app(site)
        self.app.testing = True
        self.app.test_client_class = Browser
        self.n = 0
        self._apis: dict[str, Api] = {}
        self._browsers: dict[str, Browser] = {}
        self._shared: dict[Any, str] = {}
        self.making: list[str] = []
        self.sent: dict[str, dict[str, Any]] = {}
        """What was sent for each record, by its id."""
        self.walks: dict[str, Any] = {}
        """The walks that were made, by type."""
        self._samples = {type: make for name in site.registry.plugins for type, make in self._own_samples(name).items()}

    def _own_samples(self, plugin: str) -> Mapping[str, Callable[[Maker], Any]]:
        """What a plugin offers, beside its tests or, where it is itself one of our tests, inside of it."""
        module = self.site.registry.hooks["register_record_types"]
        own = next((one.function.__module__.rpartition(".")[0] for one in module if one.plugin == plugin), "")
        for name in (f"tests.plugins.{plugin}.samples", f"{own}.samples" if own.startswith("tests.") else ""):
            if name and importlib.util.find_spec(name.rpartition(".")[0]) and importlib.util.find_spec(name):
                return importlib.import_module(name).SAMPLES
        return {}

    # People

    def user_id(self, username: str) -> int:
        """The id of a user."""
        return self.people.id(username)

    def api(self, username: str) -> Api:
        """The API as somebody; they sign in once."""
        if username not in self._apis:
            self._apis[username] = Api(self.app.test_client(), self.people, username)
        return self._apis[username]

    def browser(self, username: str) -> Browser:
        """A browser as somebody; they sign in once."""
        if username not in self._browsers:
            browser = self.app.test_client()
            browser.people = self.people
            self._browsers[username] = browser.sign_in(username)
        return self._browsers[username]

    def holder(self, role: str, code: str = HOME) -> str:
        """The id of somebody who holds a role in a department."""
        with self.site.work(reading=True) as work:
            seat = work.directory.by_code[code].id
            found = [id for id in work.directory.holders(role, seat) if work.directory.users[id].username == role]
            found += [id for id in work.directory.holders(role, seat) if work.directory.users[id].is_active]
        return str(found[0]) if found else str(self.people.give(f"more.{role}", role, code))

    def department(self, function: str = "") -> str:
        """The id of the home department, or of one that carries out a function."""
        with self.site.work(reading=True) as work:
            home = work.directory.by_code[HOME].id
            bound = list(work.directory.bound(function)) if function else [home]
        return str(home if home in bound else bound[0])

    def new_department(self, function: str) -> str:
        """The id of a new department that carries out a function beside the others."""
        self.n += 1
        with self.site.work(via="cli") as work:
            made = add_department(work.connection, work.origin, code=f"NEW{self.n}", name=f"Department {self.n}", parent_id=work.directory.by_code["HQ"].id)
            bind_function(work.connection, work.registry, work.origin, function, [*work.directory.bound(function), made], reason="test")
        return str(made)

    def speaks(self, username: str, language: str) -> None:
        """From now on somebody reads this language."""
        with self.site.work(via="cli") as work:
            change_user(work.connection, work.origin, self.user_id(username), language=language)

    def author_of(self, rt: RecordType, step: str | None) -> str | None:
        """Who makes a record of a type: somebody who holds the creating role in one department alone."""
        with self.site.work(reading=True) as work:
            users = [user.username for user in work.directory.users.values() if user.is_active]
        for username in sorted(users, key=lambda one: (not one.startswith(f"{rt.plugin}."), one.startswith(("more.", "NEW")), one)):
            with self.site.work(actor=self.user_id(username), reading=True) as work:
                if len(work.access.may_create(rt, step)) == 1:
                    return username
        return None

    def who(self, id: str, step: str) -> list[str]:
        """The user names of those who may take a step now; somebody is given the role where nobody is left."""
        with self.site.work(reading=True) as work, work.inside():
            record = work.get(None, int(id))
            who = work.access.who(record.type, step, record, door.taken(work, record, step))
        users = [name for one in who for name in one.users]
        if not users and who and who[0].role:
            with self.site.work(reading=True) as work:
                code = work.directory.departments[who[0].department].code if who[0].department else HOME
            self.people.give(f"more.{who[0].role}", who[0].role, code)
            return self.who(id, step)
        return users

    # Policies and options

    def policy(self, name: str) -> str:
        """The choice that holds in the home department."""
        with self.site.work(reading=True) as work:
            return work.directory.choice(name, work.directory.by_code[HOME].id)

    @contextmanager
    def chosen(self, choices: Mapping[str, str]) -> Iterator[None]:
        """These choices hold for a while."""
        for name, choice in choices.items():
            with self.site.work(via="cli") as work:
                settings.choose(work.connection, work.directory, work.origin, name, choice, reason="test")
        yield
        for name in choices:
            with self.site.work(via="cli") as work:
                settings.clear_choice(work.connection, work.directory, work.origin, name, reason="test")

    def options(self, kind: Field) -> Mapping[str, str]:
        """The choices of a Choice."""
        if not isinstance(kind.options, str):
            return kind.options
        with self.site.work(reading=True) as work:
            return work._options(kind)

    # Records

    def is_making(self, type: str) -> bool:
        """Whether a record of this type is being made up at this moment, further out."""
        return type in self.making

    def file(self, author: str, name: str, content: bytes) -> str:
        """The id of a file that somebody sent."""
        api = self.api(author)
        answer = api.client.post("/api/v1/files", data=upload(name, content), headers={"Authorization": f"Bearer {api.token}"})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.json["id"]

    def make(self, rt: RecordType, step: str | None = None, **given: Any) -> dict[str, Any]:
        """A new record, made through the API by somebody who may."""
        if step is None and rt.creating_steps:
            step = next((name for name, one in rt.creating_steps.items() if one.by not in ((), None)), None)
        self.n += 1
        author = self.author_of(rt, step)
        own = self._samples.get(rt.name)
        maker = Maker(self, rt, self.n, author or "core.administrator", step)
        self.making.append(rt.name)
        try:
            values = own(maker) if own else {}
            if isinstance(values, str):
                return self.read(rt, values)
            assert author is not None, f"nobody may make {rt.name}"
            values = maker.values(values | given)
        finally:
            self.making.pop()
        answer = self.api(author).post(f"/records/{rt.name}{f'?step={step}' if step else ''}", values)
        assert answer.status_code == 201, f"{rt.name} by {author}: {values}\n{answer.get_data(as_text=True)}"
        made = answer.json
        self.sent[made["id"]] = values
        return made

    def author(self, record: Mapping[str, Any]) -> str:
        """Who made a record, and so may read it."""
        return self.people.name(int(record["created_by"]))

    def read(self, rt: RecordType, id: str) -> dict[str, Any]:
        """A record as its author reads it."""
        with self.site.work(reading=True) as work, work.inside():
            author = work.directory.users[work.get(rt.name, int(id)).created_by or 0].username
        answer = self.api(author).get(f"/records/{rt.name}/{id}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.json

    def shared(self, type: str, state: str, *, fresh: bool, variant: int, values: Mapping[str, Any]) -> str:
        """A record of a type in a state, made once for all who ask for the same."""
        key = (type, state, variant, tuple(sorted(values.items())))
        if fresh or key not in self._shared:
            rt = self.site.registry.types[type]
            made = self.make(rt, **values)
            state = state or (made["state"] if made["state"] != "draft" else "")
            if made["state"] != state:
                way = self.way(rt, made["state"], lambda one: one == state if state else one != "draft")
                for step in way:
                    self.move(rt, made["id"], step)
            if fresh:
                return made["id"]
            self._shared[key] = made["id"]
        return self._shared[key]

    def way(self, rt: RecordType, start: str, is_there: Callable[[str], bool]) -> list[str]:
        """The shortest way from a state to one that is wanted, under the choices that hold: the steps to take."""
        known: dict[str, list[str]] = {start: []}
        queue = deque([start])
        while queue:
            state = queue.popleft()
            if is_there(state):
                return known[state]
            for name, step in self.open_steps(rt, state).items():
                target = self.landing(rt, step)
                if target not in known:
                    known[target] = [*known[state], name]
                    queue.append(target)
        raise LookupError(f"{rt.name}: no way from {start}")

    def open_steps(self, rt: RecordType, state: str) -> dict[str, Transition]:
        """The steps out of a state that people take under the choices that hold."""
        without = {name for policy in rt.all_policies.values() for name in policy.choices[self.policy(policy.name)].without}
        return {name: step for name, step in rt.steps.items() if state in step.sources and step.by not in ((), None) and name not in without}

    def landing(self, rt: RecordType, step: Transition) -> str:
        """Where a record stands after a step, past what policies skip."""
        state = step.target
        for _round in rt.steps:
            skips = {name for policy in rt.all_policies.values() for name in policy.choices[self.policy(policy.name)].skips}
            state = next((one.target for name, one in rt.steps.items() if name in skips and state in one.sources), state)
        return state

    # Taking steps

    def fill(self, rt: RecordType, id: str) -> None:
        """Fill what stands open in the record's state, each part by somebody whose part it is."""
        with self.site.work(reading=True) as work, work.inside():
            state = work.get(rt.name, int(id)).state
        if state == rt.initial:
            return
        wanted = [section for section in rt.all_sections.values() if state in rt.states_of(section) and section.when is None]
        for section in wanted:
            names = [name for name in section.fields if name not in rt.by_steps and rt.kind_of(name).kind != "computed" and not rt.kind_of(name).effects_only]
            writer = self._writer(rt, id, names)
            if writer is None:
                continue
            self.n += 1
            record = self.read(rt, id)
            values = filled(Maker(self, rt, self.n, writer), record, names)
            if values:
                answer = self.api(writer).patch(f"/records/{rt.name}/{id}", values, f'"{record["version"]}"')
                assert answer.status_code == 200, f"{rt.name} by {writer}: {values}\n{answer.get_data(as_text=True)}"

    def _writer(self, rt: RecordType, id: str, names: Iterable[str]) -> str | None:
        with self.site.work(reading=True) as work:
            users = [user.username for user in work.directory.users.values() if user.is_active]
        for username in users:
            with self.site.work(actor=self.user_id(username), reading=True) as work:
                with work.inside():
                    record = work.get(rt.name, int(id))
                if work.may_read(record) and work.writable(record, rt) & set(names):
                    return username
        return None

    def body(self, rt: RecordType, id: str, step: str, by: str) -> dict[str, Any]:
        """What the dialog of a step asks: reason, fields, password."""
        declared = rt.void_step if step == "void" else rt.steps[step]
        assert declared is not None
        self.n += 1
        body: dict[str, Any] = {"reason": "It has to be so."} if declared.asks or step == "void" else {}
        if declared.fills:
            maker = Maker(self, rt, self.n, by)
            maker.open_names |= frozenset(f"{n}.{c}" for n in declared.fills if n in rt.lines for c in rt.lines[n].columns)
            body["fields"] = filled(maker, self.read(rt, id), declared.fills)
        if declared.signature and declared.signature.asks_password and step != "void":
            body["password"] = PASSWORD
        return body

    def address(self, rt: RecordType, id: str, step: str) -> str:
        """Where a step is taken."""
        return f"/records/{rt.name}/{id}/void" if step == "void" else f"/records/{rt.name}/{id}/transitions/{step}"

    def finish_awaited(self, rt: RecordType, id: str, step: str) -> None:
        """Bring what a step waits for to its end."""
        keys = {f"opened:{name}:{place}" for name, one in rt.steps.items() for place, opens in enumerate(one.opens) if opens.awaited_by == step}
        keys |= {f"opened:{key}" for key, opens in rt.opens.items() if opens.awaited_by == step}
        for link in self.rule(lambda work: work.links(work.get(rt.name, int(id)))) if keys else ():
            if link.kind in keys and not link.type.states[link.state].final:
                for one in self.way(link.type, link.state, lambda state, type=link.type: type.states[state].final):
                    self.move(link.type, str(link.record_id), one)

    def move(self, rt: RecordType, id: str, step: str, *, watch: bool = False) -> Taken:
        """Take a step by the right person; with `watch` after those who may not have tried, and with a look into the inbox."""
        self.fill(rt, id)
        self.finish_awaited(rt, id, step)
        before = self.read(rt, id)
        who = self.who(id, step)
        by = self.author(before) if before["number"] is None and self.author(before) in who else who[0]
        body = self.body(rt, id, step, by)
        taken = Taken(id, step, by, before["state"], "")
        if watch:
            for other in OUTSIDE:
                taken.refused[other] = self.api(other).post(self.address(rt, id, step), body).status_code
            if self.waits(rt, before, step):
                taken.waited = id in [one["record"] for one in self.api(by).get("/inbox").json["items"]]
            assert self.read(rt, id)["version"] == before["version"], "a refused step has changed something"
        answer = self.api(by).post(self.address(rt, id, step), body, If_Match=f'"{before["version"]}"')
        assert answer.status_code == 200, f"{rt.name}.{step} by {by}: {body}\n{answer.get_data(as_text=True)}"
        after = self.read(rt, id)
        taken.after, taken.number = after["state"], after["number"]
        return taken

    def waits(self, rt: RecordType, record: Mapping[str, Any], step: str) -> bool:
        """Whether a record should stand in the inbox of whoever may take the step."""
        return rt.workflow is not None and step != "void" and record["number"] is not None

    def rule(self, act: Callable[[Work], Any]) -> Any:
        """What a rule finds: rights are not applied."""
        with self.site.work(reading=True) as work, work.inside():
            return act(work)
