"""Two banks with people, as tests need them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.parties import OrganizationDraft, actor_of, add_person, save_organization

NOW = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
CLOCK = FixedClock(NOW)
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    bank_id: str
    other_bank_id: str
    maker: Actor
    checker: Actor
    stranger: Actor


def make_world(session: Session, *, password_hash: str) -> World:
    """Two banks: a sample one with maker and checker, and another with a stranger."""
    bank = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK,
            name="示例银行股份有限公司深圳分行",
            usci="91440300EXAMPLEA59",
            business_date=date(2025, 6, 30),
            is_sample=True,
        ),
    )
    other = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK, name="另一银行", usci=None, business_date=date(2025, 6, 30), is_sample=False
        ),
    )
    people = [
        add_person(
            session, organization_id=organization, login=login, name=login, role=role, password_hash=password_hash
        )
        for organization, login, role in (
            (bank.id, "maker", Role.OFFICER),
            (bank.id, "checker", Role.CHECKER),
            (other.id, "stranger", Role.OFFICER),
        )
    ]
    maker, checker, stranger = (actor_of(session, person.id) for person in people)
    return World(bank_id=bank.id, other_bank_id=other.id, maker=maker, checker=checker, stranger=stranger)
