"""Whose risk it is: incremental and component contributions to value at risk and expected shortfall."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.risk.measures import tail_risk

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contributions:
    """Risk of a book split over its parts.

    Attributes:
        value_at_risk: Of the whole.
        expected_shortfall: Of the whole.
        incremental: Value at risk of the whole less that of the whole without the part, shape (parts,).
        component_value_at_risk: Loss of each part in the scenario of the value at risk; they sum to it.
        component_shortfall: Mean loss of each part over the tail; they sum to the shortfall (Euler; Tasche 1999).
    """

    value_at_risk: float
    expected_shortfall: float
    incremental: FloatArray
    component_value_at_risk: FloatArray
    component_shortfall: FloatArray


def contributions(pnl: FloatArray, confidence: Decimal) -> Contributions:
    """Split value at risk and expected shortfall over parts.

    Args:
        pnl: P&L by part and scenario, shape (parts, scenarios).
        confidence: a.

    Raises:
        InvalidInput: The array has not two dimensions, or as `tail_risk`.
    """
    if pnl.ndim != 2 or pnl.shape[0] == 0:
        raise InvalidInput("give P&L by part and scenario", zh="损益须按分项与情景给出", field="pnl")
    return contributions_of_blocks([pnl], np.sum(pnl, axis=0), confidence)


def contributions_of_blocks(blocks: Iterable[FloatArray], total: FloatArray, confidence: Decimal) -> Contributions:
    """Split value at risk and expected shortfall over parts that come block by block, so that few are held at once.

    Args:
        blocks: P&L by part and scenario, each of shape (parts, scenarios), at least one.
        total: Their sum, shape (scenarios,).
        confidence: a.

    Raises:
        InvalidInput: As `tail_risk`.
    """
    whole = tail_risk(total, confidence)
    order = np.argsort(-total, kind="stable")
    place = whole.scenario_count - whole.tail_count
    mass = to_float((1 - confidence) * whole.scenario_count)
    beyond = order[place + 1 :]
    shortfalls, values, incremental = [], [], []
    for pnl in blocks:
        at_risk = pnl[:, order[place]]
        shortfalls.append((np.sum(-pnl[:, beyond], axis=1) - at_risk * (mass - beyond.size)) / mass)
        values.append(-at_risk)
        incremental += [whole.value_at_risk - tail_risk(total - part, confidence).value_at_risk for part in pnl]
    return Contributions(
        value_at_risk=whole.value_at_risk,
        expected_shortfall=whole.expected_shortfall,
        incremental=np.array(incremental),
        component_value_at_risk=np.concatenate(values),
        component_shortfall=np.concatenate(shortfalls),
    )
