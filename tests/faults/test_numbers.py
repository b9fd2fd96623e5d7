"""The short form of `make faults-numbers`."""

from tests.faults import numbers
from tests.faults.plant import build


def test_numbers_have_no_gaps_and_no_duplicates(engine_url, engine, tmp_path):
    """Sixteen creators, three series begun together, a tenth rolled back."""
    plant = build(tmp_path / "site", "" if engine == "sqlite" else engine_url, users=16)
    found = numbers.run(plant, numbers.SHORT)
    assert found.errors == []
    assert (found.duplicates, found.gaps, found.lost, found.trail_problems) == (0, 0, 0, 0)
    assert len(found.stored) == numbers.SHORT.creators * numbers.SHORT.numbers
    assert found.aborted > 0
