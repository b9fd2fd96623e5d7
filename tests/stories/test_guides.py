"""The guides keep their word: their commands are run, in their order, in one terminal, each of them with success."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.stories.terminal import free_port, terminal

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)

SAID = (
    "428", "200", "goals", "MP-202701-01", "*", "not_allowed", "Approve", "/password", "approved", "issued", "WP-2027-W01-01", "PO-202611-*",
    "submitted", "approved", "4", "issued", "240", "DR-20270105-01", "received", "50", "valid", "production.monthly_plan.printed",
)
"""What the month of the integrator guide says, line by line, once the plan was refused."""


def commands_of(guide: str) -> str:
    """Everything that a guide tells to run, one script."""
    return "\n".join(BLOCK.findall((DOCS / guide).read_text(encoding="utf-8")))


def script_of(guide: str, folder: Path) -> str:
    """The same in a folder of its own, at a port of its own."""
    return re.sub(r"\b876\d\b", str(free_port()), commands_of(guide).replace("/srv/yunkong", f"{folder}/srv"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_operator_guide_can_be_followed(tmp_path: Path) -> None:
    """From an empty folder to a site with people, functions, a proven trail and a backup that is proven too."""
    with terminal(tmp_path) as typed:
        said = typed.type(script_of("operator-guide.md", tmp_path))
    assert said.count("The trail holds.") == 2
    assert '"status":"ok"' in said
    assert "production.month_plan.approver is now manager." in said


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_month_of_the_integrator_guide_can_be_followed(tmp_path: Path) -> None:
    """From a plugin's files to a month through the API: planned, refused, mended, approved, drawn for, made, printed."""
    with terminal(tmp_path) as typed:
        said = typed.type(script_of("integrator-guide.md", tmp_path)).splitlines()
    assert all(map(fnmatch, said[-len(SAID):], SAID)), said[-len(SAID):]
    assert (tmp_path / "plan.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "plans.xlsx").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("guide", ["operator-guide"])
def test_both_languages_tell_the_same_commands(guide: str) -> None:
    """A guide in Chinese runs what the English one runs."""
    assert commands_of(f"{guide}.zh-CN.md") == commands_of(f"{guide}.md")
