"""The door: what is kept and what is refused when records are made, changed, moved on, voided and removed."""

from decimal import Decimal

import pytest

from core import people as staff
from core.errors import NotAllowed, NotFound, Refused, Stale
from core.service import Asked, Confirmed
from tests.core import trial as plugin
from tests.core.trial.acts import LINES, Trial


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


# Making and changing


def test_a_draft_has_no_number_and_its_defaults(trial):
    """It may be incomplete, and computed values stand in it."""
    plan = trial.record(trial.do("author", lambda work: work.create("trial.plan", {"amount": Decimal("2.5")})).id)
    assert (plan.number, plan.state, plan.kind, plan.doubled, plan.subject, plan.version) == (None, "draft", "own", Decimal("5"), None, 1)


def test_what_was_put_in_comes_out(trial):
    """Fields and rows, in their order."""
    plan = trial.record(trial.draft(amount=Decimal("0.1")))
    assert (plan.subject, plan.amount) == ("Pump", Decimal("0.1"))
    assert [(row.what, row.qty, row.position) for row in plan.lines] == [("first", 1, 1), ("second", 2, 2)]


def test_a_field_that_is_none_is_refused(trial):
    """With its name."""
    assert trial.problems("author", lambda work: work.create("trial.plan", {"subjekt": "Pump"})) == {"/subjekt": "unknown_field"}


def test_what_is_worked_out_cannot_be_given(trial):
    """Nor what effects alone write."""
    given = {"doubled": 4, "result": "Fine"}
    assert trial.problems("author", lambda work: work.create("trial.plan", given)) == {"/doubled": "read_only", "/result": "locked"}


def test_every_problem_of_a_record_is_told_at_once(trial):
    """A number that is none, a text that is too long, a choice that is not there."""
    given = {"amount": "many", "subject": "x" * 201, "kind": "stolen"}
    assert set(trial.problems("author", lambda work: work.create("trial.plan", given))) == {"/amount", "/subject", "/kind"}


def test_a_row_keeps_its_identity(trial):
    """One with an id is changed, one without is new, one left out is gone."""
    id = trial.draft()
    first, second = trial.record(id).lines
    trial.edit("author", id, lines=[{"what": "new", "qty": 3}, {"id": second.id, "what": "second", "qty": 9}])
    rows = trial.record(id).lines
    assert [(row.what, row.qty) for row in rows] == [("new", 3), ("second", 9)]
    assert rows[1].id == second.id and rows[0].id not in (first.id, second.id)


def test_a_row_of_another_record_is_refused(trial):
    """And the same row twice."""
    id, other = trial.draft(), trial.draft()
    foreign, own = trial.record(other).lines[0].id, trial.record(id).lines[0].id
    assert trial.problems("author", lambda work: work.edit(work.get(None, id), lines=[{"id": foreign, "what": "x", "qty": 1}])) == {"/lines/0/id": "foreign_row"}
    twice = [{"id": own, "what": "x", "qty": 1}] * 2
    assert trial.problems("author", lambda work: work.edit(work.get(None, id), lines=twice)) == {"/lines/1/id": "foreign_row"}


def test_saving_what_stands_there_already_changes_nothing(trial):
    """No version, no row in the trail."""
    id = trial.draft()
    assert trial.edit("author", id, subject="Pump").version == 1
    assert len(trial.trail(id)) == 1


def test_a_change_of_a_version_that_is_past_tells_what_changed(trial):
    """Who wins is whoever saved first; the other is told."""
    id = trial.draft()
    trial.edit("author", id, subject="Valve")
    stale = trial.refused("author", lambda work: work.edit(work.get(None, id), 1, subject="Tap"), Stale)
    assert (stale.status, stale.version) == (412, 2)
    assert [(one.field, one.before, one.after) for one in stale.changes] == [("subject", "Pump", "Valve")]


def test_two_who_save_at_once_do_not_both_win(trial):
    """The version is checked where it is written, too."""
    id = trial.draft()
    with trial.site.work(actor=trial.id("author")) as work:
        plan = work.get(None, id)
        plan.version = 7
        with pytest.raises(Stale):
            work.edit(plan, subject="Valve")


