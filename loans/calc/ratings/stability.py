"""How ratings move from one year to the next: transitions with bands, population stability, mobility, bunching, drift.

Letters are whole numbers from 0, best first, as `RatedColumns.letter` holds them; who is rated in one year alone stands
outside a transition. Nothing here says why ratings moved, and a year of few enterprises says little: the bands tell.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.parameters import ParameterBook

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
LIMITS_KEY = "loans.rating_stability."
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityTerms:
    """Limits of a stability report.

    Attributes:
        confidence_ratio: Two-sided level of the bands.
        index_watch, index_act: Population stability from which to watch, and above which to act.
        bunching_window_points: Width beside a threshold on either side.
        bunching_alarm_ratio: Chance under which a jump at a threshold is an alarm.
    """

    confidence_ratio: float
    index_watch: float
    index_act: float
    bunching_window_points: float
    bunching_alarm_ratio: float


def stability_terms_on(book: ParameterBook, *, valid_on: date, known_at: datetime) -> StabilityTerms:
    """Read the limits valid on a day as they were known at an instant.

    Raises:
        MissingData: A value is not known.
    """

    def read(key: str) -> float:
        return to_float(book.on(LIMITS_KEY + key, valid_on=valid_on, known_at=known_at).decimal)

    return StabilityTerms(
        confidence_ratio=read("confidence_ratio"),
        index_watch=read("index_watch"),
        index_act=read("index_act"),
        bunching_window_points=read("bunching_window_points"),
        bunching_alarm_ratio=read("bunching_alarm_ratio"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionMatrix:
    """Letters of one year against the year before; all shapes (letters before, letters after).

    Attributes:
        counts: Enterprises.
        shares: Of each row; nan in a row that nobody stands in.
        low, high: Wilson's score band of each share; 0 and 1 in a row that nobody stands in.
    """

    counts: IntArray
    shares: FloatArray
    low: FloatArray
    high: FloatArray


def transition_counts(before: npt.ArrayLike, after: npt.ArrayLike, *, letter_count: int) -> IntArray:
    """Count enterprises by letter before and after; shape (letters, letters). Counts of years may be added up.

    Raises:
        InvalidInput: Unequal lengths, or a letter outside 0 to letter_count - 1.
    """
    old, new = _letters(before, letter_count), _letters(after, letter_count)
    if old.shape != new.shape:
        raise InvalidInput(
            f"{old.size} letters before and {new.size} after; give both years of the same enterprises",
            zh="两年的评级家数不同，请提供同一批企业两年的等级",
        )
    return np.bincount(old * letter_count + new, minlength=letter_count**2).reshape(letter_count, letter_count)


def transition_matrix(counts: IntArray, *, confidence_ratio: float) -> TransitionMatrix:
    """Give the shares of each row with their bands.

    Wilson: (p + z^2/2n ± z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n), z the two-sided normal quantile. It holds its
    level for few enterprises and for shares near nought, where p ± z s does not.
    """
    totals = counts.sum(axis=1, keepdims=True).astype(np.float64)
    z = NormalDist().inv_cdf(0.5 + confidence_ratio / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / totals
        centre = (shares + z * z / (2 * totals)) / (1 + z * z / totals)
        half = z * np.sqrt(shares * (1 - shares) / totals + (z / (2 * totals)) ** 2) / (1 + z * z / totals)
    empty = np.broadcast_to(totals == 0, shares.shape)
    low = np.where(empty, 0.0, np.clip(centre - half, 0.0, 1.0))
    high = np.where(empty, 1.0, np.clip(centre + half, 0.0, 1.0))
    return TransitionMatrix(counts=counts, shares=shares, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mobility:
    """How much ratings move.

    Attributes:
        index: k / (k - 1) times the mean chance of leaving a letter, over letters somebody stood in; over all k it is
            Shorrocks' (k - trace) / (k - 1). 0 is none, 1 as if drawn anew.
        improved_ratio, worsened_ratio: Shares of enterprises.
        mean_notches: Mean change in letters; above 0 is for the worse.
    """

    index: float
    improved_ratio: float
    worsened_ratio: float
    mean_notches: float


def mobility(counts: IntArray) -> Mobility:
    """Give the mobility of counted transitions.

    Raises:
        InvalidInput: Nobody was rated in both years.
    """
    total, letters = int(counts.sum()), counts.shape[0]
    if not total:
        raise InvalidInput("nobody was rated in both years", zh="没有企业两年均获评级")
    rows = counts.sum(axis=1)
    stood = rows > 0
    left = 1 - np.diagonal(counts)[stood] / rows[stood]
    notches = np.arange(letters)[None, :] - np.arange(letters)[:, None]
    return Mobility(
        index=float(left.mean()) * letters / (letters - 1),
        improved_ratio=float(counts[notches < 0].sum()) / total,
        worsened_ratio=float(counts[notches > 0].sum()) / total,
        mean_notches=float((counts * notches).sum()) / total,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationStability:
    """Population stability index with its level: stable, watch or act."""

    index: float
    level: str


def population_stability(before: npt.ArrayLike, after: npt.ArrayLike, *, terms: StabilityTerms) -> PopulationStability:
    """Compare two distributions over the same bins.

    index = sum (a - b) ln(a / b), a and b shares after and before. An empty bin stands as half an enterprise, since
    the index would be infinite; so an empty bin is never a sign of stability.

    Args:
        before: Enterprises by bin, shape (bins,).
        after: The same of the later year, shape (bins,).
        terms: Limits of the levels.

    Raises:
        InvalidInput: Bins differ in number, a count is negative, or a year has no enterprise.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if old.shape != new.shape or old.ndim != 1:
        raise InvalidInput("both years must have the same bins", zh="两期分组不一致")
    if min(old.min(initial=0), new.min(initial=0)) < 0 or not old.sum() or not new.sum():
        raise InvalidInput("counts must not be negative, and each year needs one", zh="家数不得为负，且每期至少一家")
    shares_old, shares_new = (np.maximum(counts, 0.5) / counts.sum() for counts in (old, new))
    index = float(((shares_new - shares_old) * np.log(shares_new / shares_old)).sum())
    level = "act" if index > terms.index_act else "watch" if index >= terms.index_watch else "stable"
    return PopulationStability(index=index, level=level)


