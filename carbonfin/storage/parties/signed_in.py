"""Signed-in sessions: opened, found, listed, confirmed for binding steps, ended."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.parties.organizations import actor_from
from carbonfin.storage.parties.rows import Factor, OrganizationRow, SessionRow, UserRow
from carbonfin.storage.parties.security import note_security_event
from carbonfin.storage.rows import new_id

_TOKEN_BYTES = 32
_SEEN_NOTED_EVERY = timedelta(minutes=1)
IDLE_MAX = timedelta(hours=2)
CONFIRMED_FOR = timedelta(minutes=5)
_DEVICE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """One signed-in session of a person, without its token.

    Attributes:
        confirmed_at: When the password was last given again in it.
        must_change_password: Whether nothing else may be done before the password is changed.
        factor: What opened it; one that waits for its code opens nothing else.
    """

    id: str
    person_id: str
    opened_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    confirmed_at: datetime | None
    device: str
    must_change_password: bool
    factor: Factor = Factor.PASSWORD


def open_session(
    session: Session,
    *,
    user_id: str,
    clock: Clock,
    lifetime: timedelta,
    device: str = "",
    factor: Factor = Factor.PASSWORD,
) -> str:
    """Open a signed-in session and give its token, which is kept only as a digest; ended ones are swept out."""
    now = clock.now()
    session.exec(sa.delete(SessionRow).where(col(SessionRow.expires_at) <= now))
    user = session.get(UserRow, user_id)
    if user is None:
        raise NotFound(f"there is no person {user_id}", zh="用户不存在", field="user_id")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        SessionRow(
            token_digest=token_digest(token),
            user_id=user_id,
            opened_at=now,
            expires_at=now + lifetime,
            id=new_id(),
            organization_id=user.organization_id,
            last_seen_at=now,
            device=device[:_DEVICE_LENGTH_MAX],
            factor=factor,
        )
    )
    note_security_event(
        session,
        organization_id=user.organization_id,
        kind="password_given" if factor is Factor.WAITING else "signed_in",
        subject=f"person:{user_id}",
        actor=None,
        at=now,
    )
    return token


def actor_for_session(session: Session, token: str, clock: Clock) -> tuple[Actor, SignedIn] | None:
    """Give the person of a session, or nothing if it has ended, lain idle too long, or the person may not sign in."""
    row = session.get(SessionRow, token_digest(token))
    now = clock.now()
    if row is None or now >= row.expires_at or now - (row.last_seen_at or row.opened_at) > IDLE_MAX:
        return None
    user = session.get(UserRow, row.user_id)
    if user is None or not user.is_active:
        return None
    organization = session.get(OrganizationRow, user.organization_id)
    assert organization is not None, "a person has an organisation"
    return actor_from(user, organization), _signed_in(row, user)


def is_seen_long_ago(signed_in: SignedIn, clock: Clock) -> bool:
    """Whether a session's last use is old enough to be noted again."""
    return clock.now() - signed_in.last_seen_at >= _SEEN_NOTED_EVERY


def note_seen(session: Session, session_id: str, clock: Clock) -> None:
    """Note that a session is in use."""
    session.exec(sa.update(SessionRow).where(col(SessionRow.id) == session_id).values(last_seen_at=clock.now()))


def confirm_session(session: Session, session_id: str, clock: Clock) -> None:
    """Note that the person of a session has just given the password again."""
    session.exec(sa.update(SessionRow).where(col(SessionRow.id) == session_id).values(confirmed_at=clock.now()))


def is_confirmed(signed_in: SignedIn, clock: Clock) -> bool:
    """Whether the password was given again in the last five minutes."""
    return signed_in.confirmed_at is not None and clock.now() - signed_in.confirmed_at <= CONFIRMED_FOR


def sessions_of_person(session: Session, person_id: str, clock: Clock) -> tuple[SignedIn, ...]:
    """Give a person's open sessions, the latest used first."""
    now = clock.now()
    rows = session.exec(
        select(SessionRow, UserRow)
        .join(UserRow, col(UserRow.id) == SessionRow.user_id)
        .where(SessionRow.user_id == person_id, col(SessionRow.expires_at) > now, col(SessionRow.id).is_not(None))
        .order_by(col(SessionRow.last_seen_at).desc(), col(SessionRow.id))
    ).all()
    found = (_signed_in(row, user) for row, user in rows)
    return tuple(one for one in found if now - one.last_seen_at <= IDLE_MAX)


def revoke_session(session: Session, *, actor: Actor, person_id: str, session_id: str, clock: Clock) -> None:
    """End one session of a person of the actor's organisation.

    Raises:
        NotFound: The person has no such session.
    """
    row = session.exec(
        select(SessionRow).where(
            SessionRow.id == session_id,
            SessionRow.user_id == person_id,
            SessionRow.organization_id == actor.organization_id,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no session {session_id}", zh="没有该会话", field="session_id")
    session.delete(row)
    note_security_event(
        session,
        organization_id=actor.organization_id,
        kind="session_revoked",
        subject=f"person:{person_id}",
        actor=actor,
        at=clock.now(),
    )


def end_session(session: Session, token: str) -> None:
    """End a session; an unknown token changes nothing."""
    session.exec(sa.delete(SessionRow).where(col(SessionRow.token_digest) == token_digest(token)))


def end_sessions_of(session: Session, user_id: str) -> None:
    """End every session of a person, as after a change of password or role."""
    session.exec(sa.delete(SessionRow).where(col(SessionRow.user_id) == user_id))


def token_digest(token: str) -> str:
    """Give the digest under which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _signed_in(row: SessionRow, user: UserRow) -> SignedIn:
    return SignedIn(
        id=row.id or "",
        person_id=row.user_id,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        last_seen_at=row.last_seen_at or row.opened_at,
        confirmed_at=row.confirmed_at,
        device=row.device or "",
        must_change_password=user.must_change_password,
        factor=row.factor,
    )
