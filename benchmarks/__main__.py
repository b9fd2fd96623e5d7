"""`make bench`: measure everything on both engines and write docs/performance.md. `--quick` for a look in two minutes."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import lists, pages, paired, start, statements
from benchmarks import print as printing
from benchmarks.company import found
from benchmarks.figures import Engine, Figures, written
from tests import postgresql

TARGET = Path(__file__).parent.parent / "docs" / "performance.md"
SAFE = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "512MB", "effective_cache_size": "4GB", "max_wal_size": "4GB"}


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Addresses of four empty databases of an engine, and the process of its server."""
    if engine == "sqlite":
        yield [""] * 4, ()
        return
    with postgresql.server(SAFE) as server:
        pid = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        yield [server.create(f"bench_{n}") for n in range(4)], (pid,)


def measure(engine: str, folder: Path, quick: bool) -> Engine:
    """Everything that depends on the engine."""
    told(engine)
    with databases(engine, folder) as (urls, beside):
        names = ("floor", "ours", "small", "full")
        floor, ours, few, full = (found(folder / engine / name, url) for name, url in zip(names, urls, strict=True))
        counts = statements.count(ours)
        told(f"{engine}: statements {counts}")
        compared = paired.compare(floor, ours, 2 if quick else 6, 1.0 if quick else 2.5, beside)
        told(f"{engine}: ratios " + ", ".join(f"{one.name} {one.ratio:.2f}" for one in compared))
        began = start.measure(ours, 2 if quick else 5)
        page = pages.measure(ours, pages.fill(ours), 10 if quick else 40)
        told(f"{engine}: start {began.seconds:.2f} s, record page {page.cpu_ms:.1f} ms")
        small, large = (1_000, 20_000) if quick else (lists.SMALL, lists.LARGE)
        lists.seed(few, small)
        lists.seed(full, large)
        sizes = lists.measure(((few, small), (full, large)), 20 if quick else 80)
        told(f"{engine}: lists {sizes[-1].wall}")
    return Engine(engine, counts, compared, began, page, sizes)


def told(text: str) -> None:
    """Progress, on standard error."""
    import sys

    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


def surroundings() -> dict[str, str]:
    """On what it was measured."""
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    packages = ", ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "Flask", "gunicorn", "psycopg", "weasyprint"))
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "machine": f"{os.cpu_count()} cores, {cpu}", "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version, "packages": packages,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="two minutes, smaller sizes; nothing is written")
    parser.add_argument("--engines", default="sqlite,postgresql")
    asked = parser.parse_args()
    around = surroundings()
    folder = Path(tempfile.mkdtemp(prefix="yunkong-bench-"))
    try:
        told("prints")
        prints = printing.measure(100 if asked.quick else 1000)
        engines = [measure(engine, folder, asked.quick) for engine in asked.engines.split(",")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = written(Figures(around, engines, prints))
    if asked.quick:
        told("\n" + text)
    else:
        TARGET.write_text(text, "utf-8")
        told(f"written to {TARGET}")


if __name__ == "__main__":
    main()
