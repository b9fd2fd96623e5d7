"""Facts about signing in and out through the pages, and about what a form needs to be taken."""

from __future__ import annotations

import re

import pyotp
import pytest

from tests.company import PASSWORD


@pytest.fixture
def plugins():
    return ("master_data",)


ITEM = {"go": "save", "code": "V-1", "name": "Valve", "kind": "product", "unit": "pc"}


def test_a_visitor_is_asked_to_sign_in_and_led_on(client, people) -> None:
    """What was asked for comes after the password; another site's address never does."""
    answer = client.get("/master_data/item?q=x")
    assert answer.status_code == 303 and answer.headers["Location"] == "/sign-in?next=%2Fmaster_data%2Fitem%3Fq%3Dx"
    name = people.name(people.id("core.employee"))
    answer = client.post_form("/sign-in", {"username": name, "password": PASSWORD, "next": "/master_data/item?q=x"})
    assert answer.headers["Location"] == "/master_data/item?q=x"


@pytest.mark.parametrize("next", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-out", "/a\nb"])
def test_signing_in_leads_nowhere_else(client, people, next) -> None:
    """An open redirect is a trap."""
    answer = client.post_form("/sign-in", {"username": people.name(people.id("core.employee")), "password": PASSWORD, "next": next})
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_is_refused_in_words_and_the_name_stays(client) -> None:
    """The password is not shown again."""
    answer = client.post_form("/sign-in", {"username": "core.employee", "password": "wrong one"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 401 and 'value="core.employee"' in text and "wrong one" not in text and 'role="alert"' in text


def test_too_many_attempts_wait(client) -> None:
    """429, and the page says for how long."""
    answers = [client.post_form("/sign-in", {"username": "core.employee", "password": "wrong one"}).status_code for _attempt in range(7)]
    assert answers[0] == 401 and answers[-1] == 429


def test_the_session_cookie_is_closed_to_scripts(client) -> None:
    """HttpOnly and SameSite; the prefix and Secure come with https."""
    client.sign_in("core.employee")
    cookie = client.get_cookie("yunkong")
    assert cookie.http_only and cookie.same_site == "Lax" and cookie.path == "/"


def test_a_site_with_https_prefixes_its_cookies(site_folder, people) -> None:
    """`__Host-` cookies cannot be set from a neighbouring host."""
    from core.app import create_app
    from core.site import open_site

    file = site_folder / "site.toml"
    file.write_text(file.read_text() + 'public_url = "https://yunkong.example"\n')
    app = create_app(open_site(site_folder))
    answer = app.test_client().get("/sign-in", base_url="https://yunkong.example")
    assert answer.headers["Set-Cookie"].startswith("__Host-yunkong-guest=") and "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_signing_out_ends_the_session(client) -> None:
    """The same cookie counts no longer."""
    client.sign_in("core.employee")
    cookie = client.get_cookie("yunkong").value
    client.sign_out()
    client.set_cookie("yunkong", cookie)
    assert client.get("/").status_code == 303


def test_a_code_is_asked_after_the_password(client, people, site) -> None:
    """The password passes through the second page only sealed."""
    from core import sessions

    user = people.id("core.employee")
    key = site.config.secrets.secret_key
    with site.work(actor=user) as work:
        secret, _address = sessions.begin_totp(work.connection, key, user, "site")
    totp = pyotp.TOTP(secret)
    with site.work(actor=user) as work:
        sessions.activate_totp(work.connection, work.origin, key, user, totp.at(work.now))
    answer = client.post_form("/sign-in", {"username": people.name(user), "password": PASSWORD})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 401 and 'name="otp"' in text and PASSWORD not in text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    with site.work(reading=True) as work:
        code = totp.at(work.now.timestamp() + 30)
    wrong = client.post("/sign-in", data={**hidden, "otp": "000000"})
    assert wrong.status_code == 401 and 'aria-invalid="true"' in wrong.get_data(as_text=True)
    assert client.post("/sign-in", data={**hidden, "otp": code}).status_code == 303
    assert client.get("/").status_code == 200


# what a form needs


def test_a_form_without_its_secret_is_refused_and_nothing_happens(client, people) -> None:
    """403, also with somebody else's secret."""
    client.sign_in("core.employee")
    other = client.application.test_client()
    other.people = people
    foreign = other.sign_in("outsider").secrets("/me")["_csrf"]
    for secret in ("", "nonsense", foreign):
        assert client.post("/me/language", data={"language": "en", "_csrf": secret}).status_code == 403
    assert 'lang="zh-CN"' in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize("header", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Referer": "https://evil.example/x"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_from_another_site_is_refused(client, header) -> None:
    """Even with the right secret."""
    client.sign_in("core.employee")
    assert client.post_form("/me/language", {"language": "en"}, page="/me", headers=header).status_code == 403


def test_a_form_sent_twice_makes_one_record(client, people) -> None:
    """The second sending is led to where the first one went."""
    client.sign_in("master_data.item_keeper")
    values = {**client.secrets("/master_data/item/new"), **ITEM}
    first, second = (client.post("/master_data/item/new", data=values) for _time in range(2))
    assert first.status_code == second.status_code == 303, first.get_data(as_text=True)[:2000]
    assert first.headers["Location"] == second.headers["Location"]
    with people.work_as("master_data.item_keeper", reading=True) as work:
        assert len(work.find("master_data.item")) == 1


def test_what_was_typed_survives_the_end_of_the_session(client, people) -> None:
    """After signing in again the form stands there as it was typed; nothing was saved."""
    client.sign_in("master_data.item_keeper")
    values = {**client.secrets("/master_data/item/new"), **ITEM, "name": "Typed before the session ended"}
    client.delete_cookie("yunkong")
    answer = client.post("/master_data/item/new", data=values)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 401 and 'name="kept.name" value="Typed before the session ended"' in text
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
    name = people.name(people.id("master_data.item_keeper"))
    answer = client.post("/sign-in", data={**dict(hidden), "username": name, "password": PASSWORD})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "Typed before the session ended" in text and 'name="_csrf"' in text
    with people.work_as("master_data.item_keeper", reading=True) as work:
        assert work.find("master_data.item") == []


def test_a_form_without_a_page_of_its_own_can_be_sent_again(client, people) -> None:
    """Where no page shows the typed values, one button sends them."""
    client.sign_in("core.employee")
    values = {**client.secrets("/me"), "language": "en"}
    client.delete_cookie("yunkong")
    text = client.post("/me/language", data=values).get_data(as_text=True)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    answer = client.post("/sign-in", data={**hidden, "username": people.name(people.id("core.employee")), "password": PASSWORD})
    text = answer.get_data(as_text=True)
    assert 'action="/me/language"' in text and 'name="language" value="en"' in text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text.partition('action="/me/language"><input')[2] or text))
    assert client.post("/me/language", data={"language": "en", "_csrf": hidden["_csrf"]}).status_code == 303


def test_a_script_is_told_that_the_session_has_ended(client) -> None:
    """It gets words, not a page."""
    answer = client.post("/me/language", data={"language": "en"}, headers={"X-CSRF-Token": "x"})
    assert answer.status_code == 401 and answer.mimetype == "text/plain"


def test_what_a_page_says_is_said_once(client) -> None:
    """And in the language of its reader."""
    client.sign_in("core.employee")
    assert client.post_form("/me/language", {"language": "en"}, page="/me").status_code == 303
    client.sign_out()
    assert client.get("/sign-in").status_code == 200
    client.sign_in("core.employee")
    new = "seven tall pines stand"
    client.post_form("/me/password", {"password": PASSWORD, "new": new, "repeated": new}, page="/me")
    said = "Your password has been changed."
    assert said in client.get("/me").get_data(as_text=True) and said not in client.get("/me").get_data(as_text=True)


def test_signing_in_twice_leads_on(client, people) -> None:
    """Who is signed in already is not asked again, and nothing waits for itself."""
    client.sign_in("core.employee")
    values = {**client.secrets("/me"), "username": people.name(people.id("core.employee")), "password": PASSWORD, "next": "/me"}
    assert client.post("/sign-in", data=values).headers["Location"] == "/me"
    assert client.get("/sign-in?next=/me").headers["Location"] == "/me"


def test_a_part_of_a_page_leads_to_the_entrance_as_a_whole(client) -> None:
    """The script is told to go there."""
    answer = client.get("/master_data/item", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and answer.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_a_page_that_is_not_there_speaks_the_language_of_its_reader(client, people) -> None:
    """The one that they chose, whatever their browser asks for; a visitor's browser is followed."""
    asked = {"Accept-Language": "zh-TW"}
    assert '<html lang="zh-TW"' in client.get("/nothing", headers=asked).get_data(as_text=True)
    client.sign_in("core.employee")
    assert client.post_form("/me/language", {"language": "en"}, page="/me").status_code == 303
    answer = client.get("/nothing", headers=asked)
    assert answer.status_code == 404 and '<html lang="en"' in answer.get_data(as_text=True)
