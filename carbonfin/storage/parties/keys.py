"""API keys of systems: issued once, kept as a keyed digest, rotated with an overlap, revoked at once.

A key is also a system's OAuth2 client credential: its prefix is the client identifier, the key the client secret.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.organizations import Standing, standing_from
from carbonfin.storage.parties.rows import ApiKeyRow, OrganizationRow
from carbonfin.storage.parties.security import note_security_event
from carbonfin.storage.rows import table_of

KEY_START = "cf_live_"
ALL_SCOPES = "*"
CLIENT_ID_LENGTH = 12
_KEY_BYTES = 32
_USE_NOTED_EVERY = timedelta(minutes=1)
_NOBODYS_DIGEST = "0" * 64
_UNCOLLECTED = "-"
_UNCOLLECTED_LENGTH = 11
_KEYS, _OWNERS = table_of(ApiKeyRow), table_of(OrganizationRow)
_WITH_OWNER = sa.select(
    _KEYS.c.id, _KEYS.c.name, _KEYS.c.role, _KEYS.c.digest, _KEYS.c.scopes, _KEYS.c.expires_at, _KEYS.c.revoked_at,
    _KEYS.c.last_used_at, _KEYS.c.organization_id, _OWNERS.c.kind.label("owner_kind"),
    _OWNERS.c.name.label("owner_name"), _OWNERS.c.business_date, _OWNERS.c.is_sample,
).join(_OWNERS, _OWNERS.c.id == _KEYS.c.organization_id)  # fmt: skip
_BY_PREFIX = _WITH_OWNER.where(_KEYS.c.prefix == sa.bindparam("prefix"))
_BY_ID = _WITH_OWNER.where(_KEYS.c.id == sa.bindparam("key_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A fresh API key; the text is shown this once."""

    key_id: str
    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGrant:
    """Who a key stands for, what it was issued for, and where its organisation stands.

    Attributes:
        is_use_due: Whether its use was noted so long ago that it is to be noted again.
    """

    actor: Actor
    scopes: frozenset[str]
    standing: Standing
    is_use_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as its administrator sees it; the key itself is not kept."""

    id: str
    name: str
    role: Role
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime | None
    created_by: str | None
    replaces_id: str | None
    version: int
    is_collected: bool
    """Whether somebody has its text; one that was only approved opens nothing."""

    def is_live(self, at: datetime) -> bool:
        """Whether it opens anything at an instant."""
        return self.is_collected and self.revoked_at is None and at < self.expires_at


def issue_key(
    session: Session,
    *,
    organization_id: str,
    name: str,
    role: Role,
    scopes: Iterable[str],
    expires_at: datetime,
    pepper: bytes,
    by: Actor | None = None,
    at: datetime | None = None,
    replaces_id: str | None = None,
) -> IssuedKey:
    """Issue an API key: 256 random bits, of which only a keyed digest and the first 12 characters are kept.

    Args:
        session: The open transaction.
        organization_id: Whose key.
        name: What it is for.
        role: What it may do at most.
        scopes: What it may be used for; `*` for everything its role may.
        expires_at: When it ends.
        pepper: The secret in use, which the digest is keyed with.
        by: Who issues it; None on the command line.
        at: When; None leaves the instant and the security event out, as when a sample world is made.
        replaces_id: The key it takes over from.
    """
    organization = session.get(OrganizationRow, organization_id)
    if organization is None:
        raise NotFound(f"there is no organisation {organization_id}", zh="机构不存在", field="organization_id")
    secret = secrets.token_urlsafe(_KEY_BYTES)
    text = f"{KEY_START}{secret}"
    row = ApiKeyRow(
        organization_id=organization.id,
        name=name,
        role=role,
        prefix=secret[:CLIENT_ID_LENGTH],
        digest=_key_digest(text, pepper),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        created_at=at,
        created_by=None if by is None else by.name,
        replaces_id=replaces_id,
    )
    session.add(row)
    session.flush()
    if at is not None:
        _note(session, row, "key_issued", by=by, at=at)
    return IssuedKey(key_id=row.id, prefix=row.prefix, text=text)


def prepare_key(
    session: Session,
    by: Actor,
    *,
    key_id: str,
    name: str,
    role: Role,
    scopes: tuple[str, ...],
    expires_at: datetime,
    asked_by: str,
    at: datetime,
) -> None:
    """Make a key that has no text yet: nobody can use it until it is collected."""
    session.add(
        ApiKeyRow(
            id=key_id,
            organization_id=by.organization_id,
            name=name,
            role=role,
            prefix=f"{_UNCOLLECTED}{key_id[-_UNCOLLECTED_LENGTH:]}",
            digest=_NOBODYS_DIGEST,
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
            created_at=at,
            created_by=asked_by,
        )
    )
    session.flush()
    note_security_event(
        session, organization_id=by.organization_id, kind="key_approved", subject=f"key:{key_id}", actor=by, at=at
    )


def collect_key(session: Session, by: Actor, key_id: str, *, pepper: bytes, at: datetime) -> IssuedKey:
    """Give the text of an approved key, once.

    Raises:
        NotFound: The organisation has no such key.
        Conflict: It was collected, revoked, or has ended.
    """
    row = _own_row(session, by.organization_id, key_id, lock=True)
    if _key(row).is_collected or row.revoked_at is not None or at >= row.expires_at:
        raise Conflict(
            f"key {key_id} was collected already, or has ended",
            zh="该密钥已领取、已停用或已过期",
            field="key_id",
            remedy="Rotate it, or propose a new one.",
            remedy_zh="请轮换该密钥，或重新申请。",
        )
    secret = secrets.token_urlsafe(_KEY_BYTES)
    text = f"{KEY_START}{secret}"
    row.prefix, row.digest = secret[:CLIENT_ID_LENGTH], _key_digest(text, pepper)
    row.version += 1
    session.add(row)
    _note(session, row, "key_collected", by=by, at=at)
    return IssuedKey(key_id=row.id, prefix=row.prefix, text=text)


def rotate_key(
    session: Session, *, by: Actor, key_id: str, expires_at: datetime, overlap: timedelta, pepper: bytes, clock: Clock
) -> IssuedKey:
    """Issue a key that takes over from another, which ends after the overlap at the latest.

    What two people approved is not outgrown: role and scopes are the old key's, it lasts no longer than the old key
    was issued for, and one key has one successor.

    Args:
        session: The open transaction.
        by: Who rotates it.
        key_id: The key that is replaced.
        expires_at: When the new key ends at the latest.
        overlap: How long both keys open the door, so that the other system can change over.
        pepper: The secret in use.
        clock: When.

    Raises:
        NotFound: The organisation has no such key.
        Conflict: The key is revoked, has ended, was never collected, or was rotated already.
    """
    row = _own_row(session, by.organization_id, key_id, lock=True)
    now = clock.now()
    if not _key(row).is_live(now):
        raise Conflict(
            f"key {key_id} has ended, or nobody has collected it",
            zh="该密钥未领取、已停用或已过期，不能轮换",
            field="key_id",
            remedy="Collect it, or issue a new key.",
            remedy_zh="请先领取，或签发新密钥。",
        )
    _refuse_second_successor(session, row)
    lasted = row.expires_at - (row.created_at or now)
    issued = issue_key(
        session,
        organization_id=row.organization_id,
        name=row.name,
        role=row.role,
        scopes=row.scopes,
        expires_at=min(expires_at, now + lasted),
        pepper=pepper,
        by=by,
        at=now,
        replaces_id=row.id,
    )
    row.expires_at = min(row.expires_at, now + overlap)
    row.version += 1
    session.add(row)
    _note(session, row, "key_rotated", by=by, at=now)
    return issued


def revoke_key(session: Session, *, organization_id: str, key_id: str, clock: Clock, by: Actor | None = None) -> None:
    """End a key of an organisation at once."""
    row = _own_row(session, organization_id, key_id, lock=True)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        row.version += 1
        session.add(row)
        _note(session, row, "key_revoked", by=by, at=row.revoked_at)


def keys_of(session: Session, organization_id: str) -> tuple[ApiKey, ...]:
    """Give an organisation's keys, those in force first, then by name."""
    rows = session.exec(
        select(ApiKeyRow)
        .where(ApiKeyRow.organization_id == organization_id)
        .order_by(col(ApiKeyRow.revoked_at).is_not(None), col(ApiKeyRow.name), col(ApiKeyRow.expires_at).desc())
    ).all()
    return tuple(_key(row) for row in rows)


