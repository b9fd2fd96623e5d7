"""The list of a record type: views with counts, filters, search, chosen columns, keyset paging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from core import sendings
from core.access import restricted
from core.errors import Invalid, NotFound, Problem
from core.fields import Field, Lines, Reading
from core.messages import Message, _
from core.records import RecordType
from core.service.shapes import Query
from core.web.badges import type_icon
from core.web.navigation import creatable
from core.web.rendering import THIN_SPACE
from core.web.routing import Routes
from core.web.view import View, signed_in

routes = Routes()

NO_COLUMN = ("long_text", "photos", "attachments", "outside_signature")
LIMITS = (25, 50, 100)
DEFAULT_LIMIT = 50
CAP = 1000
COMMON_LABELS: Mapping[str, Message] = {
    "number": _("Number"), "title": _("Title"), "state": _("State"), "department": _("Department"), "due_at": _("Deadline"),
    "created_by": _("Started by"), "created_at": _("Created"), "changed_at": _("Last change"), "revision": _("Revision"),
}
SORTED = ("number", "due_at", "changed_at")
LONGEST_TRAIL = 40
"""How many pages back the earlier-button can go."""


@dataclass(frozen=True)
class Column:
    """One column of the table: a common field or one of the type's."""

    name: str
    label: str
    kind: Field | None
    is_right: bool = False
    sort: str | None = None
    direction: str = ""


@dataclass(frozen=True)
class Tab:
    """A view of the list: its states and how many are in it."""

    key: str
    label: str
    states: tuple[str, ...]
    count: str = ""


