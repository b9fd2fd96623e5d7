"""The texts of core and of every enabled plugin in the languages of the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from core.messages import Message

LANGUAGES = ("zh_CN", "zh_TW", "en")
"""What a user may choose; English is the language of the message ids and has no file."""

CORE = Path(__file__).parent / "translations"


@lru_cache(maxsize=512)
def read_catalog(path: Path) -> Mapping[str, str]:
    """Message id → text of one .po file; entries without a text are left out."""
    with path.open("rb") as file:
        catalog = read_po(file)
    return {str(m.id): str(m.string) for m in catalog if m.id and m.string}


class Translations:
    """Looks texts up; made from the translation folders of core and the plugins, in their order."""

    def __init__(self, folders: Iterable[Path] = (CORE,)) -> None:
        self.folders = tuple(folders)
        self._texts: dict[str, dict[str, str]] = {}

    def catalog(self, language: str) -> Mapping[str, str]:
        """Every text of one language, read at first use."""
        if language not in self._texts:
            texts: dict[str, str] = {}
            for folder in self.folders:
                for path in sorted((folder / language).glob("*.po")):
                    texts.update(read_catalog(path))
            self._texts[language] = texts
        return self._texts[language]

    def text(self, message: str, language: str) -> str:
        """The message in that language, its values put in; English where a language lacks it."""
        id, values = (message.id, message.values) if isinstance(message, Message) else (message, {})
        pattern = id if language == "en" else self.catalog(language).get(id, id)
        if not values:
            return pattern
        return pattern.format(**{
            name: self.text(value, language) if isinstance(value, Message) else value for name, value in values.items()
        })
