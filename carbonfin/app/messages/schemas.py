"""Shapes of the inbox, of webhooks, deliveries and dead letters as JSON."""

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from carbonfin.storage.messages import Delivery, InboxItem, Webhook
from carbonfin.storage.outbox import Message
from carbonfin.web.wire import NameText

EventKindText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^(\*|event(\.[a-z][a-z_]*)+(\.\*)?)$",
        description="An event by name, all that begin so (`event.approval.*`), or every one (`*`).",
        examples=["event.margin_call.issued", "event.approval.*", "*"],
    ),
]
UrlText = Annotated[
    str,
    Meta(min_length=1, max_length=2000, description="An https address without user, password or fragment."),
]
_KINDS_MAX = 50
Kinds = Annotated[list[EventKindText], Meta(min_length=1, max_length=_KINDS_MAX)]


class InboxItemOut(Struct, frozen=True, kw_only=True):
    """A notice; `address` is the page where it is dealt with."""

    item_id: str
    kind: str
    subject: str
    title: str
    title_zh: str
    text: str
    text_zh: str
    address: str
    role: str | None
    due_on: str | None
    created_at: str
    read_at: str | None
    read_by: str | None

    @classmethod
    def of(cls, item: InboxItem) -> "InboxItemOut":
        """Make it of the item."""
        return cls(
            item_id=item.id,
            kind=item.kind,
            subject=item.subject,
            title=item.title_en,
            title_zh=item.title_zh,
            text=item.text_en,
            text_zh=item.text_zh,
            address=item.address,
            role=None if item.role is None else item.role.value,
            due_on=_text(item.due_on),
            created_at=item.created_at.isoformat(),
            read_at=_text(item.read_at),
            read_by=item.read_by,
        )


class InboxOut(Struct, frozen=True, kw_only=True):
    """Notices, newest first, and how many are unread in all."""

    unread_count: int
    items: list[InboxItemOut]


class WebhookIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of the bank's own system and the events it takes."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    url: UrlText
    kinds: Kinds


class WebhookChangeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes; what is left out stays."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class RotationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long deliveries are signed with the secret before as well."""

    overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 24


class WebhookOut(Struct, frozen=True, kw_only=True):
    """A webhook; its secret is shown when it is made, never again."""

    webhook_id: str
    name: NameText
    url: str
    kinds: list[str]
    is_active: bool
    secret_version: int
    previous_secret_until: str | None
    created_at: str
    created_by: str
    version: int

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookOut":
        """Make it of the webhook."""
        return cls(
            webhook_id=webhook.id,
            name=webhook.name,
            url=webhook.url,
            kinds=list(webhook.kinds),
            is_active=webhook.is_active,
            secret_version=webhook.secret_version,
            previous_secret_until=_text(webhook.previous_until),
            created_at=webhook.created_at.isoformat(),
            created_by=webhook.created_by,
            version=webhook.version,
        )


class WebhookSecretOut(Struct, frozen=True, kw_only=True):
    """A webhook with the secret that deliveries are signed with from now on: keep it, it is not shown again."""

    webhook: WebhookOut
    secret: str


class WebhooksOut(Struct, frozen=True, kw_only=True):
    """The organisation's webhooks by name."""

    webhooks: list[WebhookOut]


class DeliveryOut(Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook: `pending`, `delivered`, `dead` or `skipped`."""

    delivery_id: str
    webhook_id: str
    webhook_name: str
    event: str
    subject: str
    number: int
    state: str
    attempts: int
    created_at: str
    next_attempt_at: str | None
    last_status: int | None
    last_failure: str | None
    delivered_at: str | None
    settled_by: str | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """Make it of the delivery."""
        return cls(
            delivery_id=delivery.id,
            webhook_id=delivery.webhook_id,
            webhook_name=delivery.webhook_name,
            event=delivery.kind,
            subject=delivery.subject,
            number=delivery.number,
            state=delivery.state.value,
            attempts=delivery.attempts,
            created_at=delivery.created_at.isoformat(),
            next_attempt_at=_text(delivery.next_attempt_at),
            last_status=delivery.last_status,
            last_failure=delivery.last_failure,
            delivered_at=_text(delivery.delivered_at),
            settled_by=delivery.settled_by,
        )


class DeliveriesOut(Struct, frozen=True, kw_only=True):
    """Deliveries, newest first."""

    deliveries: list[DeliveryOut]


class MessageOut(Struct, frozen=True, kw_only=True):
    """A message of the outbox to a registry or by mail; its content is not shown."""

    message_id: str
    kind: str
    subject: str
    number: int
    state: str
    attempts: int
    last_failure: str | None

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        """Make it of the message."""
        return cls(
            message_id=message.id,
            kind=message.kind,
            subject=message.subject,
            number=message.number,
            state=message.state.value,
            attempts=message.attempts,
            last_failure=message.last_failure,
        )


class DeadMessagesOut(Struct, frozen=True, kw_only=True):
    """Messages that were given up."""

    messages: list[MessageOut]


def _text(moment: date | datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
