"""Where things are: premises, buildings, floors, units, areas and warehouses, as one tree."""

from core import Numbering, RecordType, _, fields

from . import rules

PLACE = RecordType(
    name="master_data.place",
    label=_("Place"),
    title="{code} {name}",
    may_create=("master_data.place_keeper",),
    columns=("code", "name", "kind", "lies_in", "state"),
    fields={
        "code": fields.Text(_("Code"), required=True, max=40, filter=True, width=4),
        "name": fields.Text(_("Name"), required=True, max=120, width=8),
        "kind": fields.Choice(_("Kind"), options={
            "premises": _("Premises"),
            "building": _("Building"),
            "floor": _("Floor"),
            "unit": _("House or unit"),
            "area": _("Area"),
            "warehouse": _("Warehouse"),
        }, required=True, width=4),
        "lies_in": fields.Reference(_("Lies in"), to="master_data.place", width=4),
        "surface": fields.Decimal(_("Surface in m²"), places=2, min=0, width=4),
        "keeper": fields.Department(_("Kept by"), width=4),
        "remarks": fields.LongText(_("Remarks")),
    },
    guards=(rules.lies_in_a_fitting_place, rules.does_not_lie_in_itself, rules.keeps_what_lies_in_it),
    unique=(("code",),),
    numbering=Numbering("{code}"),
)
