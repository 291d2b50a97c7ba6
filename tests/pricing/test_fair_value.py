"""Activity, waterfall, level, band and alarms of thin markets; expected values by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.fair_value import (
    ONE_SIDED_90,
    Activity,
    ActivityLimits,
    Candidate,
    FairValue,
    ThinMarket,
    activity_test,
    fair_value,
)
from pricing.calc.tape import Print, measures_of, weighted_median

DAYS = tuple(date(2026, 6, 1) + timedelta(days=place) for place in range(10))
LIMITS = ActivityLimits(
    traded_share_min=Decimal("0.5"),
    daily_volume_min_t=200,
    small_print_share_max=Decimal("0.2"),
    limit_day_share_max=Decimal("0.2"),
    stale_after_days=5,
    minimum_print_t=100,
    limit_ratio=Decimal("0.10"),
)


def trade(day: int, price: str, quantity_t: int, *, is_block: bool = False) -> Print:
    return Print(day=DAYS[day], price_cny_per_t=Decimal(price), quantity_t=quantity_t, is_block=is_block)


ACTIVE = tuple(trade(day, f"{70 + day}.00", 1_000) for day in range(10))


def market_of(*prints: Print, close: str | None = "79.00", **given: object) -> ThinMarket:
    market = ThinMarket(
        unit=Unit.parse("SZA-2023"), trading_days=DAYS, prints=prints,
        close_cny_per_t=None if close is None else Decimal(close), limit_days=frozenset(), volatility=None, candidates=(),
    )  # fmt: skip
    return replace(market, **given)  # type: ignore[arg-type]  # the fields of the type itself


def taken(value: FairValue) -> str:
    return next(step.code for step in value.steps if step.is_taken)


def test_an_active_market_is_valued_at_its_close_level_one() -> None:
    value = fair_value(market_of(*ACTIVE), LIMITS)
    assert value.activity.verdict is Activity.ACTIVE
    assert (taken(value), value.price_cny_per_t, value.level) == ("close", Decimal("79.00"), 1)
    # Ten equal days 70..79: mean 74.5, sum of squares 82.5, SE^2 = 10/9 x 0.01 x 82.5 = 0.916667
    assert value.standard_error_cny_per_t == Decimal("0.9574")
    assert value.prudent_cny_per_t == Decimal("77.77")
    assert value.band_cny_per_t == (Decimal("77.77"), Decimal("80.23"))
    assert value.median_cny_per_t == Decimal("74.00")
    assert [step.is_taken for step in value.steps] == [True, False]


def test_a_thin_market_is_valued_at_its_listed_mean_and_a_tonne_moves_nothing() -> None:
    prints = (
        trade(0, "70.00", 500),
        trade(4, "72.00", 1_500),
        trade(9, "79.20", 1),
        trade(6, "60.00", 9_000, is_block=True),
    )
    value = fair_value(market_of(*prints, close="79.20"), LIMITS)
    assert value.activity.verdict is Activity.INACTIVE
    assert "有成交交易日占比 0.3 低于 0.5" in [zh for zh, _ in value.activity.reasons]
    assert (taken(value), value.price_cny_per_t, value.level) == ("listed_mean", Decimal("71.5"), 2)
    # weights 1/4 and 3/4, deviations -1.5 and 0.5: SE^2 = 2 x (0.0625 x 2.25 + 0.5625 x 0.25) = 0.5625
    assert value.standard_error_cny_per_t == Decimal("0.7500")
    assert value.prudent_cny_per_t == Decimal("70.54")
    assert "市场不活跃" in value.steps[0].reason_zh


def test_a_close_at_the_limit_is_a_bound_and_no_price() -> None:
    limits = replace(LIMITS, limit_day_share_max=Decimal(1))
    value = fair_value(market_of(*ACTIVE, limit_days=frozenset({DAYS[-1]})), limits)
    assert taken(value) == "listed_mean"
    assert "涨跌停" in value.steps[0].reason_zh


def test_a_close_made_by_a_few_tonnes_is_no_price() -> None:
    value = fair_value(market_of(*ACTIVE[:9], trade(9, "79.00", 99)), replace(LIMITS, traded_share_min=Decimal(0)))
    assert value.activity.verdict is Activity.ACTIVE
    assert taken(value) == "listed_mean"
    assert "99 吨" in value.steps[0].reason_zh


def test_a_composite_is_no_vintage_s_close() -> None:
    value = fair_value(market_of(*ACTIVE, close=None), LIMITS)
    assert taken(value) == "listed_mean"
    assert "综合价格" in value.steps[0].reason_zh


def test_a_stale_price_falls_to_level_three_and_widens_or_says_nothing() -> None:
    prints = (trade(0, "70.00", 500), trade(1, "72.00", 1_500))
    unknown = fair_value(market_of(*prints), LIMITS)
    assert unknown.activity.verdict is Activity.STALE
    assert (unknown.level, unknown.price_cny_per_t) == (3, Decimal("71.5"))
    assert unknown.prudent_cny_per_t is None
    known = fair_value(market_of(*prints, volatility=0.6), LIMITS)
    # 0.5625 + (71.5 x 0.6)^2 x 8/243 = 0.5625 + 60.5896 = 61.1521, root 7.8200
    assert known.standard_error_cny_per_t == Decimal("7.8200")
    assert known.prudent_cny_per_t == Decimal("71.5") - Decimal("10.02")


def test_without_any_print_the_best_candidate_stands_in_and_without_one_there_is_no_value() -> None:
    broker = Candidate(
        code="broker",
        label_zh="经纪报价",
        label_en="broker's quote",
        level=3,
        price_cny_per_t=Decimal("66.00"),
        source="报价单",
    )
    other = replace(broker, code="other_vintage", price_cny_per_t=Decimal("68.00"), level=2)
    value = fair_value(market_of(candidates=(other, broker), close=None), LIMITS)
    assert (taken(value), value.price_cny_per_t, value.level) == ("other_vintage", Decimal("68.00"), 2)
    assert value.steps[-1].reason_zh == "已有更优先的价格"
    assert value.prudent_cny_per_t is None
    none = fair_value(market_of(close=None), LIMITS)
    assert (none.price_cny_per_t, none.level, none.band_cny_per_t) == (None, None, None)


def test_a_close_far_from_the_mean_raises_an_alarm() -> None:
    value = fair_value(market_of(trade(0, "43.80", 1), trade(1, "9.00", 6_841), close="43.80"), LIMITS)
    assert "4.86 倍" in value.alarms[0][0]
    assert not fair_value(market_of(*ACTIVE), LIMITS).alarms


def test_the_share_of_small_prints_and_of_limit_days_speaks_against_a_market() -> None:
    prints = (
        *(trade(day, "70.00", 500) for day in range(9)),
        trade(9, "70.00", 99),
        *(trade(9, "70", 99) for _ in range(20)),
    )
    test = activity_test(prints, trading_days=DAYS, limit_days=frozenset(DAYS[:5]), limits=LIMITS)
    # 21 x 99 of 4,500 + 2,079 t; five of ten traded days at the limit
    assert (test.small_print_share, test.limit_day_share) == (Decimal("0.3160"), Decimal("0.5000"))
    assert [en.split(" ")[0] for _, en in test.reasons] == ["share", "share"]


def test_bad_prints_are_refused() -> None:
    with pytest.raises(InvalidInput, match="0 t at 70"):
        trade(0, "70", 0)
    with pytest.raises(InvalidInput, match="1 t at NaN"):
        trade(0, "NaN", 1)
    with pytest.raises(InvalidInput, match="no trading day"):
        activity_test((), trading_days=(), limit_days=frozenset(), limits=LIMITS)


def test_quantile_of_the_band() -> None:
    # Abramowitz and Stegun, table 26.6: 1.28155 at 90 %
    assert round(ONE_SIDED_90, 5) == 1.28155


@given(
    prices=st.lists(st.integers(1, 200), min_size=1, max_size=12),
    volumes=st.lists(st.integers(1, 50), min_size=12, max_size=12),
)
@settings(max_examples=100)
def test_the_median_is_that_of_the_tonnes_laid_out_one_by_one(prices: list[int], volumes: list[int]) -> None:
    prints = [trade(0, str(price), volume) for price, volume in zip(prices, volumes, strict=False)]
    tonnes = sorted(price for price, volume in zip(prices, volumes, strict=False) for _ in range(volume))
    assert weighted_median(prints) == tonnes[(len(tonnes) - 1) // 2]


@given(tiny=st.integers(1, 1_000))
@settings(max_examples=30)
def test_no_print_under_the_minimum_moves_the_mean_that_counts(tiny: int) -> None:
    prints = [*ACTIVE, trade(9, str(tiny), 99)]
    before, after = (measures_of(tape, minimum_print_t=100) for tape in (ACTIVE, prints))
    assert before.listed_mean_from_minimum_cny_per_t == after.listed_mean_from_minimum_cny_per_t
