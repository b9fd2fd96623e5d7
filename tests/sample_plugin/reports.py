"""Read-only tables of tools."""

from core import Report, _, fields


def tools_out(work, due_by=None):
    """The tools that are lent out, the one due first on top; with `due_by` only those due until that day."""
    for loan in sorted(work.find("tools.loan", state="lent"), key=lambda one: one.due_on):
        if due_by is None or loan.due_on <= due_by:
            yield {"tool": loan.tool, "borrower": loan.borrower, "due_on": loan.due_on, "days_late": max((work.today - loan.due_on).days, 0)}


REPORTS = {
    "out": Report(
        _("Tools that are out"),
        rows=tools_out,
        parameters={"due_by": fields.Date(_("Due until"))},
        columns={
            "tool": fields.Reference(_("Tool"), to="master_data.item"),
            "borrower": fields.User(_("Borrower")),
            "due_on": fields.Date(_("To be returned on")),
            "days_late": fields.Integer(_("Days late")),
        },
        may_read=("tools.keeper",),
    ),
}
