"""The door and who may: what one may not read does not exist, in lists, counts, look-ups, links, names and exports too."""

from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook

from core import people as staff
from core import printing
from core.errors import NotAllowed, NotFound, Problem, Refused
from core.service import Query
from core.service.steps import _discreet
from tests.core import trial as plugin
from tests.core.trial.acts import Trial

PLAN = plugin.PLAN


@pytest.fixture
def extra():
    """The invented plugin."""
    return {"trial": plugin}


@pytest.fixture
def plugins():
    """It alone."""
    return ("trial",)


@pytest.fixture
def trial(site, people):
    """The site with what its tests do."""
    return Trial(site, people)


def listed(trial, who, type="trial.plan", **query):
    """What somebody's list shows, and how many it counts."""
    def look(work):
        rt = work.registry.type(type)
        found = [record.id for record in work.page(rt, Query(**query)).items]
        assert work.count(rt, Query(**query)) == len(found)
        return found
    return trial.do(who, look, reading=True)


# Drafts


def test_a_draft_is_its_authors_alone(trial, people):
    """Not the manager's, not the administrator's, not that of somebody with the same role."""
    people.give("writer", "trial.author")
    id = trial.draft(answerer=trial.id("manager"), unit=people.department("DEPT2"))
    for who in ("manager", "writer", "core.administrator", "outsider", "core.general_manager"):
        assert not trial.reads(who, id) and listed(trial, who) == []
    assert trial.reads("author", id) and listed(trial, "author") == [id]


def test_a_draft_is_not_found_by_look_ups(trial, people):
    """Neither by its title nor by its name where something points at it."""
    people.give("writer", "trial.author")
    id = trial.draft()
    field = plugin.CHECK.fields["plan"]
    for who in ("author", "writer"):
        with trial.site.work(actor=trial.id(who), reading=True) as work:
            assert work.suggest(field, "Pump") == []
            assert (id in work.names([], [id])) == (who == "author")
            assert (id in work.peek("trial.plan", [id])) == (who == "author")


def test_a_draft_may_be_the_departments(trial, people):
    """Where the type says so: those who may make one read and change it; others do not."""
    people.give("colleague", "core.employee")
    id = trial.do("core.employee", lambda work: work.create("trial.diary", {"text": "Rain"}).id)
    assert trial.reads("colleague", id) and listed(trial, "colleague", "trial.diary") == [id]
    assert trial.edit("colleague", id, text="Snow").text == "Snow"
    assert not trial.reads("outsider", id) and listed(trial, "outsider", "trial.diary") == []


def test_a_draft_that_was_sent_back_has_a_number_and_is_not_private(trial):
    """Whoever sent it back sees it still; it is its author's to mend."""
    id = trial.submitted()
    trial.take("manager", id, "send_back", "No")
    assert trial.reads("manager", id) and listed(trial, "manager") == [id]
    trial.refused("manager", lambda work: work.edit(work.get(None, id), subject="Valve"), NotAllowed)


# By role


def test_a_role_counts_in_its_department_and_below(trial, people):
    """In the department above it does, in the one beside it does not, in the whole site it does."""
    id = trial.submitted()
    people.give("above", "trial.manager", "HQ")
    people.give("beside", "trial.manager", "DEPT2")
    people.give("everywhere", "trial.manager", None)
    assert [trial.reads(who, id) for who in ("above", "beside", "everywhere")] == [True, False, True]
    assert [listed(trial, who) for who in ("above", "beside", "everywhere")] == [[id], [], [id]]
    trial.refused("beside", lambda work: work.get(None, id), NotFound)
    trial.approve(id, "above")


def test_a_role_of_a_function_counts_where_its_department_serves(trial, people):
    """An inspector of DEPT2 checks for DEPT1 once that department's checks are DEPT2's to do, and no longer after that."""
    trial.approved()
    check = trial.found("trial.check")[0].id
    people.give("other", "trial.inspector", "DEPT2")
    assert not trial.reads("other", check)
    trial.bind("DEPT2", for_department="DEPT1")
    assert trial.reads("other", check)
    assert trial.take("other", check, "pass_it", finding="Fine").state == "passed"
    trial.bind(for_department="DEPT1")
    assert not trial.reads("other", trial.found("trial.check", state="waiting")[0].id)


def test_a_step_whose_function_is_carried_out_by_nobody_names_the_cure(trial):
    """An administrator binds it on a page that the refusal names."""
    trial.approved()
    check = trial.found("trial.check")[0].id
    trial.bind()
    with trial.site.work(actor=trial.id("core.administrator"), reading=True) as work:
        told = [str(problem.what) for view in work.steps(work.get(None, check)) for problem in view.why_not]
    assert any("“Inspection”" in one and "“Functions”" in one for one in told)


