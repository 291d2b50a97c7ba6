"""A person's second factor: an authenticator enrolled, proved at the door, replaced by recovery codes, ended."""

import base64
import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import NONCE_BYTES, KeyRing, sha256_hex
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.one_time_codes import SECRET_BYTES, accepted_step, step_at
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.passwords import FAILURES_MAX, LOCKED_FOR
from carbonfin.storage.parties.rows import Factor, SecondFactorRow, SessionRow, UserRow
from carbonfin.storage.parties.security import note_security_event

RECOVERY_CODES = 10
_PURPOSE = "second-factor"
_RECOVERY_BYTES = 10  # 80 random bits: nobody guesses them, so a plain digest keeps them
_GROUP = 4


def has_second_factor(session: Session, person_id: str) -> bool:
    """Whether a person has confirmed an authenticator."""
    row = session.get(SecondFactorRow, person_id)
    return row is not None and row.confirmed_at is not None


def people_with_second_factor(session: Session, organization_id: str) -> frozenset[str]:
    """Give the people of an organisation who have confirmed an authenticator."""
    return frozenset(
        session.exec(
            select(SecondFactorRow.user_id).where(
                SecondFactorRow.organization_id == organization_id, col(SecondFactorRow.confirmed_at).is_not(None)
            )
        ).all()
    )


def begin_second_factor(session: Session, actor: Actor, *, keys: KeyRing, at: datetime) -> bytes:
    """Draw a secret for the actor's authenticator; it counts from when a code of it was given.

    Raises:
        Conflict: An authenticator is confirmed already.
    """
    row = session.get(SecondFactorRow, actor.id, with_for_update=True)
    if row is not None and row.confirmed_at is not None:
        raise Conflict(
            "an authenticator is confirmed already",
            zh="已启用身份验证器",
            field="code",
            remedy="End it with one of its codes first, or have an administrator reset it.",
            remedy_zh="请先用现有验证码停用，或由管理员重置。",
        )
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = _sealed(secret, keys, person_id=actor.id)
    if row is None:
        row = SecondFactorRow(
            user_id=actor.id, organization_id=actor.organization_id, sealed_secret=sealed, last_step=step_at(at) - 2
        )
    row.sealed_secret = sealed
    session.add(row)
    return secret


def confirm_second_factor(
    session: Session, actor: Actor, *, code: str, keep_session: str, keys: KeyRing, at: datetime
) -> tuple[str, ...]:
    """Have the authenticator count from now on, and give its recovery codes, shown this once.

    The person's other sessions end: a password alone opened them.

    Raises:
        Conflict: None was begun, or one is confirmed already.
        InvalidInput: The code does not fit.
    """
    row = session.get(SecondFactorRow, actor.id, with_for_update=True)
    if row is None or row.confirmed_at is not None:
        raise Conflict("no authenticator waits for a code", zh="没有待确认的身份验证器", field="code")
    step = _step_of(row, _plain(code), keys=keys, at=at)
    if step is None:
        raise InvalidInput(
            "the code does not fit the secret",
            zh="验证码不正确",
            field="code",
            remedy="Give the six digits it shows now; see that the device's clock is right.",
            remedy_zh="请输入当前显示的六位数字，并检查设备时间是否准确。",
        )
    codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
    row.confirmed_at, row.last_step, row.failed_count = at, step, 0
    row.recovery_digests = [_digest(actor.id, _plain(one)) for one in codes]
    session.add(row)
    session.exec(
        sa.delete(SessionRow).where(
            col(SessionRow.user_id) == actor.id,
            sa.or_(col(SessionRow.id).is_(None), col(SessionRow.id) != keep_session),
        )
    )
    session.exec(sa.update(SessionRow).where(col(SessionRow.id) == keep_session).values(factor=Factor.SECOND))
    _note(session, row, "second_factor_enrolled", actor=actor, at=at)
    return codes


