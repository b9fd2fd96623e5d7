"""The operations on records: list, read, create, change, delete, steps, void, links, trail, signatures, prints, Excel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response

from core.api.calls import Call, Routes, answer, identity
from core.errors import Invalid, NotFound, Problem, Refused, Stale, Who
from core.fields import Field, LongText
from core.messages import _
from core.records import RecordType
from core.schemas import dump_names
from core.service import Asked, Query
from core.service.lists import filterable
from core.storage import Record

routes = Routes()
FILTER = re.compile(r"filter\[([a-z][a-z0-9_]*)\](?:\[(eq|gte|lte|gt|lt|in)\])?")
LISTED = ("state", "q", "department", "sort", "overdue", "fields", "limit", "cursor")


def type_of(call: Call, name: str) -> RecordType:
    """The record type in an address."""
    return call.work.registry.type(name)


def record_of(call: Call, type: str, id: str) -> Record:
    """The record in an address, as far as it is there for whoever asks."""
    return call.work.get(type_of(call, type).name, identity(id))


def etag(record: Record) -> str:
    """The ETag of a record: its version."""
    return f'"{record.version}"'


def given(call: Call, record: Record, status: int = 200) -> Response:
    """A record as an answer."""
    headers = {"ETag": etag(record)}
    if status == 201:
        headers["Location"] = f"/api/v1/records/{record.type.name}/{record.id}"
    body = call.schemas[record.type].dump(call.work, record)
    if call.work.warnings:
        headers["Yunkong-Warnings"] = str(len(call.work.warnings))
    return answer(body, status, headers)


# Lists


@routes.get("/records/<type>", may="signed in")
def list_records(call: Call, type: str) -> Response:
    """Records of a type that the caller may read, one page at a time."""
    rt = type_of(call, type)
    query, only = read_query(call, rt)
    page = call.work.page(rt, query)
    schema = call.schemas[rt]
    names = call.work.names(page.items)
    items = [schema.dump_alone(call.work, record, only) for record in page.items]
    return answer({"items": items, "next": page.next, "names": dump_names(names)})


def read_query(call: Call, rt: RecordType) -> tuple[Query, frozenset[str]]:
    """What a list is asked for, and which declared fields are wanted."""
    filters = {name: FILTER.fullmatch(name) for name in call.request.args}
    asked = call.query(*LISTED, *(name for name, match in filters.items() if match))
    problems: list[Problem] = []
    found: dict[str, dict[str, Any]] = {}
    for name, match in filters.items():
        if match:
            field, operator = match[1], match[2] or "eq"
            kind = filterable(rt).get(field)
            if kind is None or field in call.work.access.hidden(rt, None):
                problems.append(Problem(name, _("Lists cannot be filtered by {name}.", name=field), ", ".join(filterable(rt)), "filter"))
                continue
            try:
                found.setdefault(field, {})[operator] = _filter_value(kind, operator, asked[name])
            except Invalid as error:
                problems.append(Problem(name, error.what, error.hint, error.code))
    limit, department = _number(asked, "limit", 50, 1, 200, problems), _identity(asked, "department", problems)
    overdue = asked.get("overdue", "false")
    if overdue not in ("true", "false"):
        problems.append(Problem("overdue", _("Say true or false."), code="type"))
    only = tuple(asked["fields"].split(",")) if "fields" in asked else ()
    problems += [Problem("fields", _("There is no field {name}.", name=one[:60].encode("ascii", "replace").decode()),
                         code="unknown_field") for one in only if one not in rt.fields]
    problems += too_long(asked.get("q", ""))
    if problems:
        raise Refused(problems)
    lines = tuple(one for one in only if one in rt.lines)
    states = tuple(asked["state"].split(",")) if "state" in asked else ()
    query = Query(
        states=states, q=asked.get("q", ""), department=department, filters=found, sort=asked.get("sort", "due_at"), overdue=overdue == "true",
        cursor=asked.get("cursor", ""), limit=limit, lines=lines,
    )
    return query, frozenset(only) if only else frozenset(n for n in rt.fields if n not in rt.lines)


def too_long(text: str) -> list[Problem]:
    """A problem where more is searched for than lists look at."""
    if len(text) <= 100:
        return []
    return [Problem("q", _("This is too long to be searched for."), _("Take at most {count} characters.", count=100), "too_long")]


def _filter_value(kind: Field, operator: str, text: str) -> Any:
    if operator == "in":
        return [_one(kind, part) for part in text.split(",")]
    return None if text == "null" and operator == "eq" else _one(kind, text)


def _one(kind: Field, text: str) -> Any:
    inner = getattr(kind, "value", kind) if kind.kind == "computed" else kind
    raw: Any = text
    if inner.kind == "boolean":
        raw = {"true": True, "false": False}.get(text, text)
    elif inner.kind in ("integer", "year") and text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 20:
        raw = int(text)
    return inner.load(raw)


def _number(asked: Mapping[str, str], name: str, default: int, least: int, most: int, problems: list[Problem]) -> int:
    text = asked.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 6 and least <= int(text) <= most:
        return int(text)
    problems.append(Problem(name, _("A whole number from {least} to {most} is expected.", least=least, most=most), code="type"))
    return default


def _identity(asked: Mapping[str, str], name: str, problems: list[Problem]) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    try:
        return identity(text)
    except NotFound:
        problems.append(Problem(name, _("This is not an id."), code="id"))
        return None


# One record


@routes.post("/records/<type>", may="signed in")
def create_record(call: Call, type: str) -> Response:
    """Make a record: a draft, a register entry, or by a creating step at once."""
    rt = type_of(call, type)
    asked = call.query("step", "from", "opens")
    sent = call.schemas[rt].load_create(call.body())
    source = None
    if "from" in asked or "opens" in asked:
        kind, _slash, id = asked.get("from", "").partition("/")
        source = record_of(call, kind, id)
        opens = source.type.opens.get(asked.get("opens", ""))
        if opens is None or opens.to != rt.name:
            raise Refused([Problem("opens", _("There is no such button on this form."),
                                   ", ".join(n for n, o in source.type.opens.items() if o.to == rt.name), "opens")])
    record = call.work.create(
        rt.name, sent.values, step=asked.get("step"), department=sent.department, source=source, opens=asked.get("opens"), number=sent.number, accepted=True,
    )
    return given(call, record, 201)


@routes.get("/records/<type>/<id:id>", may="signed in")
def read_record(call: Call, type: str, id: str) -> Response:
    """One record with its lines."""
    call.query()
    return given(call, record_of(call, type, id))


@routes.add("PATCH", "/records/<type>/<id:id>", may="signed in")
def change_record(call: Call, type: str, id: str) -> Response:
    """Change the fields that the body holds."""
    call.query()
    record = record_of(call, type, id)
    version = seen(call, record)
    values = call.schemas[record.type].load_change(call.body())
    call.work.edit(record, version, accepted=True, **values)
    return given(call, record)


@routes.add("DELETE", "/records/<type>/<id:id>", may="signed in")
def delete_record(call: Call, type: str, id: str) -> Response:
    """Delete a draft that never had a number."""
    call.query()
    record = record_of(call, type, id)
    call.work.remove(record, seen(call, record))
    return Response(status=204)


def seen(call: Call, record: Record) -> int:
    """The version that the caller has seen; `*` is whatever is there."""
    return record.version if call.request.headers.get("If-Match", "").strip() == "*" else call.version()


# Steps


@routes.get("/records/<type>/<id:id>/transitions", may="signed in")
def list_transitions(call: Call, type: str, id: str) -> Response:
    """The steps that leave the record's state: whether each may be taken now and, if not, why not and who could."""
    call.query()
    record = record_of(call, type, id)
    items = [
        {
            "name": view.name, "label": view.label, "allowed": view.allowed,
            "why_not": [
                {"where": p.pointer, "what": call.text(p.what), "hint": call.text(p.hint), "code": p.code, "clause": p.clause} for p in view.why_not
            ],
            "who": who_json(view.who),
        }
        for view in call.work.steps(record)
    ]
    return answer({"items": items, "next": None})


