"""Rows of repos and their exposure, day by day."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class RepoRow(Row, table=True):
    """A repo between seller (正回购方) and buyer (逆回购方) by the terms it has now; title passes to the buyer.

    What changed its terms stands in `RepoEventRow`.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "code"),
        sa.CheckConstraint("seller_id <> buyer_id", name="two_parties"),
        sa.CheckConstraint("repurchase_date > purchase_date", name="ends_after_start"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    code: str
    seller_id: str = Field(foreign_key="party.id")
    buyer_id: str = Field(foreign_key="party.id")
    bank_role: str
    state: str
    unit: str
    quantity_t: int
    margin_units_t: int = 0
    margin_cash_amount: Decimal = Field(sa_type=columns.Amount)
    purchase_date: date
    repurchase_date: date
    currency: str
    purchase_price_amount: Decimal = Field(sa_type=columns.Amount)
    rate: Decimal = Field(sa_type=columns.Ratio)
    basis: str
    later_rates: list[dict[str, str]] | None = Field(default=None, sa_type=columns.Json)
    method: str
    minimum_transfer_amount: Decimal = Field(sa_type=columns.Amount)
    agreed_haircut_ratio: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    override_reason: str | None = None
    margin_rate: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    margin_steps: list[dict[str, str]] | None = Field(default=None, sa_type=columns.Json)
    flags: list[str] = Field(sa_type=columns.Json)
    start_decision_id: str
    is_sample: bool


class RepoExposureRow(Row, table=True):
    """A repo's exposure on a business date; other inputs for the same date make a further revision."""

    __table_args__ = (
        sa.UniqueConstraint("repo_id", "business_date", "revision"),
        sa.UniqueConstraint("repo_id", "business_date", "inputs_digest"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    repo_id: str = Field(foreign_key="repo.id")
    business_date: date
    revision: int
    inputs_digest: str
    decision_id: str
    repurchase_price_amount: Decimal = Field(sa_type=columns.Amount)
    accrued_value_amount: Decimal = Field(sa_type=columns.Amount)
    accrued_value_cny: Decimal = Field(sa_type=columns.Amount)
    market_value_cny: Decimal = Field(sa_type=columns.Amount)
    haircut_ratio: Decimal = Field(sa_type=columns.Ratio)
    exposure_a_cny: Decimal = Field(sa_type=columns.Amount)
    exposure_b_cny: Decimal = Field(sa_type=columns.Amount)
    exposure_cny: Decimal = Field(sa_type=columns.Amount)
    margin_call_amount: Decimal = Field(sa_type=columns.Amount)
    margin_call_units_t: int


class RepoEventRow(Row, table=True):
    """What happened to a repo, carried out by two people: the state and terms before and after; never changed."""

    __table_args__ = (
        sa.UniqueConstraint("repo_id", "place"),
        sa.UniqueConstraint("approval_id"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    repo_id: str = Field(foreign_key="repo.id")
    place: int
    kind: str
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    maker_name: str
    checker_id: str
    checker_name: str
    cause: str
    approval_id: str
    decision_id: str
    party: str | None = None
    cash_to_buyer_amount: Decimal = Field(sa_type=columns.Amount)
    currency: str
    details: dict[str, Any] = Field(sa_type=columns.Json)