def test_a_value_whose_condition_is_gone_is_emptied_with_a_warning(trial):
    """In a field and in a row; the trail keeps the warning."""
    id = trial.draft(kind="bought", supplier="Li", lines=[{"what": "a", "qty": 1, "colour": "red", "shade": "dark"}])
    row = trial.record(id).lines[0]
    assert row.shade == "dark"
    with trial.site.work(actor=trial.id("author")) as work:
        work.edit(work.get(None, id), kind="own", lines=[{"id": row.id, "colour": "blue"}])
        assert [(one.where, one.level) for one in work.warnings] == [("supplier", "warns"), ("/lines/0/shade", "warns")]
    plan = trial.record(id)
    assert (plan.supplier, plan.lines[0].shade) == (None, None)
    assert [one["where"] for one in trial.trail(id)[0].cause["passed"]] == ["/supplier", "/lines/0/shade"]


def test_a_section_that_does_not_apply_asks_for_nothing_and_keeps_nothing(trial):
    """What stands in it is required while its condition holds, and emptied, with a word, when that ends."""
    id = trial.do("core.employee", lambda work: work.create("trial.diary", {"text": "Wind", "storm": True}).id)
    assert trial.problems("core.employee", lambda work: work.fire(work.get(None, id), "keep")) == {"/damage": "required"}
    trial.edit("core.employee", id, damage="A tile", roofs=[{"roof": "North"}])
    with trial.site.work(actor=trial.id("core.employee")) as work:
        work.edit(work.get(None, id), storm=False)
        assert {one.where for one in work.warnings} == {"damage", "roofs"}
    diary = trial.take("core.employee", id, "keep")
    assert (diary.damage, diary.roofs, diary.number) == (None, (), "DI-0001")


def test_required_counts_where_a_field_is_there(trial):
    """A supplier is asked for only where something is bought, and when the step locks it."""
    id = trial.draft(kind="bought")
    assert trial.problems("author", lambda work: work.fire(work.get(None, id), "submit")) == {"/supplier": "required"}
    trial.edit("author", id, kind="own")
    assert trial.take("author", id, "submit").state == "submitted"


def test_a_missing_value_of_a_row_is_told_with_its_row(trial):
    """As a JSON pointer."""
    id = trial.draft(lines=[*LINES, {"what": "third"}])
    assert trial.problems("author", lambda work: work.fire(work.get(None, id), "submit")) == {"/lines/2/qty": "required"}


def test_unique_counts_from_the_first_step_on(trial):
    """Two drafts may be alike, two plans may not; void ones are left out."""
    first, second = trial.submitted(), trial.draft()
    assert trial.problems("author", lambda work: work.fire(work.get(None, second), "submit")) == {"/subject": "unique"}
    trial.do("manager", lambda work: work.void(work.get(None, first), "Wrong"))
    assert trial.take("author", second, "submit").number == "TP-2026-002"


def test_a_register_entry_is_unique_at_once(trial):
    """And its guard holds at every save."""
    def make(name, size=1):
        return trial.do("keeper", lambda work: work.create("trial.thing", {"name": name, "size": size}).id)

    make("Bolt")
    with pytest.raises(Refused):
        make("Bolt")
    nut = make("Nut")
    assert trial.problems("keeper", lambda work: work.edit(work.get(None, nut), size=200)) == {"/size": "giant"}
    assert trial.problems("keeper", lambda work: work.edit(work.get(None, nut), name="Bolt")) == {"/name": "unique"}


def test_a_typed_number_is_unique_too(trial):
    """Where the type lets it be typed; elsewhere it is refused."""
    made = trial.do("keeper", lambda work: work.create("trial.thing", {"name": "Bolt"}, number="TH-007").number)
    assert made == "TH-007"
    with pytest.raises(Refused):
        trial.do("keeper", lambda work: work.create("trial.thing", {"name": "Nut"}, number="TH-007"))
    assert trial.problems("author", lambda work: work.create("trial.plan", {}, number="TP-1")) == {"/number": "read_only"}