def test_the_administrator_reads_and_does_nothing(trial):
    """Everything but drafts; no step, no change, no making."""
    id = trial.submitted()
    assert trial.reads("core.administrator", id) and listed(trial, "core.administrator") == [id]
    trial.refused("core.administrator", lambda work: work.fire(work.get(None, id), "send_back"), NotAllowed)
    trial.refused("core.administrator", lambda work: work.edit(work.get(None, id), subject="Valve"), NotAllowed)
    trial.refused("core.administrator", lambda work: work.create("trial.plan", {}), NotAllowed)


def test_whoever_took_a_step_reads_it_still(trial, people):
    """Also after the role was taken away."""
    id = trial.submitted()
    people.give("deputy", "trial.manager")
    trial.approve(id, "deputy")
    with trial.site.work(via="cli") as work:
        staff.set_roles(work.connection, work.registry, work.origin, trial.id("deputy"), [("core.employee", people.department("DEPT2"))], reason="moved")
    assert trial.reads("deputy", id) and listed(trial, "deputy") == [id]
    assert not trial.reads("outsider", id)


def test_whoever_is_named_in_it_reads_it(trial, people):
    """From the moment it is no draft any more."""
    people.give("helper", "core.employee", "DEPT2")
    people.give("helper", "trial.manager", "DEPT1")
    with trial.site.work(via="cli") as work:
        staff.remove_role(work.connection, work.registry, work.origin, trial.id("helper"), "core.employee", people.department("DEPT2"), reason="test")
    id = trial.submitted(answerer=trial.id("helper"))
    with trial.site.work(via="cli") as work:
        staff.set_roles(work.connection, work.registry, work.origin, trial.id("helper"), [("core.employee", people.department("DEPT2"))], reason="moved")
    assert trial.reads("helper", id) and listed(trial, "helper") == [id]


def test_a_department_that_a_form_shows_itself_to_reads_it(trial, people):
    """With `sees`, everybody in it; nobody of another."""
    id = trial.submitted(unit=people.department("DEPT2"))
    assert trial.reads("outsider", id) and listed(trial, "outsider") == [id]
    assert not trial.reads("core.employee", id) and listed(trial, "core.employee") == []


def test_a_department_that_a_step_points_at_reads_it(trial, people):
    """Whose head is to answer."""
    people.id("core.head", "DEPT2")
    event = trial.event(unit="DEPT2")
    assert trial.reads("outsider", event) and listed(trial, "outsider", "trial.event") == [event]
    assert not trial.reads("core.employee", event)


def test_a_step_is_theirs_who_are_named_for_it(trial, people):
    """The head of the department in the field, nobody else's; the user in the field, not another manager."""
    event = trial.event(unit="DEPT2")
    other = people.id("core.head", "DEPT2")
    trial.refused("core.head", lambda work: work.fire(work.get(None, event), "accept"), NotFound)
    with trial.site.work(actor=other) as work:
        assert work.fire(work.get(None, event), "accept").state == "accepted"
    people.give("second", "trial.manager")
    plan = trial.approved(kind="bought", supplier="Li", answerer=trial.id("second"))
    trial.refused("manager", lambda work: work.fire(work.get(None, plan), "answer", verdict="Yes"), NotAllowed)
    assert trial.take("second", plan, "answer", verdict="Yes").verdict == "Yes"


def test_a_section_is_filled_by_those_it_names(trial):
    """In the states in which it is open."""
    event = trial.event()
    trial.refused("core.head", lambda work: work.edit(work.get(None, event), remedy="Sealed"), NotAllowed)
    trial.take("core.head", event, "accept")
    trial.refused("clerk", lambda work: work.edit(work.get(None, event), remedy="Sealed"), NotAllowed)
    assert trial.problems("core.head", lambda work: work.fire(work.get(None, event), "close")) == {"/remedy": "required"}
    assert trial.edit("core.head", event, remedy="Sealed").remedy == "Sealed"


def test_a_register_is_kept_by_its_keepers(trial):
    """Put out of use and back with a reason; what is out of use is not changed."""
    id = trial.do("keeper", lambda work: work.create("trial.thing", {"name": "Bolt"}).id)
    trial.refused("author", lambda work: work.create("trial.thing", {"name": "Nut"}), NotAllowed)
    assert trial.problems("keeper", lambda work: work.fire(work.get(None, id), "deactivate")) == {"/reason": "reason"}
    trial.take("keeper", id, "deactivate", "Gone")
    trial.refused("keeper", lambda work: work.edit(work.get(None, id), name="Nut"), NotAllowed)
    assert trial.take("keeper", id, "activate", "Found").state == "active"


