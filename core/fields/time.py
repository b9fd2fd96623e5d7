"""Days, moments and spans: Date, Month, Year, Week, Time, Moment, Duration."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from core.errors import Invalid
from core.fields.kind import Field, Reading, Storage, Told, Value, at_least, at_most, day_of, plain, shown
from core.fields.text import plain_number
from core.messages import _

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
LONGEST: Final = dt.timedelta(days=3660)

# The signs for year, month, day (two of them), week (two), o'clock and minute, as people in China type them.
_Y, _M, _D, _W, _H, _MIN = "\u5e74", "\u6708", "\u65e5\u53f7\u865f", "\u5468\u9031", "\u70b9\u9ede\u65f6\u6642", "\u5206"
_DATE = re.compile(rf"(\d{{4}})(?:[-/.{_Y}])(\d{{1,2}})(?:[-/.{_M}])(\d{{1,2}})[{_D}]?(?:[T ]00?:00(?::00)?)?", re.ASCII)
_DATE_TIGHT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_DAY_OF_YEAR = re.compile(rf"(\d{{1,2}})[-/.{_M}](\d{{1,2}})[{_D}]?", re.ASCII)
_MONTH = re.compile(rf"(\d{{4}})(?:[-/.{_Y}])?(\d{{1,2}}){_M}?", re.ASCII)
_WEEK = re.compile(rf"(\d{{4}})(?:-?[Ww]|{_Y}\u7b2c?)(\d{{1,2}})[{_W}]?", re.ASCII)
_YEAR = re.compile(rf"(\d{{4}}){_Y}?", re.ASCII)
_TIME = re.compile(rf"(\d{{1,2}})[:{_H}](\d{{1,2}})(?::00(?:\.0+)?|{_MIN})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DURATION = re.compile(r"P(?:(\d{1,4})W|(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?)", re.ASCII)
_SECONDS = {
    "d": 86400, "\u5929": 86400, "\u65e5": 86400, "h": 3600, "\u5c0f\u65f6": 3600, "\u5c0f\u6642": 3600, "\u65f6": 3600, "\u6642": 3600,
    "min": 60, "m": 60, "\u5206\u949f": 60, "\u5206\u9418": 60, "\u5206": 60, "s": 1, "\u79d2": 1,
}
_SPAN = re.compile(rf"(\d{{1,6}}(?:\.\d{{1,3}})?)({'|'.join(sorted(_SECONDS, key=len, reverse=True))})", re.ASCII)


def day(year: int, month: int, number: int, given: object) -> dt.date:
    """The date, or a sentence on why there is none."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(_("The year {year} is not between {first} and {last}.", year=year, first=FIRST_YEAR, last=LAST_YEAR), code="year")
    try:
        return dt.date(year, month, number)
    except ValueError:
        raise Invalid(_("The date {given} does not exist.", given=shown(given)), code="date") from None


def month_of(year: int, month: int, given: object) -> dt.date:
    """The first day of the month, or a sentence on why there is none."""
    if not 1 <= month <= 12:
        raise Invalid(_("The month {given} does not exist.", given=shown(given)), _("Write it like 2026-12."), "date")
    return day(year, month, 1, given)


def year_in_range(value: int) -> None:
    """Refuse a year that cannot be meant."""
    if not FIRST_YEAR <= value <= LAST_YEAR:
        raise Invalid(_("The year {year} is not between {first} and {last}.", year=value, first=FIRST_YEAR, last=LAST_YEAR), code="year")


def _tight(given: object) -> str:
    return plain(given).replace(" ", "") if isinstance(given, str) else str(given)


