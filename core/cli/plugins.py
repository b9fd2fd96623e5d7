"""Plugins: what can be enabled, what is, a new one's files; and the record types that they bring."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from sqlalchemy import MetaData, Table, func, select

from core import upgrade
from core.audit import Entry, write
from core.cli import scaffold
from core.cli.frame import Desk, command, reason, yes, yunkong
from core.config import read_config, write_plugins
from core.errors import NotFound, Problem, Refused
from core.messages import _
from core.records import RecordType
from core.registry import Registry, available_plugins, build_registry
from core.site import Site
from core.storage import RECORD, Database


@yunkong.group()
def plugin() -> None:
    """Plugins: list, make, check, switch on and off."""


def known(name: str) -> ModuleType:
    """A plugin that can be enabled, or a refusal that names the ones there are."""
    found = available_plugins()
    if name not in found:
        raise NotFound(_("There is no plugin {name}. There are: {list}.", name=name, list=", ".join(found)))
    return found[name]


@command(plugin, name="list")
def plugin_list(desk: Desk) -> None:
    """Every plugin that can be found; with a site, which of them it has enabled."""
    enabled = set(desk.site.registry.plugins) if (desk.folder / "site.toml").exists() else set()
    rows = []
    for name, module in available_plugins().items():
        declared = module.PLUGIN
        rows.append({
            "name": name, "label": desk.text(declared.label), "version": declared.version, "enabled": name in enabled,
            "requires": list(declared.requires), "uses": list(declared.uses),
        })
    desk.table(rows, name=_("Plugin"), label=_("Label"), version=_("Version"), enabled=_("Enabled"), requires=_("Requires"))


@command(plugin, name="new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="A folder for a distribution of its own; else beside the others.")
def plugin_new(desk: Desk, name: str, into: Path | None) -> None:
    """Write the files of a small plugin that works: one form with an approval, its rule, its translations, its tests."""
    made = scaffold.write(name, into)
    steps = [_("Look at it with: yunkong plugin check {name}", name=name), _("Switch it on with: yunkong plugin enable {name}", name=name)]
    if into is not None:
        steps.insert(0, _("Install it with: pip install -e {path}", path=into / f"yunkong-{name.replace('_', '-')}"))
    desk.answer({"name": name, "files": [str(one) for one in made]}, *(str(one) for one in made), *steps)


@command(plugin, name="check")
@click.argument("names", nargs=-1)
def plugin_check(desk: Desk, names: tuple[str, ...]) -> None:
    """Check declarations: every fault at once, with its code, place and remedy. All plugins where none is named."""
    for name in names:
        known(name)
    registry = build_registry(names or None)
    told = {"plugins": [name for name in registry.plugins if name != "core"], "types": list(registry.types)}
    desk.answer(told, _("{count} record types, no fault.", count=len(registry.types)))


@command(plugin, name="enable")
@click.argument("name")
def plugin_enable(desk: Desk, name: str) -> None:
    """Switch a plugin on, with those it requires, and add its tables."""
    known(name)
    config = read_config(desk.folder)
    names = list(dict.fromkeys([*config.plugins, name]))
    database = Database(config.database_url, build_registry(names))
    try:
        found = upgrade.upgrade(database)
    finally:
        database.close()
    write_plugins(config.path, names)
    lines = [*(one.what for one in found.changes), _("{name} is switched on. Start the site again.", name=name)]
    desk.answer({"plugins": names, "changes": [desk.text(one.what) for one in found.changes]}, *lines)


@command(plugin, name="disable")
@click.argument("name")
def plugin_disable(desk: Desk, name: str) -> None:
    """Switch a plugin off; its data stay and are there again when it is switched on."""
    names = switched_off(desk.site, name)
    desk.answer({"plugins": names}, _("{name} is switched off; its data stay. Start the site again.", name=name))


def switched_off(site: Site, name: str) -> list[str]:
    """The list of plugins without this one, written into the site's file; refused where another one requires it."""
    registry = site.registry
    if name not in registry.plugins or name == "core":
        raise NotFound(_("The plugin {name} is not switched on.", name=name))
    needing = [other for other, declared in registry.plugins.items() if name in declared.requires]
    if needing:
        hint = _("Switch those off first.")
        raise Refused([Problem("", _("{name} is required by {list}.", name=name, list=", ".join(needing)), hint, "plugin-required")])
    names = [one for one in registry.plugins if one not in ("core", name)]
    write_plugins(site.config.path, names)
    return names


