"""Floors, sizes and imports: what keeps the house one that a single person can know."""

import ast
import re
import sys
from collections import defaultdict
from functools import cache

import core
from tests.contract.source import Module, modules

FLOOR_LINES = {"the house, floors 0 to 5": (range(6), 10_000), "its edges, floors 6 to 8": (range(6, 9), 10_000)}
"""How many lines of code (blank lines, comments and docstrings left out) the house may have, and how many its edges: API, pages, paper, sheets, commands."""
MODULE_LINES = 700
FUNCTION_LINES = 60
FORBIDDEN = {"utils", "helpers", "common", "misc", "base", "manager"}

SEVERAL_FLOORS = {
    "sqlalchemy": "tables, statements and the work that runs them: floors 3 to 5",
    "flask": "the application above, its pages and API below it",
    "werkzeug": "comes with Flask",
    "jinja2": "pages, and the paper they print",
    "pluggy": "the hooks' names on floor 1, their calling on floor 2",
}
"""Third-party packages that more than one floor imports, each with its reason."""

CHINESE = re.compile(r"[\u2e80-\u303f\u31c0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")
CHINESE_ALLOWED = {
    "demo": "demo data is data",
}
"""Modules by their last name that may hold Chinese characters, each with its reason."""

CALLS_ALLOWED = {
    "make_append_only(TRAIL)": "declares a trigger of the table above it",
    "routes.": "declares the address of a page, as its decorator does elsewhere",
}
"""How calls begin that may stand at the top of a module, each with its reason."""


@cache
def floors() -> dict[str, int]:
    """Part of core → floor, read from the docstring of core."""
    found = {}
    for floor, names in re.findall(r"(?m)^    (\d)  (.+)$", core.__doc__ or ""):
        found |= dict.fromkeys(names.split(), int(floor))
    return found


def all_modules() -> tuple[Module, ...]:
    return (*modules("core"), *modules("plugins"))


def part_of(target: str) -> str:
    return target.removeprefix("core.").partition(".")[0]


def test_every_part_of_core_has_its_floor():
    """A new module is put on the map in the docstring of core before it is imported."""
    parts = {module.part for module in modules("core")} - {""}
    assert parts - floors().keys() == set()


def test_the_map_names_nothing_that_is_not_there():
    """What has been removed leaves the map too."""
    parts = {module.part for module in modules("core")}
    assert floors().keys() - parts == set()


def test_imports_go_down():
    """A module knows nothing of the floors above it, not even a type."""
    wrong = []
    for module in modules("core"):
        for found in module.imports():
            if module.part and found.target.startswith("core.") and floors().get(part_of(found.target), 0) > floors().get(module.part, 9):
                wrong.append(f"{module.place}:{found.line} imports {found.target}")
    assert wrong == []


def test_nothing_in_core_imports_what_plugins_may_import():
    """`from core import X` is for plugins; core says where a thing is."""
    wrong = [f"{m.place}:{i.line}" for m in modules("core") for i in m.imports() if i.target == "core" and m.name != "core"]
    assert wrong == []


def test_a_floor_does_not_go_in_circles():
    """Two parts on one floor may know each other in one direction only."""
    knows = defaultdict(set)
    for module in modules("core"):
        for found in module.imports():
            if found.target.startswith("core.") and module.part and not found.for_types_only and part_of(found.target) != module.part:
                knows[module.part].add(part_of(found.target))
    circles = [part for part in knows if part in _reached(knows, part)]
    assert circles == []


