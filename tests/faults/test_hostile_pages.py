"""Bad input through the pages, without script: the place, the remedy, in the reader's language, and nothing that was typed is lost."""

import io
import re
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from werkzeug.datastructures import MultiDict

from tests.company import PASSWORD

PLAN = "/production/monthly_plan"
EVIL = '<script>document.title="x"</script><img src=x onerror=alert(1)>"\''
TYPED = "会议纪要，打了很多字"
BAD = [
    ({"lines.0.product": "没有这个"}, "查不到“没有这个”"), ({"basis": TYPED + "\x00"}, "不能保存的字符"), ({"goals": "a\ufffdb"}, "途中丢了一个字"),
    ({"lines.0.planned_qty": "9" * 21}, "数字太长"), ({"lines.0.planned_qty": "-5"}, "不能小于 0"), ({"lines.0.planned_qty": "12OO"}, "含字母 O"),
    ({"lines.0.due_date": "2027-02-30"}, "没有 2027-02-30 这一天"), ({"plan_month": "2027-13"}, "没有 2027-13 这个月"),
    ({"lines.0.workshop": "999999"}, "查不到“999999”"), ({"distribution": "9" * 30}, "查不到"),
    ({"lines.0.product": "x", "lines.0.product@": f"{'9' * 30}=x"}, "查不到"), ({"goals": "长" * 5000}, "太长：5000 个字，最多 2000 个"),
    ({"goals": "x" * 10_000_000}, "太长：10000000 个字，最多 2000 个"),
]


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


@pytest.fixture
def planner(client):
    """The planner's browser."""
    return client.sign_in("production.planner")


def form(people, **fields):
    """A new plan as a browser posts it."""
    seat = str(people.department("DEPT1"))
    row = {"id": "", "product": "", "planned_qty": "5", "due_date": "2027-05-05", "workshop": seat}
    return {
        "go": "save", "plan_month": "2027-05", "basis": TYPED, "distribution": seat, "lines.sent": "1", "lines.row": "0",
        **{f"lines.0.{name}": value for name, value in row.items()}, **fields,
    }


def plans(people):
    """Every plan of the planner."""
    with people.work_as("production.planner", reading=True) as work:
        return work.find("production.monthly_plan", state=("draft", "submitted"))


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_bad_value_is_told_at_its_place_and_what_was_typed_stays(planner, people, kind):
    """In a form with files as in one without."""
    for fields, said in BAD:
        answer = planner.post_form(f"{PLAN}/new", form(people, **fields), content_type=kind)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in text, (fields.keys(), said)
        assert "<title>错误：" in text and 'role="alert"' in text and TYPED in text
        assert 'aria-invalid="true"' in text or "data-wrong" in text, fields.keys()
    assert plans(people) == []


FORGED = [
    {"go": "step:nosuch"}, {"go": "drop:lines:99"}, {"go": "row:nope"}, {"go": "merge"}, {"go": "\x00"}, {"_version": "9" * 40}, {"_department": "abc"},
    {"_from": "production.monthly_plan/1", "_opens": "x"}, {"_step": "nope"}, {"_number": "X-1"}, {"lines.row": ["x", "-1", "9" * 50, "0", "0"]},
]


def test_a_forged_button_or_address_is_no_fault(planner, people):
    """It is passed over or refused; a form made by hand gets what it asks for."""
    for fields in FORGED:
        assert planner.post_form(f"{PLAN}/new", form(people, **fields)).status_code in (200, 303, 404, 422), fields


@pytest.mark.only_on("sqlite")
def test_too_many_fields_are_told_on_a_page(planner, people):
    """A page that says so, not a fault; what is only many is taken in."""
    many = MultiDict([*form(people, **planner.secrets(f"{PLAN}/new")).items(), *((f"x{at}", "1") for at in range(51_000))])
    answer = planner.post(f"{PLAN}/new", data=many, content_type="multipart/form-data")
    assert answer.status_code == 413 and "什么都没有保存" in answer.get_data(as_text=True)
    answer = planner.post(f"{PLAN}/new", data=form(people, **planner.secrets(f"{PLAN}/new"), goals="x" * 17_000_000), content_type="multipart/form-data")
    assert answer.status_code == 413 and "什么都没有保存" in answer.get_data(as_text=True)
    assert plans(people) == []


