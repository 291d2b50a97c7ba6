"""Implied volatility: what made the price comes back, far from the money too; rows by themselves; refusals."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.options.black76 import black76_greeks, black76_value_per_t
from pricing.calc.options.implied import implied_total_volatility

RANDOM = np.random.default_rng(20260616)


def book(count: int) -> dict[str, Any]:
    return {
        "forward_per_t": RANDOM.uniform(20.0, 120.0, count),
        "strike_per_t": RANDOM.uniform(20.0, 120.0, count),
        "discount_factor": RANDOM.uniform(0.85, 1.0, count),
        "option_sign": RANDOM.choice([-1.0, 1.0], count),
    }


def implied(**terms: float) -> float:
    given_terms = {"forward_per_t": 75.0, "strike_per_t": 80.0, "discount_factor": 1.0, "option_sign": 1.0} | terms
    return float(implied_total_volatility(**{name: np.array(value) for name, value in given_terms.items()}))


def test_it_gives_the_price_back() -> None:
    terms, made = book(2_000), RANDOM.uniform(0.01, 1.2, 2_000)
    price = black76_value_per_t(total_volatility=made, **terms)
    found = implied_total_volatility(value_per_t=price, **terms)
    assert np.abs(black76_value_per_t(total_volatility=found, **terms) - price).max() < 1e-12
    speaks = black76_greeks(volatility=found, expiry_years=np.ones(2_000), **terms).vega > 1.0
    assert np.abs(found / made - 1.0)[speaks].max() < 1e-11


def test_from_prices_of_quantlib() -> None:
    terms, made = book(200), RANDOM.uniform(0.1, 1.0, 200)
    terms["strike_per_t"] = terms["forward_per_t"] * RANDOM.uniform(0.8, 1.25, 200)
    price = np.empty(200)
    for row in range(200):
        forward, strike, discount, sign = (float(column[row]) for column in terms.values())
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if sign > 0 else ql.Option.Put, strike)
        price[row] = ql.BlackCalculator(payoff, forward, float(made[row]), discount).value()
    assert implied_total_volatility(value_per_t=price, **terms) == pytest.approx(made, rel=1e-11)


@pytest.mark.parametrize("made", [0.02, 0.3, 1.0, 3.0])
def test_as_far_from_the_money_as_doubles_reach(made: float) -> None:
    # The least price here is below 1e-150: only the option out of the money, by itself, says how it came about.
    strike = 75.0 * np.exp(made * np.linspace(-26.0, 26.0, 521))
    terms = {
        "forward_per_t": np.array(75.0), "strike_per_t": strike, "discount_factor": np.array(0.97),
        "option_sign": np.where(strike >= 75.0, 1.0, -1.0),
    }  # fmt: skip
    price = black76_greeks(volatility=np.array(made), expiry_years=np.array(1.0), **terms).value_per_t
    found = implied_total_volatility(value_per_t=price, **terms)
    assert price.min() < 1e-120
    assert np.abs(found / made - 1.0).max() < 1e-9


def test_bits_do_not_hang_on_neighbours() -> None:
    terms, made = book(600), RANDOM.uniform(0.01, 1.2, 600)
    price = black76_value_per_t(total_volatility=made, **terms)
    whole = implied_total_volatility(value_per_t=price, **terms)
    for low, high in pairwise([*range(40), 97, 300, 600]):
        part = {name: column[low:high] for name, column in terms.items()}
        assert np.array_equal(implied_total_volatility(value_per_t=price[low:high], **part), whole[low:high])


def test_closed_case_at_the_money() -> None:
    # F = K: V = F (2 Phi(s / 2) - 1), and Phi(1) = 0.841344746068543 (Abramowitz and Stegun, table 26.1).
    price = 75.0 * (2.0 * 0.841344746068543 - 1.0)
    assert implied(strike_per_t=75.0, value_per_t=price) == pytest.approx(2.0, rel=1e-14)


def test_the_intrinsic_value_gives_nought() -> None:
    assert implied(value_per_t=0.0) == 0.0
    assert implied(value_per_t=5.0, strike_per_t=70.0) == 0.0
    assert implied(value_per_t=0.0, strike_per_t=75.0) == 0.0
    # A rounding below what a strike of nought is worth is that worth, and no volatility changes it.
    assert implied(value_per_t=75.0 - 1e-13, strike_per_t=0.0) == 0.0


def test_shapes_are_kept() -> None:
    shaped = implied_total_volatility(
        value_per_t=np.full((2, 3), 6.0), forward_per_t=np.array(75.0), strike_per_t=np.array([70.0, 75.0, 80.0]),
        discount_factor=np.array(1.0), option_sign=np.array(1.0),
    )  # fmt: skip
    assert shaped.shape == (2, 3)
    none = np.zeros(0)
    assert implied_total_volatility(
        value_per_t=none, forward_per_t=none, strike_per_t=none, discount_factor=none, option_sign=none
    ).shape == (0,)


@given(
    strike=st.floats(1e-3, 1e6),
    part=st.floats(0.0, 1.0, exclude_max=True),
    discount=st.floats(0.3, 1.1),
    sign=st.sampled_from([1.0, -1.0]),
)
@settings(max_examples=300, deadline=None)
def test_any_price_within_the_bounds_is_answered(*, strike: float, part: float, discount: float, sign: float) -> None:
    least, most = discount * max(sign * (75.0 - strike), 0.0), discount * (75.0 if sign > 0 else strike)
    price = min(least + part * (most - least), math.nextafter(most, 0.0))
    found = implied(value_per_t=price, strike_per_t=strike, discount_factor=discount, option_sign=sign)
    again = black76_value_per_t(
        forward_per_t=np.array(75.0), strike_per_t=np.array(strike), total_volatility=np.array(found),
        discount_factor=np.array(discount), option_sign=np.array(sign),
    )  # fmt: skip
    assert float(again) == pytest.approx(price, abs=1e-14 * (75.0 + strike))


def test_a_price_no_volatility_gives_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"price 0 is 75"):
        implied(value_per_t=75.0)
    with pytest.raises(InvalidInput, match=r"must lie in \[10"):
        implied(value_per_t=5.0, strike_per_t=65.0)
    with pytest.raises(InvalidInput, match="price 0 is 0"):
        implied(value_per_t=0.0, strike_per_t=0.0, option_sign=-1.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value_per_t", math.nan),
        ("value_per_t", -1.0),
        ("forward_per_t", 0.0),
        ("strike_per_t", -1.0),
        ("discount_factor", math.inf),
        ("option_sign", 0.0),
    ],
)
def test_a_row_out_of_range_is_named(field: str, value: float) -> None:
    terms = book(3) | {"value_per_t": np.full(3, 1.0)}
    terms[field][1] = value
    with pytest.raises(InvalidInput) as refused:
        implied_total_volatility(**terms)
    assert (refused.value.field, refused.value.context["row"]) == (field, 1)
