"""Facts about lists, their filters and paging, and about workbooks in and out of them."""

from __future__ import annotations

import re
from io import BytesIO

import openpyxl
import pytest

ONE_PAGE = 30


@pytest.fixture
def plugins():
    return ("master_data",)


@pytest.fixture
def items(people):
    """Thirty items in two kinds."""
    with people.work_as("master_data.item_keeper") as work:
        for number in range(ONE_PAGE):
            kind = "product" if number % 3 else "material"
            work.create("master_data.item", {"code": f"V-{number:02d}", "name": f"Valve {number}", "kind": kind, "unit": "pc"})


@pytest.fixture
def keeper(client, items):
    return client.sign_in("master_data.item_keeper")


def html(answer) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


def codes(text: str) -> list[str]:
    return re.findall(r'<td class="no"><a class="no" href="[^"]+">(V-\d+)</a>', text)


def test_the_views_of_a_list_say_how_many_they_hold(keeper) -> None:
    """The first view is what is in use."""
    text = html(keeper.get("/master_data/item"))
    assert re.search(r'class="on" aria-current="page">在用<span class="k">30</span>', text)
    assert codes(text) == [f"V-{n:02d}" for n in range(ONE_PAGE)]


def test_paging_goes_there_and_back_without_loss(keeper) -> None:
    """Never page numbers; every record once."""
    first = html(keeper.get("/master_data/item?limit=25"))
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = html(keeper.get(following))
    assert codes(first) + codes(second) == [f"V-{n:02d}" for n in range(ONE_PAGE)]
    earlier = re.search(r'rel="prev" href="([^"]+)"', second)[1].replace("&amp;", "&")
    assert codes(html(keeper.get(earlier))) == codes(first) and 'rel="next"' not in second


def test_filters_search_and_order_are_written_out(keeper) -> None:
    """Each can be taken away by itself."""
    text = html(keeper.get("/master_data/item?filter[kind]=原材料&q=valve&sort=-number"))
    assert codes(text) == [f"V-{n:02d}" for n in range(27, -1, -3)]
    assert '<span class="chip on">类别：原材料<a href="' in text.replace("\n", "") and "按编号，从大到小" in text


def test_a_filter_that_cannot_be_read_says_so_and_shows_the_rest(keeper) -> None:
    """What was typed stays in its field."""
    text = html(keeper.get("/master_data/item?filter[kind]=nonsense"))
    assert "ferr" in text and len(codes(text)) == ONE_PAGE


def test_nothing_found_offers_to_clear_the_conditions(keeper) -> None:
    """One line why, one way on."""
    text = html(keeper.get("/master_data/item?q=nowhere"))
    assert "没有符合条件的单据。" in text and "清除条件" in text


def test_a_cursor_from_elsewhere_is_refused_in_words(keeper) -> None:
    """422, not a fault."""
    assert keeper.get("/master_data/item?cursor=abc").status_code == 422


def test_chosen_columns_are_kept_for_the_reader_alone(keeper, client) -> None:
    """And come back as declared."""
    keeper.post_form("/master_data/item/columns", {"column": ["name", "drawing_no", "nonsense"]}, page="/master_data/item")
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', html(keeper.get("/master_data/item")))
    assert heads == ["编号 " if h.endswith(" ") else h for h in heads] and [h.strip() for h in heads] == ["编号", "名称", "图号", "状态"]
    keeper.sign_out()
    assert "图号" not in re.findall(r'<th scope="col"[^>]*>([^<]+)', html(client.sign_in("core.employee").get("/master_data/item")))
    client.sign_out()
    keeper.sign_in("master_data.item_keeper").post_form("/master_data/item/columns", {"default": "1"}, page="/master_data/item")
    assert "图号" not in re.findall(r'<th scope="col"[^>]*>([^<]+)', html(keeper.get("/master_data/item")))


def test_who_may_not_create_is_not_offered_it(client, items) -> None:
    """Still exactly one primary button."""
    text = html(client.sign_in("core.employee").get("/master_data/item"))
    assert "/master_data/item/new" not in text and "/master_data/item/import" not in text
    assert len(re.findall(r'class="btn btn-p', text)) == 1


def test_a_type_that_is_not_there_is_not_found(keeper) -> None:
    """404 for a noun of an enabled plugin and for a plugin that is not enabled."""
    assert keeper.get("/master_data/nothing").status_code == keeper.get("/production/order").status_code == 404


# workbooks


def test_the_export_holds_what_the_list_shows(keeper) -> None:
    """The filter counts there too."""
    answer = keeper.get("/master_data/item/export?filter[kind]=原材料")
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    assert answer.mimetype.endswith("sheet") and sheet.max_row == 2 + 10


def workbook(*rows) -> BytesIO:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = BytesIO()
    book.save(target)
    target.seek(0)
    return target


HEAD = ("编码", "名称", "类别", "计量单位")


def test_a_workbook_is_tried_first_and_then_imported(keeper, people) -> None:
    """The trial changes nothing; the good rows count, the bad ones are told with their place and given back marked."""
    file = workbook(HEAD, ("N-1", "New one", "产品", "件"), ("N-2", "", "产品", "件"), ("N-3", "Odd", "no kind", "件"))
    answer = keeper.post_form("/master_data/item/import", {"file": (file, "items.xlsx")}, content_type="multipart/form-data")
    text = html(answer)
    assert "还没有导入" in text and text.count("tone-bad") >= 3 and "导入 1 行" in text
    with people.work_as("master_data.item_keeper", reading=True) as work:
        assert not work.find("master_data.item", code="N-1")
    hidden = dict(re.findall(r'name="(content|name|_csrf|_once)" value="([^"]*)"', text))
    marked = keeper.post("/master_data/item/import", data={**hidden, "marked": "1"})
    sheet = openpyxl.load_workbook(BytesIO(marked.data)).active
    assert sheet.cell(2, 5).value is None and sheet.cell(3, 5).value and sheet.cell(4, 5).value
    text = html(keeper.post("/master_data/item/import", data={**hidden, "apply": "1"}))
    assert "已导入，要改的除外" in text
    with people.work_as("master_data.item_keeper", reading=True) as work:
        assert len(work.find("master_data.item", code="N-1")) == 1 and not work.find("master_data.item", code="N-3")
    assert "没有变化" in html(keeper.post("/master_data/item/import", data={**hidden, "apply": "1"}))


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_what_is_no_workbook_is_refused_with_a_cure(keeper, content) -> None:
    """422, with the summary on top."""
    answer = keeper.post_form("/master_data/item/import", {"file": (BytesIO(content), "x.xlsx")}, content_type="multipart/form-data")
    assert answer.status_code == 422 and 'role="alert"' in answer.get_data(as_text=True)


def test_only_who_may_fill_a_register_imports_into_it(client, items) -> None:
    """403 for the page and for the file."""
    client.sign_in("core.employee")
    assert client.get("/master_data/item/import").status_code == 403
    assert client.post_form("/master_data/item/import", {}, page="/me").status_code == 403
