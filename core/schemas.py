"""The JSON of records: what the API takes and gives, and its JSON Schemas, derived from the record types.

Everything is built once per registry. What is sent is loaded by marshmallow, strictly and with every fault at once;
what is answered is written by plain loops, which is what makes reading quick.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import marshmallow

from core.errors import Invalid, Problem, Refused
from core.fields import Computed, Field, Lines, LongText, Name, Text, row_id, row_values
from core.fields.kind import ID_SCHEMA, nullable, read_id, shown
from core.messages import _
from core.records import COMMON, RecordType
from core.registry import Registry
from core.storage import Record
from core.workflow import Transition

if TYPE_CHECKING:
    from core.service.work import Work

_UNKNOWN: Final = "unknown"
_NOT_AN_OBJECT: Final = "type"
_REASON: Final = LongText(max=2_000)
_NUMBER: Final = Text(max=100)
_NONE: Final[frozenset[str]] = frozenset()
_DEPARTMENT_SCHEMA: Final[Mapping[str, Any]] = MappingProxyType({"title": "Department", **ID_SCHEMA})


@dataclass(frozen=True, slots=True)
class Sent:
    """What a body held: Python values of fields, and what a step or a birth asks besides."""

    values: dict[str, Any]
    department: int | None = None
    number: str | None = None
    reason: str = ""
    password: str = ""
    otp: str = ""


class _Value(marshmallow.fields.Field[Any]):
    """One field kind as marshmallow calls it."""

    def __init__(self, load: Callable[[object], Any]) -> None:
        super().__init__()
        self.load = load

    def deserialize(self, value: Any, *_where: Any, **_options: Any) -> Any:
        """The value, or a ValidationError that carries the Invalid of the kind."""
        if value is marshmallow.missing:
            return value
        try:
            return self.load(value)
        except Invalid as error:
            raise marshmallow.ValidationError([error]) from None


class _Rows(_Value):
    """A Lines field: the whole new list, each row with an optional id."""

    def __init__(self, kind: Lines) -> None:
        super().__init__(self.rows)
        self.kind = kind
        self.schema = _schema("Row", {"id": _Value(_optional_id)} | {n: _Value(k.load) for n, k in kind.columns.items() if not isinstance(k, Computed)})

    def rows(self, raw: object) -> Any:
        """The rows, checked one by one."""
        if raw is None:
            return []
        if not isinstance(raw, list):
            raise Invalid(_("A list is expected here."), code="type")
        if len(raw) > self.kind.max:
            raise Invalid(_("There are {count} here, at most {max}.", count=len(raw), max=self.kind.max), code="too_many")
        return self.schema.load(raw, many=True) if raw else []


class _Strict(marshmallow.Schema):
    error_messages = {"unknown": _UNKNOWN, "type": _NOT_AN_OBJECT}

    class Meta:
        unknown = marshmallow.RAISE


def _schema(name: str, values: Mapping[str, Any]) -> marshmallow.Schema:
    return _Strict.from_dict(dict(values), name=name)()


def _loaders(kinds: Mapping[str, Field]) -> dict[str, _Value]:
    typed = {name: kind for name, kind in kinds.items() if not isinstance(kind, Computed)}
    return {name: _Rows(kind) if isinstance(kind, Lines) else _Value(kind.load) for name, kind in typed.items()}


def _optional_id(raw: object) -> int | None:
    return None if raw is None else read_id(raw)


def _secret(raw: object) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str) or len(raw) > 1_000:
        raise Invalid(_("A text is expected here."), code="type")
    return raw


class RecordSchema:
    """What one record type looks like as JSON."""

    def __init__(self, rt: RecordType) -> None:
        self.rt = rt
        self._values = _loaders(rt.fields)
        self._typed = bool(rt.numbering and rt.numbering.typed)
        birth = {"department": _Value(_optional_id)} | ({"number": _Value(_NUMBER.load)} if self._typed else {})
        self._create = _schema("Create", self._values | birth)
        self._change = _schema("Change", self._values)
        self._steps = {name: self._step_schema(step) for name, step in rt.steps.items()}
        if rt.void_step is not None:
            self._steps.setdefault("void", self._step_schema(rt.void_step))
        whens = [kind.when for kind in rt.fields.values()] + [section.when for section in rt.all_sections.values()]
        self._always_there = all(when is None for when in whens)
        self._writers = {name: self._rows_writer(kind) if isinstance(kind, Lines) else kind.dump for name, kind in rt.fields.items()}

    def _step_schema(self, step: Transition) -> marshmallow.Schema:
        fills = _schema("Fields", _loaders(self.filled(step)))
        asked = {"reason": _Value(_REASON.load), "password": _Value(_secret), "otp": _Value(_secret)}
        return _schema("Step", asked | {"fields": _Value(lambda raw: {} if raw is None else fills.load(raw))})  # type: ignore[arg-type]

    def filled(self, step: Transition) -> dict[str, Field]:
        """The fields that a step's dialog asks for; of a table whose columns it names, only these."""
        found: dict[str, Field] = {}
        for name in step.fills:
            head, _dot, column = name.partition(".")
            kind = self.rt.fields[head]
            if column and isinstance(kind, Lines):
                known = found.get(head)
                columns = {**(known.columns if isinstance(known, Lines) else {}), column: kind.columns[column]}
                found[head] = replace(kind, columns=columns)
            elif not isinstance(kind, Computed):
                found[head] = kind
        return found

    # What comes in

    def load_create(self, raw: object) -> Sent:
        """The body of a new record. Raises Refused with every problem."""
        values = self._load(self._create, raw)
        return Sent(values, department=values.pop("department", None), number=values.pop("number", None))

    def load_change(self, raw: object) -> dict[str, Any]:
        """The fields that a PATCH holds. Raises Refused with every problem."""
        return self._load(self._change, raw)

    def load_step(self, name: str, raw: object) -> Sent:
        """The body of a step, or of voiding (`void`). Raises Refused with every problem."""
        body = self._load(self._steps[name], {} if raw is None else raw)
        return Sent(body.get("fields") or {}, reason=body.get("reason") or "", password=body.get("password") or "", otp=body.get("otp") or "")

    def _load(self, schema: marshmallow.Schema, raw: object) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise Refused([Problem("", _("A JSON object is expected here."), code="type")])
        try:
            loaded: dict[str, Any] = schema.load(raw)
        except marshmallow.ValidationError as error:
            raise Refused(self._problems(error.messages, "")) from None
        return loaded

    def _problems(self, found: Any, where: str) -> Iterator[Problem]:
        if isinstance(found, dict):
            for key, inner in found.items():
                yield from self._problems(inner, where if key == "_schema" else f"{where}/{_escaped(key)}")
            return
        for one in found:
            if isinstance(one, Invalid):
                yield one.at(where)
            elif one == _UNKNOWN:
                yield self._unknown(where)
            else:
                yield Problem(where, _("A JSON object is expected here."), code="type")

    def _unknown(self, where: str) -> Problem:
        head, *rest = where.strip("/").split("/")
        name = (rest[-1] if rest else head).replace("~1", "/").replace("~0", "~")
        kind = self.rt.fields.get(head)
        columns = kind.columns if isinstance(kind, Lines) and rest else self.rt.fields
        if isinstance(columns.get(name), Computed) or (not rest and name in COMMON) or name == "names":
            return Problem(where, _("This is worked out by the system."), _("Leave it out."), "read_only")
        if rest and head == "fields" and name in columns:
            return Problem(where, _("This step does not fill {name}.", name=name), _("Leave it out."), "unknown_field")
        near = difflib.get_close_matches(name, columns, 1)
        hint = _("Perhaps {name} is meant.", name=near[0]) if near else ""
        return Problem(where, _("There is no field {name}.", name=name), hint, "unknown_field")

    # What goes out

    def dump(self, work: Work, record: Record, only: Collection[str] | None = None, names: Mapping[int, Name] | None = None) -> dict[str, Any]:
        """One record as its reader may see it, with the names of what it points at."""
        answer = self.dump_alone(work, record, only)
        answer["names"] = dump_names(work.names([record]) if names is None else names)
        return answer

    def dump_alone(self, work: Work, record: Record, only: Collection[str] | None = None) -> dict[str, Any]:
        """One record of a list, whose names stand beside the list; `only` these declared fields."""
        hidden = work.access.hidden(self.rt, record)
        there = self.rt.fields if self._always_there else work.shown(record)
        answer = dump_common(record)
        values = record.values
        for name in there:
            if name in hidden or (only is not None and name not in only):
                continue
            writer = self._writers[name]
            if name in self.rt.lines and hidden:
                writer = self._rows_writer(self.rt.lines[name], frozenset(h.partition(".")[2] for h in hidden if h.startswith(f"{name}.")))
            answer[name] = writer(values.get(name))
        return answer

    def _rows_writer(self, kind: Lines, hidden: frozenset[str] = _NONE) -> Callable[[Any], list[dict[str, Any]]]:
        columns = [(name, inner.dump) for name, inner in kind.columns.items() if name not in hidden]

        def write(rows: Iterable[Any] | None) -> list[dict[str, Any]]:
            written = []
            for row in rows or ():
                values = row_values(row)
                identity = row_id(row)
                one: dict[str, Any] = {"id": None if identity is None else str(identity)}
                for name, dump in columns:
                    one[name] = dump(values.get(name))
                written.append(one)
            return written

        return write

    # What it is, for OpenAPI

    def json_record(self) -> dict[str, Any]:
        """The JSON Schema of an answer."""
        properties = common_schema(self.rt) | {name: _answered(kind) for name, kind in self.rt.fields.items()}
        properties["names"] = names_schema()
        return _object(str(self.rt.label), properties, [*COMMON])

    def json_create(self) -> dict[str, Any]:
        """The JSON Schema of the body of a new record."""
        later = () if self.rt.is_register or self.rt.creating_steps else self.rt.by_steps
        properties = {"department": nullable(dict(_DEPARTMENT_SCHEMA))} | self._typed_schema(n for n in self.rt.fields if n not in later)
        if self._typed:
            properties["number"] = _NUMBER.described()
        return _object(str(self.rt.label), properties)

    def json_change(self) -> dict[str, Any]:
        """The JSON Schema of the body of a change."""
        return _object(str(self.rt.label), self._typed_schema(n for n in self.rt.fields if self.rt.is_register or n not in self.rt.by_steps))

    def _typed_schema(self, names: Iterable[str]) -> dict[str, Any]:
        kinds = {name: self.rt.fields[name] for name in names}
        return {name: _taken(kind).described() for name, kind in kinds.items() if not isinstance(kind, Computed) and not kind.effects_only}

    def json_step(self, name: str) -> dict[str, Any]:
        """The JSON Schema of the body of a step, or of voiding."""
        step = self.rt.void_step if name == "void" and name not in self.rt.steps else self.rt.steps[name]
        assert step is not None
        reason = _REASON.json_schema() | ({"title": str(step.asks)} if step.asks else {})
        secret = nullable({"type": "string", "maxLength": 1_000})
        properties: dict[str, Any] = {"reason": reason if step.asks else nullable(reason), "password": secret, "otp": secret}
        filled = self.filled(step)
        if filled:
            properties["fields"] = nullable(_object("", {n: _taken(k).described() for n, k in filled.items()}))
        return _object(str(step.label), properties, ["reason"] if step.asks else [])


