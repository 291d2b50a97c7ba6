"""Receipts by hand: 1,200,000.00 at 3.6 %, act/360, interest on the 21st, drawn 21 January 2025, due 21 January 2026.

A day of interest on 1,200,000 is 120.00; on overdue principal, half again as much, 0.00015 of it.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from loans.calc.contracts.overdue import Overdue, PenaltyRule, penalty_interest
from loans.calc.contracts.spans import YearRule
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.allocation import Allocated, allocate, claims_in_order
from loans.calc.servicing.dues import Segment, SegmentReason, dues_of, first_segment
from loans.calc.servicing.receipts import Claim, ReceiptDraft
from loans.calc.servicing.standing import NoteBook, standing_on

ORDER = claims_in_order("fees,interest,compound,penalty,principal")
OPEN_ALL_DAYS = CalendarDays(
    name="every day", holidays=(), make_up_workdays=(), known_until=date(2030, 12, 31), works_make_up_days=False
)
DRAWN = date(2025, 1, 21)


def book_of(method: RepaymentMethod = RepaymentMethod.BULLET) -> NoteBook:
    terms = LoanTerms(
        principal_cny=Decimal("1200000.00"), drawdown_date=DRAWN, maturity_date=date(2026, 1, 21),
        rate=Decimal("0.036"), basis=DayCount.ACT_360, method=method, interest_period_months=1, settlement_day=20,
        accrual_dates=AccrualDates.UNADJUSTED,
    )  # fmt: skip
    note = LoanNote(
        id="1", code="JJ-1", party_id="1", pledge_code=None, product="", terms=terms, rate_note="",
        outstanding_cny=terms.principal_cny, interest_paid_to=DRAWN, state=NoteState.RUNNING, settled_date=None,
        is_sample=True,
    )  # fmt: skip
    return NoteBook(
        note=note, dues=dues_of(terms, OPEN_ALL_DAYS, (first_segment(terms),)), receipts=(), taken_over_to=DRAWN,
        overdue_uplift=Decimal("0.5"),
    )  # fmt: skip


def paid(book: NoteBook, on: date, amount: str, **more: Any) -> tuple[NoteBook, Allocated]:
    """Enter a receipt as the store does, and give the book after it."""
    found = allocate(book, ReceiptDraft(paid_on=on, amount_cny=Decimal(amount), **more), ORDER)
    note = replace(book.note, outstanding_cny=found.outstanding_cny, interest_paid_to=found.interest_paid_to)
    segments = {one.start: one for one in (first_segment(note.terms), *_segments(book), found.segment) if one}
    dues = dues_of(note.terms, OPEN_ALL_DAYS, tuple(segments[day] for day in sorted(segments)))
    return replace(book, note=note, dues=dues, receipts=(*book.receipts, found.receipt)), found


def _segments(book: NoteBook) -> list[Segment]:
    """Give the stretches already cut, read off the book: each begins where an opening balance does not follow on."""
    found = []
    for before, after in zip(book.dues, book.dues[1:], strict=False):
        if before.row.closing_balance_cny != after.row.opening_balance_cny:
            found.append(
                Segment(
                    start=after.start, principal_cny=after.row.opening_balance_cny, rate=after.rate,
                    reason=SegmentReason.PREPAID,
                )
            )  # fmt: skip
    return found


def test_interest_accrues_by_the_day_and_is_due_on_the_21st() -> None:
    """31 days from 21 January are 3,720.00; ten days are 1,200.00."""
    book = book_of()
    early = standing_on(book, date(2025, 1, 31))
    assert (early.accrued_cny, early.due_cny, early.payoff_cny) == (
        Decimal("1200.00"), Decimal("0.00"), Decimal("1201200.00"),
    )  # fmt: skip
    due = standing_on(book, date(2025, 2, 21))
    assert (due.due_cny, due.accrued_cny, due.days_past_due) == (Decimal("3720.00"), Decimal("0.00"), 0)


def test_what_is_late_bears_compound_interest_at_the_overdue_rate() -> None:
    """3,720.00 late by ten days: 3,720 x 0.036 x 1.5 x 10 / 360 = 5.58; ten days accrue besides."""
    late = standing_on(book_of(), date(2025, 3, 3))
    assert late.days_past_due == 10
    assert (late.interest_due_cny, late.compound_cny, late.penalty_cny, late.accrued_cny) == (
        Decimal("3720.00"), Decimal("5.58"), Decimal("0.00"), Decimal("1200.00"),
    )  # fmt: skip
    assert late.payoff_cny == Decimal("1204925.58")


def test_a_receipt_in_part_pays_interest_first_and_the_rest_goes_on_bearing() -> None:
    """2,000.00 after ten days pay interest; ten days later 5.58 + 1,720 x 0.00015 x 10 = 8.16 of compound interest."""
    book, first = paid(book_of(), date(2025, 3, 3), "2000.00")
    assert first.receipt.sum_of(Claim.INTEREST) == Decimal("2000.00")
    assert first.interest_paid_to == DRAWN
    late = standing_on(book, date(2025, 3, 13))
    assert (late.interest_due_cny, late.compound_cny) == (Decimal("1720.00"), Decimal("8.16"))
    book, second = paid(book, date(2025, 3, 13), "1728.16")
    assert second.receipt.sum_of(Claim.COMPOUND) == Decimal("8.16")
    assert second.interest_paid_to == date(2025, 2, 21)
    assert standing_on(book, date(2025, 3, 13)).due_cny == Decimal("0.00")
    assert standing_on(book, date(2025, 3, 21)).due_cny == Decimal("3360.00")


def test_principal_past_maturity_bears_penalty_interest_alone() -> None:
    """All interest but the last period's was paid; ten days late 1,200,000 x 0.00015 x 10 = 1,800.00."""
    book = book_of()
    for due in book.dues[:-1]:
        book, _ = paid(book, due.due_on, str(due.row.interest_cny))
    late = standing_on(book, date(2026, 1, 31))
    assert (late.principal_due_cny, late.interest_due_cny) == (Decimal("1200000.00"), Decimal("3720.00"))
    assert (late.penalty_cny, late.compound_cny) == (Decimal("1800.00"), Decimal("5.58"))
    assert late.accrued_cny == 0
    _, last = paid(book, date(2026, 1, 31), "1205525.58")
    assert (last.settles, last.outstanding_cny) == (True, 0)


