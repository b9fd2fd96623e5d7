"""The short form of `make faults-kill`."""

import pytest

from tests.faults import kill


@pytest.mark.slow
def test_nothing_acknowledged_is_lost(engine):
    """Six kills of one process and one of everything under load: all that was acknowledged is there, nothing by halves."""
    with kill.site(engine, kill.SHORT.clients) as (plant, server):
        found = kill.run(plant, kill.SHORT, server=server)
    assert found.surprises == []
    assert found.verdict.said == []
    assert (found.killed["one process"], found.killed["everything"]) == (kill.SHORT.workers, kill.SHORT.groups)
    assert found.journal.acknowledged.total() >= kill.SHORT.workers


@pytest.mark.slow
def test_an_early_answer_is_found_out():
    """A server that answers before it commits does not pass."""
    assert not kill.control("sqlite").ok
