"""What a site is told from outside the database: `site.toml`, the environment, `secrets.toml`, and the clock."""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from core.errors import Fault, Faults
from core.messages import Message, _
from core.translations import LANGUAGES

KINDS: Final = ("live", "demo", "test")
SITE_FILE: Final = "site.toml"
SECRETS_FILE: Final = "secrets.toml"
SECRETS: Final = ("secret_key", "database_password", "mail_password", "robots")
_SHORTEST_KEY: Final = 32
_NAME = re.compile(r"[^\x00-\x1f\x7f]+")
_PLUGIN = re.compile(r"[a-z][a-z0-9_]*")


class Clock:
    """The one source of the time of a site; always aware, always UTC."""

    def __init__(self, read: Callable[[], datetime] | None = None) -> None:
        self._read = read

    def now(self) -> datetime:
        """The moment it is, read anew at each call."""
        return self._read().astimezone(UTC) if self._read else datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail server that takes our messages; an empty host means that none are sent."""

    host: str = ""
    port: int = 25
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is never written into `site.toml`, a log or an answer."""

    secret_key: str = field(repr=False)
    database_password: str = field(default="", repr=False)
    mail_password: str = field(default="", repr=False)
    robots: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """One site as its folder and the environment describe it. `path`, `files` are absolute; `database` is a URL without a password."""

    path: Path
    name: str
    kind: str
    language: str
    zone: ZoneInfo
    database: str
    files: Path
    plugins: tuple[str, ...]
    host: str
    port: int
    workers: int
    public_url: str
    mail: Mail
    anchors: str
    secrets: Secrets
    clock: Clock = field(compare=False)

    @property
    def database_url(self) -> str:
        """The URL to connect with, the password put in."""
        return _with_password(self.database, self.secrets.database_password)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database.startswith("sqlite:")


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of `site.toml`: its default, what turns raw text or TOML into the value, and the cure when it cannot."""

    default: Any
    load: Callable[[Any], Any]
    hint: Message


def read_config(path: Path | str, environ: Mapping[str, str] | None = None) -> SiteConfig:
    """Read a site's folder; everything wrong with it is raised at once as `Faults`."""
    return _Reader(Path(path).expanduser().resolve(), os.environ if environ is None else environ).read()


def write_site(
    path: Path | str, *, name: str = "", kind: str = "live", language: str = "zh_CN", time_zone: str = "Asia/Shanghai",
    database: str = "", plugins: Iterable[str] = (), **more: str | int,
) -> SiteConfig:
    """Create a site's folder with a random secret key. A password in `database` goes into `secrets.toml`.

    `more` are further keys of `site.toml`, such as `port=8080`. A folder that already holds a site is refused.
    """
    folder = Path(path).expanduser().resolve()
    if (folder / SITE_FILE).exists():
        raise Faults([Fault("config.exists", str(folder), _("This folder already holds a site."), _("Choose another folder."))])
    url, password = _without_password(database)
    values = {"name": name or folder.name, "kind": kind, "language": language, "time_zone": time_zone}
    values |= {"database": url} if url else {}
    hidden = {"secret_key": secrets.token_urlsafe(48)} | ({"database_password": password} if password else {})
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in (values | more).items())
    text += f"plugins = {json.dumps(list(plugins))}\n"
    _Reader(folder, {}).check(tomllib.loads(text), hidden)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "files").mkdir(mode=0o700, exist_ok=True)
    _write_private(folder / SECRETS_FILE, "".join(f"{key} = {json.dumps(value)}\n" for key, value in hidden.items()))
    _write_whole(folder / SITE_FILE, text)
    return read_config(folder)


def write_plugins(path: Path, plugins: Iterable[str]) -> None:
    """Replace the list of enabled plugins in a site's `site.toml`, leaving every other line as it stands."""
    file = path / SITE_FILE
    line = f"plugins = {json.dumps(list(plugins))}"
    text, found = re.subn(r"(?ms)^plugins\s*=\s*\[.*?\][^\n]*$", lambda _match: line, file.read_text(encoding="utf-8"), count=1)
    _write_whole(file, text if found else f"{line}\n{text}")


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        file.chmod(0o600)
        out.write(text)


