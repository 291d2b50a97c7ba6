"""Where not every obligation can be met: the fewest that must be left out, and by how much they fall short."""

from dataclasses import dataclass

import numpy as np
from highspy import HighsModelStatus, HighsVarType

from carbonfin.kernel.errors import CalculationFailed
from collateral.calc.allocation.columns import Columns
from collateral.calc.allocation.problem import AllocationProblem, FloatArray
from collateral.calc.allocation.solver import silent_highs

_SECONDS_MOST = 20.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unmet:
    """The smallest set of obligations that cannot be met together with the others.

    Attributes:
        obligations: Their places, ascending; () where all can be met.
        shortfall: What each lacks after haircut in the solution found, shape (obligations,).
        is_proven: Whether no smaller set does, or time ran out with this the smallest found.
    """

    obligations: tuple[int, ...]
    shortfall: FloatArray
    is_proven: bool


def smallest_unmet(problem: AllocationProblem) -> Unmet:
    """Give the fewest obligations to leave unmet so that all others are met within every limit.

    A binary by obligation lets it fall short; their number is minimised, and of equal numbers the value that lacks.

    Raises:
        CalculationFailed: The solver finds nothing in its time.
    """
    columns = Columns.of(problem)
    highs = silent_highs()
    highs.setOptionValue("time_limit", _SECONDS_MOST)
    highs.setOptionValue("mip_rel_gap", 0.0)
    rows, lots, count = columns.row_lower.size, columns.lot_count, problem.requirement.size
    required = problem.requirement / columns.scale
    empty_rows, empty = np.zeros(0, dtype=np.int32), np.zeros(0)
    highs.addRows(rows, columns.row_lower, columns.row_upper, 0, np.zeros(rows, dtype=np.int32), empty_rows, empty)
    everything = np.arange(columns.lot.size)
    starts, places, worth = columns.entries(everything)
    highs.addCols(
        everything.size, np.zeros(everything.size), np.zeros(everything.size), columns.upper, places.size,
        starts[:-1].astype(np.int32), places.astype(np.int32), worth,
    )  # fmt: skip
    # Shortfall s_j <= R_j y_j; a total shortage weighs less than one obligation more.
    ones, steps = np.ones(count), np.arange(count, dtype=np.int32)
    shortfall_cost = 0.5 / required.sum()
    highs.addCols(
        count, np.full(count, shortfall_cost), np.zeros(count), required, count, steps, (lots + steps).astype(np.int32),
        ones,
    )  # fmt: skip
    highs.addCols(count, ones, np.zeros(count), ones, 0, np.zeros(count, dtype=np.int32), empty_rows, empty)
    first_short, first_flag = everything.size, everything.size + count
    for j in range(count):
        highs.changeColIntegrality(first_flag + j, HighsVarType.kInteger)
        pair = np.array([first_short + j, first_flag + j], dtype=np.int32)
        highs.addRow(-np.inf, 0.0, 2, pair, np.array([1.0, -required[j]]))
    highs.run()
    status = highs.getModelStatus()
    if status not in {HighsModelStatus.kOptimal, HighsModelStatus.kTimeLimit} or not highs.getSolution().value_valid:
        raise CalculationFailed(f"the solver ends with {status}", zh=f"求解器返回 {status}")
    found = np.asarray(highs.getSolution().col_value)
    flags = found[first_flag:] > 0.5
    return Unmet(
        obligations=tuple(np.flatnonzero(flags).tolist()),
        shortfall=np.where(flags, found[first_short:first_flag], 0.0) * columns.scale,
        is_proven=status == HighsModelStatus.kOptimal,
    )
