"""Facts about signing in and staying signed in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import event, select

from core import passwords, people, sessions, settings
from core.errors import NotFound, Refused
from tests.core.peopled import CHEAP, PASSWORD, Company
from tests.core.test_people import company  # noqa: F401


@pytest.fixture
def it(company) -> Company:  # noqa: F811
    company.chen = company.user("chen")
    return company


def enter(it: Company, password=PASSWORD, username="chen", address="10.0.0.1", **more) -> sessions.SignedIn:
    return sessions.sign_in(it, username=username, password=password, address=address, agent="Firefox", **more)


def seen(it: Company, token: str) -> sessions.Seen | None:
    with it.database.begin(reading=True) as connection:
        return sessions.look_up(connection, sessions.digest(token), it.at)


def fail(it: Company, **more) -> str:
    """The code of the refusal."""
    with pytest.raises((sessions.SignInRefused, sessions.TooMany)) as caught:
        enter(it, **more)
    return caught.value.code


def test_who_signs_in_is_known_by_a_token_of_which_a_hash_is_kept(it) -> None:
    """One statement tells who asks, with the stamp of the directory."""
    session = enter(it, username=" CHEN ")
    statements = []
    event.listen(it.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    found = seen(it, session.token)
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
    assert (found.user_id, found.session_id, found.kind, found.csrf) == (it.chen, session.id, "browser", session.csrf)
    assert found.stamp == it.directory().stamp
    with it.database.begin(reading=True) as connection:
        kept = connection.execute(select(sessions.SESSION)).mappings().one()
    assert session.token not in str(dict(kept)) and len(session.token) >= 43


def test_a_wrong_name_and_a_wrong_password_read_alike(it) -> None:
    """Nor does a disabled account show."""
    it.user("gone")
    gone = it.directory().by_username["gone"].id
    it.do(people.change_user, it.origin(), gone, is_active=False)
    said = set()
    for name, password in (("chen", "wrong password"), ("nobody", "wrong password"), ("gone", PASSWORD), ("\ud800", "\0"), ("x" * 9999, "y" * 99999)):
        with pytest.raises(sessions.SignInRefused) as caught:
            enter(it, password, name)
        said.add((str(caught.value.what), caught.value.code))
    assert len(said) == 1


def test_a_password_is_compared_even_when_there_is_no_such_user(it, monkeypatch) -> None:
    """The work is the same, so the time tells nothing."""
    compared = []
    real = passwords.Hasher.verify
    monkeypatch.setattr(passwords.Hasher, "verify", lambda self, kept, password: compared.append(kept) or real(self, kept, password))
    fail(it, username="nobody")
    fail(it, password="wrong password")
    assert len(compared) == 2


def test_guessing_at_a_name_has_to_wait_longer_and_longer(it) -> None:
    """Five are free; then even the right password waits, and the wait grows to a quarter of an hour."""
    assert [fail(it, password=f"wrong {n}") for n in range(5)] == ["sign_in"] * 5
    assert fail(it) == "too_many_attempts"
    it.move(seconds=31)
    assert fail(it, password="wrong again") == "sign_in"
    it.move(seconds=31)
    with pytest.raises(sessions.TooMany) as caught:
        enter(it)
    assert 0 < caught.value.wait <= 60
    it.move(minutes=2)
    assert enter(it)
    assert fail(it, password="wrong") == "sign_in"


def test_a_name_that_does_not_exist_waits_as_well(it) -> None:
    """Or the limit would tell."""
    assert [fail(it, username="nobody") for _n in range(5)] == ["sign_in"] * 5
    assert fail(it, username="nobody") == "too_many_attempts"


def test_guessing_at_many_names_from_one_address_has_to_wait(it) -> None:
    """Another address does not."""
    codes = [fail(it, username=f"user{n}") for n in range(sessions.FREE_ADDRESS + 1)]
    assert codes[-1] == "too_many_attempts" and codes[-2] == "sign_in"
    assert enter(it, address="10.0.0.2")


def test_many_guesses_at_once_do_not_slip_through(it) -> None:
    """Each is counted before it is looked at."""
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: fail(it, password=f"wrong {n}"), range(16)))
    assert codes.count("sign_in") == sessions.FREE_USER


def test_a_session_ends_when_it_is_not_used(it) -> None:
    """Half an hour by default; use keeps it."""
    session = enter(it)
    it.move(minutes=29)
    found = seen(it, session.token)
    it.do(sessions.touch, found, it.at)
    it.move(minutes=29)
    assert seen(it, session.token)
    it.move(minutes=2)
    assert seen(it, session.token) is None


def test_a_session_ends_after_twelve_hours_in_any_case(it) -> None:
    """However much it is used."""
    session = enter(it)
    for _half_hour in range(25):
        it.move(minutes=28)
        if found := seen(it, session.token):
            it.do(sessions.touch, found, it.at)
    it.move(minutes=21)
    assert seen(it, session.token) is None


def test_how_long_a_session_lasts_is_a_setting(it) -> None:
    """It counts for sessions that begin after it."""
    it.do(settings.set_value, it.directory(), it.origin(), "core.session_idle", 10, reason="shared screens")
    session = enter(it)
    it.move(minutes=11)
    assert seen(it, session.token) is None


def test_use_is_written_down_once_a_minute_at_most(it) -> None:
    """A read stays a read."""
    session = enter(it)
    it.move(seconds=59)
    assert not seen(it, session.token).is_due(it.at)
    it.move(seconds=1)
    assert seen(it, session.token).is_due(it.at)


@pytest.mark.parametrize("how", ["disable", "password", "all", "one", "administrator"])
def test_a_session_is_over_at_the_next_request(it, how) -> None:
    """When its user is disabled, gets another password, or somebody ends it."""
    session, other = enter(it), enter(it)
    match how:
        case "disable":
            it.do(people.change_user, it.origin(), it.chen, is_active=False)
        case "password":
            it.do(people.set_password, it.origin(), it.chen, memory=CHEAP)
        case "all":
            it.do(people.end_sessions, it.origin(it.chen), it.chen)
        case "one":
            it.do(sessions.end, it.origin(it.chen), it.chen, session.id)
        case "administrator":
            it.do(sessions.end, it.origin(), it.chen, session.id, reason="lost laptop")
    assert seen(it, session.token) is None
    assert (seen(it, other.token) is None) == (how in ("disable", "password", "all"))


def test_enabling_somebody_again_does_not_bring_old_sessions_back(it) -> None:
    """They sign in anew."""
    session = enter(it)
    it.do(people.change_user, it.origin(), it.chen, is_active=False)
    it.do(people.change_user, it.origin(), it.chen, is_active=True)
    assert seen(it, session.token) is None


def test_the_session_in_which_one_changes_ones_password_goes_on_with_a_new_token(it) -> None:
    """All others end."""
    session, other = enter(it), enter(it)
    it.do(people.set_password, it.origin(it.chen), it.chen, "another good one", memory=CHEAP)
    renewed = it.do(sessions.renew, session.id)
    assert seen(it, renewed.token).session_id == session.id
    assert not seen(it, renewed.token).password_given
    assert seen(it, session.token) is None and seen(it, other.token) is None
    assert enter(it, "another good one")


def test_a_password_that_somebody_else_made_is_marked(it) -> None:
    """Until its owner makes another."""
    assert seen(it, enter(it).token).password_given


def test_nobody_ends_the_session_of_another(it) -> None:
    """It does not exist for them."""
    session = enter(it)
    with pytest.raises(NotFound):
        it.do(sessions.end, it.origin(), it.admin, session.id)


def test_the_sessions_of_a_user_are_listed_while_they_last(it) -> None:
    """With address and program; tokens too."""
    enter(it)
    it.move(minutes=31)
    token = enter(it, kind="token", address="10.0.0.9")
    with it.database.begin(reading=True) as connection:
        listed = sessions.sessions_of(connection, it.chen, it.at)
    assert [(one.id, one.kind, one.address, one.agent) for one in listed] == [(token.id, "token", "10.0.0.9", "Firefox")]


def test_a_token_rests_as_long_as_it_likes(it) -> None:
    """It ends after the days that the site sets."""
    token = enter(it, kind="token")
    it.move(days=89)
    assert seen(it, token.token).kind == "token"
    it.move(days=2)
    assert seen(it, token.token) is None


def test_a_form_belongs_to_one_session(it) -> None:
    """The secret of another session does not fit."""
    one, two = enter(it), enter(it)
    assert sessions.is_csrf(seen(it, one.token), one.csrf)
    assert not sessions.is_csrf(seen(it, one.token), two.csrf)
    assert not sessions.is_csrf(seen(it, one.token), "\ud800")


def test_signing_in_stands_in_the_trail(it) -> None:
    """With the address, without the token."""
    session = enter(it)
    assert it.trail()[0].action == "core.session.began" and it.trail()[0].actor_id == it.chen
    assert session.token not in str(it.trail())


# one-time codes


def turn_on(it: Company) -> pyotp.TOTP:
    secret, uri = it.do(sessions.begin_totp, it.config.secrets.secret_key, it.chen, "Yunkong")
    assert uri.startswith("otpauth://totp/Yunkong:chen?")
    totp = pyotp.TOTP(secret)
    it.do(sessions.activate_totp, it.origin(it.chen), it.config.secrets.secret_key, it.chen, totp.at(it.at))
    it.move(seconds=60)
    return totp


def test_who_has_turned_codes_on_types_one(it) -> None:
    """After the right password alone is it asked for; a wrong one does not pass."""
    totp = turn_on(it)
    assert fail(it) == "otp_required"
    assert fail(it, password="wrong password", otp=totp.at(it.at)) == "sign_in"
    assert fail(it, otp="000000" if totp.at(it.at) != "000000" else "000001") == "sign_in"
    assert enter(it, otp=f" {totp.at(it.at)[:3]} {totp.at(it.at)[3:]} ")


def test_a_code_is_good_once(it) -> None:
    """Also the one that turned codes on."""
    totp = turn_on(it)
    code = totp.at(it.at)
    assert enter(it, otp=code)
    assert fail(it, otp=code) == "sign_in"
    it.move(seconds=30)
    assert enter(it, otp=totp.at(it.at))


def test_a_code_may_be_one_step_early_or_late(it) -> None:
    """Clocks differ."""
    totp = turn_on(it)
    it.move(minutes=2)
    assert enter(it, otp=totp.at(it.at - timedelta(seconds=30)))
    assert fail(it, otp=totp.at(it.at + timedelta(seconds=90))) == "sign_in"


def test_the_secret_is_not_kept_as_it_is(it) -> None:
    """It is encrypted under the site's key; with another key no code is right."""
    totp = turn_on(it)
    with it.database.begin(reading=True) as connection:
        assert totp.secret not in connection.scalar(select(people.USER.c.totp_secret).where(people.USER.c.id == it.chen))
    it.config.secrets.secret_key = "z" * 40
    assert fail(it, otp=totp.at(it.at)) == "sign_in"


