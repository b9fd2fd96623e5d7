"""What a plugin declares: record types with their sections, numbers and prints, reports, clauses, and the plugin itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.messages import _
from core.workflow import By, Named, Opens, Policy, Rule, State, Transition, Workflow, each_by

if TYPE_CHECKING:
    from core.fields import Field, Lines

COMMON = ("id", "type", "number", "title", "state", "department", "created_by", "created_at", "changed_at", "version", "revision", "due_at")
"""What every record carries besides its declared fields; a declared field may not have one of these names."""

REGISTER_STATES: Mapping[str, State] = {
    "active": State(_("Active"), kind="good"),
    "inactive": State(_("Inactive"), final=True, kind="waiting"),
}
VOID = State(_("Void"), final=True, kind="stopped")
SUPERSEDED = State(_("Superseded"), final=True, kind="waiting")
CORE_STATES: Mapping[str, State] = {"void": VOID, "superseded": SUPERSEDED}
"""The states that core adds to every type with a workflow."""


@dataclass(frozen=True)
class Section:
    """A part of the form as on paper: its fields (columns as `lines.qty_issued`), who fills it in which states,
    and which step locks it. `filled_by` and `states` default to the `by` and source of the locking step."""

    label: str
    fields: tuple[str, ...] = ()
    filled_by: By | None = None
    states: tuple[str, ...] = ()
    locked_by: str | None = None
    read_by: tuple[str, ...] = ()
    when: Any = None


@dataclass(frozen=True)
class Numbering:
    """How numbers are made: `MP-{plan_month:%Y%m}-{counter:02d}`; `typed` lets a person type it instead."""

    pattern: str
    typed: bool = False


@dataclass(frozen=True)
class PrintForm:
    """The controlled print: form number and revision, the fields (all by default), and the steps whose signatures stand on it."""

    label: str
    form_no: str = ""
    revision: str = ""
    fields: tuple[str, ...] = ()
    in_states: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()
    template: str | None = None


@dataclass(frozen=True, eq=False)
class RecordType:
    """The declaration of a kind of form. Without a workflow it is a register: `active` or `inactive`.

    `fields` name → field kind; `may_create` and `may_read` roles (defaults in the architecture, “Rights”); `unique`
    groups of fields that may stand once; `opens` what it opens by a button; `columns` of the list; `drafts` who reads
    drafts: the `author` or the `department`.
    """

    name: str
    label: str
    title: str = ""
    clauses: tuple[str, ...] = ()
    may_create: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)
    sections: Mapping[str, Section] = field(default_factory=dict)
    guards: tuple[Rule, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    numbering: Numbering | None = None
    workflow: Workflow | None = None
    opens: Mapping[str, Opens] = field(default_factory=dict)
    prints: Mapping[str, PrintForm] = field(default_factory=dict)
    drafts: str = "author"
    columns: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    countersigns: Any = None
    deadlines: Any = None
    duties: Any = None
    public_links: Any = None
    retention: Any = None
    extended: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Filled by the registry: field → the plugin whose extension brought it."""

    @cached_property
    def plugin(self) -> str:
        """The plugin that declares it."""
        return self.name.partition(".")[0]

    @cached_property
    def noun(self) -> str:
        """Its name within the plugin."""
        return self.name.partition(".")[2]

    @cached_property
    def table(self) -> str:
        """The name of its table."""
        return self.name.replace(".", "_")

    @cached_property
    def path(self) -> str:
        """Where its pages live."""
        return f"/{self.plugin}/{self.noun}"

    @cached_property
    def is_register(self) -> bool:
        """Whether it has no workflow."""
        return self.workflow is None

    @cached_property
    def states(self) -> Mapping[str, State]:
        """Every state a record can have, core's own included."""
        if self.workflow is None:
            return REGISTER_STATES
        return {**self.workflow.states, **CORE_STATES}

    @cached_property
    def steps(self) -> Mapping[str, Transition]:
        """Its steps by name; entries of a register are put out of use and back by those who keep it."""
        if self.workflow is None:
            return {
                "deactivate": Transition(_("Put out of use"), "active", "inactive", by=self.may_create, asks=_("Reason")),
                "activate": Transition(_("Put back in use"), "inactive", "active", by=self.may_create, asks=_("Reason")),
            }
        return self.workflow.transitions

    @cached_property
    def initial(self) -> str | None:
        """`draft`, `active` for a register, None for a type with creating steps."""
        if self.workflow is None:
            return "active"
        return "draft" if "draft" in self.workflow.states else None

    @cached_property
    def creating_steps(self) -> Mapping[str, Transition]:
        """The steps that make the record at once."""
        return {name: step for name, step in self.steps.items() if step.source is None}

    @cached_property
    def lines(self) -> Mapping[str, Lines]:
        """Its Lines and Checklist fields."""
        from core.fields import Lines

        return {name: kind for name, kind in self.fields.items() if isinstance(kind, Lines)}

    @cached_property
    def by_steps(self) -> frozenset[str]:
        """Fields and columns that are written by a step which fills them."""
        return frozenset(name for step in self.steps.values() for name in step.fills)

    @cached_property
    def all_sections(self) -> Mapping[str, Section]:
        """The declared sections in order, with one more before or after for fields that none of them names."""
        named = {one for section in self.sections.values() for one in section.fields}
        early = tuple(n for n in self.fields if n not in named and n not in self.by_steps)
        late = tuple(n for n in self.fields if n not in named and n in self.by_steps)
        if not self.sections:
            return {"form": Section(self.label, fields=early + late)}
        sections = dict(self.sections)
        if early:
            sections = {"head": Section(self.label, fields=early)} | sections
        if late:
            sections["results"] = Section(_("Entered with the steps"), fields=late)
        return sections

    @cached_property
    def section_of(self) -> Mapping[str, str]:
        """Field or `lines.column` → the key of its section."""
        return {one: key for key, section in self.all_sections.items() for one in section.fields}

    def states_of(self, section: Section) -> tuple[str, ...]:
        """The states in which a section is filled."""
        if section.states:
            return section.states
        if section.locked_by:
            return self.steps[section.locked_by].sources
        return (self.initial,) if self.initial else ()

    def locks(self, step: str) -> tuple[str, ...]:
        """The fields and columns that a step locks or fills: where `required` counts and what its signature covers."""
        transition = self.steps[step]
        locked: list[str] = []
        if self.workflow is None:
            return ()
        for section in self.all_sections.values():
            if section.locked_by == step or (not section.locked_by and self._leaves_birth(step, section)):
                locked += [n for n in section.fields if n not in self.by_steps and n not in locked]
        return tuple(dict.fromkeys([*locked, *transition.fills]))

    def covers(self, step: str) -> tuple[str, ...]:
        """What a step's signature covers: what it locks, columns one by one, without what effects and core write."""
        found: list[str] = []
        for name in self.locks(step):
            if name in self.lines:
                found += [f"{name}.{c}" for c in self.lines[name].columns if f"{name}.{c}" not in self.section_of and f"{name}.{c}" not in self.by_steps]
            else:
                found.append(name)
        return tuple(n for n in found if (kind := self.kind_of(n)) is not None and kind.kind != "computed" and not kind.effects_only)

    def _leaves_birth(self, step: str, section: Section) -> bool:
        transition = self.steps[step]
        if transition.source is None:
            return not section.states
        states = self.states_of(section)
        return bool(states) and any(s in states for s in transition.sources) and transition.target not in states

    def kind_of(self, name: str) -> Field | None:
        """The field kind of a field or of a column given as `lines.column`."""
        head, _dot, column = name.partition(".")
        kind = self.fields.get(head)
        if kind is None or not column:
            return kind
        return self.lines[head].columns.get(column) if head in self.lines else None

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role or function that the type names, the ones of its policies' choices included."""
        members: list[str | Policy | Named] = [*self.may_create, *self.may_read]
        for step in self.steps.values():
            members += each_by(step.by)
        for section in self.all_sections.values():
            members += [*each_by(section.filled_by), *section.read_by]
        if self.workflow and self.workflow.voids is not None:
            voids = self.workflow.voids
            members += each_by(voids.by if isinstance(voids, Transition) else voids)
        named: set[str] = set()
        for member in members:
            if isinstance(member, str):
                named.add(member)
            elif isinstance(member, Policy):
                named.update(role for choice in member.choices.values() for role in choice.all_roles)
        return frozenset(named)

    @cached_property
    def all_policies(self) -> Mapping[str, Policy]:
        """The policies that its steps and sections name, by name; their skips and omissions hold here."""
        found = list(self.policies)
        members = [m for step in self.steps.values() for m in each_by(step.by)]
        members += [m for section in self.all_sections.values() for m in each_by(section.filled_by)]
        if self.workflow and self.workflow.voids is not None and not isinstance(self.workflow.voids, Transition):
            members += each_by(self.workflow.voids)
        found += [m for m in members if isinstance(m, Policy)]
        return {policy.name: policy for policy in found}

    @cached_property
    def void_step(self) -> Transition | None:
        """How a numbered record is voided; None where nobody may."""
        if self.workflow is None or self.workflow.voids is None:
            return None
        if isinstance(self.workflow.voids, Transition):
            return self.workflow.voids
        sources = tuple(name for name, state in self.workflow.states.items() if name != "draft")
        return Transition(_("Void"), sources, "void", by=self.workflow.voids, asks=_("Reason"))


