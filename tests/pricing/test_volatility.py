"""Volatility of thin, limited histories: by hand, in simulated regimes, and on real series with what they cannot say."""

import math

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.volatility import ESTIMATORS, Estimator, PriceHistory, estimated_volatility, kept_returns


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
    assert (estimate.error_method, naive.error_method) == ("block_bootstrap", "asymptotic")
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


# --- six regimes: a price that trades on some days and stops at +-10 % ------------------------------------------------
def simulated(
    volatility: float, *, traded_share: float, limit: float, days: int, random: np.random.Generator
) -> PriceHistory:
    """Simulate the price behind, the days that trade, and closes that the limit holds back."""
    true = 50.0 * np.exp(np.cumsum(np.concatenate([[0.0], random.normal(0.0, volatility / math.sqrt(250), days)])))
    traded = random.random(days + 1) < traded_share
    close, at_limit = np.empty(days + 1), np.zeros(days + 1, dtype=bool)
    close[0], traded[0] = true[0], True
    for day in range(1, days + 1):
        close[day] = close[day - 1]
        if traded[day]:
            low, high = close[day - 1] * (1 - limit), close[day - 1] * (1 + limit)
            close[day] = min(max(true[day], low), high)
            at_limit[day] = not low < true[day] < high
    return PriceHistory(close_per_t=close, high_per_t=close, low_per_t=close, traded=traded, at_limit=at_limit)


@pytest.mark.parametrize(
    ("volatility", "traded_share"), [(0.35, 1.0), (0.30, 0.8), (0.60, 0.4), (1.20, 1.0), (1.20, 0.4), (0.50, 0.6)]
)
def test_the_renewal_estimator_has_little_bias_in_any_regime(volatility: float, traded_share: float) -> None:
    random = np.random.default_rng(20260617)
    variances, naive = [], []
    for _ in range(250):
        history = simulated(volatility, traded_share=traded_share, limit=0.10, days=250, random=random)
        variances.append(estimated_volatility(history).volatility ** 2)
        naive.append(estimated_volatility(history, Estimator.CLOSE_TO_CLOSE).volatility ** 2)
    bias = math.sqrt(float(np.mean(variances))) / volatility - 1.0
    assert abs(bias) < 0.05
    if volatility > 1.0:
        assert math.sqrt(float(np.mean(naive))) / volatility - 1.0 < -0.10


def test_the_stated_error_is_the_spread_of_estimates() -> None:
    random = np.random.default_rng(20260618)
    estimates = [
        estimated_volatility(simulated(0.60, traded_share=0.4, limit=0.10, days=250, random=random)) for _ in range(200)
    ]
    spread = float(np.std([one.volatility for one in estimates]))
    stated = float(np.mean([one.standard_error for one in estimates]))
    # sigma / sqrt(2 n) would say 0.044 for a spread of about 0.075
    assert stated == pytest.approx(spread, rel=0.25)


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
    assert estimate.return_count == 36
    assert estimate.volatility == pytest.approx(estimated_volatility(plain, Estimator.PARKINSON).volatility)
    with pytest.raises(InvalidInput, match="low of day 0"):
        PriceHistory(
            close_per_t=plain.close_per_t, high_per_t=plain.low_per_t, low_per_t=plain.high_per_t, traded=plain.traded,
            at_limit=plain.at_limit,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="empty"):
        history_of([])


def test_every_estimator_says_its_bias() -> None:
    assert set(ESTIMATORS) == set(Estimator)
    assert max(abs(bias) for bias in ESTIMATORS[Estimator.RENEWAL].bias_pct) <= 3
