"""Texts that people will read: English message ids that are translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_EMPTY: Final[Mapping[str, object]] = MappingProxyType({})


class Message(str):
    """An English text that remembers its message id and the values put into it.

    `str(message)` is the English sentence; `translations.Translations.text` gives it in another language.
    """

    __slots__ = ("id", "values")

    id: str
    values: Mapping[str, object]

    def __new__(cls, id: str, /, **values: object) -> Message:
        """Make the text; `{name}` in the id takes the value of that name."""
        text = super().__new__(cls, id.format(**values) if values else id)
        text.id = id
        text.values = MappingProxyType(values) if values else _EMPTY
        return text

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a pickle, values included."""
        return (_restore, (self.id, dict(self.values)))


def _restore(id: str, values: dict[str, object]) -> Message:
    return Message(id, **values)


def _(id: str, /, **values: object) -> Message:
    """Mark an English text for translation: `_("Row {number} is empty.", number=3)`."""
    return Message(id, **values)
