"""A table for trying the column types on."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class Shape(StrEnum):
    ROUND = "round-value"
    SQUARE = "square-value"


class TrialRow(Row, table=True):
    __table_args__ = (columns.within("share_ratio", columns.Ratio, low=Decimal(0), high=Decimal(1)),)

    id: str = Field(default_factory=new_id, primary_key=True)
    amount_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    price_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    share_ratio: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    quantity_t: int | None = None
    is_sample: bool | None = None
    shape: Shape | None = None
    due_date: date | None = None
    seen_at: datetime | None = None
    terms: Any | None = Field(default=None, sa_type=columns.Json)
    name: str | None = None
