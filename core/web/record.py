"""The record page: what now, by whom, until when; the form like the paper; what happened; and the steps, each a page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response, request

from core import signatures as signed
from core.access import step_of
from core.audit import Event, Opener
from core.errors import NotAllowed, NotFound, Problem, Refused, Stale
from core.fields import Reading
from core.messages import _
from core.records import PrintForm, RecordType
from core.service import Asked, LinkView, StepView, opening
from core.signatures import Signature
from core.storage import Record
from core.web import badges, forms, paper, place, timeline
from core.web.edit import Before, before, files_added
from core.web.filling import GRID_TEXTS, Said, drawing, faults, shapes
from core.web.routing import Routes
from core.web.view import signed_in
from core.workflow import Transition

if TYPE_CHECKING:
    from core.web.view import View

routes = Routes()


# The stepper


@dataclass(frozen=True)
class Stop:
    """A state on the way: who and when, or who is next, or that a policy passes over it."""

    label: str
    side: str
    done: bool = False
    current: bool = False


@dataclass
class Course:
    """The way a record has gone and will go: states, the step that left each, and what a policy passes over."""

    visited: list[str] = field(default_factory=list)
    left: dict[str, Event] = field(default_factory=dict)
    entered: dict[str, Event] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    ahead: list[str] = field(default_factory=list)


def course_of(record: Record, events: Sequence[Event]) -> Course:
    """The states of a record in their order, from its trail and its workflow."""
    rt, course = record.type, Course()
    for event in reversed(events):
        change = event.changes.get("state")
        if not isinstance(change, list) or len(change) != 2 or change[1] is None:
            continue
        before, after = change
        if before is None:
            course.visited = []
        elif before in course.visited:
            course.left[before] = event
            _pass_over(rt, course, event, after)
        _enter(course, after, event)
    if record.state not in course.visited:
        _enter(course, record.state, None)
    course.ahead = _way_on(rt, record.state, set(course.visited))
    return course


def _enter(course: Course, state: str, event: Event | None) -> None:
    if state in course.visited:
        for later in course.visited[course.visited.index(state) + 1:]:
            course.left.pop(later, None)
        course.visited = course.visited[: course.visited.index(state)]
        course.left.pop(state, None)
    course.visited.append(state)
    if event is not None:
        course.entered[state] = event


def _pass_over(rt: RecordType, course: Course, event: Event, after: str) -> None:
    """Put in the states that a policy passed over, between the step's own target and where the record went."""
    step = rt.steps.get(event.step)
    state = step.target if step else after
    for _round in range(len(rt.states)):
        if state == after:
            return
        _enter(course, state, event)
        course.passed.add(state)
        state = next((one.target for one in rt.steps.values() if state in one.sources and one.target not in course.visited), after)


def _way_on(rt: RecordType, state: str, seen: set[str]) -> list[str]:
    """The states that come, by the first step of each that leads to a new one."""
    found: list[str] = []
    while rt.workflow is not None:
        onward = [step.target for step in rt.workflow.out_of(state).values() if step.target not in seen and step.target in rt.workflow.states]
        if not onward:
            return found
        state = onward[0]
        seen.add(state)
        found.append(state)
    return found


def way_out(rt: RecordType, state: str, seen: Sequence[str]) -> tuple[str, Transition] | None:
    """The step by which a state is left on the main way."""
    steps = rt.workflow.out_of(state) if rt.workflow else {}
    return next(((name, step) for name, step in steps.items() if step.target not in seen), None)


def stops(view: View, record: Record, course: Course, now: StepView | None) -> Iterator[Stop]:
    """The stepper: what is done with who and when, what is now with who could, what comes with which role."""
    rt, seen = record.type, list(course.visited)
    at = course.visited.index(record.state)
    for number, state in enumerate([*course.visited, *course.ahead]):
        label = view.label("state", f"{rt.name}:{state}", rt.states[state].label)
        is_end = rt.states[state].final and state == record.state
        if number < at or is_end:
            side = _passed_words(view, rt, state) if state in course.passed else _done_words(view, course, state, is_end)
            is_void = is_end and state == "void"
            yield Stop(label, side, done=not is_void, current=is_void)
        elif number == at:
            yield Stop(label, _now_words(view, record, now), current=True)
        else:
            seen.append(state)
            yield Stop(label, _later_words(view, record, state, seen))


def _done_words(view: View, course: Course, state: str, is_end: bool) -> str:
    event = course.entered.get(state) if is_end else course.left.get(state)
    if event is None:
        return ""
    return f"{paper.person(view, event.actor_id)} {_brief(view, event.at)}"


