"""What the paperwork plugin brings."""

from core import hookimpl
from tests.core.paperwork import INSPECTION


@hookimpl
def register_record_types():
    return (INSPECTION,)
