"""Release of a claimed cut under four eyes: proposed with its reason, held again against the register, then kept."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.record import canonical
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.decisions import load_decision, load_outcome, record_decision
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from loans.calc.cut_claims import CUT_CLAIM_KIND, CutClaim
from loans.calc.cut_releases import CUT_RELEASE_KIND, CutRelease, CutReleaseInputs, decide_cut_release
from loans.service.cut_register import KeptClaim, cut_claims_of, standing_claims, subject_of_claims
from loans.store import facilities as facility_store


def load_cut_claim(session: Session, actor: Actor, claim_id: str) -> KeptClaim:
    """Give a claim with its release, where there is one.

    Raises:
        NotFound: The bank has no such claim.
    """
    claim = _claim(session, actor, claim_id)
    found = cut_claims_of(session, actor, usci=claim.usci, year=claim.year)
    return next(one for one in found if one.decision_id == claim_id)


def propose_cut_release(session: Session, maker: Actor, release: CutRelease, *, standing: Standing) -> Approval:
    """Put a release before the checkers; the claim stands until another person approved it.

    Raises:
        NotFound: The bank has no such claim.
        Conflict: The claim was released already, or its release waits for a checker.
        InvalidInput: There is no such evidence file.
    """
    claim = _claim(session, maker, release.claim_id)
    found = decide_cut_release(_inputs(session, maker, claim, release, standing=standing))
    party = party_by_code(session, maker, claim.usci)
    if release.evidence_digest is not None:
        require_evidence(session, maker, release.evidence_digest, subject=f"party:{party.id}", at=standing.known_at)
    zh, en = claim.name()
    released_t = found.released.claimed_t
    return approvals.propose(
        session,
        maker,
        CUT_RELEASE_APPROVAL,
        ProposalDraft(
            subject=f"cut_release:{release.claim_id}",
            title_zh=f"释放降碳量主张 {zh} {claim.year} 年 {released_t} 吨",
            title_en=f"Release of the cut of {claim.year} claimed by {en}: {released_t} t",
            payload={
                "party": f"{party.name} {party.code}", "year": claim.year, "measure": claim.measure,
                "cut_t": str(claim.cut_t), "claimant": f"{zh} / {en}", "released_t": str(released_t),
                "left_t": str(found.left_t), "evidence_digest": release.evidence_digest or "",
                "terms": canonical(release),
            },
            reason=release.reason,
        ),
        at=standing.known_at,
    )  # fmt: skip


def _claim(session: Session, actor: Actor, claim_id: str) -> CutClaim:
    missing = NotFound(f"there is no claim {claim_id!r}", zh=f"没有降碳量主张 {claim_id[:8]}", field="claim_id")
    try:
        record = load_decision(session, actor, claim_id)
    except NotFound as absent:
        raise missing from absent
    if record.kind != CUT_CLAIM_KIND.name:
        raise missing
    return load_outcome(session, actor, CUT_CLAIM_KIND, claim_id).claim


def _inputs(
    session: Session, actor: Actor, claim: CutClaim, release: CutRelease, *, standing: Standing
) -> CutReleaseInputs:
    return CutReleaseInputs(
        release=release, standing=standing_claims(session, actor, claim), released_on=standing.business_date
    )


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Release by what stands by now, and keep it; two at once for one enterprise wait for each other."""
    release = converted(approval.payload["terms"], CutRelease)
    claim = _claim(session, checker, release.claim_id)
    facility_store.lock_borrower(session, party_by_code(session, checker, claim.usci).id)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    record_decision(
        session, checker, CUT_RELEASE_KIND, _inputs(session, checker, claim, release, standing=standing),
        subject=subject_of_claims(claim.usci, claim.year), valid_on=standing.business_date,
        known_at=standing.known_at,
    )  # fmt: skip


CUT_RELEASE_APPROVAL = ApprovalKind(
    name="loans.cut_release",
    title_zh="降碳量主张释放",
    title_en="Claimed cut released",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda _: "/cut-claims",
)
