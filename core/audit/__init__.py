"""The trail: who did what, what stood there before and after, when, why and from where; and the proof that it stands.

`write` adds rows in the transaction of the change; `seal`, `anchor` and `verify` make and prove one chain over all;
`erase` makes a record's personal values unreadable without breaking it.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from core.audit import personal, sealing, trail
from core.audit.changes import creation, differences, personal_fields, removal
from core.audit.personal import ERASED, Opener, is_erased
from core.audit.sealing import SEAL, Anchor, Report, anchor, exported, head, read_anchors, seal, verify
from core.audit.trail import TRAIL, Entry, Event, Origin, changed_since, history, protect, recent, times, write

__all__ = [
    "ERASED", "SEAL", "TRAIL", "Anchor", "Entry", "Event", "Opener", "Origin", "Report", "anchor", "changed_since", "creation", "differences",
    "erase", "exported", "head", "history", "is_erased", "personal", "personal_fields", "protect", "read_anchors", "recent", "removal", "seal",
    "sealing", "times", "trail", "verify", "write",
]


def erase(connection: Connection, origin: Origin, entry: Entry) -> Mapping[int, str]:
    """Destroy the key of a record's personal values for good and say so in the trail; returns the new head as `write` does.

    The caller empties the fields themselves in the same transaction, without telling the trail what they held.
    """
    assert entry.record_id is not None, "personal values belong to a record"
    personal.destroy_key(connection, entry.record_id, origin.at)
    return write(connection, origin, [entry])
