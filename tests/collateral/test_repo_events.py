"""A repo's events by hand: the run of the public example, and what units, cash and days each event moves."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, Money
from collateral.calc import repo_events as events
from collateral.calc.repo import ExposureMethod, RepoTerms
from collateral.calc.repo_accrual import RateStep, accrued_over_rates

OLD, NEW = Unit.parse("SZA-2023"), Unit.parse("SZA-2024")
TERMS = RepoTerms(
    code="R",
    unit=OLD,
    quantity_t=10_000_000,
    purchase_date=date(2021, 3, 19),
    repurchase_date=date(2021, 3, 22),
    currency=Currency.USD,
    purchase_price_amount=Decimal("9974250.00"),
    rate=Decimal("0.004"),
    basis=DayCount.ACT_360,
    method=ExposureMethod.B,
    minimum_transfer_amount=Decimal(0),
)
CALENDAR = Calendar(
    name="exchange", holidays=frozenset({date(2021, 4, 5)}), make_up_workdays=frozenset(),
    known_until=date(2021, 12, 31), works_make_up_days=False,
)  # fmt: skip


def test_a_rate_that_changes_on_demand_counts_from_its_day() -> None:
    """9,974,250 x (0.004 x 1 + 0.005 x 2) / 360 = 387.8875."""
    steps = (
        RateStep(start=date(2021, 3, 19), rate=Decimal("0.004")),
        RateStep(start=date(2021, 3, 20), rate=Decimal("0.005")),
    )
    accrued = partial(
        accrued_over_rates, purchase_price=Decimal(9974250), basis=DayCount.ACT_360, start=date(2021, 3, 19)
    )
    assert accrued(steps=steps, end=date(2021, 3, 22)) == Decimal("9974637.89")
    assert accrued(steps=steps, end=date(2021, 3, 20)) == Decimal("9974360.83")
    for wrong in ((), steps[1:], steps[::-1]):
        with pytest.raises(InvalidInput, match="in order"):
            accrued(steps=wrong, end=date(2021, 3, 22))


def test_repricing_after_a_day_pays_what_method_b_would_call() -> None:
    """The shared vector's exposure by method B for the same facts is 148,610.83."""
    change = events.repriced(
        TERMS, on=date(2021, 3, 20), market_value_cny=Decimal(9925000), haircut_ratio=Decimal("0.01"),
        cny_per_unit=Decimal(1),
    )  # fmt: skip
    assert change.cash_to_buyer_amount == Decimal("148610.83")
    assert change.terms == replace(TERMS, purchase_date=date(2021, 3, 20), purchase_price_amount=Decimal("9825750.00"))
    in_foreign = events.repriced(
        TERMS, on=date(2021, 3, 20), market_value_cny=Decimal(45200000), haircut_ratio=Decimal("0.33"),
        cny_per_unit=Decimal("7.20"),
    )  # fmt: skip
    assert in_foreign.terms.purchase_price_amount == Decimal("4206111.11")


def test_adjustment_moves_units_and_substitution_changes_them() -> None:
    on, cover_cny, haircut_ratio = date(2021, 3, 20), Decimal(9974250), Decimal("0.01")
    adjusted = partial(events.adjusted, TERMS, on=on, cover_cny=cover_cny, haircut_ratio=haircut_ratio)
    substituted = partial(events.substituted, TERMS, on=on, cover_cny=cover_cny, haircut_ratio=haircut_ratio)
    more = adjusted(price_cny_per_t=Decimal("0.9925"))
    assert (more.terms.quantity_t, more.units_to_buyer_t, more.cash_to_buyer_amount) == (
        10151134,
        151134,
        Decimal("0.00"),
    )
    fewer = adjusted(price_cny_per_t=Decimal("1.05"))
    assert fewer.units_to_buyer_t == fewer.terms.quantity_t - 10_000_000 < 0
    other = substituted(unit=NEW, price_cny_per_t=Decimal("0.985"))
    assert (other.terms.unit, other.terms.quantity_t, other.units_to_buyer_t) == (NEW, 10228427, 10228427)
    with pytest.raises(InvalidInput, match="own place"):
        substituted(unit=OLD, price_cny_per_t=Decimal("0.985"))


def test_a_substitution_is_one_entry_with_the_new_units_first() -> None:
    after = replace(TERMS, unit=NEW, quantity_t=10228427)
    entry = events.substitution_entry(TERMS, after, seller_account_id="S", buyer_account_id="B")
    assert [(one.account_id, one.unit, one.quantity_t) for one in entry.postings] == [
        ("S", NEW, -10228427),
        ("B", NEW, 10228427),
        ("B", OLD, -10_000_000),
        ("S", OLD, 10_000_000),
    ]


