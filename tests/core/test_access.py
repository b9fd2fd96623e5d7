"""Facts about rights: who creates, reads, takes a step, sees a field, and who could."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core import fields
from core.access import Access, creators
from core.directory import ALL, Binding, Contents, Directory, Held
from core.errors import Who
from core.messages import _
from core.records import RecordType, Section
from core.storage import Record, Row
from core.workflow import Choice, Named, Policy, State, Transition, Workflow
from tests.core.test_directory import (
    ADMIN,
    APPROVER,
    BOSS,
    CLOSED,
    DEPARTMENTS,
    FITTER,
    GONE,
    HELD,
    LEFT,
    MAINTENANCE,
    OFFICE,
    PLANNER,
    PLANNING,
    REGISTRY,
    SHOP,
    TEAM,
    USERS,
    WORKER,
    WORKS,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)

OUTSIDE = Policy(
    "plant.outside", _("Who asks"),
    {"all": Choice(_("All"), roles={"ask": ("core.employee",), "answer": ("plant.manager",)}), "off": Choice(_("Off"), without=("ask", "create"))},
    default="all",
)
PLAN = RecordType(
    "plant.plan", _("Plan"),
    fields={
        "title": fields.Text(_("Title")),
        "reviewer": fields.User(_("Reviewer")),
        "shown_to": fields.Department(_("Shown to"), sees=True),
        "blamed": fields.Department(_("Blamed")),
        "cost": fields.Money(_("Cost"), read_by=("plant.manager",)),
        "lines": fields.Lines(_("Lines"), columns={
            "worker": fields.User(_("Worker")), "qty": fields.Integer(_("Quantity")), "price": fields.Money(_("Price"), read_by=("plant.manager", "plant.deputy")),
        }),
        "secret": fields.Text(_("Secret")),
    },
    sections={
        "head": Section(_("Head"), fields=("title", "reviewer", "shown_to", "blamed", "cost", "lines")),
        "private": Section(_("Private"), fields=("secret",), read_by=("plant.deputy",)),
    },
    workflow=Workflow(
        states={"draft": State(_("Draft")), "submitted": State(_("Submitted")), "approved": State(_("Approved")), "done": State(_("Done"), final=True)},
        transitions={
            "submit": Transition(_("Submit"), "draft", "submitted", by="plant.planner"),
            "approve": Transition(_("Approve"), "submitted", "approved", by=APPROVER, other_than=("submit", "reviewer")),
            "review": Transition(_("Review"), "submitted", "submitted", by=Named("reviewer")),
            "explain": Transition(_("Explain"), "approved", "approved", by=Named("blamed", role="core.head")),
            "note": Transition(_("Note"), "approved", "approved", by=(Named("lines.worker"), "plant.manager")),
            "repair": Transition(_("Repair"), "approved", "approved", by="plant.maintenance"),
            "tick": Transition(_("Tick"), "approved", "done", by=()),
        },
        voids="plant.manager",
    ),
)
QUESTION = RecordType(
    "plant.question", _("Question"), fields={"text": fields.Text(_("Text"))},
    workflow=Workflow(
        states={"asked": State(_("Asked")), "answered": State(_("Answered"), final=True)},
        transitions={"ask": Transition(_("Ask"), None, "asked", by=OUTSIDE), "answer": Transition(_("Answer"), "asked", "answered", by=OUTSIDE)},
    ),
)
ITEM = RecordType("plant.item", _("Item"), may_create=("plant.planner",), fields={"code": fields.Text(_("Code"))})
REGISTRY.policies["plant.outside"] = OUTSIDE


def access(user, bindings=(), held=(), **more) -> Access:
    contents = Contents(users=USERS, departments=DEPARTMENTS, held=(*HELD, *held), bindings=tuple(bindings), **more)
    return Access(REGISTRY, Directory(REGISTRY, contents), user)


def plan(state="submitted", department=SHOP, created_by=PLANNER, number="P-1", **values) -> Record:
    return Record(
        PLAN, 1, dict.fromkeys(PLAN.fields) | {"lines": ()} | values, state=state, department=department, created_by=created_by, created_at=NOW,
        changed_at=NOW, number=number,
    )


# creating


def test_one_creates_for_the_department_in_which_one_holds_the_creating_role() -> None:
    """The roles of the steps out of draft create; having a seat elsewhere too changes nothing."""
    assert access(PLANNER, held=[Held(PLANNER, "core.employee", OFFICE)]).may_create(PLAN) == (PLANNING,)
    assert access(WORKER).may_create(PLAN) == ()
    assert access(GONE).may_create(PLAN) == ()
    assert access(None).may_create(PLAN) == ()


def test_one_creates_for_others_where_the_role_counts() -> None:
    """By function: planning plans for the shop once it is bound."""
    assert not access(PLANNER).may_create_in(PLAN, SHOP)
    assert access(PLANNER, [Binding("plant.planning", PLANNING)]).may_create_in(PLAN, SHOP)
    assert not access(PLANNER, [Binding("plant.planning", PLANNING)]).may_create_in(PLAN, 999)


def test_with_several_departments_all_are_offered() -> None:
    """The door then asks which."""
    assert access(PLANNER, held=[Held(PLANNER, "plant.planner", OFFICE)]).may_create(PLAN) == (PLANNING, OFFICE)


def test_a_role_of_the_whole_site_creates_for_any_open_department() -> None:
    """Unless its holder belongs somewhere: then there."""
    rt = replace(PLAN, may_create=("plant.manager",))
    assert set(access(BOSS).may_create(rt)) == {d.id for d in DEPARTMENTS} - {CLOSED}
    assert access(BOSS, held=[Held(BOSS, "core.employee", OFFICE)]).may_create(rt) == (OFFICE,)


def test_a_creating_step_is_the_right_to_create() -> None:
    """Whom the policy of that step means, in the departments to which they belong."""
    assert creators(QUESTION) == (("ask", OUTSIDE),)
    assert access(WORKER).may_create(QUESTION) == (TEAM, SHOP)
    assert access(LEFT).may_create(QUESTION) == ()


def test_a_choice_without_create_creates_nothing_there() -> None:
    """And elsewhere it still does."""
    it = access(WORKER, choices={("plant.outside", TEAM): "off"})
    assert it.may_create(QUESTION) == (SHOP,)
    assert not it.may_create_in(QUESTION, TEAM)


def test_only_may_create_changes_a_register() -> None:
    """Everybody reads it."""
    assert access(PLANNER).may_create(ITEM) == (PLANNING,)
    assert access(WORKER).may_create(ITEM) == ()
    assert access(WORKER).scope(ITEM) == ALL
    assert not access(LEFT).scope(ITEM)


# reading


def test_every_role_that_the_type_names_reads_where_it_counts() -> None:
    """The planner of planning reads plans of planning; once bound, everybody's."""
    assert access(PLANNER).scope(PLAN).departments == {PLANNING}
    assert SHOP in access(PLANNER, [Binding("plant.planning", PLANNING)]).scope(PLAN)
    assert access(BOSS).reads_all(PLAN)
    assert not access(LEFT).scope(PLAN)


