"""Passwords: which ones are good enough, how they are kept, and how a fresh one is made."""

from __future__ import annotations

import secrets
import unicodedata
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Problem
from core.messages import _

SHORTEST = 8
LONGEST = 128
MEMORY = 47_104
"""KiB of memory that one Argon2id hash takes: 46 MiB with one pass and one lane."""

TEST_MEMORY = 1_024
"""What a site of kind `test` takes instead."""

_LIST = Path(__file__).parent / "common_passwords.txt"
_ALPHABET = "abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679"
"""Letters and digits that nobody mistakes for one another on paper."""


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The passwords that guessers try first, in small letters; read at first use."""
    return frozenset(_LIST.read_text(encoding="utf-8").split())


def normal(password: str) -> str:
    """The password as it is compared: composed, so that one key press more or less on another keyboard is the same."""
    return unicodedata.normalize("NFC", password)


def problems_with(password: str, username: str, where: str = "password") -> list[Problem]:
    """What speaks against a password; nothing is asked about the kinds of characters in it."""
    text = normal(password)
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return [Problem(where, _("The password holds a character that cannot be typed."), code="password-characters")]
    if len(text) < SHORTEST:
        hint = _("Take at least {count} characters; a sentence is easy to remember.", count=SHORTEST)
        return [Problem(where, _("The password is too short."), hint, "password-short")]
    if len(text) > LONGEST:
        return [Problem(where, _("The password is too long."), _("Take at most {count} characters.", count=LONGEST), "password-long")]
    small = text.casefold()
    if small == username.casefold():
        return [Problem(where, _("The password is the user name."), _("Take another one."), "password-username")]
    if small in common_passwords() or _is_run(small):
        return [Problem(where, _("This password is one of the first that are guessed."), _("Take one that nobody else would think of."), "password-common")]
    return []


def _is_run(text: str) -> bool:
    """Whether it repeats a piece of at most three characters, or only counts up or down."""
    if any(text == (text[:size] * len(text))[: len(text)] for size in (1, 2, 3)):
        return True
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1})


def random_password(length: int = 16) -> str:
    """A fresh password that no one has had; it passes its own rules."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _each in range(length))
        if not problems_with(password, ""):
            return password


def memory_for(kind: str) -> int:
    """The memory for the hashes of a live, demo or test site."""
    return TEST_MEMORY if kind == "test" else MEMORY


class Hasher:
    """Argon2id with so much memory (`memory_for`), one pass and one lane."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=memory, parallelism=1, type=Type.ID)
        self._decoy = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """The hash to keep."""
        return self._hasher.hash(normal(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; takes as long when there is nobody to compare with."""
        if len(password) > LONGEST * 4:
            password = ""
        try:
            text = normal(password).encode("utf-8", "surrogatepass")
            self._hasher.verify(kept or self._decoy, text)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters and should be made anew at the next sign-in."""
        return self._hasher.check_needs_rehash(kept)


@lru_cache(maxsize=4)
def hasher(memory: int = MEMORY) -> Hasher:
    """The hasher of this process for that much memory."""
    return Hasher(memory)
