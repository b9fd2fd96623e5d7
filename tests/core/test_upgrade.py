"""Upgrades add and never take away; a plan that would is refused whole."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from sqlalchemy import insert, inspect, select

from core import RecordType, State, Transition, Workflow, fields, upgrade
from core.errors import Faults
from core.records import Plugin
from core.registry import Registry, build_registry
from core.storage import Database
from core.storage.tables import STAMP


def registry_of(fields_: dict, **more) -> Registry:
    """A registry with one type that holds these fields."""
    paper = RecordType(
        name="desk.paper", label="Paper", title="{name}", fields=fields_,
        workflow=Workflow(
            states={"draft": State("Draft"), "done": State("Done", final=True)},
            transitions={"finish": Transition("Finish", "draft", "done", by="desk.clerk")},
        ), **more,
    )
    from core.records import Role

    plugin = ModuleType("desk")
    plugin.PLUGIN = Plugin("desk", label="Desk", roles={"clerk": Role("Clerk")})
    plugin.hooks = None
    registry = build_registry(())
    return replace(registry, types={"desk.paper": paper}, plugins={**registry.plugins, "desk": plugin.PLUGIN})


BEFORE = {"name": fields.Text("Name", required=True), "lines": fields.Lines("Lines", columns={"what": fields.Text("What")})}


@pytest.fixture
def at(engine_url) -> Iterator:
    """Opens the same database with another declaration."""
    opened = []

    def open_(registry: Registry) -> Database:
        opened.append(Database(engine_url, registry))
        return opened[-1]

    open_(registry_of(BEFORE)).create()
    yield open_
    for one in opened:
        one.close()


def columns(database: Database, table: str) -> set[str]:
    return {column["name"] for column in inspect(database.engine).get_columns(table)}


def test_a_fresh_database_needs_nothing(at):
    """What was just made is as the declarations say: no false alarm on either engine."""
    found = upgrade.plan(at(registry_of(BEFORE)))
    assert (found.changes, found.refused) == ((), ())


def test_additions_are_made_and_a_second_plan_is_empty(at):
    """A field, a column of lines, a filtered field with its index, a reference with its key, a second Lines."""
    after = {
        **BEFORE,
        "lines": fields.Lines("Lines", columns={"what": fields.Text("What"), "qty": fields.Quantity("Quantity", unit="t")}),
        "day": fields.Date("Day"), "other": fields.Reference("Other", to="desk.paper"),
        "more": fields.Lines("More", columns={"one": fields.Text("One")}),
    }
    database = at(registry_of(after))
    assert len(upgrade.upgrade(database).changes) >= 6
    assert {"day", "other"} <= columns(database, "desk_paper")
    assert "qty" in columns(database, "desk_paper__lines")
    assert "one" in columns(database, "desk_paper__more")
    assert any(key["constrained_columns"] == ["other"] for key in inspect(database.engine).get_foreign_keys("desk_paper"))
    assert upgrade.plan(database).is_empty


def test_what_stands_is_kept(at):
    """Rows that were there before an upgrade are there after it."""
    with at(registry_of(BEFORE)).begin() as connection:
        connection.execute(insert(STAMP).values(name="kept", value=7))
    database = at(registry_of({**BEFORE, "day": fields.Date("Day")}))
    upgrade.upgrade(database)
    with database.begin(reading=True) as connection:
        assert connection.scalar(select(STAMP.c.value).where(STAMP.c.name == "kept")) == 7


@pytest.mark.parametrize(("after", "more"), [
    ({"lines": BEFORE["lines"]}, {}),
    ({**BEFORE, "name": fields.Quantity("Name", unit="t")}, {}),
    ({**BEFORE, "lines": fields.Lines("Lines", columns={"thing": fields.Text("Thing")})}, {}),
    (BEFORE, {"unique": (("name",),)}),
], ids=["a field taken out", "a field of another kind", "a column renamed", "made unique"])
def test_what_is_not_an_addition_refuses_the_whole_plan(at, after, more):
    """Nothing is changed, not even what could be added."""
    database = at(registry_of({**after, "day": fields.Date("Day")}, **more))
    with pytest.raises(Faults) as raised:
        upgrade.upgrade(database)
    assert all(fault.code == "upgrade.refused" and fault.hint for fault in raised.value.faults)
    assert "day" not in columns(database, "desk_paper")


def test_a_plugin_that_is_switched_off_keeps_its_tables(at):
    """They are hidden, not dropped."""
    database = at(build_registry(()))
    assert upgrade.plan(database).is_empty
    assert columns(database, "desk_paper")


def test_new_tables_bring_their_triggers(engine_url):
    """The trail made by an upgrade refuses changes like one made at first."""
    database = Database(engine_url, build_registry(()))
    upgrade.upgrade(database)
    with pytest.raises(Exception, match=r"(?i)trail|append|change"), database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO trail (id,type,action,step,at,reason,via,address,request_id,cause,changes,signed,prev,hash,xact)"
            " VALUES (1,'x','x','','2026-01-01','','','','','','','','','',1)"
        )
        connection.exec_driver_sql("UPDATE trail SET action='y'")
    database.close()