def _brief(view: View, at: datetime) -> str:
    there = at.astimezone(view.site.config.zone)
    return f"{there:%m-%d %H:%M}" if there.year == view.now.astimezone(view.site.config.zone).year else f"{there:%Y-%m-%d}"


def _now_words(view: View, record: Record, now: StepView | None) -> str:
    if now is None:
        return ""
    names = list(dict.fromkeys(name for one in now.who for name in one.users))
    if len(names) > 2:
        return view._("{name} and {count} others", name=names[0], count=len(names) - 1)
    return timeline.reading_join(view, names) or paper.by_words(view, record.type, now.step.by, now.name, record)


def _passed_words(view: View, rt: RecordType, state: str) -> str:
    for policy in rt.all_policies.values():
        if any(state in rt.steps[name].sources for choice in policy.choices.values() for name in choice.skips if name in rt.steps):
            return view._("not required: {policy}", policy=view.t(policy.label))
    return view._("not required")


def _later_words(view: View, record: Record, state: str, seen: Sequence[str]) -> str:
    rt = record.type
    for policy in rt.all_policies.values():
        choice = policy.choices[view.work.policy(policy, record)]
        if any(name in rt.steps and state in rt.steps[name].sources for name in choice.skips):
            return view._("not required: {policy}", policy=view.t(policy.label))
    out = way_out(rt, state, seen)
    return paper.by_words(view, rt, out[1].by, out[0], record) if out else ""


# Actions and the gate line


@dataclass(frozen=True)
class Action:
    """A button of the header: a step, allowed or not."""

    name: str
    label: str
    href: str
    icon: str
    is_primary: bool = False
    is_blocked: bool = False


@dataclass(frozen=True)
class Gate:
    """The strip under the header: what is missing before the next step, or whose turn it is."""

    title: str
    items: Sequence[tuple[str, str | None, str | None]] = ()
    clause: str = ""
    is_calm: bool = False


def step_icon(rt: RecordType, step: Transition, state: str) -> str:
    """The icon of a step: back, on, or an end that stops."""
    order = list(rt.states)
    if step.target == "void":
        return "ban"
    if step.target in order and state in order and order.index(step.target) < order.index(state):
        return "arrow-back-up"
    if rt.states[step.target].final and rt.states[step.target].kind == "stopped":
        return "circle-x"
    return "check" if rt.states[step.target].final else "send" if state == "draft" else "check"


def goes_on(rt: RecordType, one: StepView, state: str) -> bool:
    """Whether a step leads on along the way: not back, not aside to an end that stops, not void."""
    return one.name != "void" and step_icon(rt, one.step, state) not in ("arrow-back-up", "circle-x")


def lead_of(record: Record, views: Sequence[StepView]) -> StepView | None:
    """The step of this reader that the page is about: one that goes on and may be taken, else one that goes on, else any."""
    mine = [one for one in views if one.is_mine and one.name != "void"]
    onward = [one for one in mine if goes_on(record.type, one, record.state)]
    return next((one for one in onward if one.allowed), next(iter(onward), next(iter(mine), None)))


def actions(record: Record, views: Sequence[StepView]) -> list[Action]:
    """The steps of the header that are this reader's, the primary one last; a register's stand aside."""
    first = None if record.type.is_register else lead_of(record, views)
    mine = [one for one in views if one.is_mine and one.name != "void" and not record.type.is_register]
    ordered = [one for one in mine if one is not first] + ([first] if first else [])
    return [
        Action(one.name, one.label, f"{place.path_of(record)}/step/{one.name}", step_icon(record.type, one.step, record.state), one is first, not one.allowed)
        for one in ordered
    ]


def gate(view: View, record: Record, views: Sequence[StepView], writable: frozenset[str]) -> Gate | None:
    """What stands in the way of the next step; or, where it is somebody else's, who they are."""
    if record.type.is_register:
        return None
    lead = lead_of(record, views)
    if lead is not None:
        return None if lead.allowed else blocked(view, record, lead, writable)
    onward = [one for one in views if goes_on(record.type, one, record.state)]
    if not onward:
        return None
    who = paper.who_words(view, onward[0].who)
    others = [p.what for p in onward[0].why_not if p.code == "not_allowed" and p.hint]
    title = view._("Next: “{step}”", step=onward[0].label)
    words = view._("Only these can do it: {who}", who=who) if who else view._("Nobody holds the role for it yet; an administrator gives it.")
    return Gate(title, [(words, None, None), *((view.t(one), None, None) for one in others)], is_calm=True)


