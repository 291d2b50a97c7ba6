"""Margin under a CSA: hand-made amounts, and laws that hold for any amounts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, Money
from collateral.calc.margin import (
    Infinite,
    MarginPosition,
    MarginTerms,
    PostedItem,
    Rounding,
    RoundingDirection,
    adjusted_value,
    credit_support_amount,
    margin_movement,
    posted_value,
)

UP, DOWN, NEAREST = RoundingDirection.UP, RoundingDirection.DOWN, RoundingDirection.NEAREST

NOTHING = Money(0, Currency.USD)


def usd(amount: str) -> Money:
    return Money.of(amount, Currency.USD)


def terms(
    *,
    threshold: Money | Infinite = NOTHING,
    minimum: str = "250000",
    delivery: RoundingDirection = UP,
    returned: RoundingDirection = DOWN,
) -> MarginTerms:
    return MarginTerms(
        threshold=threshold,
        minimum_transfer=usd(minimum),
        delivery_rounding=Rounding(multiple=usd("10000"), direction=delivery),
        return_rounding=Rounding(multiple=usd("10000"), direction=returned),
    )


def position(exposure: str, posted: str) -> MarginPosition:
    nothing = usd("0")
    return MarginPosition(
        exposure=usd(exposure), independent_from_pledgor=nothing, independent_to_pledgor=nothing, posted=usd(posted),
        delivery_in_transit=nothing, return_in_transit=nothing,
    )  # fmt: skip


def test_the_minimum_transfer_is_tested_before_rounding() -> None:
    """245,000 would round up to 250,000 = the minimum: it must not move."""
    assert margin_movement(position("245000.00", "0"), terms()).delivery == usd("0")
    assert margin_movement(position("250000.00", "0"), terms()).delivery == usd("250000")
    assert margin_movement(position("250000.01", "0"), terms()).delivery == usd("260000")
    kept = margin_movement(position("755000", "1000000"), terms(minimum="245000"))
    assert (kept.delivery, kept.returned, kept.shortfall) == (usd("0"), usd("240000"), usd("-245000"))


@pytest.mark.parametrize(
    ("direction", "delivery", "returned"),
    [(UP, "300000", "310000"), (DOWN, "290000", "300000"), (NEAREST, "300000", "300000")],
)
def test_the_schedule_names_the_direction(direction: RoundingDirection, delivery: str, returned: str) -> None:
    """A public engine rounds deliveries up and returns down whatever the schedule says; here the schedule decides."""
    agreed = terms(delivery=direction, returned=direction)
    assert margin_movement(position("295000", "0"), agreed).delivery == usd(delivery)
    assert margin_movement(position("600000", "904999.99"), agreed).returned == usd(returned)


def test_a_final_return_leaves_nothing_behind() -> None:
    found = margin_movement(position("-1", "12345.67"), terms())
    assert (found.credit_support, found.returned) == (usd("0"), usd("12345.67"))
    rounded_up = margin_movement(position("1", "255000"), terms(returned=UP))
    assert rounded_up.returned == usd("255000")


def test_an_infinite_threshold_asks_for_nothing() -> None:
    agreed = terms(threshold=Infinite.INFINITE)
    assert credit_support_amount(position("99999999", "0"), agreed.threshold) == usd("0")
    assert margin_movement(position("99999999", "500"), agreed).returned == usd("500")


def test_amounts_in_transit_count_on_both_sides() -> None:
    held = replace(position("1000000", "500000"), delivery_in_transit=usd("500000"), return_in_transit=usd("300000"))
    assert held.posted_counted == usd("700000")
    assert margin_movement(held, terms()).delivery == usd("300000")


def test_haircuts_add_and_the_currency_part_falls_away_in_the_base_currency() -> None:
    """5 %, 8 % and 2 % on 1,000,000 leave 850,000; a public engine takes the FX part twice and gives 790,000."""
    item = PostedItem(
        market_value=Money.of("1000000", Currency.EUR), base_per_unit=Decimal("1.10"), haircut_ratio=Decimal("0.05"),
        fx_haircut_ratio=Decimal("0.08"), additional_ratio=Decimal("0.02"),
    )  # fmt: skip
    assert adjusted_value(item, Currency.USD) == usd("935000.00")
    assert adjusted_value(replace(item, base_per_unit=Decimal(1)), Currency.USD) == usd("850000")
    at_home = replace(item, market_value=usd("1000000"), base_per_unit=Decimal(1))
    assert adjusted_value(at_home, Currency.USD) == usd("930000")
    both = frozenset({Currency.EUR, Currency.USD})
    assert posted_value([item, at_home], base=Currency.USD, eligible=both) == usd("1865000")
    with pytest.raises(InvalidInput, match="EUR is not an eligible currency"):
        posted_value([item], base=Currency.USD, eligible=frozenset({Currency.USD}))
    with pytest.raises(InvalidInput, match="worth"):
        adjusted_value(replace(item, market_value=usd("1")), Currency.USD)


def test_terms_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInput):
        replace(terms(), minimum_transfer=usd("-1"))
    with pytest.raises(InvalidInput):
        replace(terms(), minimum_transfer=Money.of("1", Currency.EUR))
    with pytest.raises(InvalidInput):
        Rounding(multiple=usd("0"), direction=UP)
    with pytest.raises(InvalidInput):
        margin_movement(replace(position("1", "1"), posted=Money.of("1", Currency.EUR)), terms())


amounts = st.integers(-(10**12), 10**12)
positive = st.integers(0, 10**12)


@given(
    exposure=amounts, first=positive, second=positive, posted=positive, threshold=positive, minimum=positive,
    multiple=st.integers(1, 10**8),
)  # fmt: skip
def test_laws_of_movement(
    *, exposure: int, first: int, second: int, posted: int, threshold: int, minimum: int, multiple: int
) -> None:
    def money(minor: int) -> Money:
        return Money(minor, Currency.USD)

    agreed = MarginTerms(
        threshold=money(threshold),
        minimum_transfer=money(minimum),
        delivery_rounding=Rounding(multiple=money(multiple), direction=UP),
        return_rounding=Rounding(multiple=money(multiple), direction=DOWN),
    )
    given_position = MarginPosition(
        exposure=money(exposure), independent_from_pledgor=money(first), independent_to_pledgor=money(second),
        posted=money(posted), delivery_in_transit=money(0), return_in_transit=money(0),
    )  # fmt: skip
    found = margin_movement(given_position, agreed)
    due = max(exposure + first - second - threshold, 0)
    assert found.credit_support.minor == due
    assert found.delivery.minor == 0 or found.returned.minor == 0
    after = posted + found.delivery.minor - found.returned.minor
    if found.delivery.minor or found.returned.minor:
        assert due <= after < due + multiple
    else:
        assert abs(due - posted) < minimum or due <= posted < due + multiple
    again = replace(given_position, delivery_in_transit=found.delivery, return_in_transit=found.returned)
    assert margin_movement(again, agreed).delivery.minor == 0
