"""What the collateral register reads beside the pledges themselves: receipts, changes done, enforcement steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.rows import table_of
from collateral.models import EnforcementRow, EnforcementStepRow, JournalEntryRow, PledgeChangeEventRow, PledgeEventRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """A step that ended a pledge or a change, or one of an enforcement.

    Attributes:
        subject_id: The pledge or the change.
    """

    subject_id: str
    kind: str
    day: date
    actor_name: str
    cause: str
    evidence: str = ""
    details: Mapping[str, Any] | None = None


def freeze_receipts(session: Session, actor: Actor) -> dict[str, str]:
    """Give by agreement what the ledger was told when its units were locked: the registry's receipt."""
    table = table_of(JournalEntryRow)
    rows = session.execute(
        sa.select(table.c.agreement_code, table.c.cause)
        .where(table.c.organization_id == actor.organization_id, table.c.kind == "confirm")
        .order_by(table.c.entered_at, table.c.id)
    )
    return {row.agreement_code: row.cause for row in rows if row.agreement_code is not None}


def released_pledges(session: Session, actor: Actor) -> tuple[DoneStep, ...]:
    """Give the step by which each pledge was released."""
    table = table_of(PledgeEventRow)
    rows = session.execute(
        sa.select(table)
        .where(table.c.organization_id == actor.organization_id, table.c.state_after == "RELEASED")
        .order_by(table.c.business_date, table.c.id)
    )
    return tuple(
        DoneStep(
            subject_id=row.pledge_id, kind=row.event, day=row.business_date, actor_name=row.actor_name, cause=row.cause
        )
        for row in rows
    )


def done_changes(session: Session, actor: Actor) -> dict[str, DoneStep]:
    """Give by change the step that completed it."""
    table = table_of(PledgeChangeEventRow)
    rows = session.execute(
        sa.select(table).where(table.c.organization_id == actor.organization_id, table.c.state_after == "DONE")
    )
    return {
        row.change_id: DoneStep(
            subject_id=row.change_id, kind=row.event, day=row.business_date, actor_name=row.actor_name, cause=row.cause
        )
        for row in rows
    }


def enforcement_steps(session: Session, actor: Actor) -> tuple[DoneStep, ...]:
    """Give the steps of every enforcement, each with its pledge."""
    steps, opened = table_of(EnforcementStepRow), table_of(EnforcementRow)
    rows = session.execute(
        sa.select(steps, opened.c.pledge_id)
        .join(opened, opened.c.id == steps.c.enforcement_id)
        .where(steps.c.organization_id == actor.organization_id)
        .order_by(steps.c.business_date, steps.c.enforcement_id, steps.c.place)
    )
    return tuple(
        DoneStep(
            subject_id=row.pledge_id, kind=row.kind, day=row.business_date, actor_name=row.actor_name,
            cause=row.cause, evidence=row.evidence_digest, details=row.details,
        )
        for row in rows
    )  # fmt: skip
