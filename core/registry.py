"""All enabled declarations: found, ordered, extended, checked, frozen. Two registries may live in one process."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

from core import checks, fields, hookspecs
from core.errors import Fault, Faults, NotFound
from core.messages import _
from core.records import Clause, Extension, Function, Plugin, RecordType, Report, Role, Section, Setting
from core.translations import CORE, Translations
from core.workflow import Named, Policy, Transition, Workflow

CORE_PLUGIN = Plugin(
    "core",
    label=_("Core"),
    functions={
        "management": Function(_("Company management")),
        "sales": Function(_("Sales")),
        "purchasing": Function(_("Purchasing")),
        "warehouse": Function(_("Warehousing")),
        "finance": Function(_("Finance")),
        "quality": Function(_("Quality")),
    },
    roles={
        "administrator": Role(_("Administrator")),
        "general_manager": Role(_("General manager")),
        "management_representative": Role(_("Management representative")),
        "head": Role(_("Head of department")),
        "employee": Role(_("Employee")),
    },
    settings=(
        Setting("core.session_idle", _("Minutes without use after which one is signed out"), fields.Integer(_("In minutes"), min=5, max=1440), default=30),
        Setting("core.session_length", _("Hours after which one signs in again in any case"), fields.Integer(_("In hours"), min=1, max=168), default=12),
        Setting("core.token_days", _("Days that an API token lasts"), fields.Integer(_("In days"), min=1, max=3650), default=90),
    ),
)
"""What core itself declares, in the shape of a plugin."""

GROUP = "yunkong.plugins"
REGISTERED = ("plugins", "types", "policies", "settings", "functions", "roles", "reports", "clauses", "hooks")


@dataclass(frozen=True)
class Hook:
    """One plugin's answer to one hook."""

    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def __call__(self, options: Mapping[str, Any]) -> Any:
        """Call it with the arguments it asks for; an exception names the plugin."""
        try:
            return self.function(**{name: options[name] for name in self.arguments})
        except Exception as error:
            error.add_note(f"in plugin {self.plugin!r}, hook {self.function.__name__!r}")
            raise


