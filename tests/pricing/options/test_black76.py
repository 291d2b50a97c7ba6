"""Black-76 against QuantLib, its own laws, and bumps."""

import math
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.options.black76 import CHUNK, black76_cross_greeks, black76_greeks, black76_value_per_t

RANDOM = np.random.default_rng(20260616)
COUNT = 3 * CHUNK + 17


def book(count: int = COUNT) -> dict[str, Any]:
    return {
        "forward_per_t": RANDOM.uniform(20.0, 120.0, count),
        "strike_per_t": RANDOM.uniform(20.0, 120.0, count),
        "total_volatility": RANDOM.uniform(0.01, 1.2, count),
        "discount_factor": RANDOM.uniform(0.85, 1.0, count),
        "option_sign": RANDOM.choice([-1.0, 1.0], count),
    }


def one(**changed: float) -> dict[str, Any]:
    given_values = {
        "forward_per_t": 75.0, "strike_per_t": 80.0, "volatility": 0.35, "expiry_years": 0.5, "discount_factor": 0.99,
        "option_sign": 1.0,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in (given_values | changed).items()}


def test_values_and_greeks_against_quantlib() -> None:
    trades = book(400)
    years = RANDOM.uniform(0.05, 3.0, 400)
    greeks = black76_greeks(
        **{name: value for name, value in trades.items() if name != "total_volatility"},
        volatility=trades["total_volatility"] / np.sqrt(years), expiry_years=years,
    )  # fmt: skip
    for row in range(400):
        forward, strike, deviation, discount, sign = (float(column[row]) for column in trades.values())
        kind = ql.Option.Call if sign > 0 else ql.Option.Put
        black = ql.BlackCalculator(ql.PlainVanillaPayoff(kind, strike), forward, deviation, discount)
        assert greeks.value_per_t[row] == pytest.approx(black.value(), abs=1e-14 * forward)
        assert greeks.delta[row] == pytest.approx(black.deltaForward(), abs=1e-14)
        assert greeks.gamma[row] == pytest.approx(black.gammaForward(), rel=1e-11, abs=1e-16)
        assert greeks.vega[row] == pytest.approx(black.vega(float(years[row])), rel=1e-11, abs=1e-12)


def test_value_alone_is_the_value_beside_the_greeks() -> None:
    trades = book(1_000)
    years = np.full(1_000, 0.7)
    value = black76_value_per_t(**trades)
    greeks = black76_greeks(
        **{name: column for name, column in trades.items() if name != "total_volatility"},
        volatility=trades["total_volatility"] / np.sqrt(years), expiry_years=years,
    )  # fmt: skip
    assert np.abs(value - greeks.value_per_t).max() < 1e-12


@pytest.mark.parametrize("far", [0.0, 1e-9, 8.0])
def test_bits_do_not_hang_on_what_stands_beside(far: float) -> None:
    """A chunk that holds an extreme option is cut to the table's ends; the others keep their bits."""
    trades = book(1_000)
    trades["total_volatility"][:40] *= 0.02  # deviates beyond the table's ends
    plain = black76_value_per_t(**trades)
    beside = {name: np.append(column, 1.0) for name, column in trades.items()}
    beside["total_volatility"][-1] = far
    beside["strike_per_t"][-1] = 0.0
    assert np.array_equal(black76_value_per_t(**beside)[:-1], plain)


def test_bits_do_not_hang_on_the_split() -> None:
    trades = book()
    whole = black76_value_per_t(**trades)
    cuts = [0, 1, 5, 4_096, CHUNK, CHUNK + 3, COUNT]
    parts = [
        black76_value_per_t(**{name: column[low:high] for name, column in trades.items()})
        for low, high in pairwise(cuts)
    ]
    assert np.array_equal(whole, np.concatenate(parts))


def test_bits_of_greeks_do_not_hang_on_the_split() -> None:
    trades = {name: column for name, column in book().items() if name != "total_volatility"}
    trades |= {"volatility": RANDOM.uniform(0.0, 1.2, COUNT), "expiry_years": RANDOM.uniform(0.0, 3.0, COUNT)}
    trades["volatility"][::50], trades["expiry_years"][::77] = 0.0, 0.0
    for greeks_of in (black76_greeks, black76_cross_greeks):
        whole: Any = greeks_of(**trades)
        for low, high in pairwise([0, 1, 5, 4_096, CHUNK, CHUNK + 3, COUNT]):
            part = greeks_of(**{name: column[low:high] for name, column in trades.items()})
            for field in fields(whole):
                assert np.array_equal(getattr(part, field.name), getattr(whole, field.name)[low:high]), field.name


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_greeks_are_the_slopes_of_the_value(sign: float) -> None:
    def value(**changed: float) -> float:
        trade = {name: float(column[0]) for name, column in one(option_sign=sign).items()} | changed
        rate = -math.log(0.99) / 0.5
        factor = math.exp(-trade.pop("rate", rate) * trade["expiry_years"])
        found = black76_greeks(**{name: np.array([x]) for name, x in (trade | {"discount_factor": factor}).items()})
        return float(found.value_per_t[0])

    greeks = black76_greeks(**one(option_sign=sign))
    h = 1e-3
    assert greeks.delta[0] == pytest.approx(
        (value(forward_per_t=75 + h) - value(forward_per_t=75 - h)) / (2 * h), rel=1e-6
    )
    assert greeks.gamma[0] == pytest.approx(
        (value(forward_per_t=75 + h) - 2 * value() + value(forward_per_t=75 - h)) / h**2, rel=1e-4
    )
    assert greeks.vega[0] == pytest.approx(
        (value(volatility=0.35 + h) - value(volatility=0.35 - h)) / (2 * h), rel=1e-5
    )
    assert greeks.theta[0] == pytest.approx(
        (value(expiry_years=0.5 - h) - value(expiry_years=0.5 + h)) / (2 * h), rel=1e-5
    )
    rate = -math.log(0.99) / 0.5
    assert greeks.rho[0] == pytest.approx((value(rate=rate + h) - value(rate=rate - h)) / (2 * h), rel=1e-5)
    crosses = black76_cross_greeks(**one(option_sign=sign))
    assert crosses.volga[0] == pytest.approx(
        (value(volatility=0.35 + h) - 2 * value() + value(volatility=0.35 - h)) / h**2, rel=1e-3
    )
    up, down = (black76_greeks(**one(option_sign=sign, volatility=0.35 + step)).delta[0] for step in (h, -h))
    assert crosses.vanna[0] == pytest.approx((up - down) / (2 * h), rel=1e-5)


