"""Clocks, calendars that know how far they reach, and day counts."""

import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel import dates
from carbonfin.kernel.dates import Calendar, DayCount, FixedClock, SystemClock
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31))
ROOT = Path(__file__).resolve().parents[2]
SHARED_DAY_COUNTS = (
    Path(os.environ.get("CARBONFIN_VECTORS", ROOT.parent / "shared/vectors")) / "quantlib-vectors/daycounts.json"
)

# 国务院办公厅关于2025年部分节假日安排的通知 (国办发明电〔2024〕12号): Labour Day and National Day 2025.
HOLIDAYS_2025 = frozenset(
    {date(2025, 5, day) for day in range(1, 6)} | {date(2025, 10, day) for day in range(1, 9)} | {date(2025, 1, 1)}
)
WORKED_2025 = frozenset({date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11)})


def _calendar(name: str, *, works: bool) -> Calendar:
    return Calendar(
        name=name,
        holidays=HOLIDAYS_2025,
        make_up_workdays=WORKED_2025,
        known_until=date(2025, 12, 31),
        works_make_up_days=works,
    )


BANK, EXCHANGE = _calendar("bank", works=True), _calendar("exchange", works=False)


# --- instants -------------------------------------------------------------------------------------------------------
def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_fixed_clock_stands_still_in_utc() -> None:
    clock = FixedClock(datetime(2025, 6, 30, 23, 59, tzinfo=dates.CHINA))
    assert clock.now() == clock.now() == datetime(2025, 6, 30, 15, 59, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2025, 6, 30, 12)  # noqa: DTZ001 - the fault under test
    for use in (FixedClock, dates.aware, dates.china_day):
        with pytest.raises(InvalidInput, match="no time zone"):
            use(naive)


def test_the_day_in_china_turns_at_sixteen_hours_utc() -> None:
    assert dates.china_day(datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC)) == date(2025, 6, 30)
    assert dates.china_day(datetime(2025, 6, 30, 16, 0, tzinfo=UTC)) == date(2025, 7, 1)


@given(DAYS)
def test_the_end_of_a_day_is_its_last_instant(day: date) -> None:
    end = dates.end_of_china_day(day)
    assert dates.china_day(end) == day
    assert dates.china_day(end + timedelta(microseconds=1)) == day + timedelta(days=1)


# --- calendars ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("day", "bank", "exchange"),
    [
        (date(2025, 6, 30), True, True),  # Monday
        (date(2025, 6, 28), False, False),  # Saturday
        (date(2025, 5, 1), False, False),  # holiday on a Thursday
        (date(2025, 9, 28), True, False),  # a Sunday worked by notice: banks open, exchanges closed
    ],
)
def test_open_days(day: date, bank: bool, exchange: bool) -> None:  # noqa: FBT001 - columns of a table
    assert BANK.is_open(day) is bank
    assert EXCHANGE.is_open(day) is exchange


def test_past_the_last_notice_the_calendar_says_that_it_does_not_know() -> None:
    assert BANK.knows(date(2025, 12, 31))
    assert BANK.is_open(date(2025, 12, 31))  # the last known day is known
    assert not BANK.knows(date(2026, 1, 1))
    with pytest.raises(MissingData) as caught:
        BANK.is_open(date(2026, 1, 1))
    assert "节假日安排未公布" in caught.value.zh
    assert caught.value.context["known_until"] == "2025-12-31"
    for ask in (
        lambda: BANK.roll_following(date(2026, 2, 14)),
        lambda: BANK.roll_preceding(date(2026, 2, 14)),
        lambda: BANK.add_open_days(date(2025, 12, 30), 2),
        lambda: BANK.open_days_between(date(2025, 12, 30), date(2026, 1, 2)),
    ):
        with pytest.raises(MissingData):
            ask()


def test_before_the_first_notice_the_calendar_does_not_guess_either() -> None:
    since = dataclasses.replace(BANK, known_since=date(2025, 1, 1))
    assert since.is_open(date(2025, 1, 2))
    assert not since.knows(date(2024, 12, 31))
    with pytest.raises(MissingData) as caught:
        since.roll_preceding(date(2025, 1, 1))
    assert caught.value.context["known_since"] == "2025-01-01"
    assert "未录入" in caught.value.zh


def test_rolling() -> None:
    assert BANK.roll_following(date(2025, 10, 1)) == date(2025, 10, 9)
    assert BANK.roll_preceding(date(2025, 10, 8)) == date(2025, 9, 30)
    assert BANK.roll_following(date(2025, 9, 27)) == date(2025, 9, 28)
    assert EXCHANGE.roll_following(date(2025, 9, 27)) == date(2025, 9, 29)


def test_a_contractual_day_past_the_notice_stands_unadjusted_and_provisional() -> None:
    known = BANK.roll_if_known(date(2025, 9, 20))  # Saturday
    assert (known.day, known.provisional) == (date(2025, 9, 22), False)
    unknown = BANK.roll_if_known(date(2026, 6, 20))  # Saturday of a year without a notice
    assert (unknown.day, unknown.provisional) == (date(2026, 6, 20), True)