def test_repaying_early_pays_interest_to_the_day_and_cuts_the_schedule() -> None:
    """On 31 January: 1,200.00 of interest, 600,000 of principal; from then on 60.00 a day."""
    book, found = paid(book_of(), date(2025, 1, 31), "601200.00", prepays=True)
    assert (found.receipt.prepaid_cny, found.interest_paid_to) == (Decimal("600000.00"), date(2025, 1, 31))
    assert [(one.start, one.end, one.row.interest_cny) for one in book.dues[:3]] == [
        (DRAWN, date(2025, 1, 31), Decimal("1200.00")),
        (date(2025, 1, 31), date(2025, 2, 21), Decimal("1260.00")),
        (date(2025, 2, 21), date(2025, 3, 21), Decimal("1680.00")),
    ]
    assert sum(one.row.principal_cny for one in book.dues) + found.receipt.prepaid_cny == Decimal("1200000.00")
    assert standing_on(book, date(2025, 2, 21)).due_cny == Decimal("1260.00")


def test_a_payment_day_that_was_moved_stays_where_it_was_contracted() -> None:
    """Saturday 21 June 2025 moves to Monday 23, and the period's end with it; 600,000 go early on that Saturday.

    31 days to it are 3,720.00; two days at 60.00 are due on the 23rd, 28 more on 21 July.
    """
    drawn = date(2025, 5, 21)
    plain = book_of()
    terms = replace(plain.note.terms, drawdown_date=drawn, accrual_dates=AccrualDates.ADJUSTED)
    book = replace(
        plain, note=replace(plain.note, terms=terms, interest_paid_to=drawn), taken_over_to=drawn,
        dues=dues_of(terms, OPEN_ALL_DAYS, (first_segment(terms),)),
    )  # fmt: skip
    assert book.dues[0].end == date(2025, 6, 23)
    book, _ = paid(book, date(2025, 6, 21), "603720.00", prepays=True)
    assert [(one.start, one.due_on, one.row.days, one.row.interest_cny) for one in book.dues[:3]] == [
        (drawn, date(2025, 6, 21), 31, Decimal("3720.00")),
        (date(2025, 6, 21), date(2025, 6, 23), 2, Decimal("120.00")),
        (date(2025, 6, 23), date(2025, 7, 21), 28, Decimal("1680.00")),
    ]


def test_equal_principal_spreads_what_is_left_over_what_remains() -> None:
    """100,000 a month; on 21 February 450,000 go early besides: 650,000 over eleven payments, 59,090.91 each."""
    book = book_of(RepaymentMethod.EQUAL_PRINCIPAL)
    book, found = paid(book, date(2025, 2, 21), "553720.00", prepays=True)
    assert found.receipt.sum_of(Claim.PRINCIPAL) == Decimal("100000.00")
    assert found.receipt.prepaid_cny == Decimal("450000.00")
    assert [one.row.principal_cny for one in book.dues[1:]] == [Decimal("59090.91")] * 10 + [Decimal("59090.90")]
    assert book.dues[1].row.interest_cny == Decimal("1820.00")  # 650,000 x 0.0001 x 28