def index_by_chance(*, before_count: int, after_count: int, bin_count: int, confidence_ratio: float) -> float:
    """Give what the index of so many enterprises reaches by chance alone, at a one-sided level.

    Where both years are drawn from one distribution, the index is near sum (a - b)^2 / b, and index / (1/n + 1/m)
    near chi-square of bins - 1 degrees of freedom; of an even number of them, P(X > x) = exp(-x/2) sum (x/2)^i / i!.

    Args:
        before_count: Enterprises of the earlier year, at least one.
        after_count: The same of the later year.
        bin_count: Bins, an odd number.
        confidence_ratio: Level.
    """
    assert bin_count % 2, "the closed form takes an even number of degrees of freedom"
    terms = range((bin_count - 1) // 2)
    low, high = 0.0, 1.0

    def chance_above(x: float) -> float:
        return math.exp(-x / 2) * math.fsum((x / 2) ** i / math.factorial(i) for i in terms)

    while chance_above(high) > 1 - confidence_ratio:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if chance_above(middle) > 1 - confidence_ratio else (low, middle)
    return high * (1 / before_count + 1 / after_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bunching:
    """Scores just at or above a threshold beside those just below.

    Attributes:
        chance: Of so many or more above, were both sides as likely: the exact binomial tail.
        is_alarm: Whether the chance is under the alarm's. A sign to look, no proof of gaming: a steep density near the
            threshold does it, too.
        can_tell: Whether so many scores could raise the alarm at all: all of them above, 1/2^n is under its chance.
    """

    threshold: float
    above_count: int
    below_count: int
    chance: float
    is_alarm: bool
    can_tell: bool


def bunching(points: npt.ArrayLike, thresholds: tuple[float, ...], *, terms: StabilityTerms) -> tuple[Bunching, ...]:
    """Count scores in [t, t + w) and [t - w, t) for each threshold t and test for a jump."""
    ordered = np.sort(np.asarray(points, dtype=np.float64))
    window = terms.bunching_window_points
    found = []
    for threshold in thresholds:
        edges = np.searchsorted(ordered, [threshold - window, threshold, threshold + window])
        below, above = int(edges[1] - edges[0]), int(edges[2] - edges[1])
        chance = _tail(above, above + below)
        found.append(
            Bunching(
                threshold=threshold,
                above_count=above,
                below_count=below,
                chance=chance,
                is_alarm=chance < terms.bunching_alarm_ratio,
                can_tell=_tail(above + below, above + below) < terms.bunching_alarm_ratio,
            )
        )
    return tuple(found)


def _tail(least: int, count: int) -> float:
    """P(X >= least) for count fair throws, summed by logarithms, since the coefficients outgrow a float."""
    if least == 0:
        return 1.0
    ways = (
        math.lgamma(count + 1) - math.lgamma(heads + 1) - math.lgamma(count - heads + 1) - count * math.log(2)
        for heads in range(least, count + 1)
    )
    return min(1.0, math.fsum(math.exp(way) for way in ways))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Mean change of points of one group, with the standard error of the mean (nan for a single enterprise)."""

    group: int
    count: int
    mean_change: float
    standard_error: float


def drift_by_group(groups: npt.ArrayLike, before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[Drift, ...]:
    """Give the mean change of points by group (size class, division), so that a drift against one of them is seen.

    Raises:
        InvalidInput: Columns of unequal length.
    """
    codes = np.asarray(groups, dtype=np.int64)
    changes = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    if codes.shape != changes.shape:
        raise InvalidInput("groups and points must be of one length", zh="分组与分数条数不一致")
    found = []
    for group in np.unique(codes):
        of_group = changes[codes == group]
        error = float(of_group.std(ddof=1)) / math.sqrt(of_group.size) if of_group.size > 1 else math.nan
        found.append(
            Drift(group=int(group), count=of_group.size, mean_change=float(of_group.mean()), standard_error=error)
        )
    return tuple(found)


def _letters(values: npt.ArrayLike, letter_count: int) -> IntArray:
    letters = np.asarray(values, dtype=np.int64)
    if letters.size and not (letters.min() >= 0 and letters.max() < letter_count):
        raise InvalidInput(
            f"letters must be 0 to {letter_count - 1}; leave out who was not rated in both years",
            zh=f"等级须为 0 至 {letter_count - 1}，未在两年均获评级的企业不应计入",
        )
    return letters
