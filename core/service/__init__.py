"""The one door: units of work, what goes in and what comes out. Only from here are records written."""

from core.service.shapes import Asked, Confirmed, LinkView, Page, Query, StepView
from core.service.work import Work

__all__ = ["Asked", "Confirmed", "LinkView", "Page", "Query", "StepView", "Work"]
