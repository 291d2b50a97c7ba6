"""Reading approvals: one, what waits for a person, and the steps of one."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.approvals.rows import ApprovalEventRow, ApprovalRow, ApprovalState
from carbonfin.storage.approvals.values import OPEN_STATES, Approval, ApprovalEvent, ApprovalKind
from carbonfin.storage.decisions import SignedBy
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of

_SHOWN_MAX = 200


def load_approval(session: Session, actor: Actor, approval_id: str) -> Approval:
    """Give an approval of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(ApprovalRow, approval_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no approval {approval_id}", zh="没有这项审批", field="approval_id")
    return approval_of_row(row)


def approvals_of(
    session: Session,
    actor: Actor,
    *,
    states: Iterable[ApprovalState] | None = None,
    kinds: Iterable[ApprovalKind] | None = None,
) -> tuple[Approval, ...]:
    """Give the latest approvals of the actor's organisation, of some states and kinds or all, newest first."""
    return approval_page(session, actor, Place(limit=_SHOWN_MAX), states=states, kinds=kinds).items


def approval_page(
    session: Session,
    actor: Actor,
    place: Place,
    *,
    states: Iterable[ApprovalState] | None = None,
    kinds: Iterable[ApprovalKind] | None = None,
) -> Slice[Approval]:
    """Give a page of the approvals of the actor's organisation, of some states and kinds or all, newest first."""
    query = select(ApprovalRow).where(ApprovalRow.organization_id == actor.organization_id)
    if states is not None:
        query = query.where(col(ApprovalRow.state).in_(tuple(states)))
    if kinds is not None:
        query = query.where(col(ApprovalRow.kind).in_([kind.name for kind in kinds]))
    keys = (col(ApprovalRow.created_at), col(ApprovalRow.id))
    rows = session.exec(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row.created_at, row.id), value=approval_of_row)


def waiting_for(session: Session, actor: Actor, kinds: Iterable[ApprovalKind]) -> tuple[Approval, ...]:
    """Give what waits for the actor's decision: proposed by others, of kinds the actor's role decides, oldest first."""
    mine = [kind.name for kind in kinds if actor.role in kind.checker_roles]
    rows = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == actor.organization_id)
        .where(ApprovalRow.state == ApprovalState.PROPOSED, ApprovalRow.maker_id != actor.id)
        .where(col(ApprovalRow.kind).in_(mine))
        .order_by(col(ApprovalRow.created_at), col(ApprovalRow.id))
    ).all()
    return tuple(approval_of_row(row) for row in rows)


def effective_of(session: Session, organization_id: str, kind: ApprovalKind) -> tuple[Approval, ...]:
    """Give everything of a kind that took effect in an organisation, the oldest first."""
    rows = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == organization_id)
        .where(ApprovalRow.kind == kind.name, ApprovalRow.state == ApprovalState.EFFECTIVE)
        .order_by(col(ApprovalRow.created_at), col(ApprovalRow.id))
    ).all()
    return tuple(approval_of_row(row) for row in rows)


def latest_approval(session: Session, organization_id: str, *, kind: str, subject: str) -> Approval | None:
    """Give the approval of a kind and subject proposed last, if there is one."""
    row = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == organization_id)
        .where(ApprovalRow.kind == kind, ApprovalRow.subject == subject)
        .order_by(col(ApprovalRow.created_at).desc(), col(ApprovalRow.version).desc())
    ).first()
    return None if row is None else approval_of_row(row)


def open_approval_of(session: Session, organization_id: str, *, kind: str, subject: str) -> Approval | None:
    """Give the open approval of a kind and subject, if there is one."""
    row = session.exec(
        select(ApprovalRow)
        .where(ApprovalRow.organization_id == organization_id)
        .where(ApprovalRow.kind == kind, ApprovalRow.subject == subject)
        .where(col(ApprovalRow.state).in_(OPEN_STATES))
    ).one_or_none()
    return None if row is None else approval_of_row(row)


def events_of(session: Session, actor: Actor, approval_id: str) -> tuple[ApprovalEvent, ...]:
    """Give the steps of an approval of the actor's organisation, in order."""
    rows = session.exec(
        select(ApprovalEventRow)
        .where(ApprovalEventRow.organization_id == actor.organization_id)
        .where(ApprovalEventRow.approval_id == approval_id)
        .order_by(col(ApprovalEventRow.place))
    ).all()
    return tuple(
        ApprovalEvent(
            place=row.place,
            event=row.event,
            state_before=row.state_before,
            state_after=row.state_after,
            actor_name=row.actor_name,
            happened_at=row.happened_at,
            reason=row.reason,
        )
        for row in rows
    )


def approval_of_row(row: ApprovalRow) -> Approval:
    """Give the value of a row."""
    return Approval(
        id=row.id,
        organization_id=row.organization_id,
        kind=row.kind,
        subject=row.subject,
        title_zh=row.title_zh,
        title_en=row.title_en,
        payload=dict(row.payload),
        payload_digest=row.payload_digest,
        state=row.state,
        maker_id=row.maker_id,
        maker_name=row.maker_name,
        maker_reason=row.maker_reason,
        checker_id=row.checker_id,
        checker_name=row.checker_name,
        checker_reason=row.checker_reason,
        accepted=tuple(row.accepted),
        created_at=row.created_at,
        decided_at=row.decided_at,
        effective_on=row.effective_on,
        effective_at=row.effective_at,
        expires_at=row.expires_at,
        version=row.version,
    )


def signers_of(row: ApprovalRow) -> SignedBy:
    """Give the two people by whom an approval that is carried out was made and approved."""
    assert row.checker_id is not None, "what is carried out was approved"
    assert row.checker_name is not None, "a checker has a name"
    return SignedBy(
        approval_id=row.id, maker_id=row.maker_id, maker_name=row.maker_name, checker_id=row.checker_id,
        checker_name=row.checker_name,
    )  # fmt: skip
