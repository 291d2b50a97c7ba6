"""The facts a haircut rests on, from the market as the bank knew it; what is not known stays unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import round_down, round_up, to_decimal
from collateral.calc.haircut_models.sale_backtest import QuotedDays
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth, thinnest_ratio
from collateral.calc.haircut_models.stack_terms import HistoryColumns
from collateral.calc.policy_haircuts import days_step
from collateral.service.view import AVERAGE_DAILY_VOLUME, CARRIES_FORWARD, LAST_USABLE_DATE, DeskView
from pricing.calc.compliance import SURRENDER_DATE
from pricing.calc.market import Quote
from pricing.calc.portfolio_risk import VOLATILITY
from pricing.calc.quality import single_vintage_series
from pricing.calc.volatility import PriceHistory, estimated_volatility
from pricing.service import market_days, price_history

DEPTH_AFTER_SURRENDER = "collateral.depth_after_surrender_ratio"
SEASON_DAYS = "collateral.depth_season_days"
LIMIT_RATIO = "pricing.limit_ratio"
MOST_DAYS = 1_500
FEWEST_DAYS = 20
_PLACES = 4
_LEAST_VOLATILITY = 0.005
"""The stack takes none below it: closes that hardly move say that nothing traded, not that nothing can fall."""
_YEAR_DAYS = 365
"""Surrender comes once a year: fewer days of quotes may hold no season after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What the bank's quotes of a unit say of its trade; see `StackFacts` for each.

    Attributes:
        thin_ratio: Volume of the thinnest season in the quotes over their mean; None where they do not tell.
    """

    daily_volume_t: Decimal | None
    trade_day_ratio: Decimal | None
    limit_day_ratio: Decimal | None
    volatility: Decimal | None
    history: HistoryColumns | None
    source: str
    thin_ratio: Decimal | None


def market_facts(
    session: Session, actor: Actor, view: DeskView, unit: Unit, *, limit_ratio: Decimal | None
) -> MarketFacts:
    """Measure the trade of a unit over its last quotes; open days without a quote count as without trade.

    Volume and parts of days are measured over the days whose holidays are published; a quote without a published volume
    counts as nought and without trade, and where none has one, nothing is known.

    A composite over vintages stands in for a vintage that has no quotes only where the bank approved a daily volume of
    the scheme; its closes give no history and no volatility. `limit_ratio` is the policy's price limit, taken where the
    scheme's own is not published.
    """
    quotes = _quotes(session, actor, view, unit)
    approved = view.find(AVERAGE_DAILY_VOLUME, unit.scheme)
    if not quotes or (approved is None and _is_composite(quotes)):
        return MarketFacts(
            daily_volume_t=None, trade_day_ratio=None, limit_day_ratio=None, volatility=None, history=None,
            source=f"{unit} 无分年度行情", thin_ratio=None,
        )  # fmt: skip
    published = view.find(LIMIT_RATIO, unit.scheme)
    history = price_history(quotes, limit_ratio if published is None else published.decimal)
    is_composite = _is_composite(quotes)
    first = max(quotes[0].quote_date, view.calendar.known_since or quotes[0].quote_date)
    window = [quote for quote in quotes if quote.quote_date >= first]
    days = _open_days(view.calendar, first, view.day)
    volume_t = approved.decimal if is_composite and approved is not None else _daily_volume_t(window, days)
    return MarketFacts(
        daily_volume_t=volume_t,
        trade_day_ratio=_trade_day_ratio(window, days),
        limit_day_ratio=None if days is None else round_up(_share(history.at_limit[-len(window) :], days), _PLACES),
        volatility=_approved_volatility(view, unit) if is_composite else _volatility(history),
        history=HistoryColumns(
            close_per_t=tuple(quote.price_cny_per_t for quote in quotes),
            idle_rows=tuple(np.flatnonzero(~history.traded).tolist()),
            limit_rows=tuple(np.flatnonzero(history.at_limit).tolist()),
            is_composite=is_composite,
        ),
        source=f"{quotes[0].exchange} {quotes[0].quote_date} 至 {quotes[-1].quote_date}"
        + ("（综合行情，非分年度）" if is_composite else ""),
        thin_ratio=_thin_ratio(view, window, first),
    )


def quoted_days(session: Session, actor: Actor, view: DeskView, unit: Unit) -> QuotedDays:
    """Give the days and listed volumes of the quotes that `market_facts` takes its history from."""
    quotes = _quotes(session, actor, view, unit)
    return QuotedDays(
        days=tuple(one.quote_date for one in quotes), volumes_t=tuple(one.listed_volume_t or 0 for one in quotes)
    )


def _quotes(session: Session, actor: Actor, view: DeskView, unit: Unit) -> tuple[Quote, ...]:
    for asked in dict.fromkeys((unit, Unit(scheme=unit.scheme, vintage=None))):
        found = market_days(
            session, actor, unit=asked, from_date=None, to_date=view.day, known_at=view.standing.known_at
        )  # fmt: skip
        if found:
            return found[-MOST_DAYS:]
    return ()


def _approved_volatility(view: DeskView, unit: Unit) -> Decimal | None:
    found = view.find(VOLATILITY, unit.scheme)
    return None if found is None else found.decimal


def days_to_last_use(view: DeskView, unit: Unit, *, ends_on: date) -> tuple[int | None, bool | None]:
    """Give the trading days from the loan's end to the unit's last usable date, and whether it has one.

    Days past the published holidays are not counted: the last date then looks nearer than it is, never further.
    None and None where neither a last date nor that the vintage carries forward is known, or the end lies past them.
    """
    last = view.find(LAST_USABLE_DATE, str(unit))
    if last is None:
        carries = view.find(CARRIES_FORWARD, unit.scheme)
        return (None, False) if carries is not None and carries.value == "true" else (None, None)
    if last.day <= ends_on:
        return 0, True
    if ends_on >= view.calendar.known_until:
        return None, None
    reach = min(last.day, view.calendar.known_until)
    try:
        return view.calendar.open_days_between(ends_on + timedelta(days=1), reach + timedelta(days=1)), True
    except CarbonFinError:
        return None, None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalDepth:
    """Volume over its mean from the day after a default on, and what that rests on; empty where it is not known."""

    ratios: tuple[Decimal, ...]
    season: SeasonDepth

    @property
    def source(self) -> str:
        """What it adds to the source of the market's facts."""
        return f"；{self.season.source}"


