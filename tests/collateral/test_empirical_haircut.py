"""Empirical haircuts: hand-made histories, and each that is refused."""

import math

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from collateral.calc.haircut_models.empirical import CleanRule, empirical_haircut, naive_haircut_ratio
from pricing.calc.volatility import PriceHistory

RULE = CleanRule(fewest_clean_days=5, least_clean_share=0.5)


def history(
    closes: list[float], *, idle: tuple[int, ...] = (), at_limit: tuple[int, ...] = (), is_composite: bool = False
) -> PriceHistory:
    price = np.array(closes)
    traded, limited = np.ones(price.size, dtype=bool), np.zeros(price.size, dtype=bool)
    traded[list(idle)] = False
    limited[list(at_limit)] = True
    none = np.full(price.size, np.nan)
    return PriceHistory(
        close_per_t=price, high_per_t=none, low_per_t=none, traded=traded, at_limit=limited, is_composite=is_composite
    )


def test_a_history_worked_by_hand() -> None:
    """Two-day losses of 100 90 99 99 110 55: 1%, -10%, -11.1%, 44.4%; the worst of four stands at 25% and 1%."""
    one = history([100, 90, 99, 99, 110, 55])
    found = empirical_haircut(one, horizon_days=2, tail_ratio=0.25, rule=RULE)
    assert found.haircut_ratio == pytest.approx(0.01)
    assert found.shortfall_ratio == pytest.approx((0.01 + 1 - 55 / 99) / 2)
    assert (found.window_count, found.independent_count, found.clean_day_count) == (4, 2, 6)
    assert found.window_days_mean == 2
    assert found.is_interval_open
    assert found.interval_ratios == (0.0, pytest.approx(1 - 55 / 99))
    assert found.expected_beyond(0.25) == 0.5


def test_carried_and_limit_closes_never_enter() -> None:
    """The carried 100 and the limit-held 90 are no prices: windows run over them to the next clean close."""
    one = history([100, 100, 80, 72, 70, 70, 70, 70], idle=(1,), at_limit=(3,))
    found = empirical_haircut(one, horizon_days=1, tail_ratio=0.3, rule=RULE)
    losses = sorted([1 - 80 / 100, 1 - 70 / 80, 0, 0, 0])
    assert found.window_count == 5
    assert found.haircut_ratio == pytest.approx(losses[math.ceil(0.7 * 5) - 1])
    assert found.window_days_mean == pytest.approx((2 + 2 + 1 + 1 + 1) / 5)


def test_a_history_that_only_rises_needs_no_haircut() -> None:
    found = empirical_haircut(history([100.0 + day for day in range(50)]), horizon_days=1, tail_ratio=0.05, rule=RULE)
    assert (found.haircut_ratio, found.shortfall_ratio) == (0, 0)


def test_too_few_carried_mixed_or_short_histories_are_refused() -> None:
    level = [50.0 + day % 3 for day in range(40)]
    for one, horizon, error, words in (
        (history(level[:4]), 1, MissingData, "clean days"),
        (history(level, idle=tuple(range(1, 30))), 1, MissingData, "carried over"),
        (history(level, at_limit=tuple(range(1, 30))), 1, MissingData, "carried over"),
        (history(level, is_composite=True), 1, InvalidInput, "mixes vintages"),
        (history([10.0, 40.0] * 20), 1, InvalidInput, "mixes vintages"),
        (history(level), 39, MissingData, "do not reach a tail"),
        (history(level), 0, InvalidInput, "horizon"),
    ):
        with pytest.raises(error, match=words):
            empirical_haircut(one, horizon_days=horizon, tail_ratio=0.05, rule=RULE)


def test_carried_closes_flatter_the_naive_figure() -> None:
    """One fall of a fifth in a hundred closes is no part of the worst hundredth where most days repeat the day before."""
    price = np.array([100.0] * 60 + [80.0] * 60)
    assert naive_haircut_ratio(price, horizon_days=10, tail_ratio=0.01) == 0
    fall = naive_haircut_ratio(np.array([100.0, 80.0]), horizon_days=4, tail_ratio=0.01)
    assert fall == pytest.approx(1 - 0.8**2)
    with pytest.raises(MissingData):
        naive_haircut_ratio(np.array([100.0]), horizon_days=4, tail_ratio=0.01)
