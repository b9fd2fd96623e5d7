"""Tools: what is lent out to whom, and until when.

The smallest plugin that uses every hook: the example to copy. Put a copy into `plugins/` as `plugins/tools`, or into a
distribution of your own with the entry point `tools = "your_package"` in the group `yunkong.plugins`; then
`yunkong plugin enable tools`. Roles: `keeper` hands tools out and takes them back, for every
department that the warehouse serves.
"""

from core import Plugin, Role, _

PLUGIN = Plugin(
    "tools",
    label=_("Tools"),
    requires={"master_data": ">=0.1"},
    roles={"keeper": Role(_("Keeper of tools"), function="core.warehouse")},
    icon="tool",
)
