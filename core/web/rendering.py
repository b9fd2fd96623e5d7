"""Templates and what they may call: texts, dates as people write them, badges, addresses of assets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from core.messages import Message, _
from core.records import RecordType
from core.translations import LANGUAGES
from core.web import badges, navigation

if TYPE_CHECKING:
    from core.web.view import View

HERE = Path(__file__).parent
STATIC = HERE / "static"
OWN_NAME = _("The name of this language")
HTML_LANGUAGES = {"zh_CN": "zh-CN", "zh_TW": "zh-TW", "en": "en"}
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
THIN_SPACE = "\u2009"


class Rendering:
    """The templates of one site: core's, and each plugin's own pages as `plugin/name.html`."""

    def __init__(self, site: Any) -> None:
        self.site = site
        own = {name: FileSystemLoader(folder / "templates") for name, folder in site.registry.folders.items()}
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(own)]),
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False, cache_size=200,
        )
        self.environment.filters.update(thousands=thousands, day=day)

    @cached_property
    def _versions(self) -> Mapping[str, str]:
        files = (path for path in STATIC.rglob("*") if path.is_file())
        return {path.relative_to(STATIC).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:10] for path in files}

    @cached_property
    def languages(self) -> tuple[tuple[str, str], ...]:
        """Code and name of each language, each named in itself."""
        texts = self.site.registry.translations
        return tuple((code, "English" if code == "en" else texts.text(OWN_NAME, code)) for code in LANGUAGES)

    def asset(self, name: str) -> str:
        """The address of a static file, with its version so that browsers may keep it for ever."""
        return f"/static/{name}?v={self._versions[name]}" if name in self._versions else f"/static/{name}"

    def render(self, view: View, template: str, context: Mapping[str, Any]) -> str:
        """The text of a template for this reader."""
        zone = self.site.config.zone
        known: dict[str, Any] = {
            "_": view._, "t": view.t, "view": view, "language": view.language, "html_language": HTML_LANGUAGES[view.language],
            "languages": self.languages, "asset": self.asset, "csrf": view.csrf, "once_token": view.seal.new_token, "said": view.said,
            "label": view.label, "moment": partial(self._moment, view), "clock": lambda at: f"{at.astimezone(zone):%H:%M}",
            "stamp": lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}", "short_day": partial(self._short_day, view),
            "weekday": lambda on: view.t(WEEKDAYS[on.weekday()]), "today": view.now.astimezone(zone).date(), "now": view.now.astimezone(zone),
            "state_badge": partial(self._state_badge, view), "due_badge": partial(self._due_badge, view), "type_icon": badges.type_icon,
        }
        if view.user_id is not None:
            known["nav"] = context.get("nav") or navigation.navigation(view)
        return self.environment.get_template(template).render({**known, **context})

    def _moment(self, view: View, at: datetime | None) -> str:
        """Today, yesterday or tomorrow with the time; else month and day, with the year when it is another."""
        if at is None:
            return "—"
        zone = self.site.config.zone
        there, today = at.astimezone(zone), view.now.astimezone(zone).date()
        near = {0: _("today {time}"), -1: _("yesterday {time}"), 1: _("tomorrow {time}")}.get((there.date() - today).days)
        if near:
            return view.t(Message(near.id, time=f"{there:%H:%M}"))
        return f"{there:%m-%d %H:%M}" if there.year == today.year else f"{there:%Y-%m-%d %H:%M}"

    def _short_day(self, view: View, on: date | None) -> str:
        if on is None:
            return "—"
        return f"{on:%m-%d}" if on.year == view.now.astimezone(self.site.config.zone).year else f"{on:%Y-%m-%d}"

    def _state_badge(self, view: View, rt: RecordType, state: str, record: Any = None) -> badges.Badge:
        look = getattr(rt.states.get(state), "look", None)
        kind = None
        if look is not None and view.work is not None:
            department = record.department if record is not None else None
            kind = look.choices[view.directory.choice(look.name, department)].values.get(state)
        badge = badges.state_badge(rt, state, kind)
        return badges.Badge(badge.tone, badge.icon, view.label("state", f"{rt.name}:{state}", badge.label))

    def _due_badge(self, view: View, due: datetime | None) -> badges.Badge | None:
        badge = badges.due_badge(due, view.now, self.site.config.zone)
        return badge and badges.Badge(badge.tone, badge.icon, view.t(badge.label))


def thousands(number: int | Decimal | float | None) -> str:
    """A figure with thin spaces between thousands."""
    return "—" if number is None else f"{number:,}".replace(",", THIN_SPACE)


def day(on: date | datetime | None) -> str:
    """A day as in tables and on paper."""
    return "—" if on is None else f"{on:%Y-%m-%d}"


def week_of(on: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week."""
    monday = on - timedelta(days=on.weekday())
    return monday, monday + timedelta(days=6)
