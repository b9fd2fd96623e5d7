"""Facts about the directory: the tree, seats, functions, policies and settings."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace

import pytest

from core import fields
from core.directory import ALL, Binding, Contents, Department, Directory, Held, User
from core.messages import _
from core.records import Function, Role, Setting
from core.workflow import Choice, Policy

APPROVER = Policy(
    "plant.approver", _("Approver"),
    {"deputy": Choice(_("Deputy"), roles=("plant.deputy",)), "manager": Choice(_("Manager"), roles=("plant.manager",)), "none": Choice(_("None"), skips=("approve",))},
    default="deputy",
)
REGISTRY = SimpleNamespace(
    roles={
        "core.administrator": Role(_("Administrator")), "core.employee": Role(_("Employee")), "core.head": Role(_("Head")),
        "plant.deputy": Role(_("Deputy")), "plant.manager": Role(_("Manager")), "plant.planner": Role(_("Planner"), function="plant.planning"),
        "plant.fitter": Role(_("Fitter"), function="plant.maintenance"),
    },
    functions={"plant.planning": Function(_("Planning")), "plant.maintenance": Function(_("Maintenance")), "plant.unused": Function(_("Unused"))},
    policies={"plant.approver": APPROVER},
    settings=MappingProxyType({"plant.days": Setting("plant.days", _("Days"), fields.Integer(_("Days")), default=7)}),
)

COMPANY, WORKS, SHOP, TEAM, PLANNING, MAINTENANCE, OFFICE, CLOSED = range(1, 9)
ADMIN, BOSS, PLANNER, FITTER, WORKER, GONE, LEFT = range(101, 108)

DEPARTMENTS = (
    Department(COMPANY, "C", "Company"), Department(WORKS, "W", "Works", COMPANY, position=1), Department(SHOP, "W1", "Shop one", WORKS),
    Department(TEAM, "W11", "Team", SHOP), Department(PLANNING, "P", "Planning", COMPANY, position=2),
    Department(MAINTENANCE, "M", "Maintenance", COMPANY, position=3), Department(OFFICE, "O", "Office", COMPANY, position=4),
    Department(CLOSED, "X", "Closed", COMPANY, is_active=False),
)
USERS = (
    User(ADMIN, "admin", "Admin"), User(BOSS, "boss", "Boss"), User(PLANNER, "planner", "Planner"), User(FITTER, "fitter", "Fitter"),
    User(WORKER, "worker", "Worker"), User(GONE, "gone", "Gone", is_active=False), User(LEFT, "left", "Left"),
)
HELD = (
    Held(ADMIN, "core.administrator", None), Held(BOSS, "plant.manager", None), Held(PLANNER, "plant.planner", PLANNING),
    Held(FITTER, "plant.fitter", MAINTENANCE), Held(WORKER, "core.employee", TEAM), Held(WORKER, "core.head", SHOP),
    Held(GONE, "plant.planner", PLANNING), Held(LEFT, "core.employee", CLOSED),
)


def directory(bindings=(), **more) -> Directory:
    return Directory(REGISTRY, Contents(users=USERS, departments=DEPARTMENTS, held=HELD, bindings=tuple(bindings), **more))


def test_departments_know_what_stands_above_and_below_them() -> None:
    """Ancestors come nearest first, a subtree holds the department itself, a path reads from the top."""
    it = directory()
    assert it.ancestors(TEAM) == (TEAM, SHOP, WORKS, COMPANY)
    assert it.subtree(WORKS) == {WORKS, SHOP, TEAM}
    assert it.departments[TEAM].path == ("Company", "Works", "Shop one", "Team")
    assert it.ancestors(None) == ()
    assert it.by_code["W1"].id == SHOP


def test_departments_read_in_order_of_the_tree() -> None:
    """Position first, then code, children after their parent."""
    assert list(directory().departments) == [COMPANY, CLOSED, WORKS, SHOP, TEAM, PLANNING, MAINTENANCE, OFFICE]


def test_a_role_held_in_a_department_counts_there_and_below() -> None:
    """Head of the shop is head in its team, not in the works above."""
    it = directory()
    assert it.holds(WORKER, "core.head", SHOP)
    assert it.holds(WORKER, "core.head", TEAM)
    assert not it.holds(WORKER, "core.head", WORKS)
    assert it.departments_with(WORKER, "core.head").departments == {SHOP, TEAM}


def test_a_role_held_in_the_whole_site_counts_everywhere() -> None:
    """Also where there is no department."""
    it = directory()
    assert it.holds(BOSS, "plant.manager", TEAM) and it.holds(BOSS, "plant.manager", None)
    assert it.departments_with(BOSS, "plant.manager") == ALL


def test_a_role_of_a_function_counts_for_whom_its_department_serves() -> None:
    """The planner sits in planning, which plans for everybody."""
    it = directory([Binding("plant.planning", PLANNING)])
    assert it.holds(PLANNER, "plant.planner", SHOP)
    assert it.departments_with(PLANNER, "plant.planner").departments == set(it.departments)
    assert it.holders("plant.planner", SHOP) == (PLANNER,)


def test_a_role_of_an_unbound_function_counts_in_its_own_department_alone() -> None:
    """Nobody has said for whom planning plans."""
    it = directory()
    assert it.holds(PLANNER, "plant.planner", PLANNING)
    assert not it.holds(PLANNER, "plant.planner", SHOP)
    assert set(it.unbound()) == {"plant.planning", "plant.maintenance", "plant.unused"}


def test_the_nearest_binding_above_a_department_counts() -> None:
    """The office has its own maintenance; everybody else has the common one."""
    it = directory([Binding("plant.maintenance", MAINTENANCE), Binding("plant.maintenance", OFFICE, WORKS)])
    assert it.function("plant.maintenance", TEAM) == (OFFICE,)
    assert it.function("plant.maintenance", PLANNING) == (MAINTENANCE,)
    assert it.function("plant.maintenance", None) == (MAINTENANCE,)
    assert not it.holds(FITTER, "plant.fitter", TEAM)
    assert it.holds(FITTER, "plant.fitter", PLANNING)


def test_a_closed_department_carries_out_no_function() -> None:
    """A binding to it is as good as none."""
    assert directory([Binding("plant.planning", CLOSED)]).function("plant.planning", SHOP) == ()


def test_a_function_means_everyone_of_its_department_and_below() -> None:
    """By function instead of role: whoever works there."""
    it = directory([Binding("plant.maintenance", WORKS)])
    assert it.holds(WORKER, "plant.maintenance", OFFICE)
    assert it.holders("plant.maintenance", OFFICE) == (WORKER,)
    assert it.departments_with(WORKER, "plant.maintenance").departments == set(it.departments)
    assert not it.departments_with(FITTER, "plant.maintenance")


def test_everyone_with_an_open_department_is_an_employee_there() -> None:
    """Belonging is holding anything; the administrator of the site belongs nowhere by that."""
    it = directory()
    assert it.holds(PLANNER, "core.employee", PLANNING)
    assert it.holds(BOSS, "core.employee", OFFICE)
    assert not it.holds(ADMIN, "core.employee", None)
    assert not it.holds(LEFT, "core.employee", None)
    assert it.users[WORKER].departments == (TEAM, SHOP)


def test_who_is_disabled_holds_nothing() -> None:
    """Neither by asking for them nor among the holders."""
    it = directory([Binding("plant.planning", PLANNING)])
    assert not it.holds(GONE, "plant.planner", PLANNING)
    assert it.holders("plant.planner", PLANNING) == (PLANNER,)
    assert not it.departments_with(GONE, "plant.planner")


def test_nobody_holds_nothing() -> None:
    """Without a user there is no right."""
    assert not directory().holds(None, "core.employee", SHOP)


@pytest.mark.parametrize(("department", "choice"), [(TEAM, "none"), (WORKS, "manager"), (SHOP, "none"), (OFFICE, "manager"), (None, "manager")])
def test_the_nearest_choice_of_a_policy_counts(department, choice) -> None:
    """The department's own, that of the nearest above it, the site's, the default."""
    it = directory(choices={("plant.approver", None): "manager", ("plant.approver", SHOP): "none"}, choices_before={("plant.approver", SHOP): "deputy"})
    assert it.choice("plant.approver", department) == choice


def test_a_choice_that_is_declared_no_more_counts_as_none() -> None:
    """After an update of a plugin the next one above holds."""
    it = directory(choices={("plant.approver", SHOP): "long gone"})
    assert it.choice("plant.approver", SHOP) == "deputy"


def test_a_policy_remembers_what_held_before() -> None:
    """Records found in a passed state go on by it."""
    it = directory(choices={("plant.approver", SHOP): "none"}, choices_before={("plant.approver", SHOP): "manager"})
    assert it.choice_before("plant.approver", TEAM) == "manager"
    assert it.choice_before("plant.approver", OFFICE) == "deputy"


def test_a_setting_falls_back_to_what_is_above_and_to_its_default() -> None:
    """Department, above, site, default."""
    it = directory(settings={("plant.days", None): 5, ("plant.days", WORKS): 3})
    assert (it.setting("plant.days", TEAM), it.setting("plant.days", OFFICE), directory().setting("plant.days")) == (3, 5, 7)


def test_the_sites_own_word_stands_where_it_has_one() -> None:
    """Per kind, key and language."""
    it = directory(words={("role", "plant.planner", "en"): "Scheduler"})
    assert it.word("role", "plant.planner", "en") == "Scheduler"
    assert it.word("role", "plant.planner", "zh_CN") is None
