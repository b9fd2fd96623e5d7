"""Facts about the administration pages: who may open them, what they change, and what they say when they refuse."""

from __future__ import annotations

import re

import pytest

PAGES = ("/admin", "/admin/users", "/admin/users/new", "/admin/departments", "/admin/functions", "/admin/policies", "/admin/settings", "/admin/sessions", "/admin/trail")


@pytest.fixture
def plugins():
    return ("production",)


@pytest.fixture
def admin(client):
    return client.sign_in("core.administrator")


def html(answer) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("page", PAGES)
def test_only_administrators_open_the_administration(client, page) -> None:
    """Others are told so; visitors are asked to sign in."""
    assert client.get(page).status_code == 303
    client.sign_in("production.planner")
    assert client.get(page).status_code == 403


@pytest.mark.parametrize("language", ["zh_CN", "zh_TW", "en"])
def test_every_page_opens_in_every_language_with_one_primary_button(admin, people, language) -> None:
    """And nothing inline that the content policy would refuse."""
    admin.post_form("/me/language", {"language": language}, page="/admin")
    user, department = people.id("production.planner"), people.department("DEPT1")
    for page in (*PAGES, f"/admin/users/{user}", f"/admin/departments/{department}", "/admin/functions?function=core.sales&for=" + str(department)):
        text = html(admin.get(page))
        assert len(re.findall(r'class="btn btn-p', text)) == 1, page
        assert not re.search(r"<[^>]+\s(style|on\w+)=", text), page
        assert "<form method=\"post\"" not in text or text.count('name="_csrf"') >= text.count('method="post"'), page


# users


def test_a_new_user_is_given_a_password_that_works_and_is_shown_once(admin, people, app) -> None:
    """The page may not be kept; the account can sign in with what it shows."""
    answer = admin.post_form(
        "/admin/users", {"username": "Wang.Wu", "name": "Wang Wu", "role": "production.planner", "department": people.department("DEPT1")}, page="/admin/users/new",
    )
    password = re.search(r"data-password>([^<]+)<", html(answer))[1]
    assert answer.headers["Cache-Control"] == "no-store"
    other = app.test_client()
    other.people = people
    other.sign_in("wang.wu", password=password)
    assert "Wang Wu" in html(admin.get("/admin/users?q=wang.w"))


def test_a_refused_user_keeps_what_was_typed_and_says_what_to_mend(admin) -> None:
    """The summary leads to the field."""
    answer = admin.post_form("/admin/users", {"username": "a b", "name": "Typed <name>", "role": "core.head"}, page="/admin/users/new")
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert 'href="#f-username"' in text and 'value="Typed &lt;name&gt;"' in text and 'id="f-username-problem"' in text and 'href="#f-department"' in text


def test_a_double_click_makes_one_account(admin, people) -> None:
    """The form is sent once."""
    secrets = admin.secrets("/admin/users/new")
    data = {**secrets, "username": "twice", "name": "Twice"}
    first, second = admin.post("/admin/users", data=data), admin.post("/admin/users", data=data)
    assert first.status_code == 200 and second.status_code == 303
    assert second.headers["Location"] == f"/admin/users/{people.id('twice')}"


def test_an_account_is_changed_disabled_and_enabled(admin, people) -> None:
    """Disabling ends its sessions."""
    user = people.id("production.planner")
    other = admin.application.test_client()
    other.people = people
    other.sign_in("production.planner")
    place = f"/admin/users/{user}"
    assert admin.post_form(place, {"username": "planner", "name": "Planner One", "language": "en"}).status_code == 303
    assert "Planner One" in html(admin.get(place))
    assert admin.post_form(f"{place}/state", {"is_active": "0", "state_reason": "left"}, page=place).status_code == 303
    assert other.get("/").status_code == 303
    assert admin.post_form(f"{place}/state", {"is_active": "1"}, page=place).status_code == 303
    assert "left" in html(admin.get(place))


def test_the_last_administrator_is_kept(admin, people) -> None:
    """The page says why, in its place."""
    place = f"/admin/users/{people.id('core.administrator')}"
    answer = admin.post_form(f"{place}/state", {"is_active": "0"}, page=place)
    assert answer.status_code == 422 and 'id="state-problem"' in answer.get_data(as_text=True)
    held = {"held": "core.administrator", "at": ""}
    assert admin.post_form(f"{place}/roles/remove", held, page=place).status_code == 422


def test_roles_are_given_and_taken_on_the_page(admin, people) -> None:
    """Each is told with its department."""
    user, department = people.id("outsider"), people.department("DEPT2")
    place = f"/admin/users/{user}"
    assert admin.post_form(f"{place}/roles", {"role": "production.planner", "department": department}, page=place).status_code == 303
    with people.site.work(reading=True) as work:
        assert work.directory.holds(user, "production.planner", department)
    assert admin.post_form(f"{place}/roles/remove", {"held": "production.planner", "at": department}, page=place).status_code == 303
    assert admin.post_form(f"{place}/roles", {"role": "production.nobody"}, page=place).status_code == 422
    assert admin.post_form(f"{place}/roles", {"role": ""}, page=place).status_code == 422


def test_a_new_password_ends_the_sessions_of_its_user(admin, people, app) -> None:
    """The old one is no good any more."""
    place = f"/admin/users/{people.id('outsider')}"
    password = re.search(r"data-password>([^<]+)<", html(admin.post_form(f"{place}/password", {}, page=place)))[1]
    other = app.test_client()
    other.people = people
    other.sign_in("outsider", password=password)


