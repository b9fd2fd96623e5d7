"""What every command shares: its options, the site it opens, how it answers and how it refuses."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from core.config import SITE_FILE
from core.errors import Fault, Faults, NotAllowed, NotFound, Problem, Refusal, Refused
from core.messages import Message, _
from core.service import Work
from core.site import Site, open_site
from core.translations import Translations


def _version() -> str:
    try:
        return version("yunkong")
    except PackageNotFoundError:
        return "from source"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="yunkong")
def yunkong() -> None:
    """Yunkong runs controlled procedures: forms, approvals, numbers, signatures, evidence.

    A site is one folder; --site (or YUNKONG_SITE) says which, the present folder where neither is given.
    """


def language_of(environ: Mapping[str, str]) -> str:
    """The language of the terminal, English where it says nothing we know."""
    told = environ.get("YUNKONG_LANGUAGE") or environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    code = told.partition(".")[0]
    if code.startswith("zh"):
        return "zh_TW" if code in {"zh_TW", "zh_HK", "zh_MO"} else "zh_CN"
    return "en"


class Desk:
    """What a command works at: the site, and the way to speak to whoever typed it."""

    def __init__(self, folder: Path, as_json: bool) -> None:
        self.folder = folder
        self.as_json = as_json
        self.language = language_of(os.environ)
        self._translations = Translations()
        self._opened: list[Site] = []

    @cached_property
    def site(self) -> Site:
        """The site of `--site`, opened when it is first needed."""
        return self.open(self.folder)

    def open(self, folder: Path) -> Site:
        """A site, closed when the command ends."""
        site = open_site(folder)
        self._opened.append(site)
        self._translations = site.registry.translations
        return site

    def close(self) -> None:
        """Close what was opened."""
        while self._opened:
            self._opened.pop().close()

    @contextmanager
    def work(self, actor: int | None = None, reading: bool = False) -> Iterator[Work]:
        """One unit of work by the operator of the machine, or by a user who lends their rights."""
        with self.site.work(actor=actor, via="cli", reading=reading, language=self.language) as work:
            yield work

    def text(self, message: str) -> str:
        """A text in the language of the terminal."""
        return self._translations.text(message, self.language)

    def say(self, message: str) -> None:
        """Progress, on standard error."""
        click.echo(self.text(message), err=True)

    def answer(self, data: Any, *lines: str) -> None:
        """The answer: JSON where asked for, else lines."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False, default=str))
            return
        for line in lines:
            click.echo(self.text(line))

    def table(self, data: Sequence[Mapping[str, Any]], **columns: str) -> None:
        """Rows as JSON, or as a table with these headings."""
        if self.as_json:
            self.answer(list(data))
            return
        heads = [self.text(label) for label in columns.values()]
        rows = [[self._cell(row.get(key)) for key in columns] for row in data]
        widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
        for row in [heads, *rows]:
            cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
            click.echo("  ".join(cells).rstrip())

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return self.text(_("Yes") if value else _("No"))
        if isinstance(value, Mapping):
            return json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, Iterable) and not isinstance(value, str):
            return ", ".join(map(self._cell, value))
        return self.text(value) if isinstance(value, str) else str(value)

    def sure(self, question: str, yes: bool) -> None:
        """Go on only when told to, by `--yes` or at the terminal."""
        if not yes and not (sys.stdin.isatty() and click.confirm(self.text(question), err=True)):
            raise Refused([Problem("", _("Nothing was done."), _("Say --yes if you mean it."), code="unsure")])

    # Things by the names that people type

    def user(self, work: Work, username: str) -> int:
        """The id of a user by name."""
        found = work.directory.by_username.get(username.strip().casefold())
        if found is None:
            raise NotFound(_("There is no user {name}.", name=username))
        return found.id

    def department(self, work: Work, code: str | None) -> int | None:
        """The id of a department by its code; None stays None."""
        if code is None:
            return None
        found = work.directory.by_code.get(code)
        if found is None:
            raise NotFound(_("There is no department with the code {code}.", code=code))
        return found.id

    def role(self, work: Work, text: str) -> tuple[str, int | None]:
        """`core.head@DEPARTMENT`, or a role alone for the whole site."""
        name, _at, code = text.partition("@")
        return name, self.department(work, code or None)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def command(group: click.Group, *, site: bool = True, **options: Any) -> Callable[[Callable[..., object]], click.Command]:
    """Hang a function on a group; it gets a `Desk` first. `--site` and `--json` come with it."""

    def hang(function: Callable[..., object]) -> click.Command:
        @functools.wraps(function)
        def at_desk(*, as_json: bool, folder: Path = Path(), **given: Any) -> None:
            desk = Desk(folder, as_json)
            try:
                function(desk, **given)
            except (Refusal, Faults, DBAPIError) as no:
                refuse(desk, no)
                raise click.exceptions.Exit(1) from None
            finally:
                desk.close()

        made: Callable[..., None] = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for machines.")(at_desk)
        if site:
            of_site = click.option(
                "--site", "folder", envvar="YUNKONG_SITE", default=".", type=click.Path(path_type=Path, file_okay=False),
                help=f"The site's folder, the one with {SITE_FILE}. [YUNKONG_SITE]",
            )
            made = of_site(made)
        return group.command(**options)(made)

    return hang


reason = click.option("--reason", default="", help="Why; it stands in the trail.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def refuse(desk: Desk, no: Refusal | Faults | DBAPIError) -> None:
    """Say no: each thing with its place and its remedy."""
    told = _refusal(no)
    if desk.as_json:
        desk.answer({"error": {**told, "what": desk.text(told["what"]), "problems": [
            {key: desk.text(value) for key, value in one.items()} for one in told["problems"]]}})
        return
    click.echo(f"{desk.text(told['what'])}", err=True)
    for one in told["problems"]:
        place = f"{one['where']}: " if one["where"] else ""
        click.echo(f"  {place}{desk.text(one['what'])} [{one['code']}]", err=True)
        if one["hint"]:
            click.echo(f"    → {desk.text(one['hint'])}", err=True)


def _refusal(no: Refusal | Faults | DBAPIError) -> dict[str, Any]:
    if isinstance(no, Faults):
        return {"code": "faults", "what": _("Refused."), "problems": [_problem(one.place, one) for one in no.faults]}
    if isinstance(no, DBAPIError):
        return _database_refusal(no)
    problems = [_problem(one.pointer, one) for one in no.problems] if isinstance(no, Refused) else []
    if isinstance(no, NotAllowed):
        problems = [{"where": "", "what": _("{role} may.", role=who.role), "hint": ", ".join(who.users), "code": no.code} for who in no.who]
    return {"code": no.code, "what": no.what if not isinstance(no, Refused) else _("Refused."), "problems": problems}


def _problem(where: str, one: Problem | Fault) -> dict[str, str]:
    return {"where": where, "what": one.what, "hint": one.hint, "code": one.code}


def _database_refusal(no: DBAPIError) -> dict[str, Any]:
    """A database that cannot be reached or has not been upgraded; the driver's own words say which."""
    said = str(no.orig).strip().splitlines()[0] if no.orig else str(no)
    what: Message = _("The database refuses: {reason}", reason=said)
    hint = _("See that the server runs and that site.toml and secrets.toml name it rightly.")
    if not isinstance(no, OperationalError) or "no such" in said:
        hint = _("If Yunkong or a plugin is newer than the database: yunkong upgrade.")
    return {"code": "database", "what": _("Refused."), "problems": [{"where": "", "what": what, "hint": hint, "code": "database"}]}


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = yunkong.main(args=arguments, prog_name="yunkong", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 1
    return code if isinstance(code, int) else 0
