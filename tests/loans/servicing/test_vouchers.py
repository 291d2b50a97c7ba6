"""Vouchers of interest that is given back: split over periods, none of which falls below nought; sums by hand."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions
from loans.calc.notes import InterestVoucher, NoteState
from loans.calc.servicing.vouchers import PaidInterest, interest_left, vouchers_for
from tests.loans.servicing.rate_worlds import RESETS, rate_world
from tests.loans.servicing.test_rate_resets import publish

PAID_ON = date(2025, 10, 22)
VAT = Decimal("0.06")


def voucher(number: int, interest: str, *, corrects: int | None = None, rate: str = "0.06") -> InterestVoucher:
    gross = Decimal(interest)
    return InterestVoucher(
        number=number, period_start=date(2025, 6 + number, 21), period_end=date(2025, 7 + number, 21),
        paid_date=date(2025, 7 + number, 21), interest_cny=gross, vat_rate=Decimal(rate), net_cny=gross,
        vat_cny=Decimal("0.00"), corrects=corrects,
    )  # fmt: skip


def paid(month: int, interest: str) -> PaidInterest:
    return PaidInterest(start=date(2025, month, 21), end=date(2025, month + 1, 21), interest_cny=Decimal(interest))


def told(*payments: PaidInterest, before: tuple[InterestVoucher, ...] = ()) -> list[tuple[int, str, int | None]]:
    found = vouchers_for(payments, before, paid_date=PAID_ON, vat_rate=VAT)
    return [(one.number, str(one.interest_cny), one.corrects) for one in found]


def test_interest_of_each_period_has_its_voucher() -> None:
    assert told(paid(7, "100.00"), paid(8, "50.00")) == [(1, "100.00", None), (2, "50.00", None)]


def test_a_refund_lessens_what_the_same_receipt_pays_the_latest_first() -> None:
    """70.00 back: all 50.00 of August's, 20.00 of July's 100.00."""
    assert told(paid(7, "100.00"), paid(8, "50.00"), paid(9, "-70.00")) == [(1, "80.00", None)]
    assert told(paid(7, "100.00"), paid(9, "-100.00")) == []


def test_the_rest_lessens_vouchers_written_before_none_below_nought() -> None:
    """90.00 back: 10.00 of this receipt, 60.00 of the second voucher, 20.00 of the first, each at its own tax rate."""
    before = (voucher(1, "100.00", rate="0.03"), voucher(2, "60.00"))
    found = vouchers_for((paid(9, "10.00"), paid(10, "-90.00")), before, paid_date=PAID_ON, vat_rate=VAT)
    assert [(one.number, one.interest_cny, one.corrects, one.vat_rate) for one in found] == [
        (3, Decimal("-60.00"), 2, VAT), (4, Decimal("-20.00"), 1, Decimal("0.03")),
    ]  # fmt: skip
    # -60.00 / 1.06 = -56.60, tax -3.40; -20.00 / 1.03 = -19.42, tax -0.58.
    assert [(one.net_cny, one.vat_cny) for one in found] == [
        (Decimal("-56.60"), Decimal("-3.40")), (Decimal("-19.42"), Decimal("-0.58")),
    ]  # fmt: skip
    assert [(one.period_start, one.period_end) for one in found] == [
        (before[1].period_start, before[1].period_end), (before[0].period_start, before[0].period_end),
    ]  # fmt: skip
    assert interest_left((*before, *found)) == {1: Decimal("80.00"), 2: Decimal("0.00")}


def test_what_was_corrected_before_is_not_given_back_again() -> None:
    before = (voucher(1, "100.00"), voucher(2, "60.00"), voucher(3, "-50.00", corrects=2))
    assert told(paid(10, "-30.00"), before=before) == [(4, "-10.00", 2), (5, "-20.00", 1)]


def test_more_than_all_vouchers_is_refused_with_both_figures() -> None:
    with pytest.raises(Conflict) as refused:
        told(paid(10, "-160.01"), before=(voucher(1, "100.00"), voucher(2, "60.00")))
    assert (refused.value.field, "160.01" in refused.value.detail, "160.00" in refused.value.detail) == (
        "amount_cny", True, True,
    )  # fmt: skip


def test_a_note_settled_with_a_refund_has_no_period_below_nought(sessions: Sessions) -> None:
    """September's reset is decided on 21 October, once that day's interest was paid at 3.29 %.

    Back for 21 days: 10,000,000 x 0.0329 x 21 / 360 = 19,191.67 less 18,025.00 at 3.09 %: 1,166.67. On the 22nd one day
    at 3.09 % accrued, 858.33: settling gives 308.34 back, which the fourth voucher, 27,416.67 of 30 days, bears.
    """
    with sessions.begin() as session:
        world = rate_world(session, **RESETS)
        for day in (date(2025, 7, 21), date(2025, 8, 21), date(2025, 9, 22), date(2025, 10, 21)):
            world.roll(day)
            world.pay(str(world.view().line.standing.due_cny))
        publish(world, ("2025-09-22", "2.80"))
        world.reset()
        assert world.view().resets[0].compensation_cny == Decimal("-1166.67")
        world.roll(PAID_ON)
        assert world.view().line.standing.payoff_cny == Decimal("9999691.66")
        world.pay("9999691.66", prepays=True)
        view = world.view()
        assert (view.line.note.state, view.line.note.interest_paid_to) == (NoteState.SETTLED, PAID_ON)
        assert [(one.interest_cny, one.corrects) for one in view.vouchers] == [
            (Decimal("19191.67"), None), (Decimal("28330.56"), None), (Decimal("28330.56"), None),
            (Decimal("27416.67"), None), (Decimal("-308.34"), 4),
        ]  # fmt: skip
        interest = sum(line.interest_cny for receipt, _ in view.receipts for line in receipt.lines)
        assert sum(one.interest_cny for one in view.vouchers) == interest, "vouchers sum to the interest received"
        assert interest_left(view.vouchers)[4] == Decimal("27108.33"), "what a subsidy is asked for"
