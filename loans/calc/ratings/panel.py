"""A reduced method for installations of which only emissions and free allocation are known, for studies of stability.

Three measures of a year: coverage (free allocation / emissions), trend (fall of emissions on the year before), and the
percentile of the coverage among the installations of the country and year that emit (mid-rank). Points are their
weighted sum, classes 1 to 5 its bands. It is never called A to E: no sector, no output and no factor is known, and none
is made up. An installation without one of the measures has no class in that year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import to_float
from carbonfin.rules.parameters import ParameterBook
from loans.calc.ratings.stability import (
    Bunching,
    Drift,
    Mobility,
    PopulationStability,
    StabilityTerms,
    TransitionMatrix,
    bunching,
    drift_by_group,
    mobility,
    population_stability,
    transition_counts,
    transition_matrix,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
METHOD_ZH = "面板简化方法（本系统自有，仅供稳定性研究），非企业碳评级，不称 A–E"
METHOD_EN = "The reduced panel method, for studies of stability; no rating of an enterprise, never called A to E"
CLASSES = ("1", "2", "3", "4", "5")
LIMITS_ZH = (
    "只有逐年核查排放量和免费配额两个数，没有行业、产量和增加值：排放下降可能是减产，不能说明企业变得清洁。",
    "免费配额按规则分配，覆盖率变化不说明企业自身的效率；装置不是企业。",
    "区间只反映家数多少，不含数据错误和方法选择；不能推及其他市场，也不能作为降碳贷定价依据。",
)
LIMITS_EN = (
    "Two numbers a year, emissions and free allocation; no sector, output or value added: a fall may be a slump.",
    "Free allocation follows its rules: coverage says nothing of efficiency, and installations are no enterprises.",
    "Bands tell how few there are, not what data and method get wrong; nothing carries over to a loan's rate.",
)
_KEY = "loans.panel."


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTerms:
    """The method's numbers: weights, where each scale ends, least points of classes 1 to 4, least peers."""

    weights: Mapping[str, float]
    coverage_full: float
    trend_limit: float
    class_points_min: tuple[float, ...]
    country_count_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One row an installation and year, sorted by both; codes stand for names, shape (rows,)."""

    installation: IntArray
    country: IntArray
    year: IntArray
    free_t: IntArray
    emission_t: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelClasses:
    """Points and classes of the rows that have all three measures; 0 is class 1.

    Attributes:
        refused_count: Rows from the panel's second year on without a class, by reason.
    """

    installation: IntArray
    country: IntArray
    year: IntArray
    points: FloatArray
    band: IntArray
    refused_count: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelYear:
    """One year beside the year before: who has a class, who in both, how far the two distributions differ."""

    year: int
    count: int
    both_count: int
    mobility: Mobility | None
    spread: PopulationStability | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelStudy:
    """The whole study: transitions of all pairs of years, each year, thresholds of the last, drift by country."""

    transitions: TransitionMatrix
    mobility: Mobility
    years: tuple[PanelYear, ...]
    jumps: tuple[Bunching, ...]
    drifts: tuple[Drift, ...]


def panel_terms_on(book: ParameterBook, *, valid_on: date, known_at: datetime) -> PanelTerms:
    """Read the method valid on a day as it was known at an instant.

    Raises:
        MissingData: A value is not known.
    """

    def read(key: str, scope: str = "") -> float:
        return to_float(book.on(_KEY + key, scope=scope, valid_on=valid_on, known_at=known_at).decimal)

    return PanelTerms(
        weights={name: read("weight_points", name) for name in ("coverage", "trend", "percentile")},
        coverage_full=read("coverage_full_ratio"),
        trend_limit=read("trend_limit_ratio"),
        class_points_min=tuple(read("class_points_min", name) for name in CLASSES[:-1]),
        country_count_min=int(read("country_count_min")),
    )


def classify_panel(panel: Panel, terms: PanelTerms) -> PanelClasses:
    """Give points and class of each row that has the year before and all three measures."""
    follows = np.zeros(panel.year.shape, dtype=bool)
    follows[1:] = (panel.installation[1:] == panel.installation[:-1]) & (panel.year[1:] == panel.year[:-1] + 1)
    before = np.concatenate(([0], panel.emission_t[:-1]))
    emits = panel.emission_t > 0
    emitted = follows & (before > 0)
    among = _among_emitting(panel, emits)
    enough = among.count >= terms.country_count_min
    has_all = emits & emitted & enough
    later = panel.year > panel.year.min(initial=np.iinfo(np.int64).max)
    trend = np.divide(before - panel.emission_t, before, out=np.zeros(emits.shape), where=emitted)
    points = (
        terms.weights["coverage"] * np.clip(among.coverage / terms.coverage_full, 0, 1)
        + terms.weights["trend"] * np.clip((trend + terms.trend_limit) / (2 * terms.trend_limit), 0, 1)
        + terms.weights["percentile"] * among.percentile
    )
    # Points to a billionth: two ways of adding the same three numbers fall into one class.
    points = np.round(points, 9)
    bounds = np.array(terms.class_points_min[::-1])
    band = len(terms.class_points_min) - np.searchsorted(bounds, points, side="right")
    return PanelClasses(
        installation=panel.installation[has_all],
        country=panel.country[has_all],
        year=panel.year[has_all],
        points=points[has_all],
        band=band[has_all].astype(np.int64),
        refused_count={
            "no_emissions": int((later & ~emits).sum()),
            "no_year_before": int((later & emits & ~emitted).sum()),
            "few_in_country": int((later & emits & emitted & ~enough).sum()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _AmongEmitting:
    """Coverage of each row, its percentile and how many stand beside it; nought in a row without emissions."""

    coverage: FloatArray
    percentile: FloatArray
    count: IntArray


def _among_emitting(panel: Panel, emits: npt.NDArray[np.bool_]) -> _AmongEmitting:
    """Compare the rows with emissions with one another: one without has no coverage and is nobody's peer."""
    coverage = np.divide(panel.free_t, panel.emission_t, out=np.zeros(emits.shape), where=emits)
    percentile, count = np.zeros(emits.shape), np.zeros(emits.shape, dtype=np.int64)
    if emits.any():
        emitting = Panel(
            installation=panel.installation[emits], country=panel.country[emits], year=panel.year[emits],
            free_t=panel.free_t[emits], emission_t=panel.emission_t[emits],
        )  # fmt: skip
        percentile[emits] = country_percentile(emitting, coverage[emits])
        count[emits] = _count_of_group(emitting)
    return _AmongEmitting(coverage=coverage, percentile=percentile, count=count)


