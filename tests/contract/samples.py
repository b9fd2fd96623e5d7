"""Valid values for any record type, worked out from its declaration; and records of any type, brought into any state.

Values are JSON, as the API takes them. Where the rules of a type want more than its declaration says, its plugin offers
`samples.py` beside its tests (`tests/plugins/<plugin>/samples.py`) with `SAMPLES = {type: function(make) -> values}`;
what such a function does not give is made up here. It may also return the id of a record, where nobody makes that type by hand.
"""

from __future__ import annotations

import datetime as dt
import struct
import zlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

from core.fields import Checklist, Computed, Field, Lines
from core.workflow import when_holds

if TYPE_CHECKING:
    from core.records import RecordType
    from tests.contract.world import World

HOME = "DEPT1"
MARKUP = "=1+1 <b>\u7b2c\u4e00\u884c</b> & \u201cquoted\u201d\nsecond line"
"""A text of several lines that a page, a print or a workbook could take for something else."""


def picture() -> bytes:
    """A PNG of one grey pixel."""
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\x00\x80")) + part(b"IEND", b"")


class Maker:
    """Makes up the values of one sample: `n` is its number on this site, so that samples differ; `author` makes it."""

    def __init__(self, world: World, rt: RecordType, n: int, author: str, step: str | None = None) -> None:
        self.world = world
        self.rt = rt
        self.n = n
        self.author = author
        self.step = step
        with world.site.work(actor=world.user_id(author), reading=True) as work:
            self.open_names = work.writable(None, rt, step) | frozenset(rt.steps[step].fills if step else ())
            self.today: dt.date = work.today

    # What a plugin's own samples may ask for

    def record(self, type: str, state: str = "", *, fresh: bool = False, variant: int = 0, **values: Any) -> str:
        """The id of a record of a type in a state; the same one each time, unless it is to be fresh or another variant."""
        return self.world.shared(type, state, fresh=fresh, variant=variant, values=values)

    def user(self, role: str = "", code: str = HOME) -> str:
        """The id of somebody who holds a role in a department."""
        return self.world.holder(role or "core.employee", code)

    def department(self, function: str = "") -> str:
        """The id of a department, one that carries out a function where one is given."""
        return self.world.department(function)

    def new_department(self, function: str) -> str:
        """The id of a department that was not there before and carries out a function too."""
        return self.world.new_department(function)

    def month(self) -> dt.date:
        """The first day of a month of the past, another one for each sample."""
        count = self.today.year * 12 + self.today.month - 1 - self.n
        return dt.date(count // 12, count % 12 + 1, 1)

    def day(self) -> dt.date:
        """A day that was, another one for each sample."""
        return self.today - dt.timedelta(days=self.n)

    def rows(self, name: str, count: int = 2, **columns: Any) -> list[dict[str, Any]]:
        """Rows of a table, with these columns as given; a callable is asked with the row's place."""
        lines = self.rt.lines[name]
        return [self._row(name, lines, place, {c: v(place) if callable(v) else v for c, v in columns.items()}) for place in range(count)]

    # Every value that the author may write

    def values(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Values for every field that is open to the author, required or not, whose `when` holds."""
        found: dict[str, Any] = dict(given or {})
        names = [n for n, k in self.rt.fields.items() if n not in found and n in self.open_names and not isinstance(k, Computed) and not k.effects_only]
        for name in sorted(names, key=lambda one: self.rt.fields[one].when is not None):
            kind = self.rt.fields[name]
            if self._is_there(kind, found):
                found[name] = self.value(name, kind)
        return {name: value for name, value in found.items() if value is not None}

    def _is_there(self, kind: Field, values: Mapping[str, Any]) -> bool:
        section = self.rt.all_sections.get(self.rt.section_of.get(next((n for n, k in self.rt.fields.items() if k is kind), ""), ""))
        whens = [kind.when, section.when if section else None]
        if any(callable(when) for when in whens):
            return False
        return all(when_holds(when, values, self.world.policy) for when in whens)

    def value(self, name: str, kind: Field, place: int = 0) -> Any:
        """One value of a kind; None where nothing can be made up and nothing must be."""
        if isinstance(kind, Checklist) and not isinstance(kind.items, str):
            return [{"item": item, "result": next(iter(kind.results))} for item in kind.items]
        if isinstance(kind, Lines):
            return self.rows(name, 1 + self.n % 3)
        return getattr(self, f"_{kind.kind}")(name, kind, place)

    def _row(self, name: str, lines: Lines, place: int, given: dict[str, Any]) -> dict[str, Any]:
        row = dict(given)
        for column, kind in lines.columns.items():
            is_open = f"{name}.{column}" in self.open_names or self.step is not None
            if column in row or isinstance(kind, Computed) or kind.effects_only or not is_open or callable(kind.when):
                continue
            if when_holds(kind.when, row, self.world.policy):
                row[column] = self.value(column, kind, place)
        return {column: value for column, value in row.items() if value is not None}

    # Each kind

    def _text(self, name: str, kind: Any, place: int) -> str:
        return f"{name.replace('_', ' ')} {self.n}.{place}"[-kind.max:].strip().ljust(kind.min or 1, "x")

    def _long_text(self, name: str, kind: Any, _place: int) -> str:
        return f"{MARKUP} {name}"[: kind.max].strip()

    def _integer(self, _name: str, kind: Any, place: int) -> int:
        return min(max(kind.lowest, 3 + place), kind.highest)

    def _decimal(self, _name: str, kind: Any, _place: int) -> str:
        value = Decimal("12.5") if kind.places else Decimal(12)
        if kind.min is not None:
            value = max(value, Decimal(kind.min))
        return str(value if kind.max is None else min(value, Decimal(kind.max)))

    _quantity = _money = _decimal

    def _boolean(self, _name: str, _kind: Any, _place: int) -> bool:
        return True

    def _choice(self, _name: str, kind: Any, place: int) -> str:
        keys = list(self.world.options(kind))
        return keys[place % len(keys)]

    def _choices(self, _name: str, kind: Any, _place: int) -> list[str]:
        return list(self.world.options(kind))[: min(2, kind.max or 2)]

    def _date(self, _name: str, _kind: Any, _place: int) -> str:
        return self.day().isoformat()

    def _month(self, _name: str, _kind: Any, _place: int) -> str:
        return f"{self.month():%Y-%m}"

    def _week(self, _name: str, _kind: Any, _place: int) -> str:
        year, week, _day = (self.today - dt.timedelta(weeks=self.n)).isocalendar()
        return f"{year}-W{week:02d}"

    def _year(self, _name: str, kind: Any, _place: int) -> int:
        return min(max(self.today.year, kind.min or 0), kind.max or 9999)

    def _time(self, _name: str, _kind: Any, _place: int) -> str:
        return "08:30"

    def _moment(self, _name: str, _kind: Any, _place: int) -> str:
        return f"{self.day().isoformat()}T08:30:00+08:00"

    def _duration(self, _name: str, _kind: Any, _place: int) -> str:
        return "PT2H"

    def _user(self, _name: str, kind: Any, _place: int) -> str:
        return self.user(kind.role)

    def _users(self, _name: str, kind: Any, _place: int) -> list[str]:
        return [self.user(kind.role)]

    def _department(self, _name: str, kind: Any, _place: int) -> str:
        return self.department(kind.function)

    def _departments(self, _name: str, kind: Any, _place: int) -> list[str]:
        return [self.department(kind.function)]

    def _reference(self, _name: str, kind: Any, place: int) -> str | None:
        if self.world.is_making(kind.to) and not kind.required:
            return None
        where = kind.where if isinstance(kind.where, Mapping) else {}
        values = {name: (wanted[0] if isinstance(wanted, (tuple, list)) else wanted) for name, wanted in where.items()}
        found = self.record(kind.to, kind.states[0] if kind.states else "", variant=place, **values)
        with self.world.site.work(actor=self.world.user_id(self.author), reading=True) as work:
            return found if kind.required or work.peek(kind.to, [int(found)]) else None

    def _references(self, name: str, kind: Any, place: int) -> list[str]:
        one = self._reference(name, kind.one, place)
        return [] if one is None else [one]

    def _any_record(self, _name: str, _kind: Any, _place: int) -> None:
        return None

    def _attachments(self, _name: str, _kind: Any, _place: int) -> list[str]:
        return [self.world.file(self.author, "paper.txt", b"A paper.")]

    def _photos(self, _name: str, _kind: Any, _place: int) -> list[str]:
        return [self.world.file(self.author, "picture.png", picture())]

    def _outside_signature(self, _name: str, kind: Any, _place: int) -> dict[str, Any]:
        proof = next((one for one in kind.proofs if one in ("paper", "code")), kind.proofs[0])
        file = None if proof in ("paper", "code") else self.world.file(self.author, "signature.png", picture())
        return {"name": "Wang Li", "at": f"{self.today}T08:30:00+08:00", "proof": proof, "file": file}


def filled(make: Maker, record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Values for fields and columns (`lines.column`) that a step or a section wants, as they stand or made up where empty."""
    found: dict[str, Any] = {}
    heads: dict[str, list[str]] = {}
    for name in names:
        head, _dot, column = name.partition(".")
        heads.setdefault(head, []).append(column)
    for head, columns in heads.items():
        kind = make.rt.fields[head]
        if columns == [""]:
            if record.get(head) in (None, [], ()):
                found[head] = make.value(head, kind)
        elif isinstance(kind, Lines):
            wanted = [column for column in columns if column and not isinstance(kind.columns[column], Computed) and not kind.columns[column].effects_only]
            rows = [
                {"id": row["id"]} | {c: row[c] if row.get(c) not in (None, []) else make.value(c, kind.columns[c], place) for c in wanted}
                for place, row in enumerate(record.get(head) or ())
            ]
            if rows and wanted:
                found[head] = rows
    return {name: value for name, value in found.items() if value is not None}


def upload(name: str, content: bytes) -> dict[str, Any]:
    """The body of a file that is sent."""
    return {"file": (BytesIO(content), name)}
