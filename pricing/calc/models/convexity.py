"""Futures against forwards: what daily settlement is worth when rates and spot move together.

Model: Hull-White short rate dr = (theta(t) - a r) dt + sigma_r dW_r, lognormal spot with deterministic convenience
yield and volatility sigma_S, correlation rho between the two. Then
    F_fut = F_fwd exp(int_0^T [sigma_r^2 B(s)^2 + rho sigma_S sigma_r B(s)] ds),  B(s) = (1 - exp(-a (T - s))) / a.
Source: J. Hull, Options, Futures and Other Derivatives, on futures and forwards; D. Brigo and F. Mercurio, Interest
Rate Models, on Hull-White; the integrals are in closed form here. A forward settles once, a future daily.

Domain: any maturity, a >= 0 (a = 0 is Ho-Lee). Below a year the difference is below the noise of an allowance quote,
and beyond some per cent a constant spot volatility carries the answer: both are said by `convexity_warnings`.
"""

import math

import numpy as np
import numpy.typing as npt

from pricing.calc.models.cautions import (
    FloatArray,
    ModelCode,
    ModelWarning,
    correlation,
    finite,
    not_negative,
    positive,
)

_SERIES_BELOW = 0.25  # a T below which the integrals are summed as a series: their closed form cancels
_SERIES_TERMS = 18  # the last term is below 1e-17 of the first at a T = 0.25
_NEGLIGIBLE_YEARS = 1.0
_LARGE_LOG_CONVEXITY = 0.05


def log_convexity(
    *,
    maturity_years: npt.ArrayLike,
    spot_vol: npt.ArrayLike,
    short_rate_vol: npt.ArrayLike,
    mean_reversion: npt.ArrayLike,
    spot_rate_correlation: npt.ArrayLike,
) -> FloatArray:
    """Give ln(futures / forward), element by element.

    int_0^T B ds = T^2 g1(aT), int_0^T B^2 ds = T^3 g2(aT), with g1(x) = (x - 1 + e^-x) / x^2 and
    g2(x) = (x - 2 (1 - e^-x) + (1 - e^-2x) / 2) / x^3.

    Args:
        maturity_years: T, act/365 years.
        spot_vol: sigma_S, per square root of a year.
        short_rate_vol: sigma_r, absolute: 0.01 is 100 bp a year.
        mean_reversion: a, per year, 0 or more.
        spot_rate_correlation: rho between the shocks of ln S and r.

    Raises:
        InvalidInput: A value is not finite, a time, volatility or reversion lies below zero, or |rho| is above 1.
    """
    years = not_negative(maturity_years, field="maturity_years", zh="期限")
    vol_spot = not_negative(spot_vol, field="spot_vol", zh="现货波动率")
    vol_rate = not_negative(short_rate_vol, field="short_rate_vol", zh="短期利率波动率")
    reversion = not_negative(mean_reversion, field="mean_reversion", zh="均值回复速度")
    rho = correlation(spot_rate_correlation, field="spot_rate_correlation")
    first, second = _bond_integrals(reversion * years)
    return np.asarray(vol_rate**2 * years**3 * second + rho * vol_spot * vol_rate * years**2 * first)


def futures_price_per_t(*, forward_per_t: npt.ArrayLike, log_convexity: npt.ArrayLike) -> FloatArray:
    """Give the futures price from the forward price: F_fut = F_fwd exp(log convexity)."""
    forward = positive(forward_per_t, field="forward_per_t", zh="远期价格")
    return np.asarray(forward * np.exp(finite(log_convexity, field="log_convexity", zh="对数凸性")))


def forward_price_per_t(*, futures_per_t: npt.ArrayLike, log_convexity: npt.ArrayLike) -> FloatArray:
    """Give the forward price from the futures price: F_fwd = F_fut exp(-log convexity)."""
    futures = positive(futures_per_t, field="futures_per_t", zh="期货价格")
    return np.asarray(futures * np.exp(-finite(log_convexity, field="log_convexity", zh="对数凸性")))


def convexity_warnings(*, maturity_years: float, log_convexity: float) -> tuple[ModelWarning, ...]:
    """Give what to know before using the difference of one maturity."""
    if abs(log_convexity) > _LARGE_LOG_CONVEXITY:
        return (
            ModelWarning(
                code=ModelCode.CONVEXITY_LARGE,
                zh=f"期货与远期相差 {log_convexity:.1%}，此结果主要取决于恒定波动率与相关系数的假设",
                en=f"futures and forward differ by {log_convexity:.1%}: the answer rests on a constant volatility and"
                " correlation",
            ),
        )
    if maturity_years < _NEGLIGIBLE_YEARS:
        return (
            ModelWarning(
                code=ModelCode.CONVEXITY_NEGLIGIBLE,
                zh=f"期限 {maturity_years:.2f} 年不足一年，期货与远期之差小于报价误差，可以不计",
                en=f"{maturity_years:.2f} years is below one: the difference is within the noise of the quotes and may"
                " be left out",
            ),
        )
    return ()


def _bond_integrals(reversion_years: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give g1 and g2 of `log_convexity`, by their series where the closed form cancels."""
    x = np.maximum(reversion_years, _SERIES_BELOW)
    decay = -np.expm1(-x)
    first = (x - decay) / x**2
    second = (x - 2.0 * decay - 0.5 * np.expm1(-2.0 * x)) / x**3
    small = np.minimum(reversion_years, _SERIES_BELOW)
    first_series, second_series = np.zeros_like(small), np.zeros_like(small)
    for power in range(_SERIES_TERMS, -1, -1):
        sign = -1.0 if power % 2 else 1.0
        first_series = first_series * small + sign / math.factorial(power + 2)
        second_series = second_series * small + sign * (2.0 ** (power + 2) - 2.0) / math.factorial(power + 3)
    is_small = reversion_years < _SERIES_BELOW
    return np.where(is_small, first_series, first), np.where(is_small, second_series, second)
