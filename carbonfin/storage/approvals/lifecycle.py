"""The life of an approval: draft → proposed → approved → effective, or rejected, withdrawn, expired.

Each step is taken on a locked row, checks that the payload is the one proposed, and is written down for good. The
database itself refuses one person as maker and checker.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.rules.record import digest_of
from carbonfin.storage.approvals.notices import tell_checkers, tell_step
from carbonfin.storage.approvals.reading import approval_of_row, signers_of
from carbonfin.storage.approvals.rows import ApprovalEventRow, ApprovalRow, ApprovalState
from carbonfin.storage.approvals.values import OPEN_STATES, Answer, Approval, ApprovalKind, ProposalDraft, take_back
from carbonfin.storage.decisions import carrying_out

_EDGES: Mapping[str, tuple[frozenset[ApprovalState], ApprovalState]] = {
    "propose": (frozenset({ApprovalState.DRAFT}), ApprovalState.PROPOSED),
    "approve": (frozenset({ApprovalState.PROPOSED}), ApprovalState.APPROVED),
    "make_effective": (frozenset({ApprovalState.APPROVED}), ApprovalState.EFFECTIVE),
    "reject": (frozenset({ApprovalState.PROPOSED}), ApprovalState.REJECTED),
    "withdraw": (OPEN_STATES, ApprovalState.WITHDRAWN),
    "expire": (OPEN_STATES, ApprovalState.EXPIRED),
}
_REASON_LENGTH_MAX = 2000


def draft(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft, *, at: datetime) -> Approval:
    """Write down what is to be proposed; nobody is asked yet.

    Raises:
        NotPermitted: The maker's role may not propose this kind.
        InvalidInput: No reason, or an expiry that lies behind.
        Conflict: Another approval of this kind and subject is open.
    """
    _reasoned(proposal.reason)
    if maker.role not in kind.maker_roles:
        raise NotPermitted(
            f"the role {maker.role.value} may not propose {kind.name}",
            zh="您的角色不能发起此类事项",
            field="maker",
            remedy="Ask a colleague whose role allows it.",
            remedy_zh="请由有权限的同事发起。",
        )
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
    _note(session, row, maker, event="draft", before=None, reason=proposal.reason, at=at)
    return approval_of_row(row)


def propose(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft, *, at: datetime) -> Approval:
    """Draft and put before the checkers in one step; refused as `draft` refuses."""
    drafted = draft(session, maker, kind, proposal, at=at)
    return submit(session, maker, kind, drafted.id, at=at)


def submit(session: Session, maker: Actor, kind: ApprovalKind, approval_id: str, *, at: datetime) -> Approval:
    """Put a draft before the checkers, and tell them; only its maker may."""
    row = _locked(session, maker, approval_id)
    _only_maker(row, maker)
    row.proposed_at = at
    proposed = _step(session, row, maker, event="propose", reason=row.maker_reason, at=at)
    tell_checkers(session, proposed, kind, at=at)
    return proposed


def approve(
    session: Session,
    checker: Actor,
    approval_id: str,
    *,
    kinds: Iterable[ApprovalKind],
    answer: Answer,
    at: datetime,
    business_date: date,
    expected_version: int | None = None,
) -> Approval:
    """Approve what another person proposed, and carry it out at once unless it takes effect on a later day.

    Approval and effect are one transaction: where the effect is refused, nothing is approved.

    Args:
        session: The open transaction.
        checker: Who approves.
        approval_id: What is approved.
        kinds: What can be carried out.
        answer: The checker's reason, and what is accepted by name.
        at: The instant of the approval.
        business_date: The organisation's business date.
        expected_version: The version the checker has seen; None where none was named.

    Raises:
        NotPermitted: The checker is the maker, or the role may not decide this kind.
        Conflict: It was decided, withdrawn or changed meanwhile, or has expired.
    """
    row, kind = _decided_by(session, checker, approval_id, kinds, answer, at=at, expected_version=expected_version)
    with session.begin_nested():  # so that an effect that is refused takes the approval back, whoever catches it
        _sign(row, checker, answer, at=at)
        approved = _step(session, row, checker, event="approve", reason=answer.reason, at=at)
        if row.effective_on is not None and row.effective_on > business_date:
            return approved
        return _carry_out(session, row, kind, checker, answer, at=at)


def reject(
    session: Session,
    checker: Actor,
    approval_id: str,
    *,
    kinds: Iterable[ApprovalKind],
    answer: Answer,
    at: datetime,
    expected_version: int | None = None,
) -> Approval:
    """Reject what another person proposed.

    Raises:
        NotPermitted: The checker is the maker, or the role may not decide this kind.
        Conflict: It was decided, withdrawn or changed meanwhile, or has expired.
    """
    row, kind = _decided_by(session, checker, approval_id, kinds, answer, at=at, expected_version=expected_version)
    with session.begin_nested():
        _sign(row, checker, answer, at=at)
        rejected = _step(session, row, checker, event="reject", reason=answer.reason, at=at)
        if kind.refuse is not None:
            kind.refuse(session, checker, rejected, answer, at)
        return rejected


def withdraw(
    session: Session, maker: Actor, approval_id: str, *, reason: str, at: datetime, kinds: Iterable[ApprovalKind] = ()
) -> Approval:
    """Take back what one has proposed, as long as it has not taken effect, and do what its kind does besides.

    Raises:
        NotPermitted: Another person made it.
        Conflict: It has ended.
    """
    _reasoned(reason)
    row = _locked(session, maker, approval_id)
    _only_maker(row, maker)
    with session.begin_nested():
        taken_back = _step(session, row, maker, event="withdraw", reason=reason, at=at)
        take_back(session, maker, taken_back, kinds, reason=reason, at=at)
        return taken_back


def expire_overdue(session: Session, actor: Actor, *, at: datetime, kinds: Iterable[ApprovalKind] = ()) -> int:
    """End what was not decided in time, and give how many that were; a job does this at the day's end."""
    known = tuple(kinds)
    overdue = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == actor.organization_id)
        .where(col(ApprovalRow.state).in_((ApprovalState.DRAFT, ApprovalState.PROPOSED)))
        .where(col(ApprovalRow.expires_at) <= at)
        .order_by(col(ApprovalRow.id))
        .with_for_update()
    ).all()
    for row in overdue:
        expired = _step(session, row, actor, event="expire", reason="逾期未决定", at=at)
        take_back(session, actor, expired, known, reason="逾期未决定", at=at)
    return len(overdue)


