"""Payments of a note whose link moves the rate: booked rates, compensations by hand, and a prepayment in between."""

from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import DayCount
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.linked.rate_lines import BookedChange, RateSpell
from loans.calc.servicing.dues import Due, Segment, SegmentReason, dues_of, first_segment
from loans.calc.servicing.linked_dues import linked_dues

TERMS = LoanTerms(
    principal_cny=Decimal("10000000.00"), drawdown_date=date(2025, 10, 21), maturity_date=date(2026, 3, 21),
    rate=Decimal("0.0329"), basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=1,
    settlement_day=20, accrual_dates=AccrualDates.UNADJUSTED,
)  # fmt: skip
DAYS = CalendarDays(
    name="bank", holidays=(), make_up_workdays=(), known_until=date(2026, 12, 31), works_make_up_days=True
)


def spell(start: date, rate: str) -> RateSpell:
    return RateSpell(start=start, rate=Decimal(rate), level_bp=Decimal(0), floor_applied=False, cause="")


UP = BookedChange(
    known_from=date(2025, 11, 3), spells=(spell(date(2025, 11, 21), "0.0334"),), compensation_cny=Decimal("0.00")
)
BACK = BookedChange(
    known_from=date(2025, 12, 30), spells=(spell(date(2025, 11, 21), "0.0319"),), compensation_cny=Decimal("-1625.00")
)


def interest(dues: tuple[Due, ...]) -> list[tuple[str, str]]:
    return [(one.start.isoformat(), str(one.row.interest_cny)) for one in dues]


def test_without_changes_nothing_is_cut() -> None:
    plain = dues_of(TERMS, DAYS, (first_segment(TERMS),))
    assert linked_dues(TERMS, DAYS, (first_segment(TERMS),), changes=()) == plain


def test_a_move_and_its_correction_by_hand() -> None:
    """31 days at 0.0329; 30 at 0.0334; 9 at 0.0334, then 22 at 0.0319 less 1,625.00; 31 and 28 at 0.0319."""
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS),), changes=(UP, BACK))
    assert interest(dues) == [
        ("2025-10-21", "28330.56"), ("2025-11-21", "27833.33"), ("2025-12-21", "8350.00"),
        ("2025-12-30", "17869.44"), ("2026-01-21", "27469.44"), ("2026-02-21", "24811.11"),
    ]  # fmt: skip
    assert [one.row.principal_cny for one in dues][-1] == Decimal("10000000.00")
    cut = dues[3]
    assert cut.compensated_cny(start=cut.start, end=date(2025, 12, 30)) == Decimal("-1625.00")
    assert cut.compensated_cny(start=date(2025, 12, 31), end=cut.end) == 0
    assert all(one.row.payment_cny == one.row.interest_cny + one.row.principal_cny for one in dues)


def test_a_refund_larger_than_a_payment_goes_on_to_the_next() -> None:
    """30,000.00 back on 12-30: the payment of 22 days bears 19,494.44 of it, the next one the other 10,505.56."""
    refund = BookedChange(known_from=BACK.known_from, spells=BACK.spells, compensation_cny=Decimal("-30000.00"))
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS),), changes=(UP, refund))
    assert interest(dues)[3:5] == [("2025-12-30", "0.00"), ("2026-01-21", "16963.88")]


def test_a_prepayment_before_a_planned_move_leaves_the_move_its_own_balance() -> None:
    """2,000,000 repaid on 11-11: from 11-21 interest runs on 8,000,000 at 0.0334: 22,266.67 for 30 days."""
    prepaid = Segment(
        start=date(2025, 11, 11), principal_cny=Decimal("8000000.00"), rate=TERMS.rate, reason=SegmentReason.PREPAID
    )
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS), prepaid), changes=(UP,))
    assert interest(dues)[:3] == [("2025-10-21", "19191.67"), ("2025-11-11", "7311.11"), ("2025-11-21", "22266.67")]
    assert dues[-1].row.principal_cny == Decimal("8000000.00")
