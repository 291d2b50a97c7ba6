"""Who acts when a command is given: a named person, or the system of the only bank."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.errors import InvalidInput, MissingData, NotFound
from carbonfin.storage.parties import Organization, actor_of, organizations, people_of

COMMAND_LINE = "command-line"


def actor_for_command(session: Session, *, login: str | None, organization: str | None) -> Actor:
    """Give the person of a login, or the system actor of the named or only bank.

    Raises:
        NotFound: There is no such person or organisation.
        MissingData: There is no bank yet.
        InvalidInput: There are several banks and none was named.
    """
    known = organizations(session)
    if login is not None:
        return _person(session, known, login)
    return _system_of(_chosen(known, organization))


def _person(session: Session, known: tuple[Organization, ...], login: str) -> Actor:
    for organization in known:
        for person in people_of(session, organization.id):
            if person.login == login:
                return actor_of(session, person.id)
    raise NotFound(
        f"nobody signs in as {login!r}",
        zh=f"没有登录名“{login}”",
        field="--as",
        remedy="Name a login that exists.",
        remedy_zh="请填写已有的登录名。",
    )


def _chosen(known: tuple[Organization, ...], name: str | None) -> Organization:
    banks = [organization for organization in known if organization.kind is OrganizationKind.BANK]
    if name is not None:
        for organization in known:
            if name in {organization.name, organization.id}:
                return organization
        raise NotFound(f"there is no organisation {name!r}", zh=f"没有机构“{name}”", field="--organization")
    if not banks:
        raise MissingData(
            "there is no bank in the database",
            zh="数据库中还没有银行",
            field="--organization",
            remedy="Run `carbonfin demo` for the sample bank.",
            remedy_zh="可运行 carbonfin demo 建立示例银行。",
        )
    if len(banks) > 1:
        names = "、".join(bank.name for bank in banks)
        raise InvalidInput(
            f"there are {len(banks)} banks: {names}",
            zh=f"有多家银行：{names}",
            field="--organization",
            remedy="Name one with --organization.",
            remedy_zh="请用 --organization 指明一家。",
        )
    return banks[0]


def _system_of(organization: Organization) -> Actor:
    role = Role.SYSTEM if organization.kind is OrganizationKind.BANK else Role.BUREAU
    return Actor(
        id=COMMAND_LINE,
        name="命令行",
        role=role,
        organization_id=organization.id,
        organization_kind=organization.kind,
        is_sample=organization.is_sample,
    )
