"""Schwartz and Smith against a dense normal density, futures against forwards, covered parity against QuantLib."""

import math
from datetime import date

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.kernel.units import Currency
from pricing.calc.cross_currency import composite_vol, currency_warnings, fx_forward_rate, quanto_forward_per_t
from pricing.calc.models.cautions import ModelCode, kurtosis_warnings
from pricing.calc.models.convexity import convexity_warnings, forward_price_per_t, futures_price_per_t, log_convexity
from pricing.calc.models.schwartz_smith import (
    FuturesStrip,
    StripPrior,
    TwoFactors,
    curve_constant,
    filtered_state,
    log_futures_deviation,
)
from pricing.calc.models.schwartz_smith import futures_price_per_t as two_factor_futures

FACTORS = TwoFactors(
    mean_reversion=1.1, short_vol=0.3, long_vol=0.2, factor_correlation=0.3, long_drift=0.01, risk_price=0.04
)


def test_the_filter_is_the_dense_joint_normal_density() -> None:
    """Write every state of three rows as one linear map of the prior and the noises, and take the density whole."""
    maturities, dt, noise_deviation = np.array([0.25, 1.0]), 1 / 52, 0.02
    rows = np.log([[70.0, 71.0], [71.5, 71.8], [70.2, 71.1]])
    strip = FuturesStrip(
        log_prices=rows, is_quoted=np.ones((3, 2), dtype=bool), maturity_years=maturities, step_years=dt
    )  # fmt: skip
    k, short, long, rho = 1.1, 0.3, 0.2, 0.3
    step = np.diag([math.exp(-k * dt), 1.0])
    cross = (1 - math.exp(-k * dt)) * rho * short * long / k
    shock = np.array([[(1 - math.exp(-2 * k * dt)) * short**2 / (2 * k), cross], [cross, long**2 * dt]])
    mean, means, covariances = np.array([0.05, 4.2]), [], np.zeros((6, 6))
    spread = np.diag([0.01, 0.03])
    for row in range(3):
        mean = step @ mean + [0.0, 0.02 * dt]
        spread = step @ spread @ step.T + shock
        means.append(mean)
        covariances[2 * row : 2 * row + 2, 2 * row : 2 * row + 2] = spread
        later = spread
        for after in range(row + 1, 3):
            later = later @ step.T
            covariances[2 * row : 2 * row + 2, 2 * after : 2 * after + 2] = later
            covariances[2 * after : 2 * after + 2, 2 * row : 2 * row + 2] = later.T
    load = np.kron(np.eye(3), np.column_stack([np.exp(-k * maturities), np.ones(2)]))
    centre = load @ np.concatenate(means) + np.tile(curve_constant(FACTORS, maturities), 3)
    whole = load @ covariances @ load.T + noise_deviation**2 * np.eye(6)
    gap = rows.ravel() - centre
    expected = -0.5 * (6 * math.log(2 * math.pi) + np.linalg.slogdet(whole)[1] + gap @ np.linalg.solve(whole, gap))
    found = filtered_state(
        FACTORS, strip, prior=StripPrior(mean=(0.05, 4.2), variance=(0.01, 0.03)), long_trend=0.02,
        measurement_deviation=noise_deviation,
    )  # fmt: skip
    assert found.log_likelihood == pytest.approx(expected, abs=1e-10)


def test_a_curve_starts_at_the_spot_and_a_future_s_price_is_its_own_forward_mean() -> None:
    assert float(two_factor_futures(FACTORS, chi=0.1, xi=4.0, maturity_years=0.0)) == pytest.approx(math.exp(4.1))
    # Martingale: F(t, T) at t is lognormal with mean F(0, T): simulate chi and xi to t under the pricing measure.
    random = np.random.default_rng(2)
    t, maturity, k = 0.5, 1.5, 1.1
    deviation = np.array(
        [[-math.expm1(-2 * k * t) * 0.09 / (2 * k), -math.expm1(-k * t) * 0.3 * 0.06 / k], [0, 0.04 * t]]
    )
    deviation[1, 0] = deviation[0, 1]
    draws = random.multivariate_normal(
        [0.1 * math.exp(-k * t) + math.expm1(-k * t) * 0.04 / k, 4.0 + 0.01 * t], deviation, 200_000
    )
    later = np.exp(
        math.exp(-k * (maturity - t)) * draws[:, 0] + draws[:, 1] + float(curve_constant(FACTORS, maturity - t))
    )
    now = float(two_factor_futures(FACTORS, chi=0.1, xi=4.0, maturity_years=maturity))
    assert abs(float(np.mean(later)) - now) < 4 * float(np.std(later)) / math.sqrt(200_000)
    found = float(log_futures_deviation(FACTORS, option_years=t, futures_years=maturity))
    assert float(np.std(np.log(later))) == pytest.approx(found, rel=0.01)
    with pytest.raises(InvalidInput, match="after its future"):
        log_futures_deviation(FACTORS, option_years=2.0, futures_years=1.0)


