"""The house print: the record as the paper form, who signed it, who printed it; in the site's language."""

import io
import re

import pypdf
import pytest
from PIL import Image

from core import settings
from core.config import write_site
from core.errors import NotFound
from core.printing import Printer, prints_of
from core.printing.paper import Column, Entry, Grid, Paper, Part, block
from core.printing.prints import Prints
from core.site import open_site
from tests.company import PASSWORD, People, add, found_company
from tests.core import paperwork

TYPE = "paperwork.inspection"


@pytest.fixture(scope="module")
def printer():
    """One print server for all tests here."""
    found = Printer()
    yield found
    found.close()


@pytest.fixture
def site(engine, tmp_path, clock, request, printer):
    """A site with the one form."""
    url = f"sqlite:///{tmp_path / 'paper.db'}" if engine == "sqlite" else request.getfixturevalue("engine_url")
    folder = write_site(tmp_path / "site", name="东莞鸿远精密制造有限公司", kind="test", plugins=["paperwork"], database=url).path
    found = open_site(folder, extra={"paperwork": paperwork})
    found.database.create()
    found_company(found)
    found.extensions["printer"] = Prints(found, printer)
    with found.work(via="cli") as work:
        seat = work.directory.by_code["DEPT1"].id
        add(work, "林晓敏", [("paperwork.clerk", seat)])
        add(work, "方文斌", [("paperwork.manager", seat)])
    yield found
    found.close()


@pytest.fixture
def people(site):
    return People(site)


def made(people, **more):
    """An inspection in the draft of its clerk."""
    given = {"item": "HY-4410 法兰盘", "source": "complaint", "causes": ("man", "method"), "price": None,
             "lines": [{"place": "在线半成品", "checked": 310, "length": "1.5"}, {"place": "成品库存", "checked": 560, "length": "2"}]} | more
    given = {name: value for name, value in given.items() if value is not None}
    from decimal import Decimal

    for row in given.get("lines", ()):
        row["length"] = Decimal(row["length"])
    with people.work_as("林晓敏") as work:
        return work.create(TYPE, given).id


def take(people, who, id, step, **asked):
    with people.work_as(who) as work:
        work.fire(work.get(TYPE, id), step, **asked)


def printed(people, id, who="林晓敏", form="form"):
    """The PDF that somebody prints."""
    with people.work_as(who) as work:
        return prints_of(work.site).record(work, work.get(TYPE, id), form)


def text(pdf):
    """The text of a PDF without its spaces."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


@pytest.fixture
def approved(people):
    """A record that has gone all the way."""
    id = made(people)
    take(people, "林晓敏", id, "submit")
    take(people, "方文斌", id, "approve")
    return id


def test_the_print_shows_what_the_sheet_shows(people, approved):
    """Company, title, form number, edition, record number, clause, values, page n of m."""
    found = text(printed(people, approved))
    for part in ("东莞鸿远精密制造有限公司", "Inspectionsheet", "QR-ZL-16", "B/3", "INS-2026-0001", "CX-15", "HY-4410法兰盘", "在线半成品", "第1页/共1页", "受控打印件"):
        assert part in found


def test_options_that_were_not_taken_are_printed_too(people, approved):
    """Boxes as on paper: ticked ones and empty ones."""
    found = text(printed(people, approved))
    for box in ("☐Audit", "☑Complaint", "☐Other", "☑Man", "☐Machine", "☑Method", "☐是", "☐否"):
        assert box in found


def test_lines_have_their_heads_units_and_sums(people, approved):
    """A column of one unit says it once, in its heading; what adds up is added up."""
    found = text(printed(people, approved))
    assert "Length（mm）" in found
    assert "合计870" in found
    assert "3.5" in found


def test_signatures_come_from_the_steps_that_were_signed(people, approved):
    """Name, department, meaning, moment, short hash, whether it stands."""
    with people.work_as("方文斌") as work:
        record = work.get(TYPE, approved)
        signed = work.signatures(record)
    found = text(printed(people, approved))
    for one, name in zip(signed, ("林晓敏", "方文斌"), strict=True):
        assert f"{name}2026-11-2009:00:00电子签名{one.digest[:4]}…{one.digest[-4:]}有效" in found
    assert "一部" in found


def test_a_place_to_be_signed_is_there_and_empty(people):
    """Nobody types a signature, and no name stands where nobody signed."""
    id = made(people)
    take(people, "林晓敏", id, "submit")
    found = text(printed(people, id))
    assert found.count("电子签名") == 1
    assert "Approved" in found
    assert "方文斌" not in found


def test_a_skipped_approval_says_by_which_policy(people, site):
    """“Not required”, with the policy's name."""
    with site.work(via="cli") as work:
        settings.choose(work.connection, work.directory, work.origin, "paperwork.inspection.approver", "none", reason="test")
    id = made(people)
    take(people, "林晓敏", id, "submit")
    assert "无需（Whoapprovesaninspection：Noseparateapproval）" in text(printed(people, id))


