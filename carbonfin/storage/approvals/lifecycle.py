"""The life of an approval: draft → proposed → approved → effective, or rejected, withdrawn, expired.

Each step is taken on a locked row, checks that the payload is the one proposed, and is written down for good. The
database itself refuses one person as maker and checker.
"""

from collections.abc import Iterable
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, Conflict, NotPermitted
from carbonfin.storage.approvals.reading import approval_of_row, signers_of
from carbonfin.storage.approvals.rows import ApprovalRow, ApprovalState
from carbonfin.storage.approvals.steps import locked_approval, moved_on, require_maker, require_reason, take_step
from carbonfin.storage.approvals.values import OPEN_STATES, Answer, Approval, ApprovalKind, take_back
from carbonfin.storage.decisions import carrying_out


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
        approved = take_step(session, row, checker, event="approve", reason=answer.reason, at=at)
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
        rejected = take_step(session, row, checker, event="reject", reason=answer.reason, at=at)
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
    require_reason(reason)
    row = locked_approval(session, maker, approval_id)
    require_maker(row, maker)
    with session.begin_nested():
        taken_back = take_step(session, row, maker, event="withdraw", reason=reason, at=at)
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
        expired = take_step(session, row, actor, event="expire", reason="逾期未决定", at=at)
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
    require_reason(answer.reason)
    row = locked_approval(session, checker, approval_id)
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
        raise moved_on(row)
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
    return take_step(session, row, actor, event="make_effective", reason=answer.reason, at=at)


def _kind_of(row: ApprovalRow, kinds: Iterable[ApprovalKind]) -> ApprovalKind:
    found = next((kind for kind in kinds if kind.name == row.kind), None)
    assert found is not None, f"nothing carries out approvals of kind {row.kind}"
    return found