def make_due_effective(
    session: Session, actor: Actor, *, kinds: Iterable[ApprovalKind], business_date: date, at: datetime
) -> Batch[Approval]:
    """Carry out what was approved for a day that has come; a job does this at the day's end.

    One that is no longer possible is given among the failures, stays approved and is tried again the next day, until
    its maker withdraws it: it keeps no other from taking effect.
    """
    known = tuple(kinds)
    due = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == actor.organization_id)
        .where(ApprovalRow.state == ApprovalState.APPROVED)
        .where(col(ApprovalRow.effective_on) <= business_date)
        .order_by(col(ApprovalRow.id))
        .with_for_update()
    ).all()
    carried_out: list[Approval] = []
    failures: list[Failure] = []
    for row in due:
        name = f"{row.kind} {row.subject}"
        answer = Answer(reason=row.checker_reason or "", accepted=tuple(row.accepted))
        try:
            with session.begin_nested():
                carried_out.append(_carry_out(session, row, _kind_of(row, known), actor, answer, at=at))
        except CarbonFinError as error:
            session.refresh(row)
            failures.append(Failure.of(name, error))
    return Batch(values=tuple(carried_out), failures=tuple(failures))


def _decided_by(
    session: Session,
    checker: Actor,
    approval_id: str,
    kinds: Iterable[ApprovalKind],
    answer: Answer,
    *,
    at: datetime,
    expected_version: int | None,
) -> tuple[ApprovalRow, ApprovalKind]:
    """Give the locked row and its kind, once everything that stands against a decision is ruled out."""
    _reasoned(answer.reason)
    row = _locked(session, checker, approval_id)
    kind = _kind_of(row, kinds)
    if row.maker_id == checker.id:
        raise NotPermitted(
            f"approval {row.id} was proposed by the same person",
            zh="经办与复核不得为同一人",
            field="checker",
            remedy="Ask another person to decide.",
            remedy_zh="请由另一人复核。",
        )
    if checker.role not in kind.checker_roles:
        raise NotPermitted(
            f"the role {checker.role.value} may not decide {kind.name}",
            zh="您的角色不能复核此类事项",
            field="checker",
            remedy="Ask a colleague whose role allows it.",
            remedy_zh="请由有权限的同事复核。",
        )
    if expected_version is not None and row.version != expected_version:
        raise _moved_on(row)
    if row.expires_at is not None and at >= row.expires_at and row.state in OPEN_STATES:
        raise Conflict(
            f"approval {row.id} expired at {row.expires_at.isoformat()}",
            zh="该审批事项已逾期",
            field="approval_id",
            remedy="Have it proposed again.",
            remedy_zh="请重新发起。",
        )
    return row, kind