@dataclass(frozen=True, kw_only=True, eq=False)
class Date(Field):
    """A day (`datetime.date`) between 1900 and 2200."""

    kind: ClassVar[str] = "date"
    usual_width: ClassVar[int] = 3
    filters_itself: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("date")

    def read(self, raw: object) -> Value:
        found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", raw, re.ASCII) if isinstance(raw, str) else None
        if not found:
            raise Invalid(_("A date is expected here, like 2026-12-31."), code="type")
        return day(int(found[1]), int(found[2]), int(found[3]), raw)

    def accept(self, value: Value) -> dt.date:
        if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
            raise Invalid(_("A date is expected here, like 2026-12-31."), code="type")
        year_in_range(value.year)
        at_least(value, self.min, f"{self.min}")
        at_most(value, self.max, f"{self.max}")
        return value

    def understand(self, given: Any, reading: Reading) -> dt.date:
        found = day_of(given)
        if found:
            return found
        text = plain(given) if isinstance(given, str) else ""
        match = _DATE.fullmatch(text) or _DATE.fullmatch(text.replace(" ", "")) or _DATE_TIGHT.fullmatch(text)
        if match:
            return day(int(match[1]), int(match[2]), int(match[3]), text)
        if _DAY_OF_YEAR.fullmatch(text.replace(" ", "")):
            raise Invalid(_("“{given}” lacks the year.", given=shown(given)), _("Write the year too, like 2026-12-31."), "date")
        if isinstance(given, (int, float)):
            raise Invalid(_("“{given}” is a number, not a date.", given=shown(given)), _("Give the cell the date format in Excel."), "date")
        raise Invalid(_("“{given}” is not a date.", given=shown(given)), _("Write it like 2026-12-31."), "date")

    def dump(self, value: Value) -> Any:
        return None if value is None else value.isoformat()

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else str(value.isoformat())

    def cell(self, value: Value, reading: Reading) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def known_defaults(self) -> tuple[str, ...]:
        return ("today",)

    def initial(self, work: Any) -> Value:
        return self.accept(self.of_day(work.today)) if self.default == "today" else super().initial(work)

    def of_day(self, today: dt.date) -> Value:
        """What `default="today"` means for this kind."""
        return today


