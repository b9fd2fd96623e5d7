"""A valve maker for every test of a plugin: on a site of its own, on Friday 20 November 2026."""

from tests.plugins.company import company

__all__ = ["company"]