def who_json(who: Iterable[Who]) -> list[dict[str, Any]]:
    """Those who could, as JSON."""
    return [{"role": one.role, "department": None if one.department is None else str(one.department),
             "users": list(one.users)} for one in who]


@routes.post("/records/<type>/<id:id>/transitions/<name>", may="signed in", confirms=True)
def take_transition(call: Call, type: str, id: str, name: str) -> Response:
    """Take a step."""
    call.query()
    rt = type_of(call, type)
    if name not in rt.steps or rt.steps[name].source is None:
        raise NotFound(_("There is no such step."))
    return _take(call, type, id, name)


@routes.post("/records/<type>/<id:id>/void", may="signed in")
def void_record(call: Call, type: str, id: str) -> Response:
    """Take a numbered record out of use; it keeps its number and the reason."""
    call.query()
    rt = type_of(call, type)
    if rt.void_step is None:
        raise NotFound(_("Records of this kind are not voided."))
    return _take(call, type, id, "void")


def _take(call: Call, type: str, id: str, name: str) -> Response:
    record = record_of(call, type, id)
    sent = call.schemas[record.type].load_step(name, call.body())
    version = record.version if call.request.headers.get("If-Match", "").strip() == "*" else call.optional_version()
    if name == "void" and record.number is None:
        raise Stale(_("Only a record with a number can be voided."), status=409, version=record.version)
    asked = Asked(sent.reason, version, call.confirmed)
    call.work.fire(record, name, asked, accepted=True, **sent.values)
    return given(call, record)


