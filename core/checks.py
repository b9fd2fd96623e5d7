"""What must hold of declarations, so that nothing is found out at run time: every fault with code, place and hint."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Fault
from core.messages import _
from core.records import COMMON, Clause, Extension, Function, Plugin, RecordType, Report, Role, Setting
from core.workflow import By, Named, Opens, Policy, Transition, When, each_by, reserved_in

NOUNS_TAKEN = ("reports", "new", "import")
PLUGINS_TAKEN = ("core", "admin", "api", "evidence", "inbox", "search", "trace", "s", "static", "healthz", "readyz", "me", "sign-in", "sign-out", "files")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
NOT_A_FIELD = frozenset((*COMMON, "values", "changes", "position", "parent", "lines_of", "get", "reason", "password", "otp", "step"))


@dataclass(frozen=True, eq=False)
class Declared:
    """Everything that was declared, as the checks see it."""

    plugins: Mapping[str, Plugin]
    types: Mapping[str, RecordType]
    policies: Mapping[str, Policy]
    settings: Mapping[str, Setting]
    functions: Mapping[str, Function]
    roles: Mapping[str, Role]
    reports: Mapping[str, Report]
    clauses: Mapping[str, tuple[Clause, ...]]

    def absent(self, name: str) -> bool:
        """Whether a name belongs to a plugin that some enabled plugin uses but that is not enabled."""
        owner = name.partition(".")[0]
        return owner not in self.plugins and any(owner in plugin.uses for plugin in self.plugins.values())


def all_faults(declared: Declared) -> list[Fault]:
    """Every fault of every declaration, in the order of the plugins."""
    faults: list[Fault] = []
    for plugin in declared.plugins.values():
        faults += plugin_faults(plugin, declared)
    for policy in declared.policies.values():
        faults += policy_faults(policy, declared)
        faults += policy_step_faults(policy, declared)
    for rt in declared.types.values():
        for check in TYPE_CHECKS:
            faults += check(rt, declared)
    for name, report in declared.reports.items():
        faults += report_faults(name, report, declared)
    for owner, clauses in declared.clauses.items():
        faults += clause_faults(owner, clauses, declared)
    return faults


# Plugins and policies


def plugin_faults(plugin: Plugin, declared: Declared) -> Iterator[Fault]:
    """Its name, the names it declares, the functions its roles name, the defaults of its settings."""
    if plugin.name != "core" and (plugin.name in PLUGINS_TAKEN or not NAME.fullmatch(plugin.name)):
        yield Fault("plugin-name", plugin.name, _("“{name}” cannot be the name of a plugin.", name=plugin.name),
                    _("Take a short English noun in small letters that no address of core uses."))
    for kind, names in (("functions", plugin.functions), ("roles", plugin.roles)):
        for name in names:
            if not NAME.fullmatch(name):
                yield Fault("name-form", f"{plugin.name}.{kind}.{name}", _("“{name}” is not a name.", name=name),
                            _("Small letters, digits and underscores; it begins with a letter."))
    for name, role in plugin.roles.items():
        if role.function and role.function not in declared.functions and not declared.absent(role.function):
            yield Fault("function-unknown", f"{plugin.name}.roles.{name}", _("Nobody declares the function “{name}”.", name=role.function),
                        _("Declare it, or mend its name."))
    for setting in plugin.settings:
        for code, what, hint in setting.field.check():
            yield Fault(code, setting.name, what, hint)


def policy_faults(policy: Policy, declared: Declared) -> Iterator[Fault]:
    """Its default is among its choices; the roles of the choices exist."""
    if policy.default not in policy.choices:
        yield Fault("policy-default", policy.name, _("The default “{name}” is not among the choices.", name=policy.default))
    if policy.holds_from not in (None, "creation"):
        yield Fault("policy-holds", policy.name, _("holds_from can only be “creation”."))
    elif policy.holds_from:
        yield Fault("not-built-yet", f"{policy.name}.holds_from", _("“{word}” is not built yet.", word="holds_from"), _("Leave it out for now."))
    for key, choice in policy.choices.items():
        for role in choice.all_roles:
            yield from _who_faults(role, f"{policy.name}.{key}", declared)


def policy_step_faults(policy: Policy, declared: Declared) -> Iterator[Fault]:
    """What its choices skip, leave out or give roles for are steps of the record types that name the policy."""
    steps = {step for rt in declared.types.values() if policy.name in rt.all_policies for step in (*rt.steps, "create", "void")}
    for key, choice in policy.choices.items() if steps else ():
        for name in dict.fromkeys((*choice.skips, *choice.without, *(choice.roles if isinstance(choice.roles, Mapping) else ()))):
            if name not in steps:
                yield Fault("policy-step", f"{policy.name}.{key}", _("No record type that names this policy has a step “{name}”.", name=name),
                            _("Mend the name in skips, without or roles."))


def _who_faults(name: str, place: str, declared: Declared) -> Iterator[Fault]:
    if name not in declared.roles and name not in declared.functions and not declared.absent(name):
        yield Fault("role-unknown", place, _("Nobody declares the role or function “{name}”.", name=name), _("Declare it in its plugin, or mend its name."))


def _by_faults(by: By | None, place: str, rt: RecordType, declared: Declared) -> Iterator[Fault]:
    for one in each_by(by):
        if isinstance(one, str):
            yield from _who_faults(one, place, declared)
        elif isinstance(one, Policy):
            if declared.policies.get(one.name) is not one and not declared.absent(one.name):
                yield Fault("policy-unknown", place, _("No plugin declares the policy “{name}”.", name=one.name), _("List it in policies= of its plugin."))
        elif isinstance(one, Named):
            kind = getattr(rt.fields.get(one.field), "kind", None)
            if kind is None or (one.role is None and kind not in ("user", "users")) or (one.role is not None and kind not in ("department", "departments")):
                yield Fault("named-field", place, _("Named(“{field}”) needs a User field, or a Department field and a role.", field=one.field))
            if one.role:
                yield from _who_faults(one.role, place, declared)


# Record types


def name_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """Names of the type and its fields; what each field kind says of its own declaration; references exist."""
    if not re.fullmatch(rf"{NAME.pattern}\.{NAME.pattern}", rt.name) or rt.noun in NOUNS_TAKEN:
        yield Fault("type-name", rt.name, _("“{name}” cannot be the name of a record type.", name=rt.name),
                    _("Write plugin.noun in small letters; the nouns reports, new and import are taken."))
    for name, kind in rt.fields.items():
        place = f"{rt.name}.fields.{name}"
        if name in NOT_A_FIELD or not NAME.fullmatch(name):
            yield Fault("field-name", place, _("“{name}” cannot be the name of a field.", name=name), _("Every record has this already, or it is no name."))
        yield from _kind_faults(place, kind, rt, declared)
        for column, inner in (getattr(kind, "columns", None) or {}).items():
            if column in ("id", "position", "parent", "values") or not NAME.fullmatch(column):
                yield Fault("field-name", f"{place}.{column}", _("“{name}” cannot be the name of a field.", name=column))
            if getattr(inner, "columns", None):
                yield Fault("lines-nested", f"{place}.{column}", _("Lines cannot stand within lines."),
                            _("What has lines of its own is a record; point at it with a Reference."))
            yield from _kind_faults(f"{place}.{column}", inner, rt, declared)


def _kind_faults(place: str, kind: Any, rt: RecordType, declared: Declared) -> Iterator[Fault]:
    for code, what, hint in kind.check():
        yield Fault(code, place, what, hint)
    target = getattr(kind, "to", None)
    for name in (target,) if isinstance(target, str) else target or ():
        if name not in declared.types and not declared.absent(name):
            yield Fault("reference-unknown", place, _("There is no record type “{name}” to refer to.", name=name), _("Name its plugin in requires or uses."))
    function = getattr(kind, "function", None)
    if isinstance(function, str) and function:
        yield from _who_faults(function, place, declared)
    for role in kind.read_by:
        yield from _who_faults(role, place, declared)
    yield from _when_faults(kind.when, place, rt, declared)
    setting = getattr(kind, "options", None)
    if isinstance(setting, str) and setting not in declared.settings:
        yield Fault("setting-unknown", place, _("Nobody declares the setting “{name}”.", name=setting))


def _when_faults(when: When, place: str, rt: RecordType, declared: Declared) -> Iterator[Fault]:
    if when is None or callable(when):
        return
    columns = {column for lines in rt.lines.values() for column in lines.columns}
    for name in when:
        if "." in name:
            if name not in declared.policies and not declared.absent(name):
                yield Fault("policy-unknown", place, _("when= names the policy “{name}”, which nobody declares.", name=name))
        elif name not in rt.fields and name not in columns:
            yield Fault("when-field", place, _("when= names “{name}”, which is not a field here.", name=name))


def section_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """Sections name fields that are there, each once, and steps and states that are there."""
    seen: dict[str, str] = {}
    for key, section in rt.sections.items():
        place = f"{rt.name}.sections.{key}"
        for name in section.fields:
            if rt.kind_of(name) is None:
                yield Fault("section-field", place, _("“{name}” is not a field here.", name=name))
            if name in seen:
                yield Fault("section-twice", place, _("“{name}” stands in “{other}” already.", name=name, other=seen[name]))
            seen[name] = key
        if section.locked_by and section.locked_by not in rt.steps:
            yield Fault("section-step", place, _("There is no step “{name}”.", name=section.locked_by))
        for state in section.states:
            if state not in rt.states:
                yield Fault("section-state", place, _("There is no state “{name}”.", name=state))
        for role in section.read_by:
            yield from _who_faults(role, place, declared)
        yield from _by_faults(section.filled_by, place, rt, declared)
        yield from _when_faults(section.when, place, rt, declared)


def workflow_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """States and steps hang together: birth, reach, ends, who, what each step names."""
    if rt.workflow is None:
        return
    for name in ("void", "superseded"):
        if name in rt.workflow.states:
            yield Fault("state-core", f"{rt.name}.{name}", _("Core adds the state “{name}” itself.", name=name))
    has_draft, creates = "draft" in rt.workflow.states, bool(rt.creating_steps)
    if has_draft == creates:
        yield Fault("birth", rt.name, _("A type has either a state draft or creating steps."),
                    _("Add the state draft, or a step whose source is None; not both."))
    for name, step in rt.steps.items():
        yield from _step_faults(f"{rt.name}.{name}", step, rt, declared)
    void = rt.workflow.voids
    yield from _by_faults(void.by if isinstance(void, Transition) else void, f"{rt.name}.voids", rt, declared)
    yield from _label_faults(rt)


def _step_faults(place: str, step: Transition, rt: RecordType, declared: Declared) -> Iterator[Fault]:
    assert rt.workflow is not None
    for state in (*step.sources, step.target):
        if state not in rt.workflow.states:
            yield Fault("step-state", place, _("There is no state “{name}”.", name=state))
    for name in step.fills:
        if rt.kind_of(name) is None:
            yield Fault("step-fills", place, _("“{name}” is not a field here.", name=name))
    for name in step.others:
        kind = getattr(rt.fields.get(name), "kind", None)
        if name not in rt.steps and kind not in ("user", "users"):
            yield Fault("step-others", place, _("other_than names “{name}”, which is neither a step nor a User field.", name=name))
    yield from _by_faults(step.by, place, rt, declared)
    yield from _when_faults(step.when, place, rt, declared)
    for opens in step.opens:
        yield from _opens_faults(place, opens, rt, declared)


def _label_faults(rt: RecordType) -> Iterator[Fault]:
    """Two steps out of one state may have one label only where their mappings exclude one another."""
    steps = list(rt.steps.items())
    for index, (name, step) in enumerate(steps):
        for other, second in steps[index + 1:]:
            same = str(step.label) == str(second.label) and set(step.sources) & set(second.sources)
            if same and not _exclude(step.when, second.when):
                yield Fault("step-label", f"{rt.name}.{other}", _("It has the label of “{name}” and leaves the same state.", name=name),
                            _("Give it another label, or a when= that excludes the other's."))


def _exclude(one: When, other: When) -> bool:
    if one is None or other is None or callable(one) or callable(other):
        return False

    def options(wanted: Any) -> set[Any]:
        return set(wanted) if isinstance(wanted, (tuple, list, set, frozenset)) else {wanted}

    return any(name in other and not options(wanted) & options(other[name]) for name, wanted in one.items())


def _opens_faults(place: str, opens: Opens, rt: RecordType, declared: Declared) -> Iterator[Fault]:
    target = declared.types.get(opens.to)
    if target is None:
        if not declared.absent(opens.to):
            yield Fault("opens-unknown", place, _("There is no record type “{name}” to open.", name=opens.to), _("Name its plugin in requires or uses."))
        return
    if opens.step and opens.step not in target.creating_steps:
        yield Fault("opens-birth", place, _("{type} is not made by a step “{name}”.", type=target.name, name=opens.step), _("Name one of its creating steps."))
    for name in opens.states:
        if name not in rt.states:
            yield Fault("opens-state", place, _("There is no state “{name}”.", name=name))
    if opens.awaited_by and opens.awaited_by not in rt.steps:
        yield Fault("opens-step", place, _("There is no step “{name}”.", name=opens.awaited_by))
    if isinstance(opens.each, str) and getattr(rt.fields.get(opens.each), "kind", None) not in ("lines", "checklist", "references"):
        yield Fault("opens-each", place, _("“{name}” is neither lines nor references.", name=opens.each))
    if isinstance(opens.copies, Mapping):
        for there in opens.copies:
            if target.kind_of(there) is None:
                yield Fault("opens-copies", place, _("“{name}” is not a field of {type}.", name=there, type=target.name))
    yield from _when_faults(opens.when, place, rt, declared)


def path_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """Under every choice of its policies every state can be reached at all, and an end from each that is reached."""
    if rt.workflow is None:
        return
    reached_ever: set[str] = set()
    for label, skips, without in _choices(rt):
        reached = _reached(rt, skips, without)
        reached_ever |= reached
        ends = {name for name in reached if rt.states[name].final or not rt.workflow.out_of(name)}
        for state in sorted(reached - ends):
            if not _leads(rt, state, ends, skips, without):
                yield Fault("no-end", f"{rt.name}.{state}", _("No end can be reached from here under the choice {choice}.", choice=label or "—"),
                            _("Add a step, or mend the policy's skips and without."))
    for state in rt.workflow.states:
        if state not in reached_ever:
            yield Fault("unreachable", f"{rt.name}.{state}", _("No step leads to this state."))


def _choices(rt: RecordType) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """The default of all, then each choice of each policy alone."""
    yield "", frozenset(), frozenset()
    for policy in rt.all_policies.values():
        for key, choice in policy.choices.items():
            if "create" not in choice.without:
                yield f"{policy.name}={key}", frozenset(choice.skips), frozenset(choice.without)


def _next(rt: RecordType, state: str, skips: frozenset[str], without: frozenset[str]) -> set[str]:
    assert rt.workflow is not None
    steps = {n: s for n, s in rt.workflow.out_of(state).items() if n not in without}
    passed = [s.target for n, s in steps.items() if n in skips]
    return set(passed) if passed else {s.target for s in steps.values()}


def _reached(rt: RecordType, skips: frozenset[str], without: frozenset[str]) -> set[str]:
    reached = {"draft"} if rt.initial else {s.target for n, s in rt.creating_steps.items() if n not in without}
    queue = list(reached)
    while queue:
        for state in _next(rt, queue.pop(), skips, without) - reached:
            reached.add(state)
            queue.append(state)
    return reached & set(rt.states)


def _leads(rt: RecordType, state: str, ends: set[str], skips: frozenset[str], without: frozenset[str]) -> bool:
    seen, queue = {state}, [state]
    while queue:
        one = queue.pop()
        if one in ends:
            return True
        for follower in _next(rt, one, skips, without) - seen:
            seen.add(follower)
            queue.append(follower)
    return False


def naming_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """Titles, unique groups, columns and prints name fields that are there; titles hold no personal field."""
    for name in placeholders(rt.title):
        head = name.partition(".")[0]
        kind = rt.fields.get(head)
        if kind is None and head not in COMMON:
            yield Fault("title-field", rt.name, _("The title names “{name}”, which is not a field.", name=name))
        elif kind is not None and kind.personal:
            yield Fault("title-personal", rt.name, _("The personal field “{name}” may not stand in a title.", name=name))
        elif kind is not None and (kind.read_by or any(head in section.fields for section in rt.sections.values() if section.read_by)):
            yield Fault("title-private", rt.name, _("“{name}” is not for everyone, a title is.", name=name), _("Take another field for the title."))
    for group in rt.unique:
        for name in group:
            if name not in rt.fields and name not in COMMON:
                yield Fault("unique-field", rt.name, _("unique= names “{name}”, which is not a field.", name=name))
    for name in rt.columns:
        if rt.kind_of(name) is None and name not in COMMON and name != "deadline":
            yield Fault("column-field", rt.name, _("columns= names “{name}”, which is not a field.", name=name))
    for key, form in rt.prints.items():
        for name in form.fields:
            if rt.kind_of(name) is None:
                yield Fault("print-field", f"{rt.name}.prints.{key}", _("“{name}” is not a field here.", name=name))
        for name in form.signed_by:
            if name not in rt.steps:
                yield Fault("print-step", f"{rt.name}.prints.{key}", _("There is no step “{name}”.", name=name))
        for name in form.in_states:
            if name not in rt.states:
                yield Fault("print-state", f"{rt.name}.prints.{key}", _("There is no state “{name}”.", name=name))


def rights_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """The roles of may_create and may_read exist; a register says who may create; buttons open what is there."""
    for name in (*rt.may_create, *rt.may_read):
        yield from _who_faults(name, rt.name, declared)
    if rt.is_register and not rt.may_create:
        yield Fault("register-create", rt.name, _("A register needs may_create."), _("Name the roles that keep it."))
    for key, opens in rt.opens.items():
        yield from _opens_faults(f"{rt.name}.opens.{key}", opens, rt, declared)


def reserved_faults(rt: RecordType, declared: Declared) -> Iterator[Fault]:
    """Words of the grammar that core does not carry yet are refused, not ignored."""
    words = {word: getattr(rt, word) for word in ("countersigns", "deadlines", "duties", "public_links", "retention")}
    words |= {"workflow.revises": rt.workflow.revises} if rt.workflow else {}
    words |= {f"states.{name}.look": state.look for name, state in rt.workflow.states.items()} if rt.workflow else {}
    for name, step in rt.steps.items():
        words |= {f"{name}.distributes": step.distributes, f"{name}.tells": step.tells}
    for word, value in words.items():
        if value:
            yield Fault("not-built-yet", f"{rt.name}.{word}", _("“{word}” is not built yet.", word=word), _("Leave it out for now."))
    kinds = {**rt.fields, **{f"{name}.{column}": kind for name, lines in rt.lines.items() for column, kind in lines.columns.items()}}
    for name, kind in kinds.items():
        if "." in name and kind.default is not None and getattr(rt.fields[name.partition(".")[0]], "rows", None) is None:
            yield Fault("not-built-yet", f"{rt.name}.fields.{name}", _("“{word}” is not built yet.", word="default"), _("Leave it out for now."))
        if getattr(kind, "edition", "given") == "in_force":
            yield Fault("not-built-yet", f"{rt.name}.fields.{name}", _("“{word}” is not built yet.", word="edition"), _("Leave it out for now."))
    if reserved_in(rt.fields.values()):
        yield Fault("not-built-yet", rt.name, _("A field uses a word that is not built yet."))


TYPE_CHECKS = (name_faults, section_faults, workflow_faults, path_faults, naming_faults, rights_faults, reserved_faults)


# Extensions, reports, clauses


def extension_faults(plugin: Plugin, host: RecordType, extension: Extension) -> Iterator[Fault]:
    """Its fields carry the plugin's name and are optional; the steps it names are there."""
    place = f"{plugin.name}:{extension.of}"
    if host.plugin not in plugin.requires and host.plugin not in plugin.uses:
        yield Fault("extension-host", place, _("The plugin extends {type} without requiring or using its plugin.", type=host.name))
    for name, kind in extension.fields.items():
        if not name.startswith(f"{plugin.name}_"):
            yield Fault("extension-name", f"{place}.{name}", _("The field must be named “{prefix}_…”.", prefix=plugin.name))
        if kind.required:
            yield Fault("extension-required", f"{place}.{name}", _("A field of an extension cannot be required."),
                        _("Ask for it in a guard of the step that needs it."))
        if kind.filter or getattr(kind, "columns", None):
            yield Fault("extension-kind", f"{place}.{name}", _("A field of an extension cannot be lines or carry an index of its own."))
    for step in (*extension.guards, *extension.effects):
        if step not in host.steps:
            yield Fault("extension-step", place, _("There is no step “{name}”.", name=step))
    for word in ("deadlines", "duties"):
        if getattr(extension, word):
            yield Fault("not-built-yet", f"{place}.{word}", _("“{word}” is not built yet.", word=word))