def blocked(view: View, record: Record, one: StepView, writable: frozenset[str]) -> Gate:
    """The amber strip of one step."""
    items = [_item(view, record, problem, writable) for problem in one.why_not]
    title = view._("“{step}” is not possible yet, {count} missing", step=one.label, count=len(items))
    clause = next((p.clause for p in one.why_not if p.clause), one.step.clause)
    return Gate(title, items, clause_words(view, clause))


def _item(view: View, record: Record, problem: Problem, writable: frozenset[str]) -> tuple[str, str | None, str | None]:
    text = view.t(problem.what)
    head, _slash, rest = problem.pointer.strip("/").partition("/")
    column = rest.partition("/")[2]
    if head and (head in writable or f"{head}.{column}" in writable):
        return text, view._("Fill in"), f"{place.path_of(record)}/edit#{forms.anchor(problem.pointer)}"
    return (f"{text} {view.t(problem.hint)}" if problem.hint else text), None, None


def clause_words(view: View, number: str) -> str:
    """A clause with its name, where a plugin declares it."""
    if not number:
        return ""
    for clauses in view.registry.clauses.values():
        for one in clauses:
            if one.number == number:
                return f"{view.t(one.label)} {number}"
    return number


# The page


@routes.get("/<plugin>/<noun>/<id>", may=signed_in)
def show(view: View, plugin: str, noun: str, id: str) -> Response:
    """The record page."""
    record = place.record_at(view, plugin, noun, id)
    rt, work = record.type, view.work
    events = work.history(record)
    shown = len(events) if request.args.get("history") == "all" else timeline.SHOWN
    marks = work.signatures(record)
    links = [] if rt.is_register else _other_links(work.links(record), record)
    more = {*timeline.ids_in(events[:shown], record), *paper.ids_in_tables(record)}
    reading = work.reading(work.names([record], more))
    views = work.steps(record)
    writable = work.writable(record, rt)
    course = course_of(record, events)
    standings = _standings(view, record, marks)
    missing = {problem.pointer for one in views if one.is_mine for problem in one.why_not if problem.code == "required"}
    sheet = paper.Paper(view, record, reading, missing=missing, writable=writable)
    now = next((one for one in views if goes_on(rt, one, record.state)), None)
    acts = actions(record, views)
    return view.render(
        "record.html", record=record, rt=rt, path=place.path_of(record), crumb=place.crumb(view, rt, (place.called(view, record), None)),
        actions=acts, gate=gate(view, record, views, writable), stops=list(stops(view, record, course, now)) if rt.workflow else [],
        parts=sheet.parts(marks, course.visited), prints=list(_prints(view, record)), form=next(iter(place.form_names(view, rt)), None),
        sub=_sub(view, record), may_edit=bool(writable), lead=_lead(acts, bool(writable)), may_remove=_may_remove(view, record),
        aside=[(one.name, one.label) for one in views if one.is_mine and (one.name == "void" or rt.is_register)], title=_title(record),
        opens=list(_opens(view, record)), links=links, lines=timeline.lines(view, record, events[:shown], marks, standings, reading),
        more_events=max(0, len(events) - shown), signatures=[(one, paper.person(view, one.user_id), standings[one.id]) for one in reversed(marks)],
        copy=f"{request.host_url.rstrip('/')}{place.path_of(record)}", is_table=lambda one: isinstance(one, paper.Table),
    )


def _title(record: Record) -> str:
    """The title without the number that stands before it."""
    return record.title.removeprefix(record.number or "").strip() or record.title


def _lead(acts: Sequence[Action], may_edit: bool) -> str:
    """What the one primary button is: the step that goes on, else (also while that one lacks something) editing, else printing."""
    primary = next((one for one in acts if one.is_primary), None)
    if primary is not None and not (primary.is_blocked and may_edit):
        return "step"
    return "edit" if may_edit else "print"


def _standings(view: View, record: Record, marks: Sequence[Signature]) -> dict[int, str]:
    """Signature → valid, withdrawn or broken."""
    opener = Opener(view.work.connection)
    return {
        one.id: signed.state(view.work.connection, one, record, record.type.locks(one.step) if one.step in record.type.steps else (), opener)
        for one in marks
    }


def _sub(view: View, record: Record) -> str:
    """The line under the title."""
    department = view.directory.departments.get(record.department or 0)
    made = view._("made by {name}, {when}", name=paper.person(view, record.created_by), when=_brief(view, record.created_at))
    parts = [department.name if department else "", made]
    if record.number is None and record.type.numbering is not None and not record.type.is_register:
        parts.append(view._("the number is given when it leaves the draft"))
    if record.revision > 1:
        parts.append(view._("edition {revision}", revision=record.revision))
    parts.append(view._("version {version}", version=record.version))
    return " · ".join(part for part in parts if part)


