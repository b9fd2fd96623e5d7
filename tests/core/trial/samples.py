"""Samples of the invented plugin for the contract tests."""


def check(make):
    """Nobody makes a check: the approval of a plan opens it."""
    plan = make.record("trial.plan", "approved", fresh=True)
    return make.world.rule(lambda work: str(work.find("trial.check", plan=int(plan), state="waiting")[0].id))


def event(make):
    """A leak in an approved plan."""
    return {"plan": make.record("trial.plan", "approved")}


SAMPLES = {"trial.check": check, "trial.event": event}
