"""Excel in and out: what is exported comes back as it was, and nothing that a workbook holds does harm."""

from __future__ import annotations

import datetime as dt
import tempfile
import zipfile
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import fields, people, transfer
from core.audit import Origin
from core.config import write_site
from core.errors import NotAllowed, Refused
from core.messages import _
from core.service import Query
from core.site import open_site
from core.transfer.export import field_columns
from core.transfer.workbook import read_workbook
from core.translations import Translations

ITEM = "master_data.item"
START = ("=1+1", "+1", "-1", "@SUM(A1)", "\u2009=1", "'=1", "=cmd|' /C calc'!A0", "http://x.y", "0012", "1e5", "_x0041_", "TRUE", "2026-12-01", "#N/A", "a\u3000b", "名称")


@pytest.fixture
def site(tmp_path, engine_url, monkeypatch):
    """A site with registers, and a keeper of its items."""
    write_site(tmp_path / "site", kind="test", database=engine_url, plugins=["master_data"])
    opened = open_site(tmp_path / "site")
    opened.database.create()
    origin = Origin(actor_id=None, at=opened.clock.now(), via="cli")
    with opened.database.begin() as connection:
        place = people.add_department(connection, origin, code="PRD", name="生产部")
        roles = [("master_data.item_keeper", None), ("core.employee", place)]
        opened.keeper = people.add_user(connection, opened.registry, origin, username="keeper", name="Keeper", password="correct horse battery", roles=roles, memory=8)[0]
        opened.reader = people.add_user(
            connection, opened.registry, origin, username="reader", name="Reader", password="correct horse battery", roles=[("core.employee", place)], memory=8,
        )[0]
    yield opened
    opened.close()


def item(code, **more):
    return {"code": code, "name": f"Valve {code}", "kind": "product", "unit": "pcs"} | more


def take(site, content, **options):
    with site.work(site.keeper) as work:
        return transfer.import_register(work, work.registry.type(ITEM), content, **options)


def exported(site):
    with site.work(site.keeper, reading=True) as work:
        return transfer.export_list(work, work.registry.type(ITEM), Query(sort="number"))


def items(site):
    with site.work(site.keeper, reading=True) as work:
        return {record.number: dict(record.values) for record in work.find(ITEM)}


def workbook(*rows, more=None):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if more:
        more(sheet)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


HEAD = ("编码", "名称", "类别", "单位", "规格")


def rows_of(content, **options):
    book = openpyxl.load_workbook(BytesIO(content), **options)
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


def heads(site, *names):
    """The labels of fields as their Chinese readers know them."""
    rt, texts = site.registry.type(ITEM), site.registry.translations
    return [texts.text(rt.fields[name].label, "zh_CN") for name in names]


def test_what_is_exported_comes_back_unchanged(site):
    """The same file again adds and changes nothing, whatever the texts look like."""
    with site.work(site.keeper) as work:
        for place, text in enumerate(START):
            work.create(ITEM, item(f"C-{place}", specification=text, remarks=f"{text}\n{text}"))
    before = items(site)
    content = exported(site)
    answer = take(site, content)
    assert answer.counts == {"created": 0, "changed": 0, "unchanged": len(START), "refused": 0}
    assert items(site) == before


def test_no_exported_text_is_a_formula(site):
    """Texts are string cells, and those that begin like a formula carry Excel's own quote, for when somebody edits the cell."""
    with site.work(site.keeper) as work:
        for place, text in enumerate(START):
            work.create(ITEM, item(f"C-{place}", specification=text))
    content = exported(site)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    cells = [cell for row in openpyxl.load_workbook(BytesIO(content)).active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell._style.quotePrefix for cell in cells if str(cell.value).startswith(("=", "+", "-", "@")))


def test_an_export_has_headings_for_people_and_a_hidden_row_for_the_way_back(site):
    """Row 1 holds field names and is hidden, row 2 the labels in the reader's language."""
    with site.work(site.keeper) as work:
        work.create(ITEM, item("C-1"))
    sheet = openpyxl.load_workbook(BytesIO(exported(site))).active
    assert sheet.row_dimensions[1].hidden
    names = [cell.value for cell in sheet[1]]
    assert names[:3] == ["number", "code", "name"]
    assert [cell.value for cell in sheet[2]][1:3] == heads(site, "code", "name")
    assert sheet.freeze_panes == "B3"


