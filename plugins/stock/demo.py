"""The warehouse's share of the demo: requisitions come with the plans and orders they are drawn for."""


def fill(demo):
    """Nothing of its own yet; its people stand in `data/demo.toml`."""
