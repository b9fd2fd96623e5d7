"""What a site decides for itself: policies and settings, per site or department, and its own words for things.

Every change has a reason, stands in the trail with what held before, and bumps the stamp of the directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, ForeignKey, String, Table, Text, and_, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from core import audit, storage
from core.errors import Invalid, NotFound, Problem, Refused
from core.messages import _
from core.translations import LANGUAGES

if TYPE_CHECKING:
    from core.audit import Origin
    from core.directory import Directory
    from core.registry import Registry

STAMP = "directory"
Source = Literal["default", "site", "department"]
WORD_KINDS = ("type", "state", "role", "function", "form", "form_no", "form_revision")
"""What a site may call by its own words; a key is the thing's name, of a state `type:state`, of a form `type:form`."""


class PolicyChoice(storage.Base):
    """How a policy was decided for the site, or for a department and below, and how before that."""

    __tablename__ = "policy_choice"

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    policy: Mapped[str] = mapped_column(String(200))
    department_id: Mapped[int | None] = mapped_column(storage.Id, ForeignKey("department.id"))
    choice: Mapped[str] = mapped_column(String(100))
    before: Mapped[str] = mapped_column(String(100))


class SettingValue(storage.Base):
    """What a setting was set to, as JSON, for the site or for a department and below."""

    __tablename__ = "setting_value"

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    setting: Mapped[str] = mapped_column(String(200))
    department_id: Mapped[int | None] = mapped_column(storage.Id, ForeignKey("department.id"))
    value: Mapped[Any] = mapped_column(storage.Json, nullable=True)