@dataclass(frozen=True, eq=False)
class Registry:
    """All enabled declarations, checked and frozen. Every mapping is ordered as the plugins are."""

    plugins: Mapping[str, Plugin]
    types: Mapping[str, RecordType]
    policies: Mapping[str, Policy]
    settings: Mapping[str, Setting]
    functions: Mapping[str, Function]
    roles: Mapping[str, Role]
    reports: Mapping[str, Report]
    clauses: Mapping[str, tuple[Clause, ...]]
    hooks: Mapping[str, tuple[Hook, ...]]
    translations: Translations
    folders: Mapping[str, Path]

    def type(self, name: str) -> RecordType:
        """The record type of that name; NotFound where no enabled plugin declares it."""
        try:
            return self.types[name]
        except KeyError:
            raise NotFound(_("There is no form of this kind on this site.")) from None

    def call(self, hook: str, **options: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook: (plugin, what it answered), answers that are None left out."""
        for one in self.hooks.get(hook, ()):
            answer = one(options)
            if answer is not None:
                yield one.plugin, answer


def available_plugins() -> dict[str, ModuleType]:
    """Every plugin that can be enabled: the packages in `plugins`, then installed entry points."""
    found: dict[str, ModuleType] = {}
    try:
        import plugins
    except ImportError:
        pass
    else:
        for module in sorted(pkgutil.iter_modules(plugins.__path__), key=lambda m: m.name):
            if module.ispkg:
                found[module.name] = importlib.import_module(f"plugins.{module.name}")
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry.load())
    return found


def build_registry(names: Sequence[str] | None = None, extra: Mapping[str, ModuleType] | None = None) -> Registry:
    """The registry of these plugins and those they require; all that can be found when `names` is None.

    `extra` offers further plugin packages by name (tests). Raises `Faults` with every fault at once.
    """
    offered = {**available_plugins(), **(extra or {})}
    modules, faults = _order(tuple(names if names is not None else offered), offered)
    if faults:
        raise Faults(faults)
    plugins = {"core": CORE_PLUGIN} | {name: module.PLUGIN for name, module in modules.items()}
    hooks, faults = _register(modules)
    if faults:
        raise Faults(faults)
    collected = _Collected(plugins, hooks)
    faults += collected.faults
    faults += checks.all_faults(collected.draft())
    if faults:
        raise Faults(dict.fromkeys(faults))
    folders = {name: Path(inspect.getfile(module)).parent for name, module in modules.items()}
    return collected.freeze(folders)


def _order(names: Iterable[str], offered: Mapping[str, ModuleType]) -> tuple[dict[str, ModuleType], list[Fault]]:
    """Enabled plugins, those they require first, each with its faults as a plugin."""
    faults: list[Fault] = []
    ordered: dict[str, ModuleType] = {}
    wanted = set(_with_required(names, offered))

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in path:
            faults.append(Fault("plugin-cycle", name, _("Plugins require one another in a circle: {circle}.", circle=" → ".join((*path, name)))))
            return
        module = offered.get(name)
        plugin = getattr(module, "PLUGIN", None)
        if not isinstance(plugin, Plugin):
            place_name = path[-1] if path else name
            faults.append(Fault("plugin-missing", place_name, _("There is no plugin “{name}”.", name=name), _("Install it, or take it out of the list.")))
            return
        for needed in (*plugin.requires, *(one for one in plugin.uses if one in wanted)):
            place(needed, (*path, name))
        faults.extend(_version_faults(plugin, offered))
        if module is not None:
            ordered[name] = module

    for name in sorted(wanted):
        place(name, ())
    return ordered, faults


def _with_required(names: Iterable[str], offered: Mapping[str, ModuleType]) -> list[str]:
    wanted: list[str] = []
    queue = list(names)
    while queue:
        name = queue.pop(0)
        if name not in wanted:
            wanted.append(name)
            plugin = getattr(offered.get(name), "PLUGIN", None)
            queue += list(plugin.requires) if isinstance(plugin, Plugin) else []
    return wanted


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _version_faults(plugin: Plugin, offered: Mapping[str, ModuleType]) -> Iterator[Fault]:
    for needed, wish in plugin.requires.items():
        other = getattr(offered.get(needed), "PLUGIN", None)
        match = re.fullmatch(r">=\s*([\d.]+)", wish)
        if match is None:
            yield Fault("plugin-version", plugin.name, _("“{wish}” is not a version range.", wish=wish), _("Write it as “>=0.1”."))
        elif isinstance(other, Plugin) and _numbers(other.version) < _numbers(match[1]):
            yield Fault("plugin-version", plugin.name, _("It requires {needed} {wish}; {found} is installed.", needed=needed, wish=wish, found=other.version))


def _register(modules: Mapping[str, ModuleType]) -> tuple[dict[str, tuple[Hook, ...]], list[Fault]]:
    """Every plugin's hooks, checked by pluggy: names, arguments, and that those which tell are no generators."""
    manager = pluggy.PluginManager("yunkong")
    manager.add_hookspecs(hookspecs)
    faults: list[Fault] = []
    for name, module in modules.items():
        try:
            found = importlib.import_module(f"{module.__name__}.hooks")
        except ModuleNotFoundError as error:
            if error.name != f"{module.__name__}.hooks":
                raise
            continue
        try:
            manager.register(found, name=name)
        except pluggy.PluginValidationError as error:
            faults.append(Fault("hook-arguments", f"{name}.hooks", str(error), _("Take the arguments of core/hookspecs.py, or fewer.")))
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        owner, unknown = manager.get_name(error.plugin), str(error).partition("'")[2].partition("'")[0]
        faults.append(Fault("hook-unknown", f"{owner}.hooks.{unknown}", _("There is no hook “{name}”.", name=unknown),
                            _("The hooks are listed in core/hookspecs.py.")))
    order = list(modules)
    hooks: dict[str, tuple[Hook, ...]] = {}
    for hook in (name for name in vars(hookspecs) if name.startswith(("register_", "check_", "fill_", "step_"))):
        implementations = sorted(getattr(manager.hook, hook).get_hookimpls(), key=lambda one: order.index(one.plugin_name))
        hooks[hook] = tuple(Hook(one.plugin_name, one.function, tuple(one.argnames)) for one in implementations)
        for one in hooks[hook]:
            if hook in hookspecs.TELLING and inspect.isgeneratorfunction(one.function):
                faults.append(Fault("hook-generator", f"{one.plugin}.hooks.{hook}", _("A hook that tells is written with yield; its body would never run."),
                                    _("Write it without yield.")))
    return hooks, faults


class _Collected:
    """What the plugins declare, while it is put together."""

    def __init__(self, plugins: Mapping[str, Plugin], hooks: Mapping[str, tuple[Hook, ...]]) -> None:
        self.plugins = plugins
        self.hooks = hooks
        self.faults: list[Fault] = []
        self.policies = self._named("policies")
        self.settings = self._named("settings")
        self.functions = {f"{p.name}.{n}": f for p in plugins.values() for n, f in p.functions.items()}
        self.roles = {f"{p.name}.{n}": r for p in plugins.values() for n, r in p.roles.items()}
        self.types: dict[str, RecordType] = {}
        self.reports: dict[str, Report] = {}
        self.clauses: dict[str, tuple[Clause, ...]] = {}
        self._collect()
        self._extend()
        self.types = {name: prune(rt, self) for name, rt in self.types.items()}

    def _named(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for plugin in self.plugins.values():
            for one in getattr(plugin, kind):
                if not one.name.startswith(f"{plugin.name}."):
                    self.faults.append(Fault("name-prefix", one.name, _("The name must begin with “{prefix}.”.", prefix=plugin.name)))
                if one.name in found:
                    self.faults.append(Fault("name-twice", one.name, _("This name is declared twice.")))
                found[one.name] = one
        return found

    def _collect(self) -> None:
        for hook in self.hooks["register_record_types"]:
            for rt in hook({}):
                if rt.plugin != hook.plugin:
                    self.faults.append(Fault("name-prefix", rt.name, _("The name must begin with “{prefix}.”.", prefix=hook.plugin)))
                if rt.name in self.types:
                    self.faults.append(Fault("name-twice", rt.name, _("This name is declared twice.")))
                self.types[rt.name] = rt
        for hook in self.hooks["register_reports"]:
            for noun, report in hook({}).items():
                self.reports[f"{hook.plugin}.{noun}"] = replace(report, name=f"{hook.plugin}.{noun}")
        for hook in self.hooks["register_clauses"]:
            self.clauses[hook.plugin] = tuple(hook({}))

    def _extend(self) -> None:
        for hook in self.hooks["register_extensions"]:
            plugin = self.plugins[hook.plugin]
            for extension in hook({}):
                host = self.types.get(extension.of)
                if host is None:
                    if extension.of.partition(".")[0] not in plugin.uses:
                        self.faults.append(Fault("extension-host", f"{plugin.name}:{extension.of}",
                                                 _("There is no record type “{name}” to extend.",
                                                   name=extension.of), _("Name its plugin in requires or uses.")))
                    continue
                self.faults += checks.extension_faults(plugin, host, extension)
                self.types[extension.of] = extend(host, plugin.name, extension)

    def draft(self) -> checks.Declared:
        """What the checks look at."""
        return checks.Declared(self.plugins, self.types, self.policies, self.settings, self.functions, self.roles, self.reports, self.clauses)

    def freeze(self, folders: Mapping[str, Path]) -> Registry:
        """The registry; its mappings cannot be written."""
        translations = Translations((CORE, *(folder / "translations" for folder in folders.values())))
        frozen: dict[str, Any] = {name: MappingProxyType(dict(getattr(self, name))) for name in REGISTERED}
        return Registry(**frozen, translations=translations, folders=MappingProxyType(dict(folders)))


def extend(host: RecordType, plugin: str, extension: Extension) -> RecordType:
    """The host with an extension added: fields, sections, guards and effects of steps, opens, prints."""
    workflow = host.workflow
    if workflow is not None and (extension.guards or extension.effects):
        steps = {
            name: replace(step, guards=(*step.guards, *extension.guards.get(name, ())), effects=(*step.effects, *extension.effects.get(name, ())))
            for name, step in workflow.transitions.items()
        }
        workflow = replace(workflow, transitions=steps)
    return replace(
        host,
        fields={**host.fields, **extension.fields},
        sections={**(host.sections or {"form": Section(host.label, tuple(host.fields))}), **extension.sections} if extension.sections else host.sections,
        workflow=workflow,
        opens={**host.opens, **extension.opens},
        prints={**host.prints, **extension.prints},
        extended={**host.extended, **dict.fromkeys(extension.fields, plugin)},
    )


def prune(rt: RecordType, collected: _Collected) -> RecordType:
    """The type without what points at a plugin in `uses` that is not enabled: references, opens, roles."""
    absent = {name for name in collected.plugins[rt.plugin].uses if name not in collected.plugins} if rt.plugin in collected.plugins else set()
    for owner in set(rt.extended.values()):
        absent |= {name for name in collected.plugins[owner].uses if name not in collected.plugins}
    if not absent:
        return rt

    def gone(name: object) -> bool:
        return isinstance(name, str) and name.partition(".")[0] in absent

    def kept(by: Any) -> Any:
        return tuple(kept(one) for one in by if not gone(one)) if isinstance(by, tuple) else (() if gone(by) else by)

    def field_kept(kind: Any) -> Any:
        columns = getattr(kind, "columns", None)
        if not columns:
            return kind
        return replace(kind, columns={n: c for n, c in columns.items() if not gone(getattr(c, "to", None))})

    def step_kept(step: Transition) -> Transition:
        return replace(step, by=kept(step.by) if not isinstance(step.by, (Policy, Named)) else step.by, opens=tuple(o for o in step.opens if not gone(o.to)))

    workflow = rt.workflow and Workflow(rt.workflow.states, {n: step_kept(s) for n, s in rt.workflow.transitions.items()}, rt.workflow.voids,
                                        rt.workflow.revises)
    fields = {n: field_kept(k) for n, k in rt.fields.items() if not gone(getattr(k, "to", None))}
    sections = {
        key: replace(section, fields=tuple(f for f in section.fields if f.partition(".")[0] in fields)) for key, section in rt.sections.items()
    }
    return replace(
        rt, fields=fields, sections=sections, workflow=workflow, opens={n: o for n, o in rt.opens.items() if not gone(o.to)},
        may_create=kept(rt.may_create), may_read=kept(rt.may_read), columns=tuple(c for c in rt.columns if c in fields or c not in rt.fields),
    )
