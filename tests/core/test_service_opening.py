"""The door and records that open others: with a step, by a button, as parts; what is linked, awaited, seen and void with them."""

import pytest

from core.errors import NotFound, Refused
from core.service import Asked
from tests.core import trial as plugin
from tests.core.trial.acts import Trial


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


def links(trial, id, type=None):
    """(type, kind, whether it goes out, row) of every link, as a rule sees them."""
    with trial.site.work(reading=True) as work, work.inside():
        return sorted((one.type.name, one.kind, one.outgoing, one.row_id or 0) for one in work.links(work.get(None, id), type))


def test_a_step_opens_one_record_for_each_row(trial):
    """Made by its creating step, numbered within its parent, linked with the row."""
    id = trial.approved()
    rows = trial.record(id).lines
    checks = trial.found("trial.check")
    assert [(one.number, one.what, one.plan, one.state) for one in checks] == [
        ("TP-2026-001-01", "first", id, "waiting"), ("TP-2026-001-02", "second", id, "waiting")]
    assert links(trial, id) == sorted(
        [("trial.check", "opened:approve:0", True, rows[0].id), ("trial.check", "opened:approve:0", True, rows[1].id)] + [("trial.check", "field:plan", False, 0)] * 2)
    assert trial.trail(checks[0].id)[0].cause == {"record": str(id), "step": "trial.plan.approve"}


def test_records_are_opened_again_in_each_round(trial):
    """At most one for a row in a round; a second approval asks anew."""
    id = trial.approved()
    trial.take("author", id, "reopen")
    trial.approve(id)
    assert [one.number for one in trial.found("trial.check")] == [f"TP-2026-001-0{n}" for n in (1, 2, 3, 4)]


def test_the_step_that_waits_for_opened_records_is_refused_by_name(trial):
    """Until all are final or void."""
    id = trial.approved()
    first, second = trial.found("trial.check")
    problem, = trial.refused("author", lambda work: work.fire(work.get(None, id), "finish")).problems
    assert problem.code == "awaited" and first.number in problem.what and second.number in problem.what
    trial.take("inspector", first.id, "pass_it", finding="Fine")
    problem, = trial.refused("author", lambda work: work.fire(work.get(None, id), "finish")).problems
    assert first.number not in problem.what and second.number in problem.what
    trial.do("inspector", lambda work: work.void(work.get(None, second.id), "Not needed"))
    assert trial.take("author", id, "finish").state == "done"


def test_parts_are_void_with_their_whole(trial):
    """Numbered within it, listed with it, void with it; those that were void already keep their reason."""
    id = trial.approved()
    first, second = trial.found("trial.check")
    trial.do("inspector", lambda work: work.void(work.get(None, first.id), "By hand"))
    trial.do("manager", lambda work: work.void(work.get(None, id), "Wrong"))
    assert {trial.record(one.id).state for one in (first, second)} == {"void"}
    assert [trial.trail(one.id)[0].reason for one in (first, second)] == ["By hand", "Void with TP-2026-001."]
    assert trial.trail(second.id)[0].cause == {"record": str(id), "step": "trial.plan.void"}
    assert trial.proven()


def test_a_button_opens_a_prefilled_record(trial):
    """With what it copies, linked both ways, by the step that it names."""
    id = trial.approved(subject="Crane")
    event = trial.do("clerk", lambda work: work.create("trial.event", {}, step="note", source=work.get(None, id), opens="event"))
    assert (event.what, event.plan) == ("Crane", id)
    assert ("trial.plan", "opened:event", False, 0) in links(trial, event.id)
    assert ("trial.event", "opened:event", True, 0) in links(trial, id)


def test_what_is_given_goes_before_what_is_copied(trial):
    """A person may change what the button offers."""
    id = trial.approved(subject="Crane")
    event = trial.do("clerk", lambda work: work.create("trial.event", {"what": "Leak"}, step="note", source=work.get(None, id), opens="event"))
    assert (event.what, event.plan) == ("Leak", id)


def test_a_button_is_there_in_its_states(trial):
    """For those who may make what it opens."""
    from core.service import opening
    id = trial.submitted()

    def buttons(who):
        return trial.do(who, lambda work: [name for name, _opens, _type in opening.may_open(work, work.get(None, id))], reading=True)

    assert (buttons("clerk"), buttons("author")) == ([], ["again"])
    trial.approve(id)
    assert (buttons("clerk"), buttons("author")) == (["event"], ["again"])


def test_a_button_that_is_none_is_refused(trial):
    """Through the API and through the door."""
    id = trial.approved()
    trial.refused("clerk", lambda work: work.create("trial.event", {}, step="note", source=work.get(None, id), opens="nothing"), NotFound)


def test_whoever_reads_the_origin_reads_what_it_opened(trial):
    """Where the button says `sees`; other records of that type stay hidden."""
    id = trial.approved()
    event = trial.do("clerk", lambda work: work.create("trial.event", {}, step="note", source=work.get(None, id), opens="event").id)
    other = trial.event(id, unit="DEPT2")
    assert (trial.reads("author", event), trial.reads("author", other)) == (True, False)
    assert not trial.reads("outsider", event)


def test_a_record_that_others_opened_shows_only_what_its_reader_may_see(trial):
    """The inspector reads the check, not the plan: neither link nor name of it."""
    id = trial.approved()
    check = trial.found("trial.check")[0].id
    with trial.site.work(actor=trial.id("inspector"), reading=True) as work:
        record = work.get(None, check)
        assert work.links(record) == [] and id not in work.names([record])


def test_what_is_opened_is_undone_with_its_step(trial):
    """One transaction: no half of it stays."""
    id = trial.submitted(lines=[{"what": "x" * 200, "qty": 1}])
    confirmed = trial.site.confirm(trial.id("manager"), "quiet river under pines")
    with pytest.raises(RuntimeError), trial.site.work(actor=trial.id("manager")) as work:
        work.fire(work.get(None, id), "approve", Asked(confirmed=confirmed))
        raise RuntimeError
    assert trial.found("trial.check") == [] and trial.record(id).state == "submitted"
    trial.approve(id)
    assert [one.number for one in trial.found("trial.check")] == ["TP-2026-001-01"]


def test_the_same_row_is_not_opened_twice_by_hand(trial):
    """A step that was opened stays opened in its round, whatever is asked of it again."""
    id = trial.approved()
    with pytest.raises(Exception, match=r"state|cannot"):
        trial.approve(id)
    assert len(trial.found("trial.check")) == 2


def test_a_draft_cannot_be_pointed_at(trial):
    """It could go any day; not even its author refers to it."""
    draft = trial.draft()
    with pytest.raises(Refused) as raised, trial.site.work(actor=trial.id("author")) as work, work.inside():
        work.create("trial.check", {"plan": draft, "what": "x"})
    assert [(one.pointer, one.code) for one in raised.value.problems] == [("/plan", "reference_state")]
