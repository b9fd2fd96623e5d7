"""One request of a page: the site, the unit of work, the reader's language, and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from core.errors import Refusal
from core.fields import Name, Reading
from core.messages import Message
from core.web.tokens import SAID, Seal, packed

if TYPE_CHECKING:
    from core.access import Access
    from core.directory import Directory
    from core.registry import Registry
    from core.web.rendering import Rendering

Permission = Callable[["View"], bool]
"""Who may open a route at all; what may be seen and done within is the door's to say."""


class View:
    """What a page's function is given. `work` is open for its whole length; a refusal undoes it.

    `refusal` is set when the page is shown again because a post was refused; `form` then holds what was typed.
    `carried` is true when the typed came through signing in again and nothing was refused.
    """

    def __init__(self, site: Any, rendering: Rendering, seal: Seal, work: Any, *, language: str, csrf: str) -> None:
        self.site = site
        self.work = work
        self.seal = seal
        self.rendering = rendering
        self.language = language
        self.csrf = csrf
        """The secret that every posted form carries as `_csrf`, or a script as `X-CSRF-Token`."""
        self.refusal: Refusal | None = None
        self.carried = False
        self.first: Any = None
        self.said: str = ""
        self.status = 200

    @cached_property
    def form(self) -> MultiDict[str, str]:
        """What was typed; taken in when asked for, so that a form too large for that still gets a page that says so."""
        return request.form

    @property
    def registry(self) -> Registry:
        """All enabled declarations."""
        registry: Registry = self.site.registry
        return registry

    @property
    def directory(self) -> Directory:
        """Who is who, as this unit of work sees it."""
        directory: Directory = self.work.directory
        return directory

    @property
    def access(self) -> Access:
        """What the actor may do."""
        access: Access = self.work.access
        return access

    @property
    def user_id(self) -> int | None:
        """Who is signed in; None for a visitor."""
        return None if self.work is None else self.work.actor

    @property
    def now(self) -> datetime:
        """The moment of this unit of work."""
        now: datetime = self.work.now if self.work is not None else self.site.clock.now()
        return now

    @property
    def is_part(self) -> bool:
        """Whether htmx asked for a part of the page."""
        return request.headers.get("HX-Request") == "true"

    def t(self, message: str | None) -> str:
        """A label or message in the reader's language."""
        return self.registry.translations.text(message, self.language) if message else ""

    def _(self, id: str, /, **values: object) -> str:
        """A text of the page's own in the reader's language."""
        return self.registry.translations.text(Message(id, **values), self.language)

    def label(self, kind: str, key: str, declared: str) -> str:
        """The site's own word for a type, state, role, form or function, else the declared label, translated."""
        own = self.directory.word(kind, key, self.language) if self.work is not None else None
        return own or self.t(declared)

    def reading(self, names: Mapping[int, Name] | None = None) -> Reading:
        """How field values are turned into text for this reader, and back."""
        reading: Reading = self.work.reading(names)
        return reading

    def render(self, template: str, /, **context: Any) -> Response:
        """The page, with the layout around it."""
        text = self.rendering.render(self, template, context)
        return Response(text, status=self.status, mimetype="text/html")

    def redirect(self, to: str, say: str = "") -> Response:
        """Send the browser to another page of ours, which will say the message once."""
        response = Response(status=303, headers={"Location": to})
        if say:
            response.set_cookie(self.seal.cookie(SAID), self.seal.put("said", packed(say)), max_age=60, **self.seal.cookie_options())
        return response


def anyone(_view: View) -> bool:
    """The route is open to visitors."""
    return True


def signed_in(view: View) -> bool:
    """The route is open to everybody with an account; the door decides about what is in it."""
    return view.user_id is not None


def administrator(view: View) -> bool:
    """The route is open to those who look after the whole site."""
    return view.user_id is not None and view.access.is_administrator
