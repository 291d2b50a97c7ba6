"""Backtests of value at risk and expected shortfall, with sample size and power said plainly.

Kupiec (1995) asks whether exceptions come as often as promised, Christoffersen (1998) whether they come apart from one
another, Acerbi and Szekely (2014) whether the losses beyond are as large as promised.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.normal import normal_cdf

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SIGNIFICANCE = 0.05
CRITICAL_ONE = 3.841458820694124
"""The 95 % quantile of chi-square with one degree of freedom."""
CRITICAL_TWO = 5.991464547107979
"""The same with two."""
_TWICE = 2.0
_LEAST_POWER = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageTest:
    """Whether exceptions came as often as promised, and whether the test could have told.

    Attributes:
        statistic: Likelihood ratio, chi-square with one degree of freedom under the promise.
        p_value: Probability of a statistic as large, were the promise kept.
        power: Probability that this test rejects where exceptions are in truth twice as frequent as promised.
        is_conclusive: Whether that power is at least one half; where not, passing says little.
    """

    day_count: int
    exception_count: int
    expected_count: float
    statistic: float
    p_value: float
    is_rejected: bool
    power: float
    is_conclusive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceTest:
    """Whether an exception makes another the day after more likely.

    Attributes:
        after_calm: Share of exceptions on days after a calm one.
        after_exception: The same after an exception; None where no exception had a day after it.
        coverage_statistic: Coverage and independence together, chi-square with two degrees of freedom.
    """

    after_calm: float
    after_exception: float | None
    statistic: float
    p_value: float
    is_rejected: bool
    coverage_statistic: float
    coverage_p_value: float
    is_coverage_rejected: bool


def exceptions_of(pnl: FloatArray, value_at_risk: FloatArray) -> BoolArray:
    """Tell the days whose loss was greater than the value at risk of the evening before.

    Raises:
        InvalidInput: Lengths differ or something is not finite.
    """
    if pnl.shape != value_at_risk.shape or pnl.size == 0:
        raise InvalidInput("P&L and value at risk do not fit", zh="损益与风险价值的长度不一致", field="value_at_risk")
    if not (np.all(np.isfinite(pnl)) and np.all(np.isfinite(value_at_risk))):
        raise InvalidInput("P&L or value at risk is not finite", zh="损益或风险价值不是有限数", field="pnl")
    return -pnl > value_at_risk


def kupiec(exceptions: BoolArray, probability: float) -> CoverageTest:
    """Test the share of exceptions: LR = 2 ln[(1-x/n)^(n-x) (x/n)^x] - 2 ln[(1-p)^(n-x) p^x].

    Args:
        exceptions: One element a day.
        probability: p, one less the confidence, in (0, 1).

    Raises:
        InvalidInput: No day, or a probability outside (0, 1).
    """
    _probability(probability)
    days, hits = exceptions.size, int(np.count_nonzero(exceptions))
    if days == 0:
        raise InvalidInput("there is no day", zh="没有回测日", field="exceptions")
    statistic = _coverage_ratio(days, hits, probability)
    power = _coverage_power(days, probability, min(_TWICE * probability, 1.0 - 1e-12))
    return CoverageTest(
        day_count=days,
        exception_count=hits,
        expected_count=days * probability,
        statistic=statistic,
        p_value=_chi_square_tail(statistic, 1),
        is_rejected=statistic > CRITICAL_ONE,
        power=power,
        is_conclusive=power >= _LEAST_POWER,
    )


def christoffersen(exceptions: BoolArray, probability: float) -> IndependenceTest:
    """Test exceptions against a chain of first order: does one follow another more often than a calm day?

    Raises:
        InvalidInput: Fewer than two days, or a probability outside (0, 1).
    """
    _probability(probability)
    if exceptions.size < 2:
        raise InvalidInput("fewer than two days", zh="回测日少于两日", field="exceptions")
    before, after = exceptions[:-1], exceptions[1:]
    calm_calm, calm_hit = int(np.sum(~before & ~after)), int(np.sum(~before & after))
    hit_calm, hit_hit = int(np.sum(before & ~after)), int(np.sum(before & after))
    pairs, hits = exceptions.size - 1, calm_hit + hit_hit
    together = _log_likelihood(pairs - hits, hits)
    apart = _log_likelihood(calm_calm, calm_hit) + _log_likelihood(hit_calm, hit_hit)
    statistic = max(2.0 * (apart - together), 0.0)
    both = statistic + _coverage_ratio(pairs, hits, probability)
    return IndependenceTest(
        after_calm=calm_hit / (calm_calm + calm_hit) if calm_calm + calm_hit else 0.0,
        after_exception=hit_hit / (hit_calm + hit_hit) if hit_calm + hit_hit else None,
        statistic=statistic,
        p_value=_chi_square_tail(statistic, 1),
        is_rejected=statistic > CRITICAL_ONE,
        coverage_statistic=both,
        coverage_p_value=_chi_square_tail(both, 2),
        is_coverage_rejected=both > CRITICAL_TWO,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallTest:
    """Whether losses beyond the value at risk were as large as the expected shortfall promised.

    Attributes:
        beyond: Z1, the mean of loss over shortfall on exception days less one, sign turned: negative is worse than
            promised; None without an exception.
        beyond_critical: The 5 % quantile of Z1 under a promise kept, over the simulated samples with an exception;
            None where none had one.
        is_beyond_rejected: Whether Z1 lies below it: losses beyond the value at risk are larger than promised, however
            often they come. None where Z1 or its critical value is.
        unconditional: Z2, over all days: nought as promised, negative worse.
        critical: The 5 % quantile of Z2 under a promise kept, simulated from the model's own distribution.
        power: Share of simulated samples rejected by Z2 where every loss is in truth a quarter larger.
        sample_count: Simulated samples.
        beyond_sample_count: Those with an exception, which stand behind Z1's critical value.
    """

    beyond: float | None
    beyond_critical: float | None
    is_beyond_rejected: bool | None
    unconditional: float
    critical: float
    is_rejected: bool
    power: float
    sample_count: int
    beyond_sample_count: int


Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]
"""Draws P&L under the model: shape (samples, days) for a generator and that shape."""


def acerbi_szekely(
    pnl: FloatArray,
    value_at_risk: FloatArray,
    expected_shortfall: FloatArray,
    *,
    probability: float,
    draw: Draw,
    sample_count: int,
    seed: int,
) -> ShortfallTest:
    """Test expected shortfall by Z1 and Z2, against simulated values.

    Z1 = sum(X_t I_t / ES_t) / sum(I_t) + 1, Z2 = sum(X_t I_t / (n p ES_t)) + 1, X the P&L and I the exceptions.

    Args:
        pnl: Daily P&L.
        value_at_risk: Promised the evening before.
        expected_shortfall: Promised the evening before, positive.
        probability: p, one less the confidence.
        draw: Draws P&L under the model, each column a day.
        sample_count: Samples to simulate, at least 100.
        seed: Of the generator; the same seed gives the same test.

    Raises:
        InvalidInput: Lengths differ, a shortfall is not positive, or too few samples.
    """
    _probability(probability)
    exceptions_of(pnl, value_at_risk)
    if expected_shortfall.shape != pnl.shape or not np.all(expected_shortfall > 0.0):
        raise InvalidInput("a shortfall is not positive", zh="预期短缺须为正数", field="expected_shortfall")
    if sample_count < 100:
        raise InvalidInput("at least 100 samples are needed", zh="模拟次数不得少于 100", field="sample_count")
    drawn = draw(np.random.default_rng(seed), (sample_count, pnl.size))

    def both(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give Z1 of the samples with an exception, and Z2 of all."""
        hits = -samples > value_at_risk
        sums, counts = np.sum(np.where(hits, samples / expected_shortfall, 0.0), axis=-1), np.sum(hits, axis=-1)
        beyond = np.asarray(sums[counts > 0] / counts[counts > 0] + 1.0)
        return beyond, np.asarray(sums / (pnl.size * probability) + 1.0)

    drawn_beyond, drawn_unconditional = both(drawn)
    found_beyond, found_unconditional = both(pnl[None, :])
    critical, found = float(np.quantile(drawn_unconditional, SIGNIFICANCE)), float(found_unconditional[0])
    beyond = float(found_beyond[0]) if found_beyond.size else None
    beyond_critical = float(np.quantile(drawn_beyond, SIGNIFICANCE)) if drawn_beyond.size else None
    return ShortfallTest(
        beyond=beyond,
        beyond_critical=beyond_critical,
        is_beyond_rejected=None if beyond is None or beyond_critical is None else beyond < beyond_critical,
        unconditional=found,
        critical=critical,
        is_rejected=found < critical,
        power=float(np.mean(both(1.25 * drawn)[1] < critical)),
        sample_count=sample_count,
        beyond_sample_count=drawn_beyond.size,
    )


