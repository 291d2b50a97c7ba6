"""The allocation by hand's rule, which the optimum is held against.

Obligations by falling requirement; for each, eligible lots by cost / (1 - h), as much as value, limit and need allow;
what was given is not taken back.
"""

from dataclasses import dataclass

import numpy as np

from collateral.calc.allocation.problem import AllocationProblem, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreedyAllocation:
    """What the rule gives.

    Attributes:
        value: Shape (lots, obligations).
        shortfall: Of each requirement after haircut, shape (obligations,).
        cost: Of what was allocated.
    """

    value: FloatArray
    shortfall: FloatArray
    cost: float


def greedy_allocation(problem: AllocationProblem) -> GreedyAllocation:
    """Allocate by the rule; movements are paid for but do not steer it, and limits on the book are not the hand's."""
    left, headroom = problem.lot_value.copy(), problem.pool_headroom_t.copy()
    given = np.zeros(problem.is_eligible.shape)
    shortfall = problem.requirement.copy()
    for j in np.argsort(-problem.requirement, kind="stable"):
        after = 1.0 - problem.haircut_ratio[:, j]
        usable = np.flatnonzero(problem.is_eligible[:, j] & (after > 0.0) & (left > 0.0))
        room = problem.cap_ratio[j] * problem.requirement[j]
        for i in usable[np.argsort(problem.lot_cost_rate[usable] / after[usable], kind="stable")]:
            need = min(shortfall[j], room[problem.lot_group[i]]) / after[i]
            pool = problem.lot_pool[i]
            most = left[i] if pool < 0 else min(left[i], headroom[pool] * problem.lot_price[i])
            taken = max(0.0, min(need, most))
            given[i, j] = taken
            left[i] -= taken
            shortfall[j] -= taken * after[i]
            room[problem.lot_group[i]] -= taken * after[i]
            if pool >= 0:
                headroom[pool] -= taken / problem.lot_price[i]
            if shortfall[j] <= 0.0:
                break
    return GreedyAllocation(value=given, shortfall=np.maximum(shortfall, 0.0), cost=problem.cost(given))
