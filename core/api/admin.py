"""The operations of administrators: users, roles, sessions, departments, functions, policies, settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask import Response

from core import passwords, people, sessions, settings
from core.api.calls import Call, Routes, answer, identity
from core.api.openapi import ID, NULL_TEXT, TEXT, listed
from core.api.records import too_long
from core.directory import Department, Directory, User
from core.errors import NotFound, Problem, Refused
from core.messages import _

routes = Routes()
NULL_ID = {"type": ["string", "null"], "pattern": ID["pattern"]}
YES_NO = {"type": "boolean"}
WHOLE = {"type": "integer"}
ANYTHING: dict[str, Any] = {}
SEAT = {"type": "object", "required": ["role"], "additionalProperties": False, "properties": {"role": TEXT, "department": NULL_ID}}
BODIES: Mapping[str, dict[str, Any]] = {
    "add_user": {
        "required": ["username", "name", "password"],
        "properties": {"username": TEXT, "name": TEXT, "password": TEXT, "language": NULL_TEXT, "roles": {"type": "array", "items": SEAT}, "reason": TEXT},
    },
    "change_user": {"properties": {"username": TEXT, "name": TEXT, "password": TEXT, "language": NULL_TEXT, "is_active": YES_NO, "reason": TEXT}},
    "set_roles": {"required": ["roles"], "properties": {"roles": {"type": "array", "items": SEAT}, "reason": TEXT}},
    "add_department": {"required": ["code", "name"], "properties": {"code": TEXT, "name": TEXT, "parent": NULL_ID, "position": WHOLE, "reason": TEXT}},
    "change_department": {"properties": {"code": TEXT, "name": TEXT, "parent": NULL_ID, "position": WHOLE, "is_active": YES_NO, "reason": TEXT}},
    "bind": {
        "required": ["departments", "reason"],
        "properties": {"departments": {"type": "array", "items": ID}, "for_department": NULL_ID, "reason": TEXT},
    },
    "choose": {"required": ["choice", "reason"], "properties": {"choice": NULL_TEXT, "department": NULL_ID, "reason": TEXT}},
    "set": {"required": ["value", "reason"], "properties": {"value": ANYTHING, "department": NULL_ID, "reason": TEXT}},
}
_TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "null": type(None), "boolean": bool, "integer": int, "array": list, "object": dict}


def body_of(call: Call, name: str) -> dict[str, Any]:
    """The body of a request, of the very shape that the OpenAPI document promises; everything wrong with it at once."""
    call.query()
    given = call.body()
    problems = list(_wrong(given, BODIES[name] | {"type": "object"}, ""))
    if problems:
        raise Refused(problems)
    found: dict[str, Any] = given
    return found


def _wrong(value: Any, schema: Mapping[str, Any], where: str) -> Iterable[Problem]:
    kinds = schema.get("type", ())
    allowed = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    is_one = any(isinstance(value, _TYPES[kind]) and not (kind == "integer" and isinstance(value, bool)) for kind in allowed)
    if allowed and not is_one:
        yield Problem(where, _("This is not of the right kind."), _("It must be: {kinds}", kinds=", ".join(allowed)), "type")
    elif isinstance(value, str) and "pattern" in schema and not (re.fullmatch(schema["pattern"], value) and int(value) < 2**63):
        yield Problem(where, _("This is not an id."), code="id")
    elif isinstance(value, list) and "items" in schema:
        for place, one in enumerate(value):
            yield from _wrong(one, schema["items"], f"{where}/{place}")
    elif isinstance(value, dict) and "properties" in schema:
        yield from (Problem(f"{where}/{name}", _("This is missing."), code="required") for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            shown = name[:60].encode("ascii", "replace").decode().replace("~", "~0").replace("/", "~1")
            if name not in schema["properties"]:
                yield Problem(f"{where}/{shown}", _("There is no field {name}.", name=shown), ", ".join(schema["properties"]), "unknown_field")
            else:
                yield from _wrong(one, schema["properties"][name], f"{where}/{name}")


def _id(text: str | None) -> int | None:
    return None if text is None else int(text)


def _text_id(id: int | None) -> str | None:
    return None if id is None else str(id)


def _fresh(call: Call) -> Directory:
    """The directory as this request leaves it; kept for nobody else, since it is not yet committed."""
    return people.load(call.work.connection, call.work.registry)


# users


def user_json(user: User) -> dict[str, Any]:
    """A user; never a password."""
    return {
        "id": str(user.id), "username": user.username, "name": user.name, "language": user.language, "is_active": user.is_active,
        "departments": [str(one) for one in user.departments],
    }


@routes.get("/users", may="administrator")
def list_users(call: Call) -> Response:
    """The users, by name."""
    asked = call.query("q", "limit", "cursor")
    limit = int(asked.get("limit", "50")) if re.fullmatch(r"[0-9]{1,4}", asked.get("limit", "50")) else 0
    if not 1 <= limit <= 200:
        raise Refused([Problem("limit", _("A limit is a number from 1 to 200."), code="limit")])
    if problems := too_long(asked.get("q", "")):
        raise Refused(problems)
    words = asked.get("q", "").casefold()
    found = [user for user in call.work.directory.users.values() if words in user.username or words in user.name.casefold()]
    ids = [str(user.id) for user in found]
    if "cursor" in asked and asked["cursor"] not in ids:
        raise Refused([Problem("cursor", _("This is not a cursor of this list."), _("Take the one from the answer before."), "cursor")])
    start = ids.index(asked["cursor"]) + 1 if "cursor" in asked else 0
    shown = found[start:start + limit]
    following = str(shown[-1].id) if len(found) > start + limit else None
    return answer({"items": [user_json(user) for user in shown], "next": following})


@routes.post("/users", may="administrator")
def add_user(call: Call) -> Response:
    """Make an account."""
    body, work = body_of(call, "add_user"), call.work
    id, _password = people.add_user(
        work.connection, work.registry, work.origin, username=body["username"], name=body["name"], password=body["password"],
        language=body.get("language"), roles=_seats(body.get("roles", [])), reason=body.get("reason", ""),
        memory=passwords.memory_for(call.site.config.kind),
    )
    return answer(user_json(_fresh(call).users[id]), 201, {"Location": f"/api/v1/users/{id}"})


def _seats(roles: Iterable[Mapping[str, Any]]) -> list[tuple[str, int | None]]:
    return [(one["role"], _id(one.get("department"))) for one in roles]


def _known(call: Call, id: str) -> User:
    user = call.work.directory.users.get(identity(id))
    if user is None:
        raise NotFound()
    return user


@routes.get("/users/<id>", may="administrator")
def read_user(call: Call, id: str) -> Response:
    """One user."""
    call.query()
    return answer(user_json(_known(call, id)))


@routes.add("PATCH", "/users/<id>", may="administrator")
def change_user(call: Call, id: str) -> Response:
    """Change, disable or enable an account, or give it another password."""
    user, body, work = _known(call, id), body_of(call, "change_user"), call.work
    changes = {name: value for name, value in body.items() if name not in ("password", "reason")}
    people.change_user(work.connection, work.origin, user.id, reason=body.get("reason", ""), **changes)
    if "password" in body:
        memory = passwords.memory_for(call.site.config.kind)
        people.set_password(work.connection, work.origin, user.id, body["password"], reason=body.get("reason", ""), memory=memory)
    return answer(user_json(_fresh(call).users[user.id]))


def _roles_json(call: Call, user_id: int) -> Response:
    held = people.roles_held(call.work.connection, user_id)
    items = [{"role": role, "department": _text_id(seat)} for role, seat in held if role in call.work.registry.roles]
    return answer({"items": items, "next": None})


@routes.get("/users/<id>/roles", may="administrator")
def read_roles(call: Call, id: str) -> Response:
    """The roles of a user, with the department in which each is held."""
    call.query()
    return _roles_json(call, _known(call, id).id)


@routes.add("PUT", "/users/<id>/roles", may="administrator")
def set_roles(call: Call, id: str) -> Response:
    """Make these the roles of a user."""
    user, body, work = _known(call, id), body_of(call, "set_roles"), call.work
    people.set_roles(work.connection, work.registry, work.origin, user.id, _seats(body["roles"]), reason=body.get("reason", ""))
    return _roles_json(call, user.id)


@routes.get("/users/<id>/sessions", may="administrator")
def list_sessions(call: Call, id: str) -> Response:
    """Where a user is signed in, and with which tokens."""
    call.query()
    listed_ = sessions.sessions_of(call.work.connection, _known(call, id).id, call.work.now)
    return answer({"items": [
        {
            "id": str(one.id), "kind": one.kind, "address": one.address, "agent": one.agent, "created_at": one.created_at.isoformat(),
            "seen_at": one.seen_at.isoformat(), "expires_at": one.expires_at.isoformat(),
        } for one in listed_
    ], "next": None})


@routes.add("DELETE", "/users/<id>/sessions", may="administrator")
def end_sessions(call: Call, id: str) -> Response:
    """Sign a user out everywhere, tokens included."""
    call.query()
    people.end_sessions(call.work.connection, call.work.origin, _known(call, id).id)
    return Response(status=204)


# departments and functions


def department_json(one: Department) -> dict[str, Any]:
    """A department and where it stands."""
    return {
        "id": str(one.id), "code": one.code, "name": one.name, "parent": _text_id(one.parent_id), "position": one.position, "is_active": one.is_active,
        "path": list(one.path),
    }


@routes.get("/departments", may="administrator")
def list_departments(call: Call) -> Response:
    """The departments, in the order of the tree."""
    call.query()
    return answer({"items": [department_json(one) for one in call.work.directory.departments.values()], "next": None})


def _typed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the words of `people`."""
    typed = {name: value for name, value in body.items() if name != "parent"}
    return typed | ({"parent_id": _id(body["parent"])} if "parent" in body else {})


