"""Ratings by the scorecard, outside reports and benchmarks as the API takes and shows them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, NameText, UsciText, day_of, decimal_of
from loans.calc.jiangtandai import RatingReport
from loans.calc.ratings.explanation import Lift, Reason
from loans.calc.ratings.rating import FactorLine, GateLine
from loans.calc.ratings.results import RatingResult
from loans.calc.ratings.scorecard_decision import ScorecardOutcome
from loans.schemas.accounts import AccountFaultOut
from loans.schemas.lending import MissingOut, Year
from loans.schemas.rating_sources import RatingSourceOut, sources_out
from loans.service import RATINGS_AT_ONCE_MAX, BenchmarkRelease

SCORECARD = "scorecard"
LOAN_FOLLOWS = "outside-report"


class RatingIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rate an enterprise by a method of the system; without a year, the latest of its account."""

    usci: UsciText
    year: Year | None = None
    method: Literal["carbon-efficiency", "scorecard", "four-colour"] = "carbon-efficiency"


class RatingBatchIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rate many enterprises by the scorecard."""

    uscis: Annotated[list[UsciText], Meta(min_length=1, max_length=RATINGS_AT_ONCE_MAX)]
    year: Year | None = None


class FactorLineOut(Struct, frozen=True, kw_only=True):
    """One line of the waterfall."""

    name: str
    title_zh: str
    title_en: str
    measure: str | None
    unit: str
    points: str
    points_max: str
    missing: list[str]

    @classmethod
    def of(cls, line: FactorLine) -> "FactorLineOut":
        """Copy a line."""
        return cls(
            name=line.name,
            title_zh=line.title_zh,
            title_en=line.title_en,
            measure=None if line.measure is None else str(line.measure),
            unit=line.unit,
            points=str(line.points),
            points_max=str(line.points_max),
            missing=list(line.missing),
        )


class GateLineOut(Struct, frozen=True, kw_only=True):
    """A gate that trips: the best letter it leaves, null for no rating."""

    name: str
    title_zh: str
    count: int | None
    cap: str | None

    @classmethod
    def of(cls, gate: GateLine) -> "GateLineOut":
        """Copy a gate."""
        return cls(name=gate.name, title_zh=gate.title_zh, count=gate.count, cap=gate.cap)


class ReasonOut(Struct, frozen=True, kw_only=True):
    """A reason that costs points; `code` is the factor's name."""

    code: str
    cost: str
    text_zh: str
    text_en: str

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """Copy a reason."""
        return cls(code=reason.code, cost=str(reason.cost), text_zh=reason.text_zh, text_en=reason.text_en)


class LiftChangeOut(Struct, frozen=True, kw_only=True):
    """One input from what it is to what it would be."""

    field: str
    title_zh: str
    title_en: str
    unit: str
    before: int
    after: int


class LiftOut(Struct, frozen=True, kw_only=True):
    """Changes that together gain a point or a letter, and what rating again would give."""

    changes: list[LiftChangeOut]
    points: str
    letter: str

    @classmethod
    def of(cls, lift: Lift) -> "LiftOut":
        """Copy a lift."""
        return cls(
            changes=[
                LiftChangeOut(
                    field=one.field,
                    title_zh=one.title_zh,
                    title_en=one.title_en,
                    unit=one.unit,
                    before=one.before,
                    after=one.after,
                )
                for one in lift.changes
            ],
            points=str(lift.points),
            letter=lift.letter,
        )


class OutsideReportOut(Struct, frozen=True, kw_only=True):
    """A rating received from an outside agency, with its validity."""

    producer: str
    report_date: str
    valid_to: str
    score: str | None
    confirmed: bool

    @classmethod
    def of(cls, report: RatingReport) -> "OutsideReportOut":
        """Copy a report."""
        return cls(
            producer=report.producer,
            report_date=report.report_date.isoformat(),
            valid_to=report.valid_to.isoformat(),
            score=None if report.score is None else str(report.score),
            confirmed=report.confirmed,
        )


