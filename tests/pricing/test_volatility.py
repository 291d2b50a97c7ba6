"""Volatility of thin, limited histories: by hand, in simulated regimes, and on real series with what they cannot say."""

import dataclasses
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.series_checks import mixed_levels
from pricing.calc.volatility import BOOTSTRAP_SEED, PriceHistory, estimated_volatility, kept_returns
from pricing.calc.volatility_errors import ERROR_LABELS, ErrorMethod
from pricing.calc.volatility_estimators import ESTIMATORS, REGIMES, Estimator


def history_of(
    close: list[float], *, traded: list[bool] | None = None, at_limit: list[bool] | None = None
) -> PriceHistory:
    count = len(close)
    prices = np.array(close)
    return PriceHistory(
        close_per_t=prices, high_per_t=prices * 1.02, low_per_t=prices / 1.02,
        traded=np.ones(count, dtype=bool) if traded is None else np.array(traded),
        at_limit=np.zeros(count, dtype=bool) if at_limit is None else np.array(at_limit),
    )  # fmt: skip


def test_kept_returns_by_hand() -> None:
    history = history_of(
        [100.0, 100.0, 110.0, 121.0, 120.0],
        traded=[True, False, True, True, True],
        at_limit=[False, False, True, False, False],
    )
    returns, days = kept_returns(history)
    assert returns == pytest.approx([math.log(1.21), math.log(120 / 121)])
    assert days.tolist() == [3.0, 1.0]
    with_limits, between = kept_returns(history, with_limits=True)
    assert with_limits == pytest.approx([math.log(1.1), math.log(1.1), math.log(120 / 121)])
    assert between.tolist() == [2.0, 1.0, 1.0]


def test_a_saw_of_one_per_cent_has_the_volatility_of_its_step() -> None:
    history = history_of([100.0 * 1.01 ** (day % 2) for day in range(101)])
    step = math.log(1.01) * math.sqrt(250)
    estimate = estimated_volatility(history)
    assert estimate.volatility == pytest.approx(step)
    # Every redrawn history has the same squares: nothing is left uncertain.
    assert estimate.standard_error == pytest.approx(0.0, abs=1e-12)
    naive = estimated_volatility(history, Estimator.CLOSE_TO_CLOSE)
    assert naive.standard_error == pytest.approx(naive.volatility / math.sqrt(200))
    assert (estimate.error_method, naive.error_method) == (ErrorMethod.BLOCK_BOOTSTRAP, ErrorMethod.GAP_WEIGHTED)
    assert (estimate.effective_count, naive.effective_count) == (math.inf, 100.0)
    assert (estimate.draw_count, estimate.seed, naive.draw_count, naive.seed) == (500, BOOTSTRAP_SEED, 0, None)
    assert (estimate.return_count, estimate.day_count) == (100, 100)
    # Every step is taken back: the autocovariance removes the bounce, but for the first and last of the hundred.
    assert estimated_volatility(history, Estimator.RENEWAL_BOUNCE).volatility == 0.0
    assert estimated_volatility(history, Estimator.EWMA).volatility == pytest.approx(step)
    # ln(H/L) = 2 ln 1.02 each day: sigma^2 = 250 (2 ln 1.02)^2 / (4 ln 2)
    ranged = math.sqrt(250 * (2 * math.log(1.02)) ** 2 / (4 * math.log(2)))
    assert estimated_volatility(history, Estimator.PARKINSON).volatility == pytest.approx(ranged)


def test_a_composite_and_a_short_history_are_refused() -> None:
    mixed = history_of([70.0] * 50)
    with pytest.raises(InvalidInput, match="composite over vintages"):
        estimated_volatility(
            PriceHistory(
                **{
                    name: getattr(mixed, name)
                    for name in ("close_per_t", "high_per_t", "low_per_t", "traded", "at_limit")
                },
                is_composite=True,
            )
        )
    with pytest.raises(MissingData, match="only 4 returns"):
        estimated_volatility(history_of([70.0, 71.0, 70.0, 71.0, 70.0]))
    with pytest.raises(InvalidInput, match="close of day 1 is -1"):
        history_of([70.0, -1.0])
    with pytest.raises(InvalidInput, match="differ in length"):
        PriceHistory(
            close_per_t=np.ones(3),
            high_per_t=np.ones(2),
            low_per_t=np.ones(3),
            traded=np.ones(3, bool),
            at_limit=np.ones(3, bool),
        )


