"""Rows of decisions and of the hash chain over them."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.rules.record import canonical_json
from carbonfin.storage.rows import Row, new_id

RECORD_FORM = 2
"""What `record_text` writes of decisions made now; those of before have none and are written without people."""
PEOPLE = (
    "form", "engine_version", "maker_id", "maker_name", "checker_id", "checker_name", "approval_id", "override",
)  # fmt: skip
"""What a record says from form 2 on."""
_OVERRIDDEN = sa.text("override IS NOT NULL")


class DecisionRow(Row, table=True):
    """One decision, never changed: the database refuses UPDATE and DELETE.

    `inputs` and `outputs` are the canonical JSON texts that the digests are over, kept as text so that no engine
    re-spells them. `form` says what the record digest is over; decisions of before it have none, and nothing of what
    follows it. `override` is canonical JSON.
    """

    __table_args__ = (
        sa.Index(None, "organization_id", "subject"),
        sa.Index(None, "organization_id", "kind"),
        sa.Index(
            "ix_decision_overridden",
            "organization_id",
            "known_at",
            "id",
            sqlite_where=_OVERRIDDEN,
            postgresql_where=_OVERRIDDEN,
        ),
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
    form: int | None = None
    engine_version: str | None = None
    maker_id: str | None = None
    maker_name: str | None = None
    checker_id: str | None = None
    checker_name: str | None = None
    approval_id: str | None = None
    override: str | None = None


class DecisionSealRow(Row, table=True):
    """A decision's place in its organisation's chain; the digest covers all seals before it."""

    __table_args__ = (sa.UniqueConstraint("decision_id"), {"info": {"append_only": True}})

    organization_id: str = Field(foreign_key="organization.id", primary_key=True)
    sequence: int = Field(primary_key=True)
    decision_id: str = Field(foreign_key="decision.id")
    record_digest: str
    digest: str


class DecisionItemRow(Row, table=True):
    """One item of a batch, never changed; the digest covers all items before it, and its batch names the last one."""

    __table_args__ = (sa.Index(None, "organization_id", "subject"), {"info": {"append_only": True}})

    decision_id: str = Field(foreign_key="decision.id", primary_key=True)
    place: int = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    subject: str
    inputs: str
    row_place: int | None = None
    match_mask: str | None = None
    outputs: str
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
    """Give everything a decision's row says as canonical JSON; its digest stands in the row.

    A decision of before form 2 is written as it was then; where it says anything of the people all the same, somebody
    wrote that later, and the text says it too, so that the digest no longer fits.
    """
    later = {name: getattr(row, name) for name in PEOPLE}
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
            **(later if any(value is not None for value in later.values()) else {}),
        }
    )
