"""Where people decided otherwise than rules and figures alone would: of whatever kind, in one list, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.approvals.reading import approval_of_row
from carbonfin.storage.approvals.rows import ApprovalRow, ApprovalState
from carbonfin.storage.approvals.values import Approval
from carbonfin.storage.decisions import DecisionRecord, DecisionRow, load_decisions
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of

_SHOWN_MAX = 200
_GIVEN = (ApprovalState.APPROVED, ApprovalState.EFFECTIVE)
_REASON = "override_reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """One place where a person decided otherwise: an approval, or a decision with a figure set by hand.

    Attributes:
        at: When the approval was proposed, or the decision made.
        approval: In spite of unconfirmed facts, refused, or with a reason for an exception that no decision carries.
        decision: One whose record names the figure, what the rule said and what was used; None for an approval.
    """

    at: datetime
    id: str
    approval: Approval | None = None
    decision: DecisionRecord | None = None


def overrides_of(session: Session, actor: Actor) -> tuple[Overridden, ...]:
    """Give the latest overrides of the actor's organisation, newest first.

    Where a person decided otherwise than the figures alone would, an auditor asks why; the reason stands with it.
    """
    return override_page(session, actor, Place(limit=_SHOWN_MAX)).items


def override_page(session: Session, actor: Actor, place: Place) -> Slice[Overridden]:
    """Give a page of the overrides of the actor's organisation, newest first."""
    found = sorted(
        [*_approvals(session, actor, place), *_decisions(session, actor, place)],
        key=lambda one: (one.at, one.id), reverse=True,
    )  # fmt: skip
    return slice_of(found[: place.limit + 1], place, keys=lambda one: (one.at, one.id), value=lambda one: one)


def _approvals(session: Session, actor: Actor, place: Place) -> Iterator[Overridden]:
    """Give approvals in spite of unconfirmed facts, refusals, and exceptions that no decision names."""
    in_spite = sa.and_(
        col(ApprovalRow.state).in_(_GIVEN), sa.cast(col(ApprovalRow.accepted), sa.Text) != "[]"
    )  # fmt: skip
    # PostgreSQL writes a blank behind each colon of its JSON, SQLite keeps the canonical text without.
    payload = sa.func.replace(sa.cast(col(ApprovalRow.payload), sa.Text), '": "', '":"')
    carried = sa.exists().where(
        col(DecisionRow.approval_id) == col(ApprovalRow.id), col(DecisionRow.override).is_not(None)
    )
    excepted = sa.and_(
        col(ApprovalRow.state) == ApprovalState.EFFECTIVE,
        payload.contains(f'"{_REASON}":"', autoescape=True),
        ~payload.contains(f'"{_REASON}":""', autoescape=True),
        ~carried,
    )
    query = select(ApprovalRow).where(
        ApprovalRow.organization_id == actor.organization_id,
        sa.or_(col(ApprovalRow.state) == ApprovalState.REJECTED, in_spite, excepted),
    )
    keys = (col(ApprovalRow.created_at), col(ApprovalRow.id))
    for row in session.exec(beginning_after(query, keys, place, descending=True)).all():
        yield Overridden(at=row.created_at, id=row.id, approval=approval_of_row(row))


def _decisions(session: Session, actor: Actor, place: Place) -> Iterator[Overridden]:
    query = sa.select(col(DecisionRow.id), col(DecisionRow.known_at)).where(
        col(DecisionRow.organization_id) == actor.organization_id, col(DecisionRow.override).is_not(None)
    )
    keys = (col(DecisionRow.known_at), col(DecisionRow.id))
    asked = beginning_after(query, keys, place, descending=True)  # type: ignore[type-var]  # the stubs count columns
    rows = session.execute(asked).all()
    records = load_decisions(session, actor, [decision_id for decision_id, _ in rows])
    for decision_id, known_at in rows:
        yield Overridden(at=known_at, id=decision_id, decision=records[decision_id])
