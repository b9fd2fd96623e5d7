"""Facts about the administrators' operations of the API."""

from __future__ import annotations

import pytest

GOOD = "seven small green boats"


@pytest.fixture
def plugins():
    return ("production",)


@pytest.fixture
def admin(api):
    return api("core.administrator")


def put(api, path, body):
    return api.open("PUT", path, body)


def patch(api, path, body):
    return api.open("PATCH", path, body)


def problems(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.get_data(as_text=True)
    return [(one["where"], one["code"]) for one in answer.json["problems"]]


@pytest.mark.parametrize("path", ["/users", "/users/1", "/users/1/roles", "/users/1/sessions", "/departments", "/functions", "/policies", "/settings"])
def test_others_than_administrators_are_refused(api, path) -> None:
    """Before anything is looked up."""
    assert api("production.manager").get(path).status_code == 403


def test_an_account_is_made_read_changed_and_disabled(admin, api, people) -> None:
    """Its token ends with it."""
    department = str(people.department("DEPT1"))
    body = {"username": "Li.Na", "name": "Li Na", "password": GOOD, "roles": [{"role": "production.planner", "department": department}]}
    made = admin.post("/users", body)
    assert made.status_code == 201 and made.headers["Location"] == f"/api/v1/users/{made.json['id']}"
    assert made.json == {"id": made.json["id"], "username": "li.na", "name": "Li Na", "language": None, "is_active": True, "departments": [department]}
    place = f"/users/{made.json['id']}"
    assert admin.get(place).json == made.json
    token = admin.client.post("/api/v1/tokens", json={"username": "li.na", "password": GOOD}).json["token"]
    changed = patch(admin, place, {"name": "Li Na", "language": "en", "is_active": False, "reason": "left"})
    assert changed.status_code == 200 and changed.json["is_active"] is False
    assert admin.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_what_is_wrong_with_a_body_is_told_by_its_place(admin) -> None:
    """Unknown fields, wrong kinds, missing ones, and what the rules refuse."""
    found = problems(admin.post("/users", {"username": 7, "nickname": "x", "roles": [{"role": "x", "department": "one"}, "y"]}))
    assert found == [
        ("/name", "required"), ("/password", "required"), ("/username", "type"), ("/nickname", "unknown_field"), ("/roles/0/department", "id"),
        ("/roles/1", "type"),
    ]
    body = {"username": "outsider", "name": "\u0000", "password": "12345678", "roles": [{"role": "nobody"}]}
    assert problems(admin.post("/users", body)) == [
        ("/username", "username-taken"), ("/name", "name-form"), ("/password", "password-common"), ("/roles/0/role", "role-unknown"),
    ]
    assert problems(admin.post("/users", ["a"])) == [("", "type")]


def test_users_are_listed_page_by_page(admin) -> None:
    """By name; a cursor of another list is refused."""
    first = admin.get("/users?limit=2").json
    second = admin.get(f"/users?limit=200&cursor={first['next']}").json
    assert len(first["items"]) == 2 and second["next"] is None
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in second["items"]}
    assert [one["username"] for one in admin.get("/users?q=OUTSID").json["items"]] == ["outsider"]
    assert problems(admin.get("/users?limit=0")) == [("/limit", "limit")]
    assert problems(admin.get("/users?cursor=x")) == [("/cursor", "cursor")]


def test_roles_are_read_and_replaced(admin, people) -> None:
    """The last administrator stays."""
    place = f"/users/{people.id('outsider')}/roles"
    department = str(people.department("DEPT2"))
    wanted = [{"role": "core.head", "department": department}]
    assert put(admin, place, {"roles": wanted}).json == {"items": wanted, "next": None} == admin.get(place).json
    own = f"/users/{people.id('core.administrator')}/roles"
    assert problems(put(admin, own, {"roles": []})) == [("/roles", "last-administrator")]


def test_a_password_given_by_an_administrator_ends_all_sessions(admin, api, people) -> None:
    """The user signs in with the new one."""
    other = api("outsider")
    assert patch(admin, f"/users/{people.id('outsider')}", {"password": GOOD}).status_code == 200
    assert other.get("/me").status_code == 401
    assert admin.client.post("/api/v1/tokens", json={"username": "outsider", "password": GOOD}).status_code == 201


