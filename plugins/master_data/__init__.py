"""What every department points at: items made and used, the parties a company deals with, and the places it keeps.

Registers only, each with a code that people know and type. Roles: `item_keeper`, `party_keeper` and `place_keeper` keep
one register each; `contact_reader` may see how a party is reached (telephone numbers, addresses, identity numbers).
"""

from core import Plugin, Role, _

PLUGIN = Plugin(
    "master_data",
    label=_("Master data"),
    roles={
        "item_keeper": Role(_("Keeper of the item register")),
        "party_keeper": Role(_("Keeper of the party register")),
        "place_keeper": Role(_("Keeper of the place register")),
        "contact_reader": Role(_("Reader of contact details")),
    },
    icon="database",
)