def _sign(row: ApprovalRow, checker: Actor, answer: Answer, *, at: datetime) -> None:
    """Write the checker into a row that is about to be decided."""
    row.checker_id, row.checker_name = checker.id, checker.name
    row.checker_reason, row.accepted = answer.reason, list(answer.accepted)
    row.decided_at = at


def _carry_out(
    session: Session, row: ApprovalRow, kind: ApprovalKind, actor: Actor, answer: Answer, *, at: datetime
) -> Approval:
    with carrying_out(session, signers_of(row)):
        kind.apply(session, actor, approval_of_row(row), answer, at)
    row.effective_at = at
    return _step(session, row, actor, event="make_effective", reason=answer.reason, at=at)


def _step(session: Session, row: ApprovalRow, actor: Actor, *, event: str, reason: str, at: datetime) -> Approval:
    """Move a locked row along one edge, and write the step down."""
    sources, target = _EDGES[event]
    if row.state not in sources:
        raise _moved_on(row)
    if digest_of(dict(row.payload)) != row.payload_digest:
        raise Conflict(
            f"approval {row.id} no longer holds what was proposed",
            zh="审批内容与发起时不一致",
            field="approval_id",
            remedy="Withdraw it and propose again.",
            remedy_zh="请撤回后重新发起。",
        )
    before = row.state
    row.state = target
    row.version += 1
    session.add(row)
    session.flush()
    _note(session, row, actor, event=event, before=before, reason=reason, at=at)
    moved = approval_of_row(row)
    tell_step(session, moved, actor, event=event, at=at)
    return moved


def _note(
    session: Session,
    row: ApprovalRow,
    actor: Actor,
    *,
    event: str,
    before: ApprovalState | None,
    reason: str,
    at: datetime,
) -> None:
    session.add(
        ApprovalEventRow(
            organization_id=row.organization_id,
            approval_id=row.id,
            place=row.version,
            event=event,
            state_before=None if before is None else before.value,
            state_after=row.state.value,
            actor_id=actor.id,
            actor_name=actor.name,
            happened_at=at,
            reason=reason,
            payload_digest=row.payload_digest,
        )
    )
    session.flush()


def _locked(session: Session, actor: Actor, approval_id: str) -> ApprovalRow:
    row = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.id == approval_id, ApprovalRow.organization_id == actor.organization_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no approval {approval_id}", zh="没有这项审批", field="approval_id")
    return row


def _kind_of(row: ApprovalRow, kinds: Iterable[ApprovalKind]) -> ApprovalKind:
    found = next((kind for kind in kinds if kind.name == row.kind), None)
    assert found is not None, f"nothing carries out approvals of kind {row.kind}"
    return found


def _refuse_second(session: Session, maker: Actor, kind: ApprovalKind, proposal: ProposalDraft) -> None:
    standing = session.exec(
        select(ApprovalRow.id)
        .where(ApprovalRow.organization_id == maker.organization_id)
        .where(ApprovalRow.kind == kind.name, ApprovalRow.subject == proposal.subject)
        .where(col(ApprovalRow.state).in_(OPEN_STATES))
    ).first()
    if standing is not None:
        raise Conflict(
            f"{kind.name} of {proposal.subject} is already before the checkers",
            zh="同一事项已在审批中",
            field="subject",
            remedy="Wait for the decision, or withdraw it first.",
            remedy_zh="请等待审批结果，或先撤回。",
            approval_id=standing,
        )


def _only_maker(row: ApprovalRow, actor: Actor) -> None:
    if row.maker_id != actor.id:
        raise NotPermitted(
            f"approval {row.id} was made by another person",
            zh="只能由经办人本人办理",
            field="maker",
            remedy="Ask its maker.",
            remedy_zh="请由经办人办理。",
        )


def _reasoned(reason: str) -> None:
    if not reason.strip() or len(reason) > _REASON_LENGTH_MAX:
        raise InvalidInput(
            f"a reason has 1 to {_REASON_LENGTH_MAX} characters",
            zh=f"请填写理由（不超过 {_REASON_LENGTH_MAX} 字）",
            field="reason",
        )


def _moved_on(row: ApprovalRow) -> Conflict:
    return Conflict(
        f"approval {row.id} is {row.state.value} and has taken {row.version} steps",
        zh="该审批事项的状态已变化",
        field="approval_id",
        remedy="Read it again before deciding.",
        remedy_zh="请刷新后再操作。",
        state=row.state.value,
        version=row.version,
    )
