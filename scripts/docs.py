#!/usr/bin/env python3
"""The generated part of the documentation: the pages of docs/reference, and marked parts of other pages.

    scripts/docs.py            write what has changed
    scripts/docs.py --check    name what has changed, write nothing, and end with 1

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`. Everything is read from the code, so nothing
here can tell of what is not there.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import click  # noqa: E402

import core  # noqa: E402
from core import errors, fields, hookspecs, workflow  # noqa: E402
from core.api import admin, house, records, sheets  # noqa: E402
from core.api.calls import TITLES  # noqa: E402
from core.cli import yunkong  # noqa: E402
from core.errors import Fault, Faults, Refusal  # noqa: E402
from core.fields import Reading  # noqa: E402
from core.records import RecordType  # noqa: E402
from core.registry import Registry, available_plugins, build_registry  # noqa: E402
from core.storage.tables import build_tables  # noqa: E402
from core.workflow import Named, Policy, Transition, each_by  # noqa: E402
from tests import sample_plugin  # noqa: E402
from tests.broken_plugins import BROKEN  # noqa: E402

PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTE = "<!-- Written by scripts/docs.py from the code. Do not edit; run make docs. -->\n"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; the empty text where there are no rows."""
    body = ["| " + " | ".join(_cell(one) for one in row) + " |" for row in rows]
    heads = list(heads)
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *body]) + "\n" if body else ""


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").strip()


def code(text: object) -> str:
    """A name as code; the empty text stays empty."""
    return f"`{text}`" if text not in (None, "") else ""


def codes(names: Iterable[object]) -> str:
    """Names as code, with commas between."""
    return ", ".join(code(one) for one in names)


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    flat = " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.?])\s", flat, maxsplit=1)[0]


# The house


def floors() -> dict[int, list[str]]:
    """Floor → the parts of core on it, from the docstring of core."""
    return {int(floor): names.split() for floor, names in re.findall(r"(?m)^    (\d)  (.+)$", core.__doc__ or "")}


def docstring_of(path: Path) -> str:
    """What a module says that it is for."""
    return first_sentence(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))


def part_path(name: str) -> Path:
    """The module or package of a part of core."""
    module = ROOT / "core" / f"{name}.py"
    return module if module.exists() else ROOT / "core" / name / "__init__.py"


FLOOR_NAMES = {
    8: "the application and the command", 7: "what the outside touches", 6: "shapes of records: JSON, paper, Excel, lists", 5: "the one door",
    4: "people, rights, evidence", 3: "the database", 2: "all declarations together", 1: "the grammar", 0: "words and refusals",
}
FLOOR_NAMES_ZH = {
    8: "应用和命令", 7: "对外的一层：接口、页面、后台进程", 6: "单据的各种形态：JSON、纸面、Excel、清单", 5: "唯一的门", 4: "人、权限、证据", 3: "数据库",
    2: "全部声明合在一起", 1: "语法", 0: "用语和拒绝",
}


def floors_part() -> str:
    """The floors in a few lines, for the README."""
    return table(("Floor", "", "Parts of `core/`"), ((str(floor), FLOOR_NAMES[floor], codes(names)) for floor, names in floors().items()))


def floors_zh_part() -> str:
    """The same in Chinese."""
    return table(("层", "", "`core/` 里的部分"), ((str(floor), FLOOR_NAMES_ZH[floor], codes(names)) for floor, names in floors().items()))


