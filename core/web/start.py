"""The first page of a day: what waits, what was started, drafts; and the way from a printed code or a number to its record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

from core import drafts, inbox, waiting
from core.errors import NotFound
from core.inbox import Entry
from core.web.navigation import navigation
from core.web.rendering import WEEKDAYS
from core.web.routing import Routes
from core.web.view import View, signed_in

routes = Routes()

VERB_ICONS = (
    ("approv", "checkbox"), ("review", "checkbox"), ("check", "checkbox"), ("sign", "signature"), ("verif", "rosette-discount-check"), ("submit", "send"),
    ("issue", "send"), ("send", "send"), ("receive", "package-import"), ("close", "circle-check"), ("start", "player-play"), ("report", "clipboard-check"),
    ("confirm", "circle-check"), ("fill", "writing"), ("complete", "circle-check"), ("reject", "arrow-back-up"), ("back", "arrow-back-up"),
)
"""Words in the name of a step → an icon; the first that stands in it counts."""


@dataclass(frozen=True)
class Draft:
    """One line of what is not sent yet: a draft, or what autosave kept of a form."""

    href: str
    title: str
    form: str
    kind: str
    icon: str
    at: datetime


@routes.get("/", may=signed_in)
def show(view: View) -> Response:
    """The inbox."""
    box = inbox.inbox(view.work)
    now = view.now.astimezone(view.site.config.zone)
    words = view._("{day}, {weekday} · {time}", day=f"{now:%Y-%m-%d}", weekday=view.t(WEEKDAYS[now.weekday()]), time=f"{now:%H:%M}")
    groups = (
        ("overdue", view._("Overdue"), box.overdue, "alarm", "bad", "od"), ("today", view._("Due today"), box.today, "clock-hour-5", "warn", "td"),
        ("later", view._("Later"), box.later, "calendar", "", ""),
    )
    entries = box.entries
    nav = navigation(view, inbox.counts_of(view.work, box))
    quick = [item for group in nav.creates for item in group.items][:6]
    return view.render(
        "inbox.html", box=box, groups=groups, now_words=words, first=entries[0].row.id if entries else None, drafts=list(_drafts(view, box))[:8],
        quick=quick, nav=nav, step_icon=step_icon,
    )


def step_icon(entry: Entry) -> str:
    """An icon for what is to be done."""
    return next((icon for word, icon in VERB_ICONS if word in entry.step), "player-play")


def _drafts(view: View, box: inbox.Inbox) -> Iterator[Draft]:
    unsent = {one.record_id: one for one in drafts.of(view.work)}
    for row in box.drafts:
        rt = view.registry.types[row.type]
        kept = unsent.pop(row.id, None)
        form = view.label("type", rt.name, rt.label)
        at = max(row.changed_at, kept.saved_at) if kept else row.changed_at
        yield Draft(f"{rt.path}/{row.id}/edit" if kept else f"{rt.path}/{row.id}", row.title or form, form, view._("Draft"), "pencil", at)
    for kept in unsent.values():
        if kept.type in view.registry.types:
            rt = view.registry.types[kept.type]
            form = view.label("type", rt.name, rt.label)
            href = f"{rt.path}/{kept.record_id}/edit" if kept.record_id else f"{rt.path}/new"
            yield Draft(href, view._("Unsent: {form}", form=form), form, view._("Unsent"), "cloud-check", kept.saved_at)


@routes.get("/scan", may=signed_in)
def scan(view: View) -> Response:
    """From a number, or what a printed code holds, to the record."""
    code = request.args.get("code", "").strip()[:500]
    problem = ""
    if code:
        href = _place_of(view, code)
        if href:
            return view.redirect(href)
        problem = view._("Nothing that you may read has the number “{number}”.", number=code[:60])
    return view.render("scan.html", code=code, problem=problem)


def _place_of(view: View, code: str) -> str:
    """The page of a scanned address of ours, or of the record with that number."""
    parts = urlsplit(code)
    if parts.scheme in ("http", "https"):
        is_ours = parts.netloc in (request.host, urlsplit(view.site.config.public_url).netloc)
        return parts.path if is_ours and parts.path.startswith("/") and not parts.path.startswith("//") else ""
    for name in waiting.find_number(view.work.connection, view.access, code):
        try:
            record: Any = view.work.get(name.type, name.id)
        except NotFound:
            continue
        return f"{record.type.path}/{record.id}"
    return ""


