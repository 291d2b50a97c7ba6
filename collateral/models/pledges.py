"""Rows of pledges: terms, approvals, timeline, exposures, coverage and calls."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class PledgeRow(Row, table=True):
    """A pledge and where it stands; read for update before it moves."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "code"),
        sa.CheckConstraint("principal_cny > 0", name="principal_positive"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    code: str
    pledgor_id: str = Field(foreign_key="party.id", index=True)
    state: str
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    end_date: date
    extends_code: str = ""
    applied_on: date
    maker_id: str
    maker_name: str
    registration_number: str | None = None
    appraisal_id: str | None = None
    drawn_on: date | None = None
    released_on: date | None = None
    refusals: list[dict[str, str]] = Field(default_factory=list, sa_type=columns.Json)
    is_sample: bool


class PledgeUnitRow(Row, table=True):
    """Tonnes of one unit under a pledge."""

    __table_args__ = (
        sa.UniqueConstraint("pledge_id", "unit"),
        sa.CheckConstraint("quantity_t > 0", name="quantity_positive"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    pledge_id: str = Field(foreign_key="pledge.id")
    unit: str
    quantity_t: int


class PledgeEventRow(Row, table=True):
    """One step of a pledge with actor, time and cause; never changed."""

    __table_args__ = (sa.UniqueConstraint("pledge_id", "place"), APPEND_ONLY)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    pledge_id: str = Field(foreign_key="pledge.id")
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


class PledgeApprovalRow(Row, table=True):
    """A pledge approved or rejected, as the release before wrote it.

    Approvals stand in `approval` now, where the migration has copied these. The table stays until no process of that
    release can still run; the migration after the next one drops it.
    """

    __table_args__ = (
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        sa.CheckConstraint("finding IN ('approved', 'rejected')", name="finding_known"),
        sa.UniqueConstraint("pledge_id"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    pledge_id: str = Field(foreign_key="pledge.id")
    finding: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    reason: str
    accepted_unconfirmed: list[str] = Field(sa_type=columns.Json)
    decided_at: datetime


class AgreementExposureRow(Row, table=True):
    """What is owed behind an agreement on a day; a correction is a further revision."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "agreement_code", "exposure_date", "revision"),
        sa.CheckConstraint("principal_cny >= 0 AND accrued_cny >= 0 AND costs_cny >= 0", name="not_negative"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    agreement_code: str
    exposure_date: date
    revision: int
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    accrued_cny: Decimal = Field(sa_type=columns.Amount)
    costs_cny: Decimal = Field(sa_type=columns.Amount)
    source: str


class CoverageRow(Row, table=True):
    """Coverage struck on a business date; other inputs for the same date make a further revision."""

    __table_args__ = (
        sa.UniqueConstraint("pledge_id", "business_date", "revision"),
        sa.UniqueConstraint("pledge_id", "business_date", "inputs_digest"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    pledge_id: str = Field(foreign_key="pledge.id")
    business_date: date
    revision: int
    inputs_digest: str
    decision_id: str
    market_value_cny: Decimal = Field(sa_type=columns.Amount)
    collateral_value_cny: Decimal = Field(sa_type=columns.Amount)
    debt_cny: Decimal = Field(sa_type=columns.Amount)
    coverage_ratio: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    ltv_ratio: Decimal = Field(sa_type=columns.Ratio)
    warning_ratio: Decimal = Field(sa_type=columns.Ratio)
    level: str
    cash_to_initial_cny: Decimal = Field(sa_type=columns.Amount)
    top_ups: list[dict[str, str | int | bool]] = Field(sa_type=columns.Json)
    closeout_days: int
    safe_date_kind: str
    safe_date: date | None = None
    unconfirmed: list[str] = Field(sa_type=columns.Json)
    margin_held_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    delivery_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    return_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    terms_id: str | None = None


class MarginCallRow(Row, table=True):
    """A call for more cover or a return of margin; `part` tells the disputed rest of a call from its agreed part."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "agreement_code", "issued_on", "part"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    agreement_code: str
    state: str
    issued_on: date
    deadline: date | None = None
    currency: str
    cash_amount: Decimal = Field(sa_type=columns.Amount)
    top_ups: list[dict[str, str | int | bool]] = Field(sa_type=columns.Json)
    decision_id: str
    issued_at: datetime
    closed_on: date | None = None
    part: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    direction: str = Field(default="delivery", sa_column_kwargs={"server_default": "delivery"})
    received_amount: Decimal = Field(
        default=Decimal("0.00"), sa_type=columns.Amount, sa_column_kwargs={"server_default": "0"}
    )
    deadline_at: datetime | None = None
    resolution_at: datetime | None = None
    grace_end_at: datetime | None = None
    terms_id: str | None = None
