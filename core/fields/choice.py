"""What is ticked on a form: yes or no, one of several, some of several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.errors import Invalid
from core.fields.kind import Field, Reading, Storage, Told, Value, shown
from core.messages import _

KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
# The words and marks for yes and no as people in China type them; the check mark, the circle, the cross.
_YES = {"1", "true", "on", "yes", "y", "x", "\u662f", "\u6709", "\u5bf9", "\u221a", "\u2713", "\u2714", "\u2611"}
_NO = {"0", "false", "off", "no", "n", "\u5426", "\u65e0", "\u7121", "\u00d7", "\u2717", "\u2610"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Boolean(Field):
    """Yes or no (`bool`)."""

    kind: ClassVar[str] = "boolean"
    usual_width: ClassVar[int] = 3
    filters_itself: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("boolean")

    def read(self, raw: object) -> Value:
        return raw

    def accept(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise Invalid(_("True or false is expected here."), code="type")
        return value

    def understand(self, given: Any, reading: Reading) -> bool:
        if isinstance(given, bool):
            return given
        word = str(int(given) if isinstance(given, float) and given.is_integer() else given).strip().casefold()
        if word in _YES or word in reading.called(_("Yes")):
            return True
        if word in _NO or word in reading.called(_("No")):
            return False
        raise Invalid(_("“{given}” is neither yes nor no.", given=shown(given)), code="choice")

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else reading.translate(_("Yes") if value else _("No"))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


def options_of(setting: object) -> dict[str, str]:
    """The options that a setting holds: a mapping of key to text, a list of texts, or rows with key and label."""
    if isinstance(setting, Mapping):
        return {str(key): str(text) for key, text in setting.items()}
    options: dict[str, str] = {}
    for one in setting if isinstance(setting, (list, tuple)) else ():
        if isinstance(one, Mapping):
            key = one.get("key") or one.get("label")
            options[str(key)] = str(one.get("label") or key)
        else:
            options[str(one)] = str(one)
    return options


@dataclass(frozen=True, kw_only=True, eq=False)
class _Options(Field):
    """What Choice and Choices share: `options` key → label, or the name of a setting that holds them."""

    options: Mapping[str, str] | str = ""

    @property
    def by_setting(self) -> str:
        """The name of the setting that holds the options; empty where they are declared."""
        return self.options if isinstance(self.options, str) else ""

    @property
    def shown_open(self) -> bool:
        """Whether form and paper show all options with boxes to tick (up to seven), rather than a list to pick from."""
        return not isinstance(self.options, str) and len(self.options) <= 7

    def choices(self, reading: Reading) -> Mapping[str, str]:
        """Key → label in the reader's language, in their order."""
        if isinstance(self.options, str):
            return reading.options(self) if reading.options else {}
        return {key: reading.translate(label) for key, label in self.options.items()}

    def known(self, key: object) -> str:
        """The key, if it is one of the options; what a setting holds is checked by the door."""
        if not isinstance(key, str):
            raise Invalid(_("The key of a choice is expected here."), code="type")
        if isinstance(self.options, str):
            if not key or len(key) > 60 or not key.isprintable():
                raise Invalid(_("“{given}” is not one of the choices.", given=shown(key)), code="choice")
        elif key not in self.options:
            raise Invalid(
                _("“{given}” is not one of the choices.", given=shown(key)),
                _("Choose one of: {choices}.", choices=", ".join(self.options)), "choice",
            )
        return key

    def find(self, given: object, reading: Reading) -> str:
        """The key of an option typed as key or label."""
        text = str(given).strip()
        choices = self.choices(reading)
        if text in choices:
            return text
        declared = {} if isinstance(self.options, str) else self.options
        folded = text.casefold()
        for key, label in choices.items():
            if folded == label.casefold() or (key in declared and folded in reading.called(declared[key])):
                return key
        labels = reading.separator.join(choices.values())
        raise Invalid(
            _("“{given}” is not one of the choices.", given=shown(given)),
            _("Choose one of: {choices}.", choices=labels if len(labels) <= 200 else labels[:200] + "…"), "choice",
        )

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if not self.options:
            yield "F140", "It has no options.", "Give options={key: _(\"Label\")} or the name of a setting."
        if isinstance(self.options, str):
            return
        for key in self.options:
            if not KEY.fullmatch(key):
                yield "F141", f"The option {key!r} is not a key.", "Keys are small letters, digits and underscores."


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(_Options):
    """One of several (`str`, the key of the option)."""

    kind: ClassVar[str] = "choice"
    filters_itself: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("text", length=60)

    def read(self, raw: object) -> Value:
        return raw

    def accept(self, value: Value) -> str:
        return self.known(value)

    def understand(self, given: Any, reading: Reading) -> str:
        return self.find(given, reading)

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else self.choices(reading).get(value, value)

    def json_schema(self) -> dict[str, Any]:
        if isinstance(self.options, str):
            return {"type": "string", "minLength": 1, "maxLength": 60}
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices(_Options):
    """Some of several (`tuple` of keys, in the order of the options)."""

    kind: ClassVar[str] = "choices"
    usual_width: ClassVar[int] = 6
    is_list: ClassVar[bool] = True
    converts: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("json")

    def load(self, raw: object) -> Value:
        return () if raw is None else self.accept(self.read(raw))

    def read(self, raw: object) -> Value:
        if not isinstance(raw, list):
            raise Invalid(_("A list is expected here."), code="type")
        return raw

    def accept(self, value: Value) -> tuple[str, ...]:
        keys = [self.known(key) for key in members(value)]
        if len(set(keys)) != len(keys):
            raise Invalid(_("The same choice stands here twice."), code="twice")
        check_count(self, len(keys))
        if isinstance(self.options, str):
            return tuple(keys)
        return tuple(key for key in self.options if key in keys)

    def parse(self, given: object, reading: Reading) -> Value:
        texts = split(given, lambda text: self._knows(text, reading))
        return self.accept(list(dict.fromkeys(self.find(text, reading) for text in texts)))

    def _knows(self, text: str, reading: Reading) -> bool:
        try:
            self.find(text, reading)
        except Invalid:
            return False
        return True

    def dump(self, value: Value) -> Any:
        return list(value or ())

    def text(self, value: Value, reading: Reading) -> str:
        choices = self.choices(reading)
        return reading.separator.join(choices.get(key, key) for key in value or ())

    def json_schema(self) -> dict[str, Any]:
        one: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 60}
        if not isinstance(self.options, str):
            one = {"type": "string", "enum": list(self.options)}
        return array_schema(self, one)

    def same(self, a: Value, b: Value) -> bool:
        return (a or ()) == (b or ())

    def to_column(self, value: Value) -> Any:
        return list(value or ())

    def from_column(self, stored: Any) -> Value:
        return tuple(stored or ())


