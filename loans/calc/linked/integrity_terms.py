"""What the review of a link takes and gives: facts, thresholds, checks with verdict and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.trace import Figure
from loans.calc.linked.agreements import SustainabilityLink
from loans.calc.linked.documents import VerificationReport
from loans.calc.linked.registered_claims import RegisteredClaims


class Verdict(StrEnum):
    """What a check found; `unknown` is not a pass."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


VERDICTS_ZH: dict[Verdict, str] = {
    Verdict.PASSED: "通过", Verdict.FAILED: "存在问题", Verdict.UNKNOWN: "资料不足，未能判断",
}  # fmt: skip
VERDICTS_EN: dict[Verdict, str] = {
    Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.UNKNOWN: "not assessable",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityThresholds:
    """From where a link counts as what it says, each a dated parameter.

    Attributes:
        miss_probability_min: Least chance of missing a target if the KPI went on as before.
        emissions_ratio_min: Least share of the borrower's emissions the KPIs cover.
        adjustment_rate_min: Least size of the largest move, as a rate: 0.00025 is 2.5 bp.
        sleeping_months_max: Most months from drawdown to the day the targets are set.
    """

    miss_probability_min: ParameterValue
    emissions_ratio_min: ParameterValue
    adjustment_rate_min: ParameterValue
    sleeping_months_max: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """What is known of claims on the borrower's emission cuts.

    Attributes:
        green_power_counted_twice: Whether traded green power is taken off emissions and counted as a share as well.
        claimed_elsewhere: Names of other loans or sold credits, beyond the bank's register, that claim the same cut;
            None is not looked up.
        registered: What the bank's register of claimed cuts holds; reviews kept before it was read have none.
    """

    green_power_counted_twice: bool | None
    claimed_elsewhere: tuple[str, ...] | None
    registered: RegisteredClaims | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityInputs:
    """Everything the checks take.

    Attributes:
        first_drawdown: Day of the contract's first note; None where nothing is drawn.
        maturity_date: By when the contract matures.
        reports: The latest verification report of each observation, by its number.
        first_received: Day on which the first one of each observation came.
        structural_change_known: Whether somebody looked for a merger, sale or move since the baseline.
        structural_change_from: Day of the one that was found; None where there was none.
        rebased_from: Day of the last re-baseline; None where there was none.
        method: None reads the checks as at first; 2 asks of a two-way margin that what is verified moves it both ways,
            and takes a check's confirmation from its threshold.
    """

    link: SustainabilityLink
    thresholds: IntegrityThresholds
    claims: ClaimFacts
    first_drawdown: date | None
    maturity_date: date
    reports: Mapping[str, VerificationReport]
    first_received: Mapping[str, date]
    structural_change_known: bool
    structural_change_from: date | None
    rebased_from: date | None
    decided_on: date
    method: int | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityCheck:
    """One check: what it asks, its verdict, the evidence in words, and where it comes from."""

    code: str
    title_zh: str
    title_en: str
    verdict: Verdict
    evidence_zh: str
    evidence_en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityReview:
    """All checks, and the verdict over them: failed where one failed, unknown where one is unknown."""

    verdict: Verdict
    checks: tuple[IntegrityCheck, ...]
    trace: tuple[Figure, ...]
