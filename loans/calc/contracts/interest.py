"""Interest to the fen: exact rationals, half up; the first day counts, the last does not (算头不算尾)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.kernel.errors import InvalidInput
from loans.calc.rounding import fen, half_up, yuan

DAYS_PER_YEAR: dict[DayCount, int] = {DayCount.ACT_360: 360, DayCount.ACT_365: 365, DayCount.THIRTY_E_360: 360}


def exact_interest_fen(*, balance_fen: int, rate: Decimal, days: int, basis: DayCount) -> Fraction:
    """Give simple interest in fen, exact: balance x rate x days / year."""
    return Fraction(balance_fen) * Fraction(rate) * Fraction(days, DAYS_PER_YEAR[basis])


def interest_fen(*, balance_fen: int, rate: Decimal, days: int, basis: DayCount) -> int:
    """Give simple interest in whole fen, half up."""
    return int(half_up(exact_interest_fen(balance_fen=balance_fen, rate=rate, days=days, basis=basis), places=0))


def accrued_interest_cny(
    *, balance_cny: Decimal, rate: Decimal, basis: DayCount, paid_to: date, accrual_date: date
) -> Decimal:
    """Give interest accrued on `[paid_to, accrual_date)`, to the fen.

    Raises:
        InvalidInput: The accrual date lies before the day interest was paid to.
    """
    if accrual_date < paid_to:
        raise InvalidInput(
            f"accrual date {accrual_date} is before {paid_to}, to which interest was paid",
            zh=f"计提日 {accrual_date} 早于已付息至 {paid_to}",
            field="accrual_date",
        )
    days = days_between(basis, paid_to, accrual_date)
    return yuan(interest_fen(balance_fen=fen(balance_cny), rate=rate, days=days, basis=basis))


def net_of_vat_cny(interest_cny: Decimal, *, vat_rate: Decimal) -> tuple[Decimal, Decimal]:
    """Split interest with tax of one voucher into net and tax, each to the fen: net = interest / (1 + rate)."""
    net = half_up(Fraction(interest_cny) / (1 + Fraction(vat_rate)), places=2)
    return net, interest_cny - net
