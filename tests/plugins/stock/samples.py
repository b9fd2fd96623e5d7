"""Samples of the warehouse's forms where their rules want more than their declarations say; for the contract tests."""


def requisition(make):
    """Drawn for a record that is in force: here whatever plan the site has."""
    types = make.world.site.registry.types
    to = "production.monthly_plan" if "production.monthly_plan" in types else next(n for n, t in types.items() if t.workflow and n != make.rt.name)
    return {"source": make.record(to, "issued" if to.startswith("production.") else "")}


SAMPLES = {"stock.requisition": requisition}
