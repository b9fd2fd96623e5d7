"""Pages: derived from the declarations, rendered on the server, usable without script.

`routing` runs a route (rights, form secrets, one unit of work, refusals), `view` is what its function is given, `rendering`
the templates, `navigation` the menus. Each further module holds the routes of one kind of page in `routes`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flask import Blueprint

from core.web.routing import Runner

PAGES = ("entrance", "start", "account", "report", "listing", "exchange", "edit", "sheets", "record", "documents", "admin")
"""The modules with routes, and `admin` as a package of them."""


def create_pages(site: Any) -> tuple[Blueprint, Runner]:
    """The blueprint of a site's pages, and what runs them. Raises Faults where a route declares no permission."""
    blueprint = Blueprint("pages", __name__, static_folder=None)
    runner = Runner(site)
    for name in PAGES:
        runner.mount(blueprint, import_module(f"core.web.{name}").routes.found)
    return blueprint, runner
