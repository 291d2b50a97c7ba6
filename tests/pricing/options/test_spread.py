"""Spread options: Margrabe's and Black's closed forms, QuantLib, a brute integral, laws, bad input."""

import math
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import quantlib_on
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.spread import spread_option_value_per_t
from tests.pricing.options.days import VALUATION_DATE

RANDOM = np.random.default_rng(20260616)


def terms(**changed: Any) -> dict[str, Any]:
    given_terms: dict[str, Any] = {
        "first_forward_per_t": 560.0, "second_forward_per_t": 75.0, "strike_per_t": 450.0, "first_volatility": 0.38,
        "second_volatility": 0.30, "correlation": 0.2, "expiry_years": 1.0, "discount_factor": 0.984, "option_sign": 1.0,
    }  # fmt: skip
    return {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in (given_terms | changed).items()}


def value(**changed: Any) -> float:
    return float(spread_option_value_per_t(**terms(**changed))[0])


def book(count: int) -> dict[str, Any]:
    return terms(
        first_forward_per_t=RANDOM.uniform(20.0, 600.0, count), second_forward_per_t=RANDOM.uniform(20.0, 600.0, count),
        strike_per_t=RANDOM.uniform(-300.0, 300.0, count), first_volatility=RANDOM.uniform(0.0, 1.2, count),
        second_volatility=RANDOM.uniform(0.0, 1.2, count), correlation=RANDOM.uniform(-1.0, 1.0, count),
        expiry_years=RANDOM.uniform(0.0, 2.0, count), option_sign=RANDOM.choice([-1.0, 1.0], count),
    )  # fmt: skip


def test_without_strike_it_is_margrabe_s_option() -> None:
    trades = book(300) | {"strike_per_t": np.zeros(300)}
    # Also the correlations at which the inner option has no volatility left.
    trades["correlation"][:90] = np.repeat([1.0, -1.0, 1.0 - 1e-9], 30)
    trades["second_volatility"][:10] = trades["first_volatility"][:10]
    one, two, rho = (trades[name] for name in ("first_volatility", "second_volatility", "correlation"))
    total = np.sqrt(np.maximum(one**2 + two**2 - 2.0 * rho * one * two, 0.0) * trades["expiry_years"])
    expected = black76_value_per_t(
        forward_per_t=trades["first_forward_per_t"], strike_per_t=trades["second_forward_per_t"], total_volatility=total,
        discount_factor=trades["discount_factor"], option_sign=trades["option_sign"],
    )  # fmt: skip
    # At a correlation of one and equal volatilities the closed form takes the root of a rounding: 1e-8 of the price.
    assert spread_option_value_per_t(**trades) == pytest.approx(expected, abs=1e-9)


def test_with_one_leg_still_it_is_black_s_option() -> None:
    for strike, sign in ((450.0, 1.0), (450.0, -1.0), (-50.0, 1.0), (-50.0, -1.0)):
        expected = black76_value_per_t(
            forward_per_t=np.array([560.0]), strike_per_t=np.array([75.0 + strike]), total_volatility=np.array([0.38]),
            discount_factor=np.array([0.984]), option_sign=np.array([sign]),
        )[0]  # fmt: skip
        assert value(strike_per_t=strike, option_sign=sign, second_volatility=0.0) == pytest.approx(expected, abs=1e-10)
    # The first still: a call on 560 - F2 - 450 is a put on F2 at 110.
    expected = black76_value_per_t(
        forward_per_t=np.array([75.0]), strike_per_t=np.array([110.0]), total_volatility=np.array([0.30]),
        discount_factor=np.array([0.984]), option_sign=np.array([-1.0]),
    )[0]  # fmt: skip
    assert value(first_volatility=0.0) == pytest.approx(expected, abs=1e-10)


def test_nothing_left_to_move_gives_the_discounted_payoff() -> None:
    for strike, sign, expected in ((450.0, 1.0, 35.0), (450.0, -1.0, 0.0), (500.0, -1.0, 15.0), (-15.0, 1.0, 500.0)):
        assert value(strike_per_t=strike, option_sign=sign, expiry_years=0.0) == pytest.approx(0.984 * expected)


@pytest.mark.parametrize(("strike", "correlation"), [(450.0, 0.2), (-100.0, -0.6), (485.0, 0.95)])
def test_against_the_double_integral_over_both_prices(strike: float, correlation: float) -> None:
    def density(y: float, x: float) -> float:
        first = 560.0 * math.exp(0.38 * x - 0.5 * 0.38**2)
        mixed = correlation * x + math.sqrt(1.0 - correlation**2) * y
        second = 75.0 * math.exp(0.30 * mixed - 0.5 * 0.30**2)
        return max(first - second - strike, 0.0) * math.exp(-0.5 * (x * x + y * y)) / (2.0 * math.pi)

    expected, _ = dblquad(density, -8.0, 9.0, -8.0, 8.0, epsabs=1e-6, epsrel=1e-6)
    assert value(strike_per_t=strike, correlation=correlation) == pytest.approx(0.984 * expected, abs=2e-5)


