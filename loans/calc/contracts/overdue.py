"""Penalty interest on what is overdue or misused (罚息), and compound interest on interest unpaid (复利)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.books import RATE_SCALE
from loans.calc.contracts.money import FEN, Amounts, MoneyRule, divided
from loans.calc.contracts.spans import SPANS_A_YEAR, Days, YearRule, spans_between


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyRule:
    """What a contract adds to its rate, in millionths of the rate: 500,000 is half again as much.

    Attributes:
        overdue: For principal not repaid and interest not paid on their day.
        misuse: For principal used otherwise than agreed; of two that apply the higher is charged, never both.
        grace_days: Paid within so many days after the due day nothing is charged; later, all from the due day.
    """

    overdue: int
    misuse: int
    grace_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a penalty that lowers the rate."""
        for name in ("overdue", "misuse", "grace_days"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} is below 0", zh="罚息加收幅度与宽限期不得为负", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What was due and not paid, [N] each: minor units, rates in millionths, days.

    Attributes:
        principal: Overdue principal.
        interest: Interest due and unpaid; compound interest bears none itself.
        misused: Whether the principal is misused as well.
    """

    principal: Amounts
    interest: Amounts
    rate: Amounts
    due: Days
    paid: Days
    misused: npt.NDArray[np.bool_]


def penalty_interest(
    overdue: Overdue, rule: PenaltyRule, year_rule: YearRule, money: MoneyRule = FEN
) -> tuple[Amounts, Amounts]:
    """Give penalty interest and compound interest, each amount x rate x (1 + uplift) x span / year, rounded once.

    Raises:
        InvalidInput: A payment lies before its due day.
    """
    spans = spans_between(year_rule, overdue.due, overdue.paid)
    in_grace = overdue.paid - overdue.due <= np.timedelta64(rule.grace_days, "D")
    days = np.where(in_grace, 0, spans).astype(object)  # Python's integers: the products outgrow int64
    uplift = np.where(overdue.misused, max(rule.overdue, rule.misuse), rule.overdue).astype(object)
    year = SPANS_A_YEAR[year_rule] * RATE_SCALE * RATE_SCALE
    rate = overdue.rate.astype(object)
    penalty = divided(overdue.principal * rate * (RATE_SCALE + uplift) * days, year, money.rounding)
    compound = divided(overdue.interest * rate * (RATE_SCALE + rule.overdue) * days, year, money.rounding)
    return penalty, compound
