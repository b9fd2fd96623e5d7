"""Prints: records and reports as PDF on paper like the form, made in processes of their own."""

from core.printing.pool import Printer, PrintFailed, PrintServer

__all__ = ["PrintFailed", "PrintServer", "Printer"]
