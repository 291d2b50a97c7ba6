"""When a margin call must be answered: days of named calendars, hours of a named time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from carbonfin.kernel.dates import Calendar, aware
from carbonfin.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTiming:
    """The hours and days of an agreement.

    Attributes:
        zone: Where the hours are told.
        calendars: A day is a business day where each of these is open.
        notification_time: A call received by this hour counts for the day.
        transfer_time: Hour by which a transfer must have settled.
        resolution_time: Hour by which a dispute is recalculated.
        days_on_time: Business days from a call in time to its transfer.
        days_late: Business days from a call after the hour, or on a closed day, to its transfer.
        resolution_days: Business days from a dispute to its recalculation.
        grace_days: Business days after the deadline in which a late transfer still cures.
    """

    zone: ZoneInfo
    calendars: tuple[Calendar, ...]
    notification_time: time
    transfer_time: time
    resolution_time: time
    days_on_time: int
    days_late: int
    resolution_days: int
    grace_days: int

    def __post_init__(self) -> None:
        """Refuse no calendar, hours that carry a zone of their own, and a late call due before one in time."""
        hours = (self.notification_time, self.transfer_time, self.resolution_time)
        if not self.calendars or any(hour.tzinfo is not None for hour in hours):
            raise InvalidInput(
                "a call needs a calendar, and hours of its one zone",
                zh="须指定营业日历，时刻按约定时区填写",
                field="calendars",
            )
        if not 0 <= self.days_on_time <= self.days_late or min(self.resolution_days, self.grace_days) < 0:
            raise InvalidInput(
                f"days {self.days_on_time} on time, {self.days_late} late, {self.resolution_days} to resolve, "
                f"{self.grace_days} of grace are out of order",
                zh="天数不能为负，且逾时通知的交付期不得早于按时通知",
                field="days_late",
            )

    def is_open(self, day: date) -> bool:
        """Whether every calendar is open.

        Raises:
            MissingData: No calendar is known to be closed, and the notices of one do not reach that day.
        """
        return all(calendar.is_open(day) for calendar in self.calendars)

    def days_after(self, day: date, count: int) -> date:
        """Move forward by a number of business days; the starting day is not counted."""
        while count:
            day += timedelta(days=1)
            count -= self.is_open(day)
        return day

    def local(self, instant: datetime) -> datetime:
        """Tell an instant in the zone of the agreement."""
        return aware(instant).astimezone(self.zone)

    def at(self, day: date, hour: time) -> datetime:
        """Give the instant, in UTC, of a local hour."""
        return datetime.combine(day, hour, tzinfo=self.zone).astimezone(UTC)


def is_notified_in_time(timing: CallTiming, notified_at: datetime) -> bool:
    """Whether a call counts for the day it was received: a business day, not after the notification time."""
    local = timing.local(notified_at)
    return timing.is_open(local.date()) and local.time() <= timing.notification_time


def transfer_deadline(timing: CallTiming, notified_at: datetime) -> datetime:
    """Give the instant by which the transfer must have settled, in UTC.

    In time: `days_on_time` business days on. After the hour, or on a closed day: `days_late` on.
    """
    days = timing.days_on_time if is_notified_in_time(timing, notified_at) else timing.days_late
    return timing.at(timing.days_after(timing.local(notified_at).date(), days), timing.transfer_time)


def resolution_deadline(timing: CallTiming, disputed_at: datetime) -> datetime:
    """Give the instant by which a dispute is recalculated, in UTC."""
    day = timing.days_after(timing.local(disputed_at).date(), timing.resolution_days)
    return timing.at(day, timing.resolution_time)


def grace_end(timing: CallTiming, deadline_at: datetime) -> datetime:
    """Give the last instant at which a late transfer still cures, in UTC."""
    day = timing.days_after(timing.local(deadline_at).date(), timing.grace_days)
    return timing.at(day, timing.transfer_time)
