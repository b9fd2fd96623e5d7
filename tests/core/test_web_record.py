"""The record page and the pages of its steps, without script."""

import re
from datetime import date

import pytest

from tests.company import PASSWORD

PLAN = "/production/monthly_plan"


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


def first_option(kind, reading):
    """Any value that a field takes."""
    return next(iter(kind.choices(reading))) if kind.kind == "choice" else "x" if kind.kind == "text" else None


@pytest.fixture
def draft(people):
    """A complete plan in draft."""
    with people.work_as("master_data.item_keeper") as work:
        kinds = work.registry.type("master_data.item").fields
        values = {name: first_option(kind, work.reading()) for name, kind in kinds.items() if kind.required}
        item = work.create("master_data.item", {**values, "code": "HY-3208", "name": "电磁阀体"})
    workshop = people.department("DEPT1")
    with people.work_as("production.planner") as work:
        return work.create("production.monthly_plan", {
            "plan_month": date(2026, 12, 1), "basis": "产销会", "distribution": (workshop,),
            "lines": [{"product": item.id, "planned_qty": 1200, "due_date": date(2026, 12, 20), "workshop": workshop}],
        })


@pytest.fixture
def submitted(people, draft):
    """The same, waiting for approval."""
    with people.work_as("production.planner") as work:
        return work.fire(work.get("production.monthly_plan", draft.id), "submit")


def page_of(answer):
    """The HTML of an answer."""
    return answer.get_data(as_text=True)


def state_of(people, plan):
    """Where the plan stands."""
    with people.work_as("production.planner", reading=True) as work:
        return work.get("production.monthly_plan", plan.id).state


def test_the_page_has_its_parts(client, submitted):
    """Number, state, stepper, form with values, signature, history, and one primary button."""
    html = page_of(client.sign_in("production.deputy_gm").get(f"{PLAN}/{submitted.id}"))
    for words in (submitted.number, "待批准", 'aria-current="step"', "产销会", "HY-3208 电磁阀体", "1\u2009200", "有效", "提交批准"):
        assert words in html, words
    assert len(re.findall(r'class="btn btn-p"', html)) == 1
    assert re.search(rf'class="btn btn-p" href="{PLAN}/{submitted.id}/step/approve"', html)


def test_a_draft_that_lacks_something_says_what_with_a_way_to_mend_it(client, people, draft):
    """The amber strip describes the button that is not dead without a reason."""
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), basis=None)
    html = page_of(client.sign_in("production.planner").get(f"{PLAN}/{draft.id}"))
    assert "还不能“提交批准”，差 1 项" in html
    assert f'href="{PLAN}/{draft.id}/edit#f-basis"' in html
    assert 'aria-disabled="true" aria-describedby="gate"' in html


def test_somebody_elses_turn_is_said_with_names(client, submitted):
    """The planner reads who may approve."""
    html = page_of(client.sign_in("production.planner").get(f"{PLAN}/{submitted.id}"))
    assert "下一步：“批准”" in html and "production.deputy_gm" in html


def test_a_step_without_password_is_taken_by_its_page(client, people, draft):
    """Reading, filling and taking a step need no script."""
    client.sign_in("production.planner")
    answer = client.post_form(f"{PLAN}/{draft.id}/step/submit", {"_version": "1"})
    assert answer.headers["Location"] == f"{PLAN}/{draft.id}"
    assert state_of(people, draft) == "submitted"
    assert "提交批准" in page_of(client.get(f"{PLAN}/{draft.id}"))


def test_a_signature_asks_for_the_password(client, people, submitted):
    """None and a wrong one are refused at the field; the right one signs."""
    client.sign_in("production.deputy_gm")
    address = f"{PLAN}/{submitted.id}/step/approve"
    for password in ("", "not this"):
        answer = client.post_form(address, {"_version": "2", "_password": password})
        assert answer.status_code == 422
        assert 'id="s-_password-error"' in page_of(answer)
        assert state_of(people, submitted) == "submitted"
    assert client.post_form(address, {"_version": "2", "_password": PASSWORD}).status_code == 303
    assert state_of(people, submitted) == "approved"


def test_a_reason_that_is_missing_is_said_at_its_field(client, people, submitted):
    """And what was typed elsewhere stays."""
    client.sign_in("production.deputy_gm")
    answer = client.post_form(f"{PLAN}/{submitted.id}/step/send_back", {"_version": "2", "_reason": "  "})
    assert answer.status_code == 422 and 'id="s-_reason-error"' in page_of(answer)
    client.post_form(f"{PLAN}/{submitted.id}/step/send_back", {"_version": "2", "_reason": "数量不对"})
    assert state_of(people, submitted) == "draft"
    html = page_of(client.get(f"{PLAN}/{submitted.id}"))
    assert "数量不对" in html and "已撤回" in html


