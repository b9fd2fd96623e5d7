"""Samples of the plugin's forms where their rules want more than their declarations say; for the contract tests."""

import datetime as dt


def loan(make):
    """A tool that is to come back, and that nobody else has."""
    tool = make.record("master_data.item", fresh=True, tools_is_lent=True)
    return {"tool": tool, "due_on": (make.today + dt.timedelta(days=7)).isoformat(), "borrower": str(make.world.user_id(make.author))}


SAMPLES = {"tools.loan": loan}
