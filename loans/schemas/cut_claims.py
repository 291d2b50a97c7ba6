"""Claimed cuts as JSON: the facility's figure beside PBoC guide and PCAF, each by its denominator, no total."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import CnyText, IdText, NameText, UsciText, decimal_of
from loans.calc.cut_claims import NEVER_ADDED_EN, ClaimantKind, CutClaim
from loans.calc.cut_releases import CutRelease
from loans.calc.financed import DENOMINATORS_EN, FinancedEmissions
from loans.schemas.lending import MissingOut, Year
from loans.schemas.links import DigestText
from loans.schemas.loan_notes import ReasonText
from loans.service import KeptClaim, KeptRelease

_HUNDREDTH = Decimal("0.01")
TonnesText = Annotated[
    str, Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$", description="tCO2e, at most two decimals, as text.")
]


class CutClaimIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Claim the cut of one measure in one year: for a loan by its share of the investment, for a credit as sold."""

    usci: UsciText
    year: Year
    measure: NameText
    cut_t: TonnesText
    claimant_kind: ClaimantKind
    claimant: IdText
    evidence_digest: DigestText
    reason: ReasonText
    sold_t: TonnesText | None = None
    investment_cny: CnyText | None = None

    def claim(self) -> CutClaim:
        """Give the claim as a value; each rule it breaks is named by its field."""
        return CutClaim(
            usci=self.usci, year=self.year, measure=self.measure.strip(), cut_t=_tonnes(self.cut_t),
            claimant_kind=self.claimant_kind, claimant=self.claimant,
            sold_t=None if self.sold_t is None else _tonnes(self.sold_t),
            investment_cny=None if self.investment_cny is None else decimal_of(self.investment_cny),
            evidence_digest=self.evidence_digest,
        )  # fmt: skip


def _tonnes(text: str) -> Decimal:
    """Read tonnes, written with two decimals as every figure of the register is."""
    return decimal_of(text).quantize(_HUNDREDTH)


class CutReleaseIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Release a claim: why it falls, and the document where there is one."""

    reason: ReasonText
    evidence_digest: DigestText | None = None

    def release(self, claim_id: str) -> CutRelease:
        """Give the release of a claim as a value."""
        return CutRelease(claim_id=claim_id, reason=self.reason.strip(), evidence_digest=self.evidence_digest)


class CutReleaseOut(Struct, frozen=True, kw_only=True):
    """How a claim was released; its tonnes can be claimed again from then on."""

    decision_id: str
    released_on: str
    released_t: str
    reason: str
    evidence_digest: str | None
    maker: str | None
    checker: str | None

    @classmethod
    def of(cls, kept: KeptRelease) -> "CutReleaseOut":
        """Copy a release."""
        found = kept.outcome
        return cls(
            decision_id=kept.decision_id, released_on=kept.decided_on.isoformat(),
            released_t=str(found.released.claimed_t), reason=found.release.reason,
            evidence_digest=found.release.evidence_digest, maker=kept.maker_name, checker=kept.checker_name,
        )  # fmt: skip


class AttributedOut(Struct, frozen=True, kw_only=True):
    """Financed emissions by one method with what it divides by and the quality of the data."""

    method: str
    financed_t: str
    denominator: str
    denominator_cny: str
    data_quality_score: int | None
    confirmed: bool

    @classmethod
    def of(cls, one: FinancedEmissions) -> "AttributedOut":
        """Copy a figure of one method."""
        return cls(
            method=one.method.value, financed_t=str(one.financed_t), denominator=DENOMINATORS_EN[one.method],
            denominator_cny=str(one.denominator_cny), data_quality_score=one.data_quality_score,
            confirmed=one.confirmed,
        )  # fmt: skip


class CutClaimOut(Struct, frozen=True, kw_only=True):
    """A claim; `claimed_t` of a loan is the facility's figure, beside which the others are never added.

    `left_t` is what the claim left of its measure's cut, `left_now_t` what is left after everything on record; a claim
    with `released` stands no longer.
    """

    decision_id: str
    decided_on: str
    maker: str | None
    checker: str | None
    usci: str
    year: int
    measure: str
    cut_t: str
    claimant_kind: str
    claimant: str
    claimed_t: str
    left_t: str
    left_now_t: str
    released: CutReleaseOut | None
    investment_cny: str | None
    evidence_digest: str
    financed: list[AttributedOut]
    missing: list[MissingOut]

    @classmethod
    def of(cls, kept: KeptClaim) -> "CutClaimOut":
        """Copy a claim."""
        found, claim = kept.outcome, kept.outcome.claim
        return cls(
            decision_id=kept.decision_id, decided_on=kept.decided_on.isoformat(), maker=kept.maker_name,
            checker=kept.checker_name, usci=claim.usci, year=claim.year, measure=claim.measure, cut_t=str(claim.cut_t),
            claimant_kind=claim.claimant_kind.value, claimant=claim.claimant, claimed_t=str(found.claimed_t),
            left_t=str(found.left_t), left_now_t=str(kept.left.left_t),
            released=None if kept.release is None else CutReleaseOut.of(kept.release),
            investment_cny=None if claim.investment_cny is None else str(claim.investment_cny),
            evidence_digest=claim.evidence_digest, financed=[AttributedOut.of(one) for one in found.financed],
            missing=[MissingOut.of(one) for one in found.missing],
        )  # fmt: skip


class CutClaimListOut(Struct, frozen=True, kw_only=True):
    """The claims on record, released ones as well, the latest first."""

    remark: str
    claims: list[CutClaimOut]

    @classmethod
    def of(cls, kept: tuple[KeptClaim, ...]) -> "CutClaimListOut":
        """Copy claims."""
        return cls(remark=NEVER_ADDED_EN, claims=[CutClaimOut.of(one) for one in kept])
