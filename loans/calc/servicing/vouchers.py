"""Vouchers of the interest that a receipt pays (付息凭证), and of what it gives back.

A refund is never a voucher below zero of its own period. It lessens what the same receipt pays of other periods, the
latest first; what is left lessens the vouchers written before, the latest first, none below nought: each by a voucher
of the same period and tax rate that corrects it (红字冲减).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import Conflict
from loans.calc.contracts.interest import net_of_vat_cny
from loans.calc.notes import InterestVoucher

_NOTHING = Decimal("0.00")
_Draft = tuple[date, date, Decimal, Decimal, int | None]
"""Of a voucher: first day, day after the last, interest, tax rate, and the voucher it corrects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInterest:
    """Interest received for `[start, end)` by a receipt; below zero it is given back."""

    start: date
    end: date
    interest_cny: Decimal


def vouchers_for(
    paid: Sequence[PaidInterest], before: Sequence[InterestVoucher], *, paid_date: date, vat_rate: Decimal
) -> tuple[InterestVoucher, ...]:
    """Give the vouchers a receipt makes, numbered on from those before; they sum to the interest it received.

    Raises:
        Conflict: More is given back than all vouchers of the note come to.
    """
    refund = -sum((one.interest_cny for one in paid if one.interest_cny < 0), _NOTHING)
    kept: list[PaidInterest] = []
    for one in sorted((one for one in paid if one.interest_cny > 0), key=lambda each: each.start, reverse=True):
        taken = min(refund, one.interest_cny)
        refund -= taken
        if one.interest_cny > taken:
            kept.append(PaidInterest(start=one.start, end=one.end, interest_cny=one.interest_cny - taken))
    drafts: list[_Draft] = [(one.start, one.end, one.interest_cny, vat_rate, None) for one in reversed(kept)]
    drafts += _corrections(before, refund)
    found = []
    for number, (start, end, interest, rate, corrects) in enumerate(drafts, start=len(before) + 1):
        net, vat = net_of_vat_cny(interest, vat_rate=rate)
        found.append(
            InterestVoucher(
                number=number, period_start=start, period_end=end, paid_date=paid_date, interest_cny=interest,
                vat_rate=rate, net_cny=net, vat_cny=vat, corrects=corrects,
            )
        )  # fmt: skip
    return tuple(found)


def interest_left(vouchers: Sequence[InterestVoucher]) -> dict[int, Decimal]:
    """Give what each voucher comes to after all that correct it, by number, the corrections themselves left out."""
    left = {one.number: one.interest_cny for one in vouchers if one.corrects is None}
    for one in vouchers:
        if one.corrects is not None:
            left[one.corrects] += one.interest_cny
    return left


def _corrections(before: Sequence[InterestVoucher], refund: Decimal) -> list[_Draft]:
    left, rest = interest_left(before), refund
    found: list[_Draft] = []
    for one in sorted((one for one in before if one.corrects is None), key=lambda each: each.number, reverse=True):
        taken = min(rest, left[one.number])
        if taken > 0:
            found.append((one.period_start, one.period_end, -taken, one.vat_rate, one.number))
            rest -= taken
    if rest:
        total = sum(left.values(), _NOTHING)
        raise Conflict(
            f"{refund} CNY of interest are given back and the vouchers of the note come to {total}",
            zh=f"应退利息 {refund:,} 元超过本借据已开付息凭证合计 {total:,} 元，无法逐期冲减", field="amount_cny",
            remedy="Correct the vouchers of before the note was taken over where they were written, then settle it.",
            remedy_zh="请先在原系统冲减接管前的付息凭证，再办理结清。",
        )  # fmt: skip
    return found
