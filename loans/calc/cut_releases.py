"""Release of a claimed cut (主张释放): the claim stays on record as it was, and its tonnes can be claimed again.

A claim falls where its ground falls: a note that was repaid before the year began, a credit that was cancelled, a claim
entered by mistake. Whoever asks what was known before the release still sees the claim.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import Conflict
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.cut_claims import StandingClaim, tonnes_figure
from loans.calc.facilities.terms import require_words


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRelease:
    """What one person states for another to review.

    Attributes:
        claim_id: The claim's decision.
        reason: Why the claim falls.
        evidence_digest: The document, where there is one; None of a claim entered by mistake.
    """

    claim_id: str
    reason: str
    evidence_digest: str | None

    def __post_init__(self) -> None:
        """Refuse a release without a reason."""
        require_words(self.reason, "reason", "释放理由")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReleaseInputs:
    """A release, and the claims that stand on the same measure and year, the one it releases among them."""

    release: CutRelease
    standing: tuple[StandingClaim, ...]
    released_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReleased:
    """A claim that stands no longer.

    Attributes:
        released: The claim as it stood.
        left_t: What of the measure's cut nobody claims from now on.
    """

    release: CutRelease
    released: StandingClaim
    left_t: Decimal
    trace: tuple[Figure, ...]


def decide_cut_release(inputs: CutReleaseInputs) -> CutReleased:
    """Release a claim that stands.

    left = cut of the measure - what the other claims hold, tCO2e.

    Raises:
        Conflict: The claim does not stand: it was released already.
    """
    release = inputs.release
    released = next((one for one in inputs.standing if one.decision_id == release.claim_id), None)
    if released is None:
        raise Conflict(
            f"claim {release.claim_id} stands no longer", zh=f"主张 {release.claim_id[:8]} 已释放", field="claim_id",
            remedy="Nothing needs to be released.", remedy_zh="无须再次释放。",
        )  # fmt: skip
    claim = released.claim
    others_t = sum(
        (one.claimed_t for one in inputs.standing if one.decision_id != release.claim_id), start=Decimal("0.00")
    )
    left_t = claim.cut_t - others_t
    source = f"{claim.name()[0]}，决定 {release.claim_id[:8]}"
    document = claim.evidence_digest[:12]
    figures = (
        tonnes_figure("cut_t", ("项目年度碳减排量", "Yearly cut of the measure"), claim.cut_t, document),
        tonnes_figure("released_t", ("释放吨数", "Released"), released.claimed_t, source),
        tonnes_figure("claimed_by_others_t", ("其他主张", "Claimed by others"), others_t, "降碳量登记"),
        Figure(
            name="left_t", label_zh="尚未被主张", label_en="Claimed by nobody", value=str(left_t), unit="t",
            formula="cut of the measure - claimed by others", inputs=("cut_t", "claimed_by_others_t"),
        ),
    )  # fmt: skip
    return CutReleased(release=release, released=released, left_t=left_t, trace=checked_trace(figures))


CUT_RELEASE_KIND: DecisionKind[CutReleaseInputs, CutReleased] = DecisionKind(
    name="loans.cut_release", version="1", inputs=CutReleaseInputs, outputs=CutReleased, decide=decide_cut_release
)
