"""A walk through the whole life of a record type: every step taken once by the right person, after the wrong ones have tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.records import RecordType
from tests.contract.world import Taken, World


class Walk:
    """What happened when samples of a type went through every step of their workflow, and in the end were void."""

    def __init__(self, world: World, rt: RecordType) -> None:
        self.world = world
        self.rt = rt
        self.taken: list[Taken] = []
        self.records: list[str] = []

    def run(self) -> Walk:
        """Take every step that people take, each from a record of its own where need be; the choices of policies are tried for it."""
        for name in self.rt.steps:
            if name in self.left():
                for choices in self._choices():
                    with self.world.chosen(choices):
                        if self._walk_to(name):
                            break
        if self.rt.void_step is not None:
            self._void()
        return self

    def left(self) -> list[str]:
        """The steps that were not taken, those of effects alone left out."""
        done = {one.step for one in self.taken}
        return [name for name, step in self.rt.steps.items() if name not in done and step.by not in ((), None)]

    def _choices(self) -> Iterator[Mapping[str, str]]:
        yield {}
        for policy in self.rt.all_policies.values():
            yield from ({policy.name: key} for key in policy.choices if key != policy.default)

    def _walk_to(self, name: str) -> bool:
        """Take a step under the choices that hold; False where no way leads to it."""
        step = self.rt.steps[name]
        wanted = {name: values[0] if isinstance(values, (tuple, list)) else values for name, values in self._when(step.when).items()}
        if step.source is None:
            record = self._begin(step=name)
            self.taken.append(Taken(record["id"], name, self.world.author(record), "", record["state"], self._refused_births(name), None, record["number"]))
            return True
        start = self.rt.initial or next(self.world.landing(self.rt, one) for one in self.rt.creating_steps.values())
        try:
            way = self.world.way(self.rt, start, lambda state: name in self.world.open_steps(self.rt, state))
        except LookupError:
            return False
        record = self._begin(**wanted)
        for one in (*way, name):
            if one != name and record["state"] != start:
                record = self.world.read(self.rt, record["id"])
            self.taken.append(self.world.move(self.rt, record["id"], one, watch=True))
        return True

    def _when(self, when: Any) -> dict[str, Any]:
        """The values of fields that a step's condition wants."""
        return {name: values for name, values in when.items() if name in self.rt.fields} if isinstance(when, Mapping) else {}

    def _begin(self, step: str | None = None, **values: Any) -> dict[str, Any]:
        record = self.world.make(self.rt, step, **values)
        self.records.append(record["id"])
        return record

    def _refused_births(self, step: str) -> dict[str, int]:
        """What the administrator gets who would make a record by a creating step."""
        answer = self.world.api("core.administrator").post(f"/records/{self.rt.name}?step={step}", {})
        return {"core.administrator": answer.status_code}

    def _void(self) -> None:
        """Void one numbered record."""
        numbered = [one.record for one in self.taken if one.number]
        void = self.rt.void_step
        for id in reversed(dict.fromkeys(numbered)):
            if void is not None and self.world.read(self.rt, id)["state"] in void.sources:
                self.taken.append(self.world.move(self.rt, id, "void", watch=True))
                return