def test_a_draft_without_a_number_is_deleted_by_its_author(trial):
    """The trail keeps what it held; what has a number is voided instead."""
    id = trial.draft()
    trial.do("author", lambda work: work.remove(work.get(None, id)))
    assert not trial.reads("author", id)
    gone = trial.trail(id)[0]
    assert gone.action == "trial.plan.deleted" and gone.changes["subject"][0] == "Pump"
    numbered = trial.submitted()
    assert trial.refused("author", lambda work: work.remove(work.get(None, numbered)), Stale).status == 409
    assert trial.proven()


def test_a_draft_of_somebody_else_is_not_deleted(trial, people):
    """Even where the department reads it."""
    id = trial.do("core.employee", lambda work: work.create("trial.diary", {"text": "Rain"}).id)
    people.give("colleague", "core.employee")
    assert trial.reads("colleague", id)
    trial.refused("colleague", lambda work: work.remove(work.get(None, id)), NotAllowed)


# Steps


def test_a_step_from_another_state_is_refused(trial):
    """It is there, but not now."""
    id = trial.draft()
    refused = trial.refused("author", lambda work: work.fire(work.get(None, id), "finish"), Stale)
    assert (refused.status, refused.code) == (409, "wrong_state")
    trial.refused("author", lambda work: work.fire(work.get(None, id), "fly"), NotFound)


def test_a_step_by_the_wrong_role_names_who_could(trial):
    """Nothing is changed."""
    id = trial.submitted()
    refused = trial.refused("author", lambda work: work.fire(work.get(None, id), "send_back", Asked("no")), NotAllowed)
    assert [(who.role, who.users) for who in refused.who] == [("trial.manager", ("trial.manager",))]
    assert trial.record(id).state == "submitted"


def test_a_number_is_given_once_and_kept(trial):
    """Through return, second submission and voiding."""
    id = trial.submitted()
    assert trial.record(id).number == "TP-2026-001"
    trial.take("manager", id, "send_back", "Too dear")
    assert trial.record(id).number == "TP-2026-001"
    trial.take("author", id, "submit")
    trial.do("manager", lambda work: work.void(work.get(None, id), "Not needed"))
    plan = trial.record(id)
    assert (plan.number, plan.state, trial.trail(id)[0].reason) == ("TP-2026-001", "void", "Not needed")


def test_a_refused_step_takes_no_number(trial):
    """The next one gets it."""
    id = trial.draft(amount=Decimal(2000))
    trial.refused("author", lambda work: work.fire(work.get(None, id), "submit"))
    trial.edit("author", id, amount=Decimal(1))
    assert trial.take("author", id, "submit").number == "TP-2026-001"


def test_a_reason_that_is_asked_must_be_given(trial):
    """A blank is none."""
    id = trial.submitted()
    assert trial.problems("manager", lambda work: work.fire(work.get(None, id), "send_back", Asked("  "))) == {"/reason": "reason"}


def test_a_password_that_is_asked_must_be_proven(trial):
    """And by the one who acts."""
    id = trial.submitted()
    assert trial.problems("manager", lambda work: work.fire(work.get(None, id), "approve")) == {"/password": "password"}
    foreign = Asked(confirmed=Confirmed(trial.id("author"), "password"))
    assert trial.problems("manager", lambda work: work.fire(work.get(None, id), "approve", foreign)) == {"/password": "password"}
    assert trial.record(trial.approve(id)).state == "approved"


def test_who_took_one_step_cannot_take_the_other(trial, people):
    """`other_than` looks at who took it last."""
    people.give("trial.author", "trial.manager")
    id = trial.submitted()
    with pytest.raises(NotAllowed):
        trial.approve(id, "author")
    assert trial.record(trial.approve(id)).state == "approved"