def test_a_step_of_somebody_else_is_refused_with_who_could(client, people, submitted):
    """By the page, and by the post."""
    client.sign_in("production.planner")
    assert "production.deputy_gm" in page_of(client.get(f"{PLAN}/{submitted.id}/step/approve"))
    answer = client.post_form(f"{PLAN}/{submitted.id}/step/approve", {"_version": "2", "_password": PASSWORD})
    assert answer.status_code == 403
    assert "production.deputy_gm" in page_of(answer)
    assert state_of(people, submitted) == "submitted"


def test_a_dialog_is_told_where_to_go(client, draft):
    """So that the next page itself says the message."""
    client.sign_in("production.planner")
    answer = client.post_form(f"{PLAN}/{draft.id}/step/submit", {"_version": "1"}, headers={"X-Dialog": "1"})
    assert (answer.status_code, answer.headers["X-Onward"]) == (204, f"{PLAN}/{draft.id}")


def test_a_stale_step_is_refused(client, people, draft):
    """Somebody saved after the page was read."""
    client.sign_in("production.planner")
    secrets = client.secrets(f"{PLAN}/{draft.id}/step/submit")
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), goals="新")
    answer = client.post(f"{PLAN}/{draft.id}/step/submit", data={**secrets, "_version": "1"})
    assert answer.status_code in (409, 412)
    assert state_of(people, draft) == "draft"


def test_what_one_may_not_read_does_not_exist(client, draft):
    """Another's draft, an address of nothing, letters in place of a number."""
    client.sign_in("outsider")
    for address in (draft.id, 12345, "abc", "9" * 30):
        assert client.get(f"{PLAN}/{address}").status_code == 404
    assert client.get("/production/nothing/1").status_code == 404


def test_a_draft_is_deleted_by_its_author(client, people, draft):
    """And is gone."""
    client.sign_in("production.planner")
    assert client.post_form(f"{PLAN}/{draft.id}/remove", {}, page=f"{PLAN}/{draft.id}").status_code == 303
    assert client.get(f"{PLAN}/{draft.id}").status_code == 404


def test_voiding_keeps_number_and_reason(client, people, submitted):
    """It is asked like any step and says its consequence."""
    client.sign_in("production.manager")
    assert "编号保留" in page_of(client.get(f"{PLAN}/{submitted.id}/step/void"))
    client.post_form(f"{PLAN}/{submitted.id}/step/void", {"_version": "2", "_reason": "取消"})
    html = page_of(client.get(f"{PLAN}/{submitted.id}"))
    assert "作废" in html and "取消" in html and submitted.number in html


def test_history_says_what_changed(client, people, draft):
    """Field, before and after."""
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), basis="新的依据")
    html = page_of(client.sign_in("production.planner").get(f"{PLAN}/{draft.id}"))
    assert re.search(r"<s>产销会</s> → 新的依据", html)


def test_a_policy_that_passes_a_step_is_named(client, people, site, draft):
    """Not required, with the policy's name."""
    from core import settings

    with site.work(actor=people.id("core.administrator")) as work:
        settings.choose(work.connection, work.directory, work.origin, "production.month_plan.approver", "none", reason="test")
    with people.work_as("production.planner") as work:
        work.fire(work.get("production.monthly_plan", draft.id), "submit")
    html = page_of(client.sign_in("production.planner").get(f"{PLAN}/{draft.id}"))
    assert "不需要：" in html


def test_a_record_opened_from_another_is_prefilled_and_linked(client, people, submitted):
    """The button leads to a form that begins with what is copied."""
    with people.work_as("production.deputy_gm") as work:
        work.fire(work.get("production.monthly_plan", submitted.id), "approve", asked(people, "production.deputy_gm"))
    with people.work_as("production.planner") as work:
        work.fire(work.get("production.monthly_plan", submitted.id), "issue")
    client.sign_in("production.planner")
    html = page_of(client.get(f"{PLAN}/{submitted.id}"))
    href = re.search(r'href="(/production/order/new\?from=[^"]+)"', html)[1].replace("&amp;", "&")
    assert submitted.number in page_of(client.get(href))


def asked(people, who):
    """The password, given."""
    from core.service import Asked, Confirmed

    return Asked(confirmed=Confirmed(people.id(who), "password"))


def test_a_stale_step_says_what_was_changed_and_goes_on(client, people, draft):
    """Once it has been read, the same button works."""
    client.sign_in("production.planner")
    secrets = client.secrets(f"{PLAN}/{draft.id}/step/submit")
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), goals="新")
    html = page_of(client.post(f"{PLAN}/{draft.id}/step/submit", data={**secrets, "_version": "1"}))
    version = re.search(r'name="_version" value="(\d+)"', html)[1]
    assert "质量" in html
    assert client.post_form(f"{PLAN}/{draft.id}/step/submit", {"_version": version}).status_code == 303
