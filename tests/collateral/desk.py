"""The sample bank at rest: people, quotes, parameters, enterprises, holdings and the pledges taken over from its files."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import DayCount, FixedClock
from carbonfin.kernel.parties import PartyKind
from carbonfin.kernel.units import Currency
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    Standing,
    actor_of,
    add_person,
    save_organization,
    save_party,
    standing_of,
)
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.calc.repo import ExposureMethod, RepoTerms
from collateral.service import CompliancePosition, PledgeDraft, PledgeTakeover, RepoDraft, UnitQuantity
from pricing.service import import_builtin_market, import_sample_quotes
from tests.collateral.world import KNOWN_AT, TODAY, parameter, sample_parameters

CLOCK = FixedClock(KNOWN_AT)

ENTERPRISES = {
    "E1": ("示例燃气发电(深圳)有限公司", "91440300EXAMPLE11K", "D4411", "CEA"),
    "E2": ("示例微电子(深圳)有限公司", "91440300EXAMPLE2XB", "C3973", "SZA"),
    "E3": ("示例啤酒(深圳)有限公司", "91440300EXAMPLE38B", "C1513", "SZA"),
    "E5": ("示例数据中心(深圳)有限公司", "91440300EXAMPLE541", "I6450", "SZA"),
}
HOLDINGS = {
    "E1": {"CEA-2023": 60000, "CEA-2024": 560000, "CCER": 5000},
    "E2": {"SZA-2022": 70000, "SZA-2023": 80000, "SZA-2024": 218000},
    "E3": {"SZA-2023": 42000, "SZA-2024": 33000},
    "E5": {"SZA-2023": 120000, "SZA-2024": 180000},
}
COMPLIANCE = {"E1": (796726, 245560), "E2": (207105, 0), "E3": (28731, 0), "E5": (167500, 0)}
EXPOSURES = {
    "P1": ("2000000.00", "1700.00"),
    "P2": ("2300000.00", "661.25"),
    "P3": ("855000.00", "758.81"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    maker: Actor
    checker: Actor
    stranger: Actor
    parties: dict[str, str]
    standing: Standing

    @property
    def agreed(self) -> Agreed:
        """That the maker proposed and the checker agreed, for tests of what follows from it."""
        return Agreed(
            approval_id="示例", maker_id=self.maker.id, maker_name=self.maker.name, checker_id=self.checker.id,
            reason="同意",
        )  # fmt: skip


def build_desk(session: Session) -> Desk:
    """Everything the sample pledges rest on, but no pledge yet."""
    import_builtin_calendars(session)
    import_builtin_market(session)
    bank = save_organization(session, _bank("示例银行股份有限公司深圳分行"))
    other = save_organization(session, _bank("另一示例银行"))
    maker = _person(session, bank.id, "maker", Role.OFFICER)
    checker = _person(session, bank.id, "checker", Role.CHECKER)
    stranger = _person(session, other.id, "stranger", Role.OFFICER)
    import_sample_quotes(session, maker)
    own = [
        *sample_parameters(),
        parameter("collateral.price_policy", "min_close_listed_vwap", scope="CEA"),
        parameter("collateral.price_policy", "vintage_quote", scope="SZA"),
        parameter("collateral.price_policy", "last_mean", scope="CCER"),
        parameter("collateral.average_daily_volume_t", "20000", scope="SZA", unit="t"),
    ]
    for value in own:
        enter_parameter(session, maker, checker, value, reason="样例参数", at=CLOCK.now())
    standing = standing_of(session, bank.id, CLOCK)
    parties = {code: _enterprise(session, maker, facts) for code, facts in ENTERPRISES.items()}
    parties["HK1"] = save_party(session, maker, _counterparty()).id
    for code, units in HOLDINGS.items():
        for unit, quantity_t in units.items():
            service.record_holding(
                session,
                maker,
                parties[code],
                Unit.parse(unit),
                quantity_t=quantity_t,
                standing=standing,
                cause="登记簿",
            )
    for code, (emissions_t, true_up_t) in COMPLIANCE.items():
        position = CompliancePosition(
            party_id=parties[code],
            scheme=Scheme(ENTERPRISES[code][3]),
            compliance_year=2024,
            emissions_t=emissions_t,
            emissions_source="核查报告（示例）",
            allocation_t=None,
            issued_t=None,
            true_up_expected_t=true_up_t,
            true_up_source="分配方案（示例）",
            unconfirmed="",
            known_from=TODAY,
        )
        service.record_compliance_position(session, maker, position, standing=standing)
    return Desk(maker=maker, checker=checker, stranger=stranger, parties=parties, standing=standing)


def _bank(name: str) -> OrganizationDraft:
    return OrganizationDraft(kind=OrganizationKind.BANK, name=name, usci=None, business_date=TODAY, is_sample=True)


def _person(session: Session, organization_id: str, login: str, role: Role) -> Actor:
    person = add_person(
        session, organization_id=organization_id, login=login, name=f"{login}(示例)", role=role, password_hash="-"
    )
    return actor_of(session, person.id)


def _enterprise(session: Session, actor: Actor, facts: tuple[str, str, str, str]) -> str:
    name, usci, industry, scheme = facts
    draft = PartyDraft(
        kind=PartyKind.ENTERPRISE,
        name=name,
        usci=usci,
        lei=None,
        industry=industry,
        district=None,
        scheme=scheme,
        key_emitter=True,
        is_sample=True,
    )
    return save_party(session, actor, draft).id


def _counterparty() -> PartyDraft:
    return PartyDraft(
        kind=PartyKind.COUNTERPARTY,
        name="示例碳资产(香港)有限公司",
        usci=None,
        lei="0000EXAMPLEHK0000098",
        industry=None,
        district=None,
        scheme=None,
        key_emitter=None,
        is_sample=True,
    )


def draft(
    desk: Desk, code: str, pledgor: str, units: dict[str, int], *, principal: str, end: date, extends: str = ""
) -> PledgeDraft:
    return PledgeDraft(
        code=code,
        pledgor_id=desk.parties[pledgor],
        units=tuple(UnitQuantity(unit=Unit.parse(unit), quantity_t=quantity_t) for unit, quantity_t in units.items()),
        principal_cny=Decimal(principal),
        end_date=end,
        extends_code=extends,
    )


def pledge_p4(desk: Desk) -> PledgeDraft:
    return draft(desk, "P4", "E5", {"SZA-2024": 10000}, principal="200000.00", end=date(2025, 7, 31))


def take_over(session: Session, desk: Desk, given: PledgeDraft, drawn_on: date, **dates: date) -> str:
    takeover = PledgeTakeover(
        draft=given,
        drawn_on=drawn_on,
        registration_number=f"示例登记-{given.code}",
        freeze_reference=f"示例冻结-{given.code}",
        settled_on=dates.get("settled_on"),
        released_on=dates.get("released_on"),
        evidence="业务档案（示例）",
    )
    return service.take_over_pledge(session, desk.maker, takeover, checker=desk.checker, standing=desk.standing).id


def take_over_all(session: Session, desk: Desk) -> dict[str, str]:
    """P0 to P3 as the sample bank's files tell them; gives their identifiers."""
    p0 = draft(desk, "P0", "E2", {"SZA-2022": 70000, "SZA-2023": 80000}, principal="3000000.00", end=date(2025, 6, 20))
    p1 = draft(desk, "P1", "E1", {"CEA-2023": 50000}, principal="2000000.00", end=date(2025, 10, 31))
    p2 = draft(desk, "P2", "E2", {"SZA-2022": 60000, "SZA-2023": 60000}, principal="2300000.00", end=date(2026, 6, 12))
    p3 = draft(desk, "P3", "E3", {"SZA-2023": 40000}, principal="855000.00", end=date(2025, 12, 12))
    found = {
        "P0": take_over(
            session, desk, p0, date(2024, 6, 21), settled_on=date(2025, 6, 20), released_on=date(2025, 6, 25)
        ),
        "P1": take_over(session, desk, p1, date(2025, 6, 10)),
        "P2": take_over(session, desk, p2, date(2025, 6, 27)),
        "P3": take_over(session, desk, p3, date(2025, 3, 14)),
    }
    for code, (principal, accrued) in EXPOSURES.items():
        service.record_exposure(
            session,
            desk.maker,
            code,
            principal_cny=Decimal(principal),
            accrued_cny=Decimal(accrued),
            exposure_date=TODAY,
        )
    return found


def repo_r1(desk: Desk) -> RepoDraft:
    return RepoDraft(
        terms=RepoTerms(
            code="R1",
            unit=Unit.parse("SZA-2023"),
            quantity_t=100000,
            purchase_date=date(2025, 5, 20),
            repurchase_date=date(2025, 7, 21),
            currency=Currency.HKD,
            purchase_price_amount=Decimal("2400000.00"),
            rate=Decimal("0.0420"),
            basis=DayCount.ACT_365,
            method=ExposureMethod.B,
            minimum_transfer_amount=Decimal("50000.00"),
        ),
        seller_id=desk.parties["E5"],
        buyer_id=desk.parties["HK1"],
        bank_role="计算代理行与资金监管行",
        flags=("净额结算法律意见：无", "跨境业务依据：待确认"),
    )
