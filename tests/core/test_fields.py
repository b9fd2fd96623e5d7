"""Each field kind keeps what it is given, reads what people type, and refuses what no database would take."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import fields
from core.errors import Invalid
from core.fields.number import adds_up
from core.messages import _
from core.translations import Translations
from core.web import forms

D = decimal.Decimal
NAMES = {n: fields.Name(n, "master_data.item", f"HY-{n}", f"Valve {n}", unit="pcs") for n in (7, 8, 9)}


def look_up(field, text):
    return next((n for n, name in NAMES.items() if text in (name.number, name.title, str(name))), None)


def reading(language="zh_CN", zone="Asia/Shanghai"):
    texts = Translations()
    return fields.Reading(
        language=language, translate=lambda text: texts.text(text, language), names=NAMES, zone=ZoneInfo(zone), look_up=look_up,
        spellings=lambda text: [texts.text(text, one) for one in ("zh_CN", "zh_TW", "en")],
    )


CN, EN = reading(), reading("en")
OPTIONS = {"red": _("Normal"), "blue": _("Abnormal"), "green": _("Not applicable")}

characters = st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Cn"))
lines_of_text = st.text(characters, min_size=1, max_size=50)
decimals = st.decimals(min_value=0, max_value=10**11, places=4, allow_nan=False, allow_infinity=False)
days = st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31))
moments = st.datetimes(dt.datetime(1950, 1, 2), dt.datetime(2199, 12, 30)).map(lambda at: at.replace(second=0, microsecond=0, tzinfo=dt.UTC))
ids = st.sampled_from(sorted(NAMES))
some_ids = st.lists(ids, unique=True).map(tuple)
SIGNATURE = {"name": "Wang Fang", "at": dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC), "proof": "drawn", "file": 7}

KINDS = {
    "text": (fields.Text(), lines_of_text),
    "long_text": (fields.LongText(), st.lists(lines_of_text, min_size=1, max_size=4).map("\n".join)),
    "integer": (fields.Integer(), st.integers(-(10**12) + 1, 10**12 - 1)),
    "decimal": (fields.Decimal(), decimals),
    "quantity": (fields.Quantity(unit="t"), decimals),
    "percent": (fields.Quantity(unit="%"), decimals),
    "money": (fields.Money(), st.decimals(-(10**11), 10**11, places=2)),
    "date": (fields.Date(), days),
    "month": (fields.Month(), days.map(lambda day: day.replace(day=1))),
    "year": (fields.Year(), st.integers(1900, 2200)),
    "week": (fields.Week(), st.dates(dt.date(1900, 1, 10), dt.date(2199, 12, 31)).map(lambda day: "{:04}-W{:02}".format(*day.isocalendar()[:2]))),
    "time": (fields.Time(), st.times().map(lambda at: at.strftime("%H:%M"))),
    "moment": (fields.Moment(), moments),
    "duration": (fields.Duration(), st.integers(0, 3_000 * 86_400).map(lambda n: dt.timedelta(seconds=n))),
    "boolean": (fields.Boolean(), st.booleans()),
    "choice": (fields.Choice(options=OPTIONS), st.sampled_from(sorted(OPTIONS))),
    "choices": (fields.Choices(options=OPTIONS), st.sets(st.sampled_from(sorted(OPTIONS))).map(lambda keys: tuple(k for k in OPTIONS if k in keys))),
    "reference": (fields.Reference(to="master_data.item"), ids),
    "references": (fields.References(to="master_data.item"), some_ids),
    "any_record": (fields.AnyRecord(), ids),
    "user": (fields.User(), ids),
    "users": (fields.Users(), some_ids),
    "department": (fields.Department(), ids),
    "departments": (fields.Departments(), some_ids),
    "photos": (fields.Photos(), some_ids),
    "attachments": (fields.Attachments(), some_ids),
    "outside_signature": (fields.OutsideSignature(), st.just(SIGNATURE)),
    "lines": (
        fields.Lines(columns={"qty": fields.Quantity(), "on": fields.Date(), "tags": fields.Choices(options=OPTIONS)}),
        st.lists(st.fixed_dictionaries({"qty": decimals, "on": days, "tags": st.just(("red",))}), max_size=4),
    ),
    "checklist": (fields.Checklist(items=OPTIONS), st.just([{"item": "red", "result": "normal", "remark": "ok", "photos": (7,), "by": 8, "at": None}])),
}
NOT_TYPED = {"outside_signature", "lines", "checklist"}
EVERY = pytest.mark.parametrize("name", KINDS)

POISON = [
    "a\x00b", "\ud800", "a\x07", "a\u202eb", "a\ufffe", "1" * 21, "9" * 10_000_000, "NaN", "Infinity", "1e5", "\u0663\u0664", "2026-02-30", "1899-12-31",
    "2201-01-01", "2026-12-01T24:00:00Z", "2026-W54", "2026-13", "25:00", "P1M", "PT", "-1", "", " ", "<script>", "9223372036854775808", "0", "07",
    1.5, float("nan"), float("inf"), 10**21, -(10**21), True, [], {}, [[]], [None], ["a\x00"], {"a": 1}, [{"nope": 1}], ["7", "7"], b"x",
]


def accepted_by(kind, poison):
    try:
        return kind.load(poison)
    except Invalid as error:
        assert error.what
        return None


@EVERY
def test_every_kind_reads_back_what_it_wrote_as_json(name):
    """load(dump(value)) is the value, through a JSON text."""
    kind, values = KINDS[name]

    @settings(max_examples=60, deadline=None)
    @given(values)
    def check(value):
        assert kind.same(kind.load(json.loads(json.dumps(kind.dump(value)))), value)

    check()


@EVERY
def test_every_kind_reads_back_what_its_column_kept(name):
    """from_column(to_column(value)) is the value, and only a kind that says so converts."""
    kind, values = KINDS[name]

    @settings(max_examples=30, deadline=None)
    @given(values)
    def check(value):
        assert kind.same(kind.from_column(kind.to_column(value)), value)
        if not kind.converts:
            assert kind.to_column(value) == value
        if kind.storage and kind.storage.kind == "json":
            json.dumps(kind.to_column(value))

    check()


@EVERY
@pytest.mark.parametrize("reader", [CN, EN], ids=["zh_CN", "en"])
def test_every_kind_reads_what_it_shows(name, reader):
    """parse(text(value)) and parse(cell(value)) are the value, in the reader's language."""
    kind, values = KINDS[name]
    if name in NOT_TYPED:
        pytest.skip("not typed into one cell")

    @settings(max_examples=60, deadline=None)
    @given(values)
    def check(value):
        assert kind.same(kind.parse(kind.text(value, reader), reader), value)
        assert kind.same(kind.parse(kind.cell(value, reader), reader), value)

    check()


