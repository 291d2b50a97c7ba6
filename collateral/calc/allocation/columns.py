"""The linear programme by columns: a column is a lot's use for an obligation, kept where it is or moved there.

Rows stand in the order lots, obligations, limits that are finite, pools, limits on the book.
"""

from dataclasses import dataclass

import numpy as np

from collateral.calc.allocation.problem import AllocationProblem, BoolArray, FloatArray, IndexArray

_MEAN_REQUIREMENT = 400.0  # the solver's tolerances are absolute: numbers of this size suit them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Every column the programme may have, and the rows' bounds; values are divided by `scale`.

    Attributes:
        lot: Lot of each column, shape (columns,).
        obligation: Obligation of each column.
        cost: Cost of a unit of value; moving included where the column is not kept.
        after: 1 - h.
        upper: Most of it: what stands there already where the column is kept, infinite elsewhere.
        cap_row: Row of its limit, -1 where there is none.
        pool_row: Row of its pool, -1 where there is none.
        book_row: Its row of each limit on the book, -1 where it does not count, shape (columns, limits).
        book_weight: What it counts there, shape (columns, limits).
        per_value_t: Units in a unit of scaled value.
        row_lower: Lower bounds of the rows.
        row_upper: Upper bounds of the rows.
        scale: Money in a unit of the programme.
        lot_count: Lots; the rows of the obligations begin there.
    """

    lot: IndexArray
    obligation: IndexArray
    cost: FloatArray
    after: FloatArray
    upper: FloatArray
    cap_row: IndexArray
    pool_row: IndexArray
    book_row: IndexArray
    book_weight: FloatArray
    per_value_t: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    scale: float
    lot_count: int

    @classmethod
    def of(cls, problem: AllocationProblem) -> "Columns":
        """Lay out the columns: all pairs that are eligible and count for anything, and apart from them what is held."""
        usable = problem.is_eligible & (problem.haircut_ratio < 1.0)
        held = usable & (problem.held_value > 0.0) & (problem.movement_cost_rate > 0.0)[:, None]
        moved_lot, moved_obligation = np.nonzero(usable)
        kept_lot, kept_obligation = np.nonzero(held)
        lot, obligation = np.concatenate([moved_lot, kept_lot]), np.concatenate([moved_obligation, kept_obligation])
        is_moved = np.arange(lot.size) < moved_lot.size
        scale = problem.requirement.mean().item() / _MEAN_REQUIREMENT
        cap_rows = _cap_rows(problem)
        pool = problem.lot_pool[lot]
        first_pool = problem.lot_value.size + problem.requirement.size + int(np.isfinite(problem.cap_ratio).sum())
        lower, upper = row_bounds(problem, scale)
        first_book = first_pool + problem.pool_headroom_t.size
        weight = problem.book_weight[:, lot].T if problem.book_room.size else np.zeros((lot.size, 0))
        return cls(
            lot=lot, obligation=obligation,
            cost=problem.lot_cost_rate[lot] + np.where(is_moved, problem.movement_cost_rate[lot], 0.0),
            after=1.0 - problem.haircut_ratio[lot, obligation],
            upper=np.where(is_moved, np.inf, problem.held_value[lot, obligation] / scale),
            cap_row=cap_rows[obligation, problem.lot_group[lot]],
            pool_row=np.where(pool >= 0, first_pool + pool, -1),
            book_row=np.where(weight != 0.0, first_book + np.arange(problem.book_room.size), -1),
            book_weight=weight, per_value_t=scale / problem.lot_price[lot],
            row_lower=lower, row_upper=upper, scale=scale, lot_count=problem.lot_value.size,
        )  # fmt: skip

    def entries(self, chosen: IndexArray) -> tuple[IndexArray, IndexArray, FloatArray]:
        """Give starts, rows and coefficients of some columns, column by column."""
        after = self.after[chosen]
        obligation_row = self.lot_count + self.obligation[chosen]
        rows = np.stack([self.lot[chosen], obligation_row, self.cap_row[chosen], self.pool_row[chosen]], axis=1)
        worth = np.stack([np.ones(chosen.size), after, after, self.per_value_t[chosen]], axis=1)
        if self.book_row.shape[1]:
            rows = np.concatenate([rows, self.book_row[chosen]], axis=1)
            worth = np.concatenate([worth, self.book_weight[chosen]], axis=1)
        there: BoolArray = rows >= 0
        starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        return starts, rows[there], worth[there]

    def reduced_costs(self, dual: FloatArray) -> FloatArray:
        """Give c - A'y of every column, for the duals y of the rows."""
        padded = np.append(dual, 0.0)  # row -1 is no row
        after = self.after * (padded[self.lot_count + self.obligation] + padded[self.cap_row])
        found = self.cost - padded[self.lot] - after - self.per_value_t * padded[self.pool_row]
        return np.asarray(found - (self.book_weight * padded[self.book_row]).sum(axis=1))


def row_bounds(problem: AllocationProblem, scale: float) -> tuple[FloatArray, FloatArray]:
    """Give lower and upper bounds of the rows."""
    finite = np.isfinite(problem.cap_ratio)
    caps = (np.where(finite, problem.cap_ratio, 0.0) * problem.requirement[:, None])[finite] / scale
    lots, pools = problem.lot_value / scale, problem.pool_headroom_t
    required = problem.requirement / scale
    above = np.concatenate([caps, pools, problem.book_room / scale])
    lower = np.concatenate([np.full(lots.size, -np.inf), required, np.full(above.size, -np.inf)])
    return lower, np.concatenate([lots, np.full(required.size, np.inf), above])


def _cap_rows(problem: AllocationProblem) -> IndexArray:
    """Give the row of each obligation's limit on a group, -1 where there is none."""
    finite = np.isfinite(problem.cap_ratio)
    rows = np.full(finite.shape, -1, dtype=np.int64)
    rows[finite] = problem.lot_value.size + problem.requirement.size + np.arange(int(finite.sum()))
    return rows
