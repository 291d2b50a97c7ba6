"""Average-price options: closed cases, laws, QuantLib's geometric price, simulation without a control."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import quantlib_on
from pricing.calc.options.average_price import (
    AverageSchedule,
    average_price_lower_bound_per_t,
    average_price_monte_carlo,
    average_price_value_per_t,
    geometric_average_value_per_t,
)
from pricing.calc.options.black76 import black76_value_per_t
from tests.pricing.options.days import VALUATION_DATE


def schedule(**changed: Any) -> AverageSchedule:
    years = np.arange(1, 13) / 12.0
    terms: dict[str, Any] = {
        "fixing_years": years, "forward_per_t": np.linspace(74.0, 78.0, 12), "fixed_count": 0,
        "fixed_average_per_t": 0.0,
    }  # fmt: skip
    return AverageSchedule(**(terms | changed))


def options(**changed: Any) -> dict[str, Any]:
    terms: dict[str, Any] = {"strike_per_t": 75.0, "volatility": 0.4, "discount_factor": 0.98, "option_sign": 1.0}
    return {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in (terms | changed).items()}


def test_one_fixing_is_black_s_option() -> None:
    single = schedule(fixing_years=np.array([0.7]), forward_per_t=np.array([76.0]))
    for sign in (1.0, -1.0):
        terms = options(strike_per_t=[50.0, 75.0, 110.0], option_sign=sign)
        black = black76_value_per_t(
            forward_per_t=np.array(76.0), strike_per_t=terms["strike_per_t"], total_volatility=np.array(0.4 * math.sqrt(0.7)),
            discount_factor=np.array(0.98), option_sign=np.array(sign),
        )  # fmt: skip
        assert average_price_value_per_t(single, **terms) == pytest.approx(black, abs=1e-12)
        assert average_price_lower_bound_per_t(single, **terms) == pytest.approx(black, abs=1e-12)
        assert geometric_average_value_per_t(single, **terms) == pytest.approx(black, abs=1e-12)
        drawn = average_price_monte_carlo(single, **terms, path_count=1_000, seed=1)
        assert drawn.value_per_t == pytest.approx(black, abs=1e-12)  # the control is the option itself
        assert np.all(drawn.standard_error_per_t < 1e-12)


def test_known_fixings_by_hand() -> None:
    # Nine of twelve fixed at 80, three to come at 60: A = (9 * 80 + 3 * 60) / 12 = 75 without volatility.
    seasoned = schedule(
        fixing_years=np.array([0.1, 0.2, 0.3]), forward_per_t=np.full(3, 60.0), fixed_count=9, fixed_average_per_t=80.0
    )
    calls = options(strike_per_t=[70.0, 80.0], volatility=0.0)
    assert average_price_value_per_t(seasoned, **calls) == pytest.approx([0.98 * 5.0, 0.0])
    puts = options(strike_per_t=[70.0, 80.0], volatility=0.0, option_sign=-1.0)
    assert average_price_value_per_t(seasoned, **puts) == pytest.approx([0.0, 0.98 * 5.0])
    # The known fixings alone are worth 60: a call at 55 is exercised whatever comes, and a put there is never.
    sure = options(strike_per_t=55.0, volatility=0.9, option_sign=[1.0, -1.0])
    for value in (average_price_value_per_t, average_price_lower_bound_per_t):
        assert value(seasoned, **sure) == pytest.approx([0.98 * 20.0, 0.0])
    assert average_price_monte_carlo(seasoned, **sure, path_count=50_000, seed=3).value_per_t == pytest.approx(
        [0.98 * 20.0, 0.0], abs=0.2
    )


def test_all_fixings_known_leaves_the_discounted_payoff() -> None:
    over = schedule(fixing_years=np.zeros(0), forward_per_t=np.zeros(0), fixed_count=20, fixed_average_per_t=83.5)
    terms = options(strike_per_t=[80.0, 90.0])
    for value in (average_price_value_per_t, average_price_lower_bound_per_t, geometric_average_value_per_t):
        assert value(over, **terms) == pytest.approx([0.98 * 3.5, 0.0])
    drawn = average_price_monte_carlo(over, **terms, path_count=10, seed=1)
    assert drawn.value_per_t == pytest.approx([0.98 * 3.5, 0.0])
    assert drawn.standard_error_per_t == pytest.approx([0.0, 0.0])


def test_geometric_average_against_quantlib() -> None:
    days = np.array([31, 59, 90, 120, 151, 181])
    flat = schedule(fixing_years=days / 365.0, forward_per_t=np.full(6, 75.0))
    with quantlib_on(VALUATION_DATE) as today:
        day_count = ql.Actual365Fixed()
        rate = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.03, day_count))
        volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 0.45, day_count))
        process = ql.BlackProcess(ql.QuoteHandle(ql.SimpleQuote(75.0)), rate, volatility)
        dates = [today + int(day) for day in days]
        for kind, sign in ((ql.Option.Call, 1.0), (ql.Option.Put, -1.0)):
            for strike in (60.0, 75.0, 95.0):
                option = ql.DiscreteAveragingAsianOption(
                    ql.Average.Geometric,
                    0.0,
                    0,
                    dates,
                    ql.PlainVanillaPayoff(kind, strike),
                    ql.EuropeanExercise(dates[-1]),
                )
                option.setPricingEngine(ql.AnalyticDiscreteGeometricAveragePriceAsianEngine(process))
                terms = options(
                    strike_per_t=strike, volatility=0.45, discount_factor=rate.discount(dates[-1]), option_sign=sign
                )
                assert geometric_average_value_per_t(flat, **terms)[0] == pytest.approx(option.NPV(), abs=1e-11)


@pytest.mark.parametrize("volatility", [0.05, 0.4, 1.1])
def test_value_is_the_whole_integral_over_the_geometric_average(volatility: float) -> None:
    made = schedule()
    strikes = np.array([60.0, 75.0, 90.0])
    years, forwards = made.fixing_years, made.forward_per_t
    joint = np.minimum.outer(years, years)
    weights = forwards / forwards.sum()
    loadings = volatility * joint @ weights / math.sqrt(weights @ joint @ weights)
    left = np.expm1(volatility**2 * joint - np.outer(loadings, loadings))
    z = np.linspace(-9.0, 9.0, 40_001)
    parts = forwards / 12.0 * np.exp(np.outer(z, loadings) - 0.5 * loadings**2)
    mean = parts.sum(axis=1)
    spread = np.sqrt(np.log1p(np.einsum("zi,ij,zj->z", parts, left, parts) / mean**2))
    black = black76_value_per_t(
        forward_per_t=mean, strike_per_t=strikes[:, None], total_volatility=spread, discount_factor=np.array(0.98),
        option_sign=np.array(1.0),
    )  # fmt: skip
    expected = np.trapezoid(black * np.exp(-0.5 * z**2), z, axis=1) / math.sqrt(2.0 * math.pi)
    found = average_price_value_per_t(made, **options(strike_per_t=strikes, volatility=volatility))
    assert found == pytest.approx(expected, abs=1e-9)


def plain_simulation(made: AverageSchedule, terms: dict[str, Any], *, paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate the definition of the payoff with antithetic paths and no control."""
    random = np.random.default_rng(99)
    steps = np.diff(made.fixing_years, prepend=0.0)
    half = np.cumsum(random.standard_normal((paths, steps.size)) * np.sqrt(steps), axis=1)
    sigma = float(terms["volatility"][0])
    count = made.fixed_count + steps.size
    payoffs = []
    for motion in (half, -half):
        prices = made.forward_per_t * np.exp(sigma * motion - 0.5 * sigma**2 * made.fixing_years)
        average = (prices.sum(axis=1) + made.fixed_count * made.fixed_average_per_t) / count
        payoffs.append(np.maximum(terms["option_sign"] * (average[:, None] - terms["strike_per_t"]), 0.0))
    both = terms["discount_factor"] * 0.5 * (payoffs[0] + payoffs[1])
    return both.mean(axis=0), both.std(axis=0) / math.sqrt(paths)


