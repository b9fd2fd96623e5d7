"""Records that other records open: with a step, by a button, as parts; the links between them and what waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core import audit
from core import links as link_rows
from core.errors import NotFound, Problem, Refused
from core.messages import _
from core.records import RecordType
from core.service.shapes import LinkView
from core.storage import Record, Row
from core.workflow import Opens, Transition, when_holds

if TYPE_CHECKING:
    from core.service.work import Work


def prefilled(work: Work, source: Record, name: str | None) -> dict[str, Any]:
    """The values that a button copies from the record it stands on."""
    opens = source.type.opens.get(name or "")
    if opens is None:
        raise NotFound(_("There is no such button on this form."))
    return _copied(work, opens, source, None)


def link_opened(work: Work, source: Record, record: Record, name: str | None) -> None:
    """Link a record with the one from whose page it was opened."""
    link_rows.open_link(work.connection, source.id, record.id, name or "", at=work.now)


def may_open(work: Work, record: Record) -> Iterator[tuple[str, Opens, RecordType]]:
    """The buttons of a record that the actor may press now: (key, declaration, the type it makes)."""
    for name, opens in record.type.opens.items():
        target = work.registry.types.get(opens.to)
        if target is None or (opens.states and record.state not in opens.states) or record.state in ("void", "superseded"):
            continue
        if _wanted(work, opens, record) and work.access.may_create(target, opens.step):
            yield name, opens, target


def _wanted(work: Work, opens: Opens, record: Record) -> bool:
    if opens.when is None:
        return True
    if callable(opens.when):
        return bool(work.ask(opens.when, record))
    return when_holds(opens.when, record.values, lambda policy: work.policy(policy, record))


def open_all(work: Work, record: Record, name: str, step: Transition) -> None:
    """Make what the step opens, at most once per round and row, linked both ways."""
    if not step.opens:
        return
    round = _round(work, record, name)
    for place, opens in enumerate(step.opens):
        if opens.to not in work.registry.types or not _wanted(work, opens, record):
            continue
        for thing in _things(work, opens, record):
            row = thing.id if isinstance(thing, Row) else link_rows.NO_ROW
            values = _copied(work, opens, record, thing)
            made = work.create(opens.to, values, step=opens.step, department=record.department)
            link_rows.open_link(work.connection, record.id, made.id, f"{name}:{place}", at=work.now, row_id=row or 0, round=round if row else None)


def _round(work: Work, record: Record, name: str) -> int:
    """How often the step has been taken, this time included."""
    t = audit.TRAIL.c
    return work.connection.scalar(select(func.count()).where(t.record_id == record.id, t.step == name)) or 0


def _things(work: Work, opens: Opens, record: Record) -> Iterable[Any]:
    if opens.each is None:
        return (None,)
    if callable(opens.each):
        return list(dict.fromkeys(work.ask(opens.each, record)))
    return tuple(record.values.get(opens.each) or ())


def _copied(work: Work, opens: Opens, record: Record, thing: Any) -> dict[str, Any]:
    """The values that the opened record starts with."""
    if opens.copies is None:
        return {}
    if callable(opens.copies):
        given = (record,) if thing is None else (record, thing)
        return dict(work.ask(opens.copies, *given))
    return {there: _read(record, thing, here) for there, here in opens.copies.items()}


def _read(record: Record, thing: Any, name: str) -> Any:
    if isinstance(thing, Row) and name in thing.values:
        return thing.values[name]
    if name == "thing":
        return thing
    return record.read(name)


def awaited(work: Work, record: Record, name: str) -> list[Problem]:
    """A problem naming the opened records that a step waits for."""
    rt = record.type
    keys = [f"{step_name}:{place}" for step_name, step in rt.steps.items() for place, opens in enumerate(step.opens) if opens.awaited_by == name]
    keys += [key for key, opens in rt.opens.items() if opens.awaited_by == name]
    if not keys:
        return []
    finals = {one.name: tuple(s for s, state in one.states.items() if state.final) for one in work.registry.types.values()}
    open_ = link_rows.unfinished(work.connection, record.id, keys, finals)
    if not open_:
        return []
    names = ", ".join(link.number or link.title for link in open_[:5])
    return [Problem("", _("{count} opened records are not finished: {names}.", count=len(open_), names=names), _("Finish or void them first."), "awaited")]


def void_parts(work: Work, record: Record) -> None:
    """Void the numbered parts of a voided record."""
    for rt in work.registry.types.values():
        names = [name for name, kind in rt.fields.items() if getattr(kind, "part", False) and getattr(kind, "to", "") == record.type.name]
        for name in names if rt.void_step is not None else ():
            for part in work.find(rt.name, **{name: record.id}):
                if part.state != "draft":
                    work.void(part, _("Void with {number}.", number=record.number or record.title))


def keep_links(work: Work, record: Record, old: Record | None) -> None:
    """Make the link rows of the reference fields what the fields say."""
    after = link_rows.references_of(record)
    if after:
        link_rows.replace_references(work.connection, record.id, after, link_rows.references_of(old) if old is not None else {}, at=work.now)


def refuse_if_referred_to(work: Work, record: Record) -> None:
    """Refused where another record refers to this one, which therefore cannot go."""
    found = [link for link in link_rows.of(work.connection, record.id, "in", kinds=link_rows.FIELD) if link.from_id != record.id]
    if found:
        names = ", ".join(link.number or link.title for link in found[:5])
        raise Refused([Problem("", _("{names} refers to this.", names=names), _("Take it out there first."), "referred_to")])


def unlink(work: Work, record: Record) -> None:
    """Take away the links of a draft that goes."""
    link_rows.remove(work.connection, record.id)


def links(work: Work, record: Record, type: str | None) -> list[LinkView]:
    """The links of a record whose other end the reader may see."""
    found = [link for link in link_rows.of(work.connection, record.id) if link.type in work.registry.types and type in (None, link.type)]
    hidden = work.access.hidden(record.type, record)
    found = [link for link in found if link.from_id != record.id or link.name not in hidden]
    visible = set(work.peek("", [link.other_id for link in found])) | {link.other_id for link in found if _shown_here(record, link)}
    return [
        LinkView(link.other_id, work.registry.types[link.type], link.number, link.title, link.state, link.kind, link.from_id == record.id, link.row_id or None)
        for link in found if link.other_id in visible
    ]


def _shown_here(record: Record, link: link_rows.Link) -> bool:
    """Whether who reads this record reads what it opened, draft left out."""
    opens = _declared(record.type, link.name) if link.from_id == record.id and link.is_opened else None
    return opens is not None and opens.sees and link.state != "draft"


def seen_through_origin(work: Work, record: Record) -> bool:
    """Whether the actor reads a record because they read the one that opened it, where the declaration says `sees`."""
    for link in link_rows.of(work.connection, record.id, "in", kinds=link_rows.OPENED):
        origin = work.registry.types.get(link.type)
        opens = _declared(origin, link.name) if origin is not None else None
        if opens is not None and opens.sees:
            head = work._load(link.type, link.other_id)
            if head is not None and work.access.may_read(head.type, head):
                return True
    return False


def _declared(rt: RecordType, key: str) -> Opens | None:
    step, _colon, place = key.partition(":")
    if not place:
        return rt.opens.get(key)
    opens = rt.steps[step].opens if step in rt.steps else ()
    return opens[int(place)] if place.isdigit() and int(place) < len(opens) else None


def parts_of(work: Work, record: Record) -> Mapping[RecordType, list[Record]]:
    """The records that stand as rows of this one, by type."""
    found: dict[RecordType, list[Record]] = {}
    for rt in work.registry.types.values():
        for name, kind in rt.fields.items():
            if getattr(kind, "part", False) and getattr(kind, "to", "") == record.type.name:
                parts = work.find(rt.name, **{name: record.id})
                if parts:
                    found[rt] = parts
    return found
