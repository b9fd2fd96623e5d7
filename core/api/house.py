"""The operations around records: tokens, who am I, declarations, files, inbox, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, cast

from flask import Request, Response

from core import files, inbox, reports, sessions
from core.api.calls import Bad, Call, Routes, answer, identity
from core.content import disposition
from core.errors import NotFound, Problem, Refused
from core.messages import _
from core.records import RecordType
from core.schemas import dump_names
from core.waiting import Waiting
from core.workflow import Named, Policy, each_by

if TYPE_CHECKING:
    from core.site import Site

routes = Routes()


# Tokens and me


@routes.post("/tokens", may="anyone")
def make_token(call: Call) -> Response:
    """Get a token for a program."""
    body = call.body()
    known = ("username", "password", "otp")
    if not isinstance(body, dict):
        raise Refused([Problem("", _("A JSON object is expected here."), code="type")])
    problems = [Problem(f"/{_safe(name)}", _("There is no field {name}.", name=_safe(name)), ", ".join(known),
                        "unknown_field") for name in body if name not in known]
    for name in known:
        value = body.get(name, "" if name == "otp" else None)
        if value is None and name == "otp":
            continue
        if not isinstance(value, str) or len(value) > 1000 or "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            problems.append(Problem(f"/{name}", _("A text is expected here."), code="type"))
    if problems:
        raise Refused(problems)
    request = call.request
    made = sessions.sign_in(
        call.site, username=body["username"], password=body["password"], otp=body.get("otp") or "", address=request.remote_addr or "",
        agent=request.headers.get("User-Agent", "")[:200], kind="token",
    )
    return answer({"id": str(made.id), "token": made.token, "expires_at": made.expires_at.isoformat()}, 201)


def _safe(text: str) -> str:
    return text[:60].encode("ascii", "replace").decode().replace("/", "~1")


@routes.add("DELETE", "/tokens/<id:id>", may="signed in")
def end_token(call: Call, id: str) -> Response:
    """End one of one's own tokens."""
    call.query()
    work = call.work
    sessions.end(work.connection, work.origin, work.actor or 0, identity(id))
    return Response(status=204)


@routes.get("/me", may="signed in")
def read_me(call: Call) -> Response:
    """The caller: departments, roles, substitutions."""
    call.query()
    work = call.work
    user = work.directory.users[work.actor or 0]
    held = work.directory.roles_of(user.id)
    roles = [
        {"role": role, "department": None if seat is None else str(seat)}
        for role, seats in held.items() if role in work.registry.roles for seat in sorted(seats, key=lambda one: one or 0)
    ]
    return answer({
        "id": str(user.id), "username": user.username, "name": user.name, "language": work.language,
        "departments": [str(one) for one in user.departments], "roles": roles, "substitutions": [],
        "names": dump_names(work.names([], user.departments)),
    })


# Declarations


@routes.get("/types", may="signed in")
def list_types(call: Call) -> Response:
    """The record types of this site."""
    call.query()
    return answer({"items": [type_json(call, rt, whole=False) for rt in call.work.registry.types.values()], "next": None})


@routes.get("/types/<type>", may="signed in")
def read_type(call: Call, type: str) -> Response:
    """One record type as it is declared: fields, sections, states, transitions, prints, clauses."""
    call.query()
    return answer(type_json(call, call.work.registry.type(type), whole=True))


def type_json(call: Call, rt: RecordType, whole: bool) -> dict[str, Any]:
    """A declaration as JSON, its labels in the caller's language."""
    t = call.text
    head: dict[str, Any] = {
        "name": rt.name, "label": own_word(call, "type", rt.name, rt.label), "plugin": rt.plugin, "is_register": rt.is_register,
        "may_create": bool(call.work.access.may_create(rt)),
    }
    if not whole:
        return head
    hidden = call.work.access.hidden(rt, None)
    return head | {
        "fields": [_field_json(call, name, kind) for name, kind in rt.fields.items() if name not in hidden],
        "sections": [
            {
                "name": key, "label": t(one.label), "fields": [n for n in one.fields if n not in hidden], "states": list(rt.states_of(one)),
                "locked_by": one.locked_by,
            }
            for key, one in rt.all_sections.items()
        ],
        "states": [
            {"name": name, "label": own_word(call, "state", f"{rt.name}:{name}", state.label), "final": state.final} for name, state in rt.states.items()
        ],
        "transitions": [
            {
                "name": name, "label": t(step.label), "from": list(step.sources), "to": step.target, "by": [_by_text(one) for one in each_by(step.by)],
                "fills": list(step.fills), "asks": t(step.asks) if step.asks else None, "signs": t(step.signature.meaning) if step.signature else None,
                "asks_password": bool(step.signature and step.signature.asks_password),
            }
            for name, step in rt.steps.items()
        ],
        "opens": [{"name": name, "to": opens.to, "label": t(opens.label or opens.to)} for name, opens in rt.opens.items()],
        "deadlines": [], "duties": [],
        "prints": [
            {
                "name": name, "label": own_word(call, "form", f"{rt.name}:{name}", form.label),
                "form_no": own_word(call, "form_no", f"{rt.name}:{name}", form.form_no),
                "revision": own_word(call, "form_revision", f"{rt.name}:{name}", form.revision),
            }
            for name, form in rt.prints.items()
        ],
        "clauses": list(rt.clauses),
    }


