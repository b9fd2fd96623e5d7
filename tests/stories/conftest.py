"""The valve maker of the plugins' tests, for stories."""

from tests.plugins.company import company

__all__ = ["company"]
