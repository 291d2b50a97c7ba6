"""Value at risk and expected shortfall of scenario profits and losses, by order statistics.

The loss is the negative of the P&L, positive is a loss. The confidence is taken as an exact decimal, since 0.95 x 500
in binary is not 475.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Self

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.normal import normal_pdf, normal_ppf

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRisk:
    """Value at risk and expected shortfall at one confidence, in the P&L's currency.

    Attributes:
        tail_count: Scenarios in the tail, the quantile itself among them.
        interval: An order-statistic interval of 95 % for the value at risk; infinite where the sample cannot say.
    """

    confidence: Decimal
    value_at_risk: float
    expected_shortfall: float
    scenario_count: int
    tail_count: int
    interval: tuple[float, float]


def tail_risk(pnl: FloatArray, confidence: Decimal) -> TailRisk:
    """Give VaR(a), the least x with P(L <= x) >= a, and ES(a), the mean of the worst 1 - a of the mass.

    Equal weights 1/n; the scenario that the tail cuts counts with its fraction (Acerbi and Tasche 2002).

    Args:
        pnl: Profit and loss by scenario, shape (scenarios,).
        confidence: a, in (0, 1).

    Raises:
        InvalidInput: No scenario, one that is not finite, or a confidence outside (0, 1).
    """
    losses = _losses(pnl, confidence)
    count = losses.size
    place = int((confidence * count).to_integral_value(ROUND_CEILING)) - 1
    mass = to_float((1 - confidence) * count)
    beyond = losses[place + 1 :]
    shortfall = (float(np.sum(beyond)) + float(losses[place]) * (mass - beyond.size)) / mass
    return TailRisk(
        confidence=confidence,
        value_at_risk=float(losses[place]),
        expected_shortfall=shortfall,
        scenario_count=count,
        tail_count=count - place,
        interval=_interval(losses, to_float(confidence)),
    )


def order_interval(count: int, confidence: float) -> tuple[int, int]:
    """Give the places, from 1, of the order statistics that hold the quantile with 95 %: n a -+ 1.96 sqrt(n a (1 - a)).

    Places below 1 or above n mean that the sample cannot bound the quantile on that side.
    """
    half = 1.959963984540054 * math.sqrt(count * confidence * (1.0 - confidence))
    return math.floor(count * confidence - half), math.ceil(count * confidence + half)


def interval_of(pnl: FloatArray, confidence: Decimal, *, independent_count: int) -> tuple[float, float]:
    """Give the 95 % interval of the value at risk where so many scenarios stand by themselves.

    The places of `order_interval` for that number, as shares of it, are read in the whole sample. Infinite at an end
    that so few cannot bound.

    Args:
        pnl: By scenario, shape (scenarios,).
        confidence: a.
        independent_count: At most the number of scenarios.
    """
    losses = _losses(pnl, confidence)
    if independent_count < 1:
        return -math.inf, math.inf
    low, high = order_interval(independent_count, to_float(confidence))
    scale = losses.size / independent_count
    return (
        float(losses[math.ceil(low * scale) - 1]) if low >= 1 else -math.inf,
        float(losses[math.ceil(high * scale) - 1]) if high <= independent_count else math.inf,
    )


def _interval(losses: FloatArray, confidence: float) -> tuple[float, float]:
    low, high = order_interval(losses.size, confidence)
    return (
        float(losses[low - 1]) if low >= 1 else -math.inf,
        float(losses[high - 1]) if high <= losses.size else math.inf,
    )


def weighted_value_at_risk(pnl: FloatArray, weights: FloatArray, confidence: Decimal) -> float:
    """Give the first loss from the worst on at which the cumulative weight reaches 1 - a.

    Args:
        pnl: Shape (scenarios,).
        weights: Weight of each scenario, not negative; normalised here. `age_weights` gives those by age.
        confidence: a.

    Raises:
        InvalidInput: Shapes differ, a weight is negative, or none is positive.
    """
    _losses(pnl, confidence)
    if weights.shape != pnl.shape or not np.all(weights >= 0.0) or not np.sum(weights) > 0.0:
        raise InvalidInput("weights do not fit the scenarios", zh="权重与情景不匹配或无效", field="weights")
    order = np.argsort(pnl, kind="stable")
    reached = np.cumsum(weights[order] / np.sum(weights)) >= to_float(1 - confidence) * (1.0 - 1e-12)
    return float(-pnl[order][int(np.argmax(reached))])


def age_weights(count: int, decay: float) -> FloatArray:
    """Give the weight of each scenario by age, decay^age normalised, the oldest first.

    Raises:
        InvalidInput: The decay lies outside (0, 1].
    """
    if not 0.0 < decay <= 1.0:
        raise InvalidInput(f"decay {decay} lies outside 0 to 1", zh="衰减系数须在 0 与 1 之间", field="decay")
    weights = decay ** np.arange(count - 1, -1, -1.0)
    return np.asarray(weights / np.sum(weights))


def normal_tail_risk(*, mean: float, deviation: float, confidence: Decimal) -> tuple[float, float]:
    """Give VaR and ES of a normal P&L: z s - m and s phi(z) / (1 - a) - m, z the quantile of a."""
    z = normal_ppf(np.array([to_float(confidence)]))
    beyond = float(normal_pdf(z)[0]) / to_float(1 - confidence)
    return float(z[0]) * deviation - mean, beyond * deviation - mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorOrder:
    """The scenarios of one factor from its lowest move up: taken once, it serves every loan on that factor.

    Attributes:
        rising: Places of the scenarios by rising factor, shape (scenarios,).
    """

    rising: IntArray

    @classmethod
    def of(cls, factor: FloatArray) -> Self:
        """Sort a factor's moves.

        Raises:
            InvalidInput: No scenario, or one that is not finite.
        """
        _finite(factor)
        return cls(rising=np.argsort(factor, kind="stable"))

    def scenario_at(self, confidence: Decimal) -> int:
        """Give the scenario in which a loan that rises with the factor loses its value at risk.

        Raises:
            InvalidInput: A confidence outside (0, 1).
        """
        _inside(confidence)
        count = self.rising.size
        return int(self.rising[count - int((confidence * count).to_integral_value(ROUND_CEILING))])


def rank_value_at_risk(pnl: FloatArray, order: FactorOrder, confidence: Decimal) -> float:
    """Give the value at risk of a loan that rises with one factor: its loss in the scenario of the factor's rank.

    No sorting: the order of the losses is that of the factor.

    Args:
        pnl: P&L of the loan by scenario, as the factor's moves stood; it does not fall where the factor rises.
        order: Of the factor.
        confidence: a.

    Raises:
        InvalidInput: The P&L does not fit the order, or a confidence outside (0, 1).
    """
    if pnl.shape != order.rising.shape:
        raise InvalidInput(
            f"P&L of shape {pnl.shape} does not fit {order.rising.size} scenarios",
            zh="损益与因子情景数不一致", field="pnl",
        )  # fmt: skip
    return float(-pnl[order.scenario_at(confidence)])


def _losses(pnl: FloatArray, confidence: Decimal) -> FloatArray:
    """Give the losses in ascending order."""
    _inside(confidence)
    _finite(pnl)
    return np.sort(-pnl)


def _inside(confidence: Decimal) -> None:
    if not 0 < confidence < 1:
        raise InvalidInput(
            f"confidence {confidence} lies outside 0 to 1", zh="置信水平须在 0 与 1 之间", field="confidence"
        )


def _finite(pnl: FloatArray) -> None:
    if pnl.ndim != 1 or pnl.size == 0:
        raise InvalidInput("there is no scenario", zh="没有任何情景", field="pnl")
    if not np.all(np.isfinite(pnl)):
        row = int(np.flatnonzero(~np.isfinite(pnl))[0])
        raise InvalidInput(
            f"scenario {row} is {pnl[row]}", zh=f"第 {row + 1} 个情景的损益不是有限数", field="pnl", row=row
        )