def test_convexity_by_quadrature_and_at_its_limit() -> None:
    s = (np.arange(200_000) + 0.5) / 200_000 * 3.0
    bond = (1 - np.exp(-0.05 * (3.0 - s))) / 0.05
    expected = float(np.mean(0.012**2 * bond**2 + 0.3 * 0.4 * 0.012 * bond)) * 3.0

    def found(reversion: float) -> float:
        return float(
            log_convexity(
                maturity_years=3.0,
                spot_vol=0.4,
                short_rate_vol=0.012,
                mean_reversion=reversion,
                spot_rate_correlation=0.3,
            )
        )

    assert found(0.05) == pytest.approx(expected, rel=1e-9)
    # Ho-Lee: sigma_r^2 T^3 / 3 + rho sigma_S sigma_r T^2 / 2
    assert found(0.0) == pytest.approx(0.012**2 * 9.0 + 0.3 * 0.4 * 0.012 * 4.5, rel=1e-13)
    assert found(0.25 / 3 - 1e-9) == pytest.approx(found(0.25 / 3 + 1e-9), rel=1e-7)
    futures = futures_price_per_t(forward_per_t=75.0, log_convexity=0.01)
    assert float(forward_price_per_t(futures_per_t=futures, log_convexity=0.01)) == pytest.approx(75.0, rel=1e-15)
    assert convexity_warnings(maturity_years=0.5, log_convexity=0.001)[0].code is ModelCode.CONVEXITY_NEGLIGIBLE
    assert convexity_warnings(maturity_years=5.0, log_convexity=-0.08)[0].code is ModelCode.CONVEXITY_LARGE
    assert convexity_warnings(maturity_years=3.0, log_convexity=0.007) == ()


def test_parity_is_quantlib_s() -> None:
    with quantlib_on(date(2026, 6, 15)) as today:
        days = ql.Actual365Fixed()
        base = ql.FlatForward(today, 0.018, days, ql.Continuous, ql.Annual)
        quote = ql.FlatForward(today, 0.032, days, ql.Continuous, ql.Annual)
        factors = [curve.discount(ql_date(date(2027, 6, 15))) for curve in (base, quote)]
    found = fx_forward_rate(spot_rate=1.1, base_discount_factor=factors[0], quote_discount_factor=factors[1])
    assert float(found) == pytest.approx(1.1 * math.exp(0.032 - 0.018), rel=1e-14)


def test_quantlib_s_fx_forward_at_the_parity_rate_is_worth_nothing() -> None:
    """USD per CNY with both curves from the valuation date: settlement days of nought, so that no spot lag enters."""
    delivery, years = date(2027, 3, 15), (date(2027, 3, 15) - date(2026, 6, 15)).days / 365
    rate = fx_forward_rate(
        spot_rate=0.14, base_discount_factor=math.exp(-0.018 * years), quote_discount_factor=math.exp(-0.043 * years)
    )

    def worth(forward_rate: float) -> float:
        with quantlib_on(date(2026, 6, 15)) as today:
            days = ql.Actual365Fixed()
            cny = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.018, days, ql.Continuous, ql.Annual))
            usd = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.043, days, ql.Continuous, ql.Annual))
            forward = ql.FxForward(
                1_000_000.0,
                ql.CNYCurrency(),
                1_000_000.0 * forward_rate,
                ql.USDCurrency(),
                ql_date(delivery),
                True,  # noqa: FBT003 - QuantLib takes these by place
                0,
            )
            spot = ql.QuoteHandle(ql.SimpleQuote(0.14))
            forward.setPricingEngine(ql.DiscountingFxForwardEngine(cny, usd, spot))
            return forward.NPV()

    assert abs(worth(float(rate))) < 1e-8
    assert abs(worth(float(rate) * 1.0001)) > 10.0


def test_the_sign_of_the_correlation_matters() -> None:
    terms = {"price_vol": 0.4, "fx_vol": 0.1, "price_fx_correlation": 0.5}
    # sqrt(0.16 + 0.01 + 2 x 0.5 x 0.04) and 72 exp(-0.5 x 0.04)
    assert float(composite_vol(**terms)) == pytest.approx(math.sqrt(0.21))
    quanto = quanto_forward_per_t(foreign_forward_per_t=72.0, maturity_years=1.0, **terms)
    assert float(quanto) == pytest.approx(72.0 * math.exp(-0.02))
    assert float(composite_vol(price_vol=0.3, fx_vol=0.3, price_fx_correlation=-1.0)) == 0.0
    with pytest.raises(InvalidInput, match=r"price_fx_correlation is 1\.2"):
        composite_vol(price_vol=0.3, fx_vol=0.3, price_fx_correlation=1.2)
    assert currency_warnings(rates_of=Currency.CNH, used_for=Currency.CNY)[0].code is ModelCode.OFFSHORE_FOR_ONSHORE
    assert currency_warnings(rates_of=Currency.CNH, used_for=Currency.CNH) == ()


def test_heavy_tails_are_said() -> None:
    random = np.random.default_rng(1)
    assert kurtosis_warnings(random.standard_normal(2_000)) == ()
    assert kurtosis_warnings(random.standard_t(3, 2_000))[0].code is ModelCode.HEAVY_TAILED_RESIDUALS
