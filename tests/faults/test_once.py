"""The short form of `make faults-once`."""

from tests.faults import once
from tests.faults.plant import build


def test_what_is_sent_again_is_done_once(engine_url, engine, tmp_path):
    """Sixty creates and ten forms, each sent several times at once: one record and one answer for each."""
    plant = build(tmp_path / "site", "" if engine == "sqlite" else engine_url, workers=2)
    found = once.run(plant, once.SHORT)
    assert found.failed == 0, [told for told in found.answers.values() if told[0][0] not in (201, 303)][:2]
    assert (found.twice, found.missing, found.disagreeing, found.trail_problems) == (0, 0, 0, 0)
    assert sum(found.stored.values()) == once.SHORT.keys + once.SHORT.forms
    assert set(found.reused) == {422}
