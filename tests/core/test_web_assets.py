"""Facts about static files and templates: pinned, free of what the content policy refuses, coloured by tokens alone."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "core" / "web"
OWN = sorted((WEB / "static" / "app").glob("*.css"))
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
PINS = json.loads((ROOT / "scripts" / "vendor.json").read_text())


@pytest.mark.parametrize("name", sorted(PINS["sha256"]))
def test_a_vendored_file_is_the_one_that_is_pinned(name) -> None:
    """Nobody edits a vendored file by hand; `scripts/vendor` renews it."""
    assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == PINS["sha256"][name]


def test_every_vendored_file_is_pinned() -> None:
    """And every pinned file is there."""
    folder = WEB / "static" / "vendor"
    assert {f"core/web/static/vendor/{path.name}" for path in folder.iterdir()} == {name for name in PINS["sha256"] if name.startswith("core/")}


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    """Literal names in templates and Python; a name that is worked out is checked by the pages themselves."""
    there = set(re.findall(r'<symbol id="([^"]+)"', (WEB / "static" / "vendor" / "icons.svg").read_text()))
    named = {name for path in TEMPLATES for name in re.findall(r'\bicon\("([a-z0-9-]+)"', path.read_text())}
    from core.web import badges, start

    tables = {icon for _word, icon in (*badges.NOUN_ICONS, *start.VERB_ICONS)} | set(badges.ICONS.values()) | set(badges.OWN_ICONS.values())
    assert (named | tables) - there == set()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_style_sheets_are_flat_and_coloured_by_tokens(path) -> None:
    """No gradient, nothing from elsewhere, no colour outside the tokens."""
    text = path.read_text()
    assert "gradient(" not in text and "@import" not in text and not re.search(r"url\((?!\"data:)", text)
    rules = re.sub(r":root\{.*?\n\}", "", text, flags=re.DOTALL)
    rules = re.sub(r"url\([^)]*\)", "", rules)
    assert re.findall(r"(?<![\w&-])#[0-9a-fA-F]{3,8}\b(?=[;\s})!,])", rules) == []
    assert re.findall(r":[^;{}]*\b(white|black|red|gr[ae]y|blue|green)\b", rules) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_a_template_holds_nothing_inline(path) -> None:
    """No style, no script, no handler in the markup; no text that is not translated in sight of a heading or button."""
    text = path.read_text()
    assert not re.search(r"<[^>]*\sstyle=", text) and not re.search(r"<[^>]*\son[a-z]+=\"", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text) and "<style" not in text and not re.search(r"(?<!')\|safe", text)
    assert not re.search(r"<(?:h1|h2|h3|label|button|summary|th)[^>]*>\s*[A-Za-z]{3,}", re.sub(r"\{[{%].*?[%}]\}", "", text))
