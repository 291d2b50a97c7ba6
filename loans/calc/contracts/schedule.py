"""Repayment schedules in whole fen: rows stand on contractual days; payment days are moved as far as notices reach."""

import calendar as month_lengths
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.contracts.interest import DAYS_PER_YEAR, exact_interest_fen, interest_fen
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.rounding import fen, half_up, yuan

PROVISIONAL_ZH = "节假日安排未公布"
PROVISIONAL_EN = "holiday notice not published"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInputs:
    """The terms and the calendar they are read with."""

    terms: LoanTerms
    calendar: CalendarDays


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One interest period `[start, end)` and the day it is paid.

    Attributes:
        contract_date: Payment day as the contract reads, before any move.
        provisional: The payment day lies past the published notices and stands unadjusted.
    """

    start: date
    end: date
    contract_date: date
    payment_date: date
    provisional: bool
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One payment."""

    number: int
    start: date
    end: date
    days: int
    contract_date: date
    payment_date: date
    provisional: bool
    opening_balance_cny: Decimal
    interest_cny: Decimal
    principal_cny: Decimal
    payment_cny: Decimal
    closing_balance_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RepaymentSchedule:
    """All payments; totals are sums of rounded rows and the principal sums exactly.

    Attributes:
        provisional_from: First provisional payment day, or None.
    """

    rows: tuple[ScheduleRow, ...]
    interest_total_cny: Decimal
    principal_total_cny: Decimal
    payment_total_cny: Decimal
    provisional_from: date | None
    trace: tuple[Figure, ...]


def interest_periods(terms: LoanTerms, days: CalendarDays) -> tuple[Period, ...]:
    """Give the interest periods from drawdown to maturity.

    Periods end the day after each settlement day; month stepping starts from the settlement day itself, so that the
    31st stays the 31st where a month has one. The last ends on maturity.
    """
    bank = days.calendar()
    periods: list[Period] = []
    start = terms.drawdown_date
    for contract_date in [*_period_ends(terms), terms.maturity_date]:
        rolled = bank.roll_if_known(contract_date)
        end = rolled.day if terms.accrual_dates is AccrualDates.ADJUSTED else contract_date
        periods.append(
            Period(
                start=start,
                end=end,
                contract_date=contract_date,
                payment_date=rolled.day,
                provisional=rolled.provisional,
                days=days_between(terms.basis, start, end),
            )
        )
        start = end
    return tuple(periods)


def exact_interest_of(terms: LoanTerms, period: Period, *, balance_fen: int) -> Fraction:
    """Give the unrounded interest of a period in fen."""
    return exact_interest_fen(balance_fen=balance_fen, rate=terms.rate, days=period.days, basis=terms.basis)


def make_schedule(inputs: ScheduleInputs) -> RepaymentSchedule:
    """Make the repayment schedule; the last row takes what rounding left, so principal sums exactly."""
    terms, rows = inputs.terms, schedule_rows(inputs)
    return RepaymentSchedule(
        rows=rows,
        interest_total_cny=sum((row.interest_cny for row in rows), Decimal("0.00")),
        principal_total_cny=sum((row.principal_cny for row in rows), Decimal("0.00")),
        payment_total_cny=sum((row.payment_cny for row in rows), Decimal("0.00")),
        provisional_from=next((row.payment_date for row in rows if row.provisional), None),
        trace=checked_trace(schedule_figures(terms, rows)),
    )


def schedule_rows(inputs: ScheduleInputs, periods: tuple[Period, ...] | None = None) -> tuple[ScheduleRow, ...]:
    """Give the payments of a schedule alone, without totals and trace.

    Its interest periods are those of its terms, or `periods` where it is made again within a life already divided.
    """
    terms = inputs.terms
    if periods is None:
        periods = interest_periods(terms, inputs.calendar)
    principals = _principals(terms, periods)
    rows, balance = [], fen(terms.principal_cny)
    for number, (period, principal) in enumerate(zip(periods, principals, strict=True), 1):
        interest = interest_fen(balance_fen=balance, rate=terms.rate, days=period.days, basis=terms.basis)
        rows.append(
            ScheduleRow(
                number=number,
                start=period.start,
                end=period.end,
                days=period.days,
                contract_date=period.contract_date,
                payment_date=period.payment_date,
                provisional=period.provisional,
                opening_balance_cny=yuan(balance),
                interest_cny=yuan(interest),
                principal_cny=yuan(principal),
                payment_cny=yuan(interest + principal),
                closing_balance_cny=yuan(balance - principal),
            )
        )
        balance -= principal
    assert balance == 0, "a schedule repays its principal exactly"
    return tuple(rows)


def _period_ends(terms: LoanTerms) -> Iterator[date]:
    """Give the days after each settlement day, strictly between drawdown and maturity."""
    month_number = terms.drawdown_date.year * 12 + terms.drawdown_date.month - 2
    while True:
        month_number += 1
        year, month = divmod(month_number, 12)
        month += 1
        if month % terms.interest_period_months:
            continue
        last_day = month_lengths.monthrange(year, month)[1]
        end = date(year, month, min(terms.settlement_day, last_day)) + timedelta(days=1)
        if end >= terms.maturity_date:
            return
        if end > terms.drawdown_date:
            yield end


def _principals(terms: LoanTerms, periods: tuple[Period, ...]) -> list[int]:
    principal, count = fen(terms.principal_cny), len(periods)
    if terms.method is RepaymentMethod.BULLET:
        return [0] * (count - 1) + [principal]
    if terms.method is RepaymentMethod.EQUAL_PRINCIPAL:
        each = int(half_up(Fraction(principal, count), places=0))
        if each * (count - 1) > principal:
            each = principal // count
        return [each] * (count - 1) + [principal - each * (count - 1)]
    return _instalment_principals(terms, periods, principal)