def members(value: object) -> list[Any]:
    """The members of a list value that a rule gives."""
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise Invalid(_("A list is expected here."), code="type")
    return list(value)


def check_count(kind: Field, count: int) -> None:
    """Refuse too few or too many members; an empty list is a matter of `required`."""
    if kind.max is not None and count > kind.max:
        raise Invalid(_("There are {count} here, at most {max}.", count=count, max=kind.max), code="too_many")
    if count and kind.min is not None and count < kind.min:
        raise Invalid(_("There are {count} here, at least {min}.", count=count, min=kind.min), code="too_few")


def array_schema(kind: Field, one: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a list without repetitions."""
    schema = {"type": "array", "items": one, "uniqueItems": True}
    return schema | ({"maxItems": kind.max} if kind.max is not None else {})


def split(given: object, known: Any = None) -> list[str]:
    """The members of a list as a form or an Excel cell gives it: several values, or one text with separators."""
    if isinstance(given, (list, tuple)):
        return [text for text in (str(one).strip() for one in given) if text]
    text = "" if given is None else str(int(given) if isinstance(given, float) and given.is_integer() else given).strip()
    if not text or (known and known(text)):
        return [text] if text else []
    for separators in ("[\u3001;\uff1b\n|]", "[\u3001;\uff1b\n|,\uff0c]"):
        parts = [part.strip() for part in re.split(separators, text) if part.strip()]
        if len(parts) > 1 and (known is None or separators.endswith("\uff0c]") or all(known(part) for part in parts)):
            return parts
    return [text]