def prove_second_factor(sessions: Sessions, *, person_id: str, code: str, keys: KeyRing, clock: Clock) -> bool:
    """Whether somebody gave a code of the person's authenticator, or one of the recovery codes not used yet.

    A code is good once. Failures are counted in a transaction of their own, apart from the password's, which whoever
    knows the password would set back; five in a row lock the account for fifteen minutes and end the sessions that
    wait for a code.
    """
    now = clock.now()
    with sessions.begin() as session:
        user = session.exec(select(UserRow).where(UserRow.id == person_id).with_for_update()).one_or_none()
        row = session.get(SecondFactorRow, person_id, with_for_update=True)
        if user is None or row is None or row.confirmed_at is None:
            return False
        if user.locked_until is not None and now < user.locked_until:
            return False
        if _accepted(session, row, _plain(code), keys=keys, now=now):
            row.failed_count = 0
            session.add(row)
            return True
        _count_failure(session, row, user, now)
    return False


def end_second_factor(session: Session, actor: Actor, person_id: str, *, kind: str, at: datetime) -> None:
    """Forget a person's authenticator and recovery codes; `kind` is the security event that says who did it."""
    row = session.get(SecondFactorRow, person_id, with_for_update=True)
    if row is None or row.organization_id != actor.organization_id:
        raise Conflict("the person has no authenticator", zh="该用户未启用身份验证器", field="person_id")
    session.delete(row)
    _note(session, row, kind, actor=actor, at=at)


def _accepted(session: Session, row: SecondFactorRow, code: str, *, keys: KeyRing, now: datetime) -> bool:
    step = _step_of(row, code, keys=keys, at=now)
    if step is not None:
        row.last_step = step
        _seal_anew(row, keys)
        return True
    digest = _digest(row.user_id, code)
    if digest not in row.recovery_digests:
        return False
    row.recovery_digests = [one for one in row.recovery_digests if one != digest]
    _note(session, row, "recovery_code_used", actor=None, at=now)
    return True


def _step_of(row: SecondFactorRow, code: str, *, keys: KeyRing, at: datetime) -> int | None:
    secret = keys.decrypt(_PURPOSE, row.sealed_secret, about=row.user_id)
    return None if secret is None else accepted_step(secret, code, at=at, after=row.last_step)


def _seal_anew(row: SecondFactorRow, keys: KeyRing) -> None:
    """Encrypt under the secret in use, so that an older one can be dropped once everybody has signed in."""
    secret = keys.decrypt(_PURPOSE, row.sealed_secret, about=row.user_id)
    assert secret is not None, "a code of it was just accepted"
    row.sealed_secret = _sealed(secret, keys, person_id=row.user_id)


def _sealed(secret: bytes, keys: KeyRing, *, person_id: str) -> str:
    return keys.encrypt(_PURPOSE, secret, about=person_id, nonce=secrets.token_bytes(NONCE_BYTES))


def _count_failure(session: Session, row: SecondFactorRow, user: UserRow, now: datetime) -> None:
    row.failed_count += 1
    _note(session, row, "second_factor_failed", actor=None, at=now)
    if row.failed_count >= FAILURES_MAX:
        row.failed_count = 0
        user.locked_until = now + LOCKED_FOR
        session.add(user)
        _note(session, row, "locked", actor=None, at=now)
        waiting: list[Any] = [col(SessionRow.user_id) == user.id, col(SessionRow.factor) == Factor.WAITING]
        session.exec(sa.delete(SessionRow).where(*waiting))
    session.add(row)


def _recovery_code() -> str:
    plain = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def _digest(person_id: str, code: str) -> str:
    return sha256_hex(f"{person_id}:{code}".encode("utf-8", "surrogatepass"))


def _note(session: Session, row: SecondFactorRow, kind: str, *, actor: Actor | None, at: datetime) -> None:
    note_security_event(
        session, organization_id=row.organization_id, kind=kind, subject=f"person:{row.user_id}", actor=actor, at=at
    )
