"""Facts about the inbox, the menus, the page of one's own account, reports, and the way from a number to its record."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from core import inbox
from tests.company import PASSWORD


@pytest.fixture
def plugins():
    return ("production",)


def html(answer) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


@pytest.fixture
def plan(people):
    """A monthly plan with one line, drafted by the planner."""
    with people.work_as("master_data.item_keeper") as work:
        item = work.create("master_data.item", {"code": "V-1", "name": "Valve", "kind": "product", "unit": "pc"})
    with people.work_as("production.planner") as work:
        return work.create("production.monthly_plan", {
            "plan_month": date(2026, 12, 1), "basis": "Orders", "distribution": (people.department("DEPT1"),),
            "lines": [{"product": item.id, "planned_qty": Decimal(5), "due_date": date(2026, 12, 20), "workshop": people.department("DEPT1")}],
        }).id


def submit(people, plan) -> None:
    with people.work_as("production.planner") as work:
        work.fire(work.get("production.monthly_plan", plan), "submit")


def box(people, who, department=""):
    with people.work_as(who, department, reading=True) as work:
        return inbox.inbox(work)


def test_a_draft_waits_for_nobody_and_stands_with_its_author(people, plan) -> None:
    """Its author finds it among the drafts."""
    mine = box(people, "production.planner")
    assert [row.id for row in mine.drafts] == [plan] and not mine.entries
    assert not box(people, "production.deputy_gm").entries


def test_what_is_submitted_waits_for_who_approves_it(people, plan) -> None:
    """With the step that leads on, not the one that sends back; its author sees it among what was started."""
    submit(people, plan)
    entries = box(people, "production.deputy_gm").entries
    assert [(entry.row.id, entry.step) for entry in entries] == [(plan, "approve")]
    assert not box(people, "production.planner").entries
    assert [row.id for row in box(people, "production.planner").started] == [plan]


def test_another_department_has_nothing_to_do_with_it(people, plan) -> None:
    """A role counts where it is held."""
    submit(people, plan)
    assert not box(people, "production.deputy_gm", "DEPT2").entries


def test_whoever_submitted_is_not_asked_to_approve(people, plan) -> None:
    """`other_than` counts in the inbox as well."""
    submit(people, plan)
    people.give("production.planner", "production.deputy_gm")
    assert not [entry for entry in box(people, "production.planner").entries if entry.step == "approve"]


def test_what_was_sent_back_waits_for_its_author_again(people, plan) -> None:
    """It has a number and is no private draft any more."""
    from core.service import Asked

    submit(people, plan)
    with people.work_as("production.deputy_gm") as work:
        work.fire(work.get("production.monthly_plan", plan), "send_back", Asked("Not enough"))
    assert [(entry.row.id, entry.step) for entry in box(people, "production.planner").entries] == [(plan, "submit")]


def test_the_inbox_page_reads_verb_title_number_and_button(client, people, plan) -> None:
    """One primary button; the count stands in the menu, not in red."""
    submit(people, plan)
    text = html(client.sign_in("production.deputy_gm").get("/"))
    assert f"/production/monthly_plan/{plan}" in text and "MP-202612-01" in text and "批准" in text
    assert len(re.findall(r'class="btn btn-p', text)) == 1 and '<span class="k">1</span>' in text


def test_an_empty_inbox_says_so_and_offers_something(client) -> None:
    """One line, one action."""
    text = html(client.sign_in("production.planner").get("/"))
    assert "今天没有待办。" in text and len(re.findall(r'class="btn btn-p', text)) == 1


def test_reading_the_inbox_takes_few_statements(client, people, plan, site) -> None:
    """However many types there are."""
    from sqlalchemy import event

    submit(people, plan)
    client.sign_in("production.deputy_gm").get("/")
    seen: list[str] = []
    event.listen(site.database.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    client.get("/")
    assert len([one for one in seen if one.startswith("SELECT")]) <= 8, seen


# menus


def test_the_menu_shows_what_the_reader_may_see(client) -> None:
    """A stranger to production sees none of its forms; administration is for administrators."""
    text = html(client.sign_in("outsider").get("/"))
    assert "/production/monthly_plan" not in text and "/master_data/item" in text and 'href="/admin"' not in text
    client.sign_out()
    assert 'href="/admin"' in html(client.sign_in("core.administrator").get("/"))


@pytest.mark.parametrize("plugins", [("master_data",)])
def test_a_plugin_that_is_not_enabled_is_not_in_the_menu(client) -> None:
    """Not greyed: it is not there."""
    assert "生产控制" not in html(client.sign_in("core.administrator").get("/"))


# one's own account


def test_the_language_is_kept_and_all_pages_speak_it(client) -> None:
    """In three languages; the way back leads to where one was."""
    client.sign_in("production.planner")
    for language, words in (("en", "To do"), ("zh_TW", "待辦"), ("zh_CN", "待办")):
        answer = client.post_form("/me/language", {"language": language}, page="/me", headers={"Referer": "http://localhost/production/order?view=all"})
        assert answer.headers["Location"] == "/production/order?view=all"
        assert f"<h1>{words}</h1>" in html(client.get("/"))
    assert client.post_form("/me/language", {"language": "xx"}, page="/me").status_code == 422


def test_a_password_is_changed_with_the_present_one(client, people, app) -> None:
    """This session goes on, all others end; a wrong one is said at its field."""
    client.sign_in("production.planner")
    other = app.test_client()
    other.people = people
    other.sign_in("production.planner")
    new = "seven tall pines stand"
    wrong = client.post_form("/me/password", {"password": "no", "new": new, "repeated": new}, page="/me")
    assert wrong.status_code == 422 and 'aria-describedby="password-problem"' in wrong.get_data(as_text=True)
    assert client.post_form("/me/password", {"password": PASSWORD, "new": new, "repeated": "else"}, page="/me").status_code == 422
    assert client.post_form("/me/password", {"password": PASSWORD, "new": "short", "repeated": "short"}, page="/me").status_code == 422
    assert client.post_form("/me/password", {"password": PASSWORD, "new": new, "repeated": new}, page="/me").status_code == 303
    assert client.get("/").status_code == 200 and other.get("/").status_code == 303
    other.sign_in("production.planner", password=new)


def test_a_session_can_be_ended_from_another(client, people, app) -> None:
    """Its own user only."""
    client.sign_in("production.planner")
    other = app.test_client()
    other.people = people
    other.sign_in("production.planner")
    rows = [row for row in html(client.get("/me")).split("<li>") if "/me/sessions/" in row]
    ids = [re.search(r"/me/sessions/(\d+)/end", row)[1] for row in rows]
    theirs = next(id for id, row in zip(ids, rows, strict=True) if "本次登录" not in row)
    stranger = app.test_client()
    stranger.people = people
    stranger.sign_in("outsider")
    assert len(ids) == 2 and all(stranger.post_form(f"/me/sessions/{id}/end", {}, page="/me").status_code == 404 for id in ids)
    client.post_form(f"/me/sessions/{theirs}/end", {}, page="/me")
    assert client.get("/").status_code == 200 and other.get("/").status_code == 303


def test_one_time_codes_are_set_up_with_a_code_and_stopped_with_one(client, people, site, clock) -> None:
    """The QR code holds no style; the secret is shown until its first code was typed."""
    import pyotp

    client.sign_in("production.planner")
    assert client.post_form("/me/codes/begin", {"password": "no"}, page="/me").status_code == 422
    client.post_form("/me/codes/begin", {"password": PASSWORD}, page="/me")
    text = html(client.get("/me"))
    secret = re.search(r"密钥：([A-Z2-7]{32})", text)[1]
    assert 'class="qr" src="data:image/png;base64,' in text and "style=" not in text
    totp = pyotp.TOTP(secret)
    assert client.post_form("/me/codes/activate", {"otp": "000000"}, page="/me").status_code == 422
    assert client.post_form("/me/codes/activate", {"otp": totp.at(clock.now)}, page="/me").status_code == 303
    assert secret not in html(client.get("/me"))
    clock.move(minutes=2)
    assert client.post_form("/me/codes/stop", {"password": PASSWORD, "otp": totp.at(clock.now)}, page="/me").status_code == 303


# reports and numbers


def test_a_report_is_read_with_its_parameters(client, people) -> None:
    """Wrong ones are said at their field; an empty report says so."""
    client.sign_in("production.planner")
    assert "没有可以统计的内容。" in html(client.get("/production/reports/completion?month=2026-11"))
    wrong = client.get("/production/reports/completion?month=nonsense")
    assert wrong.status_code == 422 and 'aria-describedby="p-month-problem"' in wrong.get_data(as_text=True)
    assert client.get("/production/reports/completion.xlsx?month=2026-11").mimetype.endswith("sheet")
    assert client.get("/production/reports/completion.csv").status_code == client.get("/production/reports/nothing").status_code == 404


def test_a_report_is_there_for_its_readers_alone(client) -> None:
    """404 for others, also as a workbook."""
    client.sign_in("outsider")
    assert client.get("/production/reports/completion").status_code == client.get("/production/reports/completion.xlsx").status_code == 404


def test_a_number_or_a_scanned_address_leads_to_its_record(client, people, plan) -> None:
    """Only to what may be read, and never to another site."""
    submit(people, plan)
    client.sign_in("production.planner")
    assert client.get("/scan?code=mp-202612-01").headers["Location"] == f"/production/monthly_plan/{plan}"
    assert client.get(f"/scan?code=http://localhost/production/monthly_plan/{plan}").headers["Location"] == f"/production/monthly_plan/{plan}"
    assert "没有编号是" in html(client.get("/scan?code=https://evil.example/x"))
    client.sign_out()
    assert "没有编号是" in html(client.sign_in("outsider").get("/scan?code=MP-202612-01"))
