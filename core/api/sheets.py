"""The operations that give or take documents: prints, Excel out and in, reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Request, Response

from core import printing, reports, transfer
from core.api.calls import Bad, Call, Routes, answer, problem_json
from core.api.openapi import BINARY, SHEET, listed
from core.api.records import etag, read_query, record_of, seen, type_of
from core.content import disposition
from core.errors import NotFound, Problem, Refused
from core.messages import _
from core.schemas import dump_names

if TYPE_CHECKING:
    from core.site import Site

routes = Routes()
PDF = "application/pdf"


@routes.get("/records/<type>/<id:id>/prints/<form>", may="signed in")
def print_record(call: Call, type: str, id: str, form: str) -> Response:
    """A record on one of its print forms; the print stands in its trail."""
    call.query()
    record = record_of(call, type, id)
    if form not in record.type.prints:
        raise NotFound(_("There is no such print form."))
    response = Response(mimetype=PDF)
    response.headers["Content-Disposition"] = disposition("inline", f"{record.number or record.id}.pdf")
    printing.prints_of(call.site).send(call.work, record, form, response.set_data)
    return response


@routes.get("/records/<type>/export", may="signed in")
def export_records(call: Call, type: str) -> Response:
    """The list as a workbook, filtered as the list is."""
    rt = type_of(call, type)
    query, only = read_query(call, rt)
    columns = tuple(name for name in rt.fields if name in only) if "fields" in call.request.args else None
    return sheet(transfer.export_list(call.work, rt, query, columns), rt.noun)


def sheet(content: bytes, name: str) -> Response:
    """A workbook as an answer."""
    response = Response(content, mimetype=SHEET)
    response.headers["Content-Disposition"] = disposition("attachment", f"{name}.xlsx")
    return response


def receive_workbook(_site: Site, sent: Request) -> bytes:
    """The workbook of a request, taken in before the work begins."""
    if sent.mimetype != "multipart/form-data":
        raise Bad(_("Send the file as multipart/form-data, in a part called “file”."), 415, "media_type")
    part = sent.files.get("file")
    if part is None or list(sent.files) != ["file"] or sent.form:
        raise Refused([Problem("/file", _("Send exactly one file, in a part called “file”."), code="file")])
    return part.stream.read(transfer.LARGEST_FILE + 1)


def _is_trial(call: Call) -> bool:
    asked = call.query("dry_run").get("dry_run", "false")
    if asked not in ("true", "false"):
        raise Refused([Problem("dry_run", _("Say true or false."), code="type")])
    return asked == "true"


def _taken(call: Call, taken: transfer.Answer, dry_run: bool) -> dict[str, Any]:
    """What became of each row, as JSON."""
    items = [
        {
            "row": row.row, "status": row.status, "number": row.number,
            "id": None if row.id is None or (dry_run and row.status == "created") else str(row.id),
            "problems": [problem_json(problem, call.text) for problem in row.problems],
        }
        for row in taken.rows
    ]
    return {"dry_run": dry_run, "counts": dict(taken.counts), "ignored": list(taken.ignored), "items": items, "next": None}


@routes.post("/records/<type>/import", may="signed in", receives=receive_workbook)
def import_records(call: Call, type: str) -> Response:
    """Fill a register from a workbook; an answer per row. A dry run changes nothing."""
    dry_run = _is_trial(call)
    taken = transfer.import_register(call.work, type_of(call, type), call.received, dry_run=dry_run)
    return answer(_taken(call, taken, dry_run))


@routes.post("/records/<type>/<id:id>/lines/<field>/import", may="signed in", receives=receive_workbook)
def import_lines(call: Call, type: str, id: str, field: str) -> Response:
    """Fill a table of a record from a workbook, all of its rows or none; an answer per row. A dry run changes nothing."""
    dry_run = _is_trial(call)
    record = record_of(call, type, id)
    if field not in record.type.lines or field in call.work.access.hidden(record.type, record):
        raise NotFound(_("There is no such table."))
    version = call.optional_version() if dry_run else seen(call, record)
    taken = transfer.import_lines(call.work, record, field, call.received, version, dry_run=dry_run)
    if taken.refused and not dry_run:
        raise Refused([replace(problem, where=f"/rows/{row.row}{problem.pointer}") for row in taken.refused for problem in row.problems])
    return answer(_taken(call, taken, dry_run), headers={"ETag": etag(record)})


@routes.get("/reports/<name>", may="signed in")
def read_report(call: Call, name: str) -> Response:
    """The rows of a report; `.xlsx` or `.pdf` behind its name gives a workbook or a print."""
    key, _dot, suffix = name.rpartition(".")
    if suffix not in ("xlsx", "pdf"):
        key, suffix = name, ""
    report = reports.find(call.work, key)
    typed = call.query(*report.parameters)
    values = reports.read_parameters(report, typed, call.work.reading())
    result = reports.run(call.work, key, values)
    names = call.work.names([], result.ids)
    reading = call.work.reading(names)
    if suffix == "xlsx":
        columns = transfer.field_columns(result.columns, reading)
        return sheet(transfer.write_table(call.text(report.label), columns, result.rows, reading), key)
    if suffix == "pdf":
        response = Response(mimetype=PDF)
        printing.prints_of(call.site).send_report(call.work, result, call.text(report.label), reading, response.set_data)
        return response
    rows = [{column: kind.dump(row.get(column)) for column, kind in result.columns.items()} for row in result.rows]
    parameters = {n: k.dump(result.parameters.get(n)) for n, k in report.parameters.items()}
    return answer({"name": key, "label": call.text(report.label), "parameters": parameters, "items": rows, "next": None, "names": dump_names(names)})


OPENAPI: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/reports/<name>"): {
        "content": {"application/json": {"schema": {"type": "object"}}, SHEET: {"schema": BINARY}, PDF: {"schema": BINARY}},
    },
    ("GET", "/reports"): {"answer": listed({"type": "object"})},
}