def module_rows(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Parts of core, each with the modules inside it."""
    for name in names:
        path = part_path(name)
        yield code(name), docstring_of(path)
        for inner in sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else ():
            if inner != path:
                dotted = ".".join(inner.relative_to(ROOT / "core").with_suffix("").parts).removesuffix(".__init__")
                yield f"&nbsp;&nbsp;{code(dotted)}", docstring_of(inner)


def map_page() -> str:
    """Every module of core and the plugins with its own first sentence."""
    lines = ["# The map", "", "A module imports from the floors below it. The floors stand in the docstring of `core`, and a test reads them.", ""]
    for floor, names in floors().items():
        lines += [f"## Floor {floor}: {FLOOR_NAMES[floor]}", "", table(("Module", "What it is for"), module_rows(names))]
    lines += ["## Plugins", ""]
    for name in own_plugins():
        files = sorted((ROOT / "plugins" / name).glob("*.py"))
        rows = ((code(name if one.stem == "__init__" else f"{name}.{one.stem}"), docstring_of(one)) for one in files)
        lines += [f"### {name}", "", table(("Module", "What it is for"), rows)]
    return "\n".join(lines)


# Hooks


def hook_functions() -> dict[str, Callable[..., Any]]:
    """Every hook by name, in the order of core/hookspecs.py."""
    return {name: one for name, one in vars(hookspecs).items() if inspect.isfunction(one) and hasattr(one, "yunkong_spec")}


def hook_kind(name: str) -> str:
    """What the form of a hook's name says."""
    return {"register": "declares", "check": "may object"}.get(name.partition("_")[0], "tells")


def signature(name: str, function: Callable[..., Any]) -> str:
    """A hook as it is called."""
    return f"{name}({', '.join(inspect.signature(function).parameters)})"


def hooks_part() -> str:
    """The table of hooks."""
    everybody = build_registry(None, {"tools": sample_plugin})
    rows = []
    for name, function in hook_functions().items():
        users = dict.fromkeys(one.plugin for one in everybody.hooks[name])
        rows.append((code(signature(name, function)), hook_kind(name), " ".join((inspect.getdoc(function) or "").split()), codes(users)))
    return table(("Hook", "", "When, and what for", "Used by"), rows)


def hooks_page() -> str:
    """The page of hooks."""
    return "\n".join([
        "# Hooks", "",
        "A plugin answers a hook in its `hooks.py` with `@hookimpl`, taking the arguments it needs. Answers of several plugins have no",
        "meaningful order. An exception before the commit undoes everything. `tools` is `tests/sample_plugin`, the example to copy.", "",
        hooks_part(),
    ])


# Kinds of fields


def _rule(_work: Any, _record: Any) -> decimal.Decimal:
    return decimal.Decimal(1)


MOMENT = dt.datetime(2026, 12, 31, 0, 0, tzinfo=dt.UTC)
ID, OTHER_ID = 455785775534077671, 455785775534077672
EXAMPLES: Mapping[str, tuple[fields.Field, Any]] = {
    "Text": (fields.Text("Subject"), "Valve"),
    "LongText": (fields.LongText("Remarks"), "One\nTwo"),
    "Integer": (fields.Integer("Pieces"), 12),
    "Decimal": (fields.Decimal("Surface", places=2), decimal.Decimal("12.5")),
    "Quantity": (fields.Quantity("Planned", unit="t"), decimal.Decimal("12.5")),
    "Money": (fields.Money("Price"), decimal.Decimal("1200.50")),
    "Boolean": (fields.Boolean("Urgent"), True),
    "Date": (fields.Date("Due"), dt.date(2026, 12, 31)),
    "Month": (fields.Month("Plan month"), dt.date(2026, 12, 1)),
    "Year": (fields.Year("Year"), 2026),
    "Week": (fields.Week("Week"), "2026-W51"),
    "Time": (fields.Time("From"), "08:00"),
    "Moment": (fields.Moment("Came in"), MOMENT),
    "Duration": (fields.Duration("Lasts"), dt.timedelta(hours=48)),
    "Choice": (fields.Choice("Kind", options={"product": "Product", "material": "Material"}), "product"),
    "Choices": (fields.Choices("Kinds", options={"customer": "Customer", "supplier": "Supplier"}), ("customer", "supplier")),
    "Reference": (fields.Reference("Product", to="master_data.item"), ID),
    "References": (fields.References("Products", to="master_data.item"), (ID, OTHER_ID)),
    "AnyRecord": (fields.AnyRecord("Drawn for"), ID),
    "User": (fields.User("Responsible"), ID),
    "Users": (fields.Users("Team"), (ID, OTHER_ID)),
    "Department": (fields.Department("Workshop"), ID),
    "Departments": (fields.Departments("Issued to"), (ID, OTHER_ID)),
    "Photos": (fields.Photos("Photos"), (ID,)),
    "Attachments": (fields.Attachments("Attachments"), (ID,)),
    "OutsideSignature": (fields.OutsideSignature("Signed for"), {"name": "Wang Fang", "at": MOMENT, "proof": "paper", "file": None}),
    "Checklist": (fields.Checklist("Round", items={"lamps": "Lamps"}), [{"item": "lamps", "result": "normal", "photos": ()}]),
    "Lines": (fields.Lines("Products", columns={"what": fields.Text("What"), "count": fields.Integer("Pieces")}), [{"what": "Gloves", "count": 10}]),
    "Computed": (fields.Computed(fields.Quantity("In stock"), by=_rule), decimal.Decimal("7")),
}
"""Each kind with an example value as rules see it."""

EXCEL = {str: "text", int: "number", float: "number", decimal.Decimal: "number", bool: "yes or no", dt.date: "date", dt.datetime: "date and time"}


def kinds() -> dict[str, type[fields.Field]]:
    """Every kind of field that a plugin may use, in the order of the examples."""
    offered = {name: one for name in fields.__all__ if inspect.isclass(one := getattr(fields, name)) and issubclass(one, fields.Field) and one.kind}
    assert offered.keys() == EXAMPLES.keys(), f"scripts/docs.py: EXAMPLES differs from core.fields in {sorted(offered.keys() ^ EXAMPLES.keys())}"
    return {name: offered[name] for name in EXAMPLES}


def kind_row(name: str, kind: type[fields.Field]) -> tuple[str, ...]:
    """What one kind is, in one row."""
    field, value = EXAMPLES[name]
    names = {one: fields.Name(one, "master_data.item", f"ZT-DN{one % 100}", "Valve") for one in (ID, OTHER_ID)}
    told = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).replace("`", "")
    column = field.storage
    cell = field.cell(value, Reading(names=names)) if column is not None else None
    kept = column.kind if column else "a table of its own" if isinstance(field, fields.Lines) else ""
    shape = json.dumps(field.dump(value), ensure_ascii=False)
    return (code(f"fields.{name}"), told, code(shape), code(field.widget), EXCEL.get(type(cell), ""), kept, "yes" if kind.filters_itself else "")


