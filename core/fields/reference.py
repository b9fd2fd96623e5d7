"""Fields that point at something: records, users, departments, files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.errors import Invalid
from core.fields.choice import array_schema, check_count, members, split
from core.fields.kind import ID_SCHEMA, LARGEST_ID, Field, Reading, Storage, Told, Value, accept_id, read_id, shown
from core.fields.text import Text
from core.fields.time import Moment
from core.messages import Message, _

SHORTEST_TYPED_ID = 15
"""A typed text of at least so many digits is an id (forms send ids); a shorter one is looked up as a code first."""


def find_id(field: Field, given: object, reading: Reading) -> int:
    """The id of what a person typed or chose: an id, a code, a number or a name."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    text = str(given).strip()
    looks_like_id = text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= 19 and int(text) <= LARGEST_ID
    if looks_like_id and len(text) >= SHORTEST_TYPED_ID:
        return int(text)
    found = reading.look_up(field, text) if reading.look_up else None
    if found is not None:
        return found
    if looks_like_id and int(text) in reading.names:
        return int(text)
    raise Invalid(
        _("“{given}” is not known here.", given=shown(given)),
        _("Give the code, the number or the full name of something that exists and that you may use."), "unknown",
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class AnyRecord(Field):
    """A record of any type (`int`, its id)."""

    kind: ClassVar[str] = "any_record"

    @property
    def storage(self) -> Storage:
        return Storage("id")

    def read(self, raw: object) -> Value:
        return read_id(raw)

    def accept(self, value: Value) -> int:
        return accept_id(value)

    def dump(self, value: Value) -> Any:
        return None if value is None else str(value)

    def understand(self, given: Any, reading: Reading) -> int:
        return find_id(self, given, reading)

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None or value not in reading.names else str(reading.names[value])

    def cell(self, value: Value, reading: Reading) -> object:
        return None if value is None or value not in reading.names else reading.names[value].short or None

    def json_schema(self) -> dict[str, Any]:
        return dict(ID_SCHEMA)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference(AnyRecord):
    """A record of the type `to` (`int`, its id).

    `states` and `where` (field → value or values) limit which; they are checked when it is set and at each step until
    it is locked. `edition="in_force"` shows the edition in force rather than the one given. With `part` the record is
    a row of the one it points at: numbered within it, void with it.
    """

    to: str
    states: tuple[str, ...] = ()
    where: Any = None
    edition: Literal["given", "in_force"] = "given"
    part: bool = False

    kind: ClassVar[str] = "reference"
    filters_itself: ClassVar[bool] = True

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if self.to.count(".") != 1:
            yield "F150", f"to={self.to!r} does not name a record type.", "Record types are called plugin.noun."
        if self.edition not in ("given", "in_force"):
            yield "F151", f"edition={self.edition!r} is not known.", "Take \"in_force\", or leave it out."


@dataclass(frozen=True, kw_only=True, eq=False)
class User(AnyRecord):
    """A user (`int`, the id): one who holds `role`, in the department in the field `of`, or as the rule `where` says."""

    role: str = ""
    of: str = ""
    where: Any = None

    kind: ClassVar[str] = "user"
    filters_itself: ClassVar[bool] = False

    def known_defaults(self) -> tuple[str, ...]:
        return ("actor",)

    def initial(self, work: Any) -> Value:
        return work.actor if self.default == "actor" else super().initial(work)


@dataclass(frozen=True, kw_only=True, eq=False)
class Department(AnyRecord):
    """A department (`int`, the id), one bound to `function` where given; with `sees` it reads the record."""

    function: str = ""
    sees: bool = False

    kind: ClassVar[str] = "department"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ids(Field):
    """What lists of ids share (`tuple` of ints, without repetitions)."""

    is_list: ClassVar[bool] = True
    converts: ClassVar[bool] = True
    usual_width: ClassVar[int] = 6

    @property
    def storage(self) -> Storage:
        return Storage("json")

    def load(self, raw: object) -> Value:
        return () if raw is None else self.accept(self.read(raw))

    def read(self, raw: object) -> Value:
        if not isinstance(raw, list):
            raise Invalid(_("A list is expected here."), code="type")
        return [read_id(one) for one in raw]

    def accept(self, value: Value) -> tuple[int, ...]:
        found = tuple(accept_id(one) for one in members(value))
        if len(set(found)) != len(found):
            raise Invalid(_("The same thing stands here twice."), code="twice")
        check_count(self, len(found))
        return found

    def parse(self, given: object, reading: Reading) -> Value:
        texts = split(given, lambda text: self._knows(text, reading))
        return self.accept(list(dict.fromkeys(find_id(self.one, text, reading) for text in texts)))

    def _knows(self, text: str, reading: Reading) -> bool:
        try:
            find_id(self.one, text, reading)
        except Invalid:
            return False
        return True

    @property
    def one(self) -> Field:
        """The kind of a single member, for looking it up."""
        return AnyRecord(self.label)

    def dump(self, value: Value) -> Any:
        return [str(one) for one in value or ()]

    def text(self, value: Value, reading: Reading) -> str:
        return reading.separator.join(str(reading.names[one]) for one in value or () if one in reading.names)

    def cell(self, value: Value, reading: Reading) -> object:
        return reading.separator.join(reading.names[one].short for one in value or () if one in reading.names) or None

    def json_schema(self) -> dict[str, Any]:
        return array_schema(self, dict(ID_SCHEMA))

    def same(self, a: Value, b: Value) -> bool:
        return (a or ()) == (b or ())

    def to_column(self, value: Value) -> Any:
        return list(value or ())

    def from_column(self, stored: Any) -> Value:
        return tuple(int(one) for one in stored or ())


@dataclass(frozen=True, kw_only=True, eq=False)
class References(_Ids):
    """Records of the type `to` (`tuple` of ids), limited as in Reference."""

    max: Any = 500
    to: str
    states: tuple[str, ...] = ()
    where: Any = None

    kind: ClassVar[str] = "references"

    @property
    def one(self) -> Field:
        return Reference(self.label, to=self.to, states=self.states, where=self.where)

    def check(self) -> Iterator[Told]:
        yield from super().check()
        yield from (fault for fault in self.one.check() if fault[0].startswith("F15"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Users(_Ids):
    """Users (`tuple` of ids), limited as in User."""

    max: Any = 500
    role: str = ""
    of: str = ""
    where: Any = None

    kind: ClassVar[str] = "users"

    @property
    def one(self) -> Field:
        return User(self.label, role=self.role, of=self.of, where=self.where)

    def known_defaults(self) -> tuple[str, ...]:
        return ("actor",)

    def initial(self, work: Any) -> Value:
        return (work.actor,) if self.default == "actor" else super().initial(work)


@dataclass(frozen=True, kw_only=True, eq=False)
class Departments(_Ids):
    """Departments (`tuple` of ids), limited as in Department."""

    max: Any = 500
    function: str = ""
    sees: bool = False

    kind: ClassVar[str] = "departments"

    @property
    def one(self) -> Field:
        return Department(self.label, function=self.function, sees=self.sees)


@dataclass(frozen=True, kw_only=True, eq=False)
class Attachments(_Ids):
    """Files (`tuple` of file ids), at most 50."""

    max: Any = 50

    kind: ClassVar[str] = "attachments"
    usual_width: ClassVar[int] = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Photos(Attachments):
    """Pictures (`tuple` of file ids), at most 20; the door refuses files that are not pictures."""

    max: Any = 20

    kind: ClassVar[str] = "photos"


_NAME, _AT, _FILE = Text(max=100), Moment(), AnyRecord()

PROOFS: dict[str, Message] = {
    "drawn": _("Signed on the screen"),
    "photo": _("Photo of the signed paper"),
    "paper": _("Signed paper on file"),
    "code": _("Code sent to them"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class OutsideSignature(Field):
    """What a customer or owner without an account signs.

    A `dict` of `name` (str), `at` (aware datetime), `proof` (one of `proofs`) and `file` (id or None): the drawing or
    the photo, which those two proofs need.
    """

    proofs: tuple[str, ...] = ("drawn", "photo", "paper")

    kind: ClassVar[str] = "outside_signature"
    usual_width: ClassVar[int] = 12
    converts: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("json")

    def read(self, raw: object) -> Value:
        if not isinstance(raw, dict):
            raise Invalid(_("An object with name, at, proof and file is expected here."), code="type")
        for key in raw:
            if key not in ("name", "at", "proof", "file"):
                raise Invalid(_("There is no field {name}.", name=shown(key)), code="unknown_field")
        return {
            "name": _NAME.load(raw.get("name")), "at": _AT.load(raw.get("at")),
            "proof": raw.get("proof"), "file": _FILE.load(raw.get("file")),
        }

    def accept(self, value: Value) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Invalid(_("An object with name, at, proof and file is expected here."), code="type")
        name, at, proof, file = (value.get(key) for key in ("name", "at", "proof", "file"))
        if name is None or at is None:
            raise Invalid(_("An outside signature needs the name and the time."), code="empty")
        if proof not in self.proofs:
            raise Invalid(
                _("“{given}” is not one of the choices.", given=shown(proof)),
                _("Choose one of: {choices}.", choices=", ".join(self.proofs)), "choice",
            )
        if proof in ("drawn", "photo") and file is None:
            raise Invalid(_("The picture of the signature is missing."), code="empty")
        return {"name": _NAME.accept(name), "at": _AT.accept(at), "proof": proof, "file": None if file is None else accept_id(file)}

    def understand(self, given: Any, reading: Reading) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise Invalid(_("A signature cannot be typed or imported."), _("Let them sign on the page of the record."), "type")
        return {
            "name": _NAME.parse(given.get("name"), reading), "at": _AT.parse(given.get("at"), reading),
            "proof": given.get("proof") or None, "file": _FILE.parse(given.get("file"), reading),
        }

    def parse(self, given: object, reading: Reading) -> Value:
        if isinstance(given, dict) and not any(given.values()):
            return None
        return super().parse(given, reading)

    def dump(self, value: Value) -> Any:
        if value is None:
            return None
        return {"name": value["name"], "at": _AT.dump(value["at"]), "proof": value["proof"], "file": _FILE.dump(value["file"])}

    def text(self, value: Value, reading: Reading) -> str:
        if value is None:
            return ""
        return f"{value['name']}, {_AT.text(value['at'], reading)}, {reading.translate(PROOFS.get(value['proof'], value['proof']))}"

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object", "additionalProperties": False, "required": ["name", "at", "proof"],
            "properties": {
                "name": _NAME.json_schema(), "at": _AT.json_schema(),
                "proof": {"type": "string", "enum": list(self.proofs)}, "file": _FILE.described(),
            },
        }

    def to_column(self, value: Value) -> Any:
        return self.dump(value)

    def from_column(self, stored: Any) -> Value:
        if stored is None:
            return None
        return {**stored, "at": dt.datetime.fromisoformat(stored["at"]), "file": _FILE.load(stored.get("file"))}

    def check(self) -> Iterator[Told]:
        yield from super().check()
        for proof in self.proofs:
            if proof not in PROOFS:
                yield "F152", f"The proof {proof!r} is not known.", f"Take some of {', '.join(PROOFS)}."
