"""One enterprise rated by the scorecard: exact points, letter, gates, coverage, confidence; or refused with reasons.

Nothing missing is favourable: a factor without its input earns nothing, and a gate's fact that is not known refuses.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from carbonfin.kernel.errors import InvalidInput
from loans.calc.missing import MissingField
from loans.calc.ratings.benchmark import PeerGroup, SectorBenchmark
from loans.calc.ratings.measures import MEASURES, Measure
from loans.calc.ratings.rating_account import RatingAccount
from loans.calc.ratings.scorecard import (
    CUT_FACTOR,
    FULL,
    LETTERS,
    METHOD_EN,
    METHOD_ZH,
    PEER_FACTOR,
    WORST,
    Factor,
    Scorecard,
    points_of,
)

UNRATED = WORST + 1  # place of a refusal in the order of letters: below the worst
LOW = "low"
GATE_TITLES_ZH = {
    "false_reporting_count": "虚报、瞒报、漏报处罚",
    "missed_surrender_count": "未按时足额清缴",
    "data_quality_grade": "数据质量",
}


_TAKEN = {name: frozenset((*one.needs, *one.above_zero)) for name, one in MEASURES.items()}
MEASURED_INPUTS = frozenset().union(*_TAKEN.values())
"""Inputs that some factor measures; the others choose its weights, its peers, its gates and its letter before."""


class Settled(NamedTuple):
    """The rating in whole numbers, as columns hold it too.

    Attributes:
        letter: 0 for A to 4 for E, 5 refused.
        points: Hundredths after gates; 0 where refused.
        cut_points: Hundredths of the emission-cut sub-score (out of 100 points) after gates; 0 where refused.
        coverage: Hundredths of weight whose inputs are known.
        confidence: Place in the scorecard's confidences; their count is low.
        group: Place of the peer group, -1 where division or size is not known.
        gates: Bit i set where gate i trips or its fact is not known.
        by_factor: Hundredths of each factor; of one not known, 0.
    """

    letter: int
    points: int
    cut_points: int
    coverage: int
    confidence: int
    group: int
    gates: int
    by_factor: tuple[int, ...]


class Graded(NamedTuple):
    """Points and letter alone, as `Settled` gives them."""

    letter: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """One line of the waterfall.

    Attributes:
        measure: What was judged, or None where `missing` names the inputs that are not known or not above zero.
        points: Earned, two places.
        points_max: Weight.
    """

    name: str
    title_zh: str
    title_en: str
    measure: Decimal | None
    unit: str
    points: Decimal
    points_max: Decimal
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """A gate that trips: its count (None is not known) and the best letter left, None for no rating."""

    name: str
    title_zh: str
    count: int | None
    cap: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardRating:
    """The rating a person reads; None stands where it is refused, and `missing` or `gates` say why.

    Attributes:
        points: 0 to 100, two places; sum of the lines, no more than a gate's ceiling.
        points_if_known: What the points could at most be if what is missing were known, before gates.
        cut_points: Emission-cut sub-score (减排指标得分), 0 to 100, under the same ceiling.
        coverage_ratio: Share of the weight whose inputs are known.
        peer_group: Group of the benchmark the intensity stands in, and how many peers of its own it has.
        valid_to: Last day of validity.
    """

    method_zh: str
    method_en: str
    letter: str | None
    points: Decimal | None
    points_if_known: Decimal | None
    cut_points: Decimal | None
    coverage_ratio: Decimal
    confidence: str
    factors: tuple[FactorLine, ...]
    gates: tuple[GateLine, ...]
    missing: tuple[MissingField, ...]
    peer_group: str | None
    peer_count: int | None
    benchmark_id: str
    benchmark_digest: str
    scorecard_digest: str
    valid_to: date


def measure_of(name: str, account: RatingAccount) -> int | None:
    """Give a factor's measure in units of its last place, or None where an input leaves it undefined."""
    return _measured(MEASURES[name], {field: getattr(account, field) for field in _TAKEN[name]})


def _measured(measure: Measure, values: Mapping[str, int | None]) -> int | None:
    taken = [values[field] for field in measure.inputs]
    if None in taken or any(values[flag] != 1 for flag in measure.flags):
        return None
    if any((values[field] or 0) <= 0 for field in measure.above_zero):
        return None
    return int(measure.value(*taken))


def settle(account: RatingAccount, scorecard: Scorecard, benchmark: SectorBenchmark) -> Settled:
    """Rate one enterprise in whole numbers."""
    return Settling(account, scorecard, benchmark).settled()


class _Score(NamedTuple):
    """What a factor adds, in hundredths: points, its weight where its inputs are known, and to the cut sub-score."""

    points: int
    known: int
    cut: int


_NO_SCORE = _Score(0, 0, 0)


