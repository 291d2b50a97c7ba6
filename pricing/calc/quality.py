"""Quality of quotes: days without trade, carried closes, tiny prints, blocks, jumps, slips, each with its values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotApplicable
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.parameters import Grade
from pricing.calc.market import PriceKind, Quote
from pricing.calc.series_checks import even_growth

_SATURDAY = 5
_UNIT_SLIP_FACTOR = 5
_TICK = Decimal("0.01")
_EQUAL_STEPS = 3


class FindingKind(StrEnum):
    """What a check can find."""

    NO_TRADE = "no_trade"
    NO_LISTED_TRADE = "no_listed_trade"
    CARRIED_CLOSE = "carried_close"
    SMALL_PRINT = "small_print"
    BLOCK_APART = "block_apart"
    WEEKEND_SESSION = "weekend_session"
    DUPLICATE_DAY = "duplicate_day"
    MISSING_DAY = "missing_day"
    JUMP = "jump"
    LIMIT_MOVE = "limit_move"
    MEAN_MISMATCH = "mean_mismatch"
    UNIT_SLIP = "unit_slip"
    REPEATED_VOLUME = "repeated_volume"
    LIMIT_LOCKED = "limit_locked"
    OUTSIDE_RANGE = "outside_range"
    INTERPOLATED = "interpolated"


FINDING_LABELS: dict[FindingKind, tuple[str, str]] = {
    FindingKind.NO_TRADE: ("当日无任何成交", "no trade at all"),
    FindingKind.NO_LISTED_TRADE: ("无挂牌成交，仅有大宗", "blocks only, no listed trade"),
    FindingKind.CARRIED_CLOSE: ("收盘价沿用前一日", "close carried from the day before"),
    FindingKind.SMALL_PRINT: ("挂牌成交量过小", "listed volume too small to speak"),
    FindingKind.BLOCK_APART: ("大宗均价偏离收盘价", "block mean apart from the close"),
    FindingKind.WEEKEND_SESSION: ("周末交易日", "session on a weekend"),
    FindingKind.DUPLICATE_DAY: ("同日重复记录", "day given twice"),
    FindingKind.MISSING_DAY: ("交易日缺少行情", "trading day without quote"),
    FindingKind.JUMP: ("价格跳变", "jump"),
    FindingKind.LIMIT_MOVE: ("涨跌幅触及限制", "move of limit size"),
    FindingKind.MEAN_MISMATCH: ("均价与金额÷数量不符", "mean differs from amount over volume"),
    FindingKind.UNIT_SLIP: ("疑似单位错误（万元／万吨）", "unit slip suspected"),
    FindingKind.REPEATED_VOLUME: ("疑似重复计入前一日成交", "may repeat the volume of the day before"),
    FindingKind.LIMIT_LOCKED: ("收盘封于涨跌停价", "close locked at the price limit"),
    FindingKind.OUTSIDE_RANGE: ("收盘价或均价超出当日区间", "close or mean outside the day's range"),
    FindingKind.INTERPOLATED: ("疑似插值补齐（非成交价）", "may be interpolated, not traded"),
}


GRAVE: frozenset[FindingKind] = frozenset(
    {
        FindingKind.JUMP, FindingKind.LIMIT_MOVE, FindingKind.LIMIT_LOCKED, FindingKind.UNIT_SLIP,
        FindingKind.DUPLICATE_DAY, FindingKind.MISSING_DAY, FindingKind.REPEATED_VOLUME, FindingKind.MEAN_MISMATCH,
        FindingKind.OUTSIDE_RANGE, FindingKind.INTERPOLATED,
    }
)  # fmt: skip
"""Findings that speak of a fault or a bound; the others are habits of a thin market."""

VALUE_LABELS: dict[str, tuple[str, str]] = {
    "block_volume_t": ("大宗成交量（吨）", "block volume (t)"),
    "listed_volume_t": ("挂牌成交量（吨）", "listed volume (t)"),
    "minimum_print_t": ("最小有效量（吨）", "smallest speaking volume (t)"),
    "block_mean_cny_per_t": ("大宗均价", "block mean"),
    "close_cny_per_t": ("收盘价", "close"),
    "apart_ratio": ("偏离", "apart"),
    "weekday": ("星期", "weekday"),
    "price_cny_per_t": ("价格", "price"),
    "amount_over_volume_cny_per_t": ("金额÷数量", "amount over volume"),
    "other": ("另一记录", "other record"),
    "carried_from": ("沿用自", "carried from"),
    "before_cny_per_t": ("前一日价格", "price before"),
    "move_ratio": ("涨跌", "move"),
    "limit_ratio": ("限制", "limit"),
    "jump_ratio": ("界限", "bound"),
    "day_before_t": ("前一日成交量（吨）", "volume of the day before (t)"),
    "listed_amount_cny": ("挂牌成交额（元）", "listed amount (CNY)"),
    "day_before_cny": ("前一日成交额（元）", "amount of the day before (CNY)"),
    "limit_price_cny_per_t": ("涨跌停价", "limit price"),
    "low_cny_per_t": ("最低价", "lowest"),
    "high_cny_per_t": ("最高价", "highest"),
    "vwap_cny_per_t": ("加权均价", "VWAP"),
    "step_cny_per_t": ("每日等差", "equal step"),
    "growth_ratio": ("每日等比", "equal growth"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """Where a check begins to speak; dated parameters of a scheme.

    Attributes:
        minimum_print_t: Listed tonnes of a day below this are a small print.
        jump_ratio: A move of the price beyond this share is a jump.
        limit_ratio: The venue's daily limit on listed prices.
        block_apart_ratio: A block mean further than this from the close is reported.
    """

    minimum_print_t: int
    jump_ratio: Decimal
    limit_ratio: Decimal
    block_apart_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found on one day; values are exact text by name."""

    kind: FindingKind
    unit: Unit
    quote_date: date
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What the checks found over a run of quotes of one unit.

    Attributes:
        counts: Findings by kind, only kinds that occurred.
        days_without_listed_trade: Includes the days with no trade at all.
        days_close_equals_listed_mean: How often the published close is the day's listed mean; 0 shows a composite.
        is_over_vintages: Whether the series is a composite over vintages, which no volatility may be taken from.
    """

    unit: Unit
    first_date: date
    last_date: date
    day_count: int
    days_without_listed_trade: int
    days_without_any_trade: int
    days_with_block_trade: int
    days_close_equals_listed_mean: int
    is_over_vintages: bool
    block_apart_ratio_min: Decimal | None
    block_apart_ratio_max: Decimal | None
    counts: tuple[tuple[FindingKind, int], ...]
    findings: tuple[Finding, ...]

    def flags_on(self, day: date) -> tuple[FindingKind, ...]:
        """Give the kinds found on a day, each once."""
        return tuple(dict.fromkeys(finding.kind for finding in self.findings if finding.quote_date == day))


def single_vintage_series(quotes: Sequence[Quote]) -> tuple[Quote, ...]:
    """Give the quotes as they are where all speak of one vintage, as a volatility needs them.

    A composite over vintages changes its weights and its members (from 2026 the national one follows the latest
    vintage alone), so its moves are not the returns of anything that can be held.

    Raises:
        NotApplicable: The series is a composite, or its quotes speak of several units or products.
    """
    kinds = sorted({(str(quote.unit), quote.product or "") for quote in quotes})
    composite = any(quote.price_kind is PriceKind.COMPOSITE_CLOSE for quote in quotes)
    if not composite and len(kinds) <= 1:
        return tuple(quotes)
    what = "、".join(" ".join(part for part in kind if part) for kind in kinds)
    raise NotApplicable(
        f"{what} is a series over several vintages, from which no volatility is taken",
        zh=f"{what} 为跨配额年度的混合序列，不得用于估计波动率",
        field="unit",
        remedy="Use the quotes of one vintage or product.",
        remedy_zh="请使用单一配额年度或单一产品的行情。",
    )


def check_quotes(
    quotes: Sequence[Quote], *, limits: QualityLimits, trading_days: Iterable[date] | None
) -> QualityReport:
    """Check a run of quotes of one unit, in any order, and say what was found.

    Args:
        quotes: Quotes of one unit, at least one; duplicates are found, not refused.
        limits: Where the checks begin to speak.
        trading_days: Open days of the venue, to find missing days; None where its calendar is not known.
    """
    assert quotes, "a quality check needs at least one quote"
    ordered = sorted(quotes, key=lambda quote: quote.quote_date)
    findings: list[Finding] = []
    earlier: Quote | None = None
    for quote in ordered:
        findings.extend(_day_findings(quote, limits))
        if earlier is not None:
            findings.extend(_step_findings(earlier, quote, limits))
        earlier = quote
    findings.extend(_interpolated(ordered))
    findings.extend(_missing_days(ordered, trading_days))
    findings.sort(key=lambda finding: (finding.quote_date, finding.kind))
    counts = Counter(finding.kind for finding in findings)
    apart = [ratio for quote in ordered if (ratio := _block_apart_ratio(quote)) is not None]
    return QualityReport(
        unit=ordered[0].unit,
        first_date=ordered[0].quote_date,
        last_date=ordered[-1].quote_date,
        day_count=len({quote.quote_date for quote in ordered}),
        days_without_listed_trade=sum(1 for quote in ordered if quote.listed_volume_t == 0),
        days_without_any_trade=counts[FindingKind.NO_TRADE],
        days_with_block_trade=sum(1 for quote in ordered if quote.block_volume_t),
        days_close_equals_listed_mean=sum(1 for quote in ordered if _equals_listed_mean(quote)),
        is_over_vintages=any(quote.price_kind is PriceKind.COMPOSITE_CLOSE for quote in ordered),
        block_apart_ratio_min=min(apart, default=None),
        block_apart_ratio_max=max(apart, default=None),
        counts=tuple((kind, counts[kind]) for kind in FindingKind if counts[kind]),
        findings=tuple(findings),
    )


def _equals_listed_mean(quote: Quote) -> bool:
    mean = quote.listed_mean_cny_per_t
    return mean is not None and round_half_up(mean) == quote.price_cny_per_t


def _finding(kind: FindingKind, quote: Quote, **values: object) -> Finding:
    return Finding(
        kind=kind,
        unit=quote.unit,
        quote_date=quote.quote_date,
        values=tuple(
            (name, format(value, "f") if isinstance(value, Decimal) else str(value)) for name, value in values.items()
        ),
    )


def _block_apart_ratio(quote: Quote) -> Decimal | None:
    mean = quote.block_mean_cny_per_t
    return None if mean is None else round_half_up(mean / quote.price_cny_per_t - 1, 4)


def _day_findings(quote: Quote, limits: QualityLimits) -> list[Finding]:
    found: list[Finding] = []
    if quote.listed_volume_t == 0:
        kind = FindingKind.NO_LISTED_TRADE if quote.block_volume_t else FindingKind.NO_TRADE
        found.append(_finding(kind, quote, block_volume_t=quote.block_volume_t or 0))
    elif quote.listed_volume_t is not None and quote.listed_volume_t < limits.minimum_print_t:
        found.append(
            _finding(
                FindingKind.SMALL_PRINT,
                quote,
                listed_volume_t=quote.listed_volume_t,
                minimum_print_t=limits.minimum_print_t,
            )
        )
    apart = _block_apart_ratio(quote)
    if apart is not None and abs(apart) > limits.block_apart_ratio:
        found.append(
            _finding(
                FindingKind.BLOCK_APART,
                quote,
                block_mean_cny_per_t=round_half_up(quote.block_mean_cny_per_t or Decimal(0)),
                close_cny_per_t=quote.price_cny_per_t,
                apart_ratio=apart,
            )
        )
    if quote.quote_date.weekday() >= _SATURDAY:
        found.append(_finding(FindingKind.WEEKEND_SESSION, quote, weekday=quote.quote_date.isoweekday()))
    found.extend(_mean_findings(quote))
    found.extend(_range_findings(quote))
    return found


def _range_findings(quote: Quote) -> list[Finding]:
    """Find a close or VWAP that no trade of the day could have made; a composite's range is not of one vintage."""
    low, high = quote.low_cny_per_t, quote.high_cny_per_t
    if low is None or high is None:
        return []
    prices = {"price_cny_per_t": quote.price_cny_per_t, "vwap_cny_per_t": quote.vwap_cny_per_t}
    outside = {name: price for name, price in prices.items() if price is not None and not low <= price <= high}
    if not outside:
        return []
    return [_finding(FindingKind.OUTSIDE_RANGE, quote, **outside, low_cny_per_t=low, high_cny_per_t=high)]


