"""The API takes whatever is thrown at it: no server error, no answer outside its document, nothing done without a right."""

import pytest

from tests.company import PASSWORD
from tests.fuzz import fuzz, overreach, token_of

TYPES = r"^/(records/(master_data\.item|production\.monthly_plan|stock\.requisition)|me|types|tokens|inbox|reports|files)"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_random_requests_get_proper_answers(site, people, app, live_url, tmp_path):
    """As a planner, twenty examples an operation over three record types."""
    user = people.id("production.planner")
    with site.work(reading=True) as work:
        username = work.directory.users[user].username
    found = fuzz(live_url, token_of(app.test_client(), username, PASSWORD), tmp_path, paths=TYPES, examples=20)
    assert not found.failures, found.log[-20000:]
    assert found.cases > 1000
    assert overreach(site, [username]) == []
