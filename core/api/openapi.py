"""The OpenAPI 3.1 document of a site: every operation, concrete for each enabled record type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.api.calls import Route
from core.audit import personal_fields
from core.records import RecordType
from core.registry import Registry
from core.schemas import Schemas, names_schema
from core.service.lists import filterable, sortable

ID = {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}
TEXT = {"type": "string"}
NULL_TEXT = {"type": ["string", "null"]}
PROBLEMS = {"type": "array", "items": {
    "type": "object", "required": ["where", "what", "hint", "code", "clause", "level"], "additionalProperties": False,
    "properties": dict.fromkeys(("where", "what", "hint", "code", "clause", "level"), TEXT),
}}
PROBLEM = {
    "type": "object", "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": TEXT, "title": TEXT, "status": {"type": "integer"}, "code": TEXT, "detail": TEXT, "request_id": TEXT,
        "problems": PROBLEMS,
        "who": {"type": "array"}, "version": {"type": ["integer", "null"]}, "changes": {"type": "array"},
    },
}
WHO = {
    "type": "object", "required": ["role", "department", "users"], "additionalProperties": False,
    "properties": {"role": TEXT, "department": NULL_TEXT, "users": {"type": "array", "items": TEXT}},
}
TRANSITION = {
    "type": "object", "required": ["name", "label", "allowed", "why_not", "who"], "additionalProperties": False,
    "properties": {
        "name": TEXT, "label": TEXT, "allowed": {"type": "boolean"}, "who": {"type": "array", "items": WHO},
        "why_not": {"type": "array", "items": {"type": "object", "properties": dict.fromkeys(("where", "what", "hint", "code", "clause"), TEXT)}},
    },
}
ANSWERS = {
    "type": "object", "required": ["dry_run", "counts", "ignored", "items", "next"], "additionalProperties": False,
    "properties": {
        "dry_run": {"type": "boolean"}, "ignored": {"type": "array", "items": TEXT}, "next": {"type": "null"},
        "counts": {"type": "object", "properties": {one: {"type": "integer"} for one in ("created", "changed", "unchanged", "refused")}},
        "items": {"type": "array", "items": {
            "type": "object", "required": ["row", "status", "id", "number", "problems"], "additionalProperties": False,
            "properties": {
                "row": {"type": "integer"}, "status": {"type": "string", "enum": ["created", "changed", "unchanged", "refused"]}, "id": NULL_TEXT,
                "number": NULL_TEXT, "problems": PROBLEMS,
            },
        }},
    },
}
KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"}}
MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": '^(\\*|"[1-9][0-9]{0,8}")$'}}
BINARY = {"type": "string", "format": "binary"}
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def listed(items: Mapping[str, Any], names: bool = False) -> dict[str, Any]:
    """The schema of a list of these."""
    properties: dict[str, Any] = {"items": {"type": "array", "items": items}, "next": NULL_TEXT}
    if names:
        properties["names"] = names_schema()
    return {"type": "object", "required": ["items", "next"], "properties": properties, "additionalProperties": False}


def document(registry: Registry, schemas: Schemas, routes: Iterable[Route], more: Mapping[tuple[str, str], Mapping[str, Any]] = {}) -> dict[str, Any]:
    """The whole document. `more` gives bodies and answers of operations that are not about one record type."""
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, Any] = {"Problem": PROBLEM}
    for rt in registry.types.values():
        _add_schemas(components, rt, schemas)
    for route in routes:
        if "<type>" in route.rule and route.rule.startswith("/records"):
            for rt in registry.types.values():
                _add_type_path(paths, route, rt)
        else:
            known = more.get((route.method, route.rule), {})
            paths.setdefault(_path(route.rule), {})[route.method.lower()] = _operation(route, _path_parameters(route.rule, registry), known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yunkong", "version": "1",
                 "description": "Records, steps, numbers and signatures of this site. Every refusal is a problem document."},
        "servers": [{"url": "/api/v1"}], "security": [{"token": []}], "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _name(rt: RecordType, part: str) -> str:
    return f"{rt.name}.{part}"


def _ref(rt: RecordType, part: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{_name(rt, part)}"}


def _add_schemas(components: dict[str, Any], rt: RecordType, schemas: Schemas) -> None:
    schema = schemas[rt]
    components[_name(rt, "record")] = schema.json_record()
    components[_name(rt, "create")] = schema.json_create()
    components[_name(rt, "change")] = schema.json_change()
    for name, step in rt.steps.items():
        if step.source is not None:
            components[_name(rt, f"step.{name}")] = schema.json_step(name)
    if rt.void_step is not None:
        components[_name(rt, "step.void")] = schema.json_step("void")


def _add_type_path(paths: dict[str, dict[str, Any]], route: Route, rt: RecordType) -> None:
    rule = route.rule.replace("<type>", rt.name)
    if (rule.endswith("/void") and rt.void_step is None) or (rule.endswith("/erasure") and not personal_fields(rt)):
        return
    if "<name>" in rule:
        for name, step in rt.steps.items():
            if step.source is not None:
                known = {"body": _ref(rt, f"step.{name}"), "answer": _ref(rt, "record"), "headers": [MATCH], "body_required": bool(step.asks)}
                _put(paths, route, rule.replace("<name>", name), known)
        return
    if "<form>" in rule:
        for name in rt.prints:
            _put(paths, route, rule.replace("<form>", name), {"content": {"application/pdf": {"schema": BINARY}}})
        return
    if "<field>" in rule:
        for name in rt.lines:
            _put(paths, route, rule.replace("<field>", name), _import(rt) | {"headers": [MATCH]})
        return
    known_of = TYPE_OPERATIONS.get((route.method, route.rule))
    _put(paths, route, rule, known_of(rt) if known_of else {})


def _put(paths: dict[str, dict[str, Any]], route: Route, rule: str, known: Mapping[str, Any]) -> None:
    paths.setdefault(_path(rule), {})[route.method.lower()] = _operation(route, _path_parameters(rule, None), known)


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _path_parameters(rule: str, registry: Registry | None) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"<(?:\w+:)?(\w+)>", rule):
        schema: dict[str, Any] = ID if name in ("id", "session") else TEXT
        if registry is not None and name == "type":
            schema = {"type": "string", "enum": list(registry.types)}
        elif registry is not None and name == "name":
            schema = {"type": "string", "pattern": "^[a-z_.]{1,100}$"}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _operation(route: Route, parameters: list[dict[str, Any]], known: Mapping[str, Any]) -> dict[str, Any]:
    status = known.get("status", "201" if route.method == "POST" and known.get("makes") else "204" if route.method == "DELETE" else "200")
    answer: dict[str, Any] = {"description": "Done"}
    if "content" in known:
        answer["content"] = known["content"]
    elif status != "204":
        answer["content"] = {"application/json": {"schema": known.get("answer", {"type": "object"})}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": [*parameters, *known.get("parameters", ()), *known.get("headers", ()),
                       *([KEY] if route.method == "POST" and route.may != "anyone" else [])],
        "responses": {status: answer, "default": {"description": "Refused",
                                                  "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
    }
    if route.may == "anyone":
        operation["security"] = []
    if "body" in known:
        operation["requestBody"] = {"required": known.get("body_required", True), "content": {"application/json": {"schema": known["body"]}}}
    if "form" in known:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": known["form"]}}}
    return operation


# Operations on records


def _query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema)}


def _list(rt: RecordType) -> dict[str, Any]:
    sorts = [name for one in sortable(rt) for name in (one, f"-{one}")]
    parameters = [
        _query("state", {"type": "string", "enum": list(rt.states)}), _query("q", {"type": "string", "maxLength": 100}), _query("department", ID),
        _query("sort", {"type": "string", "enum": sorts}), _query("overdue", {"type": "string", "enum": ["true", "false"]}),
        _query("fields", {"type": "string", "enum": list(rt.fields)}), _query("limit", {"type": "integer", "minimum": 1, "maximum": 200}),
        _query("cursor", {"type": "string"}),
    ]
    for name, kind in filterable(rt).items():
        schema = dict(kind.json_schema())
        if kind.kind == "boolean":
            schema = {"type": "string", "enum": ["true", "false"]}
        parameters.append(_query(f"filter[{name}]", {"anyOf": [schema, {"const": "null"}]}))
        parameters += [_query(f"filter[{name}][{operator}]", schema) for operator in ("gte", "lte") if kind.kind != "boolean"]
    item = {"type": "object", "properties": {"id": ID, "type": {"const": rt.name}, "state": {"type": "string"}}, "required": ["id", "type", "state", "version"]}
    return {"parameters": parameters, "answer": listed(item, names=True)}


def _create(rt: RecordType) -> dict[str, Any]:
    parameters = [_query("step", {"type": "string", "enum": list(rt.creating_steps)})] if rt.creating_steps else []
    return {"makes": True, "body": _ref(rt, "create"), "answer": _ref(rt, "record"), "parameters": parameters}


def _sheet(rt: RecordType) -> dict[str, Any]:
    listing = _list(rt)["parameters"]
    kept = [one for one in listing if one["name"] not in ("limit", "cursor", "fields")]
    return {"content": {SHEET: {"schema": BINARY}}, "parameters": kept}


def _import(_rt: RecordType) -> dict[str, Any]:
    form = {"type": "object", "required": ["file"], "properties": {"file": BINARY}, "additionalProperties": False}
    return {"form": form, "answer": ANSWERS, "parameters": [_query("dry_run", {"type": "string", "enum": ["true", "false"]})]}


TYPE_OPERATIONS: Mapping[tuple[str, str], Any] = {
    ("GET", "/records/<type>"): _list,
    ("POST", "/records/<type>"): _create,
    ("GET", "/records/<type>/export"): _sheet,
    ("POST", "/records/<type>/import"): _import,
    ("GET", "/records/<type>/<id:id>"): lambda rt: {"answer": _ref(rt, "record")},
    ("PATCH", "/records/<type>/<id:id>"): lambda rt: {"body": _ref(rt, "change"), "answer": _ref(rt, "record"), "headers": [MATCH]},
    ("DELETE", "/records/<type>/<id:id>"): lambda _rt: {"headers": [MATCH]},
    ("POST", "/records/<type>/<id:id>/void"): lambda rt: {"body": _ref(rt, "step.void"), "answer": _ref(rt, "record"), "headers": [MATCH]},
    ("POST", "/records/<type>/<id:id>/erasure"): lambda rt: {
        "answer": _ref(rt, "record"), "headers": [MATCH],
        "body": {
            "type": "object", "required": ["reason"], "additionalProperties": False,
            "properties": {"reason": {"type": "string", "minLength": 1, "maxLength": 2000}},
        },
    },
    ("GET", "/records/<type>/<id:id>/transitions"): lambda _rt: {"answer": listed(TRANSITION)},
    ("GET", "/records/<type>/<id:id>/history"): lambda _rt: {"answer": listed({"type": "object"}, names=True)},
    ("GET", "/records/<type>/<id:id>/links"): lambda _rt: {"answer": listed({"type": "object"})},
    ("GET", "/records/<type>/<id:id>/signatures"): lambda _rt: {"answer": listed({"type": "object"}, names=True)},
}

HOUSE: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("POST", "/tokens"): {
        "makes": True, "answer": {"type": "object", "required": ["id", "token", "expires_at"]},
        "body": {
            "type": "object", "required": ["username", "password"], "additionalProperties": False,
            "properties": {"username": {"type": "string", "maxLength": 1000}, "password": {"type": "string", "maxLength": 1000}, "otp": NULL_TEXT},
        },
    },
    ("GET", "/types"): {"answer": listed({"type": "object"})},
    ("POST", "/files"): {"makes": True, "form": {"type": "object", "required": ["file"], "properties": {"file": BINARY}, "additionalProperties": False}},
    ("GET", "/files/<id:id>"): {"content": {"*/*": {"schema": BINARY}}},
    ("GET", "/inbox"): {"answer": listed({"type": "object"})},
    ("GET", "/reports"): {"answer": listed({"type": "object"})},
    ("GET", "/openapi.json"): {},
}


