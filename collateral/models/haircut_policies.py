"""Rows of haircut policies as two people approved them."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from collateral.models.ledger import APPEND_ONLY


class HaircutPolicyRow(Row, table=True):
    """A bank's policy for one class of units, never changed: a change is a further revision with its own approval.

    It is valid from `valid_from` and known from the business date of its approval; `policy` is the whole as signed.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "code", "revision"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        APPEND_ONLY,
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    code: str
    revision: int
    valid_from: date
    known_from: date
    policy: dict[str, Any] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime
