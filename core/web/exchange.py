"""Excel in and out of a list: the export, and the import with a dry run, an answer per row, and the workbook given back."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response, request

from core import transfer
from core.content import disposition
from core.errors import NotAllowed, Problem, Refused
from core.messages import _
from core.records import RecordType
from core.web.listing import find_type, query_of, read_asked, tabs_of
from core.web.navigation import creatable
from core.web.routing import Routes
from core.web.view import View, signed_in

routes = Routes()

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_SHOWN = 200
TONES = {"created": "good", "changed": "info", "unchanged": "mute", "refused": "bad"}
ICONS = {"created": "plus", "changed": "edit", "unchanged": "minus", "refused": "alert-circle"}
WORDS = {"created": _("New"), "changed": _("Changed"), "unchanged": _("As it was"), "refused": _("To be mended")}


def workbook(data: bytes, name: str) -> Response:
    """An .xlsx to be saved under a name."""
    response = Response(data, mimetype=XLSX)
    response.headers["Content-Disposition"] = disposition("attachment", f"{name}.xlsx")
    return response


def to_mend(view: View, name: str, otherwise: str) -> str:
    """What a workbook is called that is given back with its errors."""
    said = view._("to mend")
    return f"{name.rpartition('.')[0] or otherwise}-{said}"


@routes.get("/<plugin>/<noun>/export", may=signed_in)
def export(view: View, plugin: str, noun: str) -> Response:
    """The list as it is filtered, as a workbook."""
    rt = find_type(view, plugin, noun)
    tabs = tabs_of(view, rt)
    query = query_of(read_asked(view, rt, view.reading(), tabs), tabs)
    return workbook(transfer.export_list(view.work, rt, query), f"{rt.name}-{view.work.today:%Y%m%d}")


@routes.get("/<plugin>/<noun>/import", may=signed_in)
def ask(view: View, plugin: str, noun: str) -> Response:
    """Which workbook?"""
    rt = _fillable(view, plugin, noun)
    return _page(view, rt)


@routes.get("/<plugin>/<noun>/import/template", may=signed_in)
def template(view: View, plugin: str, noun: str) -> Response:
    """The register as a workbook with its headings, to be filled and sent back."""
    rt = _fillable(view, plugin, noun)
    return workbook(transfer.export_list(view.work, rt), f"{rt.name}-{view.work.today:%Y%m%d}")


def _fillable(view: View, plugin: str, noun: str) -> RecordType:
    rt = find_type(view, plugin, noun)
    if not rt.is_register:
        raise Refused([Problem("", _("Only registers are imported as a whole."), _("Import the lines on the page of the form."), "not_a_register")])
    if not creatable(view.access, rt):
        raise NotAllowed(_("You may not fill this register."))
    return rt


def again(view: View, plugin: str, noun: str) -> Response:
    """The page after a file was refused as a whole."""
    return _page(view, _fillable(view, plugin, noun))


@routes.post("/<plugin>/<noun>/import", may=signed_in, again=again, once=False)
def take(view: View, plugin: str, noun: str) -> Response:
    """Try the workbook, or apply it; the rows that cannot be taken are told and the others count."""
    rt = _fillable(view, plugin, noun)
    content, name = _content(view)
    is_trial = "apply" not in view.form
    answer = transfer.import_register(view.work, rt, content, dry_run=is_trial)
    if "marked" in view.form:
        return workbook(transfer.marked(view.work, content, answer, rt.fields), to_mend(view, name, rt.name))
    if not is_trial and not answer.refused:
        done = answer.counts
        text = _("Imported: {created} new, {changed} changed, {unchanged} as they were.", **done)
        return view.redirect(rt.path, text)
    return _page(view, rt, answer, base64.b64encode(content).decode(), name, is_trial)


def _content(view: View) -> tuple[bytes, str]:
    """The workbook: the file of this form, or the one that was tried before."""
    file = request.files.get("file")
    if file is not None and file.filename:
        content = file.stream.read(transfer.LARGEST_FILE + 1)
        name = file.filename
    else:
        sent = view.form.get("content", "")
        content, name = base64.b64decode(sent.encode("ascii", "ignore")) if sent else b"", view.form.get("name", "")
    if not content:
        raise Refused([Problem("file", _("No file was chosen."), _("Choose an .xlsx file."), "required")])
    if len(content) > transfer.LARGEST_FILE:
        size = transfer.LARGEST_FILE // 1_000_000
        raise Refused([Problem("file", _("This file is too large."), _("At most {size} MB; split it.", size=size), "too_large")])
    return content, "".join(c for c in name if c.isprintable())[:120]


def _page(view: View, rt: RecordType, answer: Any = None, content: str = "", name: str = "", is_trial: bool = True) -> Response:
    labels = {key: view.t(kind.label) for key, kind in rt.fields.items()}
    rows = []
    if answer is not None:
        wanted = [*answer.refused, *(row for row in answer.rows if row.status != "refused")][:MOST_SHOWN]
        rows = [(row, [_told(view, labels, problem) for problem in row.problems]) for row in wanted]
    problems = getattr(view.refusal, "problems", ()) if view.refusal else ()
    if view.refusal and not problems:
        problems = (Problem("", view.refusal.what),)
    return view.render(
        "import.html", rt=rt, answer=answer, rows=rows, content=content, name=name, is_trial=is_trial, labels=labels, tones=TONES, icons=ICONS,
        words=WORDS, problems=problems, size=transfer.LARGEST_FILE // 1_000_000, most_rows=transfer.MOST_ROWS, fields=[
            (view.t(kind.label), kind.required) for kind in rt.fields.values() if not kind.effects_only and kind.kind not in ("computed", "lines", "checklist")
        ],
    )


def _told(view: View, labels: dict[str, str], problem: Problem) -> tuple[str, str, str]:
    """The column's heading, the fault, the cure."""
    return labels.get(problem.where.strip("/").partition("/")[0], ""), view.t(problem.what), view.t(problem.hint)
