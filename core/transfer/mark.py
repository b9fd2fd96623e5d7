"""The workbook given back: as it came, with one more column that says what is wrong in which row."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from core.errors import Problem
from core.fields import Field
from core.messages import _
from core.transfer.intake import MARKS, MARKS_HEADING, Answer
from core.transfer.workbook import check_archive, refuse

if TYPE_CHECKING:
    from core.service.work import Work

_RED: Final = "FFB3261E"
_PALE: Final = "FFFDECEA"


def marked(work: Work, content: bytes, answer: Answer, kinds: Mapping[str, Field]) -> bytes:
    """The same workbook with the problems of each refused row behind its last column, and the cells they are about coloured.

    A column of problems from an earlier import is used again. Formulas and formats stay; nothing is computed.
    """
    import openpyxl

    check_archive(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(BytesIO(content), keep_links=False)
            sheet = book[answer.sheet]
            _mark(sheet, answer, work.text(MARKS_HEADING), lambda problem: _sentence(work, problem, kinds))
            target = BytesIO()
            book.save(target)
        except Exception:
            # The rows could be read, but the workbook as a whole cannot be written again.
            raise refuse(_("The workbook cannot be given back with its errors."), _("The errors stand in the list below."), "file_broken") from None
    return target.getvalue()


def _mark(sheet: Any, answer: Answer, heading: str, sentence: Callable[[Problem], str]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    place = answer.places.get(MARKS) or max(sheet.max_column, *answer.places.values()) + 1
    top = answer.header + 1 if sheet.row_dimensions[answer.header].hidden else answer.header
    if MARKS in answer.places:
        for number in range(answer.header, sheet.max_row + 1):
            _write(sheet.cell(number, place), None)
    _write(sheet.cell(top, place), heading)
    sheet.cell(top, place).font = Font(bold=True, color=_RED)
    sheet.column_dimensions[get_column_letter(place)].width = 60
    for row in answer.refused:
        cell = sheet.cell(row.row, place)
        _write(cell, "\n".join(sentence(problem) for problem in row.problems))
        cell.font = Font(color=_RED)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        for problem in row.problems:
            column = answer.places.get(problem.pointer.strip("/").partition("/")[0])
            if column:
                sheet.cell(row.row, column).fill = PatternFill("solid", fgColor=_PALE)


def _write(cell: Any, text: str | None) -> None:
    cell.value = text
    if text is not None:
        # A sentence that begins with what somebody typed may begin like a formula.
        cell.data_type = "s"


def _sentence(work: Work, problem: Problem, kinds: Mapping[str, Field]) -> str:
    kind = kinds.get(problem.pointer.strip("/").partition("/")[0])
    parts = [work.text(problem.what), work.text(problem.hint) if problem.hint else ""]
    label = work.text(kind.label) if kind is not None and kind.label else ""
    return (f"{label}: " if label else "") + " ".join(part for part in parts if part)
