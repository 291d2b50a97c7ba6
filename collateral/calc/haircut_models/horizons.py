"""Days of risk from the last margin to the sale, and the ladder of horizons a haircut looks at.

A longer horizon does not always show a larger loss, in a history by chance and in a model by upward jumps. A haircut
takes the largest over all rungs up to its own horizon, itself rounded up to a rung: a longer one never lowers it.
"""

import math
from decimal import Decimal

from collateral.calc.haircut_models.sale_terms import MOST_SALE_DAYS, linear_sale_days
from collateral.calc.haircut_models.stack_terms import StackFacts, StackMethod

RUNGS: tuple[int, ...] = (
    *range(1, 11), 12, 15, 18, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 120, 150, 180, 220, 260, 320, 400, 500, 750,
    1_000, 1_500, 2_500,
)  # fmt: skip
"""Trading days."""
_ENDLESS_DAYS = Decimal(10 * MOST_SALE_DAYS)


def rungs_to(days: float) -> tuple[int, ...]:
    """Give the rungs up to the first that is not below so many days."""
    last = next((place for place, rung in enumerate(RUNGS) if rung >= days), len(RUNGS) - 1)
    return RUNGS[: last + 1]


def risk_days(*, wait_days: int, sale_days: float, selling_day_ratio: float) -> float:
    """Give wait + T*, T* the days of full risk of a sale in N = ceil(sale days / selling days) daily parts.

    Args:
        wait_days: Cure and notice, in which nothing is sold.
        sale_days: Quantity over what a day that sells takes.
        selling_day_ratio: Part of the days that sell, above nought.
    """
    return wait_days + linear_sale_days(max(1, math.ceil(sale_days / selling_day_ratio - 1e-9)))


def selling_days_needed(
    method: StackMethod, facts: StackFacts, *, daily_volume_t: Decimal, selling: Decimal
) -> Decimal:  # fmt: skip
    """Give the days that sell which the whole sale takes: Q / (participation x volume), longer in the thin season.

    The level days past cure and notice sell at the mean; each day after them counts its part of it. A season that sells
    nothing is without end.
    """
    days = facts.quantity_t / daily_volume_t / method.participation_ratio
    if facts.season is None or not facts.depth_ratios:
        return days
    thin = facts.depth_ratios[-1]
    level = max(0, len(facts.depth_ratios) - 1 - method.wait_days) * selling
    if days <= level or thin == 1:
        return days
    return _ENDLESS_DAYS if thin == 0 else level + (days - level) / thin
