"""The price a thin asset is valued at: policies, window statistics, staleness and fair-value level.

Fair value takes no discount for size (IFRS 13, CAS 39); what a lender takes off stands in its haircuts.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.trace import Figure
from pricing.calc.market import PRICE_KIND_LABELS, MarketSnapshot, PriceKind, Quote

WINDOW_DAYS = "pricing.window_days"
MINIMUM_PRINT_T = "pricing.minimum_print_t"
STALE_AFTER_DAYS = "pricing.stale_after_days"
THIN_VOLUME_T = "pricing.thin_volume_t"
FAIR_PRICE_POLICY = "pricing.fair_price_policy"
LIQUIDITY_KEYS = (WINDOW_DAYS, MINIMUM_PRINT_T, STALE_AFTER_DAYS, THIN_VOLUME_T)


class PricePolicy(StrEnum):
    """How a price is chosen from the quotes of a snapshot."""

    LAST_CLOSE = "last_close"
    MIN_CLOSE_LISTED_VWAP = "min_close_listed_vwap"
    LAST_MEAN = "last_mean"
    VINTAGE_QUOTE = "vintage_quote"


POLICY_LABELS: dict[PricePolicy, tuple[str, str]] = {
    PricePolicy.LAST_CLOSE: ("最近收盘价", "last close"),
    PricePolicy.MIN_CLOSE_LISTED_VWAP: (
        "收盘价与挂牌成交量加权均价孰低",
        "lower of close and listed volume-weighted mean",
    ),
    PricePolicy.LAST_MEAN: ("最近当日均价", "mean of the last day traded"),
    PricePolicy.VINTAGE_QUOTE: ("该年度配额报价", "quote of the vintage"),
}

_POLICY_KIND: dict[PricePolicy, PriceKind] = {
    PricePolicy.LAST_CLOSE: PriceKind.COMPOSITE_CLOSE,
    PricePolicy.MIN_CLOSE_LISTED_VWAP: PriceKind.COMPOSITE_CLOSE,
    PricePolicy.LAST_MEAN: PriceKind.DAY_MEAN,
    PricePolicy.VINTAGE_QUOTE: PriceKind.VINTAGE_QUOTE,
}


class PriceFlag(StrEnum):
    """What a reader must know about a price."""

    SAMPLE = "sample"
    COMPOSITE = "composite"
    CARRIED_CLOSE = "carried_close"
    SMALL_PRINT = "small_print"
    THIN = "thin"
    STALE = "stale"
    WINDOW_INCOMPLETE = "window_incomplete"
    SECONDARY_SOURCE = "secondary_source"


FLAG_LABELS: dict[PriceFlag, tuple[str, str]] = {
    PriceFlag.SAMPLE: ("示例报价", "sample quote"),
    PriceFlag.COMPOSITE: ("综合价格，非分年度", "composite over vintages, not one vintage's price"),
    PriceFlag.CARRIED_CLOSE: ("当日无挂牌成交，沿用前收盘价", "no listed trade, close carried"),
    PriceFlag.SMALL_PRINT: ("当日成交量过小", "the day's volume is too small to speak"),
    PriceFlag.THIN: ("成交清淡", "thin"),
    PriceFlag.STALE: ("报价过期", "stale"),
    PriceFlag.WINDOW_INCOMPLETE: ("窗口内缺少交易日行情", "quotes missing within the window"),
    PriceFlag.SECONDARY_SOURCE: ("二手转录，未见交易所原文", "secondary transcription"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatistics:
    """Listed trade of a unit over the trading days of a window; blocks are left out.

    Attributes:
        trading_day_count: Open days of the window, the denominator of the average volume.
        quoted_day_count: Of these, days with a quote.
        excluded_dates: Days whose listed volume is below the minimum print; out of price, in volume.
        listed_vwap_cny_per_t: Amount over volume, rounded to the fen, None without listed trade.
        average_daily_volume_t: Listed tonnes per trading day, half up.
    """

    first_date: date
    last_date: date
    trading_day_count: int
    quoted_day_count: int
    listed_volume_t: int
    listed_amount_cny: Decimal
    excluded_dates: tuple[date, ...]
    listed_vwap_cny_per_t: Decimal | None
    average_daily_volume_t: int


def window_statistics(snapshot: MarketSnapshot, unit: Unit) -> WindowStatistics:
    """Give the listed volume and its weighted price over the window of trading days that ends on the valuation date.

    Raises:
        MissingData: The unit has no quote, or its conventions are not set.
    """
    days = snapshot.trading_days[-snapshot.parameter(WINDOW_DAYS, scope=unit.scheme).integer :]
    if not days:
        raise MissingData(
            f"no trading day up to {snapshot.valuation_date} is known", zh="行情快照没有交易日", field="valuation_date"
        )
    minimum_t = snapshot.parameter(MINIMUM_PRINT_T, scope=unit.scheme).integer
    quotes = [quote for quote in snapshot.quotes_of(unit) if quote.quote_date in set(days)]
    traded = [quote for quote in quotes if quote.listed_volume_t]
    speaking = [quote for quote in traded if (quote.listed_volume_t or 0) >= minimum_t]
    volume_t = sum(quote.listed_volume_t or 0 for quote in speaking)
    amount_cny = sum((quote.listed_amount_cny or Decimal(0) for quote in speaking), start=Decimal(0))
    all_volume_t = sum(quote.listed_volume_t or 0 for quote in traded)
    return WindowStatistics(
        first_date=days[0],
        last_date=days[-1],
        trading_day_count=len(days),
        quoted_day_count=len(quotes),
        listed_volume_t=volume_t,
        listed_amount_cny=amount_cny,
        excluded_dates=tuple(quote.quote_date for quote in traded if quote not in speaking),
        listed_vwap_cny_per_t=round_half_up(amount_cny / volume_t) if volume_t else None,
        average_daily_volume_t=int(round_half_up(Decimal(all_volume_t) / len(days), 0)),
    )


def average_daily_volume_t(snapshot: MarketSnapshot, unit: Unit) -> int:
    """Give the listed tonnes per trading day of the window, blocks left out.

    Raises:
        MissingData: The unit's volumes are not published, so its liquidity is not known.
    """
    if all(quote.listed_volume_t is None for quote in snapshot.quotes_of(unit)):
        raise MissingData(
            f"{unit} is quoted without volumes", zh=f"{unit} 的报价没有成交量", field="unit",
            remedy="Enter its average daily volume as a dated parameter.", remedy_zh="请以参数录入日均成交量。",
        )  # fmt: skip
    return window_statistics(snapshot, unit).average_daily_volume_t


@dataclass(frozen=True, slots=True, kw_only=True)
class AppraisalPrice:
    """One price by one policy, with all a reader needs to trust or doubt it.

    Attributes:
        source: Exchange and kind of price.
        staleness_days: Trading days between the price and the valuation date.
        level: Fair-value level: 1 quoted for the very unit in an active market, 2 observable, 3 sample, thin or stale.
        window: Window statistics where the policy takes them, else None.
    """

    unit: Unit
    policy: PricePolicy
    price_cny_per_t: Decimal
    source: str
    price_date: date
    staleness_days: int
    level: int
    is_sample: bool
    flags: tuple[PriceFlag, ...]
    note_zh: str
    note_en: str
    close_cny_per_t: Decimal
    window: WindowStatistics | None
    exchange: str
    document: str
    snapshot_digest: str


def appraisal_price(snapshot: MarketSnapshot, unit: Unit, policy: str) -> AppraisalPrice:
    """Give the price of a unit by a policy.

    `min_close_listed_vwap` takes the lower of the last close and the listed volume-weighted mean of the window;
    the other policies take the last quote of their kind.

    Raises:
        InvalidInput: No such policy.
        MissingData: No quote of the kind, or no listed trade in the window; nothing is taken in its place.
    """
    chosen = parse_policy(policy)
    quote = _last_quote(snapshot, unit, _POLICY_KIND[chosen])
    price_cny_per_t, window = quote.price_cny_per_t, None
    if chosen is PricePolicy.MIN_CLOSE_LISTED_VWAP:
        window = window_statistics(snapshot, unit)
        if window.listed_vwap_cny_per_t is None:
            raise MissingData(
                f"{unit} has no listed trade between {window.first_date} and {window.last_date}",
                zh=f"{unit} 在 {window.first_date} 至 {window.last_date} 没有有效挂牌成交，不能计算均价",
                field="unit",
                remedy="Appraise by another policy that the credit committee allows.",
                remedy_zh="请改用经批准的其他定价方法。",
            )
        price_cny_per_t = min(price_cny_per_t, window.listed_vwap_cny_per_t)
    flags = _flags(snapshot, quote, window)
    return AppraisalPrice(
        unit=unit,
        policy=chosen,
        price_cny_per_t=price_cny_per_t,
        source=f"{quote.exchange} {PRICE_KIND_LABELS[quote.price_kind][0]}",
        price_date=quote.quote_date,
        staleness_days=snapshot.staleness_days(quote.quote_date),
        level=_level(quote, unit, flags),
        is_sample=quote.is_sample,
        flags=flags,
        note_zh="；".join(FLAG_LABELS[flag][0] for flag in flags),
        note_en="; ".join(FLAG_LABELS[flag][1] for flag in flags),
        close_cny_per_t=quote.price_cny_per_t,
        window=window,
        exchange=quote.exchange,
        document=quote.document,
        snapshot_digest=snapshot.digest,
    )


def fair_price(snapshot: MarketSnapshot, unit: Unit) -> AppraisalPrice:
    """Give the price of a unit by the fair-value policy of its scheme."""
    return appraisal_price(snapshot, unit, snapshot.parameter(FAIR_PRICE_POLICY, scope=unit.scheme).value)


def parse_policy(text: str) -> PricePolicy:
    """Read a policy code.

    Raises:
        InvalidInput: No such policy.
    """
    if text not in set(PricePolicy):
        raise InvalidInput(
            f"{text!r} is no price policy",
            zh=f"“{text}”不是已知的定价方法",
            field="policy",
            remedy="Choose one of " + ", ".join(PricePolicy) + ".",
            remedy_zh="可选：" + "、".join(f"{policy}（{POLICY_LABELS[policy][0]}）" for policy in PricePolicy) + "。",
        )
    return PricePolicy(text)


def _last_quote(snapshot: MarketSnapshot, unit: Unit, kind: PriceKind) -> Quote:
    for quote in reversed(snapshot.quotes_of(unit)):
        if quote.price_kind is kind:
            return quote
    raise MissingData(
        f"{unit} has no {PRICE_KIND_LABELS[kind][1]} on or before {snapshot.valuation_date}",
        zh=f"{unit} 在 {snapshot.valuation_date} 及之前没有“{PRICE_KIND_LABELS[kind][0]}”",
        field="unit",
        remedy="Import quotes of this kind or choose another policy.",
        remedy_zh="请导入该类行情，或改用其他定价方法。",
    )


def _flags(snapshot: MarketSnapshot, quote: Quote, window: WindowStatistics | None) -> tuple[PriceFlag, ...]:
    scope = quote.unit.scheme
    volume_t = quote.listed_volume_t
    minimum_t = snapshot.parameter(MINIMUM_PRINT_T, scope=scope).integer
    found = {
        PriceFlag.SAMPLE: quote.is_sample,
        PriceFlag.COMPOSITE: quote.price_kind is PriceKind.COMPOSITE_CLOSE,
        PriceFlag.CARRIED_CLOSE: volume_t == 0,
        PriceFlag.SMALL_PRINT: volume_t is not None and 0 < volume_t < minimum_t,
        PriceFlag.THIN: volume_t is not None and volume_t < snapshot.parameter(THIN_VOLUME_T, scope=scope).integer,
        PriceFlag.STALE: snapshot.staleness_days(quote.quote_date)
        > snapshot.parameter(STALE_AFTER_DAYS, scope=scope).integer,
        PriceFlag.WINDOW_INCOMPLETE: window is not None and window.quoted_day_count < window.trading_day_count,
        PriceFlag.SECONDARY_SOURCE: quote.grade == "secondary",
    }
    return tuple(flag for flag, is_set in found.items() if is_set)


def _level(quote: Quote, unit: Unit, flags: tuple[PriceFlag, ...]) -> int:
    if {PriceFlag.SAMPLE, PriceFlag.THIN, PriceFlag.STALE} & set(flags):
        return 3
    observed_only = {PriceFlag.COMPOSITE, PriceFlag.CARRIED_CLOSE, PriceFlag.SECONDARY_SOURCE, PriceFlag.SMALL_PRINT}
    return 2 if quote.unit != unit or observed_only & set(flags) else 1


def price_figures(snapshot: MarketSnapshot, price: AppraisalPrice, *, name: str) -> tuple[Figure, ...]:
    """Give the trace of a price: close, window, parameters, and last the price itself under `name`.

    The names of the figures before it begin with `name` and a point, so that several prices stand in one trace.
    """
    source = f"{price.document} {price.price_date}；快照 {price.snapshot_digest[:12]}"
    close = Figure(
        name=f"{name}.close",
        label_zh=f"{price.unit} {price.source}（{price.price_date}）",
        label_en=f"{price.unit} published price of {price.price_date}",
        value=format(price.close_cny_per_t, "f"),
        unit="CNY/t",
        source=source,
        confirmed=not price.is_sample,
        note_zh=price.note_zh,
        note_en=price.note_en,
    )
    figures, inputs, formula = [close], [close.name], close.name
    if price.window is not None:
        figures.extend(_window_figures(snapshot, price, price.window, name=name))
        inputs.append(f"{name}.listed_vwap")
        formula = "min(close, listed_vwap)"
    figures.append(
        Figure(
            name=name,
            label_zh=f"{price.unit} 估价（{POLICY_LABELS[price.policy][0]}）",
            label_en=f"{price.unit} price by policy {price.policy}",
            value=format(price.price_cny_per_t, "f"),
            unit="CNY/t",
            formula=formula,
            inputs=tuple(inputs),
            source=source,
            confirmed=not price.is_sample,
            note_zh=f"公允价值第{price.level}层次；距估值日 {price.staleness_days} 个交易日。{price.note_zh}",
            note_en=f"Fair-value level {price.level}; {price.staleness_days} trading days old. {price.note_en}",
        )
    )
    return tuple(figures)


def _window_figures(
    snapshot: MarketSnapshot, price: AppraisalPrice, window: WindowStatistics, *, name: str
) -> tuple[Figure, ...]:
    span = f"{window.first_date} 至 {window.last_date}"
    days = Figure.of_parameter(f"{name}.window_days", snapshot.parameter(WINDOW_DAYS, scope=price.unit.scheme))
    minimum = Figure.of_parameter(
        f"{name}.minimum_print_t", snapshot.parameter(MINIMUM_PRINT_T, scope=price.unit.scheme)
    )
    volume = Figure(
        name=f"{name}.listed_volume_t", label_zh=f"挂牌成交量合计（{span}）", label_en="listed volume of the window",
        value=str(window.listed_volume_t), unit="t", formula="sum(listed_volume_t)", inputs=(days.name, minimum.name),
        source=price.exchange,
    )  # fmt: skip
    amount = Figure(
        name=f"{name}.listed_amount_cny", label_zh=f"挂牌成交额合计（{span}）", label_en="listed amount of the window",
        value=format(window.listed_amount_cny, "f"), unit="CNY", formula="sum(listed_amount_cny)",
        inputs=(days.name, minimum.name), source=price.exchange,
    )  # fmt: skip
    vwap = Figure(
        name=f"{name}.listed_vwap", label_zh="挂牌成交量加权均价", label_en="listed volume-weighted price",
        value=format(window.listed_vwap_cny_per_t or Decimal(0), "f"), unit="CNY/t",
        formula="round_half_up(amount / volume, 2)", inputs=(amount.name, volume.name), note_zh="大宗协议不计入",
        note_en="blocks are left out",
    )  # fmt: skip
    return days, minimum, volume, amount, vwap
