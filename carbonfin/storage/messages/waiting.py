"""Which organisations have something to be sent: asked often, so one question for all."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from carbonfin.storage.messages.events import EVENT_START
from carbonfin.storage.messages.mails import MAIL
from carbonfin.storage.messages.rows import DeliveryState, InboxItemRow, WebhookDeliveryRow
from carbonfin.storage.outbox import MessageState, OutboxMessageRow
from carbonfin.storage.parties.rows import OrganizationRow


def organizations_waiting(session: Session, *, at: datetime, with_mail: bool) -> tuple[str, ...]:
    """Give the organisations with an event to lay out, a delivery that is due or, where there is mail, a mail.

    Args:
        session: A session of the operator's, who sees every organisation.
        at: The present instant.
        with_mail: Whether mails can be sent at all.
    """
    organization_id = col(OrganizationRow.id)
    kind = col(OutboxMessageRow.kind)
    next_attempt = col(OutboxMessageRow.next_attempt_at)
    next_delivery = col(WebhookDeliveryRow.next_attempt_at)
    event = kind.startswith(EVENT_START, autoescape=True)
    mail = sa.and_(kind == MAIL, sa.or_(next_attempt.is_(None), next_attempt <= at))
    reasons = [
        sa.exists()
        .where(col(OutboxMessageRow.organization_id) == organization_id)
        .where(col(OutboxMessageRow.state) == MessageState.PENDING, sa.or_(event, mail) if with_mail else event),
        sa.exists()
        .where(col(WebhookDeliveryRow.organization_id) == organization_id)
        .where(col(WebhookDeliveryRow.state) == DeliveryState.PENDING)
        .where(sa.or_(next_delivery.is_(None), next_delivery <= at)),
    ]
    if with_mail:
        reasons.append(
            sa.exists()
            .where(col(InboxItemRow.organization_id) == organization_id)
            .where(col(InboxItemRow.mailed_at).is_(None))
        )
    query = sa.select(organization_id).where(sa.or_(*reasons)).order_by(organization_id)
    return tuple(session.execute(query).scalars())
