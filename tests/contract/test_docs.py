"""The documentation is true: generated parts do not drift, and what it names is there."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import click
import pytest
from babel.messages.pofile import read_po

import core
from core import config, hookspecs
from core.cli import yunkong
from tests.contract.source import ROOT

READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = (*READMES, *sorted((ROOT / "docs").rglob("*.md")))
GUIDES = tuple(page for page in PAGES if page.parent.name != "reference")
PAIRS = (("README", "README.zh-CN"), ("docs/user-guide", "docs/user-guide.zh-CN"), ("docs/operator-guide", "docs/operator-guide.zh-CN"))
PICTURES = ROOT / "docs" / "pictures"
LARGEST_OF_README, LARGEST_OF_ALL = 200_000, 6_000_000
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BOLD = re.compile(r"\*\*(.+?)\*\*")
NOT_VARIABLES = {"YUNKONG_MAIL_", "YUNKONG_"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def scripts_docs() -> ModuleType:
    """scripts/docs.py, which writes the generated parts."""
    spec = importlib.util.spec_from_file_location("scripts_docs", ROOT / "scripts" / "docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What is generated


def test_generated_parts_stand_as_the_code_says() -> None:
    """`make docs` writes them anew."""
    assert [name_of(page) for page in scripts_docs().differences()] == []


def test_every_part_is_used_and_every_page_is_listed() -> None:
    """Nothing is generated for nobody."""
    used = {part for page in GUIDES for part in re.findall(r"<!-- generated: ([a-z-]+) -->", text_of(page))}
    assert used == set(scripts_docs().PARTS)


# What is named


def words_of_commands(page: Path) -> Iterator[list[str]]:
    """Every `yunkong …` of a page, in blocks and in the running text."""
    text = text_of(page)
    lines = [line for language, block in BLOCK.findall(text) if language in ("sh", "text", "ini") for line in block.splitlines()]
    for line in (*lines, *SPAN.findall(BLOCK.sub("", text))):
        for found in re.findall(r"(?:^|[=/;] ?|&& )(?:\S*/)?yunkong ((?:[a-z-]+)(?: [^;|&>#]*)?)", line):
            yield found.split()


def command_at(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words lead to, and what is left of them."""
    found: click.Command = yunkong
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        found, words = found.commands[words[0]], words[1:]
    return found, words


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_command_named_is_there_with_its_options(page: Path) -> None:
    """A command or option that is not there cannot be documented."""
    for words in words_of_commands(page):
        if words[0] not in yunkong.commands:
            raise AssertionError(f"yunkong {' '.join(words)}")
        command, rest = command_at(words)
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        options = {word.partition("=")[0] for word in rest if word.startswith("--") and word != "--"}
        assert options <= known, f"yunkong {' '.join(words)}: {options - known}"


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_target_of_make_is_there(page: Path) -> None:
    """`make something` in the documentation is in the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), re.MULTILINE))
    text = text_of(page)
    told = [line for language, block in BLOCK.findall(text) if language in ("sh", "text") for line in block.splitlines()] + SPAN.findall(BLOCK.sub("", text))
    named = {found for line in told for found in re.findall(r"^make ([a-z-]+)", line)}
    assert named <= targets


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_hook_named_is_there(page: Path) -> None:
    """A name in the form of a hook's is a hook's."""
    hooks = {name for name, one in vars(hookspecs).items() if hasattr(one, "yunkong_spec")}
    named = {found for span in SPAN.findall(text_of(page)) for found in re.findall(r"^((?:register|fill)_\w+|check_step|step_taken)\b", span)}
    assert named <= hooks


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_environment_variable_named_is_read(page: Path) -> None:
    """By the configuration, or somewhere in the code."""
    read = {f"YUNKONG_{key.replace('.', '_').upper()}" for key in (*config._KEYS, *config.SECRETS)}
    for path in (ROOT / "core").rglob("*.py"):
        read |= set(re.findall(r"YUNKONG_[A-Z_]+", text_of(path)))
    named = set(re.findall(r"YUNKONG_[A-Z_]+", text_of(page))) - NOT_VARIABLES
    assert named <= read


@pytest.mark.parametrize("page", [ROOT / "docs" / "operator-guide.md", ROOT / "docs" / "operator-guide.zh-CN.md"], ids=name_of)
def test_the_operator_guide_knows_every_key(page: Path) -> None:
    """Every key of site.toml and every secret, and no other in the table."""
    text = text_of(page)
    rows = re.findall(r"^\| (`[^|]+) \|[^|]+\| `YUNKONG_", text, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`([\w.]+)`", row)} == set(config._KEYS)
    assert all(f"`{secret}`" in text for secret in config.SECRETS)


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_address_of_the_api_is_there(page: Path) -> None:
    """`GET /something` in the documentation is an operation."""
    patterns = [(one.method, re.sub(r"\\?\{[^}]*\\?\}", r"[^/ ]+", re.escape(scripts_docs().address(one.rule)))) for one in scripts_docs().routes()]
    patterns += [("GET", re.escape("/openapi.json")), ("GET", "/healthz"), ("GET", "/readyz")]
    for span in SPAN.findall(text_of(page)):
        found = re.fullmatch(r"(GET|POST|PATCH|PUT|DELETE) (/\S*)", span)
        if found:
            path = found[2].removeprefix("/api/v1").partition("?")[0]
            assert any(found[1] == method and re.fullmatch(pattern, path) for method, pattern in patterns), span


def calls_in(block: str) -> Iterator[ast.Call]:
    """Every call of a Python block."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Call):
            yield node


