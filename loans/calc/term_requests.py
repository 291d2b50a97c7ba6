"""What an officer enters of a loan: everything of the terms but the rate."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.facilities.rate_clauses import (
    ConcessionClause,
    ResetClause,
    ResetDay,
    Returns,
    StopsFrom,
    concession_clause,
    reset_clause,
)
from loans.calc.loan_costs import LoanFee, PaymentWay, require_fees


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRequest:
    """What the officer entered: everything of the terms but the rate.

    Attributes:
        guarantee: 担保方式 in words.
        credit_line_cny: 授信额度; the principal may not exceed it.
        reset_months: The rate is reset to the LPR every so many months; None: fixed to maturity.
        reset_day: On which days.
        fixing_lag_days: How many days before a reset day its LPR has to be published.
        concession_stop_days: The concession stops where a payment is past due by more days; None: it does not stop.
        concession_stops_from: From which day it stops then.
        concession_returns: Whether and from which day it comes back.
        payment_way: By which way the money is paid out; None: not agreed.
        fees: What the borrower pays once beside interest, on the day of the drawdown, to whomever; None: not stated.
    """

    product: str
    loan_kind: str
    purpose: str
    guarantee: str
    credit_line_cny: Decimal
    principal_cny: Decimal
    drawdown_date: date
    maturity_date: date
    method: RepaymentMethod
    interest_period_months: int
    settlement_day: int
    basis: DayCount
    accrual_dates: AccrualDates
    reset_months: int | None = field(default=None, metadata=ADDED_LATER)
    reset_day: ResetDay | None = field(default=None, metadata=ADDED_LATER)
    fixing_lag_days: int | None = field(default=None, metadata=ADDED_LATER)
    concession_stop_days: int | None = field(default=None, metadata=ADDED_LATER)
    concession_stops_from: StopsFrom | None = field(default=None, metadata=ADDED_LATER)
    concession_returns: Returns | None = field(default=None, metadata=ADDED_LATER)
    payment_way: PaymentWay | None = field(default=None, metadata=ADDED_LATER)
    fees: tuple[LoanFee, ...] | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse a principal above the line, and terms no contract could state."""
        self.terms_at(Decimal(0))
        _ = self.reset_clause, self.concession_clause  # a clause in part is refused as it is read
        if not self.credit_line_cny.is_finite() or self.credit_line_cny <= 0:
            raise InvalidInput(f"credit line is {self.credit_line_cny}", zh="授信额度须大于零", field="credit_line_cny")
        if self.principal_cny > self.credit_line_cny:
            raise InvalidInput(
                f"principal {self.principal_cny} exceeds the credit line {self.credit_line_cny}",
                zh="贷款金额超过授信额度",
                field="principal_cny",
                remedy="Lower the principal or raise the line.",
                remedy_zh="请降低贷款金额或先调整授信额度。",
            )
        require_fees(self.fees or (), principal_cny=self.principal_cny)

    @property
    def fees_cny(self) -> Decimal:
        """All fees together; nought where none is stated."""
        return sum((one.amount_cny for one in self.fees or ()), start=Decimal("0.00"))

    @property
    def reset_clause(self) -> ResetClause | None:
        """When the rate is reset to the LPR; None where it is fixed to maturity."""
        return reset_clause(
            months=self.reset_months, day=self.reset_day, fixing_lag_days=self.fixing_lag_days, is_fixed=False
        )

    @property
    def concession_clause(self) -> ConcessionClause | None:
        """When the concession stops on overdue; None where that is not offered."""
        return concession_clause(
            days=self.concession_stop_days, stops_from=self.concession_stops_from, returns=self.concession_returns,
            is_fixed=False,
        )  # fmt: skip

    def terms_at(self, rate: Decimal) -> LoanTerms:
        """Give the loan terms at a rate."""
        return LoanTerms(
            principal_cny=self.principal_cny,
            drawdown_date=self.drawdown_date,
            maturity_date=self.maturity_date,
            rate=rate,
            basis=self.basis,
            method=self.method,
            interest_period_months=self.interest_period_months,
            settlement_day=self.settlement_day,
            accrual_dates=self.accrual_dates,
        )
