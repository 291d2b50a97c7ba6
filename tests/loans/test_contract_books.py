"""Books through the event engine against one exact-rational loan at a time, and the schedules of the product."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput, MissingData
from loans.calc.contracts.books import (
    RATE_SCALE,
    AfterPrepayment,
    Book,
    Prepayments,
    Product,
    Projection,
    Repayment,
    Resets,
    project,
    projections,
)
from loans.calc.contracts.engine import Act, RateLimits
from loans.calc.contracts.money import MoneyRule, Rounding
from loans.calc.contracts.periods import Frequency, PeriodRule, Stub, period_ends, rolled_days
from loans.calc.contracts.rates import QuoteSeries, reset_rates
from loans.calc.contracts.schedule import ScheduleInputs, make_schedule
from loans.calc.contracts.spans import SPANS_A_YEAR, YearRule, spans_between
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from tests.loans import contract_reference as reference
from tests.loans.samples import HOLIDAYS_2025, WORKDAYS_2025

DAYS = "M8[D]"
BANK_DAYS = CalendarDays(
    name="bank",
    holidays=HOLIDAYS_2025,
    make_up_workdays=WORKDAYS_2025,
    known_until=date(2025, 12, 31),
    works_make_up_days=True,
)
ROUNDINGS = {
    Rounding.HALF_UP: reference.half_up,
    Rounding.HALF_EVEN: reference.half_even,
    Rounding.UP: reference.up,
    Rounding.DOWN: reference.down,
}


def days(*values: date) -> np.ndarray:
    return np.array(values, dtype=DAYS)


def rows_of(found: Projection, place: int) -> list[reference.Row]:
    """Give the payments of one loan as the reference does: slots that pay, capitalise or repay."""
    pays = found.acts[:, place] & int(Act.INTEREST | Act.CAPITALISE | Act.REST | Act.PRINCIPAL)
    return [
        (
            found.days[slot, place].astype(object),
            int(found.results.interest[slot, place]),
            int(found.results.principal[slot, place]),
            int(found.results.balance[slot, place]),
        )
        for slot in np.flatnonzero(pays)
    ]


def random_book(rng: random.Random, count: int, *, resets: int, early: int) -> Book:
    drawdown = [date(2023, 1, 1) + timedelta(days=rng.randrange(900)) for _ in range(count)]
    maturity = [day + timedelta(days=rng.randrange(20, 1500)) for day in drawdown]
    life = [(end - start).days for start, end in zip(drawdown, maturity, strict=True)]
    principal = [rng.choice([1, 7, 99, 10_000, 123_456_789, 10**10 + 1]) * rng.randrange(1, 50) for _ in range(count)]

    def dated(rows: int) -> np.ndarray:
        chosen = [sorted(rng.sample(range(1, span), min(rows, span - 1))) for span in life]
        padded = [[*places, *[None] * (rows - len(places))] for places in chosen]
        return np.array(
            [
                [
                    np.datetime64("NaT") if place is None else np.datetime64(start + timedelta(days=place))
                    for place in row
                ]
                for start, row in zip(drawdown, padded, strict=True)
            ],
            dtype=DAYS,
        ).T

    rates = np.array([[rng.randrange(0, 90_000) for _ in range(count)] for _ in range(resets)], dtype=np.int64)
    amounts = np.array([[rng.randrange(1, part) if part > 1 else 1 for part in principal] for _ in range(early)])
    return Book(
        principal=np.array(principal, dtype=np.int64),
        drawdown=days(*drawdown),
        maturity=days(*maturity),
        rate=np.array([rng.randrange(0, 120_000) for _ in range(count)], dtype=np.int64),
        resets=Resets(days=dated(resets), rates=rates) if resets else None,
        prepayments=Prepayments(days=dated(early), amounts=amounts, compensation=5_000) if early else None,
    )


def reference_of(product: Product, book: Book, place: int, rounding: Rounding) -> reference.Loan:
    ends, stands = period_ends(book.drawdown[place : place + 1], book.maturity[place : place + 1], product.periods)
    resets, early = book.resets, book.prepayments
    return reference.Loan(
        principal=int(book.principal[place]),
        rate=Fraction(int(book.rate[place]), RATE_SCALE),
        drawdown=book.drawdown[place].astype(object),
        ends=[end.astype(object) for end in ends[stands]],
        rule=product.year_rule.value,
        method=product.repayment.value,
        interest_only=product.interest_only,
        capitalises=product.capitalises,
        resets={}
        if resets is None
        else {
            day.astype(object): Fraction(int(rate), RATE_SCALE)
            for day, rate in zip(resets.days[:, place], resets.rates[:, place], strict=True)
            if not np.isnat(day)
        },
        prepaid={}
        if early is None
        else {
            day.astype(object): int(amount)
            for day, amount in zip(early.days[:, place], early.amounts[:, place], strict=True)
            if not np.isnat(day)
        },
        smaller=product.after_prepayment is AfterPrepayment.SMALLER,
        rounded=ROUNDINGS[rounding],
    )


@pytest.mark.parametrize("repayment", [Repayment.BULLET, Repayment.EQUAL_PRINCIPAL, Repayment.EQUAL_INSTALMENT])
@pytest.mark.parametrize("rule", list(YearRule))
def test_books_equal_single_loans(repayment: Repayment, rule: YearRule) -> None:
    rng = random.Random(f"{repayment}{rule}")  # noqa: S311 - cases, not secrets
    for turn in range(12):
        frequency = rng.choice(list(Frequency))
        monthly = frequency in (Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.HALF_YEARLY, Frequency.YEARLY)
        product = Product(
            repayment=repayment,
            periods=PeriodRule(
                frequency=frequency,
                settlement_day=20 if monthly and turn % 2 else None,
                first_stub=rng.choice(list(Stub)),
                last_stub=rng.choice(list(Stub)),
            ),
            year_rule=rule,
            interest_only=rng.choice([0, 0, 3]) if repayment is not Repayment.BULLET else 0,
            capitalises=repayment is Repayment.BULLET and turn % 3 == 0,
            after_prepayment=rng.choice(list(AfterPrepayment)),
        )
        rounding = rng.choice(list(Rounding)) if turn % 2 else Rounding.HALF_UP
        book = random_book(rng, 9, resets=rng.choice([0, 2]), early=rng.choice([0, 1, 2]))
        found = project(product, book, MoneyRule(rounding=rounding, level_rounding=rounding))
        for place in range(9):
            expected = reference.run(reference_of(product, book, place, rounding))
            assert rows_of(found, place) == expected, (product, rounding, place)
        assert (found.results.principal.sum(axis=0) == book.principal).all()
        assert (found.results.balance[-1] == 0).all()


METHODS = {
    Repayment.BULLET: RepaymentMethod.BULLET,
    Repayment.EQUAL_PRINCIPAL: RepaymentMethod.EQUAL_PRINCIPAL,
    Repayment.EQUAL_INSTALMENT: RepaymentMethod.EQUAL_INSTALMENT,
}
MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.HALF_YEARLY: 6, Frequency.YEARLY: 12}
BASES = {
    YearRule.ACTUAL_360: DayCount.ACT_360,
    YearRule.ACTUAL_365: DayCount.ACT_365,
    YearRule.THIRTY_E_360: DayCount.THIRTY_E_360,
}


@pytest.mark.parametrize("accrual", list(AccrualDates))
@pytest.mark.parametrize("repayment", list(METHODS))
def test_books_equal_the_schedules_of_term_sheets(repayment: Repayment, accrual: AccrualDates) -> None:
    accrue_by = BANK_DAYS.calendar() if accrual is AccrualDates.ADJUSTED else None
    rng = random.Random(7)  # noqa: S311 - cases, not secrets
    for frequency, months in MONTHS.items():
        for rule, basis in BASES.items():
            settlement_day = rng.choice([1, 15, 20, 28, 31])
            product = Product(
                repayment=repayment,
                periods=PeriodRule(frequency=frequency, settlement_day=settlement_day),
                year_rule=rule,
            )
            book = random_book(rng, 6, resets=0, early=0)
            found = project(product, book, accrue_by=accrue_by)
            for place in range(6):
                terms = LoanTerms(
                    principal_cny=Decimal(int(book.principal[place])) / 100,
                    drawdown_date=book.drawdown[place].astype(object),
                    maturity_date=book.maturity[place].astype(object),
                    rate=Decimal(int(book.rate[place])) / RATE_SCALE,
                    basis=basis,
                    method=METHODS[repayment],
                    interest_period_months=months,
                    settlement_day=settlement_day,
                    accrual_dates=accrual,
                )
                schedule = make_schedule(ScheduleInputs(terms=terms, calendar=BANK_DAYS))
                expected = [
                    (
                        row.end,
                        int(row.interest_cny * 100),
                        int(row.principal_cny * 100),
                        int(row.closing_balance_cny * 100),
                    )
                    for row in schedule.rows
                ]
                assert rows_of(found, place) == expected, (product, place)


def one_loan(
    product: Product,
    *,
    principal: int = 10_000_000,
    rate: int = 36_000,
    resets: Resets | None = None,
    prepayments: Prepayments | None = None,
    custom: list[int] | None = None,
    end: date = date(2025, 7, 1),
) -> Projection:
    """100,000 yuan at 3.60 % from 2025-01-01, unless said."""
    return project(
        product,
        Book(
            principal=np.array([principal]),
            drawdown=days(date(2025, 1, 1)),
            maturity=days(end),
            rate=np.array([rate]),
            resets=resets,
            prepayments=prepayments,
            custom=None if custom is None else np.array([custom]).T,
        ),
    )


def product_of(repayment: Repayment, **terms: object) -> Product:
    # 30E/360 and 3.60 % make 0.30 % a month: the hand calculations below are of round figures.
    return Product(
        repayment=repayment,
        periods=PeriodRule(frequency=Frequency.MONTHLY),
        year_rule=YearRule.THIRTY_E_360,
        **terms,  # type: ignore[arg-type]
    )


def test_prepayment_pays_interest_to_the_day_and_compensation() -> None:
    early = Prepayments(days=days(date(2025, 1, 16))[None, :], amounts=np.array([[4_000_000]]), compensation=10_000)
    found = one_loan(product_of(Repayment.BULLET), prepayments=early)
    # 15 days of 30 at 0.30 % on 100,000 are 150.00; then 15 days on 60,000 are 90.00; 1 % of 40,000 is 400.00
    assert rows_of(found, 0)[:3] == [
        (date(2025, 1, 16), 15_000, 4_000_000, 6_000_000),
        (date(2025, 2, 1), 9_000, 0, 6_000_000),
        (date(2025, 3, 1), 18_000, 0, 6_000_000),
    ]
    assert found.compensation[:, 0].tolist() == [0, 40_000, 0, 0, 0, 0, 0, 0]


def test_a_prepayment_beyond_the_balance_repays_the_balance() -> None:
    early = Prepayments(days=days(date(2025, 1, 16))[None, :], amounts=np.array([[99_000_000]]), compensation=10_000)
    found = one_loan(product_of(Repayment.BULLET), prepayments=early)
    assert rows_of(found, 0)[0] == (date(2025, 1, 16), 15_000, 10_000_000, 0)
    assert found.compensation.sum() == 100_000
    assert not found.results.interest[2:].any()


@pytest.mark.parametrize(
    ("after", "parts"),
    [
        # 120,000 over six months: 20,000 a month; after 30,000 early on the first payment day 70,000 are left
        (AfterPrepayment.SMALLER, [2_000_000, 3_000_000, 1_400_000, 1_400_000, 1_400_000, 1_400_000, 1_400_000]),
        (AfterPrepayment.FEWER, [2_000_000, 3_000_000, 2_000_000, 2_000_000, 2_000_000, 1_000_000, 0]),
    ],
)
def test_what_a_prepayment_changes(after: AfterPrepayment, parts: list[int]) -> None:
    early = Prepayments(days=days(date(2025, 2, 1))[None, :], amounts=np.array([[3_000_000]]))
    found = one_loan(
        product_of(Repayment.EQUAL_PRINCIPAL, after_prepayment=after), principal=12_000_000, prepayments=early
    )
    assert [row[2] for row in rows_of(found, 0)] == parts


def test_caps_and_floors_of_resets() -> None:
    limits = RateLimits(
        period_floor=np.array([-5_000]),
        period_cap=np.array([5_000]),
        life_floor=np.array([30_000]),
        life_cap=np.array([42_000]),
    )
    asked = [39_000, 50_000, 50_000, 40_000, 10_000, 10_000]
    reset_days = days(*(date(2025, month, 15) for month in range(1, 7)))[:, None]
    found = one_loan(
        product_of(Repayment.BULLET), resets=Resets(days=reset_days, rates=np.array([asked]).T, limits=limits)
    )
    taken = [int(rate) for rate, act in zip(found.results.rate[:, 0], found.acts[:, 0], strict=True) if act & Act.RESET]
    # within 0.50 % of the rate before, then between 3.00 % and 4.20 %
    assert taken == [39_000, 42_000, 42_000, 40_000, 35_000, 30_000]
    # 14 days at 3.60 % and 16 at 3.90 %: 100,000 x (0.036 x 14 + 0.039 x 16) / 360 = 313.33
    assert rows_of(found, 0)[0][1] == 31_333


def test_limits_that_contradict_themselves_are_refused() -> None:
    def limits(**other: int) -> RateLimits:
        sound = {"period_floor": -1, "period_cap": 1, "life_floor": 0, "life_cap": 9}
        return RateLimits(**{name: np.array([value]) for name, value in (sound | other).items()})

    limits()
    for other in ({"life_floor": 10}, {"period_floor": 2}, {"period_floor": 1}, {"period_cap": -1, "period_floor": -2}):
        with pytest.raises(InvalidInput):
            limits(**other)


def test_the_fixing_lag_reads_the_quote_before_publication() -> None:
    quotes = QuoteSeries(
        name="LPR 1Y",
        published=days(date(2025, 4, 21), date(2025, 5, 20)),
        rates=np.array([31_000, 30_000]),
    )
    reset = days(date(2025, 5, 20), date(2025, 5, 22))
    margin = np.array([-500, 2_000])
    assert reset_rates(quotes, reset, lag_days=0, margin=margin).tolist() == [29_500, 32_000]
    assert reset_rates(quotes, reset, lag_days=1, margin=margin).tolist() == [30_500, 32_000]
    assert reset_rates(quotes, reset, lag_days=2, margin=margin).tolist() == [30_500, 32_000]
    assert reset_rates(quotes, reset, lag_days=3, margin=margin).tolist() == [30_500, 33_000]
    with pytest.raises(MissingData):
        reset_rates(quotes, reset, lag_days=30, margin=margin)
    with pytest.raises(InvalidInput):
        reset_rates(quotes, reset, lag_days=-1, margin=margin)
    with pytest.raises(InvalidInput):
        QuoteSeries(name="LPR 1Y", published=quotes.published[::-1], rates=quotes.rates)


def test_custom_repayments() -> None:
    found = one_loan(product_of(Repayment.CUSTOM), custom=[0, 5_000_000, 0, 1_000_000, 0, 4_000_000])
    # 0.30 % a month on 100,000, 100,000, 50,000, 50,000, 40,000 and 40,000
    assert [row[1:3] for row in rows_of(found, 0)] == [
        (30_000, 0),
        (30_000, 5_000_000),
        (15_000, 0),
        (15_000, 1_000_000),
        (12_000, 0),
        (12_000, 4_000_000),
    ]
    for wrong in ([0, 5_000_000, 0, 1_000_000, 0, 4_000_001], [10_000_000], [-1, 1, 0, 0, 0, 10_000_000]):
        with pytest.raises(InvalidInput):
            one_loan(product_of(Repayment.CUSTOM), custom=wrong)


def test_interest_falls_to_the_balance() -> None:
    found = one_loan(product_of(Repayment.BULLET, capitalises=True), end=date(2025, 4, 1))
    # 100,000 x 1.003 = 100,300.00; x 1.003 = 100,600.90; the interest of the last month is 301.80 (301.8027)
    assert rows_of(found, 0) == [
        (date(2025, 2, 1), 0, -30_000, 10_030_000),
        (date(2025, 3, 1), 0, -30_090, 10_060_090),
        (date(2025, 4, 1), 30_180, 10_060_090, 0),
    ]


def test_principal_after_interest_only_payments() -> None:
    found = one_loan(product_of(Repayment.EQUAL_PRINCIPAL, interest_only=4))
    assert [row[2] for row in rows_of(found, 0)] == [0, 0, 0, 0, 5_000_000, 5_000_000]


def test_whole_months_and_odd_days() -> None:
    starts = days(date(2025, 1, 31), date(2025, 1, 31), date(2024, 2, 29), date(2025, 3, 31))
    ends = days(date(2025, 2, 28), date(2025, 3, 5), date(2025, 2, 28), date(2025, 4, 29))
    # to the month's last day; then odd days from 28 February; a year by months; no whole month
    months, odd = np.array([1, 1, 12, 0]), np.array([0, 5, 0, 29])
    assert (spans_between(YearRule.WHOLE_MONTHS_360, starts, ends) == 30 * months + odd).all()
    assert (spans_between(YearRule.WHOLE_MONTHS_365, starts, ends) == 365 * months + 12 * odd).all()
    assert SPANS_A_YEAR[YearRule.WHOLE_MONTHS_365] == 365 * 12
    with pytest.raises(InvalidInput):
        spans_between(YearRule.ACTUAL_360, ends, starts)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (Stub.SHORT, Stub.SHORT, ["2025-01-21", "2025-02-21", "2025-03-21", "2025-04-05"]),
        (Stub.LONG, Stub.SHORT, ["2025-02-21", "2025-03-21", "2025-04-05"]),
        (Stub.SHORT, Stub.LONG, ["2025-01-21", "2025-02-21", "2025-04-05"]),
        (Stub.LONG, Stub.LONG, ["2025-02-21", "2025-04-05"]),
    ],
)
def test_stubs_at_either_end(first: Stub, last: Stub, expected: list[str]) -> None:
    rule = PeriodRule(frequency=Frequency.MONTHLY, settlement_day=20, first_stub=first, last_stub=last)
    ends, stands = period_ends(days(date(2025, 1, 10)), days(date(2025, 4, 5)), rule)
    assert [str(day) for day in ends[stands]] == expected


def test_months_step_from_the_anchor() -> None:
    ends, _ = period_ends(days(date(2025, 1, 31)), days(date(2025, 5, 31)), PeriodRule(frequency=Frequency.MONTHLY))
    assert [str(day) for day in ends[:, 0]] == ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]


def test_payment_days_move_as_far_as_notices_reach() -> None:
    calendar = BANK_DAYS.calendar()
    # National Day to the 9th; a Sunday worked; a Saturday; a Saturday past the notices stands
    asked = days(date(2025, 10, 1), date(2025, 9, 28), date(2025, 6, 21), date(2026, 2, 21))
    moved, provisional = rolled_days(asked[:, None], calendar)
    assert [str(day) for day in moved[:, 0]] == ["2025-10-09", "2025-09-28", "2025-06-23", "2026-02-21"]
    assert provisional[:, 0].tolist() == [False, False, False, True]


def test_large_loans_leave_machine_integers() -> None:
    product = Product(
        repayment=Repayment.EQUAL_INSTALMENT,
        periods=PeriodRule(frequency=Frequency.YEARLY),
        year_rule=YearRule.ACTUAL_365,
    )
    book = Book(
        principal=np.array([10**16 - 1, 3]),
        drawdown=days(date(2000, 1, 31), date(2000, 1, 31)),
        maturity=days(date(2040, 1, 31), date(2040, 1, 31)),
        rate=np.array([239_999, 239_999]),
    )
    found = project(product, book)
    assert found.results.balance.dtype == object
    for place in range(2):
        assert rows_of(found, place) == reference.run(reference_of(product, book, place, Rounding.HALF_UP))


def test_a_book_without_loans() -> None:
    none = np.array([], dtype=np.int64)
    book = Book(principal=none, drawdown=days(), maturity=days(), rate=none)
    assert project(product_of(Repayment.EQUAL_INSTALMENT), book).results.principal.size == 0


def test_products_and_books_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(InvalidInput):
        product_of(Repayment.EQUAL_PRINCIPAL, capitalises=True)
    with pytest.raises(InvalidInput):
        product_of(Repayment.BULLET, interest_only=-1)
    for frequency, settlement_day in ((Frequency.WEEKLY, 20), (Frequency.MONTHLY, 0), (Frequency.MONTHLY, 32)):
        with pytest.raises(InvalidInput):
            PeriodRule(frequency=frequency, settlement_day=settlement_day)
    with pytest.raises(InvalidInput):
        one_loan(product_of(Repayment.BULLET), principal=0)
    with pytest.raises(InvalidInput):
        one_loan(product_of(Repayment.BULLET), end=date(2025, 1, 1))


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (Frequency.WEEKLY, ["2025-01-28", "2025-02-04", "2025-02-11", "2025-02-18"]),
        (Frequency.FORTNIGHTLY, ["2025-02-04", "2025-02-18"]),
        (Frequency.AT_MATURITY, ["2025-02-18"]),
    ],
)
def test_periods_of_weeks_and_of_the_whole_life(frequency: Frequency, expected: list[str]) -> None:
    ends, stands = period_ends(days(date(2025, 1, 21)), days(date(2025, 2, 18)), PeriodRule(frequency=frequency))
    assert [str(day) for day in ends[stands]] == expected


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (Frequency.QUARTERLY, ["2025-03-21", "2025-06-21", "2025-09-21", "2025-12-21", "2026-01-05"]),
        (Frequency.HALF_YEARLY, ["2025-06-21", "2025-12-21", "2026-01-05"]),
        (Frequency.YEARLY, ["2025-12-21", "2026-01-05"]),
    ],
)
def test_settlement_months_are_those_the_step_divides(frequency: Frequency, expected: list[str]) -> None:
    rule = PeriodRule(frequency=frequency, settlement_day=20)
    ends, stands = period_ends(days(date(2024, 12, 21)), days(date(2026, 1, 5)), rule)
    assert [str(day) for day in ends[stands]] == expected


def test_whole_periods_join_no_neighbour() -> None:
    rule = PeriodRule(frequency=Frequency.MONTHLY, settlement_day=20, first_stub=Stub.LONG, last_stub=Stub.LONG)
    # whole at both ends; a stub alone; two stubs alone
    starts = days(date(2025, 1, 21), date(2025, 1, 25), date(2025, 1, 10))
    maturities = days(date(2025, 4, 21), date(2025, 2, 10), date(2025, 2, 10))
    ends, stands = period_ends(starts, maturities, rule)
    assert [[str(day) for day in ends[stands[:, place], place]] for place in range(3)] == [
        ["2025-02-21", "2025-03-21", "2025-04-21"],
        ["2025-02-10"],
        ["2025-02-10"],
    ]


def test_days_no_table_holds_are_refused() -> None:
    with pytest.raises(InvalidInput):
        period_ends(days(date(2390, 1, 1)), days(date(2399, 12, 31)), PeriodRule(frequency=Frequency.YEARLY))
    with pytest.raises(InvalidInput):
        spans_between(YearRule.THIRTY_E_360, days(date(1899, 12, 31)), days(date(2000, 1, 1)))


def test_events_outside_the_life_do_not_happen() -> None:
    product = product_of(Repayment.EQUAL_INSTALMENT)
    plain = one_loan(product)
    outside = days(date(2024, 12, 31), date(2025, 1, 1), date(2025, 7, 1), date(2025, 7, 2))[:, None]
    found = one_loan(
        product,
        resets=Resets(days=outside, rates=np.full((4, 1), 90_000)),
        prepayments=Prepayments(days=outside, amounts=np.full((4, 1), 1_000_000), compensation=10_000),
    )
    assert rows_of(found, 0) == rows_of(plain, 0)
    assert (found.results.rate == 36_000).all()
    assert not found.compensation.any()


def test_blocks_change_nothing() -> None:
    rng = random.Random(11)  # noqa: S311 - cases, not secrets
    product = product_of(Repayment.EQUAL_INSTALMENT)
    book = random_book(rng, 7, resets=2, early=1)
    assert book.resets is not None
    bounds = {"period_floor": -9_000, "period_cap": 7_000, "life_floor": 10_000, "life_cap": 80_000}
    limits = RateLimits(**{name: bound + np.arange(7) * (bound > 0) for name, bound in bounds.items()})
    book = replace(book, resets=replace(book.resets, limits=limits))
    whole = project(product, book)
    blocks = list(projections(product, book, block=3))
    assert [places for places, _ in blocks] == [slice(0, 3), slice(3, 6), slice(6, 9)]
    for places, found in blocks:
        for place in range(len(found.days[0])):
            assert rows_of(found, place) == rows_of(whole, places.start + place)
            assert found.compensation[:, place].sum() == whole.compensation[:, places.start + place].sum()
    custom = Book(
        principal=np.array([100, 100]),
        drawdown=days(date(2025, 1, 1), date(2025, 1, 1)),
        maturity=days(date(2025, 3, 1), date(2025, 3, 1)),
        rate=np.array([0, 0]),
        custom=np.array([[40, 70], [60, 30]]),
    )
    parts = [
        found.results.principal[1:, 0].tolist()
        for _, found in projections(product_of(Repayment.CUSTOM), custom, block=1)
    ]
    assert parts == [[40, 60], [70, 30]]
