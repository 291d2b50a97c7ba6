"""Days past due by hand: 14 March 2025, 855,000.00 at 3.55 %, act/360, interest on the 21st, bullet on 12 December."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, roll_business_date, standing_of
from loans import service
from loans.calc.past_due import PastDue, past_due_of
from loans.service.note_books import note_standing
from tests.loans.conftest import Desk
from tests.loans.test_accrual import note_draft
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, furnished_bank


def past_due(sessions: Sessions, on: date, *, paid_to: date = date(2025, 6, 21)) -> PastDue | None:
    with sessions.begin() as session:
        bank = furnished_bank(session)
        draft = replace(note_draft("P3", bank.clothing.id), pledge_code=None, interest_paid_to=paid_to)
        note = service.record_loan_note(session, bank.officer, draft, known_at=KNOWN_AT)
        return past_due_of(note_standing(session, bank.officer, note, on=on, known_at=KNOWN_AT))


@pytest.mark.parametrize("on", [date(2025, 6, 21), date(2025, 7, 21)])
def test_the_payment_day_itself_is_in_time(sqlite_sessions: Sessions, on: date) -> None:
    """Interest is paid to 21 June; the next payment is on Monday 21 July."""
    assert past_due(sqlite_sessions, on) is None


def test_the_day_after_is_one_day_late(sqlite_sessions: Sessions) -> None:
    """21 June to 21 July: 855,000 x 0.0355 x 30 / 360 = 2,529.38; a day of it at 1.5 x 3.55 % is 0.374."""
    assert past_due(sqlite_sessions, date(2025, 7, 22)) == PastDue(
        since=date(2025, 7, 21), days=1, payments_count=1, interest_cny=Decimal("2529.38"),
        principal_cny=Decimal("0.00"), penalty_cny=Decimal("0.00"), compound_cny=Decimal("0.37"), is_provisional=False,
    )  # fmt: skip


def test_a_payment_moved_by_the_weekend_is_late_from_the_day_it_moved_to(sqlite_sessions: Sessions) -> None:
    """21 September 2025 is a Sunday: paid on Monday the 22nd; 31 days of interest are 2,613.6875."""
    found = past_due(sqlite_sessions, date(2025, 9, 23), paid_to=date(2025, 8, 21))
    assert found is not None
    assert (found.since, found.days, found.interest_cny) == (date(2025, 9, 22), 1, Decimal("2613.69"))


def test_the_oldest_missed_payment_counts_and_each_is_owed(sqlite_sessions: Sessions) -> None:
    found = past_due(sqlite_sessions, date(2025, 9, 23))
    assert found is not None
    assert (found.since, found.days, found.payments_count) == (date(2025, 7, 21), 64, 3)
    assert found.interest_cny == Decimal("2529.38") + 2 * Decimal("2613.69")


def test_interest_paid_within_a_period_is_owed_for_the_rest_alone(sqlite_sessions: Sessions) -> None:
    """1 to 21 July: 855,000 x 0.0355 x 20 / 360 = 1,686.25."""
    found = past_due(sqlite_sessions, date(2025, 7, 22), paid_to=date(2025, 7, 1))
    assert found is not None
    assert (found.days, found.interest_cny) == (1, Decimal("1686.25"))


def test_past_maturity_the_principal_is_overdue_too(sqlite_sessions: Sessions) -> None:
    found = past_due(sqlite_sessions, date(2025, 12, 15))
    assert found is not None
    assert (found.principal_cny, found.payments_count) == (Decimal("855000.00"), 6)
    assert found.days == 147


def test_the_desk_the_note_and_the_api_say_how_late(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        bank = desk.bank
        draft = replace(note_draft("P3", bank.clothing.id), pledge_code=None)
        service.record_loan_note(session, bank.officer, draft, known_at=KNOWN_AT)
        day = BUSINESS_DATE
        while day < date(2025, 7, 22):
            after = day + timedelta(days=1)
            roll_business_date(session, bank.officer.organization_id, expected=day, to=after, state=DayState.OPEN)
            day = after
        assert standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT)).business_date == day
    told = desk.system.get("/v1/loan-notes/JJ-P3").json()["past_due"]
    assert (told["days"], told["since"], told["interest_cny"]) == (1, "2025-07-21", "2529.38")
    assert "逾期 1 天" in desk.get("/loans").text
    page = desk.get("/loan-notes/JJ-P3").text
    assert "逾期 1 天：自 2025-07-21 起 1 期未付清，应付未付利息 2,529.38 元" in page
    with desk.sessions.begin() as session:
        service.record_interest_payment(
            session, desk.bank.officer, "JJ-P3", period_end=date(2025, 7, 21), paid_date=date(2025, 7, 22),
            known_at=end_of_china_day(date(2025, 7, 22)),
        )  # fmt: skip
    assert desk.system.get("/v1/loan-notes/JJ-P3").json()["past_due"] is None
    assert "逾期 1 天" not in desk.get("/loan-notes/JJ-P3").text
