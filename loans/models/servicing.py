"""Rows of loan notes in service: receipts, stretches of schedule, classifications, and notices that were made."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from loans.calc.servicing.classification import RiskClass
from loans.calc.servicing.concession_turns import ConcessionTurn
from loans.calc.servicing.dues import SegmentReason
from loans.calc.servicing.notices import NoticeKind


class RepaymentRow(Row, table=True):
    """Money received on a note (还款) and what of it went where; approved by a second person, never changed.

    `reference_copy` is 0; it numbers receipts that shared a reference before the database kept them apart.
    """

    __table_args__ = (
        sa.UniqueConstraint("note_id", "number"),
        sa.CheckConstraint("amount_cny > 0", name="amount_above_zero"),
        sa.Index(
            "uq_repayment_organization_id_reference_reference_copy",
            "organization_id",
            "reference",
            "reference_copy",
            unique=True,
        ),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    paid_on: date
    amount_cny: Decimal = Field(sa_type=columns.Amount)
    fees_cny: Decimal = Field(sa_type=columns.Amount)
    compensation_cny: Decimal = Field(sa_type=columns.Amount)
    prepaid_cny: Decimal = Field(sa_type=columns.Amount)
    lines: list[dict[str, Any]] = Field(sa_type=columns.Json)
    interest_paid_to_before: date
    reference: str
    reference_copy: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    allocation_order: str
    approval_id: str
    recorded_by: str
    recorded_at: datetime


class NoteSegmentRow(Row, table=True):
    """The stretch of a note's schedule that begins on a day (分段计息); of one day the last number counts."""

    __table_args__ = (sa.UniqueConstraint("note_id", "number"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    start: date
    principal_cny: Decimal = Field(sa_type=columns.Amount)
    rate: Decimal = Field(sa_type=columns.Ratio)
    reason: SegmentReason
    words: str
    recorded_by: str
    recorded_at: datetime


class LoanClassificationRow(Row, table=True):
    """A note's risk class (五级分类) from a day on as the bank's system gave it; of one day the last number counts."""

    __table_args__ = (sa.UniqueConstraint("note_id", "number"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    classified_on: date
    risk_class: RiskClass
    stage: int | None = None
    source: str
    recorded_by: str
    recorded_at: datetime


class LoanNoticeRow(Row, table=True):
    """A notice of a payment with its figures as they were told; one a note, kind and payment."""

    __table_args__ = (sa.UniqueConstraint("note_id", "kind", "due_start"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    kind: NoticeKind
    due_start: date
    due_on: date
    made_on: date
    content: dict[str, Any] = Field(sa_type=columns.Json)
    recorded_at: datetime


class LoanRateResetRow(Row, table=True):
    """A reset of a note's rate to the LPR (重定价) as it was decided; one a note and reset day."""

    __table_args__ = (
        sa.UniqueConstraint("note_id", "number"),
        sa.UniqueConstraint("note_id", "reset_date"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    known_from: date
    reset_date: date
    fixing_date: date
    lpr_tenor: str
    lpr_rate: Decimal = Field(sa_type=columns.Ratio)
    published_on: date
    margin_bp: int
    concession_bp: Decimal = Field(sa_type=columns.Ratio)
    rate: Decimal = Field(sa_type=columns.Ratio)
    rate_without_concession: Decimal = Field(sa_type=columns.Ratio)
    contract_revision: int
    rate_before: Decimal = Field(sa_type=columns.Ratio)
    rate_after: Decimal = Field(sa_type=columns.Ratio)
    compensation_cny: Decimal = Field(sa_type=columns.Amount)
    change_number: int | None = None
    decision_id: str = Field(foreign_key="decision.id")
    recorded_at: datetime


class LoanConcessionStopRow(Row, table=True):
    """The days on which a note's concession stands still, as now known (逾期停止优惠): the last number counts."""

    __table_args__ = (sa.UniqueConstraint("note_id", "number"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    known_from: date
    turn: ConcessionTurn
    effective_on: date
    stops: list[dict[str, Any]] = Field(sa_type=columns.Json)
    rate_before: Decimal = Field(sa_type=columns.Ratio)
    rate_after: Decimal = Field(sa_type=columns.Ratio)
    compensation_cny: Decimal = Field(sa_type=columns.Amount)
    change_number: int | None = None
    decision_id: str = Field(foreign_key="decision.id")
    recorded_at: datetime
