"""Laws of the penalty-bounded price: martingale, parity, slopes, limits, one period inside two, fits and refusals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.models.carmona_hinz import (
    CompliancePeriod,
    integrated_rate,
    option,
    scheme_warnings,
    simulated_prices,
    state_of,
)
from pricing.calc.models.carmona_hinz_calibration import OptionQuotes, QuoteFit, fit_options, fit_path
from pricing.calc.models.carmona_hinz_two_period import TwoPeriods, call_per_t
from pricing.calc.models.cautions import ModelCode

PERIOD = CompliancePeriod(penalty_per_t=100.0, compliance_years=2.0, alpha=1.2, beta=0.7)


def value(price: float = 60.0, strike: float = 55.0, expiry: float = 0.5, **period: Any) -> Any:
    chosen = CompliancePeriod(**({"penalty_per_t": 100.0, "compliance_years": 2.0, "alpha": 1.2, "beta": 0.7} | period))
    return option(
        chosen, price_per_t=np.array([price]), strike_per_t=np.array([strike]), now_years=0.0,
        expiry_years=np.array([expiry]), discount_factor=0.98,
    )  # fmt: skip


def test_simulated_prices_are_a_martingale_between_nought_and_the_penalty() -> None:
    paths = simulated_prices(
        PERIOD, price_per_t=60.0, times_years=np.array([0.0, 0.5, 1.9, 2.0]), path_count=200_000, seed=3
    )
    for column in range(1, 4):
        error = float(np.std(paths[:, column])) / math.sqrt(200_000)
        assert abs(float(np.mean(paths[:, column])) - 60.0) < 4 * error
    assert paths.min() >= 0.0
    assert paths.max() <= 100.0
    assert set(np.unique(paths[:, -1])) == {0.0, 100.0}


def test_an_option_is_the_mean_of_its_simulated_payoff() -> None:
    paths = simulated_prices(PERIOD, price_per_t=60.0, times_years=np.array([0.0, 0.5]), path_count=400_000, seed=4)
    payoff = 0.98 * np.maximum(paths[:, 1] - 55.0, 0.0)
    assert abs(float(np.mean(payoff)) - value().call_per_t[0]) < 4 * float(np.std(payoff)) / math.sqrt(400_000)


@given(
    price=st.floats(2.0, 98.0), strike=st.floats(1.0, 130.0), expiry=st.floats(0.01, 1.99), alpha=st.floats(1.0, 2.0)
)
@settings(max_examples=150)
def test_parity_bounds_and_slopes(price: float, strike: float, expiry: float, alpha: float) -> None:
    found = value(price, strike, expiry, alpha=alpha)
    call, put = float(found.call_per_t[0]), float(found.put_per_t[0])
    assert call - put == pytest.approx(0.98 * (price - strike), abs=1e-9)
    assert 0.98 * max(price - strike, 0.0) - 1e-9 <= call <= 0.98 * max(100.0 - strike, 0.0) + 1e-9
    assert call <= 0.98 * price + 1e-9
    assert 0.0 <= float(found.delta[0]) <= 0.98 + 1e-12
    h = 1e-4
    up, down = value(price + h, strike, expiry, alpha=alpha), value(price - h, strike, expiry, alpha=alpha)
    assert float(found.delta[0]) == pytest.approx(float(up.call_per_t[0] - down.call_per_t[0]) / (2 * h), abs=2e-5)


def test_at_the_compliance_date_the_option_is_a_bet_on_the_penalty() -> None:
    found = value(60.0, 55.0, 2.0)
    # A_T is 100 with probability 0.6, else nought: 0.98 x 0.6 x (100 - 55)
    assert float(found.call_per_t[0]) == pytest.approx(0.98 * 0.6 * 45.0, abs=1e-10)
    assert float(found.digital_call[0]) == pytest.approx(0.98 * 0.6, abs=1e-12)
    assert float(value(60.0, 100.0).call_per_t[0]) == 0.0
    assert float(value(60.0, 0.0).call_per_t[0]) == pytest.approx(0.98 * 60.0, abs=1e-10)


def test_the_rate_of_alpha_one_is_the_limit_of_others() -> None:
    exact = integrated_rate(
        CompliancePeriod(penalty_per_t=1.0, compliance_years=2.0, alpha=1.0, beta=0.7), from_years=0.0, to_years=1.5
    )
    near = integrated_rate(
        CompliancePeriod(penalty_per_t=1.0, compliance_years=2.0, alpha=1.0 + 1e-7, beta=0.7),
        from_years=0.0,
        to_years=1.5,
    )
    assert float(exact) == pytest.approx(0.7 * math.log(4.0))
    assert float(near) == pytest.approx(float(exact), rel=1e-6)
    # (2^e - 0.5^e) beta / e = beta ln 4 (1 + O(e^2)) about the geometric mean of the times left, here 1: nothing cancels
    nearest = CompliancePeriod(penalty_per_t=1.0, compliance_years=2.0, alpha=1.0 + 1e-9, beta=0.7)
    rate = integrated_rate(nearest, from_years=0.0, to_years=1.5)
    assert float(rate) == pytest.approx(0.7 * math.log(4.0), rel=1e-14)
    steep = CompliancePeriod(penalty_per_t=1.0, compliance_years=2.0, alpha=2.0, beta=0.7)
    assert float(integrated_rate(steep, from_years=0.0, to_years=1.5)) == pytest.approx(0.7 * (1 / 0.5 - 1 / 2.0))
    assert float(integrated_rate(steep, from_years=0.0, to_years=2.0)) == math.inf


def test_two_periods_without_carrying_over_are_one() -> None:
    one = float(value().call_per_t[0])
    two = call_per_t(
        TwoPeriods(current=PERIOD, following=PERIOD, carried_fraction=0.0, state_correlation=0.4),
        scarcity_per_t=60.0, following_per_t=30.0, strike_per_t=55.0, expiry_years=0.5, discount_factor=0.98,
    )  # fmt: skip
    assert two == pytest.approx(one, abs=1e-9)


def test_two_periods_against_simulated_states() -> None:
    following = CompliancePeriod(penalty_per_t=120.0, compliance_years=3.0, alpha=1.0, beta=0.5)
    periods = TwoPeriods(current=PERIOD, following=following, carried_fraction=0.6, state_correlation=0.5)
    found = call_per_t(
        periods, scarcity_per_t=40.0, following_per_t=45.0, strike_per_t=60.0, expiry_years=0.8, discount_factor=0.97
    )
    random = np.random.default_rng(6)
    noise = random.standard_normal((2, 500_000))
    noise[1] = 0.5 * noise[0] + math.sqrt(0.75) * noise[1]
    prices = []
    for period, price, draw in ((PERIOD, 40.0, noise[0]), (following, 45.0, noise[1])):
        rate = float(integrated_rate(period, from_years=0.0, to_years=0.8))
        state = (
            float(state_of(period, np.array([price]))[0]) * math.exp(0.5 * rate) + math.sqrt(math.expm1(rate)) * draw
        )
        prices.append(period.penalty_per_t * np.vectorize(math.erfc)(-state / math.sqrt(2)) / 2)
    payoff = 0.97 * np.maximum(prices[0] + 0.6 * prices[1] - 60.0, 0.0)
    assert abs(float(np.mean(payoff)) - found) < 4 * float(np.std(payoff)) / math.sqrt(500_000)


def test_a_fit_to_options_finds_the_parameters_that_made_them() -> None:
    strike, expiry = np.array([40.0, 60.0, 80.0, 60.0]), np.array([0.3, 0.3, 0.3, 1.2])
    made = option(
        PERIOD, price_per_t=60.0, strike_per_t=strike, now_years=0.0, expiry_years=expiry, discount_factor=1.0
    )
    fit = fit_options(
        OptionQuotes(price_per_t=60.0, strike_per_t=strike, expiry_years=expiry, discount_factor=np.ones(4), call_per_t=made.call_per_t),
        penalty_per_t=100.0, compliance_years=2.0,
    )  # fmt: skip
    assert (fit.period.alpha, fit.period.beta) == (pytest.approx(1.2, abs=1e-5), pytest.approx(0.7, abs=1e-5))


def test_a_fit_to_a_path_says_how_little_is_known() -> None:
    times = np.linspace(0.0, 1.5, 301)
    path = simulated_prices(PERIOD, price_per_t=50.0, times_years=times, path_count=1, seed=12)[0]
    fit = fit_path(penalty_per_t=100.0, compliance_years=2.0, times_years=times, prices_per_t=path)
    assert ModelCode.RISK_PRICE_NOT_IDENTIFIED in {warning.code for warning in fit.warnings}
    assert fit.errors is not None
    assert fit.errors.alpha is not None
    assert fit.errors.risk_price is not None
    assert abs(fit.period.alpha - 1.2) < 4 * fit.errors.alpha
    assert abs(fit.period.beta - 0.7) < 4 * fit.errors.beta
    # Under the pricing measure h is nought; its error is 1 / sqrt(years), whatever the path.
    assert abs(fit.risk_price) < 4 * fit.errors.risk_price
    assert fit.errors.risk_price == pytest.approx(1 / math.sqrt(1.5), rel=0.1)


def test_a_fit_on_the_bound_of_alpha_says_so_and_keeps_the_error_of_beta() -> None:
    times = np.linspace(0.0, 1.0, 251)
    period = CompliancePeriod(penalty_per_t=100.0, compliance_years=2.0, alpha=1.0, beta=0.7)
    paths = simulated_prices(period, price_per_t=50.0, times_years=times, path_count=6, seed=2)
    fits = [fit_path(penalty_per_t=100.0, compliance_years=2.0, times_years=times, prices_per_t=path) for path in paths]
    held = [fit for fit in fits if ModelCode.ALPHA_ON_BOUND in {warning.code for warning in fit.warnings}]
    assert held, "with alpha 1 in truth about half of all paths end on the bound"
    for fit in held:
        assert fit.errors is not None
        assert fit.errors.alpha is None
        # beta scales a variance of 250 squares: its relative error is sqrt(2 / 250)
        assert fit.errors.beta / fit.period.beta == pytest.approx(math.sqrt(2 / 250), rel=0.15)
        assert abs(fit.period.beta - 0.7) < 4 * fit.errors.beta


def test_a_fit_to_noisy_options_knows_its_error_and_one_to_unlike_quotes_says_so() -> None:
    strike = np.tile([40.0, 50.0, 60.0, 70.0, 80.0], 4)
    expiry = np.repeat([0.25, 0.5, 1.0, 1.5], 5)
    made = option(
        PERIOD, price_per_t=60.0, strike_per_t=strike, now_years=0.0, expiry_years=expiry, discount_factor=1.0
    ).call_per_t
    random = np.random.default_rng(5)

    def fit(call: Any) -> QuoteFit:
        return fit_options(
            OptionQuotes(
                price_per_t=60.0, strike_per_t=strike, expiry_years=expiry, discount_factor=np.ones(20), call_per_t=call
            ),
            penalty_per_t=100.0, compliance_years=2.0,
        )  # fmt: skip

    z = []
    for _ in range(12):
        noisy = fit(made + 0.05 * random.standard_normal(20))
        assert noisy.errors is not None
        assert noisy.errors.risk_price is None
        assert noisy.root_mean_square_per_t == pytest.approx(0.05, rel=0.5)
        z.append((noisy.period.beta - 0.7) / noisy.errors.beta)
    # Twelve squares of a t variable with 18 degrees of freedom: their mean is 1.1, beyond 0.3 to 2.8 once in a thousand.
    assert 0.3 < float(np.mean(np.square(z))) < 2.8
    assert ModelCode.QUOTES_NOT_FITTED not in {warning.code for warning in fit(made).warnings}
    assert ModelCode.QUOTES_NOT_FITTED in {
        warning.code for warning in fit(made * np.where(strike > 55, 2.0, 1.0)).warnings
    }


def test_what_the_model_cannot_say_of_a_scheme() -> None:
    codes = {scheme: {one.code for one in scheme_warnings(scheme)} for scheme in Scheme}
    assert codes[Scheme.SZA] == {ModelCode.PENALTY_ESTIMATED, ModelCode.NOT_ALONE_FOR_SHENZHEN}
    assert codes[Scheme.CCER] == {ModelCode.NOT_FOR_CREDITS}
    assert codes[Scheme.EUA] == {ModelCode.PENALTY_IS_NO_BOUND}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: value(alpha=0.9), "alpha is 0.9"),
        (lambda: value(price=100.0), "at or above the penalty"),
        (lambda: value(price=float("nan")), "price_per_t is nan"),
        (lambda: value(expiry=2.1), "before 2.0"),
        (lambda: value(expiry=0.0), "expires at once"),
        (lambda: value(beta=0.0), "beta is 0"),
        (lambda: TwoPeriods(current=PERIOD, following=PERIOD, carried_fraction=1.1, state_correlation=0.0), "1.1"),
    ],
)
def test_outside_the_model_is_refused(call: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        call()


def test_too_short_a_path_is_refused() -> None:
    with pytest.raises(MissingData, match="10 prices"):
        fit_path(penalty_per_t=100.0, compliance_years=2.0, times_years=np.arange(10.0), prices_per_t=np.full(10, 50.0))