def _prints(view: View, record: Record) -> Iterator[tuple[str, str]]:
    for key, form in record.type.prints.items():
        if _is_printed(record, form):
            yield view.label("form", f"{record.type.name}:{key}", form.label), f"{place.path_of(record)}/prints/{key}"


def _is_printed(record: Record, form: PrintForm) -> bool:
    return not form.in_states or record.state in form.in_states


def _may_remove(view: View, record: Record) -> bool:
    return record.state == "draft" and record.number is None and record.created_by == view.user_id


def _opens(view: View, record: Record) -> Iterator[tuple[str, str, str]]:
    """The buttons that open another record: label, icon, address."""
    for key, opens, target in opening.may_open(view.work, record):
        label = opens.label or target.label
        yield view.t(label), badges.type_icon(target), f"{target.path}/new?from={record.type.name}/{record.id}&opens={key}"


def _other_links(links: Sequence[LinkView], record: Record) -> list[LinkView]:
    """What it opened, what opened it, and what refers to it; what its own fields refer to stands in the form."""
    found: dict[int, LinkView] = {}
    for one in links:
        is_own = one.outgoing and one.kind.startswith("field:")
        if one.record_id != record.id and not is_own and (one.record_id not in found or one.kind.startswith("opened:")):
            found[one.record_id] = one
    return list(found.values())


# A step, asked for


@routes.get("/<plugin>/<noun>/<id>/step/<name>", may=signed_in)
def ask(view: View, plugin: str, noun: str, id: str, name: str) -> Response:
    """The page of a step: what it asks, what it does, and what stands in the way."""
    return _ask(view, place.record_at(view, plugin, noun, id), name)


def ask_again(view: View, plugin: str, noun: str, id: str, name: str) -> Response:
    """The same after a refusal, with what was typed and what is wrong."""
    return _ask(view, place.record_at(view, plugin, noun, id), name)


@routes.post("/<plugin>/<noun>/<id>/step/<name>", may=signed_in, again=ask_again, once=True, first=before)
def take(view: View, plugin: str, noun: str, id: str, name: str) -> Response:
    """Take the step."""
    record = place.record_at(view, plugin, noun, id)
    rt, step = record.type, step_of(record.type, name)
    if step is None:
        raise NotFound
    raw = forms.read(rt, view.form)
    files_added(view, rt, raw)
    typed = forms.typed(rt, raw, _fills(rt, step), view.work.reading())
    version = view.form.get("_version", "")
    confirmed = view.first.confirmed if isinstance(view.first, Before) else None
    asked = Asked(view.form.get("_reason", "").strip(), int(version) if version.isdigit() else None, confirmed)
    if typed.problems:
        raise Refused(typed.problems)
    view.work.fire(record, name, asked, **typed.values)
    return onward(view, place.path_of(record), _("Done: {step}. It is now “{state}”.", step=step.label, state=rt.states[record.state].label))


def onward(view: View, to: str, say: str) -> Response:
    """To another page; a dialog is told where instead, so that the page itself says the message."""
    response = view.redirect(to, say)
    if request.headers.get("X-Dialog"):
        response.status_code = 204
        response.headers["X-Onward"] = to
    return response


def _fills(rt: RecordType, step: Transition) -> frozenset[str]:
    """What the step's dialog asks, columns included."""
    names = {*step.fills}
    names |= {f"{name}.{column}" for name in step.fills if name in rt.lines for column in rt.lines[name].columns}
    return frozenset(names)


def _ask(view: View, record: Record, name: str) -> Response:
    rt, work = record.type, view.work
    step = step_of(rt, name)
    one = next((found for found in work.steps(record) if found.name == name), None)
    if step is None:
        raise NotFound
    if one is None:
        state = rt.states[record.state].label
        raise view.refusal or Stale(_("“{step}” is not open in the state “{state}”.", step=step.label, state=state), status=409)
    reading = work.reading(work.names([record]))
    fills = _fills(rt, step) - work.access.hidden(rt, record)
    inputs, sheets, typed = _step_inputs(view, record, fills, reading)
    problems = faults(view, rt, typed, prefix="s")
    page = _step_page(view, record, one) | {
        "refused": view._("{count} things to mend; nothing was done yet", count=len(problems)), "has_files": any(i.shape == "files" for i in inputs),
        "since": changed_since(view, rt), "why_not": [] if problems else blocked(view, record, one, work.writable(record, rt)).items,
    }
    return view.render("step.html", page=page, inputs=inputs, sheets=sheets, problems=problems, grid_texts=GRID_TEXTS(view))


