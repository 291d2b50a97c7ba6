"""What was known when: a fact is learnt on a day or at an instant of it, and asked for at an instant or by a day's end.

Files and paper tell a day; it counts from midnight in China. A rulebook at rest knows the instant of the approval, so
that two corrections of one day can be told apart, and what was decided between them rests on the first.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Protocol

from carbonfin.kernel.dates import aware, china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput

KnownAt = date | datetime
"""When it is asked what was known: an instant, or a day in China, which means by its end."""
_MIDNIGHT = datetime.min.replace(tzinfo=UTC)


class Learnt(Protocol):
    """What is known from a day in China, or from an instant of that day."""

    @property
    def known_from(self) -> date:
        """The day."""
        ...

    @property
    def known_at(self) -> datetime | None:
        """The instant of that day, or None where it is the day's beginning."""
        ...


def instant_asked(known_at: KnownAt) -> datetime:
    """Give the instant that is meant, in UTC: the end of a day in China.

    Raises:
        InvalidInput: An instant without a time zone.
    """
    return aware(known_at) if isinstance(known_at, datetime) else end_of_china_day(known_at)


@lru_cache(maxsize=256)
def moment_asked(known_at: KnownAt) -> tuple[datetime, date]:
    """Give the instant that is meant, in UTC, and its day in China: one decision asks a dozen values of one moment.

    Raises:
        InvalidInput: An instant without a time zone.
    """
    instant = instant_asked(known_at)
    return instant, china_day(instant)


def was_known(one: Learnt, *, instant: datetime, day: date) -> bool:
    """Whether something was known at an instant; `day` is that instant's day in China, worked out once by who asks."""
    if one.known_from != day:
        return one.known_from < day
    return one.known_at is None or one.known_at <= instant


def known_instant(known_from: date, decided_at: datetime | None) -> datetime | None:
    """Give the instant from which something approved is known; None where its first day began after the approval."""
    return decided_at if decided_at is not None and china_day(decided_at) == known_from else None


def backdated_days(*, valid_from: date, known_from: date) -> int:
    """Give how many days a rule is in force backwards: its first day lies so long before the day it is known from.

    Decisions made on those days stand; those made from `known_from` on about them rest on the later rule.
    """
    return max(0, (known_from - valid_from).days)


def known_order(one: Learnt) -> tuple[date, datetime]:
    """Give what orders things by when they were learnt."""
    return one.known_from, one.known_at or _MIDNIGHT


def require_same_day(one: Learnt, what: str, what_zh: str) -> None:
    """Refuse an instant that is not on the day something is known from.

    Raises:
        InvalidInput: It is not.
    """
    if one.known_at is not None and china_day(one.known_at) != one.known_from:
        raise InvalidInput(
            f"{what} is known at {one.known_at.isoformat()}, which is not on {one.known_from} in China",
            zh=f"{what_zh}的知悉时点不在知悉日 {one.known_from}",
            field="known_at",
        )
