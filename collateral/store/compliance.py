"""Compliance positions and headroom at rest."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from collateral.calc.agreements import HeadroomRecord
from collateral.calc.compliance_records import (
    AllocationPart,
    AllocationStanding,
    AllocationState,
    CompliancePosition,
    EmissionsState,
)
from collateral.calc.headroom import HeadroomOutcome
from collateral.models import ComplianceAllocationRow, CompliancePositionRow, HeadroomRow

_IDS_AT_ONCE = 500
_POSITIONS, _ALLOCATIONS = table_of(CompliancePositionRow), table_of(ComplianceAllocationRow)
_OF_PARTY = (
    sa.select(_POSITIONS)
    .where(
        _POSITIONS.c.organization_id == sa.bindparam("mine"),
        _POSITIONS.c.party_id == sa.bindparam("party"),
        _POSITIONS.c.known_from <= sa.bindparam("known_on"),
    )
    .order_by(_POSITIONS.c.scheme, _POSITIONS.c.compliance_year.desc(), _POSITIONS.c.revision.desc())
)
_PARTS_OF_PARTY = (
    sa.select(_ALLOCATIONS)
    .join(_POSITIONS, _POSITIONS.c.id == _ALLOCATIONS.c.compliance_position_id)
    .where(
        _ALLOCATIONS.c.organization_id == sa.bindparam("mine"),
        _POSITIONS.c.organization_id == sa.bindparam("mine"),
        _POSITIONS.c.party_id == sa.bindparam("party"),
    )
    .order_by(_ALLOCATIONS.c.place)
)
"""Asked for each rating, so built once."""


def compliance_positions(
    session: Session, actor: Actor, *, known_on: date, party_id: str | None = None
) -> tuple[CompliancePosition, ...]:
    """Give the last revision known on a day of each party, scheme and year, the latest year first."""
    if party_id is not None:
        of_party = compliance_revisions(session, actor, party_id=party_id, known_on=known_on)
        return latest_revisions(one for _, _, one in of_party)
    rows = session.exec(
        select(CompliancePositionRow)
        .where(
            CompliancePositionRow.organization_id == actor.organization_id,
            CompliancePositionRow.known_from <= known_on,
        )
        .order_by(
            col(CompliancePositionRow.party_id),
            col(CompliancePositionRow.scheme),
            col(CompliancePositionRow.compliance_year).desc(),
            col(CompliancePositionRow.revision),
        )
    ).all()
    last = {(row.party_id, row.scheme, row.compliance_year): row for row in rows}
    allocations = sa.select(_ALLOCATIONS).where(_ALLOCATIONS.c.organization_id == actor.organization_id)
    parts = _parts(session.execute(allocations.order_by(_ALLOCATIONS.c.place)))
    return tuple(_position(row, parts.get(row.id, ())) for row in last.values())


def latest_revisions(revisions: Iterable[CompliancePosition]) -> tuple[CompliancePosition, ...]:
    """Give of revisions, the latest first, the last of each scheme and year, in their order."""
    last: dict[tuple[Scheme, int], CompliancePosition] = {}
    for one in revisions:
        last.setdefault((one.scheme, one.compliance_year), one)
    return tuple(last.values())


def compliance_revisions(
    session: Session, actor: Actor, *, party_id: str, known_on: date
) -> tuple[tuple[int, datetime, CompliancePosition], ...]:
    """Give every revision of a party known on a day with its number and when it was written, the latest first."""
    asked = {"mine": actor.organization_id, "party": party_id, "known_on": known_on}
    rows = execute_prepared(session, _OF_PARTY, asked).all()
    parts = _parts(execute_prepared(session, _PARTS_OF_PARTY, asked)) if rows else {}
    return tuple((row.revision, row.recorded_at, _position(row, parts.get(row.id, ()))) for row in rows)


def _parts(rows: Iterable[Any]) -> dict[str, tuple[AllocationPart, ...]]:
    found: dict[str, tuple[AllocationPart, ...]] = {}
    for row in rows:
        part = AllocationPart(
            state=AllocationState(row.state),
            standing=AllocationStanding(row.standing),
            quantity_t=row.quantity_t,
            source=row.source,
            unconfirmed=row.unconfirmed,
        )
        found[row.compliance_position_id] = (*found.get(row.compliance_position_id, ()), part)
    return found


def add_compliance_position(
    session: Session, actor: Actor, position: CompliancePosition, *, recorded_at: datetime
) -> None:
    """Write down a compliance position as a new revision, with its allocation by state."""
    earlier = session.exec(
        select(CompliancePositionRow.id).where(
            CompliancePositionRow.organization_id == actor.organization_id,
            CompliancePositionRow.party_id == position.party_id,
            CompliancePositionRow.scheme == position.scheme,
            CompliancePositionRow.compliance_year == position.compliance_year,
        )
    ).all()
    row = CompliancePositionRow(
        organization_id=actor.organization_id,
        party_id=position.party_id,
        scheme=position.scheme,
        compliance_year=position.compliance_year,
        revision=len(earlier),
        emissions_t=position.emissions_t,
        emissions_source=position.emissions_source,
        allocation_t=position.allocation_t,
        issued_t=position.issued_t,
        true_up_expected_t=position.true_up_expected_t,
        true_up_source=position.true_up_source,
        unconfirmed=position.unconfirmed,
        known_from=position.known_from,
        recorded_at=recorded_at,
        emissions_state=position.emissions_state,
        surrendered_t=position.surrendered_t,
        as_of=position.as_of,
    )
    session.add(row)
    session.flush()
    for place, part in enumerate(position.parts):
        session.add(
            ComplianceAllocationRow(
                organization_id=actor.organization_id,
                compliance_position_id=row.id,
                place=place,
                state=part.state,
                standing=part.standing,
                quantity_t=part.quantity_t,
                source=part.source,
                unconfirmed=part.unconfirmed,
            )
        )
    session.flush()


def add_headroom(
    session: Session,
    actor: Actor,
    outcome: HeadroomOutcome,
    *,
    party_id: str,
    scheme: Scheme,
    compliance_year: int,
    business_date: date,
    inputs_digest: str,
    decision_id: str,
) -> None:
    """Write down headroom struck on a business date."""
    earlier = session.exec(
        select(HeadroomRow.id).where(
            HeadroomRow.organization_id == actor.organization_id,
            HeadroomRow.party_id == party_id,
            HeadroomRow.scheme == scheme,
            HeadroomRow.business_date == business_date,
        )
    ).all()
    session.add(
        HeadroomRow(
            organization_id=actor.organization_id,
            party_id=party_id,
            scheme=scheme,
            compliance_year=compliance_year,
            business_date=business_date,
            revision=len(earlier),
            inputs_digest=inputs_digest,
            decision_id=decision_id,
            headroom_t=outcome.headroom_t,
            surrender_date=outcome.surrender_date,
            unconfirmed=list(outcome.unconfirmed),
        )
    )
    session.flush()


def headroom_is_recorded(
    session: Session, actor: Actor, *, party_id: str, scheme: Scheme, business_date: date, inputs_digest: str
) -> bool:
    """Tell whether headroom was already struck from the same inputs."""
    return (
        session.exec(
            select(HeadroomRow.id).where(
                HeadroomRow.organization_id == actor.organization_id,
                HeadroomRow.party_id == party_id,
                HeadroomRow.scheme == scheme,
                HeadroomRow.business_date == business_date,
                HeadroomRow.inputs_digest == inputs_digest,
            )
        ).first()
        is not None
    )


def latest_headrooms(
    session: Session, actor: Actor, *, on: date, party_id: str | None = None
) -> tuple[HeadroomRecord, ...]:
    """Give the last headroom of each party and scheme struck on or before a day."""
    stated, struck = table_of(CompliancePositionRow), table_of(HeadroomRow)
    newest = (
        sa.select(struck.c.id)
        .where(
            struck.c.organization_id == stated.c.organization_id,
            struck.c.party_id == stated.c.party_id,
            struck.c.scheme == stated.c.scheme,
            struck.c.business_date <= on,
        )
        .order_by(struck.c.business_date.desc(), struck.c.revision.desc())
        .limit(1)
        .scalar_subquery()
    )
    asked = sa.select(newest).where(stated.c.organization_id == actor.organization_id).distinct()
    if party_id is not None:
        asked = asked.where(stated.c.party_id == party_id)
    wanted = [one for one in session.execute(asked).scalars() if one is not None]
    found: list[HeadroomRecord] = []
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        found.extend(
            _headroom(row)
            for row in session.exec(
                select(HeadroomRow).where(
                    HeadroomRow.organization_id == actor.organization_id,
                    col(HeadroomRow.id).in_(wanted[start : start + _IDS_AT_ONCE]),
                )
            )
        )
    return tuple(sorted(found, key=lambda one: (one.business_date, one.party_id, one.scheme)))


def _position(row: Any, parts: tuple[AllocationPart, ...]) -> CompliancePosition:
    return CompliancePosition(
        party_id=row.party_id,
        scheme=Scheme(row.scheme),
        compliance_year=row.compliance_year,
        emissions_t=row.emissions_t,
        emissions_source=row.emissions_source,
        allocation_t=row.allocation_t,
        issued_t=row.issued_t,
        true_up_expected_t=row.true_up_expected_t,
        true_up_source=row.true_up_source,
        unconfirmed=row.unconfirmed,
        known_from=row.known_from,
        emissions_state=EmissionsState(row.emissions_state or EmissionsState.VERIFIED),
        surrendered_t=row.surrendered_t,
        as_of=row.as_of,
        parts=parts,
    )


def _headroom(row: HeadroomRow) -> HeadroomRecord:
    return HeadroomRecord(
        party_id=row.party_id,
        scheme=Scheme(row.scheme),
        compliance_year=row.compliance_year,
        business_date=row.business_date,
        decision_id=row.decision_id,
        headroom_t=row.headroom_t,
        surrender_date=row.surrender_date,
        unconfirmed=tuple(row.unconfirmed),
    )