def test_a_day_that_would_roll_over_the_edge_is_provisional_too() -> None:
    short = Calendar(
        name="bank",
        holidays=frozenset(),
        make_up_workdays=frozenset(),
        known_until=date(2025, 6, 29),
        works_make_up_days=True,
    )
    rolled = short.roll_if_known(date(2025, 6, 28))  # Saturday; Monday is not known
    assert (rolled.day, rolled.provisional) == (date(2025, 6, 28), True)


def test_counting_open_days() -> None:
    assert BANK.add_open_days(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert EXCHANGE.add_open_days(date(2025, 10, 9), 2) == date(2025, 10, 13)  # Saturday 11 October is for banks only
    assert BANK.add_open_days(date(2025, 10, 9), 2) == date(2025, 10, 11)
    assert BANK.add_open_days(date(2025, 10, 9), -1) == date(2025, 9, 30)
    assert BANK.add_open_days(date(2025, 10, 1), 0) == date(2025, 10, 1)
    assert EXCHANGE.open_days_between(date(2025, 9, 29), date(2025, 10, 9)) == 2
    assert list(BANK.open_days(date(2025, 10, 9), date(2025, 10, 9))) == []


KNOWN_DAYS = st.dates(min_value=date(2025, 1, 2), max_value=date(2025, 11, 30))


@given(KNOWN_DAYS, st.integers(0, 12))
def test_open_days_there_and_back(day: date, count: int) -> None:
    start = EXCHANGE.roll_following(day)
    there = EXCHANGE.add_open_days(start, count)
    assert EXCHANGE.add_open_days(there, -count) == start
    assert EXCHANGE.open_days_between(start, there) == count


@given(KNOWN_DAYS)
def test_rolled_days_are_the_nearest_open_days(day: date) -> None:
    after, before = BANK.roll_following(day), BANK.roll_preceding(day)
    assert before <= day <= after
    assert BANK.is_open(after)
    assert BANK.is_open(before)
    assert BANK.open_days_between(day, after) == 0


# --- day counts -----------------------------------------------------------------------------------------------------
# QuantLib test-suite/daycounters.cpp, test30_360_EurobondBasis (modified BSD).
EUROBOND = [
    ("2006-08-20", "2007-02-20", 180), ("2006-02-28", "2006-08-31", 182), ("2006-08-31", "2007-02-28", 178),
    ("2007-02-28", "2007-08-31", 182), ("2007-08-31", "2008-02-29", 179), ("2008-02-29", "2008-08-31", 181),
    ("2006-01-31", "2006-02-28", 28), ("2006-10-31", "2006-11-28", 28), ("2006-02-28", "2006-03-03", 5),
    ("2008-02-29", "2009-02-28", 359),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "days"), EUROBOND)
def test_thirty_e_360_as_published(start: str, end: str, days: int) -> None:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    assert dates.days_between(DayCount.THIRTY_E_360, first, last) == days
    assert dates.year_fraction(DayCount.THIRTY_E_360, first, last) == Fraction(days, 360)


def _shared_eurobond() -> Iterator[tuple[date, date, int]]:
    for case in json.loads(SHARED_DAY_COUNTS.read_text(encoding="utf-8"))["thirty360_days"]["EurobondBasis"]:
        yield date.fromisoformat(case["start"]), date.fromisoformat(case["end"]), case["days"]


@pytest.mark.skipif(not SHARED_DAY_COUNTS.exists(), reason="the folder of shared vectors is not here")
def test_thirty_e_360_over_the_whole_vector_file() -> None:
    cases = list(_shared_eurobond())
    assert len(cases) == 33
    wrong = [case for case in cases if dates.days_between(DayCount.THIRTY_E_360, case[0], case[1]) != case[2]]
    assert wrong == []


PEERS = {
    DayCount.ACT_360: ql.Actual360(),
    DayCount.ACT_365: ql.Actual365Fixed(),
    DayCount.THIRTY_E_360: ql.Thirty360(ql.Thirty360.European),
}


@given(st.sampled_from(DayCount), DAYS, DAYS)
def test_day_counts_agree_with_quantlib(basis: DayCount, one: date, other: date) -> None:
    start, end = min(one, other), max(one, other)
    peer = PEERS[basis]
    assert dates.days_between(basis, start, end) == peer.dayCount(ql_date(start), ql_date(end))
    fraction = float(dates.year_fraction(basis, start, end))
    assert fraction == pytest.approx(peer.yearFraction(ql_date(start), ql_date(end)), abs=1e-12)


@given(st.sampled_from([DayCount.ACT_360, DayCount.ACT_365]), DAYS, DAYS, DAYS)
def test_actual_days_add_up(basis: DayCount, one: date, two: date, three: date) -> None:
    first, middle, last = sorted((one, two, three))
    whole = dates.year_fraction(basis, first, last)
    assert dates.year_fraction(basis, first, middle) + dates.year_fraction(basis, middle, last) == whole


def test_a_first_interest_period_by_hand() -> None:
    """1 to 21 July 2025, start counted and end not: 20 days; 10,000,000 at 3.29 % over 360 is 18,277.78."""
    fraction = dates.year_fraction(DayCount.ACT_360, date(2025, 7, 1), date(2025, 7, 21))
    assert fraction == Fraction(20, 360)
    assert round(float(10_000_000 * Fraction("0.0329") * fraction), 2) == 18277.78
