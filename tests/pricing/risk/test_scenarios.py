"""Scenarios by hand and by law; interpolation against exact revaluation."""

import dataclasses
import math
from decimal import Decimal

import numpy as np
import pytest
from scipy.special import ndtr

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.risk.chebyshev import BucketScenarios, OptionBook, chebyshev_scenario_pnl, exact_scenario_pnl
from pricing.calc.risk.scenarios import (
    BLOCK,
    Drawn,
    drawn_moves,
    filtered_moves,
    historical_moves,
    limit_down_move,
)


def test_historical_moves_by_hand() -> None:
    returns = np.arange(1.0, 63.0)[None, :]
    moves = historical_moves(returns, horizon_days=3)
    assert moves.shape == (1, 60)
    assert (moves[0, 0], moves[0, -1]) == (6.0, 183.0)
    with pytest.raises(MissingData, match="59 scenarios"):
        historical_moves(returns, horizon_days=4)


def test_filtering_brings_every_day_to_today_s_volatility() -> None:
    random = np.random.default_rng(3)
    calm, wild = random.normal(0, 0.01, 800), random.normal(0, 0.05, 400)
    moves = filtered_moves(np.concatenate([calm, wild])[None, :], decay=0.94, horizon_days=1)
    assert float(np.std(moves[0, 100:700])) == pytest.approx(float(np.std(moves[0, -300:])), rel=0.25)
    tenfold = filtered_moves(np.concatenate([calm, wild])[None, :], decay=0.94, horizon_days=10)
    assert tenfold == pytest.approx(moves * math.sqrt(10))
    with pytest.raises(InvalidInput, match="did not move"):
        filtered_moves(np.zeros((1, 200)), decay=0.94, horizon_days=1)


def test_drawn_moves_have_the_covariance_and_do_not_hang_on_their_number() -> None:
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    moves = drawn_moves(covariance, Drawn(scenario_count=200_000, seed=1))
    # Standard errors of n draws: sigma^2 sqrt(2/n) of a variance, sqrt((s11 s22 + s12^2)/n) of a covariance; four of them
    errors = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / 200_000)
    assert np.all(np.abs(np.cov(moves) - covariance) < 4 * errors)
    few = drawn_moves(covariance, Drawn(scenario_count=BLOCK + 5, seed=1))
    assert np.array_equal(few, moves[:, : BLOCK + 5])
    heavy = drawn_moves(covariance, Drawn(scenario_count=200_000, seed=1, degrees_of_freedom=6.0))
    # Of t(6) the variance of a square is 5 sigma^4 and not 2
    assert np.all(np.abs(np.cov(heavy) - covariance) < 4 * np.sqrt(5 / 2) * errors)
    # The kurtosis of t(6) is 3 + 6/(6-4) = 6
    assert float(np.mean(heavy[0] ** 4) / np.mean(heavy[0] ** 2) ** 2) == pytest.approx(6.0, rel=0.25)
    with pytest.raises(InvalidInput, match="positive semidefinite"):
        drawn_moves(np.array([[1.0, 2.0], [2.0, 1.0]]), Drawn(scenario_count=1, seed=1))
    with pytest.raises(InvalidInput, match="not symmetric"):
        drawn_moves(np.array([[1.0, 2.0], [1.0, 1.0]]), Drawn(scenario_count=1, seed=1))


def test_stresses() -> None:
    # Three closes in a row at the lower limit: 0.9^3 - 1
    assert limit_down_move(Decimal("0.10"), 3) == Decimal("-0.271")
    with pytest.raises(InvalidInput, match=r"limit 0\.10, 0 days"):
        limit_down_move(Decimal("0.10"), 0)


def option_book(count: int, buckets: int) -> OptionBook:
    random = np.random.default_rng(8)
    return OptionBook(
        bucket=random.integers(0, buckets, count),
        quantity_t=random.normal(0.0, 1_000.0, count),
        strike_per_t=np.round(random.uniform(40.0, 110.0, count), 1),
        option_sign=random.choice([-1.0, 1.0], count),
        forward_per_t=random.uniform(60.0, 90.0, buckets),
        total_volatility=random.uniform(0.1, 0.5, buckets),
        discount_factor=random.uniform(0.95, 1.0, buckets),
        expiry_years=random.uniform(0.2, 2.0, buckets),
    )


def moves_of(buckets: int, count: int) -> BucketScenarios:
    random = np.random.default_rng(9)
    return BucketScenarios(
        log_price=random.normal(0.0, 0.06, (buckets, count)),
        log_volatility=random.normal(0.0, 0.08, (buckets, count)),
        zero_rate=random.normal(0.0, 0.002, count),
    )


def test_interpolation_keeps_its_tolerance() -> None:
    book, moves = option_book(300, 3), moves_of(3, 3_000)
    exact = exact_scenario_pnl(book, moves)
    for tolerance in (1e-4, 1e-7):
        found = chebyshev_scenario_pnl(book, moves, tolerance=tolerance)
        assert np.abs(found.pnl - exact.pnl).max() <= 10 * tolerance * np.abs(exact.pnl).max()
        assert found.relative_error <= tolerance
        assert all(degrees[0] > 0 for degrees in found.degrees)


