"""The scenario's market figures, and what happens where a price is thin, stale, carried or missing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.liquidity import (
    PriceFlag,
    appraisal_price,
    average_daily_volume_t,
    fair_price,
    price_figures,
    window_statistics,
)
from pricing.calc.market import PriceKind
from tests.pricing.markets import BUSINESS_DATE, CCER, CEA, quote, snapshot_of


def test_scenario_national_close_volume_window_and_average() -> None:
    snapshot = snapshot_of()
    last = snapshot.quotes_of(CEA)[-1]
    assert (last.quote_date, last.price_cny_per_t, last.listed_volume_t) == (BUSINESS_DATE, Decimal("75.02"), 140_694)
    assert last.block_volume_t == 300_000
    window = window_statistics(snapshot, CEA)
    assert (window.first_date, window.last_date, window.trading_day_count) == (date(2025, 6, 3), BUSINESS_DATE, 20)
    assert window.listed_vwap_cny_per_t == Decimal("74.03")
    assert average_daily_volume_t(snapshot, CEA) == 209_407
    assert average_daily_volume_t(snapshot, Unit.parse("CEA-2023")) == 209_407


def test_scenario_appraisal_takes_the_lower_of_close_and_listed_mean_and_says_composite() -> None:
    price = appraisal_price(snapshot_of(), Unit.parse("CEA-2023"), "min_close_listed_vwap")
    assert price.price_cny_per_t == Decimal("74.03")
    assert price.close_cny_per_t == Decimal("75.02")
    assert PriceFlag.COMPOSITE in price.flags
    assert "综合价格，非分年度" in price.note_zh
    assert (price.level, price.staleness_days, price.is_sample) == (2, 0, False)
    assert "上海环境能源交易所" in price.source


def test_the_close_wins_when_it_is_the_lower() -> None:
    snapshot = snapshot_of(valuation_date=date(2025, 5, 30))
    price = appraisal_price(snapshot, CEA, "min_close_listed_vwap")
    assert price.window is not None
    assert price.window.listed_vwap_cny_per_t is not None
    assert price.price_cny_per_t == min(Decimal("68.46"), price.window.listed_vwap_cny_per_t) == Decimal("68.46")


def test_scenario_credit_mean_is_thin_and_level_three() -> None:
    price = fair_price(snapshot_of(), CCER)
    assert (price.price_cny_per_t, price.level) == (Decimal("88.50"), 3)
    assert {PriceFlag.THIN, PriceFlag.SECONDARY_SOURCE} <= set(price.flags)
    assert "北京绿色交易所" in price.source


@pytest.mark.parametrize(("unit", "price"), [("SZA-2022", "39.00"), ("SZA-2023", "40.00"), ("SZA-2024", "41.00")])
def test_scenario_sample_quotes_are_level_three_and_marked(unit: str, price: str) -> None:
    found = appraisal_price(snapshot_of(), Unit.parse(unit), "vintage_quote")
    assert (found.price_cny_per_t, found.level, found.is_sample) == (Decimal(price), 3, True)
    assert "示例报价" in found.note_zh


def test_an_earlier_sample_quote_is_used_stale_and_said_so() -> None:
    price = appraisal_price(snapshot_of(valuation_date=date(2025, 6, 27)), Unit.parse("SZA-2023"), "vintage_quote")
    assert price.price_cny_per_t == Decimal("43.00")
    assert price.price_date == date(2025, 5, 20)
    assert PriceFlag.STALE in price.flags


def test_a_carried_close_is_flagged_and_a_quote_for_the_very_unit_can_be_level_one() -> None:
    day = date(2025, 2, 17)
    carried = fair_price(snapshot_of(valuation_date=day), CEA)
    assert {PriceFlag.CARRIED_CLOSE, PriceFlag.THIN} <= set(carried.flags)
    assert carried.level == 3
    vintage = quote("SZA-2023", BUSINESS_DATE, "40.00", volume_t=5_000, amount="200000", kind=PriceKind.VINTAGE_QUOTE)
    assert fair_price(snapshot_of([vintage]), Unit.parse("SZA-2023")).level == 1


def test_small_days_leave_the_mean_but_not_the_average_volume() -> None:
    days = [date(2025, 6, 26), date(2025, 6, 27), BUSINESS_DATE]
    quotes = [
        quote("CEA", days[0], "76.57", volume_t=1_000, amount="70000"),
        quote("CEA", days[1], "76.54", volume_t=1, amount="90"),
        quote("CEA", days[2], "75.02", volume_t=3_000, amount="222000"),
    ]
    window = window_statistics(snapshot_of(quotes), CEA)
    assert window.excluded_dates == (days[1],)
    assert window.listed_vwap_cny_per_t == Decimal("73.00")  # 292000 / 4000
    assert window.average_daily_volume_t == 200  # 4001 / 20 = 200.05
    assert window.quoted_day_count == 3
    price = appraisal_price(snapshot_of(quotes), CEA, "min_close_listed_vwap")
    assert PriceFlag.WINDOW_INCOMPLETE in price.flags


def test_without_listed_trade_in_the_window_nothing_is_taken_in_its_place() -> None:
    snapshot = snapshot_of([quote("CEA", BUSINESS_DATE, "75.02", volume_t=0, amount="0")])
    with pytest.raises(MissingData) as raised:
        appraisal_price(snapshot, CEA, "min_close_listed_vwap")
    assert "没有有效挂牌成交" in raised.value.zh
    assert average_daily_volume_t(snapshot, CEA) == 0
    with pytest.raises(MissingData, match="without volumes"):
        average_daily_volume_t(snapshot_of(), Unit.parse("SZA-2023"))


def test_an_unknown_policy_names_the_choices_and_a_wrong_kind_is_missing() -> None:
    with pytest.raises(InvalidInput) as raised:
        appraisal_price(snapshot_of(), CEA, "cheapest")
    assert "min_close_listed_vwap" in raised.value.remedy
    with pytest.raises(MissingData):
        appraisal_price(snapshot_of(), CEA, "last_mean")


def test_a_scheme_without_conventions_is_not_priced() -> None:
    unit = Unit.parse("GDEA-2023")
    snapshot = snapshot_of([quote("GDEA-2023", BUSINESS_DATE, "40", kind=PriceKind.VINTAGE_QUOTE)])
    with pytest.raises(MissingData, match=r"pricing\.fair_price_policy\[GDEA\]"):
        fair_price(snapshot, unit)


def test_the_trace_of_an_appraisal_ends_in_its_price() -> None:
    snapshot = snapshot_of()
    price = appraisal_price(snapshot, CEA, "min_close_listed_vwap")
    figures = price_figures(snapshot, price, name="price")
    assert figures[-1].name == "price"
    assert figures[-1].value == "74.03"
    assert {"price.close", "price.listed_vwap"} == set(figures[-1].inputs)
    values = {figure.name: figure.value for figure in figures}
    assert values["price.listed_volume_t"] == "4188135"
    assert values["price.listed_amount_cny"] == "310066846.31"


def test_a_snapshot_without_trading_days_has_no_window() -> None:
    with pytest.raises(MissingData):
        window_statistics(replace(snapshot_of(), trading_days=()), CEA)