def _in_our_words(refused: Refused) -> Refused:
    return Refused(replace(one, where="/parent") if one.pointer == "/parent_id" else one for one in refused.problems)


@routes.post("/departments", may="administrator")
def add_department(call: Call) -> Response:
    """Add a department."""
    body = body_of(call, "add_department")
    try:
        id = people.add_department(call.work.connection, call.work.origin, **_typed(body))
    except Refused as refused:
        raise _in_our_words(refused) from None
    return answer(department_json(_fresh(call).departments[id]), 201, {"Location": f"/api/v1/departments/{id}"})


@routes.add("PATCH", "/departments/<id>", may="administrator")
def change_department(call: Call, id: str) -> Response:
    """Rename, move, close or open a department."""
    known, body = identity(id), body_of(call, "change_department")
    try:
        people.change_department(call.work.connection, call.work.origin, known, **_typed(body))
    except Refused as refused:
        raise _in_our_words(refused) from None
    return answer(department_json(_fresh(call).departments[known]))


def function_json(call: Call, directory: Directory, name: str) -> dict[str, Any]:
    """A function and who carries it out, for everybody or for a requesting department."""
    bound = directory.bindings(name)
    return {
        "name": name, "label": call.text(call.work.registry.functions[name].label), "is_bound": bool(bound.get(None)),
        "bindings": [{"for_department": _text_id(seat), "departments": [str(one) for one in ids]} for seat, ids in bound.items()],
    }