def test_sessions_are_listed_and_ended(admin, api, people) -> None:
    """All at once."""
    other = api("outsider")
    place = f"/users/{people.id('outsider')}/sessions"
    listed = admin.get(place).json["items"]
    assert [one["kind"] for one in listed] == ["token"] and "token_hash" not in listed[0]
    assert admin.delete(place).status_code == 204
    assert other.get("/me").status_code == 401 and admin.get(place).json["items"] == []


def test_departments_are_added_and_moved(admin, people) -> None:
    """A circle is refused at `parent`."""
    top = str(people.department("HQ"))
    made = admin.post("/departments", {"code": "N1", "name": "New", "parent": top})
    assert made.status_code == 201 and made.json["parent"] == top and made.json["path"][-1] == "New"
    place = f"/departments/{made.json['id']}"
    assert patch(admin, place, {"name": "Newer", "position": 5}).json["name"] == "Newer"
    assert problems(patch(admin, f"/departments/{top}", {"parent": made.json["id"]})) == [("/parent", "department-cycle")]
    assert patch(admin, place, {"is_active": False}).json["is_active"] is False
    assert patch(admin, "/departments/4711", {"name": "x"}).status_code == 404
    assert any(one["code"] == "N1" for one in admin.get("/departments").json["items"])


def test_functions_are_bound(admin, people) -> None:
    """For everybody and for one requesting department."""
    one, two = str(people.department("DEPT1")), str(people.department("DEPT2"))
    found = put(admin, "/functions/core.sales", {"departments": [two], "for_department": two, "reason": "own"}).json
    assert found["bindings"] == [{"for_department": None, "departments": [one]}, {"for_department": two, "departments": [two]}]
    assert problems(put(admin, "/functions/core.sales", {"departments": ["4711"], "reason": ""})) == [
        ("/departments/0", "department-unknown"), ("/reason", "required"),
    ]
    assert put(admin, "/functions/core.gardening", {"departments": [], "reason": "x"}).status_code == 404
    assert {one["name"] for one in admin.get("/functions").json["items"]} >= {"core.sales", "production.planning"}


def test_policies_are_decided_and_taken_back(admin, people) -> None:
    """With a reason; null takes back."""
    policy = admin.get("/policies").json["items"][0]
    place, department = f"/policies/{policy['name']}", str(people.department("DEPT1"))
    other = next(one["name"] for one in policy["choices"] if one["name"] != policy["default"])
    found = put(admin, place, {"choice": other, "department": department, "reason": "asked for"}).json
    assert found["decided"] == [
        {"department": None, "choice": policy["default"], "source": "default"}, {"department": department, "choice": other, "source": "department"},
    ]
    assert problems(put(admin, place, {"choice": "nonsense", "reason": " "})) == [("/reason", "required"), ("/choice", "choice-unknown")]
    assert len(put(admin, place, {"choice": None, "department": department, "reason": "back"}).json["decided"]) == 1


def test_settings_are_set_and_taken_back(admin) -> None:
    """The field kind says what a value may be."""
    place = "/settings/core.session_idle"
    assert put(admin, place, {"value": 45, "reason": "long forms"}).json["set"] == [{"department": None, "value": 45, "source": "site"}]
    for value in ("45", 4, 10**25, {"a": 1}, [1], True, 4.5):
        assert problems(put(admin, place, {"value": value, "reason": "x"}))[0][0] == "/value"
    assert put(admin, place, {"value": None, "reason": "back"}).json["set"][0]["source"] == "default"


def test_the_openapi_document_describes_all_of_it(admin) -> None:
    """Every operation has its body and answer."""
    paths = admin.client.get("/api/v1/openapi.json").json["paths"]
    for path, methods in {"/users": "get post", "/users/{id}": "get patch", "/users/{id}/roles": "get put", "/users/{id}/sessions": "get delete",
                          "/departments": "get post", "/departments/{id}": "patch", "/functions": "get", "/functions/{name}": "put", "/policies": "get",
                          "/policies/{name}": "put", "/settings": "get", "/settings/{name}": "put"}.items():
        assert set(paths[path]) == set(methods.split())
        for method in methods.split():
            assert ("requestBody" in paths[path][method]) == (method in ("post", "patch", "put"))
