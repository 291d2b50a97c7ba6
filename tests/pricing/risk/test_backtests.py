"""Backtests against published regions and worked ratios; seeds fixed."""

import math

import numpy as np
import pytest
from scipy.stats import binom, chi2

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import normal_cdf
from pricing.calc.risk.backtests import (
    CRITICAL_ONE,
    CRITICAL_TWO,
    acerbi_szekely,
    christoffersen,
    exceptions_of,
    kupiec,
)


def hits(days: int, count: int) -> np.ndarray:
    found = np.zeros(days, dtype=bool)
    found[:: max(days // max(count, 1), 1)][:count] = True
    found[np.flatnonzero(found)[count:]] = False
    return found


# Kupiec (1995), table 1: non-rejection regions of N at 5 % for p = 1 %, 5 %
@pytest.mark.parametrize(
    ("days", "probability", "low", "high"),
    [(255, 0.01, 0, 7), (510, 0.01, 1, 11), (1000, 0.01, 4, 17), (1000, 0.05, 37, 65)],
)
def test_published_regions_of_no_rejection(days: int, probability: float, low: int, high: int) -> None:
    for count in range(high + 4):
        test = kupiec(np.arange(days) < count, probability)
        assert test.is_rejected == (not low < count < high or (low == 0 and count >= high)), count


def test_the_ratio_by_hand_and_the_power_by_the_binomial() -> None:
    test = kupiec(np.arange(250) < 6, 0.01)
    expected = 2 * (244 * math.log(244 / 250) + 6 * math.log(6 / 250) - 244 * math.log(0.99) - 6 * math.log(0.01))
    assert test.statistic == pytest.approx(expected)
    assert test.p_value == pytest.approx(chi2.sf(expected, 1))
    rejected = [count for count in range(251) if kupiec(np.arange(250) < count, 0.01).is_rejected]
    assert test.power == pytest.approx(float(np.sum(binom.pmf(rejected, 250, 0.02))))
    assert not test.is_conclusive
    assert kupiec(np.arange(2_500) < 25, 0.01).is_conclusive


def test_critical_values() -> None:
    assert pytest.approx(chi2.ppf(0.95, 1)) == CRITICAL_ONE
    assert pytest.approx(chi2.ppf(0.95, 2)) == CRITICAL_TWO


def test_exceptions_that_come_together_are_found() -> None:
    together = np.zeros(500, dtype=bool)
    together[100:110] = True
    apart = hits(500, 10)
    assert christoffersen(together, 0.02).is_rejected
    assert not christoffersen(apart, 0.02).is_rejected
    test = christoffersen(together, 0.02)
    # pairs: 488 calm-calm, 1 calm-hit, 9 hit-hit, 1 hit-calm
    apart_log = 488 * math.log(488 / 489) + math.log(1 / 489) + 9 * math.log(0.9) + math.log(0.1)
    together_log = 489 * math.log(489 / 499) + 10 * math.log(10 / 499)
    assert test.statistic == pytest.approx(2 * (apart_log - together_log))
    assert (test.after_exception, test.after_calm) == (0.9, pytest.approx(1 / 489))
    assert christoffersen(np.zeros(10, dtype=bool), 0.01).after_exception is None


def _normal_days(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return random.standard_normal(shape)


def test_shortfall_of_the_right_model_passes_and_of_one_too_small_fails() -> None:
    random = np.random.default_rng(11)
    value_at_risk = np.full(1_000, 1.9599639845400545)
    shortfall = np.full(1_000, 2.3378027922014)  # phi(1.96)/0.025

    def test_of(scale: float) -> tuple[bool, float, float]:
        test = acerbi_szekely(
            scale * random.standard_normal(1_000), value_at_risk, shortfall, probability=0.025, draw=_normal_days,
            sample_count=2_000, seed=7,
        )  # fmt: skip
        return test.is_rejected, test.unconditional, test.critical

    right, wrong = test_of(1.0), test_of(1.5)
    assert not right[0]
    assert wrong[0]
    # E[Z2] where volatility is half as large again: 1 - E[L; L > VaR] / (p ES), L ~ 1.5 N
    beyond = 1.5 * math.exp(-0.5 * (1.95996398 / 1.5) ** 2) / math.sqrt(2 * math.pi)
    assert wrong[1] == pytest.approx(1 - beyond / (0.025 * 2.3378027922), abs=0.6)
    assert right[2] < 0


def test_z_by_hand() -> None:
    test = acerbi_szekely(
        np.array([-3.0, 1.0, -1.0, 0.5]), np.full(4, 2.0), np.full(4, 2.5), probability=0.25, draw=_normal_days,
        sample_count=100, seed=1,
    )  # fmt: skip
    # One exception of 3 against 2.5: Z1 = 1 - 1.2, Z2 = 1 - 1.2 / (4 x 0.25)
    assert test.beyond == pytest.approx(-0.2)
    assert test.unconditional == pytest.approx(-0.2)


def _beyond_two(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.asarray(-2.0 - random.exponential(1.0, shape))


@pytest.mark.parametrize(("loss", "is_rejected"), [(4.9, False), (5.1, True)])
def test_losses_beyond_have_a_critical_value_of_their_own(loss: float, *, is_rejected: bool) -> None:
    test = acerbi_szekely(
        np.array([-loss]), np.array([2.0]), np.array([3.0]), probability=0.5, draw=_beyond_two, sample_count=200_000,
        seed=2,
    )  # fmt: skip
    # L = 2 + E: the 95 % quantile of E is ln 20, so Z1's 5 % quantile is 1 - (2 + ln 20) / 3
    assert test.beyond_critical == pytest.approx(1 - (2 + math.log(20)) / 3, abs=0.02)
    assert test.is_beyond_rejected is is_rejected
    assert test.beyond_sample_count == 200_000


def test_beyond_sees_the_size_and_not_the_number_of_exceptions() -> None:
    quantile, shortfall = np.full(500, 1.9599639845400545), np.full(500, 2.3378027922014)
    often = np.zeros(500)
    often[::10] = -2.1  # fifty exceptions where 12.5 are promised, none of them deep
    deep = np.zeros(500)
    deep[::50] = -3.5  # ten exceptions, all deep

    def test_of(pnl: np.ndarray) -> tuple[bool | None, bool]:
        test = acerbi_szekely(
            pnl, quantile, shortfall, probability=0.025, draw=_normal_days, sample_count=1_000, seed=3
        )
        return test.is_beyond_rejected, test.is_rejected

    assert test_of(often) == (False, True)
    assert test_of(deep)[0]
    assert test_of(np.zeros(500)) == (None, False)


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match="do not fit"):
        exceptions_of(np.zeros(3), np.zeros(2))
    with pytest.raises(InvalidInput, match="probability 0"):
        kupiec(np.zeros(3, dtype=bool), 0.0)
    with pytest.raises(InvalidInput, match="no day"):
        kupiec(np.zeros(0, dtype=bool), 0.01)
    with pytest.raises(InvalidInput, match="fewer than two"):
        christoffersen(np.zeros(1, dtype=bool), 0.01)
    assert normal_cdf(np.array([0.0]))[0] == 0.5