def test_rows_are_created_changed_and_left_alone(site):
    """By code: what is new is created, what differs is changed, what is equal stays; a column that is not there stays too."""
    with site.work(site.keeper) as work:
        work.create(ITEM, item("C-1", specification="DN20"))
        work.create(ITEM, item("C-2"))
    head = heads(site, "code", "name", "kind", "unit")
    answer = take(site, workbook(head, ["C-1", "Valve C-1", "product", "pcs"], ["C-2", "Valve two", "product", "pcs"], ["C-3", "Valve C-3", "product", "pcs"]))
    assert [(row.row, row.status, row.number) for row in answer.rows] == [(2, "unchanged", "C-1"), (3, "changed", "C-2"), (4, "created", "C-3")]
    assert {number: (one["name"], one["specification"]) for number, one in items(site).items()} == {
        "C-1": ("Valve C-1", "DN20"), "C-2": ("Valve two", None), "C-3": ("Valve C-3", None),
    }


def test_a_bad_row_is_told_and_the_good_ones_count(site):
    """Each refused row names its field and keeps what was typed; it leaves nothing behind."""
    answer = take(site, workbook(["code", "name", "kind", "unit"], ["C-1", "a", "product", "pcs"], ["C-2", "b", "spoon", "pcs"], ["C-3", None, "product", "pcs"], ["C-1", "c", "product", "pcs"]))
    assert [row.status for row in answer.rows] == ["created", "refused", "refused", "refused"]
    assert [row.problems[0].pointer for row in answer.refused] == ["/kind", "/name", "/code"]
    assert answer.refused[0].typed["kind"] == "spoon"
    assert set(items(site)) == {"C-1"}


def test_a_dry_run_changes_nothing(site):
    """It answers as the real run would."""
    content = workbook(["code", "name", "kind", "unit"], ["C-1", "a", "product", "pcs"])
    assert take(site, content, dry_run=True).counts["created"] == 1
    assert items(site) == {}
    assert take(site, content).counts["created"] == 1
    assert take(site, content).counts["unchanged"] == 1


def test_headings_are_known_in_every_language_with_units_stars_and_spaces(site):
    """An English, a Traditional Chinese and a Simplified Chinese heading name the same field."""
    for language in ("zh_CN", "zh_TW", "en"):
        texts, rt = site.registry.translations, site.registry.type(ITEM)
        head = [f" {texts.text(rt.fields[name].label, language)} * (x)" for name in ("code", "name", "kind", "unit")]
        assert take(site, workbook(["A company"], [], head, [language, "a", "product", "pcs"])).counts["created"] == 1


def test_a_heading_that_fits_no_field_is_named(site):
    """It is passed over, not in silence."""
    assert take(site, workbook(["code", "colour", "state"], ["C-1", "red", "active"])).ignored == ("colour",)


def test_who_may_not_fill_the_register_may_not_import(site):
    """The door's right holds before a row is read."""
    with pytest.raises(NotAllowed), site.work(site.reader) as work:
        transfer.import_register(work, work.registry.type(ITEM), workbook(["code"], ["C-1"]))


def test_a_formula_is_refused_and_a_text_that_looks_like_one_is_a_text(site):
    """Neither is computed."""

    def cells(sheet):
        sheet["B2"] = "=1+1"
        sheet["B3"] = "=1+1"
        sheet["B3"].data_type = "s"
        sheet["B4"] = "#REF!"
        sheet["B4"].data_type = "e"

    answer = take(site, workbook(["code", "name", "kind", "unit"], *([f"C-{n}", "x", "product", "pcs"] for n in (1, 2, 3)), more=cells))
    assert [(row.status, [problem.code for problem in row.problems]) for row in answer.rows] == [("refused", ["formula"]), ("created", []), ("refused", ["cell_error"])]
    assert items(site)["C-2"]["name"] == "=1+1"