@pytest.mark.parametrize("known", [0, 5])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_value_and_controlled_simulation_against_the_plain_one(known: int, sign: float) -> None:
    made = schedule(fixed_count=known, fixed_average_per_t=70.0 * (known > 0))
    terms = options(strike_per_t=[60.0, 75.0, 90.0], option_sign=sign)
    plain, plain_error = plain_simulation(made, terms, paths=150_000)
    drawn = average_price_monte_carlo(made, **terms, path_count=150_000, seed=7)
    assert np.all(np.abs(drawn.value_per_t - plain) < 4.0 * np.hypot(plain_error, drawn.standard_error_per_t))
    assert np.all(drawn.standard_error_per_t < 0.5 * plain_error)
    value = average_price_value_per_t(made, **terms)
    assert np.all(np.abs(value - drawn.value_per_t) < 4.0 * drawn.standard_error_per_t + 2e-4 * value)


def test_simulation_repeats_with_its_seed_and_its_error_falls_with_the_root_of_paths() -> None:
    made, terms = schedule(), options()
    first = average_price_monte_carlo(made, **terms, path_count=20_000, seed=5)
    again = average_price_monte_carlo(made, **terms, path_count=20_000, seed=5)
    other = average_price_monte_carlo(made, **terms, path_count=80_000, seed=6)
    assert np.array_equal(first.value_per_t, again.value_per_t)
    assert not np.array_equal(first.value_per_t, other.value_per_t)
    assert other.standard_error_per_t[0] == pytest.approx(0.5 * first.standard_error_per_t[0], rel=0.1)


