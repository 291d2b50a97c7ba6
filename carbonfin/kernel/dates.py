"""Clock, calendars that know how far they reach, and day counts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from carbonfin.kernel.errors import InvalidInput, MissingData

CHINA = ZoneInfo("Asia/Shanghai")
_SATURDAY = 5


class Clock(ABC):
    """Something that tells the time; only the application hands one out."""

    __slots__ = ()

    @abstractmethod
    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one reader of the clock


@dataclass(frozen=True, slots=True)
class FixedClock(Clock):
    """A clock that stands still, for tests and sample worlds."""

    instant: datetime

    def __post_init__(self) -> None:
        """Refuse a naive instant."""
        aware(self.instant)

    def now(self) -> datetime:
        """Give the fixed instant in UTC."""
        return self.instant.astimezone(UTC)


def aware(instant: datetime) -> datetime:
    """Return the instant in UTC; a naive one is refused, and one whose day UTC or China cannot name."""
    if instant.tzinfo is None:
        raise InvalidInput(f"instant {instant} has no time zone", zh="时间缺少时区", remedy="Add a time zone.")
    try:
        instant.astimezone(CHINA)
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(
            f"instant {instant} lies beyond the years that can be counted", zh=f"时间 {instant} 超出可表示的范围"
        ) from error


def china_day(instant: datetime) -> date:
    """Give the day in China at an instant."""
    return aware(instant).astimezone(CHINA).date()


def start_of_china_day(day: date) -> datetime:
    """Give the first instant of a day in China, in UTC."""
    return datetime.combine(day, time.min, tzinfo=CHINA).astimezone(UTC)


def end_of_china_day(day: date) -> datetime:
    """Give the last instant of a day in China, in UTC: what is known by the close of that day."""
    return datetime.combine(day, time.max, tzinfo=CHINA).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class RolledDay:
    """A contractual day moved to an open day, or left where it stands because no calendar reaches it."""

    day: date
    provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Open days of a bank or an exchange, as far as the published notices reach.

    Attributes:
        name: bank or exchange.
        holidays: Days closed by notice.
        make_up_workdays: Weekend days worked by notice; open for banks, closed for exchanges.
        known_until: Last day the notices speak of.
        works_make_up_days: Whether make-up workdays are open days here.
        known_since: First day the notices speak of, where they do not reach back without end.
    """

    name: str
    holidays: frozenset[date]
    make_up_workdays: frozenset[date]
    known_until: date
    works_make_up_days: bool
    known_since: date | None = None

    def knows(self, day: date) -> bool:
        """Whether the notices reach that day."""
        return day <= self.known_until and (self.known_since is None or self.known_since <= day)

    def is_open(self, day: date) -> bool:
        """Whether that day is open.

        Raises:
            MissingData: The day lies past the last published notice, or before the first one at hand.
        """
        if day > self.known_until:
            raise MissingData(
                f"the {self.name} calendar is known until {self.known_until}, not for {day}",
                zh=f"{day} 的节假日安排未公布（已知至 {self.known_until}）",
                field="date",
                remedy="Load the year's holiday notice or choose an earlier day.",
                remedy_zh="请导入当年放假通知，或选择更早的日期。",
                known_until=self.known_until.isoformat(),
            )
        if not self.knows(day):
            raise MissingData(
                f"the {self.name} calendar is known from {self.known_since} on, not for {day}",
                zh=f"{day} 的节假日安排未录入（自 {self.known_since} 起已知）",
                field="date",
                remedy="Load the year's holiday notice or choose a later day.",
                remedy_zh="请导入当年放假通知，或选择更晚的日期。",
                known_since=str(self.known_since),
            )
        if day in self.make_up_workdays:
            return self.works_make_up_days
        return day.weekday() < _SATURDAY and day not in self.holidays

    def roll_following(self, day: date) -> date:
        """Give the day itself if open, else the next open day."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day

    def roll_preceding(self, day: date) -> date:
        """Give the day itself if open, else the open day before."""
        while not self.is_open(day):
            day -= timedelta(days=1)
        return day

    def roll_if_known(self, day: date) -> RolledDay:
        """Roll a contractual day forward, or leave it unadjusted and provisional where the notices end."""
        try:
            return RolledDay(self.roll_following(day), provisional=False)
        except MissingData:
            return RolledDay(day, provisional=True)

    def add_open_days(self, day: date, count: int) -> date:
        """Move by a number of open days, backwards if negative; the starting day is not counted."""
        step = timedelta(days=1 if count >= 0 else -1)
        remaining = abs(count)
        while remaining:
            day += step
            if self.is_open(day):
                remaining -= 1
        return day

    def open_days(self, start: date, end: date) -> Iterator[date]:
        """Give each open day of `[start, end)`."""
        day = start
        while day < end:
            if self.is_open(day):
                yield day
            day += timedelta(days=1)

    def open_days_between(self, start: date, end: date) -> int:
        """Count the open days of `[start, end)`."""
        return sum(1 for _ in self.open_days(start, end))


class DayCount(StrEnum):
    """Day count conventions (计息基准)."""

    ACT_360 = "act/360"
    ACT_365 = "act/365"
    THIRTY_E_360 = "30E/360"


def days_between(basis: DayCount, start: date, end: date) -> int:
    """Count the days of `[start, end)` as the convention does."""
    if basis is DayCount.THIRTY_E_360:
        return _thirty_e(end) - _thirty_e(start)
    return (end - start).days


def year_fraction(basis: DayCount, start: date, end: date) -> Fraction:
    """Give the exact year fraction of `[start, end)`: days over 360 or 365."""
    return Fraction(days_between(basis, start, end), 365 if basis is DayCount.ACT_365 else 360)


def _thirty_e(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)
