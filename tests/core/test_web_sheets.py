"""A table filled from a workbook on the page of its form: what is filled in, what is marked, what is given back, what is refused."""

import datetime as dt
import re
import zipfile
from io import BytesIO

import openpyxl
import pytest

PLAN = "/production/monthly_plan"
HEAD = ("产品", "订单或合同", "计划数量", "交期", "生产车间")


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


@pytest.fixture
def items(people):
    """Five products that can be planned."""
    with people.work_as("master_data.item_keeper") as work:
        return [work.create("master_data.item", {"code": f"HY-{one}", "name": f"阀体 {one}", "kind": "product", "unit": "件"}) for one in range(5)]


@pytest.fixture
def planner(client):
    """The planner's browser."""
    return client.sign_in("production.planner")


@pytest.fixture
def shop(people):
    """What the workshop is called."""
    with people.work_as("production.planner", reading=True) as work:
        return work.directory.departments[people.department("DEPT1")].name


def workbook(*rows):
    """A workbook of these rows."""
    book, target = openpyxl.Workbook(), BytesIO()
    for one in rows:
        book.active.append(one)
    book.save(target)
    return target.getvalue()


def good(shop, *numbers):
    """Rows as they should be."""
    return [(f"HY-{one}", f"XS-{one}", 20 + one, dt.date(2026, 12, 5 + one), shop) for one in numbers]


def send(planner, content, page=f"{PLAN}/new", **fields):
    """Send a workbook with what is typed so far."""
    sent = {"go": "import:lines", "lines.sent": "1", "lines.xlsx": (BytesIO(content), "十二月.xlsx"), **fields}
    return planner.post_form(page, sent, content_type="multipart/form-data")


def html(answer):
    """The page."""
    return answer.get_data(as_text=True)


