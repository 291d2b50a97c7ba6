"""The optimum in whole tonnes: rounded down, then mended with the cheapest tonnes that fit, and checked.

Under limits on the book rounding down may break what mending cannot restore: there whole tonnes are found apart.
"""

from dataclasses import dataclass

import numpy as np

from carbonfin.kernel.errors import CalculationFailed
from collateral.calc.allocation.branched import branched_units
from collateral.calc.allocation.problem import AllocationProblem, FloatArray, IndexArray
from collateral.calc.allocation.solver import Allocation

_CRUMB = 1e-6
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeAllocation:
    """An allocation in whole units.

    Attributes:
        units_t: Whole units of each lot for each obligation, shape (lots, obligations).
        cost: What it costs.
        gap_ratio: Its cost over the bound that no allocation can undercut, less one.
    """

    units_t: IndexArray
    cost: float
    gap_ratio: float


def whole_allocation(problem: AllocationProblem, allocation: Allocation) -> WholeAllocation:
    """Round an optimum to whole units that still meet every obligation and limit.

    Raises:
        CalculationFailed: No tonne that fits is left for some obligation.
    """
    price = problem.lot_price
    units = branched_units(problem, allocation) if problem.book_room.size else _mended(problem, allocation)
    value = units * price[:, None]
    broken = problem.breaches(value, tolerance=_TOLERANCE)
    if broken:
        raise CalculationFailed(
            f"whole tonnes break {', '.join(broken)}",
            zh="取整后的方案不满足限制：" + "、".join(broken),
            field="lot_value",
        )
    cost = problem.cost(value)
    gap = cost / allocation.bound - 1.0 if allocation.bound > 0.0 else 0.0
    return WholeAllocation(units_t=units, cost=cost, gap_ratio=gap)


def _mended(problem: AllocationProblem, allocation: Allocation) -> IndexArray:
    price = problem.lot_price
    units = np.floor(allocation.value / price[:, None] + _CRUMB).astype(np.int64)
    whole_lots = np.floor(problem.lot_value / price + _CRUMB).astype(np.int64)
    over = np.maximum(units.sum(axis=1) - whole_lots, 0)
    for i in np.flatnonzero(over):
        j = int(np.argmax(units[i]))
        units[i, j] -= over[i]
    mend = _Mend(problem, units, whole_lots)
    for j in range(problem.requirement.size):
        mend.fill(j)
    return units


class _Mend:
    """Adds whole tonnes where rounding left an obligation short."""

    def __init__(self, problem: AllocationProblem, units: IndexArray, whole_lots: IndexArray) -> None:
        self._problem, self._units = problem, units
        value = units * problem.lot_price[:, None]
        self._spare = whole_lots - units.sum(axis=1)
        self._short = problem.requirement - problem.covered(value)
        cap = np.where(np.isfinite(problem.cap_ratio), problem.cap_ratio, 1e300) * problem.requirement[:, None]
        self._room = cap - problem.group_cover(value)
        self._headroom = problem.pool_headroom_t - problem.pool_use_t(value)

    def fill(self, j: int) -> None:
        """Give an obligation the tonnes it lacks: the one that ends the shortage at least cost, else the cheapest."""
        problem = self._problem
        worth = problem.lot_price * (1.0 - problem.haircut_ratio[:, j])
        cost = problem.lot_price * (problem.lot_cost_rate + self._moving(j))
        while self._short[j] > _TOLERANCE * problem.requirement[j]:
            fits = self._fitting(j, worth)
            if not fits.size:
                raise CalculationFailed(
                    f"no whole tonne is left for obligation {j}", zh=f"第 {j + 1} 项需求已无可补足的整吨押品",
                    field="requirement",
                )  # fmt: skip
            ends = fits[worth[fits] >= self._short[j]]
            i = int(ends[np.argmin(cost[ends])]) if ends.size else int(fits[np.argmin((cost / worth)[fits])])
            count = 1 if ends.size else self._count(i, j, worth[i])
            self._give(i, j, count, worth[i])

    def _moving(self, j: int) -> FloatArray:
        held = self._units[:, j] * self._problem.lot_price < self._problem.held_value[:, j]
        return np.where(held, 0.0, self._problem.movement_cost_rate)

    def _fitting(self, j: int, worth: FloatArray) -> IndexArray:
        problem = self._problem
        fits = problem.is_eligible[:, j] & (self._spare > 0) & (worth > 0.0)
        fits &= self._room[j][problem.lot_group] >= worth
        pooled = problem.lot_pool >= 0
        fits[pooled] &= self._headroom[problem.lot_pool[pooled]] >= 1.0
        return np.flatnonzero(fits)

    def _count(self, i: int, j: int, worth: float) -> int:
        """Give how many tonnes of a lot go at once, where none alone ends the shortage."""
        most = [self._short[j] / worth, self._room[j, self._problem.lot_group[i]] / worth, 1.0 * self._spare[i]]
        if self._problem.lot_pool[i] >= 0:
            most.append(self._headroom[self._problem.lot_pool[i]])
        return max(1, int(min(most)))

    def _give(self, i: int, j: int, count: int, worth: float) -> None:
        self._units[i, j] += count
        self._spare[i] -= count
        self._short[j] -= count * worth
        self._room[j, self._problem.lot_group[i]] -= count * worth
        if self._problem.lot_pool[i] >= 0:
            self._headroom[self._problem.lot_pool[i]] -= count