@dataclass(frozen=True, eq=False)
class Extension:
    """What one plugin adds to another's record type; it only adds. Fields are optional and named `<plugin>_…`."""

    of: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    sections: Mapping[str, Section] = field(default_factory=dict)
    guards: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    effects: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    opens: Mapping[str, Opens] = field(default_factory=dict)
    prints: Mapping[str, PrintForm] = field(default_factory=dict)
    deadlines: Any = None
    duties: Any = None


@dataclass(frozen=True)
class Bars:
    """A bar chart of a report: the column of the names, the columns of the bars."""

    x: str
    y: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """A read-only table. `rows(work, **parameters)` yields mappings of the declared columns (name → field kind)."""

    label: str
    rows: Callable[..., Any]
    parameters: Mapping[str, Field] = field(default_factory=dict)
    columns: Mapping[str, Field] = field(default_factory=dict)
    chart: Bars | None = None
    may_read: tuple[str, ...] = ()
    name: str = ""
    """Filled by the registry: `plugin.noun`."""


@dataclass(frozen=True)
class Clause:
    """A numbered point of a procedure, and the record types that prove it."""

    number: str
    label: str
    proven_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A duty of the company that a plugin names; the site binds it to its own departments."""

    label: str


@dataclass(frozen=True)
class Role:
    """Who may take a step; where it names a function, holders act for the departments that function serves."""

    label: str
    function: str | None = None


@dataclass(frozen=True, eq=False)
class Setting:
    """A value that a site sets: number, text, list or table, as its field kind says."""

    name: str
    label: str
    field: Field
    default: Any = None


@dataclass(frozen=True, eq=False)
class Plugin:
    """A department's program: its functions, roles, policies and settings. Record types come through the hooks."""

    name: str
    label: str
    version: str = "0.1"
    requires: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    settings: tuple[Setting, ...] = ()
    icon: str = "folder"
