"""Excel in and out: lists and tables as .xlsx, registers and lines from .xlsx, the workbook given back with its errors.

Nothing in a file is ever run: what begins like a formula is written as text, and a formula that comes in is refused.
"""

from core.transfer.export import export_list, export_rows, field_columns, write_table
from core.transfer.intake import Answer, RowAnswer, import_lines, import_register, read_lines
from core.transfer.mark import marked
from core.transfer.workbook import LARGEST_FILE, MOST_ROWS, read_workbook

__all__ = [
    "LARGEST_FILE", "MOST_ROWS", "Answer", "RowAnswer", "export_list", "export_rows", "field_columns", "import_lines", "import_register",
    "marked", "read_lines", "read_workbook", "write_table",
]