def report_faults(name: str, report: Report, declared: Declared) -> Iterator[Fault]:
    """Its columns, parameters, chart and readers."""
    for kind in (*report.parameters.values(), *report.columns.values()):
        for code, what, hint in kind.check():
            yield Fault(code, name, what, hint)
    if report.chart:
        for column in (report.chart.x, *report.chart.y):
            if column not in report.columns:
                yield Fault("report-chart", name, _("The chart names “{name}”, which is not a column.", name=column))
    if not report.columns:
        yield Fault("report-columns", name, _("A report declares its columns."))
    for role in report.may_read:
        yield from _who_faults(role, name, declared)


def clause_faults(owner: str, clauses: Iterable[Clause], declared: Declared) -> Iterator[Fault]:
    """What proves a clause is a record type that is there."""
    for clause in clauses:
        for proof in clause.proven_by:
            kind, _colon, name = proof.rpartition(":")
            if kind not in ("", "duty", "report"):
                yield Fault("clause-proof", f"{owner} {clause.number}", _("“{name}” is no kind of proof.", name=kind))
            known = declared.reports if kind == "report" else declared.types
            if kind in ("", "report") and name not in known and not declared.absent(name):
                yield Fault("clause-proof", f"{owner} {clause.number}", _("“{name}” is not declared.", name=name))


def placeholders(pattern: str) -> tuple[str, ...]:
    """The names in braces of a title or number pattern; a broken pattern has none."""
    try:
        return tuple(name for _text, name, _spec, _conv in string.Formatter().parse(pattern) if name)
    except ValueError:
        return ()
