"""A site for fault runs: one department, its people, items, and an order in force that materials can be drawn for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from core import passwords, people, settings
from core.config import write_site
from core.registry import build_registry
from core.service import Asked
from core.site import Site, open_site
from tests import postgresql

PLUGINS = ("master_data", "stock", "production")
PASSWORD = "correct horse battery staple"
DURABLE = {"shared_buffers": "64MB"}
"""PostgreSQL as it comes: everything that it acknowledges is on disk."""
REQUISITION = "stock.requisition"


@dataclass(frozen=True)
class Plant:
    """Where the site lies, and what the load needs to know of it; ids as texts would stand in JSON."""

    folder: Path
    department: int
    users: tuple[int, ...]
    item: int
    source: int

    def open(self) -> Site:
        """The site, opened by this process."""
        return open_site(self.folder)

    @staticmethod
    def username(number: int) -> str:
        """The name with which the n-th user signs in."""
        return f"user{number}"

    def values(self, day: date, qty: int = 1) -> dict[str, object]:
        """A requisition of one line, as rules see values."""
        line = {"material": self.item, "qty_requested": Decimal(qty)}
        return {"source": self.source, "date": day, "workshop": self.department, "lines": [line]}

    def body(self, day: date, qty: int = 1, **more: object) -> dict[str, object]:
        """The same as JSON."""
        line = {"material": str(self.item), "qty_requested": str(qty)}
        return {"source": str(self.source), "date": day.isoformat(), "workshop": str(self.department), "lines": [line], **more}


def build(folder: Path, database: str, users: int = 8, **more: str | int) -> Plant:
    """Make the site: every user may draw materials, and nobody need approve."""
    names = list(build_registry(list(PLUGINS)).plugins)
    write_site(folder, name="Fault run", kind="test", database=database, plugins=[one for one in names if one != "core"], **more)
    site = open_site(folder)
    try:
        site.database.create()
        with site.work(via="cli") as work:
            department = people.add_department(work.connection, work.origin, code="W1", name="Workshop 1")
            for function in site.registry.functions:
                people.bind_function(work.connection, site.registry, work.origin, function, [department], reason="fault run")
            roles = [(role, department) for role in ("stock.requester", "production.planner", "master_data.item_keeper")]
            made = [
                people.add_user(
                    work.connection, site.registry, work.origin, username=Plant.username(at), name=f"User {at}", password=PASSWORD, roles=roles,
                    memory=passwords.TEST_MEMORY,
                )[0] for at in range(users)
            ]
            settings.choose(work.connection, work.directory, work.origin, "stock.requisition.approver", "requester", reason="fault run")
        with site.work(actor=made[0], via="cli") as work:
            item = work.create("master_data.item", {"code": "M-1", "name": "Steel", "kind": "material", "unit": "kg"})
            order = work.create("production.order", {
                "source_order": "C-1", "due_date": date(2027, 12, 31), "product": item.id, "qty": Decimal(100),
                "workshops": [{"workshop": department, "qty": Decimal(100)}],
            })
            work.fire(order, "issue", Asked())
        return Plant(folder, department, tuple(made), item.id, order.id)
    finally:
        site.close()


@contextmanager
def databases(engine: str, folder: Path, durable: bool = False) -> Iterator[str]:
    """The address of an empty database on an engine, with a server of its own; empty for SQLite in the site's folder."""
    if engine == "sqlite":
        yield ""
        return
    with postgresql.server(DURABLE if durable else postgresql.QUICK) as server:
        yield server.create(f"plant_{os.urandom(4).hex()}")