class Settling:
    """One enterprise rated, and graded again and again as measured inputs move: only what takes them is found anew."""

    def __init__(self, account: RatingAccount, scorecard: Scorecard, benchmark: SectorBenchmark) -> None:
        """Measure every factor once."""
        self._account, self._scorecard, self._benchmark = account, scorecard, benchmark
        self._group = -1
        if account.division is not None and account.size_class is not None:
            self._group = benchmark.group_place(account.division, account.size_class)
        self._gates = _gates(account, scorecard)
        self._values: dict[str, int | None] = {name: getattr(account, name) for name in MEASURED_INPUTS}
        self._scores = [self._score(factor, self._values) for factor in scorecard.factors]
        self._points = sum(score.points for score in self._scores)
        self._coverage = sum(score.known for score in self._scores)

    def settled(self) -> Settled:
        """Rate the account as it is."""
        scores = self._scores
        group, (gates, cap) = self._group, self._gates
        by_factor = tuple(score.points for score in scores)
        coverage = self._coverage
        confidence = _confidence(self._account, coverage, group, self._scorecard, self._benchmark)
        letter, points = self._lettered(self._points, coverage)
        cut = 0 if letter == UNRATED else min(sum(score.cut for score in scores), self._scorecard.ceiling(cap))
        return Settled(letter, points, cut, coverage, confidence, group, gates, by_factor)

    def along(self, field: str, moved: Mapping[str, int]) -> Callable[[int], Graded]:
        """Give how it is graded as one of `MEASURED_INPUTS` moves within its limits, others being moved already."""
        values: dict[str, int | None] = {**self._values, **moved}
        standing_points, standing_coverage, moving = self._points, self._coverage, []
        for factor, before in zip(self._scorecard.factors, self._scores, strict=True):
            taken = _TAKEN[factor.name]
            if field not in taken and taken.isdisjoint(moved):
                continue
            now = _NO_SCORE if field in taken else self._score(factor, values)
            standing_points += now.points - before.points
            standing_coverage += now.known - before.known
            if field in taken:
                moving.append(factor)

        def graded(value: int) -> Graded:
            values[field] = value
            points, coverage = standing_points, standing_coverage
            for factor in moving:
                score = self._score(factor, values)
                points += score.points
                coverage += score.known
            return self._lettered(points, coverage)

        return graded

    def _score(self, factor: Factor, values: Mapping[str, int | None]) -> _Score:
        measure = _measured(MEASURES[factor.name], values)
        if measure is None or (factor.anchors is None and self._group < 0):
            return _NO_SCORE
        earned = (
            self._benchmark.groups[self._group].better_share(measure)
            if factor.anchors is None
            else factor.anchors.earned(measure)
        )
        weight = factor.weights[self._account.is_key_emitter or 0]
        cut = points_of(*earned, FULL) if factor.name == CUT_FACTOR else 0
        return _Score(points_of(*earned, weight), weight, cut)

    def _lettered(self, points: int, coverage: int) -> Graded:
        """Give the letter of points after gates and coverage, and what the gates leave of the points."""
        account, scorecard, cap = self._account, self._scorecard, self._gates[1]
        if cap == UNRATED or account.is_key_emitter is None or coverage < scorecard.coverage_min:
            return Graded(UNRATED, 0)
        letter = max(letter_after(points, account.previous_letter, scorecard), cap)
        return Graded(letter, min(points, scorecard.ceiling(cap)))


def letter_after(points: int, previous: int | None, scorecard: Scorecard) -> int:
    """Give the letter of points after the letter before: it changes only where a band is passed by the hysteresis.

    letter = min(max(previous, letter of points + h), letter of points - h). A first rating enters as from the worst
    letter, so that losing the letter before is never a way up.
    """
    best = scorecard.letter_at[min(points + scorecard.hysteresis, FULL)]
    worst = scorecard.letter_at[max(points - scorecard.hysteresis, 0)]
    return min(max(WORST if previous is None else previous, best), worst)


def _gates(account: RatingAccount, scorecard: Scorecard) -> tuple[int, int]:
    """Give the gates that trip as bits, and the best letter they leave."""
    tripped, cap = 0, 0
    for place, gate in enumerate(scorecard.gates):
        count = getattr(account, gate.name)
        if count is None or count >= gate.trips_from:
            tripped |= 1 << place
            cap = max(cap, UNRATED if count is None or gate.cap is None else gate.cap)
    return tripped, cap


def _confidence(
    account: RatingAccount, coverage: int, group: int, scorecard: Scorecard, benchmark: SectorBenchmark
) -> int:
    quality = account.data_quality_grade
    for place, asked in enumerate(scorecard.confidences):
        enough_peers = place > 0 or (
            group >= 0 and benchmark.groups[group].peer_count >= scorecard.benchmark_terms.peers_min
        )
        if quality is None or quality > asked.data_quality_max or coverage < asked.coverage_min:
            continue
        if enough_peers:
            return place
    return len(scorecard.confidences)


