"""What the bench plugin brings."""

from collections.abc import Iterable

from benchmarks.bench import DOCUMENT, PART, SHEET
from core import RecordType, hookimpl


@hookimpl
def register_record_types() -> Iterable[RecordType]:
    return (PART, DOCUMENT, SHEET)
