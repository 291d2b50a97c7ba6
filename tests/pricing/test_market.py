from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from tests.pricing.markets import BUSINESS_DATE, CEA, quote, snapshot_of


def test_same_content_gives_the_same_digest_and_another_price_another() -> None:
    snapshot = snapshot_of()
    assert snapshot.digest == snapshot_of().digest
    changed = tuple(
        replace(item, price_cny_per_t=Decimal("75.03"))
        if item.unit == CEA and item.quote_date == BUSINESS_DATE
        else item
        for item in snapshot.quotes
    )
    assert replace(snapshot, quotes=changed).digest != snapshot.digest


def test_a_vintage_takes_the_composite_only_where_there_is_one() -> None:
    snapshot = snapshot_of()
    assert snapshot.quotes_of(Unit.parse("CEA-2023"))[-1].unit == CEA
    assert snapshot.quotes_of(Unit.parse("SZA-2023"))[-1].price_cny_per_t == Decimal("40.00")
    with pytest.raises(MissingData) as raised:
        snapshot.quotes_of(Unit.parse("SZA-2021"))
    assert "SZA-2021" in raised.value.detail
    assert raised.value.remedy_zh


def test_a_snapshot_refuses_quotes_of_later_days_disorder_and_naive_instants() -> None:
    snapshot = snapshot_of()
    later = quote("CEA", date(2025, 7, 1), "74.28", volume_t=0, amount="0")
    with pytest.raises(InvalidInput, match="later quote"):
        replace(snapshot, quotes=(later,))
    with pytest.raises(InvalidInput, match="order"):
        replace(snapshot, quotes=tuple(reversed(snapshot.quotes)))
    with pytest.raises(InvalidInput, match="time zone"):
        replace(snapshot, known_at=datetime(2025, 6, 30, 12))  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "0"}, "price_cny_per_t"),
        ({"price": "75", "volume_t": 10, "amount": None}, "listed_amount_cny"),
        ({"price": "75", "volume_t": 0, "amount": "10"}, "listed_amount_cny"),
        ({"price": "75", "volume_t": -1, "amount": "-75"}, "listed_volume_t"),
        ({"price": "75", "block_t": 100000, "block_amount": "0"}, "block_amount_cny"),
    ],
)
def test_a_quote_refuses_what_cannot_be(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        quote("CEA", BUSINESS_DATE, **changes)  # type: ignore[arg-type] # one case a row
    assert raised.value.field == field


def test_staleness_counts_trading_days_not_calendar_days() -> None:
    snapshot = snapshot_of()
    assert snapshot.staleness_days(date(2025, 6, 30)) == 0
    assert snapshot.staleness_days(date(2025, 6, 27)) == 1  # Friday before
    assert snapshot.staleness_days(date(2025, 5, 30)) == 20