@pytest.mark.parametrize("seed", range(12))
def test_interpolation_keeps_its_tolerance_where_few_options_bend_sharply(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 1 + seed % 3
    book = OptionBook(
        bucket=np.zeros(count, dtype=np.int64), quantity_t=random.choice([-1.0, 1.0], count) * 5.0,
        strike_per_t=random.uniform(60.0, 90.0, count), option_sign=random.choice([-1.0, 1.0], count),
        forward_per_t=np.array([75.0]), total_volatility=np.array([random.uniform(0.05, 0.6)]),
        discount_factor=np.array([1.0]), expiry_years=np.array([0.5]),
    )  # fmt: skip
    moves = moves_of(1, 3_000)
    forward, deviation = 75.0 * np.exp(moves.log_price[0]), book.total_volatility * np.exp(moves.log_volatility[0])
    value = np.zeros(3_000)
    for quantity, strike, sign in zip(book.quantity_t, book.strike_per_t, book.option_sign, strict=True):
        first = np.log(forward / strike) / deviation + 0.5 * deviation
        value += quantity * sign * (forward * ndtr(sign * first) - strike * ndtr(sign * (first - deviation)))
    value *= np.exp(-0.5 * moves.zero_rate)
    for tolerance in (1e-4, 1e-7):
        found = chebyshev_scenario_pnl(book, moves, tolerance=tolerance).pnl
        assert np.abs(np.diff(found) - np.diff(value)).max() <= tolerance * np.abs(value).max()


def test_the_error_of_the_book_is_stated_beside_its_p_and_l() -> None:
    book = OptionBook(
        bucket=np.array([0]), quantity_t=np.array([7.0]), strike_per_t=np.array([50.0]), option_sign=np.array([1.0]),
        forward_per_t=np.array([100.0]), total_volatility=np.array([0.3]), discount_factor=np.array([0.9]),
        expiry_years=np.array([2.0]),
    )  # fmt: skip
    price = np.linspace(-0.2, 0.2, 500)[None, :]
    moves = BucketScenarios(log_price=price, log_volatility=np.zeros((1, 500)), zero_rate=np.zeros(500))
    found = chebyshev_scenario_pnl(book, moves, tolerance=1e-5)
    assert found.relative_error > 0.0
    # Deep in the money: the largest value is 100 e^0.2 - 50, the largest P&L 100 (e^0.2 - 1)
    times = (100 * math.exp(0.2) - 50) / (100 * (math.exp(0.2) - 1))
    assert found.pnl_relative_error / found.relative_error == pytest.approx(times, rel=0.02)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6])
def test_the_stated_error_bounds_that_of_the_p_and_l(tolerance: float) -> None:
    book, moves = option_book(300, 3), moves_of(3, 3_000)
    found, exact = chebyshev_scenario_pnl(book, moves, tolerance=tolerance), exact_scenario_pnl(book, moves)
    true = float(np.abs(found.pnl - exact.pnl).max() / np.abs(exact.pnl).max())
    assert 0.0 < true <= found.pnl_relative_error
    assert exact.pnl_relative_error == 0.0


def test_a_small_bucket_weighs_little_in_the_error_of_the_book() -> None:
    book, moves = option_book(300, 3), moves_of(3, 3_000)
    quantity_t = np.where(book.bucket == 0, book.quantity_t, 1e-9 * book.quantity_t)
    alone = dataclasses.replace(book, quantity_t=np.where(book.bucket == 0, book.quantity_t, 0.0))
    found = chebyshev_scenario_pnl(dataclasses.replace(book, quantity_t=quantity_t), moves, tolerance=1e-5)
    only = chebyshev_scenario_pnl(alone, moves, tolerance=1e-5)
    assert found.pnl_relative_error == pytest.approx(only.pnl_relative_error, rel=1e-3)
    assert found.relative_error >= only.relative_error


def test_exact_revaluation_against_one_option_by_hand() -> None:
    book = OptionBook(
        bucket=np.array([0]), quantity_t=np.array([2.0]), strike_per_t=np.array([0.0]), option_sign=np.array([1.0]),
        forward_per_t=np.array([100.0]), total_volatility=np.array([0.2]), discount_factor=np.array([0.9]),
        expiry_years=np.array([2.0]),
    )  # fmt: skip
    moves = BucketScenarios(
        log_price=np.log([[1.1, 0.8]]), log_volatility=np.zeros((1, 2)), zero_rate=np.array([0.0, 0.01])
    )
    # A strike of nought is the future itself: 2 x 0.9 x (110 - 100) and 2 x 0.9 x (80 e^-0.02 - 100)
    assert exact_scenario_pnl(book, moves).pnl == pytest.approx([18.0, 1.8 * (80 * math.exp(-0.02) - 100)])


def test_few_scenarios_are_valued_exactly() -> None:
    book, moves = option_book(50, 2), moves_of(2, 20)
    found = chebyshev_scenario_pnl(book, moves, tolerance=1e-7)
    assert found.degrees == ((0, 0), (0, 0))
    assert np.array_equal(found.pnl, exact_scenario_pnl(book, moves).pnl)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="do not fit 3 buckets"):
        exact_scenario_pnl(option_book(5, 3), moves_of(2, 10))
    with pytest.raises(InvalidInput, match="tolerance is 0"):
        chebyshev_scenario_pnl(option_book(5, 2), moves_of(2, 10), tolerance=0.0)
