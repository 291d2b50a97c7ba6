"""The filter on ragged strips against the dense normal density, and the fit on strips of known making."""

import csv
import math
from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonfin.kernel.errors import CalculationFailed, InvalidInput, MissingData
from pricing.calc.models.cautions import ModelCode
from pricing.calc.models.fitting import Bounds, descended, standard_errors
from pricing.calc.models.schwartz_smith import FuturesStrip, StripPrior, TwoFactors, curve_constant, filtered_state
from pricing.calc.models.schwartz_smith_calibration import TwoFactorFit, fit_strip

STRIP = Path(__file__).parents[4] / "shared" / "data" / "eua-futures-curve" / "eex_feua_settlements.csv"
FACTORS = TwoFactors(
    mean_reversion=1.2, short_vol=0.35, long_vol=0.22, factor_correlation=0.25, long_drift=-0.01, risk_price=0.05
)
PRIOR = StripPrior(mean=(0.0, 4.2), variance=(0.25, 0.25))
NOWHERE = Bounds(lowest=np.full(2, -np.inf), highest=np.full(2, np.inf))


def simulated_strip(factors: TwoFactors, *, days: int, seed: int, noise: float = 0.01) -> FuturesStrip:
    """Draw both factors week by week and print four expiries that come nearer, one of them not quoted every fifth day."""
    random = np.random.default_rng(seed)
    k, dt = factors.mean_reversion, 1 / 52
    cross = -math.expm1(-k * dt) * factors.factor_correlation * factors.short_vol * factors.long_vol / k
    shocks = random.multivariate_normal(
        [0.0, 0.03 * dt],
        [[-math.expm1(-2 * k * dt) * factors.short_vol**2 / (2 * k), cross], [cross, factors.long_vol**2 * dt]],
        days,
    )
    maturity = np.array([0.4, 1.0, 2.0, 3.5]) + days * dt - np.arange(1, days + 1)[:, None] * dt
    chi, xi, rows = 0.08, 4.25, []
    for (chi_shock, xi_shock), years in zip(shocks, maturity, strict=True):
        chi, xi = chi * math.exp(-k * dt) + chi_shock, xi + xi_shock
        rows.append(np.exp(-k * years) * chi + xi + curve_constant(factors, years))
    quoted = np.ones(maturity.shape, dtype=bool)
    quoted[::5, 1] = False
    return FuturesStrip(
        log_prices=np.where(quoted, np.array(rows) + noise * random.standard_normal(maturity.shape), np.nan),
        is_quoted=quoted, maturity_years=maturity, step_years=np.full(days, dt),
    )  # fmt: skip


@cache
def fitted() -> TwoFactorFit:
    return fit_strip(simulated_strip(FACTORS, days=120, seed=8), prior=PRIOR)


def test_the_filter_takes_unquoted_expiries_and_uneven_steps_as_the_dense_density_does() -> None:
    strip = FuturesStrip(
        log_prices=np.log([[70.0, 71.0, 72.0], [71.5, 1.0, 72.4], [70.2, 71.1, 1.0], [69.0, 70.0, 71.7]]),
        is_quoted=np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0], [0, 1, 1]], dtype=bool),
        maturity_years=np.array([[0.5, 1.5, 2.5]]) - np.array([[0.0], [0.01], [0.05], [0.06]]),
        step_years=np.array([0.003, 0.01, 0.04, 0.01]),
    )
    k = FACTORS.mean_reversion
    # Each state is the prior carried to its day and every shock since, so a covariance is that at the earlier day.
    mean, spread = np.array([0.05, 4.2]), np.diag([0.01, 0.03])
    loads, centres, spreads, days = [], [], [], []
    for row, dt in enumerate(np.asarray(strip.step_years).tolist()):
        step = np.diag([math.exp(-k * dt), 1.0])
        cross = (1 - math.exp(-k * dt)) * 0.25 * 0.35 * 0.22 / k
        mean = step @ mean + [0.0, 0.02 * dt]
        spread = step @ spread @ step + [
            [(1 - math.exp(-2 * k * dt)) * 0.35**2 / (2 * k), cross],
            [cross, 0.22**2 * dt],
        ]
        spreads.append(spread)
        for column in np.flatnonzero(strip.is_quoted[row]).tolist():
            years = float(strip.maturity_years[row, column])
            loads.append(np.array([math.exp(-k * years), 1.0]))
            centres.append(loads[-1] @ mean + float(curve_constant(FACTORS, years)))
            days.append(row)
    clock = np.cumsum(np.asarray(strip.step_years))
    whole = np.empty((len(days), len(days)))
    for one, first in enumerate(days):
        for two, last in enumerate(days):
            early, late = min(first, last), max(first, last)
            carry = np.diag([math.exp(-k * (clock[late] - clock[early])), 1.0])
            later, earlier = (loads[one], loads[two]) if first >= last else (loads[two], loads[one])
            whole[one, two] = later @ carry @ spreads[early] @ earlier + (0.02**2 if one == two else 0.0)
    gap = strip.log_prices[strip.is_quoted] - np.array(centres)
    expected = -0.5 * (
        gap.size * math.log(2 * math.pi) + np.linalg.slogdet(whole)[1] + gap @ np.linalg.solve(whole, gap)
    )
    prior = StripPrior(mean=(0.05, 4.2), variance=(0.01, 0.03))
    found = filtered_state(FACTORS, strip, prior=prior, long_trend=0.02, measurement_deviation=0.02)
    assert found.log_likelihood == pytest.approx(expected, abs=1e-10)
    # A square root of the covariance takes the gaps to the same standard errors in the same order.
    np.testing.assert_allclose(found.innovations, np.linalg.solve(np.linalg.cholesky(whole), gap), atol=1e-9)


