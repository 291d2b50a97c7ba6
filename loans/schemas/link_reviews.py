"""Reviews of a sustainability link as JSON: each check with verdict, evidence and source."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, NameText, day_of
from loans.calc.cut_claims import StandingClaim
from loans.calc.linked.registered_claims import RegisteredClaims
from loans.service import KeptReview, ReviewFacts


class LinkReviewIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Review a link; what is left out is not known, and what is not known never passes.

    The bank's register of claimed cuts is read without being asked: `claimed_elsewhere` names who claims the same cut
    beyond it, and is empty where it was looked for and nobody does.
    """

    structural_change_known: bool = False
    structural_change_from: DayText | None = None
    green_power_counted_twice: bool | None = None
    claimed_elsewhere: Annotated[list[NameText], Meta(max_length=20)] | None = None

    def facts(self) -> ReviewFacts:
        """Give what is stated as a value."""
        changed = self.structural_change_from
        claimed = self.claimed_elsewhere
        return ReviewFacts(
            structural_change_known=self.structural_change_known or changed is not None,
            structural_change_from=None if changed is None else day_of(changed, field="structural_change_from"),
            green_power_counted_twice=self.green_power_counted_twice,
            claimed_elsewhere=None if claimed is None else tuple(claimed),
        )


class LinkCheckOut(Struct, frozen=True, kw_only=True):
    """One check: verdict `passed`, `failed` or `unknown`, the evidence in words, and where it comes from."""

    code: str
    title: str
    title_zh: str
    verdict: str
    evidence: str
    evidence_zh: str
    source: str


class RegisteredClaimOut(Struct, frozen=True, kw_only=True):
    """A claim the register held at the review; `is_own` of a note under the link's contract."""

    decision_id: str
    year: int
    measure: str
    claimant_kind: str
    claimant: str
    claimed_t: str
    cut_t: str
    is_own: bool

    @classmethod
    def of(cls, one: StandingClaim, registered: RegisteredClaims) -> "RegisteredClaimOut":
        """Copy a claim."""
        claim = one.claim
        return cls(
            decision_id=one.decision_id, year=claim.year, measure=claim.measure,
            claimant_kind=claim.claimant_kind.value, claimant=claim.claimant, claimed_t=str(one.claimed_t),
            cut_t=str(claim.cut_t), is_own=registered.is_own(one),
        )  # fmt: skip


class LinkReviewOut(Struct, frozen=True, kw_only=True):
    """A review of a link, kept as a decision; sources and thresholds are unconfirmed where the trace says so.

    `registered` is what the register of claimed cuts held then, null of a review kept before it was read.
    """

    decision_id: str
    verdict: str
    checks: list[LinkCheckOut]
    registered: list[RegisteredClaimOut] | None

    @classmethod
    def of(cls, kept: KeptReview) -> "LinkReviewOut":
        """Copy a review."""
        held = kept.registered
        return cls(
            decision_id=kept.decision_id,
            verdict=kept.review.verdict.value,
            checks=[
                LinkCheckOut(
                    code=one.code, title=one.title_en, title_zh=one.title_zh, verdict=one.verdict.value,
                    evidence=one.evidence_en, evidence_zh=one.evidence_zh, source=one.source,
                )
                for one in kept.review.checks
            ],
            registered=None if held is None else [RegisteredClaimOut.of(one, held) for one in held.standing],
        )  # fmt: skip
