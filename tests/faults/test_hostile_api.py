"""Bad input through the API: the right status, the place, the remedy, in the caller's language, and nothing is changed."""

import io
import re

import pytest

from tests.company import PASSWORD
from tests.faults.client import Caller
from tests.faults.plant import Plant, build
from tests.faults.serving import Served

PLAN = "/records/production.monthly_plan"
CHINESE = re.compile("[\u4e00-\u9fff]")
TOO_MANY_DIGITS = "9" * 21
VALUES = [
    ({"bases": "x"}, "/bases", "basis"), ({"lines": [{"planed_qty": "1"}]}, "/lines/0/planed_qty", "planned_qty"),
    ({"basis": 1}, "/basis", ""), ({"basis": ["x"]}, "/basis", ""), ({"basis": "a\x00b"}, "/basis", "删"), ({"basis": "\ud800"}, "/basis", "删"),
    ({"basis": "a\ufffdb"}, "/basis", "重新"), ({"basis": "\u202eabc"}, "/basis", "删"), ({"basis": "x" * 10_000_000}, "/basis", ""),
    ({"plan_month": "2027-13"}, "/plan_month", "2026-12"), ({"plan_month": "0000-01"}, "/plan_month", ""),
    ({"lines": [{"due_date": "2027-02-30"}]}, "/lines/0/due_date", ""), ({"lines": [{"due_date": 20270101}]}, "/lines/0/due_date", ""),
    ({"lines": [{"planned_qty": "-1"}]}, "/lines/0/planned_qty", ""), ({"lines": [{"planned_qty": 1.5}]}, "/lines/0/planned_qty", "12.5"),
    ({"lines": [{"planned_qty": "NaN"}]}, "/lines/0/planned_qty", "12"), ({"lines": [{"planned_qty": TOO_MANY_DIGITS}]}, "/lines/0/planned_qty", "12"),
    ({"lines": [{"planned_qty": int(TOO_MANY_DIGITS)}]}, "/lines/0/planned_qty", ""), ({"lines": [{"product": TOO_MANY_DIGITS}]}, "/lines/0/product", ""),
    ({"lines": [{"id": "4711"}]}, "/lines/0/id", ""), ({"lines": {}}, "/lines", ""), ({"lines": ["x"]}, "/lines/0", ""),
    ({"distribution": ["abc"]}, "/distribution", ""), ({"state": "issued"}, "/state", ""), ({"lines": [{"hours": "1"}]}, "/lines/0/hours", ""),
]
BODIES = [
    b'{"basis": NaN}', b'{"basis": "a", "basis": "b"}', b"[" * 100_000, b'{"a":' * 50_000, b'{"basis": "\xff"}', b"\xef\xbb\xbf{}", b"{", b"\x00",
    b'{"lines": [{"planned_qty": ' + b"9" * 6000 + b"}]}",
]


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


@pytest.fixture
def planner(api):
    """The planner's program."""
    return api("production.planner")


@pytest.fixture
def plan(planner):
    """A draft: its address, and its ETag."""
    answer = planner.post(PLAN, {"plan_month": "2027-03"}, Accept_Language="zh-CN")
    assert answer.status_code == 201, answer.text
    return f"{PLAN}/{answer.json['id']}", answer.headers["ETag"]


def words(answer):
    """All that a refusal says to people."""
    return " ".join([answer.json["detail"], *(f"{one['what']} {one['hint']}" for one in answer.json.get("problems", ()))])


