"""Whole tonnes under limits on the book, by branch and bound: a tonne less of one lot tightens the limit of another.

Whole tonnes are sought within a few of the optimum, where any that keep the limits cost next to nothing more; where
there are none, everywhere.
"""

import numpy as np
from highspy import HighsModelStatus, HighsVarType

from carbonfin.kernel.errors import CalculationFailed
from collateral.calc.allocation.columns import Columns
from collateral.calc.allocation.problem import AllocationProblem, FloatArray, IndexArray
from collateral.calc.allocation.solver import Allocation, silent_highs

_REACH_T = 3.0
_SECONDS_MOST = 10.0
_GAP = 2e-5
_CRUMB = 1e-6
_OPTIONS = {
    "time_limit": _SECONDS_MOST, "mip_rel_gap": _GAP, "mip_feasibility_tolerance": 1e-9,
    "primal_feasibility_tolerance": 1e-9,
}  # fmt: skip


def branched_units(problem: AllocationProblem, allocation: Allocation) -> IndexArray:
    """Give whole units by lot and obligation near an optimum at least cost, within a gap of 2e-5.

    Raises:
        CalculationFailed: No whole tonnes meet every obligation within the limits, or none is found in time.
    """
    columns = Columns.of(problem)
    lot_t = np.floor(problem.lot_value / problem.lot_price + _CRUMB)[columns.lot]
    held_t = np.floor(columns.upper * columns.per_value_t + _CRUMB)
    most = np.minimum(held_t, lot_t)
    used = (allocation.value / problem.lot_price[:, None])[columns.lot, columns.obligation]
    kept = np.minimum(
        used, np.floor(problem.held_value / problem.lot_price[:, None] + _CRUMB)[columns.lot, columns.obligation]
    )
    near = np.where(np.isfinite(columns.upper), kept, used - kept)
    is_used = used > _CRUMB
    low = np.where(is_used, np.clip(np.floor(near) - _REACH_T, 0.0, most), 0.0)
    high = np.where(is_used, np.clip(np.ceil(near) + _REACH_T, 0.0, most), 0.0)
    found = _solved(columns, low, high)
    if found is None:
        found = _solved(columns, np.zeros(most.size), most)
    if found is None:
        raise CalculationFailed(
            "no whole tonnes keep every limit", zh="取整到吨后没有满足全部限制的方案", field="requirement"
        )
    units = np.zeros(problem.is_eligible.shape, dtype=np.int64)
    np.add.at(units, (columns.lot, columns.obligation), found)
    return units


def _solved(columns: Columns, low: FloatArray, high: FloatArray) -> IndexArray | None:
    """Give whole units by column within bounds, or None where none is found."""
    highs = silent_highs()
    for name, value in _OPTIONS.items():
        highs.setOptionValue(name, value)
    rows, everything = columns.row_lower.size, np.arange(columns.lot.size)
    empty = np.zeros(0, dtype=np.int32)
    highs.addRows(rows, columns.row_lower, columns.row_upper, 0, np.zeros(rows, dtype=np.int32), empty, np.zeros(0))
    starts, places, worth = columns.entries(everything)
    a_tonne = 1.0 / columns.per_value_t
    highs.addCols(
        everything.size, columns.cost * a_tonne, low, high, places.size, starts[:-1].astype(np.int32),
        places.astype(np.int32), worth * np.repeat(a_tonne, np.diff(starts)),
    )  # fmt: skip
    for place in everything.tolist():
        highs.changeColIntegrality(place, HighsVarType.kInteger)
    highs.run()
    is_over = highs.getModelStatus() in {HighsModelStatus.kOptimal, HighsModelStatus.kTimeLimit}
    if not is_over or not highs.getSolution().value_valid:
        return None
    return np.asarray(np.rint(np.asarray(highs.getSolution().col_value)), dtype=np.int64)
