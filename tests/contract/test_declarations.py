"""What every declaration owes: labels that are messages, policies and hooks that are proven, plugins that stand alone and know their place."""

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from core import hookspecs
from core.fields import Computed, Field, Lines
from core.messages import Message
from core.records import RecordType
from core.registry import Registry, available_plugins, build_registry
from core.workflow import Named, Policy, each_by
from tests.contract.source import ROOT, Module, modules

INSTALLED = available_plugins()
REGISTRY = build_registry(tuple(INSTALLED))
HOOKS = [name for name in vars(hookspecs) if name.startswith(("register_", "check_", "fill_", "step_"))]
TYPE = pytest.mark.parametrize("name", list(REGISTRY.types))
RequiredBy = dict[str, set[str]]


# Labels


def labels(registry: Registry) -> Iterator[tuple[str, Any]]:
    """Everything declared that people read, with its place."""
    for name, plugin in registry.plugins.items():
        yield name, plugin.label
        yield from ((f"{name}.functions.{key}", one.label) for key, one in plugin.functions.items())
        yield from ((f"{name}.roles.{key}", one.label) for key, one in plugin.roles.items())
        yield from ((one.name, one.label) for one in plugin.settings)
        for policy in plugin.policies:
            yield policy.name, policy.label
            yield from ((f"{policy.name}.{key}", choice.label) for key, choice in policy.choices.items())
    for name, report in registry.reports.items():
        yield name, report.label
        for group in (report.parameters, report.columns):
            yield from _field_labels(name, group)
    for plugin, clauses in registry.clauses.items():
        yield from ((f"{plugin} {one.number}", one.label) for one in clauses)
    for rt in registry.types.values():
        yield from _type_labels(rt)


def _type_labels(rt: RecordType) -> Iterator[tuple[str, Any]]:
    yield rt.name, rt.label
    yield from _field_labels(rt.name, rt.fields)
    yield from ((f"{rt.name}.sections.{key}", section.label) for key, section in rt.all_sections.items())
    yield from ((f"{rt.name}.states.{key}", state.label) for key, state in rt.states.items())
    for key, step in rt.steps.items():
        yield f"{rt.name}.{key}", step.label
        yield from ((f"{rt.name}.{key}.{what}", text) for what, text in (("asks", step.asks), ("signs", step.signature and step.signature.meaning)) if text)
    yield from ((f"{rt.name}.prints.{key}", form.label) for key, form in rt.prints.items())
    yield from ((f"{rt.name}.opens.{key}", opens.label) for key, opens in rt.opens.items())


def _field_labels(place: str, kinds: dict[str, Field]) -> Iterator[tuple[str, Any]]:
    for name, kind in kinds.items():
        yield f"{place}.{name}", kind.label
        held = kind.value if isinstance(kind, Computed) else kind
        if kind.help:
            yield f"{place}.{name}.help", kind.help
        if isinstance(getattr(held, "options", None), dict):
            yield from ((f"{place}.{name}.options.{key}", text) for key, text in held.options.items())
        if isinstance(held, Lines):
            yield from _field_labels(f"{place}.{name}", held.columns)


def test_everything_that_people_read_has_a_label_that_is_translated():
    """Written with `_`, so that the translators find it, and there in every language."""
    wrong = [place for place, label in labels(REGISTRY) if not isinstance(label, Message) or not label]
    assert wrong == []
    bare = {place: str(label) for place, label in labels(REGISTRY) for language in ("zh_CN", "zh_TW") if REGISTRY.translations.text(label, language) == label}
    assert {place: text for place, text in bare.items() if re.search("[A-Za-z]{2}", text)} == {}


@TYPE
def test_two_fields_of_a_form_do_not_have_one_label(name):
    """Whoever reads an Excel heading or a list of problems knows which is meant."""
    rt = REGISTRY.types[name]
    for kinds in (rt.fields, *(lines.columns for lines in rt.lines.values())):
        texts = [str(kind.label) for kind in kinds.values()]
        assert [text for text in texts if texts.count(text) > 1] == []


# Rights


@TYPE
def test_whoever_may_take_a_step_may_read_the_record(name):
    """Where a type says who reads it, those who are to move it on are among them; a draft is its author's."""
    rt = REGISTRY.types[name]
    if not rt.may_read:
        return
    acting = {role for step in rt.steps.values() if set(step.sources) - {"draft"} for role in roles_of(step.by)}
    acting |= {role for section in rt.all_sections.values() if set(rt.states_of(section)) - {"draft"} for role in roles_of(section.filled_by)}
    acting |= roles_of(rt.void_step.by) if rt.void_step else set()
    assert acting - set(rt.may_read) == set()


def roles_of(by: Any) -> set[str]:
    found = set()
    for one in each_by(by):
        if isinstance(one, Policy):
            found |= {role for choice in one.choices.values() for role in choice.all_roles}
        elif not isinstance(one, Named):
            found.add(one)
    return found


@TYPE
def test_every_clause_that_a_type_names_is_declared(name):
    """So that the evidence can find it."""
    rt = REGISTRY.types[name]
    known = {clause.number for clauses in REGISTRY.clauses.values() for clause in clauses}
    assert {*rt.clauses, *(step.clause for step in rt.steps.values() if step.clause)} - known == set()


