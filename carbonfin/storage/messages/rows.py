"""Rows of the in-app inbox, of webhooks, and of each delivery to them."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.actors import Role
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class DeliveryState(StrEnum):
    """Where a delivery stands; a dead one is sent again only by a person."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class InboxItemRow(Row, table=True):
    """One thing told to a person or to everyone of a role; `key` keeps a repeated job from telling it twice."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "key"),
        sa.CheckConstraint("person_id IS NOT NULL OR role IS NOT NULL", name="addressed"),
        sa.Index(None, "organization_id", "role"),
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


class WebhookRow(Row, table=True):
    """An address of an organisation's own system; its secret is derived from our key and `secret_version`, not kept."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "url"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    url: str
    kinds: list[str] = Field(sa_type=columns.Json)
    secret_version: int = 1
    is_active: bool = True
    created_at: datetime
    created_by: str
    version: int = 1


class WebhookDeliveryRow(Row, table=True):
    """One message on its way to one webhook; `number` orders the deliveries of a webhook's subject."""

    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "message_id"),
        sa.UniqueConstraint("webhook_id", "subject", "number"),
        sa.Index(None, "organization_id", "state"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    webhook_id: str = Field(foreign_key="webhook.id")
    message_id: str = Field(foreign_key="outbox_message.id")
    subject: str
    number: int
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_status: int | None = None
    last_failure: str | None = None
    delivered_at: datetime | None = None
