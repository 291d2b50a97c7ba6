"""Loan terms as a contract states them, and the calendar days a schedule stands on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput

RATE_MAX = Decimal("0.24")
INTEREST_PERIOD_MONTHS = (1, 3, 6, 12)
LONGEST_LOAN_DAYS = 40 * 366
EARLIEST_DRAWDOWN = date(1990, 1, 1)
LATEST_DRAWDOWN = date(2199, 12, 31)


class RepaymentMethod(StrEnum):
    """How principal is repaid."""

    BULLET = "bullet"
    EQUAL_PRINCIPAL = "equal-principal"
    EQUAL_INSTALMENT = "equal-instalment"


class AccrualDates(StrEnum):
    """Whether interest runs to the contractual day, or to the day it is moved to."""

    UNADJUSTED = "unadjusted"
    ADJUSTED = "adjusted"


METHOD_NAMES_ZH: dict[RepaymentMethod, str] = {
    RepaymentMethod.BULLET: "到期还本",
    RepaymentMethod.EQUAL_PRINCIPAL: "等额本金",
    RepaymentMethod.EQUAL_INSTALMENT: "等额本息",
}
METHOD_NAMES_EN: dict[RepaymentMethod, str] = {
    RepaymentMethod.BULLET: "principal at maturity",
    RepaymentMethod.EQUAL_PRINCIPAL: "equal principal",
    RepaymentMethod.EQUAL_INSTALMENT: "equal instalments",
}
PERIOD_NAMES_ZH: dict[int, str] = {1: "按月", 3: "按季", 6: "按半年", 12: "按年"}
PERIOD_NAMES_EN: dict[int, str] = {1: "monthly", 3: "quarterly", 6: "half-yearly", 12: "yearly"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTerms:
    """The terms a repayment schedule follows.

    Attributes:
        principal_cny: Drawn at once on the drawdown date.
        rate: Executed annual rate, decimal, fixed for the schedule.
        interest_period_months: 1, 3, 6 or 12; settlement falls in months divisible by it.
        settlement_day: Day of the month up to and including which interest is settled (结息日); paid the day after.
        accrual_dates: Interest runs to the contractual payment day unless the contract says otherwise.
    """

    principal_cny: Decimal
    drawdown_date: date
    maturity_date: date
    rate: Decimal
    basis: DayCount
    method: RepaymentMethod
    interest_period_months: int
    settlement_day: int
    accrual_dates: AccrualDates

    def __post_init__(self) -> None:
        """Refuse terms no contract could state, each by its field."""
        if not self.principal_cny.is_finite() or self.principal_cny <= 0 or self.principal_cny >= 10**14:
            raise InvalidInput(f"principal is {self.principal_cny}", zh="贷款金额须大于零", field="principal_cny")
        if self.principal_cny * 100 != (self.principal_cny * 100).to_integral_value():
            raise InvalidInput(
                f"principal {self.principal_cny} is not whole fen", zh="贷款金额最多两位小数", field="principal_cny"
            )
        if not EARLIEST_DRAWDOWN <= self.drawdown_date <= LATEST_DRAWDOWN:
            raise InvalidInput(
                f"drawdown {self.drawdown_date} lies outside {EARLIEST_DRAWDOWN} to {LATEST_DRAWDOWN}",
                zh=f"提款日须在 {EARLIEST_DRAWDOWN} 至 {LATEST_DRAWDOWN} 之间",
                field="drawdown_date",
            )
        if self.maturity_date <= self.drawdown_date:
            raise InvalidInput(
                f"maturity {self.maturity_date} is not after drawdown {self.drawdown_date}",
                zh="到期日须晚于提款日",
                field="maturity_date",
            )
        if (self.maturity_date - self.drawdown_date).days > LONGEST_LOAN_DAYS:
            raise InvalidInput(
                f"maturity {self.maturity_date} is over 40 years away", zh="期限不得超过 40 年", field="maturity_date"
            )
        if not self.rate.is_finite() or self.rate < 0 or self.rate > RATE_MAX:
            raise InvalidInput(
                f"rate is {self.rate}, outside 0 to {RATE_MAX}", zh="年利率须在 0 至 24% 之间", field="rate"
            )
        if self.interest_period_months not in INTEREST_PERIOD_MONTHS:
            raise InvalidInput(
                f"interest period is {self.interest_period_months} months",
                zh="付息频率须为按月、按季、按半年或按年",
                field="interest_period_months",
            )
        if not 1 <= self.settlement_day <= 31:
            raise InvalidInput(
                f"settlement day is {self.settlement_day}", zh="结息日须为 1 至 31", field="settlement_day"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDays:
    """The bank calendar's days within a contract's life, as they were known; part of a decision's inputs."""

    name: str
    holidays: tuple[date, ...]
    make_up_workdays: tuple[date, ...]
    known_until: date
    works_make_up_days: bool

    @classmethod
    def of(cls, calendar: Calendar, *, start: date, end: date) -> "CalendarDays":
        """Take the days of `[start, end]` and what the notices reach."""
        return cls(
            name=calendar.name,
            holidays=tuple(sorted(day for day in calendar.holidays if start <= day <= end)),
            make_up_workdays=tuple(sorted(day for day in calendar.make_up_workdays if start <= day <= end)),
            known_until=min(calendar.known_until, end),
            works_make_up_days=calendar.works_make_up_days,
        )

    def calendar(self) -> Calendar:
        """Give them as a calendar again."""
        return Calendar(
            name=self.name,
            holidays=frozenset(self.holidays),
            make_up_workdays=frozenset(self.make_up_workdays),
            known_until=self.known_until,
            works_make_up_days=self.works_make_up_days,
        )
