"""Values shared by the loan tests: the sample world's enterprises, built-in parameters and public calendars."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.rulebook import builtin_book
from loans.calc.contracts.terms import AccrualDates, CalendarDays, RepaymentMethod
from loans.calc.jiangtandai import ConcessionTerms, RateInputs, RateQuoted, RatingReport
from loans.calc.ratings.carbon_efficiency import RatingInputs, SectorMean
from loans.calc.ratings.emissions import ActivityYear, Fuel, FuelFactor, FuelUse
from loans.calc.term_requests import LoanRequest
from loans.calc.term_sheets import TermSheetInputs

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "loans"
KNOWN_AT = datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC)
E4_USCI = "91440300EXAMPLE466"

# 国务院办公厅 放假安排 2025: weekdays closed and weekend days worked
HOLIDAYS_2025 = tuple(
    date.fromisoformat(f"2025-{day}")
    for day in [
        "01-01",
        "01-28",
        "01-29",
        "01-30",
        "01-31",
        "02-03",
        "02-04",
        "04-04",
        "05-01",
        "05-02",
        "05-05",
        "06-02",
        "10-01",
        "10-02",
        "10-03",
        "10-06",
        "10-07",
        "10-08",
    ]
)
WORKDAYS_2025 = tuple(date.fromisoformat(f"2025-{day}") for day in ["01-26", "02-08", "04-27", "09-28", "10-11"])


BOOK = builtin_book("loans")


def grid_factor(*, year: int = 2024, known_at: datetime = KNOWN_AT, area: str = "广东") -> ParameterValue:
    return BOOK.on("loans.grid_factor_t_per_mwh", scope=area, valid_on=date(year, 12, 31), known_at=known_at)


def fuel_factors(*fuels: Fuel) -> tuple[FuelFactor, ...]:
    def value(key: str, fuel: Fuel) -> ParameterValue:
        return BOOK.on(key, scope=fuel.value, valid_on=date(2024, 12, 31), known_at=KNOWN_AT)

    return tuple(
        FuelFactor(
            fuel=fuel,
            net_calorific_value=value("loans.fuel_net_calorific_value_gj", fuel),
            carbon_content=value("loans.fuel_carbon_content_tc_per_gj", fuel),
            oxidation=value("loans.fuel_oxidation_ratio", fuel),
        )
        for fuel in fuels
    )


def activity(year: int, electricity_mwh: str | None, *, green: str | None = None, **fuels: str) -> ActivityYear:
    return ActivityYear(
        year=year,
        electricity_mwh=None if electricity_mwh is None else Decimal(electricity_mwh),
        traded_green_mwh=None if green is None else Decimal(green),
        fuels=tuple(FuelUse(fuel=Fuel(name), quantity=Decimal(quantity)) for name, quantity in fuels.items()),
        source="示例",
    )


def thresholds(key: str, *scopes: str) -> tuple[ParameterValue, ...]:
    return tuple(BOOK.on(key, scope=scope, valid_on=date(2024, 12, 31), known_at=KNOWN_AT) for scope in scopes)


BANDS = thresholds("loans.carbon_efficiency.intensity_max_t_per_10k_cny", "低碳", "中碳")
LEVELS = thresholds("loans.carbon_efficiency.ratio_to_mean_max", "1", "2", "3", "4")


def e4_rating(
    *,
    current: ActivityYear | None = None,
    previous: ActivityYear | None = None,
    value_added_cny: Decimal | None = Decimal(61_500_000),
    sector_mean: str | None = "0.42",
) -> RatingInputs:
    return RatingInputs(
        name="示例服饰(深圳)有限公司",
        usci=E4_USCI,
        current=current or activity(2024, "3600", natural_gas="12"),
        previous=previous or activity(2023, "4100", natural_gas="14"),
        grid_factor=grid_factor(),
        fuel_factors=fuel_factors(Fuel.NATURAL_GAS, Fuel.DIESEL),
        value_added_cny=value_added_cny,
        sector_mean=None
        if sector_mean is None
        else SectorMean(intensity_t_per_10k_cny=Decimal(sector_mean), source="示例", confirmed=True),
        intensity_bands=BANDS,
        ratio_levels=LEVELS,
    )


def bank_parameter(key: str, value: str, unit: str) -> ParameterValue:
    return ParameterValue(
        key=f"loans.jiangtandai.{key}",
        scope="",
        value=value,
        unit=unit,
        valid_from=date(2024, 1, 1),
        valid_to=None,
        known_from=date(2024, 1, 1),
        document="示例银行降碳贷产品办法",
        article="",
        grade=Grade.SAMPLE,
        confirmed=True,
        approved_by=("甲", "乙"),
        note="",
        title_zh=key,
        title_en=key,
    )


def concession_terms(
    *, base: str = "60", point: str = "1", cap: str = "20", floor: str = "0.0280", fraction: str = "floor"
) -> ConcessionTerms:
    return ConcessionTerms(
        base_score=bank_parameter("base_score", base, "points"),
        bp_per_point=bank_parameter("bp_per_point", point, "bp"),
        fraction=bank_parameter("fraction", fraction, "code"),
        cap_bp=bank_parameter("cap_bp", cap, "bp"),
        floor_rate=bank_parameter("floor_rate", floor, "rate"),
        score_max=bank_parameter("score_max", "100", "points"),
    )


def e4_report(*, score: str | None = "71.6", valid_to: date = date(2026, 6, 14)) -> RatingReport:
    return RatingReport(
        producer="示例征信机构(虚构)",
        usci=E4_USCI,
        report_date=date(2025, 6, 15),
        valid_to=valid_to,
        score=None if score is None else Decimal(score),
        source="示例",
        confirmed=True,
    )


NO_REPORT = object()


def l1_rate(
    *, report: RatingReport | object | None = None, margin_bp: int = 40, terms: ConcessionTerms | None = None
) -> RateInputs:
    chosen = e4_report() if report is None else None if report is NO_REPORT else report
    assert chosen is None or isinstance(chosen, RatingReport)
    return RateInputs(
        usci=E4_USCI,
        decided_on=date(2025, 6, 30),
        applies_from=date(2025, 7, 1),
        lpr=RateQuoted(
            tenor="1Y", rate=Decimal("0.0300"), published_on=date(2025, 5, 20), source="LPR", confirmed=True
        ),
        margin_bp=margin_bp,
        report=chosen,
        terms=terms or concession_terms(),
    )


BANK_2025 = Calendar(
    name="bank",
    holidays=frozenset(HOLIDAYS_2025),
    make_up_workdays=frozenset(WORKDAYS_2025),
    known_until=date(2025, 12, 31),
    works_make_up_days=True,
)


def l1_calendar() -> CalendarDays:
    return CalendarDays.of(BANK_2025, start=date(2025, 7, 1), end=date(2026, 7, 31))


def l1_request(**changes: object) -> LoanRequest:
    values: dict[str, object] = {
        "product": "降碳贷(示例)",
        "loan_kind": "流动资金贷款",
        "purpose": "采购原材料",
        "guarantee": "信用",
        "credit_line_cny": Decimal("20000000.00"),
        "principal_cny": Decimal("10000000.00"),
        "drawdown_date": date(2025, 7, 1),
        "maturity_date": date(2026, 7, 1),
        "method": RepaymentMethod.BULLET,
        "interest_period_months": 1,
        "settlement_day": 20,
        "basis": DayCount.ACT_360,
        "accrual_dates": AccrualDates.UNADJUSTED,
    }
    return LoanRequest(**{**values, **changes})  # type: ignore[arg-type]  # values of named fields


def l1_term_sheet(*, rate: RateInputs | None = None, request: LoanRequest | None = None) -> TermSheetInputs:
    return TermSheetInputs(
        number="TS-2025-0001",
        version=1,
        issued_on=date(2025, 6, 30),
        lender="示例银行股份有限公司深圳分行",
        borrower="示例服饰(深圳)有限公司",
        borrower_usci=E4_USCI,
        request=request or l1_request(),
        rate=rate or l1_rate(),
        calendar=l1_calendar(),
        rating=e4_rating(),
        revenue_cny=Decimal(186_000_000),
        equity_plus_debt_cny=Decimal(128_000_000),
        is_sample=True,
    )
