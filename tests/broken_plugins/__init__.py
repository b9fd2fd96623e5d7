"""Plugins that are wrong, one per fault: the proof of each message, and the catalogue of what the registry refuses.

`BROKEN` maps a fault's code to the plugins that have it, each a package that could stand in `plugins/`.
"""

import sys
from dataclasses import replace
from types import ModuleType

from core import (
    Bars,
    Choice,
    Clause,
    Deadline,
    Extension,
    Function,
    Named,
    Numbering,
    Opens,
    Plugin,
    Policy,
    PrintForm,
    RecordType,
    Report,
    Role,
    Section,
    State,
    Transition,
    Workflow,
    fields,
    hookimpl,
)

POLICY = Policy("broken.note.approver", "Who approves", {"head": Choice("Head", roles=("broken.author",)), "none": Choice("Nobody", skips=("close",))}, default="head")
PLUGIN = Plugin("broken", label="Broken", roles={"author": Role("Author")}, functions={"writing": Function("Writing")}, policies=(POLICY,))
FLOW = Workflow(
    states={"draft": State("Draft"), "open": State("Open"), "closed": State("Closed", final=True)},
    transitions={
        "submit": Transition("Submit", "draft", "open", by="broken.author"),
        "close": Transition("Close", "open", "closed", by=POLICY),
    },
    voids="broken.author",
)
NOTE = RecordType(
    name="broken.note", label="Note", title="{subject}", numbering=Numbering("N-{counter:03d}"), workflow=FLOW,
    fields={
        "subject": fields.Text("Subject", required=True), "phone": fields.Text("Phone", personal=True), "reader": fields.User("Reader"),
        "lines": fields.Lines("Lines", columns={"what": fields.Text("What")}),
    },
)
THING = RecordType(name="broken.thing", label="Thing", may_create=("broken.author",), fields={"name": fields.Text("Name", required=True)})


def package(plugin=PLUGIN, *, hooks=None, types=(NOTE, THING), reports=None, clauses=(), extensions=()):
    """A package as the registry finds it: the plugin and its hooks, nothing on disk."""
    name = f"tests.broken_plugins.made_{plugin.name}_{len(sys.modules)}"
    module, answers = ModuleType(name), ModuleType(f"{name}.hooks")
    module.PLUGIN, module.__file__, module.__path__ = plugin, __file__, []
    given = {
        "register_record_types": lambda: types, "register_reports": lambda: reports or {}, "register_clauses": lambda: clauses,
        "register_extensions": lambda: extensions, **(hooks or {}),
    }
    for hook, function in given.items():
        setattr(answers, hook, hookimpl(function))
    module.hooks = answers
    sys.modules[name], sys.modules[f"{name}.hooks"] = module, answers
    return module


def note(**changes):
    """The package with a note that differs."""
    return package(types=(replace(NOTE, **changes), THING))


def note_field(**more):
    """The package with more fields on the note."""
    return note(fields={**NOTE.fields, **more})


def step(name, **changes):
    """The package with a step that differs."""
    steps = {**FLOW.transitions, name: replace(FLOW.transitions[name], **changes)}
    return note(workflow=replace(FLOW, transitions=steps))


def flow(**states_and_steps):
    """The package with another workflow."""
    return note(workflow=replace(FLOW, **states_and_steps))


def plugin(**changes):
    """The package with a plugin that differs."""
    return package(replace(PLUGIN, **changes))


def policy(**changes):
    """The package with a policy that differs, named by the step that it decides."""
    other = replace(POLICY, **changes)
    steps = {**FLOW.transitions, "close": replace(FLOW.transitions["close"], by=other)}
    return package(replace(PLUGIN, policies=(other,)), types=(replace(NOTE, workflow=replace(FLOW, transitions=steps)), THING))


def opening(**changes):
    """The package with a note that opens something."""
    return step("submit", opens=(Opens("broken.thing", **changes) if "to" not in changes else Opens(**changes),))


def extending(**parts):
    """The package with an extension of its own thing, declared under another plugin."""
    return package(extensions=(Extension(of="broken.note", **parts),))


def telling(work, record, step):
    """A telling hook written as a generator: its body would never run."""
    yield None


STATES = dict(FLOW.states)
STEPS = dict(FLOW.transitions)
REPORT = Report("Report", rows=lambda work: (), columns={"name": fields.Text("Name")})