def test_the_whole_can_be_paid_off_at_any_day() -> None:
    book = book_of()
    figure = standing_on(book, date(2025, 3, 3)).payoff_cny
    book, found = paid(book, date(2025, 3, 3), str(figure + 500), prepays=True, compensation_cny=Decimal(500))
    assert found.settles
    after = standing_on(book, date(2025, 3, 3))
    assert (after.payoff_cny, after.due, after.next_due) == (0, (), None)


def test_costs_come_first_where_the_order_has_them_first() -> None:
    _, found = paid(book_of(), date(2025, 2, 21), "1000.00", fees_cny=Decimal("300.00"))
    assert (found.receipt.fees_cny, found.receipt.sum_of(Claim.INTEREST)) == (Decimal("300.00"), Decimal("700.00"))


def test_principal_first_leaves_interest_owing() -> None:
    """Another order, as a contract may have it: of 100,000 on the day all repay principal."""
    order = claims_in_order("principal,fees,interest,compound,penalty")
    draft = ReceiptDraft(paid_on=date(2025, 2, 21), amount_cny=Decimal(100_000))
    found = allocate(book_of(RepaymentMethod.EQUAL_PRINCIPAL), draft, order)
    assert found.receipt.sum_of(Claim.PRINCIPAL) == Decimal("100000.00")
    assert found.receipt.sum_of(Claim.INTEREST) == 0
    assert found.interest_paid_to == DRAWN


@pytest.mark.parametrize(
    ("draft", "kind", "field"),
    [
        ({"paid_on": date(2025, 2, 21), "amount_cny": "3720.01"}, Conflict, "amount_cny"),
        ({"paid_on": date(2025, 1, 31), "amount_cny": "1200.00", "prepays": True}, Conflict, "amount_cny"),
        ({"paid_on": date(2025, 1, 31), "amount_cny": "1201200.01", "prepays": True}, Conflict, "amount_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "0.00"}, InvalidInput, "amount_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "1.005"}, InvalidInput, "amount_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "NaN"}, InvalidInput, "amount_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "1.00", "fees_cny": "2.00"}, Conflict, "fees_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "9.00", "fees_cny": "-2.00"}, InvalidInput, "fees_cny"),
        ({"paid_on": date(2025, 2, 21), "amount_cny": "9.00", "compensation_cny": "1.00"}, InvalidInput, "compensation_cny"),
        ({"paid_on": date(2025, 1, 20), "amount_cny": "9.00"}, InvalidInput, "paid_on"),
    ],
)  # fmt: skip
def test_what_no_receipt_can_be_is_refused_by_its_field(draft: Any, kind: type[CarbonFinError], field: str) -> None:
    amounts = {name: Decimal(value) if name.endswith("_cny") else value for name, value in draft.items()}
    with pytest.raises(kind) as refused:
        allocate(book_of(), ReceiptDraft(**amounts), ORDER)
    assert refused.value.field == field


def test_an_order_names_each_claim_once() -> None:
    with pytest.raises(InvalidInput):
        claims_in_order("fees,interest,interest,penalty,principal")


@pytest.mark.parametrize("days", [1, 7, 10, 33, 200])
def test_penalties_are_those_of_the_contract_engine(days: int) -> None:
    """The vectorised engine charges the same, 1.5 x 3.6 % on both, over the same days."""
    book = book_of(RepaymentMethod.EQUAL_PRINCIPAL)
    due = book.dues[0]
    on = date.fromordinal(due.due_on.toordinal() + days)
    overdue = Overdue(
        principal=np.array([100_000_00]), interest=np.array([3_720_00]), rate=np.array([36_000]),
        due=np.array([due.due_on], dtype="datetime64[D]"), paid=np.array([on], dtype="datetime64[D]"),
        misused=np.array([False]),
    )  # fmt: skip
    penalty, compound = penalty_interest(overdue, PenaltyRule(overdue=500_000, misuse=500_000), YearRule.ACTUAL_360)
    first = standing_on(book, on).dues[0]
    assert (first.penalty_cny, first.compound_cny) == (
        Decimal(int(penalty[0])).scaleb(-2), Decimal(int(compound[0])).scaleb(-2),
    )  # fmt: skip
