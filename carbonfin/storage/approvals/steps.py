"""One step of an approval: taken on a locked row whose payload is the one proposed, and written down for good."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.rules.record import digest_of
from carbonfin.storage.approvals.notices import tell_step
from carbonfin.storage.approvals.reading import approval_of_row
from carbonfin.storage.approvals.rows import ApprovalEventRow, ApprovalRow, ApprovalState
from carbonfin.storage.approvals.values import OPEN_STATES, Approval

_EDGES: Mapping[str, tuple[frozenset[ApprovalState], ApprovalState]] = {
    "validate": (frozenset({ApprovalState.DRAFT}), ApprovalState.DRAFT),
    "propose": (frozenset({ApprovalState.DRAFT}), ApprovalState.PROPOSED),
    "approve": (frozenset({ApprovalState.PROPOSED}), ApprovalState.APPROVED),
    "make_effective": (frozenset({ApprovalState.APPROVED}), ApprovalState.EFFECTIVE),
    "reject": (frozenset({ApprovalState.PROPOSED}), ApprovalState.REJECTED),
    "withdraw": (OPEN_STATES, ApprovalState.WITHDRAWN),
    "expire": (OPEN_STATES, ApprovalState.EXPIRED),
}
_REASON_LENGTH_MAX = 2000


def take_step(session: Session, row: ApprovalRow, actor: Actor, *, event: str, reason: str, at: datetime) -> Approval:
    """Move a locked row along one edge, and write the step down."""
    sources, target = _EDGES[event]
    if row.state not in sources:
        raise moved_on(row)
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
    write_step(session, row, actor, event=event, before=before, reason=reason, at=at)
    moved = approval_of_row(row)
    if target is ApprovalState.DRAFT:  # a draft is its maker's own: nobody is told of it
        return moved
    tell_step(session, moved, actor, event=event, at=at)
    return moved


def write_step(
    session: Session,
    row: ApprovalRow,
    actor: Actor,
    *,
    event: str,
    before: ApprovalState | None,
    reason: str,
    at: datetime,
) -> None:
    """Write a step down for good, with who, when and why."""
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


def locked_approval(session: Session, actor: Actor, approval_id: str) -> ApprovalRow:
    """Give an approval of the actor's organisation, read for update; `NotFound` where it has none of that id."""
    row = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.id == approval_id, ApprovalRow.organization_id == actor.organization_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no approval {approval_id}", zh="没有这项审批", field="approval_id")
    return row


def require_maker(row: ApprovalRow, actor: Actor) -> None:
    """Hold that an approval was made by this person; else `NotPermitted`."""
    if row.maker_id != actor.id:
        raise NotPermitted(
            f"approval {row.id} was made by another person",
            zh="只能由经办人本人办理",
            field="maker",
            remedy="Ask its maker.",
            remedy_zh="请由经办人办理。",
        )


def require_reason(reason: str) -> None:
    """Hold that a reason is given and no longer than a page; else `InvalidInput`."""
    if not reason.strip() or len(reason) > _REASON_LENGTH_MAX:
        raise InvalidInput(
            f"a reason has 1 to {_REASON_LENGTH_MAX} characters",
            zh=f"请填写理由（不超过 {_REASON_LENGTH_MAX} 字）",
            field="reason",
        )


def moved_on(row: ApprovalRow) -> Conflict:
    """Give the refusal of a step on an approval that has moved meanwhile."""
    return Conflict(
        f"approval {row.id} is {row.state.value} and has taken {row.version} steps",
        zh="该审批事项的状态已变化",
        field="approval_id",
        remedy="Read it again before deciding.",
        remedy_zh="请刷新后再操作。",
        state=row.state.value,
        version=row.version,
    )
