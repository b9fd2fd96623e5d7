"""What stands on a print, in the words of paper: parts, entries, boxes, grids, signatures; and how they share a line of the form."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

WIDTH: Final = 173.0
"""Millimetres between the margins: A4 less 22 for the binding and 15 outside."""
_LABEL: Final = 25.0
_SHORT_LABEL: Final = 19.0
_DIGIT: Final = 1.8
_SMALL_DIGIT: Final = 1.66
_WIDE: Final = 267.0
_WHOLE: Final = 12
"""A text of so many digits (a date, a name) is not broken if it can be helped."""
_LONG_WORD: Final = re.compile(r"[\u0021-\u2e7f]{11}")
_RUN: Final = re.compile(r"[\u0021-\u2e7f]+")
MOST_LOOSE: Final = 13
MOST_UPRIGHT: Final = 10
"""A grid with more columns than this is printed on a sheet that lies across."""
TICKED: Final = "\u2611"
UNTICKED: Final = "\u2610"


@dataclass(frozen=True, slots=True)
class Box:
    """One option of a choice; those not taken are printed too."""

    label: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A label and its value: text, boxes or pictures (names of assets). `span` is twelfths of the line."""

    label: str
    text: str = ""
    boxes: tuple[Box, ...] = ()
    pictures: tuple[str, ...] = ()
    span: int = 4

    @property
    def box_texts(self) -> tuple[str, ...]:
        """Each option behind its box, not to be parted from it."""
        return tuple(f"{TICKED if box.ticked else UNTICKED}\u00a0{box.label}" for box in self.boxes)

    @property
    def is_one_line(self) -> bool:
        """Whether all options fit into one line of the cell."""
        room = (WIDTH * self.span / 12 - self.label_width - 4) / _DIGIT
        return sum(columns_of(text) + 3 for text in self.box_texts) <= room

    @property
    def label_width(self) -> float:
        """Millimetres of the label cell."""
        return _SHORT_LABEL if self.span <= 3 else _LABEL


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid; figures stand at the right."""

    label: str
    is_figure: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Lines of the form: its heads repeat on every page. `foot` are totals, one per column."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()

    @property
    def has_long_words(self) -> bool:
        """Whether something in it may have to be broken where no word ends."""
        return any(is_long_word(text) for row in self.rows for text in row)

    @property
    def is_dense(self) -> bool:
        """Whether so many columns stand side by side that their edges are narrow."""
        return len(self.columns) > MOST_LOOSE

    @property
    def widths(self) -> tuple[float, ...]:
        """Percent of each column, the row's number first: what is short stays whole, what is long shares what is left."""
        room = (_WIDE if len(self.columns) > MOST_UPRIGHT else WIDTH) / (_SMALL_DIGIT if self.is_dense else _DIGIT)
        number = 4.0 if len(self.rows) < 100 else 6.0
        edges = 1.1 if self.is_dense else 1.8
        room -= number
        wishes, least, tight = [], [], []
        for place in range(len(self.columns)):
            longest, heading = self._longest(place)
            wishes.append(max(min(longest, 44), min(heading, 14), 3) + edges)
            least.append(max(min(longest, _WHOLE), heading if heading <= 6 else min(heading // 2 + 1, 9), 3) + edges)
            tight.append(max(min(self._unbroken(place), _WHOLE), min(heading, 4), 3) + edges)
        if sum(least) > room:
            # Dates and figures stay whole; what may break anywhere, as Chinese does, gives way.
            wishes, least = least, tight
        spare, wanted = max(room - sum(least), 0), sum(wishes) - sum(least)
        shares = [low + (spare * (wish - low) / wanted if wanted else 0) for low, wish in zip(least, wishes, strict=True)]
        total = number + sum(shares)
        return tuple(100 * share / total for share in (number, *shares))

    def _unbroken(self, place: int) -> int:
        """The digits of the longest run of a column's texts that has no place to break at."""
        return max((len(run) for row in self.rows[:300] for run in _RUN.findall(row[place])), default=0)

    def _longest(self, place: int) -> tuple[int, int]:
        """The digits of the longest text of a column, and of its heading, which may break."""
        texts = [row[place] for row in self.rows[:300]] + ([self.foot[place]] if self.foot else [])
        return max((columns_of(text) for text in texts), default=0), columns_of(self.columns[place].label)


@dataclass(frozen=True, slots=True)
class Part:
    """A numbered part of the form. Without a title its lines follow the part above."""

    title: str
    items: tuple[Entry | Grid, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """One place of the signature block. Without a name it is still to be signed; `note` says why it never will be."""

    place: str
    department: str = ""
    name: str = ""
    meaning: str = ""
    at: str = ""
    hash: str = ""
    standing: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole print. Texts are in the site's language already; `code` is the QR code as PNG."""

    language: str
    company: str
    title: str
    parts: tuple[Part, ...]
    head: tuple[tuple[str, str], ...] = ()
    signs: tuple[Sign, ...] = ()
    mark: str = ""
    foot: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    subject: str = ""
    strong: int = 0
    """Which line of the head stands out, from 1: the record's number."""
    code: bytes = field(default=b"", repr=False)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def is_wide(self) -> bool:
        """Whether a grid has so many columns that the sheet lies across."""
        return any(isinstance(item, Grid) and len(item.columns) > MOST_UPRIGHT for part in self.parts for item in part.items)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the form's table: `entry` with its label or its value, over so many columns."""

    entry: Entry
    is_label: bool
    columns: int

    @property
    def has_long_words(self) -> bool:
        """Whether its text may have to be broken where no word ends."""
        return is_long_word(self.entry.text)

    @property
    def is_tall(self) -> bool:
        """Whether it may run on to the next page: a long text does, so that nothing shrinks or is cut."""
        return len(self.entry.text) > 400 or self.entry.text.count("\n") > 12 or len(self.entry.pictures) > 2


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that follow one another, as one table: widths of its columns in percent, rows of cells."""

    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]


def blocks(items: Iterable[Entry | Grid]) -> list[Block | Grid]:
    """The items of a part with neighbouring entries put together into tables."""
    made: list[Block | Grid] = []
    waiting: list[Entry] = []
    for item in [*items, None]:
        if isinstance(item, Entry):
            waiting.append(item)
            continue
        if waiting:
            made.append(block(waiting))
            waiting = []
        if item is not None:
            made.append(item)
    return made


def block(entries: Sequence[Entry]) -> Block:
    """One table for entries: as many to a line as their widths allow, the last one filling the line."""
    lines = _lines(entries)
    edges = sorted({round(edge, 2) for line in lines for _entry, *cuts in line for edge in cuts})
    rows = tuple(
        tuple(
            cell
            for entry, left, middle, right in line
            for cell in (Cell(entry, True, _columns(edges, left, middle)), Cell(entry, False, _columns(edges, middle, right)))
        )
        for line in lines
    )
    return Block(tuple(100 * (right - left) / WIDTH for left, right in pairwise(edges)), rows)


def _lines(entries: Sequence[Entry]) -> list[list[tuple[Entry, float, float, float]]]:
    """Each entry with the left edges of label and value and its right edge."""
    lines: list[list[tuple[Entry, float, float, float]]] = [[]]
    used = 0
    for place, entry in enumerate(entries):
        if used + entry.span > 12:
            lines.append([])
            used = 0
        following = entries[place + 1].span if place + 1 < len(entries) else 13
        end = used + entry.span
        right = 12 if end + following > 12 else end
        left = WIDTH * used / 12
        lines[-1].append((entry, left, left + entry.label_width, WIDTH * right / 12))
        used = end
    return lines


def _columns(edges: Sequence[float], left: float, right: float) -> int:
    return edges.index(round(right, 2)) - edges.index(round(left, 2))


def is_long_word(text: str) -> bool:
    """Whether a text has a run of narrow characters that may be wider than its cell."""
    return _LONG_WORD.search(text) is not None


def halves(widths: Sequence[float]) -> list[int]:
    """Widths in percent as halves of one, none of them nothing, two hundred in all: the classes that the style sheet knows."""
    whole = [max(int(2 * width), 1) for width in widths]
    rest = sorted(range(len(widths)), key=lambda place: 2 * widths[place] - whole[place], reverse=True)
    for place in rest[:max(200 - sum(whole), 0)]:
        whole[place] += 1
    return whole


def columns_of(text: str) -> int:
    """How wide a text is, in digits: a Chinese character counts two, a capital a little more than one; of several lines the widest."""
    return max((math.ceil(sum(2.0 if ord(c) > 0x2E7F else 1.25 if "A" <= c <= "Z" else 1.0 for c in line)) for line in text.split("\n")), default=0)
