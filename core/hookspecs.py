"""Every hook, in the order of a site's life. A plugin answers in its `hooks.py` with `@hookimpl`.

`register_*` returns declarations at start, `check_*` may object, a past participle tells, `fill_*` is the demo's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from core.errors import Problem
    from core.records import Clause, Extension, RecordType, Report

hookspec = pluggy.HookspecMarker("yunkong")
hookimpl = pluggy.HookimplMarker("yunkong")

TELLING = ("step_taken", "fill_demo")
"""Hooks that tell: their body must run, so a generator function is refused."""


@hookspec
def register_record_types() -> Iterable[RecordType]:  # type: ignore[empty-body]
    """The record types that the plugin keeps; asked once, at start."""


@hookspec
def register_extensions() -> Iterable[Extension]:  # type: ignore[empty-body]
    """What the plugin adds to record types of others; asked once, after all record types are known."""


@hookspec
def register_reports() -> Mapping[str, Report]:  # type: ignore[empty-body]
    """The plugin's reports by noun; asked once, at start."""


@hookspec
def register_clauses() -> Iterable[Clause]:  # type: ignore[empty-body]
    """The clauses of the plugin's procedures; asked once, at start."""


@hookspec
def check_step(work: Any, record: Any, step: str) -> Iterable[Problem]:  # type: ignore[empty-body]
    """May object to a step on any record, as it will stand after the step; called after the step's own guards."""


@hookspec
def step_taken(work: Any, record: Any, step: str) -> None:
    """Tells, inside the transaction, that a step was taken; what it does is undone with the step."""


@hookspec
def fill_demo(demo: Any) -> None:
    """Fills a demo site with this plugin's plausible data, after the plugins it requires."""
