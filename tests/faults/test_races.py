"""The short form of `make faults-races`."""

from tests.faults import races
from tests.faults.plant import build


def test_one_winner_and_a_loser_who_knows(engine_url, engine, tmp_path):
    """Sixty-four races by API, form and step."""
    plant = build(tmp_path / "site", "" if engine == "sqlite" else engine_url, workers=2)
    found = races.run(plant, races.SHORT)
    assert found.other == []
    assert found.ok, races.shown(found)
    assert (found.calls, found.forms, found.steps) == (races.SHORT.calls, races.SHORT.forms, races.SHORT.steps)
