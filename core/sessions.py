"""Signing in and staying signed in: sessions, API tokens, one-time codes, and the limit on guessing.

A session is an opaque random token of which only the SHA-256 is kept. It ends by itself when it is not used or too
old, when its user or an administrator ends it, and when the user is disabled or gets another password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Connection, ForeignKey, Index, Integer, String, Table, bindparam, case, delete, insert, select, true, update
from sqlalchemy.orm import Mapped, mapped_column

from core import audit, passwords, people, settings, storage
from core.errors import NotFound, Problem, Refusal, Refused
from core.messages import _

if TYPE_CHECKING:
    from core.config import SiteConfig
    from core.registry import Registry

Kind = Literal["browser", "token"]
TOUCHED_EVERY: Final = timedelta(minutes=1)
FREE_USER: Final = 5
FREE_ADDRESS: Final = 50
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=30)
STEP: Final = 30
"""Seconds that a one-time code lasts; one code before and after is taken too."""


class SessionRow(storage.Base):
    """Somebody signed in somewhere, or a program with a token. `idle` is the seconds it may rest, 0 for any time."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_user_id", "user_id"), Index("ix_session_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(storage.Id, primary_key=True, autoincrement=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(storage.Id, ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10))
    csrf: Mapped[str] = mapped_column(String(64))
    epoch: Mapped[int] = mapped_column(Integer)
    idle: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(storage.Moment)
    seen_at: Mapped[datetime] = mapped_column(storage.Moment)
    expires_at: Mapped[datetime] = mapped_column(storage.Moment)
    ended_at: Mapped[datetime | None] = mapped_column(storage.Moment)
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))


class LoginAttempt(storage.Base):
    """How often somebody guessed of late, per user name and per address, and until when they must wait."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index("ix_login_attempt_last_at", "last_at"),)

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(storage.Moment)
    until: Mapped[datetime | None] = mapped_column(storage.Moment)


SESSION: Table = storage.Base.metadata.tables["session"]
ATTEMPT: Table = storage.Base.metadata.tables["login_attempt"]
USER = people.USER


class SignInRefused(Refusal):
    """User name, password or code are not right (401); it does not say which, nor whether there is such a user."""

    status = 401
    code = "sign_in"


class TooMany(Refusal):
    """Too many attempts (429); the next one counts after `wait` seconds."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, wait: timedelta) -> None:
        self.wait = max(1, int(wait.total_seconds()) + 1)
        super().__init__(_("Too many attempts. Try again in {seconds} s.", seconds=self.wait))


