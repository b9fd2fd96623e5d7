"""A site's life: made, filled as a demo, served, worked for, upgraded, looked over."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from core import demo, passwords, people, upgrade
from core.cli import checkup
from core.cli.frame import Desk, command, yunkong
from core.config import SITE_FILE, read_config, write_site
from core.directory import ADMINISTRATOR
from core.errors import Fault, Faults, Problem, Refused
from core.messages import _
from core.registry import available_plugins, build_registry
from core.site import Site
from core.worker import Worker

TRIED_PORTS = 20

SITE = click.argument("site", type=click.Path(path_type=Path, file_okay=False))
PLUGINS = click.option("--plugins", help="Names with commas between; every plugin that can be found where it is left out.")
DATABASE = click.option("--database", default="", help="postgresql://user@host/name; SQLite in the folder where it is left out.")
HOST = click.option("--host", envvar="YUNKONG_HOST", help="Where to listen.")
PORT = click.option("--port", type=click.IntRange(0, 65535), envvar="YUNKONG_PORT", help="Where to listen.")
NO_WORKER = click.option("--no-worker", is_flag=True, help="Serve pages alone; run `yunkong worker` elsewhere.")


def wanted_plugins(told: str | None) -> list[str]:
    """The plugins that were named, or all; refused at once with every fault of their declarations."""
    names = [one.strip() for one in told.split(",") if one.strip()] if told is not None else list(available_plugins())
    build_registry(names)
    return names


def make_site(desk: Desk, folder: Path, **values: Any) -> Site:
    """Write a site's folder and make its tables; a folder whose database cannot be made is taken away again."""
    was_there = folder.exists()
    write_site(folder, **values)
    try:
        site = desk.open(folder)
        if inspect(site.database.engine).has_table("record"):
            where = site.database.url.render_as_string()
            raise Faults([Fault("config.taken", where, _("This database already holds a site."), _("Name an empty database."))])
        site.database.create()
    except (Faults, SQLAlchemyError):
        desk.close()
        for name in (SITE_FILE, "secrets.toml", "yunkong.db", "yunkong.db.lock"):
            (folder / name).unlink(missing_ok=True)
        if not was_there:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return site


@command(yunkong, site=False, name="init")
@SITE
@PLUGINS
@DATABASE
@click.option("--name", default="", help="The company, as it stands on pages and prints.")
@click.option("--language", type=click.Choice(["zh_CN", "zh_TW", "en"]), default="zh_CN", show_default=True)
@click.option("--time-zone", default="Asia/Shanghai", show_default=True)
@click.option("--kind", type=click.Choice(["live", "demo", "test"]), default="live", show_default=True)
@click.option("--admin", default="admin", show_default=True, help="The user name of the first administrator.")
def init(desk: Desk, site: Path, plugins: str | None, database: str, name: str, language: str, time_zone: str, kind: str, admin: str) -> None:
    """Make a site: a folder, its database, and one administrator with a random password."""
    names = wanted_plugins(plugins)
    made = make_site(desk, site, name=name, kind=kind, language=language, time_zone=time_zone, database=database, plugins=names)
    with made.work(via="cli") as work:
        _id, password = people.add_user(
            work.connection, work.registry, work.origin, username=admin, name=desk.text(_("Administrator")), roles=[(ADMINISTRATOR, None)],
            memory=passwords.memory_for(kind),
        )
    told = {"site": str(made.config.path), "admin": {"username": admin, "password": password}}
    desk.answer(
        told, _("The site is in {path}.", path=made.config.path), _("{username} can sign in.", username=admin),
        _("Password (shown this once): {password}", password=password), _("Serve it with: yunkong run --site {path}", path=site),
    )


@command(yunkong, site=False, name="demo")
@SITE
@PLUGINS
@DATABASE
@HOST
@PORT
@click.option("--no-serve", is_flag=True, help="Make it and print its accounts, no more.")
@NO_WORKER
def demo_(
    desk: Desk, site: Path, plugins: str | None, database: str, host: str | None, port: int | None, no_serve: bool, no_worker: bool,
) -> None:
    """Make a site with a few months of plausible data, print its accounts, and serve it.

    Run again on the same folder it keeps the data and gives every account a new password.
    """
    folder = site.expanduser().resolve()
    if (folder / SITE_FILE).exists():
        accounts = renewed(desk, folder)
    else:
        accounts = filled(desk, folder, wanted_plugins(plugins), database)
    desk.close()
    listen_at(host, port)
    url = free_address(desk, folder)
    told = {"site": str(folder), "url": url, "accounts": [asdict(one) for one in accounts]}
    if desk.as_json:
        desk.answer(told)
    else:
        rows = [{**asdict(one), "roles": list(one.roles)} for one in accounts]
        desk.table(rows, username=_("User name"), password=_("Password"), name=_("Person"), roles=_("Roles"))
    if not no_serve:
        serve(desk, folder, with_worker=not no_worker)


