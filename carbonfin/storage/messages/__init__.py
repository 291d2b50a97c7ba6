"""Messages to people and to banks' systems: inbox items, webhooks and their deliveries."""

from carbonfin.storage.messages.rows import InboxItemRow, WebhookDeliveryRow, WebhookRow

__all__ = ["InboxItemRow", "WebhookDeliveryRow", "WebhookRow"]
