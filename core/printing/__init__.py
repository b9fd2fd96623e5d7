"""Prints: records and reports as PDF on paper like the form, made in processes of their own.

`prints_of(site)` is what a site prints with; `PrintServer` runs once per site and is told to the web workers by the
environment variable that `ADDRESS` names, else each starts a server of its own at the first print.
"""

from typing import TYPE_CHECKING, Any

from core.printing.pool import Printed, Printer, PrintFailed, PrintServer
from core.printing.server import ADDRESS, Limits

if TYPE_CHECKING:
    from core.printing.prints import Prints, print_record, print_report, prints_of

__all__ = ["ADDRESS", "Limits", "PrintFailed", "PrintServer", "Printed", "Printer", "Prints", "print_record", "print_report", "prints_of"]


def __getattr__(name: str) -> Any:
    """What knows records is imported when it is asked for: the print server and its presses never do, and stay small."""
    if name not in __all__:
        raise AttributeError(name)
    from core.printing import prints

    return getattr(prints, name)
