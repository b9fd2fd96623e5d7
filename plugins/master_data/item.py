"""What is made, bought, stored and drawn: products and materials, each under one code."""

from core import Numbering, RecordType, _, fields

ITEM = RecordType(
    name="master_data.item",
    label=_("Item"),
    title="{code} {name}",
    may_create=("master_data.item_keeper",),
    columns=("code", "name", "kind", "model", "specification", "unit", "state"),
    fields={
        "code": fields.Text(_("Code"), required=True, max=40, filter=True, width=4),
        "name": fields.Text(_("Name"), required=True, max=120, width=8),
        "kind": fields.Choice(_("Kind"), options={
            "product": _("Product"),
            "semi_finished": _("Semi-finished product"),
            "material": _("Raw material"),
            "component": _("Bought-in part"),
            "packaging": _("Packaging material"),
            "consumable": _("Consumable"),
            "spare_part": _("Spare part"),
        }, required=True, width=4),
        "unit": fields.Text(_("Unit"), required=True, max=16, width=4),
        "model": fields.Text(_("Model"), max=80, filter=True, width=4),
        "specification": fields.Text(_("Specification"), max=200, width=8),
        "drawing_no": fields.Text(_("Drawing number"), max=80, width=4),
        "material_grade": fields.Text(_("Material grade"), max=80, width=4),
        "remarks": fields.LongText(_("Remarks")),
    },
    unique=(("code",),),
    numbering=Numbering("{code}"),
)
