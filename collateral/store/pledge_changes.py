"""Changes of pledges at rest: what was asked, which units, and each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotFound
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.pledge_changes import ENDED, ChangeDraft, ChangeEvent, ChangeKind, PledgeChange
from collateral.calc.serials import Ranges, SerialRange
from collateral.models import PledgeChangeEventRow, PledgeChangeRow, PledgeChangeUnitRow, PledgeRow
from collateral.store.pledges import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What a change adds or frees, with the numbers chosen of it."""

    units: tuple[UnitQuantity, ...] = ()
    serials: Mapping[Unit, Ranges] = field(default_factory=dict)


_Sides = dict[str, dict[str, _Side]]


def add_change(
    session: Session, actor: Actor, pledge: Pledge, draft: ChangeDraft, *, state: str, principal_before_cny: Decimal,
    started_on: date, decision_id: str,
) -> PledgeChange:  # fmt: skip
    """Write down a change as it is asked for; the pledge's row is held, so no two take one number."""
    number = session.exec(
        select(sa.func.count()).select_from(PledgeChangeRow).where(col(PledgeChangeRow.pledge_id) == pledge.id)
    ).one()
    row = PledgeChangeRow(
        organization_id=actor.organization_id,
        pledge_id=pledge.id,
        number=number + 1,
        kind=draft.kind,
        state=state,
        repayment_cny=draft.repayment_cny,
        principal_before_cny=principal_before_cny,
        reason=draft.reason.strip(),
        decision_id=decision_id,
        attempt=0,
        started_on=started_on,
        maker_id=actor.id,
        maker_name=actor.name,
        evidence_digest=draft.evidence_digest or None,
    )
    session.add(row)
    session.flush()
    for side, units, serials in (
        ("added", draft.added, draft.added_serials), ("freed", draft.freed, draft.freed_serials),
    ):  # fmt: skip
        for one in units:
            named = [str(ranges) for ranges in serials.get(one.unit, ())]
            session.add(
                PledgeChangeUnitRow(
                    organization_id=actor.organization_id, change_id=row.id, side=side, unit=str(one.unit),
                    quantity_t=one.quantity_t, serials=named or None,
                )
            )  # fmt: skip
    session.flush()
    return _change(row, _units(session, [row.id]))


def load_change(session: Session, actor: Actor, change_id: str, *, lock: bool = False) -> PledgeChange:
    """Give a change of the actor's organisation; locked if it is about to move.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(PledgeChangeRow, change_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(
            f"there is no change {change_id}",
            zh="没有这项质押变更",
            field="change_id",
            remedy="Open it from its pledge.",
            remedy_zh="请从质押页面打开。",
        )
    return _change(row, _units(session, [row.id]))


def change_by_request(session: Session, actor: Actor, request_key: str) -> PledgeChange | None:
    """Give the change by which the registry was asked under a key, held for update; None where a pledge itself was."""
    row = session.exec(
        select(PledgeChangeRow)
        .where(PledgeChangeRow.organization_id == actor.organization_id, PledgeChangeRow.request_key == request_key)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _change(row, _units(session, [row.id]))


def changes_of(
    session: Session, actor: Actor, *, pledge_id: str | None = None, states: frozenset[str] | None = None
) -> tuple[PledgeChange, ...]:
    """Give changes by pledge and number, of one pledge or of all, in some states or in all."""
    query = select(PledgeChangeRow).where(PledgeChangeRow.organization_id == actor.organization_id)
    if pledge_id is not None:
        query = query.where(PledgeChangeRow.pledge_id == pledge_id)
    if states is not None:
        query = query.where(col(PledgeChangeRow.state).in_(sorted(states)))
    rows = session.exec(query.order_by(col(PledgeChangeRow.pledge_id), col(PledgeChangeRow.number))).all()
    units = _units(session, [row.id for row in rows])
    return tuple(_change(row, units) for row in rows)


def open_changes(session: Session, actor: Actor, pledge_id: str) -> tuple[PledgeChange, ...]:
    """Give the changes of a pledge that may still move."""
    return tuple(one for one in changes_of(session, actor, pledge_id=pledge_id) if one.state not in ENDED)


def set_aside_by(session: Session, actor: Actor, pledge_id: str) -> frozenset[str]:
    """Give the conversions of a pledge that hold units aside while they may still be carried out."""
    return frozenset(
        session.exec(
            select(PledgeChangeRow.id).where(
                PledgeChangeRow.organization_id == actor.organization_id,
                PledgeChangeRow.pledge_id == pledge_id,
                PledgeChangeRow.kind == str(ChangeKind.CONVERSION),
                col(PledgeChangeRow.state).not_in(sorted(ENDED)),
            )
        ).all()
    )


def conversions_of(
    session: Session, actor: Actor, *, party_id: str, states: frozenset[str]
) -> tuple[PledgeChange, ...]:
    """Give the conversions of a pledgor's pledges that are in some states."""
    rows = session.exec(
        select(PledgeChangeRow)
        .join(PledgeRow, col(PledgeRow.id) == col(PledgeChangeRow.pledge_id))
        .where(
            PledgeChangeRow.organization_id == actor.organization_id,
            PledgeRow.pledgor_id == party_id,
            PledgeChangeRow.kind == str(ChangeKind.CONVERSION),
            col(PledgeChangeRow.state).in_(sorted(states)),
        )
        .order_by(col(PledgeChangeRow.pledge_id), col(PledgeChangeRow.number))
    ).all()
    units = _units(session, [row.id for row in rows])
    return tuple(_change(row, units) for row in rows)


