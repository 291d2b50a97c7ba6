"""Calendars by what was known when."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.calendars import (
    CalendarName,
    DayKind,
    HolidayNoticeRow,
    HolidayRow,
    calendar_on,
    import_builtin_calendars,
)
from carbonfin.storage.engine import Sessions

BUSINESS_DAY = datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC)


@pytest.fixture
def loaded(sessions: Sessions) -> Sessions:
    with sessions.begin() as session:
        assert import_builtin_calendars(session) == 8  # 2019 to 2026
    return sessions


def calendar(sessions: Sessions, name: CalendarName, known_at: datetime = BUSINESS_DAY) -> Calendar:
    with sessions.read() as session:
        return calendar_on(session, name, known_at)


def test_2025_had_243_exchange_days_and_248_bank_days(loaded: Sessions) -> None:
    # 243 as the ministry reports for the national market in 2025; five make-up workdays more for banks
    year = date(2025, 1, 1), date(2026, 1, 1)
    known_at = datetime(2025, 12, 31, tzinfo=UTC)
    assert calendar(loaded, "exchange", known_at).open_days_between(*year) == 243
    assert calendar(loaded, "bank", known_at).open_days_between(*year) == 248


def test_exchange_days_of_other_years(loaded: Sessions) -> None:
    # the exchanges' own counts: 2019 244, 2020 243, 2021 243, 2022 242, 2023 242, 2024 242
    exchange = calendar(loaded, "exchange")
    counts = [exchange.open_days_between(date(year, 1, 1), date(year + 1, 1, 1)) for year in range(2019, 2025)]
    assert counts == [244, 243, 243, 242, 242, 242]


def test_the_next_year_is_unknown_until_its_notice(loaded: Sessions) -> None:
    assert calendar(loaded, "bank").known_until == date(2025, 12, 31)
    before, after = datetime(2025, 11, 3, 15, 59, tzinfo=UTC), datetime(2025, 11, 3, 16, 0, tzinfo=UTC)
    assert calendar(loaded, "bank", before).known_until == date(2025, 12, 31)
    assert calendar(loaded, "bank", after).known_until == date(2026, 12, 31)  # 4 November has begun in Shanghai
    with pytest.raises(MissingData):
        calendar(loaded, "bank").is_open(date(2026, 1, 5))


def test_make_up_workdays_are_bank_days_only(loaded: Sessions) -> None:
    make_up = date(2025, 1, 26)  # a Sunday worked before the Spring Festival
    assert calendar(loaded, "bank").is_open(make_up)
    assert not calendar(loaded, "exchange").is_open(make_up)
    for name in ("bank", "exchange"):
        assert not calendar(loaded, name).is_open(date(2025, 1, 28))  # 除夕, a Tuesday
        assert calendar(loaded, name).is_open(date(2025, 6, 30))


def test_exchanges_closed_on_the_eve_of_2024(loaded: Sessions) -> None:
    eve = date(2024, 2, 9)  # 除夕, a Friday and no holiday by the notice
    assert calendar(loaded, "bank").is_open(eve)
    assert not calendar(loaded, "exchange").is_open(eve)


def test_importing_twice_changes_nothing(loaded: Sessions) -> None:
    with loaded.begin() as session:
        before = session.exec(select(sa.func.count()).select_from(HolidayRow)).one()
        assert import_builtin_calendars(session) == 0
        assert session.exec(select(sa.func.count()).select_from(HolidayRow)).one() == before


def test_notices_from_memory_are_not_confirmed(loaded: Sessions) -> None:
    with loaded.read() as session:
        rows = session.exec(select(HolidayNoticeRow)).all()
    assert {row.grade.value for row in rows} == {"memory", "unknown"}
    assert not any(row.confirmed for row in rows)
    assert all(row.note for row in rows if row.grade.value == "unknown")


def test_every_make_up_workday_is_a_weekend_and_no_holiday(loaded: Sessions) -> None:
    with loaded.read() as session:
        days = session.exec(select(HolidayRow.day, HolidayRow.kind)).all()
    worked = {day for day, kind in days if kind is DayKind.MAKE_UP_WORKDAY}
    assert len(worked) > 30
    assert all(day.weekday() >= 5 for day in worked)
    assert not worked & {day for day, kind in days if kind is DayKind.HOLIDAY}


def test_a_correction_counts_from_the_day_it_is_known(loaded: Sessions) -> None:
    with loaded.begin() as session:
        notice = HolidayNoticeRow(
            id="corrected",
            year=2025,
            known_from=date(2025, 8, 1),
            document="更正",
            grade="read",
            confirmed=True,
            note="",
        )
        session.add(notice)
        session.flush()
        session.add(
            HolidayRow(notice_id="corrected", day=date(2025, 9, 3), kind=DayKind.HOLIDAY, name_zh="", name_en="")
        )
    september = date(2025, 9, 3)
    assert calendar(loaded, "bank").is_open(september)
    assert not calendar(loaded, "bank", BUSINESS_DAY + timedelta(days=40)).is_open(september)


def test_a_gap_between_years_ends_the_calendar(loaded: Sessions) -> None:
    with loaded.begin() as session:
        session.add(
            HolidayNoticeRow(
                year=2028, known_from=date(2025, 1, 1), document="x", grade="sample", confirmed=False, note=""
            )
        )
    assert calendar(loaded, "bank").known_until == date(2025, 12, 31)


def test_without_notices_there_is_no_calendar(sessions: Sessions) -> None:
    with pytest.raises(MissingData):
        calendar(sessions, "bank")
    with sessions.begin() as session:
        import_builtin_calendars(session)
    with pytest.raises(MissingData):
        calendar(sessions, "bank", datetime(2018, 12, 30, tzinfo=UTC))
