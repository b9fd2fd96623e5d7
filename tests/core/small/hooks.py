"""What the small plugin brings."""

from core.hookspecs import hookimpl
from tests.core.small import ORDER, PART


@hookimpl
def register_record_types():
    """Orders and their parts."""
    return [PART, ORDER]
