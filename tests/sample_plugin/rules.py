"""What must hold when tools are lent, and what follows for those who wait for one."""

from core import Problem, _

LOAN = "tools.loan"


def is_due_later(work, loan):
    """A tool is not asked for only to be due already."""
    if loan.due_on < work.today:
        yield Problem("due_on", _("This day is over."), _("Enter the day on which it will be returned."))


def is_here(work, loan):
    """A tool can be lent to one person at a time."""
    for other in work.find(LOAN, tool=loan.tool, state="lent"):
        if other.id != loan.id:
            yield Problem("tool", _("It is lent out with {number}.", number=other.number), _("Wait until it is taken back."), "lent")


def is_not_lent(work, item):
    """A tool that somebody has in their hands cannot be put out of use."""
    for loan in work.find(LOAN, tool=item.id, state="lent"):
        yield Problem("", _("It is lent out with {number}.", number=loan.number), _("Wait until it is taken back."), "lent")


def release_requests(work, item):
    """Whoever asked for a tool that is put out of use need not wait for it."""
    for loan in work.find(LOAN, tool=item.id, state="requested"):
        work.void(loan, _("The tool was put out of use."))