@routes.get("/functions", may="administrator")
def list_functions(call: Call) -> Response:
    """The functions, bound or not."""
    call.query()
    return answer({"items": [function_json(call, call.work.directory, name) for name in call.work.registry.functions], "next": None})


@routes.add("PUT", "/functions/<name>", may="administrator")
def bind_function(call: Call, name: str) -> Response:
    """Say which departments carry out a function."""
    work = call.work
    if name not in work.registry.functions:
        raise NotFound()
    body = body_of(call, "bind")
    people.bind_function(
        work.connection, work.registry, work.origin, name, [int(one) for one in body["departments"]], for_department=_id(body.get("for_department")),
        reason=body["reason"],
    )
    return answer(function_json(call, _fresh(call), name))


# policies and settings


def policy_json(call: Call, directory: Directory, name: str) -> dict[str, Any]:
    """A policy, its choices, and what was decided where."""
    policy = call.work.registry.policies[name]
    return {
        "name": name, "label": call.text(policy.label), "default": policy.default,
        "choices": [
            {"name": key, "label": call.text(one.label), "roles": list(one.all_roles), "skips": list(one.skips), "without": list(one.without)}
            for key, one in policy.choices.items()
        ],
        "decided": [
            {"department": _text_id(one.department), "choice": one.value, "source": one.source} for one in settings.standings(directory, name)
        ],
    }


@routes.get("/policies", may="administrator")
def list_policies(call: Call) -> Response:
    """The points on which companies differ, and how this site decided them."""
    call.query()
    return answer({"items": [policy_json(call, call.work.directory, name) for name in call.work.registry.policies], "next": None})


@routes.add("PUT", "/policies/<name>", may="administrator")
def choose(call: Call, name: str) -> Response:
    """Decide a policy for the site or a department; a choice of null takes a decision back."""
    work = call.work
    if name not in work.registry.policies:
        raise NotFound()
    body = body_of(call, "choose")
    department = _id(body.get("department"))
    if body["choice"] is None:
        settings.clear_choice(work.connection, work.directory, work.origin, name, department=department, reason=body["reason"])
    else:
        settings.choose(work.connection, work.directory, work.origin, name, body["choice"], department=department, reason=body["reason"])
    return answer(policy_json(call, _fresh(call), name))


