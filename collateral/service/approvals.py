"""Pledges before the checkers: proposed once diligence is done, approved or rejected by another person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ApprovalState, ProposalDraft
from carbonfin.storage.parties import Standing, load_party, standing_of
from collateral.calc.agreements import Pledge, PledgeApproval
from collateral.calc.pledge import PLEDGE
from collateral.calc.refusals import Refusal
from collateral.service import appraisals, pledges
from collateral.store import pledges as store

_DECIDED = frozenset({ApprovalState.APPROVED, ApprovalState.EFFECTIVE, ApprovalState.REJECTED})


def complete_diligence(session: Session, actor: Actor, pledge_id: str, *, standing: Standing, finding: str) -> Pledge:
    """Note that ownership and prior liens were checked in both registers, and put the pledge before the checkers."""
    pledges.require_words(finding, "finding", "请填写尽职调查结论")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    done = pledges.take_step(session, actor, pledge, "diligence", standing=standing, cause=finding)
    approvals.propose(session, actor, PLEDGE_APPROVAL, _proposal(session, actor, done, finding), at=standing.known_at)
    return done


def approve_pledge(
    session: Session,
    checker: Actor,
    pledge_id: str,
    *,
    standing: Standing,
    reason: str,
    accepted_unconfirmed: tuple[str, ...],
) -> Pledge:
    """Approve a pledge as another person than its maker, after appraising it again on the day.

    Args:
        session: The open transaction.
        checker: Who approves.
        pledge_id: Which pledge.
        standing: Business date and what is known.
        reason: Why, in the checker's words.
        accepted_unconfirmed: Unconfirmed facts the appraisal rests on, each named; one left out stops the approval.

    Raises:
        NotPermitted: The checker is the maker, or the role may not approve.
        Conflict: An unconfirmed fact was not accepted by name, or a reason stands against the pledge today.
    """
    pledge = store.load_pledge(session, checker, pledge_id, lock=True)
    PLEDGE.after(pledge.state, "approve")
    approvals.approve(
        session,
        checker,
        _waiting(session, pledge, checker).id,
        kinds=(PLEDGE_APPROVAL,),
        answer=Answer(reason=reason, accepted=accepted_unconfirmed),
        at=standing.known_at,
        business_date=standing.business_date,
    )
    return store.load_pledge(session, checker, pledge_id)


def approval_of(session: Session, actor: Actor, pledge_id: str) -> PledgeApproval | None:
    """Give who approved or rejected a pledge, or None."""
    found = approvals.latest_approval(
        session, actor.organization_id, kind=PLEDGE_APPROVAL.name, subject=_subject(pledge_id)
    )
    if found is None or found.state not in _DECIDED or found.decided_at is None:
        return None
    return PledgeApproval(
        finding="rejected" if found.state is ApprovalState.REJECTED else "approved",
        maker_name=found.maker_name,
        checker_name=found.checker_name or "",
        reason=found.checker_reason or "",
        accepted_unconfirmed=found.accepted,
        decided_at=found.decided_at,
    )


def waiting_approval(session: Session, actor: Actor, pledge_id: str) -> Approval | None:
    """Give the approval a pledge waits for, if it does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=PLEDGE_APPROVAL.name, subject=_subject(pledge_id)
    )


def approved_history(
    session: Session,
    maker: Actor,
    pledge: Pledge,
    *,
    checker: Actor,
    evidence: str,
    standing: Standing,
    enter: Callable[[], None],
) -> None:
    """Have another person approve a pledge that ran before, and enter its history in the same step."""
    history = replace(PLEDGE_APPROVAL, apply=lambda *_: enter())
    proposed = approvals.propose(
        session, maker, history, _proposal(session, maker, pledge, evidence), at=standing.known_at
    )
    approvals.approve(
        session,
        checker,
        proposed.id,
        kinds=(history,),
        answer=Answer(reason=evidence),
        at=standing.known_at,
        business_date=standing.business_date,
    )


