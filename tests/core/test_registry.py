"""The registry: finds plugins, orders and extends them, and refuses every fault at once, with code, place and hint."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import core
from core import Extension, Plugin, fields
from core.errors import Faults
from core.registry import build_registry
from core.storage.tables import build_tables
from tests import broken_plugins
from tests.broken_plugins import BROKEN, NOTE, PLUGIN, package

CASES = [(code, place) for code, packages in BROKEN.items() for place in range(len(packages))]


def faults_of(module, *more):
    with pytest.raises(Faults) as raised:
        found = build_registry([module.PLUGIN.name], {module.PLUGIN.name: module} | {one.PLUGIN.name: one for one in more})
        build_tables(found)
    return raised.value.faults


@pytest.mark.parametrize(("code", "place"), CASES)
def test_each_fault_is_told_with_its_code(code, place):
    """A plugin that is wrong in one point is refused for that point, in words and with a place."""
    found = [fault for fault in faults_of(BROKEN[code][place]) if fault.code == code]
    assert found and all(fault.what and fault.place for fault in found)


def test_every_code_has_a_broken_plugin():
    """The catalogue of broken plugins names each code that the registry can give."""
    folder = Path(core.__file__).parent
    sources = (folder / "checks.py", folder / "registry.py", folder / "storage" / "tables.py")
    codes = {code for source in sources for code in re.findall(r'Fault\(\s*"([a-z-]+)"', source.read_text())}
    assert codes == set(BROKEN)


def test_all_faults_are_told_at_once():
    """Two faults in two types are one refusal."""
    wrong = package(types=(replace(NOTE, title="{colour}", columns=("size",)), replace(broken_plugins.THING, may_create=())))
    assert {fault.code for fault in faults_of(wrong)} == {"title-field", "column-field", "register-create"}


def test_a_right_plugin_is_taken():
    """The plugin that the broken ones are made from is itself whole."""
    registry = build_registry(["broken"], {"broken": package()})
    assert list(registry.types) == ["broken.note", "broken.thing"]


def test_plugins_come_after_those_they_require():
    """And those that they require are enabled with them."""
    later = package(Plugin("above", label="Above", requires={"broken": ">=0.1"}), types=())
    registry = build_registry(["above"], {"above": later, "broken": package()})
    assert list(registry.plugins) == ["core", "broken", "above"]


def test_two_registries_do_not_see_each_others_extensions():
    """The same type is extended in one and plain in the other."""
    above = package(
        Plugin("above", label="Above", requires={"broken": ">=0.1"}), types=(),
        extensions=(Extension(of="broken.note", fields={"above_colour": fields.Text("Colour")}),),
    )
    extended = build_registry(["above"], {"above": above, "broken": package()})
    plain = build_registry(["broken"], {"broken": package()})
    assert "above_colour" in extended.types["broken.note"].fields
    assert "above_colour" not in plain.types["broken.note"].fields
    assert extended.types["broken.note"].extended == {"above_colour": "above"}


def test_what_points_at_a_plugin_that_is_not_enabled_is_left_out():
    """A reference to a type of a plugin in `uses` is not there without it, and there with it."""
    thing = fields.Reference("Item", to="master_data.item")
    user = replace(PLUGIN, uses=("master_data",))
    module = package(user, types=(replace(NOTE, fields={**NOTE.fields, "item": thing}), broken_plugins.THING))
    assert "item" not in build_registry(["broken"], {"broken": module}).types["broken.note"].fields
    assert "item" in build_registry(["broken", "master_data"], {"broken": module}).types["broken.note"].fields


def test_an_exception_in_a_hook_names_the_plugin():
    """Whoever reads the log knows whose it is."""
    def fails(work, record, step):
        raise ValueError("no")

    registry = build_registry(["broken"], {"broken": package(hooks={"step_taken": fails})})
    with pytest.raises(ValueError, match="no") as raised:
        list(registry.call("step_taken", work=None, record=None, step="submit"))
    assert "broken" in raised.value.__notes__[0]


def test_a_frozen_registry_cannot_be_written():
    """Its mappings refuse."""
    registry = build_registry(["broken"], {"broken": package(PLUGIN)})
    with pytest.raises(TypeError):
        registry.types["broken.other"] = NOTE
