"""Haircuts of a jump diffusion: by quantile (VaR), expected shortfall (ES) or a target of expected loss.

VaR: h = 1 - e^x with P(X_T <= x) = target. ES: the mean loss beyond that quantile, h_VaR + put(x) / target.
Expected loss (Lou, arXiv 1708.07585, the form alone): put(x) / e^x = target with h = 1 - e^x, that is
E max(0, 1 - h - S_T / S_0) / (1 - h).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from collateral.calc.haircut_models.inversions import Contour, Cosine, Inversion
from collateral.calc.haircut_models.jump_model import FloatArray, JumpDiffusion, Tails

AGREEMENT = 1e-8
"""How far the two inversions may part, as a part of the value."""
_STEPS_MOST = 80
_ENOUGH = 1e-13


class Target(StrEnum):
    """What a haircut is solved for."""

    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"
    EXPECTED_LOSS = "expected_loss"


class Method(StrEnum):
    """Which inversion is used."""

    CONTOUR = "contour"
    COSINE = "cosine"


_METHODS: dict[Method, Callable[[JumpDiffusion], Inversion]] = {
    Method.CONTOUR: Contour.of,
    Method.COSINE: Cosine.of,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JumpHaircuts:
    """Haircuts h with how far the second inversion is from the first, shapes (classes,)."""

    haircut_ratio: FloatArray
    difference_ratio: FloatArray


def jump_haircut_ratios(
    model: JumpDiffusion, *, target: Target, tail_ratio: FloatArray | float, method: Method = Method.CONTOUR
) -> FloatArray:
    """Give the haircuts h of a model by one inversion, shape (classes,); a fall that never comes gives nought.

    Args:
        model: Parameters and horizons by class.
        target: What the haircut is solved for.
        tail_ratio: 1 - confidence for VaR and ES (0.01 for 99%), the mean loss on the loan for the expected loss.
        method: The inversion.

    Raises:
        InvalidInput: The tail does not lie between 1e-9 and a half.
        CalculationFailed: The search does not end.
    """
    tail = np.broadcast_to(np.asarray(tail_ratio, dtype=np.float64), (model.count,))
    if not np.all((tail >= 1e-9) & (tail <= 0.5)):
        raise InvalidInput(
            f"the tail {tail_ratio} is not between 1e-9 and 0.5", zh="尾部概率须在 1e-9 至 0.5", field="tail_ratio"
        )
    inversion = _METHODS[method](model)
    if target is Target.EXPECTED_LOSS:
        x = _solved(model, inversion, np.log(tail), _expected_loss)
        return _haircut(-np.expm1(x))
    x = _solved(model, inversion, np.log(tail), _probability)
    shortfall = inversion.tails(x).put / tail if target is Target.EXPECTED_SHORTFALL else 0.0
    return _haircut(-np.expm1(x) + shortfall)


def checked_jump_haircuts(model: JumpDiffusion, *, target: Target, tail_ratio: FloatArray | float) -> JumpHaircuts:
    """Give the haircuts by the contour, held against the cosine expansion.

    Raises:
        CalculationFailed: The two inversions part by more than 1e-8.
    """
    first = jump_haircut_ratios(model, target=target, tail_ratio=tail_ratio)
    second = jump_haircut_ratios(model, target=target, tail_ratio=tail_ratio, method=Method.COSINE)
    difference = np.abs(first - second)
    if np.any(difference > AGREEMENT):
        row = int(np.argmax(difference))
        raise CalculationFailed(
            f"the inversions of row {row} part by {difference[row]:.1e}",
            zh=f"第 {row + 1} 行两种反演结果相差 {difference[row]:.1e}，不予采用",
            field="tail_ratio",
            row=row,
        )
    return JumpHaircuts(haircut_ratio=first, difference_ratio=difference)


def kou_call(
    model: JumpDiffusion, *, spot: float, strike: float, rate: float, method: Method = Method.CONTOUR
) -> FloatArray:
    """Give the European call on a price without dividends, by parity from the put; the drift of `model` is replaced.

    The drift is the one under which the discounted price is a martingale (Kou 2002, section 4).
    """
    up, down, p = model.up_rate, model.down_rate, model.up_ratio
    jump = p * up / (up - 1.0) + (1.0 - p) * down / (down + 1.0) - 1.0
    fair = JumpDiffusion(
        drift_rate=rate - 0.5 * np.square(model.volatility) - model.jumps_per_year * jump,
        volatility=model.volatility, jumps_per_year=model.jumps_per_year, up_ratio=p, up_rate=up, down_rate=down,
        horizon_years=model.horizon_years,
    )  # fmt: skip
    x = np.full(model.count, math.log(strike / spot))
    discount = np.exp(-rate * model.horizon_years)
    put = discount * spot * _METHODS[method](fair).tails(x).put
    return np.asarray(put + spot - strike * discount)


def _probability(tails: Tails, _: FloatArray) -> tuple[FloatArray, FloatArray]:
    return tails.probability, tails.density


def _expected_loss(tails: Tails, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give put / e^x and its derivative by x, P(X <= x) - put / e^x."""
    loss = tails.put * np.exp(-x)
    return loss, tails.probability - loss


def _solved(
    model: JumpDiffusion,
    inversion: Inversion,
    log_target: FloatArray,
    measure: Callable[[Tails, FloatArray], tuple[FloatArray, FloatArray]],
) -> FloatArray:
    """Solve log f(x) = log target by Newton's steps kept within a bracket that only shrinks; f rises in x.

    A step that is not half as long as the one before halves the bracket instead: log f bends the other way where f
    nears one, and Newton's steps alone would go to and fro for ever.
    """
    mean, spread = model.mean(), model.deviation()
    reach = np.where(model.jumps_per_year > 0.0, 25.0 / model.down_rate, 0.0)
    low, high = mean - 9.0 * spread - reach, mean + 9.0 * spread
    x, moved = mean - 2.3 * spread, np.full(model.count, np.inf)
    for _ in range(_STEPS_MOST):
        value, slope = measure(inversion.tails(x), x)
        positive = value > 0.0
        # What rounds to nought or below lies left of every target.
        gap = np.where(positive, np.log(np.where(positive, value, 1.0)), -np.inf) - log_target
        low, high = np.where(gap < 0.0, x, low), np.where(gap >= 0.0, x, high)
        with np.errstate(invalid="ignore", divide="ignore"):
            newton = x - gap * value / slope
        inside = positive & (newton > low) & (newton < high) & (np.abs(newton - x) <= 0.5 * moved)
        following = np.where(inside, newton, 0.5 * (low + high))
        moved = np.abs(following - x)
        if np.all(moved <= _ENOUGH * (1.0 + np.abs(x))):
            return following
        x = following
    raise CalculationFailed("the haircut's search does not end", zh="折扣系数求解未收敛", field="tail_ratio")


def _haircut(ratio: FloatArray) -> FloatArray:
    return np.asarray(np.clip(ratio, 0.0, 1.0))
