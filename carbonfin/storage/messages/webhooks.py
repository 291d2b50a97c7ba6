"""Webhooks: which address of a bank's own system is told of which events, and which secrets sign.

No secret is kept. It is derived from the installation's keys, the webhook and its secret's version, so a copy of the
database signs nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.webhooks import checked_address, webhook_secrets
from carbonfin.storage.messages.rows import DeliveryState, WebhookDeliveryRow, WebhookRow
from carbonfin.storage.parties.security import note_security_event

EVERY_EVENT = "*"
OVERLAP_MAX = timedelta(days=30)
_KIND = re.compile(r"event(\.[a-z][a-z_]*)+(\.\*)?")
_NAME_LENGTH_MAX = 100
WEBHOOKS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDraft:
    """What an administrator enters.

    Attributes:
        kinds: The events it takes: by name, `event.approval.*` for all that begin so, or `*` for all.
    """

    name: str
    url: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as it stands; `version` counts its changes."""

    id: str
    organization_id: str
    name: str
    url: str
    kinds: tuple[str, ...]
    secret_version: int
    previous_until: datetime | None
    is_active: bool
    created_at: datetime
    created_by: str
    version: int

    def secrets(self, keys: KeyRing, *, at: datetime) -> tuple[str, ...]:
        """Give the secrets a delivery sent at an instant is signed with, the newest first."""
        newest = webhook_secrets(keys, webhook_id=self.id, version=self.secret_version)
        if self.previous_until is None or at >= self.previous_until:
            return newest
        return (*newest, *webhook_secrets(keys, webhook_id=self.id, version=self.secret_version - 1))

    def takes(self, kind: str) -> bool:
        """Whether it is told of an event of a kind."""
        return any(
            wanted in {EVERY_EVENT, kind} or (wanted.endswith(".*") and kind.startswith(wanted[:-1]))
            for wanted in self.kinds
        )


def register_webhook(session: Session, actor: Actor, draft: WebhookDraft, *, at: datetime) -> Webhook:
    """Register an address of the actor's organisation.

    Raises:
        InvalidInput: The address or a kind of event cannot be used.
        Conflict: The organisation has this address already.
    """
    url = checked_address(draft.url)
    row = WebhookRow(
        organization_id=actor.organization_id,
        name=_named(draft.name),
        url=url,
        kinds=_kinds(draft.kinds),
        created_at=at,
        created_by=actor.name,
    )
    taken = session.exec(
        select(WebhookRow.id)
        .where(WebhookRow.organization_id == actor.organization_id, WebhookRow.url == url)
        .where(col(WebhookRow.retired_at).is_(None))
    ).first()
    if taken is not None:
        raise Conflict(
            f"webhook {taken} has this address already",
            zh="该地址已登记",
            field="url",
            remedy="Change the one there is.",
            remedy_zh="请修改已有的推送地址。",
            webhook_id=taken,
        )
    if len(webhooks_of(session, actor.organization_id)) >= WEBHOOKS_MAX:
        raise Conflict(
            f"there are {WEBHOOKS_MAX} webhooks already",
            zh=f"推送地址最多 {WEBHOOKS_MAX} 个",
            field="url",
            remedy="Retire one that is no longer used.",
            remedy_zh="请先停用不再使用的地址。",
        )
    session.add(row)
    session.flush()
    _note(session, row, "webhook_registered", actor, at)
    return webhook_of_row(row)


def change_webhook(
    session: Session,
    actor: Actor,
    webhook_id: str,
    *,
    at: datetime,
    name: str | None = None,
    kinds: tuple[str, ...] | None = None,
    is_active: bool | None = None,
    expected_version: int | None = None,
) -> Webhook:
    """Change what is given; a webhook that is not active keeps its deliveries and sends none.

    Raises:
        NotFound: The organisation has no such webhook.
        Conflict: Another has changed it since the version that was read.
    """
    row = _locked(session, actor, webhook_id, expected_version)
    row.name = row.name if name is None else _named(name)
    row.kinds = row.kinds if kinds is None else _kinds(kinds)
    row.is_active = row.is_active if is_active is None else is_active
    return _changed(session, row, "webhook_changed", actor, at)


