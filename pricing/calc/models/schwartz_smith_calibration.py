"""Fitting Schwartz and Smith to a strip of futures by maximum likelihood, with what the strip cannot tell.

The likelihood is the Kalman filter's. Kappa, volatilities and noise are searched as logarithms and the correlation as
its inverse hyperbolic tangent, from a slow and from a fast mean reversion; the better end is taken. Standard errors
come from the curvature at that end, carried back to the parameters by their slopes.

A strip whose carry is one moving number shows no short-term part: the likelihood then rises as kappa falls to nought
and both volatilities grow without limit against each other. Kappa is therefore kept above 0.05 a year (a half-life of
14 years); a fit that ends there says that there is no mean reversion, and gives the other errors for that kappa.

Volatilities, the correlation and the noise are seen well in a few hundred days. The trend of the level under the real
measure is not: its error is about sigma_xi / sqrt(years). The price of risk is seen only as a difference of levels.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from carbonfin.kernel.errors import MissingData
from pricing.calc.models.cautions import FloatArray, ModelCode, ModelWarning, kurtosis_warnings, uncertainty_unknown
from pricing.calc.models.fitting import Bounds, descended, standard_errors
from pricing.calc.models.schwartz_smith import Filtered, FuturesStrip, StripPrior, TwoFactors, filtered_state

_FEWEST_DAYS = 60
_FEWEST_MATURITIES = 2
_STARTING_REVERSIONS = (0.5, 2.0)
_STARTING_NOISE = 0.01
_DICKEY_FULLER = 2.86  # 5 % value with a constant: a unit root is the null, under which no normal law holds
_NORMAL_LIMIT = 1.96
_SLOWEST, _FASTEST = 0.05, 50.0  # kappa: half-lives of 14 years and of 5 days
_CORRELATION_LIMIT, _CORRELATION_BOUND = 0.999, 0.99
_LARGEST = 20.0  # of a searched coordinate: exp(20) is no volatility


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorErrors:
    """Standard errors, in the units of the parameters they belong to.

    Attributes:
        mean_reversion: None where kappa stands on its lower bound: the others are then given kappa.
        short_vol: Of sigma_chi.
        long_vol: Of sigma_xi.
        factor_correlation: Of rho.
        long_trend: Of mu.
        long_drift: Of mu*.
        risk_price: Of lambda.
        measurement_deviation: Of the noise.
    """

    mean_reversion: float | None
    short_vol: float
    long_vol: float
    factor_correlation: float
    long_trend: float
    long_drift: float
    risk_price: float
    measurement_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoFactorFit:
    """Parameters fitted to a strip, with their uncertainty.

    Attributes:
        factors: The model.
        long_trend: mu of the level under the real measure, per year.
        measurement_deviation: Of the noise of each log price.
        filtered: State on the last day, log-likelihood and innovations at the fit.
        errors: Standard errors; None where the likelihood is flat in some direction.
        warnings: What to know before using the fit.
    """

    factors: TwoFactors
    long_trend: float
    measurement_deviation: float
    filtered: Filtered
    errors: TwoFactorErrors | None
    warnings: tuple[ModelWarning, ...]


def fit_strip(strip: FuturesStrip, *, prior: StripPrior) -> TwoFactorFit:
    """Fit both factors, the real trend and the noise to a strip by maximum likelihood.

    Args:
        strip: At least sixty days with a price, and two times to maturity.
        prior: Of the state before the first step; wide where nothing is known.

    Raises:
        MissingData: Fewer days, or one time to maturity only: then the factors cannot be told apart.
        CalculationFailed: The search did not end.
    """
    _enough(strip)

    def objective(point: FloatArray) -> float:
        return -_filtered(strip, prior, point).log_likelihood

    def given_reversion(others: FloatArray) -> float:
        return objective(np.concatenate([best[:1], others]))

    bounds = _bounds()
    ends = [descended(objective, _start(strip, reversion), bounds=bounds) for reversion in _STARTING_REVERSIONS]
    best = min(ends, key=objective)
    is_on_bound = not bounds.lowest[0] < best[0] < bounds.highest[0]
    found = standard_errors(given_reversion, best[1:]) if is_on_bound else standard_errors(objective, best)
    factors, errors = _factors(best), _errors(best, found)
    filtered = _filtered(strip, prior, best)
    return TwoFactorFit(
        factors=factors,
        long_trend=float(best[4]),
        measurement_deviation=math.exp(best[7]),
        filtered=filtered,
        errors=errors,
        warnings=(*_warnings(factors, errors), *kurtosis_warnings(filtered.innovations)),
    )


def _bounds() -> Bounds:
    """Bound kappa; beyond the others' bounds the filter has no meaning and no data lead there."""
    bound = np.full(8, _LARGEST)
    lowest, highest = -bound, bound.copy()
    lowest[0], highest[0] = math.log(_SLOWEST), math.log(_FASTEST)
    return Bounds(lowest=lowest, highest=highest)