def _write_whole(file: Path, text: str) -> None:
    """Write beside it and rename, so that nobody ever reads half a file."""
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def _without_password(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if not parts.password:
        return url, ""
    netloc = f"{parts.username or ''}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc)), unquote(parts.password)


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    if not password or parts.scheme.startswith("sqlite") or parts.password:
        return url
    netloc = f"{parts.username or ''}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc))


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or (raw and not _NAME.fullmatch(raw)):
        raise ValueError
    return raw


def _one_of(choices: Iterable[str]) -> Callable[[Any], str]:
    def load(raw: Any) -> str:
        if raw not in choices:
            raise ValueError
        return str(raw)
    return load


def _number(low: int, high: int) -> Callable[[Any], int]:
    def load(raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError
        number = int(raw)
        if not low <= number <= high:
            raise ValueError
        return number
    return load


def _zone(raw: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_text(raw))
    except (KeyError, OSError) as wrong:
        raise ValueError from wrong


def _names(raw: Any) -> tuple[str, ...]:
    names = [one.strip() for one in raw.split(",") if one.strip()] if isinstance(raw, str) else raw
    if not isinstance(names, list) or not all(isinstance(one, str) and _PLUGIN.fullmatch(one) for one in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def _address(raw: Any) -> str:
    url = _text(raw).rstrip("/")
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        raise ValueError
    return url


def _database(raw: Any) -> str:
    url = _text(raw)
    if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError
    return url


_ONE_LINE: Final = _("Give a text in quotes, on one line.")
_KEYS: Final[Mapping[str, _Key]] = {
    "name": _Key("", _text, _ONE_LINE),
    "kind": _Key("live", _one_of(KINDS), _("Give one of: live, demo, test.")),
    "language": _Key("zh_CN", _one_of(LANGUAGES), _("Give one of: zh_CN, zh_TW, en.")),
    "time_zone": _Key("Asia/Shanghai", _zone, _("Give the name of a time zone, such as Asia/Shanghai.")),
    "database": _Key("", _database, _("Give a URL that starts with sqlite:/// or postgresql://, or leave it out for SQLite.")),
    "files": _Key("files", _text, _ONE_LINE),
    "plugins": _Key("", _names, _('Give a list of plugin names, such as ["master_data", "production"].')),
    "host": _Key("127.0.0.1", _text, _ONE_LINE),
    "port": _Key(8000, _number(0, 65535), _("Give a number from 0 to 65535.")),
    "workers": _Key(2, _number(1, 64), _("Give a number from 1 to 64.")),
    "public_url": _Key("", _address, _("Give an address that starts with http:// or https://.")),
    "mail.host": _Key("", _text, _ONE_LINE),
    "mail.port": _Key(25, _number(1, 65535), _("Give a number from 1 to 65535.")),
    "mail.from": _Key("", _text, _ONE_LINE),
    "audit.anchors": _Key("", _text, _ONE_LINE),
}
_TABLES: Final = ("mail", "audit")


class _Reader:
    """Reads one folder and collects what is wrong."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        self.faults: list[Fault] = []

    def read(self) -> SiteConfig:
        """The configuration, or all faults."""
        raw = self._toml(SITE_FILE)
        hidden = self._toml(SECRETS_FILE) if (self.folder / SECRETS_FILE).exists() else {}
        self._refuse_open_secrets()
        if self.faults:
            raise Faults(self.faults)
        return self.check(raw, hidden)

    def check(self, raw: Mapping[str, Any], hidden: Mapping[str, Any]) -> SiteConfig:
        """Turn what the files say into the configuration, the environment laid over it."""
        flat = self._flat(raw)
        values = {key: self._value(key, flat) for key in _KEYS}
        database, password = _without_password(values["database"])
        kept = self._secrets(hidden, password)
        kind = values["kind"]
        clock = self._clock(kind)
        if self.faults:
            raise Faults(self.faults)
        return SiteConfig(
            path=self.folder, name=values["name"] or self.folder.name, kind=kind, language=values["language"], zone=values["time_zone"],
            database=self._placed(database), files=(self.folder / values["files"]).resolve(), plugins=values["plugins"],
            host=values["host"], port=values["port"], workers=values["workers"],
            public_url=values["public_url"] or f"http://{values['host']}:{values['port']}",
            mail=Mail(values["mail.host"], values["mail.port"], values["mail.from"]), anchors=values["audit.anchors"],
            secrets=kept, clock=clock,
        )

    def _fault(self, code: str, place: str, what: Message, hint: Message) -> None:
        self.faults.append(Fault(f"config.{code}", place, what, hint))

    def _toml(self, name: str) -> dict[str, Any]:
        try:
            return tomllib.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            hint = _("Make one with: yunkong init {path}", path=self.folder)
            self._fault("no_site", str(self.folder), _("There is no site in this folder."), hint)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
            self._fault("unreadable", f"{self.folder / name}", _("This file cannot be read: {reason}", reason=wrong), _("Mend the file."))
        return {}

    def _refuse_open_secrets(self) -> None:
        file = self.folder / SECRETS_FILE
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            hint = _("Close it with: chmod 600 {path}", path=file)
            self._fault("open_secrets", str(file), _("Others on this machine can read the secrets."), hint)

    def _flat(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for key, value in raw.items():
            if key in _TABLES and isinstance(value, dict):
                flat |= {f"{key}.{inner}": one for inner, one in value.items()}
            else:
                flat[key] = value
        for key in flat.keys() - _KEYS.keys():
            self._unknown(key)
        return flat

    def _unknown(self, key: str) -> None:
        if key in SECRETS:
            hint = _("Put it into secrets.toml or the environment.")
            self._fault("secret", f"{SITE_FILE}: {key}", _("A secret may not stand in site.toml."), hint)
            return
        near = difflib.get_close_matches(key, _KEYS, n=1)
        hint = _("Did you mean {name}?", name=near[0]) if near else _("Take it out.")
        self._fault("unknown", f"{SITE_FILE}: {key}", _("There is no such key."), hint)

    def _value(self, key: str, flat: Mapping[str, Any]) -> Any:
        variable = f"YUNKONG_{key.replace('.', '_').upper()}"
        place, raw = f"{SITE_FILE}: {key}", flat.get(key, _KEYS[key].default)
        if self.environ.get(variable):
            place, raw = variable, self.environ[variable]
        elif key == "database" and isinstance(raw, str) and _without_password(raw)[1]:
            hint = _("Put it into secrets.toml as database_password.")
            self._fault("secret", place, _("A secret may not stand in site.toml."), hint)
            return ""
        try:
            return _KEYS[key].load(raw)
        except ValueError:
            self._fault("value", place, _("This value does not fit: {value}", value=repr(raw)), _KEYS[key].hint)
            return _KEYS[key].load(_KEYS[key].default)

    def _secrets(self, hidden: Mapping[str, Any], password: str) -> Secrets:
        for key in hidden.keys() - set(SECRETS):
            self._fault("unknown", f"{SECRETS_FILE}: {key}", _("There is no such key."), _("Take it out."))
        found = {key: self.environ.get(f"YUNKONG_{key.upper()}") or hidden.get(key, "") for key in SECRETS[:3]}
        for key, value in found.items():
            if not isinstance(value, str):
                self._fault("value", f"{SECRETS_FILE}: {key}", _("This value does not fit."), _ONE_LINE)
        if isinstance(found["secret_key"], str) and len(found["secret_key"]) < _SHORTEST_KEY:
            hint = _("Give at least {length} random characters as secret_key in secrets.toml.", length=_SHORTEST_KEY)
            self._fault("secret_key", SECRETS_FILE, _("The secret key is missing or too short."), hint)
        found["database_password"] = password or found["database_password"]
        return Secrets(**found, robots=self._robots(hidden.get("robots", {})))

    def _robots(self, stored: Any) -> Mapping[str, str]:
        raw = stored
        try:
            raw = json.loads(self.environ["YUNKONG_ROBOTS"]) if self.environ.get("YUNKONG_ROBOTS") else stored
        except ValueError:
            raw = None
        if isinstance(raw, dict) and all(isinstance(url, str) for url in raw.values()):
            return raw
        self._fault("value", "robots", _("This value does not fit."), _("Give a table of names and addresses."))
        return {}

    def _placed(self, url: str) -> str:
        """The database URL with the path of a SQLite file made absolute."""
        if not url:
            return f"sqlite:///{self.folder / 'yunkong.db'}"
        if url.startswith("sqlite:///"):
            return f"sqlite:///{(self.folder / url.removeprefix('sqlite:///')).resolve()}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def _clock(self, kind: str) -> Clock:
        told = self.environ.get("YUNKONG_NOW", "")
        if not told:
            return Clock()
        if kind not in {"demo", "test"}:
            hint = _("Unset YUNKONG_NOW, or use a site of the kind demo or test.")
            self._fault("clock", "YUNKONG_NOW", _("The clock of a live site cannot be set."), hint)
            return Clock()
        read = _from_file(Path(told[1:])) if told.startswith("@") else _fixed(told)
        try:
            read()
        except (ValueError, OSError):
            hint = _("Give a moment with its offset, such as 2026-11-20T08:00:00+08:00, or @ and a file that holds one.")
            self._fault("clock", "YUNKONG_NOW", _("This value does not fit: {value}", value=repr(told)), hint)
        return Clock(read)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _fixed(text: str) -> Callable[[], datetime]:
    return lambda: _moment(text)


def _from_file(file: Path) -> Callable[[], datetime]:
    return lambda: _moment(file.read_text(encoding="utf-8"))
