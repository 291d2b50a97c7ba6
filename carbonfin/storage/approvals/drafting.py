"""The beginning of an approval: what its maker drafts, has validated, comes back to and puts before the checkers."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotPermitted
from carbonfin.rules.record import digest_of
from carbonfin.storage.approvals.notices import tell_checkers
from carbonfin.storage.approvals.reading import approval_of_row, open_approval_of
from carbonfin.storage.approvals.rows import ApprovalRow, ApprovalState
from carbonfin.storage.approvals.steps import (
    locked_approval,
    require_maker,
    require_reason,
    take_step,
    write_step,
)
from carbonfin.storage.approvals.values import Approval, ApprovalKind, ProposalDraft


def draft(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft, *, at: datetime) -> Approval:
    """Write down what is to be proposed; nobody is asked yet.

    Raises:
        NotPermitted: The maker's role may not propose this kind.
        InvalidInput: No reason, or an expiry that lies behind.
        Conflict: Another approval of this kind and subject is open.
    """
    require_reason(proposal.reason)
    _require_role(maker, kind)
    if proposal.expires_at is not None and proposal.expires_at <= at:
        raise InvalidInput("the expiry lies behind", zh="有效期已过", field="expires_at")
    _refuse_second(session, maker, kind, proposal)
    row = ApprovalRow(
        organization_id=maker.organization_id,
        kind=kind.name,
        subject=proposal.subject,
        title_zh=proposal.title_zh,
        title_en=proposal.title_en,
        payload=dict(proposal.payload),
        payload_digest=digest_of(dict(proposal.payload)),
        state=ApprovalState.DRAFT,
        maker_id=maker.id,
        maker_name=maker.name,
        maker_reason=proposal.reason,
        created_at=at,
        effective_on=proposal.effective_on,
        expires_at=proposal.expires_at,
        version=1,
    )
    session.add(row)
    session.flush()
    write_step(session, row, maker, event="draft", before=None, reason=proposal.reason, at=at)
    return approval_of_row(row)


def propose(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft, *, at: datetime) -> Approval:
    """Draft and put before the checkers in one step; refused as `draft` refuses."""
    drafted = draft(session, maker, kind, proposal, at=at)
    return submit(session, maker, kind, drafted.id, at=at)


def note_validation(session: Session, maker: Actor, approval_id: str, *, found: str, at: datetime) -> Approval:
    """Write down that a draft was validated and what its maker was shown of it; it stays a draft.

    Raises:
        NotPermitted: Another person made it.
        Conflict: It is no draft any more.
    """
    row = locked_approval(session, maker, approval_id)
    require_maker(row, maker)
    return take_step(session, row, maker, event="validate", reason=found, at=at)


def submit(session: Session, maker: Actor, kind: ApprovalKind, approval_id: str, *, at: datetime) -> Approval:
    """Put a draft before the checkers, and tell them.

    Raises:
        NotPermitted: Another person made it, or the maker's role may not propose this kind any more.
        Conflict: It is no draft any more.
    """
    row = locked_approval(session, maker, approval_id)
    require_maker(row, maker)
    _require_role(maker, kind)
    row.proposed_at = at
    proposed = take_step(session, row, maker, event="propose", reason=row.maker_reason, at=at)
    tell_checkers(session, proposed, kind, at=at)
    return proposed


def _require_role(maker: Actor, kind: ApprovalKind) -> None:
    if maker.role not in kind.maker_roles:
        raise NotPermitted(
            f"the role {maker.role.value} may not propose {kind.name}",
            zh="您的角色不能发起此类事项",
            field="maker",
            remedy="Ask a colleague whose role allows it.",
            remedy_zh="请由有权限的同事发起。",
        )


def _refuse_second(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft) -> None:
    standing = open_approval_of(session, maker.organization_id, kind=kind.name, subject=proposal.subject)
    if standing is not None:
        raise second_fault(standing)


def second_fault(standing: Approval) -> Conflict:
    """Give the refusal of a second open approval of one kind and subject."""
    if standing.state is ApprovalState.DRAFT:
        return Conflict(
            f"{standing.maker_name} has a draft of {standing.kind} {standing.subject}",
            zh=f"同一事项已有{standing.maker_name}的草稿",
            field="subject",
            remedy="Propose that draft, or have its maker withdraw it first.",
            remedy_zh="请发起该草稿，或先由其经办人撤回。",
            approval_id=standing.id,
        )
    return Conflict(
        f"{standing.kind} of {standing.subject} is already before the checkers",
        zh="同一事项已在审批中",
        field="subject",
        remedy="Wait for the decision, or withdraw it first.",
        remedy_zh="请等待审批结果，或先撤回。",
        approval_id=standing.id,
    )
