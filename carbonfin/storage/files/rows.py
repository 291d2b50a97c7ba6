"""Rows of evidence files and of the links from what they prove."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id

_STANDING = sa.text("voided_at IS NULL")


class EvidenceFileRow(Row, table=True):
    """A file of one organisation by the SHA-256 of its content; erased content leaves the row behind as proof."""

    __table_args__ = (
        sa.CheckConstraint("(content IS NULL) = (erased_at IS NOT NULL)", name="content_or_erased"),
        sa.CheckConstraint("size_bytes > 0", name="size_positive"),
    )

    organization_id: str = Field(primary_key=True, foreign_key="organization.id")
    digest: str = Field(primary_key=True)
    sm3_digest: str
    media_type: str
    size_bytes: int
    content: bytes | None = Field(default=None, sa_type=columns.Content)
    stored_at: datetime
    stored_by: str
    stored_by_name: str
    erased_at: datetime | None = None
    erased_by: str | None = None
    erased_by_name: str | None = None
    erasure_reason: str | None = None
    erasure_approval_id: str | None = None


class FileLinkRow(Row, table=True):
    """What a file is evidence of: `subject` as `pledge:ID` or `approval:ID`, `kind` the document's kind.

    A link is never removed: one that is wrong, or whose reason to keep has ended, is marked void with who and why.
    """

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["organization_id", "digest"], ["evidence_file.organization_id", "evidence_file.digest"]
        ),
        sa.CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="void_with_reason"),
        sa.Index(
            "uq_file_link_standing",
            "organization_id",
            "digest",
            "subject",
            "kind",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
        sa.Index(None, "organization_id", "subject", "linked_at", "id"),
        sa.Index(None, "organization_id", "linked_at", "id"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    digest: str
    subject: str
    kind: str
    name: str
    is_personal: bool
    retain_until: date | None = None
    linked_at: datetime
    linked_by: str
    linked_by_name: str
    voided_at: datetime | None = None
    voided_by: str | None = None
    voided_by_name: str | None = None
    void_reason: str | None = None
