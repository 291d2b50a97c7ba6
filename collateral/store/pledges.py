"""Pledges at rest: terms and timeline."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from collateral.calc.agreements import Pledge, PledgeDraft, PledgeEvent, UnitQuantity
from collateral.calc.refusals import Refusal
from collateral.models import PledgeEventRow, PledgeRow, PledgeUnitRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step to be written into a pledge's timeline.

    Attributes:
        actor: Who took it.
        decision_id: The decision behind it, if there is one.
    """

    event: str
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    actor: Actor
    cause: str
    decision_id: str | None = None


def add_pledge(
    session: Session, actor: Actor, draft: PledgeDraft, *, state: str, applied_on: date, is_sample: bool
) -> Pledge:
    """Write down a pledge as it is applied for."""
    row = PledgeRow(
        organization_id=actor.organization_id,
        code=draft.code,
        pledgor_id=draft.pledgor_id,
        state=state,
        principal_cny=draft.principal_cny,
        end_date=draft.end_date,
        extends_code=draft.extends_code,
        applied_on=applied_on,
        maker_id=actor.id,
        maker_name=actor.name,
        is_sample=is_sample,
    )
    session.add(row)
    session.flush()
    for one in draft.units:
        session.add(
            PledgeUnitRow(
                organization_id=actor.organization_id, pledge_id=row.id, unit=str(one.unit), quantity_t=one.quantity_t
            )
        )
    session.flush()
    return _pledge(row, draft.units)


def find_pledge(session: Session, actor: Actor, code: str) -> Pledge | None:
    """Give the pledge of the actor's organisation with this code, or None."""
    row = session.exec(
        select(PledgeRow).where(PledgeRow.organization_id == actor.organization_id, PledgeRow.code == code)
    ).one_or_none()
    return None if row is None else _pledge(row, _units(session, [row.id]).get(row.id, ()))


def load_pledge(session: Session, actor: Actor, pledge_id: str, *, lock: bool = False) -> Pledge:
    """Give a pledge of the actor's organisation; locked if it is about to move.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(PledgeRow, pledge_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(
            f"there is no pledge {pledge_id}",
            zh="没有这笔质押",
            field="pledge_id",
            remedy="Open it from the collateral desk.",
            remedy_zh="请从押品工作台打开。",
        )
    return _pledge(row, _units(session, [row.id]).get(row.id, ()))


def pledges_of(
    session: Session, actor: Actor, *, states: frozenset[str] | None = None, pledgor_id: str | None = None
) -> tuple[Pledge, ...]:
    """Give pledges by code, in some states or in all."""
    query = select(PledgeRow).where(PledgeRow.organization_id == actor.organization_id)
    if states is not None:
        query = query.where(col(PledgeRow.state).in_(sorted(states)))
    if pledgor_id is not None:
        query = query.where(PledgeRow.pledgor_id == pledgor_id)
    rows = session.exec(query.order_by(col(PledgeRow.code))).all()
    units = _units(session, [row.id for row in rows])
    return tuple(_pledge(row, units.get(row.id, ())) for row in rows)


def pledge_page(session: Session, actor: Actor, place: Place) -> Slice[Pledge]:
    """Give a page of pledges by code."""
    query = select(PledgeRow).where(PledgeRow.organization_id == actor.organization_id)
    rows = session.exec(beginning_after(query, (col(PledgeRow.code),), place)).all()
    units = _units(session, [row.id for row in rows])
    return slice_of(rows, place, keys=lambda row: (row.code,), value=lambda row: _pledge(row, units.get(row.id, ())))


def change_pledge(
    session: Session,
    pledge: Pledge,
    *,
    state: str | None = None,
    appraisal_id: str | None = None,
    registration_number: str | None = None,
    drawn_on: date | None = None,
    released_on: date | None = None,
    refusals: tuple[Refusal, ...] | None = None,
) -> None:
    """Change what is named of a pledge that was read for update."""
    row = session.get(PledgeRow, pledge.id)
    assert row is not None
    row.state = row.state if state is None else state
    row.appraisal_id = row.appraisal_id if appraisal_id is None else appraisal_id
    row.registration_number = row.registration_number if registration_number is None else registration_number
    row.drawn_on = row.drawn_on if drawn_on is None else drawn_on
    row.released_on = row.released_on if released_on is None else released_on
    if refusals is not None:
        row.refusals = [{"code": one.code, "detail": one.detail, "zh": one.zh} for one in refusals]
    session.add(row)
    session.flush()


def change_units(session: Session, actor: Actor, pledge: Pledge, units: tuple[UnitQuantity, ...]) -> None:
    """Bring the pledged units of a pledge that was read for update to what is given."""
    wanted = {str(one.unit): one.quantity_t for one in units}
    rows = session.exec(select(PledgeUnitRow).where(PledgeUnitRow.pledge_id == pledge.id)).all()
    for row in rows:
        quantity_t = wanted.pop(row.unit, None)
        if quantity_t is None:
            session.delete(row)
        else:
            row.quantity_t = quantity_t
            session.add(row)
    for unit, quantity_t in wanted.items():
        session.add(
            PledgeUnitRow(organization_id=actor.organization_id, pledge_id=pledge.id, unit=unit, quantity_t=quantity_t)
        )
    session.flush()


def add_event(session: Session, pledge: Pledge, step: Step) -> None:
    """Write one step into the timeline."""
    place = session.exec(
        select(sa.func.count()).select_from(PledgeEventRow).where(col(PledgeEventRow.pledge_id) == pledge.id)
    ).one()
    session.add(
        PledgeEventRow(
            organization_id=step.actor.organization_id,
            pledge_id=pledge.id,
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


def events_of(session: Session, actor: Actor, pledge_id: str) -> tuple[PledgeEvent, ...]:
    """Give the timeline of a pledge."""
    rows = session.exec(
        select(PledgeEventRow)
        .where(PledgeEventRow.organization_id == actor.organization_id, PledgeEventRow.pledge_id == pledge_id)
        .order_by(col(PledgeEventRow.place))
    ).all()
    return tuple(
        PledgeEvent(
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


def _units(session: Session, pledge_ids: list[str]) -> dict[str, tuple[UnitQuantity, ...]]:
    found: dict[str, tuple[UnitQuantity, ...]] = {}
    for row in session.exec(
        select(PledgeUnitRow)
        .where(col(PledgeUnitRow.pledge_id).in_(pledge_ids))
        .order_by(col(PledgeUnitRow.pledge_id), col(PledgeUnitRow.unit))
    ).all():
        quantity = UnitQuantity(unit=Unit.parse(row.unit), quantity_t=row.quantity_t)
        found[row.pledge_id] = (*found.get(row.pledge_id, ()), quantity)
    return found


def _pledge(row: PledgeRow, units: tuple[UnitQuantity, ...]) -> Pledge:
    return Pledge(
        id=row.id,
        code=row.code,
        pledgor_id=row.pledgor_id,
        state=row.state,
        units=units,
        principal_cny=row.principal_cny,
        end_date=row.end_date,
        extends_code=row.extends_code,
        applied_on=row.applied_on,
        maker_id=row.maker_id,
        maker_name=row.maker_name,
        registration_number=row.registration_number,
        appraisal_id=row.appraisal_id,
        drawn_on=row.drawn_on,
        released_on=row.released_on,
        refusals=tuple(Refusal(code=one["code"], detail=one["detail"], zh=one["zh"]) for one in row.refusals or ()),
        is_sample=row.is_sample,
    )
