"""Rows of compliance positions and headroom."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class CompliancePositionRow(Row, table=True):
    """What an emitter must surrender and still receives for one year; a correction is a further revision."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "scheme", "compliance_year", "revision"),
        sa.CheckConstraint("emissions_t >= 0 AND true_up_expected_t >= 0", name="not_negative"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    scheme: str
    compliance_year: int
    revision: int
    emissions_t: int
    emissions_source: str
    allocation_t: int | None = None
    issued_t: int | None = None
    true_up_expected_t: int
    true_up_source: str
    unconfirmed: str = ""
    known_from: date
    recorded_at: datetime
    emissions_state: str | None = None
    surrendered_t: int | None = None
    as_of: date | None = None


class ComplianceAllocationRow(Row, table=True):
    """A quantity allocated, by state and standing, of one revision of a compliance position."""

    __table_args__ = (
        sa.UniqueConstraint("compliance_position_id", "place"),
        sa.CheckConstraint("quantity_t >= 0", name="not_negative"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    compliance_position_id: str = Field(foreign_key="compliance_position.id")
    place: int
    state: str
    standing: str
    quantity_t: int
    source: str
    unconfirmed: str


class HeadroomRow(Row, table=True):
    """Headroom struck on a business date, with its decision."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "scheme", "business_date", "inputs_digest"),
        sa.UniqueConstraint("organization_id", "party_id", "scheme", "business_date", "revision"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    scheme: str
    compliance_year: int
    business_date: date
    revision: int
    inputs_digest: str
    decision_id: str
    headroom_t: int
    surrender_date: date
    unconfirmed: list[str] = Field(sa_type=columns.Json)