class Site(Protocol):
    """What signing in needs of a site."""

    @property
    def config(self) -> SiteConfig:
        """Its folder, secrets and clock."""

    @property
    def registry(self) -> Registry:
        """Its declarations."""

    @property
    def database(self) -> storage.Database:
        """Its database."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has just begun; the token is shown this once."""

    id: int
    user_id: int
    token: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """Who asks, as one look-up tells, with the stamp of the directory."""

    session_id: int
    user_id: int
    kind: str
    csrf: str
    seen_at: datetime
    started_at: datetime
    expires_at: datetime
    password_given: bool
    stamp: int

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to write down that the session was used."""
        return abs(now - self.seen_at) >= TOUCHED_EVERY


@dataclass(frozen=True, slots=True)
class Listed:
    """A session that lasts, for its user and for administrators."""

    id: int
    user_id: int
    kind: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


# signing in


def sign_in(
    site: Site, *, username: str, password: str, otp: str = "", address: str = "", agent: str = "", kind: Kind = "browser",
) -> SignedIn:
    """Begin a session, or refuse: `SignInRefused`, `TooMany`. The attempt is counted before the password is looked at.

    Whether there is such a user cannot be told, neither from the answer nor from the time it takes.
    """
    now = site.config.clock.now()
    name = people.normal_username(username)
    keys = _keys(name, address)
    with site.database.begin() as connection:
        _count(connection, now, keys)
        user = connection.execute(_FIND_USER, {"username_": name if people.is_username(name) else ""}).mappings().one_or_none()
    kept = user["password_hash"] if user and user["is_active"] else None
    right = passwords.hasher(passwords.memory_for(site.config.kind)).verify(kept, password)
    if not right or user is None:
        raise SignInRefused(_("User name or password is not right."))
    if user["totp_active"] and not otp.strip():
        with site.database.begin() as connection:
            _forgive(connection, keys)
        refused = SignInRefused(_("Type the code that your authenticator shows."))
        refused.code = "otp_required"
        raise refused
    with site.database.begin() as connection:
        if user["totp_active"] and not _spend_code(connection, site.config.secrets.secret_key, user["id"], user["totp_secret"], otp, now):
            raise SignInRefused(_("This code is not right, or has been used."))
        _forgive(connection, keys)
        _tidy(connection, now)
        return _begin(connection, site, user["id"], user["epoch"], now, kind, address, agent)


_FIND_USER: Final = select(
    USER.c.id, USER.c.password_hash, USER.c.is_active, USER.c.epoch, USER.c.totp_active, USER.c.totp_secret,
).where(USER.c.username == bindparam("username_"))


def _begin(
    connection: Connection, site: Site, user_id: int, epoch: int, now: datetime, kind: Kind, address: str, agent: str,
) -> SignedIn:
    token, csrf, session_id = secrets.token_urlsafe(32), secrets.token_urlsafe(24), storage.new_id()
    if kind == "token":
        idle, lasts = 0, timedelta(days=settings.site_value(connection, site.registry, "core.token_days"))
    else:
        idle = 60 * settings.site_value(connection, site.registry, "core.session_idle")
        lasts = timedelta(hours=settings.site_value(connection, site.registry, "core.session_length"))
    connection.execute(insert(SESSION).values(
        id=session_id, token_hash=digest(token), user_id=user_id, kind=kind, csrf=csrf, epoch=epoch, idle=idle, created_at=now,
        seen_at=now, expires_at=now + lasts, ended_at=None, address=address[:64], agent=_printable(agent)[:200],
    ))
    origin = audit.Origin(actor_id=user_id, at=now, via="api" if kind == "token" else "web", address=address)
    settings.note(connection, origin, "core.session.began", user_id, {"kind": (None, kind)}, "")
    return SignedIn(session_id, user_id, token, csrf, now + lasts)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def _tidy(connection: Connection, now: datetime) -> None:
    """Drop what nobody needs any more: old attempts and sessions that ended a month ago."""
    connection.execute(delete(ATTEMPT).where(ATTEMPT.c.last_at < now - timedelta(days=1)))
    connection.execute(delete(SESSION).where(SESSION.c.expires_at < now - KEPT_FOR))


# the limit on guessing


def _keys(username: str, address: str) -> tuple[tuple[str, int], ...]:
    """What an attempt counts for, with the failures that are free."""
    found = [(f"user:{digest(username)}", FREE_USER)]
    if address:
        found.append((f"address:{digest(address)}", FREE_ADDRESS))
    return tuple(found)


def _count(connection: Connection, now: datetime, keys: Iterable[tuple[str, int]]) -> None:
    """Count an attempt as failed before it is looked at, so that many at once cannot slip through; `TooMany` when one must wait."""
    for key, free in keys:
        old = now - FORGOTTEN_AFTER
        statement = storage.dialect_insert(connection, ATTEMPT).values(key=key, failures=1, last_at=now, until=None)
        counted = connection.execute(statement.on_conflict_do_update(
            index_elements=["key"],
            set_={"failures": case((ATTEMPT.c.last_at < old, 1), else_=ATTEMPT.c.failures + 1), "last_at": now},
        ).returning(ATTEMPT.c.failures, ATTEMPT.c.until)).one()
        if counted.until is not None and counted.until > now:
            raise TooMany(counted.until - now)
        if counted.failures >= free:
            wait = min(FIRST_WAIT * 2 ** min(counted.failures - free, 10), LONGEST_WAIT)
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.key == key).values(until=now + wait))


def _forgive(connection: Connection, keys: Iterable[tuple[str, int]]) -> None:
    """The attempt was no failure: the user name starts afresh, the address has one failure less."""
    for key, free in keys:
        if key.startswith("user:"):
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.key == key))
        else:
            left = ATTEMPT.c.failures - 1
            until = case((left < free, None), else_=ATTEMPT.c.until)
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.key == key).values(failures=left, until=until))


# asking again


def confirm(site: Site, user_id: int, password: str, otp: str = "", *, address: str = "") -> None:
    """Ask for the password (and code) again, before something is signed; refuses as signing in does.

    It has its own short transactions: call it before the work begins, so that a wrong answer stays counted.
    """
    now = site.config.clock.now()
    with site.database.begin() as connection:
        user = connection.execute(select(USER).where(USER.c.id == user_id)).mappings().one_or_none()
        if user is None:
            raise NotFound()
        keys = _keys(user["username"], address)
        _count(connection, now, keys)
    kept = user["password_hash"] if user["is_active"] else None
    if not passwords.hasher(passwords.memory_for(site.config.kind)).verify(kept, password):
        raise Refused([Problem("password", _("The password is not right."), _("Type the password with which you sign in."), "password")])
    with site.database.begin() as connection:
        if user["totp_active"] and not _spend_code(connection, site.config.secrets.secret_key, user_id, user["totp_secret"], otp, now):
            raise Refused([Problem("otp", _("This code is not right, or has been used."), _("Type the code that your authenticator shows now."), "otp")])
        _forgive(connection, keys)


# staying signed in


_LOOK_UP: Final = (
    select(
        SESSION.c.id, SESSION.c.user_id, SESSION.c.kind, SESSION.c.csrf, SESSION.c.seen_at, SESSION.c.created_at, SESSION.c.expires_at,
        USER.c.password_given,
        select(storage.STAMP.c.value).where(storage.STAMP.c.name == settings.STAMP).scalar_subquery().label("stamp"), SESSION.c.idle,
    )
    .join_from(SESSION, USER, USER.c.id == SESSION.c.user_id)
    .where(
        SESSION.c.token_hash == bindparam("hash_"), SESSION.c.ended_at.is_(None), SESSION.c.epoch == USER.c.epoch, USER.c.is_active,
        SESSION.c.expires_at > bindparam("now_"),
    )
)


def look_up(connection: Connection, token_hash: str, now: datetime) -> Seen | None:
    """Who asks, in one statement; None where the session has ended or never was."""
    found = connection.execute(_LOOK_UP, {"hash_": token_hash, "now_": now}).one_or_none()
    if found is None or (found.idle and now - found.seen_at > timedelta(seconds=found.idle)):
        return None
    return Seen(
        found.id, found.user_id, found.kind, found.csrf, found.seen_at, found.created_at, found.expires_at, found.password_given, found.stamp or 0,
    )


def touch(connection: Connection, seen: Seen, now: datetime) -> None:
    """Write down that a session was used, at most once a minute."""
    if seen.is_due(now):
        connection.execute(update(SESSION).where(SESSION.c.id == seen.session_id).values(seen_at=now))


def renew(connection: Connection, session_id: int) -> SignedIn:
    """Give a session a new token and let it go on after its user got another password."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    row = connection.execute(
        select(SESSION.c.user_id, SESSION.c.expires_at, USER.c.epoch).join_from(SESSION, USER, USER.c.id == SESSION.c.user_id)
        .where(SESSION.c.id == session_id, SESSION.c.ended_at.is_(None))
    ).one_or_none()
    if row is None:
        raise NotFound()
    connection.execute(update(SESSION).where(SESSION.c.id == session_id).values(token_hash=digest(token), csrf=csrf, epoch=row.epoch))
    return SignedIn(session_id, row.user_id, token, csrf, row.expires_at)


