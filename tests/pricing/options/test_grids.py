"""Sums of options over points of price and volatility against scipy, option by option."""

import numpy as np
import pytest
from scipy.special import ndtr

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.options.grids import undiscounted_sums


def options_of(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(20261129)
    return {
        "strike_per_t": random.uniform(40.0, 110.0, count),
        "quantity_t": random.normal(0.0, 1_000.0, count),
        "option_sign": random.choice([-1.0, 1.0], count),
    }


def points_of(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(20261130)
    return {"forward_per_t": random.uniform(50.0, 100.0, count), "total_volatility": random.uniform(0.02, 0.8, count)}


@pytest.mark.parametrize(("options", "points"), [(1, 1), (7, 40_000), (900, 60)])
def test_against_scipy(options: int, points: int) -> None:
    book, grid = options_of(options), points_of(points)
    expected = np.zeros(points)
    for strike, quantity, sign in zip(*book.values(), strict=True):
        first = np.log(grid["forward_per_t"] / strike) / grid["total_volatility"] + 0.5 * grid["total_volatility"]
        second = first - grid["total_volatility"]
        expected += quantity * sign * (grid["forward_per_t"] * ndtr(sign * first) - strike * ndtr(sign * second))
    found = undiscounted_sums(**grid, **book)
    assert np.abs(found - expected).max() < 1e-13 * np.abs(book["quantity_t"]).sum() * 110.0


def test_nothing_to_move_and_no_strike_give_the_payoff() -> None:
    found = undiscounted_sums(
        forward_per_t=np.array([80.0, 60.0]), total_volatility=np.array([0.0, 0.0]),
        strike_per_t=np.array([70.0, 70.0, 0.0]), quantity_t=np.array([2.0, 3.0, -1.0]),
        option_sign=np.array([1.0, -1.0, 1.0]),
    )  # fmt: skip
    assert found.tolist() == pytest.approx([2 * 10.0 - 80.0, 3 * 10.0 - 60.0])  # calls, puts and the future itself


def test_no_options_are_worth_nothing() -> None:
    assert undiscounted_sums(**points_of(3), **options_of(0)).tolist() == [0.0, 0.0, 0.0]


def test_a_negative_volatility_is_refused() -> None:
    with pytest.raises(InvalidInput, match="total_volatility of row 0"):
        undiscounted_sums(**points_of(1) | {"total_volatility": np.array([-0.1])}, **options_of(1))
