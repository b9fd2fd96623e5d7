"""A record as the paper form: its sections in order, who fills them, what locked them, its values as people read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import Who
from core.fields import Computed, Field, Lines, Reading, row_id, row_values
from core.messages import _
from core.records import RecordType, Section
from core.service import values as door
from core.signatures import Signature
from core.storage import Record
from core.web import forms
from core.workflow import By, Named, Policy, each_by

if TYPE_CHECKING:
    from core.web.view import View

NUMERALS = _("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20")
"""How the sections of a form are counted, with spaces between."""


@dataclass(slots=True)
class Shown:
    """One value to read: its text, or links, or files. A page makes many, so it is not frozen."""

    name: str
    label: str
    kind: Field
    span: int = 4
    text: str = ""
    unit: str = ""
    links: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[int, str]] = ()
    is_missing: bool = False
    is_figure: bool = False
    separator: str = ", "
    held_kind: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether its text is all there is to show."""
        return bool(self.text) and not self.unit and self.kind.kind != "long_text"

    @property
    def is_long(self) -> bool:
        """Whether line breaks count."""
        return self.kind.kind == "long_text"

    @property
    def is_pictures(self) -> bool:
        """Whether its files are shown as pictures."""
        return self.kind.kind == "photos"


@dataclass(frozen=True)
class Table:
    """A table of the form to read."""

    name: str
    label: str
    heads: Sequence[Shown]
    rows: Sequence[tuple[str, Sequence[Shown]]]
    totals: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many cells still have to be filled."""
        return sum(one.is_missing for _id, cells in self.rows for one in cells)


@dataclass(frozen=True)
class Facts:
    """What is the same for every value of a field: the kind it holds, its label, width, unit."""

    held: Field
    label: str
    span: int
    unit: str
    is_figure: bool
    is_fixed: bool


@dataclass(frozen=True)
class Part:
    """A section of the form: heading, who fills it, its values and tables in their order, and what locked it."""

    key: str
    label: str
    title: str
    who: str
    items: Sequence[Shown | Table]
    signature: Signature | None = None
    signer: str = ""
    is_open: bool = False
    is_later: bool = False
    is_locked: bool = False


class Paper:
    """Draws one record for one reader."""

    def __init__(self, view: View, record: Record, reading: Reading, *, missing: Collection[str] = (), writable: Collection[str] = ()) -> None:
        self.view = view
        self.record = record
        self.rt = record.type
        self.reading = reading
        self.missing = frozenset(missing)
        self.writable = writable
        self.shown = view.work.shown(record)
        self._known: dict[int, Facts] = {}

    def parts(self, signatures: Sequence[Signature] = (), visited: Collection[str] = ()) -> list[Part]:
        """The sections that are there for this reader."""
        sections = [(key, section) for key, section in self.rt.all_sections.items() if any(n.partition(".")[0] in self.shown for n in section.fields)]
        counted = len(sections) > 1
        return [self._part(key, section, place if counted else 0, signatures, visited) for place, (key, section) in enumerate(sections, 1)]

    def _part(self, key: str, section: Section, place: int, signatures: Sequence[Signature], visited: Collection[str]) -> Part:
        names = list(dict.fromkeys(name.partition(".")[0] for name in section.fields))
        names = [name for name in names if (name in self.shown and self.rt.section_of.get(name, key) == key) or self._has_columns(section, name)]
        is_open = any(name in self.writable for name in section.fields)
        is_empty = all(self.rt.fields[name].empty(self.record.values.get(name)) for name in names)
        states = self.rt.states_of(section)
        is_later = is_empty and not is_open and bool(states) and not self.rt.is_register and not set(states) & {*visited, self.record.state}
        signature = self._signature(section, signatures)
        return Part(
            key, self.view.t(section.label), heading(self.view, section.label, place), self._who(section),
            [] if is_later else fitted(list(self._items(names))), signature,
            person(self.view, signature.user_id) if signature else "", is_open, is_later, not is_open and not is_later,
        )

    def _has_columns(self, section: Section, name: str) -> bool:
        """Whether a section that names columns alone is where their table stands: only where no other section has the table."""
        return name in self.shown and name not in self.rt.section_of and any(one.startswith(f"{name}.") for one in section.fields)

    def _signature(self, section: Section, signatures: Sequence[Signature]) -> Signature | None:
        names = set(section.fields)
        standing = [one for one in signatures if one.withdrawn_at is None and one.step in self.rt.steps and names & set(self.rt.locks(one.step))]
        return standing[-1] if standing else None

    def _who(self, section: Section) -> str:
        by = section.filled_by or (self.rt.steps[section.locked_by].by if section.locked_by else None)
        words = by_words(self.view, self.rt, by, section.locked_by, self.record)
        return self.view._("filled in by {who}", who=words) if words else ""

    def _items(self, names: Iterable[str]) -> Iterator[Shown | Table]:
        for name in names:
            kind = self.rt.fields[name]
            if is_table(kind):
                yield self.table(name, kind, self.record.values.get(name) or ())
            else:
                yield self.value(name, kind, self.record.values, f"/{name}")

    def table(self, name: str, kind: Field, rows: Iterable[Any]) -> Table:
        """A table of the form; columns hidden from the reader are left out."""
        hidden = self.view.access.hidden(self.rt, self.record)
        lines = kind.value if isinstance(kind, Computed) else kind
        assert isinstance(lines, Lines)
        columns = {column: one for column, one in lines.columns.items() if f"{name}.{column}" not in hidden}
        rows = list(rows)
        columns = {column: one for column, one in columns.items() if not one.effects_only or any(not one.empty(row_values(row).get(column)) for row in rows)}
        heads = [Shown(column, self.facts(one).label, one, is_figure=self.facts(one).is_figure, unit=self.facts(one).unit) for column, one in columns.items()]
        shown = [
            (str(row_id(row) or ""), [self.value(column, one, row_values(row), f"/{name}/{place}/{column}", in_table=True) for column, one in columns.items()])
            for place, row in enumerate(rows)
        ]
        sums = forms.totals(lines, rows, self.reading) if len(rows) > 1 else {}
        return Table(name, self.view.t(kind.label), heads, shown, {column: text for column, text in sums.items() if column in columns})

    def facts(self, kind: Field) -> Facts:
        """What is the same for every value of a field or column."""
        known = self._known.get(id(kind))
        if known is None:
            held = door.bare(kind)
            is_fixed = not getattr(held, "unit_of", "") and not getattr(held, "currency_of", "")
            unit = held.suffix({}, self.reading) if is_fixed else ""
            span = 12 if kind.kind == "long_text" and not kind.width else kind.span
            known = Facts(held, self.view.t(kind.label), span, "" if unit == "%" else unit, held.kind in forms.FIGURES, is_fixed)
            self._known[id(kind)] = known
        return known

    def value(self, name: str, kind: Field, values: Mapping[str, Any], where: str = "", in_table: bool = False) -> Shown:
        """One value as people read it; in a table a unit that every row has stands in the heading alone."""
        facts, given = self.facts(kind), values.get(name)
        shown = Shown(name, facts.label, kind, facts.span, is_figure=facts.is_figure, separator=self.reading.separator, held_kind=facts.held.kind)
        if given is None or given == ():
            shown.is_missing = kind.required and where in self.missing
        elif facts.held.kind in forms.FILES:
            shown.files = [(one, str(self.reading.names.get(one) or one)) for one in given]
        elif facts.held.kind in ("reference", "references", "any_record"):
            shown.links = [self._link(one) for one in (given if facts.held.is_list else (given,))]
        else:
            shown.text = facts.held.text(given, self.reading)
            shown.unit = facts.unit if facts.is_fixed and not in_table else "" if facts.is_fixed else facts.held.suffix(values, self.reading)
        return shown

    def _link(self, id: int) -> tuple[str, str]:
        name = self.reading.names.get(id)
        if name is None:
            return self.view.t(forms.HIDDEN), ""
        rt = self.view.registry.types.get(name.type)
        return str(name), f"{rt.path}/{id}" if rt else ""


def fitted(items: Sequence[Shown | Table]) -> Sequence[Shown | Table]:
    """The same with the last value of each row of the sheet as wide as what is left of its twelve columns."""
    for one, span in zip(items, spans([one.span if isinstance(one, Shown) else 12 for one in items]), strict=True):
        if isinstance(one, Shown):
            one.span = span
    return items


def spans(wanted: Sequence[int]) -> list[int]:
    """Widths in twelfths, the last of each row stretched to fill it."""
    found: list[int] = []
    used = 0
    for span in wanted:
        if used and used + span > 12:
            found[-1] += 12 - used
            used = 0
        found.append(span)
        used = (used + span) % 12
    if used:
        found[-1] += 12 - used
    return found


def is_table(kind: Field) -> bool:
    """Whether a field is drawn as a table."""
    return isinstance(kind, Lines) or (isinstance(kind, Computed) and kind.is_table)


def ids_in_tables(record: Record) -> Iterator[int]:
    """What worked-out tables point at: the door names only what is stored."""
    for name, kind in record.type.fields.items():
        if not isinstance(kind, Computed) or not isinstance(kind.value, Lines):
            continue
        pointing = [column for column, one in kind.value.columns.items() if door.bare(one).kind in forms.POINTING]
        for row in record.values.get(name) or () if pointing else ():
            for column in pointing:
                value = row_values(row).get(column)
                yield from (value,) if isinstance(value, int) else value or ()


def heading(view: View, label: str, place: int) -> str:
    """The heading of a section with its number; 0 for a form that has only one."""
    if not place:
        return view.t(label)
    numerals = view.t(NUMERALS).split()
    return view._("{number}. {title}", number=numerals[place - 1] if place <= len(numerals) else place, title=view.t(label))


def person(view: View, id: int | None) -> str:
    """A user's name; the machine's where there is none."""
    user = view.directory.users.get(id or 0)
    return user.name if user else view._("The system")


def role_words(view: View, name: str) -> str:
    """The site's word for a role or function."""
    if name in view.registry.roles:
        return view.label("role", name, view.registry.roles[name].label)
    if name in view.registry.functions:
        return view.label("function", name, view.registry.functions[name].label)
    return ""


