"""The two-factor price of Schwartz and Smith (2000): a short-term deviation on a long-term level.

ln S = chi + xi, d chi = -kappa chi dt + sigma_chi dW, d xi = mu dt + sigma_xi dW', correlation rho. Under the pricing
measure chi carries the price of risk lambda and xi drifts at mu*:
    ln F(0, T) = e^(-kappa T) chi + xi + A(T).
Source: E. Schwartz and J. Smith, "Short-term variations and long-term dynamics in commodity prices", Management Science
46(7), 2000.

Domain: a strip of futures inside one compliance phase; from one series only the sum of both factors is seen. Public
allowance prices alone show no significant mean reversion; `schwartz_smith_calibration` says whether a strip does.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.models.cautions import FloatArray, correlation, finite, not_negative, positive
from pricing.calc.options.black76 import black76_value_per_t


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactors:
    """Parameters of the model, per year.

    Attributes:
        mean_reversion: kappa, above nought.
        short_vol: sigma_chi.
        long_vol: sigma_xi.
        factor_correlation: rho.
        long_drift: mu* of the level under the pricing measure.
        risk_price: lambda of the deviation.
    """

    mean_reversion: float
    short_vol: float
    long_vol: float
    factor_correlation: float
    long_drift: float
    risk_price: float

    def __post_init__(self) -> None:
        """Refuse parameters outside the model."""
        positive(self.mean_reversion, field="mean_reversion", zh="均值回复速度")
        not_negative(self.short_vol, field="short_vol", zh="短期波动率")
        not_negative(self.long_vol, field="long_vol", zh="长期波动率")
        correlation(self.factor_correlation, field="factor_correlation")
        finite([self.long_drift, self.risk_price], field="long_drift", zh="漂移与风险价格")


def curve_constant(factors: TwoFactors, maturity_years: npt.ArrayLike) -> FloatArray:
    """Give A(T), the part of the log futures price that does not hang on the state.

    A = mu* T - (1 - e^(-kT)) lambda/k + 1/2 [(1 - e^(-2kT)) sc^2/(2k) + sx^2 T + 2 (1 - e^(-kT)) rho sc sx / k].
    """
    years = not_negative(maturity_years, field="maturity_years", zh="期限")
    k, short, long = factors.mean_reversion, factors.short_vol, factors.long_vol
    once, twice = -np.expm1(-k * years), -np.expm1(-2.0 * k * years)
    variance = twice * short**2 / (2.0 * k) + long**2 * years
    variance = variance + 2.0 * once * factors.factor_correlation * short * long / k
    return np.asarray(factors.long_drift * years - once * factors.risk_price / k + 0.5 * variance)


def futures_price_per_t(factors: TwoFactors, *, chi: float, xi: float, maturity_years: npt.ArrayLike) -> FloatArray:
    """Give futures prices F = exp(e^(-kappa T) chi + xi + A(T)), contract currency per tonne."""
    years = not_negative(maturity_years, field="maturity_years", zh="期限")
    return np.asarray(np.exp(np.exp(-factors.mean_reversion * years) * chi + xi + curve_constant(factors, years)))


def log_futures_deviation(
    factors: TwoFactors, *, option_years: npt.ArrayLike, futures_years: npt.ArrayLike
) -> FloatArray:
    """Give the standard deviation of ln F at an option's expiry t for a future that matures at T.

    s^2 = e^(-2k(T-t)) (1 - e^(-2kt)) sc^2/(2k) + sx^2 t + 2 e^(-k(T-t)) (1 - e^(-kt)) rho sc sx / k.

    Raises:
        InvalidInput: An option expires after its future.
    """
    expiry = not_negative(option_years, field="option_years", zh="期权期限")
    maturity = not_negative(futures_years, field="futures_years", zh="期货期限")
    if not np.all(expiry <= maturity):
        raise InvalidInput("an option expires after its future", zh="期权到期晚于期货", field="option_years")
    k, short, long = factors.mean_reversion, factors.short_vol, factors.long_vol
    left = np.exp(-k * (maturity - expiry))
    variance = left**2 * -np.expm1(-2.0 * k * expiry) * short**2 / (2.0 * k) + long**2 * expiry
    variance = variance + 2.0 * left * -np.expm1(-k * expiry) * factors.factor_correlation * short * long / k
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def option_value_per_t(
    factors: TwoFactors,
    *,
    chi: float,
    xi: float,
    strike_per_t: FloatArray,
    option_years: FloatArray,
    futures_years: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> FloatArray:
    """Give European options on futures: Black-76 with the model's futures price and deviation."""
    return black76_value_per_t(
        forward_per_t=futures_price_per_t(factors, chi=chi, xi=xi, maturity_years=futures_years),
        strike_per_t=strike_per_t,
        total_volatility=log_futures_deviation(factors, option_years=option_years, futures_years=futures_years),
        discount_factor=discount_factor,
        option_sign=option_sign,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FuturesStrip:
    """A history of futures prices of several expiries; an expiry need not be quoted on every day.

    Attributes:
        log_prices: ln F, shape (days, expiries); finite wherever quoted.
        is_quoted: Whether the expiry has a price that day, shape (days, expiries).
        maturity_years: Time to maturity, shape (days, expiries), or (expiries,) where it is the same every day.
        step_years: Time to each day from the one before, shape (days,), or one number; the first from the prior's day.
    """

    log_prices: FloatArray
    is_quoted: npt.NDArray[np.bool_]
    maturity_years: FloatArray
    step_years: npt.ArrayLike

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, quoted prices that are not finite, and time that stands still or runs back."""
        shape = self.log_prices.shape
        if len(shape) != 2 or self.is_quoted.shape != shape or self.maturity_years.shape not in {shape, shape[1:]}:
            raise InvalidInput(
                f"log prices {shape} do not fit the maturities {self.maturity_years.shape} or the marks of what is"
                f" quoted {self.is_quoted.shape}",
                zh="价格与期限或报价标记的形状不匹配",
                field="log_prices",
            )
        if np.shape(self.step_years) not in {(), shape[:1]}:
            raise InvalidInput(
                f"{shape[0]} days have {np.size(self.step_years)} steps", zh="时间步数与日数不一致", field="step_years"
            )
        if not self.is_quoted.any():
            raise InvalidInput("the strip holds no price", zh="期货价格序列没有任何报价", field="is_quoted")
        finite(self.log_prices[self.is_quoted], field="log_prices", zh="对数价格")
        not_negative(self.maturity_years, field="maturity_years", zh="期限")
        positive(self.step_years, field="step_years", zh="时间步长")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPrior:
    """What is believed of (chi, xi) before the first step: independent normal.

    Attributes:
        mean: Of chi and xi.
        variance: Of chi and xi.
    """

    mean: tuple[float, float]
    variance: tuple[float, float]

    def __post_init__(self) -> None:
        """Refuse what is not finite, and variances below nought."""
        finite(self.mean, field="mean", zh="先验均值")
        not_negative(self.variance, field="variance", zh="先验方差")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filtered:
    """What the Kalman filter says of a strip.

    Attributes:
        log_likelihood: Of all quoted prices, constants included.
        chi: Deviation after the last row.
        xi: Level after the last row.
        innovations: Standardised one-step errors in order of days and expiries, shape (quotes,); independent and
            standard normal where the model holds.
    """

    log_likelihood: float
    chi: float
    xi: float
    innovations: FloatArray


def filtered_state(
    factors: TwoFactors, strip: FuturesStrip, *, prior: StripPrior, long_trend: float, measurement_deviation: float
) -> Filtered:
    """Run the Kalman filter over a strip: transition, then update by each quoted expiry in turn.

    Noise that is independent between expiries lets them be taken one after the other: the likelihood is the same as
    of all at once (Durbin and Koopman, Time Series Analysis by State Space Methods, on univariate treatment), and no
    matrix is inverted.

    Args:
        factors: The model.
        strip: The prices.
        prior: Of the state before the first step.
        long_trend: mu of the level under the real measure, per year.
        measurement_deviation: Of the noise of each log price, above nought.

    Raises:
        InvalidInput: The deviation is not above nought, or the trend not finite.
    """
    positive(measurement_deviation, field="measurement_deviation", zh="测量误差标准差")
    finite(long_trend, field="long_trend", zh="长期漂移")
    k, long_variance, noise = factors.mean_reversion, factors.long_vol**2, measurement_deviation**2
    loads = np.broadcast_to(np.exp(-k * strip.maturity_years), strip.log_prices.shape).tolist()
    levels = (strip.log_prices - curve_constant(factors, strip.maturity_years)).tolist()
    (chi, xi), (p_chi, p_xi), p_both = prior.mean, prior.variance, 0.0
    errors, log_variances = [], []
    rows = zip(_steps(factors, strip), loads, levels, strip.is_quoted.tolist(), strict=True)
    for (years, decay, q_chi, q_both), row_loads, row_levels, row_quoted in rows:
        chi, xi = decay * chi, xi + long_trend * years
        p_chi, p_both, p_xi = decay * decay * p_chi + q_chi, decay * p_both + q_both, p_xi + long_variance * years
        for load, level, is_quoted in zip(row_loads, row_levels, row_quoted, strict=True):
            if not is_quoted:
                continue
            gain_chi, gain_xi = load * p_chi + p_both, load * p_both + p_xi
            variance = load * gain_chi + gain_xi + noise
            error = level - load * chi - xi
            chi, xi = chi + gain_chi * error / variance, xi + gain_xi * error / variance
            p_chi -= gain_chi * gain_chi / variance
            p_both -= gain_chi * gain_xi / variance
            p_xi -= gain_xi * gain_xi / variance
            errors.append(error / math.sqrt(variance))
            log_variances.append(math.log(variance))
    innovations = np.array(errors)
    size = len(errors) * math.log(2.0 * math.pi) + math.fsum(log_variances) + float(np.vdot(innovations, innovations))
    return Filtered(log_likelihood=-0.5 * size, chi=chi, xi=xi, innovations=innovations)


def _steps(factors: TwoFactors, strip: FuturesStrip) -> list[list[float]]:
    """Give each row's time, the decay of chi over it, and the variance and covariance that it adds."""
    k, years = factors.mean_reversion, np.broadcast_to(strip.step_years, strip.log_prices.shape[:1]).astype(np.float64)
    chi_variance = -np.expm1(-2.0 * k * years) * factors.short_vol**2 / (2.0 * k)
    cross = -np.expm1(-k * years) * factors.factor_correlation * factors.short_vol * factors.long_vol / k
    steps: list[list[float]] = np.column_stack([years, np.exp(-k * years), chi_variance, cross]).tolist()
    return steps
