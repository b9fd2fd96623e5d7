"""What a site prints with: a record on one of its forms, a report; the print of a record stands in its trail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from core.fields import Field, Reading
from core.messages import _
from core.printing.layout import HOUSE, Layout
from core.printing.paper import Column, Entry, Grid, Paper, Part
from core.printing.pool import Printer
from core.printing.sheet import FIGURES, Sheet, bare
from core.service import Work
from core.storage import Record

PRINTED: Final = "printed"
_EXTENSION: Final = "printer"
_lock: Final = threading.Lock()


class Prints:
    """The prints of one site."""

    def __init__(self, site: Any, printer: Printer | None = None) -> None:
        self._site = site
        self.printer = printer or Printer()
        self.layout = Layout({name: folder / "templates" for name, folder in site.registry.folders.items()}, site.registry.translations.text)

    def draw(self, work: Work, record: Record, form: str) -> tuple[str, Mapping[str, bytes]]:
        """The HTML and pictures of a record on a form, without a print being made of it."""
        sheet = Sheet(work, record, form)
        paper = sheet.paper()
        template = sheet.form.template
        name = HOUSE if template is None else template if "/" in template else f"{record.type.plugin}/{template}"
        return self.layout.html(paper, name, record=record, work=work, sheet=sheet), {**paper.pictures, "code": paper.code}

    def record(self, work: Work, record: Record, form: str) -> bytes:
        """Print a record inside a work that writes: the trail entry commits with it."""
        Sheet(work, record, form)
        work.note(record, PRINTED, reason=work.site_text(record.type.prints[form].label))
        return self.printer.print(*self.draw(work, record, form))

    def send(self, work: Work, record: Record, form: str, take: Callable[[bytes], None]) -> None:
        """Print a record for the answer to a request: once the work is over, so that no print holds the database.

        A work of its own writes the trail entry, then the PDF is made and given to `take`.
        """
        Sheet(work, record, form)
        work.after_commit.append(lambda: take(self._apart(work, record.type.name, record.id, form)))

    def _apart(self, asked: Work, type: str, id: int, form: str) -> bytes:
        origin = asked.origin
        with self._site.work(actor=asked.actor, via=origin.via, request_id=origin.request_id, address=origin.address) as work:
            record = work.get(type, id)
            Sheet(work, record, form)
            work.note(record, PRINTED, reason=work.site_text(record.type.prints[form].label))
            drawn = self.draw(work, record, form)
        return self.printer.print(*drawn)

    def send_report(self, work: Work, result: Any, title: str, reading: Reading, take: Callable[[bytes], None]) -> None:
        """Print a report for the answer to a request, once the work is over."""
        drawn = self.layout.html(report_paper(work, result, title, reading))
        work.after_commit.append(lambda: take(self.printer.print(drawn)))

    def report(self, work: Work, result: Any, title: str, reading: Reading) -> bytes:
        """A report that has been run, as the actor reads it."""
        return self.printer.print(self.layout.html(report_paper(work, result, title, reading)))

    def close(self) -> None:
        """End what was started for this site alone."""
        self.printer.close()


def prints_of(site: Any) -> Prints:
    """The prints of a site, made at first use."""
    with _lock:
        if _EXTENSION not in site.extensions:
            site.extensions[_EXTENSION] = Prints(site)
        found: Prints = site.extensions[_EXTENSION]
        return found


def print_record(work: Work, record: Record, form: str) -> bytes:
    """The PDF of a record on one of its forms; the print is a trail entry of the work."""
    return prints_of(work.site).record(work, record, form)


def print_report(work: Work, result: Any, title: str, reading: Reading) -> bytes:
    """The PDF of a report."""
    return prints_of(work.site).report(work, result, title, reading)


def report_paper(work: Work, result: Any, title: str, reading: Reading) -> Paper:
    """A report on paper: what it was asked, then its table."""

    def t(message: str) -> str:
        return reading.translate(message)

    asked = tuple(
        Entry(t(kind.label), kind.text(result.parameters[name], reading), span=6 if len(result.parameters) == 1 else 4)
        for name, kind in result.report.parameters.items() if result.parameters.get(name) is not None
    )
    who = work.directory.users.get(work.actor or 0)
    when = work.now.astimezone(work.zone).strftime("%Y-%m-%d %H:%M")
    cut = (t(_("The table is longer than can be printed; it ends here.")),) if result.is_cut else ()
    return Paper(
        reading.language, work.site.config.name, title, (Part("", (*asked, report_grid(result.columns, result.rows, reading))),),
        foot=(t(_("Printed by {name} {when}", name=who.name if who else t(_("The system")), when=when)), t(_("{count} rows", count=len(result.rows)))),
        remarks=cut, subject=title,
    )


def report_grid(kinds: Mapping[str, Field], rows: Iterable[Mapping[str, Any]], reading: Reading) -> Grid:
    """The table of a report."""
    columns = tuple(Column(reading.translate(kind.label), bare(kind).kind in FIGURES) for kind in kinds.values())
    return Grid("", columns, tuple(tuple(_cell(bare(kind), row, name, reading) for name, kind in kinds.items()) for row in rows))


def _cell(kind: Field, row: Mapping[str, Any], name: str, reading: Reading) -> str:
    value = row.get(name)
    if value is None:
        return ""
    text, suffix = kind.text(value, reading), kind.suffix(row, reading)
    return f"{text} {suffix}" if suffix and suffix != "%" else text
