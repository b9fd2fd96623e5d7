"""What a record brings along: its prints as PDF, and its files, sent while one types and handed out to who may read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response

from core import files, printing
from core.content import disposition
from core.errors import NotFound, Problem, Refusal, Refused
from core.messages import _
from core.web import place
from core.web.edit import Before, before
from core.web.routing import Routes
from core.web.view import signed_in

if TYPE_CHECKING:
    from core.web.view import View

routes = Routes()


@routes.get("/<plugin>/<noun>/<id>/prints/<form>", may=signed_in)
def print_form(view: View, plugin: str, noun: str, id: str, form: str) -> Response:
    """The controlled print of a record; it is an entry of the trail."""
    record = place.record_at(view, plugin, noun, id)
    declared = record.type.prints.get(form)
    if declared is None or (declared.in_states and record.state not in declared.in_states):
        raise NotFound(_("There is no such print form."))
    response = Response(mimetype="application/pdf")
    response.headers["Content-Disposition"] = disposition("inline", f"{record.number or record.title or form}.pdf")
    response.headers["Cache-Control"] = "no-store"
    printing.prints_of(view.site).send(view.work, record, form, response.set_data)
    return response


def upload_again(view: View) -> Response:
    """What is wrong with a file, for the script that sent it."""
    refusal = view.refusal
    assert refusal is not None
    return place.json_answer({"detail": " ".join(_sentences(view, refusal))}, refusal.status)


def _sentences(view: View, refusal: Refusal) -> Iterable[str]:
    if isinstance(refusal, Refused):
        for problem in refusal.problems:
            yield view.t(problem.what)
            yield view.t(problem.hint)
    else:
        yield view.t(refusal.what)


@routes.post("/files", may=signed_in, again=upload_again, first=before)
def upload(view: View) -> Response:
    """Keep a file that a form will use when it is saved."""
    stored = view.first.stored.get("file") if isinstance(view.first, Before) else None
    if not stored:
        raise Refused([Problem("file", _("No file came with it."), _("Choose one and send it again."), "file")])
    file = files.add(view.work.connection, stored[0], view.user_id, view.now)
    return place.json_answer({"id": str(file.id), "name": file.name, "size": file.size, "type": file.type, "sha256": file.sha256}, 201)


@routes.get("/files/<id>", may=signed_in)
def hand_out(view: View, id: str) -> Response:
    """The bytes of a file: one's own that no record uses yet, or one of a record that one reads."""
    if not id.isascii() or not id.isdigit() or len(id) > 19:
        raise NotFound
    file = files.get(view.work.connection, int(id))
    users = files.users_of(view.work.connection, file.id)
    if not (not users and file.created_by == view.user_id) and not view.work.peek("", users):
        raise NotFound
    response = Response(view.site.files.read(file.sha256), mimetype=file.type)
    response.headers["Content-Disposition"] = disposition(file.disposition, file.name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