@pytest.mark.only_on("sqlite")
def test_a_refused_sender_keeps_what_was_typed(planner, people):
    """Wrong secret, no secret, another site: refused, nothing saved, everything there to be sent again."""
    for fields, headers in (({"_csrf": "x"}, {}), ({"_csrf": ""}, {}), ({}, {"Origin": "https://evil.example"}), ({}, {"Sec-Fetch-Site": "cross-site"})):
        answer = planner.post_form(f"{PLAN}/new", form(people, **fields), headers=headers)
        assert answer.status_code == 403 and TYPED in answer.get_data(as_text=True)
    assert plans(people) == []


@pytest.mark.only_on("sqlite")
def test_a_session_that_ends_in_the_middle_of_a_long_form_loses_no_row(planner, people):
    """All of it comes along through a wrong password too."""
    values = form(people, **planner.secrets(f"{PLAN}/new"), **{"lines.row": [str(at) for at in range(40)]})
    values |= {f"lines.{at}.source_order": f"HT-{at}" for at in range(40)}
    planner.delete_cookie("yunkong")
    answer = planner.post(f"{PLAN}/new", data=values)
    for password, status in (("wrong", 401), (PASSWORD, 200)):
        text = answer.get_data(as_text=True)
        assert answer.status_code == 401 and "HT-39" in text and TYPED in text
        hidden = MultiDict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
        name = people.name(people.id("production.planner"))
        answer = planner.post("/sign-in", data=MultiDict([*hidden.items(multi=True), ("username", name), ("password", password)]))
        assert answer.status_code == status
    text = answer.get_data(as_text=True)
    assert all(f"HT-{at}" in text for at in range(40)) and TYPED in text and plans(people) == []


def test_a_double_click_on_a_step_takes_it_once(planner, people):
    """The second answer leads to the record."""
    with people.work_as("master_data.item_keeper") as work:
        item = work.create("master_data.item", {"code": "HY-1", "name": "阀体", "kind": "product", "unit": "件"})
    with people.work_as("production.planner") as work:
        seat = people.department("DEPT1")
        line = {"product": item.id, "planned_qty": Decimal(5), "due_date": date(2027, 5, 5), "workshop": seat}
        plan = work.create("production.monthly_plan", {"plan_month": date(2027, 5, 1), "basis": "x", "distribution": (seat,), "lines": [line]})
    path = f"{PLAN}/{plan.id}/step/submit"
    values = {**planner.secrets(path), "_version": str(plan.version)}
    first, second = (planner.post(path, data=values) for _time in range(2))
    assert first.status_code == 303 and second.status_code in (303, 409, 412), second.get_data(as_text=True)[:500]
    with people.work_as("production.planner", reading=True) as work:
        found = work.get("production.monthly_plan", plan.id)
        assert (found.state, len(work.signatures(found))) == ("submitted", 1)


def locked_office_file():
    """The beginning of a workbook with a password."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)


def zip_bomb():
    """A few hundred kilobytes that want to be hundreds of megabytes."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<x/>")
        file.writestr("xl/worksheets/sheet1.xml", bytes(200_000_000))
    return kept.getvalue()


@pytest.mark.only_on("sqlite")
def test_a_workbook_that_is_none_leaves_the_form_as_it_was(planner, people):
    """With what to do about it."""
    for raw, said in ((locked_office_file(), "不设密码"), (zip_bomb(), "复制到新的工作簿"), (b"PK\x03\x04" + bytes(99), "另存为"), (b"<html>", "另存为"), (b"", "选一个")):
        values = form(people, **{"go": "import:lines", "lines.xlsx": (io.BytesIO(raw), "a.xlsx")})
        answer = planner.post_form(f"{PLAN}/new", values, content_type="multipart/form-data")
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in text and TYPED in text, said


