"""What a site calls things: departments, forms, states, roles and functions have its own names, and no rule knows any of them."""

import html

import pytest

from core import people as staff
from core import printing, settings
from tests.core import trial as plugin
from tests.core.trial.acts import Trial

WORDS = {
    ("type", "trial.plan"): ("采购申请单", "Purchase request"),
    ("state", "trial.plan:approved"): ("已核准", "Cleared"),
    ("form", "trial.plan:plan"): ("采购申请（表七）", "Purchase request, sheet 7"),
    ("role", "trial.manager"): ("技质部主任", "Director of technology and quality"),
    ("function", "trial.inspection"): ("质检", "Quality control"),
}
DEPARTMENT = "质量安全部"


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


@pytest.fixture
def renamed(trial):
    """The site after it was given its own names."""
    with trial.site.work(via="cli") as work:
        staff.change_department(work.connection, work.origin, work.directory.by_code["DEPT1"].id, name=DEPARTMENT, reason="our name")
        for (kind, key), texts in WORDS.items():
            for language, text in zip(("zh_CN", "en"), texts, strict=True):
                settings.set_word(work.connection, work.registry, work.origin, kind, key, language, text, reason="our word")
    return trial


@pytest.mark.requirement("SHR-072")
def test_own_names_change_no_rule(renamed):
    """Rights, policies, functions, numbers and addresses stay as they were, for records from before too."""
    id = renamed.approved()
    assert renamed.record(id).number == "TP-2026-001"
    check = renamed.found("trial.check")[0].id
    assert renamed.take("inspector", check, "pass_it", finding="Fine").state == "passed"
    assert not renamed.reads("outsider", id)


@pytest.mark.requirement("SHR-072")
@pytest.mark.parametrize(("language", "place"), [("zh_CN", 0), ("en", 1)])
def test_own_names_stand_on_pages(renamed, client, language, place):
    """In the list, on the record, in the inbox; the address is the same."""
    id = renamed.approved()
    with renamed.site.work(via="cli") as work:
        staff.change_user(work.connection, work.origin, renamed.id("author"), language=language)
    client.sign_in("trial.author")
    listed, shown = (html.unescape(client.get(address).get_data(as_text=True)) for address in ("/trial/plan", f"/trial/plan/{id}"))
    assert WORDS["type", "trial.plan"][place] in listed and WORDS["state", "trial.plan:approved"][place] in listed
    assert WORDS["form", "trial.plan:plan"][place] in shown and DEPARTMENT in shown
    waiting = renamed.submitted(subject="Crane")
    gate = html.unescape(client.get(f"/trial/plan/{waiting}").get_data(as_text=True))
    assert WORDS["role", "trial.manager"][place] in gate


def test_own_names_stand_in_declarations(renamed, api):
    """What the API tells of a type: its states and its forms; and no section names a field that the caller may not see."""
    with renamed.site.work(via="cli") as work:
        staff.change_user(work.connection, work.origin, renamed.id("author"), language="zh_CN")
    told = api("trial.author").get("/types/trial.plan").json
    assert {one["name"]: one["label"] for one in told["states"]}["approved"] == WORDS["state", "trial.plan:approved"][0]
    assert told["prints"][0]["label"] == WORDS["form", "trial.plan:plan"][0]
    assert "cost" not in {name for section in told["sections"] for name in section["fields"]}


@pytest.mark.requirement("SHR-072")
def test_own_names_stand_on_prints(renamed):
    """In the site's language: the form's title, the state, the department."""
    id = renamed.approved()
    with renamed.site.work(actor=renamed.id("manager")) as work:
        drawn, _pictures = printing.prints_of(renamed.site).draw(work, work.get(None, id), "plan")
    text = html.unescape(drawn)
    assert WORDS["form", "trial.plan:plan"][0] in text and DEPARTMENT in text


@pytest.mark.requirement("SHR-072")
def test_a_title_keeps_the_name_it_was_stored_with(renamed):
    """What was written on a record is not written anew when a department is renamed."""
    id = renamed.submitted(subject="Pump")
    assert renamed.record(id).title == "Pump"
    with renamed.site.work(via="cli") as work:
        settings.set_word(work.connection, work.registry, work.origin, "type", "trial.plan", "zh_CN", None, reason="taken back")
    assert [event.action for event in renamed.trail(id)] == ["trial.plan.submitted", "trial.plan.created"]