def test_the_workbook_comes_back_with_one_column_of_errors(site):
    """Beside the rows as they were; mended and sent again it is read as if that column were not there."""
    content = workbook(["code", "name", "kind", "unit"], ["C-1", "=a", "product", "pcs"], ["C-2", "b", "spoon", "pcs"], more=lambda sheet: sheet["B2"].__setattr__("data_type", "s"))
    answer = take(site, content)
    with site.work(site.keeper, reading=True) as work:
        back = transfer.marked(work, content, answer, work.registry.type(ITEM).fields)
    rows = rows_of(back)
    assert [row[:4] for row in rows] == [row[:4] for row in rows_of(content)]
    assert (rows[0][4], rows[1][4]) == ("要改的地方", None)
    assert "spoon" in rows[2][4]
    again = take(site, back)
    assert again.ignored == ()
    assert [row.status for row in again.rows] == ["unchanged", "refused"]
    with site.work(site.keeper, reading=True) as work:
        assert rows_of(transfer.marked(work, back, again, work.registry.type(ITEM).fields))[0] == rows[0]
    assert {cell.data_type for row in openpyxl.load_workbook(BytesIO(back)).active.iter_rows() for cell in row if cell.value is not None} == {"s"}


def test_a_marked_export_carries_its_errors_under_the_headings_that_people_see(site):
    """The hidden row stays hidden and clean of them."""
    with site.work(site.keeper) as work:
        work.create(ITEM, item("C-1"))
    book = openpyxl.load_workbook(BytesIO(exported(site)))
    place = [cell.value for cell in book.active[1]].index("kind") + 1
    book.active.cell(3, place).value = "spoon"
    target = BytesIO()
    book.save(target)
    answer = take(site, target.getvalue())
    with site.work(site.keeper, reading=True) as work:
        sheet = openpyxl.load_workbook(BytesIO(transfer.marked(work, target.getvalue(), answer, work.registry.type(ITEM).fields))).active
    last = sheet.max_column
    assert (sheet.cell(1, last).value, sheet.cell(2, last).value) == (None, "要改的地方")
    assert "spoon" in sheet.cell(3, last).value


# Files that mean harm


def archive(parts, compression=zipfile.ZIP_DEFLATED):
    target = BytesIO()
    with zipfile.ZipFile(target, "w", compression) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return target.getvalue()


def changed(content, **parts):
    """A good workbook with some parts replaced."""
    with zipfile.ZipFile(BytesIO(content)) as opened:
        found = {one.filename: opened.read(one) for one in opened.infolist()}
    return archive(found | parts)