def setting_json(call: Call, directory: Directory, name: str) -> dict[str, Any]:
    """A setting, what it takes, and what was set where."""
    setting = call.work.registry.settings[name]
    kind = setting.field
    return {
        "name": name, "label": call.text(setting.label), "kind": kind.kind, "schema": kind.json_schema(),
        "default": None if setting.default is None else kind.dump(setting.default),
        "set": [
            {"department": _text_id(one.department), "value": None if one.value is None else kind.dump(one.value), "source": one.source}
            for one in settings.standings(directory, name)
        ],
    }


@routes.get("/settings", may="administrator")
def list_settings(call: Call) -> Response:
    """The values that a site sets."""
    call.query()
    return answer({"items": [setting_json(call, call.work.directory, name) for name in call.work.registry.settings], "next": None})


@routes.add("PUT", "/settings/<name>", may="administrator")
def set_value(call: Call, name: str) -> Response:
    """Set a value for the site or a department; a value of null takes it back."""
    work = call.work
    if name not in work.registry.settings:
        raise NotFound()
    body = body_of(call, "set")
    department = _id(body.get("department"))
    if body["value"] is None:
        settings.clear_value(work.connection, work.directory, work.origin, name, department=department, reason=body["reason"])
    else:
        settings.set_value(work.connection, work.directory, work.origin, name, body["value"], department=department, reason=body["reason"])
    return answer(setting_json(call, _fresh(call), name))


# what the OpenAPI document says of them


def _answers(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


IDS = {"type": "array", "items": ID}
USER = _answers(
    ("id", "username", "name", "language", "is_active", "departments"), id=ID, username=TEXT, name=TEXT, language=NULL_TEXT, is_active=YES_NO, departments=IDS,
)
DEPARTMENT = _answers(
    ("id", "code", "name", "parent", "position", "is_active", "path"), id=ID, code=TEXT, name=TEXT, parent=NULL_ID, position=WHOLE, is_active=YES_NO,
    path={"type": "array", "items": TEXT},
)
FUNCTION = _answers(
    ("name", "label", "is_bound", "bindings"), name=TEXT, label=TEXT, is_bound=YES_NO,
    bindings={"type": "array", "items": _answers(("for_department", "departments"), for_department=NULL_ID, departments=IDS)},
)
SOURCE = {"type": "string", "enum": ["default", "site", "department"]}
POLICY = _answers(
    ("name", "label", "default", "choices", "decided"), name=TEXT, label=TEXT, default=TEXT, choices={"type": "array", "items": {"type": "object"}},
    decided={"type": "array", "items": _answers(("department", "choice", "source"), department=NULL_ID, choice=TEXT, source=SOURCE)},
)
SETTING = _answers(
    ("name", "label", "kind", "schema", "default", "set"), name=TEXT, label=TEXT, kind=TEXT, schema={"type": "object"}, default=ANYTHING,
    set={"type": "array", "items": _answers(("department", "value", "source"), department=NULL_ID, value=ANYTHING, source=SOURCE)},
)
ROLES = listed(_answers(("role", "department"), role=TEXT, department=NULL_ID))
LIST = [
    {"name": "q", "in": "query", "required": False, "schema": {"type": "string", "maxLength": 100}},
    {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
    {"name": "cursor", "in": "query", "required": False, "schema": TEXT},
]


def _body(name: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False} | BODIES[name]


OPENAPI: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("GET", "/users"): {"answer": listed(USER), "parameters": LIST},
    ("POST", "/users"): {"makes": True, "body": _body("add_user"), "answer": USER},
    ("GET", "/users/<id>"): {"answer": USER},
    ("PATCH", "/users/<id>"): {"body": _body("change_user"), "answer": USER},
    ("GET", "/users/<id>/roles"): {"answer": ROLES},
    ("PUT", "/users/<id>/roles"): {"body": _body("set_roles"), "answer": ROLES},
    ("GET", "/users/<id>/sessions"): {"answer": listed({"type": "object"})},
    ("GET", "/departments"): {"answer": listed(DEPARTMENT)},
    ("POST", "/departments"): {"makes": True, "body": _body("add_department"), "answer": DEPARTMENT},
    ("PATCH", "/departments/<id>"): {"body": _body("change_department"), "answer": DEPARTMENT},
    ("GET", "/functions"): {"answer": listed(FUNCTION)},
    ("PUT", "/functions/<name>"): {"body": _body("bind"), "answer": FUNCTION},
    ("GET", "/policies"): {"answer": listed(POLICY)},
    ("PUT", "/policies/<name>"): {"body": _body("choose"), "answer": POLICY},
    ("GET", "/settings"): {"answer": listed(SETTING)},
    ("PUT", "/settings/<name>"): {"body": _body("set"), "answer": SETTING},
}
