"""Two periods fitted: to drawn paths of both allowances, to options of a known model, and days that say nothing."""

from dataclasses import replace

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.models.carmona_hinz import CompliancePeriod
from pricing.calc.models.carmona_hinz_two_period import TwoPeriods, call_per_t
from pricing.calc.models.cautions import FloatArray, ModelCode
from pricing.calc.models.two_period_calibration import (
    PeriodTerms,
    TwoPeriodQuotes,
    fit_two_paths,
    fit_two_periods_to_options,
)
from pricing.calc.normal import normal_cdf, normal_ppf

CURRENT, FOLLOWING = (
    PeriodTerms(penalty_per_t=100.0, compliance_years=1.0),
    PeriodTerms(penalty_per_t=120.0, compliance_years=2.0),
)
BETA, RHO, KAPPA, DAYS = 0.6, 0.5, 0.8, 300


def _drawn() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Times, S and A2 of alpha 1: d ln of (T - t) makes nu = ((T - t) / (T - s))^beta - 1, drawn without the product."""
    random = np.random.default_rng(7)
    times = np.arange(DAYS) / 365.0
    noise = random.standard_normal((DAYS - 1, 2))
    noise[:, 1] = RHO * noise[:, 0] + np.sqrt(1.0 - RHO**2) * noise[:, 1]
    states = np.empty((DAYS, 2))
    states[0] = normal_ppf(np.array([30.0 / 100.0, 45.0 / 120.0]))
    for row in range(1, DAYS):
        for column, end in enumerate((1.0, 2.0)):
            growth = ((end - times[row - 1]) / (end - times[row])) ** BETA
            states[row, column] = (
                states[row - 1, column] * np.sqrt(growth) + np.sqrt(growth - 1.0) * noise[row - 1, column]
            )
    return times, 100.0 * normal_cdf(states[:, 0]), 120.0 * normal_cdf(states[:, 1])


def test_paths_of_both_allowances_give_back_what_made_them() -> None:
    """Each within four of its own standard errors; alpha stands on its bound of 1 or says how little is known."""
    times, scarcity, ahead = _drawn()
    found = fit_two_paths(
        CURRENT, FOLLOWING, carried_fraction=KAPPA, times_years=times, prices_per_t=scarcity + KAPPA * ahead,
        following_per_t=ahead,
    )  # fmt: skip
    for fit in (found.current, found.following):
        assert fit.errors is not None
        assert abs(fit.period.beta - BETA) < 4 * fit.errors.beta
        assert fit.errors.alpha is None or abs(fit.period.alpha - 1.0) < 4 * fit.errors.alpha
    assert abs(found.periods.state_correlation - RHO) < 4 * found.correlation_error
    assert found.correlation_error == pytest.approx((1 - RHO**2) / np.sqrt(DAYS), rel=0.15)
    assert (found.scarcity_per_t, found.following_per_t) == (pytest.approx(scarcity[-1]), pytest.approx(ahead[-1]))
    assert found.observation_count == DAYS


def test_days_below_what_is_carried_over_are_left_out_and_told() -> None:
    times, scarcity, ahead = _drawn()
    prices = scarcity + KAPPA * ahead
    prices[10:14] = 0.5 * KAPPA * ahead[10:14]
    found = fit_two_paths(
        CURRENT, FOLLOWING, carried_fraction=KAPPA, times_years=times, prices_per_t=prices, following_per_t=ahead
    )
    assert found.observation_count == DAYS - 4
    told = next(one for one in found.warnings if one.code is ModelCode.DAYS_OUTSIDE)
    assert "有 4 日" in told.zh
    prices[-1] = 0.5 * KAPPA * ahead[-1]
    with pytest.raises(InvalidInput, match="must lie between") as refused:
        fit_two_paths(
            CURRENT, FOLLOWING, carried_fraction=KAPPA, times_years=times, prices_per_t=prices, following_per_t=ahead
        )
    assert refused.value.field == "carried_fraction"


def _quotes(truth: TwoPeriods, noise: float = 0.0) -> TwoPeriodQuotes:
    strike = np.array([55.0, 75.0, 60.0, 80.0])
    expiry = np.array([0.25, 0.25, 0.6, 0.6])
    calls = [
        call_per_t(
            truth, scarcity_per_t=30.0, following_per_t=45.0, strike_per_t=k, expiry_years=t, discount_factor=0.99
        )
        for k, t in zip(strike.tolist(), expiry.tolist(), strict=True)
    ]
    bumps = noise * np.random.default_rng(1).standard_normal(4)
    return TwoPeriodQuotes(
        scarcity_per_t=np.full(4, 30.0), following_per_t=45.0, strike_per_t=strike, expiry_years=expiry,
        discount_factor=np.full(4, 0.99), call_per_t=np.array(calls) + bumps,
    )  # fmt: skip


TRUTH = TwoPeriods(
    current=CompliancePeriod(penalty_per_t=100.0, compliance_years=1.0, alpha=1.15, beta=0.6),
    following=CompliancePeriod(penalty_per_t=120.0, compliance_years=2.0, alpha=1.0, beta=0.8),
    carried_fraction=KAPPA, state_correlation=RHO,
)  # fmt: skip
START = replace(TRUTH, current=replace(TRUTH.current, alpha=1.4, beta=1.0))


def test_options_of_a_known_model_give_it_back_and_noise_gives_an_error() -> None:
    exact = fit_two_periods_to_options(START, _quotes(TRUTH))
    assert exact.periods.current.beta == pytest.approx(0.6, rel=2e-3)
    assert exact.root_mean_square_per_t < 1e-4
    assert exact.periods.following == TRUTH.following
    noisy = fit_two_periods_to_options(START, _quotes(TRUTH, noise=0.05))
    assert noisy.errors is not None
    assert abs(noisy.periods.current.beta - 0.6) < 4 * noisy.errors.beta
    assert noisy.errors.beta > 1e-3


def test_one_quote_is_too_few() -> None:
    one = TwoPeriodQuotes(
        scarcity_per_t=np.array([30.0]), following_per_t=45.0, strike_per_t=np.array([60.0]),
        expiry_years=np.array([0.5]), discount_factor=np.array([0.99]), call_per_t=np.array([9.0]),
    )  # fmt: skip
    with pytest.raises(MissingData):
        fit_two_periods_to_options(START, one)