GOOD = workbook(["code", "name"], ["C-1", "a"])
SHEET = "xl/worksheets/sheet1.xml"
XMLNS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + n)} "{"&" + chr(97 + n) + ";"}{"&" + chr(97 + n) + ";"}">' for n in range(20)) + f"]><worksheet {XMLNS}>&t;</worksheet>"
OUTSIDE = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet {XMLNS}><sheetData><row r="1"><c t="inlineStr"><is><t>&a;</t></is></c></row></sheetData></worksheet>'
EVIL = {
    "nothing": (b"", "file_broken"),
    "a text": (b"code,name\nC-1,a\n", "file_broken"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "file_protected"),
    "half a workbook": (GOOD[: len(GOOD) // 2], "file_broken"),
    "a workbook with a flipped byte": (GOOD[:200] + b"\xff\xff\xff\xff" + GOOD[204:], None),
    "any archive": (archive({"a.txt": "x"}), "file_broken"),
    "a document": (archive({"[Content_Types].xml": "<Types/>", "word/document.xml": "<x/>"}), "file_broken"),
    "an empty workbook": (archive({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<x/>"}), "file_broken"),
    "a bomb in one sheet": (changed(GOOD, **{SHEET: b"<x>" + b" " * 60_000_000 + b"</x>"}), "file_bomb"),
    "a bomb in many parts": (changed(GOOD, **{f"xl/{n}.bin": b"\0" * 999_000 for n in range(110)}), "file_bomb"),
    "too many parts": (changed(GOOD, **{f"xl/{n}.xml": "<x/>" for n in range(2_100)}), "file_bomb"),
    "a larger file": (b"PK\x03\x04" + bytes(10_000_001), "file_too_large"),
    "a billion laughs": (changed(GOOD, **{SHEET: LAUGHS}), "file_broken"),
    "an outside entity": (changed(GOOD, **{SHEET: OUTSIDE}), "file_broken"),
    "an entity in sixteen bits": (changed(GOOD, **{SHEET: OUTSIDE.encode("utf-16")}), "file_broken"),
    "a row beyond the last": (changed(GOOD, **{SHEET: f'<worksheet {XMLNS}><sheetData><row r="4000000000"><c r="A4000000000"><v>1</v></c></row></sheetData></worksheet>'}), "file_broken"),
    "a damaged sheet": (changed(GOOD, **{SHEET: "<worksheet><sheetData><row"}), "file_broken"),
    "no headings": (workbook(["colour"], ["red"]), "no_headings"),
    "an empty sheet": (workbook(), "no_headings"),
    "two columns of one name": (workbook(["code", "编号"], ["C-1", "C-2"]), "twice"),
    "too many rows": (workbook(["code"], *([f"C-{n}"] for n in range(10_001))), "too_many"),
}


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_file_is_refused_with_what_to_do(name):
    """With a sentence and a cure in three languages."""
    content, code = EVIL[name]
    texts = Translations()
    label = _("Number")
    reading = fields.Reading(spellings=lambda text: [texts.text(text, "zh_CN")])
    try:
        read_workbook(content, {"code": fields.Text(label), "name": fields.Text(_("Department"))}, reading)
    except Refused as refused:
        problem, = refused.problems
        assert code in (None, problem.code)
        assert problem.what and problem.hint
        for language in ("zh_CN", "zh_TW"):
            assert texts.text(problem.what, language) != problem.what.id
    else:
        assert code is None


def test_a_sheet_of_what_cannot_be_filled_in_is_refused(site):
    """The state of an entry is not imported."""
    with pytest.raises(Refused) as refused:
        take(site, workbook(["state"], ["active"]))
    assert refused.value.problems[0].code == "no_headings"


def test_a_locked_archive_is_refused(site):
    """An archive with an encrypted part needs a password."""
    content = bytearray(GOOD)
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    with pytest.raises(Refused) as refused:
        take(site, bytes(content))
    assert refused.value.problems[0].code == "file_protected"


def test_blank_rows_to_the_end_of_the_sheet_are_no_rows(site):
    """A sheet that was formatted down to the last row holds what it holds."""
    answer = take(site, workbook(["code", "name", "kind", "unit"], ["C-1", "a", "product", "pcs"], more=lambda sheet: sheet.cell(100_000, 1, " ")))
    assert [row.status for row in answer.rows] == ["created"]


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_no_damage_makes_the_reader_fall_over(place, byte):
    """A workbook with any byte changed is read or refused."""
    content = GOOD[:place] + bytes([byte]) + GOOD[place + 1:]
    try:
        read_workbook(content, {"code": fields.Text(_("Number"))}, fields.Reading())
    except Refused as refused:
        assert refused.problems[0].what


# Lines

LINES = fields.Lines(_("Number"), columns={
    "product": fields.Reference(_("Department"), to=ITEM, required=True),
    "qty": fields.Quantity(_("State"), unit="t"),
    "price": fields.Money(_("Result")),
    "due": fields.Date(_("Remark")),
    "month": fields.Month(_("Photos")),
    "at": fields.Moment(_("Checked at")),
    "span": fields.Duration(_("Normal")),
    "note": fields.LongText(_("Abnormal")),
    "kind": fields.Choice(_("Not applicable"), options={"a": _("Yes"), "b": _("No")}),
    "stock": fields.Computed(fields.Quantity(_("What is checked")), by=len),
    "pictures": fields.Photos(_("Checked by")),
})


@pytest.fixture
def product(site):
    with site.work(site.keeper) as work:
        return work.create(ITEM, item("HY-1")).id


def row(product, **more):
    at = dt.datetime(2026, 12, 1, 0, 30, tzinfo=dt.UTC)
    return {
        "id": 101, "product": product, "qty": Decimal("1200.5"), "price": Decimal("999999999999.99"), "due": dt.date(2026, 12, 25), "month": dt.date(2026, 12, 1), "at": at,
        "span": dt.timedelta(hours=48), "note": "=1\n2", "kind": "b", "stock": Decimal(3), "pictures": (),
    } | more


class Form:
    """Just enough of a record for its names."""

    def __init__(self, product):
        self.product = product


def lines_out(site, rows, product):
    with site.work(site.keeper, reading=True) as work:
        reading = work.reading({product: fields.Name(product, ITEM, "HY-1", "Valve HY-1")})
        columns = [transfer.export.Column("id", "id", fields.Text()), *field_columns(LINES.columns, reading)]
        return transfer.write_table("lines", columns, [transfer.export._row_of(one) for one in rows], reading)


def lines_in(site, content, existing=()):
    with site.work(site.keeper, reading=True) as work:
        return transfer.read_lines(work, LINES, content, existing)


def test_exported_lines_come_back_as_they_were(site, product):
    """Figures, money, dates, months, moments, spans and texts survive Excel; known rows are unchanged."""
    rows = [row(product), row(product, id=102, qty=None, price=None, due=None, month=None, at=None, span=None, note=None, kind=None)]
    answer = lines_in(site, lines_out(site, rows, product), rows)
    assert [(one.status, one.id) for one in answer.rows] == [("unchanged", 101), ("unchanged", 102)]
    assert {name: answer.rows[0].values[name] for name in answer.rows[0].values} == {n: v for n, v in rows[0].items() if n not in ("id", "stock", "pictures")}
    assert set(answer.places) >= {"id", "stock"}


def test_figures_and_dates_are_typed_in_the_sheet(site, product):
    """Excel can add them up and sort them."""
    sheet = openpyxl.load_workbook(BytesIO(lines_out(site, [row(product)], product))).active
    cells = {name.value: cell for name, cell in zip(sheet[1], sheet[3], strict=True)}
    assert (cells["qty"].value, cells["qty"].number_format, cells["stock"].value) == (1200.5, "#,##0.0", 3)
    assert (cells["due"].value, cells["due"].number_format) == (dt.datetime(2026, 12, 25), "yyyy-mm-dd")
    assert (cells["at"].value, cells["month"].number_format) == (dt.datetime(2026, 12, 1, 8, 30), "yyyy-mm")
    assert (cells["note"].value, cells["product"].value) == ("=1\n2", "HY-1")
    assert sheet.column_dimensions["A"].hidden


def test_lines_are_read_beside_those_that_are_there(site, product):
    """A row that equals one that is there is not added again; a changed one keeps its id; a bad one tells why and keeps what was typed."""
    existing = [row(product), row(product, id=102, qty=Decimal(7))]
    head = ["product", "qty", "due"]
    content = workbook(head, ["HY-1", 1200.5, "2026-12-25"], ["HY-1", "7", dt.date(2026, 12, 25)], ["HY-1 Valve HY-1", "1 200", "2026-12-26"], ["HY-9", "12OO", "12-25"], [None, 1, None])
    answer = lines_in(site, content, existing)
    assert [one.status for one in answer.rows] == ["unchanged", "unchanged", "created", "refused", "refused"]
    assert answer.rows[2].values == {"product": product, "qty": Decimal(1200), "due": dt.date(2026, 12, 26)}
    assert {problem.pointer: problem.code for problem in answer.rows[3].problems} == {"/product": "unknown", "/qty": "number", "/due": "date"}
    assert answer.rows[3].typed == {"product": "HY-9", "qty": "12OO", "due": "12-25"}
    assert [problem.pointer for problem in answer.rows[4].problems] == ["/product"]


def test_a_row_that_stands_twice_in_a_new_form_is_two_rows(site, product):
    """Equal rows are matched one by one, not all with one."""
    content = workbook(["product", "qty"], ["HY-1", 1], ["HY-1", 1])
    assert lines_in(site, content).counts["created"] == 2
    assert lines_in(site, content, [{"id": 1, "product": product, "qty": Decimal(1)}]).counts == {"created": 1, "changed": 0, "unchanged": 1, "refused": 0}


def test_a_text_longer_than_a_cell_is_cut_and_the_cut_is_not_taken_back():
    """Half a text does not overwrite the whole one."""
    kind, reading = fields.LongText(_("Number"), max=100_000), fields.Reading()
    content = transfer.write_table("x", field_columns({"note": kind}, reading), [{"note": "a" * 40_000}], reading)
    sheet = read_workbook(content, {"note": kind}, reading)
    _values, faults = transfer.workbook.parse_line(sheet.lines[0], {"note": kind}, reading)
    assert faults["note"].code == "cut"


def test_ten_thousand_rows_are_read_in_seconds(site, product):
    """The largest sheet that is taken."""
    content = workbook(["product", "qty"], *(["HY-1", n] for n in range(10_000)))
    start = dt.datetime.now()
    assert lines_in(site, content).counts["created"] == 10_000
    assert (dt.datetime.now() - start).total_seconds() < 20


def test_a_table_that_cannot_be_finished_leaves_no_file_behind(tmp_path, monkeypatch):
    """A row that is refused half way: the temporary file of the rows before it is gone."""
    def rows():
        yield {"note": "one"}
        raise Refused([])

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Refused):
        transfer.write_table("notes", [transfer.export.Column("note", "Note", fields.Text())], rows(), fields.Reading())
    assert list(tmp_path.iterdir()) == []
