"""What `yunkong doctor` looks at: one finding each, with its remedy."""

from __future__ import annotations

import ctypes
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from core import heartbeats, upgrade
from core.audit import verify
from core.messages import Message, _
from core.site import Site
from core.storage.engine import wal_is_safe

LEAST_SPACE = 500 * 1024 * 1024
LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, and what to do if not."""

    check: Message
    ok: bool
    what: str
    hint: str = ""


def look_over(site: Site) -> Iterator[Finding]:
    """Everything, the cheap things first."""
    yield _folder(site)
    yield _space(site)
    yield _engine(site)
    yield _tables(site)
    yield _printing()
    yield from _people(site)
    yield _worker(site)
    yield _trail(site)


def _folder(site: Site) -> Finding:
    mode = stat.S_IMODE(site.config.path.stat().st_mode)
    hint = _("Close it with: chmod 700 {path}", path=site.config.path) if mode & 0o077 else ""
    return Finding(_("Folder"), not mode & 0o077, str(site.config.path), hint)


def _space(site: Site) -> Finding:
    free = shutil.disk_usage(site.config.path).free
    hint = "" if free > LEAST_SPACE else _("Make room: a full disk stops all work.")
    return Finding(_("Disk space"), free > LEAST_SPACE, _("{count} MB free", count=free // 1024**2), hint)


def _engine(site: Site) -> Finding:
    if not site.database.is_sqlite:
        with site.database.begin(reading=True) as connection:
            return Finding(_("Database"), True, f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar()}")
    mode = "WAL" if wal_is_safe() else "DELETE"
    return Finding(_("Database"), True, f"SQLite {sqlite3.sqlite_version}, {mode}")


def _tables(site: Site) -> Finding:
    found = upgrade.plan(site.database)
    what = _("as declared") if found.is_empty else _("{count} differences", count=len(found.changes) + len(found.refused))
    return Finding(_("Tables"), found.is_empty, what, "" if found.is_empty else _("Run: yunkong upgrade"))


def _printing() -> Finding:
    missing = [name for name in LIBRARIES if not _is_there(name)]
    hint = _("Install: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0") if missing else ""
    return Finding(_("Printing"), not missing, ", ".join(missing) or _("ready"), hint)


def _is_there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _people(site: Site) -> Iterator[Finding]:
    with site.work(via="cli", reading=True) as work:
        directory = work.directory
    count = len(directory.administrators())
    hint = "" if count else _("Run: yunkong user role NAME --add core.administrator")
    yield Finding(_("Administrators"), count > 0, str(count), hint)
    unbound = directory.unbound()
    hint = _("Run: yunkong function bind NAME DEPARTMENT, or use the page of functions.") if unbound else ""
    yield Finding(_("Functions without a department"), not unbound, ", ".join(unbound) or _("none"), hint)


def _worker(site: Site) -> Finding:
    with site.database.begin(reading=True) as connection:
        alive = heartbeats.is_alive(connection)
    hint = "" if alive else _("Run: yunkong run, or yunkong worker beside it.")
    return Finding(_("Worker"), alive, _("lives") if alive else _("none has been heard of in the last minute"), hint)


def _trail(site: Site) -> Finding:
    report = verify(site.database)
    hint = "" if report.ok else _("See: yunkong audit verify")
    return Finding(_("Trail"), report.ok, _("{count} rows proven", count=report.rows) if report.ok else _("does not hold"), hint)
