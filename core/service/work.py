"""One unit of work: one actor, one clock, one connection, one transaction; the one door through which records change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from functools import cached_property
from inspect import isgenerator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from core import audit, files, numbering
from core import signatures as signature_rows
from core.access import Access, is_private
from core.audit import Entry, Event, Origin
from core.directory import Directory
from core.errors import Change, NotAllowed, NotFound, Problem, Refused, Stale
from core.fields import Computed, Lines, Name, Reading, options_of
from core.messages import Message, _
from core.records import RecordType
from core.registry import Registry
from core.service import lists, opening, steps, values
from core.service.shapes import NOTHING_ASKED, Asked, LinkView, Page, Query, StepView, located
from core.signatures import Signature, Standing
from core.storage import READER, RECORD, Record, Tables, new_id, store
from core.workflow import Policy

if TYPE_CHECKING:
    from core.sessions import Seen
    from core.site import Site


class Work:
    """What rules and pages hold while something is done. Rights are applied at the outside; a rule acts by right of its step."""

    def __init__(
        self, site: Site, connection: Connection, directory: Directory, actor: int | None, *, now: datetime, via: str = "web", language: str | None = None,
        request_id: str = "", address: str = "", seen: Seen | None = None, reading: bool = False,
    ) -> None:
        self.site = site
        self.connection = connection
        self.directory = directory
        self.actor = actor
        self.now = now
        self.seen = seen
        self.is_reading = reading
        self.registry: Registry = site.registry
        self.origin = Origin(actor_id=actor, at=now, via=via, address=address, request_id=request_id)
        self.warnings: list[Problem] = []
        self.after_commit: list[Callable[[], None]] = []
        self._language = language
        self._depth = 0
        self._causes: list[dict[str, str]] = []
        self._known: dict[int, Record] = {}
        self._peeked: dict[int, Record] = {}
        self._peeked_inside: dict[int, Record] = {}
        self._found: dict[Any, list[Record]] = {}
        self.signing: list[int] = []
        self.signed_now: int | None = None

    # Who, when, in which words

    @property
    def is_machine(self) -> bool:
        """Whether nobody acts but the site itself: the command line, the worker."""
        return self.actor is None and self.origin.via in ("cli", "worker", "demo")

    @cached_property
    def today(self) -> date:
        """The day in the site's time zone."""
        return self.now.astimezone(self.zone).date()

    @property
    def zone(self) -> tzinfo:
        """The site's time zone."""
        return self.site.config.zone

    @cached_property
    def access(self) -> Access:
        """What the actor may."""
        return Access(self.registry, self.directory, self.actor)

    @cached_property
    def language(self) -> str:
        """The actor's language: asked for, chosen, or the site's."""
        user = self.directory.users.get(self.actor or 0)
        return self._language or (user.language if user and user.language else None) or self.site.config.language

    def text(self, message: str) -> str:
        """A text in the actor's language."""
        return self.registry.translations.text(message, self.language)

    def site_text(self, message: str) -> str:
        """A text in the site's language, for what is stored and printed."""
        return self.registry.translations.text(message, self.site.config.language)

    def reading(self, names: Mapping[int, Name] | None = None, language: str | None = None) -> Reading:
        """How values are shown to the actor, or in another language; `names` as `work.names` gives them."""
        chosen = language or self.language
        return Reading(
            chosen, lambda message: self.registry.translations.text(message, chosen), names or {}, self.zone, look_up=self.look_up,
            spellings=self._spellings, options=self.options,
        )

    @cached_property
    def site_reading(self) -> Reading:
        """How values are shown in stored titles."""
        names = values.names_in(self, (*self.directory.departments, *self.directory.users)) if len(self.directory.users) < 5000 else {}
        return self.reading(names, self.site.config.language)

    def _spellings(self, label: str) -> tuple[str, ...]:
        return tuple(self.registry.translations.text(label, language) for language in ("zh_CN", "zh_TW", "en"))

    def options(self, kind: Any) -> Mapping[str, str]:
        """The options of a Choice that a setting holds."""
        return options_of(self.directory.setting(kind.options))

    # What rules ask

    @property
    def is_inside(self) -> bool:
        """Whether a rule is running: then rights are its step's."""
        return self._depth > 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run something by right of a step."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def ask(self, rule: Callable[..., Any], *arguments: Any) -> Any:
        """Call a rule, to its end where it yields; an exception names it."""
        with self.inside():
            try:
                told = rule(self, *arguments)
                return list(told) if isgenerator(told) else told
            except Exception as error:
                error.add_note(f"in rule {getattr(rule, '__module__', '?')}.{getattr(rule, '__name__', rule)}")
                raise

    def policy(self, policy: Policy | str, record: Record | None = None) -> str:
        """The choice of a policy that holds for a record's department, or the site's."""
        return self.directory.choice(policy if isinstance(policy, str) else policy.name, record.department if record else None)

    def setting(self, name: str, record: Record | None = None) -> Any:
        """The value of a setting for a record's department, or the site's."""
        return self.directory.setting(name, record.department if record else None)

    def holds(self, user: int | None, role: str, department: int | None = None) -> bool:
        """Whether a user holds a role for a department."""
        return self.directory.holds(user, role, department)

    def tables(self, rt: RecordType) -> Tables:
        """The tables of a type."""
        return self.site.database.tables(rt)

    # Reading records

    def get(self, type: str | None, id: int) -> Record:
        """A record with its lines; NotFound when it is not there, of another type, or not for the actor."""
        record = self._load(type, id)
        if record is None or not (self.is_inside or self.may_read(record)):
            raise NotFound()
        return record

    def _load(self, type: str | None, id: int) -> Record | None:
        known = self._known.get(id)
        if known is not None:
            return known if type in (None, known.type.name) else None
        if type is None:
            type = self.connection.execute(select(RECORD.c.type).where(RECORD.c.id == id)).scalar_one_or_none()
            if type is None or type not in self.registry.types:
                return None
        record = store.load(self.connection, self.tables(self.registry.type(type)), id)
        if record is not None:
            self._compute_live(record)
            self._known[id] = record
        return record

    def may_read(self, record: Record) -> bool:
        """Whether the actor may read a record: by role, as its author, by a reader row, or through what opened it."""
        if self.is_machine or self.access.may_read(record.type, record):
            return True
        if is_private(record.type, record) or self.actor is None:
            return False
        return bool(self._reader_rows((record.id,))) or opening.seen_through_origin(self, record)

    def _reader_rows(self, ids: Sequence[int]) -> set[int]:
        """Those of the records that name the actor or a department of theirs as reader."""
        if not ids or self.actor is None:
            return set()
        return set(self.connection.scalars(select(READER.c.record_id).where(READER.c.record_id.in_(ids), READER.c.holder_id.in_(self.holders))))

    @cached_property
    def holders(self) -> tuple[int, ...]:
        """The actor and the departments they belong to: under these they stand in reader rows."""
        user = self.directory.users.get(self.actor or 0)
        return (self.actor or 0, *(user.departments if user else ()))

    def find(self, type: str, **equals: Any) -> list[Record]:
        """Every record of a type with these values, oldest first; a tuple matches any of its members. Void ones only if `state` asks."""
        rt = self.registry.type(type)
        key = (type, tuple(sorted((name, tuple(value) if isinstance(value, (list, set, frozenset)) else value) for name, value in equals.items())))
        if key not in self._found:
            self._found[key] = lists.find(self, rt, equals)
        found = list(self._found[key])
        return found if self.is_inside else [record for record in found if self.may_read(record)]

    def page(self, rt: RecordType, query: Query) -> Page:
        """One page of a list, as far as the actor may see it."""
        return lists.page(self, rt, query)

    def count(self, rt: RecordType, query: Query, cap: int = 1000) -> int:
        """How many a query finds, counted up to `cap` + 1."""
        return lists.count(self, rt, query, cap)

    def counts(self, rt: RecordType, queries: Iterable[Query], cap: int = 1000) -> list[int]:
        """How many each of several queries finds, in one statement."""
        return lists.counts(self, rt, queries, cap)

    def peek(self, to: str, ids: Iterable[int]) -> dict[int, Record]:
        """Heads (without lines) of those records that the actor may see; `to` a type name, or "" for any type."""
        known = self._peeked_inside if self.is_inside else self._peeked
        wanted = {id for id in ids if id not in known or (to and not known[id].values)}
        if wanted:
            heads = lists.heads(self, to, wanted)
            known |= {head.id: head for head in self._visible(heads)}
        found = {id: known[id] for id in ids if id in known}
        return {id: head for id, head in found.items() if not to or head.type.name == to}

    def _visible(self, heads: list[Record]) -> list[Record]:
        if self.is_inside or self.is_machine:
            return heads
        seen = [head for head in heads if self.access.may_read(head.type, head)]
        others = [head for head in heads if head not in seen and not is_private(head.type, head)]
        shown = self._reader_rows([head.id for head in others]) if others else set()
        return seen + [head for head in others if head.id in shown]

    def names(self, records: Iterable[Record], more: Iterable[int] = ()) -> dict[int, Name]:
        """The names of everything that records point at, as far as the actor may see it; one statement, and one for each type with units."""
        ids: set[int] = set(more)
        pictures: set[int] = set()
        measured: dict[str, set[int]] = {}
        for record in records:
            ids.update(one for one in (record.department, record.created_by) if one is not None)
            for _place, kind, id in values.pointers(record):
                held = values.bare(kind)
                (pictures if held.kind in ("photos", "attachments") else ids).add(id)
                if held.kind == "reference" and "unit" in self.registry.types[held.to].fields:  # type: ignore[attr-defined]
                    measured.setdefault(held.to, set()).add(id)  # type: ignore[attr-defined]
        found = values.names_in(self, ids)
        rest = ids - set(found)
        for type, some in measured.items():
            self.peek(type, some)
        for id, head in self.peek("", rest).items():
            found[id] = Name(id, head.type.name, head.number, head.title, unit=str(head.values.get("unit") or ""))
        for id, file in files.load(self.connection, pictures).items():
            found[id] = Name(id, "core.file", None, file.name)
        return found

    def look_up(self, kind: Any, text: str) -> int | None:
        """The id of what somebody typed for a reference, user or department: a code, a number or a full name."""
        return lists.look_up(self, values.bare(kind), text)

    def suggest(self, kind: Any, text: str, limit: int = 20) -> list[Name]:
        """What a field could hold that begins with or contains the text, for the actor."""
        return lists.suggest(self, values.bare(kind), text, limit)

    def history(self, record: Record) -> list[Event]:
        """The trail of a record, newest first; hidden fields are left out."""
        hidden = self.access.hidden(record.type, record)
        events = audit.history(self.connection, record.id)
        return [lists.without(event, hidden) for event in events] if hidden else events

    def signatures(self, record: Record) -> list[Signature]:
        """The signatures of a record, oldest first."""
        return signature_rows.of(self.connection, record.id)

    def standing(self, signature: Signature, record: Record) -> Standing:
        """Whether a signature of a record is valid, withdrawn or broken."""
        return signature_rows.state(self.connection, signature, record, record.type.covers(signature.step) if signature.step in record.type.steps else ())

    def links(self, record: Record, type: str | None = None) -> list[LinkView]:
        """What a record is linked with, both ways, as far as the actor may see it."""
        return opening.links(self, record, type)

    # What may be done now

    def writable(self, record: Record | None, rt: RecordType, step: str | None = None) -> frozenset[str]:
        """The fields, and columns as `lines.column`, that the actor may write now; of a new record under a creating step."""
        return values.writable(self, rt, record, step=step or next(iter(rt.creating_steps), None) if record is None else None)

    def shown(self, record: Record) -> list[str]:
        """The fields that are there for this reader, in the order of the sections."""
        hidden = self.access.hidden(record.type, record)
        found: list[str] = []
        for section in record.type.all_sections.values():
            if not values.is_there(self, record, section):
                continue
            for name in section.fields:
                head = name.partition(".")[0]
                if head not in found and head not in hidden and values.is_there(self, record, record.type.fields[head]):
                    found.append(head)
        return found

    def steps(self, record: Record) -> list[StepView]:
        """The steps that leave the record's state, with whether each may be taken and why not."""
        return steps.views(self, record)

    def departments_for(self, rt: RecordType, step: str | None = None) -> tuple[int, ...]:
        """The departments for which the actor may create."""
        return self.access.may_create(rt, step)

    def draft_of(self, rt: RecordType, given: Mapping[str, Any], *, source: Record | None = None, opens: str | None = None) -> Record:
        """A record as a new form would show it: defaults, prefilled values, computed ones; nothing is stored."""
        record = self._blank(rt, None, None)
        problems = self._fill(record, given, source, opens, accepted=False)
        if any(problem.level == "refuses" for problem in problems):
            raise Refused(problems)
        self._compute(record)
        self._compute_live(record)
        return record

    # Writing

    def create(
        self, type: str, given: Mapping[str, Any], *, step: str | None = None, department: int | None = None, source: Record | None = None,
        opens: str | None = None, asked: Asked = NOTHING_ASKED, number: str | None = None, accepted: bool = False,
    ) -> Record:
        """Make a record: a draft, a register entry, or what a creating step makes at once.

        `source` and `opens` say from which record and by which button it is opened. Raises Refused, NotAllowed.
        """
        rt = self.registry.type(type)
        step = self._birth_step(rt, step)
        department = self._department(rt, step, department, source)
        record = self._blank(rt, department, step)
        problems = self._fill(record, given, source, opens, accepted)
        if not self.is_inside:
            allowed = self._open_names(rt, department, step)
            problems += values.may_write(rt, (n for n in values.changed(record, self._blank_values(rt)) if n.partition(".")[0] in given), allowed)
        if step is not None:
            steps.born(self, record, step, asked, problems, number)
        else:
            self._begin(record, asked, number, problems)
        if source is not None:
            opening.link_opened(self, source, record, opens)
        return record

    def _begin(self, record: Record, asked: Asked, number: str | None, problems: list[Problem]) -> None:
        """Make a draft, or an entry of a register."""
        rt = record.type
        problems += self._check_save(record, None)
        if rt.is_register:
            problems += steps.complete(self, record, rt.all_sections["form"].fields if not rt.sections else tuple(rt.fields))
            self.stop_on(problems, asked)
            record.number = self._number(record, number)
        elif number is not None:
            problems.append(Problem("number", _("The number is given later."), code="read_only"))
        self.stop_on(problems, asked)
        self.insert(record, "created", asked, kept=problems)

    def _birth_step(self, rt: RecordType, step: str | None) -> str | None:
        if not rt.creating_steps:
            if step is not None:
                raise NotFound(_("There is no such step."))
            return None
        if step is None and len(rt.creating_steps) == 1:
            return next(iter(rt.creating_steps))
        if step not in rt.creating_steps:
            raise Refused([Problem("step", _("Say by which step it is made."), ", ".join(rt.creating_steps), "step")])
        return step

    def _department(self, rt: RecordType, step: str | None, department: int | None, source: Record | None) -> int | None:
        """The department of a new record: the one given, or the creator's only one that holds the creating role."""
        if self.is_inside:
            return department if department is not None else source.department if source is not None else next(iter(self.access.may_create(rt, step)), None)
        mine = self.access.may_create(rt, step)
        if department is not None:
            if not self.access.may_create_in(rt, department, step):
                raise NotAllowed(_("You may not make this for that department."), steps.creators(self, rt, step, department))
            return department
        if not mine:
            raise NotAllowed(_("You may not make this."), steps.creators(self, rt, step, None))
        if source is not None and source.department in mine:
            return source.department
        if len(mine) > 1:
            names = ", ".join(self.directory.departments[one].name for one in mine)
            raise Refused([Problem("department", _("Say for which department it is."), _("One of: {names}.", names=names), "department_needed")])
        return mine[0]

    def _blank(self, rt: RecordType, department: int | None, step: str | None) -> Record:
        state = rt.initial or (rt.steps[step].target if step else "")
        empty = {name: () if isinstance(kind, Lines) else kind.load(None) if not isinstance(kind, Computed) else None for name, kind in rt.fields.items()}
        return Record(rt, new_id(), empty, state=state, department=department, created_by=self.actor, created_at=self.now, changed_at=self.now)

    def _blank_values(self, rt: RecordType) -> Record:
        return self._blank(rt, None, None)

    def _fill(self, record: Record, given: Mapping[str, Any], source: Record | None, opens: str | None, accepted: bool) -> list[Problem]:
        rt = record.type
        start = {name: kind.initial(self) for name, kind in rt.fields.items() if name not in given and not isinstance(kind, Computed)}
        start = {name: value for name, value in start.items() if value not in (None, (), [])}
        if source is not None:
            start |= {name: value for name, value in opening.prefilled(self, source, opens).items() if name not in given}
        problems = values.put(record, start)
        return problems + values.put(record, given, accepted=accepted)

    def _open_names(self, rt: RecordType, department: int | None, step: str | None) -> frozenset[str]:
        open_names = values.writable(self, rt, None, department, step)
        return open_names | values.with_columns(rt, rt.steps[step].fills) if step else open_names

    def edit(self, record: Record, version: int | None = None, /, *, accepted: bool = False, asked: Asked = NOTHING_ASKED, **given: Any) -> Record:
        """Change fields; `version` is the one that was seen. Raises Refused, NotAllowed, Stale. Returns the same record."""
        self.must_be_current(record, version)
        new = record.copy()
        problems = values.put(new, given, accepted=accepted)
        names = values.changed(new, record)
        if not self.is_inside:
            open_names = values.writable(self, record.type, record)
            if not open_names:
                raise NotAllowed(_("Nothing here is yours to change now."), steps.fillers(self, record))
            problems += values.may_write(record.type, names, open_names)
        if not names and not problems:
            return record
        problems += self._check_save(new, record)
        if record.type.is_register:
            problems += steps.complete(self, new, tuple(record.type.fields))
        self.stop_on(problems, asked)
        self.update(new, record, "changed", asked, kept=problems)
        return record

    def fire(self, record: Record, name: str, asked: Asked = NOTHING_ASKED, /, *, accepted: bool = False, **given: Any) -> Record:
        """Take a step. Raises Stale (wrong state or version), NotAllowed, Refused. Returns the same record as it then stands."""
        self.must_be_current(record, asked.version)
        return steps.fire(self, record, name, asked, given, accepted)

    def void(self, record: Record, reason: str, asked: Asked = NOTHING_ASKED) -> Record:
        """Take a numbered record out of use; it keeps its number and the reason. Its parts are void with it."""
        return self.fire(record, "void", Asked(reason, asked.version, asked.confirmed))

    def remove(self, record: Record, version: int | None = None) -> None:
        """Delete a draft that never had a number, by its author; the trail keeps what it held."""
        self.must_be_current(record, version)
        if record.state != "draft" or record.number is not None:
            raise Stale(_("Only a draft without a number can be deleted; this one can be voided."), status=409, version=record.version)
        if not self.is_inside and record.created_by != self.actor:
            raise NotAllowed(_("Only its author deletes a draft."))
        opening.refuse_if_referred_to(self, record)
        entry = self.entry(record, "deleted", audit.removal(record), version=record.version + 1)
        opening.unlink(self, record)
        files.release(self.connection, record.id)
        audit.write(self.connection, self.origin, [entry])
        store.remove(self.connection, self.tables(record.type), record)
        self._known.pop(record.id, None)
        self._found.clear()

    def erase(self, record: Record, reason: str, version: int | None = None) -> Record:
        """Make a record's personal values unreadable for good, by an administrator, where the law wants it.

        The fields are emptied and the key of what trail and signatures hold of them is destroyed; chain and signatures
        still verify, and the erasure stands in the trail.
        """
        self.must_be_current(record, version)
        if not self.is_inside and not self.access.is_administrator:
            raise NotAllowed(_("Only an administrator erases personal data."))
        names = self.personal(record.type)
        if not names:
            raise Refused([Problem("", _("This kind of form holds no personal data."), code="not_personal")])
        if not reason.strip():
            raise Refused([Problem("reason", _("A reason is missing."), _("Say why, for whoever reads the trail."), "reason")])
        new = record.copy()
        values.empty(new, names)
        new.changed_at = self.now
        new.version = record.version + 1
        entry = self.entry(new, "erased", {}, version=new.version, reason=reason)
        new.chain = audit.erase(self.connection, self.origin, entry)[record.id]
        store.update(self.connection, self.tables(record.type), new, record)
        record.absorb(new)
        self._found.clear()
        return record

    # How saving goes

    def must_be_current(self, record: Record, version: int | None) -> None:
        """Stale when somebody saved after the version that was seen, with what they changed."""
        if version is not None and version != record.version:
            raise self.stale(record, version)
        if not record.chain:
            # A record from a list comes without the head of its chain; what is written now must hang on it.
            record.chain = self.connection.scalar(select(RECORD.c.chain).where(RECORD.c.id == record.id)) or ""

    def stale(self, record: Record, version: int, status: int = 412, what: str | None = None) -> Stale:
        """The refusal that tells what changed since a version."""
        hidden = self.access.hidden(record.type, record)
        changes = [
            Change(field, *_before_and_after(pair), event.actor_id, event.at.isoformat())
            for event in audit.changed_since(self.connection, record.id, version) for field, pair in lists.without(event, hidden).changes.items()
        ]
        if what:
            return Stale(what, status=status, version=record.version, changes=changes)
        return Stale(status=status, version=record.version, changes=changes)

    def _check_save(self, record: Record, old: Record | None) -> list[Problem]:
        """What must hold at every save, drafts included: conditions, computed values, references."""
        problems = values.empty_absent(self, record)
        self._compute(record)
        touched = values.changed(record, old)
        problems += values.reference_problems(self, record, touched)
        problems += values.option_problems(self, record, touched)
        problems += values.always_missing(self, record)
        if record.state != "draft":
            for guard in record.type.guards:
                problems += self.ask(guard, record) or ()
            problems += values.unique_problems(self, record, old)
        return problems

    def _compute(self, record: Record) -> None:
        for name, kind in record.type.fields.items():
            if isinstance(kind, Computed) and not kind.live:
                value = self.ask(kind.by, record)
                record.values[name] = None if value is None else kind.accept(value)
        self._compute_rows(record, live=False)

    def _compute_live(self, record: Record) -> None:
        for name, kind in record.type.fields.items():
            if isinstance(kind, Computed) and kind.live:
                value = self.ask(kind.by, record)
                record.values[name] = None if value is None else kind.accept(value)
        self._compute_rows(record, live=True)

    def _compute_rows(self, record: Record, live: bool) -> None:
        for name, lines in record.type.lines.items():
            kinds = [(c, k) for c, k in lines.columns.items() if isinstance(k, Computed) and k.live == live]
            for row in record.values.get(name) or () if kinds else ():
                for column, kind in kinds:
                    value = self.ask(kind.by, row)
                    row.values[column] = None if value is None else kind.accept(value)

    def stop_on(self, problems: Iterable[Problem], asked: Asked) -> None:
        """Refuse where something refuses, or asks and no reason is given."""
        found = [located(problem) for problem in problems]
        if any(p.level == "refuses" or (p.level == "asks" and not asked.reason) for p in found):
            raise Refused(found)

    def _number(self, record: Record, typed: str | None = None) -> str | None:
        rt = record.type
        if rt.numbering is None:
            return None
        if typed is not None and rt.numbering.typed:
            return numbering.typed_number(self.connection, rt, typed)
        return numbering.next_number(self.connection, rt, record, self.directory, self.today)

    def give_number(self, record: Record, typed: str | None = None) -> None:
        """Give the record its number, once."""
        if record.number is None:
            record.number = self._number(record, typed)

    def entry(
        self, record: Record, action: str, changes: Mapping[str, Any], *, version: int | None, step: str = "", reason: str = "", signed: str = "",
        kept: Iterable[Problem] = (),
    ) -> Entry:
        """A row of the trail about a record; warnings that were passed stand in its cause."""
        cause: dict[str, Any] = dict(self._causes[-1]) if self._causes else {}
        passed = [{"where": p.pointer, "what": str(p.what), "level": p.level, **_words(p.what)} for p in kept if p.level != "refuses"]
        if passed:
            cause["passed"] = passed
            self.warnings += [p for p in kept if p.level == "warns"]
        return Entry(
            type=record.type.name, action=f"{record.type.name}.{action}", record_id=record.id, version=version, chain=record.chain, changes=changes, step=step,
            reason=reason, cause=cause or None, signed=signed, personal=self.personal(record.type),
        )

    def personal(self, rt: RecordType) -> frozenset[str]:
        """The fields of a type whose values may be erased one day."""
        return self.site.personal[rt.name]

    def insert(self, record: Record, action: str, asked: Asked, *, step: str = "", kept: Iterable[Problem] = ()) -> None:
        """Write a new record with its trail, readers, links and files."""
        record.title = values.title_of(self, record)
        signed = steps.sign(self, record, step, asked) if step else ""
        changes = audit.creation(record)
        entry = self.entry(record, action, changes, version=record.version, step=step, reason=asked.reason, signed=signed, kept=kept)
        record.chain = audit.write(self.connection, self.origin, [entry])[record.id]
        store.insert(self.connection, self.tables(record.type), record)
        self._found.clear()
        self._attach(record, None)
        self._known[record.id] = record
        self._compute_live(record)

    def update(self, new: Record, record: Record, action: str, asked: Asked, *, step: str = "", kept: Iterable[Problem] = ()) -> None:
        """Write what changed, with its trail, readers, links and files; `record` then is what `new` was."""
        new.title = values.title_of(self, new)
        new.changed_at = self.now
        new.before = {n: record.read(n) for n in (*record.type.fields, "state", "number", "department")}
        changes = audit.differences(record.type, new.changes)
        new.version = record.version + 1
        signed = steps.sign(self, new, step, asked) if step else ""
        entry = self.entry(new, action, changes, version=new.version, step=step, reason=asked.reason, signed=signed, kept=kept)
        new.chain = audit.write(self.connection, self.origin, [entry])[record.id]
        try:
            store.update(self.connection, self.tables(record.type), new, record)
        except Stale:
            raise self.stale(record, record.version) from None
        self._found.clear()
        self._attach(new, record)
        record.absorb(new)
        self._compute_live(record)
        self._peeked.pop(record.id, None)
        self._peeked_inside.pop(record.id, None)

    def _attach(self, record: Record, old: Record | None) -> None:
        opening.keep_links(self, record, old)
        readers = self.access.readers_of(record.type, record, [self.actor] if self.actor is not None else [])
        known = self.access.readers_of(record.type, old) if old is not None else frozenset()
        fresh = set(readers) - set(known) - {record.created_by}
        if fresh:
            store.add_readers(self.connection, self.site.database, record.id, fresh)
        problems = files.claim(self.connection, record.id, files.used_by(record), actor_id=None if self.is_inside else self.actor,
                               images=files.picture_places(record))
        if problems:
            raise Refused(problems)

    @contextmanager
    def because(self, record: Record, step: str) -> Iterator[None]:
        """What happens meanwhile is done by right of this step, and the trail says so."""
        self._causes.append({"record": str(record.id), "step": f"{record.type.name}.{step}"})
        depth = len(self.signing)
        self.signing += [self.signed_now] if self.signed_now is not None else []
        self.signed_now = None
        try:
            with self.inside():
                yield
        finally:
            self._causes.pop()
            del self.signing[depth:]

    def note(self, record: Record, action: str, changes: Mapping[str, Any] | None = None, reason: str = "") -> None:
        """Write into a record's trail something that changes none of its fields (a print, a notice).

        It has no version and stands beside the record's chain, so that it never comes between somebody who saves.
        """
        audit.write(self.connection, self.origin, [self.entry(record, action, changes or {}, version=None, reason=reason)])


def _before_and_after(pair: Any) -> tuple[Any, Any]:
    """What the trail says of one field: two values, or the rows of a table."""
    return (pair[0], pair[1]) if isinstance(pair, list) and len(pair) == 2 else (None, pair)


def _words(what: str) -> dict[str, Any]:
    """The message behind a sentence, so that the trail can say it in its reader's language."""
    if not isinstance(what, Message):
        return {}
    return {"id": what.id, "values": {name: value if isinstance(value, int) else str(value) for name, value in what.values.items()}}