@command(plugin, name="uninstall")
@click.argument("name")
@yes
@reason
def plugin_uninstall(desk: Desk, name: str, yes: bool, reason: str) -> None:
    """Switch a plugin off and drop its tables. Refused while they hold a record: records are evidence."""
    site = desk.site
    if name not in site.registry.plugins:
        raise NotFound(_("The plugin {name} is not switched on.", name=name))
    tables = own_tables(site.database, site.registry, name)
    refuse_records(site, name, tables)
    desk.sure(_("Drop {count} empty tables?", count=len(tables)), yes)
    names = switched_off(site, name)
    with desk.work() as work:
        MetaData.drop_all(site.database.metadata, work.connection, tables=tables)
        change = {"plugin": [name, None], "tables": [[one.name for one in tables], []]}
        write(work.connection, work.origin, [Entry(type="core.plugin", action="core.plugin.uninstalled", changes=change, reason=reason)])
    desk.answer({"plugins": names, "dropped": [one.name for one in tables]}, _("{name} is gone from this site.", name=name))


def own_tables(database: Database, registry: Registry, name: str) -> list[Table]:
    """The tables of a plugin's types, and what it adds to those of others."""
    found: list[Table] = []
    for rt in registry.types.values():
        tables = database.tables(rt)
        if rt.plugin == name:
            found += [tables.main, *tables.sides.values(), *(one.table for one in tables.lines.values())]
        else:
            found += [side for plugin, side in tables.sides.items() if plugin == name]
            found += [one.table for field, one in tables.lines.items() if rt.extended.get(field) == name]
    return found


def refuse_records(site: Site, name: str, tables: Sequence[Table]) -> None:
    """Refuse while anything of a plugin is kept."""
    types = [rt.name for rt in site.registry.types.values() if rt.plugin == name]
    with site.database.begin(reading=True) as connection:
        rows = connection.execute(select(RECORD.c.type, func.count()).where(RECORD.c.type.in_(types)).group_by(RECORD.c.type))
        held: dict[str, int] = {row[0]: row[1] for row in rows}
        held |= {one.name: count for one in tables if "__x_" in one.name and (count := connection.scalar(select(func.count()).select_from(one)))}
    if held:
        hint = _("Switch it off instead: yunkong plugin disable {name}. Its records stay readable when it is switched on again.", name=name)
        raise Refused(Problem("", _("{type} holds {count} records.", type=type, count=count), hint, "plugin-in-use") for type, count in held.items())


@command(plugin, name="test")
@click.argument("name")
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
def plugin_test(desk: Desk, name: str, more: tuple[str, ...]) -> None:
    """Run a plugin's tests with pytest; what follows `--` goes to pytest."""
    folder = Path(known(name).__file__ or "").parent
    root = folder.parent.parent
    places = [place for place in (root / "tests" / "plugins" / name, folder / "tests", folder.parent / "tests") if place.is_dir()]
    if not places:
        raise Refused([Problem("", _("{name} has no tests.", name=name), _("Write them in {path}.", path=places or folder / "tests"), "no-tests")])
    if importlib.util.find_spec("pytest") is None:
        raise Refused([Problem("", _("pytest is not installed."), _("Install it with: pip install pytest"), "no-pytest")])
    desk.say(_("Running the tests in {path}", path=places[0]))
    done = subprocess.run([sys.executable, "-m", "pytest", str(places[0]), *more], cwd=root if places[0].is_relative_to(root) else places[0], check=False)
    if done.returncode:
        raise click.exceptions.Exit(1)


@command(yunkong, name="types")
@click.argument("name", required=False)
def types(desk: Desk, name: str | None) -> None:
    """The record types of a site, or one of them with its fields and steps."""
    if name is None:
        rows = [head(desk, rt) for rt in desk.site.registry.types.values()]
        desk.table(rows, name=_("Record type"), label=_("Label"), states=_("States"))
        return
    rt = desk.site.registry.type(name)
    told = head(desk, rt) | {"fields": fields_of(desk, rt), "steps": steps_of(desk, rt)}
    if desk.as_json:
        desk.answer(told)
        return
    desk.answer(None, f"{rt.name}  {desk.text(rt.label)}", "")
    desk.table(told["fields"], name=_("Field"), kind=_("Kind"), label=_("Label"), required=_("Required"))
    desk.answer(None, "")
    desk.table(told["steps"], name=_("Step"), label=_("Label"), source=_("From"), target=_("To"))


def head(desk: Desk, rt: RecordType) -> dict[str, Any]:
    """What a record type is called and which states it has."""
    return {"name": rt.name, "label": desk.text(rt.label), "register": rt.is_register, "states": list(rt.states)}


def fields_of(desk: Desk, rt: RecordType) -> list[dict[str, Any]]:
    """The fields of a type, and the columns of its lines."""
    found = []
    for name, kind in rt.fields.items():
        columns = rt.lines[name].columns if name in rt.lines else {}
        for place, one in ((name, kind), *((f"{name}.{column}", one) for column, one in columns.items())):
            found.append({"name": place, "kind": one.kind, "label": desk.text(one.label), "required": one.required})
    return found


def steps_of(desk: Desk, rt: RecordType) -> list[dict[str, Any]]:
    """The steps of a type."""
    return [{"name": name, "label": desk.text(one.label), "source": list(one.sources), "target": one.target} for name, one in rt.steps.items()]