def is_csrf(seen: Seen, given: str) -> bool:
    """Whether a form was made for this very session."""
    return hmac.compare_digest(seen.csrf.encode(), given.encode("utf-8", "surrogatepass"))


def sessions_of(connection: Connection, user_id: int, now: datetime) -> list[Listed]:
    """The sessions and tokens of a user that last, latest use first."""
    return _listed(connection, now, SESSION.c.user_id == user_id)


def all_sessions(connection: Connection, now: datetime, limit: int = 200) -> list[Listed]:
    """Everybody's sessions and tokens that last, latest use first."""
    return _listed(connection, now, true(), limit)


def _listed(connection: Connection, now: datetime, which: ColumnElement[bool], limit: int | None = None) -> list[Listed]:
    rows = connection.execute(
        select(SESSION).join_from(SESSION, USER, USER.c.id == SESSION.c.user_id)
        .where(which, SESSION.c.ended_at.is_(None), SESSION.c.epoch == USER.c.epoch, USER.c.is_active, SESSION.c.expires_at > now)
        .order_by(SESSION.c.seen_at.desc(), SESSION.c.id).limit(limit)
    )
    return [
        Listed(row.id, row.user_id, row.kind, row.address, row.agent, row.created_at, row.seen_at, row.expires_at)
        for row in rows if not row.idle or now - row.seen_at <= timedelta(seconds=row.idle)
    ]