def renewed(desk: Desk, folder: Path) -> list[demo.Account]:
    """The accounts of a demo that is there already, with new passwords."""
    site = desk.open(folder)
    if site.config.kind != "demo":
        where = f"{folder / SITE_FILE}: kind"
        raise Faults([Fault("config.not_demo", where, _("This is no demo site."), _("Choose another folder, or serve it with: yunkong run."))])
    upgrade.upgrade(site.database)
    desk.say(_("The demo site is there already; its accounts get new passwords."))
    return demo.accounts(site)


def filled(desk: Desk, folder: Path, names: list[str], database: str) -> list[demo.Account]:
    """A new demo site. It is made beside its place and moved there whole, so that an interrupted one leaves nothing half done."""
    desk.say(_("Making a demo site; this takes up to a minute."))
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    site = make_site(desk, making, name=demo.company_name(), kind="demo", database=database, plugins=names)
    accounts = demo.fill(site, lambda plugin: desk.say(_("Filling in {plugin}", plugin=plugin)))
    desk.close()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    making.rename(folder)
    return accounts


def listen_at(host: str | None, port: int | None) -> None:
    """Let what the command line says overrule the site's file, in this process and those that it starts."""
    if host is not None:
        os.environ["YUNKONG_HOST"] = host
    if port is not None:
        os.environ["YUNKONG_PORT"] = str(port)


def free_address(desk: Desk, folder: Path) -> str:
    """The address of a demo: its port, or the next free one."""
    config = read_config(folder)
    for port in range(config.port, config.port + TRIED_PORTS):
        if is_free(config.host, port):
            if port != config.port:
                desk.say(_("Port {taken} is taken; taking {port}.", taken=config.port, port=port))
                listen_at(None, port)
            return f"http://{shown_host(config.host)}:{port}"
    raise Refused([Problem("port", _("Port {port} and the next ones are taken.", port=config.port), _("Choose one with --port."), "port")])


def is_free(host: str, port: int) -> bool:
    """Whether one can listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            one.bind((host, port))
            return True
    return False


def shown_host(host: str) -> str:
    """A host as one can open it: all addresses of the machine include its own."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


@command(yunkong, name="run")
@HOST
@PORT
@NO_WORKER
def run_(desk: Desk, host: str | None, port: int | None, no_worker: bool) -> None:
    """Serve a site: web workers, print workers, and a worker for what happens by itself."""
    listen_at(host, port)
    config = read_config(desk.folder)
    if config.port and not is_free(config.host, config.port):
        what = _("{host}:{port} cannot be listened at; another program may do so already.", host=config.host, port=config.port)
        raise Refused([Problem("port", what, _("Choose another one with --port."), "port")])
    serve(desk, config.path, with_worker=not no_worker)


def serve(desk: Desk, folder: Path, with_worker: bool) -> None:
    """Serve until told to end."""
    from core.cli.server import serve as serve_

    serve_(folder, with_worker, lambda url: desk.say(_("Yunkong serves at {url} (end with Ctrl+C).", url=url)))


@command(yunkong, name="worker")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input closes.")
def worker(desk: Desk, with_parent: bool) -> None:
    """Do what happens by itself for a site, beside `run --no-worker`."""
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_told: stop.set())
    if with_parent:
        threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    else:
        desk.say(_("The worker runs (end with Ctrl+C)."))
    Worker(desk.site).run(stop)


def _end_with_parent(stop: threading.Event) -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    stop.set()


@command(yunkong, name="upgrade")
@click.option("--dry-run", is_flag=True, help="Show what would be done.")
def upgrade_(desk: Desk, dry_run: bool) -> None:
    """Bring the database up to the installed version and the enabled plugins; nothing is ever taken away."""
    database = desk.site.database
    found = upgrade.plan(database) if dry_run else upgrade.upgrade(database)
    told = {"changes": [desk.text(one.what) for one in found.changes], "refused": [desk.text(one) for one in found.refused], "done": not dry_run}
    lines = [one.what for one in found.changes] or [_("The database is up to date.")]
    desk.answer(told, *lines, *(_("Refused: {what}", what=one) for one in found.refused))
    if found.refused:
        raise click.exceptions.Exit(1)


@command(yunkong, name="doctor")
def doctor(desk: Desk) -> None:
    """Look a site over and say what is to be mended."""
    findings = list(checkup.look_over(desk.site))
    rows = [{"check": desk.text(one.check), "ok": one.ok, "what": desk.text(one.what), "hint": desk.text(one.hint)} for one in findings]
    if desk.as_json:
        desk.answer({"ok": all(one.ok for one in findings), "checks": rows})
    for row in rows if not desk.as_json else ():
        desk.answer(None, f"{'✓' if row['ok'] else '✗'} {row['check']}: {row['what']}", *([f"    → {row['hint']}"] if row["hint"] else []))
    if not all(one.ok for one in findings):
        raise click.exceptions.Exit(1)
