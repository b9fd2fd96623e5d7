"""From paper to HTML: the templates of the house and of plugins, with everything escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from jinja2 import BaseLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from core.messages import _
from core.printing.paper import Paper, blocks, halves

HOUSE: Final = "core/house.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_LANGUAGES: Final = {"zh_CN": "zh-CN", "zh_TW": "zh-TW"}


class Layout:
    """Fills templates. `folders` are the template folders of plugins by name; a template is called `plugin/file.html`."""

    def __init__(self, folders: Mapping[str, Path], translate: Callable[[str, str], str]) -> None:
        loaders: dict[str, BaseLoader] = {name: FileSystemLoader(folder) for name, folder in folders.items()}
        self._environment = Environment(
            loader=PrefixLoader({**loaders, "core": FileSystemLoader(_TEMPLATES)}),
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )
        self._environment.filters.update(blocks=blocks, halves=halves)
        self._translate = translate

    def html(self, paper: Paper, template: str = HOUSE, **more: object) -> str:
        """The page of HTML of a print; `more` are further names of the template."""

        def say(text: str) -> str:
            return self._translate(text, paper.language)

        return self._environment.get_template(template).render(
            paper=paper, _=say, page_of=_page_of(say(PAGE)), language=_LANGUAGES.get(paper.language, paper.language), **more)


PAGE: Final = _("Page {page} of {pages}")


def _page_of(pattern: str) -> list[str]:
    """`Page 1 of 2` without its figures, which the style sheet alone knows: what stands before, between and after them."""
    return pattern.format(page="\0", pages="\0").replace(" ", "\u00a0").split("\0")
