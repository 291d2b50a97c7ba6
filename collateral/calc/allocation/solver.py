"""The cheapest allocation, by HiGHS on as many columns as it takes.

The programme starts with the columns that a cheap allocation is likely to use. Columns left out are priced with the
duals found; those that would lower the cost come in, and the programme goes on from its last basis. It ends where none
would: the duals then prove the optimum over all columns. A change of values and requirements goes on the same way.
"""

from dataclasses import dataclass, replace

import numpy as np
from highspy import HighsModelStatus
from highspy._core import _Highs

from carbonfin.kernel.errors import CalculationFailed
from collateral.calc.allocation.columns import Columns, row_bounds
from collateral.calc.allocation.greedy import greedy_allocation
from collateral.calc.allocation.problem import AllocationProblem, FloatArray, IndexArray

_PER_GROUP = 6
_TOLERANCE = 1e-9
_ROUNDS_MOST = 200
_COLUMNS_A_ROUND = 6_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """An optimal allocation, with the duals that prove and explain it.

    Attributes:
        value: Value of each lot used for each obligation, shape (lots, obligations).
        cost: Objective.
        lot_dual: What one more of a lot's value would save, zero or more, shape (lots,).
        requirement_dual: What one more of a requirement would cost, zero or more, shape (obligations,).
        cap_dual: What one more of a limit would save, zero or more, shape (obligations, groups).
        pool_dual: What one more tonne of headroom would save, shape (pools,).
        book_dual: What one more of a limit's room on the book would save, shape (limits,).
        bound: The dual objective: no allocation costs less.
        column_count: Columns the solver was given, of all.
        all_column_count: Columns there are.
    """

    value: FloatArray
    cost: float
    lot_dual: FloatArray
    requirement_dual: FloatArray
    cap_dual: FloatArray
    pool_dual: FloatArray
    book_dual: FloatArray
    bound: float
    column_count: int
    all_column_count: int


class Unsolvable(CalculationFailed):
    """No allocation meets every obligation; `unmet.smallest_unmet` names what to leave out."""