@dataclass(frozen=True)
class Filter:
    """One field by which the list can be narrowed, and what is chosen now (in words)."""

    name: str
    label: str
    kind: Field | None
    widget: str
    options: tuple[tuple[str, str], ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    problem: str = ""
    without: str = ""


@dataclass
class Asked:
    """What the address of a list asks for, read and checked."""

    tab: str
    q: str
    sort: str
    cursor: str
    trail: list[str]
    limit: int
    filters: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def find_type(view: View, plugin: str, noun: str) -> RecordType:
    """The record type of an address; NotFound where there is none."""
    return view.registry.type(f"{plugin}.{noun}")


@routes.get("/<plugin>/<noun>", may=signed_in)
def show(view: View, plugin: str, noun: str) -> Response:
    """One page of the list."""
    rt = find_type(view, plugin, noun)
    if not view.access.is_employee and not view.access.is_administrator:
        raise NotFound
    reading = view.reading()
    tabs = tabs_of(view, rt)
    asked = read_asked(view, rt, reading, tabs)
    query = query_of(asked, tabs)
    page = view.work.page(rt, query)
    names = view.work.names(page.items)
    columns = {column.name: column for column in _columns(view, rt, asked)}
    chosen = [name for name in _chosen(view, rt) if name in columns]
    filters = list(_filters(view, rt, asked, reading))
    return view.render(
        "list.html", rt=rt, tabs=_counted(view, rt, tabs), asked=asked, page=page, columns=[columns[name] for name in chosen],
        all_columns=[columns[name] for name in dict.fromkeys((*chosen, *columns))], chosen=chosen, reading=view.reading(names), cell=cell,
        pages=_pages(view, page, asked),
        filters=filters, is_filtered=bool(asked.q or asked.filters), order=_order(view, rt, asked), icon=type_icon(rt), limits=LIMITS,
        may_create=creatable(view.access, rt), form=_form(view, rt), address=address, here=request.full_path.rstrip("?"), hidden_kinds=_kept_parameters(),
        may_import=creatable(view.access, rt) and rt.is_register, link=_link(view, rt),
    )


def _form(view: View, rt: RecordType) -> str:
    """The form's own number and revision, beside the title."""
    for key, form in rt.prints.items():
        number = view.label("form_no", f"{rt.name}:{key}", form.form_no)
        revision = view.label("form_revision", f"{rt.name}:{key}", form.revision)
        if number:
            return f"{view.label('form', f'{rt.name}:{key}', form.label)} · {number} {revision}".rstrip()
    return ""


# what is asked


def tabs_of(view: View, rt: RecordType) -> tuple[Tab, ...]:
    """Every state has its view; before them what is open, and all."""
    if rt.is_register:
        return (Tab("active", view._("In use"), ("active",)), Tab("all", view._("All"), ()), Tab("inactive", view._("Out of use"), ("inactive",)))
    still = tuple(name for name, state in rt.states.items() if not state.final)
    own = tuple(Tab(name, view.label("state", f"{rt.name}:{name}", state.label), (name,)) for name, state in rt.states.items() if name != "superseded")
    return (Tab("open", view._("Not closed"), still), Tab("all", view._("All"), ()), *own)


def read_asked(view: View, rt: RecordType, reading: Reading, tabs: tuple[Tab, ...]) -> Asked:
    """The address, read; what cannot be read is said at its filter and left out."""
    args = request.args
    tab = args.get("view", tabs[0].key)
    limit = int(args["limit"]) if args.get("limit", "") in {str(n) for n in LIMITS} else DEFAULT_LIMIT
    sort = args.get("sort", "")
    asked = Asked(
        tab if tab in {t.key for t in tabs} else tabs[0].key, args.get("q", "").strip()[:200],
        sort if sort.lstrip("-") in _sortable(view, rt) else default_sort(rt),
        args.get("cursor", "")[:2000], [one for one in args.get("back", "").split("~") if one][-LONGEST_TRAIL:], limit,
    )
    for name, kind in filterable(view, rt).items():
        for operator in ("eq", "gte", "lte"):
            text = args.get(f"filter[{name}]" if operator == "eq" else f"filter[{name}][{operator}]", "").strip()
            if text:
                try:
                    value = int(text) if name == "department" else kind.parse(text, reading) if kind else text
                except (Invalid, ValueError) as wrong:
                    what = wrong.what if isinstance(wrong, Invalid) else _("There is no such department.")
                    asked.problems.append(Problem(name, what, getattr(wrong, "hint", "")))
                    continue
                asked.filters.setdefault(name, {})[operator] = value
    return asked


def default_sort(rt: RecordType) -> str:
    """Nearest deadline first; a register, which has none, by its number."""
    return "number" if rt.is_register and rt.numbering else "due_at"


def query_of(asked: Asked, tabs: tuple[Tab, ...]) -> Query:
    """The same for the door."""
    states = next(tab.states for tab in tabs if tab.key == asked.tab)
    fields = {name: how for name, how in asked.filters.items() if name != "department"}
    department = asked.filters.get("department", {}).get("eq")
    return Query(states=states, q=asked.q, department=department, filters=fields, sort=asked.sort, cursor=asked.cursor, limit=asked.limit)


def filterable(view: View, rt: RecordType) -> dict[str, Field | None]:
    """The fields that the reader may filter by, the department first."""
    secret = restricted(rt)
    found: dict[str, Field | None] = {"department": None} if len(view.directory.departments) > 1 else {}
    return found | {name: kind for name, kind in rt.fields.items() if kind.filters and kind.storage and name not in secret}


def _sortable(view: View, rt: RecordType) -> set[str]:
    return {*SORTED, *(name for name in filterable(view, rt) if name != "department" and name not in rt.extended)}


def _counted(view: View, rt: RecordType, tabs: tuple[Tab, ...]) -> list[Tab]:
    """The views with their counts; a state in which nothing is has no tab, unless it is the one shown."""
    shown: list[Tab] = []
    for tab, count in zip(tabs, view.work.counts(rt, [Query(states=tab.states) for tab in tabs], CAP), strict=True):
        if count or tab in tabs[:2] or tab.key == request.args.get("view"):
            words = f"{CAP:,}+".replace(",", THIN_SPACE) if count > CAP else f"{count:,}".replace(",", THIN_SPACE)
            shown.append(Tab(tab.key, tab.label, tab.states, words))
    return shown


# columns


def _columns(view: View, rt: RecordType, asked: Asked) -> list[Column]:
    """Every column that the list can show, the declared ones first."""
    secret = restricted(rt)
    fields = {name: kind for name, kind in rt.fields.items() if not isinstance(kind, Lines) and name not in secret and kind.kind not in NO_COLUMN}
    names = list(dict.fromkeys((*_declared(rt), *COMMON_LABELS, *fields)))
    return [_column(view, rt, name, fields.get(name), asked) for name in names if name in fields or name in COMMON_LABELS]


def _column(view: View, rt: RecordType, name: str, kind: Field | None, asked: Asked) -> Column:
    label = view.t(kind.label if kind else COMMON_LABELS[name])
    sort, direction = None, ""
    key = "number" if name in same_as_number(rt) else name
    if key in _sortable(view, rt):
        is_up = asked.sort == key
        sort = f"-{key}" if is_up else key
        direction = "ascending" if is_up else "descending" if asked.sort == f"-{key}" else ""
    is_right = kind is not None and kind.kind in ("integer", "decimal", "quantity", "money")
    return Column(name, label, kind, is_right, sort, direction)


def _declared(rt: RecordType) -> tuple[str, ...]:
    """The columns that the type declares, number and state always among them."""
    columns = tuple("due_at" if name == "deadline" else name for name in rt.columns)
    if not columns:
        fields = [name for name in rt.fields if name not in restricted(rt) and rt.fields[name].kind in ("text", "choice", "reference", "quantity")][:5]
        columns = ("title", *fields, "state") if rt.is_register else ("title", "state", "department", "due_at")
    if "number" not in columns and not same_as_number(rt) & set(columns):
        columns = ("number", *columns)
    return columns if "state" in columns else (*columns, "state")


def same_as_number(rt: RecordType) -> set[str]:
    """The field that is the number: a register whose number is its code need not show both."""
    pattern = rt.numbering.pattern if rt.numbering else ""
    return {name for name in rt.fields if pattern == f"{{{name}}}"}


def _link(view: View, rt: RecordType) -> str:
    """The column that leads to the record: the number, or the field that is the number."""
    chosen = _chosen(view, rt)
    return "number" if "number" in chosen else next((name for name in chosen if name in same_as_number(rt)), chosen[0])


def _chosen(view: View, rt: RecordType) -> tuple[str, ...]:
    """The columns that the reader chose, or the declared ones."""
    kept = getattr(view, "chosen_columns", None)
    if kept is None:
        kept = sendings.preference(view.work.connection, view.user_id or 0, f"columns.{rt.name}") or ()
        view.chosen_columns = kept  # type: ignore[attr-defined]
    known = [name for name in kept if name in rt.fields or name in COMMON_LABELS]
    if not known:
        return _declared(rt)
    return tuple(dict.fromkeys(("number", *known, "state") if not same_as_number(rt) & set(known) else (*known, "state")))


def cell(view: View, reading: Reading, column: Column, record: Any) -> str:
    """The text of a cell."""
    if column.kind is not None:
        value = record.values.get(column.name)
        return column.kind.text(value, reading) if value is not None else ""
    if column.name == "department":
        department = view.directory.departments.get(record.department)
        return department.name if department else ""
    if column.name == "created_by":
        user = view.directory.users.get(record.created_by)
        return user.name if user else ""
    return str(getattr(record, column.name) or "")


@routes.post("/<plugin>/<noun>/columns", may=signed_in)
def choose_columns(view: View, plugin: str, noun: str) -> Response:
    """Keep which columns the reader wants; with none chosen the declared ones come back."""
    rt = find_type(view, plugin, noun)
    wanted = [name for name in view.form.getlist("column") if name in rt.fields or name in COMMON_LABELS]
    is_default = "default" in view.form or not wanted
    sendings.prefer(view.work.connection, view.user_id or 0, f"columns.{rt.name}", None if is_default else wanted)
    back = view.form.get("here", "")
    return view.redirect(back if back.startswith(f"{rt.path}?") else rt.path)


# filters, order, paging


def _filters(view: View, rt: RecordType, asked: Asked, reading: Reading) -> Iterator[Filter]:
    problems = {problem.where: view.t(problem.what) for problem in asked.problems}
    for name, kind in filterable(view, rt).items():
        chosen = asked.filters.get(name, {})
        yield Filter(
            name, view.t(kind.label) if kind else view.t(COMMON_LABELS["department"]), kind, _widget(name, kind), _options(view, name, kind, reading),
            {operator: request.args.get(f"filter[{name}]" if operator == "eq" else f"filter[{name}][{operator}]", "") for operator in ("eq", "gte", "lte")},
            _in_words(view, name, kind, chosen, reading), problems.get(name, ""),
            address(cursor=None, back=None, **{f"filter[{name}]": None, f"filter[{name}][gte]": None, f"filter[{name}][lte]": None}),
        )


def _widget(name: str, kind: Field | None) -> str:
    if name == "department" or (kind and kind.kind in ("choice", "boolean", "department")):
        return "options"
    return "range" if kind and kind.kind in ("date", "month", "moment", "week", "year", "integer", "decimal", "quantity", "money") else "text"


def _options(view: View, name: str, kind: Field | None, reading: Reading) -> tuple[tuple[str, str], ...]:
    if name == "department":
        return tuple((str(d.id), " / ".join(d.path)) for d in view.directory.departments.values() if d.is_active)
    if kind is None:
        return ()
    if kind.kind == "department":
        return tuple((d.code, d.name) for d in view.directory.departments.values() if d.is_active)
    if kind.kind == "boolean":
        return tuple((text, text) for text in (kind.text(True, reading), kind.text(False, reading)))
    if kind.kind == "choice":
        options = getattr(kind, "options", {})
        keys: Mapping[str, str] = options if isinstance(options, Mapping) else reading.options(kind) if reading.options else {}
        return tuple((view.t(label), view.t(label)) for label in keys.values())
    return ()


def _in_words(view: View, name: str, kind: Field | None, chosen: Mapping[str, Any], reading: Reading) -> str:
    if not chosen:
        return ""

    def word(value: Any) -> str:
        if name == "department":
            department = view.directory.departments.get(value)
            return department.name if department else str(value)
        if kind is not None and isinstance(value, int) and kind.kind in ("reference", "user", "department", "any_record"):
            return kind.text(value, view.reading(view.work.names((), more=(value,))))
        return kind.text(value, reading) if kind else str(value)

    if "eq" in chosen:
        return word(chosen["eq"])
    if "lte" not in chosen:
        return view._("from {first}", first=word(chosen["gte"]))
    if "gte" not in chosen:
        return view._("up to {last}", last=word(chosen["lte"]))
    return view._("{first} to {last}", first=word(chosen["gte"]), last=word(chosen["lte"]))


def _order(view: View, rt: RecordType, asked: Asked) -> str:
    """The order of the list in words."""
    name, is_down = asked.sort.lstrip("-"), asked.sort.startswith("-")
    if name == "due_at":
        return view._("latest deadline first") if is_down else view._("nearest deadline first")
    kind = rt.fields.get(name)
    label = view.t(kind.label if kind else COMMON_LABELS[name])
    return view._("by {field}, falling", field=label) if is_down else view._("by {field}, rising", field=label)


def address(**changed: str | None) -> str:
    """This page's address with some parameters changed; None takes one out."""
    args = {key: value for key, value in request.args.items() if value} | changed
    text = urlencode({key: value for key, value in args.items() if value is not None})
    return f"{request.path}?{text}" if text else request.path


def _kept_parameters() -> list[tuple[str, str]]:
    """The parameters that a filter form sends along: all but its own and the place in the pages."""
    return [(key, value) for key, value in request.args.items() if key not in ("cursor", "back") and value]


@dataclass(frozen=True)
class Pages:
    """What the footer of a list says, and where its two buttons lead."""

    text: str
    previous: str | None
    next: str | None


def _pages(view: View, page: Any, asked: Asked) -> Pages:
    text = view._("{count} on this page", count=len(page.items))
    following = address(cursor=page.next, back="~".join([*asked.trail, asked.cursor or "-"])) if page.next else None
    earlier = None
    if asked.cursor:
        before = asked.trail[-1] if asked.trail else "-"
        earlier = address(cursor=None if before == "-" else before, back="~".join(asked.trail[:-1]) or None)
    return Pages(text, earlier, following)
