"""The kinds of fields a form may have; each answers for its column, JSON, form, page, print and Excel cell.

`from core import fields`, then `fields.Text(_("Remarks"))`. Nothing here knows a database, a page or a plugin.
"""

from core.fields.choice import Boolean, Choice, Choices, options_of
from core.fields.computed import Computed
from core.fields.kind import Field, Name, Reading, Storage
from core.fields.number import Decimal, Integer, Money, Quantity
from core.fields.reference import (
    PROOFS,
    AnyRecord,
    Attachments,
    Department,
    Departments,
    OutsideSignature,
    Photos,
    Reference,
    References,
    User,
    Users,
)
from core.fields.rows import Checklist, Lines, row_id, row_values
from core.fields.text import LongText, Text
from core.fields.time import Date, Duration, Moment, Month, Time, Week, Year

__all__ = [
    "PROOFS", "AnyRecord", "Attachments", "Boolean", "Checklist", "Choice", "Choices", "Computed", "Date", "Decimal",
    "Department", "Departments", "Duration", "Field", "Integer", "Lines", "LongText", "Moment", "Money", "Month", "Name",
    "OutsideSignature", "Photos", "Quantity", "Reading", "Reference", "References", "Storage", "Text", "Time", "User",
    "Users", "Week", "Year", "options_of", "row_id", "row_values",
]
