"""Taking a step: who, from where, what must hold, what passes because of a policy, number, signature, effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core import audit, files, signatures
from core.access import creators as creating_roles
from core.errors import NotAllowed, NotFound, Problem, Refused, Who
from core.messages import _
from core.records import RecordType
from core.service import opening, values
from core.service.shapes import Asked, StepView, located
from core.storage import Record
from core.workflow import Transition, each_by, past, when_holds

if TYPE_CHECKING:
    from core.service.work import Work


def step_named(rt: RecordType, name: str) -> Transition:
    """A step by its name, the void step included; NotFound where there is none."""
    step = rt.void_step if name == "void" else rt.steps.get(name)
    if step is None:
        raise NotFound(_("There is no such step."))
    return step


def fire(work: Work, record: Record, name: str, asked: Asked, given: Mapping[str, Any], accepted: bool) -> Record:
    """Take a step on a record that is there."""
    rt = record.type
    step = step_named(rt, name)
    if record.state not in step.sources or not applies(work, record, name, step):
        label = rt.states[record.state].label
        raise work.stale(record, record.version, 409, _("“{step}” cannot be taken in the state “{state}”.", step=step.label, state=label))
    if not work.is_inside:
        _must_be_theirs(work, record, name)
    new = record.copy()
    problems = _fill(work, new, record, step, given, accepted)
    new.state = step.target
    passed = _pass_on(work, new)
    problems += _check(work, new, record, name, step, asked)
    work.stop_on(problems, asked)
    if rt.numbering is not None and new.number is None and new.state != "draft" and name != "void":
        work.give_number(new)
    work.update(new, record, past(name), asked, step=name, kept=[*problems, *_passed_notes(passed)])
    _withdraw(work, record, name)
    _afterwards(work, record, name, step)
    return record


def born(work: Work, record: Record, name: str, asked: Asked, problems: list[Problem], number: str | None = None) -> Record:
    """Take a creating step: the record is there at once, numbered and signed."""
    step = record.type.steps[name]
    if not work.is_inside:
        _must_be_theirs(work, record, name)
    problems += values.empty_absent(work, record)
    work._compute(record)
    problems += values.reference_problems(work, record, values.changed(record, None))
    problems += values.option_problems(work, record, values.changed(record, None))
    passed = _pass_on(work, record)
    problems += _check(work, record, None, name, step, asked)
    work.stop_on(problems, asked)
    work.give_number(record, number)
    work.insert(record, past(name), asked, step=name, kept=[*problems, *_passed_notes(passed)])
    _afterwards(work, record, name, step)
    return record


def applies(work: Work, record: Record, name: str, step: Transition) -> bool:
    """Whether a step is there for the stored record: its `when` holds and no policy leaves it out or passes it."""
    if work.access.leaves_out(record.type, name, record.department):
        return False
    if step.when is None:
        return True
    if callable(step.when):
        return bool(work.ask(step.when, record))
    return when_holds(step.when, record.values, lambda policy: work.policy(policy, record))


def _must_be_theirs(work: Work, record: Record, name: str) -> None:
    """NotAllowed with who could, when the step is not the actor's."""
    rt = record.type
    others = taken(work, record, name)
    if work.access.may_take(rt, name, record, others):
        return
    who = work.access.who(rt, name, record, others)
    label = step_named(rt, name).label
    if work.actor in work.access.excluded(rt, name, record, others):
        raise NotAllowed(_("Somebody else must do “{step}”: you took a step that keeps you from it.", step=label), who)
    unbound = work.access.unbound(rt, name, record)
    if unbound:
        function = work.registry.functions[unbound[0]].label
        raise NotAllowed(_("“{step}” needs the function “{function}”, which no department carries out yet. An administrator binds it on the page “Functions”.",
                           step=label, function=function), who)
    raise NotAllowed(_("“{step}” is not yours to do.", step=label), who)


def taken(work: Work, record: Record, name: str) -> dict[str, tuple[int, ...]]:
    """Who took the steps that `other_than` names, each at its last time, principal and substitute both."""
    step = step_named(record.type, name)
    steps = [other for other in step.others if other in record.type.steps]
    if not steps:
        return {}
    t = audit.TRAIL.c
    last = select(func.max(t.id)).where(t.record_id == record.id, t.step.in_(steps)).group_by(t.step)
    rows = work.connection.execute(select(t.step, t.actor_id, t.for_id).where(t.id.in_(last)))
    return {row.step: tuple(one for one in (row.actor_id, row.for_id) if one is not None) for row in rows}


def _fill(work: Work, new: Record, old: Record, step: Transition, given: Mapping[str, Any], accepted: bool) -> list[Problem]:
    """Put what the step fills into the record; anything else is refused."""
    problems = values.put(new, given, accepted=accepted)
    if given:
        problems += values.may_write(new.type, values.changed(new, old), values.with_columns(new.type, step.fills))
    problems += values.empty_absent(work, new)
    work._compute(new)
    return problems


