"""Claims on cuts: proposed by one person, reviewed by another, and then kept as a decision."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.record import canonical
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from loans.calc.cut_claims import (
    CUT_CLAIM_KIND,
    BorrowerYear,
    ClaimantKind,
    ClaimedLoan,
    CutClaim,
    CutClaimed,
    CutClaimInputs,
    decide_cut_claim,
)
from loans.service.account_years import account_view
from loans.service.cut_register import standing_claims, subject_of_claims
from loans.store import facilities as facility_store
from loans.store import notes as note_store
from loans.store.accounts import account_years


def try_cut_claim(
    session: Session, actor: Actor, claim: CutClaim, *, standing: Standing
) -> tuple[CutClaimInputs, CutClaimed]:
    """Give what a claim would come to; nothing is kept.

    Raises:
        NotFound: The bank knows no such enterprise or note.
        InvalidInput: The note is another enterprise's, or the loan exceeds the investment.
        Conflict: The same tonnes are claimed already; both claims are named.
    """
    inputs = _inputs(session, actor, claim, standing=standing)
    return inputs, decide_cut_claim(inputs)


def propose_cut_claim(session: Session, maker: Actor, claim: CutClaim, *, standing: Standing, reason: str) -> Approval:
    """Put a claim before the checkers; it stands once another person approved it. Otherwise as `try_cut_claim`.

    Raises:
        InvalidInput: There is no such evidence file.
    """
    _, found = try_cut_claim(session, maker, claim, standing=standing)
    party = party_by_code(session, maker, claim.usci)
    require_evidence(session, maker, claim.evidence_digest, subject=f"party:{party.id}", at=standing.known_at)
    zh, en = claim.name()
    return approvals.propose(
        session,
        maker,
        CUT_CLAIM_APPROVAL,
        ProposalDraft(
            subject=f"cut_claim:{claim.usci}:{claim.year}:{claim.claimant_kind.value}:{claim.claimant}",
            title_zh=f"降碳量主张 {zh} {claim.year} 年 {found.claimed_t} 吨",
            title_en=f"Cut of {claim.year} claimed by {en}: {found.claimed_t} t",
            payload={
                "party": f"{party.name} {party.code}", "year": claim.year, "measure": claim.measure,
                "cut_t": str(claim.cut_t), "claimed_t": str(found.claimed_t), "claimant": f"{zh} / {en}",
                "evidence_digest": claim.evidence_digest, "terms": canonical(claim),
            },
            reason=reason,
        ),
        at=standing.known_at,
    )  # fmt: skip


def _inputs(session: Session, actor: Actor, claim: CutClaim, *, standing: Standing) -> CutClaimInputs:
    party = party_by_code(session, actor, claim.usci)
    loan = borrower = None
    if claim.claimant_kind is ClaimantKind.LOAN:
        note = note_store.load_note(session, actor, claim.claimant)
        if note.party_id != party.id:
            raise InvalidInput(
                f"loan note {note.code} is not of {claim.usci}", zh=f"借据 {note.code} 不属于该企业", field="claimant",
                remedy="Name a note of this enterprise.", remedy_zh="请填写该企业的借据。",
            )  # fmt: skip
        loan = ClaimedLoan(principal_cny=note.terms.principal_cny, outstanding_cny=note.outstanding_cny)
        borrower = _borrower_year(session, actor, party.id, known_at=standing.known_at)
    return CutClaimInputs(
        claim=claim, standing=standing_claims(session, actor, claim), loan=loan, borrower=borrower,
        decided_on=standing.business_date,
    )  # fmt: skip


def _borrower_year(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> BorrowerYear | None:
    years = account_view(session, actor, party_id, known_at=known_at).years
    known = {one.facts.year: one.emissions.emissions_t for one in years if one.emissions is not None}
    if not known:
        return None
    year = max(known)
    accounts = {one.activity.year: one for one in account_years(session, actor, party_id, known_at=known_at)}
    account = accounts.get(year)
    return BorrowerYear(
        year=year, company_t=int(round_half_up(known[year], 0)),
        revenue_cny=None if account is None else account.revenue_cny,
        equity_plus_debt_cny=None if account is None else account.equity_plus_debt_cny,
    )  # fmt: skip


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Decide the claim by what stands by now, and keep it; two at once for one enterprise wait for each other."""
    terms: dict[str, Any] = approval.payload["terms"]
    claim = converted(terms, CutClaim)
    facility_store.lock_borrower(session, party_by_code(session, checker, claim.usci).id)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    record_decision(
        session, checker, CUT_CLAIM_KIND, _inputs(session, checker, claim, standing=standing),
        subject=subject_of_claims(claim.usci, claim.year), valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip


CUT_CLAIM_APPROVAL = ApprovalKind(
    name="loans.cut_claim",
    title_zh="降碳量主张",
    title_en="Claimed cut",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda _: "/cut-claims",
)