def test_markup_in_a_name_is_text_everywhere(client, people):
    """In the list, the record, the form, the history, the page of both versions, the administration and the search."""
    keeper = client.sign_in("master_data.item_keeper")
    with people.work_as("master_data.item_keeper") as work:
        item = work.create("master_data.item", {"code": "=1+1", "name": EVIL[:80], "kind": "product", "unit": "<b>", "remarks": EVIL})
        work.edit(item, item.version, remarks=EVIL + EVIL)
    path = f"/master_data/item/{item.id}"
    stale = {**keeper.secrets(f"{path}/edit"), "go": "save", "_version": "1", "code": "=1+1", "name": EVIL[:80], "kind": "product", "unit": "<b>", "remarks": EVIL}
    pages = [keeper.get(one) for one in ("/", "/master_data/item", f"/master_data/item?q={EVIL[:30]}", path, f"{path}/edit", "/scan?code=" + EVIL)]
    pages.append(keeper.post(f"{path}/edit", data=stale))
    assert [one.status_code for one in pages] == [200] * 6 + [409]
    for answer in pages:
        text = answer.get_data(as_text=True)
        assert "<img src=x" not in text and "<script>" not in text
    client.sign_out()
    administrator = client.sign_in("core.administrator")
    user = people.id("core.employee")
    assert administrator.post_form(f"/admin/users/{user}", {"name": EVIL[:80], "username": "core.employee", "language": ""}).status_code in (200, 303)
    for one in ("/admin/users", f"/admin/users/{user}", "/admin/trail"):
        assert "<img src=x" not in administrator.get(one).get_data(as_text=True)


FOREIGN = [
    "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "///evil.example",
    "/sign-out", "\u2028/x", "/" + "a" * 3000,
]


@pytest.mark.only_on("sqlite")
def test_signing_in_leads_to_no_foreign_place(client):
    """The inbox instead."""
    for to in FOREIGN:
        assert client.get("/sign-in", query_string={"next": to}).get_data(as_text=True).count('name="next" value="/"') == 1, to
    client.sign_in("core.employee")
    for to in FOREIGN:
        assert client.get("/sign-in", query_string={"next": to}).headers["Location"] == "/", to


def test_addresses_open_no_file_and_no_fault(planner):
    """Paths out of the folder, ids that are none, names of nothing."""
    for path in ("/static/../site.toml", "/static/%2e%2e/%2e%2e/__init__.py", "/static/..%2f..%2f__init__.py", "/static/%00", "/files/..%2f..%2fsite.toml",
                 "/files/%00", f"/files/{'9' * 30}", f"{PLAN}/{'9' * 30}", f"{PLAN}/%00", f"{PLAN}/1/step/approve", f"{PLAN}/look-up?field=nope", "/%ff%fe"):
        assert planner.get(path).status_code == 404, path
    for path in (f"{PLAN}?sort=nope&view=nope&filter.x=1", f"{PLAN}/new?from=x&step=z", f"{PLAN}/look-up?field=lines.product&q={'9' * 3000}"):
        assert planner.get(path).status_code == 200, path
    for path in (f"{PLAN}?q=%00", f"{PLAN}?%00=1", "/scan?code=%00", f"{PLAN}/look-up?field=lines.product&exact=a&exact=%00"):
        assert planner.get(path).status_code == 422, path


def test_a_nul_in_any_part_of_a_form_is_no_fault(planner, people):
    """Neither where somebody types nor where a page keeps its own; autosave keeps it to be mended."""
    for name in ("_once", "_number", "_department", "_from", "_version", "lines.row", "lines.0.id", "lines.0.product", "lines.0.product@", "distribution"):
        assert planner.post_form(f"{PLAN}/new", form(people, **{name: "a\x00b"})).status_code < 500, name
    assert planner.post_form(f"{PLAN}/unsent", form(people, basis="a\x00b"), page=f"{PLAN}/new").status_code == 200
    assert planner.get(f"{PLAN}/new").status_code == 200
    planner.sign_out()
    for name in ("username", "password", "otp", "ticket", "next"):
        assert planner.post_form("/sign-in", {"username": "x", "password": "x", name: "a\x00b"}).status_code == 401, name
