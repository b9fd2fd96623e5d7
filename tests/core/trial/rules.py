"""The rules of the invented plugin."""

from core import Problem, _


def doubled(work, plan):
    """Twice the amount."""
    return None if plan.amount is None else plan.amount * 2


def is_no_giant(work, thing):
    """A register's guard holds at every save."""
    if (thing.size or 0) > 100:
        yield Problem("size", _("This thing is too big."), _("Take a smaller one."), "giant")


def is_affordable(work, plan):
    """Above 10 it is shown, above 100 it needs a reason, above 1,000 it is refused."""
    amount = plan.amount or 0
    if plan.subject == "broken":
        amount /= 0
    for limit, level in ((1000, "refuses"), (100, "asks"), (10, "warns")):
        if amount > limit:
            yield Problem("amount", _("This is more than {limit}.", limit=limit), _("Spend less."), "amount", level=level)
            return


def is_not_cursed(work, plan):
    """What a rule of another plugin might say."""
    if plan.subject == "cursed":
        yield Problem("subject", _("This plan is cursed."), code="cursed")


def check_of_line(work, plan, line):
    """A check of one line."""
    return {"plan": plan.id, "what": line.what}


def settle_plan(work, event):
    """An event that is closed settles its plan: a step that nobody takes by hand, and a field that nobody writes by hand."""
    if event.plan is not None:
        plan = work.get("trial.plan", event.plan)
        work.edit(plan, result=event.remedy)
        work.fire(plan, "settle")


def write_diary(work, plan):
    """The end of a plan is written down, in a record that the actor could not make for this department."""
    entry = work.create("trial.diary", {"text": plan.subject}, department=plan.department)
    work.fire(entry, "keep")
