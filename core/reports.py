"""Read-only tables: a report's parameters read, its rows collected, its figures for a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.access import Access
from core.directory import EMPLOYEE
from core.errors import Invalid, NotFound, Problem, Refused
from core.fields import Field, Reading, Text
from core.messages import Message, _
from core.records import Report

MOST_ROWS = 5_000
"""A report longer than this is cut, and says so; who needs more exports the list."""


@dataclass(frozen=True)
class Result:
    """A report that has been run: the columns with their kinds, the rows as Python values, what it was asked."""

    report: Report
    columns: Mapping[str, Field]
    rows: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any]
    is_cut: bool = False

    @property
    def ids(self) -> frozenset[int]:
        """Every record, user and department that the rows name."""
        kinds = {name for name, kind in self.columns.items() if kind.kind in ("reference", "user", "department", "any_record")}
        kinds_of_parameters = {n for n, k in self.report.parameters.items() if k.kind in ("reference", "user", "department", "any_record")}
        found = {row.get(name) for row in self.rows for name in kinds}
        found |= {self.parameters.get(name) for name in kinds_of_parameters}
        return frozenset(one for one in found if isinstance(one, int))


@dataclass(frozen=True)
class Series:
    """The bars of one column, one figure per row of the chart."""

    column: str
    label: str
    figures: tuple[Decimal, ...]


def may_read(access: Access, report: Report) -> bool:
    """Whether a user may run a report: those of its roles, else everyone who belongs anywhere, and administrators."""
    roles = report.may_read or (EMPLOYEE,)
    return access.is_administrator or any(access.directory.holds(access.user_id, role) for role in roles)


def find(work: Any, name: str) -> Report:
    """A report that is there for the actor."""
    report: Report | None = work.registry.reports.get(name)
    if report is None or not may_read(work.access, report):
        raise NotFound
    return report


def read_parameters(report: Report, typed: Mapping[str, str], reading: Reading) -> dict[str, Any]:
    """What was typed or asked as Python values; every fault at once, unknown parameters included."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name in typed:
        if name not in report.parameters:
            problems.append(Problem(name, _("This report has no parameter {name}.", name=name), code="unknown_field"))
    for name, kind in report.parameters.items():
        text = typed.get(name, "").strip()
        try:
            values[name] = kind.parse(text, reading) if text else _default(kind)
        except Invalid as wrong:
            problems.append(wrong.at(name))
            continue
        if values[name] is None and kind.required:
            problems.append(Problem(name, _("This is still empty."), _("Fill it in."), "required"))
    if problems:
        raise Refused(problems)
    return values


def _default(kind: Field) -> Any:
    return None if callable(kind.default) or (isinstance(kind.default, str) and kind.default in ("actor", "today")) else kind.default


def run(work: Any, name: str, parameters: Mapping[str, Any]) -> Result:
    """Run a report for the actor; a parameter that was left out and has no default is given as None."""
    report = find(work, name)
    rows: list[Mapping[str, Any]] = []
    is_cut = False
    with work.inside():
        for row in report.rows(work, **{key: parameters.get(key) for key in report.parameters}):
            if len(rows) == MOST_ROWS:
                is_cut = True
                break
            rows.append(dict(row))
    columns = dict(report.columns) or {key: Text(Message(key.replace("_", " ").capitalize())) for key in (rows[0] if rows else ())}
    return Result(report, columns, tuple(rows), dict(parameters), is_cut)


def series(result: Result) -> tuple[Series, ...]:
    """The figures of the report's chart; none where it has no chart or no rows."""
    chart = result.report.chart
    if chart is None or not result.rows:
        return ()
    return tuple(
        Series(name, result.columns[name].label, tuple(_figure(row.get(name)) for row in result.rows))
        for name in chart.y if name in result.columns
    )


def _figure(value: Any) -> Decimal:
    return Decimal(value) if isinstance(value, (int, Decimal)) else Decimal(0)
