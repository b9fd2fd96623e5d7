"""What a state, a deadline, a type look like: tone, icon and words (colour is the third signal)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from core.messages import Message, _
from core.records import RecordType, Report

TONES = {"waiting": "mute", "working": "info", "deciding": "warn", "good": "good", "stopped": "bad"}
"""The kind of phase (`State.kind`) → the tone of its badge."""

ICONS = {"waiting": "hourglass", "working": "player-play", "deciding": "hourglass", "good": "circle-check", "stopped": "hand-stop"}

OWN_ICONS = {"draft": "pencil", "void": "ban", "superseded": "history", "inactive": "circle-x", "active": "circle-check"}
"""States of core's own whose icon says more than their kind."""

NOUN_ICONS = (
    ("monthly_plan", "calendar-month"), ("weekly_plan", "calendar-week"), ("plan", "calendar-event"), ("order", "route"),
    ("daily", "clipboard-text"), ("completion", "checklist"), ("report", "clipboard-check"), ("requisition", "package-export"),
    ("receipt", "package-import"), ("item", "package"), ("part", "users-group"), ("customer", "users-group"), ("supplier", "truck"),
    ("place", "map-pin"), ("premises", "building"), ("workshop", "building-factory-2"), ("warehouse", "building-warehouse"),
    ("complaint", "message-report"), ("return", "truck-return"), ("survey", "mood-smile"), ("inspection", "clipboard-check"),
    ("nonconform", "ban"), ("corrective", "tool"), ("document", "file-certificate"), ("review", "presentation-analytics"),
    ("audit", "shield-check"), ("training", "id-badge-2"), ("stop", "hand-stop"), ("lot", "barcode"), ("traveller", "route"),
)
"""Words in a noun → an icon; the first that stands in it counts. Declarations carry no icons of their own."""


@dataclass(frozen=True)
class Badge:
    """Tone, icon and words of a badge; the words still in English."""

    tone: str
    icon: str
    label: str


def type_icon(rt: RecordType | Report) -> str:
    """The icon of a type or report in menus."""
    if isinstance(rt, Report):
        return "chart-bar"
    return next((icon for word, icon in NOUN_ICONS if word in rt.noun), "book-2" if rt.is_register else "file-text")


def kind_of(rt: RecordType, state: str) -> str:
    """The kind of phase that a state is, guessed from the workflow where the declaration does not say."""
    declared = rt.states.get(state)
    if declared is None:
        return "waiting"
    if declared.kind in TONES:
        return str(declared.kind)
    if declared.final:
        return "good"
    if state == rt.initial:
        return "waiting"
    steps = rt.workflow.out_of(state).values() if rt.workflow else ()
    decides = any(step.others or (step.signature and step.signature.asks_password) for step in steps)
    sends_back = any(step.asks and step.target == rt.initial for step in steps)
    return "deciding" if decides or sends_back else "working"


def state_badge(rt: RecordType, state: str, kind: str | None = None) -> Badge:
    """The round badge of a state; `kind` overrides what is declared or guessed (a policy that gives the look)."""
    kind = kind if kind in TONES else kind_of(rt, state)
    declared = rt.states.get(state)
    return Badge(TONES[kind], OWN_ICONS.get(state, ICONS[kind]), declared.label if declared else state)


def due_badge(due: datetime | None, now: datetime, zone: tzinfo) -> Badge | None:
    """The square badge of a running deadline; None where none runs."""
    if due is None:
        return None
    if due < now:
        return Badge("badx", "alarm", _overdue(now - due))
    there, here = due.astimezone(zone), now.astimezone(zone)
    days = (there.date() - here.date()).days
    if days == 0:
        return Badge("warn", "clock-hour-5", _("Due today {time}", time=f"{there:%H:%M}"))
    if days == 1:
        return Badge("plain", "calendar", _("Due tomorrow {time}", time=f"{there:%H:%M}"))
    return Badge("plain", "calendar", _("{days} days left", days=days))


def _overdue(late: timedelta) -> Message:
    if late >= timedelta(days=1):
        return _("{days} days overdue", days=late.days)
    hours = int(late.total_seconds() // 3600)
    return _("{hours} hours overdue", hours=hours) if hours else _("{minutes} minutes overdue", minutes=max(1, int(late.total_seconds() // 60)))