def is_refused(answer, status):
    """It has the one shape and speaks Chinese."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.mimetype == "application/problem+json" and CHINESE.search(answer.json["detail"]), answer.text[:500]
    return True


def test_a_bad_value_is_told_by_its_place_and_changes_nothing(planner, plan):
    """Each alone, so that each tells its own place; with the remedy where there is one."""
    path, etag = plan
    for values, place, remedy in VALUES:
        answer = planner.patch(path, values, etag, Accept_Language="zh-CN")
        assert is_refused(answer, 422), place
        found = {one["where"]: one for one in answer.json["problems"]}
        assert place in found, (values, answer.json["problems"])
        assert CHINESE.search(found[place]["what"]) and remedy in found[place]["hint"], (values, found[place])
    assert planner.get(path).headers["ETag"] == etag


@pytest.mark.only_on("sqlite")
def test_what_is_no_json_is_refused_in_words_of_ours(planner, plan):
    """Never in the words of the parser, never with a fault."""
    path, etag = plan
    for body in BODIES:
        answer = planner.client.patch(f"/api/v1{path}", data=body, content_type="application/json", headers={
            "Authorization": f"Bearer {planner.token}", "If-Match": etag, "Accept-Language": "zh-CN"})
        assert is_refused(answer, 400), body[:40]
        assert not re.search(r"[a-z]{4,} [a-z]{2,}", answer.json["detail"]), answer.json["detail"]
    assert planner.get(path).headers["ETag"] == etag


def test_a_version_that_is_not_the_one_seen_is_refused(planner, plan):
    """With what is the matter, and nothing is written."""
    path, etag = plan
    assert is_refused(planner.open("PATCH", path, {"goals": "x"}, Accept_Language="zh-CN"), 428)
    for header in ('"99"', "abc", '"0"', '"' + "9" * 30 + '"', '"1", "2"', ""):
        assert is_refused(planner.patch(path, {"goals": "x"}, header, Accept_Language="zh-CN"), 412), header
    assert planner.get(path).headers["ETag"] == etag


def test_steps_out_of_order_and_by_the_wrong_people(planner, api, plan):
    """409 for the state, 403 for the person, 404 for whoever may not even see it."""
    path, _etag = plan
    for step in ("approve", "issue", "close"):
        assert is_refused(planner.post(f"{path}/transitions/{step}", Accept_Language="zh-CN"), 409)
    for step in ("nosuch", "__init__", "%00"):
        assert is_refused(planner.post(f"{path}/transitions/{step}", Accept_Language="zh-CN"), 404)
    assert is_refused(planner.post(f"{path}/void", {"reason": "x"}, Accept_Language="zh-CN"), 409)
    stranger = api("outsider")
    assert is_refused(stranger.get(path, Accept_Language="zh-CN"), 404)
    assert is_refused(stranger.patch(path, {"goals": "x"}, "*", Accept_Language="zh-CN"), 404)
    assert is_refused(stranger.post(f"{path}/transitions/submit", Accept_Language="zh-CN"), 404)
    assert is_refused(stranger.delete(path, If_Match="*", Accept_Language="zh-CN"), 404)
    assert is_refused(stranger.post(PLAN, {"plan_month": "2027-04"}, Accept_Language="zh-CN"), 403)


def test_a_reference_to_what_one_may_not_see_is_as_if_it_were_not_there(api, people, plan):
    """The same words for somebody else's draft, for a record of another kind, and for no record at all."""
    path, _etag = plan
    requester = api("stock.requester")
    me = str(people.id("stock.requester"))
    said = set()
    for id in (path.rpartition("/")[2], me, "4711", "9223372036854775807"):
        answer = requester.post("/records/stock.requisition", {"source": id}, Accept_Language="zh-CN")
        assert is_refused(answer, 422)
        said |= {(one["what"], one["hint"]) for one in answer.json["problems"] if one["where"] == "/source"}
    assert len(said) == 1, said


QUERIES = [
    "limit=0", "limit=x", "limit=1&limit=2", "cursor=x", f"cursor={'A' * 3000}", "filter[nope]=1", "filter[plan_month]=x", "sort=nope", "q=%00",
    f"q={'x' * 3000}", "state=nope", f"department={TOO_MANY_DIGITS}", "fields=nope", "overdue=maybe", "foo=1", "%00=1",
]


def test_a_list_refuses_what_it_does_not_know(planner):
    """By the name of the parameter."""
    for query in QUERIES:
        answer = planner.get(f"{PLAN}?{query}", Accept_Language="zh-CN")
        assert is_refused(answer, 422) and answer.json["problems"][0]["where"], query


