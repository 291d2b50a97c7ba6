"""The facts known of the national market's table, and each check on a case made for it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import NotApplicable
from carbonfin.rules.parameters import Grade
from pricing.calc.market import PriceKind, Quote
from pricing.calc.quality import FindingKind, QualityLimits, QualityReport, check_quotes, single_vintage_series
from pricing.calc.series_checks import even_growth
from pricing.feeds import built_in
from tests.pricing.markets import quote

LIMITS = QualityLimits(
    minimum_print_t=100, jump_ratio=Decimal("0.05"), limit_ratio=Decimal("0.10"), block_apart_ratio=Decimal("0.05")
)


def kinds_of(*quotes: Quote, trading_days: tuple[date, ...] | None = None) -> list[FindingKind]:
    return [finding.kind for finding in check_quotes(quotes, limits=LIMITS, trading_days=trading_days).findings]


@pytest.fixture(scope="module")
def national() -> QualityReport:
    return check_quotes(built_in.cea_quotes(), limits=LIMITS, trading_days=None)


def test_national_market_2025_counts(national: QualityReport) -> None:
    assert national.day_count == 127
    assert (national.first_date, national.last_date) == (date(2025, 1, 2), date(2025, 7, 14))
    assert national.days_without_listed_trade == 14
    assert national.days_without_any_trade == 10
    assert national.days_with_block_trade == 78
    assert national.block_apart_ratio_min is not None
    assert national.block_apart_ratio_max is not None
    assert round(national.block_apart_ratio_min, 3) == Decimal("-0.179")
    assert round(national.block_apart_ratio_max, 3) == Decimal("0.084")


def test_the_published_close_is_a_composite_never_the_listed_mean(national: QualityReport) -> None:
    assert national.days_close_equals_listed_mean == 0


def test_every_day_without_listed_trade_carries_its_close(national: QualityReport) -> None:
    counts = dict(national.counts)
    assert counts[FindingKind.CARRIED_CLOSE] == 14
    assert counts[FindingKind.NO_LISTED_TRADE] == 4
    small = [finding for finding in national.findings if finding.kind is FindingKind.SMALL_PRINT]
    assert {(finding.quote_date, dict(finding.values)["listed_volume_t"]) for finding in small} == {
        (date(2025, 1, 6), "8"), (date(2025, 1, 10), "8"), (date(2025, 3, 3), "1"),
    }  # fmt: skip
    jumps = [finding for finding in national.findings if finding.kind is FindingKind.JUMP]
    assert [(finding.quote_date, dict(finding.values)["move_ratio"]) for finding in jumps] == [
        (date(2025, 6, 17), "0.0529")
    ]
    repeated = [finding.quote_date for finding in national.findings if finding.kind is FindingKind.REPEATED_VOLUME]
    assert repeated == [date(2025, 1, 7), date(2025, 1, 13)]


def test_credits_of_2025_counts() -> None:
    report = check_quotes(built_in.ccer_quotes(), limits=LIMITS, trading_days=None)
    assert report.day_count == 77
    assert dict(report.counts)[FindingKind.SMALL_PRINT] == 11  # days below 100 t
    assert FindingKind.MEAN_MISMATCH not in dict(report.counts)


MONDAY, TUESDAY, SATURDAY = date(2025, 6, 30), date(2025, 7, 1), date(2025, 6, 28)


def test_each_finding_on_its_own_case() -> None:
    plain = quote("CEA", MONDAY, "75.00", volume_t=1000, amount="75000")
    assert kinds_of(plain) == []
    assert kinds_of(quote("CEA", SATURDAY, "75.00", volume_t=1000, amount="75000")) == [FindingKind.WEEKEND_SESSION]
    assert kinds_of(plain, plain) == [FindingKind.DUPLICATE_DAY]
    assert kinds_of(plain, quote("CEA", TUESDAY, "82.50", volume_t=1500, amount="123750")) == [FindingKind.LIMIT_MOVE]
    assert kinds_of(plain, quote("CEA", TUESDAY, "79.00", volume_t=1500, amount="118500")) == [FindingKind.JUMP]
    assert kinds_of(quote("CEA", MONDAY, "75.00", volume_t=1000, amount="7.5")) == [FindingKind.UNIT_SLIP]
    mean = quote("CCER", MONDAY, "88.50", volume_t=600, amount="53400", kind=PriceKind.DAY_MEAN)
    assert kinds_of(mean) == [FindingKind.MEAN_MISMATCH]
    block = quote("CEA", MONDAY, "75.00", volume_t=1000, amount="75000", block_t=100000, block_amount="6400000")
    assert kinds_of(block) == [FindingKind.BLOCK_APART]
    after = quote("CEA", date(2025, 7, 2), "75.00", volume_t=1000, amount="75100")
    assert kinds_of(plain, after, trading_days=(MONDAY, TUESDAY, date(2025, 7, 2))) == [FindingKind.MISSING_DAY]


def test_order_of_the_quotes_does_not_matter(national: QualityReport) -> None:
    assert check_quotes(tuple(reversed(built_in.cea_quotes())), limits=LIMITS, trading_days=None) == national


def test_a_close_locked_at_the_limit_price_is_told_from_a_move_of_limit_size() -> None:
    """The limit of 75.05 is 82.555, to the tick half up 82.56, and 67.545, to the tick 67.55."""
    before = quote("SZA-2023", MONDAY, "75.05", volume_t=1000, amount="75050", kind=PriceKind.VINTAGE_QUOTE)
    up = replace(before, quote_date=TUESDAY, price_cny_per_t=Decimal("82.56"), listed_amount_cny=Decimal(80_000))
    locked = replace(up, high_cny_per_t=Decimal("82.56"), low_cny_per_t=Decimal("78.00"))
    assert kinds_of(before, locked) == [FindingKind.LIMIT_LOCKED, FindingKind.LIMIT_MOVE]
    assert kinds_of(before, up) == [FindingKind.LIMIT_MOVE]
    assert kinds_of(before, replace(locked, high_cny_per_t=Decimal("82.57"))) == [FindingKind.LIMIT_MOVE]
    down = replace(up, price_cny_per_t=Decimal("67.55"), low_cny_per_t=Decimal("67.55"))
    assert FindingKind.LIMIT_LOCKED in kinds_of(before, down)


def test_a_close_or_mean_outside_the_days_range_is_found() -> None:
    day = quote("SZA-2023", MONDAY, "40.00", volume_t=1000, amount="40100", kind=PriceKind.VINTAGE_QUOTE)
    ranged = replace(
        day, low_cny_per_t=Decimal("39.00"), high_cny_per_t=Decimal("41.00"), vwap_cny_per_t=Decimal("40.10")
    )
    assert kinds_of(ranged) == []
    assert kinds_of(replace(ranged, price_cny_per_t=Decimal("41.50"))) == [FindingKind.OUTSIDE_RANGE]
    assert kinds_of(replace(ranged, vwap_cny_per_t=Decimal("38.90"))) == [
        FindingKind.MEAN_MISMATCH, FindingKind.OUTSIDE_RANGE,
    ]  # fmt: skip


def test_equal_steps_without_volume_in_second_hand_rows_are_taken_for_interpolated() -> None:
    days = [date(2025, 6, 23 + number) for number in range(5)]
    prices = ("40.00", "40.25", "40.50", "40.75", "40.60")
    rows = [
        replace(quote("SZA-2023", day, price, kind=PriceKind.VINTAGE_QUOTE), grade=Grade.SECONDARY)
        for day, price in zip(days, prices, strict=True)
    ]
    found = check_quotes(rows, limits=LIMITS, trading_days=None).findings
    assert [(one.kind, one.quote_date, dict(one.values)["step_cny_per_t"]) for one in found] == [
        (FindingKind.INTERPOLATED, days[1], "0.25"), (FindingKind.INTERPOLATED, days[2], "0.25"),
    ]  # fmt: skip
    assert kinds_of(*rows[:3]) == []
    assert kinds_of(*(replace(row, grade=Grade.READ) for row in rows)) == []
    flat = [replace(row, price_cny_per_t=Decimal(40)) for row in rows]
    assert kinds_of(*flat) == []


def test_prices_filled_in_by_equal_growth_are_found() -> None:
    days = [date(2025, 3, day) for day in (3, 4, 5, 6, 7)]
    # 40 x 1.05^n: 42, 44.10, 46.305 rounded up, 48.62
    prices = ("40.00", "42.00", "44.10", "46.31", "50.00")
    rows = [
        replace(quote("CEA", day, price), listed_volume_t=None, listed_amount_cny=None, grade=Grade.SECONDARY)
        for day, price in zip(days, prices, strict=True)
    ]
    found = [
        one
        for one in check_quotes(rows, limits=LIMITS, trading_days=None).findings
        if one.kind is FindingKind.INTERPOLATED
    ]
    assert [one.quote_date for one in found] == days[1:3]
    assert [dict(one.values)["growth_ratio"][:6] for one in found] == ["0.0500", "0.0500"]
    moved = [*rows[:2], replace(rows[2], price_cny_per_t=Decimal("44.12")), *rows[3:]]
    assert FindingKind.INTERPOLATED not in kinds_of(*moved)
    traded = [replace(row, listed_volume_t=1_000, listed_amount_cny=1_000 * row.price_cny_per_t) for row in rows]
    assert FindingKind.INTERPOLATED not in kinds_of(*traded)
    assert FindingKind.INTERPOLATED not in kinds_of(*(replace(row, grade=Grade.READ) for row in rows))


@pytest.mark.parametrize(
    ("prices", "growth"),
    [
        (("10.00", "20.00", "40.00", "80.00"), "1.00000000"),
        (("80.00", "40.00", "20.00", "10.00"), "-0.50000000"),
        (("10.00", "20.01", "40.00", "80.00"), None),
        (("40.00", "40.00", "40.00", "40.00"), None),
        # 0.01 a day is as even in yuan: no sign of growth
        (("40.00", "40.01", "40.02", "40.03"), None),
    ],
)
def test_even_growth_by_hand(prices: tuple[str, ...], growth: str | None) -> None:
    assert even_growth([Decimal(price) for price in prices]) == (None if growth is None else Decimal(growth))


def test_a_series_over_vintages_is_recognised_and_refused_for_volatility(national: QualityReport) -> None:
    assert national.is_over_vintages
    with pytest.raises(NotApplicable, match="volatility"):
        single_vintage_series(built_in.cea_quotes())
    first = quote("SZA-2023", MONDAY, "40.00", kind=PriceKind.VINTAGE_QUOTE)
    other = quote("SZA-2024", TUESDAY, "40.00", kind=PriceKind.VINTAGE_QUOTE)
    with pytest.raises(NotApplicable, match="SZA-2023、SZA-2024"):
        single_vintage_series((first, other))
    same = replace(first, quote_date=TUESDAY)
    assert single_vintage_series((first, same)) == (first, same)
    with pytest.raises(NotApplicable):
        single_vintage_series((first, replace(same, product="A")))
    assert not check_quotes([first, same], limits=LIMITS, trading_days=None).is_over_vintages
