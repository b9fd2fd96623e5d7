"""Records in and out as Excel, and the proof of the trail."""

from __future__ import annotations

from pathlib import Path

import click

from core import audit
from core.cli.frame import Desk, command, yunkong
from core.messages import _


@yunkong.group(name="audit")
def audit_() -> None:
    """The trail and its proof."""


@command(audit_, name="verify")
@click.option("--anchors", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A file of anchors kept outside; else the site's own.")
@click.option("--seal/--no-seal", default=True, help="Seal first what the worker has not sealed yet.")
def audit_verify(desk: Desk, anchors: Path | None, seal: bool) -> None:
    """Prove the trail: every row, every record's chain, the seal over all, and the anchors."""
    site = desk.site
    if seal:
        audit.seal(site.database)
    if anchors is None and site.config.anchors:
        anchors = site.config.path / site.config.anchors
    report = audit.verify(site.database, audit.read_anchors(anchors) if anchors else None)
    told = {
        "ok": report.ok, "rows": report.rows, "records": report.records, "sealed": report.sealed, "unsealed": report.unsealed,
        "anchors": report.anchors, "found": report.found,
        "problems": [{"code": one.code, "where": one.where, "what": desk.text(one.what), "hint": desk.text(one.hint)} for one in report.problems],
    }
    counts = _(
        "{rows} rows on {records} records, {sealed} sealed, {unsealed} not sealed yet, {anchors} anchors.",
        rows=report.rows, records=report.records, sealed=report.sealed, unsealed=report.unsealed, anchors=report.anchors,
    )
    problems = [f"{one.where}: {desk.text(one.what)} [{one.code}]" for one in report.problems]
    desk.answer(told, counts, *problems, _("The trail holds.") if report.ok else _("The trail does not hold: {count} findings.", count=report.found))
    if not report.ok:
        raise click.exceptions.Exit(1)
