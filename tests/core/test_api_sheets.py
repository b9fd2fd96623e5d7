"""The table of a record filled from a workbook through the API: tried, applied, refused row by row, and never twice."""

import datetime as dt
from io import BytesIO

import openpyxl
import pytest

from core.errors import Problem, Refused
from core.service import Work

PLAN = "production.monthly_plan"
HEAD = ("产品", "计划数量", "交期", "生产车间")


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


@pytest.fixture
def draft(people):
    """A plan in draft with one row, and four products."""
    with people.work_as("master_data.item_keeper") as work:
        items = [work.create("master_data.item", {"code": f"HY-{one}", "name": f"阀体 {one}", "kind": "product", "unit": "件"}) for one in range(4)]
    with people.work_as("production.planner") as work:
        line = {"product": items[0].id, "planned_qty": 20, "due_date": dt.date(2026, 12, 5), "workshop": people.department("DEPT1")}
        return work.create(PLAN, {"plan_month": dt.date(2026, 12, 1), "basis": "第一稿", "lines": [line]})


@pytest.fixture
def planner(api):
    """The planner's program."""
    return api("production.planner")


@pytest.fixture
def rows(people):
    """Three rows as they should be; the first is there already."""
    with people.work_as("production.planner", reading=True) as work:
        shop = work.directory.departments[people.department("DEPT1")].name
    return [[f"HY-{one}", 20 + one, dt.date(2026, 12, 5 + one), shop] for one in range(3)]


def send(planner, record, rows, query="", field="lines", **headers):
    """Send the rows as a workbook."""
    book, target = openpyxl.Workbook(), BytesIO()
    for one in (HEAD, *rows):
        book.active.append(one)
    book.save(target)
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return planner.client.post(
        f"/api/v1/records/{PLAN}/{record.id}/lines/{field}/import{query}", data={"file": (BytesIO(target.getvalue()), "rows.xlsx")},
        headers={"Authorization": f"Bearer {planner.token}", **named}, content_type="multipart/form-data",
    )


def stored(people, draft):
    """The quantities of the plan."""
    with people.work_as("production.planner", reading=True) as work:
        return [int(one.planned_qty) for one in work.get(PLAN, draft.id).lines]


def test_a_dry_run_answers_for_each_row_and_changes_nothing(planner, people, draft, rows):
    """No version is needed to try; the version stays what it was."""
    answer = send(planner, draft, rows, "?dry_run=true")
    assert answer.status_code == 200 and answer.headers["ETag"] == '"1"'
    assert [(one["row"], one["status"], one["id"]) for one in answer.json["items"]] == [(2, "unchanged", None), (3, "created", None), (4, "created", None)]
    assert answer.json["dry_run"] is True and stored(people, draft) == [20]


def test_good_rows_are_added_once(planner, people, draft, rows):
    """The answer holds the rows' ids and the new version; the same file again changes nothing."""
    answer = send(planner, draft, rows, If_Match='"1"')
    assert answer.status_code == 200 and answer.headers["ETag"] == '"2"' and stored(people, draft) == [20, 21, 22]
    with people.work_as("production.planner", reading=True) as work:
        assert [one["id"] for one in answer.json["items"]][1:] == [str(one.id) for one in work.get(PLAN, draft.id).lines][1:]
    again = send(planner, draft, rows, If_Match='"2"')
    assert again.json["counts"] == {"created": 0, "changed": 0, "unchanged": 3, "refused": 0} and again.headers["ETag"] == '"2"'


def test_one_bad_row_leaves_all_of_them_out(planner, people, draft, rows):
    """The refusal names the row in Excel and the column; tried, the good rows are told as good."""
    rows[1][1] = "12OO"
    answer = send(planner, draft, rows, If_Match='"1"')
    assert answer.status_code == 422 and [one["where"] for one in answer.json["problems"]] == ["/rows/3/planned_qty"]
    assert stored(people, draft) == [20]
    tried = send(planner, draft, rows, "?dry_run=true").json
    assert [one["status"] for one in tried["items"]] == ["unchanged", "refused", "created"]


def test_what_the_door_refuses_is_told_at_its_row(planner, people, draft, rows, monkeypatch):
    """Whatever a rule says of a row stands at the row of the workbook that it came from; what it says of the record, at the record."""
    def refuse(_work, _record, _version=None, /, **given):
        assert [int(line["planned_qty"]) for line in given["lines"]] == [20, 21, 22]
        raise Refused([Problem(place, "Too much.", code="much"), Problem("/lines/0/planned_qty", "Rather much.", level="warns")])

    monkeypatch.setattr(Work, "edit", refuse)
    place = "/lines/1/planned_qty"
    tried = send(planner, draft, rows, "?dry_run=true").json["items"]
    assert [(one["status"], [(p["where"], p["code"]) for p in one["problems"]]) for one in tried] == [
        ("unchanged", []), ("refused", [("/planned_qty", "much")]), ("created", []),
    ]
    assert [one["where"] for one in send(planner, draft, rows, If_Match='"1"').json["problems"]] == ["/rows/3/planned_qty"]
    place = "/plan_month"
    answer = send(planner, draft, rows, "?dry_run=true")
    assert (answer.status_code, answer.json["problems"][0]["where"]) == (422, "/plan_month")


def test_the_version_that_was_seen_is_needed_and_checked(planner, draft, rows):
    """428 without, 412 where somebody was first, `*` for whatever is there."""
    assert send(planner, draft, rows).status_code == 428
    assert send(planner, draft, rows, If_Match='"9"').status_code == 412
    assert send(planner, draft, rows, If_Match="*").status_code == 200


def test_only_who_may_write_the_table_fills_it(api, planner, draft, rows):
    """Not there for others, closed after the draft, no table no import."""
    assert send(api("production.deputy_gm"), draft, rows, "?dry_run=true").status_code in (403, 404)
    assert send(planner, draft, rows, "?dry_run=true", "basis").status_code == 404
    assert send(planner, draft, rows, "?dry_run=perhaps").status_code == 422
    planner.post(f"/records/{PLAN}/{draft.id}/transitions/submit")
    assert send(planner, draft, rows, "?dry_run=true").status_code == 403


def test_a_request_without_one_workbook_is_refused(planner, draft):
    """JSON is none, and neither is a file that only calls itself so."""
    path = f"/records/{PLAN}/{draft.id}/lines/lines/import?dry_run=true"
    assert planner.post(path).status_code == 415
    answer = planner.client.post(
        f"/api/v1{path}", data={"file": (BytesIO(b"no"), "a.xlsx")}, headers={"Authorization": f"Bearer {planner.token}"}, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["problems"][0]["code"]) == (422, "file_broken")


def test_the_document_names_every_table_that_can_be_filled(planner):
    """One operation for each, with its file, its version and the shape of its answer."""
    found = planner.get("/openapi.json").json["paths"]
    operation = found[f"/records/{PLAN}/{{id}}/lines/lines/import"]["post"]
    assert {one["name"] for one in operation["parameters"]} == {"id", "dry_run", "If-Match", "Idempotency-Key"}
    assert "multipart/form-data" in operation["requestBody"]["content"]
    assert [path for path in found if path.startswith("/records/production.order/") and "/lines/" in path] == [
        f"/records/production.order/{{id}}/lines/{name}/import" for name in ("workshops", "materials")
    ]