def _instalment_principals(terms: LoanTerms, periods: tuple[Period, ...], principal: int) -> list[int]:
    """Split equal instalments: each but the last pays `level` with interest first; the last pays the rest."""
    level = level_instalment_fen(terms, periods)
    parts, balance = [], principal
    for period in periods[:-1]:
        interest = interest_fen(balance_fen=balance, rate=terms.rate, days=period.days, basis=terms.basis)
        part = min(max(level - interest, 0), balance)
        parts.append(part)
        balance -= part
    return [*parts, balance]


def level_instalment_fen(terms: LoanTerms, periods: tuple[Period, ...]) -> int:
    """Give the instalment, half up to the fen, that repays the principal: P / sum of prod 1/(1 + r days/year)."""
    rate = Fraction(terms.rate)
    unit = rate.denominator * DAYS_PER_YEAR[terms.basis]  # growth of a period = (unit + rate numerator x days) / unit
    numerator, denominator = 0, 1  # the annuity as one quotient, never reduced: reducing each step is the slow part
    for period in reversed(periods):
        numerator = unit * (numerator + denominator)
        denominator *= unit + rate.numerator * period.days
    return int(half_up(Fraction(fen(terms.principal_cny) * denominator, numerator), places=0))


def schedule_figures(terms: LoanTerms, rows: Sequence[ScheduleRow]) -> list[Figure]:
    """Give the figures of a schedule: terms, then each row's days, interest, principal and payment, then totals."""
    figures = [
        _fact("principal_cny", "贷款本金", "Principal", str(terms.principal_cny), "CNY"),
        _fact("rate", "执行年利率", "Executed annual rate", str(terms.rate), "rate"),
        _fact("basis", "计息基础", "Day count", terms.basis.value, "code"),
    ]
    balance_name = "principal_cny"
    for row in rows:
        figures += _row_figures(row, terms.basis, balance_name)
        balance_name = f"closing_balance_cny.{row.number}"
    for name, label_zh, label_en, total in (
        ("interest", "利息合计", "Interest total", sum((row.interest_cny for row in rows), Decimal("0.00"))),
        ("principal", "本金合计", "Principal total", sum((row.principal_cny for row in rows), Decimal("0.00"))),
        ("payment", "还款合计", "Payment total", sum((row.payment_cny for row in rows), Decimal("0.00"))),
    ):
        figures.append(
            Figure(
                name=f"{name}_total_cny",
                label_zh=label_zh,
                label_en=label_en,
                value=str(total),
                unit="CNY",
                formula="sum of rounded rows",
                inputs=tuple(f"{name}_cny.{row.number}" for row in rows),
            )
        )
    return figures


def _payment_date_figure(row: ScheduleRow) -> Figure:
    note_zh, note_en = (PROVISIONAL_ZH, PROVISIONAL_EN) if row.provisional else ("", "")
    return Figure(
        name=f"payment_date.{row.number}",
        label_zh=f"第 {row.number} 期还款日",
        label_en=f"Payment date {row.number}",
        value=row.payment_date.isoformat(),
        unit="date",
        formula=f"{row.contract_date.isoformat()} moved to the next bank day",
        confirmed=not row.provisional,
        note_zh=note_zh,
        note_en=note_en,
    )


def _row_figures(row: ScheduleRow, basis: DayCount, balance_name: str) -> list[Figure]:
    number = row.number
    return [
        _payment_date_figure(row),
        Figure(
            name=f"days.{number}",
            label_zh=f"第 {number} 期计息天数",
            label_en=f"Interest days {number}",
            value=str(row.days),
            unit="days",
            formula=f"days of [{row.start.isoformat()}, {row.end.isoformat()}) by {basis.value}",
            inputs=("basis",),
        ),
        Figure(
            name=f"interest_cny.{number}",
            label_zh=f"第 {number} 期利息",
            label_en=f"Interest {number}",
            value=str(row.interest_cny),
            unit="CNY",
            formula=f"round(balance x rate x days / {DAYS_PER_YEAR[basis]}, 2)",
            inputs=(balance_name, "rate", f"days.{number}"),
        ),
        Figure(
            name=f"principal_cny.{number}",
            label_zh=f"第 {number} 期应还本金",
            label_en=f"Principal {number}",
            value=str(row.principal_cny),
            unit="CNY",
            formula="by the repayment method; the last row takes the rest",
            inputs=(balance_name,),
        ),
        Figure(
            name=f"payment_cny.{number}",
            label_zh=f"第 {number} 期应还合计",
            label_en=f"Payment {number}",
            value=str(row.payment_cny),
            unit="CNY",
            formula="interest + principal",
            inputs=(f"interest_cny.{number}", f"principal_cny.{number}"),
        ),
        Figure(
            name=f"closing_balance_cny.{number}",
            label_zh=f"第 {number} 期后余额",
            label_en=f"Balance after {number}",
            value=str(row.closing_balance_cny),
            unit="CNY",
            formula="balance - principal",
            inputs=(balance_name, f"principal_cny.{number}"),
        ),
    ]


def _fact(name: str, label_zh: str, label_en: str, value: str, unit: str) -> Figure:
    return Figure(name=name, label_zh=label_zh, label_en=label_en, value=value, unit=unit, source="合同约定")


SCHEDULE_KIND: DecisionKind[ScheduleInputs, RepaymentSchedule] = DecisionKind(
    name="loans.schedule", version="1", inputs=ScheduleInputs, outputs=RepaymentSchedule, decide=make_schedule
)
