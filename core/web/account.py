"""The user's own page: language, password, sessions, one-time codes."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from core import passwords, people, sessions
from core.errors import Problem, Refused
from core.messages import _
from core.printing.sheet import code as qr_code
from core.translations import LANGUAGES
from core.web.routing import Routes
from core.web.tokens import SESSION
from core.web.view import View, signed_in

routes = Routes()


@routes.get("/me", may=signed_in)
def show(view: View) -> Response:
    """Everything that a user decides about their own account."""
    return _page(view)


def again(view: View) -> Response:
    """The page after a refusal; passwords are never shown again."""
    return _page(view)


def _page(view: View) -> Response:
    connection, seen = view.work.connection, view.work.seen
    user = view.directory.users[seen.user_id]
    listed = sessions.sessions_of(connection, seen.user_id, view.now)
    secret_key, site = view.site.config.secrets.secret_key, view.site.config.name
    pending = sessions.pending_totp(connection, secret_key, seen.user_id, site)
    roles = [
        (view.label("role", role, view.registry.roles[role].label), [view.directory.departments[s].name if s else view._("the whole site") for s in seats])
        for role, seats in view.directory.roles_of(seen.user_id).items() if role in view.registry.roles
    ]
    problems = {p.where.strip("/"): p for p in getattr(view.refusal, "problems", ())}
    return view.render(
        "me.html", user=user, sessions=listed, current=seen.session_id, pending=pending, qr=_qr(pending[1]) if pending else "", roles=roles,
        problems=problems, refused=view.refusal, refused_problems=getattr(view.refusal, "problems", ()), password_given=seen.password_given,
        has_totp=sessions.has_totp(connection, seen.user_id),
        shortest=passwords.SHORTEST, browser=browser, departments=[" / ".join(view.directory.departments[d].path) for d in user.departments],
    )


BROWSERS = (("Edg/", "Edge"), ("MicroMessenger", "WeChat"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def browser(agent: str) -> str:
    """What a browser calls itself, in two words."""
    found = (next((name for word, name in names if word in agent), "") for names in (BROWSERS, SYSTEMS))
    return " · ".join(one for one in found if one) or agent[:40]


def _qr(address: str) -> str:
    """A QR code as the address of a picture."""
    return f"data:image/png;base64,{base64.b64encode(qr_code(address)).decode()}"


@routes.post("/me/language", may=signed_in)
def choose_language(view: View) -> Response:
    """Keep the language in which the user reads."""
    language = view.form.get("language", "")
    if language not in LANGUAGES:
        raise Refused([Problem("language", _("There is no such language."), _("Choose one of the list."), "choice")])
    people.change_user(view.work.connection, view.work.origin, view.user_id or 0, language=language)
    back = request.referrer or ""
    path = "/" + back.split("/", 3)[3] if back.startswith(request.host_url) and back.count("/") >= 3 else "/me"
    return view.redirect(path if path.isprintable() else "/me")


def confirm(site: Any, user_id: int, form: MultiDict[str, str]) -> None:
    """Ask for the present password before the work begins, so that a wrong answer stays counted."""
    sessions.confirm(site, user_id, form.get("password", ""), form.get("otp", ""), address=request.remote_addr or "")


@routes.post("/me/password", may=signed_in, again=again, first=confirm)
def change_password(view: View) -> Response:
    """Another password; every other session of the user ends, this one goes on with a new token."""
    form, seen = view.form, view.work.seen
    if form.get("new", "") != form.get("repeated", ""):
        raise Refused([Problem("repeated", _("The two are not the same."), _("Type the new password twice."), "repeated")])
    memory = passwords.memory_for(view.site.config.kind)
    people.set_password(view.work.connection, view.work.origin, seen.user_id, form.get("new", ""), memory=memory)
    renewed = sessions.renew(view.work.connection, seen.session_id)
    response = view.redirect("/me", _("Your password has been changed. All other sessions have ended."))
    _keep(view, response, renewed)
    return response


def _keep(view: View, response: Response, begun: sessions.SignedIn) -> None:
    lasts = int((begun.expires_at - view.now).total_seconds())
    response.set_cookie(view.seal.cookie(SESSION), begun.token, max_age=max(lasts, 60), **view.seal.cookie_options())


@routes.post("/me/sessions/<int:id>/end", may=signed_in, again=again)
def end_session(view: View, id: int) -> Response:
    """End one of the user's own sessions or tokens."""
    sessions.end(view.work.connection, view.work.origin, view.user_id or 0, id)
    return view.redirect("/me" if id != view.work.seen.session_id else "/sign-in", _("The session has ended."))


@routes.post("/me/codes/begin", may=signed_in, again=again, first=confirm)
def begin_codes(view: View) -> Response:
    """Make the secret for an authenticator."""
    config = view.site.config
    sessions.begin_totp(view.work.connection, config.secrets.secret_key, view.user_id or 0, config.name)
    return view.redirect("/me#codes")


@routes.post("/me/codes/activate", may=signed_in, again=again)
def activate_codes(view: View) -> Response:
    """Turn one-time codes on with the first code."""
    secret_key = view.site.config.secrets.secret_key
    sessions.activate_totp(view.work.connection, view.work.origin, secret_key, view.user_id or 0, view.form.get("otp", ""))
    return view.redirect("/me#codes", _("One-time codes are on. You will be asked for one at your next sign-in."))


@routes.post("/me/codes/stop", may=signed_in, again=again, first=confirm)
def stop_codes(view: View) -> Response:
    """Turn one-time codes off."""
    sessions.stop_totp(view.work.connection, view.work.origin, view.user_id or 0)
    return view.redirect("/me#codes", _("One-time codes are off."))
