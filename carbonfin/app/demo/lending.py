"""The loan notes behind the pledges, the rated enterprise, and the term sheet of the 降碳贷."""

from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.app.demo.world import SampleEnterprise, SamplePledge, SampleWorld
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import DayCount, end_of_china_day
from carbonfin.kernel.parties import Party
from loans import service
from loans.calc.accounts import AccountYear
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.jiangtandai import RatingReport
from loans.calc.notes import LoanNoteDraft
from loans.calc.ratings.carbon_efficiency import SectorMean
from loans.calc.ratings.emissions import ActivityYear, Fuel, FuelUse
from loans.calc.term_requests import LoanRequest
from loans.service.term_sheets import StoredTermSheet, TermSheetDraft

GRID_AREA = "广东"
SOURCE = "示例企业填报（虚构）"
NOTE_SETTLEMENT_DAY = 20
NOTE_PERIOD_MONTHS = 3


def record_accounts(session: Session, world: SampleWorld, actor: Actor, parties: dict[str, Party]) -> None:
    """Enter the activity data of every enterprise and the outside rating report of the borrower."""
    known_at = end_of_china_day(world.business_date)
    for enterprise in world.enterprise:
        for year in _account_years(world, enterprise):
            service.record_account_year(session, actor, parties[enterprise.code].id, year, known_at=known_at)
    report = world.rating_report
    borrower = parties[world.loan.borrower]
    service.record_rating_report(
        session,
        actor,
        borrower.id,
        RatingReport(
            producer=report.producer,
            usci=borrower.code,
            report_date=report.report_date,
            valid_to=report.valid_to,
            score=report.score,
            source="示例碳评级报告 减排指标得分（虚构）",
            confirmed=True,
        ),
        known_at=known_at,
    )


def _account_years(world: SampleWorld, enterprise: SampleEnterprise) -> list[AccountYear]:
    if enterprise.code == world.loan.borrower:
        account = world.carbon_account
        mean = SectorMean(
            intensity_t_per_10k_cny=account.sector_mean_t_per_1e4_cny, source="示例行业均值（虚构）", confirmed=False
        )
        last = max(year.year for year in account.years)
        return [
            AccountYear(
                version=1,
                grid_area=GRID_AREA,
                activity=_activity(year.year, electricity_mwh=year.electricity_mwh, gas_1e4nm3=year.gas_1e4nm3),
                value_added_cny=account.value_added_cny if year.year == last else None,
                revenue_cny=account.revenue_cny if year.year == last else None,
                equity_plus_debt_cny=account.equity_plus_debt_cny if year.year == last else None,
                sector_mean=mean if year.year == last else None,
            )
            for year in account.years
        ]
    activity = _activity(
        world.business_date.year - 1,
        electricity_mwh=enterprise.electricity_mwh,
        gas_1e4nm3=enterprise.gas_1e4nm3,
        diesel_t=enterprise.diesel_t,
        traded_green_mwh=enterprise.traded_green_mwh,
    )
    return [
        AccountYear(
            version=1,
            grid_area=GRID_AREA,
            activity=activity,
            value_added_cny=None,
            revenue_cny=None,
            equity_plus_debt_cny=None,
            sector_mean=None,
        )
    ]


def _activity(
    year: int,
    *,
    electricity_mwh: Decimal | None,
    gas_1e4nm3: Decimal | None,
    diesel_t: Decimal | None = None,
    traded_green_mwh: Decimal | None = None,
) -> ActivityYear:
    fuels = {Fuel.NATURAL_GAS: gas_1e4nm3, Fuel.DIESEL: diesel_t}
    return ActivityYear(
        year=year,
        electricity_mwh=electricity_mwh,
        traded_green_mwh=traded_green_mwh,
        fuels=tuple(FuelUse(fuel=fuel, quantity=quantity) for fuel, quantity in fuels.items() if quantity is not None),
        source=SOURCE,
    )


