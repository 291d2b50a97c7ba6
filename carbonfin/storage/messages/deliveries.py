"""Deliveries to webhooks: sent at least once and in order of their subject, ever more slowly, until a person decides.

A delivery is taken before it is sent: the attempt is counted and the delivery set aside for a minute in a transaction
of its own. A process that dies after the receiver has answered leaves it set aside; it is then sent again under the
same identifier. What the receiver answered is noted afterwards.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.kernel.webhooks import EventBody
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.messages.rows import DeliveryState, WebhookDeliveryRow, WebhookRow
from carbonfin.storage.messages.webhooks import Webhook, webhook_of_row
from carbonfin.storage.outbox import OutboxMessageRow

ATTEMPTS_MAX = 12
SET_ASIDE = timedelta(seconds=60)
_FIRST_DELAY_S = 10
_GROWTH = 3
_DELAY_MAX_S = 12 * 3600
_JITTER_PERMILLE = 400
_UNFINISHED = (DeliveryState.PENDING, DeliveryState.DEAD)
_OK_MIN, _OK_MAX = 200, 299


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook."""

    id: str
    webhook_id: str
    webhook_name: str
    kind: str
    subject: str
    number: int
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    last_status: int | None
    last_failure: str | None
    delivered_at: datetime | None
    settled_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenDelivery:
    """A delivery set aside to be sent now; `attempt` tells this attempt from one that another process makes later."""

    id: str
    attempt: int
    webhook: Webhook
    body: EventBody


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverAnswer:
    """What came back: a status, or why there was none; never what the receiver wrote."""

    status: int | None
    failure: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it: any status from 200 to 299."""
        return self.status is not None and _OK_MIN <= self.status <= _OK_MAX


def retry_delay(delivery_id: str, attempts: int) -> timedelta:
    """Give how long after an attempt the next is made: 10 s, three times as long each time, at most 12 hours.

    It is made up to a fifth shorter or longer, by the delivery's identifier, so that what failed together does not come
    back together; the same delivery always waits the same.
    """
    longest = min(_FIRST_DELAY_S * _GROWTH ** (attempts - 1), _DELAY_MAX_S)
    draw = int.from_bytes(hashlib.sha256(f"{delivery_id}:{attempts}".encode()).digest()[:4])
    permille = 1000 - _JITTER_PERMILLE // 2 + draw % (_JITTER_PERMILLE + 1)
    return timedelta(milliseconds=longest * permille)


def take_delivery(session: Session, organization_id: str, *, at: datetime) -> TakenDelivery | None:
    """Set the next delivery that is due aside for the caller to send, and give it; None where none is due."""
    for _ in range(ATTEMPTS_MAX):
        found = session.exec(_next_due(organization_id, at)).first()
        if found is None:
            return None
        row, webhook, message = found
        if row.attempts < ATTEMPTS_MAX:
            row.attempts += 1
            row.next_attempt_at = at + SET_ASIDE
            session.add(row)
            session.flush()
            return TakenDelivery(
                id=row.id,
                attempt=row.attempts,
                webhook=webhook_of_row(webhook),
                body=EventBody(
                    delivery_id=row.id,
                    event=message.kind,
                    subject=row.subject,
                    number=row.number,
                    payload=message.payload,
                ),
            )
        # The process that made the last attempt died before it noted an answer.
        row.state, row.next_attempt_at = DeliveryState.DEAD, None
        session.add(row)
        session.flush()
    return None


def note_answer(session: Session, taken: TakenDelivery, answer: ReceiverAnswer, *, at: datetime) -> DeliveryState:
    """Note what the receiver answered, and give where the delivery stands.

    Where nobody answered, the webhook's other deliveries wait as long as this one: they would not arrive either, and
    would only hold up everybody else's.
    """
    row = _row(session, taken.id)
    if row.state is not DeliveryState.PENDING or (row.attempts != taken.attempt and not answer.arrived):
        return row.state
    row.last_status, row.last_failure = answer.status, answer.failure or None
    if answer.arrived:
        row.state, row.delivered_at, row.next_attempt_at = DeliveryState.DELIVERED, at, None
    elif row.attempts >= ATTEMPTS_MAX:
        row.state, row.next_attempt_at = DeliveryState.DEAD, None
    else:
        row.next_attempt_at = at + retry_delay(row.id, row.attempts)
    session.add(row)
    session.flush()
    if answer.status is None and row.next_attempt_at is not None:
        _hold(session, row.webhook_id, until=row.next_attempt_at)
    return row.state


def resend_delivery(session: Session, actor: Actor, delivery_id: str) -> Delivery:
    """Have a delivery that was given up sent again, from the first attempt and under its old identifier.

    Raises:
        NotFound: The organisation has no such delivery.
        Conflict: It was not given up.
    """
    row = _dead(session, actor, delivery_id)
    row.state, row.attempts, row.next_attempt_at = DeliveryState.PENDING, 0, None
    row.settled_by = actor.name
    session.add(row)
    session.flush()
    return load_delivery(session, actor, delivery_id)


def skip_delivery(session: Session, actor: Actor, delivery_id: str) -> Delivery:
    """Leave a delivery that was given up undone, so that the later ones of its subject go out.

    Raises:
        NotFound: The organisation has no such delivery.
        Conflict: It was not given up.
    """
    row = _dead(session, actor, delivery_id)
    row.state, row.settled_by = DeliveryState.SKIPPED, actor.name
    session.add(row)
    session.flush()
    return load_delivery(session, actor, delivery_id)


def delivery_page(
    session: Session,
    actor: Actor,
    place: Place,
    *,
    state: DeliveryState | None = None,
    webhook_id: str | None = None,
) -> Slice[Delivery]:
    """Give a page of the organisation's deliveries, newest first."""
    query = _with_names().where(col(WebhookDeliveryRow.organization_id) == actor.organization_id)
    if state is not None:
        query = query.where(col(WebhookDeliveryRow.state) == state)
    if webhook_id is not None:
        query = query.where(col(WebhookDeliveryRow.webhook_id) == webhook_id)
    keys = (col(WebhookDeliveryRow.created_at), col(WebhookDeliveryRow.id))
    rows = session.execute(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row[0].created_at, row[0].id), value=lambda row: _delivery(*row))


