"""Histories of what moves a book: prices of one vintage off their flags, strips of futures, volatilities, rates, FX.

A close that is carried, held by the limit or made by a small print is left out, never its move: the move comes with the
next close that is kept, and with the number of quoted days it took.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.units import Currency, to_decimal, to_float
from pricing.calc.curve_quotes import FX_SPOT, LPR, RATE_SERIES, CurveQuote, CurveQuoteKind
from pricing.calc.market import Quote
from pricing.calc.quality import FindingKind

GAP_MAX = timedelta(days=7)
"""Longest gap over which a strip, a surface or a rate is said to have moved from one quoted day to the next."""
LEFT_OUT: frozenset[FindingKind] = frozenset(
    {
        FindingKind.NO_TRADE, FindingKind.NO_LISTED_TRADE, FindingKind.CARRIED_CLOSE, FindingKind.SMALL_PRINT,
        FindingKind.LIMIT_MOVE, FindingKind.LIMIT_LOCKED, FindingKind.UNIT_SLIP, FindingKind.DUPLICATE_DAY,
        FindingKind.INTERPOLATED, FindingKind.MEAN_MISMATCH, FindingKind.OUTSIDE_RANGE,
    }
)  # fmt: skip
"""Findings that make a close no price at which the market stood. A jump stays: it is what the tail is made of."""
_PLACES = 10


class FactorKind(StrEnum):
    """What a factor is, and so how it moves: by logarithms, rates by differences."""

    PRICE = "price"
    VOLATILITY = "volatility"
    RATE = "rate"
    FX = "fx"


FACTOR_LABELS: Mapping[FactorKind, tuple[str, str]] = {
    FactorKind.PRICE: ("价格", "price"),
    FactorKind.VOLATILITY: ("期权波动率", "option volatility"),
    FactorKind.RATE: ("利率", "rate"),
    FactorKind.FX: ("汇率", "exchange rate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One day of a factor that is kept.

    Attributes:
        day_number: Quoted days of the factor before it, those left out among them.
        level: Price, rate or exchange rate; of a strip or a surface an index whose moves are its mean moves.
    """

    day: date
    day_number: int
    level: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorHistory:
    """The history of one factor.

    Attributes:
        name: Unit or scheme of a price, scheme of a volatility, currency of a rate, pair of an exchange rate.
        source: Who published it.
        points: Days kept, ascending.
        quoted_count: Days quoted.
        left_out: How many closes were left out, by finding; a close may have several.
        refusal: Why the factor has no history that may be used; None where it has one.
    """

    kind: FactorKind
    name: str
    source: str
    points: tuple[HistoryPoint, ...]
    quoted_count: int
    left_out: tuple[tuple[FindingKind, int], ...] = ()
    is_sample: bool = False
    refusal: Failure | None = None


def price_history_of(name: str, quotes: Sequence[Quote], flags: Mapping[date, Sequence[FindingKind]]) -> FactorHistory:
    """Give the history of a quoted unit: the closes at which the market stood.

    Args:
        name: The factor.
        quotes: Of one vintage, ascending by day, at least one.
        flags: What the checks found on each day.
    """
    found: list[HistoryPoint] = []
    left_out: Counter[FindingKind] = Counter()
    for number, quote in enumerate(quotes):
        bad = [kind for kind in flags.get(quote.quote_date, ()) if kind in LEFT_OUT]
        left_out.update(bad)
        if not bad:
            found.append(HistoryPoint(day=quote.quote_date, day_number=number, level=quote.price_cny_per_t))
    return FactorHistory(
        kind=FactorKind.PRICE,
        name=name,
        source="；".join(sorted({quote.exchange for quote in quotes})),
        points=tuple(found),
        quoted_count=len(quotes),
        left_out=tuple(sorted(left_out.items())),
        is_sample=any(quote.is_sample for quote in quotes),
    )


def curve_history_of(kind: FactorKind, name: str, quotes: Sequence[CurveQuote]) -> FactorHistory | None:
    """Give the history of a strip, a surface, a currency's rates or an exchange rate; None where nothing is quoted.

    A day's move is the mean over the contracts, nodes or tenors that stand on both days: logarithmic, of rates the
    difference; the levels are an index of these moves, begun at 1, of rates at 0. Where two quoted days lie more than a
    week apart the index begins anew: what came before says nothing of the move between.

    Args:
        kind: What is asked for.
        name: Scheme, currency or pair.
        quotes: Of many days; what is not of the factor is passed over.
    """
    mine = [one for one in quotes if _is_of(one, kind, name)]
    by_day: dict[date, dict[str, float]] = {}
    for one in mine:
        by_day.setdefault(one.quote_date, {})[f"{one.name} {one.point}"] = to_float(one.value)
    days = sorted(by_day)
    if not days:
        return None
    is_rate = kind is FactorKind.RATE
    points = [_first(days[0], 0, is_rate=is_rate)]
    index = 0.0
    for number, (before, after) in enumerate(pairwise(days), start=1):
        move = _mean_move(by_day[before], by_day[after], is_rate=is_rate)
        if move is None or after - before > GAP_MAX:
            index, points = 0.0, [_first(after, number, is_rate=is_rate)]
            continue
        index += move
        level = to_decimal(index if is_rate else math.exp(index), places=_PLACES)
        points.append(HistoryPoint(day=after, day_number=number, level=level))
    return FactorHistory(
        kind=kind,
        name=name,
        source="、".join(sorted({one.source for one in mine})),
        points=tuple(points),
        quoted_count=len(days),
        is_sample=any(one.is_sample for one in mine),
    )


def _first(day: date, number: int, *, is_rate: bool) -> HistoryPoint:
    return HistoryPoint(day=day, day_number=number, level=Decimal(0) if is_rate else Decimal(1))


def _is_of(quote: CurveQuote, kind: FactorKind, name: str) -> bool:
    if kind is FactorKind.RATE:
        return quote.name in RATE_SERIES and quote.name != LPR and RATE_SERIES[quote.name][1] == name
    if kind is FactorKind.FX:
        return quote.kind is CurveQuoteKind.FX and quote.name == name and quote.point == FX_SPOT
    wanted = CurveQuoteKind.SETTLEMENT if kind is FactorKind.PRICE else CurveQuoteKind.VOLATILITY
    return quote.kind is wanted and quote.name == name and quote.value > 0


def _mean_move(before: Mapping[str, float], after: Mapping[str, float], *, is_rate: bool) -> float | None:
    points = sorted(before.keys() & after.keys())
    moves = [after[one] - before[one] if is_rate else math.log(after[one] / before[one]) for one in points]
    return math.fsum(moves) / len(moves) if moves else None


def pair_of(currency: Currency) -> str:
    """Name the pair by which a currency is turned into 元."""
    return f"{currency}CNY"
