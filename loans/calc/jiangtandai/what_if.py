"""What the rate of an emission-cut loan would be over scores and a path of the LPR (情景试算); never a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.terms import CalendarDays, LoanTerms
from loans.calc.jiangtandai.rates import rate_without_trace
from loans.calc.jiangtandai.terms import RateDecision, RateInputs, RatingReport
from loans.calc.servicing.dues import Due, Segment, SegmentReason, dues_of, first_segment

SCORES_MAX = 21
STEPS_MAX = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class LprStep:
    """The LPR a loan follows from one of its repricing days on."""

    start: date
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePath:
    """What one score comes to: a rate for each step of the path, and with a loan's terms what it would cost.

    Attributes:
        dues: Payments by the stepping rate; empty where no loan was given, or a rate is not decided.
    """

    score: Decimal
    rates: tuple[RateDecision, ...]
    dues: tuple[Due, ...]

    @property
    def interest_total_cny(self) -> Decimal | None:
        """All interest of the loan; None where it has no payments."""
        return sum((one.row.interest_cny for one in self.dues), start=Decimal("0.00")) if self.dues else None


def rate_paths(
    inputs: RateInputs,
    *,
    scores: Sequence[Decimal],
    path: Sequence[LprStep],
    loan: LoanTerms | None,
    calendar: CalendarDays | None,
) -> tuple[ScorePath, ...]:
    """Decide the rate as `decide_rate` does for each score on each step, the bank's terms as they are.

    The report is thought valid throughout. Of a loan, interest is counted at each step's rate from its day on, a period
    that a step falls into split there and each part rounded.

    Raises:
        InvalidInput: There are no scores, or too many, or the path does not begin where the rate applies and ascend.
    """
    _require_sound(inputs, scores, path)
    found = []
    for score in scores:
        rates = tuple(
            rate_without_trace(replace(_with_score(inputs, score), lpr=replace(inputs.lpr, rate=step.rate)))[0]
            for step in path
        )
        dues: tuple[Due, ...] = ()
        if loan is not None and calendar is not None:
            dues = _dues(loan, calendar, path, [one.executed_rate for one in rates])
        found.append(ScorePath(score=score, rates=rates, dues=dues))
    return tuple(found)


def _with_score(inputs: RateInputs, score: Decimal) -> RateInputs:
    report = RatingReport(
        producer="what-if",
        usci=inputs.usci,
        report_date=inputs.decided_on,
        valid_to=max(inputs.decided_on, inputs.applies_from),
        score=score,
        source="假设得分",
        confirmed=False,
    )
    return replace(inputs, report=report)


def _dues(
    loan: LoanTerms, calendar: CalendarDays, path: Sequence[LprStep], rates: Sequence[Decimal | None]
) -> tuple[Due, ...]:
    if any(rate is None for rate in rates):
        return ()
    first, *later = zip(path, (rate for rate in rates if rate is not None), strict=True)
    segments: tuple[Segment, ...] = (replace(first_segment(loan), rate=first[1]),)
    for step, rate in later:
        if step.start >= loan.maturity_date:
            break
        dues = dues_of(loan, calendar, segments)
        running = next(one for one in dues if one.start <= step.start < one.end)
        segments = (
            *segments,
            Segment(
                start=step.start, principal_cny=running.row.opening_balance_cny, rate=rate, reason=SegmentReason.RESET
            ),
        )
    return dues_of(loan, calendar, segments)


def _require_sound(inputs: RateInputs, scores: Sequence[Decimal], path: Sequence[LprStep]) -> None:
    if not 1 <= len(scores) <= SCORES_MAX:
        raise InvalidInput(
            f"{len(scores)} scores were given, 1 to {SCORES_MAX} can be",
            zh=f"请填写 1 至 {SCORES_MAX} 个得分", field="scores",
        )  # fmt: skip
    days = [step.start for step in path]
    if not 1 <= len(path) <= STEPS_MAX or days[0] != inputs.applies_from or days != sorted(set(days)):
        raise InvalidInput(
            f"the path has {len(path)} steps; 1 to {STEPS_MAX} can be, ascending from {inputs.applies_from}",
            zh=f"LPR 路径须自起息日 {inputs.applies_from} 起按日期先后列出，最多 {STEPS_MAX} 步", field="lpr_path",
        )  # fmt: skip
    for step in path:
        if not step.rate.is_finite() or not 0 <= step.rate <= 1:
            raise InvalidInput(
                f"LPR is {step.rate}, outside 0 to 1", zh=f"LPR {step.rate} 须为小数，例如 0.030", field="lpr_path"
            )
