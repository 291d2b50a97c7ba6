"""What a reader must know before believing a model, and the checks of numbers at a model's door.

A caution is plain data that travels with the result: a model asked outside its sense still answers, and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]
GAUSSIAN_KURTOSIS = 3.0
_KURTOSIS_ERRORS = 3.0  # standard errors of a normal sample's kurtosis, sqrt(24 / n), before residuals count as heavy


class ModelCode(StrEnum):
    """Why a model's answer needs care."""

    NOT_ALONE_FOR_SHENZHEN = "not_alone_for_shenzhen"
    PENALTY_ESTIMATED = "penalty_estimated"
    PENALTY_IS_NO_BOUND = "penalty_is_no_bound"
    NOT_FOR_CREDITS = "not_for_credits"
    ALPHA_ON_BOUND = "alpha_on_bound"
    RISK_PRICE_NOT_IDENTIFIED = "risk_price_not_identified"
    HEAVY_TAILED_RESIDUALS = "heavy_tailed_residuals"
    UNCERTAINTY_UNKNOWN = "uncertainty_unknown"
    NO_MEAN_REVERSION = "no_mean_reversion"
    CORRELATION_ON_BOUND = "correlation_on_bound"
    QUOTES_NOT_FITTED = "quotes_not_fitted"
    CONVEXITY_NEGLIGIBLE = "convexity_negligible"
    CONVEXITY_LARGE = "convexity_large"
    DAYS_OUTSIDE = "days_outside"
    OFFSHORE_FOR_ONSHORE = "offshore_for_onshore"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWarning:
    """A reason not to take a model's answer at its face, as data: returned with the answer, not logged.

    Attributes:
        code: What kind of reason.
        zh: The reason for a person, in Chinese.
        en: The same in English.
    """

    code: ModelCode
    zh: str
    en: str


def kurtosis_warnings(residuals: FloatArray) -> tuple[ModelWarning, ...]:
    """Give the warning that standardised residuals have heavier tails than the normal law, if they have.

    The fourth moment over the squared second is held against 3 + 3 sqrt(24 / n), three standard errors of a normal
    sample of n. On public allowance prices it measures 7 to 34: then take t residuals or filtered history for risk.

    Args:
        residuals: Standardised residuals, shape (observations,).
    """
    kurtosis = residual_kurtosis(residuals)
    if kurtosis <= GAUSSIAN_KURTOSIS + _KURTOSIS_ERRORS * np.sqrt(24.0 / residuals.size):
        return ()
    return (
        ModelWarning(
            code=ModelCode.HEAVY_TAILED_RESIDUALS,
            zh=f"残差峰度 {kurtosis:.1f}，明显高于正态分布的 3；计量风险时请用 t 分布残差或滤波历史模拟",
            en=f"residual kurtosis is {kurtosis:.1f}, well above the normal law's 3: for risk take t residuals or"
            " filtered historical simulation",
        ),
    )


def residual_kurtosis(residuals: FloatArray) -> float:
    """Give the kurtosis of residuals, fourth central moment over squared variance; 3 for the normal law."""
    centred = residuals - residuals.mean()
    fourth, second = float(np.mean(centred**4)), float(np.mean(centred**2))
    return fourth / second**2


def uncertainty_unknown(what_zh: str, what_en: str) -> ModelWarning:
    """Give the warning that a fit has no standard errors: the objective is flat in some direction at its best point."""
    return ModelWarning(
        code=ModelCode.UNCERTAINTY_UNKNOWN,
        zh=f"{what_zh}在最优点的曲率矩阵不正定，参数的标准误无法给出",
        en=f"{what_en} is not curved in every direction at its best point: no standard errors can be given",
    )


def finite(values: npt.ArrayLike, *, field: str, zh: str) -> FloatArray:
    """Give values as float64, all finite.

    Raises:
        InvalidInput: A value is not finite; the first is named with its place.
    """
    return _held(values, field=field, zh=zh, rule_en="be finite", rule_zh="是有限数", test=np.isfinite)


def positive(values: npt.ArrayLike, *, field: str, zh: str) -> FloatArray:
    """Give values as float64, all finite and above zero.

    Raises:
        InvalidInput: A value is not; the first is named with its place.
    """
    return _held(
        values, field=field, zh=zh, rule_en="lie above zero", rule_zh="大于零",
        test=lambda array: np.isfinite(array) & (array > 0.0),
    )  # fmt: skip


def not_negative(values: npt.ArrayLike, *, field: str, zh: str) -> FloatArray:
    """Give values as float64, all finite and none below zero.

    Raises:
        InvalidInput: A value is not; the first is named with its place.
    """
    return _held(
        values, field=field, zh=zh, rule_en="not lie below zero", rule_zh="不小于零",
        test=lambda array: np.isfinite(array) & (array >= 0.0),
    )  # fmt: skip


def correlation(values: npt.ArrayLike, *, field: str) -> FloatArray:
    """Give correlations as float64, all within -1 to 1.

    Raises:
        InvalidInput: A value lies outside; the first is named with its place.
    """
    return _held(
        values, field=field, zh="相关系数", rule_en="lie within -1 to 1", rule_zh="在 -1 至 1 之间",
        test=lambda array: np.abs(array) <= 1.0,
    )  # fmt: skip


def _held(
    values: npt.ArrayLike,
    *,
    field: str,
    zh: str,
    rule_en: str,
    rule_zh: str,
    test: Callable[[FloatArray], npt.NDArray[np.bool_]],
) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    held = test(array)
    if not held.all():
        place = int(np.flatnonzero(~held)[0])
        raise InvalidInput(
            f"{field} is {array.flat[place]:g} at place {place + 1}; it must {rule_en}",
            zh=f"{zh}第 {place + 1} 个为 {array.flat[place]:g}，应{rule_zh}",
            field=field,
            place=place,
        )
    return array
