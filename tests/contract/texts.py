"""Every message id in the source, and every translation of it."""

from __future__ import annotations

import ast
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from tests.contract.source import ROOT, modules

LANGUAGES = ("zh_CN", "zh_TW")
KEYWORDS = {"_": None, "Message": None}


def owners() -> dict[str, Path]:
    """core and every plugin, by name, with its folder."""
    plugins = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file())
    return {"core": ROOT / "core", **{path.name: path for path in plugins}}


@cache
def ids(owner: str) -> Mapping[str, str]:
    """Message id → the first place that uses it."""
    found: dict[str, str] = {}
    folder = owners()[owner]
    for path in sorted(folder.rglob("*")):
        for line, text in _extracted(path):
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    return found


def _extracted(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        with path.open("rb") as file:
            rows = list(extract_python(file, KEYWORDS, (), {}))
    elif path.suffix in {".html", ".xml", ".svg", ".txt"} and "templates" in path.parts:
        with path.open("rb") as file:
            rows = list(babel_extract(file, tuple(KEYWORDS), (), {"extensions": "jinja2.ext.do,jinja2.ext.loopcontrols", "silent": "false"}))
    else:
        return
    for line, _function, messages, _comments in rows:
        text = messages[0] if isinstance(messages, tuple | list) else messages
        if isinstance(text, str) and text:
            yield line, text


@cache
def catalog(owner: str, language: str) -> Mapping[str, str]:
    """Message id → text, of one owner's files."""
    return {id: text for _path, id, text in entries(owner, language)}


@cache
def literals() -> frozenset[str]:
    """Every string that stands in the Python source: units and currencies are translated by what they are."""
    found = set()
    for module in (*modules("core"), *modules("plugins")):
        found |= {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(found)


def entries(owner: str, language: str) -> Iterator[tuple[Path, str, str]]:
    """Every entry of every file of an owner: file, id, text."""
    for path in sorted((owners()[owner] / "translations" / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                if message.id and not message.fuzzy:
                    yield path, str(message.id), str(message.string or "")


def all_texts(language: str) -> Mapping[str, set[str]]:
    """Message id → every text that any file gives it."""
    found: dict[str, set[str]] = defaultdict(set)
    for owner in owners():
        for _path, id, text in entries(owner, language):
            found[id].add(text)
    return found


def places(text: str) -> set[str]:
    """The names in braces."""
    return {name for _before, name, _format, _conversion in string.Formatter().parse(text) if name}