def rotate_secret(
    session: Session,
    actor: Actor,
    webhook_id: str,
    *,
    overlap: timedelta,
    at: datetime,
    expected_version: int | None = None,
) -> Webhook:
    """Change a webhook's secret; until the overlap ends deliveries are signed with the one before as well.

    Raises:
        NotFound: The organisation has no such webhook.
        InvalidInput: The overlap is negative or longer than thirty days.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidInput(
            f"the overlap is 0 to {OVERLAP_MAX.days} days",
            zh=f"新旧密钥并行期应为 0 至 {OVERLAP_MAX.days} 天",
            field="overlap_hours",
        )
    row = _locked(session, actor, webhook_id, expected_version)
    row.secret_version += 1
    row.previous_until = at + overlap
    return _changed(session, row, "webhook_secret_rotated", actor, at)


def retire_webhook(session: Session, actor: Actor, webhook_id: str, *, at: datetime) -> Webhook:
    """End a webhook: what has not arrived is skipped.

    Raises:
        NotFound: The organisation has no such webhook.
    """
    row = _locked(session, actor, webhook_id, None)
    row.is_active, row.retired_at = False, at
    for delivery in session.exec(
        select(WebhookDeliveryRow)
        .where(WebhookDeliveryRow.webhook_id == row.id)
        .where(col(WebhookDeliveryRow.state).in_((DeliveryState.PENDING, DeliveryState.DEAD)))
        .with_for_update()
    ).all():
        delivery.state, delivery.settled_by = DeliveryState.SKIPPED, actor.name
        session.add(delivery)
    return _changed(session, row, "webhook_retired", actor, at)


def webhooks_of(session: Session, organization_id: str) -> tuple[Webhook, ...]:
    """Give an organisation's webhooks by name."""
    rows = session.exec(
        select(WebhookRow)
        .where(WebhookRow.organization_id == organization_id, col(WebhookRow.retired_at).is_(None))
        .order_by(col(WebhookRow.name), col(WebhookRow.id))
    ).all()
    return tuple(webhook_of_row(row) for row in rows)


def load_webhook(session: Session, actor: Actor, webhook_id: str) -> Webhook:
    """Give a webhook of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's or retired.
    """
    row = session.get(WebhookRow, webhook_id)
    if row is None or row.organization_id != actor.organization_id or row.retired_at is not None:
        raise _unknown(webhook_id)
    return webhook_of_row(row)


def _locked(session: Session, actor: Actor, webhook_id: str, expected_version: int | None) -> WebhookRow:
    row = session.exec(
        select(WebhookRow)
        .where(WebhookRow.id == webhook_id, WebhookRow.organization_id == actor.organization_id)
        .where(col(WebhookRow.retired_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise _unknown(webhook_id)
    if expected_version is not None and row.version != expected_version:
        raise Conflict(
            f"webhook {webhook_id} is at version {row.version}",
            zh="推送地址已被他人修改",
            field="version",
            remedy="Read it again before changing it.",
            remedy_zh="请刷新后再修改。",
            version=row.version,
        )
    return row


def _changed(session: Session, row: WebhookRow, event: str, actor: Actor, at: datetime) -> Webhook:
    row.version += 1
    session.add(row)
    session.flush()
    _note(session, row, event, actor, at)
    return webhook_of_row(row)


def _note(session: Session, row: WebhookRow, event: str, actor: Actor, at: datetime) -> None:
    note_security_event(
        session,
        organization_id=row.organization_id,
        kind=event,
        subject=f"webhook:{row.id}",
        actor=actor,
        at=at,
        detail=row.url,
    )


def _named(name: str) -> str:
    plain = name.strip()
    if not 0 < len(plain) <= _NAME_LENGTH_MAX:
        raise InvalidInput(
            f"a name has 1 to {_NAME_LENGTH_MAX} characters", zh=f"名称应为 1 至 {_NAME_LENGTH_MAX} 字", field="name"
        )
    return plain


def _kinds(kinds: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(kinds))
    wrong = [kind for kind in wanted if kind != EVERY_EVENT and not _KIND.fullmatch(kind)]
    if not wanted or wrong:
        raise InvalidInput(
            f"{wrong[0]!r} names no kind of event" if wrong else "a webhook takes at least one kind of event",
            zh=f"事件“{wrong[0]}”无法识别" if wrong else "请至少选择一种事件",
            field="kinds",
            remedy='Write for example "event.margin_call.issued", "event.approval.*" or "*".',
            remedy_zh="例如 event.margin_call.issued、event.approval.* 或 *。",
        )
    return wanted


def _unknown(webhook_id: str) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id}", zh="没有这个推送地址", field="webhook_id")


def webhook_of_row(row: WebhookRow) -> Webhook:
    """Give the value of a row."""
    return Webhook(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        url=row.url,
        kinds=tuple(row.kinds),
        secret_version=row.secret_version,
        previous_until=row.previous_until,
        is_active=row.is_active,
        created_at=row.created_at,
        created_by=row.created_by,
        version=row.version,
    )