def by_words(view: View, rt: RecordType, by: By | None, step: str | None, record: Record | None) -> str:
    """Whom a `by` means, in words: roles, functions, the people in a field."""
    words: list[str] = []
    for one in each_by(by):
        policy = one if isinstance(one, Policy) else view.registry.policies.get(one) if isinstance(one, str) else None
        if isinstance(one, Named):
            kind = rt.kind_of(one.field)
            named = view.t(kind.label) if kind is not None else ""
            words.append(f"{named} · {role_words(view, one.role)}" if one.role and named else named)
        elif policy is not None:
            choice = policy.choices[view.directory.choice(policy.name, record.department if record else None)]
            words += [role_words(view, role) for role in choice.roles_of(step)]
        elif isinstance(one, str):
            words.append(role_words(view, one))
    separator: str = view.work.reading().separator
    return separator.join(dict.fromkeys(word for word in words if word))


def who_words(view: View, who: Iterable[Who]) -> str:
    """Who could do something, by role and name: `quality manager (Fang Wenbin)`."""
    found = []
    for one in who:
        role = role_words(view, one.role)
        names = view.work.reading().separator.join(one.users)
        if role and names:
            found.append(view._("{role}: {names}", role=role, names=names))
        elif names or role:
            found.append(names or view._("{role} (nobody holds it)", role=role))
    return "; ".join(found) if view.language == "en" else "\uff1b".join(found)
