"""Rows of the in-app inbox, of webhooks, and of each delivery to them."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.actors import Role
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id

_IN_USE = sa.text("retired_at IS NULL")


class DeliveryState(StrEnum):
    """Where a delivery stands; a dead one is sent again, or skipped, only by a person."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    SKIPPED = "skipped"


class InboxItemRow(Row, table=True):
    """One thing told to a person or to everyone of a role; `key` keeps a repeated job from telling it twice."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "key"),
        sa.CheckConstraint("person_id IS NOT NULL OR role IS NOT NULL", name="addressed"),
        sa.Index(None, "organization_id", "role"),
        sa.Index(None, "organization_id", "created_at", "id"),
        sa.Index(None, "organization_id", "mailed_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    key: str
    person_id: str | None = Field(default=None, foreign_key="user_account.id")
    role: Role | None = None
    kind: str
    subject: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    address: str
    due_on: date | None = None
    created_at: datetime
    read_at: datetime | None = None
    read_by: str | None = None
    mailed_at: datetime | None = None


class WebhookRow(Row, table=True):
    """An address of an organisation's own system; its secret is derived from our key and `secret_version`, not kept.

    Until `previous_until` deliveries are signed with the secret before as well. A retired webhook stays, so that its
    deliveries keep their place; its address may be used again.
    """

    __table_args__ = (
        sa.Index(
            "uq_webhook_address", "organization_id", "url", unique=True, sqlite_where=_IN_USE, postgresql_where=_IN_USE
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    url: str
    kinds: list[str] = Field(sa_type=columns.Json)
    secret_version: int = 1
    previous_until: datetime | None = None
    is_active: bool = True
    retired_at: datetime | None = None
    created_at: datetime
    created_by: str
    version: int = 1


class WebhookDeliveryRow(Row, table=True):
    """One message on its way to one webhook; `number` orders the deliveries of a webhook's subject.

    `settled_by` is the person who last sent a dead one again or skipped it.
    """

    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "message_id"),
        sa.UniqueConstraint("webhook_id", "subject", "number"),
        sa.Index(None, "organization_id", "state"),
        sa.Index(None, "organization_id", "created_at", "id"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    webhook_id: str = Field(foreign_key="webhook.id")
    message_id: str = Field(foreign_key="outbox_message.id")
    subject: str
    number: int
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    created_at: datetime
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    last_failure: str | None = None
    delivered_at: datetime | None = None
    settled_by: str | None = None
