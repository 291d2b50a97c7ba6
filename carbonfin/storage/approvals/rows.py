"""Rows of approvals: what is proposed, by whom, who decided, and each step in order."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class ApprovalState(StrEnum):
    """Where an approval stands: draft → proposed → approved → effective, or it ends otherwise."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    EFFECTIVE = "effective"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


_OPEN = sa.text("state IN ('draft', 'proposed', 'approved')")


class ApprovalRow(Row, table=True):
    """One thing that needs two people; read for update before it moves.

    `kind` says which package carries it out, `subject` what it is about (`pledge:ID`, `parameter:KEY`), and `payload`
    is exactly what takes effect: its digest stands in every step, so what was approved is what was proposed.
    `accepted` names the unconfirmed facts the checker took upon himself.
    """

    __table_args__ = (
        sa.CheckConstraint("checker_id IS NULL OR checker_id <> maker_id", name="four_eyes"),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'effective', 'rejected') OR checker_id IS NOT NULL", name="decided_by_someone"
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'proposed', 'approved', 'effective', 'rejected', 'withdrawn', 'expired')",
            name="state_known",
        ),
        sa.Index(
            "uq_approval_open",
            "organization_id",
            "kind",
            "subject",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        sa.Index(None, "organization_id", "state"),
        sa.Index(None, "organization_id", "created_at", "id"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    kind: str
    subject: str
    title_zh: str
    title_en: str
    payload: Any = Field(sa_type=columns.Json)
    payload_digest: str
    state: ApprovalState
    maker_id: str
    maker_name: str
    maker_reason: str
    checker_id: str | None = None
    checker_name: str | None = None
    checker_reason: str | None = None
    accepted: list[str] = Field(default_factory=list, sa_type=columns.Json)
    created_at: datetime
    proposed_at: datetime | None = None
    decided_at: datetime | None = None
    effective_on: date | None = None
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    version: int = 1


class ApprovalEventRow(Row, table=True):
    """One step of an approval with who, when and why; never changed."""

    __table_args__ = (sa.UniqueConstraint("approval_id", "place"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    approval_id: str = Field(foreign_key="approval.id")
    place: int
    event: str
    state_before: str | None = None
    state_after: str
    actor_id: str
    actor_name: str
    happened_at: datetime
    reason: str
    payload_digest: str
