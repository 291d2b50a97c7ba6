"""What happened at an organisation's doors, for its administrator and auditor: kept for good, free of secrets."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties.rows import SecurityEventRow

_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """One thing that matters to the safety of the doors."""

    id: str
    kind: str
    subject: str
    actor_name: str | None
    happened_at: datetime
    detail: str


def note_security_event(
    session: Session,
    *,
    organization_id: str,
    kind: str,
    subject: str,
    actor: Actor | None,
    at: datetime,
    detail: str = "",
) -> None:
    """Write down what happened; `subject` and `detail` never hold a password, key or token.

    Args:
        session: The transaction of the thing itself, so that both stand or neither.
        organization_id: Whose door.
        kind: Such as `signed_in`, `sign_in_failed`, `locked`, `password_changed`, `key_issued`, `role_changed`.
        subject: Whom or what it was about, such as `person:ID` or `key:ID`.
        actor: Who did it; None where nobody was recognised.
        at: When.
        detail: In words, where the kind does not say it all.
    """
    session.add(
        SecurityEventRow(
            organization_id=organization_id,
            kind=kind,
            subject=subject,
            actor_id=None if actor is None else actor.id,
            actor_name=None if actor is None else actor.name,
            happened_at=at,
            detail=detail,
        )
    )
    session.flush()


def security_events_of(
    session: Session,
    organization_id: str,
    *,
    kind: str | None = None,
    subject: str | None = None,
    limit: int = _SHOWN_MAX,
) -> tuple[SecurityEvent, ...]:
    """Give an organisation's latest security events, newest first, of one kind or of all, about one thing or all."""
    query = select(SecurityEventRow).where(SecurityEventRow.organization_id == organization_id)
    if kind is not None:
        query = query.where(SecurityEventRow.kind == kind)
    if subject is not None:
        query = query.where(SecurityEventRow.subject == subject)
    rows = session.exec(
        query.order_by(col(SecurityEventRow.happened_at).desc(), col(SecurityEventRow.id)).limit(limit)
    ).all()
    return tuple(
        SecurityEvent(
            id=row.id,
            kind=row.kind,
            subject=row.subject,
            actor_name=row.actor_name,
            happened_at=row.happened_at,
            detail=row.detail,
        )
        for row in rows
    )
