"""Accounts as their administrator sees and changes them; what binds more than one person goes through an approval."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.storage.parties.organizations import hash_password
from carbonfin.storage.parties.passwords import NOBODYS_HASH, one_time_until
from carbonfin.storage.parties.rows import SessionRow, UserRow
from carbonfin.storage.parties.security import note_security_event

_PASSWORD_BYTES = 12
ADMINISTRATORS_MIN = 2
"""Four eyes on accounts and keys need so many; with fewer an organisation could change nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's account without its password.

    Attributes:
        is_unclaimed: No password fits yet: a one-time password can be handed out, once.
        one_time_until: When the one-time password that was handed out ends; None where there is none.
        signs_in_elsewhere: The organisation's own provider vouches for the person; there is no password here.
    """

    id: str
    login: str
    name: str
    role: Role
    is_active: bool
    locked_until: datetime | None
    must_change_password: bool
    is_unclaimed: bool
    one_time_until: datetime | None
    signs_in_elsewhere: bool
    last_seen_at: datetime | None
    version: int

    def can_be_handed_a_password(self, at: datetime) -> bool:
        """Whether no password fits yet, or a one-time password has ended unused."""
        return self.is_unclaimed or (self.one_time_until is not None and at >= self.one_time_until)

    def is_locked(self, at: datetime) -> bool:
        """Whether failures keep the person out at an instant."""
        return self.locked_until is not None and at < self.locked_until


def accounts_of(session: Session, actor: Actor) -> tuple[Account, ...]:
    """Give the accounts of the actor's organisation by login."""
    rows = session.exec(
        select(UserRow).where(UserRow.organization_id == actor.organization_id).order_by(col(UserRow.login))
    ).all()
    seen = _last_seen(session, [row.id for row in rows])
    return tuple(_account(row, seen.get(row.id)) for row in rows)