def test_a_changed_value_makes_the_signature_invalid(people, site, approved):
    """Whoever changes the database behind the door is found out on paper: the step that locked the field no longer stands."""
    with site.work(via="cli") as work:
        table = work.tables(work.registry.type(TYPE)).main
        work.connection.execute(table.update().where(table.c.id == approved).values(item="HY-4411"))
    assert text(printed(people, approved)).count("失效") == 1


@pytest.mark.parametrize(("state", "mark"), [("draft", "草稿"), ("void", "已作废")])
def test_what_does_not_count_is_marked_across_the_page(people, state, mark):
    """A draft and a void record cannot be taken for issued ones."""
    id = made(people)
    if state == "void":
        take(people, "林晓敏", id, "submit")
        with people.work_as("方文斌") as work:
            work.void(work.get(TYPE, id), "wrong item")
    pages = pypdf.PdfReader(io.BytesIO(printed(people, id))).pages
    assert all(mark in page.extract_text() for page in pages)


def test_a_record_that_counts_bears_no_mark(people, approved):
    """Nothing across the page."""
    found = text(printed(people, approved))
    assert "草稿" not in found
    assert "已作废" not in found


def test_every_print_is_counted_and_stands_in_the_trail(people, approved):
    """Who printed, when, for the how-manieth time; the fingerprint is the trail entry's own."""
    first, second = text(printed(people, approved)), text(printed(people, approved, "方文斌"))
    assert "打印：林晓敏2026-11-2009:00·第1次打印" in first
    assert "打印：方文斌2026-11-2009:00·第2次打印" in second
    with people.work_as("方文斌") as work:
        record = work.get(TYPE, approved)
        events = [event for event in work.history(record) if event.action == f"{TYPE}.printed"]
        chain = record.chain
    assert len(events) == 2
    assert f"SHA-256{chain[:16]}…{chain[-12:]}" in second


def test_a_print_changes_no_version(people, approved):
    """What was signed stays the latest version."""
    with people.work_as("林晓敏") as work:
        before = work.get(TYPE, approved).version
    printed(people, approved)
    with people.work_as("林晓敏") as work:
        assert work.get(TYPE, approved).version == before


def test_a_hidden_field_is_not_printed_for_others(people):
    """A field with read_by= stands on the print of who may read it alone."""
    id = made(people)
    with people.work_as("林晓敏") as work:
        record = work.get(TYPE, id)
        work.site.database.tables(record.type)
    take(people, "林晓敏", id, "submit")
    with people.site.work(via="cli") as work:
        table = work.tables(work.registry.type(TYPE)).main
        work.connection.execute(table.update().where(table.c.id == id).values(price="88 000"))
    assert "88000" in text(printed(people, id, "方文斌"))
    assert "Secret" not in text(printed(people, id, "林晓敏"))


def test_a_form_of_other_states_is_not_there(people, approved):
    """in_states= holds; so does a name that no form has."""
    assert "HY-4410" in text(printed(people, approved, form="label"))
    id = made(people)
    for form in ("label", "nothing"):
        with pytest.raises(NotFound):
            printed(people, id, form=form)


def test_a_form_may_show_some_fields_alone(people, approved):
    """fields= leaves the others out."""
    assert "在线半成品" not in text(printed(people, approved, form="label"))


def test_the_print_is_in_the_sites_language(people, approved, site):
    """Whatever the reader's language is."""
    with site.work(actor=people.id("方文斌"), language="en") as work:
        found = text(prints_of(site).record(work, work.get(TYPE, approved), "form"))
    assert "受控打印件" in found
    assert "Controlled" not in found


