"""A report: its parameters, its table, its bars drawn by the server, and the same as workbook and print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Response, request

from core import printing, reports, transfer
from core.content import disposition
from core.errors import NotFound, Refused
from core.fields import Field
from core.reports import Result
from core.transfer.export import column
from core.web.exchange import workbook
from core.web.listing import address
from core.web.routing import Routes
from core.web.view import View, signed_in

routes = Routes()

WIDTH, LEFT, RIGHT, BAND, BAR = 1100, 270, 90, 12, 14
MOST_BARS = 40
FIGURES = ("integer", "decimal", "quantity", "money", "duration")


@dataclass(frozen=True)
class Bar:
    """One bar: where it lies in the drawing, and its figure in words."""

    look: str
    y: int
    x: Decimal
    width: Decimal
    text: str


@dataclass(frozen=True)
class Band:
    """The bars of one row of the report, with its name."""

    label: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """A bar chart from zero, with its key and the sentence that says the same."""

    width: int
    height: int
    zero: Decimal
    bands: tuple[Band, ...]
    keys: tuple[tuple[str, str], ...]
    words: str
    is_cut: bool


@routes.get("/<plugin>/reports/<name>", may=signed_in)
def show(view: View, plugin: str, name: str) -> Response:
    """The report as a page; what was typed wrongly is said at its field."""
    name, _dot, suffix = name.partition(".")
    key = f"{plugin}.{name}"
    report = reports.find(view.work, key)
    problems: dict[str, str] = {}
    result = None
    try:
        result = reports.run(view.work, key, reports.read_parameters(report, _typed(), view.reading()))
    except Refused as refused:
        if suffix:
            raise
        problems = {problem.where.strip("/"): view.t(problem.what) for problem in refused.problems}
        view.status = 422 if request.args else 200
    if suffix:
        return _file(view, key, suffix, result)
    names = view.work.names((), more=result.ids) if result else {}
    reading = view.reading(names)
    return view.render(
        "report.html", report=report, result=result, problems=problems, parameters=list(_parameters(view, report.parameters, result)),
        columns=list(_columns(view, result)), text=lambda kind, value: kind.text(value, reading) if value is not None else "",
        chart=chart(view, result, reading) if result else None, plugin=plugin, heading=view.label("report", key, report.label),
        workbook=_suffixed("xlsx"), paper=_suffixed("pdf"), address=address,
    )


def _typed() -> dict[str, str]:
    return {key: value for key, value in request.args.items() if value.strip()}


def _suffixed(suffix: str) -> str:
    return address().replace(request.path, f"{request.path}.{suffix}", 1)


def _file(view: View, key: str, suffix: str, result: Result | None) -> Response:
    if result is None or suffix not in ("xlsx", "pdf"):
        raise NotFound
    reading = view.reading(view.work.names((), more=result.ids))
    title = view.label("report", key, result.report.label)
    if suffix == "xlsx":
        columns = [column(name, kind, reading) for name, kind in result.columns.items()]
        return workbook(transfer.write_table(title, columns, result.rows, reading), key)
    response = Response(mimetype="application/pdf")
    printing.prints_of(view.site).send_report(view.work, result, title, reading, response.set_data)
    response.headers["Content-Disposition"] = disposition("inline", f"{key}.pdf")
    return response


def _parameters(view: View, kinds: Mapping[str, Field], result: Result | None) -> Iterator[dict[str, Any]]:
    for name, kind in kinds.items():
        value = request.args.get(name, "")
        if not value and result is not None and result.parameters.get(name) is not None:
            value = kind.text(result.parameters[name], view.reading(view.work.names((), more=result.ids)))
        options: list[tuple[str, str]] = []
        if kind.kind == "department":
            options = [(d.code, " / ".join(d.path)) for d in view.directory.departments.values() if d.is_active]
        elif kind.kind == "choice" and isinstance(getattr(kind, "options", None), Mapping):
            options = [(view.t(label), view.t(label)) for label in getattr(kind, "options", {}).values()]
        shape = {"date": "date", "month": "month", "week": "week", "integer": "number", "year": "number"}.get(kind.kind, "text")
        yield {"name": name, "label": view.t(kind.label), "value": value, "options": options, "type": shape, "required": kind.required}


def _columns(view: View, result: Result | None) -> Iterator[dict[str, Any]]:
    for name, kind in (result.columns if result else {}).items():
        yield {"name": name, "kind": kind, "label": view.t(kind.label), "is_right": kind.kind in FIGURES or _is_figure(kind)}


def _is_figure(kind: Field) -> bool:
    inner = getattr(kind, "field", None) or getattr(kind, "kind_field", None)
    return inner is not None and getattr(inner, "kind", "") in FIGURES


def chart(view: View, result: Result, reading: Any) -> Chart | None:
    """The bars of a report, from zero; at most forty rows are drawn, the table has them all."""
    found = reports.series(result)
    declared = result.report.chart
    if not found or declared is None:
        return None
    rows = result.rows[:MOST_BARS]
    low = min((min(one.figures, default=Decimal(0)) for one in found), default=Decimal(0))
    high = max((max(one.figures, default=Decimal(0)) for one in found), default=Decimal(0))
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    span = (high - low) or Decimal(1)
    scale = (WIDTH - LEFT - RIGHT) / span
    zero = LEFT + (0 - low) * scale
    bands = []
    for index, row in enumerate(rows):
        top = index * (BAR * len(found) + BAND) + 6
        bars = tuple(_bar(result, one.column, one.figures[index], place, top, zero, scale, reading) for place, one in enumerate(found))
        x = result.columns[declared.x]
        bands.append(Band(x.text(row.get(declared.x), reading) if row.get(declared.x) is not None else "—", top, bars))
    keys = tuple((f"b{place % 4}", view.t(one.label)) for place, one in enumerate(found))
    height = len(rows) * (BAR * len(found) + BAND) + 12
    return Chart(WIDTH, height, zero, tuple(bands), keys, _words(view, bands, keys), len(result.rows) > MOST_BARS)


def _bar(result: Result, column: str, figure: Decimal, place: int, top: int, zero: Decimal, scale: Decimal, reading: Any) -> Bar:
    start, end = sorted((zero, zero + figure * scale))
    text = result.columns[column].text(figure, reading) if figure == figure else ""
    return Bar(f"b{place % 4}", top + place * BAR, start.quantize(Decimal("0.1")), max(end - start, Decimal("0.5")).quantize(Decimal("0.1")), text)


def _words(view: View, bands: Sequence[Band], keys: Sequence[tuple[str, str]]) -> str:
    """The chart as a sentence, for those who do not see it."""
    told = [f"{band.label}: {', '.join(f'{key[1]} {bar.text}' for key, bar in zip(keys, band.bars, strict=True))}" for band in bands[:12]]
    return view._("Bar chart. {figures}", figures="; ".join(told))