def test_the_administrator_reads_everything_and_takes_no_step() -> None:
    """A read-only view."""
    it = access(ADMIN)
    assert it.reads_all(PLAN) and it.may_read(PLAN, plan())
    assert not any(it.may_take(PLAN, step, plan()) for step in PLAN.steps)


def test_may_read_names_who_alone_reads() -> None:
    """Then the other roles of the type do not."""
    rt = replace(PLAN, may_read=("plant.fitter",))
    assert access(FITTER).scope(rt).departments == {MAINTENANCE}
    assert not access(PLANNER).scope(rt)


def test_a_draft_is_read_by_its_author_alone() -> None:
    """Not even by a role of the whole site; once it had a number it is a draft no more."""
    draft = plan("draft", number=None)
    assert access(PLANNER).may_read(PLAN, draft)
    assert not access(BOSS).may_read(PLAN, draft) and not access(ADMIN).may_read(PLAN, draft)
    assert access(BOSS).may_read(replace(PLAN, drafts="department"), draft)
    assert access(BOSS).may_read(PLAN, plan("draft"))


def test_readers_are_those_who_acted_or_are_named() -> None:
    """Users in user fields and rows, departments that it shows itself to or that a step points at."""
    record = plan(reviewer=FITTER, shown_to=OFFICE, blamed=MAINTENANCE)
    record.values["lines"] = (Row(5, 1, {"worker": WORKER, "qty": 1, "price": None}),)
    assert access(BOSS).readers_of(PLAN, record, [BOSS]) == {PLANNER, BOSS, FITTER, WORKER, OFFICE, MAINTENANCE}


def test_what_has_read_by_is_hidden_from_others() -> None:
    """Field, column and section; the administrator's view ends there too."""
    assert access(BOSS).hidden(PLAN, plan()) == {"secret"}
    assert access(WORKER).hidden(PLAN, plan()) == access(ADMIN).hidden(PLAN, plan()) == {"cost", "lines.price", "secret"}
    deputy = access(WORKER, held=[Held(WORKER, "plant.deputy", WORKS)])
    assert deputy.hidden(PLAN, plan()) == {"cost"}
    assert deputy.hidden(PLAN, plan(department=OFFICE)) == {"cost", "lines.price", "secret"}


# steps


@pytest.mark.parametrize(("choice", "may"), [("deputy", False), ("manager", True), ("none", False)])
def test_a_policy_says_who_takes_the_step(choice, may) -> None:
    """The choice of the record's department holds."""
    it = access(BOSS, choices={("plant.approver", WORKS): choice}, choices_before={("plant.approver", WORKS): "deputy"})
    assert it.may_take(PLAN, "approve", plan()) is may