def country_percentile(panel: Panel, values: FloatArray) -> FloatArray:
    """Give each row's mid-rank among its country and year, (rank - 1/2) / count, ties sharing their mean rank."""
    order = np.lexsort((values, panel.country, panel.year))
    keys = np.stack((panel.year[order], panel.country[order]))
    opens = np.concatenate(([True], (keys[:, 1:] != keys[:, :-1]).any(axis=0)))
    breaks = np.concatenate(([True], opens[1:] | (values[order][1:] != values[order][:-1])))
    tie = np.cumsum(breaks) - 1
    place = np.arange(order.size) - np.maximum.accumulate(np.where(opens, np.arange(order.size), 0))
    mean_place = np.bincount(tie, weights=place) / np.bincount(tie)
    found = np.empty(order.size)
    found[order] = mean_place[tie]
    return (found + 0.5) / _count_of_group(panel)


def _count_of_group(panel: Panel) -> IntArray:
    _, group, counts = np.unique(np.stack((panel.year, panel.country)), axis=1, return_inverse=True, return_counts=True)
    return counts[group.reshape(-1)]


def study_panel(classes: PanelClasses, terms: PanelTerms, limits: StabilityTerms) -> PanelStudy:
    """Give how classes moved from one year to the next over the whole panel.

    Raises:
        InvalidInput: No installation has a class in two years on end.
    """
    count = len(CLASSES)
    after, before = _pairs(classes)
    counts = transition_counts(classes.band[before], classes.band[after], letter_count=count)
    years = sorted(set(classes.year.tolist()))
    spreads = {year: np.bincount(classes.band[classes.year == year], minlength=count) for year in years}
    found = []
    for year in years:
        mine = classes.year[after] == year
        moved = transition_counts(classes.band[before][mine], classes.band[after][mine], letter_count=count)
        known = year - 1 in spreads
        found.append(
            PanelYear(
                year=year,
                count=int(spreads[year].sum()),
                both_count=int(mine.sum()),
                mobility=mobility(moved) if mine.any() else None,
                spread=population_stability(spreads[year - 1], spreads[year], terms=limits) if known else None,
            )
        )
    last = classes.points[classes.year == years[-1]] if years else classes.points
    return PanelStudy(
        transitions=transition_matrix(counts, confidence_ratio=limits.confidence_ratio),
        mobility=mobility(counts),
        years=tuple(found),
        jumps=bunching(last, terms.class_points_min, terms=limits),
        drifts=drift_by_group(classes.country[after], classes.points[before], classes.points[after]),
    )


def _pairs(classes: PanelClasses) -> tuple[IntArray, IntArray]:
    """Give the places of rows whose installation has a class the year before, and the places of those."""
    follows = (classes.installation[1:] == classes.installation[:-1]) & (classes.year[1:] == classes.year[:-1] + 1)
    after = np.flatnonzero(follows) + 1
    return after, after - 1