@EVERY
def test_every_kind_leaves_empty_empty(name):
    """null loads as empty, empty is dumped as null or an empty list, and typed nothing is empty."""
    kind, _values = KINDS[name]
    for value in (kind.load(None), kind.parse("", CN), kind.parse(None, CN)):
        assert kind.empty(value)
        assert kind.dump(value) in (None, [])
        assert kind.text(value, CN) == ""


@EVERY
@pytest.mark.parametrize("poison", POISON, ids=lambda p: repr(p)[:24])
def test_every_kind_refuses_poison_with_a_sentence(name, poison):
    """Whatever is sent is refused as Invalid or becomes a value of the kind that reads back as it was."""
    kind, _values = KINDS[name]
    value = accepted_by(kind, poison)
    if value is not None:
        assert kind.same(kind.load(json.loads(json.dumps(kind.dump(value)))), value)
        text = json.dumps(kind.dump(value))
        assert len(text) < 250_000
        assert "\\u0000" not in text and "\\ud800" not in text


@EVERY
def test_no_kind_takes_a_boolean_or_a_float_for_something_else(name):
    """True is no number and 1.5 is no exact number."""
    kind, _values = KINDS[name]
    if name != "boolean":
        with pytest.raises(Invalid):
            kind.load(True)
    with pytest.raises(Invalid):
        kind.load(1.5)


@EVERY
@settings(max_examples=150, deadline=None)
@given(raw=st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5,
))
def test_no_kind_falls_over_any_json(name, raw):
    """Loading any JSON ends in a value or in Invalid, never in another exception."""
    kind, _values = KINDS[name]
    value = accepted_by(kind, raw)
    if value is not None:
        kind.dump(value)
        kind.text(value, CN)


@EVERY
@settings(max_examples=150, deadline=None)
@given(typed=st.text() | st.floats() | st.integers() | st.booleans() | st.datetimes() | st.dates() | st.times() | st.timedeltas())
def test_no_kind_falls_over_anything_typed(name, typed):
    """Parsing any text or Excel value ends in a value or in Invalid."""
    kind, _values = KINDS[name]
    try:
        value = kind.parse(typed, CN)
    except Invalid as error:
        assert str(error.what)
        return
    kind.dump(value)


