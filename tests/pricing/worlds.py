"""A sample bank, another bank and the built-in market, as tests of store and edges need them."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.parties import OrganizationDraft, actor_of, add_person, people_of, save_organization
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from tests.pricing.markets import F1, G1, spot

BUSINESS_DATE = date(2025, 6, 30)
KNOWN_AT = end_of_china_day(BUSINESS_DATE)
BOOK = (spot("H1", "CEA-2023", 60_000), spot("H2", "CEA-2024", 560_000), spot("H3", "CCER", 5_000), F1, G1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWorld:
    maker: Actor
    checker: Actor
    stranger: Actor


def make_market_world(session: Session) -> MarketWorld:
    """A sample bank that knows the built-in market and its samples, and another bank that has no samples."""
    import_builtin_calendars(session)
    service.import_builtin_market(session)
    maker = _person(session, bank="示例银行", login="maker", role=Role.OFFICER, is_sample=True)
    checker = _person(session, bank="示例银行", login="checker", role=Role.CHECKER, is_sample=True)
    stranger = _person(session, bank="另一银行", login="stranger", role=Role.OFFICER, is_sample=False)
    add_samples(session, maker, checker)
    return MarketWorld(maker=maker, checker=checker, stranger=stranger)


def add_samples(session: Session, maker: Actor, checker: Actor) -> None:
    """Sample quotes and the assumed rate, approved by two people."""
    service.import_sample_quotes(session, maker)
    for value in service.sample_parameters():
        enter_parameter(session, maker, checker, value, reason="样例参数", at=KNOWN_AT)


def _person(session: Session, *, bank: str, login: str, role: Role, is_sample: bool) -> Actor:
    organization = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK, name=bank, usci=None, business_date=BUSINESS_DATE, is_sample=is_sample
        ),
    )
    person = add_person(
        session, organization_id=organization.id, login=login, name=login, role=role, password_hash="unusable"
    )
    return actor_of(session, person.id)


def add_market(session: Session, officer: Actor) -> None:
    """The built-in market and the samples, for a world whose people are there already."""
    import_builtin_calendars(session)
    service.import_builtin_market(session)
    checkers = [person for person in people_of(session, officer.organization_id) if person.role is Role.CHECKER]
    add_samples(session, officer, actor_of(session, checkers[0].id))
