"""Stability of ratings against closed forms and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.stability import (
    bunching,
    drift_by_group,
    index_by_chance,
    mobility,
    population_stability,
    stability_terms_on,
    transition_counts,
    transition_matrix,
)
from tests.loans.rating_worlds import BOOK, DAY, KNOWN_AT

TERMS = stability_terms_on(BOOK, valid_on=DAY, known_at=KNOWN_AT)


def test_limits_are_parameters() -> None:
    assert (TERMS.index_watch, TERMS.index_act, TERMS.confidence_ratio) == (0.1, 0.25, 0.95)


def test_transitions_are_counted_row_before_column_after() -> None:
    counts = transition_counts([0, 0, 0, 1, 2], [0, 1, 1, 0, 2], letter_count=3)
    assert counts.tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 1]]
    assert transition_counts([], [], letter_count=2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("before", "after"), [([0], [0, 1]), ([5], [0]), ([0], [-1])])
def test_letters_that_do_not_pair_or_are_none_are_refused(before: list[int], after: list[int]) -> None:
    with pytest.raises(InvalidInput):
        transition_counts(before, after, letter_count=5)


def test_shares_and_bands_are_wilsons() -> None:
    counts = np.array([[7, 3, 0], [1, 98, 1], [0, 0, 0]])
    matrix = transition_matrix(counts, confidence_ratio=0.95)
    assert matrix.shares[:2].tolist() == [[0.7, 0.3, 0.0], [0.01, 0.98, 0.01]]
    assert np.isnan(matrix.shares[2]).all()
    assert (matrix.low[2].tolist(), matrix.high[2].tolist()) == ([0, 0, 0], [1, 1, 1])
    for row, column in np.ndindex(2, 3):
        band = binomtest(int(counts[row, column]), int(counts[row].sum())).proportion_ci(0.95, method="wilson")
        assert matrix.low[row, column] == pytest.approx(band.low, abs=1e-12)
        assert matrix.high[row, column] == pytest.approx(band.high, abs=1e-12)


def test_a_higher_level_widens_the_bands() -> None:
    counts = np.array([[7, 3], [2, 8]])
    narrow, wide = (transition_matrix(counts, confidence_ratio=level) for level in (0.8, 0.99))
    assert (wide.low < narrow.low).all()
    assert (wide.high > narrow.high).all()


def test_mobility_is_nought_where_nobody_moves_and_one_where_rows_are_alike() -> None:
    still = mobility(np.diag([3, 4, 5]))
    assert (still.index, still.improved_ratio, still.worsened_ratio, still.mean_notches) == (0, 0, 0, 0)
    assert mobility(np.full((4, 4), 25)).index == pytest.approx(1.0)
    # (3 - 0.5 - 0.8 - 1) / 2; of forty, two improve and five worsen by one letter
    moved = mobility(np.array([[5, 5, 0], [2, 8, 0], [0, 0, 20]]))
    assert moved.index == pytest.approx(0.35)
    assert (moved.improved_ratio, moved.worsened_ratio, moved.mean_notches) == (0.05, 0.125, 0.075)
    assert mobility(np.array([[5, 5, 0], [2, 8, 0], [0, 0, 0]])).index == pytest.approx(1.5 * (0.5 + 0.2) / 2)
    with pytest.raises(InvalidInput):
        mobility(np.zeros((5, 5), dtype=np.int64))


def test_population_stability_in_closed_form() -> None:
    # (0.4 - 0.5) ln(0.4/0.5) + (0.6 - 0.5) ln(0.6/0.5) = 0.1 ln 1.5
    found = population_stability([50, 50], [40, 60], terms=TERMS)
    assert found.index == pytest.approx(0.1 * math.log(1.5), rel=1e-12)
    assert found.level == "stable"
    assert population_stability([10, 20, 30], [100, 200, 300], terms=TERMS).index == pytest.approx(0.0, abs=1e-15)
    # 0.2 ln(0.7/0.3 ...): shares 0.5 and 0.3, 0.5 and 0.7 give 0.2 ln(7/3) = 0.1695; 0.9 and 0.1 give 0.4 ln 9
    assert population_stability([50, 50], [30, 70], terms=TERMS).level == "watch"
    act = population_stability([50, 50], [90, 10], terms=TERMS)
    assert (act.index, act.level) == (pytest.approx(0.4 * math.log(9)), "act")


def test_an_empty_bin_counts_as_half_an_enterprise_and_never_as_stable() -> None:
    found = population_stability([100, 100], [200, 0], terms=TERMS)
    expected = 0.5 * math.log(2) + (0.5 / 200 - 0.5) * math.log(0.5 / 200 / 0.5)
    assert (found.index, found.level) == (pytest.approx(expected), "act")


@pytest.mark.parametrize(("before", "after"), [([1, 2], [1]), ([0, 0], [1, 1]), ([1, 1], [0, 0]), ([-1, 3], [1, 1])])
def test_distributions_that_cannot_be_compared_are_refused(before: list[int], after: list[int]) -> None:
    with pytest.raises(InvalidInput):
        population_stability(before, after, terms=TERMS)


@given(st.lists(st.tuples(st.integers(1, 1_000), st.integers(1, 1_000)), min_size=1, max_size=8))
def test_population_stability_is_no_less_than_nought_and_the_same_both_ways(bins: list[tuple[int, int]]) -> None:
    before, after = zip(*bins, strict=True)
    there, back = (population_stability(*pair, terms=TERMS).index for pair in ((before, after), (after, before)))
    assert there >= -1e-12
    assert there == pytest.approx(back, abs=1e-9)


def test_chance_alone_carries_the_index_as_far_as_simulation_says() -> None:
    # Closed form beside scipy's quantile, and beside ten thousand pairs of years drawn from one distribution.
    found = index_by_chance(before_count=400, after_count=500, bin_count=5, confidence_ratio=0.95)
    assert found == pytest.approx(chi2.ppf(0.95, 4) * (1 / 400 + 1 / 500), rel=1e-12)
    rng, shares = np.random.default_rng(5), [0.1, 0.2, 0.4, 0.2, 0.1]
    drawn = [
        population_stability(before, after, terms=TERMS).index
        for before, after in zip(
            rng.multinomial(400, shares, 10_000), rng.multinomial(500, shares, 10_000), strict=True
        )
    ]
    assert np.quantile(drawn, 0.95) == pytest.approx(found, rel=0.05)


def test_bunching_is_the_exact_binomial_tail() -> None:
    points = [79.0] * 3 + [79.99] * 2 + [80.0] * 9 + [80.99] * 6 + [81.0] * 50 + [78.99] * 50
    (found,) = bunching(points, (80.0,), terms=TERMS)
    assert (found.below_count, found.above_count) == (5, 15)
    # 21,700 of 2^20: 15504 + 4845 + 1140 + 190 + 20 + 1
    assert found.chance == pytest.approx(21_700 / 2**20, rel=1e-12)
    assert not found.is_alarm
    # 12 above of 14: (91 + 14 + 1) / 2^14 is an alarm, 10 of 12: (66 + 12 + 1) / 2^12 is none
    few = [bunching([80.0] * above + [79.5] * 2, (80.0,), terms=TERMS)[0] for above in (12, 10)]
    assert [one.is_alarm for one in few] == [True, False]
    assert bunching([*points, *[80.5] * 5], (80.0,), terms=TERMS)[0].is_alarm


@pytest.mark.parametrize(("above", "below", "can_tell"), [(0, 0, False), (6, 0, False), (7, 0, True), (3, 4, True)])
def test_too_few_scores_beside_a_threshold_tell_nothing(above: int, below: int, *, can_tell: bool) -> None:
    """The alarm of 1 % needs seven: 1/2^6 is 1.6 %, 1/2^7 is 0.8 %."""
    assert TERMS.bunching_alarm_ratio == 0.01
    (found,) = bunching([80.2] * above + [79.8] * below, (80.0,), terms=TERMS)
    assert found.can_tell is can_tell


@pytest.mark.parametrize(("above", "below"), [(0, 0), (0, 5), (7, 0), (520, 480), (30_500, 29_500)])
def test_tails_are_scipys_for_few_and_for_many(above: int, below: int) -> None:
    (found,) = bunching([80.2] * above + [79.8] * below, (80.0,), terms=TERMS)
    expected = binomtest(above, above + below, alternative="greater").pvalue if above + below else 1.0
    assert found.chance == pytest.approx(expected, rel=1e-7)


def test_drift_by_group() -> None:
    small, large = drift_by_group([0, 0, 1, 0], [50, 60, 70, 40], [52, 66, 69, 41])
    assert (small.group, small.count, small.mean_change) == (0, 3, 3.0)
    assert small.standard_error == pytest.approx(math.sqrt(((2 - 3) ** 2 + (6 - 3) ** 2 + (1 - 3) ** 2) / 2 / 3))
    assert (large.count, large.mean_change) == (1, -1.0)
    assert math.isnan(large.standard_error)
    with pytest.raises(InvalidInput):
        drift_by_group([0], [1, 2], [1, 2])