def _step_page(view: View, record: Record, one: StepView) -> Said:
    rt, step, path = record.type, one.step, place.path_of(record)
    told = _problems(view)
    seen = view.form.get("_version") if view.refusal and not isinstance(view.refusal, Stale) else record.version
    by_place = {problem.pointer: view.t(problem.what) for problem in told}
    must_ask = bool(step.asks) or any(problem.level == "asks" for problem in told)
    signs = view._("Signs “{meaning}” as {name}.", meaning=view.t(step.signature.meaning), name=paper.person(view, view.user_id)) if step.signature else ""
    return {
        "label": one.label, "name": f"{place.called(view, record)} {_title(record)}", "action": f"{path}/step/{one.name}", "back": path,
        "version": seen, "is_mine": one.is_mine, "signs": signs,
        "who": view._("Only these can do it: {who}", who=paper.who_words(view, one.who)), "clause": clause_words(view, step.clause),
        "not_yet": view._("“{step}” is not possible yet, {count} missing", step=one.label, count=len(one.why_not)),
        "from_badge": place.badge(view, rt, record.state), "to_badge": place.badge(view, rt, step.target), "consequences": _consequences(view, record, step),
        "asks": view.t(step.asks) if step.asks else view._("Reason") if must_ask else "", "must_ask": must_ask, "reason": view.form.get("_reason", ""),
        "reason_error": by_place.get("/reason", ""), "asks_password": one.asks_password, "password_error": by_place.get("/password", ""),
        "is_taking_away": step.target == "void", "crumb": place.crumb(view, rt, (place.called(view, record), path), (one.label, None)),
        "asked_first": [view.t(problem.what) for problem in told if problem.level in ("asks", "warns")],
    }


def _problems(view: View) -> tuple[Problem, ...]:
    """What the refusal that brought us here says."""
    if view.refusal is None:
        return ()
    if isinstance(view.refusal, Refused):
        return view.refusal.problems
    who = paper.who_words(view, view.refusal.who) if isinstance(view.refusal, NotAllowed) else ""
    return (Problem("", view.refusal.what, who, view.refusal.code),)


def changed_since(view: View, rt: RecordType) -> str:
    """What somebody else has changed since the page was read, by whom."""
    changes = view.refusal.changes if isinstance(view.refusal, Stale) else ()
    labels = list(dict.fromkeys(view.t(rt.fields[one.field].label) for one in changes if one.field in rt.fields))
    by = next((one.by for one in reversed(changes) if one.by is not None), None)
    if not labels or by is None:
        return ""
    return view._("{name} changed {what}. Look at it, then do this again.", name=paper.person(view, by), what=timeline.reading_join(view, labels))


def _step_inputs(
    view: View, record: Record, fills: frozenset[str], reading: Reading,
) -> tuple[list[forms.Input], list[forms.Sheet], forms.Typed]:
    rt = record.type
    shape = shapes(view, rt, reading)
    raw = forms.told(rt, record.values, reading, shape)
    typed = forms.Typed()
    if view.refusal is not None or view.carried:
        sent = forms.read(rt, view.form)
        raw |= sent
        typed = forms.typed(rt, sent, fills, reading)
    draw = drawing(view, rt, raw, reading, shape, fills, typed, record.values, prefix="s")
    names = [name for name in rt.fields if name in fills]
    inputs = [draw.input(name) for name in names if name not in rt.lines]
    return inputs, [draw.sheet(name) for name in names if name in rt.lines], typed


def _consequences(view: View, record: Record, step: Transition) -> list[str]:
    """What the step will bring about, said before it is taken."""
    found = []
    if record.number is None and record.type.numbering is not None and step.target not in ("draft", "void"):
        found.append(view._("It gets its number with this."))
    if step.target == "void":
        found.append(view._("It keeps its number and can still be read; it cannot be brought back."))
    for opens in step.opens:
        target = view.registry.types.get(opens.to)
        if target is not None:
            found.append(view._("Opens: {form}.", form=view.label("type", target.name, target.label)))
    return found


# Taking a draft away, a register entry out of use


@routes.post("/<plugin>/<noun>/<id>/remove", may=signed_in, again=lambda view, **place: show(view, **place))
def remove(view: View, plugin: str, noun: str, id: str) -> Response:
    """Delete a draft that never had a number."""
    record = place.record_at(view, plugin, noun, id)
    view.work.remove(record)
    return view.redirect(record.type.path, _("The draft was deleted."))
