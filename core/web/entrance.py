"""Signing in and out; a form that was interrupted by the end of a session comes along."""

from __future__ import annotations

from flask import Response, current_app, request
from werkzeug.datastructures import MultiDict

from core import sessions
from core.errors import Refusal
from core.messages import _
from core.web.routing import Routes, Runner
from core.web.tokens import GUEST, SESSION
from core.web.view import View, anyone, signed_in

routes = Routes()
KEPT = "kept."
TICKET_SECONDS = 300
"""How long a checked password counts while the one-time code is typed."""


def own_path(text: str) -> str:
    """A path on this site to go to after signing in; anything else is the inbox."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\", "/sign-")) and "\\" not in text and text.isprintable()
    return text if is_ours and len(text) <= 2000 else "/"


@routes.get("/sign-in", may=anyone)
def ask(view: View) -> Response:
    """Who is it?"""
    if view.user_id is not None:
        return view.redirect(own_path(request.args.get("next", "/")))
    return _ask(view, own_path(request.args.get("next", "/")))


def _ask(view: View, next: str, problem: str = "", asks_otp: bool = False, ticket: str = "") -> Response:
    kept = [(key.removeprefix(KEPT), value) for key, value in view.form.items(multi=True) if key.startswith(KEPT)]
    return view.render(
        "sign_in.html", next=next, kept=kept, username=view.form.get("username", ""), problem=problem, asks_otp=asks_otp, ticket=ticket, ended=False,
    )


def _runner() -> Runner:
    runner: Runner = current_app.extensions["yunkong.pages"]
    return runner


def again(view: View) -> Response:
    """The sign-in page after a refusal."""
    problem = view.t(view.refusal.what) if view.refusal else ""
    return _ask(view, own_path(view.form.get("next", "/")), problem)


@routes.post("/sign-in", may=anyone, again=again)
def enter(view: View) -> Response:
    """Let somebody in, with a code of theirs where they have turned that on."""
    form, next = view.form, own_path(view.form.get("next", "/"))
    if view.user_id is not None:
        return view.redirect(next)
    username, password = form.get("username", ""), form.get("password", "")
    ticket = view.seal.take("otp", form.get("ticket"), TICKET_SECONDS)
    if ticket and ticket[0] == username:
        password = sessions.reveal(view.site.config.secrets.secret_key, ticket[1]) or "" or ""
    try:
        begun = sessions.sign_in(
            view.site, username=username, password=password, otp=form.get("otp", ""), address=request.remote_addr or "",
            agent=request.headers.get("User-Agent", ""),
        )
    except Refusal as refusal:
        view.status = refusal.status
        if refusal.code == "otp_required" or (ticket and refusal.status == 401):
            wrong = view.t(refusal.what) if form.get("otp") else ""
            return _ask(view, next, wrong, True, view.seal.put("otp", [username, sessions.hide(view.site.config.secrets.secret_key, password)]))
        return _ask(view, next, view.t(refusal.what))
    return _enter(view, begun, next)


def _enter(view: View, begun: sessions.SignedIn, next: str) -> Response:
    kept = MultiDict([(key.removeprefix(KEPT), value) for key, value in view.form.items(multi=True) if key.startswith(KEPT)])
    response = (_runner().carry_on(next, kept, begun.token) if kept else None) or view.redirect(next)
    options = view.seal.cookie_options()
    lasts = int((begun.expires_at - view.now).total_seconds())
    response.set_cookie(view.seal.cookie(SESSION), begun.token, max_age=max(lasts, 60), **options)
    response.delete_cookie(view.seal.cookie(GUEST), **options)
    return response


@routes.post("/sign-out", may=signed_in)
def leave(view: View) -> Response:
    """End this session."""
    seen = view.work.seen
    sessions.end(view.work.connection, view.work.origin, seen.user_id, seen.session_id)
    response = view.redirect("/sign-in", _("You have signed out."))
    response.delete_cookie(view.seal.cookie(SESSION), **view.seal.cookie_options())
    return response
