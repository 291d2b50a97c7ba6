"""Snapshots for tests, made from the project's own table of public figures without any database."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.rules.parameters import Grade, ParameterValue
from pricing.calc.market import MarketSnapshot, PriceKind, Quote
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds import built_in

BUSINESS_DATE = date(2025, 6, 30)
KNOWN_AT: datetime = end_of_china_day(BUSINESS_DATE)
CEA = Unit.parse("CEA")
CCER = Unit.parse("CCER")


def forward_rate(value: str = "0.0150") -> ParameterValue:
    return ParameterValue(
        key="pricing.forward_rate", scope="", value=value, unit="rate", valid_from=date(2025, 1, 1), valid_to=None,
        known_from=date(2025, 1, 1), document="示例银行 远期估值利率假设", article="", grade=Grade.SAMPLE, confirmed=False,
        approved_by=("甲", "乙"), note="假设",
    )  # fmt: skip


def snapshot_of(
    quotes: Iterable[Quote] | None = None,
    *,
    valuation_date: date = BUSINESS_DATE,
    parameters: Iterable[ParameterValue] = (forward_rate(),),
) -> MarketSnapshot:
    """A snapshot of the built-in quotes with the CEA days as trading days (the table has no gaps)."""
    every = (
        [*built_in.cea_quotes(), *built_in.ccer_quotes(), *built_in.sample_quotes()] if quotes is None else list(quotes)
    )
    known = [quote for quote in every if quote.quote_date <= valuation_date]
    days = sorted({quote.quote_date for quote in built_in.cea_quotes() if quote.quote_date <= valuation_date})
    return MarketSnapshot(
        valuation_date=valuation_date,
        known_at=end_of_china_day(valuation_date),
        trading_days=tuple(days),
        quotes=tuple(sorted(known, key=lambda quote: (str(quote.unit), quote.quote_date))),
        fx=(),
        settlements=tuple(item for item in built_in.sample_settlements() if item.settlement_date <= valuation_date),
        parameters=(*(value for value in built_in.conventions().values()), *parameters),
    )


def quote(
    unit: str,
    day: date,
    price: str,
    *,
    volume_t: int | None = None,
    amount: str | None = None,
    kind: PriceKind = PriceKind.COMPOSITE_CLOSE,
    block_t: int | None = None,
    block_amount: str | None = None,
) -> Quote:
    return Quote(
        unit=Unit.parse(unit), quote_date=day, price_cny_per_t=Decimal(price), price_kind=kind,
        listed_volume_t=volume_t, listed_amount_cny=None if amount is None else Decimal(amount),
        block_volume_t=block_t, block_amount_cny=None if block_amount is None else Decimal(block_amount),
        known_from=day, exchange="交易所", document="公告", grade=Grade.READ, is_sample=False,
    )  # fmt: skip


def spot(line_id: str, unit: str, quantity_t: int) -> PortfolioLine:
    return PortfolioLine(line_id=line_id, kind=LineKind.SPOT, unit=Unit.parse(unit), quantity_t=quantity_t)


F1 = PortfolioLine(
    line_id="F1", kind=LineKind.FORWARD, unit=CEA, quantity_t=20_000, label="买入远期", strike_cny_per_t=Decimal("77.50"),
    delivery_date=date(2025, 12, 15),
)  # fmt: skip
G1 = PortfolioLine(
    line_id="G1", kind=LineKind.FUTURES, unit=CEA, quantity_t=10_000, label="期货式多头", strike_cny_per_t=Decimal("74.60"),
    contract_code="G1", trade_date=date(2025, 6, 27),
)  # fmt: skip