def fields_part() -> str:
    """The table of kinds."""
    heads = ("Kind", "Holds (the Python type)", "JSON, for example", "Widget", "Excel cell", "Column", "Filters by itself")
    return table(heads, (kind_row(*one) for one in kinds().items()))


def field_options_part() -> str:
    """The options that every kind takes, with their defaults."""
    rows = []
    for name, parameter in inspect.signature(fields.Field).parameters.items():
        rows.append((code(name), "" if name == "label" else code(repr(parameter.default))))
    return table(("Option", "Default"), rows)


def own_options(kind: type[fields.Field]) -> str:
    """The options that a kind has besides those of all."""
    common = inspect.signature(fields.Field).parameters
    return codes(name for name in inspect.signature(kind).parameters if name not in common)


def fields_page() -> str:
    """The page of field kinds."""
    rows = ((code(f"fields.{name}"), own_options(kind)) for name, kind in kinds().items() if own_options(kind))
    return "\n".join([
        "# Kinds of fields", "",
        "`from core import fields`, then `fields.Text(_(\"Remarks\"))`: the label first, all else by name. Say only what differs.", "",
        "Ids are texts in JSON. Decimal, Quantity and Money are texts with a point. Empty is `null`, never `\"\"`; of the kinds that hold several, `[]`.",
        "What people type and paste is read more leniently: full-width digits, `2026年12月31日`, `12,000.5`, a code or a name for a reference.", "",
        fields_part(), "## Options of every kind", "", " ".join((inspect.getdoc(fields.Field) or "").split("\n\n")[1].split()), "", field_options_part(),
        "## Options of some kinds", "", table(("Kind", "Options"), rows),
    ])


# Faults of declarations


def faults_of(package: ModuleType) -> tuple[Fault, ...]:
    """What the registry says of a broken plugin."""
    try:
        build_tables(build_registry([package.PLUGIN.name], {package.PLUGIN.name: package}))
    except Faults as found:
        return found.faults
    return ()


def registry_faults() -> Iterator[tuple[str, str, str, str]]:
    """Code, place, what and hint of each broken plugin's fault, without repeating a sentence."""
    for name, packages in BROKEN.items():
        seen: set[str] = set()
        for package in packages:
            for fault in faults_of(package):
                pattern = getattr(fault.what, "id", str(fault.what))
                if fault.code == name and pattern not in seen:
                    seen.add(pattern)
                    yield code(name), code(fault.place), str(fault.what), str(fault.hint)


