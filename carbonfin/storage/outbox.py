"""Messages to registries and banks: written with the work that causes them, sent at least once, in order by subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage import columns
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import Row, new_id, table_of

_FIRST_DELAY = timedelta(seconds=5)
_DELAY_MAX = timedelta(hours=1)
_DOUBLINGS_MAX = 10
_MESSAGES_AT_ONCE = 100
ATTEMPTS_MAX = 20


class MessageState(StrEnum):
    """Where a message stands; a dead one is sent again only by a person, and holds its subject until then."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


_UNSENT = (MessageState.PENDING, MessageState.DEAD)


class OutboxMessageRow(Row, table=True):
    """One message; `number` orders the messages of an organisation's subject."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "subject", "number"),
        sa.Index(None, "organization_id", "state"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    subject: str
    number: int
    kind: str
    payload: Any = Field(sa_type=columns.Json)
    actor_id: str
    state: MessageState = MessageState.PENDING
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_failure: str | None = None
    delivered_at: datetime | None = None


_MESSAGES = table_of(OutboxMessageRow)
_GIVEN = ("id", "organization_id", "subject", "kind", "payload", "actor_id")
_ENQUEUE = (
    sa.insert(_MESSAGES)
    .from_select(
        [*_GIVEN, "number", "state", "attempts"],
        sa.select(
            *[sa.bindparam(name, type_=_MESSAGES.c[name].type) for name in _GIVEN],
            sa.select(sa.func.coalesce(sa.func.max(_MESSAGES.c.number), 0) + 1)
            .where(
                _MESSAGES.c.organization_id == sa.bindparam("organization_id", type_=_MESSAGES.c.subject.type),
                _MESSAGES.c.subject == sa.bindparam("subject", type_=_MESSAGES.c.subject.type),
            )
            .scalar_subquery(),
            sa.literal(MessageState.PENDING, _MESSAGES.c.state.type),
            sa.literal(0, _MESSAGES.c.attempts.type),
        ),
        include_defaults=False,
    )
    .returning(_MESSAGES.c.number)
)
"""Numbers a message and writes it by one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to be sent; its identifier lets the receiver recognise a second delivery."""

    id: str
    organization_id: str
    subject: str
    number: int
    kind: str
    payload: Any
    attempts: int
    last_failure: str | None
    state: MessageState
    next_attempt_at: datetime | None


def enqueue(session: Session, actor: Actor, *, subject: str, kind: str, payload: Mapping[str, Any]) -> Message:
    """Write a message in the transaction of the work that causes it; it is due at once."""
    message_id, plain = new_id(), dict(payload)
    number = execute_prepared(
        session,
        _ENQUEUE,
        {"id": message_id, "organization_id": actor.organization_id, "subject": subject, "kind": kind,
         "payload": plain, "actor_id": actor.id},
    ).scalar_one()  # fmt: skip
    return Message(
        id=message_id, organization_id=actor.organization_id, subject=subject, number=number, kind=kind, payload=plain,
        attempts=0, last_failure=None, state=MessageState.PENDING, next_attempt_at=None,
    )  # fmt: skip


def pending(
    session: Session, organization_id: str, kinds: Sequence[str] = (), *, due_at: datetime | None = None
) -> tuple[Message, ...]:
    """Give the messages to send now: of each subject only the first that is not yet delivered.

    Args:
        session: An open session.
        organization_id: Whose messages.
        kinds: Of these kinds only; a subject whose first message is of another kind waits. Empty means every kind.
        due_at: Leave out messages whose next attempt lies after this instant; None leaves none out.
    """
    earlier = aliased(OutboxMessageRow)
    waits = (
        sa.select(sa.literal(1))
        .where(
            col(earlier.organization_id) == OutboxMessageRow.organization_id,
            col(earlier.subject) == OutboxMessageRow.subject,
            col(earlier.number) < OutboxMessageRow.number,
            col(earlier.state).in_(_UNSENT),
        )
        .exists()
    )
    query = select(OutboxMessageRow).where(
        OutboxMessageRow.organization_id == organization_id, OutboxMessageRow.state == MessageState.PENDING, ~waits
    )
    if kinds:
        query = query.where(col(OutboxMessageRow.kind).in_(kinds))
    if due_at is not None:
        next_attempt = col(OutboxMessageRow.next_attempt_at)
        query = query.where(sa.or_(next_attempt.is_(None), next_attempt <= due_at))
    rows = session.exec(query.order_by(col(OutboxMessageRow.subject)).limit(_MESSAGES_AT_ONCE)).all()
    return tuple(_message(row) for row in rows)


def unsent(session: Session, organization_id: str, kinds: Sequence[str]) -> tuple[Message, ...]:
    """Give every message of some kinds that has not left: those that wait and those that were given up."""
    rows = session.exec(
        select(OutboxMessageRow)
        .where(OutboxMessageRow.organization_id == organization_id)
        .where(col(OutboxMessageRow.state).in_(_UNSENT), col(OutboxMessageRow.kind).in_(kinds))
        .order_by(col(OutboxMessageRow.subject), col(OutboxMessageRow.number))
    ).all()
    return tuple(_message(row) for row in rows)


def dead_messages(session: Session, organization_id: str) -> tuple[Message, ...]:
    """Give the messages that were given up, for a person to look at."""
    rows = session.exec(
        select(OutboxMessageRow)
        .where(OutboxMessageRow.organization_id == organization_id, OutboxMessageRow.state == MessageState.DEAD)
        .order_by(col(OutboxMessageRow.subject), col(OutboxMessageRow.number))
        .limit(_MESSAGES_AT_ONCE)
    ).all()
    return tuple(_message(row) for row in rows)


def waiting_count(session: Session, organization_id: str) -> int:
    """Give how many messages wait to be sent."""
    return session.exec(
        select(sa.func.count())
        .select_from(OutboxMessageRow)
        .where(OutboxMessageRow.organization_id == organization_id, OutboxMessageRow.state == MessageState.PENDING)
    ).one()


def resend(session: Session, actor: Actor, message_id: str) -> Message:
    """Have a message of the actor's organisation that was given up sent again, from the first attempt.

    Raises:
        NotFound: The organisation has no such message.
        Conflict: It was not given up.
    """
    row = _row(session, message_id)
    if row.organization_id != actor.organization_id:
        raise _unknown(message_id)
    if row.state is not MessageState.DEAD:
        raise Conflict(
            f"message {message_id} is {row.state.value}, not dead",
            zh="只有已停止发送的报文可以重发",
            field="message_id",
            remedy="Leave it: it has arrived or is tried again by itself.",
            remedy_zh="无需处理：该报文已送达或会自动重试。",
        )
    row.state, row.attempts, row.next_attempt_at = MessageState.PENDING, 0, None
    session.add(row)
    session.flush()
    return _message(row)


def mark_delivered(session: Session, message_id: str, *, at: datetime) -> None:
    """Note that a message has arrived; a second note changes nothing."""
    row = _row(session, message_id)
    if row.state is MessageState.PENDING:
        row.state = MessageState.DELIVERED
        row.attempts += 1
        row.delivered_at = at
        row.last_failure = None
        session.add(row)
        session.flush()


def mark_failed(session: Session, message_id: str, *, at: datetime, failure: str) -> datetime:
    """Note a failed attempt, and give when the next is due: after 5 s, doubled each time, at most an hour.

    After twenty attempts the message is given up, and a person decides.
    """
    row = _row(session, message_id)
    delay = min(_FIRST_DELAY * 2 ** min(row.attempts, _DOUBLINGS_MAX), _DELAY_MAX)
    row.attempts += 1
    row.next_attempt_at = at + delay
    row.last_failure = failure
    if row.attempts >= ATTEMPTS_MAX:
        row.state = MessageState.DEAD
    session.add(row)
    session.flush()
    return row.next_attempt_at


def _row(session: Session, message_id: str) -> OutboxMessageRow:
    row = session.exec(
        select(OutboxMessageRow).where(OutboxMessageRow.id == message_id).with_for_update()
    ).one_or_none()  # fmt: skip
    if row is None:
        raise _unknown(message_id)
    return row


def _unknown(message_id: str) -> NotFound:
    return NotFound(f"there is no message {message_id}", zh="没有这条报文", field="message_id")


def _message(row: OutboxMessageRow) -> Message:
    return Message(
        id=row.id,
        organization_id=row.organization_id,
        subject=row.subject,
        number=row.number,
        kind=row.kind,
        payload=row.payload,
        attempts=row.attempts,
        last_failure=row.last_failure,
        state=row.state,
        next_attempt_at=row.next_attempt_at,
    )
