"""Rows of credit lines, contracts and loan notes, the interest on them, and term sheets."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.dates import DayCount
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from loans.calc.contracts.terms import AccrualDates, RepaymentMethod
from loans.calc.green import GreenEvent
from loans.calc.jiangtandai import RateStatus
from loans.calc.notes import NoteState


class LoanNoteRow(Row, table=True):
    """A loan note (借据): drawn once, interest by its terms, perhaps behind a pledge."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "code"),
        sa.CheckConstraint("maturity_date > drawdown_date", name="matures_after_drawdown"),
        sa.CheckConstraint("principal_cny > 0", name="principal_above_zero"),
        sa.CheckConstraint("outstanding_cny >= 0 AND outstanding_cny <= principal_cny", name="outstanding_within"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    code: str
    pledge_code: str | None = None
    product: str
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    outstanding_cny: Decimal = Field(sa_type=columns.Amount)
    drawdown_date: date
    maturity_date: date
    rate: Decimal = Field(sa_type=columns.Ratio)
    rate_note: str
    basis: DayCount
    method: RepaymentMethod
    interest_period_months: int
    settlement_day: int
    accrual_dates: AccrualDates
    interest_paid_to: date
    state: NoteState
    settled_date: date | None = None
    is_sample: bool
    contract_number: str | None = None
    approval_id: str | None = None
    recorded_by: str
    recorded_at: datetime


class CreditLineRow(Row, table=True):
    """A credit line (授信) as two people approved it, never changed: a change is a further revision.

    It is valid from `valid_from` and known from the business date of its approval; `terms` is the whole as signed.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "number", "revision"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    number: str
    revision: int
    party_id: str = Field(foreign_key="party.id", index=True)
    valid_from: date
    known_from: date
    terms: dict[str, Any] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


class LoanContractRow(Row, table=True):
    """A loan contract (借款合同) under a credit line as two people approved it; a change is a further revision."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "number", "revision"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    number: str
    revision: int
    line_number: str
    valid_from: date
    known_from: date
    terms: dict[str, Any] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


class InterestVoucherRow(Row, table=True):
    """Interest paid for one period (付息凭证), split into net and VAT when it was paid."""

    __table_args__ = (
        sa.UniqueConstraint("note_id", "number"),
        sa.CheckConstraint("period_end > period_start", name="period_forward"),
        sa.CheckConstraint("net_cny + vat_cny = interest_cny", name="net_and_tax_tie"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    period_start: date
    period_end: date
    paid_date: date
    interest_cny: Decimal = Field(sa_type=columns.Amount)
    vat_rate: Decimal = Field(sa_type=columns.Ratio)
    net_cny: Decimal = Field(sa_type=columns.Amount)
    vat_cny: Decimal = Field(sa_type=columns.Amount)
    corrects: int | None = None


class AccrualRow(Row, table=True):
    """Interest accrued on a note up to a business date; one a note and date."""

    __table_args__ = (sa.UniqueConstraint("note_id", "accrual_date"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    accrual_date: date
    paid_to: date
    days: int
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    accrued_cny: Decimal = Field(sa_type=columns.Amount)
    penalty_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    compound_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)


class TermSheetRow(Row, table=True):
    """A version of a term sheet; its content is its decision, the entry is what the officer typed."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "number", "version"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id", index=True)
    number: str
    version: int
    reason: str
    product: str
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    drawdown_date: date
    maturity_date: date
    status: RateStatus
    executed_rate: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    provisional_from: date | None = None
    entry: dict[str, str] = Field(sa_type=columns.Json)
    decision_id: str = Field(foreign_key="decision.id")
    digest: str
    created_by: str
    created_at: datetime


class GreenRecognitionRow(Row, table=True):
    """What two people stated of a note by a dated green catalogue (绿色认定), never changed: a change is a revision.

    The release before neither reads nor writes it.
    """

    __table_args__ = (
        sa.UniqueConstraint("note_id", "revision"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    revision: int
    event: GreenEvent
    valid_from: date
    known_from: date
    terms: dict[str, Any] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime
