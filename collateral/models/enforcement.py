"""Rows of authorities' acts and of enforcements with their steps."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class AuthorityActRow(Row, table=True):
    """A freeze, lift or deduction by an authority, with its document; never changed."""

    __table_args__ = (
        sa.CheckConstraint("kind IN ('freeze', 'lift', 'deduction')", name="kind_known"),
        sa.CheckConstraint("quantity_t > 0", name="quantity_positive"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    party_id: str = Field(foreign_key="party.id", index=True)
    pledge_id: str | None = Field(default=None, foreign_key="pledge.id", index=True)
    unit: str
    kind: str
    quantity_t: int
    freeze_id: str | None = Field(default=None, index=True)
    authority: str
    document: str
    document_date: date
    evidence_digest: str
    business_date: date
    recorded_at: datetime
    actor_id: str
    actor_name: str


class EnforcementRow(Row, table=True):
    """The enforcement of a pledge and where it stands; read for update before it moves."""

    __table_args__ = (
        sa.UniqueConstraint("pledge_id", "number"),
        sa.CheckConstraint("state IN ('OPEN', 'SOLD', 'ENDED')", name="state_known"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    pledge_id: str = Field(foreign_key="pledge.id")
    number: int
    state: str
    ground: str
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    accrued_cny: Decimal = Field(sa_type=columns.Amount)
    opened_on: date
    maker_name: str
    checker_name: str


class EnforcementStepRow(Row, table=True):
    """One step of an enforcement with its evidence; never changed."""

    __table_args__ = (sa.UniqueConstraint("enforcement_id", "place"), APPEND_ONLY)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    enforcement_id: str = Field(foreign_key="enforcement.id")
    place: int
    kind: str
    business_date: date
    happened_at: datetime
    actor_id: str
    actor_name: str
    cause: str
    evidence_digest: str
    decision_id: str | None = None
    details: dict[str, Any] = Field(sa_type=columns.Json)