def test_simulation_never_falls_below_the_bound() -> None:
    made, terms = schedule(), options()
    bound = average_price_lower_bound_per_t(made, **terms)
    drawn = [average_price_monte_carlo(made, **terms, path_count=50, seed=seed).value_per_t[0] for seed in range(40)]
    assert min(drawn) == bound[0]  # some of forty short runs fall below it, and are lifted
    assert max(drawn) > bound[0]


@given(
    volatility=st.floats(0.01, 1.2),
    strike=st.floats(1.0, 300.0),
    known=st.integers(0, 6),
    fixed=st.floats(40.0, 120.0),
    scale=st.floats(0.01, 100.0),
)
@settings(max_examples=40, deadline=None)
def test_laws(*, volatility: float, strike: float, known: int, fixed: float, scale: float) -> None:
    made = schedule(fixed_count=known, fixed_average_per_t=fixed * (known > 0))
    expected = (made.forward_per_t.sum() + known * made.fixed_average_per_t) / (12 + known)
    both = options(strike_per_t=strike, volatility=volatility, option_sign=[1.0, -1.0])
    bound, value = average_price_lower_bound_per_t(made, **both), average_price_value_per_t(made, **both)
    rounding = 1e-11 * (expected + strike)
    # The average is a martingale: call less put is the discounted forward on it.
    for found in (bound, value):
        assert found[0] - found[1] == pytest.approx(0.98 * (expected - strike), abs=rounding)
    assert np.all(value >= bound)
    assert np.all(bound >= 0.98 * np.maximum(both["option_sign"] * (expected - strike), 0.0) - rounding)
    assert value[0] <= 0.98 * expected + rounding
    # The average varies less than each of its prices: no call is worth more than those on its parts, spread alike.
    assert value[0] <= _calls_on_the_parts(made, strike, volatility) + rounding
    times = schedule(
        forward_per_t=scale * made.forward_per_t,
        fixed_count=known,
        fixed_average_per_t=scale * made.fixed_average_per_t,
    )
    scaled = average_price_value_per_t(times, **(both | {"strike_per_t": np.array([scale * strike])}))
    assert scaled == pytest.approx(scale * value, rel=1e-9, abs=scale * rounding)


def _calls_on_the_parts(made: AverageSchedule, strike: float, volatility: float) -> float:
    calls = black76_value_per_t(
        forward_per_t=made.forward_per_t, strike_per_t=np.array(strike),
        total_volatility=volatility * np.sqrt(made.fixing_years), discount_factor=np.array(0.98), option_sign=np.array(1.0),
    )  # fmt: skip
    known = made.fixed_count * 0.98 * max(made.fixed_average_per_t - strike, 0.0)
    return float(calls.sum() + known) / (12 + made.fixed_count)


def test_value_falls_with_strike_rises_with_volatility_and_is_convex() -> None:
    strikes = np.linspace(30.0, 150.0, 121)
    value = average_price_value_per_t(schedule(), **options(strike_per_t=strikes))
    assert np.all(np.diff(value) < 0.0)
    assert np.all(np.diff(value) > -0.98)
    assert np.all(np.diff(value, 2) > 0.0)
    sigmas = np.linspace(0.01, 1.5, 60)
    assert np.all(np.diff(average_price_value_per_t(schedule(), **options(volatility=sigmas))) > 0.0)


def test_shapes_and_order_do_not_matter() -> None:
    terms = options(strike_per_t=np.linspace(60.0, 90.0, 6), volatility=np.linspace(0.2, 0.6, 6))
    whole = average_price_value_per_t(schedule(), **terms)
    square = average_price_value_per_t(
        schedule(), **{name: column.reshape(2, 3) if column.size == 6 else column for name, column in terms.items()}
    )
    assert square.shape == (2, 3)
    assert np.array_equal(square.ravel(), whole)


@pytest.mark.parametrize("known", [0, 5])
def test_bits_do_not_hang_on_the_split(known: int) -> None:
    random = np.random.default_rng(31)
    made = schedule(fixed_count=known, fixed_average_per_t=70.0 * (known > 0))
    terms = {
        "strike_per_t": random.uniform(40.0, 120.0, 101), "volatility": random.uniform(0.0, 1.2, 101),
        "discount_factor": random.uniform(0.8, 1.0, 101), "option_sign": random.choice([-1.0, 1.0], 101),
    }  # fmt: skip
    for value in (average_price_lower_bound_per_t, average_price_value_per_t, geometric_average_value_per_t):
        whole = value(made, **terms)
        for low, high in pairwise([*range(30), 64, 101]):
            part = value(made, **{name: column[low:high] for name, column in terms.items()})
            assert np.array_equal(part, whole[low:high])


@pytest.mark.parametrize(
    ("changed", "field", "row"),
    [
        ({"strike_per_t": [75.0, -1.0]}, "strike_per_t", 1),
        ({"volatility": [0.4, 0.4, math.nan]}, "volatility", 2),
        ({"discount_factor": 0.0}, "discount_factor", 0),
        ({"option_sign": [1.0, 0.5]}, "option_sign", 1),
    ],
)
def test_bad_terms_are_named(changed: dict[str, Any], field: str, row: int) -> None:
    for value in (average_price_value_per_t, average_price_lower_bound_per_t, geometric_average_value_per_t):
        with pytest.raises(InvalidInput) as caught:
            value(schedule(), **options(**changed))
        assert (caught.value.field, caught.value.context["row"]) == (field, row)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"forward_per_t": np.ones(3)}, "forward_per_t"),
        ({"forward_per_t": np.append(np.ones(11), math.inf)}, "forward_per_t"),
        ({"fixing_years": np.append(np.arange(1, 12), 11.0)}, "fixing_years"),
        ({"fixing_years": np.arange(12.0)}, "fixing_years"),
        ({"fixed_count": -1}, "fixed_count"),
        ({"fixing_years": np.zeros(0), "forward_per_t": np.zeros(0)}, "fixed_count"),
        ({"fixed_count": 1, "fixed_average_per_t": -3.0}, "fixed_average_per_t"),
    ],
)
def test_bad_schedules_are_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        schedule(**changed)
    assert caught.value.field == field


def test_one_path_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no standard error"):
        average_price_monte_carlo(schedule(), **options(), path_count=1, seed=1)
