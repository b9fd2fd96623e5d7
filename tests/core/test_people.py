"""Facts about users, departments, roles and functions in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core import people
from core.errors import NotFound, Refused
from tests.core.peopled import CHEAP, PASSWORD, Company


@pytest.fixture
def company(engine_url):
    made = Company(engine_url)
    yield made
    made.database.close()


def refused(company: Company, function, *arguments, **options) -> list[tuple[str, str]]:
    """(place, code) of what the function refuses."""
    with pytest.raises(Refused) as caught:
        company.do(function, *arguments, **options)
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


# users


def test_a_new_account_stands_in_the_directory_and_in_the_trail(company) -> None:
    """Its roles too; the password does not."""
    chen = company.user("Chen.Siyuan", [("plant.planner", company.works)])
    it = company.directory()
    assert it.users[chen].username == "chen.siyuan" and it.users[chen].departments == (company.works,)
    assert it.holds(chen, "plant.planner", company.works)
    roles, added = company.trail()[:2]
    assert (added.action, added.record_id, added.actor_id) == ("core.user.added", chen, company.admin)
    assert roles.changes["roles"] == [[], ["plant.planner@W"]]
    assert PASSWORD not in str(company.trail())


def test_an_account_without_a_password_gets_a_random_one(company) -> None:
    """Shown this once, marked as given by somebody else."""
    first = company.do(people.add_user, company.registry, company.origin(), username="a1", name="A", memory=CHEAP)[1]
    second = company.do(people.add_user, company.registry, company.origin(), username="a2", name="A", memory=CHEAP)[1]
    assert first != second and len(first) >= 16


def test_everything_wrong_with_a_new_account_is_told_at_once(company) -> None:
    """Place by place."""
    found = refused(
        company, people.add_user, company.registry, company.origin(), username=" ADMIN ", name="", password="12345678", language="fr",
        roles=[("plant.gardener", None), ("core.head", None), ("core.administrator", company.works), ("plant.planner", 12345)], memory=CHEAP,
    )
    assert found == [
        ("/username", "username-taken"), ("/name", "name-form"), ("/language", "language"), ("/password", "password-common"),
        ("/roles/0/role", "role-unknown"), ("/roles/1/department", "role-department"), ("/roles/2/department", "role-sitewide"),
        ("/roles/3/department", "department-unknown"),
    ]


@pytest.mark.parametrize("username", ["", "x", "a b", "../etc", "a" * 65, "nul\0", "half\ud800", "<b>", None, 7])
def test_a_user_name_that_cannot_be_typed_is_refused(company, username) -> None:
    """Letters of any script, digits and a few signs."""
    assert refused(company, people.add_user, company.registry, company.origin(), username=username, name="A", memory=CHEAP) == [("/username", "username-form")]


def test_user_names_differ_by_more_than_case_and_width(company) -> None:
    """Full-width and capital letters are the same name."""
    company.user("chen")
    wide = "\uff23\uff28\uff25\uff2e"
    assert refused(company, people.add_user, company.registry, company.origin(), username=wide, name="A", memory=CHEAP) == [("/username", "username-taken")]


def test_of_two_accounts_with_one_name_made_at_once_one_is_refused(company) -> None:
    """Changes queue on the stamp."""
    def make(_each):
        try:
            return company.user("twin")
        except Refused as error:
            return error.problems[0].code

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))
    assert made.count("username-taken") == 3


def test_changes_of_an_account_stand_in_the_trail_with_before_and_after(company) -> None:
    """What stays the same is not told, and a save without a change leaves no trace."""
    chen = company.user()
    before = len(company.trail())
    company.do(people.change_user, company.origin(), chen, name="Chen Siyuan", language="en", username="chen", reason="married")
    company.do(people.change_user, company.origin(), chen, name="Chen Siyuan")
    trail = company.trail()
    assert len(trail) == before + 1
    assert trail[0].changes == {"name": ["Chen", "Chen Siyuan"], "language": [None, "en"]} and trail[0].reason == "married"


def test_the_last_administrator_cannot_be_lost(company) -> None:
    """Neither by disabling nor by taking the role; a second one frees the first."""
    assert refused(company, people.change_user, company.origin(), company.admin, is_active=False) == [("/is_active", "last-administrator")]
    assert refused(company, people.set_roles, company.registry, company.origin(), company.admin, []) == [("/roles", "last-administrator")]
    second = company.user("second", [("core.administrator", None)])
    company.do(people.change_user, company.origin(second), company.admin, is_active=False)
    assert company.directory().administrators() == (second,)
    assert refused(company, people.change_user, company.origin(), second, is_active=False) == [("/is_active", "last-administrator")]


def test_who_is_disabled_stays_known_and_holds_nothing(company) -> None:
    """Disabled, never deleted; what they held comes back with them."""
    chen = company.user(roles=[("plant.manager", None)])
    company.do(people.change_user, company.origin(), chen, is_active=False, reason="left")
    it = company.directory()
    assert it.users[chen].name == "Chen" and not it.holds(chen, "plant.manager")
    company.do(people.change_user, company.origin(), chen, is_active=True)
    assert company.directory().holds(chen, "plant.manager")


def test_only_what_may_be_changed_can_be_changed(company) -> None:
    """A key that slips in from outside never reaches the table."""
    with pytest.raises(TypeError):
        company.do(people.change_user, company.origin(), company.admin, password_hash="x")
    with pytest.raises(NotFound):
        company.do(people.change_user, company.origin(), 4711, name="Nobody")


def test_roles_are_given_and_taken_one_by_one_or_all_at_once(company) -> None:
    """Each change is told as a list of before and after."""
    chen = company.user(roles=[("plant.planner", company.works)])
    company.do(people.add_role, company.registry, company.origin(), chen, "core.head", company.works)
    company.do(people.remove_role, company.registry, company.origin(), chen, "plant.planner", company.works)
    assert company.trail()[0].changes["roles"] == [["plant.planner@W", "core.head@W"], ["core.head@W"]]
    company.do(people.set_roles, company.registry, company.origin(), chen, [("plant.manager", None)])
    with company.database.begin(reading=True) as connection:
        assert people.roles_held(connection, chen) == (("plant.manager", None),)
    assert refused(company, people.remove_role, company.registry, company.origin(), chen, "core.head", None) == [("/role", "role-not-held")]


# departments


def test_departments_form_a_tree(company) -> None:
    """Added, renamed, moved."""
    shop = company.department("W1", "Shop", company.works)
    company.do(people.change_department, company.origin(), shop, name="Shop one", parent_id=company.office, position=3)
    it = company.directory()
    assert it.departments[shop].path == ("Company", "Office", "Shop one")
    assert company.trail()[0].action == "core.department.moved" and company.trail()[0].changes["parent"] == ["W", "O"]


def test_a_department_cannot_stand_under_itself(company) -> None:
    """Nor under one of those below it."""
    shop = company.department("W1", "Shop", company.works)
    for parent in (company.works, shop):
        assert refused(company, people.change_department, company.origin(), company.works, parent_id=parent) == [("/parent_id", "department-cycle")]


def test_a_department_with_a_poor_code_or_name_is_refused(company) -> None:
    """All at once; a code is used once."""
    found = refused(company, people.add_department, company.origin(), code="W", name=" ", parent_id=77, position=-1)
    assert found == [("/code", "code-taken"), ("/name", "name-form"), ("/position", "position"), ("/parent_id", "department-unknown")]
    assert refused(company, people.add_department, company.origin(), code="a/b", name="X") == [("/code", "code-form")]


def test_a_department_is_closed_from_below_and_without_functions(company) -> None:
    """What hangs on it is named."""
    close = (company, people.change_department, company.origin(), company.works)
    shop = company.department("W1", "Shop", company.works)
    assert refused(*close, is_active=False) == [("/is_active", "department-children")]
    company.do(people.change_department, company.origin(), shop, is_active=False)
    company.do(people.bind_function, company.registry, company.origin(), "plant.planning", [company.works], reason="start")
    assert refused(*close, is_active=False) == [("/is_active", "department-bound")]
    company.do(people.bind_function, company.registry, company.origin(), "plant.planning", [], reason="end")
    company.do(people.change_department, company.origin(), company.works, is_active=False)
    assert refused(company, people.change_department, company.origin(), shop, is_active=True) == [("/is_active", "parent-closed")]


# functions


def test_a_function_is_bound_with_a_reason(company) -> None:
    """For everybody, or for one requesting department; the trail shows codes."""
    company.do(people.bind_function, company.registry, company.origin(), "plant.planning", [company.works], reason="it plans")
    company.do(people.bind_function, company.registry, company.origin(), "plant.planning", [company.office], for_department=company.office, reason="own")
    it = company.directory()
    assert it.function("plant.planning", company.top) == (company.works,) and it.function("plant.planning", company.office) == (company.office,)
    assert company.trail()[0].changes == {"function": ["plant.planning"] * 2, "departments": [[], ["O"]], "for_department": ["O", "O"]}


def test_a_binding_without_reason_or_department_is_refused(company) -> None:
    """And a function that nobody names does not exist."""
    found = refused(company, people.bind_function, company.registry, company.origin(), "plant.planning", [1, company.works], for_department=2)
    assert found == [("/departments/0", "department-unknown"), ("/for_department", "department-unknown"), ("/reason", "required")]
    with pytest.raises(NotFound):
        company.do(people.bind_function, company.registry, company.origin(), "plant.gardening", [], reason="?")


# the stamp


def test_every_change_of_people_moves_the_stamp(company) -> None:
    """So that every process reads the directory anew; a password alone does not."""
    stamps = [company.directory().stamp]
    chen = company.user()
    for function, arguments, options in (
        (people.change_user, (company.origin(), chen), {"name": "C"}),
        (people.add_role, (company.registry, company.origin(), chen, "plant.manager", None), {}),
        (people.add_department, (company.origin(),), {"code": "N", "name": "New"}),
        (people.bind_function, (company.registry, company.origin(), "plant.planning", [company.works]), {"reason": "x"}),
    ):
        company.do(function, *arguments, **options)
        stamps.append(company.directory().stamp)
    assert stamps == sorted(set(stamps))
    company.do(people.set_password, company.origin(), chen, memory=CHEAP)
    assert company.directory().stamp == stamps[-1]


def test_a_directory_takes_a_handful_of_statements(company) -> None:
    """However many people there are."""
    from sqlalchemy import event

    seen = []
    event.listen(company.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    company.directory()
    assert len([one for one in seen if one.startswith("SELECT")]) <= 8