def authenticate_key(sessions: Sessions, *, text: str, peppers: Sequence[bytes], clock: Clock) -> KeyGrant | None:
    """Give whom an API key stands for, or nothing if it is unknown, expired or revoked.

    Args:
        sessions: The database.
        text: What the caller sent.
        peppers: The secret in use and older ones; a digest may be keyed with any.
        clock: When.
    """
    prefix = text.removeprefix(KEY_START)[:CLIENT_ID_LENGTH]
    storable = prefix.isascii() and prefix.isprintable()
    row = sessions.ask(_BY_PREFIX, {"prefix": prefix if storable else ""})
    kept = _NOBODYS_DIGEST if row is None else row.digest
    fits = [hmac.compare_digest(kept, _key_digest(text, pepper)) for pepper in peppers]
    return _grant(row, clock) if row is not None and any(fits) else None


def grant_of_key(sessions: Sessions, *, key_id: str, clock: Clock) -> KeyGrant | None:
    """Give whom a key's token stands for, or nothing once the key is expired or revoked."""
    row = sessions.ask(_BY_ID, {"key_id": key_id})
    return None if row is None else _grant(row, clock)


def _grant(row: sa.Row[Any], clock: Clock) -> KeyGrant | None:
    """Give what a key of `_WITH_OWNER` grants, unless it has ended."""
    if row.revoked_at is not None or clock.now() >= row.expires_at:
        return None
    standing = standing_from(
        row.organization_id,
        name=row.owner_name,
        kind=row.owner_kind,
        business_date=row.business_date,
        is_sample=row.is_sample,
        clock=clock,
    )
    actor = Actor(
        id=row.id,
        name=row.name,
        role=row.role,
        organization_id=row.organization_id,
        organization_kind=standing.kind,
        is_sample=standing.is_sample,
    )
    is_use_due = row.last_used_at is None or clock.now() - row.last_used_at >= _USE_NOTED_EVERY
    return KeyGrant(actor=actor, scopes=frozenset(row.scopes), standing=standing, is_use_due=is_use_due)