FIELD_FAULTS: Mapping[str, fields.Field] = {
    "F101": fields.Text("Subject", width=5),
    "F102": fields.Integer("Pieces", min=10, max=1),
    "F103": fields.Choices("Kinds", options={"a": "A"}, filter=True),
    "F104": fields.Integer("Pieces", default="many"),
    "F110": fields.Text("Subject", max=5000),
    "F111": fields.LongText("Remarks", filter=True),
    "F120": fields.Integer("Pieces", max=10**15),
    "F121": fields.Decimal("Surface", places=9),
    "F122": fields.Quantity("Planned", unit="t", unit_of="product"),
    "F130": fields.Duration("Lasts", filter=True),
    "F140": fields.Choice("Kind"),
    "F141": fields.Choice("Kind", options={"Not a key": "A"}),
    "F150": fields.Reference("Product", to="item"),
    "F151": fields.Reference("Product", to="master_data.item", edition="newest"),  # type: ignore[arg-type]
    "F152": fields.OutsideSignature("Signed for", proofs=("smoke",)),
    "F160": fields.Lines("Products"),
    "F161": fields.Lines("Products", columns={"position": fields.Text("Position")}),
    "F162": fields.Lines("Products", columns={"more": fields.Lines("More", columns={"a": fields.Text("A")})}),
    "F163": fields.Lines("Products", columns={"a": fields.Text("A")}, rows=({"b": "B"},)),
    "F164": fields.Checklist("Round"),
    "F170": fields.Computed(),
    "F171": fields.Computed(fields.Integer("Total")),
    "F172": fields.Computed(fields.Integer("Total"), by=_rule, required=True),
    "F173": fields.Computed(fields.Integer("Total"), by=_rule, live=True, filter=True),
}
"""For each code of a field's own faults, a field that has it."""


def field_faults() -> Iterator[tuple[str, str, str]]:
    """Code, what and hint of every fault that a field can have of its own."""
    declared = set()
    for path in (ROOT / "core" / "fields").glob("*.py"):
        declared |= set(re.findall(r'yield "(F\d{3})"', path.read_text(encoding="utf-8")))
    assert declared == FIELD_FAULTS.keys(), f"scripts/docs.py: FIELD_FAULTS differs from core.fields in {sorted(declared ^ FIELD_FAULTS.keys())}"
    for name, field in FIELD_FAULTS.items():
        what, hint = next((what, hint) for told, what, hint in field.check() if told == name)
        yield code(name), what, hint


def faults_page() -> str:
    """The page of faults."""
    return "\n".join([
        "# Faults of declarations", "",
        "A site does not start with a fault in its declarations. All are told at once, by `yunkong plugin check` too, each with its code, its place",
        "and, where there is one to give, the remedy. Each sentence below is what a broken plugin of `tests/broken_plugins` is told.", "",
        "## Of a plugin", "", table(("Code", "Place, for example", "What", "Remedy"), registry_faults()),
        "## Of a field", "", table(("Code", "What", "Remedy"), field_faults()),
    ])


# The command line


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that lead to it."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield (*path, name), command
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield (*path, name), command


def usage(path: tuple[str, ...], command: click.Command) -> str:
    """The usage line of a command."""
    context = click.Context(command, info_name=" ".join(("yunkong", *path)))
    return command.get_usage(context).removeprefix("Usage: ").strip()


def option_rows(command: click.Command) -> Iterator[tuple[str, str]]:
    """The options of a command with their help."""
    context = click.Context(command)
    for one in command.params:
        record = one.get_help_record(context) if isinstance(one, click.Option) and not one.hidden else None
        if record and one.name not in ("help", "as_json", "folder"):
            yield code(record[0]), record[1]


def commands_page() -> str:
    """The page of the command line."""
    lines = [
        "# The command line", "", " ".join((yunkong.help or "").split()), "",
        "Every command takes `--json` (answer as JSON, for machines); every one that works on a site takes `--site DIR`, or `YUNKONG_SITE`.",
        "Exit codes: 0 done, 1 refused, 2 wrong usage. Progress and refusals go to standard error.", "",
    ]
    for path, command in commands(yunkong):
        level = "##" if len(path) == 1 else "###"
        lines += [f"{level} yunkong {' '.join(path)}", "", " ".join((command.help or "").split()), ""]
        if not isinstance(command, click.Group):
            lines += ["```text", usage(path, command), "```", "", table(("Option", ""), option_rows(command))]
    return "\n".join(lines)


# The HTTP API