def record_note(session: Session, actor: Actor, pledge: SamplePledge, party: Party) -> None:
    """Enter the loan note behind a pledge, with the interest paid so far and its settlement."""
    assert pledge.drawn is not None
    assert pledge.rate is not None
    service.record_loan_note(
        session,
        actor,
        LoanNoteDraft(
            code=f"JJ-{pledge.code}",
            party_id=party.id,
            pledge_code=pledge.code,
            product="碳配额质押贷款(示例)",
            terms=LoanTerms(
                principal_cny=pledge.principal_cny,
                drawdown_date=pledge.drawn,
                maturity_date=pledge.maturity,
                rate=pledge.rate,
                basis=DayCount.ACT_360,
                method=RepaymentMethod.BULLET,
                interest_period_months=NOTE_PERIOD_MONTHS,
                settlement_day=NOTE_SETTLEMENT_DAY,
                accrual_dates=AccrualDates.UNADJUSTED,
            ),
            rate_note=pledge.rate_note or f"{pledge.rate:.2%} 固定",
            interest_paid_to=pledge.drawn,
            is_sample=True,
        ),
        known_at=end_of_china_day(pledge.drawn),
    )


def record_payments(session: Session, actor: Actor, pledge: SamplePledge) -> None:
    """Enter the interest paid on the note behind a pledge, and its settlement."""
    code = f"JJ-{pledge.code}"
    ends = [voucher.end for voucher in pledge.interest_vouchers]
    if pledge.interest_paid_to is not None:
        ends = [end for end in _quarter_ends(pledge) if end <= pledge.interest_paid_to]
    for end in ends:
        service.record_interest_payment(
            session, actor, code, period_end=end, paid_date=end, known_at=end_of_china_day(end)
        )
    if pledge.settled is not None:
        service.settle_note(session, actor, code, settled_date=pledge.settled)


def _quarter_ends(pledge: SamplePledge) -> list[date]:
    """Give the quarterly payment days from drawdown to the day interest is paid to."""
    assert pledge.drawn is not None
    assert pledge.interest_paid_to is not None
    payment_day = NOTE_SETTLEMENT_DAY + 1
    days = [
        date(year, month, payment_day)
        for year in range(pledge.drawn.year, pledge.interest_paid_to.year + 1)
        for month in (3, 6, 9, 12)
    ]
    return [day for day in days if day > pledge.drawn]


def draft_loan(session: Session, world: SampleWorld, actor: Actor, borrower: Party) -> StoredTermSheet:
    """Rate the borrower, decide the rate and draft the term sheet; a sheet that stands is taken again."""
    known_at = end_of_china_day(world.business_date)
    standing = service.term_sheets_of(session, actor, party_id=borrower.id)
    if standing:
        return service.load_term_sheet(session, actor, standing[0].number)
    loan = world.loan
    year = world.business_date.year - 1
    service.rate_enterprise(session, actor, borrower.id, year=year, valid_on=world.business_date, known_at=known_at)
    service.decide_rate(
        session,
        actor,
        borrower.id,
        margin_bp=loan.margin_bp,
        lpr_tenor="1Y",
        applies_from=loan.drawdown,
        decided_on=world.business_date,
        known_at=known_at,
    )
    request = LoanRequest(
        product=loan.product,
        loan_kind=loan.kind,
        purpose="日常经营周转(示例)",
        guarantee="信用(示例)",
        credit_line_cny=loan.credit_line_cny,
        principal_cny=loan.principal_cny,
        drawdown_date=loan.drawdown,
        maturity_date=loan.maturity,
        method=RepaymentMethod.BULLET,
        interest_period_months=1,
        settlement_day=loan.settlement_day,
        basis=DayCount.ACT_360,
        accrual_dates=AccrualDates.UNADJUSTED,
    )
    draft = TermSheetDraft(
        party_id=borrower.id, request=request, margin_bp=loan.margin_bp, lpr_tenor="1Y", number=None, entry={}
    )
    return service.draft_term_sheet(session, actor, draft, issued_on=world.business_date, known_at=known_at)
