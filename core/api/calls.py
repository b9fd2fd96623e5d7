"""How an API request runs: who asks, one unit of work, the body, the idempotency key, and refusals as problem documents."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, Request, Response, g, request
from werkzeug.exceptions import HTTPException

from core import answers, sessions
from core.errors import NotAllowed, NotFound, Problem, Refusal, Refused, Stale
from core.messages import Message, _
from core.service import Confirmed, Work
from core.site import NotSignedIn, Site
from core.storage import is_passing
from core.translations import LANGUAGES

if TYPE_CHECKING:
    from core.schemas import Schemas

Permission = Literal["anyone", "signed in", "administrator"]
TRIES = 5
LARGEST_BODY = 16 * 1024 * 1024
MOST_DIGITS = 1000
LANGUAGE_CODES = {"zh-cn": "zh_CN", "zh-tw": "zh_TW", "en": "en", "zh": "zh_CN", "zh-hans": "zh_CN", "zh-hant": "zh_TW", "zh-hk": "zh_TW"}
SECRETS = ("password", "otp")
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,100}")


class Missing(Refusal):
    """A header that a change needs is not there (428)."""

    status = 428
    code = "precondition_required"


class Bad(Refusal):
    """The request cannot be read at all."""

    def __init__(self, what: str, status: int = 400, code: str = "bad_request") -> None:
        self.status = status
        self.code = code
        super().__init__(what)


@dataclass
class Call:
    """One request: its work, and what it brought."""

    site: Site
    schemas: Schemas
    work: Work
    request: Request
    confirmed: Confirmed | None = None
    received: Any = None

    def query(self, *known: str) -> dict[str, str]:
        """The query parameters; one that is not known, or given twice, is refused."""
        problems = [
            Problem(name, _("There is no parameter {name}.", name=name[:60].encode("ascii", "replace").decode()), ", ".join(known), "unknown_parameter")
            for name in self.request.args if name not in known
        ]
        problems += [Problem(name, _("This parameter is given twice."), code="twice") for name in known if len(self.request.args.getlist(name)) > 1]
        problems += [Problem(name, _("This holds a character that cannot be stored."),
                             code="characters") for name in known if not _clean(self.request.args.get(name, ""))]
        if problems:
            raise Refused(problems)
        return {name: self.request.args[name] for name in known if name in self.request.args}

    def body(self) -> Any:
        """The JSON of the request; None where there is none."""
        return read_json(self.request)

    def version(self) -> int:
        """The version that If-Match names; 428 without, 0 (which no record has) where it is none of ours."""
        return version_of(self.request, required=True) or 0

    def optional_version(self) -> int | None:
        """The version that If-Match names, if it is given."""
        return version_of(self.request, required=False)

    def text(self, message: str) -> str:
        """A text in the language of whoever asks."""
        return self.work.text(message)


def _clean(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def version_of(asked: Request, required: bool) -> int | None:
    """The version in If-Match: `"3"`; `*` matches any version."""
    given = asked.headers.get("If-Match")
    if given is None:
        if required:
            raise Missing(_("Say which version you have seen: send its ETag as If-Match."))
        return None
    text = given.strip()
    if text == "*":
        return None
    digits = text.removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def read_json(asked: Request) -> Any:
    """The body as JSON; strict: no NaN, no deep nesting, no names twice."""
    raw = asked.get_data(cache=True)
    if not raw:
        return None
    if asked.mimetype != "application/json":
        raise Bad(_("Send JSON, with Content-Type: application/json."), 415, "media_type")
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_int=_whole, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise Bad(_("This is not UTF-8: byte {at}.", at=error.start + 1), 400, "json") from None
    except json.JSONDecodeError as error:
        raise Bad(_("This is not JSON: line {line}, column {column}.", line=error.lineno, column=error.colno), 400, "json") from None
    except RecursionError:
        raise Bad(_("This JSON is nested too deeply."), 400, "json") from None


def _no_constant(name: str) -> Any:
    raise Bad(_("{name} is not JSON.", name=name), 400, "json")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise Bad(_("A number of {count} digits is too long.", count=len(digits)), 400, "json")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _times = Counter(name for name, _value in pairs).most_common(1)[0]
        raise Bad(_("The name {name} stands twice in one object.", name=twice[:60].encode("ascii", "replace").decode()), 400, "json")
    return found


@dataclass(frozen=True)
class Route:
    """One operation of the API: address, method, who may call it, and what the OpenAPI document says of it."""

    rule: str
    method: str
    function: Callable[..., Response]
    may: Permission
    writes: bool
    summary: str
    confirms: bool = False
    receives: Callable[[Site, Request], Any] | None = None


@dataclass
class Routes:
    """The operations of one module: `@routes.get("/me", may="signed in")` above `def me(call): …`."""

    found: list[Route] = field(default_factory=list)

    def add(
        self, method: str, rule: str, *, may: Permission, writes: bool | None = None, confirms: bool = False,
        receives: Callable[[Site, Request], Any] | None = None,
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Declare an operation; `may` cannot be left out. One that `confirms` may carry the password again, for a signature.

        `receives` takes in what is large before the work begins; the function finds it as `call.received`.
        """
        def keep(function: Callable[..., Response]) -> Callable[..., Response]:
            summary = (function.__doc__ or "").strip().partition("\n")[0]
            self.found.append(Route(rule, method, function, may, method != "GET" if writes is None else writes, summary, confirms, receives))
            return function
        return keep

    def get(self, rule: str, *, may: Permission, writes: bool = False) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """An operation that reads."""
        return self.add("GET", rule, may=may, writes=writes)

    def post(
        self, rule: str, *, may: Permission, confirms: bool = False, receives: Callable[[Site, Request], Any] | None = None,
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """An operation that makes or does something."""
        return self.add("POST", rule, may=may, confirms=confirms, receives=receives)


class Runner:
    """Runs the operations of a site."""

    def __init__(self, site: Site, schemas: Schemas) -> None:
        self.site = site
        self.schemas = schemas

    def mount(self, blueprint: Blueprint, routes: Routes) -> None:
        """Put operations into the blueprint."""
        for route in routes.found:
            function = self._function(route)
            blueprint.add_url_rule(route.rule, f"{route.method} {route.rule}".replace(".", "_"), function, methods=[route.method],
                                   provide_automatic_options=False)

    def _function(self, route: Route) -> Callable[..., Response]:
        def answer(**place: str) -> Response:
            return self.run(route, place)
        answer.permission = route.may  # type: ignore[attr-defined]
        return answer

    def run(self, route: Route, place: Mapping[str, str]) -> Response:
        """Answer one request; what passes by itself (a deadlock, a busy database) is tried again as a whole."""
        for left in reversed(range(TRIES)):
            try:
                return self._try(route, place)
            except Refusal as refusal:
                return self._refused(route, refusal)
            except Exception as error:
                if not (left and is_passing(error)):
                    raise
        raise AssertionError("unreachable")

    def _try(self, route: Route, place: Mapping[str, str]) -> Response:
        if request.content_length is not None and request.content_length > LARGEST_BODY and request.mimetype == "application/json":
            raise Bad(_("This is too large."), 413, "too_large")
        token, by_cookie = self._token()
        if token is None and route.may != "anyone":
            raise NotSignedIn()
        options: dict[str, Any] = {"via": "api", "request_id": g.get("request_id", ""), "address": request.remote_addr or "", "language": self.language()}
        if route.may == "anyone":
            return route.function(Call(self.site, self.schemas, None, request), **place)  # type: ignore[arg-type]
        confirmed = self._confirm(token, place) if route.confirms else None
        received = self._receive(route, token) if route.method != "GET" else None
        with self.site.work(token=token, reading=not route.writes, **options) as work:
            g.language = work.language
            if work.seen is None:
                raise NotSignedIn()
            if by_cookie and route.method != "GET" and not sessions.is_csrf(work.seen, request.headers.get("X-CSRF-Token", "")):
                raise NotAllowed(_("A browser sends the form secret of its session as X-CSRF-Token."))
            if route.may == "administrator" and not work.access.is_administrator:
                raise NotAllowed(_("This is for administrators."))
            call = Call(self.site, self.schemas, work, request, confirmed, received)
            return self._once(route, call, place)

    def _receive(self, route: Route, token: str | None) -> Any:
        """Take in the whole request, and the file that it brings, before the work begins: a slow sender must not hold up everybody who writes."""
        if route.receives is None or "Idempotency-Key" in request.headers:
            request.get_data(cache=True)
        if route.receives is None:
            return None
        with self.site.work(token=token, reading=True) as work:
            if work.seen is None:
                raise NotSignedIn()
        return route.receives(self.site, request)

    def _confirm(self, token: str | None, place: Mapping[str, str]) -> Confirmed | None:
        """Prove the password that a signing step brought, in transactions of its own, before the work begins."""
        rt = self.site.registry.types.get(place.get("type", ""))
        step = rt.steps.get(place.get("name", "")) if rt else None
        if step is None or step.signature is None or not step.signature.asks_password:
            return None
        body = read_json(request)
        password, otp = (body.get(name) for name in SECRETS) if isinstance(body, dict) else (None, None)
        if not isinstance(password, str) or not password or not isinstance(otp or "", str):
            return None
        with self.site.work(token=token, reading=True) as work:
            if work.actor is None:
                raise NotSignedIn()
            actor = work.actor
        return self.site.confirm(actor, password, otp or "", address=request.remote_addr or "")

    def _token(self) -> tuple[str | None, bool]:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return (token.strip() if scheme.lower() == "bearer" and token.strip() else None), False
        secure = self.site.config.public_url.startswith("https:")
        cookie = request.cookies.get("__Host-yunkong" if secure else "yunkong")
        return cookie, cookie is not None

    def language(self) -> str | None:
        """The language that Accept-Language asks for first, if we speak it."""
        wanted = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0].strip().lower()
        found = LANGUAGE_CODES.get(wanted)
        return found if found in LANGUAGES else None

    # The idempotency key

    def _once(self, route: Route, call: Call, place: Mapping[str, str]) -> Response:
        key = request.headers.get("Idempotency-Key")
        if route.method != "POST" or key is None:
            return route.function(call, **place)
        scoped, fingerprint = self._scope(key), self._fingerprint()
        work = call.work
        user = work.actor or 0
        if answers.is_running(work.connection, user, scoped):
            raise Stale(_("A request with this key is still running."), status=409)
        kept = answers.find(work.connection, user, scoped)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise Refused([Problem("Idempotency-Key", _("This key was used for another request."), _("Take a new key."), "key_reused")])
            return Response(kept.body, kept.status, {**kept.headers, "Idempotency-Replayed": "true"})
        response = route.function(call, **place)
        answers.keep(work.connection, user, scoped, fingerprint, response.status_code, _kept_headers(response), response.get_data(), work.now)
        g.answered = True
        return response

    def _scope(self, key: str) -> str:
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise Refused([Problem("Idempotency-Key", _("A key is 1 to 100 printable ASCII characters without spaces."), code="key")])
        return answers.scoped(f"{request.method} {request.path}", key)

    def _fingerprint(self) -> str:
        if request.mimetype == "application/json":
            body = read_json(request)
            if isinstance(body, dict):
                body = {name: value for name, value in body.items() if name not in SECRETS}
            text = json.dumps(body, sort_keys=True, ensure_ascii=True)
        else:
            text = hashlib.sha256(request.get_data(cache=True)).hexdigest()
        return hashlib.sha256(f"{request.method} {request.full_path}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()

    def _refused(self, route: Route, refusal: Refusal) -> Response:
        response = self.problem(refusal)
        key = request.headers.get("Idempotency-Key", "")
        if route.method == "POST" and key and refusal.status in (403, 404, 412, 422) and getattr(refusal, "code", "") != "refused_key":
            self._keep_refusal(response, key)
        return response

    def _keep_refusal(self, response: Response, key: str) -> None:
        """A refusal is an answer too: its transaction was undone, so it is kept in one of its own."""
        token, _by_cookie = self._token()
        if token is None:
            return
        with self.site.work(token=token, via="api") as work:
            if work.seen is not None and IDEMPOTENCY_KEY.fullmatch(key):
                scoped = answers.scoped(f"{request.method} {request.path}", key)
                try:
                    fingerprint = self._fingerprint()
                except Refusal:
                    return
                answers.keep(work.connection, work.actor or 0, scoped, fingerprint, response.status_code, _kept_headers(response), response.get_data(),
                             work.now)

    # Refusals

    def problem(self, refusal: Refusal) -> Response:
        """A refusal as an RFC 9457 document in the caller's language."""
        language = g.get("language") or self.language() or self.site.config.language

        def t(text: str) -> str:
            return self.site.registry.translations.text(text, language)

        body: dict[str, Any] = {
            "type": f"urn:yunkong:{refusal.code}", "title": t(TITLES.get(refusal.status, refusal.what)), "status": refusal.status, "code": refusal.code,
            "detail": t(refusal.what), "request_id": g.get("request_id", ""),
        }
        if isinstance(refusal, Refused):
            body["problems"] = [problem_json(problem, t) for problem in refusal.problems]
        if isinstance(refusal, NotAllowed):
            body["who"] = [{"role": who.role, "department": None if who.department is None else str(who.department),
                            "users": list(who.users)} for who in refusal.who]
        if isinstance(refusal, Stale):
            body["version"] = refusal.version
            body["changes"] = [
                {"field": one.field, "before": one.before, "after": one.after, "by": None if one.by is None else str(one.by),
                 "at": one.at} for one in refusal.changes
            ]
        response = answer(body, refusal.status)
        response.mimetype = "application/problem+json"
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        if isinstance(refusal, sessions.TooMany):
            response.headers["Retry-After"] = str(refusal.wait)
        return response

    def http_problem(self, error: HTTPException) -> Response:
        """What the server itself refuses (no such address, wrong method, too large) in the same shape."""
        status = error.code or 500
        response = self.problem(Bad(TITLES.get(status, _("The request was refused.")), status, f"http_{status}"))
        if status == 405 and getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
        return response

    def fault(self) -> Response:
        """A fault of ours: its number, and nothing of its inside."""
        return self.problem(Bad(_("Something went wrong here. It was written down under the number given; nothing was changed."), 500, "fault"))


TITLES: Mapping[int, Message] = {
    400: _("The request cannot be read."), 401: _("Sign in first."), 403: _("This is not yours to do."), 404: _("This does not exist, or not for you."),
    405: _("This address does not do that."), 409: _("Not in this state."), 412: _("Somebody else has changed this meanwhile."), 413: _("This is too large."),
    415: _("This kind of content is not taken here."), 422: _("There are things to mend first."), 428: _("Say which version you have seen."),
    429: _("Too many attempts."), 500: _("Something went wrong here."),
}


def problem_json(problem: Problem, t: Callable[[str], str]) -> dict[str, Any]:
    """One problem as JSON."""
    return {
        "where": problem.pointer, "what": t(problem.what), "hint": t(problem.hint), "code": problem.code, "clause": problem.clause, "level": problem.level,
    }


def _kept_headers(response: Response) -> dict[str, str]:
    return {name: response.headers[name] for name in ("Location", "ETag", "Content-Type") if name in response.headers}


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(body, ensure_ascii=False, separators=(",", ":")), status, dict(headers or {}), mimetype="application/json")


def identity(text: str) -> int:
    """An id in an address; NotFound where it is none."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 19 and text[0] != "0" and int(text) < 2**63):
        raise NotFound()
    return int(text)
