"""Records in and out as Excel, and the proof of the trail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from core import audit, signatures, transfer
from core.cli.frame import Desk, command, yunkong
from core.errors import Problem, Refused
from core.messages import _

AS = click.option("--as", "username", required=True, metavar="USER", help="Whose rights are used; the trail names them.")


@command(yunkong, name="export")
@click.argument("type")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@AS
def export(desk: Desk, type: str, file: Path, username: str) -> None:
    """Write a list as .xlsx, as far as a user may see it."""
    with desk.work(reading=True) as work:
        actor = desk.user(work, username)
    with desk.work(actor, reading=True) as work:
        content = transfer.export_list(work, work.registry.type(type))
    file.write_bytes(content)
    desk.answer({"type": type, "file": str(file), "bytes": len(content)}, _("Written: {path}", path=file))


@command(yunkong, name="import")
@click.argument("type")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@AS
@click.option("--department", help="The code of the department that new entries belong to.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row, and change nothing.")
@click.option("--marked", type=click.Path(path_type=Path, dir_okay=False), help="Write the workbook back with what is wrong in each row.")
def import_(desk: Desk, type: str, file: Path, username: str, department: str | None, dry_run: bool, marked: Path | None) -> None:
    """Fill a register from .xlsx: an answer per row; a row that is refused changes nothing, the others count.

    Ends with 1 where any row was refused.
    """
    if file.stat().st_size > transfer.LARGEST_FILE:
        what = _("The file is larger than {count} MB.", count=transfer.LARGEST_FILE // 1024**2)
        raise Refused([Problem("file", what, _("Split it."), "too_large")])
    content = file.read_bytes()
    with desk.work(reading=True) as work:
        actor = desk.user(work, username)
    with desk.work(actor) as work:
        rt = work.registry.type(type)
        answer = transfer.import_register(work, rt, content, dry_run=dry_run, department=desk.department(work, department))
        back = transfer.marked(work, content, answer, rt.fields) if marked is not None else b""
    if marked is not None:
        marked.write_bytes(back)
    rows: list[dict[str, Any]] = [
        {
            "row": one.row, "status": one.status, "id": str(one.id) if one.id else None, "number": one.number,
            "problems": [{"where": it.pointer, "what": desk.text(it.what), "hint": desk.text(it.hint), "code": it.code} for it in one.problems],
        }
        for one in answer.rows
    ]
    wrong = [_("Row {row}: {what}", row=one["row"], what=f"{it['where']} {it['what']} {it['hint']}") for one in rows for it in one["problems"]]
    desk.answer(
        {"dry_run": dry_run, "counts": dict(answer.counts), "ignored": list(answer.ignored), "rows": rows},
        *wrong, _("{created} created, {changed} changed, {unchanged} unchanged, {refused} refused.", **answer.counts),
        *([_("Nothing was changed: this was a dry run.")] if dry_run else []),
    )
    if answer.refused:
        raise click.exceptions.Exit(1)


@yunkong.group(name="audit")
def audit_() -> None:
    """The trail and its proof."""


@command(audit_, name="verify")
@click.option("--anchors", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A file of anchors kept outside; else the site's own.")
@click.option("--seal/--no-seal", default=True, help="Seal first what the worker has not sealed yet.")
def audit_verify(desk: Desk, anchors: Path | None, seal: bool) -> None:
    """Prove the trail: every row, every record's chain, the seal over all, the anchors, the signatures and the files they cover."""
    site = desk.site
    if seal:
        audit.seal(site.database)
    if anchors is None and site.config.anchors:
        anchors = site.config.path / site.config.anchors
    report = audit.verify(site.database, audit.read_anchors(anchors) if anchors else None)
    for one in signatures.verify(site.database, site.files):
        report.add(one.code, one.where, one.what)
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


@command(audit_, name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this place of the seal; from the start where it is left out.")
def audit_export(desk: Desk, file: Path, after: int) -> None:
    """Write the sealed trail, one JSON object a line, so that it can be proven elsewhere; what is not sealed yet is sealed first."""
    audit.seal(desk.site.database)
    last = count = 0
    with desk.site.database.begin(reading=True) as connection, file.open("w", encoding="utf-8") as out:
        for row in audit.exported(connection, after):
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")
            last, count = row["seq"], count + 1
    told = _("{count} rows of the trail are in {file}, the last one at place {last} of the seal.", count=count, file=file, last=last)
    desk.answer({"file": str(file), "rows": count, "last": last}, told)