def test_a_step_fills_only_what_it_says(trial):
    """Anything else is refused, and what it fills cannot be written without it."""
    id = trial.approved(kind="bought", supplier="Li", answerer=trial.id("manager"))
    assert trial.problems("manager", lambda work: work.fire(work.get(None, id), "answer", verdict="Yes", subject="No")) == {"/subject": "locked"}
    assert trial.problems("manager", lambda work: work.fire(work.get(None, id), "answer")) == {"/verdict": "required"}
    assert trial.take("manager", id, "answer", verdict="Yes").verdict == "Yes"
    assert trial.problems("author", lambda work: work.create("trial.plan", {"verdict": "Yes"})) == {"/verdict": "locked"}


def test_a_step_whose_condition_does_not_hold_is_not_there(trial):
    """Nobody answers for what is not bought."""
    id = trial.approved(answerer=trial.id("manager"))
    assert trial.refused("manager", lambda work: work.fire(work.get(None, id), "answer", verdict="Yes"), Stale).status == 409
    with trial.site.work(actor=trial.id("manager"), reading=True) as work:
        assert "answer" not in [view.name for view in work.steps(work.get(None, id))]


def test_what_is_locked_cannot_be_written(trial):
    """After the step that locked it; back in draft it can."""
    id = trial.submitted()
    trial.refused("author", lambda work: work.edit(work.get(None, id), subject="Valve"), NotAllowed)
    trial.take("manager", id, "send_back", "Name it better")
    assert trial.edit("author", id, subject="Valve").subject == "Valve"


@pytest.mark.parametrize(("amount", "code"), [(2000, "refuses"), (200, "asks"), (20, "warns"), (2, None)])
def test_a_problem_has_a_level(trial, amount, code):
    """What refuses, refuses; what asks passes with a reason; what warns is shown and kept."""
    id = trial.draft(amount=Decimal(amount))
    if code in ("refuses", "asks"):
        problem, = trial.refused("author", lambda work: work.fire(work.get(None, id), "submit")).problems
        assert (problem.where, problem.level, problem.clause) == ("/amount", code, "T-1")
    if code == "refuses":
        trial.refused("author", lambda work: work.fire(work.get(None, id), "submit", Asked("It must be")))
        return
    trial.take("author", id, "submit", "It must be" if code == "asks" else "")
    event = trial.trail(id)[0]
    assert event.reason == ("It must be" if code == "asks" else "")
    assert [(one["where"], one["level"]) for one in (event.cause or {}).get("passed", ())] == ([("/amount", code)] if code else [])


def test_the_steps_say_what_stands_in_the_way(trial):
    """Whether it may be taken now, why not, and who could."""
    id = trial.submitted()
    with trial.site.work(actor=trial.id("author"), reading=True) as work:
        views = {view.name: view for view in work.steps(work.get(None, id))}
    assert set(views) == {"approve", "send_back"}
    assert not views["approve"].allowed and [who.users for who in views["approve"].who] == [("trial.manager",)]
    with trial.site.work(actor=trial.id("manager"), reading=True) as work:
        views = {view.name: view for view in work.steps(work.get(None, id))}
    assert views["approve"].allowed and views["approve"].asks_password and views["send_back"].asks == "Reason" and "void" in views


# Signatures


def test_a_signature_is_valid_until_its_step_is_taken_back(trial):
    """A step back before the lock withdraws it."""
    id = trial.submitted()
    assert standings(trial, id) == [("submit", "valid")]
    trial.take("manager", id, "send_back", "Again")
    assert standings(trial, id) == [("submit", "withdrawn")]
    trial.take("author", id, "submit")
    trial.approve(id)
    assert standings(trial, id) == [("submit", "withdrawn"), ("submit", "valid"), ("approve", "valid")]


def test_what_is_written_later_leaves_a_signature_valid(trial):
    """A field that a later step fills or an effect writes was not signed."""
    id = trial.approved(kind="bought", supplier="Li", answerer=trial.id("manager"))
    trial.take("manager", id, "answer", verdict="Yes")
    trial.settle(id)
    assert standings(trial, id) == [("submit", "valid"), ("approve", "valid"), ("settle", "valid")]


def standings(trial, id):
    with trial.site.work(reading=True) as work, work.inside():
        plan = work.get(None, id)
        return [(one.step, work.standing(one, plan)) for one in work.signatures(plan)]


