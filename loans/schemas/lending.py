"""Ratings, rates and schedules as JSON."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.dates import DayCount
from carbonfin.web.wire import CnyText, DayText, RateText, UsciText, day_of, decimal_of
from loans.calc.contracts.schedule import RepaymentSchedule, ScheduleRow
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.jiangtandai import RateDecision
from loans.calc.missing import MissingField
from loans.calc.ratings.carbon_efficiency import CarbonRating
from loans.calc.ratings.emissions import EmissionPart, YearEmissions
from loans.schemas.rating_sources import RatingSourceOut, sources_out

Year = Annotated[int, Meta(ge=2005, le=2099, description="A calendar year.", examples=[2024])]
MarginBp = Annotated[int, Meta(ge=-1000, le=1000, description="加减点 over LPR, in basis points.", examples=[40])]
SettlementDay = Annotated[int, Meta(ge=1, le=31, description="结息日; interest is paid the day after.", examples=[20])]
PeriodMonths = Literal[1, 3, 6, 12]
FixingLagDays = Annotated[
    int, Meta(ge=0, le=31, description="Calendar days before the reset day by which its LPR is published.")
]
StopDays = Annotated[
    int, Meta(ge=0, le=365, description="The concession stops where a payment is past due by more days.", examples=[30])
]
LprTenor = Literal["1Y", "5Y"]


class MissingOut(Struct, frozen=True, kw_only=True):
    """A fact without which something is not decided."""

    field: str
    detail: str
    detail_zh: str

    @classmethod
    def of(cls, missing: MissingField) -> "MissingOut":
        """Copy a missing field."""
        return cls(field=missing.field, detail=missing.en, detail_zh=missing.zh)


class EmissionPartOut(Struct, frozen=True, kw_only=True):
    """Emissions of one energy carrier."""

    carrier: str
    quantity: str
    quantity_unit: str
    emissions_t: str

    @classmethod
    def of(cls, part: EmissionPart) -> "EmissionPartOut":
        """Copy a part."""
        return cls(
            carrier=part.carrier,
            quantity=str(part.quantity),
            quantity_unit=part.quantity_unit,
            emissions_t=str(part.emissions_t),
        )


class YearEmissionsOut(Struct, frozen=True, kw_only=True):
    """Emissions of one year: parts, their sum and the company in whole tonnes."""

    year: int
    parts: list[EmissionPartOut]
    emissions_t: str
    company_t: int
    traded_green_mwh_not_deducted: str | None

    @classmethod
    def of(cls, emissions: YearEmissions) -> "YearEmissionsOut":
        """Copy a year."""
        green = emissions.traded_green_mwh
        return cls(
            year=emissions.year,
            parts=[EmissionPartOut.of(part) for part in emissions.parts],
            emissions_t=str(emissions.emissions_t),
            company_t=emissions.company_t,
            traded_green_mwh_not_deducted=None if green is None else str(green),
        )


class RatingOut(Struct, frozen=True, kw_only=True):
    """A rating by the system's own method after the Zhejiang code; the loan follows the outside report, not this."""

    decision_id: str
    method: str
    method_zh: str
    current: YearEmissionsOut
    previous: YearEmissionsOut | None
    cut_ratio: str | None
    intensity_t_per_10k_cny: str | None
    band: str | None
    ratio_to_mean: str | None
    level: int | None
    missing: list[MissingOut]
    sources: list[RatingSourceOut]

    @classmethod
    def of(cls, rating: CarbonRating, *, decision_id: str) -> "RatingOut":
        """Copy a rating."""
        return cls(
            decision_id=decision_id,
            method="carbon-efficiency",
            method_zh=rating.method_zh,
            current=YearEmissionsOut.of(rating.current),
            previous=None if rating.previous is None else YearEmissionsOut.of(rating.previous),
            cut_ratio=_text(rating.cut_ratio),
            intensity_t_per_10k_cny=_text(rating.intensity_t_per_10k_cny),
            band=rating.band,
            ratio_to_mean=_text(rating.ratio_to_mean),
            level=rating.level,
            missing=[MissingOut.of(missing) for missing in rating.missing],
            sources=sources_out(rating.trace),
        )


class RateDecisionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide the rate of an emission-cut loan from the enterprise's latest outside rating report."""

    usci: UsciText
    margin_bp: MarginBp
    lpr_tenor: LprTenor
    applies_from: DayText


class RateDecisionOut(Struct, frozen=True, kw_only=True):
    """A rate with its build-up; not decided, it has no executed rate and names what is missing."""

    decision_id: str
    status: str
    missing: list[MissingOut]
    rate_before_concession: str
    concession_bp: str | None
    reason: str | None
    floor_applied: bool
    executed_rate: str | None
    executed_rate_without_concession: str

    @classmethod
    def of(cls, decision: RateDecision, *, decision_id: str) -> "RateDecisionOut":
        """Copy a rate decision."""
        return cls(
            decision_id=decision_id,
            status=decision.status.value,
            missing=[MissingOut.of(missing) for missing in decision.missing],
            rate_before_concession=str(decision.rate_before_concession),
            concession_bp=_text(decision.concession_bp),
            reason=None if decision.reason is None else decision.reason.value,
            floor_applied=decision.floor_applied,
            executed_rate=_text(decision.executed_rate),
            executed_rate_without_concession=str(decision.executed_rate_without_concession),
        )


class ScheduleIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a repayment schedule at a given rate."""

    principal_cny: CnyText
    rate: RateText
    drawdown_date: DayText
    maturity_date: DayText
    basis: DayCount
    method: RepaymentMethod
    interest_period_months: PeriodMonths
    settlement_day: SettlementDay
    accrual_dates: AccrualDates

    def terms(self) -> LoanTerms:
        """Give the terms as a value; each rule they break is named by its field."""
        return LoanTerms(
            principal_cny=decimal_of(self.principal_cny),
            drawdown_date=day_of(self.drawdown_date, field="/drawdown_date"),
            maturity_date=day_of(self.maturity_date, field="/maturity_date"),
            rate=decimal_of(self.rate),
            basis=self.basis,
            method=self.method,
            interest_period_months=self.interest_period_months,
            settlement_day=self.settlement_day,
            accrual_dates=self.accrual_dates,
        )


class ScheduleRowOut(Struct, frozen=True, kw_only=True):
    """One payment; provisional ones stand on the contractual day (节假日安排未公布)."""

    number: int
    start: str
    end: str
    days: int
    contract_date: str
    payment_date: str
    provisional: bool
    opening_balance_cny: str
    interest_cny: str
    principal_cny: str
    payment_cny: str
    closing_balance_cny: str

    @classmethod
    def of(cls, row: ScheduleRow) -> "ScheduleRowOut":
        """Copy a row."""
        return cls(
            number=row.number,
            start=row.start.isoformat(),
            end=row.end.isoformat(),
            days=row.days,
            contract_date=row.contract_date.isoformat(),
            payment_date=row.payment_date.isoformat(),
            provisional=row.provisional,
            opening_balance_cny=str(row.opening_balance_cny),
            interest_cny=str(row.interest_cny),
            principal_cny=str(row.principal_cny),
            payment_cny=str(row.payment_cny),
            closing_balance_cny=str(row.closing_balance_cny),
        )


class ScheduleOut(Struct, frozen=True, kw_only=True):
    """A repayment schedule; totals are sums of the rows."""

    decision_id: str
    rows: list[ScheduleRowOut]
    interest_total_cny: str
    principal_total_cny: str
    payment_total_cny: str
    provisional_from: str | None

    @classmethod
    def of(cls, schedule: RepaymentSchedule, *, decision_id: str) -> "ScheduleOut":
        """Copy a schedule."""
        return cls(
            decision_id=decision_id,
            rows=[ScheduleRowOut.of(row) for row in schedule.rows],
            interest_total_cny=str(schedule.interest_total_cny),
            principal_total_cny=str(schedule.principal_total_cny),
            payment_total_cny=str(schedule.payment_total_cny),
            provisional_from=None if schedule.provisional_from is None else schedule.provisional_from.isoformat(),
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
