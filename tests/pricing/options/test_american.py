"""American options on futures: QuantLib's high precision, finite differences, a tree, laws, bad input."""

import math
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import quantlib_on
from pricing.calc.options.american import AMERICAN_ERROR_RATIO, AmericanValues, american_option_values
from pricing.calc.options.black76 import black76_value_per_t
from tests.pricing.options.days import VALUATION_DATE

RANDOM = np.random.default_rng(20260616)


def terms(**changed: Any) -> dict[str, Any]:
    given_terms: dict[str, Any] = {
        "forward_per_t": 75.0, "strike_per_t": 80.0, "total_volatility": 0.35, "discount_factor": 0.95, "option_sign": 1.0,
    }  # fmt: skip
    return {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in (given_terms | changed).items()}


def priced(**changed: Any) -> AmericanValues:
    return american_option_values(valuation_date=VALUATION_DATE, **terms(**changed))


def book(count: int) -> dict[str, Any]:
    return {
        "forward_per_t": RANDOM.uniform(40.0, 120.0, count), "strike_per_t": RANDOM.uniform(40.0, 120.0, count),
        "total_volatility": RANDOM.uniform(0.02, 1.5, count), "discount_factor": np.exp(-RANDOM.uniform(1e-4, 0.3, count)),
        "option_sign": RANDOM.choice([-1.0, 1.0], count),
    }  # fmt: skip


def test_against_quantlib_s_high_precision_scheme() -> None:
    trades = book(60)
    found = priced(**trades)
    assert found.node_count == 60
    with quantlib_on(VALUATION_DATE) as today:
        day_count = ql.Actual365Fixed()
        for row in range(60):
            # Two years and each trade's own price and strike: no scaling, no exchange of put and call.
            forward, strike, deviation, discount, sign = (float(column[row]) for column in trades.values())
            rate = ql.YieldTermStructureHandle(ql.FlatForward(today, -math.log(discount) / 2.0, day_count))
            surface = ql.BlackConstantVol(today, ql.NullCalendar(), deviation / math.sqrt(2.0), day_count)
            process = ql.BlackProcess(
                ql.QuoteHandle(ql.SimpleQuote(forward)), rate, ql.BlackVolTermStructureHandle(surface)
            )
            kind = ql.Option.Call if sign > 0 else ql.Option.Put
            option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + 730))
            option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
            assert found.value_per_t[row] == pytest.approx(
                option.NPV(), abs=AMERICAN_ERROR_RATIO * max(forward, strike)
            )


def tree_value(*, forward: float, strike: float, deviation: float, discount: float, sign: float, steps: int) -> float:
    """Value by Cox, Ross and Rubinstein's tree of a future, whose drift is nought."""
    up = math.exp(deviation / math.sqrt(steps))
    rising, factor = 1.0 / (1.0 + up), discount ** (1.0 / steps)
    places = np.arange(steps + 1)
    value = np.maximum(sign * (forward * up ** (2.0 * places - steps) - strike), 0.0)
    for step in range(steps - 1, -1, -1):
        now = np.maximum(sign * (forward * up ** (2.0 * places[: step + 1] - step) - strike), 0.0)
        value = np.maximum(factor * (rising * value[1:] + (1.0 - rising) * value[:-1]), now)
    return float(value[0])


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("strike", "deviation", "discount"), [(60.0, 0.3, 0.9), (75.0, 0.5, 0.97), (95.0, 0.8, 0.85)])
def test_against_a_tree(sign: float, strike: float, deviation: float, discount: float) -> None:
    tree = np.mean(
        [
            tree_value(forward=75.0, strike=strike, deviation=deviation, discount=discount, sign=sign, steps=steps)
            for steps in (1_500, 1_501)
        ]
    )  # an even and an odd number of steps err to the two sides
    found = priced(strike_per_t=strike, total_volatility=deviation, discount_factor=discount, option_sign=sign)
    assert found.value_per_t[0] == pytest.approx(tree, abs=1.5e-3)
    assert found.early_exercise_premium_per_t[0] > 5e-3  # several errors of the tree: the premium is real


def test_at_no_rate_and_below_it_is_the_european_option() -> None:
    for discount in (1.0, 1.02):
        trades = terms(strike_per_t=[40.0, 75.0, 110.0], option_sign=[1.0, -1.0, -1.0], discount_factor=discount)
        found = american_option_values(valuation_date=VALUATION_DATE, **trades)
        assert np.array_equal(found.value_per_t, black76_value_per_t(**trades))
        assert not found.early_exercise_premium_per_t.any()
        assert found.node_count == 0
    nearly = priced(discount_factor=math.exp(-1e-9))
    assert nearly.value_per_t[0] == pytest.approx(black76_value_per_t(**terms(discount_factor=1.0))[0], abs=1e-6)