def test_nothing_left_to_move_gives_the_discounted_intrinsic_value() -> None:
    for forward, sign, expected in (
        (80.0, 1.0, 9.0),
        (60.0, 1.0, 0.0),
        (60.0, -1.0, 9.0),
        (70.0, 1.0, 0.0),
        (70.0, -1.0, 0.0),
    ):
        terms = one(forward_per_t=forward, strike_per_t=70.0, volatility=0.0, discount_factor=0.9, option_sign=sign)
        greeks, crosses = black76_greeks(**terms), black76_cross_greeks(**terms)
        assert greeks.value_per_t[0] == pytest.approx(expected)
        assert [greeks.gamma[0], greeks.vega[0], crosses.vanna[0], crosses.volga[0]] == [0.0, 0.0, 0.0, 0.0]
    expired = black76_greeks(**one(expiry_years=0.0, strike_per_t=70.0, discount_factor=1.0))
    assert (expired.value_per_t[0], expired.delta[0], expired.theta[0], expired.rho[0]) == (5.0, 1.0, 0.0, 0.0)


def test_a_strike_of_nought_is_the_forward_itself() -> None:
    trade = one(strike_per_t=0.0)
    assert black76_greeks(**trade).value_per_t[0] == pytest.approx(0.99 * 75.0)


@pytest.mark.parametrize("deviation", [0.0, 5e-324, 1e-310, 1e-300])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_deviation_that_scales_to_nought_gives_the_intrinsic_value(deviation: float, sign: float) -> None:
    at = np.array([70.0, 70.0, 71.0])
    strike = np.array([70.0, 69.0, 70.0])
    found = black76_value_per_t(
        forward_per_t=at, strike_per_t=strike, total_volatility=np.full(3, deviation),
        discount_factor=np.full(3, 0.9), option_sign=np.full(3, sign),
    )  # fmt: skip
    intrinsic = [0.9 * max(sign * one, 0.0) for one in (0.0, 1.0, 1.0)]
    assert found == pytest.approx(intrinsic, abs=1e-12)


prices = st.floats(1.0, 500.0)
deviations = st.floats(0.0, 3.0)


@given(forward=prices, strike=prices, deviation=deviations, factor=st.floats(0.5, 1.0), scale=st.floats(0.1, 10.0))
@settings(max_examples=200)
def test_parity_homogeneity_bounds_and_order(
    forward: float, strike: float, deviation: float, factor: float, scale: float
) -> None:
    def value(sign: float, times: float = 1.0, wider: float = 0.0) -> float:
        found = black76_value_per_t(
            forward_per_t=np.array([forward * times]), strike_per_t=np.array([strike * times]),
            total_volatility=np.array([deviation + wider]), discount_factor=np.array([factor]),
            option_sign=np.array([sign]),
        )  # fmt: skip
        return float(found[0])

    rounding = 1e-13 * (forward + strike)
    assert value(1.0) - value(-1.0) == pytest.approx(factor * (forward - strike), abs=rounding)
    assert value(1.0, scale) == pytest.approx(scale * value(1.0), rel=1e-12, abs=scale * rounding)
    assert factor * max(forward - strike, 0.0) - rounding <= value(1.0) <= factor * forward + rounding
    assert value(1.0, wider=0.1) >= value(1.0) - rounding


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("forward_per_t", float("nan"), "forward_per_t of row 1 is nan"),
        ("forward_per_t", 0.0, "finite number and positive"),
        ("strike_per_t", -1.0, "strike_per_t of row 1 is -1.0"),
        ("total_volatility", float("inf"), "total_volatility of row 1 is inf"),
        ("discount_factor", 0.0, "discount_factor of row 1 is 0.0"),
        ("option_sign", 2.0, "option sign of row 1 is 2.0"),
    ],
)
def test_a_row_out_of_range_is_named(field: str, value: float, words: str) -> None:
    trades = book(3)
    trades[field] = trades[field].copy()
    trades[field][1] = value
    with pytest.raises(InvalidInput, match=words) as refused:
        black76_value_per_t(**trades)
    assert refused.value.field == field


def test_a_row_out_of_range_in_a_later_chunk_is_named() -> None:
    trades = book()
    trades["strike_per_t"][CHUNK + 5] = np.nan
    with pytest.raises(InvalidInput, match=f"row {CHUNK + 5}"):
        black76_value_per_t(**trades)