def load_delivery(session: Session, actor: Actor, delivery_id: str) -> Delivery:
    """Give a delivery of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    found = session.execute(
        _with_names()
        .where(col(WebhookDeliveryRow.organization_id) == actor.organization_id)
        .where(col(WebhookDeliveryRow.id) == delivery_id)
    ).one_or_none()
    if found is None:
        raise _unknown(delivery_id)
    return _delivery(*found)


def dead_count(session: Session, organization_id: str) -> int:
    """Give how many deliveries of an organisation were given up."""
    return session.exec(
        select(sa.func.count())
        .select_from(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.organization_id == organization_id, WebhookDeliveryRow.state == DeliveryState.DEAD)
    ).one()


def _next_due(organization_id: str, at: datetime) -> Select[WebhookDeliveryRow, WebhookRow, OutboxMessageRow]:
    """Ask for the delivery due longest, of each webhook's subject only the first that is not done with."""
    earlier = aliased(WebhookDeliveryRow)
    waits = (
        sa.select(sa.literal(1))
        .where(
            col(earlier.webhook_id) == col(WebhookDeliveryRow.webhook_id),
            col(earlier.subject) == col(WebhookDeliveryRow.subject),
            col(earlier.number) < col(WebhookDeliveryRow.number),
            col(earlier.state).in_(_UNFINISHED),
        )
        .exists()
    )
    next_attempt = col(WebhookDeliveryRow.next_attempt_at)
    return (
        select(WebhookDeliveryRow, WebhookRow, OutboxMessageRow)
        .join(WebhookRow, col(WebhookRow.id) == col(WebhookDeliveryRow.webhook_id))
        .join(OutboxMessageRow, col(OutboxMessageRow.id) == col(WebhookDeliveryRow.message_id))
        .where(
            col(WebhookDeliveryRow.organization_id) == organization_id,
            col(WebhookDeliveryRow.state) == DeliveryState.PENDING,
            col(WebhookRow.is_active),
            sa.or_(next_attempt.is_(None), next_attempt <= at),
            ~waits,
        )
        .order_by(
            sa.func.coalesce(next_attempt, col(WebhookDeliveryRow.created_at)),
            col(WebhookDeliveryRow.number),
            col(WebhookDeliveryRow.id),
        )
        .limit(1)
        .with_for_update(of=WebhookDeliveryRow, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _hold(session: Session, webhook_id: str, *, until: datetime) -> None:
    next_attempt = col(WebhookDeliveryRow.next_attempt_at)
    session.execute(
        sa.update(WebhookDeliveryRow)
        .where(col(WebhookDeliveryRow.webhook_id) == webhook_id)
        .where(col(WebhookDeliveryRow.state) == DeliveryState.PENDING)
        .where(sa.or_(next_attempt.is_(None), next_attempt < until))
        .values(next_attempt_at=until)
        .execution_options(synchronize_session=False)
    )


def _dead(session: Session, actor: Actor, delivery_id: str) -> WebhookDeliveryRow:
    row = _row(session, delivery_id)
    if row.organization_id != actor.organization_id:
        raise _unknown(delivery_id)
    if row.state is not DeliveryState.DEAD:
        raise Conflict(
            f"delivery {delivery_id} is {row.state.value}, not dead",
            zh="只有已停止发送的推送可以重发或跳过",
            field="delivery_id",
            remedy="Leave it: it has arrived, was skipped, or is tried again by itself.",
            remedy_zh="无需处理：该推送已送达、已跳过或会自动重试。",
            state=row.state.value,
        )
    return row


def _row(session: Session, delivery_id: str) -> WebhookDeliveryRow:
    row = session.exec(
        select(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise _unknown(delivery_id)
    return row


def _with_names() -> Any:
    """Ask for deliveries with their webhook's name and event; as a plain value, which the paging then narrows."""
    return (
        sa.select(WebhookDeliveryRow, col(WebhookRow.name), col(OutboxMessageRow.kind))
        .join(WebhookRow, col(WebhookRow.id) == col(WebhookDeliveryRow.webhook_id))
        .join(OutboxMessageRow, col(OutboxMessageRow.id) == col(WebhookDeliveryRow.message_id))
    )


def _unknown(delivery_id: str) -> NotFound:
    return NotFound(f"there is no delivery {delivery_id}", zh="没有这条推送", field="delivery_id")


def _delivery(row: WebhookDeliveryRow, webhook_name: str, kind: str) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        webhook_name=webhook_name,
        kind=kind,
        subject=row.subject,
        number=row.number,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        last_status=row.last_status,
        last_failure=row.last_failure,
        delivered_at=row.delivered_at,
        settled_by=row.settled_by,
    )