def _proposal(session: Session, maker: Actor, pledge: Pledge, reason: str) -> ProposalDraft:
    pledgor = load_party(session, maker, pledge.pledgor_id)
    return ProposalDraft(
        subject=_subject(pledge.id),
        title_zh=f"质押 {pledge.code}",
        title_en=f"Pledge {pledge.code}",
        payload={
            "code": pledge.code,
            "pledgor": f"{pledgor.name} {pledgor.code}",
            "pledgor_id": pledge.pledgor_id,
            "units": [{"unit": str(one.unit), "quantity_t": one.quantity_t} for one in pledge.units],
            "principal_cny": str(pledge.principal_cny),
            "end_date": pledge.end_date.isoformat(),
            "extends_code": pledge.extends_code,
            "appraisal_id": pledge.appraisal_id,
        },
        reason=reason,
    )


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Appraise the pledge again, and move it to approved unless something stands against it today."""
    pledge = store.load_pledge(session, checker, _pledge_id(approval), lock=True)
    refuse_maker(pledge, checker)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    recorded = appraisals.record_appraisal(session, checker, pledges.draft_of(pledge), standing=standing)
    _refuse_against(pledge, recorded.outcome.refusals)
    missing = [one for one in recorded.outcome.unconfirmed if one not in answer.accepted]
    if missing:
        raise Conflict(
            f"pledge {pledge.code} rests on unconfirmed facts: {', '.join(missing)}",
            zh=f"该笔质押依据的以下事实未确认，须逐项同意：{'、'.join(missing)}",
            field="accepted_unconfirmed",
            remedy="Confirm the facts, or accept each by name.",
            remedy_zh="请先核实，或在审批时逐项列明同意。",
            unconfirmed=missing,
        )
    pledges.take_step(
        session, checker, pledge, "approve", standing=standing, cause=answer.reason, decision_id=recorded.decision_id
    )


def _refuse(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """End the pledge with the reason of its rejection."""
    pledge = store.load_pledge(session, checker, _pledge_id(approval), lock=True)
    refuse_maker(pledge, checker)
    refusal = Refusal(code="rejected", detail=answer.reason, zh=answer.reason)
    store.change_pledge(session, pledge, refusals=(*pledge.refusals, refusal))
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    pledges.take_step(session, checker, pledge, "reject", standing=standing, cause=answer.reason)


PLEDGE_APPROVAL = ApprovalKind(
    name="collateral.pledge",
    title_zh="质押审批",
    title_en="Pledge",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    refuse=_refuse,
    address=lambda approval: f"/pledges/{_pledge_id(approval)}",
)


def refuse_maker(pledge: Pledge, checker: Actor) -> None:
    """Refuse the person who applied for a pledge as the one who approves it, whoever did the diligence."""
    if checker.id == pledge.maker_id:
        raise NotPermitted(
            f"pledge {pledge.code} was applied for by the same person",
            zh="经办与复核不得为同一人",
            field="checker",
            remedy="Ask another person to approve it.",
            remedy_zh="请由另一人审批。",
        )


def _refuse_against(pledge: Pledge, refusals: tuple[Refusal, ...]) -> None:
    if refusals:
        raise Conflict(
            f"pledge {pledge.code} cannot be approved today: {'; '.join(one.detail for one in refusals)}",
            zh=f"质押 {pledge.code} 今日不满足审批条件：{'；'.join(one.zh for one in refusals)}",
            remedy="Reject it, or apply again with other terms.",
            remedy_zh="请拒绝，或调整条件后重新申请。",
            refusals=[one.code for one in refusals],
        )


def _waiting(session: Session, pledge: Pledge, checker: Actor) -> Approval:
    refuse_maker(pledge, checker)
    found = waiting_approval(session, checker, pledge.id)
    if found is None:
        raise Conflict(
            f"pledge {pledge.code} is not before the checkers",
            zh=f"质押 {pledge.code} 尚未提交审批",
            field="pledge_id",
            remedy="Complete the diligence first.",
            remedy_zh="请先完成尽职调查。",
        )
    return found


def _subject(pledge_id: str) -> str:
    return f"pledge:{pledge_id}"


def _pledge_id(approval: Approval) -> str:
    return approval.subject.removeprefix("pledge:")