# --- six regimes: a price that trades on some days, in bursts, and stops at +-10 % -------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A simulated market of 250 days; in `bursts` trading days follow one another, the volatility half as large again."""

    volatility: float
    traded_share: float = 1.0
    bursts: bool = False
    bounce: float = 0.0


def simulated(regime: Regime, random: np.random.Generator, *, limit: float = 0.10, days: int = 250) -> PriceHistory:
    """Simulate the price behind, the days that trade, closes at bid or ask, and closes that the limit holds back."""
    busy = np.zeros(days + 1, dtype=bool)
    deviation = np.full(days, regime.volatility / math.sqrt(250))
    if regime.bursts:
        # Half of the days are busy, in runs of ten on the mean; variances 1.5 and 0.5 of the mean one.
        busy = np.cumsum(random.random(days + 1) < 0.1) % 2 == 0
        deviation *= np.sqrt(np.where(busy[1:], 1.5, 0.5))
    true = 50.0 * np.exp(np.cumsum(np.concatenate([[0.0], deviation * random.standard_normal(days)])))
    traded = random.random(days + 1) < np.where(busy, 0.9, 0.2 if regime.bursts else regime.traded_share)
    seen = true * np.exp(regime.bounce * random.choice([-0.5, 0.5], days + 1))
    close, at_limit = np.empty(days + 1), np.zeros(days + 1, dtype=bool)
    close[0], traded[0] = seen[0], True
    for day in range(1, days + 1):
        close[day] = close[day - 1]
        if traded[day]:
            low, high = close[day - 1] * (1 - limit), close[day - 1] * (1 + limit)
            close[day] = min(max(seen[day], low), high)
            at_limit[day] = not low < seen[day] < high
    return PriceHistory(close_per_t=close, high_per_t=close, low_per_t=close, traded=traded, at_limit=at_limit)


def biases_of(regime: Regime, *estimators: Estimator) -> list[float]:
    random = np.random.default_rng(20260617)
    histories = [simulated(regime, random) for _ in range(300)]
    variances = [
        [estimated_volatility(one, estimator, draw_count=100).volatility ** 2 for one in histories]
        for estimator in estimators
    ]
    return [math.sqrt(float(np.mean(found))) / regime.volatility - 1.0 for found in variances]


@pytest.mark.parametrize(
    "regime",
    [
        Regime(volatility=0.35),
        Regime(volatility=0.30, traded_share=0.8),
        Regime(volatility=0.60, traded_share=0.4),
        Regime(volatility=1.20),
        Regime(volatility=1.20, traded_share=0.4),
        Regime(volatility=0.50, bursts=True),
    ],
    ids=[label for _, label in REGIMES],
)
def test_the_renewal_estimator_has_little_bias_in_any_regime(regime: Regime) -> None:
    renewal, naive = biases_of(regime, Estimator.RENEWAL, Estimator.CLOSE_TO_CLOSE)
    assert abs(renewal) <= 0.05
    if regime.volatility > 1.0:
        assert naive < -0.10


def test_the_autocovariance_takes_the_bounce_out_and_the_plain_estimator_does_not() -> None:
    regime = Regime(volatility=0.30, bounce=0.02)
    corrected, plain = biases_of(regime, Estimator.RENEWAL_BOUNCE, Estimator.RENEWAL)
    assert abs(corrected) <= 0.05
    # A spread s adds s^2/2 to the variance of each day: 250 x 0.02^2 / 2 = 0.05 beside 0.09
    assert plain == pytest.approx(math.sqrt(0.14 / 0.09) - 1.0, abs=0.03)


@pytest.mark.parametrize(
    ("regime", "estimator"),
    [
        *itertools.product(
            [Regime(volatility=0.60, traded_share=0.4), Regime(volatility=0.35)],
            [Estimator.RENEWAL, Estimator.RENEWAL_WITH_LIMITS, Estimator.TRADED_CLOSES],
        ),
        (Regime(volatility=0.30, bounce=0.02), Estimator.RENEWAL_BOUNCE),
    ],
    ids=str,
)
def test_the_stated_error_is_the_spread_of_estimates(regime: Regime, estimator: Estimator) -> None:
    random = np.random.default_rng(20260618)
    # Limits cut the moves that the asymptotic error supposes; the bootstrap sees what they leave.
    limit = 0.9 if estimator is Estimator.TRADED_CLOSES else 0.1
    histories = [simulated(regime, random, limit=limit) for _ in range(200)]
    estimates = [estimated_volatility(one, estimator, draw_count=100) for one in histories]
    spread = float(np.std([one.volatility for one in estimates]))
    stated = float(np.mean([one.standard_error for one in estimates]))
    # sigma / sqrt(2 n) would say 0.044 for a spread of about 0.075 in the thin market
    assert stated == pytest.approx(spread, rel=0.25)


