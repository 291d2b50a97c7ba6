"""Rows of margin: terms as two people approved them, and the steps of each call."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class MarginTermsRow(Row, table=True):
    """Margin terms of one agreement, never changed: a change is a further revision with its own approval.

    `terms` is the whole as it was signed; the columns beside it are what queries ask.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "agreement_code", "revision"),
        sa.CheckConstraint("agreement_kind IN ('pledge', 'repo')", name="kind_known"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    agreement_kind: str
    agreement_code: str
    revision: int
    valid_from: date
    terms: dict[str, str | int | list[str] | None] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


class MarginCallEventRow(Row, table=True):
    """One step of a call with actor, time, amount and cause; never changed."""

    __table_args__ = (sa.UniqueConstraint("call_id", "place"), APPEND_ONLY)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    call_id: str = Field(foreign_key="margin_call.id")
    place: int
    event: str
    state_before: str
    state_after: str
    amount: Decimal = Field(sa_type=columns.Amount)
    business_date: date
    happened_at: datetime
    actor_id: str
    actor_name: str
    cause: str