def test_where_nothing_moves_it_is_exercised_now() -> None:
    found = priced(strike_per_t=[70.0, 80.0], total_volatility=0.0, discount_factor=0.9)
    assert found.value_per_t == pytest.approx([5.0, 0.0])
    assert found.early_exercise_premium_per_t == pytest.approx([0.5, 0.0])


def test_deep_in_the_money_it_is_worth_the_payoff_now() -> None:
    found = priced(strike_per_t=[20.0, 300.0], option_sign=[1.0, -1.0], total_volatility=0.2, discount_factor=0.9)
    assert found.value_per_t == pytest.approx([55.0, 225.0], abs=1e-9)


def test_options_of_one_node_share_a_solution() -> None:
    # A call at 60 on 75 and a put at 75 on 60 are one node, and so are both in another currency.
    found = priced(
        forward_per_t=[75.0, 60.0, 600.0, 75.0],
        strike_per_t=[60.0, 75.0, 480.0, 60.0],
        option_sign=[1.0, -1.0, 1.0, 1.0],
    )
    assert found.node_count == 1
    assert found.value_per_t == pytest.approx(found.value_per_t[0] * np.array([1.0, 1.0, 8.0, 1.0]), rel=1e-14)


@given(
    strike=st.floats(10.0, 400.0),
    deviation=st.floats(0.0, 2.0),
    rate=st.floats(-0.1, 0.5),
    sign=st.sampled_from([1.0, -1.0]),
    scale=st.floats(0.01, 100.0),
)
@settings(max_examples=60, deadline=None)
def test_laws(*, strike: float, deviation: float, rate: float, sign: float, scale: float) -> None:
    changed = {
        "strike_per_t": strike, "total_volatility": deviation, "discount_factor": math.exp(-rate), "option_sign": sign,
    }  # fmt: skip
    found = priced(**changed)
    value, premium = found.value_per_t[0], found.early_exercise_premium_per_t[0]
    european = black76_value_per_t(**terms(**changed))[0]
    error = 10.0 * AMERICAN_ERROR_RATIO * max(75.0, strike)  # beyond the stated domain in part
    assert premium >= 0.0
    assert value == european + premium or value == pytest.approx(european + premium, rel=1e-14)
    assert value >= max(sign * (75.0 - strike), 0.0)
    # Undiscounted Black bounds it: exercise never beats the future's own martingale paid without waiting.
    assert value <= european * math.exp(max(rate, 0.0)) + error
    scaled = priced(**(changed | {"forward_per_t": 75.0 * scale, "strike_per_t": strike * scale}))
    assert scaled.value_per_t[0] == pytest.approx(scale * value, rel=1e-9, abs=1e-12)


def test_value_rises_with_volatility_and_rate_s_premium() -> None:
    sigmas = np.linspace(0.05, 1.2, 60)
    values = priced(strike_per_t=75.0, total_volatility=sigmas).value_per_t
    assert np.all(np.diff(values) > 0.0)
    strikes = np.linspace(40.0, 140.0, 101)
    calls = priced(strike_per_t=strikes).value_per_t
    assert np.all(np.diff(calls) < 0.0)
    assert np.all(np.diff(calls) > -1.0 - 1e-3)
    premiums = priced(
        strike_per_t=70.0, discount_factor=np.exp(-np.linspace(0.0, 0.3, 31))
    ).early_exercise_premium_per_t
    assert premiums[0] == 0.0
    assert np.all(np.diff(premiums) > 0.0)


@pytest.mark.parametrize(
    ("changed", "field", "row"),
    [
        ({"forward_per_t": [75.0, 0.0]}, "forward_per_t", 1),
        ({"strike_per_t": [0.0, 75.0]}, "strike_per_t", 0),
        ({"total_volatility": [0.2, 0.2, -0.2]}, "total_volatility", 2),
        ({"total_volatility": math.nan}, "total_volatility", 0),
        ({"discount_factor": -0.9}, "discount_factor", 0),
        ({"option_sign": [1.0, 2.0]}, "option_sign", 1),
    ],
)
def test_bad_terms_are_named(changed: dict[str, Any], field: str, row: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        priced(**changed)
    assert (caught.value.field, caught.value.context["row"]) == (field, row)
