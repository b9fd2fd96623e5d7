"""A record on paper: its sections with boxes and lines, its signatures, who printed it; all in the site's language."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import segno

from core import audit, files
from core.errors import NotFound
from core.fields import Boolean, Choice, Choices, Computed, Field, Lines, Photos, Reading, row_values
from core.fields.number import adds_up
from core.messages import _
from core.printing.paper import Box, Column, Entry, Grid, Paper, Part, Sign
from core.records import Section
from core.service import Work
from core.signatures import Signature
from core.storage import Record

FIGURES: Final = ("integer", "decimal", "quantity", "money", "duration")
_NOT_SHOWN: Final = _("(not shown to you)")
STANDINGS: Final = {"valid": _("valid"), "withdrawn": _("no longer valid, taken back"), "broken": _("no longer valid")}
MARKS: Final = {"draft": _("DRAFT"), "void": _("VOID"), "superseded": _("SUPERSEDED")}


class Sheet:
    """One record of one print form, drawn for the actor of a work."""

    def __init__(self, work: Work, record: Record, name: str) -> None:
        form = record.type.prints.get(name)
        if form is None or (form.in_states and record.state not in form.in_states):
            raise NotFound
        self.work, self.record, self.form, self.name = work, record, form, name
        self.language = work.site.config.language
        self.pictures: dict[str, bytes] = {}

    def t(self, message: str) -> str:
        """A text in the site's language."""
        return self.work.site_text(message)

    def label(self, kind: str, key: str, declared: str) -> str:
        """The site's own word, else the declared one."""
        return self.work.directory.word(kind, key, self.language) or self.t(declared)

    @cached_property
    def reading(self) -> Reading:
        """How values read on paper."""
        return self.work.reading(self.work.names([self.record], more=self._ids), self.language)

    @cached_property
    def _signatures(self) -> list[Signature]:
        return self.work.signatures(self.record)

    @cached_property
    def _ids(self) -> set[int]:
        found: set[int] = set()
        for one in self._signatures:
            found |= {id for id in (one.user_id, one.for_id, one.department_id) if id is not None}
        return found | set(_pointed_at(self.record))

    # The whole

    def paper(self) -> Paper:
        """Everything on the sheet. Reading it is one look at the trail, one at the signatures, one for all names."""
        key = f"{self.record.type.name}:{self.name}"
        title = self.label("form", key, self.form.label)
        parts = tuple(self._parts(title))
        return Paper(
            self.language, self.work.site.config.name, title, parts, self._head(key), tuple(self._signs()), self._mark(), self._foot(),
            tuple(self._remarks()), subject=" ".join(filter(None, (self.record.number, title))), strong=3,
            code=code(self.address()), pictures=self.pictures,
        )

    def address(self) -> str:
        """What the QR code opens: this version."""
        public = self.work.site.config.public_url.rstrip("/")
        return f"{public}{self.record.type.path}/{self.record.id}?version={self.record.version}"

    def _head(self, key: str) -> tuple[tuple[str, str], ...]:
        revision = self.label("form_revision", key, self.form.revision)
        number = self.record.number or self.t(_("(given when it leaves the draft)")) if self.record.type.numbering else self.record.number or "\u2014"
        return (
            (self.t(_("Form no.")), self.label("form_no", key, self.form.form_no) or "\u2014"),
            (self.t(_("Edition")), revision or "\u2014"),
            (self.t(_("Record no.")), number),
            (self.t(_("Procedure")), self._procedure() or "\u2014"),
        )

    def _procedure(self) -> str:
        return self.reading.separator.join(self.record.type.clauses)

    def _mark(self) -> str:
        return self.t(MARKS[self.record.state]) if self.record.state in MARKS else ""

    def _foot(self) -> tuple[str, ...]:
        who = self.work.directory.users.get(self.work.actor or 0)
        times = audit.times(self.work.connection, self.record.id, f"{self.record.type.name}.printed")
        lines = (
            self.t(_("Controlled print")),
            self.t(_("Printed by {name} {when}", name=who.name if who else self.t(_("The system")), when=self.moment(self.work.now, "minutes"))),
            self.t(_("print no. {count}", count=max(times, 1))),
            self.t(_("The record in the system counts; scan to see whether version {version} is still the latest", version=self.record.version)),
        )
        state = self.label("state", f"{self.record.type.name}:{self.record.state}", self.record.type.states[self.record.state].label)
        department = self.work.directory.departments.get(self.record.department or 0)
        more = [f"{self.t(_('Record fingerprint'))} SHA-256 {fingerprint(self.record.chain)}", self.t(_("State: {state}", state=state))]
        if department:
            more.append(self.t(_("Department: {department}", department=department.name)))
        return (" \u00b7 ".join(lines), *more)

    def _remarks(self) -> Iterator[str]:
        attached = [id for name in self._shown for id in self._attachments(name)]
        if attached:
            names = self.reading.separator.join(str(self.reading.names.get(id) or id) for id in attached)
            yield self.t(_("Attached files are kept with the record and not printed: {names}", names=names))

    def _attachments(self, name: str) -> Iterable[int]:
        kind = self.record.type.fields[name]
        return self.record.values.get(name) or () if kind.kind == "attachments" else ()

    # The form

    @cached_property
    def _shown(self) -> list[str]:
        wanted = {name.partition(".")[0] for name in self.form.fields}
        return [name for name in self.work.shown(self.record) if not wanted or name in wanted]

    @cached_property
    def _hidden(self) -> frozenset[str]:
        return self.work.access.hidden(self.record.type, self.record)

    def _parts(self, title: str) -> Iterator[Part]:
        done: set[str] = set()
        for section in self.record.type.all_sections.values():
            names = [name for name in self._heads(section) if name in self._shown and name not in done]
            done.update(names)
            if names:
                label = self.t(section.label)
                yield Part("" if label == title or section.label == self.record.type.label else label, tuple(self._items(names)))

    def _heads(self, section: Section) -> list[str]:
        """The fields of a section; columns bring their table where no other section has it."""
        of = self.record.type.section_of
        return list(dict.fromkeys(one.partition(".")[0] for one in section.fields if "." not in one or one.partition(".")[0] not in of))

    def _items(self, names: Iterable[str]) -> Iterator[Entry | Grid]:
        for name in names:
            kind = self.record.type.fields[name]
            if isinstance(kind, Lines) or (isinstance(kind, Computed) and kind.is_table):
                yield self._grid(name, kind, list(self.record.values.get(name) or ()))
            elif kind.kind != "attachments":
                yield self._entry(name, kind)

    def _entry(self, name: str, kind: Field) -> Entry:
        held, value = bare(kind), self.record.values.get(name)
        span = 12 if held.kind == "long_text" and not kind.width else kind.span
        label = self.t(kind.label)
        if boxes := tuple(self._boxes(held, value)):
            return Entry(label, boxes=boxes, span=max(span, 6) if len(boxes) > 2 else span)
        if isinstance(held, Photos):
            return Entry(label, pictures=tuple(self._photos(name, value or ())), span=12)
        text = self.text(held, value, self.record.values)
        return Entry(label, self.t(_("erased")) if kind.personal and not text and self.is_erased else text, span=span)

    @cached_property
    def is_erased(self) -> bool:
        """Whether the personal data of the record were erased."""
        return audit.is_erased(self.work.connection, self.record.id)

    def _boxes(self, kind: Field, value: Any) -> Iterator[Box]:
        """Every option as on paper, those not taken too; long lists and yes or no in a table read as text."""
        if isinstance(kind, Boolean):
            yield Box(self.t(_("Yes")), value is True)
            yield Box(self.t(_("No")), value is False)
        elif isinstance(kind, (Choice, Choices)):
            options = kind.choices(self.reading)
            taken = (value,) if isinstance(value, str) else tuple(value or ())
            if len(options) <= 12:
                for key, label in options.items():
                    yield Box(label, key in taken)

    def text(self, kind: Field, value: Any, values: Mapping[str, Any], unit: str = "") -> str:
        """A value with its unit; what the actor may not see says so."""
        if value is None:
            return ""
        text = kind.text(value, self.reading)
        if not text and not kind.empty(value) and kind.kind in ("reference", "user", "department", "any_record"):
            return self.t(_NOT_SHOWN)
        suffix = kind.suffix(values, self.reading) if text else ""
        return f"{text} {suffix}" if suffix and suffix not in (unit, "%") else text

    def _photos(self, name: str, ids: Sequence[int]) -> Iterator[str]:
        known = files.load(self.work.connection, ids)
        for id in ids:
            file = known.get(id)
            if file is None or not file.is_image:
                continue
            key = f"{name}-{id}"
            with suppress(files.Damaged):
                self.pictures[key] = b"".join(self.work.site.files.read(file.sha256))
                yield key

    def _grid(self, name: str, kind: Field, rows: list[Any]) -> Grid:
        lines = bare(kind)
        assert isinstance(lines, Lines)
        kinds = {
            column: one for column, one in lines.columns.items()
            if f"{name}.{column}" not in self._hidden and bare(one).kind not in ("photos", "attachments")
        }
        units = {column: self._unit(bare(one)) for column, one in kinds.items()}
        columns = tuple(
            Column(f"{self.t(one.label)}\uff08{units[column]}\uff09" if units[column] else self.t(one.label), bare(one).kind in FIGURES)
            for column, one in kinds.items()
        )
        cells = tuple(
            tuple(self.text(bare(one), row_values(row).get(column), row_values(row), units[column]) for column, one in kinds.items()) for row in rows
        )
        label = self.t(kind.label)
        alone = len([one for one in self._shown if self.record.type.section_of.get(one) == self.record.type.section_of.get(name)]) == 1
        return Grid("" if alone else label, columns, cells, self._totals(kinds, rows) if len(rows) > 1 else ())

    def _unit(self, kind: Field) -> str:
        """The unit that all rows share: it stands in the heading."""
        if not getattr(kind, "unit_of", "") and not getattr(kind, "currency_of", ""):
            return kind.suffix({}, self.reading)
        return ""

    def _totals(self, kinds: Mapping[str, Field], rows: Sequence[Any]) -> tuple[str, ...]:
        """The sum of each column that adds up; quantities of several units do not. The first text column says what it is."""
        sums: list[str] = []
        for column, one in kinds.items():
            held = bare(one)
            filled = [row_values(row) for row in rows if row_values(row).get(column) is not None]
            suffixes = {held.suffix(values, self.reading) for values in filled}
            adds = adds_up(held) and len(suffixes) == 1
            sums.append(self.text(held, sum(values[column] for values in filled), filled[0], self._unit(held)) if adds else "")
        if not any(sums):
            return ()
        return (self.t(_("Total")), *sums[1:]) if not sums[0] else tuple(sums)

    # The signatures

    def _signs(self) -> Iterator[Sign]:
        rt = self.record.type
        names = self.form.signed_by or tuple(name for name, step in rt.steps.items() if step.signature)
        for name in dict.fromkeys(names):
            step = rt.steps.get(name)
            if step is None:
                continue
            place = self.t(step.signature.meaning if step.signature else step.label)
            made = [one for one in self._signatures if one.step == name]
            if made and self.record.state != "draft":
                yield self._sign(place, made[-1])
            else:
                yield Sign(place, note=self._skipped(name))

    def _sign(self, place: str, made: Signature) -> Sign:
        directory = self.work.directory
        department = directory.departments.get(made.department_id or 0)
        name = self._person(made.user_id)
        if made.for_id is not None and made.for_id != made.user_id:
            name = self.t(_("{name} for {principal}", name=name, principal=self._person(made.for_id)))
        return Sign(
            place, department.name if department else "", name, self.t(made.meaning), self.moment(made.at, "seconds"),
            f"{made.digest[:4]}\u2026{made.digest[-4:]}", self.t(STANDINGS[self.work.standing(made, self.record)]),
        )

    def _skipped(self, name: str) -> str:
        """Why a step is not required, where a policy skips it."""
        for policy in self.record.type.all_policies.values():
            choice = policy.choices[self.work.policy(policy, self.record)]
            if name in (*choice.skips, *choice.without):
                return self.t(_("Not required: {policy}: {choice}", policy=self.t(policy.label), choice=self.t(choice.label)))
        return ""

    def _person(self, id: int) -> str:
        user = self.work.directory.users.get(id)
        return user.name if user else str(self.reading.names.get(id) or id)

    def moment(self, at: datetime, to: str) -> str:
        """A moment in the site's zone, as on paper."""
        return at.astimezone(self.work.zone).strftime("%Y-%m-%d %H:%M:%S" if to == "seconds" else "%Y-%m-%d %H:%M")


def bare(kind: Field) -> Field:
    """The kind of the value that a computed field holds."""
    return kind.value if isinstance(kind, Computed) else kind


def fingerprint(chain: str) -> str:
    """The head of a record's chain, short: sixteen figures of the front and twelve of the end."""
    return f"{' '.join(chain[at:at + 4] for at in range(0, 16, 4))} \u2026 {' '.join(chain[at:at + 4] for at in range(len(chain) - 12, len(chain), 4))}"


def code(address: str) -> bytes:
    """A QR code as PNG, one bit to the pixel."""
    out = io.BytesIO()
    segno.make(quote(address, safe=":/?=&%#"), error="m", micro=False).save(out, kind="png", scale=4, border=0)
    return out.getvalue()


def _pointed_at(record: Record) -> Iterator[int]:
    """What worked-out tables point at: the door names only what is stored."""
    for name, kind in record.type.fields.items():
        if isinstance(kind, Computed) and isinstance(kind.value, Lines):
            pointing = [column for column, one in kind.value.columns.items() if bare(one).kind in ("reference", "user", "department", "any_record")]
            for row in record.values.get(name) or ():
                yield from (id for column in pointing if isinstance(id := row_values(row).get(column), int))