# departments and functions


def test_departments_are_added_moved_and_closed(admin, people) -> None:
    """What cannot be is said on the page."""
    hq = people.department("HQ")
    assert admin.post_form("/admin/departments", {"code": "N1", "name": "New", "parent_id": hq, "position": "2"}).status_code == 303
    new = people.department("N1")
    place = f"/admin/departments/{new}"
    data = {"code": "N1", "name": "New shop", "parent_id": people.department("DEPT1"), "position": "0", "is_active": "1"}
    assert admin.post_form(place, data).status_code == 303
    refused = admin.post_form(f"/admin/departments/{people.department('DEPT1')}", {**data, "code": "DEPT1", "parent_id": new})
    assert refused.status_code == 422 and 'href="#f-parent_id"' in refused.get_data(as_text=True)
    assert admin.post_form(place, {**data, "is_active": "0"}).status_code == 303
    assert admin.post_form("/admin/departments", {"code": "N1", "name": "", "position": "x"}).status_code == 422


def test_a_function_is_bound_with_a_reason(admin, people) -> None:
    """Unbound ones are shown, and a missing reason is asked for."""
    department = people.department("DEPT2")
    data = {"function": "core.sales", "departments": [department], "for_department": "", "reason": "moved"}
    assert admin.post_form("/admin/functions", {**data, "reason": ""}).status_code == 422
    assert admin.post_form("/admin/functions", data).status_code == 303
    assert admin.post_form("/admin/functions", {**data, "departments": []}).status_code == 303
    assert "tone-warn" in html(admin.get("/admin/functions"))


# policies and settings


def test_a_policy_is_decided_and_taken_back(admin, people) -> None:
    """For a department; the reason stands in the list of changes."""
    with people.site.work(reading=True) as work:
        name, policy = next(iter(work.registry.policies.items()))
    department = people.department("DEPT1")
    other = next(key for key in policy.choices if key != policy.default)
    data = {"policy": name, "department": department, "choice": other, "reason": "the board said so"}
    assert admin.post_form("/admin/policies", {**data, "reason": ""}).status_code == 422
    assert admin.post_form("/admin/policies", data).status_code == 303
    with people.site.work(reading=True) as work:
        assert work.directory.choice(name, department) == other and work.directory.choice(name) == policy.default
    assert "the board said so" in html(admin.get("/admin/trail?kind=core.policy"))
    assert admin.post_form("/admin/policies", {**data, "choice": ""}).status_code == 303
    with people.site.work(reading=True) as work:
        assert work.directory.choice(name, department) == policy.default


def test_a_setting_is_set_and_taken_back(admin, people) -> None:
    """What its field does not take is refused at the field."""
    data = {"setting": "core.session_idle", "department": "", "value": "20", "how": "set", "reason": "shared screens"}
    assert admin.post_form("/admin/settings", data).status_code == 303
    with people.site.work(reading=True) as work:
        assert work.directory.setting("core.session_idle") == 20
    refused = admin.post_form("/admin/settings", {**data, "value": "twenty"})
    assert refused.status_code == 422 and 'href="#f-value"' in refused.get_data(as_text=True)
    assert admin.post_form("/admin/settings", {**data, "how": "back"}).status_code == 303
    with people.site.work(reading=True) as work:
        assert work.directory.setting("core.session_idle") == 30


# sessions


def test_ticked_sessions_end(admin, people, app) -> None:
    """Nothing ticked is said."""
    other = app.test_client()
    other.people = people
    other.sign_in("outsider")
    text = html(admin.get("/admin/sessions"))
    row = next(part for part in text.split("<tr>") if "outsider" in part)
    session = re.search(r'name="session" value="(\d+)"', row)[1]
    assert admin.post_form("/admin/sessions", {}).status_code == 422
    assert admin.post_form("/admin/sessions", {"session": [session], "reason": "lost"}).status_code == 303
    assert other.get("/").status_code == 303


@pytest.mark.parametrize("place", ["/admin/users/1", "/admin/departments/1", "/admin/functions?function=x", "/admin/policies?policy=x", "/admin/settings?setting=x"])
def test_what_is_not_there_is_not_there(admin, place) -> None:
    """A page of its own, not a fault."""
    assert admin.get(place).status_code == 404


@pytest.mark.parametrize("place", [
    "/admin/trail?before=x&actor=y&kind=z", "/admin/users?department=99999999999999999999&after=x&q=y", "/admin/departments?under=x",
])
def test_nonsense_in_an_address_is_passed_over(admin, place) -> None:
    """It narrows to nothing or is ignored."""
    assert admin.get(place).status_code == 200


@pytest.mark.parametrize("place", ["/admin/trail?kind=%00", "/admin/users?after=%00&q=%00"])
def test_a_character_that_no_database_keeps_is_refused_in_an_address(admin, place) -> None:
    """In words, not with a fault."""
    assert admin.get(place).status_code == 422


def test_what_is_done_to_records_is_told_in_words(admin, people) -> None:
    """Steps by their names, all else by words of the reader's language."""
    with people.work_as("master_data.item_keeper") as work:
        item = work.create("master_data.item", {"code": "T-1", "name": "Tap", "kind": "material", "unit": "pcs"})
        work.edit(item, name="Taps")
    text = html(admin.get("/admin/trail"))
    assert "建立" in text and "保存" in text
    assert "created" not in text and "changed" not in text