def callee(call: ast.Call) -> object:
    """What a call of a documented example calls, where it is one of ours."""
    if isinstance(call.func, ast.Name):
        return getattr(core, call.func.id) if call.func.id in core.__all__ else None
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "fields":
        return getattr(core.fields, call.func.attr)
    return None


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_example_calls_what_is_there(page: Path) -> None:
    """Each Python block can be read, its imports exist, and its declarations take the options they are given."""
    for language, block in BLOCK.findall(text_of(page)):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "core":
                assert {one.name for one in node.names} <= set(core.__all__)
        for call in calls_in(block):
            called = callee(call)
            if called is not None and called is not core._:
                known = inspect.signature(called).parameters
                assert {one.arg for one in call.keywords if one.arg} <= set(known), ast.unparse(call)


# Links and pictures


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as they are made where it is read."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", BLOCK.sub("", text_of(page)), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_is_dead(page: Path) -> None:
    """Files, headings and pictures that are pointed at are there; other sites are not asked."""
    for link in LINK.findall(BLOCK.sub("", text_of(page))):
        place, _hash, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{name_of(page)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}"


def test_every_picture_is_used_and_small() -> None:
    """Two of the README under 200 KB each, all together under 6 MB."""
    pictures = {path for path in PICTURES.iterdir() if path.is_file()}
    used = {(page.parent / link).resolve() for page in GUIDES for link in LINK.findall(text_of(page)) if "pictures/" in link}
    assert pictures == used
    assert sum(path.stat().st_size for path in pictures) < LARGEST_OF_ALL
    assert all(path.stat().st_size < LARGEST_OF_README for path in pictures if path.name.startswith("readme-"))


# Two languages


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_both_languages_have_the_same_sections_and_blocks(pair: tuple[str, str]) -> None:
    """Headings of the same levels in the same order, tables of the same length, the same blocks."""
    shapes = []
    for name in pair:
        text = text_of(ROOT / f"{name}.md")
        bare = BLOCK.sub("", text)
        shapes.append((re.findall(r"^(#+) ", bare, re.MULTILINE), len(re.findall(r"^\|", bare, re.MULTILINE)), BLOCK.findall(text)))
    assert shapes[0] == shapes[1]


@cache
def texts(language: str) -> frozenset[str]:
    """What pages can say in a language."""
    found = set()
    for path in [*(ROOT / "core" / "translations" / "zh_CN").glob("*.po"), *(ROOT / "plugins").glob("*/translations/zh_CN/*.po")]:
        with path.open("rb") as file:
            found |= {str(one.id if language == "en" else one.string) for one in read_po(file) if one.id and one.string}
    return frozenset(found)


def is_said(words: str, language: str) -> bool:
    """Whether a page can say these words, its values put in."""
    for text in texts(language):
        literal = re.sub(r"\{[^}]*\}", "", text)
        pattern = "".join(".+?" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", text))
        if words in text or (len(re.sub(r"\W", "", literal)) > 1 and re.fullmatch(pattern, words)):
            return True
    return False


@pytest.mark.parametrize(("guide", "language"), [("user-guide.md", "en"), ("user-guide.zh-CN.md", "zh_CN")])
def test_the_user_guide_speaks_in_the_words_of_the_pages(guide: str, language: str) -> None:
    """What is printed bold stands on a page."""
    said = [words.rstrip(".。") for words in BOLD.findall(text_of(ROOT / "docs" / guide))]
    assert [words for words in said if not is_said(words, language)] == []


# Around it


def test_the_readme_names_the_version_of_python_and_the_licence() -> None:
    """As pyproject.toml does."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    least = project["requires-python"].removeprefix(">=")
    assert f"Python {least}" in text_of(ROOT / "docs" / "operator-guide.md")
    assert project["license"] in text_of(ROOT / "README.md")