# References to what one may not see


def test_what_one_may_not_see_cannot_be_pointed_at(trial):
    """It is refused as if it were not there, and not offered."""
    thing = trial.do("keeper", lambda work: work.create("trial.thing", {"name": "Bolt"}).id)
    for id in (thing, 12345):
        assert trial.problems("author", lambda work, id=id: work.create("trial.plan", {"thing": id})) == {"/thing": "reference"}
    with trial.site.work(actor=trial.id("author"), reading=True) as work:
        kind = plugin.PLAN.fields["thing"]
        assert (work.suggest(kind, "Bolt"), work.look_up(kind, "TH-001")) == ([], None)
    with trial.site.work(actor=trial.id("keeper"), reading=True) as work:
        assert work.look_up(plugin.PLAN.fields["thing"], "TH-001") == thing


def test_what_somebody_else_pointed_at_has_no_name_for_those_who_may_not_see_it(trial, people):
    """The id stands there; number and title do not; the link is not shown."""
    people.give("trial.author", "trial.keeper")
    thing = trial.do("author", lambda work: work.create("trial.thing", {"name": "Bolt"}).id)
    id = trial.submitted(thing=thing)
    with trial.site.work(actor=trial.id("manager"), reading=True) as work:
        plan = work.get(None, id)
        assert thing not in work.names([plan]) and work.links(plan) == []
    with trial.site.work(actor=trial.id("author"), reading=True) as work:
        plan = work.get(None, id)
        assert str(work.names([plan])[thing]) == "TH-001 Bolt" and [link.record_id for link in work.links(plan)] == [thing]


def test_a_hidden_reference_can_be_kept_when_something_else_is_changed(trial, people):
    """It was chosen by somebody who may; who may not see it need not take it out."""
    people.give("trial.author", "trial.keeper")
    thing = trial.do("author", lambda work: work.create("trial.thing", {"name": "Bolt"}).id)
    id = trial.draft(thing=thing)
    with trial.site.work(via="cli") as work:
        staff.remove_role(work.connection, work.registry, work.origin, trial.id("author"), "trial.keeper", people.department("DEPT1"), reason="test")
    assert trial.edit("author", id, subject="Valve").thing == thing


def test_what_is_out_of_use_cannot_be_pointed_at(trial, people):
    """Nor can a plan in a state that the field does not take."""
    people.give("trial.author", "trial.keeper")
    thing = trial.do("author", lambda work: work.create("trial.thing", {"name": "Bolt"}).id)
    trial.take("author", thing, "deactivate", "Gone")
    assert trial.problems("author", lambda work: work.create("trial.plan", {"thing": thing})) == {"/thing": "reference_state"}
    plan = trial.submitted()
    with pytest.raises(Refused) as raised:
        trial.event(plan)
    assert [(one.pointer, one.code) for one in raised.value.problems] == [("/plan", "reference_state")]


def test_a_user_must_hold_the_role_that_the_field_asks(trial, people):
    """And be there still."""
    def give(user):
        return lambda work: work.create("trial.plan", {"answerer": user})

    assert trial.problems("author", give(trial.id("clerk"))) == {"/answerer": "user_role"}
    assert trial.problems("author", give(12345)) == {"/answerer": "user"}
    with trial.site.work(via="cli") as work:
        staff.change_user(work.connection, work.origin, trial.id("manager"), is_active=False, reason="left")
    assert trial.problems("author", give(trial.id("manager"))) == {"/answerer": "user"}
    assert trial.problems("author", lambda work: work.create("trial.plan", {"unit": 12345})) == {"/unit": "department"}


# Fields that few may read


@pytest.fixture
def secret(trial, people):
    """A plan whose cost the manager knows; the writer made it while being a manager."""
    people.give("trial.author", "trial.manager")
    lines = [{"what": "first", "qty": 1, "price": Decimal(77)}]
    id = trial.submitted(cost=Decimal(99), lines=lines)
    with trial.site.work(via="cli") as work:
        staff.remove_role(work.connection, work.registry, work.origin, trial.id("author"), "trial.manager", people.department("DEPT1"), reason="test")
    return id


def test_a_hidden_value_does_not_exist(trial, secret, api):
    """Not in the record, the list, the trail, the declaration, the export; whoever may read it finds it in all."""
    path = f"/records/trial.plan/{secret}"
    for who, is_there in (("trial.author", False), ("trial.manager", True)):
        caller = api(who)
        record = caller.get(path).json
        assert ("cost" in record, "price" in record["lines"][0]) == (is_there, is_there)
        texts = [caller.get(one).get_data(as_text=True) for one in (path, "/records/trial.plan", f"{path}/history", f"{path}/signatures")]
        assert any("99" in text and "cost" in text for text in texts) == is_there
        assert any('"77' in text for text in texts) == is_there
        assert ("cost" in [one["name"] for one in caller.get("/types/trial.plan").json["fields"]]) == is_there