class AllocationSolver:
    """Holds one programme between solves; a change of values and requirements goes on from the last optimum."""

    def __init__(self, problem: AllocationProblem) -> None:
        """Lay out the programme; nothing is solved yet."""
        self._problem = problem
        self._columns = Columns.of(problem)
        self._chosen: IndexArray = np.empty(0, dtype=np.int64)
        self._outside = np.ones(self._columns.lot.size, dtype=bool)
        self._highs = silent_highs()
        rows = self._columns.row_lower.size
        empty = np.zeros(0, dtype=np.int32)
        self._highs.addRows(
            rows,
            self._columns.row_lower,
            self._columns.row_upper,
            0,
            np.zeros(rows, dtype=np.int32),
            empty,
            np.zeros(0),
        )
        self._bring_in(_likely(problem, self._columns))

    def solve(self) -> Allocation:
        """Give the cheapest allocation.

        Raises:
            Unsolvable: No allocation meets every obligation within the limits.
            CalculationFailed: The solver ends without an answer.
        """
        for _ in range(_ROUNDS_MOST):
            self._highs.run()
            status = self._highs.getModelStatus()
            if status == HighsModelStatus.kInfeasible:
                if not self._outside.any():
                    raise Unsolvable(
                        "no allocation meets every obligation", zh="现有押品在各项限制下不能满足全部担保需求",
                        field="requirement",
                        remedy="See which obligations are left unmet, and add lots or release obligations.",
                        remedy_zh="请查看未能满足的需求，补充押品或解除部分需求。",
                    )  # fmt: skip
                self._bring_in(np.flatnonzero(self._outside))
                continue
            if status != HighsModelStatus.kOptimal:
                raise CalculationFailed(f"the solver ends with {status}", zh=f"求解器返回 {status}")
            dual = np.asarray(self._highs.getSolution().row_dual)
            reduced = self._columns.reduced_costs(dual)
            better = np.flatnonzero(self._outside & (reduced < -_TOLERANCE))
            if not better.size:
                return self._answer(dual)
            if better.size > _COLUMNS_A_ROUND:
                better = better[np.argpartition(reduced[better], _COLUMNS_A_ROUND)[:_COLUMNS_A_ROUND]]
            self._bring_in(better)
        raise CalculationFailed("pricing of columns does not end", zh="列生成未收敛")

    def moved(self, *, lot_value: FloatArray, lot_price: FloatArray, requirement: FloatArray) -> "AllocationSolver":
        """Change values, prices and requirements, and go on from the last optimum; costs and haircuts stay.

        Where lots stand in pools, some value is held or the book limits, the programme is laid out anew.
        """
        problem = replace(self._problem, lot_value=lot_value, lot_price=lot_price, requirement=requirement)
        if np.any(problem.lot_pool >= 0) or np.any(problem.held_value > 0.0) or problem.book_room.size:
            return AllocationSolver(problem)
        self._problem = problem
        lower, upper = row_bounds(problem, self._columns.scale)
        self._columns = replace(self._columns, row_lower=lower, row_upper=upper)
        for row, (low, high) in enumerate(zip(lower.tolist(), upper.tolist(), strict=True)):
            self._highs.changeRowBounds(row, low, high)
        return self

    def _bring_in(self, columns: IndexArray) -> None:
        starts, rows, worth = self._columns.entries(columns)
        self._highs.addCols(
            columns.size, self._columns.cost[columns], np.zeros(columns.size), self._columns.upper[columns],
            rows.size, starts[:-1].astype(np.int32), rows.astype(np.int32), worth,
        )  # fmt: skip
        self._chosen = np.concatenate([self._chosen, columns])
        self._outside[columns] = False

    def _answer(self, dual: FloatArray) -> Allocation:
        problem, columns = self._problem, self._columns
        # A row open to one side has a dual of one sign; what the solver leaves on the other side of nought is rounding.
        dual = np.where(np.isneginf(columns.row_lower), np.minimum(dual, 0.0), dual)
        dual = np.where(np.isposinf(columns.row_upper), np.maximum(dual, 0.0), dual)
        used = np.maximum(np.asarray(self._highs.getSolution().col_value), 0.0) * columns.scale
        value = np.zeros(problem.is_eligible.shape)
        np.add.at(value, (columns.lot[self._chosen], columns.obligation[self._chosen]), used)
        lots, obligations = problem.lot_value.size, problem.requirement.size
        finite = np.isfinite(problem.cap_ratio)
        cap_dual = np.zeros(finite.shape)
        first_pool = lots + obligations + int(finite.sum())
        first_book = first_pool + problem.pool_headroom_t.size
        cap_dual[finite] = np.maximum(-dual[lots + obligations : first_pool], 0.0)
        # A kept column at its upper bound earns its negative reduced cost.
        reduced = columns.reduced_costs(dual)
        kept = np.isfinite(columns.upper)
        earned = np.minimum(reduced[kept], 0.0) @ columns.upper[kept]
        bounds = np.where(dual > 0.0, columns.row_lower, columns.row_upper)
        bound = (dual[dual != 0.0] @ bounds[dual != 0.0] + earned) * columns.scale
        return Allocation(
            value=value, cost=problem.cost(value), lot_dual=np.maximum(-dual[:lots], 0.0),
            requirement_dual=np.maximum(dual[lots : lots + obligations], 0.0), cap_dual=cap_dual,
            pool_dual=np.maximum(-dual[first_pool:first_book], 0.0) * columns.scale,
            book_dual=np.maximum(-dual[first_book:], 0.0), bound=bound,
            column_count=self._chosen.size, all_column_count=columns.lot.size,
        )  # fmt: skip


def silent_highs() -> _Highs:
    """Give a solver that writes nothing to the console, on one thread so that the same input gives the same answer.

    The class under `highspy.Highs` is taken: that one's constructor turns callbacks on, and with them prints a banner
    before any option can be set.
    """
    highs = _Highs()
    for name in ("output_flag", "log_to_console"):
        highs.setOptionValue(name, "off")
    highs.setOptionValue("threads", 1)
    return highs


def _likely(problem: AllocationProblem, columns: Columns) -> IndexArray:
    """Choose the first columns: what the hand's rule uses, what is held, and the cheapest of each group there."""
    greedy = greedy_allocation(problem).value > 0.0
    used = greedy[columns.lot, columns.obligation] | np.isfinite(columns.upper)
    price = columns.cost / columns.after
    cell = columns.obligation * problem.cap_ratio.shape[1] + problem.lot_group[columns.lot]
    order = np.lexsort((price, cell))
    sorted_cell = cell[order]
    first = np.searchsorted(sorted_cell, sorted_cell)
    used[order[np.arange(order.size) - first < _PER_GROUP]] = True
    return np.flatnonzero(used)
