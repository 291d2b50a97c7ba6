"""Compliance positions and headroom at rest."""

from dataclasses import asdict
from datetime import date, datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from collateral.calc.agreements import CompliancePosition, HeadroomRecord
from collateral.calc.headroom import HeadroomOutcome
from collateral.models import CompliancePositionRow, HeadroomRow


def compliance_positions(
    session: Session, actor: Actor, *, known_on: date, party_id: str | None = None
) -> tuple[CompliancePosition, ...]:
    """Give the last revision known on a day of each party, scheme and year, the latest year first."""
    query = select(CompliancePositionRow).where(
        CompliancePositionRow.organization_id == actor.organization_id, CompliancePositionRow.known_from <= known_on
    )
    if party_id is not None:
        query = query.where(CompliancePositionRow.party_id == party_id)
    rows = session.exec(
        query.order_by(
            col(CompliancePositionRow.party_id),
            col(CompliancePositionRow.scheme),
            col(CompliancePositionRow.compliance_year).desc(),
            col(CompliancePositionRow.revision),
        )
    ).all()
    return tuple({(row.party_id, row.scheme, row.compliance_year): _position(row) for row in rows}.values())


def add_compliance_position(
    session: Session, actor: Actor, position: CompliancePosition, *, recorded_at: datetime
) -> None:
    """Write down a compliance position as a new revision."""
    earlier = session.exec(
        select(CompliancePositionRow.id).where(
            CompliancePositionRow.organization_id == actor.organization_id,
            CompliancePositionRow.party_id == position.party_id,
            CompliancePositionRow.scheme == position.scheme,
            CompliancePositionRow.compliance_year == position.compliance_year,
        )
    ).all()
    session.add(
        CompliancePositionRow(
            organization_id=actor.organization_id, revision=len(earlier), recorded_at=recorded_at, **asdict(position)
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
    query = select(HeadroomRow).where(
        HeadroomRow.organization_id == actor.organization_id, HeadroomRow.business_date <= on
    )
    if party_id is not None:
        query = query.where(HeadroomRow.party_id == party_id)
    rows = session.exec(query.order_by(col(HeadroomRow.business_date), col(HeadroomRow.revision))).all()
    return tuple({(row.party_id, row.scheme): _headroom(row) for row in rows}.values())


def _position(row: CompliancePositionRow) -> CompliancePosition:
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
