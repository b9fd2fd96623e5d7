"""The Flask application of one site: pages and API together, with what every answer carries."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, request, send_from_directory
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from core import heartbeats, upgrade
from core.api import create_api
from core.api.problems import answer as problem_answer
from core.config import SiteConfig
from core.errors import Fault, Faults, Refusal
from core.messages import _
from core.storage import new_id
from core.web import create_pages
from core.web.rendering import STATIC

LARGEST_BODY = 64 * 1024 * 1024
LARGEST_FORM = 16 * 1024 * 1024
"""So much text comes back with the place where it is too long; more is refused as a whole."""
MOST_LEFT = 4 * LARGEST_BODY
"""So much of a refused body is still taken in."""
MOST_PARTS = 50_000
CSP = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "form-action 'self'",
    "base-uri 'none'", "frame-ancestors 'none'", "manifest-src 'self'",
))
HEADERS = {
    "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("yunkong.app")


def create_app(site: Any) -> Flask:
    """The application that serves a site. Raises Faults where a route does not say who may open it."""
    app = Flask("core", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=MOST_PARTS)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["plugin"] = type("PluginConverter", (BaseConverter,), {"regex": "|".join(site.registry.plugins) or "(?!)"})
    pages, runner = create_pages(site)
    app.extensions["yunkong"], app.extensions["yunkong.pages"] = site, runner
    app.register_blueprint(pages)
    api, app.extensions["yunkong.api"] = create_api(site)
    app.register_blueprint(api, url_prefix="/api/v1")
    _add_static(app)
    _add_health(app, site)
    _add_frame(app, site, runner)
    _add_errors(app, runner)
    check_permissions(app)
    if is_behind_proxy(site.config):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0, x_host=0)  # type: ignore[method-assign]
    return app


def is_behind_proxy(config: SiteConfig) -> bool:
    """Whether a proxy of ours stands before us: the site's public address is at another port than the one we listen at.

    Then whoever asks is the last address in X-Forwarded-For; else nobody is believed about where they come from.
    """
    public = urlsplit(config.public_url)
    usual = 443 if public.scheme == "https" else 80
    return (usual if public.port is None else public.port) != config.port


def open_to_all(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that a route may be opened by anybody."""
    function.permission = "anyone"  # type: ignore[attr-defined]
    return function


def check_permissions(app: Flask) -> None:
    """Refuse to start with a route that does not declare who may open it."""
    without = sorted({str(rule) for rule in app.url_map.iter_rules() if getattr(app.view_functions[rule.endpoint], "permission", None) is None})
    if without:
        raise Faults(Fault("no-permission", rule, _("This route does not say who may open it."), _("Give it may=.")) for rule in without)


def _add_static(app: Flask) -> None:
    @app.get("/static/<path:name>", endpoint="static")
    @open_to_all
    def static(name: str) -> Response:
        response = send_from_directory(STATIC, name, max_age=31_536_000 if "v" in request.args else 3600)
        if "v" in request.args:
            response.cache_control.immutable = True
        return response


def _add_health(app: Flask, site: Any) -> None:
    @app.get("/healthz")
    @open_to_all
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz")
    @open_to_all
    def readyz() -> tuple[Response, int]:
        found = readiness(site)
        return jsonify(status="ok" if all(found.values()) else "not ready", **found), 200 if all(found.values()) else 503


def _add_frame(app: Flask, site: Any, runner: Any) -> None:
    is_https = site.config.public_url.startswith("https:")

    @app.before_request
    def name_request() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else f"{new_id():x}"

    @app.after_request
    def finish(response: Response) -> Response:
        runner.finish(response)
        if response.status_code == 413:
            _take_in_the_rest()
        return response

    @app.after_request
    def dress(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _take_in_the_rest() -> None:
    """Read what is still being sent: a browser that cannot finish sending shows a broken connection instead of the answer."""
    stream, left = request.environ.get("wsgi.input"), MOST_LEFT
    if stream is None or not request.environ.get("wsgi.input_terminated"):
        return
    with suppress(OSError, ClientDisconnected):
        while left > 0 and (chunk := stream.read(1024 * 1024)):
            left -= len(chunk)


def readiness(site: Any) -> dict[str, bool]:
    """What a site needs before it can serve: the database, its tables as declared, a worker that lives."""
    try:
        with site.database.begin(reading=True) as connection:
            worker = heartbeats.is_alive(connection)
        return {"database": True, "migrations": upgrade.plan(site.database).is_empty, "worker": worker}
    except Exception:  # whatever is wrong, the answer is that it is not ready
        _log.exception("the database does not answer")
        return {"database": False, "migrations": False, "worker": False}


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _add_errors(app: Flask, runner: Any) -> None:
    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return problem_answer(refusal) if _is_api() else runner.failed(refusal.status, refusal.what)

    @app.errorhandler(HTTPException)
    def not_answered(error: HTTPException) -> Response:
        return problem_answer(error) if _is_api() else _page(runner, error)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        number = str(g.get("request_id", ""))
        _log.exception("fault %s at %s %s", number, request.method, request.path, exc_info=error)
        if _is_api():
            return problem_answer(error)
        hint = _("What you typed has not been saved, but the page before still holds it: go back. Tell the administrator the number below.")
        response: Response = runner.failed(500, _("Something went wrong on our side"), hint, number)
        return response


def _page(runner: Any, error: HTTPException) -> Response:
    """A page for what Flask itself refuses."""
    status = error.code or 500
    if isinstance(error, NotFound):
        what, hint = _("There is nothing here"), _("It may have been removed, or it is not for you to read.")
    elif isinstance(error, MethodNotAllowed):
        what, hint = _("This address cannot be used like that"), _("Go back to the page and use its buttons.")
    elif isinstance(error, RequestEntityTooLarge) and (request.content_length or 0) > LARGEST_BODY:
        what, hint = _("This is too large to be sent"), _("Send files of at most {size} MB.", size=LARGEST_BODY // 1024 // 1024)
    elif isinstance(error, RequestEntityTooLarge):
        what, hint = _("This is too large to be sent"), _("Nothing has been saved. Go back, shorten the longest text or take out rows, and send it again.")
    else:
        what, hint = _("This could not be understood"), _("Go back, look at what you sent, and try again.")
    response: Response = runner.failed(status, what, hint)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response
