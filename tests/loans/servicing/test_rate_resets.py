"""Resets to the LPR: the day, the publication it takes, the rate and what is compensated, by hand."""

from datetime import date
from decimal import Decimal
from itertools import islice

import pytest

from carbonfin.kernel.dates import Calendar
from carbonfin.storage.decisions import decisions_of, load_outcome
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import inbox_of
from loans.calc.contracts.terms import LoanTerms
from loans.calc.facilities import ResetClause, ResetDay
from loans.calc.jiangtandai import RATE_KIND
from loans.calc.servicing.rate_resets import fixing_date_of, published_by, reset_dates
from pricing.feeds.curve_files import CurveFileKind
from pricing.service import import_curve_file
from tests.loans.facility_samples import contract_of, drawdown_of
from tests.loans.servicing.rate_worlds import NOTE, RESETS, STOPS, RateWorld, rate_world

SEPTEMBER = date(2025, 9, 30)


def publish(world: RateWorld, *rows: tuple[str, str]) -> None:
    lines = "".join(f"LPR,1Y,{day},{rate}\n" for day, rate in rows)
    report = import_curve_file(
        world.session, world.bank.officer, kind=CurveFileKind.RATES, file_name="lpr.csv",
        exchange="全国银行间同业拆借中心", content=f"利率名称,期限,日期,利率(%)\n{lines}".encode(), document="公告",
        known_at=world.standing.known_at, preview=False,
    )  # fmt: skip
    assert report.stored, report.failures


def terms(**changed: str) -> LoanTerms:
    return contract_of().terms_of(drawdown_of(**changed), rate=Decimal("0.03"))


@pytest.mark.parametrize(
    ("months", "day", "drawn", "days"),
    [
        (3, ResetDay.ANNIVERSARY, "2025-06-30", ["2025-09-30", "2025-12-30", "2026-03-30"]),
        (1, ResetDay.ANNIVERSARY, "2025-08-31", ["2025-09-30", "2025-10-31", "2025-11-30"]),
        (12, ResetDay.CALENDAR, "2025-06-30", ["2026-01-01"]),
        (3, ResetDay.CALENDAR, "2025-06-30", ["2025-07-01", "2025-10-01", "2026-01-01"]),
        (6, ResetDay.CALENDAR, "2025-07-01", ["2026-01-01"]),
    ],
)
def test_the_days_of_a_reset(months: int, day: ResetDay, drawn: str, days: list[str]) -> None:
    """None on the drawdown itself, none on or after maturity on 30 June 2026; 31 August steps to 30 September."""
    clause = ResetClause(months=months, day=day, fixing_lag_days=0)
    found = list(islice(reset_dates(terms(drawdown_date=drawn), clause), 3))
    assert [one.isoformat() for one in found] == days


def test_no_reset_falls_on_maturity() -> None:
    """Every three months from 30 June 2025 the fourth day would be the maturity itself, 30 June 2026."""
    clause = ResetClause(months=3, day=ResetDay.ANNIVERSARY, fixing_lag_days=0)
    assert list(reset_dates(terms(), clause))[-1] == date(2026, 3, 30)


def test_which_publication_was_due_by_a_day() -> None:
    """20 September 2025 is a Saturday: published on Monday the 22nd; by the 21st it is August's of the 20th."""
    bank = Calendar(
        name="bank", holidays=frozenset({date(2025, 8, 20)}), make_up_workdays=frozenset(),
        known_until=date(2025, 12, 31), works_make_up_days=True,
    )  # fmt: skip

    def due(day: int) -> date:
        return published_by(date(2025, 9, day), publication_day=20, bank=bank)

    assert [due(22), due(30)] == [date(2025, 9, 22)] * 2
    assert due(21) == date(2025, 8, 21), "the 20th of August is closed here"
    clause = ResetClause(months=3, day=ResetDay.ANNIVERSARY, fixing_lag_days=9)
    assert fixing_date_of(SEPTEMBER, clause) == date(2025, 9, 21)


