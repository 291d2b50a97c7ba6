"""What a rate would be over scores and LPR paths, as JSON."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.dates import DayCount
from carbonfin.web.wire import CnyText, DayText, RateText, UsciText, day_of, decimal_of
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.jiangtandai import LprStep, RateDecision, ScorePath
from loans.calc.jiangtandai.what_if import SCORES_MAX, STEPS_MAX
from loans.schemas.lending import LprTenor, MarginBp, PeriodMonths, SettlementDay
from loans.service import WhatIf, WhatIfRequest

ScoreText = Annotated[str, Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})?$", description="A score, as text.")]


class LprStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The LPR from one of the loan's repricing days on."""

    start: DayText
    rate: RateText


class WhatIfLoanIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A loan drawn when the rate applies; with it, what each score would cost."""

    principal_cny: CnyText
    maturity_date: DayText
    method: RepaymentMethod
    interest_period_months: PeriodMonths
    settlement_day: SettlementDay = 20
    basis: DayCount = DayCount.ACT_360
    accrual_dates: AccrualDates = AccrualDates.UNADJUSTED


class RateWhatIfIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Try scores and an LPR path by the bank's terms of the day; without a path, today's LPR throughout."""

    usci: UsciText
    margin_bp: MarginBp
    lpr_tenor: LprTenor
    applies_from: DayText
    scores: Annotated[list[ScoreText], Meta(min_length=1, max_length=SCORES_MAX)]
    lpr_path: Annotated[list[LprStepIn], Meta(max_length=STEPS_MAX)] = []
    loan: WhatIfLoanIn | None = None

    def request(self) -> WhatIfRequest:
        """Give the request as a value; each rule it breaks is named by its field."""
        applies_from = day_of(self.applies_from, field="applies_from")
        loan = self.loan
        return WhatIfRequest(
            margin_bp=self.margin_bp,
            lpr_tenor=self.lpr_tenor,
            applies_from=applies_from,
            scores=tuple(decimal_of(one) for one in self.scores),
            lpr_path=tuple(
                LprStep(start=day_of(one.start, field="lpr_path"), rate=decimal_of(one.rate)) for one in self.lpr_path
            ),
            loan=None
            if loan is None
            else LoanTerms(
                principal_cny=decimal_of(loan.principal_cny),
                drawdown_date=applies_from,
                maturity_date=day_of(loan.maturity_date, field="maturity_date"),
                rate=Decimal(0),
                basis=loan.basis,
                method=loan.method,
                interest_period_months=loan.interest_period_months,
                settlement_day=loan.settlement_day,
                accrual_dates=loan.accrual_dates,
            ),
        )


class SteppedRateOut(Struct, frozen=True, kw_only=True):
    """The rate from one step of the path on; not decided, it has no executed rate and says why."""

    start: str
    lpr: str
    concession_bp: str | None
    reason: str | None
    floor_applied: bool
    executed_rate: str | None
    missing: list[str]

    @classmethod
    def of(cls, step: LprStep, rate: RateDecision) -> "SteppedRateOut":
        """Copy a rate."""
        return cls(
            start=step.start.isoformat(), lpr=format(step.rate, "f"),
            concession_bp=None if rate.concession_bp is None else str(rate.concession_bp),
            reason=None if rate.reason is None else rate.reason.value, floor_applied=rate.floor_applied,
            executed_rate=None if rate.executed_rate is None else str(rate.executed_rate),
            missing=[one.en for one in rate.missing],
        )  # fmt: skip


class ScorePathOut(Struct, frozen=True, kw_only=True):
    """What one score comes to over the path."""

    score: str
    rates: list[SteppedRateOut]
    interest_total_cny: str | None
    first_payment_cny: str | None

    @classmethod
    def of(cls, one: ScorePath, path: tuple[LprStep, ...]) -> "ScorePathOut":
        """Copy a score's path."""
        total = one.interest_total_cny
        return cls(
            score=format(one.score, "f"),
            rates=[SteppedRateOut.of(*pair) for pair in zip(path, one.rates, strict=True)],
            interest_total_cny=None if total is None else str(total),
            first_payment_cny=str(one.dues[0].row.payment_cny) if one.dues else None,
        )


class RateWhatIfOut(Struct, frozen=True, kw_only=True):
    """Rates that were tried; not a decision, and no promise of one."""

    is_what_if: bool
    lpr: str
    lpr_published_on: str
    margin_bp: int
    scores: list[ScorePathOut]

    @classmethod
    def of(cls, found: WhatIf) -> "RateWhatIfOut":
        """Copy what was tried."""
        return cls(
            is_what_if=True,
            lpr=format(found.inputs.lpr.rate, "f"),
            lpr_published_on=found.inputs.lpr.published_on.isoformat(),
            margin_bp=found.inputs.margin_bp,
            scores=[ScorePathOut.of(one, found.path) for one in found.scores],
        )
