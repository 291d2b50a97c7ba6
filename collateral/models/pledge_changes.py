"""Rows of changes of pledges: what was asked, which units, and each step."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class PledgeChangeRow(Row, table=True):
    """A change of a pledge and where it stands; read for update before it moves.

    `request_key` is the key under which the registry was asked last.
    """

    __table_args__ = (
        sa.UniqueConstraint("pledge_id", "number"),
        sa.CheckConstraint("kind IN ('top_up', 'substitution', 'part_release', 'conversion')", name="kind_known"),
        sa.CheckConstraint("repayment_cny >= 0", name="repayment_not_negative"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    pledge_id: str = Field(foreign_key="pledge.id")
    number: int
    kind: str
    state: str
    repayment_cny: Decimal = Field(sa_type=columns.Amount)
    principal_before_cny: Decimal = Field(sa_type=columns.Amount)
    reason: str
    decision_id: str
    attempt: int
    request_key: str | None = Field(default=None, index=True)
    started_on: date
    maker_id: str
    maker_name: str
    evidence_digest: str | None = None


class PledgeChangeUnitRow(Row, table=True):
    """Tonnes of one unit that a change adds or frees, with the numbers chosen of them; never changed."""

    __table_args__ = (
        sa.UniqueConstraint("change_id", "side", "unit"),
        sa.CheckConstraint("side IN ('added', 'freed')", name="side_known"),
        sa.CheckConstraint("quantity_t > 0", name="quantity_positive"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    change_id: str = Field(foreign_key="pledge_change.id")
    side: str
    unit: str
    quantity_t: int
    serials: list[str] | None = Field(default=None, sa_type=columns.Json)


class PledgeChangeEventRow(Row, table=True):
    """One step of a change with actor, time and cause; never changed."""

    __table_args__ = (sa.UniqueConstraint("change_id", "place"), APPEND_ONLY)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    change_id: str = Field(foreign_key="pledge_change.id")
    place: int
    event: str
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    actor_id: str
    actor_name: str
    cause: str
    decision_id: str | None = None
