"""Events for banks' own systems: written with the work that causes them, then laid out for each webhook."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.messages.rows import DeliveryState, WebhookDeliveryRow
from carbonfin.storage.messages.webhooks import webhooks_of
from carbonfin.storage.outbox import Message, MessageState, OutboxMessageRow, enqueue
from carbonfin.storage.rows import insert_many, new_ids

EVENT_START = "event."
SUBJECT_START = "event:"
_AT_ONCE = 200


def publish(session: Session, actor: Actor, *, subject: str, kind: str, payload: Mapping[str, Any]) -> Message:
    """Write an event in the transaction of the work that causes it.

    Args:
        session: The open transaction.
        actor: Who causes it; the event goes to the systems of this actor's organisation.
        subject: What it happened to, such as `pledge:ID`; events of one subject arrive in order.
        kind: `event.` and what happened.
        payload: What a system needs to act or to ask further, in plain JSON values.
    """
    assert kind.startswith(EVENT_START), f"{kind} is no kind of event"
    # Events stand in a row of their own: a receiver that is away must not hold up what goes to the registry.
    return enqueue(session, actor, subject=SUBJECT_START + subject, kind=kind, payload=payload)


def publish_first(session: Session, actor: Actor, events: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Write the first event of many new subjects by one statement: each is (subject, kind, payload)."""
    rows = []
    for event_id, (subject, kind, payload) in zip(new_ids(len(events)), events, strict=True):
        assert kind.startswith(EVENT_START), f"{kind} is no kind of event"
        rows.append(
            {
                "id": event_id,
                "subject": SUBJECT_START + subject,
                "kind": kind,
                "payload": payload,
            }
        )
    same = {
        "organization_id": actor.organization_id, "number": 1, "actor_id": actor.id, "state": MessageState.PENDING,
        "attempts": 0,
    }  # fmt: skip
    insert_many(session, OutboxMessageRow, rows, same=same)


def lay_out(session: Session, organization_id: str, *, at: datetime) -> int:
    """Make of each event that waits one delivery for each webhook that takes it, and give how many events that were.

    Rows are locked in order and waited for, never passed over: what another process lays out at the same time would
    otherwise come after what follows it.
    """
    rows = session.exec(
        select(OutboxMessageRow)
        .where(OutboxMessageRow.organization_id == organization_id, OutboxMessageRow.state == MessageState.PENDING)
        .where(col(OutboxMessageRow.kind).startswith(EVENT_START, autoescape=True))
        .order_by(col(OutboxMessageRow.subject), col(OutboxMessageRow.number))
        .limit(_AT_ONCE)
        .with_for_update()
    ).all()
    webhooks = webhooks_of(session, organization_id) if rows else ()
    for row in rows:
        for webhook in webhooks:
            if webhook.takes(row.kind):
                session.add(
                    WebhookDeliveryRow(
                        organization_id=organization_id,
                        webhook_id=webhook.id,
                        message_id=row.id,
                        subject=row.subject.removeprefix(SUBJECT_START),
                        number=row.number,
                        state=DeliveryState.PENDING,
                        created_at=at,
                    )
                )
        row.state, row.delivered_at = MessageState.DELIVERED, at
        session.add(row)
    session.flush()
    return len(rows)
