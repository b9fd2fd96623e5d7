"""Where pages of records live: from an address to type and record, and back; the crumb above; answers for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import Response

from core.errors import NotFound
from core.records import RecordType
from core.storage import Record
from core.web import badges

if TYPE_CHECKING:
    from core.web.view import View


def type_at(view: View, plugin: str, noun: str) -> RecordType:
    """The record type of an address."""
    return view.registry.type(f"{plugin}.{noun}")


def record_at(view: View, plugin: str, noun: str, id: str) -> Record:
    """The record of an address; NotFound where there is none, or not for this reader."""
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound
    record: Record = view.work.get(type_at(view, plugin, noun).name, int(id))
    return record


def path_of(record: Record) -> str:
    """Where the record's page lives."""
    return f"{record.type.path}/{record.id}"


def crumb(view: View, rt: RecordType, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """Where a page of a type stands: plugin, list, and what comes below."""
    return [(view.t(view.registry.plugins[rt.plugin].label), None), (view.label("type", rt.name, rt.label), rt.path), *more]


def called(view: View, record: Record) -> str:
    """The number, or that it is a draft."""
    return record.number or view._("Draft")


def badge(view: View, rt: RecordType, state: str) -> badges.Badge:
    """The badge of a state in the reader's words."""
    found = badges.state_badge(rt, state)
    return badges.Badge(found.tone, found.icon, view.label("state", f"{rt.name}:{state}", found.label))


def form_names(view: View, rt: RecordType) -> Iterator[tuple[str, str, str]]:
    """Form title, number and revision of each print form, in the site's own words where it has them."""
    for key, form in rt.prints.items():
        name = f"{rt.name}:{key}"
        yield view.label("form", name, form.label), view.label("form_no", name, form.form_no), view.label("form_revision", name, form.revision)


def json_answer(data: Any, status: int = 200) -> Response:
    """An answer for a script."""
    return Response(json.dumps(data, ensure_ascii=False), status=status, mimetype="application/json")