def test_a_fit_finds_the_makers_parameters_within_its_errors() -> None:
    fit = fitted()
    assert fit.errors is not None
    assert fit.errors.mean_reversion is not None
    pairs = [
        (fit.factors.mean_reversion, 1.2, fit.errors.mean_reversion),
        (fit.factors.short_vol, 0.35, fit.errors.short_vol),
        (fit.factors.long_vol, 0.22, fit.errors.long_vol),
        (fit.factors.factor_correlation, 0.25, fit.errors.factor_correlation),
        (fit.factors.long_drift, -0.01, fit.errors.long_drift),
        (fit.factors.risk_price, 0.05, fit.errors.risk_price),
        (fit.long_trend, 0.03, fit.errors.long_trend),
        (fit.measurement_deviation, 0.01, fit.errors.measurement_deviation),
    ]
    for found, true, error in pairs:
        assert abs(found - true) < 4 * error
    # The level is seen almost bare: its volatility is known as that of 120 squares, its trend as sigma / sqrt(years).
    assert fit.errors.long_vol == pytest.approx(fit.factors.long_vol / math.sqrt(2 * 120), rel=0.3)
    assert fit.errors.measurement_deviation < 0.001
    assert fit.errors.long_trend == pytest.approx(fit.factors.long_vol / math.sqrt(120 / 52), rel=0.2)
    assert abs(float(np.mean(fit.filtered.innovations**2)) - 1.0) < 0.2
    assert not {warning.code for warning in fit.warnings} & {
        ModelCode.NO_MEAN_REVERSION,
        ModelCode.HEAVY_TAILED_RESIDUALS,
    }


def test_no_parameters_are_likelier_than_the_fitted_ones() -> None:
    strip, fit = simulated_strip(FACTORS, days=120, seed=8), fitted()
    true = filtered_state(FACTORS, strip, prior=PRIOR, long_trend=0.03, measurement_deviation=0.01)
    # Twice the gain is chi-square with eight degrees of freedom: beyond 26 once in a thousand.
    assert 0.0 <= fit.filtered.log_likelihood - true.log_likelihood < 13.0


def test_a_strip_that_moves_only_in_level_shows_no_mean_reversion_and_no_errors() -> None:
    """With kappa 0.01 the short-term part moves all expiries alike: nothing tells the two apart."""
    slow = TwoFactors(
        mean_reversion=0.01, short_vol=0.3, long_vol=0.3, factor_correlation=-0.3, long_drift=0.0, risk_price=0.0
    )
    fit = fit_strip(simulated_strip(slow, days=70, seed=3), prior=PRIOR)
    assert fit.errors is None
    assert {warning.code for warning in fit.warnings} >= {ModelCode.NO_MEAN_REVERSION, ModelCode.UNCERTAINTY_UNKNOWN}
    # What both move together is seen all the same: the variance of their sum.
    assert fit.factors.long_vol == pytest.approx(math.sqrt(0.09 + 0.09 - 2 * 0.3 * 0.09), rel=4 / math.sqrt(2 * 70))


def strip_of_settlements(first: date, last: date) -> FuturesStrip:
    """Read December settlements of every fifth day."""
    if not STRIP.exists():
        pytest.skip(f"the settlements are not here: {STRIP}")
    curves: dict[date, dict[int, float]] = defaultdict(dict)
    with STRIP.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["date"])
            if first <= day <= last and row["delivery"].endswith("-12") and float(row["settle"] or 0) > 0:
                curves[day][int(row["delivery"][:4])] = float(row["settle"])
    days = sorted(curves)[::5]
    years = sorted({year for day in days for year in curves[day]})
    price = np.array([[curves[day].get(year, np.nan) for year in years] for day in days])
    maturity = np.array([[(date(year, 12, 15) - day).days / 365 for year in years] for day in days])
    return FuturesStrip(
        log_prices=np.log(price), is_quoted=~np.isnan(price) & (maturity > 0), maturity_years=np.maximum(maturity, 0.0),
        step_years=np.diff([day.toordinal() for day in days], prepend=days[0].toordinal() - 5) / 365,
    )  # fmt: skip