def own_word(call: Call, kind: str, key: str, label: str) -> str:
    """The site's own word for something, else its declared label, in the caller's language."""
    return call.work.directory.word(kind, key, call.work.language) or call.text(label)


def _field_json(call: Call, name: str, kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name, "kind": kind.kind, "label": call.text(kind.label), "required": kind.required, "filter": kind.filters, "schema": kind.json_schema(),
    }
    if getattr(kind, "to", None):
        found["to"] = kind.to
    if getattr(kind, "columns", None):
        found["columns"] = [_field_json(call, column, inner) for column, inner in kind.columns.items()]
    return found


def _by_text(by: str | Policy | Named) -> str:
    if isinstance(by, Policy):
        return f"policy:{by.name}"
    return f"named:{by.field}" + (f":{by.role}" if by.role else "") if isinstance(by, Named) else by


# Files


def receive_file(site: Site, sent: Request) -> files.Stored:
    """Write the file of a request to disk for good."""
    if sent.mimetype != "multipart/form-data":
        raise Bad(_("Send the file as multipart/form-data, in a part called “file”."), 415, "media_type")
    part = sent.files.get("file")
    if part is None or list(sent.files) != ["file"] or sent.form:
        raise Refused([Problem("/file", _("Send exactly one file, in a part called “file”."), code="file")])
    return site.files.put(cast(BinaryIO, part.stream), part.filename or "")


@routes.post("/files", may="signed in", receives=receive_file)
def store_file(call: Call) -> Response:
    """Store a file, to be used in a field within 24 hours."""
    call.query()
    file = files.add(call.work.connection, call.received, call.work.actor, call.work.now)
    return answer(_file_json(file), 201, {"Location": f"/api/v1/files/{file.id}"})


def _file_json(file: files.File) -> dict[str, Any]:
    return {"id": str(file.id), "name": file.name, "size": file.size, "type": file.type, "sha256": file.sha256}


@routes.get("/files/<id:id>", may="signed in")
def read_file(call: Call, id: str) -> Response:
    """The bytes of a file that the caller uploaded or finds in a record they may read."""
    call.query()
    file = readable_file(call.work, identity(id))
    return file_response(call.site, file)


def readable_file(work: Any, id: int) -> files.File:
    """A file that is the actor's own and unused, or used by a record that the actor reads."""
    file = files.get(work.connection, id)
    users = files.users_of(work.connection, id)
    if (not users and file.created_by == work.actor) or work.peek("", users):
        return file
    raise NotFound()


def file_response(site: Any, file: files.File) -> Response:
    """A file as a download, or in place where its kind is harmless."""
    response = Response(site.files.read(file.sha256), mimetype=file.type)
    response.headers["Content-Disposition"] = disposition(file.disposition, file.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


# Inbox and reports


@routes.get("/inbox", may="signed in")
def read_inbox(call: Call) -> Response:
    """What waits for the caller, nearest deadline first."""
    call.query()
    found = inbox.inbox(call.work)
    items = [
        _waiting_json(entry.row) | {"step": entry.step or None, "label": call.text(entry.label), "group": group}
        for group, entries in (("overdue", found.overdue), ("today", found.today), ("later", found.later)) for entry in entries
    ]
    return answer({"items": items, "next": None})


def _waiting_json(row: Waiting) -> dict[str, Any]:
    return {
        "record": str(row.id), "type": row.type, "number": row.number, "title": row.title, "state": row.state,
        "department": None if row.department is None else str(row.department), "due_at": None if row.due_at is None else row.due_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }


@routes.get("/reports", may="signed in")
def list_reports(call: Call) -> Response:
    """The reports that the caller may run."""
    call.query()
    items = [
        {
            "name": name, "label": call.text(report.label), "parameters": [_field_json(call, n, k) for n, k in report.parameters.items()],
            "columns": [_field_json(call, n, k) for n, k in report.columns.items()],
        }
        for name, report in call.work.registry.reports.items() if reports.may_read(call.work.access, report)
    ]
    return answer({"items": items, "next": None})