def typed(answer):
    """What stands in the form, as a browser would send it again."""
    form = re.search(r'<form id="edit-form".*?</form>', re.sub(r"<template.*?</template>", "", html(answer), flags=re.S), re.S)[0]
    found = {}
    for name, value in re.findall(r'<(?:input|textarea)[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form):
        found.setdefault(name, []).append(value)
    for value, name in re.findall(r'<input[^>]* value="([^"]*)"[^>]* name="([^"]+)"', form):
        found.setdefault(name, []).append(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'value="([^"]*)" selected', options)
    return {name: values for name, values in found.items() if name not in ("_csrf", "_once", "go")}


def cells(answer, column):
    """What stands in a column."""
    found = typed(answer)
    return [found[f"lines.{row}.{column}"][0] if found[f"lines.{row}.{column}"] else "" for row in found.get("lines.row", [])]


def plans(people):
    """Every plan of the planner, drafts too."""
    with people.work_as("production.planner", reading=True) as work:
        return work.find("production.monthly_plan", state=("draft", "submitted"))


def test_good_rows_come_into_the_grid_unsaved(planner, people, items, shop):
    """Read as people write, references known; what was typed beside stays, nothing is stored."""
    answer = send(planner, workbook(HEAD, *good(shop, 0, 1, 2)), basis="写了很多字")
    assert answer.status_code == 200 and 'role="alert"' not in html(answer)
    assert cells(answer, "planned_qty") == ["20", "21", "22"] and cells(answer, "due_date")[0] == "2026-12-05"
    assert [one.split("=")[0] for one in cells(answer, "product@")] == [str(one.id) for one in items[:3]]
    assert set(cells(answer, "workshop")) == {str(people.department("DEPT1"))}
    assert "写了很多字" in html(answer) and plans(people) == []


def test_bad_rows_stand_there_as_typed_and_marked(planner, people, items, shop):
    """The summary leads to each cell; every row of the file has its answer; nothing is left out."""
    rows = good(shop, 0, 1, 2, 3)
    rows[1], rows[2] = (*rows[1][:2], "12OO", *rows[1][3:]), (*rows[2][:4], "机加十车间")
    answer = send(planner, workbook(HEAD, *rows))
    text = html(answer)
    assert "<title>错误：" in text and 'role="alert"' in text
    assert 'href="#f-lines-1-planned_qty"' in text and 'href="#f-lines-2-workshop"' in text
    assert re.search(r'id="f-lines-1-planned_qty"[^>]*value="12OO"[^>]*aria-invalid="true"', text)
    assert re.search(r'<option value="机加十车间" selected data-unknown>', text)
    assert len(cells(answer, "product")) == 4
    answers = re.findall(r'<tr><td class="r num">(\d+)</td>.*?tone-(\w+)', re.search(r'id="imported".*?</section>', text, re.S)[0], re.S)
    assert answers == [("3", "bad"), ("4", "bad"), ("2", "good"), ("5", "good")]


def test_the_workbook_is_given_back_with_one_column_more(planner, client, items, shop):
    """The rows to be mended say what is wrong; nobody else may have the file."""
    rows = good(shop, 0, 1)
    rows[1] = (*rows[1][:2], "12OO", *rows[1][3:])
    text = html(send(planner, workbook(HEAD, *rows)))
    address = re.search(r'href="([^"]*/lines/lines/marked[^"]*)"', text)[1].replace("&amp;", "&")
    answer = planner.get(address)
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    assert sheet.max_column == len(HEAD) + 1
    assert sheet.cell(2, 6).value is None and "12OO" in sheet.cell(3, 6).value
    planner.sign_out()
    assert client.sign_in("production.plant_director").get(address).status_code in (403, 404)


def test_the_same_file_again_adds_nothing(planner, items, shop):
    """Neither the rows that were good nor those that are still to be mended."""
    rows = good(shop, 0, 1, 2)
    rows[1] = (*rows[1][:2], "12OO", *rows[1][3:])
    first = send(planner, workbook(HEAD, *rows))
    again = send(planner, workbook(HEAD, *rows), **typed(first))
    assert cells(again, "product") == cells(first, "product") and len(cells(again, "product")) == 3
    assert "tone-mute" in html(again) and re.search(r'id="f-lines-1-planned_qty"[^>]*aria-invalid="true"', html(again))


def test_a_mended_row_takes_the_place_of_the_bad_one(planner, items, shop):
    """It agrees in every cell that could be read, so it is the same row; an empty cell is filled likewise."""
    rows = good(shop, 0, 1, 2)
    wrong = [rows[0], (*rows[1][:2], "12OO", *rows[1][3:]), (*rows[2][:3], None, rows[2][4])]
    first = send(planner, workbook(HEAD, *wrong))
    again = send(planner, workbook(HEAD, *rows), **typed(first))
    assert cells(again, "planned_qty") == ["20", "21", "22"] and cells(again, "due_date")[2] == "2026-12-07"
    assert 'role="alert"' not in html(again)


def test_an_empty_row_of_the_grid_is_not_kept_before_them(planner, items, shop):
    """A new form begins with one."""
    answer = send(planner, workbook(HEAD, *good(shop, 0)), **{"lines.row": "0", "lines.0.product": "", "lines.0.planned_qty": ""})
    assert cells(answer, "planned_qty") == ["20"]


def test_rows_typed_before_stay(planner, items, shop):
    """What stands there comes first, also what could not be read."""
    answer = send(planner, workbook(HEAD, *good(shop, 0)), **{"lines.row": "3", "lines.3.product": "HY-4", "lines.3.planned_qty": "x9"})
    assert cells(answer, "planned_qty") == ["x9", "20"]


@pytest.fixture
def draft(people, items):
    """A plan in draft with two rows."""
    with people.work_as("production.planner") as work:
        lines = [{"product": one.id, "planned_qty": 5, "due_date": dt.date(2026, 12, 20), "workshop": people.department("DEPT1")} for one in items[:2]]
        return work.create("production.monthly_plan", {"plan_month": dt.date(2026, 12, 1), "basis": "第一稿", "lines": lines})


def test_the_rows_of_a_record_go_out_and_come_back(planner, people, draft, shop):
    """The template holds them with their ids: a changed one is changed, none is added."""
    edit = f"{PLAN}/{draft.id}/edit"
    page = planner.get(edit)
    address = re.search(r'href="([^"]*/lines/lines/template[^"]*)"', html(page))[1].replace("&amp;", "&")
    book = openpyxl.load_workbook(BytesIO(planner.get(address).data))
    head = [one.value for one in book.active[1]]
    assert "model_spec" not in head and {"id", "product", "planned_qty"} <= set(head)
    book.active.cell(3, head.index("planned_qty") + 1).value = 77
    target = BytesIO()
    book.save(target)
    answer = send(planner, target.getvalue(), edit, **typed(page))
    assert cells(answer, "planned_qty") == ["77", "5"] and cells(answer, "id") == [str(one.id) for one in draft.lines]
    assert planner.post_form(edit, {**typed(answer), "go": "save"}).status_code == 303
    with people.work_as("production.planner", reading=True) as work:
        assert [int(one.planned_qty) for one in work.get("production.monthly_plan", draft.id).lines] == [77, 5]


def test_the_template_of_a_new_form_has_headings_alone(planner, items):
    """What is worked out is not asked for."""
    sheet = openpyxl.load_workbook(BytesIO(planner.get(f"{PLAN}/lines/lines/template").data)).active
    assert sheet.max_row == 2 and "计划数量" in [one.value for one in sheet[2]]


def bomb():
    """An archive that unpacks to far more than it says."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "0" * 5_000_000)
    return target.getvalue()


@pytest.mark.parametrize(("content", "words"), [
    (b"", "还没有选文件"), (b"not a workbook", "不是 Excel"), (b"PK\x03\x04broken", "不是 Excel"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "密码"),
    (bomb(), "解开后"), (workbook(("何物", "何故"), (1, 2)), "列名"),
])
def test_what_cannot_be_read_is_refused_with_the_rest_kept(planner, items, content, words):
    """The summary says why; every word that was typed stands there still."""
    answer = send(planner, content, basis="写了很多字", **{"lines.row": "0", "lines.0.product": "HY-4", "lines.0.planned_qty": "7"})
    text = html(answer)
    assert answer.status_code == 422 and 'role="alert"' in text and words in text
    assert "写了很多字" in text and cells(answer, "planned_qty") == ["7"]


def test_a_formula_is_told_at_its_cell(planner, items, shop):
    """It is not read, and not run."""
    answer = send(planner, workbook(HEAD, (*good(shop, 0)[0][:2], "=1+1", *good(shop, 0)[0][3:])))
    assert "公式" in html(answer) and cells(answer, "planned_qty") == ["=1+1"]


def test_only_tables_of_the_form_are_filled(planner, items, shop):
    """A field that is no table does not exist here; what is not one's own is refused."""
    content = workbook(HEAD, *good(shop, 0))
    answer = planner.post_form(f"{PLAN}/new", {"go": "import:basis", "basis.xlsx": (BytesIO(content), "a.xlsx")}, content_type="multipart/form-data")
    assert answer.status_code == 404
    assert planner.get(f"{PLAN}/lines/basis/template").status_code == 404
    assert planner.get(f"{PLAN}/lines/lines/marked?file=x").status_code == 404


def test_a_workbook_that_was_chosen_and_not_read_is_not_forgotten(planner, people, items, shop):
    """Without script somebody may press save instead: nothing is saved, and the page says why."""
    for fields in ({"lines.xlsx": "rows.xlsx"}, {"lines.xlsx": (BytesIO(workbook(HEAD)), "rows.xlsx")}):
        kind = {} if isinstance(fields["lines.xlsx"], str) else {"content_type": "multipart/form-data"}
        answer = planner.post_form(f"{PLAN}/new", {"go": "save", "plan_month": "2026-12", "basis": "写了很多字", **fields}, **kind)
        assert answer.status_code == 422 and "还没有读入" in html(answer) and "写了很多字" in html(answer)
    assert plans(people) == []