@EVERY
def test_every_kind_has_a_json_schema_and_no_fault(name):
    """The schema is JSON, allows null, and the declarations above have no faults."""
    kind, _values = KINDS[name]
    assert "null" in json.dumps(kind.described())
    assert list(kind.check()) == []
    assert kind.kind and kind.widget and kind.span in (3, 4, 6, 8, 12)


@pytest.mark.parametrize(("typed", "number"), [
    ("1 200", "1200"), ("1,200.5", "1200.5"), ("\uff11\uff12\uff10\uff10", "1200"), ("1\u2009200", "1200"), ("1\u00a0200\u3000", "1200"), (".5", "0.5"), ("+3", "3"),
    ("0012", "12"), (3.0, "3"), (0.1, "0.1"), (0.30000000000000004, "0.3"), (1200, "1200"), ("1200 t", "1200"), ("1\uff0c200\uff0e5", "1200.5"),
])
def test_a_quantity_is_read_as_people_type_it(typed, number):
    """Thousands, full-width digits, the unit and Excel's floats are understood."""
    assert fields.Quantity(unit="t").parse(typed, CN) == D(number)


@pytest.mark.parametrize(("typed", "sentence"), [
    ("12OO", "“12OO”不是数字，含字母 O"), ("1,5", "“1,5”不是数字"), ("-3", "不能小于 0"), ("1.2.3", "不是数字"), ("\u0663", "含“\u0663”"),
    ("1" * 21, "数字太长"), ("1.1234567", "小数位太多"), ("12 t", "含字母 t"), (True, "不是数字"), (float("nan"), "不是数字"),
])
def test_a_refused_figure_says_why_in_the_readers_language(typed, sentence):
    """The sentence names what was typed and what is wrong with it."""
    with pytest.raises(Invalid) as refused:
        fields.Quantity().parse(typed, CN)
    assert sentence in CN.translate(refused.value.what)


@pytest.mark.parametrize("typed", [
    "2026-12-1", "2026/12/1", "2026.12.1", "2026\u5e7412\u67081\u65e5", "2026 \u5e74 12 \u6708 1 \u65e5", "20261201", "\uff12\uff10\uff12\uff16-12-01",
    dt.datetime(2026, 12, 1), dt.date(2026, 12, 1), "2026-12-01 00:00:00",
])
def test_a_date_is_read_as_people_type_it(typed):
    """Dashes, slashes, points, Chinese signs and Excel's own dates are understood."""
    assert fields.Date().parse(typed, CN) == dt.date(2026, 12, 1)


@pytest.mark.parametrize(("typed", "sentence"), [
    ("12-25", "“12-25”没有年份"), ("2026-02-30", "没有 2026-02-30 这一天"), ("1026-01-01", "年份 1026"), ("tomorrow", "不是日期"), (46000, "是数字，不是日期"),
])
def test_a_refused_date_says_why(typed, sentence):
    """A date without a year is not guessed."""
    with pytest.raises(Invalid) as refused:
        fields.Date().parse(typed, CN)
    assert sentence in CN.translate(refused.value.what)


@pytest.mark.parametrize(("kind", "typed", "value"), [
    (fields.Month(), "2026\u5e7412\u6708", dt.date(2026, 12, 1)), (fields.Month(), "2026/9", dt.date(2026, 9, 1)), (fields.Month(), dt.datetime(2026, 12, 9), dt.date(2026, 12, 1)),
    (fields.Week(), "2026\u5e74\u7b2c51\u5468", "2026-W51"), (fields.Week(), dt.date(2026, 12, 14), "2026-W51"), (fields.Year(), "2026\u5e74", 2026), (fields.Year(), 2026.0, 2026),
    (fields.Time(), "8\uff1a05", "08:05"), (fields.Time(), dt.time(8, 5), "08:05"), (fields.Time(), "8\u70b930\u5206", "08:30"),
    (fields.Duration(), "2\u5929", dt.timedelta(2)), (fields.Duration(), "1:30", dt.timedelta(hours=1.5)), (fields.Duration(), "1.5h", dt.timedelta(hours=1.5)),
    (fields.Boolean(), "\u662f", True), (fields.Boolean(), "on", True), (fields.Boolean(), 0.0, False), (fields.Boolean(), "Yes", True),
    (fields.Text(), 3.0, "3"), (fields.Text(), " a\tb\u00a0", "a b"), (fields.Text(), dt.datetime(2026, 1, 2), "2026-01-02"), (fields.LongText(), "a\r\nb", "a\nb"),
    (fields.Choice(options=OPTIONS), "\u7570\u5e38", "blue"), (fields.Choice(options=OPTIONS), "abnormal", "blue"),
    (fields.Choices(options=OPTIONS), "\u6b63\u5e38, \u5f02\u5e38", ("red", "blue")), (fields.Choices(options=OPTIONS), ["green", "red"], ("red", "green")),
    (fields.References(to="a.b"), "HY-7;HY-9", (7, 9)), (fields.Reference(to="a.b"), "123456789012345678", 123456789012345678),
    (fields.Moment(), "2026-12-1 8:05", dt.datetime(2026, 12, 1, 0, 5, tzinfo=dt.UTC)), (fields.Moment(), "2026-12-01T08:05", dt.datetime(2026, 12, 1, 0, 5, tzinfo=dt.UTC)),
    (fields.Money(), "\uffe51,200.50", D("1200.5")), (fields.Money(), "1200\u5143", D(1200)),
])
def test_a_value_is_read_as_people_type_it(kind, typed, value):
    """Each kind understands the ways in which its values are typed, pasted, or lie in Excel."""
    assert kind.parse(typed, CN) == value