def test_a_long_text_flows_and_never_shrinks(people):
    """It goes on, on the next page, in the same size; every page has the head of the form and its number."""
    story = "\n".join(f"{n}. 攻丝机主轴丝锥折断后，操作者更换丝锥，从 1 号孔重新开始。" for n in range(1, 121))
    pdf = printed(people, made(people, story=story))
    pages = [re.sub(r"\s", "", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert len(pages) > 2
    assert all("Inspectionsheet" in page and f"第{n}页/共{len(pages)}页" in page for n, page in enumerate(pages, 1))
    assert all(f"{n}.攻丝机" in "".join(pages) for n in range(1, 121))


def test_many_lines_repeat_their_heads(people):
    """On every page that they fill."""
    pdf = printed(people, made(people, lines=[{"place": f"工位 {n}", "checked": n, "length": "1"} for n in range(1, 101)]))
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) > 2
    assert all("Checked" in page.extract_text() for page in pages if "工位" in page.extract_text())


def test_photos_are_printed_and_other_files_named(people, site):
    """What is no picture is said to lie with the record."""
    from core import files

    out = io.BytesIO()
    Image.new("RGB", (400, 300), "red").save(out, "JPEG")
    with people.work_as("林晓敏") as work:
        stored = [site.files.put(io.BytesIO(content), name) for content, name in ((out.getvalue(), "孔.jpg"), (b"%PDF-1.4\n%%EOF\n", "报告.pdf"))]
        photo, paper = (files.add(work.connection, one, work.actor, work.now).id for one in stored)
    pdf = printed(people, made(people, photos=(photo,), papers=(paper,)))
    assert "报告.pdf" in text(pdf)
    images = [image for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for image in page.images]
    assert (400, 300) in [image.image.size for image in images]


def test_hostile_text_stays_text(people):
    """Markup in a field is printed as it was typed."""
    evil = "<img src='file:///etc/passwd'><script>alert(1)</script>&amp;{{7*7}}"
    found = text(printed(people, made(people, item=evil)))
    assert re.sub(r"\s", "", evil) in found


def test_after_the_work_the_pdf_is_made(people, site, approved):
    """A print for a web page holds no transaction while it is made, and stands in the trail all the same."""
    got = []
    with site.work(actor=people.id("林晓敏"), reading=True) as work:
        prints_of(site).send(work, work.get(TYPE, approved), "form", got.append)
        assert got == []
    assert "第1次打印" in text(got[0])


def test_entries_share_a_line_by_their_widths():
    """Twelve twelfths to a line; the last one fills it."""
    lines = block([Entry("a", span=4), Entry("b", span=4), Entry("c", span=4), Entry("d", span=6), Entry("e", span=12)])
    assert [len(row) for row in lines.rows] == [6, 2, 2]
    assert all(sum(cell.columns for cell in row) == len(lines.widths) for row in lines.rows)
    assert sum(lines.widths) == pytest.approx(100)


def test_short_columns_are_kept_whole():
    """A date gets the room that it needs, a long text what is left."""
    grid = Grid("", (Column("Day"), Column("Text"), Column("Qty", True)), (("2026-11-20", "x" * 200, "12"),))
    number, day, long, figure = grid.widths
    assert long > day > figure > 0 < number
    assert 173 * day / 100 > 10 * 1.8
    assert sum(grid.widths) == pytest.approx(100)


def test_a_day_stays_whole_in_a_crowded_grid():
    """Seventeen columns leave it room for its ten characters; Chinese words, which may break anywhere, give way."""
    columns = (*(Column("风险与应对措施") for _place in range(12)), *(Column("上月计划", is_figure=True) for _place in range(4)), Column("交期"))
    grid = Grid("", columns, ((*["机加一车间铸件到货如迟先装库存"] * 12, *["330 件"] * 4, "2026-11-27"),))
    millimetres = 267 * grid.widths[-1] / 100
    assert millimetres >= 10 * 1.66
    assert sum(grid.widths) == pytest.approx(100)


def test_many_columns_lay_the_sheet_across(printer):
    """Eleven columns do not fit upright."""
    from core.printing.layout import Layout

    grid = Grid("", tuple(Column(f"C{n}") for n in range(12)), (tuple("12345678" for _n in range(12)),))
    paper = Paper("zh_CN", "", "宽表", (Part("", (grid,)),), foot=("a",))
    box = pypdf.PdfReader(io.BytesIO(printer.print(Layout({}, lambda text, language: text).html(paper)))).pages[0].mediabox
    assert box.width > box.height


def test_passwords_of_the_tests_are_not_on_paper(people, approved):
    """Nothing that was not declared gets onto a sheet."""
    assert PASSWORD.replace(" ", "") not in text(printed(people, approved))
