"""One site: its folder, its registry, its database, and how work on it begins."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, select

from core import answers, drafts, heartbeats, numbering, people, sendings, sessions, settings
from core.audit import personal_fields
from core.config import SiteConfig, read_config
from core.directory import Directory
from core.errors import Faults, Refusal
from core.files import Store
from core.messages import _
from core.registry import Registry, build_registry
from core.service.shapes import Confirmed
from core.service.work import Work
from core.storage import STAMP, Database

TABLES = (answers, drafts, heartbeats, sendings)
"""Modules whose tables every site has, though nothing here calls them."""


TABLES = (answers, drafts, heartbeats, sendings)
"""Modules that nothing below needs, named here so that every site has their tables."""


class NotSignedIn(Refusal):
    """Nobody is signed in, or not any more (401)."""

    status = 401
    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__(_("You are not signed in, or not any more."))


class Site:
    """A site that is open: nothing but its database and files holds state; what is kept here can be read again at any time."""

    def __init__(self, config: SiteConfig, registry: Registry) -> None:
        self.config = config
        self.registry = registry
        self.database = Database(config.database_url, registry)
        self.files = Store(config.files)
        self.clock = config.clock
        self._directory: Directory | None = None
        self._lock = threading.Lock()
        self.extensions: dict[str, Any] = {}
        """What floors above keep for a site: the schemas, the printer."""

    @cached_property
    def personal(self) -> Mapping[str, frozenset[str]]:
        """Type → its personal fields and columns."""
        return {name: personal_fields(rt) for name, rt in self.registry.types.items()}

    def directory(self, connection: Connection, stamp: int | None = None) -> Directory:
        """Who is who, from memory unless the stamp in the database says that it has changed."""
        if stamp is None:
            stamp = connection.scalar(select(STAMP.c.value).where(STAMP.c.name == settings.STAMP)) or 0
        known = self._directory
        if known is not None and known.stamp == stamp:
            return known
        with self._lock:
            if self._directory is None or self._directory.stamp != stamp:
                self._directory = people.load(connection, self.registry)
            return self._directory

    @contextmanager
    def work(
        self, actor: int | None = None, *, token: str | None = None, via: str = "web", reading: bool = False, language: str | None = None,
        request_id: str = "", address: str = "",
    ) -> Iterator[Work]:
        """One actor, one clock, one transaction: committed at the end, rolled back on any exception.

        With `token` the session says who the actor is, in the same transaction; where it has ended `work.seen` is None
        and nobody acts, who may nothing.
        """
        now = self.clock.now()
        with self.database.begin(reading=reading) as connection:
            seen = None
            if token is not None:
                seen = sessions.look_up(connection, sessions.digest(token), now)
                actor = seen.user_id if seen else None
            directory = self.directory(connection, seen.stamp if seen else None)
            work = Work(
                self, connection, directory, actor, now=now, via=via, language=language, request_id=request_id, address=address, seen=seen, reading=reading,
            )
            yield work
        for action in work.after_commit:
            action()

    def confirm(self, user_id: int, password: str, otp: str = "", *, address: str = "") -> Confirmed:
        """Ask for the password, or the code, again before something is signed; call it before the work begins."""
        sessions.confirm(self, user_id, password, otp, address=address)
        return Confirmed(user_id, "totp" if otp else "password")

    def close(self) -> None:
        """Give every connection back."""
        self.database.close()


def open_site(path: Path | str, *, extra: Mapping[str, ModuleType] | None = None) -> Site:
    """The site in this folder. Raises Faults with everything that is wrong with its configuration and declarations."""
    config = read_config(path)
    registry = build_registry(config.plugins, extra)
    faults = list(numbering.faults(registry.types.values()))
    if faults:
        raise Faults(faults)
    return Site(config, registry)
