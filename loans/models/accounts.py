"""Rows of carbon accounts: years, lines and consents, and outside rating reports."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from loans.calc.account_entries import EntryKind
from loans.calc.account_pulls import DataProvider
from loans.calc.consents import ConsentPurpose, ConsentState


class CarbonAccountYearRow(Row, table=True):
    """One year of an enterprise's carbon account; a correction is a new version, nothing is edited."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "year", "version"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    year: int
    version: int
    grid_area: str
    electricity_mwh: Decimal | None = Field(default=None, sa_type=columns.Quantity)
    traded_green_mwh: Decimal | None = Field(default=None, sa_type=columns.Quantity)
    fuels: dict[str, str] = Field(sa_type=columns.Json)
    value_added_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    revenue_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    equity_plus_debt_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    sector_mean_t_per_10k_cny: Decimal | None = Field(default=None, sa_type=columns.Quantity)
    sector_mean_source: str
    sector_mean_confirmed: bool
    source: str
    recorded_by: str
    recorded_at: datetime


class RatingReportRow(Row, table=True):
    """An outside rating report as it was handed in."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "producer", "report_date"),
        sa.CheckConstraint("valid_to >= report_date", name="valid_after_made"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    producer: str
    report_date: date
    valid_to: date
    score: Decimal | None = Field(default=None, sa_type=columns.Quantity)
    source: str
    confirmed: bool
    recorded_by: str
    recorded_at: datetime


class AccountConsentRow(Row, table=True):
    """A consent to use an enterprise's data for one purpose, or its withdrawal; the last one counts."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "purpose", "number"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    purpose: ConsentPurpose
    number: int
    state: ConsentState
    given_on: date
    valid_to: date | None = None
    evidence: str
    recorded_by: str
    recorded_at: datetime


class AccountEntryRow(Row, table=True):
    """One line of a carbon account; a correction is a new version with its reason, nothing is edited."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "kind", "year", "month", "item", "version"),
        sa.Index(None, "organization_id", "kind", "item"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    kind: EntryKind
    year: int
    month: int
    item: str
    version: int
    quantity: Decimal | None = Field(default=None, sa_type=columns.Quantity)
    factor_id: str
    factor_year: int | None = None
    evidence: str
    source: str
    reason: str
    recorded_by: str
    recorded_at: datetime


class AccountPullRow(Row, table=True):
    """Lines asked of a provider of account data: for what purpose, by which consent, and what became of them."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "number"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    number: int
    provider: DataProvider
    usci: str
    purpose: ConsentPurpose
    consent: str
    from_year: int
    to_year: int
    address: str
    digest: str
    attempt_count: int
    row_count: int
    added_count: int
    corrected_count: int
    unchanged_count: int
    failures: list[dict[str, str | None]] = Field(sa_type=columns.Json)
    pulled_by: str
    pulled_at: datetime
