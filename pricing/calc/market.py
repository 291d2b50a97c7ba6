"""Quotes and the market snapshot: what prices were, as known at an instant, under one digest."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.record import ADDED_LATER, digest_of


class PriceKind(StrEnum):
    """What a published price is; a composite over vintages is never one vintage's price."""

    COMPOSITE_CLOSE = "composite_close"
    DAY_MEAN = "day_mean"
    VINTAGE_QUOTE = "vintage_quote"


PRICE_KIND_LABELS: dict[PriceKind, tuple[str, str]] = {
    PriceKind.COMPOSITE_CLOSE: ("综合价格收盘价（非分年度）", "composite close over vintages"),
    PriceKind.DAY_MEAN: ("当日成交均价", "mean of the day's trades"),
    PriceKind.VINTAGE_QUOTE: ("分年度报价", "quote of the vintage"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One day of one unit as its venue published it.

    Attributes:
        unit: The unit quoted; without vintage where the price is a composite.
        quote_date: The trading day it refers to.
        price_cny_per_t: Close, day mean or quote, 元/吨.
        price_kind: Which of these it is.
        listed_volume_t: Tonnes of listed trades (挂牌协议), None where not published.
        listed_amount_cny: Their amount, 元.
        block_volume_t: Tonnes of block trades (大宗协议), kept apart.
        block_amount_cny: Their amount, 元.
        known_from: Day it was known in China.
        exchange: Venue, named wherever the price is shown.
        document: Where it was read.
        grade: How well it is known.
        is_sample: An invented price (示例).
        product: The venue's own product where it quotes several of one unit; None where the quote speaks for the unit.
        open_cny_per_t: First listed trade of the day, as published; so are the highest, lowest and VWAP. A published
            VWAP is kept beside amount over volume, and is never taken from the close.

    The last five fields came after valuations had been recorded on snapshots of quotes. They are `ADDED_LATER`: a
    quote that lacks them has the canonical text, and a snapshot the digest, that it had before.
    """

    unit: Unit
    quote_date: date
    price_cny_per_t: Decimal
    price_kind: PriceKind
    listed_volume_t: int | None
    listed_amount_cny: Decimal | None
    block_volume_t: int | None
    block_amount_cny: Decimal | None
    known_from: date
    exchange: str
    document: str
    grade: Grade
    is_sample: bool
    product: str | None = field(default=None, metadata=ADDED_LATER)
    open_cny_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    high_cny_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    low_cny_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    vwap_cny_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse prices that are not positive, a range that is none, and volumes without amount."""
        for name in PRICE_FIELDS:
            price = getattr(self, name)
            if price is not None and (not price.is_finite() or price <= 0):
                _refuse(self, name, f"price is {price}", "价格必须为正数")
        _check_range(self)
        for name, volume_t, amount_cny in (
            ("listed", self.listed_volume_t, self.listed_amount_cny),
            ("block", self.block_volume_t, self.block_amount_cny),
        ):
            if (volume_t is None) != (amount_cny is None):
                _refuse(
                    self,
                    f"{name}_amount_cny",
                    f"{name} volume and amount must stand together",
                    "成交量与成交额须同时给出",
                )
            if volume_t is None or amount_cny is None:
                continue
            if volume_t < 0 or amount_cny < 0:
                _refuse(self, f"{name}_volume_t", f"{name} volume or amount is negative", "成交量和成交额不能为负")
            if (volume_t == 0) != (amount_cny == 0):
                _refuse(
                    self,
                    f"{name}_amount_cny",
                    f"{name} volume is {volume_t} t but amount {amount_cny} 元",
                    "成交量与成交额矛盾",
                )

    @property
    def listed_mean_cny_per_t(self) -> Decimal | None:
        """Amount over volume of the day's listed trades, unrounded, or None without trade."""
        return _mean(self.listed_volume_t, self.listed_amount_cny)

    @property
    def block_mean_cny_per_t(self) -> Decimal | None:
        """Amount over volume of the day's block trades, unrounded, or None without trade."""
        return _mean(self.block_volume_t, self.block_amount_cny)


def _mean(volume_t: int | None, amount_cny: Decimal | None) -> Decimal | None:
    if not volume_t or amount_cny is None:
        return None
    return amount_cny / volume_t


PRICE_FIELDS = ("price_cny_per_t", "open_cny_per_t", "high_cny_per_t", "low_cny_per_t", "vwap_cny_per_t")


def _check_range(quote: Quote) -> None:
    """Refuse a highest price below the lowest, and an opening price outside them."""
    low, high, first = quote.low_cny_per_t, quote.high_cny_per_t, quote.open_cny_per_t
    if low is not None and high is not None and low > high:
        _refuse(quote, "high_cny_per_t", f"the highest price {high} is below the lowest {low}", "最高价低于最低价")
    if first is not None and ((high is not None and first > high) or (low is not None and first < low)):
        _refuse(
            quote, "open_cny_per_t", f"the opening price {first} lies outside {low} to {high}", "开盘价超出当日价格区间"
        )


def _refuse(quote: Quote, field_name: str, detail: str, zh: str) -> None:
    raise InvalidInput(
        f"{quote.unit} on {quote.quote_date}: {detail}",
        zh=f"{quote.unit} {quote.quote_date}：{zh}",
        field=field_name,
        remedy="Correct the figure against the exchange's bulletin.",
        remedy_zh="请对照交易所行情公告更正。",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FxQuote:
    """One reference rate: units of the second currency for one of the first (HKDCNY: 元 per HKD)."""

    pair: str
    quote_date: date
    rate: Decimal
    known_from: date
    document: str
    grade: Grade
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateQuote:
    """One publication of a rate, as a decimal (0.0300)."""

    name: str
    value: Decimal
    published_on: date
    known_from: date
    document: str
    grade: Grade
    confirmed: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement price of one futures-style contract on one day."""

    contract_code: str
    settlement_date: date
    price_cny_per_t: Decimal
    known_from: date
    document: str
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """What the market was on a day, as known at an instant; the digest names its content.

    Attributes:
        valuation_date: Day the prices refer to.
        known_at: Instant as of which they were known.
        trading_days: Open days of the exchange up to the valuation date, ascending.
        quotes: Quotes of the window and the last one before it, by unit and day.
        fx: Last known reference rate of each pair.
        settlements: Last settlement prices of each contract.
        parameters: Valuation conventions in force, by key and scope.
        calendar_known_until: Last day that the exchange's calendar speaks of; None in snapshots of before.
        tells_unconfirmed: Whether labels say that what they rest on is unconfirmed; None in snapshots of before, whose
            decisions come out in the words they had.
        tells_unconfirmed_limits: The same of what a limit of futures-style contracts refuses or notes.
    """

    valuation_date: date
    known_at: datetime
    trading_days: tuple[date, ...]
    quotes: tuple[Quote, ...]
    fx: tuple[FxQuote, ...]
    settlements: tuple[Settlement, ...]
    parameters: tuple[ParameterValue, ...]
    calendar_known_until: date | None = field(default=None, metadata=ADDED_LATER)
    tells_unconfirmed: bool | None = field(default=None, metadata=ADDED_LATER)
    tells_unconfirmed_limits: bool | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse quotes of later days, quotes out of order and a naive instant."""
        aware(self.known_at)
        ordered = sorted(self.quotes, key=_quote_order)
        if list(self.quotes) != ordered or len({_quote_order(quote) for quote in ordered}) != len(ordered):
            raise InvalidInput(
                "the quotes of a snapshot stand in order of unit and day, each once",
                zh="行情快照中的报价须按品种和日期排列且不重复",
            )
        if any(quote.quote_date > self.valuation_date for quote in self.quotes):
            raise InvalidInput(
                f"a snapshot of {self.valuation_date} holds a later quote",
                zh=f"{self.valuation_date} 的行情快照含有以后的报价",
            )

    @property
    def digest(self) -> str:
        """SHA-256 over the whole content."""
        return digest_of(self)

    def quotes_of(self, unit: Unit) -> tuple[Quote, ...]:
        """Give the quotes that speak of a unit, ascending: its own, else its scheme's composite.

        Raises:
            MissingData: Nothing is quoted for the unit.
        """
        own = tuple(quote for quote in self.quotes if quote.unit == unit)
        if own:
            return own
        composite = tuple(
            quote
            for quote in self.quotes
            if quote.unit == Unit(unit.scheme) and quote.price_kind is PriceKind.COMPOSITE_CLOSE
        )
        if composite:
            return composite
        raise MissingData(
            f"{unit} has no quote on or before {self.valuation_date}",
            zh=f"{unit} 在 {self.valuation_date} 及之前没有报价",
            field="unit",
            remedy="Import quotes of this unit or choose a later valuation date.",
            remedy_zh="请导入该品种的行情，或选择更晚的估值日。",
        )

    def staleness_days(self, quote_date: date) -> int:
        """Count the trading days after a quote up to the valuation date; 0 for a quote of the last open day."""
        return sum(1 for day in self.trading_days if quote_date < day <= self.valuation_date)

    def parameter(self, key: str, *, scope: str) -> ParameterValue:
        """Give a valuation convention of the snapshot.

        Raises:
            MissingData: The convention was not set when the snapshot was taken.
        """
        found = self.find_parameter(key, scope=scope)
        if found is not None:
            return found
        raise MissingData(
            f"parameter {key}[{scope}] is not set for {self.valuation_date}",
            zh=f"估值参数 {key}（{scope}）在 {self.valuation_date} 没有取值",
            field=key,
            remedy="Enter and approve the parameter with its source.",
            remedy_zh="请录入该参数及依据并经复核。",
        )

    def find_parameter(self, key: str, *, scope: str) -> ParameterValue | None:
        """Give a valuation convention or a fact of the snapshot, or None."""
        return next((value for value in self.parameters if value.key == key and value.scope == scope), None)

    def settlements_of(self, contract_code: str) -> tuple[Settlement, ...]:
        """Give the settlement prices of one contract, ascending by day."""
        return tuple(item for item in self.settlements if item.contract_code == contract_code)


def _quote_order(quote: Quote) -> tuple[str, date]:
    return str(quote.unit), quote.quote_date