def end(connection: Connection, origin: audit.Origin, user_id: int, session_id: int, *, reason: str = "") -> None:
    """End one session or token of a user; it counts at its next request."""
    ended = connection.execute(
        update(SESSION).where(SESSION.c.id == session_id, SESSION.c.user_id == user_id, SESSION.c.ended_at.is_(None)).values(ended_at=origin.at)
    )
    if ended.rowcount != 1:
        raise NotFound()
    settings.note(connection, origin, "core.session.ended", user_id, {}, reason)


# one-time codes


def begin_totp(connection: Connection, secret_key: str, user_id: int, issuer: str) -> tuple[str, str]:
    """A fresh secret for an authenticator and its `otpauth:` address; it counts once a code of it was typed."""
    row = connection.execute(select(USER.c.username, USER.c.totp_active).where(USER.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound()
    if row.totp_active:
        raise Refused([Problem("", _("One-time codes are on already."), _("Turn them off first."), "totp-active")])
    secret = pyotp.random_base32(32)
    connection.execute(update(USER).where(USER.c.id == user_id).values(totp_secret=hide(secret_key, secret, str(user_id)), totp_step=0))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=row.username, issuer_name=issuer)


def has_totp(connection: Connection, user_id: int) -> bool:
    """Whether a user is asked for one-time codes."""
    return bool(connection.scalar(select(USER.c.totp_active).where(USER.c.id == user_id)))


def pending_totp(connection: Connection, secret_key: str, user_id: int, issuer: str) -> tuple[str, str] | None:
    """The secret that waits for its first code, and its address."""
    row = connection.execute(select(USER.c.username, USER.c.totp_active, USER.c.totp_secret).where(USER.c.id == user_id)).one()
    secret = None if row.totp_active or not row.totp_secret else reveal(secret_key, row.totp_secret, str(user_id))
    return (secret, pyotp.TOTP(secret).provisioning_uri(name=row.username, issuer_name=issuer)) if secret else None


def activate_totp(connection: Connection, origin: audit.Origin, secret_key: str, user_id: int, code: str) -> None:
    """Turn one-time codes on: the first code proves that the authenticator has the secret."""
    row = connection.execute(select(USER.c.totp_secret, USER.c.totp_active).where(USER.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound()
    if row.totp_active or not _spend_code(connection, secret_key, user_id, row.totp_secret, code, origin.at):
        raise Refused([Problem("otp", _("This code is not right, or has been used."), _("Type the code that your authenticator shows now."), "otp")])
    connection.execute(update(USER).where(USER.c.id == user_id).values(totp_active=True, changed_at=origin.at))
    settings.note(connection, origin, "core.user.totp_on", user_id, {}, "")


def stop_totp(connection: Connection, origin: audit.Origin, user_id: int, *, reason: str = "") -> None:
    """Turn one-time codes off, by the user or by an administrator where the authenticator is lost."""
    done = connection.execute(
        update(USER).where(USER.c.id == user_id, USER.c.totp_active).values(totp_active=False, totp_secret=None, changed_at=origin.at)
    )
    if done.rowcount != 1:
        raise NotFound()
    settings.note(connection, origin, "core.user.totp_off", user_id, {}, reason)


def _spend_code(connection: Connection, secret_key: str, user_id: int, sealed: str | None, code: str, now: datetime) -> bool:
    """Whether a code is right and was never used; it cannot be used again."""
    secret = reveal(secret_key, sealed, str(user_id)) if sealed else None
    typed = "".join(code.split())
    if secret is None or not typed.isascii():
        return False
    totp, step = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    for one in (step, step - 1, step + 1):
        if hmac.compare_digest(totp.generate_otp(one), typed):
            spent = connection.execute(update(USER).where(USER.c.id == user_id, USER.c.totp_step < one).values(totp_step=one))
            return spent.rowcount == 1
    return False


def hide(secret_key: str, text: str, bound_to: str = "") -> str:
    """A text that only this site can read again, and only for what it was bound to."""
    nonce = secrets.token_bytes(12)
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"yunkong hidden texts").derive(secret_key.encode())
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode("utf-8", "surrogatepass"), bound_to.encode())).decode()


def reveal(secret_key: str, hidden: str, bound_to: str = "") -> str | None:
    """The text again; None where it is not ours, or the site's key has been changed."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"yunkong hidden texts").derive(secret_key.encode())
    try:
        raw = base64.b64decode(hidden, validate=True)
        return AESGCM(key).decrypt(raw[:12], raw[12:], bound_to.encode()).decode("utf-8", "surrogatepass")
    except (InvalidTag, ValueError):
        return None
