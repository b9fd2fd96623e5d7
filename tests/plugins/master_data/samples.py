"""Samples of the registers where their rules want more than their declarations say; for the contract tests."""


def place(make):
    """A building in premises; the premises themselves lie in nothing."""
    if make.world.making.count("master_data.place") > 1:
        return {"kind": "premises", "lies_in": None}
    return {"kind": "building", "lies_in": make.record("master_data.place", kind="premises", lies_in=None)}


SAMPLES = {"master_data.place": place}
