"""Which days can be closed: from the business date on, every open day, none ahead of today."""

from datetime import date
from typing import Any

import pytest

from carbonfin.app.jobs.days import ask_for_end_of_day, days_to_close, missed_days
from carbonfin.app.jobs.end_of_day import END_OF_DAY
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from tests.app.worlds import BUSINESS_DATE, NOW, World, build_world

CLOCK = FixedClock(NOW)


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions)
    with world.sessions.begin() as session:
        import_builtin_calendars(session)
    return world


def _days(world: World, first: date | None, last: date | None) -> Any:
    with world.sessions.read() as session:
        return days_to_close(session, world.officer, first=first, last=last, clock=CLOCK)


def test_nothing_said_is_the_business_date_alone(world: World) -> None:
    assert _days(world, None, None) == (BUSINESS_DATE,)
    assert _days(world, BUSINESS_DATE, BUSINESS_DATE) == (BUSINESS_DATE,)


def test_days_run_over_the_week_end(world: World) -> None:
    """30 June 2025 is a Monday; the Monday after it is 7 July."""
    assert _days(world, None, date(2025, 7, 7)) == (
        date(2025, 6, 30), date(2025, 7, 1), date(2025, 7, 2), date(2025, 7, 3), date(2025, 7, 4), date(2025, 7, 7),
    )  # fmt: skip


def test_days_run_over_the_national_holiday_and_the_day_worked_for_it(world: World) -> None:
    """In 2025 banks were closed from 1 to 8 October and worked on Sunday 28 September and Saturday 11 October."""
    days = _days(world, None, date(2025, 10, 13))
    autumn = [day for day in days if day >= date(2025, 9, 26)]
    assert [(day.month, day.day) for day in autumn] == [
        (9, 26), (9, 28), (9, 29), (9, 30), (10, 9), (10, 10), (10, 11), (10, 13),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "kind", "words"),
    [
        (date(2025, 7, 1), date(2025, 7, 2), Conflict, "from 2025-06-30 on would be left out"),
        (date(2025, 6, 27), date(2025, 7, 2), Conflict, "2025-06-27 is closed"),
        (None, date(2025, 7, 5), InvalidInput, "banks are closed on 2025-07-05"),
        (None, date(2025, 6, 27), InvalidInput, "before the business date"),
        (None, date(2026, 3, 3), InvalidInput, "ahead of today, 2026-03-02"),
        (None, date(2026, 3, 2), InvalidInput, "more than 120 days"),
    ],
)
def test_gaps_and_days_that_are_none_are_refused(
    world: World, first: date | None, last: date, kind: type[CarbonFinError], words: str
) -> None:
    with pytest.raises(kind, match=words) as refused:
        _days(world, first, last)
    assert refused.value.field == ("business_date" if kind is Conflict else "last_date")
    assert refused.value.zh


def test_a_refused_request_is_not_kept(world: World) -> None:
    with pytest.raises(InvalidInput), world.sessions.begin() as session:
        ask_for_end_of_day(session, world.officer, first=None, last=date(2025, 7, 5), rolls=True, clock=CLOCK)
    with world.sessions.begin() as session:
        asked = ask_for_end_of_day(session, world.officer, first=None, last=date(2025, 7, 1), rolls=False, clock=CLOCK)
    assert (asked.business_date, asked.last_date) == (BUSINESS_DATE, date(2025, 7, 1))
    assert asked.total_count == 2 * len(END_OF_DAY) + 1, "the steps of two days, and one move between them"


def test_missed_days_are_those_before_today(world: World) -> None:
    thursday = FixedClock(NOW.replace(year=2025, month=7, day=3))
    with world.sessions.read() as session:
        standing = standing_of(session, world.stranger.organization_id, thursday)
        assert missed_days(session, standing, thursday).days == (
            date(2025, 6, 30),
            date(2025, 7, 1),
            date(2025, 7, 2),
        )
        own = standing_of(session, world.officer.organization_id, thursday)
        assert missed_days(session, own, thursday).days == (), "a sample bank lives in its own time"
