"""A batch at a glance: the funnel from filed to proposed, why applications fell out, and totals that tie."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reporting.calc.eligibility import Answer, Criterion
from reporting.calc.subsidies import Outcome, SubsidyDecision

_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """How many applications came this far."""

    name: str
    title_zh: str
    title_en: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many applications a criterion kept from qualifying."""

    criterion: Criterion
    answer: Answer
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSummary:
    """The batch in figures; the amounts are sums of the report's lines."""

    funnel: tuple[FunnelStep, ...]
    reasons: tuple[ReasonCount, ...]
    outcomes: tuple[tuple[Outcome, int], ...]
    net_cny: Decimal
    calculated_cny: Decimal
    proposed_cny: Decimal
    unconfirmed_count: int


def summarize(decisions: Iterable[SubsidyDecision]) -> BatchSummary:
    """Count and add up a batch."""
    decided = tuple(decisions)
    outcomes = Counter(decision.outcome for decision in decided)
    complete = [decision for decision in decided if not decision.missing_documents]
    qualified = [decision for decision in decided if decision.outcome is Outcome.QUALIFIES]
    proposed = [decision for decision in qualified if decision.proposed_cny is not None]
    reasons = Counter(
        (result.criterion, result.answer)
        for decision in decided
        for result in decision.criteria
        if result.answer is not Answer.MET
    )
    return BatchSummary(
        funnel=(
            FunnelStep(name="filed", title_zh="已申报", title_en="Filed", count=len(decided)),
            FunnelStep(name="complete", title_zh="材料齐全", title_en="Complete", count=len(complete)),
            FunnelStep(name="qualified", title_zh="符合", title_en="Qualified", count=len(qualified)),
            FunnelStep(name="proposed", title_zh="可提出资助金额", title_en="Amount proposed", count=len(proposed)),
            FunnelStep(name="paid", title_zh="已拨付", title_en="Paid", count=0),
        ),
        reasons=tuple(
            ReasonCount(criterion=criterion, answer=answer, count=count)
            for (criterion, answer), count in sorted(reasons.items())
        ),
        outcomes=tuple((outcome, outcomes[outcome]) for outcome in Outcome),
        net_cny=sum((decision.net_cny or _ZERO for decision in qualified), _ZERO),
        calculated_cny=sum((decision.calculated_cny or _ZERO for decision in qualified), _ZERO),
        proposed_cny=sum((decision.proposed_cny or _ZERO for decision in proposed), _ZERO),
        unconfirmed_count=sum(bool(decision.unconfirmed_zh) for decision in decided),
    )
