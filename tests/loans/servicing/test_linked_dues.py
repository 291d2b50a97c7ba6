"""Payments of a note whose link moves the rate: booked rates, compensations by hand, and a prepayment in between."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import Conflict
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.linked.rate_lines import BookedChange, RateSpell
from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.accruals import accrual_of
from loans.calc.servicing.allocation import allocate, claims_in_order
from loans.calc.servicing.dues import Due, Segment, SegmentReason, dues_of, first_segment
from loans.calc.servicing.linked_dues import linked_dues
from loans.calc.servicing.receipts import Claim, ReceiptDraft
from loans.calc.servicing.standing import NoteBook, standing_on

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
    assert cut.compensated_cny(start=cut.start, end=date(2025, 12, 31)) == Decimal("-1625.00")
    assert cut.compensated_cny(start=date(2025, 12, 31), end=cut.end) == 0
    halves = [
        cut.compensated_cny(start=start, end=end) for start, end in ((dues[2].start, cut.start), (cut.start, cut.end))
    ]
    assert halves == [0, Decimal("-1625.00")]  # the day two stretches share is counted once
    assert all(one.row.payment_cny == one.row.interest_cny + one.row.principal_cny for one in dues)


def test_a_refund_larger_than_a_payment_goes_on_to_the_next() -> None:
    """30,000.00 back on 12-30: the payment of 22 days bears 19,494.44 of it, the next one the other 10,505.56."""
    refund = BookedChange(known_from=BACK.known_from, spells=BACK.spells, compensation_cny=Decimal("-30000.00"))
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS),), changes=(UP, refund))
    assert interest(dues)[3:5] == [("2025-12-30", "0.00"), ("2026-01-21", "16963.88")]


REFUND = BookedChange(known_from=BACK.known_from, spells=BACK.spells, compensation_cny=Decimal("-30000.00"))


def refunded_book(*, paid_to: date, refund: BookedChange = REFUND) -> NoteBook:
    note = LoanNote(
        id="1", code="JJ-1", party_id="1", pledge_code=None, product="", terms=TERMS, rate_note="",
        outstanding_cny=TERMS.principal_cny, interest_paid_to=paid_to, state=NoteState.RUNNING, settled_date=None,
        is_sample=True, rate_changes=(UP, refund),
    )  # fmt: skip
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS),), changes=(UP, refund))
    return NoteBook(note=note, dues=dues, receipts=(), taken_over_to=paid_to, overdue_uplift=Decimal("0.5"))


def test_a_refund_larger_than_what_accrued_leaves_nothing_accrued() -> None:
    """Six days from 12-30 are 10,000,000 x 0.0319 x 6 / 360 = 5,316.67; 30,000.00 are given back."""
    book, day = refunded_book(paid_to=date(2025, 12, 30)), date(2026, 1, 5)
    standing = standing_on(book, day)
    assert (standing.accrued_cny, standing.unused_compensation_cny) == (0, Decimal("-24683.33"))
    assert accrual_of(book, accrual_date=day).owed_cny == 0


def test_a_refund_paid_with_a_voucher_is_not_given_twice() -> None:
    """Interest paid to 21 January bore all of 20,000.00, of which the schedule leaves 505.56 to the next payment."""
    refund = replace(REFUND, compensation_cny=Decimal("-20000.00"))
    book = refunded_book(paid_to=date(2026, 1, 21), refund=refund)
    before = replace(book.note, interest_paid_to=date(2025, 12, 21))
    assert before.interest_cny(end=date(2026, 1, 21), booked_by=date(2026, 1, 20)) == Decimal("7844.44")
    assert book.dues[4].row.interest_cny == Decimal("26963.88")
    standing = standing_on(book, date(2026, 2, 23))
    assert standing.due_cny == Decimal("27469.44")
    assert standing_on(book, date(2026, 1, 31)).accrued_cny == Decimal("8861.11")  # 10,000,000 x 0.0319 x 10 / 360


def test_settling_gives_back_what_no_payment_has_borne() -> None:
    """8,350.00 of 9 days, 5,316.67 of 6, less 30,000.00: 9,983,666.67 settle a note of ten million on 5 January."""
    book, day = refunded_book(paid_to=date(2025, 12, 21)), date(2026, 1, 5)
    standing = standing_on(book, day)
    assert (standing.accrued_cny, standing.payoff_cny) == (Decimal("8350.00"), Decimal("9983666.67"))
    order = claims_in_order("fees,interest,compound,penalty,principal")
    for amount in ("9983666.68", "9991666.67"):  # a fen more; and principal with the interest, without the refund
        with pytest.raises(Conflict) as refused:
            allocate(book, ReceiptDraft(paid_on=day, amount_cny=Decimal(amount), prepays=True), order)
        assert "9983666.67 CNY settle" in str(refused.value)
    found = allocate(book, ReceiptDraft(paid_on=day, amount_cny=Decimal("9983666.67"), prepays=True), order)
    assert (found.settles, found.outstanding_cny) == (True, 0)
    receipt = found.receipt
    assert (receipt.prepaid_cny, receipt.sum_of(Claim.INTEREST)) == (TERMS.principal_cny, Decimal("-16333.33"))
    assert found.segment is not None
    after = replace(
        book, note=replace(book.note, outstanding_cny=found.outstanding_cny, interest_paid_to=found.interest_paid_to),
        dues=linked_dues(TERMS, DAYS, (first_segment(TERMS), found.segment), changes=(UP, REFUND)), receipts=(receipt,),
    )  # fmt: skip
    closed = standing_on(after, day)
    assert (closed.payoff_cny, [one.unpaid_cny for one in closed.dues if not one.is_paid]) == (0, [])


def test_a_refund_no_payment_bore_lessens_the_last() -> None:
    """28 days at 0.0334 are 25,977.78; 40,000.00 are given back: 9,985,977.78 are to be paid on Monday 23 March 2026.

    Ten days late: 9,985,977.78 x 0.0334 x 1.5 x 10 / 360 = 13,897.15 of penalty interest, none compound.
    """
    refund = BookedChange(known_from=date(2026, 2, 28), spells=UP.spells, compensation_cny=Decimal("-40000.00"))
    book = refunded_book(paid_to=date(2026, 2, 21), refund=refund)
    assert book.dues[-1].row.payment_cny == Decimal("9985977.78")
    draft = ReceiptDraft(paid_on=date(2026, 3, 23), amount_cny=Decimal("9985977.78"))
    for order in ("fees,interest,compound,penalty,principal", "principal,fees,interest,compound,penalty"):
        found = allocate(book, draft, claims_in_order(order))
        assert (found.settles, found.receipt.principal_cny) == (True, TERMS.principal_cny)
    late = standing_on(book, date(2026, 4, 2))
    assert (late.penalty_cny, late.compound_cny) == (Decimal("13897.15"), 0)
    assert late.payoff_cny == Decimal("9999874.93")
    assert accrual_of(book, accrual_date=date(2026, 4, 2)).accrued_cny == 0


def test_a_prepayment_before_a_planned_move_leaves_the_move_its_own_balance() -> None:
    """2,000,000 repaid on 11-11: from 11-21 interest runs on 8,000,000 at 0.0334: 22,266.67 for 30 days."""
    prepaid = Segment(
        start=date(2025, 11, 11), principal_cny=Decimal("8000000.00"), rate=TERMS.rate, reason=SegmentReason.PREPAID
    )
    dues = linked_dues(TERMS, DAYS, (first_segment(TERMS), prepaid), changes=(UP,))
    assert interest(dues)[:3] == [("2025-10-21", "19191.67"), ("2025-11-11", "7311.11"), ("2025-11-21", "22266.67")]
    assert dues[-1].row.principal_cny == Decimal("8000000.00")
