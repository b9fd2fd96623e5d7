"""The `yunkong` command: everything an operator does at a terminal, by the same doors as the pages.

Exit codes: 0 done, 1 refused, 2 wrong usage. Answers go to standard output (`--json` for machines), progress and
refusals to standard error.
"""

from core.cli import data, organisation, plugins, rules, running
from core.cli.frame import run, yunkong

__all__ = ["main", "yunkong"]

PARTS = (running, organisation, rules, plugins, data)
"""The modules whose commands hang on `yunkong`."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run(arguments)
