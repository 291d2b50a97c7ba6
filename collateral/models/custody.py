"""Rows of custody accounts of trading funds and of what bank and exchange state of them."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class CustodyAccountRow(Row, table=True):
    """A party's account at a custodian bank, bound to an exchange from one day to another, or until further notice."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "exchange_code", "account_number", "bound_from"),
        sa.CheckConstraint("bound_to IS NULL OR bound_to >= bound_from", name="bound_in_order"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    custodian_name: str
    account_number: str
    exchange_code: str
    bound_from: date
    bound_to: date | None = None
    entered_at: datetime
    actor_id: str
    actor_name: str


class CustodyStatementRow(Row, table=True):
    """One amount of one side's statement of an account at the end of a day; a correction adds a revision."""

    __table_args__ = (
        sa.UniqueConstraint("account_id", "business_date", "side", "item", "revision"),
        sa.CheckConstraint("side IN ('bank', 'exchange')", name="side_known"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    account_id: str = Field(foreign_key="custody_account.id")
    business_date: date
    side: str
    item: str
    amount: Decimal = Field(sa_type=columns.Amount)
    revision: int
    source: str
    entered_at: datetime
    actor_id: str
    actor_name: str
