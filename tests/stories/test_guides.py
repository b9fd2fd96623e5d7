"""The guides keep their word: their commands are run, in their order, in one terminal, each of them with success."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stories.terminal import terminal

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands_of(guide: str) -> str:
    """Everything that a guide tells to run, one script."""
    return "\n".join(BLOCK.findall((DOCS / guide).read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_operator_guide_can_be_followed(tmp_path: Path) -> None:
    """From an empty folder to a site with people, functions, a proven trail and a backup that is proven too."""
    with terminal(tmp_path) as typed:
        said = typed.type(commands_of("operator-guide.md").replace("/srv/yunkong", f"{tmp_path}/srv"))
    assert said.count("The trail holds.") == 2
    assert '"status":"ok"' in said
    assert "production.month_plan.approver is now manager." in said


@pytest.mark.parametrize("guide", ["operator-guide"])
def test_both_languages_tell_the_same_commands(guide: str) -> None:
    """A guide in Chinese runs what the English one runs."""
    assert commands_of(f"{guide}.zh-CN.md") == commands_of(f"{guide}.md")