@dataclass(frozen=True, kw_only=True, eq=False)
class Month(Date):
    """A month, kept as the `datetime.date` of its first day; `2026-12` in JSON."""

    kind: ClassVar[str] = "month"

    def read(self, raw: object) -> Value:
        found = re.fullmatch(r"(\d{4})-(\d\d)", raw, re.ASCII) if isinstance(raw, str) else None
        if not found:
            raise Invalid(_("A month is expected here, like 2026-12."), code="type")
        return month_of(int(found[1]), int(found[2]), raw)

    def accept(self, value: Value) -> dt.date:
        accepted = super().accept(value)
        if accepted.day != 1:
            raise Invalid(_("A month is kept as its first day."), code="date")
        return accepted

    def understand(self, given: Any, reading: Reading) -> dt.date:
        found = day_of(given)
        if found:
            return found.replace(day=1)
        match = _MONTH.fullmatch(_tight(given)) if isinstance(given, str) else None
        if not match:
            raise Invalid(_("“{given}” is not a month.", given=shown(given)), _("Write it like 2026-12."), "date")
        return month_of(int(match[1]), int(match[2]), given)

    def dump(self, value: Value) -> Any:
        return None if value is None else f"{value.year:04}-{value.month:02}"

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else _in(reading, _("{year}-{month:02}", year=value.year, month=value.month))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"}

    def of_day(self, today: dt.date) -> Value:
        return today.replace(day=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Year(Field):
    """A calendar year (`int`) between 1900 and 2200."""

    kind: ClassVar[str] = "year"
    usual_width: ClassVar[int] = 3

    @property
    def storage(self) -> Storage:
        return Storage("integer")

    def read(self, raw: object) -> Value:
        return raw

    def accept(self, value: Value) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(_("A year is expected here, like 2026."), code="type")
        year_in_range(value)
        at_least(value, self.min, f"{self.min}")
        at_most(value, self.max, f"{self.max}")
        return value

    def understand(self, given: Any, reading: Reading) -> int:
        found = day_of(given)
        text = plain_number(given) if isinstance(given, float) else _tight(given)
        match = _YEAR.fullmatch(text)
        if not found and not match:
            raise Invalid(_("“{given}” is not a year.", given=shown(given)), _("Write it like 2026."), "date")
        return found.year if found else int(match[1])  # type: ignore[index]  # one of the two is there

    def cell(self, value: Value, reading: Reading) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": max(self.min or 0, FIRST_YEAR), "maximum": min(self.max or LAST_YEAR, LAST_YEAR)}

    def known_defaults(self) -> tuple[str, ...]:
        return ("today",)

    def initial(self, work: Any) -> Value:
        return work.today.year if self.default == "today" else super().initial(work)


@dataclass(frozen=True, kw_only=True, eq=False)
class Week(Field):
    """A calendar week (`str`, `2026-W51`, ISO 8601: it begins on Monday)."""

    kind: ClassVar[str] = "week"
    usual_width: ClassVar[int] = 3

    @property
    def storage(self) -> Storage:
        return Storage("text", length=8)

    def read(self, raw: object) -> Value:
        return raw

    def accept(self, value: Value) -> str:
        found = re.fullmatch(r"(\d{4})-W(\d\d)", value, re.ASCII) if isinstance(value, str) else None
        if not found:
            raise Invalid(_("A week is expected here, like 2026-W51."), code="type")
        year_in_range(int(found[1]))
        try:
            dt.date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            raise Invalid(_("The year {year} has no week {week}.", year=int(found[1]), week=int(found[2])), code="date") from None
        at_least(value, self.min, f"{self.min}")
        at_most(value, self.max, f"{self.max}")
        return str(value)

    def understand(self, given: Any, reading: Reading) -> str:
        found = day_of(given)
        if found:
            return week_of(found)
        match = _WEEK.fullmatch(_tight(given))
        if not match:
            raise Invalid(_("“{given}” is not a week.", given=shown(given)), _("Write it like 2026-W51."), "date")
        return f"{match[1]}-W{int(match[2]):02}"

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else _in(reading, _("{year}-W{week:02}", year=int(value[:4]), week=int(value[6:])))

    def cell(self, value: Value, reading: Reading) -> object:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(19|20|21)[0-9]{2}-W(0[1-9]|[1-4][0-9]|5[0-3])$"}

    def known_defaults(self) -> tuple[str, ...]:
        return ("today",)

    def initial(self, work: Any) -> Value:
        return week_of(work.today) if self.default == "today" else super().initial(work)


def week_of(value: dt.date) -> str:
    """The ISO week of a day."""
    year, week, _day = value.isocalendar()
    return f"{year:04}-W{week:02}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Time(Field):
    """A time of day (`str`, `08:00`, 24 hours)."""

    kind: ClassVar[str] = "time"
    usual_width: ClassVar[int] = 3

    @property
    def storage(self) -> Storage:
        return Storage("text", length=5)

    def read(self, raw: object) -> Value:
        return raw

    def accept(self, value: Value) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
            raise Invalid(_("A time of day is expected here, like 08:00."), code="type")
        at_least(value, self.min, f"{self.min}")
        at_most(value, self.max, f"{self.max}")
        return value

    def understand(self, given: Any, reading: Reading) -> str:
        if isinstance(given, (dt.datetime, dt.time)):
            return given.strftime("%H:%M")
        match = _TIME.fullmatch(_tight(given))
        if not match or int(match[1]) > 23 or int(match[2]) > 59:
            raise Invalid(_("“{given}” is not a time of day.", given=shown(given)), _("Write it like 08:00."), "date")
        return f"{int(match[1]):02}:{int(match[2]):02}"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment(Field):
    """A point in time (`datetime.datetime`, aware, UTC); people read and type it in the site's zone, to the minute."""

    kind: ClassVar[str] = "moment"

    @property
    def storage(self) -> Storage:
        return Storage("moment")

    def read(self, raw: object) -> Value:
        if not isinstance(raw, str) or not _MOMENT.fullmatch(raw):
            raise Invalid(
                _("A time with its offset is expected here, like 2026-12-31T08:00:00+08:00."),
                _("Add the offset from UTC at the end, or Z."), "type",
            )
        try:
            return dt.datetime.fromisoformat(raw.upper())
        except ValueError:
            raise Invalid(_("The time {given} does not exist.", given=shown(raw)), code="date") from None

    def accept(self, value: Value) -> dt.datetime:
        if not isinstance(value, dt.datetime) or value.utcoffset() is None:
            raise Invalid(_("A time with its offset is expected here, like 2026-12-31T08:00:00+08:00."), code="type")
        year_in_range(value.year)
        utc = value.astimezone(dt.UTC)
        year_in_range(utc.year)
        at_least(utc, self.min, f"{self.min}")
        at_most(utc, self.max, f"{self.max}")
        return utc

    def understand(self, given: Any, reading: Reading) -> dt.datetime:
        if isinstance(given, dt.datetime):
            return self._local(given, reading) if given.tzinfo is None else given
        text = plain(given) if isinstance(given, str) else ""
        if _MOMENT.fullmatch(text):
            return dt.datetime.fromisoformat(text.upper())
        date_text, _space, time_text = text.replace("T", " ").rpartition(" ")
        clock = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.0+)?)?", time_text, re.ASCII)
        match = _DATE.fullmatch(date_text.replace(" ", ""))
        if not clock or not match:
            raise Invalid(_("“{given}” is not a date with a time.", given=shown(given)), _("Write it like 2026-12-31 08:00."), "date")
        found = day(int(match[1]), int(match[2]), int(match[3]), date_text)
        if int(clock[1]) > 23 or int(clock[2]) > 59 or int(clock[3] or 0) > 59:
            raise Invalid(_("The time {given} does not exist.", given=shown(time_text)), _("Hours run from 0 to 23."), "date")
        return self._local(dt.datetime.combine(found, dt.time(int(clock[1]), int(clock[2]), int(clock[3] or 0))), reading)

    def _local(self, wall: dt.datetime, reading: Reading) -> dt.datetime:
        year_in_range(wall.year)
        there = wall.replace(tzinfo=reading.zone)
        if there.astimezone(dt.UTC).astimezone(reading.zone).replace(tzinfo=None) != wall:
            raise Invalid(_("The time {given} does not exist.", given=shown(wall)), _("The clock was put forward then."), "date")
        return there

    def dump(self, value: Value) -> Any:
        return None if value is None else value.isoformat()

    def text(self, value: Value, reading: Reading) -> str:
        return "" if value is None else str(value.astimezone(reading.zone).strftime("%Y-%m-%d %H:%M"))

    def cell(self, value: Value, reading: Reading) -> object:
        return None if value is None else value.astimezone(reading.zone).replace(tzinfo=None)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def known_defaults(self) -> tuple[str, ...]:
        return ("now",)

    def initial(self, work: Any) -> Value:
        return self.accept(work.now) if self.default == "now" else super().initial(work)