@given(cover=st.integers(1, 10**12), price=st.integers(1, 10**5), haircut=st.integers(0, 99))
def test_units_cover_and_one_fewer_would_not(cover: int, price: int, haircut: int) -> None:
    found = events.units_to_cover_t(
        Decimal(cover).scaleb(-2), price_cny_per_t=Decimal(price).scaleb(-2), haircut_ratio=Decimal(haircut).scaleb(-2)
    )
    worth = Fraction(price, 100) * (1 - Fraction(haircut, 100))
    assert (found - 1) * worth < Fraction(cover, 100) <= found * worth


def test_a_roll_pays_the_interest_or_rolls_it_up() -> None:
    rolled = partial(events.rolled, TERMS, code="R2", rate=Decimal("0.005"))
    until = date(2021, 3, 25)
    paid = rolled(repurchase_date=until, purchase_price_amount=TERMS.purchase_price_amount)
    assert (paid.terms.code, paid.terms.purchase_date, paid.terms.repurchase_date) == (
        "R2",
        date(2021, 3, 22),
        date(2021, 3, 25),
    )
    assert paid.cash_to_buyer_amount == Decimal("332.48")
    up = rolled(repurchase_date=until, purchase_price_amount=Decimal("9974582.48"))
    assert up.cash_to_buyer_amount == 0
    with pytest.raises(InvalidInput):
        rolled(repurchase_date=date(2021, 3, 22), purchase_price_amount=Decimal(1))


def test_ending_early_counts_open_days_and_ends_before_the_agreed_day() -> None:
    long = replace(TERMS, repurchase_date=date(2021, 6, 30))
    ended = events.ended_early(long, noticed_on=date(2021, 4, 1), notice_days=2, calendar=CALENDAR)
    assert ended.repurchase_date == date(2021, 4, 6)
    for noticed_on in (date(2021, 6, 29), date(2021, 3, 18)):
        with pytest.raises(InvalidInput):
            events.ended_early(long, noticed_on=noticed_on, notice_days=2, calendar=CALENDAR)


def test_partial_delivery_splits_the_cash_by_tonnes() -> None:
    delivered, missing = events.partly_delivered(TERMS, 750_000)
    assert (delivered.quantity_t, delivered.purchase_price_amount) == (750_000, Decimal("748068.75"))
    assert (missing.quantity_t, missing.purchase_price_amount) == (9_250_000, Decimal("9226181.25"))
    for wrong in (0, 10_000_000):
        with pytest.raises(InvalidInput, match="no part"):
            events.partly_delivered(TERMS, wrong)


def test_a_split_gives_the_rest_to_the_largest_remainders() -> None:
    hundred = Money.of(100, Currency.CNY)
    assert [str(part.amount) for part in events.split_amount(hundred, (1, 1, 1))] == ["33.34", "33.33", "33.33"]
    assert [part.minor for part in events.split_amount(Money(5, Currency.CNY), (1, 0, 2))] == [2, 0, 3]
    for wrong in ((), (0, 0), (1, -1, 2)):
        with pytest.raises(InvalidInput):
            events.split_amount(hundred, wrong)


@given(minor=st.integers(-(10**12), 10**12), weights=st.lists(st.integers(0, 10**6), min_size=1).filter(sum))
def test_a_split_sums_to_the_whole(minor: int, weights: list[int]) -> None:
    parts = events.split_amount(Money(minor, Currency.CNY), weights)
    assert sum(part.minor for part in parts) == minor
    assert all(
        abs(part.minor - Fraction(minor * weight, sum(weights))) < 1
        for part, weight in zip(parts, weights, strict=True)
    )


def test_lots_and_failed_deliveries() -> None:
    assert events.shaped_t(10, limit_t=4) == (4, 4, 2)
    assert events.shaped_t(8, limit_t=4) == (4, 4)
    with pytest.raises(InvalidInput):
        events.shaped_t(8, limit_t=0)
    assert events.start_fail_due_amount(TERMS, on=date(2021, 3, 20), is_paid=False) == Decimal("110.83")
    assert events.start_fail_due_amount(TERMS, on=date(2021, 3, 20), is_paid=True) == Decimal("9974360.83")
    assert events.fail_age_days(due_on=date(2021, 4, 2), on=date(2021, 4, 2), calendar=CALENDAR) == 0
    assert events.fail_age_days(due_on=date(2021, 4, 2), on=date(2021, 4, 6), calendar=CALENDAR) == 1


def test_events_outside_the_life_of_a_repo_are_refused() -> None:
    for on in (date(2021, 3, 18), date(2021, 3, 22)):
        with pytest.raises(InvalidInput, match="runs"):
            events.adjusted(TERMS, on=on, cover_cny=Decimal(1), price_cny_per_t=Decimal(1), haircut_ratio=Decimal(0))
    with pytest.raises(InvalidInput, match="not positive"):
        events.units_to_cover_t(Decimal(1), price_cny_per_t=Decimal(0), haircut_ratio=Decimal(0))
    with pytest.raises(InvalidInput):
        events.units_to_cover_t(Decimal(1), price_cny_per_t=Decimal(1), haircut_ratio=Decimal(1))