@pytest.mark.parametrize(("kind", "value", "chinese", "english"), [
    (fields.Quantity(), D("1234567.5"), "1\u2009234\u2009567.5", "1\u2009234\u2009567.5"), (fields.Quantity(unit="%"), D("12.50"), "12.5%", "12.5%"),
    (fields.Money(), D(1200), "1\u2009200.00", "1\u2009200.00"), (fields.Month(), dt.date(2026, 9, 1), "2026 年 9 月", "2026-09"), (fields.Week(), "2026-W05", "2026 年第 5 周", "2026-W05"),
    (fields.Boolean(), True, "是", "Yes"), (fields.Choices(options=OPTIONS), ("red", "blue"), "正常、异常", "Normal; Abnormal"),
    (fields.Moment(), dt.datetime(2026, 12, 1, 0, 5, tzinfo=dt.UTC), "2026-12-01 08:05", "2026-12-01 08:05"), (fields.Duration(), dt.timedelta(hours=49.5), "49 h 30 min", "49 h 30 min"),
    (fields.Reference(to="a.b"), 7, "HY-7 Valve 7", "HY-7 Valve 7"), (fields.Reference(to="a.b"), 99, "", ""), (fields.Integer(), -1234, "-1\u2009234", "-1\u2009234"),
])
def test_a_value_is_shown_to_people(kind, value, chinese, english):
    """Figures are grouped by thin spaces; words follow the reader's language; what one may not see has no name."""
    assert kind.text(value, CN) == chinese
    assert kind.text(value, EN) == english


def test_units_stand_beside_the_figure():
    """A unit is fixed, or that of the record in another field of the row."""
    assert fields.Quantity(unit="t").suffix({}, EN) == "t"
    assert fields.Quantity(unit_of="product").suffix({"product": 7}, EN) == "pcs"
    assert fields.Quantity(unit_of="product").suffix({"product": None}, EN) == ""
    assert fields.Money().suffix({}, CN) == "元"


def test_exact_numbers_have_one_written_form():
    """1.50, 1.500000 and 1.5 are dumped alike; money always with its places."""
    assert {fields.Quantity().dump(D(text)) for text in ("1.5", "1.50", "1.500000")} == {"1.5"}
    assert fields.Quantity().dump(D("2E+3")) == "2000"
    assert fields.Quantity().dump(fields.Quantity(min=None).load("-0")) == "0"
    assert fields.Money().dump(D("3")) == "3.00"


def test_bounds_hold():
    """min and max refuse, for figures, dates, texts and lists."""
    for kind, raw in [
        (fields.Integer(min=1), 0), (fields.Integer(max=5), 6), (fields.Quantity(), "-1"), (fields.Quantity(max=D(5)), "5.1"), (fields.Decimal(places=0), "1.5"),
        (fields.Date(min=dt.date(2026, 1, 1)), "2025-12-31"), (fields.Text(max=3), "abcd"), (fields.Text(min=3), "ab"), (fields.Photos(max=1), ["1", "2"]),
        (fields.Lines(columns={"a": fields.Text()}, max=1), [{}, {}]), (fields.Text(), "x" * 201), (fields.LongText(), "x" * 20_001),
    ]:
        with pytest.raises(Invalid):
            kind.load(raw)
    assert fields.Quantity(min=-5).load("-1") == -1