def test_the_gap_weighted_error_by_hand() -> None:
    # Gaps 1 and 4 days in turn, ten of each: n = (10 x 5)^2 / (10 x 17)
    traded = [day % 5 in {0, 1} for day in range(51)]
    prices = np.cumprod([1.0 + 0.01 * ((day * 7) % 5 - 2) if traded[day] else 1.0 for day in range(51)]) * 50.0
    estimate = estimated_volatility(history_of(prices.tolist(), traded=traded), Estimator.TRADED_CLOSES)
    assert estimate.effective_count == pytest.approx(2_500 / 170)
    assert estimate.standard_error == pytest.approx(estimate.volatility / math.sqrt(2 * 2_500 / 170))
    # Every day traded: weights 0.94^age, n = (1 - w^50)^2 (1 - w^2) / ((1 - w)^2 (1 - w^100))
    decayed = estimated_volatility(history_of(prices.tolist()), Estimator.EWMA)
    w = 0.94
    assert decayed.effective_count == pytest.approx((1 - w**50) ** 2 * (1 - w**2) / ((1 - w) ** 2 * (1 - w**100)))
    # Parkinson (1980): the variance of a day's estimate is 0.407 sigma^4 and not 2
    ranged = estimated_volatility(history_of(prices.tolist()), Estimator.PARKINSON)
    assert ranged.error_method is ErrorMethod.RANGE
    assert ranged.effective_count == pytest.approx(50 * 2 / 0.407, rel=2e-3)


