"""What must hold in the registers: the tree of places stays a tree."""

from core import Problem, _

PARENTS = {
    "premises": (),
    "building": ("premises",),
    "floor": ("building",),
    "unit": ("building", "floor"),
    "area": ("premises", "building", "floor", "area"),
    "warehouse": ("premises", "building", "floor", "area"),
}
"""In which kinds of place a place of each kind may lie."""

FREE = ("premises", "warehouse")
"""The kinds that may lie in nothing."""


def lies_in_a_fitting_place(work, place):
    """A floor lies in a building, a building in premises; only premises and warehouses stand alone."""
    if place.lies_in is None:
        if place.kind not in FREE:
            yield Problem("lies_in", _("A place of this kind lies in another one."), _("Choose the place it lies in."))
        return
    parent = work.get("master_data.place", place.lies_in)
    if parent.kind not in PARENTS[place.kind]:
        yield Problem("lies_in", _("A place of this kind cannot lie in “{parent}”.", parent=parent.title),
                      _("Choose a place of a fitting kind: a building lies in premises, a floor in a building, a unit in a building or on a floor."))


def does_not_lie_in_itself(work, place):
    """Going up from a place must end outside, never come back to it."""
    above, seen = place.lies_in, set()
    while above is not None and above not in seen:
        if above == place.id:
            yield Problem("lies_in", _("A place cannot lie in itself, nor in a place that lies in it."), _("Choose another place."))
            return
        seen.add(above)
        above = work.get("master_data.place", above).lies_in


def keeps_what_lies_in_it(work, place):
    """A place that changes its kind must still fit everything that lies in it."""
    for child in work.find("master_data.place", lies_in=place.id):
        if place.kind not in PARENTS[child.kind]:
            yield Problem("kind", _("“{child}” lies in this place and would no longer fit.", child=child.title),
                          _("Move it first, or keep the kind."))
            return
