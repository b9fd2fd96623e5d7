"""The floor: a bare Flask + SQLAlchemy Core application that writes the same rows as Yunkong does, and checks next to nothing.

It has no rights, rules, declarations, translations or idempotency; it signs in by the same session table, writes record,
document, lines, links, trail (chained) and signature into the same tables, and reads them back. What Yunkong costs beyond
it is the price of being Yunkong.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, abort, g, jsonify, request

from benchmarks import bench
from core.site import open_site
from core.storage import new_id

FAR = datetime(9999, 12, 31, tzinfo=UTC)
HEAD = ("subject", "customer", "contact", "kind", "story", "remarks")


class Tables:
    """The tables that it writes and the statements that it runs, prepared once."""

    def __init__(self, folder: Path) -> None:
        site = open_site(folder, extra={"bench": bench})
        self.database = site.database
        self.engine = site.database.engine
        named = site.database.metadata.tables
        own = site.database.tables(bench.DOCUMENT)
        self.document, self.line = own.main, own.lines["lines"].table
        self.record, self.trail, self.link, self.counter, self.signature = (named[n] for n in ("record", "trail", "link", "counter", "signature"))
        session, user, stamp = named["session"], named["user"], named["stamp"]
        now = sa.select(stamp.c.value).where(stamp.c.name == "directory").scalar_subquery()
        self.sign_in = sa.select(session.c.user_id, now.label("stamp")).join(user, user.c.id == session.c.user_id).where(
            session.c.token_hash == sa.bindparam("token"), session.c.ended_at.is_(None), user.c.is_active)
        self.head = sa.select(self.document).where(self.document.c.id == sa.bindparam("id_"))
        self.lines = sa.select(self.line).where(self.line.c.record_id == sa.bindparam("id_")).order_by(self.line.c.position)
        self.names = sa.select(self.record.c.id, self.record.c.type, self.record.c.number, self.record.c.title).where(
            self.record.c.id.in_(sa.bindparam("ids", expanding=True)))
        self.list = sa.select(self.document).where(
            self.document.c.department_id == sa.bindparam("department"), self.document.c.state == sa.bindparam("state_"),
        ).order_by(self.document.c.due_key, self.document.c.id).limit(51)
        self.add = {t.name: t.insert() for t in (self.record, self.document, self.line, self.link, self.signature)}
        last = sa.select(sa.func.coalesce(sa.func.max(self.trail.c.xact), 0) + 1).correlate(None).scalar_subquery()
        self.add_trail = self.trail.insert().values(
            xact=last if site.database.is_sqlite else sa.literal_column("pg_current_xact_id()::text::bigint"))
        one = site.database.insert(self.counter).values(series=sa.bindparam("series_"), value=1)
        self.number = one.on_conflict_do_update(index_elements=["series"], set_={"value": self.counter.c.value + 1}).returning(self.counter.c.value)
        later = {"number": sa.bindparam("n"), "state": sa.bindparam("s"), "version": sa.bindparam("v"), "changed_at": sa.bindparam("at")}
        self.step = self.document.update().where(self.document.c.id == sa.bindparam("i"), self.document.c.version == sa.bindparam("v0")).values(**later)
        self.step_record = self.record.update().where(self.record.c.id == sa.bindparam("i")).values(**later, chain=sa.bindparam("c"))


def floor() -> Flask:
    """The application, for gunicorn; its folder is that of a site, in BENCH_SITE."""
    app = Flask("floor")
    tables = Tables(Path(os.environ["BENCH_SITE"]))

    @app.before_request
    def sign_in() -> None:
        g.now = datetime.now(UTC)
        options = {"reading": True} if request.method == "GET" else {}
        g.connection = tables.engine.connect().execution_options(**options)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = g.connection.execute(tables.sign_in, {"token": hashlib.sha256(token.encode()).hexdigest()}).first()
        if found is None:
            abort(401)
        g.user = found.user_id

    @app.teardown_request
    def close(_error: BaseException | None) -> None:
        if "connection" in g:
            g.connection.close()

    @app.get("/ping")
    def ping() -> Any:
        return jsonify(user=str(g.user))

    @app.post("/documents")
    def create() -> Any:
        id = written(tables, request.get_json(), int(os.environ["BENCH_DEPARTMENT"]))
        g.connection.commit()
        return jsonify(shown(tables, id, fresh=request.get_json())), 201

    @app.post("/documents/<int:id>/submit")
    def submit(id: int) -> Any:
        document = stepped(tables, id)
        g.connection.commit()
        return jsonify(document)

    @app.get("/documents/<int:id>")
    def read(id: int) -> Any:
        return jsonify(shown(tables, id))

    @app.get("/documents")
    def listed() -> Any:
        asked = {"department": int(os.environ["BENCH_DEPARTMENT"]), "state_": request.args["state"]}
        rows = g.connection.execute(tables.list, asked).mappings().all()
        return jsonify(items=[plain(row) for row in rows[:50]], next=len(rows) > 50)

    return app


def written(tables: Tables, body: dict[str, Any], department: int) -> int:
    """Write a document: record, form, lines, links, trail."""
    connection, now, id = g.connection, g.now, new_id()
    values = {name: str(body[name]) for name in HEAD} | {
        "planned_on": date.fromisoformat(body["planned_on"]), "is_urgent": bool(body["is_urgent"]), "amount": Decimal(body["amount"]),
        "weight": Decimal(body["weight"]),
    }
    common = {
        "id": id, "number": None, "title": values["subject"], "state": "draft", "department_id": department, "created_by": g.user, "changed_at": now,
        "version": 1, "revision": 1, "due_at": None, "due_key": FAR,
    }
    chain = trailed(tables, id, 1, "created", {**body, "state": "draft"})
    connection.execute(tables.add["record"], {**common, "type": "bench.document", "chain": chain})
    connection.execute(tables.add["bench_document"], {**common, **values, "created_at": now})
    rows = [
        {"id": new_id(), "record_id": id, "position": place, "part": int(line["part"]), "qty": Decimal(line["qty"]), "place": line["place"],
         "due_on": date.fromisoformat(line["due_on"])}
        for place, line in enumerate(body["lines"], 1)
    ]
    connection.execute(tables.add["bench_document__lines"], rows)
    connection.execute(tables.add["link"], [
        {"id": new_id(), "from_id": id, "to_id": row["part"], "kind": "field:lines.part", "row_id": row["id"], "once": None, "created_at": now} for row in rows
    ])
    return id


def trailed(tables: Tables, id: int, version: int, action: str, changes: dict[str, Any], prev: str = "", step: str = "", signed: str = "") -> str:
    """Write a row of the trail; returns its hash."""
    row = {
        "id": new_id(), "record_id": id, "version": version, "type": "bench.document", "action": f"bench.document.{action}", "step": step,
        "actor_id": g.user, "for_id": None, "at": g.now, "reason": "", "via": "api", "address": "127.0.0.1", "request_id": "", "cause": "",
        "changes": json.dumps(changes, default=str), "signed": signed, "prev": prev,
    }
    row["hash"] = hashlib.sha256(json.dumps(row, default=str, sort_keys=True).encode()).hexdigest()
    g.connection.execute(tables.add_trail, row)
    return str(row["hash"])


def stepped(tables: Tables, id: int) -> dict[str, Any]:
    """Submit a document: number, signature over its JSON, trail, both rows."""
    connection = g.connection
    document = shown(tables, id)
    if document["state"] != "draft":
        abort(409)
    number = f"D-202611-{connection.execute(tables.number, {'series_': 'bench.document:D-202611-{counter}'}).scalar_one():07d}"
    snapshot = json.dumps(document | {"number": number, "state": "submitted", "version": 2}, sort_keys=True)
    digest = hashlib.sha256(snapshot.encode()).hexdigest()
    connection.execute(tables.add["signature"], {
        "id": new_id(), "record_id": id, "version": 2, "step": "submit", "meaning": "Prepared", "user_id": g.user, "for_id": None, "role": "bench.clerk",
        "department_id": None, "at": g.now, "method": "session", "snapshot": snapshot, "digest": digest, "cause_id": None, "withdrawn_at": None,
        "withdrawn_by_step": None,
    })
    chain = trailed(tables, id, 2, "submitted", {"state": ["draft", "submitted"], "number": [None, number]}, step="submit", signed=digest)
    later = {"i": id, "n": number, "s": "submitted", "v": 2, "at": g.now}
    if connection.execute(tables.step, {**later, "v0": 1}).rowcount != 1:
        abort(412)
    connection.execute(tables.step_record, {**later, "c": chain})
    return document | {"number": number, "state": "submitted", "version": 2}


def shown(tables: Tables, id: int, fresh: dict[str, Any] | None = None) -> dict[str, Any]:
    """A document as JSON, with its lines and the names of their parts."""
    if fresh is not None:
        return {"id": str(id), **fresh, "state": "draft", "version": 1}
    head = g.connection.execute(tables.head, {"id_": id}).mappings().first()
    if head is None:
        abort(404)
    rows = g.connection.execute(tables.lines, {"id_": id}).mappings().all()
    names = g.connection.execute(tables.names, {"ids": [row["part"] for row in rows]}).mappings()
    return plain(head) | {"lines": [plain(row) for row in rows], "names": {str(row["id"]): plain(row) for row in names}}


def plain(row: Any) -> dict[str, Any]:
    """A row as JSON."""
    return {name: str(value) if isinstance(value, (Decimal, date, datetime)) else value for name, value in row.items()}
