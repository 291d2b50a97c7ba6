"""A small bank for the loan services' tests: officer, checker, the clothing maker, parameters, market and calendar."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    actor_of,
    add_person,
    save_organization,
    save_party,
)
from carbonfin.storage.rulebook import enter_parameter
from loans import service
from loans.calc.accounts import AccountYear
from loans.calc.ratings.carbon_efficiency import SectorMean
from pricing.service import import_builtin_market
from tests.loans.samples import E4_USCI, activity, concession_terms, e4_report

BUSINESS_DATE = date(2025, 6, 30)
KNOWN_AT = end_of_china_day(BUSINESS_DATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    officer: Actor
    checker: Actor
    clothing: Party


def open_bank(session: Session, *, name: str = "示例银行股份有限公司深圳分行", password_hash: str = "") -> Bank:
    organization = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK, name=name, usci=None, business_date=BUSINESS_DATE, is_sample=True
        ),
    )
    people = {}
    for role in (Role.OFFICER, Role.CHECKER):
        person = add_person(
            session,
            organization_id=organization.id,
            login=f"{role.value}@{name}",
            name=f"{role.value}(示例)",
            role=role,
            password_hash=password_hash,
        )
        people[role] = actor_of(session, person.id)
    officer, checker = people[Role.OFFICER], people[Role.CHECKER]
    import_builtin_calendars(session)
    import_builtin_market(session)
    clothing = save_party(
        session,
        officer,
        PartyDraft(
            kind=PartyKind.ENTERPRISE,
            name="示例服饰(深圳)有限公司",
            usci=E4_USCI,
            lei=None,
            industry="C1810",
            district=None,
            scheme=None,
            key_emitter=False,
            is_sample=True,
        ),
    )
    return Bank(officer=officer, checker=checker, clothing=clothing)


def approve_product(session: Session, bank: Bank) -> None:
    terms = concession_terms()
    for value in (
        terms.base_score,
        terms.bp_per_point,
        terms.fraction,
        terms.cap_bp,
        terms.floor_rate,
        terms.score_max,
    ):
        assert value is not None
        enter_parameter(
            session, bank.officer, bank.checker, replace(value, approved_by=()), reason="产品参数", at=KNOWN_AT
        )


def account_year(year: int, electricity_mwh: str, gas: str) -> AccountYear:
    return AccountYear(
        version=1,
        grid_area="",
        activity=activity(year, electricity_mwh, natural_gas=gas),
        value_added_cny=Decimal(61_500_000) if year == 2024 else None,
        revenue_cny=Decimal(186_000_000) if year == 2024 else None,
        equity_plus_debt_cny=Decimal(128_000_000) if year == 2024 else None,
        sector_mean=SectorMean(intensity_t_per_10k_cny=Decimal("0.42"), source="示例", confirmed=True),
    )


def fill_account(session: Session, bank: Bank) -> None:
    for year in (account_year(2023, "4100", "14"), account_year(2024, "3600", "12")):
        service.record_account_year(session, bank.officer, bank.clothing.id, year, known_at=KNOWN_AT)
    service.record_rating_report(session, bank.officer, bank.clothing.id, e4_report(), known_at=KNOWN_AT)


def furnished_bank(session: Session, *, password_hash: str = "") -> Bank:
    bank = open_bank(session, password_hash=password_hash)
    approve_product(session, bank)
    fill_account(session, bank)
    return bank