def test_against_quantlib_s_choi_engine() -> None:
    with quantlib_on(VALUATION_DATE) as today:
        day_count = ql.Actual365Fixed()
        rate = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.016, day_count))
        for _ in range(25):
            f1, f2, k = RANDOM.uniform(60.0, 120.0), RANDOM.uniform(40.0, 100.0), RANDOM.uniform(0.0, 30.0)
            v1, v2, rho = RANDOM.uniform(0.15, 0.6), RANDOM.uniform(0.15, 0.6), RANDOM.uniform(-0.7, 0.8)
            processes = [
                ql.BlackProcess(
                    ql.QuoteHandle(ql.SimpleQuote(forward)),
                    rate,
                    ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), sigma, day_count)),
                )
                for forward, sigma in ((f1, v1), (f2, v2))
            ]
            correlations = ql.Matrix(2, 2, 1.0)
            correlations[0][1] = correlations[1][0] = rho
            payoff = ql.AverageBasketPayoff(ql.PlainVanillaPayoff(ql.Option.Call, k), ql.Array([1.0, -1.0]))
            option = ql.BasketOption(payoff, ql.EuropeanExercise(today + 365))
            option.setPricingEngine(ql.ChoiBasketEngine(processes, correlations, 15.0))
            found = value(
                first_forward_per_t=f1, second_forward_per_t=f2, strike_per_t=k, first_volatility=v1, second_volatility=v2,
                correlation=rho, discount_factor=math.exp(-0.016),
            )  # fmt: skip
            assert found == pytest.approx(option.NPV(), abs=1e-6)


@given(
    strike=st.floats(-300.0, 500.0),
    first=st.floats(0.0, 1.0),
    second=st.floats(0.0, 1.0),
    correlation=st.floats(-1.0, 1.0),
    years=st.floats(0.0, 3.0),
    scale=st.floats(0.01, 50.0),
)
@settings(max_examples=60, deadline=None)
def test_laws(*, strike: float, first: float, second: float, correlation: float, years: float, scale: float) -> None:
    shared = {
        "first_volatility": first, "second_volatility": second, "correlation": correlation, "expiry_years": years,
    }  # fmt: skip
    call, put = value(strike_per_t=strike, **shared), value(strike_per_t=strike, option_sign=-1.0, **shared)
    rounding = 1e-9
    assert call - put == pytest.approx(0.984 * (560.0 - 75.0 - strike), abs=rounding)
    assert call >= max(0.984 * (560.0 - 75.0 - strike), 0.0)
    assert call <= 0.984 * (560.0 + max(-strike, 0.0)) + rounding
    exchanged = value(
        first_forward_per_t=75.0, second_forward_per_t=560.0, strike_per_t=-strike, first_volatility=second,
        second_volatility=first, correlation=correlation, expiry_years=years, option_sign=-1.0,
    )  # fmt: skip
    assert exchanged == pytest.approx(call, abs=rounding)
    scaled = value(
        first_forward_per_t=560.0 * scale, second_forward_per_t=75.0 * scale, strike_per_t=strike * scale, **shared
    )
    assert scaled == pytest.approx(scale * call, rel=1e-9, abs=rounding * scale)


def test_value_falls_with_strike_and_correlation() -> None:
    strikes = np.linspace(-200.0, 900.0, 221)
    falling = spread_option_value_per_t(**terms(strike_per_t=strikes))
    assert np.all(np.diff(falling) < 0.0)
    assert np.all(np.diff(falling) > -0.984 * 5.0 - 1e-9)
    assert np.all(np.diff(falling, 2) > -1e-9)
    correlations = np.linspace(-1.0, 1.0, 81)
    assert np.all(np.diff(spread_option_value_per_t(**terms(correlation=correlations))) < 0.0)


def test_values_do_not_hang_on_neighbours() -> None:
    trades = book(101)
    whole = spread_option_value_per_t(**trades)
    for row in (0, 31, 32, 100):
        alone = spread_option_value_per_t(
            **{name: column[row : row + 1] if column.size > 1 else column for name, column in trades.items()}
        )
        assert alone[0] == whole[row]


@pytest.mark.parametrize(
    ("changed", "field", "row"),
    [
        ({"first_forward_per_t": [560.0, 0.0]}, "first_forward_per_t", 1),
        ({"second_forward_per_t": [75.0, 75.0, -1.0]}, "second_forward_per_t", 2),
        ({"strike_per_t": math.inf}, "strike_per_t", 0),
        ({"first_volatility": [0.3, -0.1]}, "first_volatility", 1),
        ({"second_volatility": math.nan}, "second_volatility", 0),
        ({"correlation": [0.2, 1.01]}, "correlation", 1),
        ({"expiry_years": -0.5}, "expiry_years", 0),
        ({"discount_factor": 0.0}, "discount_factor", 0),
        ({"option_sign": 0.0}, "option_sign", 0),
    ],
)
def test_bad_terms_are_named(changed: dict[str, Any], field: str, row: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        spread_option_value_per_t(**terms(**changed))
    assert (caught.value.field, caught.value.context["row"]) == (field, row)
