"""A link put to every check of greenwashing (挂钩条款审查), and the verdict over them."""

from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.linked.integrity_checks import CHECKS
from loans.calc.linked.integrity_terms import IntegrityCheck, IntegrityInputs, IntegrityReview, Verdict
from loans.calc.linked.registered_claims import claim_words


def review_link(inputs: IntegrityInputs) -> IntegrityReview:
    """Put a link to every check."""
    checks = tuple(
        IntegrityCheck(
            code=code, title_zh=zh, title_en=en, verdict=verdict, evidence_zh=evidence_zh, evidence_en=evidence_en,
            source=source,
        )
        for code, zh, en, source, check in CHECKS
        for verdict, evidence_zh, evidence_en in (check(inputs),)
    )  # fmt: skip
    verdicts = {one.verdict for one in checks}
    overall = next((one for one in (Verdict.FAILED, Verdict.UNKNOWN) if one in verdicts), Verdict.PASSED)
    return IntegrityReview(verdict=overall, checks=checks, trace=_trace(inputs, checks, overall))


def _trace(inputs: IntegrityInputs, checks: tuple[IntegrityCheck, ...], overall: Verdict) -> tuple[Figure, ...]:
    limits = inputs.thresholds
    figures = [
        Figure.of_parameter("miss_probability_min", limits.miss_probability_min),
        Figure.of_parameter("emissions_ratio_min", limits.emissions_ratio_min),
        Figure.of_parameter("adjustment_rate_min", limits.adjustment_rate_min),
        Figure.of_parameter("sleeping_months_max", limits.sleeping_months_max),
    ]
    asked = {
        "ambition": "miss_probability_min", "materiality": "emissions_ratio_min", "size": "adjustment_rate_min",
        "sleeping": "sleeping_months_max",
    }  # fmt: skip
    registered = _registered(inputs)
    figures += registered
    asked_of = {code: (name,) for code, name in asked.items()} | {"single-claim": tuple(one.name for one in registered)}
    figures += [
        Figure(
            name=f"check.{one.code}", label_zh=one.title_zh, label_en=one.title_en, value=one.verdict.value,
            unit="code", source=one.source, confirmed=_is_confirmed(inputs, asked.get(one.code)),
            inputs=asked_of.get(one.code, ()),
            formula="the check by its facts", note_zh=one.evidence_zh, note_en=one.evidence_en,
        )
        for one in checks
    ]  # fmt: skip
    figures.append(
        Figure(
            name="verdict", label_zh="审查结论", label_en="Verdict", value=overall.value, unit="code",
            formula="failed if one failed, else unknown if one is unknown, else passed",
            inputs=tuple(f"check.{one.code}" for one in checks),
        )
    )  # fmt: skip
    return checked_trace(figures)


def _registered(inputs: IntegrityInputs) -> list[Figure]:
    """Give what each claim of the register holds, with the decision that keeps it."""
    found = inputs.claims.registered
    if found is None:
        return []
    return [
        Figure(
            name=f"registered_claim.{number}", label_zh=f"登记主张：{claim_words((one,))[0]}",
            label_en=f"Registered claim: {claim_words((one,))[1]}", value=str(one.claimed_t), unit="t",
            source=f"决定 {one.decision_id}",
        )
        for number, one in enumerate(found.standing, start=1)
    ]  # fmt: skip


def _is_confirmed(inputs: IntegrityInputs, threshold: str | None) -> bool:
    """Whether two people stand for a check: by its threshold; one without rests on a text that nobody read in full."""
    if inputs.method is None or threshold is None:
        return False
    value: ParameterValue = getattr(inputs.thresholds, threshold)
    return value.confirmed


INTEGRITY_KIND: DecisionKind[IntegrityInputs, IntegrityReview] = DecisionKind(
    name="loans.link_integrity", version="1", inputs=IntegrityInputs, outputs=IntegrityReview, decide=review_link
)