class Word(storage.Base):
    """The site's own word for a thing in one language."""

    __tablename__ = "word"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    language: Mapped[str] = mapped_column(String(10), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


CHOICE: Table = storage.Base.metadata.tables["policy_choice"]
VALUE: Table = storage.Base.metadata.tables["setting_value"]
WORD: Table = storage.Base.metadata.tables["word"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A choice or value that holds somewhere, and where it comes from."""

    value: Any
    source: Source
    department: int | None = None


def standings(directory: Directory, name: str) -> tuple[Standing, ...]:
    """Of a policy or setting: what holds for the site, then what departments decided for themselves."""
    is_policy = name in directory.registry.policies
    decided = directory.chosen(name) if is_policy else directory.set_to(name)
    for_site = directory.choice(name) if is_policy else directory.setting(name)
    own = (Standing(decided[one], "department", one) for one in directory.departments if one in decided)
    return (Standing(for_site, "site" if None in decided else "default"), *own)


def in_force(directory: Directory, name: str, department: int | None) -> Standing:
    """What holds for a department, and which department or site it is inherited from."""
    decided = directory.chosen(name) if name in directory.registry.policies else directory.set_to(name)
    for seat in directory.ancestors(department):
        if seat in decided:
            return Standing(decided[seat], "department", seat)
    return standings(directory, name)[0]


# policies


def choose(
    connection: Connection, directory: Directory, origin: Origin, policy: str, choice: str, *,
    department: int | None = None, reason: str = "",
) -> None:
    """Decide a policy for the site, or for a department and below."""
    declared = directory.registry.policies.get(policy)
    if declared is None:
        raise NotFound(_("There is no such policy on this site."))
    problems = _place_problems(directory, department) + reason_problems(reason)
    if choice not in declared.choices:
        problems.append(Problem("choice", _("This policy has no such choice."), _("Choose one of {list}.", list=", ".join(declared.choices)), "choice-unknown"))
    if problems:
        raise Refused(problems)
    storage.bump(connection, STAMP)
    here = and_(CHOICE.c.policy == policy, CHOICE.c.department_id.is_not_distinct_from(department))
    kept = connection.scalar(select(CHOICE.c.choice).where(here))
    if kept == choice:
        return
    before = kept or directory.choice(policy, department)
    connection.execute(delete(CHOICE).where(here))
    connection.execute(insert(CHOICE).values(id=storage.new_id(), policy=policy, department_id=department, choice=choice, before=before))
    note(connection, origin, "core.policy.chosen", None, _told(directory, "policy", policy, department) | {"choice": (kept, choice)}, reason)


def clear_choice(
    connection: Connection, directory: Directory, origin: Origin, policy: str, *,
    department: int | None = None, reason: str = "",
) -> None:
    """Take a decision back: what is decided above holds again."""
    if policy not in directory.registry.policies:
        raise NotFound(_("There is no such policy on this site."))
    _refuse(reason_problems(reason))
    storage.bump(connection, STAMP)
    here = and_(CHOICE.c.policy == policy, CHOICE.c.department_id.is_not_distinct_from(department))
    kept = connection.scalar(select(CHOICE.c.choice).where(here))
    if kept is not None:
        connection.execute(delete(CHOICE).where(here))
        note(connection, origin, "core.policy.cleared", None, _told(directory, "policy", policy, department) | {"choice": (kept, None)}, reason)


def load_choices(connection: Connection, registry: Registry) -> tuple[dict[tuple[str, int | None], str], dict[tuple[str, int | None], str]]:
    """The choices made, and those that held before, by (policy, department or None)."""
    rows = connection.execute(select(CHOICE.c.policy, CHOICE.c.department_id, CHOICE.c.choice, CHOICE.c.before)).all()
    known = [row for row in rows if row.policy in registry.policies]
    return {(r.policy, r.department_id): r.choice for r in known}, {(r.policy, r.department_id): r.before for r in known}


# settings


def set_value(
    connection: Connection, directory: Directory, origin: Origin, setting: str, raw: object, *,
    department: int | None = None, reason: str = "",
) -> None:
    """Set a setting from JSON for the site, or for a department and below; its own field kind checks it."""
    declared = directory.registry.settings.get(setting)
    if declared is None:
        raise NotFound(_("There is no such setting on this site."))
    problems = _place_problems(directory, department) + reason_problems(reason)
    value: Any = None
    try:
        value = declared.field.load(raw)
    except Invalid as error:
        problems.append(error.at("value"))
    else:
        if declared.field.empty(value):
            problems.append(Problem("value", _("A value is missing."), _("Give one, or take the setting back to its default."), "required"))
    _refuse(problems)
    storage.bump(connection, STAMP)
    new = declared.field.dump(value)
    here = and_(VALUE.c.setting == setting, VALUE.c.department_id.is_not_distinct_from(department))
    kept = connection.execute(select(VALUE.c.value).where(here)).one_or_none()
    if kept is not None and kept.value == new:
        return
    connection.execute(delete(VALUE).where(here))
    connection.execute(insert(VALUE).values(id=storage.new_id(), setting=setting, department_id=department, value=new))
    change = (kept.value if kept else None, new)
    note(connection, origin, "core.setting.set", None, _told(directory, "setting", setting, department) | {"value": change}, reason)


def clear_value(
    connection: Connection, directory: Directory, origin: Origin, setting: str, *,
    department: int | None = None, reason: str = "",
) -> None:
    """Take a value back: what is set above, or the default, holds again."""
    if setting not in directory.registry.settings:
        raise NotFound(_("There is no such setting on this site."))
    _refuse(reason_problems(reason))
    storage.bump(connection, STAMP)
    here = and_(VALUE.c.setting == setting, VALUE.c.department_id.is_not_distinct_from(department))
    kept = connection.execute(select(VALUE.c.value).where(here)).one_or_none()
    if kept is not None:
        connection.execute(delete(VALUE).where(here))
        note(connection, origin, "core.setting.cleared", None, _told(directory, "setting", setting, department) | {"value": (kept.value, None)}, reason)


def load_values(connection: Connection, registry: Registry) -> dict[tuple[str, int | None], Any]:
    """The values set, by (setting, department or None); one that its field no longer takes is left out."""
    found: dict[tuple[str, int | None], Any] = {}
    for row in connection.execute(select(VALUE.c.setting, VALUE.c.department_id, VALUE.c.value)):
        declared = registry.settings.get(row.setting)
        if declared is not None:
            try:
                found[row.setting, row.department_id] = declared.field.load(row.value)
            except Invalid:
                continue
    return found


def site_value(connection: Connection, registry: Registry, setting: str) -> Any:
    """What a setting is for the whole site, read from the database; for those who have no directory at hand."""
    declared = registry.settings[setting]
    kept = connection.execute(select(VALUE.c.value).where(VALUE.c.setting == setting, VALUE.c.department_id.is_(None))).one_or_none()
    try:
        return declared.default if kept is None else declared.field.load(kept.value)
    except Invalid:
        return declared.default


# words


def set_word(
    connection: Connection, registry: Registry, origin: Origin, kind: str, key: str, language: str, text: str | None, *,
    reason: str = "",
) -> None:
    """Call a thing by the site's own word in one language; None takes the word back."""
    problems = reason_problems(reason)
    if language not in LANGUAGES:
        problems.append(Problem("language", _("This language is not offered."), _("Choose one of {list}.", list=", ".join(LANGUAGES)), "language"))
    if not _is_named(registry, kind, key):
        problems.append(Problem("key", _("There is nothing of this name to call otherwise."), code="word-key"))
    word = text.strip() if text is not None else None
    if word is not None and (not 1 <= len(word) <= 200 or not word.isprintable()):
        problems.append(Problem("text", _("A word has 1 to 200 characters on one line."), code="word-form"))
    _refuse(problems)
    put_word(connection, origin, (kind, key, language), word, reason)


def put_word(connection: Connection, origin: Origin, place: tuple[str, str, str], word: str | None, reason: str) -> None:
    """Write down a checked word at (kind, key, language), or take it back."""
    kind, key, language = place
    storage.bump(connection, STAMP)
    here = and_(WORD.c.kind == kind, WORD.c.key == key, WORD.c.language == language)
    kept = connection.scalar(select(WORD.c.text).where(here))
    if kept == word:
        return
    connection.execute(delete(WORD).where(here))
    if word is not None:
        connection.execute(insert(WORD).values(kind=kind, key=key, language=language, text=word))
    told = {"kind": (kind, kind), "key": (key, key), "language": (language, language), "text": (kept, word)}
    note(connection, origin, "core.word.changed", None, told, reason)


def load_words(connection: Connection) -> dict[tuple[str, str, str], str]:
    """The site's own words, by (kind, key, language)."""
    return {(row.kind, row.key, row.language): row.text for row in connection.execute(select(WORD))}


def _is_named(registry: Registry, kind: str, key: str) -> bool:
    name, _colon, part = key.partition(":")
    if kind == "role":
        return key in registry.roles
    if kind == "function":
        return key in registry.functions
    if name not in registry.types:
        return False
    declared = registry.types[name]
    if kind == "type":
        return not part
    return part in (declared.states if kind == "state" else declared.prints if kind in WORD_KINDS else ())


# shared


def reason_problems(reason: object) -> list[Problem]:
    """A change of what the site decides needs a reason that a reader of the trail will understand."""
    if not isinstance(reason, str) or not reason.strip():
        return [Problem("reason", _("A reason is missing."), _("Say why, for whoever reads the trail."), "required")]
    return _reason_form(reason)


def _reason_form(reason: str) -> list[Problem]:
    if len(reason) > 500 or "\0" in reason or any("\ud800" <= one <= "\udfff" for one in reason):
        return [Problem("reason", _("A reason has at most 500 characters that can be typed."), code="reason-form")]
    return []


def note(
    connection: Connection, origin: Origin, action: str, subject: int | None, changes: Mapping[str, tuple[Any, Any]], reason: str,
) -> None:
    """One line in the trail about what concerns no record: a user, a department, a policy, a setting, a word."""
    _refuse(_reason_form(reason))
    told = {name: [before, after] for name, (before, after) in changes.items()}
    entry = audit.Entry(type=action.rpartition(".")[0], action=action, record_id=subject, changes=told, reason=reason.strip())
    audit.write(connection, origin, [entry])


def _place_problems(directory: Directory, department: int | None) -> list[Problem]:
    place = directory.departments.get(department) if department is not None else None
    if department is None or (place is not None and place.is_active):
        return []
    return [Problem("department", _("There is no such department, or it is closed."), code="department-unknown")]


def _told(directory: Directory, kind: str, name: str, department: int | None) -> dict[str, tuple[Any, Any]]:
    told: dict[str, tuple[Any, Any]] = {kind: (name, name)}
    if department is not None:
        place = directory.departments.get(department)
        code = place.code if place else str(department)
        told["department"] = (code, code)
    return told


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refused(problems)