def _enough(strip: FuturesStrip) -> None:
    days = int(np.count_nonzero(strip.is_quoted.any(axis=1)))
    if days < _FEWEST_DAYS:
        raise MissingData(
            f"{days} days with a price are too few, at least {_FEWEST_DAYS} are needed",
            zh=f"有报价的日数仅 {days} 日，少于 {_FEWEST_DAYS} 日，不能校准",
            field="log_prices",
        )
    if not np.any(np.count_nonzero(strip.is_quoted, axis=1) >= _FEWEST_MATURITIES):
        raise MissingData(
            "no day quotes two expiries: both factors cannot be told apart",
            zh="没有任何一日同时报出两个到期日，两个因子无法区分",
            field="log_prices",
            remedy="Give a strip of futures, or take one factor.",
            remedy_zh="请提供多个到期日的期货价格，或改用单因子模型。",
        )


def _factors(point: FloatArray) -> TwoFactors:
    return TwoFactors(
        mean_reversion=math.exp(point[0]), short_vol=math.exp(point[1]), long_vol=math.exp(point[2]),
        factor_correlation=_CORRELATION_LIMIT * math.tanh(point[3]), long_drift=float(point[5]),
        risk_price=float(point[6]),
    )  # fmt: skip


def _filtered(strip: FuturesStrip, prior: StripPrior, point: FloatArray) -> Filtered:
    return filtered_state(
        _factors(point), strip, prior=prior, long_trend=float(point[4]), measurement_deviation=math.exp(point[7])
    )


def _start(strip: FuturesStrip, reversion: float) -> FloatArray:
    """Begin with the volatility of the days' mean log price, shared by both factors without correlation."""
    steps = np.broadcast_to(strip.step_years, strip.log_prices.shape[:1])
    moves = [
        float(np.mean((later - earlier)[both])) / math.sqrt(years)
        for (earlier, later), (first, second), years in zip(
            pairwise(strip.log_prices), pairwise(strip.is_quoted), steps[1:].tolist(), strict=True
        )
        if (both := first & second).any()
    ]
    vol = min(max(float(np.std(moves)) if moves else 0.0, 0.05), 2.0) / math.sqrt(2.0)
    noise = math.log(_STARTING_NOISE)
    return np.array([math.log(reversion), math.log(vol), math.log(vol), 0.0, 0.0, 0.0, 0.0, noise])


def _errors(point: FloatArray, found: FloatArray | None) -> TwoFactorErrors | None:
    """Carry errors of the searched coordinates back to the parameters' units by the slopes there."""
    if found is None:
        return None
    slopes = np.ones_like(point)
    slopes[[0, 1, 2, 7]] = np.exp(point[[0, 1, 2, 7]])
    slopes[3] = _CORRELATION_LIMIT * (1.0 - math.tanh(point[3]) ** 2)
    short, long, rho, trend, drift, risk_price, noise = (slopes[-found.size :] * found)[-7:].tolist()
    return TwoFactorErrors(
        mean_reversion=math.exp(point[0]) * float(found[0]) if found.size == point.size else None, short_vol=short,
        long_vol=long, factor_correlation=rho, long_trend=trend, long_drift=drift, risk_price=risk_price,
        measurement_deviation=noise,
    )  # fmt: skip


def _warnings(factors: TwoFactors, errors: TwoFactorErrors | None) -> list[ModelWarning]:
    found = []
    if abs(factors.factor_correlation) > _CORRELATION_BOUND:
        found.append(
            ModelWarning(
                code=ModelCode.CORRELATION_ON_BOUND,
                zh=f"两因子相关系数 {factors.factor_correlation:.3f} 接近极限，数据不支持两个独立因子",
                en=f"the correlation of {factors.factor_correlation:.3f} is at its limit: the strip does not show two"
                " factors",
            )
        )
    if errors is None:
        unshown = ModelWarning(
            code=ModelCode.NO_MEAN_REVERSION,
            zh="似然函数在某一方向上是平的，均值回复无从证实",
            en="the likelihood is flat in some direction: mean reversion is not shown",
        )
        return [*found, uncertainty_unknown("似然函数", "the likelihood"), unshown]
    if errors.mean_reversion is None:
        found.append(
            ModelWarning(
                code=ModelCode.NO_MEAN_REVERSION,
                zh=f"均值回复速度落在下限 {_SLOWEST} 上，期货曲线没有可识别的短期因子；其余标准误以此为条件",
                en=f"mean reversion stands on its bound of {_SLOWEST}: the strip shows no short-term part; the other"
                " errors are given that bound",
            )
        )
    elif (ratio := factors.mean_reversion / errors.mean_reversion) < _DICKEY_FULLER:
        found.append(
            ModelWarning(
                code=ModelCode.NO_MEAN_REVERSION,
                zh=f"均值回复速度为其标准误的 {ratio:.1f} 倍，低于 {_DICKEY_FULLER}，均值回复不显著",
                en=f"mean reversion is {ratio:.1f} times its standard error, below {_DICKEY_FULLER}: it is not"
                " significant",
            )
        )
    if abs(factors.risk_price) < _NORMAL_LIMIT * errors.risk_price:
        found.append(
            ModelWarning(
                code=ModelCode.RISK_PRICE_NOT_IDENTIFIED,
                zh="短期因子的风险价格与零没有显著差异，不宜单独解读",
                en="the short factor's price of risk does not differ from nought and says nothing by itself",
            )
        )
    return found