def test_addresses_lead_nowhere_else(planner):
    """No path, no foreign id, no name of something else opens a file or a record."""
    for path in (f"{PLAN}/{TOO_MANY_DIGITS}", f"{PLAN}/0", f"{PLAN}/%00", "/files/abc", f"/files/{TOO_MANY_DIGITS}", "/files/..%2f..%2fsite.toml",
                 "/records/nope.nope", "/reports/..%2f", "/types/nope"):
        assert is_refused(planner.get(path, Accept_Language="zh-CN"), 404), path


@pytest.mark.only_on("sqlite")
def test_a_token_that_is_none_says_so(client):
    """Whatever it looks like."""
    for given in ("Bearer x", "Bearer", "Basic eDp5", "Bearer " + "x" * 4000, ""):
        answer = client.get("/api/v1/me", headers={"Authorization": given, "Accept-Language": "zh-CN"})
        assert is_refused(answer, 401) and answer.headers["WWW-Authenticate"] == "Bearer"


def test_guessing_passwords_is_slowed_down(client, people):
    """After a few wrong ones the right one has to wait too; others do not."""
    people.id("production.planner")

    def token(username, password):
        return client.post("/api/v1/tokens", json={"username": username, "password": password}, headers={"Accept-Language": "zh-CN"})

    seen = [token("production.planner", f"wrong {at}").status_code for at in range(8)]
    assert seen[0] == 401 and seen[-1] == 429
    answer = token("production.planner", PASSWORD)
    assert is_refused(answer, 429) and int(answer.headers["Retry-After"]) > 0
    assert token(people.name(people.id("core.employee")), PASSWORD).status_code == 201


FILES = [
    ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), ("a.html", b"<html><script>alert(1)</script></html>"),
    ("a.png", b"<html><script>alert(1)</script></html>"), ("evil\r\nX-Evil: 1.txt", b"words"), ('a"; filename="evil.html', b"words"),
    ("../../etc/passwd.txt", b"words"), ("C:\\x\\y.txt", b"words"), ("a\u202etxt.exe.txt", b"words"), ("x" * 5000 + ".txt", b"words"), ("计划表.txt", b"words"),
]


@pytest.mark.only_on("sqlite")
def test_a_file_is_handed_out_harmlessly_or_not_taken(planner):
    """Never shown in place where a browser could run it; its name never leaves its header."""
    for name, raw in FILES:
        sent = planner.client.post("/api/v1/files", data={"file": (io.BytesIO(raw), name)}, headers={"Authorization": f"Bearer {planner.token}"})
        if sent.status_code == 422:
            continue
        assert sent.status_code == 201, sent.text
        answer = planner.get(f"/files/{sent.json['id']}")
        shown = answer.headers["Content-Disposition"]
        assert answer.status_code == 200 and shown.startswith("attachment") and shown.isascii() and not {"\r", "\n"} & set(shown), name
        assert "X-Evil" not in answer.headers and answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert not {"/", "\\", "\n"} & set(sent.json["name"]) and len(sent.json["name"]) <= 255


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A site behind the server that it really runs on."""
    plant = build(tmp_path_factory.mktemp("served") / "site", "", users=1)
    with Served(plant.folder, worker=False) as found:
        yield found


def test_a_body_too_large_gets_its_answer(served):
    """Whoever is still sending is heard to the end: a broken connection would show nothing."""
    caller = Caller(served.port).sign_in(Plant.username(0))
    answer = caller.call("POST", "/records/stock.requisition", {"usage": "x" * 20_000_000}, Accept_Language="zh-CN")
    assert answer.status == 413 and CHINESE.search(answer.json["detail"])
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"x" * 70_000_000 + b"\r\n--x--\r\n"
    answer = caller.send("POST", "/sign-in", body, {"Content-Type": "multipart/form-data; boundary=x", "Accept-Language": "zh-CN"})
    assert answer.status == 413 and "太大" in answer.text


def test_a_file_with_a_chinese_name_passes_the_server(served):
    """Which refuses headers that are not ASCII."""
    caller = Caller(served.port).sign_in(Plant.username(0))
    id = caller.upload("计划表.txt", "你好".encode()).json["id"]
    answer = caller.call("GET", f"/files/{id}")
    assert answer.status == 200 and "filename*=UTF-8''" in answer.headers["Content-Disposition"]
