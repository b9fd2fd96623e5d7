"""A one-page Chinese form as PDF: milliseconds warm, kilobytes, and memory over a thousand prints of one press."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import children, memory, processor
from core.printing import Limits, Printer
from core.printing.layout import Layout
from core.printing.paper import Column, Entry, Grid, Paper, Part, Sign
from core.printing.sheet import code

MOST_MS, MOST_KB = 60.0, 100.0
# The form that performance-baseline.md measures, in the words that such a form has; data, not texts of the program.
WORDS = (Path(__file__).parent / "form.txt").read_text("utf-8").split()


@dataclass(frozen=True)
class Prints:
    """What printing takes: per print warm, the size of one, and the memory of the press after so many."""

    wall_ms: float
    cpu_ms: float
    kilobytes: float
    first_ms: float
    growth: tuple[tuple[int, float], ...]


def form(number: int) -> Paper:
    """Head table of twelve cells, item table of thirty-five, remark, three places to sign, QR code, head and foot."""
    company, title, *rest = WORDS
    heads, items, foot = rest[:12], rest[12:18], rest[18:]
    entries = tuple(Entry(label, value, span=4) for label, value in zip(heads[::2], heads[1::2], strict=True))
    rows = tuple((item, f"GB/T {1000 + number * 7 + place}", f"{(number * 37 + place * 11) % 97 / 10:.2f}", foot[0]) for place, item in enumerate(items))
    columns = (Column(foot[1]), Column(foot[2]), Column(foot[3], True), Column(foot[4]))
    signs = tuple(Sign(foot[5 + n], foot[8], foot[9 + n], foot[5 + n], "2026-11-20 08:31:07", "3a7e\u202690bd", foot[11]) for n in range(2))
    return Paper(
        "zh_CN", company, title, (Part("", (*entries, Grid("", columns, rows), Entry(foot[12], foot[13] * 3, span=12))),),
        head=((foot[14], "QR-ZL-16"), (foot[15], "B/3"), (foot[16], f"QC-2026-{number:05d}"), (foot[17], "CX-15")), strong=3,
        signs=(*signs, Sign(foot[7])), foot=(f"{foot[18]} 2026-11-20 14:20", f"SHA-256 9c41 7be0 52fa 18d3 \u2026 6e07 a1b9 {number:04d}"),
        code=code(f"http://127.0.0.1:8000/quality/report/45578700000000{number:04d}?version=19"),
    )


def measure(prints: int = 1000) -> Prints:
    """One press, many prints of forms that differ in their data."""
    from core.printing.pool import PrintServer
    from core.translations import Translations

    server = PrintServer(1, Limits(prints=10**6, grown=2**40))
    printer, layout = Printer(server.address), Layout({}, Translations().text)
    try:
        began = time.perf_counter()
        printer.print("<p>1")
        first = 1000 * (time.perf_counter() - began)
        press = children(server.pid)[-1]
        walls, growth, sizes = [], [], []
        start = processor([press])[press]
        for number in range(1, prints + 1):
            paper = form(number)
            began = time.perf_counter()
            pdf = printer.print(layout.html(paper), {"code": paper.code})
            walls.append(1000 * (time.perf_counter() - began))
            sizes.append(len(pdf) / 1024)
            if number in (10, 100, 250, 500, 750, prints):
                growth.append((number, memory(press)[0]))
        used = 1000 * (processor([press])[press] - start) / prints
    finally:
        server.close()
    return Prints(statistics.median(walls[5:]), used, max(sizes), first, tuple(growth))
