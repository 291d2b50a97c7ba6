"""The two-factor price of Schwartz and Smith (2000): a short-term deviation on a long-term level.

ln S = chi + xi, d chi = -kappa chi dt + sigma_chi dW, d xi = mu dt + sigma_xi dW', correlation rho. Under the pricing
measure chi carries the price of risk lambda and xi drifts at mu*:
    ln F(0, T) = e^(-kappa T) chi + xi + A(T).
Source: E. Schwartz and J. Smith, "Short-term variations and long-term dynamics in commodity prices", Management Science
46(7), 2000. Two factors need a strip of futures; from one series only the sum is seen.
"""

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
    """A history of futures prices at fixed times to maturity.

    Attributes:
        log_prices: ln F, shape (days, maturities).
        maturity_years: Time to maturity of each column.
        step_years: Time between rows.
        measurement_deviation: Of the noise of each log price.
        long_trend: mu of the level under the real measure.
        prior_mean: Mean of (chi, xi) before the first step.
        prior_variance: Their variances.
    """

    log_prices: FloatArray
    maturity_years: FloatArray
    step_years: float
    measurement_deviation: float
    long_trend: float
    prior_mean: tuple[float, float]
    prior_variance: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """What the Kalman filter says of a strip.

    Attributes:
        log_likelihood: Of all observations.
        chi: Deviation after the last row.
        xi: Level after the last row.
    """

    log_likelihood: float
    chi: float
    xi: float


def filtered_state(factors: TwoFactors, strip: FuturesStrip) -> Filtered:
    """Run the Kalman filter over a strip: transition, then update, row by row.

    Raises:
        InvalidInput: Shapes do not fit, or a price is not finite.
    """
    prices = finite(strip.log_prices, field="log_prices", zh="对数价格")
    if prices.ndim != 2 or prices.shape[1] != strip.maturity_years.size:
        raise InvalidInput("log prices do not fit the maturities", zh="价格与期限不匹配", field="log_prices")
    k, dt = factors.mean_reversion, strip.step_years
    short, long, rho = factors.short_vol, factors.long_vol, factors.factor_correlation
    decay = np.array([np.exp(-k * dt), 1.0])
    drift = np.array([0.0, strip.long_trend * dt])
    cross = -np.expm1(-k * dt) * rho * short * long / k
    noise = np.array([[-np.expm1(-2.0 * k * dt) * short**2 / (2.0 * k), cross], [cross, long**2 * dt]])
    design = np.column_stack([np.exp(-k * strip.maturity_years), np.ones(strip.maturity_years.size)])
    constant = curve_constant(factors, strip.maturity_years)
    measured = strip.measurement_deviation**2 * np.eye(strip.maturity_years.size)
    mean, spread = np.array(strip.prior_mean), np.diag(strip.prior_variance)
    likelihood = np.zeros(())
    for row in prices:
        mean = decay * mean + drift
        spread = np.outer(decay, decay) * spread + noise
        innovation = row - constant - design @ mean
        variance = design @ spread @ design.T + measured
        gain = np.linalg.solve(variance, design @ spread).T
        likelihood = likelihood - 0.5 * (
            row.size * np.log(2.0 * np.pi)
            + np.linalg.slogdet(variance)[1]
            + innovation @ np.linalg.solve(variance, innovation)
        )
        mean = mean + gain @ innovation
        spread = spread - gain @ design @ spread
        spread = 0.5 * (spread + spread.T)
    return Filtered(log_likelihood=likelihood.item(), chi=float(mean[0]), xi=float(mean[1]))
