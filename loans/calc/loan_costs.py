"""What a loan costs the borrower in a year, all fees in (年化综合融资成本), and by which way its money is paid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.parameters import ParameterValue
from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.facilities.terms import require_words
from loans.calc.rounding import half_up

FEES_MAX = 10
DAYS_A_YEAR = 365
_RATE_PLACES = 6
_HIGHEST_RATE = 1e6
_HALVINGS = 200


class PaymentWay(StrEnum):
    """How the money is paid out: by the lender to whom the borrower pays (受托支付), or by the borrower (自主支付)."""

    ENTRUSTED = "entrusted"
    OWN = "own"


WAYS: dict[PaymentWay, tuple[str, str]] = {
    PaymentWay.ENTRUSTED: ("贷款人受托支付", "paid by the lender on the borrower's order"),
    PaymentWay.OWN: ("借款人自主支付", "paid by the borrower itself"),
}


class CostMethod(StrEnum):
    """How a cost is turned into a yearly rate: compounded (内部收益率), or over the principal in use (单利)."""

    IRR = "irr"
    SIMPLE = "simple"


METHODS: dict[CostMethod, tuple[str, str]] = {
    CostMethod.IRR: ("内部收益率，复利，实际天数/365", "internal rate of return, compounded, actual/365"),
    CostMethod.SIMPLE: (
        "单利，利息与费用合计 ÷ 实际占用本金，实际天数/365",
        "simple: interest and fees over the principal in use, actual/365",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTerms:
    """What a term sheet says of cost and payment by, each a dated parameter; None where none is known for the day.

    Attributes:
        method: How the cost becomes a yearly rate, a `CostMethod`.
        entrusted_above_cny: Above which a single payment to one counterparty is made by the lender.
    """

    method: ParameterValue | None
    entrusted_above_cny: ParameterValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanFee:
    """A fee the borrower pays once, on the day of the drawdown, to whomever."""

    name: str
    amount_cny: Decimal

    def __post_init__(self) -> None:
        """Refuse a fee without a name, below a fen, or of parts of a fen."""
        require_words(self.name, "fees", "费用名称")
        fen = self.amount_cny * 100
        if not self.amount_cny.is_finite() or not 0 < self.amount_cny < 10**14 or fen != fen.to_integral_value():
            raise InvalidInput(
                f"fee {self.name} is {self.amount_cny}", zh=f"费用“{self.name}”须大于零且最多两位小数", field="fees",
                remedy="Leave out what is not charged.", remedy_zh="不收取的费用请勿填写。",
            )  # fmt: skip


def require_fees(fees: Sequence[LoanFee], *, principal_cny: Decimal) -> None:
    """Refuse too many fees, two of one name, and fees that take the whole principal.

    Raises:
        InvalidInput: One of these.
    """
    names = [one.name for one in fees]
    if len(names) > FEES_MAX or len(set(names)) != len(names):
        raise InvalidInput(
            f"{len(names)} fees, or two of one name", zh=f"费用最多 {FEES_MAX} 项且名称不重复", field="fees"
        )
    total = sum((one.amount_cny for one in fees), start=Decimal(0))
    if total >= principal_cny:
        raise InvalidInput(
            f"fees of {total} take the whole principal of {principal_cny}",
            zh=f"费用合计 {total:,} 元不得达到贷款金额 {principal_cny:,} 元", field="fees",
        )  # fmt: skip


def annualised_cost_rate(schedule: RepaymentSchedule, *, fees_cny: Decimal, method: CostMethod) -> Decimal:
    """Give the yearly cost of a loan with all its fees, six places, half up.

    irr: y with principal - fees = sum of payment / (1 + y)^(days from drawdown / 365), days to the payment day.
    simple: (interest + fees) x 365 / sum of balance x days in use, from one payment day to the next.

    Source: the People's Bank asks lenders to state one or the other (announcement 2021 No. 3), from memory: which one
    is a dated parameter.
    """
    rows = schedule.rows
    start = rows[0].start
    if method is CostMethod.SIMPLE:
        paid = [start, *(row.payment_date for row in rows)]
        used = sum(
            Fraction(row.opening_balance_cny) * (after - before).days
            for row, before, after in zip(rows, paid[:-1], paid[1:], strict=True)
        )
        return half_up(
            (Fraction(schedule.interest_total_cny) + Fraction(fees_cny)) * DAYS_A_YEAR / used, places=_RATE_PLACES
        )
    got = to_float(schedule.principal_total_cny - fees_cny)
    flows = [((row.payment_date - start).days / DAYS_A_YEAR, to_float(row.payment_cny)) for row in rows]
    low, high = 0.0, _HIGHEST_RATE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        worth = sum(payment * (1 + middle) ** -years for years, payment in flows)
        low, high = (middle, high) if worth > got else (low, middle)
    return half_up(Fraction((low + high) / 2), places=_RATE_PLACES)