def test_a_signature_left_by_an_effect_points_to_its_cause(trial):
    """Whoever closed the event signed; the plan's signature names that one."""
    id = trial.approved()
    event = trial.settle(id)
    with trial.site.work(reading=True) as work, work.inside():
        cause = next(one for one in work.signatures(work.get(None, event)) if one.step == "close")
        made = next(one for one in work.signatures(work.get(None, id)) if one.step == "settle")
    assert (made.cause_id, made.user_id) == (cause.id, trial.id("core.head"))


# Effects


def test_an_effect_acts_by_right_of_its_step(trial):
    """It writes what nobody may write, takes a step that nobody may take, and the trail names the step that caused it."""
    id = trial.approved()
    event = trial.settle(id)
    plan = trial.record(id)
    assert (plan.state, plan.result) == ("settled", "Sealed")
    settled, changed = trial.trail(id)[:2]
    assert (settled.action, changed.action) == ("trial.plan.settled", "trial.plan.changed")
    assert settled.cause == changed.cause == {"record": str(event), "step": "trial.event.close"}
    assert settled.actor_id == trial.id("core.head")
    assert trial.proven()


def test_a_step_of_effects_alone_cannot_be_taken(trial):
    """It is not offered either."""
    id = trial.approved()
    trial.refused("author", lambda work: work.fire(work.get(None, id), "settle"), NotAllowed)
    with trial.site.work(actor=trial.id("author"), reading=True) as work:
        assert "settle" not in [view.name for view in work.steps(work.get(None, id))]


def test_an_effect_that_is_refused_undoes_its_step(trial):
    """The other record's state holds for effects too."""
    id = trial.approved()
    first, second = trial.event(id), trial.event(id)
    for event in (first, second):
        trial.take("core.head", event, "accept")
        trial.edit("core.head", event, remedy="Sealed")
    trial.take("core.head", first, "close")
    assert trial.refused("core.head", lambda work: work.fire(work.get(None, second), "close"), Stale).status == 409
    assert trial.record(second).state == "accepted"
    assert len(trial.trail(id)) == 5 and trial.proven()


def test_an_effect_makes_records_that_its_actor_could_not(trial):
    """In the department of its record, by right of the step."""
    id = trial.approved()
    finish_checks(trial)
    trial.take("author", id, "finish")
    entry, = trial.found("trial.diary")
    assert (entry.text, entry.state, entry.number) == ("Pump", "kept", "DI-0001")
    assert trial.trail(entry.id)[0].cause == {"record": str(id), "step": "trial.plan.finish"}


def finish_checks(trial):
    for check in trial.found("trial.check", state="waiting"):
        trial.take("inspector", check.id, "pass_it", finding="Fine")


def test_an_exception_in_a_rule_names_the_rule(trial):
    """Whoever reads the log knows where to look; nothing was changed."""
    id = trial.draft(subject="broken")
    with pytest.raises(ZeroDivisionError) as raised:
        trial.take("author", id, "submit")
    assert raised.value.__notes__ == ["in rule tests.core.trial.rules.is_affordable"]
    assert trial.record(id).state == "draft"


# Policies


def test_a_policy_passes_a_step_over(trial):
    """Whoever would wait goes straight on; the trail says why; nothing of the passed step happens."""
    trial.choose("none")
    id = trial.submitted()
    plan = trial.record(id)
    assert plan.state == "approved" and trial.found("trial.check") == []
    assert [one["what"] for one in trial.trail(id)[0].cause["passed"]] == ["“approve” is not required here, by the policy trial.approver."]


def test_a_policy_leaves_a_step_out(trial):
    """It is refused and not offered."""
    trial.choose("final")
    id = trial.submitted()
    assert trial.refused("manager", lambda work: work.fire(work.get(None, id), "send_back", Asked("no")), Stale).status == 409
    with trial.site.work(actor=trial.id("manager"), reading=True) as work:
        assert [view.name for view in work.steps(work.get(None, id))] == ["approve", "void"]


def test_a_policy_leaves_the_making_out(trial):
    """Who may make one otherwise, may not."""
    trial.choose("no_plan")
    trial.refused("author", lambda work: work.create("trial.plan", {}), NotAllowed)