def _pass_on(work: Work, record: Record) -> list[tuple[str, str]]:
    """Go straight on where a policy skips the step that would come next; returns (step, policy) of each passed one."""
    rt, passed = record.type, []
    for _round in range(len(rt.steps)):
        found = _skipped(work, record)
        if found is None:
            break
        passed.append(found)
        record.state = rt.steps[found[0]].target
    return passed


def _skipped(work: Work, record: Record) -> tuple[str, str] | None:
    for policy in record.type.all_policies.values():
        choice = policy.choices[work.policy(policy, record)]
        for name in choice.skips:
            step = record.type.steps.get(name)
            if step is not None and record.state in step.sources:
                return name, policy.name
    return None


def _passed_notes(passed: Iterable[tuple[str, str]]) -> list[Problem]:
    return [Problem("", _("“{step}” is not required here, by the policy {policy}.", step=step, policy=policy), code="passed", level="warns") for step,
            policy in passed]


def _check(work: Work, new: Record, old: Record | None, name: str, step: Transition, asked: Asked) -> list[Problem]:
    """Everything that must hold of the record as it will stand."""
    if name == "void":
        return list(_reason(asked, step))
    problems = list(_reason(asked, step))
    problems += complete(work, new, new.type.locks(name))
    problems += values.reference_problems(work, new, _still_open(new, old, name)) if old is not None else []
    problems += values.option_problems(work, new, values.changed(new, old)) if old is not None else []
    problems += judged(work, new, old, name, step)
    problems += [_with_clause(p, step.clause) for p in _confirmed(work, step, asked)]
    return problems


def _still_open(new: Record, old: Record | None, name: str) -> tuple[str, ...]:
    """Limited references that the step locks, and those it has just changed."""
    limited = [n for n in new.type.locks(name) if _is_limited(new.type, n)]
    return tuple(dict.fromkeys([*limited, *values.changed(new, old)]))


def _is_limited(rt: RecordType, name: str) -> bool:
    kind = rt.kind_of(name)
    kinds = getattr(kind, "columns", {}).values() if name in rt.lines else (kind,)
    return any(getattr(one, "states", ()) or getattr(one, "where", None) for one in kinds)


def judged(work: Work, new: Record, old: Record | None, name: str, step: Transition) -> list[Problem]:
    """What the guards of type and step, the hooks, uniqueness and awaited records say."""
    problems: list[Problem] = []
    for guard in (*new.type.guards, *step.guards):
        problems += [_with_clause(p, step.clause) for p in work.ask(guard, new) or ()]
    if work.registry.hooks.get("check_step"):
        with work.inside():
            for _plugin, told in work.registry.call("check_step", work=work, record=new, step=name):
                problems += told
    if new.state not in ("draft", "void"):
        problems += values.unique_problems(work, new, old)
    problems += opening.awaited(work, new, name)
    return problems


def _with_clause(problem: Problem, clause: str) -> Problem:
    if problem.clause or not clause:
        return problem
    return Problem(problem.where, problem.what, problem.hint, problem.code, clause, problem.level)


def _reason(asked: Asked, step: Transition) -> Iterator[Problem]:
    if step.asks and not asked.reason.strip():
        yield Problem("reason", _("“{label}” is missing.", label=step.asks), _("Say why."), "reason")


def _confirmed(work: Work, step: Transition, asked: Asked) -> Iterator[Problem]:
    signs = step.signature
    if signs is None or not signs.asks_password or work.is_inside:
        return
    if asked.confirmed is None or asked.confirmed.user_id != work.actor:
        yield Problem("password", _("Your password is asked again for this signature."), _("Type it, or the code of your authenticator."), "password")


def complete(work: Work, record: Record, names: Iterable[str]) -> list[Problem]:
    """A problem for each required value that is still empty among the names."""
    return list(values.missing(work, record, names))


def sign(work: Work, record: Record, name: str, asked: Asked) -> str:
    """Leave the signature of a step over the record as it will stand; returns its digest, empty where the step signs nothing."""
    step = step_named(record.type, name)
    signs = step.signature
    if signs is None or work.actor is None:
        return ""
    role = next((grant.role for grant in work.access.grants(record.type, step.by, name, record) if work.access.matches(grant)), "")
    hashes = files.hashes(work.connection, {one for ids in files.used_by(record).values() for one in ids})
    made = signatures.make(
        work.connection, record, step=name, meaning=signs.meaning, user_id=work.actor, at=work.now, files=hashes, personal=work.personal(record.type),
        method=asked.confirmed.method if asked.confirmed else "session", role=role, department=_seat_of(work, record),
        cause=work.signing[-1] if work.signing else None,
    )
    signatures.put(work.connection, made)
    work.signed_now = made.id
    return made.digest


