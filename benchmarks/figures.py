"""docs/performance.md: what was measured, beside what was promised."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import lists, pages, paired, start, statements
from benchmarks import print as printing
from benchmarks.load import Window


@dataclass(frozen=True)
class Engine:
    """Everything that was measured on one engine."""

    name: str
    statements: Mapping[str, int]
    compared: Sequence[paired.Comparison]
    start: start.Start
    page: pages.Page
    sizes: Sequence[lists.Pages]


@dataclass(frozen=True)
class Figures:
    """A whole run."""

    around: Mapping[str, str]
    engines: Sequence[Engine]
    prints: printing.Prints


def written(figures: Figures) -> str:
    """The page."""
    return "\n".join([*_opening(figures), *_paired(figures), *_statements(figures), *_lists(figures), *_pages(figures), *_prints(figures), ""])


def kept(value: float, most: float) -> str:
    """Whether a promise is kept, in a word."""
    return "kept" if value <= most else "**missed**"


def _opening(figures: Figures) -> Iterator[str]:
    yield from ("# How quick it is", "", "Written by `make bench`; the design is in `benchmarks/`.", "")
    yield from (f"- {name}: {text}" for name, text in figures.around.items())
    yield from (
        "", "Trust in this order: statements per request (counted), ratios of processor time inside one paired round, then times and rates, which",
        "change with the machine and with what else runs on it. A round counts as clean when nothing else used more than 15 % of the machine;",
        "ratios are taken from the clean rounds where there are three of them, else from all.", "",
        "The floor is a bare Flask + SQLAlchemy Core application that writes the same rows into the same tables (record, form, lines, links,",
        "chained trail, number, signature) and checks next to nothing: no rights, rules, declarations, translations, idempotency.", "",
    )


def _middle(windows: Sequence[Window], of: Callable[[Window], float]) -> float:
    return statistics.median(map(of, windows))


def _paired(figures: Figures) -> Iterator[str]:
    yield from ("## Against the floor", "",
                "| engine | operation | worker CPU ms, floor | ours | ratio (range) | at most | aim | | req/s floor | ours | p50 ms floor | ours | clean |",
                "|---|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|")
    for engine in figures.engines:
        for one in engine.compared:
            ratios = one.ratios(lambda window: window.cpu_ms)
            most, aim = paired.LIMITS.get(one.name), paired.AIMS.get(one.name)
            yield (
                f"| {engine.name} | {one.name} | {_middle(one.floor, lambda w: w.cpu_ms):.2f} | {_middle(one.ours, lambda w: w.cpu_ms):.2f} | "
                f"{one.ratio:.2f} ({min(ratios):.2f}\u2013{max(ratios):.2f}) | {most or ''} | {aim or ''} | {kept(one.ratio, most) if most else ''} | "
                f"{_middle(one.floor, lambda w: w.rate):.0f} | {_middle(one.ours, lambda w: w.rate):.0f} | {_middle(one.floor, lambda w: w.p50_ms):.1f} | "
                f"{_middle(one.ours, lambda w: w.p50_ms):.1f} | {one.clean}/{len(one.ours)} |"
            )
    yield from ("", f"Two synchronous gunicorn workers each, {paired.CLIENTS} clients, a connection per request.",
                "Create: ten fields, five lines that name parts. Transition: leaves the draft, with number and signature. List: fifty of a state.",
                "Read: with lines and names.", "")


def _statements(figures: Figures) -> Iterator[str]:
    names = list(statements.MOST)
    yield from ("## SQL statements per request, sign-in included", "", "| engine | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names))
    for engine in figures.engines:
        yield f"| {engine.name} | " + " | ".join(str(engine.statements[name]) for name in names) + " |"
    yield "| at most | " + " | ".join(str(statements.MOST[name]) for name in names) + " |"
    yield "| aim | " + " | ".join(str(statements.AIM[name]) for name in names) + " |"
    yield ""


def _lists(figures: Figures) -> Iterator[str]:
    yield from ("## Lists that grow", "", "Milliseconds of a page of fifty, p50, answered in one process.", "")
    for engine in figures.engines:
        small, large = engine.sizes[0], engine.sizes[-1]
        yield from (f"| {engine.name} | {small.records:,} records | {large.records:,} records | ratio | at most | |", "|---|---:|---:|---:|---:|---|")
        for name, low in small.wall.items():
            ratio = large.wall[name] / low
            yield f"| {name} page | {low:.2f} | {large.wall[name]:.2f} | {ratio:.2f} | {lists.LIMIT} | {kept(ratio, lists.LIMIT)} |"
        yield ""


def _pages(figures: Figures) -> Iterator[str]:
    yield from ("## Record page, start, memory", "", "| | " + " | ".join(engine.name for engine in figures.engines) + " | at most |",
                "|---|" + "---:|" * (len(figures.engines) + 1))
    rows: list[tuple[str, Callable[[Engine], str], str]] = [
        ("record page: statements", lambda e: str(e.page.statements), str(pages.MOST_STATEMENTS)),
        ("record page: worker CPU ms", lambda e: f"{e.page.cpu_ms:.1f}", f"{pages.MOST_MS:.0f}"),
        ("record page: trail entries on it", lambda e: str(e.page.entries), ""),
        ("ready after, s (range)", lambda e: f"{e.start.seconds:.2f} ({e.start.range[0]:.2f}\u2013{e.start.range[1]:.2f})", str(start.MOST_SECONDS)),
        ("memory of a web worker, MB resident (proportional)", lambda e: f"{e.start.resident:.0f} ({e.start.proportional:.0f})", f"{start.MOST_MB:.0f}"),
    ]
    for name, shown, most in rows:
        yield f"| {name} | " + " | ".join(shown(engine) for engine in figures.engines) + f" | {most} |"
    yield from ("", "The record has 43 fields and 20 lines. Start: from the start of gunicorn with two workers to the first good signed-in answer.", "")


def _prints(figures: Figures) -> Iterator[str]:
    prints = figures.prints
    yield from (
        "## Prints", "", "A one-page Chinese form (twelve head cells, thirty-five item cells, remark, places to sign, QR code, head and foot), one press:", "",
        "| | measured | at most | |", "|---|---:|---:|---|",
        f"| per print, warm, wall ms | {prints.wall_ms:.1f} | {printing.MOST_MS:.0f} | {kept(prints.wall_ms, printing.MOST_MS)} |",
        f"| per print, processor ms of the press | {prints.cpu_ms:.1f} | | |",
        f"| size, KB | {prints.kilobytes:.0f} | {printing.MOST_KB:.0f} | {kept(prints.kilobytes, printing.MOST_KB)} |",
        f"| first print of a new press, ms | {prints.first_ms:.0f} | | |", "",
        "Memory of the press, MB: " + ", ".join(f"{megabytes:.1f} after {number:,}" for number, megabytes in prints.growth) + ".", "",
    )