@routes.post("/records/<type>/<id:id>/erasure", may="administrator")
def erase_personal(call: Call, type: str, id: str) -> Response:
    """Make the personal data of a record unreadable for good; the trail keeps that it was done, by whom and why."""
    call.query()
    record = record_of(call, type, id)
    version = seen(call, record)
    body = call.body()
    if not isinstance(body, dict) or set(body) != {"reason"} or not isinstance(body["reason"], str):
        raise Refused([Problem("/reason", _("A reason is missing."), _("Say why, for whoever reads the trail."), "reason")])
    try:
        reason = LongText(max=2_000).load(body["reason"])
    except Invalid as error:
        raise Refused([error.at("/reason")]) from None
    call.work.erase(record, reason, version)
    return given(call, record)


# What stands around a record


@routes.get("/records/<type>/<id:id>/history", may="signed in")
def list_history(call: Call, type: str, id: str) -> Response:
    """The trail of a record, newest first."""
    call.query()
    record = record_of(call, type, id)
    events = call.work.history(record)
    people = {one for event in events for one in (event.actor_id, event.for_id) if one is not None}
    items = [
        {
            "id": str(event.id), "at": event.at.isoformat(), "action": event.action, "step": event.step or None, "version": event.version,
            "by": None if event.actor_id is None else str(event.actor_id), "for": None if event.for_id is None else str(event.for_id),
            "reason": event.reason or None, "via": event.via, "cause": event.cause, "changes": dict(event.changes), "signed": event.signed or None,
        }
        for event in events
    ]
    return answer({"items": items, "next": None, "names": dump_names(call.work.names([], people))})


@routes.get("/records/<type>/<id:id>/links", may="signed in")
def list_links(call: Call, type: str, id: str) -> Response:
    """What a record is linked with, both ways, as far as the caller may see it."""
    call.query()
    record = record_of(call, type, id)
    items = [
        {
            "record": str(link.record_id), "type": link.type.name, "number": link.number, "title": link.title, "state": link.state, "kind": link.kind,
            "direction": "out" if link.outgoing else "in", "row": None if link.row_id is None else str(link.row_id),
        }
        for link in call.work.links(record)
    ]
    return answer({"items": items, "next": None})


@routes.get("/records/<type>/<id:id>/signatures", may="signed in")
def list_signatures(call: Call, type: str, id: str) -> Response:
    """The signatures of a record, oldest first, and whether each stands."""
    call.query()
    record = record_of(call, type, id)
    signed = call.work.signatures(record)
    items = [
        {
            "id": str(one.id), "step": one.step, "meaning": call.text(one.meaning), "by": str(one.user_id),
            "for": None if one.for_id is None else str(one.for_id),
            "role": one.role, "department": None if one.department_id is None else str(one.department_id), "at": one.at.isoformat(), "version": one.version,
            "method": one.method, "digest": one.digest, "standing": call.work.standing(one, record),
        }
        for one in signed
    ]
    ids = {i for one in signed for i in (one.user_id, one.for_id, one.department_id) if i is not None}
    return answer({"items": items, "next": None, "names": dump_names(call.work.names([], ids))})
