"""Rows of decisions and of the hash chain over them."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.rules.record import canonical_json
from carbonfin.storage.rows import Row, new_id


class DecisionRow(Row, table=True):
    """One decision, never changed: the database refuses UPDATE and DELETE.

    `inputs` and `outputs` are the canonical JSON texts that the digests are over, kept as text so that no engine
    re-spells them.
    """

    __table_args__ = (
        sa.Index(None, "organization_id", "subject"),
        sa.Index(None, "organization_id", "kind"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    kind: str
    version: str
    subject: str
    valid_on: date
    known_at: datetime
    actor_id: str
    actor_name: str
    actor_role: str
    inputs: str
    inputs_digest: str
    outputs: str
    outputs_digest: str
    record_digest: str


class DecisionSealRow(Row, table=True):
    """A decision's place in its organisation's chain; the digest covers all seals before it."""

    __table_args__ = (sa.UniqueConstraint("decision_id"), {"info": {"append_only": True}})

    organization_id: str = Field(foreign_key="organization.id", primary_key=True)
    sequence: int = Field(primary_key=True)
    decision_id: str = Field(foreign_key="decision.id")
    record_digest: str
    digest: str


class DecisionChainRow(Row, table=True):
    """The head of an organisation's chain: its length and last digest."""

    organization_id: str = Field(primary_key=True, foreign_key="organization.id")
    length: int
    digest: str


class ChainHeadRow(Row, table=True):
    """The signed head of an organisation's chain at the end of a business date; exported, it proves what stood then."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "business_date"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    business_date: date
    length: int
    digest: str
    sm3_digest: str
    signed_at: datetime
    algorithm: str
    key_id: str
    public_key: str
    signature: str


def record_digest_of(row: DecisionRow) -> str:
    """Give the SHA-256 over everything a decision's row says."""
    return sha256_hex(record_text(row).encode())


def record_text(row: DecisionRow) -> str:
    """Give everything a decision's row says as canonical JSON; its digest stands in the row."""
    return canonical_json(
        {
            "id": row.id,
            "organization_id": row.organization_id,
            "kind": row.kind,
            "version": row.version,
            "subject": row.subject,
            "valid_on": row.valid_on,
            "known_at": row.known_at,
            "actor_id": row.actor_id,
            "actor_name": row.actor_name,
            "actor_role": row.actor_role,
            "inputs": row.inputs,
            "inputs_digest": row.inputs_digest,
            "outputs": row.outputs,
            "outputs_digest": row.outputs_digest,
        }
    )
