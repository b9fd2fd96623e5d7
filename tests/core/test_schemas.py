"""The JSON of a record type: everything that is sent is checked at once, everything that is answered fits its schema."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import fields
from core.errors import Refused
from core.messages import _
from core.records import Numbering, RecordType
from core.schemas import RecordSchema, dump_names
from core.storage import Record, Row
from core.workflow import State, Transition, Workflow

PLAN = RecordType(
    name="plant.plan",
    label=_("Result"),
    fields={
        "month": fields.Month(_("Result"), required=True),
        "name": fields.Text(_("Result")),
        "risks": fields.LongText(_("Result")),
        "kind": fields.Choice(_("Result"), options={"new": _("Yes"), "old": _("No")}),
        "owner": fields.User(_("Result")),
        "copies": fields.Integer(_("Result")),
        "budget": fields.Money(_("Result")),
        "due": fields.Date(_("Result")),
        "is_urgent": fields.Boolean(_("Result")),
        "places": fields.References(_("Result"), to="plant.place"),
        "secret": fields.Text(_("Result"), read_by=("plant.chief",)),
        "total": fields.Computed(fields.Quantity(_("Result")), by=len),
        "opinion": fields.Text(_("Result"), required=True),
        "lines": fields.Lines(_("Result"), max=50, columns={
            "product": fields.Reference(_("Result"), to="plant.item"),
            "planned_qty": fields.Quantity(_("Result")),
            "due_date": fields.Date(_("Result")),
            "remark": fields.Text(_("Result")),
            "stock_qty": fields.Computed(fields.Quantity(_("Result")), by=len),
        }),
    },
    workflow=Workflow(
        states={"draft": State(_("Yes")), "done": State(_("No"), final=True)},
        transitions={"finish": Transition(_("Result"), "draft", "done", by="plant.chief", asks=_("Remark"), fills=("opinion", "lines.remark"))},
        voids="plant.chief",
    ),
)
SCHEMA = RecordSchema(PLAN)
ROW = {"product": "11", "planned_qty": "1200.5", "due_date": "2026-12-25", "remark": "two lots"}
BODY = {
    "month": "2026-12", "name": "December", "risks": "Power cut\non the 24th", "kind": "new", "owner": "12", "copies": 3, "budget": "1000.00", "due": "2026-12-01",
    "is_urgent": False, "places": ["21", "22"], "lines": [ROW] * 5,
}


class Reader:
    """Somebody who reads: what is hidden from them, and the names that they may see."""

    def __init__(self, *hidden):
        self.access = self
        self.kept = frozenset(hidden)

    def hidden(self, rt, record):
        return self.kept

    def names(self, records):
        return {11: fields.Name(11, "plant.item", "HY-11", "Valve")}


def record(values):
    at = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
    empty = dict.fromkeys(PLAN.fields) | {"total": Decimal("2.50")}
    made = Record(PLAN, 77, empty | values, state="draft", department=5, created_by=12, created_at=at, changed_at=at, title="December")
    made.values["lines"] = tuple(Row(100 + n, n, {k: v for k, v in row.items() if k != "id"} | {"stock_qty": None}, made) for n, row in enumerate(values.get("lines", ())))
    return made


def problems(load, *body):
    with pytest.raises(Refused) as refused:
        load(*body)
    return {problem.where: problem.code for problem in refused.value.problems}


def test_a_body_becomes_python_values():
    """Each field is loaded by its kind; the department of a new record stands beside the values."""
    sent = SCHEMA.load_create(BODY | {"department": "5"})
    assert sent.department == 5
    assert (sent.values["month"], sent.values["budget"], sent.values["places"]) == (dt.date(2026, 12, 1), Decimal(1000), (21, 22))
    assert sent.values["lines"][4] == {"product": 11, "planned_qty": Decimal("1200.5"), "due_date": dt.date(2026, 12, 25), "remark": "two lots"}


def test_every_fault_is_told_at_once_with_its_place():
    """Problems carry JSON pointers down to the cell."""
    rows = [ROW, ROW | {"planned_qty": 5}, ROW | {"planned": "1"}, ROW | {"stock_qty": "1"}, "x", ROW | {"id": 7}, ROW | {"due_date": "2026-02-30"}]
    assert problems(SCHEMA.load_create, {"month": "2026-13", "nme": "x", "total": "1", "state": "done", "name": "a\x00", "copies": True, "lines": rows}) == {
        "/month": "date", "/nme": "unknown_field", "/total": "read_only", "/state": "read_only", "/name": "character", "/copies": "type",
        "/lines/1/planned_qty": "type", "/lines/2/planned": "unknown_field", "/lines/3/stock_qty": "read_only", "/lines/4": "type", "/lines/5/id": "id",
        "/lines/6/due_date": "date",
    }


def test_a_misspelt_field_is_told_the_right_name():
    """The hint names the nearest field."""
    with pytest.raises(Refused) as refused:
        SCHEMA.load_change({"montth": "2026-12"})
    assert "month" in refused.value.problems[0].hint


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_a_body_that_is_no_object_is_refused(body):
    """The whole body has an empty pointer."""
    assert problems(SCHEMA.load_create, body) == {"": "type"}


@pytest.mark.parametrize(("rows", "where", "code"), [("x", "/lines", "type"), ({}, "/lines", "type"), ([ROW] * 51, "/lines", "too_many"), ([None], "/lines/0", "type")])
def test_rows_are_a_list_of_objects(rows, where, code):
    """Anything else is refused at its place."""
    assert problems(SCHEMA.load_change, {"lines": rows}) == {where: code}


def test_a_change_holds_only_what_was_sent():
    """A key that is not there stays as it is; null empties; a row keeps its id."""
    assert SCHEMA.load_change({"name": None, "lines": [{"id": "100", "remark": "x"}, {"id": None}]}) == {"name": None, "lines": [{"id": 100, "remark": "x"}, {"id": None}]}
    assert SCHEMA.load_change({"lines": None, "places": None}) == {"lines": [], "places": ()}
    assert problems(SCHEMA.load_change, {"department": "5"}) == {"/department": "read_only"}


def test_a_step_takes_its_reason_and_the_fields_it_fills():
    """Other fields and other columns are refused."""
    sent = SCHEMA.load_step("finish", {"reason": "Done", "fields": {"opinion": "Good", "lines": [{"id": "100", "remark": "x"}]}, "password": " p ", "otp": None})
    assert (sent.reason, sent.password, sent.otp) == ("Done", " p ", "")
    assert sent.values == {"opinion": "Good", "lines": [{"id": 100, "remark": "x"}]}
    assert SCHEMA.load_step("finish", None).values == {}
    assert problems(SCHEMA.load_step, "finish", {"fields": {"name": "x", "lines": [{"planned_qty": "1"}]}, "reasn": "x", "password": 5}) == {
        "/fields/name": "unknown_field", "/fields/lines/0/planned_qty": "unknown_field", "/reasn": "unknown_field", "/password": "type",
    }
    assert SCHEMA.load_step("void", {"reason": "Twice"}).reason == "Twice"


def test_a_typed_number_is_taken_only_where_it_may_be_typed():
    """Other types refuse `number` as read-only."""
    typed = RecordSchema(RecordType("plant.file", _("Result"), fields={"name": fields.Text(_("Result"))}, numbering=Numbering("{name}", typed=True)))
    assert typed.load_create({"number": "A-1"}).number == "A-1"
    assert "number" in typed.json_create()["properties"]
    assert problems(SCHEMA.load_create, {"number": "A-1"}) == {"/number": "read_only"}


def test_an_answer_fits_its_schema_and_what_was_sent_reads_back():
    """Common fields, declared fields, rows with ids, and the names of what is pointed at."""
    answer = json.loads(json.dumps(SCHEMA.dump(Reader(), record(SCHEMA.load_create(BODY).values))))
    jsonschema_rs.validator_for(SCHEMA.json_record()).validate(answer)
    assert {key: answer[key] for key in BODY if key != "lines"} == {key: BODY[key] for key in BODY if key != "lines"}
    assert answer["lines"][0] == {"id": "100", "stock_qty": None} | ROW
    assert (answer["id"], answer["department"], answer["created_at"], answer["total"]) == ("77", "5", "2026-11-20T08:00:00+00:00", "2.5")
    assert answer["names"] == {"11": {"type": "plant.item", "number": "HY-11", "title": "Valve"}}
    assert dump_names({}) == {}


def test_what_one_may_not_read_is_not_in_the_answer():
    """Neither the field nor the column has a key."""
    answer = SCHEMA.dump(Reader("secret", "lines.remark"), record(SCHEMA.load_create(BODY).values))
    assert "secret" not in answer
    assert "remark" not in answer["lines"][0]
    assert set(SCHEMA.dump_alone(Reader(), record({}), only=("month",))) >= {"id", "month"}
    assert "name" not in SCHEMA.dump_alone(Reader(), record({}), only=("month",))


def test_the_schemas_of_bodies_take_what_the_loader_takes():
    """The examples above are valid, faults are not, and later fields are not offered at birth."""
    create, change, step = (jsonschema_rs.validator_for(one) for one in (SCHEMA.json_create(), SCHEMA.json_change(), SCHEMA.json_step("finish")))
    assert create.is_valid(BODY | {"department": "5"})
    assert change.is_valid({"name": None, "lines": [{"id": "100"}, {"id": None}]})
    assert not create.is_valid({"total": "1"}) and not create.is_valid({"lines": [{"stock_qty": "1"}]}) and not create.is_valid({"nope": 1})
    assert step.is_valid({"reason": "x", "fields": {"opinion": "y"}}) and not step.is_valid({"fields": {"name": "x"}, "reason": "x"}) and not step.is_valid({})
    assert "opinion" not in SCHEMA.json_create()["properties"]
    assert "reason" in SCHEMA.json_step("void")["required"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(
    st.sampled_from([*PLAN.fields, "x", "a/b~c", "\ud800", ""]),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["id", "remark", "_schema", "0"]), one), max_leaves=6),
))
def test_no_body_makes_the_loader_fall_over(body):
    """Any JSON object is loaded or refused with problems that can be written as UTF-8."""
    try:
        SCHEMA.load_create(body)
    except Refused as refused:
        for problem in refused.problems:
            (problem.where + problem.what + problem.hint).encode()
