"""Authorities' acts at rest: written once, read by party, by pledge and by the freeze they follow."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.parties import Standing
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct
from collateral.models import AuthorityActRow


def add_act(session: Session, actor: Actor, draft: ActDraft, *, standing: Standing) -> AuthorityAct:
    """Write an act down."""
    row = AuthorityActRow(
        organization_id=actor.organization_id,
        party_id=draft.party_id,
        pledge_id=draft.pledge_id,
        unit=str(draft.unit),
        kind=draft.kind,
        quantity_t=draft.quantity_t,
        freeze_id=draft.freeze_id,
        authority=draft.authority.strip(),
        document=draft.document.strip(),
        document_date=draft.document_date,
        evidence_digest=draft.evidence_digest,
        business_date=standing.business_date,
        recorded_at=standing.known_at,
        actor_id=actor.id,
        actor_name=actor.name,
    )
    session.add(row)
    session.flush()
    return _act(row, {})


def load_act(session: Session, actor: Actor, act_id: str, *, lock: bool = False) -> AuthorityAct:
    """Give an act of the actor's organisation; locked while what follows it is written.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(AuthorityActRow, act_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no act {act_id}", zh="没有这项冻结或扣划", field="freeze_id")
    return _act(row, _followed(session, actor))


def acts_of(
    session: Session, actor: Actor, *, party_id: str | None = None, pledge_id: str | None = None
) -> tuple[AuthorityAct, ...]:
    """Give acts by time, of one party, of one pledge or of all."""
    query = select(AuthorityActRow).where(AuthorityActRow.organization_id == actor.organization_id)
    if party_id is not None:
        query = query.where(AuthorityActRow.party_id == party_id)
    if pledge_id is not None:
        query = query.where(AuthorityActRow.pledge_id == pledge_id)
    rows = session.exec(query.order_by(col(AuthorityActRow.recorded_at), col(AuthorityActRow.id))).all()
    if not rows:
        return ()
    followed = _followed(session, actor)
    return tuple(_act(row, followed) for row in rows)


def attached_to(session: Session, actor: Actor, pledge_id: str) -> tuple[AuthorityAct, ...]:
    """Give the freezes that still hold units of a pledge."""
    return tuple(one for one in acts_of(session, actor, pledge_id=pledge_id) if one.outstanding_t)


def attached_by_pledge(session: Session, actor: Actor) -> dict[tuple[str, str], int]:
    """Give the tonnes that authorities hold frozen, by pledge and unit, for all pledges at once."""
    found: dict[tuple[str, str], int] = {}
    for one in acts_of(session, actor):
        if one.draft.pledge_id is not None and one.outstanding_t:
            place = (one.draft.pledge_id, str(one.draft.unit))
            found[place] = found.get(place, 0) + one.outstanding_t
    return found


def _followed(session: Session, actor: Actor) -> dict[str, int]:
    """Give what lifts and deductions have taken off each freeze."""
    rows = session.exec(
        select(AuthorityActRow.freeze_id, sa.func.sum(AuthorityActRow.quantity_t))
        .where(AuthorityActRow.organization_id == actor.organization_id, col(AuthorityActRow.freeze_id).is_not(None))
        .group_by(col(AuthorityActRow.freeze_id))
    ).all()
    return {str(freeze_id): int(total) for freeze_id, total in rows}


def _act(row: AuthorityActRow, followed: dict[str, int]) -> AuthorityAct:
    kind = ActKind(row.kind)
    return AuthorityAct(
        id=row.id,
        draft=ActDraft(
            kind=kind,
            party_id=row.party_id,
            pledge_id=row.pledge_id,
            unit=Unit.parse(row.unit),
            quantity_t=row.quantity_t,
            freeze_id=row.freeze_id,
            authority=row.authority,
            document=row.document,
            document_date=row.document_date,
            evidence_digest=row.evidence_digest,
        ),
        outstanding_t=row.quantity_t - followed.get(row.id, 0) if kind is ActKind.FREEZE else 0,
        business_date=row.business_date,
        recorded_at=row.recorded_at,
        actor_name=row.actor_name,
    )
