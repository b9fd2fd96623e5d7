"""What a request may cost in SQL statements: counted, so that no change makes it dearer unseen."""

import pytest

from benchmarks import pages, statements
from benchmarks.company import found


@pytest.fixture
def company(engine, tmp_path, request):
    """A site with documents of ten fields and five lines."""
    return found(tmp_path / "site", "" if engine == "sqlite" else request.getfixturevalue("engine_url"))


def test_operations_keep_to_their_statements(company):
    """Create and transition fourteen, read and list six, sign-in included."""
    counted = statements.count(company)
    assert {name: count for name, count in counted.items() if count > statements.MOST[name]} == {}


def test_the_record_page_keeps_to_its_statements(company):
    """Forty fields, twenty lines and fifty entries of the trail in fifteen."""
    page = pages.measure(company, pages.fill(company), rounds=1)
    assert page.entries >= 50
    assert page.statements <= pages.MOST_STATEMENTS
