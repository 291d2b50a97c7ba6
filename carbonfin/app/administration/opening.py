"""What only the operator on the machine does: organisations, a missing administrator, access ended at once."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.storage.administration import ROLES_OF
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    ONE_TIME_PASSWORD_FOR,
    Organization,
    OrganizationDraft,
    Person,
    deactivate,
    end_second_factor,
    hand_out_password,
    keys_of,
    note_security_event,
    one_time_password,
    open_account,
    organizations,
    people_of,
    plain_name,
    require_login,
    revoke_key,
    save_organization,
    sign_out_everywhere,
)
from carbonfin.web.wire import day_of

_ADMINISTRATORS_COUNT = 2
_COMMA = re.compile(r"[,，]\s*")
COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimePassword:
    """A first password, shown this once.

    Attributes:
        good_until: When it ends, unless it was changed before.
    """

    login: str
    good_until: datetime
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOrganization:
    """A new organisation and the first passwords of its administrators."""

    organization_id: str
    name: str
    administrators: tuple[OneTimePassword, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAccess:
    """Whose access has ended."""

    organization: str
    subject: str


def open_organization(
    sessions: Sessions,
    *,
    name: str,
    kind: str,
    usci: str | None,
    business_date: str,
    administrators: str,
    by: str,
    clock: Clock,
) -> OpenedOrganization:
    """Add an organisation and the two administrators that four eyes need.

    Raises:
        InvalidInput: The kind, the date, the name or the logins cannot be.
        Conflict: The name, the USCI or a login is taken.
    """
    if kind not in {OrganizationKind.BANK.value, OrganizationKind.BUREAU.value}:
        raise InvalidInput(f"{kind!r} is neither bank nor bureau", zh="机构类别应为 bank 或 bureau", field="--kind")
    logins = tuple(filter(None, _COMMA.split(administrators.strip())))
    if len(set(logins)) != _ADMINISTRATORS_COUNT:
        raise InvalidInput(
            "an organisation begins with two administrators", zh="须指定两名不同的管理员", field="--administrators"
        )
    draft = OrganizationDraft(
        kind=OrganizationKind(kind),
        name=plain_name(name),
        usci=usci,
        business_date=day_of(business_date, field="--business-date"),
        is_sample=False,
    )
    for login in logins:
        require_login(login)
    first = [(login, *one_time_password()) for login in logins]
    at = clock.now()
    with sessions.as_operator().begin() as session:
        if any(known.name == draft.name for known in organizations(session)):
            raise Conflict(f"organisation {draft.name!r} exists", zh=f"机构“{draft.name}”已存在", field="--name")
        opened = save_organization(session, draft)
        operator = _operator(opened, by)
        for login, _, password_hash in first:
            _add_administrator(session, operator, login, password_hash, at)
        note_security_event(
            session, organization_id=opened.id, kind="organization_added", subject=f"organization:{opened.id}",
            actor=operator, at=at,
        )  # fmt: skip
    return OpenedOrganization(
        organization_id=opened.id,
        name=opened.name,
        administrators=tuple(_shown(login, text, at) for login, text, _ in first),
    )


def add_administrator(sessions: Sessions, *, organization: str, login: str, by: str, clock: Clock) -> OneTimePassword:
    """Give an organisation one more administrator, as where too few are left to help one another.

    Raises:
        NotFound: There is no such organisation.
        InvalidInput: The login cannot be, or the organisation has no administrators.
        Conflict: The login is taken.
    """
    require_login(login)
    text, password_hash = one_time_password()
    at = clock.now()
    with sessions.as_operator().begin() as session:
        home = next((one for one in organizations(session) if organization in {one.id, one.name}), None)
        if home is None:
            raise NotFound(
                f"there is no organisation {organization!r}", zh=f"没有机构“{organization}”", field="organization"
            )
        if Role.ADMINISTRATOR not in ROLES_OF[home.kind]:
            raise InvalidInput(f"{home.name} has no administrators", zh="该机构不设管理员", field="organization")
        _add_administrator(session, _operator(home, by), login, password_hash, at)
    return _shown(login, text, at)


def _add_administrator(session: Session, operator: Actor, login: str, password_hash: str, at: datetime) -> None:
    account = open_account(session, operator, login=login, name=login, role=Role.ADMINISTRATOR, at=at)
    hand_out_password(session, operator, account.id, password_hash=password_hash, at=at)


def _shown(login: str, text: str, at: datetime) -> OneTimePassword:
    return OneTimePassword(login=login, password=text, good_until=at + ONE_TIME_PASSWORD_FOR)


def keep_person_out(sessions: Sessions, *, login: str, by: str, clock: Clock) -> EndedAccess:
    """Keep a person out at once, whichever organisation is theirs.

    Raises:
        NotFound: Nobody signs in so.
    """
    with sessions.as_operator().begin() as session:
        home, person = _signing_in_as(session, login)
        deactivate(session, _operator(home, by), person.id, at=clock.now())
    return EndedAccess(organization=home.name, subject=login)


def reset_second_factor(sessions: Sessions, *, login: str, by: str, clock: Clock) -> EndedAccess:
    """Take the lost authenticator and recovery codes from an administrator whom no other administrator can help.

    The password stays and opens the way to a new authenticator alone; every session of the person ends.

    Raises:
        NotFound: Nobody signs in so.
        NotPermitted: The person is no administrator: two of the organisation's own do it then.
        Conflict: The person has no authenticator.
    """
    at = clock.now()
    with sessions.as_operator().begin() as session:
        home, person = _signing_in_as(session, login)
        if person.role is not Role.ADMINISTRATOR:
            raise NotPermitted(
                f"{login} is no administrator", zh=f"“{login}”不是管理员", field="login",
                remedy="Two administrators of the organisation reset it on the person's page.",
                remedy_zh="请由本机构两名管理员在该用户页面办理重置。",
            )  # fmt: skip
        operator = _operator(home, by)
        end_second_factor(session, operator, person.id, kind="second_factor_reset", at=at)
        sign_out_everywhere(session, operator, person.id, at=at)
    return EndedAccess(organization=home.name, subject=login)


def _signing_in_as(session: Session, login: str) -> tuple[Organization, Person]:
    for organization in organizations(session):
        for person in people_of(session, organization.id):
            if person.login == login:
                return organization, person
    raise NotFound(f"nobody signs in as {login!r}", zh=f"没有登录名“{login}”", field="login")


def end_key(sessions: Sessions, *, prefix: str, by: str, clock: Clock) -> EndedAccess:
    """End a key at once, whichever organisation is its own.

    Raises:
        NotFound: No key begins so.
    """
    with sessions.as_operator().begin() as session:
        for organization in organizations(session):
            key_id = _key_with(session, organization, prefix)
            if key_id is not None:
                operator = _operator(organization, by)
                revoke_key(session, organization_id=organization.id, key_id=key_id, clock=clock, by=operator)
                return EndedAccess(organization=organization.name, subject=prefix)
    raise NotFound(f"there is no key {prefix!r}", zh=f"没有前缀为“{prefix}”的密钥", field="prefix")


def _key_with(session: Session, organization: Organization, prefix: str) -> str | None:
    return next((key.id for key in keys_of(session, organization.id) if key.prefix == prefix), None)


def _operator(organization: Organization, by: str) -> Actor:
    """Give the person at the machine as an actor within an organisation, for the security log."""
    return Actor(
        id=COMMAND_LINE,
        name=f"{plain_name(by)}（命令行）",
        role=Role.OPERATOR,
        organization_id=organization.id,
        organization_kind=organization.kind,
        is_sample=organization.is_sample,
    )