def test_codes_count_once_the_first_was_typed(it) -> None:
    """A secret that nobody confirmed locks nobody out, and can be turned off again."""
    it.do(sessions.begin_totp, it.config.secrets.secret_key, it.chen, "Yunkong")
    with it.database.begin(reading=True) as connection:
        assert sessions.pending_totp(connection, it.config.secrets.secret_key, it.chen, "Yunkong")
    assert enter(it)
    with pytest.raises(Refused):
        it.do(sessions.activate_totp, it.origin(it.chen), it.config.secrets.secret_key, it.chen, "123")
    turn_on(it)
    it.do(sessions.stop_totp, it.origin(), it.chen, reason="lost phone")
    assert enter(it)


# asking again


def test_a_signature_asks_for_the_password_again(it) -> None:
    """And for a code where codes are on."""
    sessions.confirm(it, it.chen, PASSWORD)
    with pytest.raises(Refused) as caught:
        sessions.confirm(it, it.chen, "wrong password")
    assert caught.value.problems[0].pointer == "/password"
    totp = turn_on(it)
    with pytest.raises(Refused) as caught:
        sessions.confirm(it, it.chen, PASSWORD)
    assert caught.value.problems[0].pointer == "/otp"
    sessions.confirm(it, it.chen, PASSWORD, totp.at(it.at))


def test_asking_again_is_limited_like_signing_in(it) -> None:
    """A stolen session cannot be used to guess the password."""
    for n in range(5):
        with pytest.raises(Refused):
            sessions.confirm(it, it.chen, f"wrong {n}")
    with pytest.raises(sessions.TooMany):
        sessions.confirm(it, it.chen, PASSWORD)


def test_a_hidden_text_is_read_again_by_this_site_alone() -> None:
    """Nothing else opens it, and never for something else."""
    hidden = sessions.hide("k" * 40, "half a \ud800 password", "chen")
    assert sessions.reveal("k" * 40, hidden, "chen") == "half a \ud800 password"
    for key, text, bound_to in (("z" * 40, hidden, "chen"), ("k" * 40, hidden, "wang"), ("k" * 40, "nonsense", "chen"), ("k" * 40, "", "chen")):
        assert sessions.reveal(key, text, bound_to) is None
