"""Prints: records and reports as PDF on paper like the form, made in processes of their own.

`prints_of(site)` is what a site prints with; `PrintServer` runs once per site and is told to the web workers by the
environment variable that `ADDRESS` names, else each starts a server of its own at the first print.
"""

from core.printing.pool import Printer, PrintFailed, PrintServer
from core.printing.prints import Prints, print_record, print_report, prints_of
from core.printing.server import ADDRESS, Limits

__all__ = ["ADDRESS", "Limits", "PrintFailed", "PrintServer", "Printer", "Prints", "print_record", "print_report", "prints_of"]