def load_account(session: Session, actor: Actor, person_id: str) -> Account:
    """Give an account of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = _own_row(session, actor, person_id)
    return _account(row, _last_seen(session, [row.id]).get(row.id))


def open_account(session: Session, actor: Actor, *, login: str, name: str, role: Role, at: datetime) -> Account:
    """Open an account nobody can use until its one-time password is handed out.

    Raises:
        Conflict: The login is taken, in this organisation or another.
    """
    row = UserRow(
        organization_id=actor.organization_id, login=login, name=name, role=role, password_hash=NOBODYS_HASH,
        must_change_password=True,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(f"the login {login!r} is taken", zh=f"登录名“{login}”已被使用", field="login") from error
    _note(session, row, "person_added", actor, at, detail=role.value)
    return _account(row, None)


def change_role(session: Session, actor: Actor, person_id: str, *, role: Role, at: datetime) -> None:
    """Give a person another role; every session of theirs ends.

    Raises:
        NotPermitted: It would leave fewer than two administrators.
    """
    if role is not Role.ADMINISTRATOR:
        _keep_administrators(session, actor, without=person_id)
    row = _own_row(session, actor, person_id, lock=True)
    before, row.role = row.role, role
    _changed(session, row, "role_changed", actor, at, detail=f"{before.value} → {role.value}")


def require_new_password(session: Session, actor: Actor, person_id: str, *, at: datetime) -> None:
    """End a person's password and sessions; a one-time password can then be handed out.

    Raises:
        NotPermitted: It would leave fewer than two administrators who can sign in.
    """
    _keep_administrators(session, actor, without=person_id)
    row = _own_row(session, actor, person_id, lock=True)
    row.password_hash, row.must_change_password = NOBODYS_HASH, True
    row.oidc_issuer = row.oidc_subject = None
    _changed(session, row, "password_reset", actor, at)


def reactivate(session: Session, actor: Actor, person_id: str, *, at: datetime) -> None:
    """Let a person in again."""
    row = _own_row(session, actor, person_id, lock=True)
    row.is_active = True
    _changed(session, row, "person_reactivated", actor, at)


def deactivate(session: Session, actor: Actor, person_id: str, *, at: datetime) -> None:
    """Keep a person out at once; one who is out stays out.

    Raises:
        InvalidInput: It would be the actor's own account.
        NotPermitted: It would leave fewer than two administrators; the operator on the machine may all the same.
    """
    _refuse_oneself(actor, person_id)
    if actor.role is not Role.OPERATOR:
        _keep_administrators(session, actor, without=person_id)
    row = _own_row(session, actor, person_id, lock=True)
    if not row.is_active:
        return
    row.is_active = False
    _changed(session, row, "person_deactivated", actor, at)


def unlock(session: Session, actor: Actor, person_id: str, *, at: datetime) -> None:
    """End the lock that failures brought."""
    _refuse_oneself(actor, person_id)
    row = _own_row(session, actor, person_id, lock=True)
    row.locked_until, row.failed_count = None, 0
    row.version += 1
    session.add(row)
    _note(session, row, "unlocked", actor, at)


def sign_out_everywhere(session: Session, actor: Actor, person_id: str, *, at: datetime) -> None:
    """End every session of a person."""
    row = _own_row(session, actor, person_id, lock=True)
    _changed(session, row, "sessions_ended", actor, at)


def one_time_password() -> tuple[str, str]:
    """Make a one-time password and its hash; made outside a writing transaction, since hashing takes long."""
    text = secrets.token_urlsafe(_PASSWORD_BYTES)
    return text, hash_password(text)


def hand_out_password(session: Session, actor: Actor, person_id: str, *, password_hash: str, at: datetime) -> None:
    """Set the one-time password of an account that has none, or whose own ended unused.

    Raises:
        Conflict: A password was handed out already: another needs an approval.
    """
    row = _own_row(session, actor, person_id, lock=True)
    until = one_time_until(row)
    if row.password_hash != NOBODYS_HASH and (until is None or at < until):
        raise Conflict(
            "a password was handed out already",
            zh="该账户的一次性密码已发放",
            field="person_id",
            remedy="Propose a new password; another administrator approves it.",
            remedy_zh="请提交重置密码，由另一名管理员复核后再发放。",
        )
    row.password_hash = password_hash
    row.password_changed_at = at
    _changed(session, row, "one_time_password_handed_out", actor, at)


def _changed(session: Session, row: UserRow, kind: str, actor: Actor, at: datetime, *, detail: str = "") -> None:
    row.version += 1
    session.add(row)
    session.exec(sa.delete(SessionRow).where(col(SessionRow.user_id) == row.id))
    _note(session, row, kind, actor, at, detail=detail)


def _refuse_oneself(actor: Actor, person_id: str) -> None:
    if actor.id == person_id:
        raise InvalidInput(
            "nobody does this to the own account", zh="不能对本人账户办理此项", field="person_id",
            remedy="Ask another administrator.", remedy_zh="请由另一名管理员办理。",
        )  # fmt: skip


def _keep_administrators(session: Session, actor: Actor, *, without: str) -> None:
    """Refuse to go on without a person where too few administrators would be left.

    Their rows are locked, in one order: two such steps at the same instant are taken one after the other.
    """
    able = session.exec(
        select(UserRow)
        .where(UserRow.organization_id == actor.organization_id, UserRow.role == Role.ADMINISTRATOR)
        .where(col(UserRow.is_active), UserRow.password_hash != NOBODYS_HASH)
        .order_by(col(UserRow.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    left = [row for row in able if row.id != without]
    if len(left) < min(ADMINISTRATORS_MIN, len(able)):
        raise NotPermitted(
            f"an organisation keeps {ADMINISTRATORS_MIN} administrators who can act; {len(left)} would be left",
            zh=f"机构须保留至少 {ADMINISTRATORS_MIN} 名可办理业务的管理员，此操作后只剩 {len(left)} 名",
            field="person_id",
            remedy="Add another administrator first; in an emergency ask the operator of the platform.",
            remedy_zh="请先增设管理员；紧急情况请联系平台运维人员。",
        )


def _own_row(session: Session, actor: Actor, person_id: str, *, lock: bool = False) -> UserRow:
    row = session.get(UserRow, person_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no person {person_id}", zh="没有该用户", field="person_id")
    return row


def _last_seen(session: Session, ids: list[str]) -> dict[str, datetime]:
    query = select(SessionRow.user_id, sa.func.max(SessionRow.last_seen_at)).where(col(SessionRow.user_id).in_(ids))
    return {person_id: at for person_id, at in session.exec(query.group_by(col(SessionRow.user_id))) if at is not None}


def _note(session: Session, row: UserRow, kind: str, actor: Actor, at: datetime, *, detail: str = "") -> None:
    note_security_event(
        session, organization_id=row.organization_id, kind=kind, subject=f"person:{row.id}", actor=actor, at=at,
        detail=detail,
    )  # fmt: skip


def _account(row: UserRow, last_seen_at: datetime | None) -> Account:
    return Account(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        is_active=row.is_active,
        locked_until=row.locked_until,
        must_change_password=row.must_change_password,
        is_unclaimed=row.password_hash == NOBODYS_HASH,
        one_time_until=one_time_until(row),
        signs_in_elsewhere=row.oidc_subject is not None,
        last_seen_at=last_seen_at,
        version=row.version,
    )
