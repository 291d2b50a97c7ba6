"""The in-app inbox: what people are told, once each, and who has taken note of it.

A notice to a role is one notice: the first who notes it is named, and the others see that and by whom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.messages.rows import InboxItemRow
from carbonfin.storage.rows import insert_many, new_ids

_KEYS_AT_ONCE = 5000
_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxNotice:
    """What is to be told, to one person or to everyone of a role.

    Attributes:
        key: Tells one notice from another in the organisation; telling the same again changes nothing.
        kind: What it is about, such as `approval.waits` or `margin_call.issued`.
        subject: The thing, such as `approval:ID`.
        address: The page where it is dealt with, a path of our own.
        due_on: The day by which; None where there is none.
    """

    organization_id: str
    key: str
    kind: str
    subject: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    address: str
    role: Role | None = None
    person_id: str | None = None
    due_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse a notice to nobody or to two, and an address that is not our own."""
        if (self.role is None) == (self.person_id is None):
            raise InvalidInput("a notice goes to a role or to a person", zh="通知须发给角色或个人之一", field="role")
        if not self.address.startswith("/") or self.address.startswith("//"):
            raise InvalidInput(f"{self.address!r} is no page of ours", zh="通知地址须为本系统页面", field="address")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A notice as it stands in the inbox; `read_by` names who took note of it first."""

    id: str
    organization_id: str
    key: str
    kind: str
    subject: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    address: str
    role: Role | None
    person_id: str | None
    due_on: date | None
    created_at: datetime
    read_at: datetime | None
    read_by: str | None


def tell(session: Session, notice: InboxNotice, at: datetime) -> InboxItem:
    """Put a notice into the inbox, or give the one that has its key already."""
    known = _with_key(session, notice)
    if known is not None:
        return _item(known)
    row = InboxItemRow(
        organization_id=notice.organization_id,
        key=notice.key,
        person_id=notice.person_id,
        role=notice.role,
        kind=notice.kind,
        subject=notice.subject,
        title_zh=notice.title_zh,
        title_en=notice.title_en,
        text_zh=notice.text_zh,
        text_en=notice.text_en,
        address=notice.address,
        due_on=notice.due_on,
        created_at=at,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        known = _with_key(session, notice)
        if known is None:  # it was not the key: a person who does not exist, for one
            raise
        return _item(known)
    return _item(row)


def tell_all(
    session: Session, organization_id: str, notices: Sequence[InboxNotice], at: datetime, *, is_first: bool = False
) -> int:
    """Put many notices of one organisation into the inbox by one statement, and give how many were not there yet.

    `is_first` says that their subjects were made just now, so that none of their keys can be there.
    """
    if not notices:
        return 0
    keys = {notice.key for notice in notices}
    before = set[str]() if is_first else _known_keys(session, organization_id, keys)
    unknown = [notice for notice in notices if notice.key not in before]
    fresh = [
        {
            "id": item_id,
            "key": notice.key,
            "person_id": notice.person_id,
            "role": notice.role,
            "kind": notice.kind,
            "subject": notice.subject,
            "title_zh": notice.title_zh,
            "title_en": notice.title_en,
            "text_zh": notice.text_zh,
            "text_en": notice.text_en,
            "address": notice.address,
            "due_on": notice.due_on,
        }
        for item_id, notice in zip(new_ids(len(unknown)), unknown, strict=True)
    ]
    insert_many(session, InboxItemRow, fresh, same={"organization_id": organization_id, "created_at": at})
    return len(fresh)


def _known_keys(session: Session, organization_id: str, keys: set[str]) -> set[str]:
    ordered, found = sorted(keys), set[str]()
    for start in range(0, len(ordered), _KEYS_AT_ONCE):
        found.update(
            session.exec(
                select(InboxItemRow.key).where(
                    InboxItemRow.organization_id == organization_id,
                    col(InboxItemRow.key).in_(ordered[start : start + _KEYS_AT_ONCE]),
                )
            ).all()
        )
    return found


def inbox_page(session: Session, actor: Actor, place: Place, *, unread: bool | None = None) -> Slice[InboxItem]:
    """Give a page of what the actor is told, newest first; all of it, or what is unread, or what is read."""
    query = _addressed_to(actor)
    if unread is not None:
        is_unread = col(InboxItemRow.read_at).is_(None)
        query = query.where(is_unread if unread else ~is_unread)
    keys = (col(InboxItemRow.created_at), col(InboxItemRow.id))
    rows = session.exec(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row.created_at, row.id), value=_item)


def inbox_of(session: Session, actor: Actor, *, unread: bool | None = None) -> tuple[InboxItem, ...]:
    """Give what the actor is told, newest first."""
    return inbox_page(session, actor, Place(limit=_SHOWN_MAX), unread=unread).items


def unread_count(session: Session, actor: Actor) -> int:
    """Give how many notices the actor has not noted."""
    query = _addressed_to(actor).where(col(InboxItemRow.read_at).is_(None))
    return session.exec(select(sa.func.count()).select_from(query.subquery())).one()


def load_item(session: Session, actor: Actor, item_id: str) -> InboxItem:
    """Give a notice to the actor.

    Raises:
        NotFound: There is none, or it is another's.
    """
    return _item(_row(session, actor, item_id))


def mark_read(session: Session, actor: Actor, item_id: str, *, at: datetime) -> InboxItem:
    """Note that the actor has seen a notice; a second note changes nothing.

    Raises:
        NotFound: There is none, or it is another's.
    """
    row = _row(session, actor, item_id, lock=True)
    if row.read_at is None:
        row.read_at, row.read_by = at, actor.name
        session.add(row)
        session.flush()
    return _item(row)


def settle(session: Session, organization_id: str, *, kind: str, subject: str, by: str, at: datetime) -> int:
    """Take off the list what has been dealt with: every unread notice of a kind about a subject. Give how many."""
    rows = session.exec(
        select(InboxItemRow)
        .where(InboxItemRow.organization_id == organization_id)
        .where(InboxItemRow.kind == kind, InboxItemRow.subject == subject)
        .where(col(InboxItemRow.read_at).is_(None))
        .with_for_update()
    ).all()
    for row in rows:
        row.read_at, row.read_by = at, by
        session.add(row)
    session.flush()
    return len(rows)


def _addressed_to(actor: Actor) -> SelectOfScalar[InboxItemRow]:
    return (
        select(InboxItemRow)
        .where(InboxItemRow.organization_id == actor.organization_id)
        .where(sa.or_(col(InboxItemRow.person_id) == actor.id, col(InboxItemRow.role) == actor.role))
    )


def _with_key(session: Session, notice: InboxNotice) -> InboxItemRow | None:
    return session.exec(
        select(InboxItemRow)
        .where(InboxItemRow.organization_id == notice.organization_id)
        .where(InboxItemRow.key == notice.key)
    ).one_or_none()


def _row(session: Session, actor: Actor, item_id: str, *, lock: bool = False) -> InboxItemRow:
    query = _addressed_to(actor).where(col(InboxItemRow.id) == item_id)
    row = session.exec(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"there is no notice {item_id}", zh="没有这条通知", field="item_id")
    return row


def _item(row: InboxItemRow) -> InboxItem:
    return InboxItem(
        id=row.id,
        organization_id=row.organization_id,
        key=row.key,
        kind=row.kind,
        subject=row.subject,
        title_zh=row.title_zh,
        title_en=row.title_en,
        text_zh=row.text_zh,
        text_en=row.text_en,
        address=row.address,
        role=row.role,
        person_id=row.person_id,
        due_on=row.due_on,
        created_at=row.created_at,
        read_at=row.read_at,
        read_by=row.read_by,
    )