def test_the_choice_of_a_department_wins_over_the_sites(trial):
    """And its parents' over the site's."""
    trial.choose("none")
    trial.choose("head", "HQ")
    id = trial.submitted()
    with pytest.raises(NotAllowed):
        trial.approve(id)
    assert trial.record(trial.approve(id, "core.head")).state == "approved"


def test_a_policy_is_read_when_the_step_is_taken(trial):
    """Not when the record was made."""
    id = trial.submitted()
    trial.choose("head")
    with pytest.raises(NotAllowed):
        trial.approve(id)
    assert trial.record(trial.approve(id, "core.head")).state == "approved"


def test_a_record_in_a_passed_state_keeps_the_old_choice(trial):
    """Whoever had it before the policy changed can still move it on."""
    id = trial.submitted()
    trial.choose("none")
    assert trial.record(trial.approve(id)).state == "approved"


# Departments


def test_a_record_belongs_to_the_makers_department(trial, people):
    """The one in which they hold the creating role."""
    assert trial.record(trial.draft()).department == people.department("DEPT1")


def test_whoever_holds_the_role_twice_says_for_which(trial, people):
    """With one given, it is that one."""
    people.give("trial.author", "trial.author", "DEPT2")
    assert trial.problems("author", lambda work: work.create("trial.plan", {})) == {"/department": "department_needed"}
    second = people.department("DEPT2")
    assert trial.do("author", lambda work: work.create("trial.plan", {}, department=second).department) == second


def test_nobody_makes_records_for_another_department(trial, people):
    """Nor for one that does not exist."""
    for department in (people.department("DEPT2"), 12345):
        trial.refused("author", lambda work, department=department: work.create("trial.plan", {}, department=department), NotAllowed)


def test_a_creating_step_makes_the_record_at_once(trial):
    """Numbered, signed, complete; which one must be said where there are several."""
    event = trial.record(trial.event())
    assert (event.number, event.state) == ("EV-0001", "noted")
    assert [one.step for one in trial.do("clerk", lambda work: work.signatures(work.get(None, event.id)))] == ["note"]
    assert trial.problems("clerk", lambda work: work.create("trial.event", {"what": "Leak"})) == {"/step": "step"}
    trial.refused("outsider", lambda work: work.create("trial.event", {"what": "Leak"}, step="note"), NotAllowed)
    made = trial.do("outsider", lambda work: work.create("trial.event", {"what": "Smell"}, step="report").number)
    assert made == "EV-0002"


# Being signed in


def test_a_session_that_was_ended_acts_no_more(trial, api):
    """In the middle of whatever it was doing: 401, and nothing is changed."""
    author = api("trial.author")
    made = author.post("/records/trial.plan", {"subject": "Pump"})
    with trial.site.work(via="cli") as work:
        staff.end_sessions(work.connection, work.origin, trial.id("author"), reason="test")
    answer = author.patch(made.headers["Location"].removeprefix("/api/v1"), {"subject": "Valve"}, made.headers["ETag"])
    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
    assert trial.record(int(made.json["id"])).subject == "Pump"


def test_a_user_who_was_disabled_acts_no_more(trial, api):
    """With the same token, from the next request on."""
    author = api("trial.author")
    with trial.site.work(via="cli") as work:
        staff.change_user(work.connection, work.origin, trial.id("author"), is_active=False, reason="left")
    assert author.post("/records/trial.plan", {"subject": "Pump"}).status_code == 401


def test_a_role_that_was_taken_away_counts_at_once(trial, api):
    """With the same token, from the next request on."""
    author = api("trial.author")
    made = author.post("/records/trial.plan", {"subject": "Pump"})
    with trial.site.work(via="cli") as work:
        staff.set_roles(work.connection, work.registry, work.origin, trial.id("author"), [("core.employee", trial.people.department("DEPT1"))], reason="moved")
    assert author.post(f"/records/trial.plan/{made.json['id']}/transitions/submit").status_code == 403
    assert author.post("/records/trial.plan", {"subject": "Pump"}).status_code == 403