def test_a_record_found_in_a_passed_state_keeps_the_earlier_choice() -> None:
    """Nobody is stuck in a state that the new choice passes over."""
    choices = {("plant.approver", WORKS): "none"}
    assert access(BOSS, choices=choices, choices_before={("plant.approver", WORKS): "manager"}).may_take(PLAN, "approve", plan("submitted"))
    assert not access(BOSS, choices=choices, choices_before={("plant.approver", WORKS): "manager"}).may_take(PLAN, "approve", plan("approved"))


def test_roles_may_differ_from_step_to_step_of_a_policy() -> None:
    """A mapping gives each step its own."""
    record = Record(QUESTION, 2, {"text": "?"}, state="asked", department=SHOP, created_by=WORKER, created_at=NOW, changed_at=NOW)
    assert access(BOSS).may_take(QUESTION, "answer", record)
    assert not access(WORKER).may_take(QUESTION, "answer", record)


def test_other_than_keeps_out_who_took_that_step_or_stands_in_that_field() -> None:
    """Principal and substitute both."""
    it = access(BOSS, choices={("plant.approver", None): "manager"})
    assert it.may_take(PLAN, "approve", plan(), {"submit": PLANNER})
    assert not it.may_take(PLAN, "approve", plan(), {"submit": BOSS})
    assert not it.may_take(PLAN, "approve", plan(), {"submit": (PLANNER, BOSS)})
    assert not it.may_take(PLAN, "approve", plan(reviewer=BOSS), {"submit": PLANNER})


def test_the_user_in_a_field_takes_the_step() -> None:
    """Also one in a row; nobody when it is empty, and not once disabled."""
    assert access(FITTER).may_take(PLAN, "review", plan(reviewer=FITTER))
    assert not access(FITTER).may_take(PLAN, "review", plan())
    assert not access(GONE).may_take(PLAN, "review", plan(reviewer=GONE))
    record = plan("approved")
    record.values["lines"] = (Row(5, 1, {"worker": WORKER}), Row(6, 2, {"worker": None}))
    assert access(WORKER).may_take(PLAN, "note", record)
    assert access(BOSS).may_take(PLAN, "note", record)
    assert not access(PLANNER).may_take(PLAN, "note", record)


def test_a_role_in_the_department_of_a_field_takes_the_step() -> None:
    """The head of the department to be blamed, wherever the record stands."""
    assert access(WORKER).may_take(PLAN, "explain", plan("approved", department=OFFICE, blamed=TEAM))
    assert not access(WORKER).may_take(PLAN, "explain", plan("approved", department=SHOP, blamed=OFFICE))


def test_a_function_takes_the_step_by_whoever_works_there() -> None:
    """Bound for the record's department."""
    bound = [Binding("plant.maintenance", MAINTENANCE)]
    assert access(FITTER, bound).may_take(PLAN, "repair", plan("approved"))
    assert not access(WORKER, bound).may_take(PLAN, "repair", plan("approved"))
    assert access(FITTER).unbound(PLAN, "repair", plan("approved")) == ("plant.maintenance",)
    assert access(FITTER, bound).unbound(PLAN, "repair", plan("approved")) == ()


def test_a_step_by_nobody_is_for_effects_alone() -> None:
    """Nobody may take it and nobody is named."""
    assert not access(BOSS).may_take(PLAN, "tick", plan("approved"))
    assert access(BOSS).who(PLAN, "tick", plan("approved")) == ()


def test_voiding_is_a_step_of_its_role() -> None:
    """`voids=` says whose."""
    assert access(BOSS).may_take(PLAN, "void", plan("approved"))
    assert not access(PLANNER).may_take(PLAN, "void", plan("approved"))


def test_who_could_is_told_by_role_department_and_name() -> None:
    """Those whom `other_than` keeps out are not named; nobody holding it is said as well."""
    it = access(WORKER, choices={("plant.approver", None): "manager"})
    assert it.who(PLAN, "approve", plan()) == (Who("plant.manager", SHOP, ("Boss",)),)
    assert it.who(PLAN, "approve", plan(), {"submit": BOSS}) == (Who("plant.manager", SHOP, ()),)
    assert access(WORKER).who(PLAN, "approve", plan()) == (Who("plant.deputy", SHOP, ()),)


def test_who_could_by_function_is_told_with_its_department() -> None:
    """The planner sits in planning although the plan is the shop's."""
    it = access(WORKER, [Binding("plant.planning", PLANNING)])
    assert it.who(PLAN, "submit", plan("draft")) == (Who("plant.planner", PLANNING, ("Planner",)),)


def test_who_is_named_is_told_by_name() -> None:
    """Without a role."""
    assert access(BOSS).who(PLAN, "review", plan(reviewer=FITTER)) == (Who("", SHOP, ("Fitter",)),)
