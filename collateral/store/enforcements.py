"""Enforcements at rest: where each stands, and its steps with their evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.parties import Standing
from collateral.models import EnforcementRow, EnforcementStepRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """The enforcement of a pledge and where it stands; the claim is what was owed when the default was declared."""

    id: str
    pledge_id: str
    number: int
    state: str
    ground: str
    principal_cny: Decimal
    accrued_cny: Decimal
    opened_on: date
    maker_name: str
    checker_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementStep:
    """One step of an enforcement: what, by whom, why, and the digest of the file that shows it."""

    kind: str
    business_date: date
    happened_at: datetime
    actor_name: str
    cause: str
    evidence_digest: str
    decision_id: str | None
    details: Mapping[str, Any]


def add_enforcement(
    session: Session, checker: Actor, *, pledge_id: str, ground: str, principal_cny: Decimal, accrued_cny: Decimal,
    opened_on: date, maker_name: str,
) -> Enforcement:  # fmt: skip
    """Open the enforcement of a pledge, whose row is held."""
    number = session.exec(
        select(sa.func.count()).select_from(EnforcementRow).where(col(EnforcementRow.pledge_id) == pledge_id)
    ).one()
    row = EnforcementRow(
        organization_id=checker.organization_id,
        pledge_id=pledge_id,
        number=number + 1,
        state="OPEN",
        ground=ground,
        principal_cny=principal_cny,
        accrued_cny=accrued_cny,
        opened_on=opened_on,
        maker_name=maker_name,
        checker_name=checker.name,
    )
    session.add(row)
    session.flush()
    return _enforcement(row)


def enforcement_of(session: Session, actor: Actor, pledge_id: str, *, lock: bool = False) -> Enforcement:
    """Give the latest enforcement of a pledge; locked if it is about to move.

    Raises:
        NotFound: There is none, or the pledge is another organisation's.
    """
    query = (
        select(EnforcementRow)
        .where(EnforcementRow.organization_id == actor.organization_id, EnforcementRow.pledge_id == pledge_id)
        .order_by(col(EnforcementRow.number).desc())
        .limit(1)
    )
    row = session.exec(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(
            "this pledge is not being enforced",
            zh="该笔质押没有违约处置",
            field="pledge_id",
            remedy="Propose the default first.",
            remedy_zh="请先提请宣布违约。",
        )
    return _enforcement(row)


def change_enforcement(session: Session, enforcement: Enforcement, *, state: str) -> None:
    """Move an enforcement that was read for update."""
    row = session.get(EnforcementRow, enforcement.id)
    assert row is not None
    row.state = state
    session.add(row)
    session.flush()


def add_step(
    session: Session,
    actor: Actor,
    enforcement: Enforcement,
    kind: str,
    *,
    standing: Standing,
    cause: str,
    evidence_digest: str,
    decision_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one step with its evidence."""
    place = session.exec(
        select(sa.func.count())
        .select_from(EnforcementStepRow)
        .where(col(EnforcementStepRow.enforcement_id) == enforcement.id)
    ).one()
    session.add(
        EnforcementStepRow(
            organization_id=actor.organization_id,
            enforcement_id=enforcement.id,
            place=place,
            kind=kind,
            business_date=standing.business_date,
            happened_at=standing.known_at,
            actor_id=actor.id,
            actor_name=actor.name,
            cause=cause,
            evidence_digest=evidence_digest,
            decision_id=decision_id,
            details=dict(details or {}),
        )
    )
    session.flush()


def steps_of(session: Session, actor: Actor, enforcement_id: str) -> tuple[EnforcementStep, ...]:
    """Give the steps of an enforcement in order."""
    rows = session.exec(
        select(EnforcementStepRow)
        .where(
            EnforcementStepRow.organization_id == actor.organization_id,
            EnforcementStepRow.enforcement_id == enforcement_id,
        )
        .order_by(col(EnforcementStepRow.place))
    ).all()
    return tuple(
        EnforcementStep(
            kind=row.kind,
            business_date=row.business_date,
            happened_at=row.happened_at,
            actor_name=row.actor_name,
            cause=row.cause,
            evidence_digest=row.evidence_digest,
            decision_id=row.decision_id,
            details=row.details,
        )
        for row in rows
    )


def _enforcement(row: EnforcementRow) -> Enforcement:
    return Enforcement(
        id=row.id,
        pledge_id=row.pledge_id,
        number=row.number,
        state=row.state,
        ground=row.ground,
        principal_cny=row.principal_cny,
        accrued_cny=row.accrued_cny,
        opened_on=row.opened_on,
        maker_name=row.maker_name,
        checker_name=row.checker_name,
    )