# Policies are proven in every variant


@cache
def strings(path: Any) -> frozenset[str]:
    """Every string that stands in a file."""
    return frozenset(node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("name", list(REGISTRY.policies))
def test_every_choice_of_a_policy_has_a_test(name):
    """Somewhere in the tests of its plugin it is chosen by name; the default need not be chosen."""
    policy = REGISTRY.policies[name]
    folder = ROOT / "tests" / "plugins" / name.partition(".")[0]
    proven = {text for path in folder.rglob("test_*.py") if name in strings(path) for text in strings(path)}
    assert policy.choices.keys() - proven - {policy.default} == set()


# Hooks


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented_called_and_implemented(hook):
    """It says in a sentence when it is called; core calls it; a plugin, or the one to copy, answers it."""
    assert (getattr(hookspecs, hook).__doc__ or "").strip().endswith(".")
    assert any(hook in strings(module.path) for module in modules("core") if module.name != "core.hookspecs")
    folders = [ROOT / "plugins", ROOT / "tests" / "sample_plugin"]
    answers = [path for folder in folders for path in folder.rglob("hooks.py") if f"def {hook}(" in path.read_text(encoding="utf-8")]
    assert answers


# Each knows its place


def required() -> RequiredBy:
    """Plugin → the plugins that it may know: those it requires, directly or through another, and those it uses."""
    found: RequiredBy = {}
    for name, plugin in REGISTRY.plugins.items():
        queue, seen = [*plugin.requires, *plugin.uses], set()
        while queue:
            one = queue.pop()
            if one not in seen:
                seen.add(one)
                queue += REGISTRY.plugins[one].requires if one in REGISTRY.plugins else ()
        found[name] = seen
    return found


def spoken(module: Module) -> Iterator[tuple[int, str]]:
    """The strings of a module that are no docstrings."""
    docs = {
        id(node.body[0].value) for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_core_and_plugins_mention_only_what_they_require():
    """Core names no plugin, a base plugin none that stands on it: neither a type, a role, a function, nor a policy of theirs."""
    known = required()
    names = "|".join(sorted(INSTALLED))
    mention = re.compile(rf"(?<![\w./-])({names})[./][a-z][a-z0-9_]*")
    wrong = []
    for module in (*modules("core"), *modules("plugins")):
        own = module.name.split(".")[1] if module.name.startswith("plugins.") else ""
        allowed = {own, *known.get(own, ())}
        wrong += [f"{module.place}:{line}: {found[0]}" for line, text in spoken(module) for found in mention.finditer(text) if found[1] not in allowed]
    assert wrong == []


def test_a_plugin_takes_from_another_only_what_that_one_exports():
    """The names of its package, not of its modules."""
    wrong = []
    for module in modules("plugins"):
        own = module.name.split(".")[1] if "." in module.name else ""
        for found in module.imports():
            parts = found.target.split(".")
            if parts[0] == "plugins" and len(parts) > 2 and parts[1] != own:
                wrong.append(f"{module.place}:{found.line} imports {found.target}")
    assert wrong == []


# Any subset of the plugins is a site


def closures() -> list[tuple[str, ...]]:
    """Every set of plugins that a site can have by choosing among those that nobody requires, and each plugin alone."""
    known = {name: set(plugin.requires) for name, plugin in REGISTRY.plugins.items()}
    tops = [name for name in INSTALLED if not any(name in needs for needs in known.values())]
    wanted = [subset for size in range(len(tops) + 1) for subset in itertools.combinations(tops, size)] + [(name,) for name in INSTALLED]
    return sorted({tuple(name for name in build_registry(subset).plugins if name != "core") for subset in wanted}, key=len)


@pytest.fixture(params=closures(), ids=lambda subset: "+".join(subset) or "core alone")
def plugins(request):
    """Each subset in turn."""
    return request.param


def test_every_subset_of_the_plugins_is_a_site(site, client, api, plugins):
    """It starts, serves its first page, its lists and its API, and nothing of the others shows anywhere."""
    client.sign_in("core.administrator")
    administrator = api("core.administrator")
    pages = ["/", "/search", *(rt.path for rt in site.registry.types.values())]
    texts = {page: client.get(page) for page in pages if page != "/search" or client.get(page).status_code != 404}
    assert {page: answer.status_code for page, answer in texts.items()} == dict.fromkeys(texts, 200)
    texts |= {f"/api/v1{path}": administrator.get(path) for path in ("/openapi.json", "/types", "/reports", "/policies", "/functions")}
    others = [name for name in INSTALLED if name not in plugins]
    trace = re.compile(rf'["/ ]({"|".join(others)})[./][a-z_]') if others else None
    for page, answer in texts.items():
        assert answer.status_code == 200, page
        assert trace is None or trace.findall(answer.get_data(as_text=True)) == [], page
        answer.close()
    for rt in REGISTRY.types.values():
        if rt.plugin in others:
            assert client.get(rt.path).status_code == 404 and administrator.get(f"/records/{rt.name}").status_code == 404
