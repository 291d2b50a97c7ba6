"""The A-E scorecard as a decision: from the lines of an account to points, reasons and lifts, with every figure.

Everything it takes stands in its inputs: sums of two years, factors, the whole method as dated values, and of the
frozen benchmark the one peer group that applies. Both years are taken with the later year's grid factor, so that a
cleaner grid is no merit.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.account_emissions import AccountEmissions, AccountFactors, account_emissions
from loans.calc.account_facts import YearFacts
from loans.calc.missing import MissingField
from loans.calc.ratings.benchmark import PeerGroup, SectorBenchmark
from loans.calc.ratings.explanation import Lift, Reason, explain
from loans.calc.ratings.rating import ScorecardRating, rate_account
from loans.calc.ratings.rating_account import INPUT_NAMES_ZH, RatingAccount
from loans.calc.ratings.scorecard import Scorecard, scorecard_on

_CARDS_KEPT = 8
_KG_PER_T = 1000
_FEN_PER_CNY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkExcerpt:
    """Of a frozen release, what one rating stands on.

    Attributes:
        digest: SHA-256 over the whole release.
        group: The nearest peer group; None where division or size is not known.
    """

    benchmark_id: str
    released_on: date
    source: str
    digest: str
    group: PeerGroup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrenderFacts:
    """What the compliance position says of an enterprise; None is not known.

    Attributes:
        allocation_t: Allowances finally approved for the rated year.
        obligation_t: What was to be surrendered by the last deadline, and of it on time `surrendered_on_time_t`.
        missed_count: Deadlines passed whose obligation is still not met in full.
    """

    allocation_t: int | None
    obligation_t: int | None
    surrendered_on_time_t: int | None
    missed_count: int | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardInputs:
    """Everything a rating by the scorecard takes.

    Attributes:
        rated_on: Day of the rating; the method and the benchmark in force on it apply.
        known_on: Day by whose end the method was known.
        factors: None where the year has no electricity entered.
        division: Of GB/T 4754.
        previous_letter: Letter of the rating of an earlier year, 0 for A to 4 for E.
        method: The scorecard's values.
    """

    name: str
    usci: str
    rated_on: date
    known_on: date
    current: YearFacts
    previous: YearFacts | None
    factors: AccountFactors | None
    division: int | None
    surrender: SurrenderFacts
    previous_letter: int | None
    method: tuple[ParameterValue, ...]
    benchmark: BenchmarkExcerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardOutcome:
    """A rating by the scorecard with its explanation.

    Attributes:
        account: What was judged, in whole numbers.
        current: Emissions of the year; None where `lacks` says why, and so for `previous`.
        reasons: The three that cost most.
        point_lifts: Single changes that gain a point.
        letter_lifts: Changes that gain a letter.
        lacks: What keeps an input from being known.
    """

    year: int
    rating: ScorecardRating
    account: RatingAccount
    current: AccountEmissions | None
    previous: AccountEmissions | None
    reasons: tuple[Reason, ...]
    point_lifts: tuple[Lift, ...]
    letter_lifts: tuple[Lift, ...]
    lacks: tuple[MissingField, ...]
    trace: tuple[Figure, ...]


def decide_scorecard(inputs: ScorecardInputs) -> ScorecardOutcome:
    """Rate an enterprise from its account; what is missing earns nothing or refuses, and is named."""
    lacks: list[MissingField] = []
    figures: list[Figure] = []
    current = _emissions(inputs.current, inputs.factors, figures, lacks)
    previous = None if inputs.previous is None else _emissions(inputs.previous, inputs.factors, figures, lacks)
    if inputs.previous is None:
        lacks.append(MissingField.of("previous", "缺少上一年度明细", "the year before"))
    account = _account(inputs, current, previous, lacks)
    scorecard = _scorecard(inputs.method, inputs.rated_on, inputs.known_on)
    benchmark = _benchmark(inputs.benchmark, scorecard)
    rating = rate_account(account, scorecard=scorecard, benchmark=benchmark, rated_on=inputs.rated_on)
    told = explain(account, scorecard=scorecard, benchmark=benchmark)
    figures += _points(inputs, rating, current, previous)
    return ScorecardOutcome(
        year=inputs.current.year,
        rating=rating,
        account=account,
        current=current,
        previous=previous,
        reasons=told.reasons,
        point_lifts=told.point_lifts,
        letter_lifts=told.letter_lifts,
        lacks=tuple(lacks),
        trace=checked_trace(figures),
    )


def _emissions(
    facts: YearFacts, factors: AccountFactors | None, figures: list[Figure], lacks: list[MissingField]
) -> AccountEmissions | None:
    if factors is None:
        lacks.append(MissingField.of("electricity_kwh", f"缺少 {facts.year} 年用电量", f"electricity of {facts.year}"))
        return None
    try:
        emissions, traced = account_emissions(facts, factors)
    except MissingData as error:
        lacks.append(MissingField.of(error.field or "", error.zh, error.detail))
        return None
    figures += traced
    return emissions


def _account(
    inputs: ScorecardInputs,
    current: AccountEmissions | None,
    previous: AccountEmissions | None,
    lacks: list[MissingField],
) -> RatingAccount:
    facts, before, surrender = inputs.current, inputs.previous, inputs.surrender
    power = facts.electricity_kwh
    metered = _part_of(facts.metered_kwh, power, "metered_kwh", ("抄表电量", "metered electricity"), lacks)
    green = _part_of(facts.green_kwh, power, "green_kwh", ("绿电电量", "green power"), lacks)
    return RatingAccount(
        division=inputs.division,
        size_class=facts.size_class,
        is_key_emitter=facts.is_key_emitter,
        emissions_kg=_kg(current),
        emissions_previous_kg=_kg(previous),
        is_comparable=facts.is_comparable,
        value_added_fen=_fen(facts.value_added_cny),
        value_added_previous_fen=None if before is None else _fen(before.value_added_cny),
        allocation_kg=_times(surrender.allocation_t, _KG_PER_T),
        obligation_kg=_times(surrender.obligation_t, _KG_PER_T),
        surrendered_on_time_kg=_times(surrender.surrendered_on_time_t, _KG_PER_T),
        verification_level=facts.verification_level,
        electricity_kwh=power,
        metered_kwh=metered,
        bill_months_count=facts.bill_months_count,
        invoice_kwh=facts.invoice_kwh,
        green_kwh=green,
        green_deducted_kwh=facts.green_deducted_kwh if green is not None else None,
        target_level=facts.target_level,
        management_level=facts.management_level,
        data_quality_grade=facts.data_quality_grade,
        false_reporting_count=facts.false_reporting_count,
        missed_surrender_count=surrender.missed_count,
        previous_letter=inputs.previous_letter,
    )


def _part_of(
    part: int | None, whole: int | None, field: str, titles: tuple[str, str], lacks: list[MissingField]
) -> int | None:
    """Give a part of the electricity; one that exceeds the whole says that a figure is wrong, and earns nothing."""
    if part is None or whole is None or part <= whole:
        return part
    zh, en = titles
    lacks.append(MissingField.of(field, f"{zh}大于申报用电量，不予采用", f"{en} exceeds what is reported"))
    return None


def _kg(emissions: AccountEmissions | None) -> int | None:
    return None if emissions is None else int(emissions.emissions_t * _KG_PER_T)


def _fen(amount_cny: Decimal | None) -> int | None:
    return None if amount_cny is None else int(amount_cny * _FEN_PER_CNY)


def _times(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor


@lru_cache(maxsize=_CARDS_KEPT)
def _scorecard(method: tuple[ParameterValue, ...], rated_on: date, known_on: date) -> Scorecard:
    return scorecard_on(ParameterBook(method), valid_on=rated_on, known_at=end_of_china_day(known_on))


def _benchmark(excerpt: BenchmarkExcerpt, scorecard: Scorecard) -> SectorBenchmark:
    groups = () if excerpt.group is None else (excerpt.group,)
    return SectorBenchmark(
        benchmark_id=excerpt.benchmark_id,
        released_on=excerpt.released_on,
        source=excerpt.source,
        groups=groups,
        terms=scorecard.benchmark_terms,
        digest=excerpt.digest,
        places={group.name: place for place, group in enumerate(groups)},
    )


def _points(
    inputs: ScorecardInputs,
    rating: ScorecardRating,
    current: AccountEmissions | None,
    previous: AccountEmissions | None,
) -> list[Figure]:
    """Give the figures of the waterfall: each weight, what it earned, their sum and the letter."""
    weights = "weight_points_key_emitter" if inputs.current.is_key_emitter else "weight_points_other"
    method = {(value.key.rpartition(".")[2], value.scope): value for value in inputs.method}
    behind = {
        "intensity": [current],
        "emission_cut": [current, previous],
        "allowance_gap": [current],
    }
    source = "、".join(inputs.current.sources)
    figures: list[Figure] = []
    for line in rating.factors:
        names = [one.figure_name for one in behind.get(line.name, []) if one is not None]
        weight = Figure.of_parameter(f"weight.{line.name}", method[weights, line.name])
        figures += [
            weight,
            Figure(
                name=f"points.{line.name}",
                label_zh=line.title_zh,
                label_en=line.title_en,
                value=str(line.points),
                unit="points",
                formula="weight x share earned",
                inputs=(weight.name, *names),
                source=source,
                note_zh="缺少或不可用：" + "、".join(INPUT_NAMES_ZH[one] for one in line.missing)
                if line.missing
                else "",
                note_en="missing or not usable: " + ", ".join(line.missing) if line.missing else "",
            ),
        ]
    if rating.points is not None and rating.letter is not None:
        figures += [
            Figure(
                name="points", label_zh="评级得分", label_en="Points", value=str(rating.points), unit="points",
                formula="sum of the lines, at most the ceiling of a gate",
                inputs=tuple(f"points.{line.name}" for line in rating.factors),
            ),
            Figure(
                name="letter", label_zh="评级等级", label_en="Letter", value=rating.letter, unit="code",
                formula="letter of the points, after hysteresis and gates", inputs=("points",),
            ),
        ]  # fmt: skip
    return figures


SCORECARD_KIND: DecisionKind[ScorecardInputs, ScorecardOutcome] = DecisionKind(
    name="loans.scorecard", version="1", inputs=ScorecardInputs, outputs=ScorecardOutcome, decide=decide_scorecard
)