def test_the_redrawing_is_the_seed_s() -> None:
    history = simulated(Regime(volatility=0.60, traded_share=0.4), np.random.default_rng(1))
    one, same, other = (estimated_volatility(history, draw_count=2_000, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.standard_error != other.standard_error
    assert one.standard_error == pytest.approx(other.standard_error, rel=0.10)
    assert one.effective_count == pytest.approx(0.5 * (one.volatility / one.standard_error) ** 2)
    for draws in (99, 10_001):
        with pytest.raises(InvalidInput, match=f"{draws} draws"):
            estimated_volatility(history, draw_count=draws)


def test_blocks_of_ten_by_hand() -> None:
    # Ten returns of 1 % and ten of 3 % in turn, to and fro. A block of ten holds k of the large ones, k = 0 and 10 for
    # one start in twenty each, 1 to 9 for two: variance of k 8.5, of the mean square 0.64 x 8.5 about 5; forty blocks
    steps = np.tile(np.repeat([0.01, 0.03], 10), 20) * np.tile([1.0, -1.0], 200)
    estimate = estimated_volatility(history_of((50 * np.exp(np.cumsum([0.0, *steps]))).tolist()), draw_count=10_000)
    assert estimate.standard_error / estimate.volatility == pytest.approx(
        0.5 * math.sqrt(0.64 * 8.5 / 40) / 5, rel=0.03
    )


def test_wild_and_calm_spells_widen_the_error() -> None:
    random = np.random.default_rng(20260619)
    steps = random.standard_normal(1_000)
    spells = np.repeat([0.005, 0.035], 500 // 5)  # five spells of each, a hundred days long
    clustered = 50 * np.exp(np.cumsum(np.tile(spells, 5) * steps))
    estimate = estimated_volatility(history_of(clustered.tolist()))
    assert estimate.effective_count < 0.6 * estimate.return_count


def test_days_without_a_range_are_left_out_of_the_range_and_a_low_above_its_high_is_refused() -> None:
    plain = history_of([100.0 * 1.01 ** (day % 2) for day in range(41)])
    high = plain.high_per_t.copy()
    high[5:9] = np.nan
    missing = PriceHistory(
        close_per_t=plain.close_per_t,
        high_per_t=high,
        low_per_t=plain.low_per_t,
        traded=plain.traded,
        at_limit=plain.at_limit,
    )
    estimate = estimated_volatility(missing, Estimator.PARKINSON)
    assert (estimate.return_count, estimate.left_out_count) == (36, 4)
    assert estimated_volatility(plain, Estimator.PARKINSON).left_out_count == 0
    assert estimate.volatility == pytest.approx(estimated_volatility(plain, Estimator.PARKINSON).volatility)
    with pytest.raises(InvalidInput, match="low of day 0"):
        PriceHistory(
            close_per_t=plain.close_per_t, high_per_t=plain.low_per_t, low_per_t=plain.high_per_t, traded=plain.traded,
            at_limit=plain.at_limit,
        )  # fmt: skip
    nought = plain.low_per_t.copy()
    nought[3] = 0.0
    with pytest.raises(InvalidInput, match=r"low_per_t of day 3 is 0\.0"):
        dataclasses.replace(plain, low_per_t=nought)
    with pytest.raises(InvalidInput, match="empty"):
        history_of([])


def test_every_estimator_says_its_bias() -> None:
    assert set(ESTIMATORS) == set(Estimator)
    assert max(abs(bias) for bias in ESTIMATORS[Estimator.RENEWAL].bias_pct) <= 3
    for note in ESTIMATORS.values():
        assert len(note.bias_pct) == len(REGIMES)
        assert "400 histories of 250 trading days" in note.bias_source_en
        assert "400 条历史" in note.bias_source_zh
    assert set(ERROR_LABELS) == set(ErrorMethod)


# --- several vintages in one series ------------------------------------------------------------------------------------
def of_last_print(random: np.random.Generator, *, levels: tuple[float, ...], days: int = 240) -> list[float]:
    """Closes of whichever vintage was printed last, each a walk of 3 % a day about its own level."""
    walks = np.array(levels)[:, None] * np.exp(0.03 * np.cumsum(random.standard_normal((len(levels), days)), axis=1))
    return [float(walks[vintage, day]) for day, vintage in enumerate(random.integers(0, len(levels), days))]


def test_a_series_of_several_vintages_is_seen_and_no_volatility_taken() -> None:
    closes = of_last_print(np.random.default_rng(6), levels=(5.0, 12.0, 40.0))
    found = mixed_levels(np.array(closes))
    assert found is not None
    assert found.move_count == 239
    assert found.jump_count > 100
    assert found.reversed_count > 0.5 * found.jump_count
    assert found.low_per_t < 15.0 < found.high_per_t
    for estimator in Estimator:
        with pytest.raises(InvalidInput, match="go to and fro between about"):
            estimated_volatility(history_of(closes), estimator)


def test_two_levels_in_turn_by_hand() -> None:
    # Up and down every fifth day: 19 jumps, 18 with one after them, each taken back whole
    closes = [10.0 if (day // 5) % 2 == 0 else 30.0 for day in range(100)]
    found = mixed_levels(np.array(closes))
    assert found is not None
    assert (found.jump_count, found.reversed_count) == (19, 18)
    assert (found.low_per_t, found.high_per_t, found.first_row, found.last_row) == (10.0, 30.0, 5, 90)
    # Seven of them taken back are not yet evidence
    assert mixed_levels(np.array(closes[:45])) is None
    then_falling = closes[:45] + [10.0 * 0.7 ** (1 + day // 5) for day in range(20)]
    assert mixed_levels(np.array(then_falling)) is None
    # Taken back only after a month
    assert mixed_levels(np.repeat([10.0, 30.0] * 10, 21)) is None
    assert mixed_levels(np.repeat([10.0, 30.0] * 10, 20)) is not None
    # Doubled and then a fifth off, again and again: never back
    assert mixed_levels(10.0 * np.cumprod(np.tile([2.0, 0.8], 20))) is None


def test_one_instrument_is_not_taken_for_several() -> None:
    random = np.random.default_rng(7)
    for regime in (Regime(volatility=1.20), Regime(volatility=1.20, traded_share=0.4), Regime(volatility=2.0)):
        for _ in range(20):
            assert mixed_levels(simulated(regime, random).close_per_t) is None
    # Twelve falls at compliance dates that stay, and limit moves to and fro
    falls = np.repeat(100.0 * 0.7 ** np.arange(12), 30)
    assert mixed_levels(falls) is None
    assert mixed_levels(np.tile([50.0, 55.0], 200)) is None