def routes() -> list[Any]:
    """Every operation of the API besides its own description."""
    return [route for module in (house.routes, records.routes, sheets.routes, admin.routes) for route in module.found]


def address(rule: str) -> str:
    """An address as people write it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def api_part() -> str:
    """The operations."""
    rows = [("`GET /openapi.json`", "anyone", "The OpenAPI 3.1 document of this site, concrete for each of its record types.")]
    rows += [(code(f"{one.method} {address(one.rule)}"), one.may, one.summary) for one in routes()]
    return table(("Request, under `/api/v1`", "For", ""), rows)


def refusals() -> Iterator[tuple[int, str, str]]:
    """Every refusal: status, code, what it means."""
    queue = list(Refusal.__subclasses__())
    while queue:
        one = queue.pop(0)
        queue += one.__subclasses__()
        if one is errors.Stale:
            yield 409, "wrong_state", "The step cannot be taken in this state, or a request with this key is still running."
            yield 412, one.code, "Somebody saved after the version that was seen; `changes` says what."
        elif one.__module__.startswith("core.") and one.__name__ != "Bad":
            yield one.status, one.code, re.sub(r" \(\d{3}\)", "", first_sentence(one.__doc__))


def refusals_part() -> str:
    """The refusals."""
    rows = {(400, "json"): "The body is no JSON.", (413, "too_large"): "The body is too large.", (415, "media_type"): "The body is of another kind."}
    rows |= {(status, name): told for status, name, told in refusals()}
    return table(("Status", "`code`", ""), ((str(status), code(name), told) for (status, name), told in sorted(rows.items())))


def api_page() -> str:
    """The page of the API."""
    titles = ((str(status), str(title)) for status, title in TITLES.items())
    return "\n".join([
        "# HTTP API", "", "JSON in and out, under `/api/v1`. `GET /api/v1/openapi.json` of a site says the same in full, for its own record types.", "",
        api_part(), "## Refusals", "",
        "Every 4xx and 5xx is `application/problem+json` with `type, title, status, code, detail, request_id`; 422 has `problems`, a list of",
        "`{where, what, hint, code, clause, level}` where `where` is a JSON pointer; 403 has `who` could; 409 and 412 have `version` and `changes`.", "",
        refusals_part(), "Titles:", "", table(("Status", "Title"), titles),
    ])


# Record types


def own_plugins() -> list[str]:
    """The plugins of this project, in the order in which they require one another."""
    registry = build_registry([name for name, module in available_plugins().items() if module.__name__.startswith("plugins.")])
    return [name for name in registry.plugins if name != "core"]


class Book:
    """The declarations of our plugins as pages; every label in English and Chinese."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def both(self, label: str) -> str:
        """A label, and what it is in Chinese."""
        chinese = self.registry.translations.text(label, "zh_CN")
        english = self.registry.translations.text(label, "en")
        return english if chinese == english else f"{english} {chinese}"

    def page(self, name: str) -> str:
        """One plugin, or core itself."""
        plugin = self.registry.plugins[name]
        told = "What core itself declares, in the shape of a plugin." if name == "core" else inspect.getdoc(available_plugins()[name]) or ""
        lines = [f"# {name}: {self.both(plugin.label)}", "", told, ""]
        if plugin.requires:
            lines += [f"Requires {codes(f'{one} {version}' for one, version in plugin.requires.items())}.", ""]
        functions = ((code(f"{name}.{key}"), self.both(one.label)) for key, one in plugin.functions.items())
        roles = ((code(f"{name}.{key}"), self.both(one.label), code(one.function)) for key, one in plugin.roles.items())
        lines += self._table("Functions", ("Function", ""), functions) + self._table("Roles", ("Role", "", "Acts for the departments served by"), roles)
        for policy in plugin.policies:
            lines += self._policy(policy)
        settings = ((code(one.name), self.both(one.label), code(one.default)) for one in plugin.settings)
        lines += self._table("Settings", ("Setting", "", "Default"), settings)
        for rt in self.registry.types.values():
            if rt.plugin == name:
                lines += self._type(rt)
        for key, report in self.registry.reports.items():
            if key.startswith(f"{name}."):
                lines += [f"## Report {key}: {self.both(report.label)}", "", first_sentence(report.rows.__doc__), ""]
                lines += [table(("Column", "", "Kind"), self._kinds(report.columns))]
        clauses = ((code(one.number), self.both(one.label), codes(one.proven_by)) for one in self.registry.clauses.get(name, ()))
        return "\n".join(lines + self._table("Clauses", ("Clause", "", "Proven by"), clauses))

    def _table(self, title: str, heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> list[str]:
        found = table(heads, rows)
        return [f"## {title}", "", found] if found else []

    def _policy(self, policy: Policy) -> list[str]:
        rows = []
        for key, choice in policy.choices.items():
            who = codes(choice.all_roles)
            if isinstance(choice.roles, Mapping):
                who = "; ".join(f"{code(step)}: {codes(roles)}" for step, roles in choice.roles.items())
            name = f"**{code(key)}**" if key == policy.default else code(key)
            rows.append((name, self.both(choice.label), who, codes(choice.skips), codes(choice.without)))
        told = table(("Choice", "", "Who", "Passes", "Leaves out"), rows)
        return [f"## Policy {policy.name}", "", f"{self.both(policy.label)}. The default is bold.", "", told]

    def _type(self, rt: RecordType) -> list[str]:
        facts = ["A register"] if rt.is_register else []
        facts += [f"Pages under `{rt.path}`"]
        facts += [f"numbers `{rt.numbering.pattern}`" + (", or typed" if rt.numbering.typed else "")] if rt.numbering else []
        facts += [f"title `{rt.title}`"] if rt.title else []
        facts += [f"{'kept' if rt.is_register else 'made'} by {codes(rt.may_create)}"] if rt.may_create else []
        facts += [f"read by {codes(rt.may_read)} and whoever has a part in it"] if rt.may_read else []
        facts += [f"once per {', '.join(codes(group) for group in rt.unique)}"] if rt.unique else []
        lines = [f"## {rt.name}: {self.both(rt.label)}", "", "; ".join(facts) + ".", ""]
        lines.append(table(("Field", "", "Kind", "Required", "Written"), self._fields(rt)))
        if rt.workflow:
            lines.append(self._diagram(rt))
            lines.append(table(("Step", "", "From", "To", "By", "Signs", "Must hold"), (self._step(*one) for one in rt.steps.items())))
            lines += self._more(rt)
        prints = ((code(key), self.both(form.label), form.form_no, codes(form.signed_by)) for key, form in rt.prints.items())
        found = table(("Print form", "", "Form number", "Signed by"), prints)
        return lines + ([found] if found else [])

    def _fields(self, rt: RecordType) -> Iterator[tuple[str, ...]]:
        for name, kind in rt.fields.items():
            yield self._field(rt, name, kind)
            for column, inner in (rt.lines[name].columns if name in rt.lines else {}).items():
                yield self._field(rt, f"{name}.{column}", inner)

    def _field(self, rt: RecordType, name: str, kind: fields.Field) -> tuple[str, ...]:
        written = ""
        section = rt.all_sections.get(rt.section_of.get(name, ""))
        if isinstance(kind, fields.Computed):
            written = f"worked out: {first_sentence(kind.by.__doc__)}"
        elif kind.effects_only:
            written = "by effects alone"
        elif name in rt.by_steps:
            written = "with " + codes(key for key, step in rt.steps.items() if name in step.fills)
        elif section and section.states:
            written = "in " + codes(section.states)
        return code(name), self.both(kind.label), self._kind(kind), "yes" if kind.required else "", written

    def _kind(self, kind: fields.Field) -> str:
        inner = kind.value if isinstance(kind, fields.Computed) else kind
        target = getattr(inner, "to", "")
        return f"{inner.kind} {code(target) if isinstance(target, str) else codes(target)}".strip()

    def _kinds(self, found: Mapping[str, fields.Field]) -> Iterator[tuple[str, ...]]:
        for name, kind in found.items():
            yield code(name), self.both(kind.label), self._kind(kind)

    def _diagram(self, rt: RecordType) -> str:
        assert rt.workflow
        lines = ["```mermaid", "stateDiagram-v2"]
        lines += [f"    [*] --> {rt.initial}"] if rt.initial else []
        for name, step in rt.steps.items():
            lines += [f"    {source} --> {step.target}: {name}" for source in step.sources or ("[*]",)]
        lines += [f"    {name} --> [*]" for name, state in rt.workflow.states.items() if state.final]
        return "\n".join([*lines, "```", ""])

    def _step(self, name: str, step: Transition) -> tuple[str, ...]:
        by = ", ".join(self._who(one) for one in each_by(step.by)) or "effects alone"
        by += f", not who took {codes(step.others)}" if step.others else ""
        signs = ""
        if step.signature:
            signs = self.both(step.signature.meaning) + (", with password" if step.signature.asks_password else "")
        must = [first_sentence(guard.__doc__) for guard in step.guards]
        must += [f"{self.both(step.asks)} is asked."] if step.asks else []
        must += [f"Asks for {codes(step.fills)}."] if step.fills else []
        return code(name), self.both(step.label), codes(step.sources), code(step.target), by, signs, " ".join(must)

    def _who(self, one: str | Policy | Named) -> str:
        if isinstance(one, Policy):
            return f"policy {code(one.name)}"
        return f"who is named in {code(one.field)}" + (f" as {code(one.role)}" if one.role else "") if isinstance(one, Named) else code(one)

    def _more(self, rt: RecordType) -> list[str]:
        lines = [f"- {first_sentence(guard.__doc__)}" for guard in rt.guards]
        lines += [f"- `{key}` opens `{one.to}`" + (f" ({self.both(one.label)})" if one.label else "") + "." for key, one in rt.opens.items()]
        if rt.void_step:
            lines.append(f"- Voided by {', '.join(self._who(one) for one in each_by(rt.void_step.by))}; the number and the reason stay.")
        return [*lines, ""] if lines else []


# Parts of the other pages


def reserved() -> list[str]:
    """The words of the grammar that core does not carry yet."""
    return [name for name, one in vars(workflow).items() if inspect.isclass(one) and issubclass(one, workflow.Reserved) and one is not workflow.Reserved]


def not_built_part() -> str:
    """The words of the grammar that are refused as yet."""
    return codes(reserved()) + ", `Workflow(revises=…)`, `Transition(distributes=…, tells=…)`\n"


def public_part() -> str:
    """What `from core import …` offers."""
    return codes(name for name in core.__all__ if name not in reserved()) + "\n"


PARTS: Mapping[str, Callable[[], str]] = {
    "floors": floors_part, "floors-zh": floors_zh_part, "hooks": hooks_part, "fields": fields_part, "refusals": refusals_part,
    "not-built": not_built_part, "public": public_part,
}
REFERENCE: Mapping[str, tuple[str, Callable[[], str]]] = {
    "map": ("every module and what it is for", map_page), "hooks": ("what a plugin may answer", hooks_page), "fields": ("the kinds of fields", fields_page),
    "fault-codes": ("what a declaration is refused for", faults_page), "command-line": ("every command", commands_page), "api": ("every operation", api_page),
}


def index_page(told: Mapping[str, str]) -> str:
    """The list of the pages of the reference."""
    lines = ["# Reference", "", "Written from the code by `make docs`; a test fails when it is out of date.", ""]
    return "\n".join([*lines, *(f"- [{name}]({name}.md): {what}" for name, what in told.items()), ""])


def generated() -> dict[Path, str]:
    """Every page that is generated, or holds a generated part, as it should stand."""
    folder = ROOT / "docs" / "reference"
    pages = {name: write() for name, (_what, write) in REFERENCE.items()}
    told = {name: what for name, (what, _write) in REFERENCE.items()}
    plugins = ["core", *own_plugins()]
    book = Book(build_registry(plugins[1:]))
    pages |= {name: book.page(name) for name in plugins}
    told |= {name: f"what {name} declares" for name in plugins}
    pages["README"] = index_page(told)
    found = {folder / f"{name}.md": NOTE + re.sub(r"\n{3,}", "\n\n", text.rstrip()) + "\n" for name, text in pages.items()}
    for path in [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if PART.search(text):
            found[path] = PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}{part[3]}", text)
    return found


def differences() -> list[Path]:
    """Pages that do not stand as they should, and pages of the reference that nothing generates any more."""
    found = generated()
    stray = set((ROOT / "docs" / "reference").glob("*.md")) - found.keys()
    return [path for path, text in found.items() if not path.exists() or path.read_text(encoding="utf-8") != text] + sorted(stray)


def main(arguments: list[str]) -> int:
    """Write what has changed, or only name it."""
    found, changed = generated(), differences()
    for path in changed:
        print(path.relative_to(ROOT))
    if "--check" in arguments:
        return 1 if changed else 0
    for path in changed:
        if path in found:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
