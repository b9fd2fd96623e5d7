"""The menus of a page: built from the registry, for what the user may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from flask import request

from core import inbox, reports
from core.directory import Directory
from core.records import RecordType
from core.web import badges

if TYPE_CHECKING:
    from core.access import Access
    from core.web.view import View


@dataclass(frozen=True)
class Item:
    """One entry of a menu. `alarm` colours the count: something in it is overdue."""

    href: str
    label: str
    icon: str
    current: bool = False
    count: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Group:
    """A plugin's entries."""

    label: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Navigation:
    """Everything that the layout shows around a page."""

    site: str
    kind: str
    user: str
    duty: str
    at: str
    waiting: str
    first: tuple[Item, ...]
    groups: tuple[Group, ...]
    last: tuple[Item, ...]
    creates: tuple[Group, ...]


def navigation(view: View, waits: inbox.Counts | None = None) -> Navigation:
    """The menus for one reader, the current page marked."""
    at = request.path
    waits = waits or inbox.counts(view.work)
    todo = Item("/", view._("To do"), "inbox", at == "/", capped(waits.total), waits.overdue > 0)
    is_admin = view.access.is_administrator
    last = (Item("/admin", view._("Modules and site"), "puzzle", at.startswith("/admin")),) if is_admin else ()
    user = view.directory.users.get(view.user_id or 0)
    return Navigation(
        site=view.site.config.name, kind=view.site.config.kind, user=user.name if user else "", duty=_duty(view), at=at, waiting=todo.count,
        first=(todo,), groups=tuple(_groups(view, at, waits)), last=last, creates=tuple(_creates(view)),
    )


def capped(count: int, most: int = 99) -> str:
    """A count in a menu: nothing for none, 99+ for many."""
    return "" if count == 0 else f"{most}+" if count > most else str(count)


def _groups(view: View, at: str, waits: inbox.Counts) -> Iterator[Group]:
    for name, plugin in view.registry.plugins.items():
        items = [_item(view, rt, at, waits) for rt in view.registry.types.values() if rt.plugin == name and is_seen(view.access, rt)]
        for key, report in view.registry.reports.items():
            if key.partition(".")[0] == name and reports.may_read(view.access, report):
                href = f"/{name}/reports/{key.partition('.')[2]}"
                items.append(Item(href, view.label("report", key, report.label), badges.type_icon(report), at == href))
        if items:
            yield Group(view.t(plugin.label), tuple(items))


def _item(view: View, rt: RecordType, at: str, waits: inbox.Counts) -> Item:
    current = at == rt.path or at.startswith(f"{rt.path}/")
    waiting, overdue = waits.by_type.get(rt.name, (0, 0))
    return Item(rt.path, view.label("type", rt.name, rt.label), badges.type_icon(rt), current, capped(waiting), overdue > 0)


def _creates(view: View) -> Iterator[Group]:
    for name, plugin in view.registry.plugins.items():
        types = [rt for rt in view.registry.types.values() if rt.plugin == name and creatable(view.access, rt)]
        items = tuple(Item(f"{rt.path}/new", view.label("type", rt.name, rt.label), badges.type_icon(rt)) for rt in types)
        if items:
            yield Group(view.t(plugin.label), items)


def creatable(access: Access, rt: RecordType) -> bool:
    """Whether the user may create one of a kind."""
    return _remembered(_creatable, access, rt)


def is_seen(access: Access, rt: RecordType) -> bool:
    """Whether a type stands in the user's menu."""
    return _remembered(_seen, access, rt) or creatable(access, rt)


_known: WeakKeyDictionary[Directory, dict[tuple[str, int | None, str], bool]] = WeakKeyDictionary()


def _creatable(access: Access, rt: RecordType) -> bool:
    return bool(access.may_create(rt))


def _seen(access: Access, rt: RecordType) -> bool:
    return bool(access.scope(rt))


def _remembered(question: Callable[[Access, RecordType], bool], access: Access, rt: RecordType) -> bool:
    """The answer to a question about rights, worked out once for each state of the directory."""
    known = _known.setdefault(access.directory, {})
    key = (question.__name__, access.user_id, rt.name)
    if key not in known:
        known[key] = question(access, rt)
    return known[key]


def _duty(view: View) -> str:
    """Department and first role of the user, for the top bar."""
    user = view.directory.users.get(view.user_id or 0)
    if user is None:
        return ""
    roles = [role for role in view.directory.roles_of(user.id) if role != "core.employee"]
    names = [view.directory.departments[user.departments[0]].name] if user.departments else []
    if roles:
        names.append(view.label("role", roles[0], view.registry.roles[roles[0]].label))
    return " · ".join(names)
