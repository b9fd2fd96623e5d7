"""Three tools in the store, one of them lent for a week."""

from datetime import timedelta


def fill(demo):
    """The tools stand in `data/demo.toml`, the keeper too; the keeper keeps the item register as well."""
    data = demo.data["tools"]
    first, last = demo.today - timedelta(days=30), demo.today - timedelta(days=2)
    with demo.as_user(data["keeper"], first) as work:
        tools = [work.create("master_data.item", {**tool, "kind": "consumable", "tools_is_lent": True}).id for tool in data["tools"]]
    with demo.as_user(data["borrower"], last, 9) as work:
        loan = work.create("tools.loan", {"tool": tools[0], "due_on": last + timedelta(days=7), "purpose": data["purpose"]})
        work.fire(loan, "request")
    with demo.as_user(data["keeper"], last, 10) as work:
        work.fire(work.get("tools.loan", loan.id), "hand_out")