def rate_account(
    account: RatingAccount, *, scorecard: Scorecard, benchmark: SectorBenchmark, rated_on: date
) -> ScorecardRating:
    """Rate one enterprise, with each line, gate and missing input a person needs to see.

    Raises:
        InvalidInput: The benchmark was released after the rating's day: peers would be judged by later reports.
    """
    if benchmark.released_on > rated_on:
        raise InvalidInput(
            f"benchmark {benchmark.benchmark_id} was released on {benchmark.released_on}, after {rated_on}",
            zh=f"行业基准 {benchmark.benchmark_id} 于 {benchmark.released_on} 发布，晚于评级日 {rated_on}",
            field="benchmark_id",
            remedy="Choose the release in force on the rating's day.",
            remedy_zh="请选用评级日已发布的行业基准。",
        )
    settled = settle(account, scorecard, benchmark)
    refused = settled.letter == UNRATED
    group: PeerGroup | None = benchmark.groups[settled.group] if settled.group >= 0 else None
    unknown = FULL - settled.coverage
    names = [asked.name for asked in scorecard.confidences] + [LOW]
    return ScorecardRating(
        method_zh=METHOD_ZH,
        method_en=METHOD_EN,
        letter=None if refused else LETTERS[settled.letter],
        points=None if refused else _hundredths(settled.points),
        points_if_known=None if refused else _hundredths(sum(settled.by_factor) + unknown),
        cut_points=None if refused else _hundredths(settled.cut_points),
        coverage_ratio=Decimal(settled.coverage).scaleb(-4),
        confidence=names[settled.confidence],
        factors=factor_lines(account, settled, scorecard),
        gates=gate_lines(account, settled, scorecard),
        missing=_missing(account, settled, scorecard),
        peer_group=None if group is None else group.name,
        peer_count=None if group is None else group.peer_count,
        benchmark_id=benchmark.benchmark_id,
        benchmark_digest=benchmark.digest,
        scorecard_digest=scorecard.digest,
        valid_to=_months_later(rated_on, scorecard.validity_months),
    )


def factor_lines(account: RatingAccount, settled: Settled, scorecard: Scorecard) -> tuple[FactorLine, ...]:
    """Give the factors that carry weight, with what each earned."""
    lines = []
    for factor, points in zip(scorecard.factors, settled.by_factor, strict=True):
        weight = factor.weights[account.is_key_emitter or 0]
        if not weight:
            continue
        measure, value = MEASURES[factor.name], measure_of(factor.name, account)
        lines.append(
            FactorLine(
                name=factor.name,
                title_zh=measure.title_zh,
                title_en=measure.title_en,
                measure=None if value is None else Decimal(value).scaleb(-measure.places),
                unit=measure.unit,
                points=_hundredths(points),
                points_max=_hundredths(weight),
                missing=tuple(_lacking(factor.name, account)),
            )
        )
    return tuple(lines)


def _lacking(factor: str, account: RatingAccount) -> list[str]:
    """Name the inputs a factor lacks: not known, or such that the measure is not defined."""
    measure = MEASURES[factor]
    asked = [*measure.needs, *(("division", "size_class") if factor == PEER_FACTOR else ())]
    unfit = {*measure.above_zero, *measure.flags}
    values = {name: getattr(account, name) for name in asked}
    return [name for name, value in values.items() if value is None or (name in unfit and value <= 0)]


def gate_lines(account: RatingAccount, settled: Settled, scorecard: Scorecard) -> tuple[GateLine, ...]:
    """Give the gates that trip or whose fact is not known."""
    return tuple(
        GateLine(
            name=gate.name,
            title_zh=GATE_TITLES_ZH.get(gate.name, gate.name),
            count=getattr(account, gate.name),
            cap=None if gate.cap is None or getattr(account, gate.name) is None else LETTERS[gate.cap],
        )
        for place, gate in enumerate(scorecard.gates)
        if settled.gates >> place & 1
    )


def _missing(account: RatingAccount, settled: Settled, scorecard: Scorecard) -> tuple[MissingField, ...]:
    """Name what a refusal lacks; a rating that stands lacks nothing it needs."""
    found = []
    if account.is_key_emitter is None:
        found.append(MissingField.of("is_key_emitter", "是否重点排放单位未知", "whether it is a key emitting entity"))
    found += [
        MissingField.of(gate.name, f"{GATE_TITLES_ZH.get(gate.name, gate.name)}情况未知", gate.name)
        for gate in scorecard.gates
        if getattr(account, gate.name) is None
    ]
    if settled.coverage < scorecard.coverage_min:
        known, asked = _hundredths(settled.coverage), _hundredths(scorecard.coverage_min)
        found.append(
            MissingField.of("coverage", f"数据覆盖率 {known}% 低于 {asked}%", f"coverage {known} % is below {asked} %")
        )
    return tuple(found)


def _hundredths(points: int) -> Decimal:
    return Decimal(points).scaleb(-2)


def _months_later(day: date, months: int) -> date:
    """Give the last day of validity: the day before the same day some months later, or before that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)) - timedelta(days=1)