def test_a_hidden_field_cannot_be_asked_for(trial, secret, api):
    """Neither by a filter nor by sorting, which would tell it by and by."""
    for query in ("filter[cost]=99", "filter[cost][gte]=1", "sort=cost"):
        assert api("trial.author").get(f"/records/trial.plan?{query}").status_code == 422
        assert api("trial.manager").get(f"/records/trial.plan?{query}").status_code == 200
    for query in (Query(filters={"cost": {"eq": Decimal(99)}}), Query(sort="cost")):
        trial.refused("author", lambda work, query=query: work.page(PLAN, query))


def test_a_field_that_is_hidden_in_one_department_alone_is_hidden_there_everywhere(trial, secret, people, api):
    """Somebody who is a manager elsewhere finds the record, and neither its cost nor, by filter, sorting or export, what it might be."""
    people.give("mixed", "trial.author", None)
    people.give("mixed", "trial.manager", "DEPT2")
    mixed = api("mixed")
    assert "cost" not in mixed.get(f"/records/trial.plan/{secret}").json
    assert ["cost" in one for one in mixed.get("/records/trial.plan").json["items"]] == [False]
    for query in ("filter[cost]=99", "filter[cost][gte]=1", "sort=cost", "sort=-cost"):
        assert mixed.get(f"/records/trial.plan?{query}").json["items"] == []
    book = load_workbook(BytesIO(mixed.get("/records/trial.plan/export").get_data()))
    assert "99" not in [str(cell.value) for sheet in book for row in sheet for cell in row]
    book.close()


def test_a_hidden_field_cannot_be_written(trial):
    """Nor a hidden column."""
    assert trial.problems("author", lambda work: work.create("trial.plan", {"cost": Decimal(1)})) == {"/cost": "locked"}
    lines = [{"what": "first", "qty": 1, "price": Decimal(1)}]
    assert trial.problems("author", lambda work: work.create("trial.plan", {"lines": lines})) == {"/lines": "locked"}


def test_a_hidden_column_survives_a_change_by_somebody_who_does_not_see_it(trial, secret):
    """Its rows are sent without it."""
    trial.take("manager", secret, "send_back", "Again")
    row = trial.record(secret).lines[0]
    trial.edit("author", secret, lines=[{"id": row.id, "what": "changed", "qty": 2}])
    kept = trial.record(secret).lines[0]
    assert (kept.what, kept.price) == ("changed", Decimal(77))


def test_what_a_stale_change_tells_leaves_hidden_fields_out(trial, secret):
    """Somebody who may not see them learns nothing by being late."""
    trial.take("manager", secret, "send_back", "Again")
    version = trial.record(secret).version
    with trial.site.work(actor=trial.id("author")) as work, work.inside():
        work.edit(work.get(None, secret), cost=Decimal(1), subject="Valve")
    with trial.site.work(actor=trial.id("author")) as work:
        refusal = work.stale(work.get(None, secret), version)
    assert [one.field for one in refusal.changes] == ["subject"]


def test_an_export_leaves_hidden_fields_out(trial, secret, api):
    """A workbook shows no more than the list."""
    for who, is_there in (("trial.author", False), ("trial.manager", True)):
        book = load_workbook(BytesIO(api(who).get("/records/trial.plan/export?fields=subject,cost").get_data()))
        cells = [str(cell.value) for sheet in book for row in sheet for cell in row]
        assert "Pump" in cells and ("99" in cells) == is_there
        book.close()


def test_pages_and_prints_leave_hidden_fields_out(trial, secret, client):
    """The record's page, its list and its print show as much as their reader may see."""
    for who, is_there in (("author", False), ("manager", True)):
        client.sign_in(f"trial.{who}")
        pages = [client.get(address).get_data(as_text=True) for address in (f"/trial/plan/{secret}", f"/trial/plan/{secret}?history=all")]
        with trial.site.work(actor=trial.id(who)) as work:
            pages.append(printing.prints_of(trial.site).draw(work, work.get(None, secret), "plan")[0])
        for text in pages:
            assert (">99<" in text, ">77<" in text) == (is_there, is_there)
        client.sign_out()


def test_a_step_that_rests_on_a_hidden_field_says_only_that_it_is_not_open(trial):
    """The reason would tell the value."""
    told = _discreet(Problem("/cost", "Costs 99 are too much."), frozenset({"cost"}))
    assert (told.where, told.code, "99" in told.what) == ("", "not_open", False)