def _mean_findings(quote: Quote) -> list[Finding]:
    mean = quote.listed_mean_cny_per_t
    if mean is None:
        return []
    shown = {"price_cny_per_t": quote.price_cny_per_t, "amount_over_volume_cny_per_t": round_half_up(mean)}
    if not quote.price_cny_per_t / _UNIT_SLIP_FACTOR <= mean <= quote.price_cny_per_t * _UNIT_SLIP_FACTOR:
        return [_finding(FindingKind.UNIT_SLIP, quote, **shown)]
    if quote.price_kind is PriceKind.DAY_MEAN and abs(mean - quote.price_cny_per_t) > _TICK:
        return [_finding(FindingKind.MEAN_MISMATCH, quote, **shown)]
    if quote.vwap_cny_per_t is not None and abs(mean - quote.vwap_cny_per_t) > _TICK:
        return [_finding(FindingKind.MEAN_MISMATCH, quote, vwap_cny_per_t=quote.vwap_cny_per_t, **shown)]
    return []


def _step_findings(earlier: Quote, quote: Quote, limits: QualityLimits) -> list[Finding]:
    if earlier.quote_date == quote.quote_date:
        return [
            _finding(
                FindingKind.DUPLICATE_DAY, quote, price_cny_per_t=quote.price_cny_per_t, other=earlier.price_cny_per_t
            )
        ]
    found: list[Finding] = []
    if quote.listed_volume_t == 0 and quote.price_cny_per_t == earlier.price_cny_per_t:
        found.append(
            _finding(
                FindingKind.CARRIED_CLOSE,
                quote,
                price_cny_per_t=quote.price_cny_per_t,
                carried_from=earlier.quote_date.isoformat(),
            )
        )
    move = round_half_up(quote.price_cny_per_t / earlier.price_cny_per_t - 1, 4)
    shown = {"price_cny_per_t": quote.price_cny_per_t, "before_cny_per_t": earlier.price_cny_per_t, "move_ratio": move}
    if abs(move) >= limits.limit_ratio - Decimal("0.001"):
        found.append(_finding(FindingKind.LIMIT_MOVE, quote, **shown, limit_ratio=limits.limit_ratio))
        found.extend(_locked(earlier, quote, limits))
    elif abs(move) > limits.jump_ratio:
        found.append(_finding(FindingKind.JUMP, quote, **shown, jump_ratio=limits.jump_ratio))
    if _repeats_day_before(earlier, quote):
        found.append(
            _finding(
                FindingKind.REPEATED_VOLUME,
                quote,
                listed_volume_t=quote.listed_volume_t,
                day_before_t=earlier.listed_volume_t,
                listed_amount_cny=quote.listed_amount_cny,
                day_before_cny=earlier.listed_amount_cny,
            )
        )
    return found