BROKEN = {
    "birth": (note(workflow=replace(FLOW, transitions={**STEPS, "make": Transition("Make", None, "open", by="broken.author")})),),
    "clause-proof": (package(clauses=(Clause("1.1", "One", proven_by=("broken.nothing",)),)), package(clauses=(Clause("1.1", "One", proven_by=("word:x",)),))),
    "column-field": (note(columns=("colour",)),),
    "extension-host": (package(extensions=(Extension(of="nobody.note"),)),),
    "extension-kind": (extending(fields={"broken_more": fields.Text("More", filter=True)}),),
    "extension-name": (extending(fields={"more": fields.Text("More")}),),
    "extension-required": (extending(fields={"broken_more": fields.Text("More", required=True)}),),
    "extension-step": (extending(guards={"reopen": ()}),),
    "field-name": (note_field(number=fields.Text("Number")), note_field(lines=fields.Lines("Lines", columns={"position": fields.Text("Position")}))),
    "function-unknown": (plugin(roles={"author": Role("Author", function="broken.reading")}),),
    "hook-arguments": (package(hooks={"step_taken": lambda work, record, colour: None}),),
    "hook-generator": (package(hooks={"step_taken": telling}),),
    "hook-unknown": (package(hooks={"step_was_taken": lambda work: None}),),
    "lines-nested": (note_field(lines=fields.Lines("Lines", columns={"more": fields.Lines("More", columns={"a": fields.Text("A")})})),),
    "name-form": (plugin(roles={"author": Role("Author"), "Head-Of": Role("Head")}),),
    "name-prefix": (package(types=(replace(NOTE, name="other.note"), THING)), plugin(policies=(POLICY, replace(POLICY, name="other.policy")))),
    "name-twice": (package(types=(NOTE, NOTE, THING)), plugin(policies=(POLICY, POLICY))),
    "named-field": (step("close", by=Named("subject")), step("close", by=Named("reader", role="core.head"))),
    "no-end": (policy(choices={"head": Choice("Head", roles=("broken.author",)), "never": Choice("Never", without=("close",))}),),
    "not-built-yet": (note(deadlines={"soon": Deadline("Soon")}), step("submit", distributes="everybody"), flow(revises="broken.author"),
                      flow(states={**STATES, "open": State("Open", look=POLICY)}), policy(holds_from="creation"),
                      note_field(lines=fields.Lines("Lines", columns={"what": fields.Text("What", default="x")})),
                      note_field(thing=fields.Reference("Thing", to="broken.thing", edition="in_force"))),
    "opens-birth": (opening(to="broken.note", step="submit"),),
    "opens-copies": (opening(copies={"colour": "subject"}),),
    "opens-each": (opening(each="subject"),),
    "opens-state": (opening(states=("later",)),),
    "opens-step": (opening(awaited_by="reopen"),),
    "opens-unknown": (opening(to="broken.nothing"),),
    "plugin-cycle": (plugin(requires={"broken": ">=0.1"}),),
    "plugin-missing": (plugin(requires={"nowhere": ">=0.1"}),),
    "plugin-name": (package(replace(PLUGIN, name="admin", roles={}, policies=()), types=()),),
    "plugin-version": (plugin(requires={"master_data": ">=99"}), plugin(requires={"master_data": "the newest"})),
    "policy-default": (policy(default="nobody"),),
    "policy-holds": (policy(holds_from="tomorrow"),),
    "policy-step": (policy(choices={**POLICY.choices, "none": Choice("Nobody", skips=("clsoe",))}),
                    policy(choices={**POLICY.choices, "head": Choice("Head", roles={"clsoe": ("broken.author",)})})),
    "policy-unknown": (step("close", by=replace(POLICY, name="broken.other")), step("close", when={"broken.other": "head"})),
    "print-field": (note(prints={"sheet": PrintForm("Sheet", fields=("colour",))}),),
    "print-state": (note(prints={"sheet": PrintForm("Sheet", in_states=("later",))}),),
    "print-step": (note(prints={"sheet": PrintForm("Sheet", signed_by=("reopen",))}),),
    "reference-unknown": (note_field(thing=fields.Reference("Thing", to="broken.nothing")),),
    "register-create": (package(types=(NOTE, replace(THING, may_create=()))),),
    "report-chart": (package(reports={"list": replace(REPORT, chart=Bars(x="colour", y=("name",)))}),),
    "report-columns": (package(reports={"list": replace(REPORT, columns={})}),),
    "role-unknown": (step("submit", by="broken.reader"), note(may_read=("broken.reader",))),
    "section-field": (note(sections={"head": Section("Head", fields=("colour",))}),),
    "section-state": (note(sections={"head": Section("Head", fields=("subject",), states=("later",))}),),
    "section-step": (note(sections={"head": Section("Head", fields=("subject",), locked_by="reopen")}),),
    "section-twice": (note(sections={"head": Section("Head", fields=("subject",)), "foot": Section("Foot", fields=("subject",))}),),
    "setting-unknown": (note_field(kind=fields.Choice("Kind", options="broken.kinds")),),
    "state-core": (flow(states={**STATES, "void": State("Void", final=True)}),),
    "step-fills": (step("close", fills=("colour",)),),
    "step-label": (flow(transitions={**STEPS, "end": Transition("Close", "open", "closed", by="broken.author")}),),
    "step-others": (step("close", other_than="subject"),),
    "step-state": (step("close", target="later"),),
    "table-taken": (package(replace(PLUGIN, name="user", roles={"author": Role("Author")}, policies=(), functions={}),
                            types=(RecordType(name="user.role", label="Role", may_create=("user.author",), fields={"name": fields.Text("Name")}),)),),
    "title-field": (note(title="{colour}"),),
    "title-personal": (note(title="{phone}"),),
    "title-private": (note_field(subject=fields.Text("Subject", required=True, read_by=("broken.author",))),),
    "type-name": (package(types=(replace(NOTE, name="broken.reports"), THING)),),
    "unique-field": (note(unique=(("colour",),)),),
    "unreachable": (flow(states={**STATES, "lost": State("Lost", final=True)}),),
    "when-field": (step("close", when={"colour": "red"}),),
}