def _probability(probability: float) -> None:
    if not 0.0 < probability < 1.0:
        raise InvalidInput(
            f"probability {probability} lies outside 0 to 1", zh="概率须在 0 与 1 之间", field="probability"
        )


def _log_likelihood(calm: int, hits: int) -> float:
    total = calm + hits
    return sum(count * math.log(count / total) for count in (calm, hits) if count)


def _coverage_ratio(days: int, hits: int, probability: float) -> float:
    promised = (days - hits) * math.log1p(-probability) + hits * math.log(probability)
    return max(2.0 * (_log_likelihood(days - hits, hits) - promised), 0.0)


def _coverage_power(days: int, promised: float, true: float) -> float:
    """Give the probability of a rejection where exceptions have the true probability, exactly by the binomial."""
    total = 0.0
    for hits in range(days + 1):
        if _coverage_ratio(days, hits, promised) > CRITICAL_ONE:
            log_choose = math.lgamma(days + 1) - math.lgamma(hits + 1) - math.lgamma(days - hits + 1)
            total += math.exp(log_choose + hits * math.log(true) + (days - hits) * math.log1p(-true))
    return min(total, 1.0)


def _chi_square_tail(statistic: float, degrees: int) -> float:
    """Give P(chi-square > x): 2 Phi(-sqrt(x)) for one degree of freedom, exp(-x/2) for two."""
    if degrees == 1:
        return 2.0 * float(normal_cdf(np.array([-math.sqrt(statistic)]))[0])
    return math.exp(-0.5 * statistic)