def _locked(earlier: Quote, quote: Quote, limits: QualityLimits) -> list[Finding]:
    """Find a close at the limit price that no trade of the day went beyond: a bound of the price, not the price."""
    rises = quote.price_cny_per_t > earlier.price_cny_per_t
    share = 1 + limits.limit_ratio if rises else 1 - limits.limit_ratio
    limit_price = round_half_up(earlier.price_cny_per_t * share)
    if quote.price_cny_per_t != limit_price or limit_price != (quote.high_cny_per_t if rises else quote.low_cny_per_t):
        return []
    return [
        _finding(
            FindingKind.LIMIT_LOCKED,
            quote,
            limit_price_cny_per_t=limit_price,
            before_cny_per_t=earlier.price_cny_per_t,
            limit_ratio=limits.limit_ratio,
        )
    ]


def _interpolated(ordered: Sequence[Quote]) -> list[Finding]:
    """Find the inner days of three or more even steps, in yuan or in per cent, without volume, in second-hand rows."""
    found: dict[date, Finding] = {}
    for first in range(len(ordered) - _EQUAL_STEPS):
        run = ordered[first : first + _EQUAL_STEPS + 1]
        inner = [quote for quote in run[1:-1] if not quote.listed_volume_t and quote.grade is Grade.SECONDARY]
        evenness = _evenness([quote.price_cny_per_t for quote in run]) if inner else {}
        for quote in inner if evenness else ():
            found[quote.quote_date] = _finding(FindingKind.INTERPOLATED, quote, **evenness)
    return list(found.values())


