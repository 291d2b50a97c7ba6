"""A sold credit's claim on record, for worlds whose banks have to hold one."""

from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.parties import standing_of
from loans.calc.cut_claims import CUT_CLAIM_KIND, ClaimantKind, CutClaim, CutClaimInputs
from tests.loans.link_worlds import REPORT_FILE
from tests.loans.samples import E4_USCI


def claim_sample_cut(session: Session, actor: Actor, *, clock: Clock) -> None:
    """Keep the claim of a sold credit for a demonstration's enterprise."""
    standing = standing_of(session, actor.organization_id, clock)
    claim = CutClaim(
        usci=E4_USCI, year=2023, measure="余热回收", cut_t=Decimal("500.00"), claimant_kind=ClaimantKind.PUHUI,
        claimant="PH-2023-1", sold_t=Decimal("120.00"), investment_cny=None, evidence_digest=REPORT_FILE.digest,
    )  # fmt: skip
    inputs = CutClaimInputs(claim=claim, standing=(), loan=None, borrower=None, decided_on=date(2025, 6, 30))
    record_decision(
        session, actor, CUT_CLAIM_KIND, inputs, subject=f"cut_claim:{claim.usci}:{claim.year}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
