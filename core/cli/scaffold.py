"""The files of a new plugin, written out of templates: small, complete, and passing its own tests."""

from __future__ import annotations

import importlib.util
import keyword
import re
import string
from pathlib import Path

from core.checks import PLUGINS_TAKEN
from core.errors import Problem, Refused
from core.messages import _
from core.registry import available_plugins

TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def write(name: str, into: Path | None) -> list[Path]:
    """Write a plugin's files; into the package `plugins`, or as a distribution of its own. Returns what was written."""
    refuse_name(name)
    if into is None:
        package = plugins_folder() / name
        places = {"plugin": package, "tests": package.parent.parent / "tests" / "plugins" / name}
    else:
        root = into / f"yunkong-{name.replace('_', '-')}"
        places = {"distribution": root, "plugin": root / f"yunkong_{name}", "tests": root / "tests"}
    for place in places.values():
        if place.exists():
            raise Refused([Problem("", _("{path} is there already.", path=place), _("Choose another name or folder."), "plugin-exists")])
    values = {"name": name, "dashed": name.replace("_", "-"), "Title": name.replace("_", " ").capitalize(), "PREFIX": name[:2].upper()}
    return [made for kind, place in places.items() for made in _fill(TEMPLATES / kind, place, values)]


def refuse_name(name: str) -> None:
    """Refuse a name that the registry would refuse, or that is taken."""
    hint = _("Take one or two plain words in small letters, such as visitors or key_loans.")
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in PLUGINS_TAKEN or len(name) > 30:
        raise Refused([Problem("name", _("“{name}” cannot be the name of a plugin.", name=name), hint, "plugin-name")])
    if name in available_plugins():
        raise Refused([Problem("name", _("There is a plugin {name} already.", name=name), hint, "plugin-exists")])


def plugins_folder() -> Path:
    """The package `plugins`, where this is the source and not an installed copy."""
    found = importlib.util.find_spec("plugins")
    folder = Path(next(iter(found.submodule_search_locations or ()))) if found else Path()
    if not (folder.parent / "pyproject.toml").exists():
        hint = _("Name a folder for a distribution of its own with --into.")
        raise Refused([Problem("", _("Yunkong is installed here, not checked out."), hint, "plugin-place")])
    return folder


def _fill(templates: Path, place: Path, values: dict[str, str]) -> list[Path]:
    made = []
    for template in sorted(templates.rglob("*.tmpl")):
        target = place / template.relative_to(templates).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(string.Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
        made.append(target)
    return made
