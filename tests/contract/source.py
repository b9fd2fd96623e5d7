"""The source as the contract tests read it: every module of core and the plugins, parsed once."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """One import statement's target: the module, and the line that names it."""

    target: str
    line: int
    for_types_only: bool


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        """Its path within the project."""
        return str(self.path.relative_to(ROOT))

    @property
    def part(self) -> str:
        """What the map of the floors calls it: `core.web.view` is part of `web`; core itself is the empty part."""
        return self.name.removeprefix("core").strip(".").partition(".")[0]

    @cached_property
    def code_lines(self) -> int:
        """Its lines that hold code: no blank ones, no comments, no docstrings."""
        skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
        held = {
            line for token in tokenize.generate_tokens(io.StringIO(self.text).readline) if token.type not in skipped
            for line in range(token.start[0], token.end[0] + 1)
        }
        return len(held - set(_docstring_lines(self.tree)))

    def imports(self) -> Iterator[Import]:
        """Every import anywhere in it, relative ones resolved."""
        yield from _imports(self, self.tree, False)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node, clean=False) is not None:
            yield from range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def _imports(module: Module, node: ast.AST, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _base(module, child)
            for alias in child.names:
                yield Import(f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base, child.lineno, typing)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            yield from _imports(module, ast.Module(child.body, []), True)
            yield from _imports(module, ast.Module(child.orelse, []), typing)
        else:
            yield from _imports(module, child, typing)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
    for _up in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@cache
def modules(top: str) -> tuple[Module, ...]:
    """Every module below `core` or `plugins`."""
    found = []
    for path in sorted((ROOT / top).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(path, name, text, ast.parse(text, str(path))))
    return tuple(found)
