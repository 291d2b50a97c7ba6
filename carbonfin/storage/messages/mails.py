"""Mails that call people to their inbox: one for each notice and person, through the outbox like every message."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.messages.rows import InboxItemRow
from carbonfin.storage.outbox import Message, enqueue, pending
from carbonfin.storage.parties.rows import UserRow

MAIL = "mail.notice"
_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMail:
    """A mail to be sent: to whom and about which notice. What the notice says is read after signing in."""

    message_id: str
    to: str
    item_id: str


def call_to_inbox(session: Session, actor: Actor, *, at: datetime) -> int:
    """Write a mail for each person a new unread notice is for, and give how many.

    Args:
        session: The open transaction.
        actor: The system of the organisation.
        at: Stands in the notice, so that it is called for once.
    """
    rows = session.exec(
        select(InboxItemRow)
        .where(InboxItemRow.organization_id == actor.organization_id, col(InboxItemRow.mailed_at).is_(None))
        .order_by(col(InboxItemRow.id))
        .limit(_AT_ONCE)
        .with_for_update()
    ).all()
    count = 0
    for row in rows:
        row.mailed_at = at
        session.add(row)
        for person_id in _people_for(session, row) if row.read_at is None else ():
            payload = {"item_id": row.id, "person_id": person_id}
            enqueue(session, actor, subject=f"mail:{row.id}:{person_id}", kind=MAIL, payload=payload)
            count += 1
    session.flush()
    return count


def mails_due(session: Session, organization_id: str, *, at: datetime) -> tuple[Message, ...]:
    """Give the messages that are mails to be sent now."""
    return pending(session, organization_id, (MAIL,), due_at=at)


def mail_of(session: Session, message: Message) -> NoticeMail | None:
    """Give the mail of a message; None where the person has left, has no address any more or needs no call."""
    person = session.get(UserRow, message.payload["person_id"])
    item = session.get(InboxItemRow, message.payload["item_id"])
    if person is None or not person.is_active or not person.email or item is None or item.read_at is not None:
        return None
    return NoticeMail(message_id=message.id, to=person.email, item_id=item.id)


def _people_for(session: Session, item: InboxItemRow) -> tuple[str, ...]:
    addressed = col(UserRow.id) == item.person_id if item.role is None else col(UserRow.role) == item.role
    query = (
        select(UserRow.id)
        .where(UserRow.organization_id == item.organization_id, addressed)
        .where(col(UserRow.is_active), col(UserRow.email).is_not(None), sa.func.length(UserRow.email) > 0)
        .order_by(col(UserRow.id))
    )
    return tuple(session.exec(query).all())
