"""What plugins may import, and nothing else.

Core is a house of floors. A module imports from the floors below it, and on its own floor without going in a circle;
a test reads this map:

    8  app cli
    7  api web worker demo
    6  schemas printing transfer reports inbox
    5  service site drafts waiting
    4  people directory access passwords sessions audit signatures numbering files links settings sendings answers content heartbeats
    3  storage upgrade config
    2  registry checks
    1  fields records workflow hookspecs translations patterns
    0  messages errors
"""

from core import fields
from core.errors import Invalid, NotAllowed, NotFound, Problem, Refused, Stale
from core.hookspecs import hookimpl
from core.messages import Message, _
from core.records import (
    Bars,
    Clause,
    Extension,
    Function,
    Numbering,
    Plugin,
    PrintForm,
    RecordType,
    Report,
    Role,
    Section,
    Setting,
)
from core.workflow import (
    Choice,
    Countersign,
    Deadline,
    Distribution,
    Duty,
    Each,
    Level,
    Named,
    Opens,
    Policy,
    PublicLink,
    Retention,
    Signs,
    Slot,
    State,
    Transition,
    Workflow,
)

__all__ = [
    "Bars", "Choice", "Clause", "Countersign", "Deadline", "Distribution", "Duty", "Each", "Extension", "Function", "Invalid",
    "Level", "Message", "Named", "NotAllowed", "NotFound", "Numbering", "Opens", "Plugin", "Policy", "PrintForm", "Problem",
    "PublicLink", "RecordType", "Refused", "Report", "Retention", "Role", "Section", "Setting", "Signs", "Slot", "Stale",
    "State", "Transition", "Workflow", "_", "fields", "hookimpl",
]