def note_key_use(sessions: Sessions, grant: KeyGrant, clock: Clock) -> None:
    """Note that a key was used, unless that was noted lately; it waits for other writers."""
    if grant.is_use_due:
        used = sa.update(ApiKeyRow).where(col(ApiKeyRow.id) == grant.actor.id)
        with sessions.begin() as session:
            session.exec(used.values(last_used_at=clock.now()))


def _refuse_second_successor(session: Session, row: ApiKeyRow) -> None:
    successor = session.exec(select(ApiKeyRow.id).where(ApiKeyRow.replaces_id == row.id)).first()
    if successor is not None:
        raise Conflict(
            f"key {row.id} was rotated already",
            zh="该密钥已轮换过，不能再次轮换",
            field="key_id",
            remedy="Rotate the key that took over from it.",
            remedy_zh="请轮换接替它的新密钥。",
            successor=successor,
        )


def _own_row(session: Session, organization_id: str, key_id: str, *, lock: bool = False) -> ApiKeyRow:
    row = session.get(ApiKeyRow, key_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != organization_id:
        raise NotFound(f"there is no key {key_id}", zh="API 密钥不存在", field="key_id")
    return row


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=row.role,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        created_at=row.created_at,
        created_by=row.created_by,
        replaces_id=row.replaces_id,
        version=row.version,
        is_collected=row.digest != _NOBODYS_DIGEST,
    )


def _note(session: Session, row: ApiKeyRow, kind: str, *, by: Actor | None, at: datetime) -> None:
    note_security_event(
        session, organization_id=row.organization_id, kind=kind, subject=f"key:{row.id}", actor=by, at=at
    )


def _key_digest(text: str, pepper: bytes) -> str:
    return hmac.digest(pepper, text.encode("utf-8", "surrogatepass"), "sha256").hex()