class Schemas:
    """The schema of each record type of a registry, by its name."""

    def __init__(self, registry: Registry) -> None:
        self._schemas = {name: RecordSchema(rt) for name, rt in registry.types.items()}

    def __getitem__(self, rt: RecordType | str) -> RecordSchema:
        return self._schemas[rt if isinstance(rt, str) else rt.name]


def dump_common(record: Record) -> dict[str, Any]:
    """What every record carries."""
    return {
        "id": str(record.id), "type": record.type.name, "number": record.number, "title": record.title, "state": record.state,
        "department": None if record.department is None else str(record.department),
        "created_by": None if record.created_by is None else str(record.created_by),
        "created_at": _moment(record.created_at), "changed_at": _moment(record.changed_at), "version": record.version,
        "revision": record.revision, "due_at": _moment(record.due_at),
    }


def dump_names(names: Mapping[int, Name]) -> dict[str, Any]:
    """The names of things by id, as every answer carries them."""
    return {str(id): {"type": name.type, "number": name.number, "title": name.title} for id, name in names.items()}


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _escaped(key: object) -> str:
    return shown(key).replace("~", "~0").replace("/", "~1")


def _object(title: str, properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if title:
        schema["title"] = title
    if required := list(required):
        schema["required"] = required
    return schema


def _taken(kind: Field) -> Field:
    """The kind as a client may send it: a table without the columns that are worked out."""
    if not isinstance(kind, Lines):
        return kind
    return replace(kind, columns={n: k for n, k in kind.columns.items() if not isinstance(k, Computed) and not k.effects_only})


_BOUNDS: Final = ("minLength", "maxLength", "pattern", "minimum", "maximum", "maxItems", "enum")


def _answered(kind: Field) -> dict[str, Any]:
    """The schema of a stored value: its shape without its bounds, which may have been others when it was stored."""
    return _unbound(kind.described())  # type: ignore[no-any-return]  # a dict goes in, a dict comes out


def _unbound(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {key: {n: _unbound(s) for n, s in one.items()} if key == "properties" else _unbound(one) for key, one in schema.items()}
        return {key: one for key, one in kept.items() if key not in _BOUNDS}
    return schema


def names_schema() -> dict[str, Any]:
    """The JSON Schema of what the ids in an answer are called."""
    name = {"type": {"type": "string"}, "number": {"type": ["string", "null"]}, "title": {"type": "string"}}
    return {"type": "object", "readOnly": True, "additionalProperties": _object("", name, name)}


def common_schema(rt: RecordType) -> dict[str, Any]:
    """The JSON Schemas of what every record of a type carries."""
    text: dict[str, Any] = {"type": "string", "readOnly": True}
    moment: dict[str, Any] = {"type": "string", "format": "date-time", "readOnly": True}
    count: dict[str, Any] = {"type": "integer", "minimum": 1, "readOnly": True}
    identity: dict[str, Any] = {**ID_SCHEMA, "readOnly": True}
    return {
        "id": identity, "type": {"const": rt.name}, "number": nullable(text), "title": text,
        "state": {"type": "string", "enum": [*rt.states], "readOnly": True},
        "department": nullable(identity), "created_by": nullable(identity), "created_at": moment, "changed_at": moment, "version": count,
        "revision": count, "due_at": nullable(moment),
    }
