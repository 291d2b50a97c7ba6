"""Books of loans to the fen, with resets and bank days, beside QuantLib's coupons of one loan at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from benchmarks.harness import Comparison, Contender
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from loans.calc.contracts.books import Book, Product, Repayment, Resets, projections
from loans.calc.contracts.periods import Frequency, PeriodRule, rolled_days
from loans.calc.contracts.spans import YearRule, plus_months

_START, _END, _MONTHS = date(2025, 1, 20), date(2028, 1, 20), 36
_FULL_LOANS = 20_000
_QUANTLIB_LOANS = 100
_END_OF_MONTH = False
_CALENDAR = Calendar(
    name="bank",
    holidays=frozenset(),
    make_up_workdays=frozenset(),
    known_until=date(2029, 12, 31),
    works_make_up_days=True,
)


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give 36 monthly periods, two yearly resets with the concession in them, by each way of repaying."""
    book = _book(max(1, int(_FULL_LOANS * scale)))
    legs = max(1, int(_QUANTLIB_LOANS * scale))
    plain = Contender(name="QuantLib IborLeg, days and amounts", run=lambda: _quantlib(legs), operation_count=legs)
    yield [
        Comparison(
            name=f"{repayment.value} of 36 periods with resets",
            unit="loans",
            subject=Contender(
                name="exact fen and payment days",
                run=_projector(repayment, book),
                operation_count=len(book.principal),
            ),
            comparator=plain,
        )
        for repayment in (Repayment.BULLET, Repayment.EQUAL_PRINCIPAL, Repayment.EQUAL_INSTALMENT)
    ]


def _book(count: int) -> Book:
    rng = np.random.default_rng(20251129)
    drawdown = np.datetime64("2025-01-01") + rng.integers(0, 300, count)
    reset_days = np.stack([plus_months(drawdown, months) for months in (12, 24)])
    return Book(
        principal=rng.integers(10**7, 10**9, count) * 100,
        drawdown=drawdown,
        maturity=plus_months(drawdown, _MONTHS),
        rate=rng.integers(250, 600, count) * 100,
        resets=Resets(days=reset_days, rates=rng.integers(250, 600, (2, count)) * 100),
    )


def _projector(repayment: Repayment, book: Book) -> Callable[[], None]:
    product = Product(
        repayment=repayment,
        periods=PeriodRule(frequency=Frequency.MONTHLY, settlement_day=20),
        year_rule=YearRule.ACTUAL_360,
    )

    def run() -> None:
        for places, found in projections(product, book):
            rolled_days(found.days, _CALENDAR)
            assert (found.results.principal.sum(axis=0) == book.principal[places]).all()

    return run


def _quantlib(count: int) -> None:
    """Make a leg of 36 coupons on the calendar of Chinese banks, and ask each its day and its amount."""
    with quantlib_on(_START):
        _legs(count)


def _legs(count: int) -> None:
    start, end = ql_date(_START), ql_date(_END)
    calendar = ql.China(ql.China.IB)
    curve = ql.YieldTermStructureHandle(ql.FlatForward(start, 0.03, ql.Actual360()))
    index = ql.IborIndex(
        "LPR",
        ql.Period(1, ql.Months),
        0,
        ql.CNYCurrency(),
        calendar,
        ql.Following,
        _END_OF_MONTH,
        ql.Actual360(),
        curve,
    )
    index.addFixing(calendar.adjust(start), 0.031)
    for _ in range(count):
        schedule = ql.Schedule(
            start, end, ql.Period(1, ql.Months), calendar, ql.Following, ql.Following, ql.DateGeneration.Forward,
            _END_OF_MONTH,
        )  # fmt: skip
        for coupon in ql.IborLeg([1_000_000.0], schedule, index, ql.Actual360(), spreads=[-0.002]):
            coupon.date(), coupon.amount()
    index.clearFixings()
