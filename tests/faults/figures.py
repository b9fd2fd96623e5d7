"""What fault runs found, written into docs/faults.md: each run replaces its own part and leaves the others alone."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """# Fault runs

What happens when processes are killed, forms are sent twice and many people act at once, measured on both engines. Each
part is written by its own command and says when and on what it ran; `make test` runs a short form of each.
"""
PARTS = ("kill", "numbers", "races", "once")


def write(part: str, title: str, told: str, rows: Mapping[str, Mapping[str, object]], page: Path = PAGE) -> None:
    """Put a part into the page: what was done, and a table of figures with one column per engine."""
    text = page.read_text(encoding="utf-8") if page.exists() else HEAD + "".join(f"\n<!-- {one} -->\n<!-- /{one} -->\n" for one in PARTS)
    ran = f"Ran {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL 18;"
    ran += f" load average at the end {os.getloadavg()[1]:.0f} (other work on the machine included)."
    made = f"<!-- {part} -->\n## {title} (`make faults-{part}`)\n\n{told}\n\n{table(rows)}\n\n{ran}\n<!-- /{part} -->"
    page.parent.mkdir(exist_ok=True)
    page.write_text(re.sub(rf"<!-- {part} -->.*?<!-- /{part} -->", lambda _match: made, text, flags=re.DOTALL), encoding="utf-8")


def table(columns: Mapping[str, Mapping[str, object]]) -> str:
    """Figures as a table: engine → {what: figure}."""
    engines = list(columns)
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    lines = [f"| | {' | '.join(engines)} |", f"|---|{'---:|' * len(engines)}"]
    lines += [f"| {name} | {' | '.join(_shown(columns[engine].get(name, '')) for engine in engines)} |" for name in names]
    return "\n".join(lines)


def _shown(figure: object) -> str:
    if isinstance(figure, float):
        return f"{figure:,.1f}"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which so much of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
