"""Points on which companies differ: policies with named choices, settings with values."""

from __future__ import annotations

import json
from typing import Any

import click

from core import settings
from core.cli.frame import Desk, command, reason, yunkong
from core.messages import _
from core.service import Work

for_department = click.option("--department", help="For this department and those below it; for the whole site where it is left out.")


def _decided(work: Work, name: str) -> list[dict[str, Any]]:
    """What departments decided for themselves."""
    known = work.directory.departments
    standings = settings.standings(work.directory, name)[1:]
    return [{"department": known[one.department].code, "value": one.value} for one in standings if one.department in known]


@yunkong.group()
def policy() -> None:
    """Policies: which of its choices a company has made."""


@command(policy, name="list")
def policy_list(desk: Desk) -> None:
    """Every policy with the choice that holds for the site."""
    with desk.work(reading=True) as work:
        rows = [
            {
                "name": name, "label": desk.text(one.label), "choice": work.directory.choice(name),
                "choices": {key: desk.text(choice.label) for key, choice in one.choices.items()},
                "departments": [{"department": other["department"], "choice": other["value"]} for other in _decided(work, name)],
            }
            for name, one in work.registry.policies.items()
        ]
    shown = rows if desk.as_json else [{**row, "choices": list(row["choices"])} for row in rows]
    desk.table(shown, name=_("Policy"), label=_("Label"), choice=_("Choice"), choices=_("Choices"))


@command(policy, name="set")
@click.argument("name")
@click.argument("choice")
@for_department
@reason
def policy_set(desk: Desk, name: str, choice: str, department: str | None, reason: str) -> None:
    """Decide a policy; a reason is asked for."""
    with desk.work() as work:
        settings.choose(work.connection, work.directory, work.origin, name, choice, department=desk.department(work, department), reason=reason)
    desk.answer({"name": name, "choice": choice, "department": department}, _("{policy} is now {choice}.", policy=name, choice=choice))


@yunkong.group()
def setting() -> None:
    """Settings: values that a site gives."""


@command(setting, name="list")
def setting_list(desk: Desk) -> None:
    """Every setting with the value that holds for the site."""
    with desk.work(reading=True) as work:
        rows = [
            {
                "name": name, "label": desk.text(one.label), "value": one.field.dump(work.directory.setting(name)),
                "departments": [{**other, "value": one.field.dump(other["value"])} for other in _decided(work, name)],
            }
            for name, one in work.registry.settings.items()
        ]
    desk.table(rows, name=_("Setting"), label=_("Label"), value=_("Value"))


@command(setting, name="set")
@click.argument("name")
@click.argument("value")
@for_department
@reason
def setting_set(desk: Desk, name: str, value: str, department: str | None, reason: str) -> None:
    """Give a setting its value, as JSON (12, true, ["a"]) or as text; a reason is asked for."""
    try:
        raw = json.loads(value)
    except ValueError:
        raw = value
    with desk.work() as work:
        settings.set_value(work.connection, work.directory, work.origin, name, raw, department=desk.department(work, department), reason=reason)
    desk.answer({"name": name, "value": raw, "department": department}, _("{setting} is now {value}.", setting=name, value=value))