@dataclass(frozen=True, kw_only=True, eq=False)
class Duration(Field):
    """A span of time (`datetime.timedelta`), whole seconds, not negative, at most ten years; `PT48H` in JSON."""

    kind: ClassVar[str] = "duration"
    usual_width: ClassVar[int] = 3
    converts: ClassVar[bool] = True

    @property
    def storage(self) -> Storage:
        return Storage("integer")

    def read(self, raw: object) -> Value:
        found = _DURATION.fullmatch(raw) if isinstance(raw, str) else None
        if not found or not any(found.groups()):
            raise Invalid(_("A span of time is expected here, like PT48H."), _("Weeks, days, hours, minutes and seconds; no months or years."), "type")
        weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
        return dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)

    def accept(self, value: Value) -> dt.timedelta:
        if not isinstance(value, dt.timedelta):
            raise Invalid(_("A span of time is expected here, like PT48H."), code="type")
        if value < dt.timedelta(0) or value > LONGEST or value.microseconds:
            raise Invalid(_("A span is from 0 to 3,660 days, in whole seconds."), code="range")
        at_least(value, self.min, span_text(self.min))
        at_most(value, self.max, span_text(self.max))
        return value

    def understand(self, given: Any, reading: Reading) -> dt.timedelta:
        if isinstance(given, dt.timedelta):
            return given
        if isinstance(given, dt.time):
            return dt.timedelta(hours=given.hour, minutes=given.minute, seconds=given.second)
        text = _tight(given).casefold() if isinstance(given, str) else ""
        clock = re.fullmatch(r"(\d{1,5}):([0-5]\d)", text, re.ASCII)
        if clock:
            return dt.timedelta(hours=int(clock[1]), minutes=int(clock[2]))
        parts = list(_SPAN.finditer(text))
        if not parts or "".join(part.group() for part in parts) != text:
            raise Invalid(_("“{given}” is not a span of time.", given=shown(given)), _("Write it like 48 h, 30 min or 2 d."), "date")
        return dt.timedelta(seconds=sum(float(part[1]) * _SECONDS[part[2]] for part in parts))

    def dump(self, value: Value) -> Any:
        if value is None:
            return None
        hours, minutes, seconds = _parts(value)
        text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{seconds}S" if seconds else "")
        return "PT" + (text or "0S")

    def text(self, value: Value, reading: Reading) -> str:
        return span_text(value)

    def json_schema(self) -> dict[str, Any]:
        number = "[0-9]{1,4}"
        clock = f"T({number}H)({number}M)?({number}S)?|T({number}M)({number}S)?|T{number}S"
        return {"type": "string", "pattern": f"^P(([0-9]{{1,2}}W)|(([0-9]{{1,3}}D)({clock})?)|({clock}))$"}

    def to_column(self, value: Value) -> Any:
        return None if value is None else int(value.total_seconds())

    def from_column(self, stored: Any) -> Value:
        return None if stored is None else dt.timedelta(seconds=stored)

    def check(self) -> Iterator[Told]:
        yield from super().check()
        if self.filters:
            yield "F130", "A span cannot be filtered by.", "Take filter=True away."


def _parts(value: dt.timedelta) -> tuple[int, int, int]:
    total = int(value.total_seconds())
    return total // 3600, total // 60 % 60, total % 60


def span_text(value: dt.timedelta | None) -> str:
    """A span in the units of paper: `48 h`, `1 h 30 min`."""
    if value is None:
        return ""
    parts = [f"{n} {unit}" for n, unit in zip(_parts(value), ("h", "min", "s"), strict=True) if n]
    return " ".join(parts) or "0 min"


def _in(reading: Reading, message: str) -> str:
    return reading.translate(message)
