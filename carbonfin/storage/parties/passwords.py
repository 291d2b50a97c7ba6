"""Passwords: proved, changed, locked after failures; every failure is counted in a transaction of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput, NotFound, NotPermitted
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.known_passwords import KnownPasswords
from carbonfin.storage.parties.organizations import actor_from, hash_password, password_fits
from carbonfin.storage.parties.rows import OrganizationRow, SessionRow, UserRow
from carbonfin.storage.parties.security import note_security_event

FAILURES_MAX = 5
LOCKED_FOR = timedelta(minutes=15)
ONE_TIME_PASSWORD_FOR = timedelta(hours=72)
"""How long a one-time password opens anything; another is then handed out."""
# Fits no password; it is verified for unknown logins, so that they take as long as known ones.
NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$zApyJfmqq5B2HznDiZZzhA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_WORD_BYTES_MIN = 4  # two Chinese characters, or four letters
_OWN_WORDS = ("carbonfin", "降碳贷", "碳金融", "jiangtandai")
_COMMON = frozenset(
    {
        "123456789012", "password1234", "qwertyuiop12", "111111111111", "000000000000", "abc123456789", "1q2w3e4r5t6y",
        "woaini123456", "admin1234567", "letmein12345",
    }
)  # fmt: skip


def authenticate_person(sessions: Sessions, *, login: str, password: str, clock: Clock) -> Actor | None:
    """Give the actor of a login and password, or nothing; an unknown login takes as long as a wrong password.

    Five failures in a row lock the account for fifteen minutes. The password is verified outside any transaction, and
    the failure is counted in one of its own, so that nothing rolls it back.

    Raises:
        NotPermitted: The password fits, and was a one-time password whose time is over.
    """
    return _proved(sessions, col(UserRow.login) == login, password, clock, at_the_door=True)


def confirm_person(sessions: Sessions, *, person_id: str, password: str, clock: Clock) -> bool:
    """Whether a signed-in person gave the own password again.

    A lock that strangers brought about at the door keeps nobody from it who is inside. Failures count towards the same
    lock, and the one that locks ends every session of the person: the password is not known to whoever sits there.
    """
    return _proved(sessions, col(UserRow.id) == person_id, password, clock, at_the_door=False) is not None


def change_password(
    sessions: Sessions,
    actor: Actor,
    *,
    current: str,
    new: str,
    clock: Clock,
    keep_session: str | None = None,
    known: KnownPasswords | None = None,
) -> None:
    """Change a person's own password and end the person's other sessions.

    Args:
        sessions: The database.
        actor: Whose password.
        current: The password until now; a wrong one counts towards the lock.
        new: 12 to 256 characters, not the current one, the login or a common one.
        clock: When.
        keep_session: Identifier of the session that goes on; None ends all.
        known: The operator's list of passwords known from breaches; None where there is none.

    Raises:
        InvalidInput: The current password is wrong, or the new one is refused.
        UpstreamFailed: The list of known passwords cannot be read.
    """
    if not confirm_person(sessions, person_id=actor.id, password=current, clock=clock):
        raise InvalidInput(
            "the current password does not fit",
            zh="当前密码不正确",
            field="current",
        )
    with sessions.read() as session:
        row = _row(session, actor.id)
        owner = session.get(OrganizationRow, row.organization_id)
        assert owner is not None, "a person has an organisation"
    require_fit_password(new, login=row.login, current=current, words=(row.name, owner.name), known=known)
    digest = hash_password(new)
    at = clock.now()
    with sessions.begin() as session:
        row = _row(session, actor.id, lock=True)
        row.password_hash = digest
        row.password_changed_at = at
        row.must_change_password = False
        row.version += 1
        session.add(row)
        others = sa.delete(SessionRow).where(col(SessionRow.user_id) == actor.id)
        if keep_session is not None:
            others = others.where(sa.or_(col(SessionRow.id).is_(None), col(SessionRow.id) != keep_session))
        session.exec(others)
        _note(session, row, "password_changed", actor=actor, at=at)


def require_fit_password(
    new: str,
    *,
    login: str,
    current: str | None = None,
    words: Sequence[str] = (),
    known: KnownPasswords | None = None,
) -> None:
    """Refuse a password that is easily guessed from what an attacker knows.

    Args:
        new: The password.
        login: Whose.
        current: The one until now.
        words: Names of the context, such as the person's and the bank's; the product's are always among them.
        known: Passwords known from breaches.

    Raises:
        InvalidInput: It is the current one, holds the login or a word of the context, is a common or a known one.
        UpstreamFailed: The list of known passwords cannot be read.
    """
    plain = new.casefold()
    if new == current:
        raise _unfit("the new password is the current one", "新密码不得与当前密码相同")
    if login and login.casefold() in plain:
        raise _unfit("the password holds the login", "密码不得包含登录名")
    named = [word.removesuffix("有限公司").removesuffix("股份").casefold() for word in (*_OWN_WORDS, *words)]
    if any(len(word.encode()) >= _WORD_BYTES_MIN and word in plain for word in named):
        raise _unfit(
            "the password holds the name of the product, the bank or the person", "密码不得包含产品、机构或本人的名称"
        )
    if plain in _COMMON or len(set(plain)) < len(plain) / 4:
        raise _unfit("the password is a common one", "密码过于常见")
    if known is not None and known.holds(new):
        raise _unfit("the password is known from a breach", "密码已见于公开的泄露名单")


def _proved(
    sessions: Sessions, whose: sa.ColumnElement[bool], password: str, clock: Clock, *, at_the_door: bool
) -> Actor | None:
    with sessions.read() as session:
        user = session.exec(select(UserRow).where(whose)).one_or_none()
    fits = password_fits(NOBODYS_HASH if user is None else user.password_hash, password)
    now = clock.now()
    with sessions.begin() as session:
        known_id = "" if user is None else user.id
        row = session.exec(select(UserRow).where(UserRow.id == known_id).with_for_update()).one_or_none()
        if row is None or not row.is_active:
            return None
        if at_the_door and row.locked_until is not None and now < row.locked_until:
            return None
        if fits:
            _refuse_expired(row, now)
            if at_the_door:
                row.failed_count = 0
                row.locked_until = None
                session.add(row)
            organization = session.get(OrganizationRow, row.organization_id)
            assert organization is not None, "a person has an organisation"
            return actor_from(row, organization)
        _count_failure(session, row, now, at_the_door=at_the_door)
    return None


def one_time_until(row: UserRow) -> datetime | None:
    """Give when the one-time password of an account ends; None where it has none."""
    if not row.must_change_password or row.password_hash == NOBODYS_HASH or row.password_changed_at is None:
        return None
    return row.password_changed_at + ONE_TIME_PASSWORD_FOR


def _refuse_expired(row: UserRow, now: datetime) -> None:
    """Say it only to whom the password fits: nobody else learns what kind of password an account has."""
    until = one_time_until(row)
    if until is not None and now >= until:
        raise NotPermitted(
            f"the one-time password was good until {until.isoformat(timespec='minutes')}",
            zh="一次性密码已过期",
            field="password",
            remedy="Ask an administrator of your organisation for another.",
            remedy_zh="请联系本机构管理员重新发放。",
        )


def _count_failure(session: Session, row: UserRow, now: datetime, *, at_the_door: bool) -> None:
    row.failed_count += 1
    _note(session, row, "sign_in_failed" if at_the_door else "step_up_failed", actor=None, at=now)
    if row.failed_count >= FAILURES_MAX:
        row.failed_count = 0
        row.locked_until = now + LOCKED_FOR
        _note(session, row, "locked", actor=None, at=now)
        if not at_the_door:
            session.exec(sa.delete(SessionRow).where(col(SessionRow.user_id) == row.id))
    session.add(row)


def _row(session: Session, person_id: str, *, lock: bool = False) -> UserRow:
    row = session.get(UserRow, person_id, with_for_update=lock or None)
    if row is None:
        raise NotFound(f"there is no person {person_id}", zh="用户不存在", field="person_id")
    return row


def _note(session: Session, row: UserRow, kind: str, *, actor: Actor | None, at: datetime) -> None:
    note_security_event(
        session, organization_id=row.organization_id, kind=kind, subject=f"person:{row.id}", actor=actor, at=at
    )


def _unfit(detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field="new",
        remedy="Choose 12 or more characters that nobody can guess.",
        remedy_zh="请选用 12 位以上且不易猜到的密码。",
    )
