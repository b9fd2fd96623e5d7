"""Routes of the pages: each says who may open it, each runs in one unit of work, each post proves where it came from."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, current_app, g, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from core import sendings, sessions
from core.errors import Fault, Faults, NotAllowed, NotFound, Problem, Refusal, Refused
from core.messages import _
from core.storage import is_passing
from core.translations import LANGUAGES
from core.web.rendering import Rendering
from core.web.tokens import GUEST, SAID, SESSION, Seal, unpacked
from core.web.view import Permission, View, anyone

TRIES = 5
Page = Callable[..., Response]
First = Callable[[Any, int, MultiDict[str, str]], Any]


@dataclass(frozen=True)
class Route:
    """One address: its page, who may open it, and for a post the page shown again when it is refused.

    `once` refuses to do the same sending of a form twice: the second answer is the first one's. `first` is called
    with (site, user id, form) before the work begins, for a password that is asked again; what it gives is `view.first`.
    """

    rule: str
    method: Literal["GET", "POST"]
    page: Page
    may: Permission | None
    again: Page | None = None
    once: bool = False
    first: First | None = None

    @property
    def endpoint(self) -> str:
        """Its name within the blueprint."""
        return f"{self.method} {self.rule}".replace(".", "_")


@dataclass
class Routes:
    """The addresses of one module of pages. `@routes.get("/me", may=signed_in)` above `def show(view): …`."""

    found: list[Route] = field(default_factory=list)

    def get(self, rule: str, *, may: Permission | None = None) -> Callable[[Page], Page]:
        """A page that is read."""
        return self._keep(rule, "GET", may)

    def post(
        self, rule: str, *, may: Permission | None = None, again: Page | None = None, once: bool = False, first: First | None = None,
    ) -> Callable[[Page], Page]:
        """A form that is sent; on a refusal everything is undone and `again` shows the page with what was typed."""
        return self._keep(rule, "POST", may, again, once, first)

    def _keep(
        self, rule: str, method: Literal["GET", "POST"], may: Permission | None, again: Page | None = None, once: bool = False, first: First | None = None,
    ) -> Callable[[Page], Page]:
        def keep(page: Page) -> Page:
            self.found.append(Route(rule, method, page, may, again, once, first))
            return page
        return keep


class Runner:
    """Runs the routes of a site: work, rights, form secrets, refusals."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.seal = Seal(site.config.secrets.secret_key, site.config.public_url.startswith("https:"))
        self.rendering = Rendering(site)
        self.routes: dict[str, Route] = {}

    def mount(self, blueprint: Blueprint, routes: Iterable[Route]) -> None:
        """Put the routes into the blueprint; one without a declared permission stops the start."""
        routes = tuple(routes)
        open_doors = [f"{route.method} {route.rule}" for route in routes if route.may is None]
        if open_doors:
            raise Faults(Fault("no-permission", place, _("This route does not say who may open it."), _("Give it may=.")) for place in open_doors)
        for route in routes:
            self.routes[route.endpoint] = route
            function = self._function(route)
            rule = route.rule.replace("<plugin>", "<plugin:plugin>")
            blueprint.add_url_rule(rule, route.endpoint, function, methods=[route.method], provide_automatic_options=False)

    def _function(self, route: Route) -> Callable[..., Response]:
        def answer(**place: str) -> Response:
            return self.run(route, place)
        answer.permission = route.may  # type: ignore[attr-defined]
        answer.__name__ = route.endpoint
        return answer

    @contextmanager
    def view(self, reading: bool = True, token: str | None = None) -> Iterator[View]:
        """A view with its unit of work for whoever sends this request; without a session, one without work."""
        token = token or request.cookies.get(self.seal.cookie(SESSION))
        if token:
            with self.site.work(
                token=token, via="web", reading=reading, request_id=g.get("request_id", ""), address=request.remote_addr or "",
            ) as work:
                if work.seen is not None:
                    yield self._welcome(View(self.site, self.rendering, self.seal, work, language=work.language, csrf=work.seen.csrf))
                    return
        yield self._welcome(View(self.site, self.rendering, self.seal, None, language=self.visitor_language(), csrf=self.seal.csrf_of(self.guest())))

    def _welcome(self, view: View) -> View:
        said = self.seal.take("said", request.cookies.get(self.seal.cookie(SAID)), 60) if request.method == "GET" else None
        if said:
            view.said, g.said = view.t(unpacked(said)), True
        return view

    def guest(self) -> str:
        """The secret of a visitor, made at the first visit."""
        if "guest" not in g:
            g.guest = request.cookies.get(self.seal.cookie(GUEST)) or self.seal.new_token()
        return str(g.guest)

    def visitor_language(self) -> str:
        """The language for somebody not signed in: what the browser asks for, else the site's."""
        wanted = request.accept_languages.best_match(["zh-CN", "zh-TW", "en", "zh-Hans", "zh-Hant", "zh-HK", "zh"])
        known = {"zh-TW": "zh_TW", "zh-Hant": "zh_TW", "zh-HK": "zh_TW", "en": "en", "zh-CN": "zh_CN", "zh-Hans": "zh_CN", "zh": "zh_CN"}
        language = known.get(wanted or "", self.site.config.language)
        return language if language in LANGUAGES else "en"

    def _own_language(self) -> str:
        """The language that whoever is signed in has chosen; a visitor's where that cannot be told."""
        try:
            with self.view() as view:
                return str(view.language)
        except Exception:
            return self.visitor_language()

    def run(self, route: Route, place: dict[str, str]) -> Response:
        """Answer one request; what passes by itself (a deadlock, a busy database) is tried again as a whole."""
        for left in reversed(range(TRIES)):
            try:
                return self._try(route, place)
            except Exception as error:
                if not (left and is_passing(error)):
                    raise
        raise AssertionError("unreachable")

    def _try(self, route: Route, place: dict[str, str]) -> Response:
        try:
            self._check_address()
            if route.method == "POST":
                self._check_origin()
                # The whole form is taken in before the work begins: a slow sender must not hold up everybody who writes.
                len(request.form)
            first = self._ask_first(route) if route.first else None
            with self.view(reading=route.method == "GET") as view:
                self._check(route, view)
                view.first = first
                return self._touched(view, self._once(route, view, place))
        except SignInFirst:
            return self._to_sign_in()
        except Refusal as refusal:
            with self.view() as view:
                view.refusal, view.status = refusal, refusal.status
                if route.again and view.work is not None and not isinstance(refusal, NotFound):
                    return route.again(view, **place)
                return self.refused(view)

    def _touched(self, view: View, response: Response) -> Response:
        """Write down, at most once a minute, that the session was used; after a page that only read, in a work of its own."""
        seen = view.work.seen if view.work is not None else None
        if seen is not None and seen.is_due(view.now):
            if view.work.is_reading:
                g.touched = seen
            else:
                sessions.touch(view.work.connection, seen, view.now)
        return response

    def finish(self, response: Response) -> None:
        """What remains when the work of a request has ended: a visitor's secret to be kept, a session's use to be written down."""
        if "guest" in g and not request.cookies.get(self.seal.cookie(GUEST)):
            response.set_cookie(self.seal.cookie(GUEST), str(g.guest), **self.seal.cookie_options())
        if g.get("said") and response.mimetype == "text/html":
            response.delete_cookie(self.seal.cookie(SAID), **self.seal.cookie_options())
        seen = g.pop("touched", None)
        if seen is not None:
            with self.site.database.begin() as connection:
                sessions.touch(connection, seen, self.site.clock.now())

    def _ask_first(self, route: Route) -> Any:
        with self.view() as view:
            self._check(route, view)
            user_id = view.user_id or 0
        return route.first(self.site, user_id, request.form) if route.first else None

    def _check(self, route: Route, view: View) -> None:
        if route.may is not anyone and view.user_id is None:
            raise SignInFirst
        if route.method == "POST":
            given = request.headers.get("X-CSRF-Token") or request.form.get("_csrf", "")
            if not hmac.compare_digest(view.csrf.encode(), given.encode("utf-8", "surrogatepass")):
                raise NotAllowed(_("This form was opened before you signed in. What you typed is still here: look at it and send it again."))
        if route.may is None or not route.may(view):
            raise NotAllowed(_("This page is for administrators."))

    def _check_origin(self) -> None:
        """A post must come from a page of ours; browsers say from where."""
        said = request.headers.get("Origin") or request.headers.get("Referer")
        if said and said != "null" and urlsplit(said).netloc not in (request.host, urlsplit(self.site.config.public_url).netloc):
            raise NotAllowed(_("This form was sent from another website."))
        if said == "null" or request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise NotAllowed(_("This form was sent from another website."))

    @staticmethod
    def _check_address() -> None:
        """No address of ours holds a NUL, and PostgreSQL falls over one."""
        if any("\x00" in text for pair in request.args.items(multi=True) for text in pair):
            raise Refused([Problem("", _("This address holds a character that cannot be read."), _("Go back to the page and use its buttons."), "address")])

    def _once(self, route: Route, view: View, place: dict[str, str]) -> Response:
        token = request.form.get("_once", "") if route.once and view.user_id is not None else ""
        if not token or not token.isprintable():
            return route.page(view, **place)
        connection, user_id = view.work.connection, int(view.user_id or 0)
        claim = sendings.claim(connection, user_id, token, view.now)
        if not claim.is_first:
            return view.redirect(claim.led_to or request.path, _("This form has already been sent."))
        response = route.page(view, **place)
        if "Location" in response.headers:
            sendings.settle(connection, user_id, token, response.headers["Location"])
        else:
            sendings.release(connection, user_id, token)
        return response

    def _to_sign_in(self) -> Response:
        """Ask who it is; what was typed comes along."""
        if request.method in ("GET", "HEAD"):
            entrance = f"/sign-in?{urlencode({'next': request.full_path.rstrip('?')})}"
            if request.headers.get("HX-Request") == "true":
                return Response(status=401, headers={"HX-Redirect": entrance})
            return Response(status=303, headers={"Location": entrance})
        with self.view() as view:
            if request.headers.get("X-CSRF-Token"):
                return Response(view._("Your session has ended. Sign in again; what you typed is kept."), status=401, mimetype="text/plain")
            view.status = 401
            kept = [(key, value) for key, value in request.form.items(multi=True) if key not in ("_csrf", "_once")]
            return view.render("sign_in.html", next=request.path, kept=kept, username="", problem="", asks_otp=False, ended=True)

    def carry_on(self, path: str, kept: MultiDict[str, str], token: str) -> Response | None:
        """After signing in again: the page of an interrupted post, with what was typed. None where there is none."""
        try:
            endpoint, place = current_app.url_map.bind("").match(path, method="POST")
        except HTTPException:
            return None
        route = self.routes.get(str(endpoint).rpartition(".")[2])
        if route is None:
            return None
        with self.view(token=token) as view:
            view.form, view.carried = kept, True
            if route.again and view.user_id is not None and route.may and route.may(view):
                try:
                    return route.again(view, **place)
                except Refusal as refusal:
                    view.refusal, view.status = refusal, refusal.status
                    return self.refused(view)
            return view.render("carry_on.html", path=path, kept=list(kept.items(multi=True)))

    def refused(self, view: View) -> Response:
        """The page that says in words why something was refused."""
        assert view.refusal is not None
        view.status = view.refusal.status
        if view.is_part:
            return Response(view.t(view.refusal.what), status=view.status, mimetype="text/plain")
        return view.render("refused.html", refusal=view.refusal, problems=getattr(view.refusal, "problems", ()), who=getattr(view.refusal, "who", ()))

    def failed(self, status: int, what: str, hint: str = "", number: str = "") -> Response:
        """A page for what the routes do not answer: no such page, too large, a fault of ours, which needs no database."""
        language = self.visitor_language() if status >= 500 else self._own_language()
        view = View(self.site, self.rendering, self.seal, None, language=language, csrf=self.seal.csrf_of(self.guest()))
        view.status = status
        return view.render("failed.html", what=view.t(what), hint=view.t(hint), number=number)


class SignInFirst(Exception):
    """Nobody is signed in, and the route needs somebody."""