def test_public_settlements_show_a_moving_carry_and_no_mean_reversion() -> None:
    """On allowances of 2013 and 2014 the Decembers move together, by levels and slopes: the fit says so."""
    fit = fit_strip(
        strip_of_settlements(date(2013, 1, 1), date(2014, 12, 1)),
        prior=StripPrior(mean=(0.0, math.log(6.0)), variance=(0.25, 0.25)),
    )
    assert ModelCode.NO_MEAN_REVERSION in {warning.code for warning in fit.warnings}
    assert fit.measurement_deviation < 0.02
    assert fit.errors is not None


def strip_with(**changed: Any) -> FuturesStrip:
    terms: dict[str, Any] = {
        "log_prices": np.full((3, 2), 4.0), "is_quoted": np.ones((3, 2), dtype=bool),
        "maturity_years": np.array([0.5, 1.0]), "step_years": 0.02,
    }  # fmt: skip
    return FuturesStrip(**(terms | changed))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"log_prices": np.full((3, 3), 4.0)}, "do not fit"),
        ({"maturity_years": np.array([0.5, 1.0, 2.0])}, "do not fit"),
        ({"log_prices": np.array([[4.0, np.nan], [4.0, 4.0], [4.0, 4.0]])}, "log_prices is nan at place 2"),
        ({"maturity_years": np.array([-0.1, 1.0])}, r"maturity_years is -0\.1"),
        ({"step_years": 0.0}, "step_years is 0"),
        ({"step_years": np.full(2, 0.02)}, "3 days have 2 steps"),
        ({"is_quoted": np.zeros((3, 2), dtype=bool)}, "no price"),
    ],
)
def test_a_strip_that_cannot_be_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        strip_with(**changed)


def test_priors_and_noise_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInput, match="variance is -1"):
        StripPrior(mean=(0.0, 4.0), variance=(0.1, -1.0))
    with pytest.raises(InvalidInput, match="measurement_deviation is 0"):
        filtered_state(FACTORS, strip_with(), prior=PRIOR, long_trend=0.0, measurement_deviation=0.0)


def test_too_little_to_tell_two_factors_apart_is_refused() -> None:
    with pytest.raises(MissingData, match="3 days"):
        fit_strip(strip_with(), prior=PRIOR)
    one = np.zeros((80, 2), dtype=bool)
    one[:, 0] = True
    with pytest.raises(MissingData, match="no day quotes two expiries"):
        fit_strip(strip_with(log_prices=np.full((80, 2), 4.0), is_quoted=one), prior=PRIOR)


def test_a_descent_finds_the_bottom_of_a_bent_valley_and_of_a_bounded_one() -> None:
    def valley(point: np.ndarray) -> float:  # Rosenbrock (1960): least at (1, 1)
        return float((1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2)

    np.testing.assert_allclose(
        descended(valley, np.array([-1.2, 1.0]), bounds=NOWHERE, tolerance=1e-14), [1.0, 1.0], atol=1e-5
    )
    # Held at x <= 0.5 the least of the rest is y = x^2.
    bounds = Bounds(lowest=np.full(2, -np.inf), highest=np.array([0.5, np.inf]))
    found = descended(valley, np.array([-1.2, 1.0]), bounds=bounds, tolerance=1e-14)
    assert found[0] == 0.5
    assert found[1] == pytest.approx(0.25, abs=1e-5)
    with pytest.raises(CalculationFailed, match="at the start"):
        descended(lambda _: math.inf, np.zeros(2), bounds=NOWHERE)
    with pytest.raises(CalculationFailed, match="did not end within 3 steps"):
        descended(valley, np.array([-1.2, 1.0]), bounds=NOWHERE, tolerance=1e-14, rounds=3)


def test_standard_errors_are_those_of_a_normal_density_whatever_the_scale() -> None:
    deviations = np.array([1e-4, 30.0])
    inverse = np.linalg.inv(np.outer(deviations, deviations) * [[1.0, 0.6], [0.6, 1.0]])
    found = standard_errors(lambda point: float(0.5 * point @ inverse @ point), np.zeros(2))
    assert found is not None
    np.testing.assert_allclose(found, deviations, rtol=1e-5)
    assert standard_errors(lambda point: float(point[0] ** 2), np.zeros(2)) is None