def test_a_reset_takes_the_lpr_published_by_its_fixing_day(sessions: Sessions) -> None:
    """2.80 + 0.40 - 0.11 = 3.09 from 30 September: 9 days at 3.29 %, 8,225.00, and 21 at 3.09 %, 18,025.00."""
    with sessions.begin() as session:
        world = rate_world(session, **RESETS)
        world.roll(date(2025, 9, 29))
        publish(world, ("2025-08-20", "2.90"), ("2025-09-22", "2.80"))
        assert world.reset().done_count == 0, "the day has not come"
        world.roll(SEPTEMBER)
        assert (world.reset().done_count, world.reset().done_count) == (1, 0), "a second run adds nothing"
        (reset,) = world.view().resets
        assert (reset.reset_date, reset.fixing_date, reset.published_on) == (
            SEPTEMBER, date(2025, 9, 29), date(2025, 9, 22),
        )  # fmt: skip
        assert (reset.lpr_rate, reset.margin_bp, reset.concession_bp) == (Decimal("0.028"), 40, Decimal(-11))
        assert (reset.rate_before, reset.rate_after, reset.rate_without_concession) == (
            Decimal("0.0329"), Decimal("0.0309"), Decimal("0.032"),
        )  # fmt: skip
        assert reset.compensation_cny == 0
        rows = [row.interest_cny for row in world.view().rows if row.payment_date == date(2025, 10, 21)]
        assert rows == [Decimal("8225.00"), Decimal("18025.00")]
        later = next(row for row in world.view().rows if row.start == date(2025, 10, 21))
        assert later.interest_cny == Decimal("26608.33"), "31 days at 3.09 %: the schedule from then on"
        outcome = load_outcome(session, world.bank.officer, RATE_KIND, reset.decision_id)
        assert outcome.executed_rate == Decimal("0.0309")
        assert any("利率重定价通知书" in one.title_zh for one in inbox_of(session, world.bank.officer))


def test_an_lpr_that_is_not_on_record_leaves_the_rate_and_is_made_up_for(sessions: Sessions) -> None:
    """Entered on 13 October: 13 days at 3.29 % were booked, 11,880.56, at 3.09 % they are 11,158.33: -722.23."""
    with sessions.begin() as session:
        world = rate_world(session, **RESETS)
        world.roll(SEPTEMBER)
        refused = world.reset()
        assert refused.done_count == 0
        (failure,) = refused.failures
        assert (failure.item, failure.field) == (NOTE, "lpr")
        assert "2025-09-22" in failure.detail
        assert "2025-05-20" in failure.detail
        assert decisions_of(session, world.bank.officer, subject=f"loan_note:{NOTE}", kind="loans.rate") == ()
        world.roll(date(2025, 10, 13))
        publish(world, ("2025-09-22", "2.80"))
        assert world.reset().done_count == 1
        (reset,) = world.view().resets
        assert (reset.reset_date, reset.known_from) == (SEPTEMBER, date(2025, 10, 13))
        assert reset.compensation_cny == Decimal("-722.23")


def test_a_longer_lag_takes_the_publication_before(sqlite_sessions: Sessions) -> None:
    """Fifteen days before 30 September is the 15th: August's 2.90 + 0.40 - 0.11 = 3.19."""
    with sqlite_sessions.begin() as session:
        world = rate_world(session, **{**RESETS, "fixing_lag_days": 15})
        world.roll(SEPTEMBER)
        publish(world, ("2025-08-20", "2.90"), ("2025-09-22", "2.80"))
        world.reset()
        (reset,) = world.view().resets
        assert (reset.published_on, reset.rate_after) == (date(2025, 8, 20), Decimal("0.0319"))


def test_a_reset_while_the_concession_is_stopped_takes_the_rate_without_it(sqlite_sessions: Sessions) -> None:
    """Stopped from 21 July; from 30 September 3.20 %; all paid on 15 October, from which it is 3.09 %."""
    with sqlite_sessions.begin() as session:
        world = rate_world(session, **RESETS, **STOPS)
        world.roll(date(2025, 8, 21))
        world.stop()
        world.roll(SEPTEMBER)
        publish(world, ("2025-09-22", "2.80"))
        world.reset()
        world.stop()
        world.roll(date(2025, 10, 15))
        world.pay(str(world.view().line.standing.due_cny))
        world.stop()
        spells = world.view().line.note.rate_changes[-1].spells
        assert [(one.start, one.rate) for one in spells] == [
            (date(2025, 7, 21), Decimal("0.0340")), (SEPTEMBER, Decimal("0.0320")),
            (date(2025, 10, 15), Decimal("0.0309")),
        ]  # fmt: skip


def test_a_contract_without_a_clause_is_not_reset(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = rate_world(session)
        world.roll(date(2025, 12, 30))
        assert world.reset() == type(world.reset())(done_count=0)
        assert world.view().resets == ()


def test_missed_runs_are_made_up_for_in_order(sqlite_sessions: Sessions) -> None:
    """Run on 31 December alone: September's reset takes 2.80, December's takes 22 December's 2.70: 2.99 %."""
    with sqlite_sessions.begin() as session:
        world = rate_world(session, **RESETS)
        world.roll(date(2025, 12, 31))
        publish(world, ("2025-09-22", "2.80"), ("2025-12-22", "2.70"))
        assert world.reset().done_count == 2
        assert [(one.number, one.reset_date, one.rate_after) for one in world.view().resets] == [
            (1, SEPTEMBER, Decimal("0.0309")), (2, date(2025, 12, 30), Decimal("0.0299")),
        ]  # fmt: skip
