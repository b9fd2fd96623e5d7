"""Those a company deals with: customers, suppliers, owners and residents, and others, with how to reach them."""

from core import Numbering, RecordType, Section, _, fields

READERS = ("master_data.party_keeper", "master_data.contact_reader")

PARTY = RecordType(
    name="master_data.party",
    label=_("Party"),
    title="{code} {name}",
    may_create=("master_data.party_keeper",),
    columns=("code", "name", "kinds", "short_name", "state"),
    fields={
        "code": fields.Text(_("Code"), required=True, max=40, filter=True, width=4),
        "name": fields.Text(_("Name"), required=True, max=120, width=8),
        "kinds": fields.Choices(_("Kinds"), options={
            "customer": _("Customer"),
            "supplier": _("Supplier"),
            "owner": _("Owner"),
            "resident": _("Resident"),
            "other": _("Other"),
        }, required=True, width=8),
        "short_name": fields.Text(_("Short name"), max=60, width=4),
        "tax_no": fields.Text(_("Unified social credit code"), max=40, width=6),
        "bank": fields.Text(_("Bank"), max=120, width=6),
        "account_no": fields.Text(_("Account number"), max=60, width=6),
        "quality_standards": fields.LongText(_("Quality standards")),
        "technical_requirements": fields.LongText(_("Technical requirements")),
        "telephone": fields.Text(_("Telephone"), max=40, personal=True, width=4),
        "email": fields.Text(_("E-mail"), max=120, personal=True, width=4),
        "identity_no": fields.Text(_("Identity card number"), max=40, personal=True, width=4),
        "contacts": fields.Lines(_("Contacts"), columns={
            "name": fields.Text(_("Name"), required=True, max=60, personal=True),
            "post": fields.Text(_("Post"), max=60),
            "telephone": fields.Text(_("Telephone"), max=40, personal=True),
            "mobile": fields.Text(_("Mobile telephone"), max=40, personal=True),
            "email": fields.Text(_("E-mail"), max=120, personal=True),
            "is_first": fields.Boolean(_("First contact")),
        }),
        "addresses": fields.Lines(_("Addresses"), columns={
            "use": fields.Choice(_("Use"), options={
                "office": _("Office address"),
                "delivery": _("Delivery address"),
                "invoice": _("Invoice address"),
                "home": _("Home address"),
            }, required=True),
            "address": fields.Text(_("Address"), required=True, max=200, personal=True),
            "postal_code": fields.Text(_("Postal code"), max=12),
        }),
        "remarks": fields.LongText(_("Remarks")),
    },
    sections={
        "party": Section(_("Party"), fields=("code", "name", "kinds", "short_name", "tax_no", "remarks")),
        "dealings": Section(_("Dealings"), fields=("bank", "account_no", "quality_standards", "technical_requirements")),
        "reach": Section(_("How to reach them"), fields=("telephone", "email", "identity_no", "contacts", "addresses"), read_by=READERS),
    },
    unique=(("code",),),
    numbering=Numbering("{code}"),
)