def _reached(knows: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    front = set(knows[start])
    while front:
        one = front.pop()
        if one not in seen:
            seen.add(one)
            front |= knows.get(one, set())
    return seen


def test_core_knows_no_plugin():
    """Core is not written for any plugin; only the registry looks into the package as such."""
    wrong = [
        f"{m.place}:{i.line} imports {i.target}"
        for m in modules("core") for i in m.imports() if i.target == "plugins" or i.target.startswith("plugins.")
        if not (m.name == "core.registry" and i.target == "plugins")
    ]
    assert wrong == []


def test_a_plugin_imports_only_core_and_what_it_requires():
    """The public names of core, its own modules, what it requires, and Python's own library."""
    required = _required()
    wrong = []
    for module in modules("plugins"):
        own = module.name.split(".")[1] if "." in module.name else ""
        for found in module.imports():
            top, _dot, rest = found.target.partition(".")
            if top in sys.stdlib_module_names or found.target in {"core", "core.fields"}:
                continue
            if top == "plugins" and rest.partition(".")[0] in {own, *required[own]}:
                continue
            wrong.append(f"{module.place}:{found.line} imports {found.target}")
    assert wrong == []


def _required() -> dict[str, set[str]]:
    """Plugin → the plugins that it requires, directly or through another."""
    direct: dict[str, set[str]] = defaultdict(set)
    for module in modules("plugins"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Plugin":
                named = next((k.value for k in node.keywords if k.arg == "requires"), None)
                keys = named.keys if isinstance(named, ast.Dict) else []
                direct[module.name.split(".")[1]] = {k.value for k in keys if isinstance(k, ast.Constant)}
    return defaultdict(set, {name: _reached(direct, name) for name in list(direct)})


def test_third_party_code_enters_at_one_floor():
    """Each package can be replaced at one place; what needs more floors is listed with its reason."""
    used = _third_party()
    assert {name: sorted(at) for name, at in used.items() if len(at) > 1 and name not in SEVERAL_FLOORS} == {}


def test_each_exception_of_third_party_code_is_needed():
    """An exception that nothing needs any more is taken out."""
    used = _third_party()
    assert [name for name in SEVERAL_FLOORS if len(used[name]) < 2] == []


def _third_party() -> dict[str, set[int]]:
    used: dict[str, set[int]] = defaultdict(set)
    for module in modules("core"):
        for found in module.imports():
            top = found.target.partition(".")[0]
            if top not in {"core", "plugins"} and top not in sys.stdlib_module_names:
                used[top].add(floors().get(module.part, -1))
    return used


def test_core_stays_small():
    """What only one plugin needs lives in that plugin."""
    found = {
        name: sum(module.code_lines for module in modules("core") if floors().get(module.part, 0) in span) for name, (span, _most) in FLOOR_LINES.items()
    }
    assert {name: lines for name, lines in found.items() if lines >= FLOOR_LINES[name][1]} == {}


def test_no_module_is_long():
    """A module that has grown past this has a second subject."""
    assert {m.place: n for m in all_modules() if (n := m.text.count("\n")) > MODULE_LINES} == {}


def test_no_function_is_long():
    """Ten lines is a function, forty a question, sixty refused."""
    long = {
        f"{m.place}:{f.lineno} {f.name}": n for m in all_modules() for f in m.functions() if (n := (f.end_lineno or 0) - f.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_modules_are_nouns_of_the_trade():
    """A name that could be anything says nothing."""
    assert [m.place for m in all_modules() if m.name.rpartition(".")[2] in FORBIDDEN] == []


def test_no_chinese_stands_in_code():
    """Texts are English message ids; Chinese stands in the translations."""
    wrong = [
        f"{m.place}:{number}" for m in all_modules() if m.name.rpartition(".")[2] not in CHINESE_ALLOWED and ".demo" not in m.name
        for number, line in enumerate(m.text.splitlines(), 1) if CHINESE.search(line)
    ]
    assert wrong == []


def test_importing_does_nothing():
    """No module opens, connects, reads settings or starts anything when it is imported: no call statement stands at its top."""
    wrong = [
        f"{m.place}:{node.lineno} {ast.unparse(node)[:60]}" for m in all_modules() for node in m.tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not ast.unparse(node).startswith(tuple(CALLS_ALLOWED))
    ]
    assert wrong == []