def test_a_local_time_that_the_clock_skipped_is_refused():
    """Where the clock was put forward the hour between does not exist."""
    with pytest.raises(Invalid, match="does not exist"):
        fields.Moment().parse("2026-03-29 02:30", reading("en", "Europe/Berlin"))


def test_a_computed_value_is_never_sent():
    """Computed answers as its kind does, and refuses to be loaded or typed."""
    kind = fields.Computed(fields.Quantity(_("In stock"), unit="t"), by=lambda work, row: D(1))
    assert (kind.label, kind.kind, kind.storage, kind.dump(D("1.50"))) == ("In stock", "computed", fields.Storage("exact", places=6), "1.5")
    assert fields.Computed(fields.Quantity(), by=len, live=True).storage is None
    assert kind.accept(D(-2) / D(3)) == D("-0.666667")
    for read in (lambda: kind.load("1"), lambda: kind.load(None), lambda: kind.parse("1", EN)):
        with pytest.raises(Invalid):
            read()


def test_defaults_are_what_a_new_record_starts_with():
    """A value, the actor, today, or a function of the work."""

    class Work:
        actor, today, now = 8, dt.date(2026, 12, 24), dt.datetime(2026, 12, 24, 8, tzinfo=dt.UTC)

    starts = {
        fields.User(default="actor"): 8, fields.Date(default="today"): Work.today, fields.Month(default="today"): dt.date(2026, 12, 1), fields.Week(default="today"): "2026-W52",
        fields.Year(default="today"): 2026, fields.Moment(default="now"): Work.now, fields.Text(default=lambda work: str(work.actor)): "8", fields.Integer(default=3): 3, fields.Text(): None,
    }
    assert {kind: kind.initial(Work) for kind in starts} == starts


def test_a_checklist_begins_with_its_items_and_is_complete_when_each_has_a_result():
    """Its rows are there from the start."""
    kind = fields.Checklist(_("Normal"), items={"oil": _("Normal"), "noise": _("Abnormal")})
    rows = kind.initial(None)
    assert [row["item"] for row in rows] == ["oil", "noise"]
    assert not kind.complete(rows)
    assert kind.complete([row | {"result": "normal"} for row in rows])


@pytest.mark.parametrize(("kind", "code"), [
    (fields.Text(width=5), "F101"), (fields.Integer(min=3, max=1), "F102"), (fields.Photos(filter=True), "F103"), (fields.Lines(columns={"a": fields.Text()}, filter=True), "F103"),
    (fields.Integer(default="x"), "F104"), (fields.Text(max=5_000), "F110"), (fields.LongText(filter=True), "F111"), (fields.Decimal(places=7), "F121"),
    (fields.Quantity(unit="t", unit_of="x"), "F122"), (fields.Choice(), "F140"), (fields.Choice(options={"A b": _("Normal")}), "F141"), (fields.Reference(to="item"), "F150"),
    (fields.OutsideSignature(proofs=("blood",)), "F152"), (fields.Lines(), "F160"), (fields.Lines(columns={"id": fields.Text()}), "F161"),
    (fields.Lines(columns={"a": fields.Lines(columns={"b": fields.Text()})}), "F162"), (fields.Lines(columns={"a": fields.Text()}, rows=({"b": 1},)), "F163"),
    (fields.Checklist(), "F164"), (fields.Computed(fields.Text()), "F171"), (fields.Computed(by=len), "F170"), (fields.Date(default="today"), None),
])
def test_a_wrong_declaration_is_told_with_a_cure(kind, code):
    """Each fault has its code, a sentence, and what to do."""
    told = list(kind.check())
    assert code is None or code in [one[0] for one in told]
    assert all(what and hint for _code, what, hint in told)


@pytest.mark.parametrize(("kind", "adds"), [
    (fields.Integer(), True), (fields.Quantity(unit="h"), True), (fields.Money(), True), (fields.Decimal(), False), (fields.Quantity(unit="%"), False),
    (fields.Integer(total=False), False), (fields.Quantity(unit="h", total=False), False), (fields.Money(total=False), False), (fields.Text(), False),
])
def test_only_figures_whose_sum_says_something_add_up(kind, adds):
    """Whole numbers, quantities and amounts, as long as their declaration does not say otherwise; the foot of a grid shows no other."""
    assert adds_up(kind) is adds
    assert forms.total_columns(fields.Lines(columns={"figure": kind})) == (["figure"] if adds else [])
