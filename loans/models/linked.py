"""Rows of sustainability links: terms by revision, what is handed in, observations decided, and changes of a rate."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from loans.calc.linked.agreements import LinkEvent, LinkState
from loans.calc.linked.documents import LinkDocumentKind
from loans.calc.linked.observation_terms import ObservationStatus


class SustainabilityLinkRow(Row, table=True):
    """One event of a link's life as two people signed it, with the whole terms after it; never changed.

    The release before neither reads nor writes it.
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
    contract_number: str
    event: LinkEvent
    state: LinkState
    reason: str
    valid_from: date
    known_from: date
    terms: dict[str, Any] = Field(sa_type=columns.Json)
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


class LinkDocumentRow(Row, table=True):
    """A verification report or compliance certificate as it was handed in; a corrected one is a further version."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "link_number", "observation_number", "kind", "version"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    link_number: str
    observation_number: int
    kind: LinkDocumentKind
    version: int
    received_date: date
    evidence_digest: str
    content: dict[str, Any] = Field(sa_type=columns.Json)
    recorded_by: str
    recorded_at: datetime


class LinkObservationRow(Row, table=True):
    """An observation as two people decided it; decided again, it is a further version."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "link_number", "observation_number", "version"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    link_number: str
    observation_number: int
    version: int
    status: ObservationStatus
    report_version: int | None = None
    step_bp: Decimal = Field(sa_type=columns.Ratio)
    interim_bp: Decimal | None = Field(default=None, sa_type=columns.Ratio)
    level_bp: Decimal = Field(sa_type=columns.Ratio)
    report_due_date: date
    applies_after: date
    known_from: date
    decision_id: str = Field(foreign_key="decision.id")
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


class LoanRateChangeRow(Row, table=True):
    """A change of a note's rate by its link: the whole line after it, and the compensating accrual booked with it."""

    __table_args__ = (sa.UniqueConstraint("note_id", "number"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    note_id: str = Field(foreign_key="loan_note.id", index=True)
    number: int
    link_number: str
    cause: str
    known_from: date
    spells: list[dict[str, Any]] = Field(sa_type=columns.Json)
    compensation_cny: Decimal = Field(sa_type=columns.Amount)
    decision_id: str = Field(foreign_key="decision.id")
    recorded_at: datetime