class ScorecardRatingOut(Struct, frozen=True, kw_only=True):
    """A rating by the scorecard with its explanation; without letter and points it is refused, and says why.

    It is the system's own method and not the rating of the Shenzhen enterprise carbon account. The loan follows the
    outside report (`loan_follows`), which stands beside it where there is one.
    """

    decision_id: str
    method: str
    method_zh: str
    method_en: str
    year: int
    letter: str | None
    points: str | None
    points_if_known: str | None
    cut_points: str | None
    coverage_ratio: str
    confidence: str
    factors: list[FactorLineOut]
    gates: list[GateLineOut]
    reasons: list[ReasonOut]
    point_lifts: list[LiftOut]
    letter_lifts: list[LiftOut]
    missing: list[MissingOut]
    emissions_t: str | None
    emissions_previous_t: str | None
    peer_group: str | None
    peer_count: int | None
    benchmark_id: str
    benchmark_digest: str
    scorecard_digest: str
    valid_to: str
    loan_follows: str
    outside_report: OutsideReportOut | None
    sources: list[RatingSourceOut]

    @classmethod
    def of(cls, outcome: ScorecardOutcome, *, decision_id: str, report: RatingReport | None) -> "ScorecardRatingOut":
        """Copy a rating."""
        rating = outcome.rating
        return cls(
            decision_id=decision_id,
            method=SCORECARD,
            method_zh=rating.method_zh,
            method_en=rating.method_en,
            year=outcome.year,
            letter=rating.letter,
            points=_text(rating.points),
            points_if_known=_text(rating.points_if_known),
            cut_points=_text(rating.cut_points),
            coverage_ratio=str(rating.coverage_ratio),
            confidence=rating.confidence,
            factors=[FactorLineOut.of(line) for line in rating.factors],
            gates=[GateLineOut.of(gate) for gate in rating.gates],
            reasons=[ReasonOut.of(reason) for reason in outcome.reasons],
            point_lifts=[LiftOut.of(lift) for lift in outcome.point_lifts],
            letter_lifts=[LiftOut.of(lift) for lift in outcome.letter_lifts],
            missing=[MissingOut.of(one) for one in (*rating.missing, *outcome.lacks)],
            emissions_t=None if outcome.current is None else str(outcome.current.emissions_t),
            emissions_previous_t=None if outcome.previous is None else str(outcome.previous.emissions_t),
            peer_group=rating.peer_group,
            peer_count=rating.peer_count,
            benchmark_id=rating.benchmark_id,
            benchmark_digest=rating.benchmark_digest,
            scorecard_digest=rating.scorecard_digest,
            valid_to=rating.valid_to.isoformat(),
            loan_follows=LOAN_FOLLOWS,
            outside_report=None if report is None else OutsideReportOut.of(report),
            sources=sources_out(outcome.trace),
        )


class RatingLineOut(Struct, frozen=True, kw_only=True):
    """A rating in short: its explanation stands at `/v1/decisions/{decision_id}`."""

    decision_id: str
    usci: str
    year: int
    letter: str | None
    points: str | None
    valid_on: str
    known_at: str
    valid_to: str

    @classmethod
    def of(cls, result: RatingResult, *, usci: str) -> "RatingLineOut":
        """Copy a rating."""
        return cls(
            decision_id=result.decision_id,
            usci=usci,
            year=result.year,
            letter=result.letter,
            points=_text(result.points),
            valid_on=result.valid_on.isoformat(),
            known_at=result.known_at.isoformat(),
            valid_to=result.valid_to.isoformat(),
        )


class RatingHistoryOut(Struct, frozen=True, kw_only=True):
    """The ratings of an enterprise by the scorecard, the latest first."""

    party_id: str
    method_zh: str
    ratings: list[RatingLineOut]


class RatedOut(Struct, frozen=True, kw_only=True):
    """One of many that were rated."""

    decision_id: str
    usci: str
    letter: str | None
    points: str | None


class RatingBatchOut(Struct, frozen=True, kw_only=True):
    """Who was rated, and who could not be with the reason."""

    method_zh: str
    ratings: list[RatedOut]
    failures: list[AccountFaultOut]


class OutsideReportIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rating report of an outside agency as it was handed in."""

    usci: UsciText
    producer: NameText
    report_date: DayText
    valid_to: DayText
    source: NameText
    score: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?$", examples=["71.6"])] | None = None
    confirmed: bool = False

    def report(self) -> RatingReport:
        """Give the report as a value.

        Raises:
            InvalidInput: A day the calendar lacks, or a validity that ends before it begins.
        """
        return RatingReport(
            producer=self.producer,
            usci=self.usci,
            report_date=day_of(self.report_date, field="/report_date"),
            valid_to=day_of(self.valid_to, field="/valid_to"),
            score=None if self.score is None else decimal_of(self.score),
            source=self.source,
            confirmed=self.confirmed,
        )


class BenchmarkIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Intensities of sectors from a file, to be frozen under a name."""

    benchmark_id: Annotated[str, Meta(min_length=1, max_length=64)]
    released_on: DayText
    source: NameText
    file_name: NameText
    content_base64: Annotated[str, Meta(min_length=1, max_length=7_000_000)]


class BenchmarkOut(Struct, frozen=True, kw_only=True):
    """A release of frozen peer groups."""

    benchmark_id: str
    released_on: str
    source: str
    enterprise_count: int
    digest: str

    @classmethod
    def of(cls, release: BenchmarkRelease) -> "BenchmarkOut":
        """Copy a release."""
        return cls(
            benchmark_id=release.benchmark_id,
            released_on=release.released_on.isoformat(),
            source=release.source,
            enterprise_count=release.enterprise_count,
            digest=release.digest,
        )


class BenchmarkListOut(Struct, frozen=True, kw_only=True):
    """Releases known now, the latest first."""

    benchmarks: list[BenchmarkOut]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