def change_change(
    session: Session,
    change: PledgeChange,
    *,
    state: str | None = None,
    decision_id: str | None = None,
    attempt: int | None = None,
    request_key: str | None = None,
) -> None:
    """Change what is named of a change that was read for update."""
    row = session.get(PledgeChangeRow, change.id)
    assert row is not None
    row.state = row.state if state is None else state
    row.decision_id = row.decision_id if decision_id is None else decision_id
    row.attempt = row.attempt if attempt is None else attempt
    row.request_key = row.request_key if request_key is None else request_key
    session.add(row)
    session.flush()


def add_change_event(session: Session, change: PledgeChange, step: Step) -> None:
    """Write one step into the timeline of a change."""
    place = session.exec(
        select(sa.func.count())
        .select_from(PledgeChangeEventRow)
        .where(col(PledgeChangeEventRow.change_id) == change.id)
    ).one()
    session.add(
        PledgeChangeEventRow(
            organization_id=step.actor.organization_id,
            change_id=change.id,
            place=place,
            event=step.event,
            state_before=step.state_before,
            state_after=step.state_after,
            business_date=step.business_date,
            happened_at=step.happened_at,
            actor_id=step.actor.id,
            actor_name=step.actor.name,
            cause=step.cause,
            decision_id=step.decision_id,
        )
    )
    session.flush()


def change_events(session: Session, actor: Actor, change_id: str) -> tuple[ChangeEvent, ...]:
    """Give the timeline of a change."""
    rows = session.exec(
        select(PledgeChangeEventRow)
        .where(
            PledgeChangeEventRow.organization_id == actor.organization_id, PledgeChangeEventRow.change_id == change_id
        )
        .order_by(col(PledgeChangeEventRow.place))
    ).all()
    return tuple(
        ChangeEvent(
            event=row.event,
            state_before=row.state_before,
            state_after=row.state_after,
            business_date=row.business_date,
            happened_at=row.happened_at,
            actor_name=row.actor_name,
            cause=row.cause,
            decision_id=row.decision_id,
        )
        for row in rows
    )


def _units(session: Session, change_ids: list[str]) -> _Sides:
    found: _Sides = {}
    for row in session.exec(
        select(PledgeChangeUnitRow)
        .where(col(PledgeChangeUnitRow.change_id).in_(change_ids))
        .order_by(col(PledgeChangeUnitRow.change_id), col(PledgeChangeUnitRow.unit))
    ).all():
        sides = found.setdefault(row.change_id, {})
        before = sides.get(row.side, _Side())
        unit = Unit.parse(row.unit)
        named = {unit: tuple(SerialRange.parse(text) for text in row.serials)} if row.serials else {}
        sides[row.side] = _Side(
            units=(*before.units, UnitQuantity(unit=unit, quantity_t=row.quantity_t)),
            serials={**before.serials, **named},
        )
    return found


def _change(row: PledgeChangeRow, units: _Sides) -> PledgeChange:
    sides = units.get(row.id, {})
    added, freed = sides.get("added", _Side()), sides.get("freed", _Side())
    return PledgeChange(
        id=row.id,
        pledge_id=row.pledge_id,
        number=row.number,
        kind=ChangeKind(row.kind),
        state=row.state,
        added=added.units,
        freed=freed.units,
        repayment_cny=row.repayment_cny,
        principal_before_cny=row.principal_before_cny,
        reason=row.reason,
        decision_id=row.decision_id,
        attempt=row.attempt,
        started_on=row.started_on,
        maker_id=row.maker_id,
        maker_name=row.maker_name,
        added_serials=added.serials,
        freed_serials=freed.serials,
        evidence_digest=row.evidence_digest or "",
    )
