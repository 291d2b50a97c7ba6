"""Repayment schedules to the fen, with trace, beside the dates alone from a plain QuantLib schedule."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from benchmarks.harness import Comparison, Contender
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.quantlib import ql_date
from loans.calc.contracts.schedule import ScheduleInputs, interest_periods, make_schedule
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod

_START, _END = date(2025, 1, 20), date(2028, 1, 20)
_FULL_COUNT = 100
_END_OF_MONTH = False


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give schedules of 36 months: bullet, equal principal, equal instalments, and their dates alone."""
    count = max(1, int(_FULL_COUNT * scale))
    days = CalendarDays(
        name="bank", holidays=(), make_up_workdays=(), known_until=date(2028, 12, 31), works_make_up_days=True
    )
    plain = Contender(name="QuantLib dates", run=lambda: _quantlib_schedules(count), operation_count=count)
    rows = [
        Comparison(
            name=f"{method.value} schedule with trace",
            unit="schedules",
            subject=Contender(
                name="schedule to the fen", run=_maker(ScheduleInputs(terms=_terms(method), calendar=days), count),
                operation_count=count,
            ),
            comparator=plain,
        )
        for method in RepaymentMethod
    ]  # fmt: skip
    terms = _terms(RepaymentMethod.BULLET)
    dates = Contender(
        name="periods", run=lambda: [interest_periods(terms, days) for _ in range(count)], operation_count=count
    )
    yield [*rows, Comparison(name="dates alone", unit="schedules", subject=dates, comparator=plain)]


def _terms(method: RepaymentMethod) -> LoanTerms:
    return LoanTerms(
        principal_cny=Decimal("10000000.00"),
        drawdown_date=_START,
        maturity_date=_END,
        rate=Decimal("0.0329"),
        basis=DayCount.ACT_360,
        method=method,
        interest_period_months=1,
        settlement_day=19,
        accrual_dates=AccrualDates.ADJUSTED,
    )


def _maker(inputs: ScheduleInputs, count: int) -> "_Maker":
    return _Maker(inputs, count)


class _Maker:
    """Makes one schedule many times."""

    def __init__(self, inputs: ScheduleInputs, count: int) -> None:
        self._inputs = inputs
        self._count = count

    def __call__(self) -> None:
        for _ in range(self._count):
            make_schedule(self._inputs)


def _quantlib_schedules(count: int) -> None:
    calendar = ql.WeekendsOnly()
    start, end, tenor = ql_date(_START), ql_date(_END), ql.Period(1, ql.Months)
    for _ in range(count):
        schedule = ql.Schedule(
            start, end, tenor, calendar, ql.Following, ql.Following, ql.DateGeneration.Forward, _END_OF_MONTH
        )
        list(schedule)
