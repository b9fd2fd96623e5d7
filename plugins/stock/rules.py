"""What must hold when materials leave the warehouse."""

from core import NotFound, Problem, _

UNBORN = ("draft", "void", "superseded")
"""States in which a record orders nothing: materials cannot be drawn for it."""


def own_department(work):
    """The department that the person at the form belongs to first."""
    user = work.directory.users.get(work.actor)
    return user.departments[0] if user and user.departments else None


def model_and_specification(work, line):
    """Model and specification of the material, as the register has them."""
    if line.material is None:
        return None
    materials = work.peek("master_data.item", {one.material for one in line.parent.lines if one.material is not None})
    material = materials.get(line.material)
    return " ".join(filter(None, (material.model, material.specification))) or None if material else None


def names_its_source(work, requisition):
    """Nothing leaves the warehouse without a plan, an order or a notice that asks for it."""
    hint = _("Name the plan, order or notice that needs the materials.")
    if requisition.source is None:
        return
    try:
        source = work.get(None, requisition.source)
    except NotFound:
        yield Problem("source", _("What the materials are drawn for does not exist."), hint)
        return
    if source.type.is_register or source.type.name == requisition.type.name:
        yield Problem("source", _("“{source}” is no plan, order or notice.", source=source.title), hint)
    elif source.state in UNBORN:
        yield Problem("source", _("“{source}” is not in force.", source=source.title), hint)


def asks_for_something(work, requisition):
    """A requisition without materials asks for nothing."""
    if not requisition.lines:
        yield Problem("lines", _("The requisition asks for no material."), _("Add at least one line."))
    for row, line in enumerate(requisition.lines):
        if line.qty_requested is not None and line.qty_requested == 0:
            yield Problem(f"/lines/{row}/qty_requested", _("The quantity requested is zero."), _("Enter a quantity, or take the line out."))


def hands_out_what_was_asked(work, requisition):
    """The storekeeper may hand out less than was asked for, not more; nothing at all is no issue."""
    for row, line in enumerate(requisition.lines):
        if line.qty_issued is not None and line.qty_issued > line.qty_requested:
            yield Problem(f"/lines/{row}/qty_issued", _("More is issued than was requested."),
                          _("Issue at most what was requested; for more, a further requisition is needed."))
    if requisition.lines and not any(line.qty_issued for line in requisition.lines):
        yield Problem("lines", _("Nothing is issued."), _("Enter what was handed out, or void the requisition."))
