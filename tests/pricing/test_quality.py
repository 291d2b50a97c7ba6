"""The facts known of the national market's table, and each check on a case made for it."""

from datetime import date
from decimal import Decimal

import pytest

from pricing.calc.market import PriceKind, Quote
from pricing.calc.quality import FindingKind, QualityLimits, QualityReport, check_quotes
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