def _evenness(prices: Sequence[Decimal]) -> dict[str, Decimal]:
    steps = {after - before for before, after in pairwise(prices)}
    if len(steps) == 1:
        return {} if steps == {Decimal(0)} else {"step_cny_per_t": min(steps)}
    growth = even_growth(prices)
    return {} if growth is None else {"growth_ratio": growth}


def _repeats_day_before(earlier: Quote, quote: Quote) -> bool:
    """Whether volume and amount are the odd lot of the day before plus a round lot: both differ by whole thousands."""
    if not earlier.listed_volume_t or not quote.listed_volume_t:
        return False
    if earlier.listed_amount_cny is None or quote.listed_amount_cny is None:
        return False
    more_t = quote.listed_volume_t - earlier.listed_volume_t
    more_cny = quote.listed_amount_cny - earlier.listed_amount_cny
    return more_t > 0 and more_t % 1000 == 0 and earlier.listed_volume_t % 1000 != 0 and more_cny % 1000 == 0


def _missing_days(ordered: Sequence[Quote], trading_days: Iterable[date] | None) -> list[Finding]:
    if trading_days is None:
        return []
    quoted = {quote.quote_date for quote in ordered}
    first, last = ordered[0].quote_date, ordered[-1].quote_date
    return [
        Finding(kind=FindingKind.MISSING_DAY, unit=ordered[0].unit, quote_date=day, values=())
        for day in trading_days
        if first <= day <= last and day not in quoted
    ]
