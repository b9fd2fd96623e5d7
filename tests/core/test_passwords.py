"""Facts about passwords: what is good enough, how it is kept."""

from __future__ import annotations

import pytest

from core import passwords

GOOD = "correct horse battery"


def codes(password: str, username: str = "chen.siyuan") -> list[str]:
    return [problem.code for problem in passwords.problems_with(password, username)]


@pytest.mark.parametrize("password", [GOOD, "a" * 5 + "b" * 123, "夏天的风从海上来啊", "\u00e4\u00f6\u00fc\u00df\u00e9\u00e8\u00ea\u00eb", "kvwq tzpl"])
def test_any_characters_will_do(password) -> None:
    """Length and being unknown count; kinds of characters do not."""
    assert codes(password) == []


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("a1B$xyz", "password-short"), ("x" * 129, "password-long"), ("chen.siyuan", "password-username"), ("Chen.Siyuan", "password-username"),
        ("password1", "password-common"), ("Password123", "password-common"), ("woaini1314", "password-common"), ("88888888", "password-common"),
        ("abababab", "password-common"), ("abcdefghijkl", "password-common"), ("hgfedcba", "password-common"),
        ("nul\0nul\0nul", "password-characters"), ("half \ud800 pair", "password-characters"),
    ],
)
def test_a_poor_password_is_refused_with_its_reason(password, code) -> None:
    """Too short, too long, the user name, one that is guessed first, or one that cannot be typed."""
    assert codes(password) == [code]


def test_the_list_of_common_passwords_is_long_and_worth_its_place() -> None:
    """At least three thousand, none of which length alone would refuse."""
    listed = passwords.common_passwords()
    assert len(listed) >= 3000
    assert all(passwords.SHORTEST <= len(one) <= passwords.LONGEST and one == one.casefold() for one in listed)


def test_a_random_password_passes_and_never_comes_again() -> None:
    """Sixteen characters that nobody mistakes for one another."""
    made = {passwords.random_password() for _each in range(200)}
    assert len(made) == 200
    assert all(len(one) == 16 and not codes(one) and not set(one) & set("0O1lI5S8B2Z") for one in made)


def test_a_hash_is_argon2id_with_46_mib() -> None:
    """One pass, one lane, its own salt."""
    hasher = passwords.hasher()
    kept = hasher.hash(GOOD)
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert kept != hasher.hash(GOOD)
    assert hasher.verify(kept, GOOD) and not hasher.verify(kept, GOOD + "x")


def test_two_ways_to_type_one_letter_are_one_password() -> None:
    """Composed and decomposed characters are the same."""
    hasher = passwords.hasher(passwords.TEST_MEMORY)
    assert hasher.verify(hasher.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


@pytest.mark.parametrize("typed", ["", "x" * 1_000_000, "\ud800", "\0"])
def test_whatever_is_typed_is_simply_wrong(typed) -> None:
    """No input makes the comparison fail otherwise, nor is there a user without a hash."""
    hasher = passwords.hasher(passwords.TEST_MEMORY)
    assert not hasher.verify(hasher.hash(GOOD), typed)
    assert not hasher.verify(None, typed)
    assert not hasher.verify("not a hash", typed)


def test_a_test_site_alone_takes_less_memory() -> None:
    """Live and demo sites hash with the full cost, and a cheap hash is seen to be outdated."""
    assert passwords.memory_for("live") == passwords.memory_for("demo") == passwords.MEMORY >= 46 * 1024
    assert passwords.hasher().outdated(passwords.hasher(passwords.memory_for("test")).hash(GOOD))
