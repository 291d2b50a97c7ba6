"""Organisations, their business dates and their people."""

import threading
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.parties.rows import DayState, OrganizationRow, UserRow
from carbonfin.storage.rows import table_of

_HASHER = PasswordHasher()
_HASHERS_AT_ONCE = threading.BoundedSemaphore(4)  # each takes 64 MiB
_PASSWORD_LENGTH_MIN = 12
_PASSWORD_LENGTH_MAX = 256
_ORGANIZATIONS = table_of(OrganizationRow)
_STANDING = sa.select(
    _ORGANIZATIONS.c.name, _ORGANIZATIONS.c.kind, _ORGANIZATIONS.c.business_date, _ORGANIZATIONS.c.is_sample
).where(_ORGANIZATIONS.c.id == sa.bindparam("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDraft:
    """What is entered about an organisation."""

    kind: OrganizationKind
    name: str
    usci: str | None
    business_date: date
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A bank or a bureau."""

    id: str
    kind: OrganizationKind
    name: str
    usci: str | None
    business_date: date
    day_state: DayState
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an organisation stands in time: its business date and what is known at present.

    In a sample organisation the present is the end of its business date in China, so that it never knows more than
    its own world; elsewhere it is the clock's.
    """

    organization_id: str
    name: str
    kind: OrganizationKind
    business_date: date
    known_at: datetime
    is_sample: bool

    def known_by(self, day: date) -> datetime:
        """Give the instant up to which facts counted as known at the close of a day, and never past the present."""
        return min(self.known_at, end_of_china_day(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who can sign in."""

    id: str
    organization_id: str
    login: str
    name: str
    role: Role
    is_active: bool


def save_organization(session: Session, draft: OrganizationDraft) -> Organization:
    """Add an organisation, or give the one that already has this name; a business date is never set back.

    Raises:
        Conflict: The name is taken by an organisation with other facts.
    """
    usci = None if draft.usci is None else str(Usci.parse(draft.usci))
    row = session.exec(select(OrganizationRow).where(OrganizationRow.name == draft.name)).one_or_none()
    if row is None:
        row = OrganizationRow(
            kind=draft.kind,
            name=draft.name,
            usci=usci,
            business_date=draft.business_date,
            is_sample=draft.is_sample,
        )
        session.add(row)
        session.flush()
    elif (row.kind, row.usci, row.is_sample) != (draft.kind, usci, draft.is_sample):
        raise Conflict(
            f"organisation {draft.name!r} exists with other facts",
            zh=f"机构“{draft.name}”已存在且信息不同",
            field="name",
        )
    return _organization(row)


def load_organization(session: Session, organization_id: str) -> Organization:
    """Give an organisation by its identifier."""
    return _organization(_organization_row(session, organization_id))


def organizations(session: Session) -> tuple[Organization, ...]:
    """Give all organisations by name; for the end-of-day job and administration, never for one bank's page."""
    rows = session.exec(select(OrganizationRow).order_by(col(OrganizationRow.name))).all()
    return tuple(_organization(row) for row in rows)


def roll_business_date(session: Session, organization_id: str, *, expected: date, to: date, state: DayState) -> None:
    """Move an organisation's business date, if it still is the expected one.

    Raises:
        Conflict: Another run has moved it.
        InvalidInput: The new date lies before the old.
    """
    row = _organization_row(session, organization_id, lock=True)
    if row.business_date != expected:
        raise Conflict(
            f"the business date is {row.business_date}, not {expected}",
            zh=f"业务日期已是 {row.business_date}",
            field="business_date",
            remedy="Read the business date again.",
            remedy_zh="请刷新后重试。",
        )
    if to < expected:
        raise InvalidInput(
            f"business date {to} lies before {expected}", zh="业务日期不得回退", field="business_date"
        )  # fmt: skip
    row.business_date = to
    row.day_state = state
    session.add(row)


def standing_of(session: Session, organization_id: str, clock: Clock) -> Standing:
    """Give an organisation's business date and the instant up to which facts count as known."""
    row = execute_prepared(session, _STANDING, {"id": organization_id}).one_or_none()
    if row is None:
        raise _not_found(organization_id)
    return standing_from(
        organization_id,
        name=row.name,
        kind=row.kind,
        business_date=row.business_date,
        is_sample=row.is_sample,
        clock=clock,
    )


def standing_by_code(session: Session, usci: str, clock: Clock) -> Standing | None:
    """Give where the organisation with a unified social credit code stands in time, None where there is none."""
    row = session.exec(select(OrganizationRow).where(OrganizationRow.usci == usci)).one_or_none()
    if row is None:
        return None
    return standing_from(
        row.id,
        name=row.name,
        kind=row.kind,
        business_date=row.business_date,
        is_sample=row.is_sample,
        clock=clock,
    )


def standing_from(
    organization_id: str, *, name: str, kind: OrganizationKind, business_date: date, is_sample: bool, clock: Clock
) -> Standing:
    """Give where an organisation stands by what its row says."""
    return Standing(
        organization_id=organization_id,
        name=name,
        kind=kind,
        business_date=business_date,
        known_at=known_at_present(business_date, clock, is_sample=is_sample),
        is_sample=is_sample,
    )


def known_at_present(business_date: date, clock: Clock, *, is_sample: bool) -> datetime:
    """Give the instant up to which facts count as known: in a sample organisation the end of its business date."""
    return end_of_china_day(business_date) if is_sample else clock.now()


def hash_password(password: str) -> str:
    """Hash a password with argon2id; takes about a tenth of a second, so do it outside a writing transaction.

    Raises:
        InvalidInput: Shorter than 12 or longer than 256 characters.
    """
    if not _PASSWORD_LENGTH_MIN <= len(password) <= _PASSWORD_LENGTH_MAX:
        raise InvalidInput(
            f"a password has {_PASSWORD_LENGTH_MIN} to {_PASSWORD_LENGTH_MAX} characters",
            zh=f"密码长度应为 {_PASSWORD_LENGTH_MIN} 至 {_PASSWORD_LENGTH_MAX} 个字符",
            field="password",
        )
    with _HASHERS_AT_ONCE:
        return _HASHER.hash(password)


def password_fits(password_hash: str, password: str) -> bool:
    """Say whether a password fits a hash, in the time a hash takes either way."""
    with _HASHERS_AT_ONCE:
        try:
            return _HASHER.verify(password_hash, password[:_PASSWORD_LENGTH_MAX])
        except (VerificationError, InvalidHashError):
            return False


def add_person(
    session: Session, *, organization_id: str, login: str, name: str, role: Role, password_hash: str
) -> Person:
    """Add a person, or give the one who already has this login in this organisation; the password is not changed then.

    Raises:
        Conflict: The login belongs to someone else.
    """
    row = session.exec(select(UserRow).where(UserRow.login == login)).one_or_none()
    if row is None:
        row = UserRow(
            organization_id=_organization_row(session, organization_id).id,
            login=login,
            name=name,
            role=role,
            password_hash=password_hash,
        )
        session.add(row)
        session.flush()
    elif (row.organization_id, row.name, row.role) != (organization_id, name, role):
        raise Conflict(f"the login {login!r} is taken", zh=f"登录名“{login}”已被使用", field="login")
    return _person(row)


def people_of(session: Session, organization_id: str) -> tuple[Person, ...]:
    """Give an organisation's people by login."""
    rows = session.exec(
        select(UserRow).where(UserRow.organization_id == organization_id).order_by(col(UserRow.login))
    ).all()
    return tuple(_person(row) for row in rows)


def actor_of(session: Session, user_id: str) -> Actor:
    """Give a person as an actor: for jobs and commands that act for them."""
    row = session.get(UserRow, user_id)
    if row is None or not row.is_active:
        raise NotFound(f"there is no active person {user_id}", zh="用户不存在或已停用", field="user_id")
    return actor_from(row, _organization_row(session, row.organization_id))


def actor_from(user: UserRow, organization: OrganizationRow) -> Actor:
    """Make the actor of a person's row."""
    return Actor(
        id=user.id,
        name=user.name,
        role=user.role,
        organization_id=organization.id,
        organization_kind=organization.kind,
        is_sample=organization.is_sample,
    )


def _organization_row(session: Session, organization_id: str, *, lock: bool = False) -> OrganizationRow:
    row = session.get(OrganizationRow, organization_id, with_for_update=lock or None)
    if row is None:
        raise _not_found(organization_id)
    return row


def _not_found(organization_id: str) -> NotFound:
    return NotFound(f"there is no organisation {organization_id}", zh="机构不存在", field="organization_id")


def _organization(row: OrganizationRow) -> Organization:
    return Organization(
        id=row.id,
        kind=row.kind,
        name=row.name,
        usci=row.usci,
        business_date=row.business_date,
        day_state=row.day_state,
        is_sample=row.is_sample,
    )


def _person(row: UserRow) -> Person:
    return Person(
        id=row.id,
        organization_id=row.organization_id,
        login=row.login,
        name=row.name,
        role=row.role,
        is_active=row.is_active,
    )