def seasonal_depth(view: DeskView, unit: Unit, *, ends_on: date, market: MarketFacts) -> SeasonalDepth:
    """Give the depth around surrender: level up to the scheme's next deadline, then the thin season.

    Emitters buy up to the deadline and few do after it. A default may come on any day to the loan's end: a deadline by
    then, or none that is known, leaves the thin season from the first day; it is not taken to end, and a ratio above
    one counts as one. Days past the published holidays are not counted, so that the season comes sooner, never later.
    How thin it is, the bank approves by scheme. Where it did not, the thinnest season that a year of the unit's quotes
    or more holds stands in, not confirmed; where they do not tell, it is not known.
    """
    season = _season(view, unit, market)
    if season.ratio is None:
        return SeasonalDepth(ratios=(), season=season)
    level_days = _days_to_surrender(view, unit, ends_on=ends_on)
    return SeasonalDepth(ratios=(*(Decimal(1),) * level_days, season.ratio), season=season)


def _season(view: DeskView, unit: Unit, market: MarketFacts) -> SeasonDepth:
    found, window = view.find(DEPTH_AFTER_SURRENDER, unit.scheme), view.find(SEASON_DAYS)
    if found is not None:
        word = "" if found.confirmed else "，未确认"
        return SeasonDepth(
            basis=DepthBasis.APPROVED, ratio=min(Decimal(1), found.decimal), parameter=found,
            source=f"清缴后成交量为均值的 {found.value} 倍（{found.document}{word}）",
        )  # fmt: skip
    if market.thin_ratio is None or window is None:
        return SeasonDepth(basis=DepthBasis.UNKNOWN, ratio=None, parameter=None, source="清缴后成交量比例未知")
    return SeasonDepth(
        basis=DepthBasis.MEASURED,
        ratio=market.thin_ratio,
        parameter=window,
        source=f"清缴后成交量取实测最清淡 {window.value} 个交易日，为均值的 {market.thin_ratio} 倍（未经批准）",
    )


def _thin_ratio(view: DeskView, quotes: Sequence[Quote], first: date) -> Decimal | None:
    """Give the volume of the thinnest season in the quotes over their mean.

    None where they reach back less than a year, have no volumes, or the calendar does not tell their open days.
    """
    season = view.find(SEASON_DAYS)
    if season is None or (view.day - first).days < _YEAR_DAYS:
        return None
    try:
        days = list(view.calendar.open_days(first, view.day + timedelta(days=1)))
    except CarbonFinError:
        return None
    mean_t = _daily_volume_t(quotes, len(days))
    if mean_t is None:
        return None
    traded = {quote.quote_date: quote.listed_volume_t or 0 for quote in quotes}
    return thinnest_ratio([traded.get(day, 0) for day in days], season_days=season.integer, mean_t=mean_t)


def _days_to_surrender(view: DeskView, unit: Unit, *, ends_on: date) -> int:
    scopes = (one for one in view.book.scopes(SURRENDER_DATE) if one.startswith(f"{unit.scheme}-"))
    deadlines = (view.find(SURRENDER_DATE, one) for one in scopes)
    ahead = [one.day for one in deadlines if one is not None and one.day >= view.day]
    if not ahead or min(ahead) <= ends_on or ends_on >= view.calendar.known_until:
        return 0
    reach = min(*ahead, view.calendar.known_until)
    try:
        days = view.calendar.open_days_between(ends_on + timedelta(days=1), reach + timedelta(days=1))
    except CarbonFinError:
        return 0
    return days_step(days) or 0


def _is_composite(quotes: Sequence[Quote]) -> bool:
    try:
        single_vintage_series(quotes)
    except CarbonFinError:
        return True
    return False


def _open_days(calendar: Calendar, first: date, last: date) -> int | None:
    """Count the open days over which trade is measured; None where they are too few or not known."""
    try:
        days = calendar.open_days_between(first, last + timedelta(days=1))
    except CarbonFinError:
        return None
    return days if days >= FEWEST_DAYS else None


def _daily_volume_t(quotes: Sequence[Quote], days: int | None) -> Decimal | None:
    volumes = [quote.listed_volume_t for quote in quotes]
    if days is None or all(volume is None for volume in volumes):
        return None
    return round_down(Decimal(sum(volume or 0 for volume in volumes)) / max(days, len(volumes)), _PLACES)


def _trade_day_ratio(quotes: Sequence[Quote], days: int | None) -> Decimal | None:
    if days is None or all(quote.listed_volume_t is None for quote in quotes):
        return None
    traded = np.array([(quote.listed_volume_t or 0) > 0 for quote in quotes])
    return round_down(_share(traded, days), _PLACES)


def _share(flags: np.ndarray[tuple[int], np.dtype[np.bool_]], days: int) -> Decimal:
    return min(Decimal(1), Decimal(int(np.count_nonzero(flags))) / days)


def _volatility(history: PriceHistory) -> Decimal | None:
    try:
        found = estimated_volatility(history).volatility
    except CarbonFinError:
        return None
    return to_decimal(found, places=_PLACES) if found >= _LEAST_VOLATILITY else None
