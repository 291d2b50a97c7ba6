"""Proving who asks: passwords, API keys and signed-in sessions; secrets are kept only as digests."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.organizations import actor_from, password_fits
from carbonfin.storage.parties.rows import ApiKeyRow, OrganizationRow, SessionRow, UserRow

_FAILURES_MAX = 5
_LOCKED_FOR = timedelta(minutes=15)
_PREFIX_LENGTH = 12
_KEY_BYTES = 32
_USE_NOTED_EVERY = timedelta(minutes=1)
# Fits no password; it is verified for unknown logins, so that they take as long as known ones.
_NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$zApyJfmqq5B2HznDiZZzhA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_NOBODYS_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A fresh API key; the text is shown this once."""

    key_id: str
    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrant:
    """Who a key stands for, and what it was issued for."""

    actor: Actor
    scopes: frozenset[str]


def authenticate_person(sessions: Sessions, *, login: str, password: str, clock: Clock) -> Actor | None:
    """Give the actor of a login and password, or nothing; an unknown login takes as long as a wrong password.

    Five failures in a row lock the account for fifteen minutes. The password is verified outside any transaction, and
    the failure is counted in one of its own, so that nothing rolls it back.
    """
    with sessions.read() as session:
        user = session.exec(select(UserRow).where(UserRow.login == login)).one_or_none()
    fits = password_fits(_NOBODYS_HASH if user is None else user.password_hash, password)
    now = clock.now()
    with sessions.begin() as session:
        known_id = "" if user is None else user.id
        row = session.exec(select(UserRow).where(UserRow.id == known_id).with_for_update()).one_or_none()
        if row is None or not row.is_active or (row.locked_until is not None and now < row.locked_until):
            return None
        if fits:
            row.failed_count = 0
            row.locked_until = None
            session.add(row)
            return actor_from(row, _organization(session, row.organization_id))
        row.failed_count += 1
        if row.failed_count >= _FAILURES_MAX:
            row.failed_count = 0
            row.locked_until = now + _LOCKED_FOR
        session.add(row)
    return None


def issue_key(
    session: Session,
    *,
    organization_id: str,
    name: str,
    role: Role,
    scopes: Iterable[str],
    expires_at: datetime,
    pepper: bytes,
) -> IssuedKey:
    """Issue an API key: 256 random bits, of which only a keyed digest and the first 12 characters are kept."""
    secret = secrets.token_urlsafe(_KEY_BYTES)
    text = f"cf_live_{secret}"
    row = ApiKeyRow(
        organization_id=_organization(session, organization_id).id,
        name=name,
        role=role,
        prefix=secret[:_PREFIX_LENGTH],
        digest=_key_digest(text, pepper),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return IssuedKey(key_id=row.id, prefix=row.prefix, text=text)


def revoke_key(session: Session, *, organization_id: str, key_id: str, clock: Clock) -> None:
    """End a key of an organisation at once."""
    row = session.get(ApiKeyRow, key_id)
    if row is None or row.organization_id != organization_id:
        raise NotFound(f"there is no key {key_id}", zh="API 密钥不存在", field="key_id")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        session.add(row)


def authenticate_key(sessions: Sessions, *, text: str, pepper: bytes, clock: Clock) -> KeyGrant | None:
    """Give whom an API key stands for, or nothing if it is unknown, expired or revoked."""
    prefix = text.removeprefix("cf_live_")[:_PREFIX_LENGTH]
    storable = prefix.isascii() and prefix.isprintable()
    now = clock.now()
    with sessions.read() as session:
        row = session.exec(select(ApiKeyRow).where(ApiKeyRow.prefix == (prefix if storable else ""))).one_or_none()
        kept = _NOBODYS_DIGEST if row is None else row.digest
        fits = hmac.compare_digest(kept, _key_digest(text, pepper))
        if row is None or not fits or row.revoked_at is not None or now >= row.expires_at:
            return None
        organization = _organization(session, row.organization_id)
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        with sessions.begin() as session:
            session.exec(sa.update(ApiKeyRow).where(col(ApiKeyRow.id) == row.id).values(last_used_at=now))
    actor = Actor(
        id=row.id,
        name=row.name,
        role=row.role,
        organization_id=organization.id,
        organization_kind=organization.kind,
        is_sample=organization.is_sample,
    )
    return KeyGrant(actor=actor, scopes=frozenset(row.scopes))


def open_session(session: Session, *, user_id: str, clock: Clock, lifetime: timedelta) -> str:
    """Open a signed-in session and give its token, which is kept only as a digest; ended ones are swept out."""
    now = clock.now()
    session.exec(sa.delete(SessionRow).where(col(SessionRow.expires_at) <= now))
    token = secrets.token_urlsafe(_KEY_BYTES)
    session.add(
        SessionRow(token_digest=_token_digest(token), user_id=user_id, opened_at=now, expires_at=now + lifetime)
    )
    session.flush()
    return token


def actor_for_session(session: Session, token: str, clock: Clock) -> Actor | None:
    """Give the person of a session, or nothing if it has ended or the person may no longer sign in."""
    row = session.get(SessionRow, _token_digest(token))
    if row is None or clock.now() >= row.expires_at:
        return None
    user = session.get(UserRow, row.user_id)
    if user is None or not user.is_active:
        return None
    return actor_from(user, _organization(session, user.organization_id))


def end_session(session: Session, token: str) -> None:
    """End a session; an unknown token changes nothing."""
    session.exec(sa.delete(SessionRow).where(col(SessionRow.token_digest) == _token_digest(token)))


def end_sessions_of(session: Session, user_id: str) -> None:
    """End every session of a person, as after a change of password or role."""
    session.exec(sa.delete(SessionRow).where(col(SessionRow.user_id) == user_id))


def _organization(session: Session, organization_id: str) -> OrganizationRow:
    row = session.get(OrganizationRow, organization_id)
    if row is None:
        raise NotFound(f"there is no organisation {organization_id}", zh="机构不存在", field="organization_id")
    return row


def _key_digest(text: str, pepper: bytes) -> str:
    return hmac.new(pepper, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