def _seat_of(work: Work, record: Record) -> int | None:
    """The department under which somebody signs: the record's where they belong to it, else their own first one."""
    user = work.directory.users.get(work.actor or 0)
    own = user.departments if user else ()
    return record.department if record.department in own or not own else own[0]


def _withdraw(work: Work, record: Record, name: str) -> None:
    """A step back into a state where signed fields can be written again withdraws the signatures over them."""
    undone = reopened(record.type, record.state)
    if undone and name not in undone:
        signatures.withdraw(work.connection, record.id, undone, by_step=name, at=work.now)


@lru_cache(maxsize=4096)
def reopened(rt: RecordType, state: str) -> tuple[str, ...]:
    """The signing steps whose locked fields can be written in a state."""
    sections = rt.all_sections
    found = []
    for name, step in rt.steps.items():
        if step.signature is None:
            continue
        keys = {rt.section_of[n] for n in rt.locks(name) if n in rt.section_of and n not in rt.by_steps}
        if any(state in rt.states_of(sections[key]) for key in keys) or (not keys and state in step.sources):
            found.append(name)
    return tuple(found)


def _afterwards(work: Work, record: Record, name: str, step: Transition) -> None:
    """Effects, records that the step opens, and those who want to be told."""
    with work.because(record, name):
        for effect in step.effects:
            work.ask(effect, record)
        opening.open_all(work, record, name, step)
        if name == "void":
            opening.void_parts(work, record)
        for _nothing in work.registry.call("step_taken", work=work, record=record, step=name):
            pass


def views(work: Work, record: Record) -> list[StepView]:
    """The steps that leave the record's state, void last."""
    found = []
    for name, step in record.type.steps.items():
        if record.state in step.sources and each_by(step.by) and applies(work, record, name, step):
            found.append(_view(work, record, name, step))
    void = record.type.void_step
    if void is not None and record.number is not None and record.state in void.sources:
        view = _view(work, record, "void", void)
        found += [view] if view.is_mine else []
    return found


def _view(work: Work, record: Record, name: str, step: Transition) -> StepView:
    others = taken(work, record, name)
    is_mine = work.access.may_take(record.type, name, record, others)
    problems: list[Problem] = []
    if not is_mine:
        try:
            _must_be_theirs(work, record, name)
        except NotAllowed as no:
            problems.append(Problem("", no.what, "", no.code))
    problems += _foreseen(work, record, name, step)
    hidden = work.access.hidden(record.type, record)
    shown = tuple(_discreet(located(p), hidden) for p in problems if p.level == "refuses")
    return StepView(
        name, step, work.text(step.label), step.target, is_mine and not shown, shown, work.access.who(record.type, name, record, others), is_mine,
        step.asks, tuple(n for n in step.fills if n not in hidden), bool(step.signature and step.signature.asks_password),
    )


def _foreseen(work: Work, record: Record, name: str, step: Transition) -> list[Problem]:
    """What stands in the way now, apart from what the dialog of the step will ask."""
    new = record.copy()
    new.state = step.target
    if name == "void":
        return []
    asked_here = set(step.fills)
    problems = complete(work, new, [n for n in record.type.locks(name) if n not in asked_here])
    if asked_here:
        problems += opening.awaited(work, new, name)
        return problems
    try:
        problems += judged(work, new, record, name, step)
    except Refused as refused:
        problems += refused.problems
    return problems


def _discreet(problem: Problem, hidden: frozenset[str]) -> Problem:
    head = problem.where.strip("/").partition("/")[0]
    return Problem("", _("This is not open now."), code="not_open") if head in hidden else problem


def creators(work: Work, rt: RecordType, step: str | None, department: int | None) -> tuple[Who, ...]:
    """Who may make records of a type."""
    found = []
    for name, by in creating_roles(rt, step):
        for grant in work.access.grants(rt, by, name, None, department):
            names = tuple(work.directory.users[u].name for u in work.directory.holders(grant.role, department))
            found.append(Who(grant.role, department, names))
    return tuple(dict.fromkeys(found))


def fillers(work: Work, record: Record) -> tuple[Who, ...]:
    """Who fills the sections that are open in the record's state."""
    rt = record.type
    found = []
    for section in rt.all_sections.values():
        by = section.filled_by or (rt.steps[section.locked_by].by if section.locked_by else ())
        if record.state in rt.states_of(section):
            for grant in work.access.grants(rt, by, section.locked_by, record):
                names = tuple(work.directory.users[u].name for u in work.directory.holders(grant.role, grant.department)) if grant.role else ()
                found.append(Who(grant.role, grant.department, names))
    return tuple(dict.fromkeys(found))
