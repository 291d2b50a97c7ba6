"""Histories of the factors of a book as an organisation knew them, and how far its rates and currencies move."""

import math
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency, to_decimal
from pricing.calc.curve_quotes import LPR, RATE_SERIES, CurveQuote
from pricing.calc.forward_market import ForwardMarket
from pricing.calc.futures_market import is_foreign_future
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionMarket
from pricing.calc.portfolio_risk import RATE_VOLATILITY, MarketDeviation, MarketHistory
from pricing.calc.portfolio_risk.exposures import line_factor
from pricing.calc.portfolio_risk.histories import (
    FactorHistory,
    FactorKind,
    curve_history_of,
    pair_of,
    price_history_of,
)
from pricing.calc.portfolio_risk.joint_moves import day_deviation
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.quality import single_vintage_series
from pricing.calc.structured.readings import FX_VOLATILITY
from pricing.calc.volatility import TRADING_DAYS_A_YEAR
from pricing.service.market import flags_of, market_days
from pricing.store.curve_quotes import curve_quotes_known

HISTORY = timedelta(days=730)
"""How far back a measurement of risk looks."""
BACKTEST_HISTORY = timedelta(days=5 * 365)
"""How far back a backtest looks: its windows come out of it too."""
_PLACES = 6


def market_history(
    session: Session,
    actor: Actor,
    snapshot: MarketSnapshot,
    lines: Sequence[PortfolioLine],
    *,
    options: OptionMarket | None,
    forwards: ForwardMarket | None,
    look_back: timedelta,
) -> MarketHistory:
    """Give the history of each price, volatility, rate and currency a book hangs on, as known with its snapshot.

    A price whose quotes mix vintages, or whose scheme has no limits by which they are checked, is refused by name.
    """
    reader = _Reader(session, actor, snapshot, look_back)
    prices = reader.prices(lines)
    schemes = sorted({point.terms.unit.scheme.value for point in options.points} if options else set())
    surfaces = [reader.curve(FactorKind.VOLATILITY, scheme, (scheme,)) for scheme in schemes]
    currencies = _currencies(lines, options, forwards)
    rates = {one: reader.curve(FactorKind.RATE, one, _rate_names(one)) for one in currencies}
    pairs = {
        one: reader.curve(FactorKind.FX, pair_of(one), (pair_of(one),)) for one in currencies if one != Currency.CNY
    }
    deviations = [_deviation(snapshot, FactorKind.RATE, name, history) for name, history in rates.items()]
    deviations += [_deviation(snapshot, FactorKind.FX, name, history) for name, history in pairs.items()]
    found = [*prices, *surfaces, *rates.values(), *pairs.values()]
    return MarketHistory(
        histories=tuple(one for one in found if one is not None),
        deviations=tuple(one for one in deviations if one is not None),
    )


class _Reader:
    """Reads the histories of one snapshot's day and knowledge."""

    def __init__(self, session: Session, actor: Actor, snapshot: MarketSnapshot, look_back: timedelta) -> None:
        self._session, self._actor, self._snapshot = session, actor, snapshot
        self._from = snapshot.valuation_date - look_back

    def prices(self, lines: Sequence[PortfolioLine]) -> list[FactorHistory]:
        units: dict[str, Unit] = {}
        for line in lines:
            try:
                units.setdefault(line_factor(self._snapshot, line), line.unit)
            except MissingData:
                continue  # the line fails in its valuation, which says why
        return [self._price(name, units[name]) for name in sorted(units)]

    def _price(self, name: str, unit: Unit) -> FactorHistory:
        try:
            quoted = self._snapshot.quotes_of(unit)[0].unit
        except MissingData:
            found = self.curve(FactorKind.PRICE, unit.scheme.value, (unit.scheme.value,))
            if found is None:
                return _refused(name, _no_strip(name))
            return FactorHistory(
                kind=FactorKind.PRICE, name=name, source=found.source, points=found.points,
                quoted_count=found.quoted_count, is_sample=found.is_sample,
            )  # fmt: skip
        try:
            quotes = single_vintage_series(
                market_days(
                    self._session, self._actor, unit=quoted, from_date=self._from,
                    to_date=self._snapshot.valuation_date, known_at=self._snapshot.known_at,
                )
            )  # fmt: skip
            flags = flags_of(self._session, self._actor, quotes, known_at=self._snapshot.known_at)
        except CarbonFinError as error:
            return _refused(name, error)
        if flags is None:
            return _refused(name, _unchecked(quoted))
        return price_history_of(name, quotes, flags) if quotes else _refused(name, _no_strip(name))

    def curve(self, kind: FactorKind, name: str, series: Sequence[str]) -> FactorHistory | None:
        quotes: list[CurveQuote] = []
        for one in series:
            quotes += curve_quotes_known(
                self._session,
                organization_id=self._actor.organization_id,
                from_date=self._from,
                to_date=self._snapshot.valuation_date,
                known_on=china_day(self._snapshot.known_at),
                name=one,
            )
        return curve_history_of(kind, name, quotes)


def _refused(name: str, error: CarbonFinError) -> FactorHistory:
    return FactorHistory(
        kind=FactorKind.PRICE, name=name, source="", points=(), quoted_count=0, refusal=Failure.of(name, error)
    )


def _no_strip(name: str) -> MissingData:
    return MissingData(
        f"{name} has no quotes of days before",
        zh=f"{name} 没有此前各日的报价",
        field="history",
        remedy="Import daily quotes or settlement prices.",
        remedy_zh="请导入逐日行情或结算价。",
    )


def _unchecked(unit: Unit) -> MissingData:
    return MissingData(
        f"no limits are set by which quotes of {unit.scheme} are checked, so carried closes cannot be told",
        zh=f"{unit.scheme} 未设行情质量检查界限，无法识别沿用收盘价",
        field="history",
        remedy=f"Enter and approve pricing.limit_ratio and its neighbours for {unit.scheme}.",
        remedy_zh=f"请为 {unit.scheme} 录入涨跌停幅度等检查参数并经复核。",
    )


def _currencies(
    lines: Sequence[PortfolioLine], options: OptionMarket | None, forwards: ForwardMarket | None
) -> list[Currency]:
    """Name the currencies in which anything of the book is priced, agreed or discounted."""
    found = {point.currency for point in options.points} if options else set()
    if forwards is not None:
        found |= {point.price_currency for point in forwards.points} | {one.terms.currency for one in forwards.points}
    found |= {line.agreed_currency for line in lines if is_foreign_future(line)}
    if any(line.kind is LineKind.FORWARD for line in lines):
        found.add(Currency.CNY)
    return sorted(found)


def _rate_names(currency: Currency) -> tuple[str, ...]:
    return tuple(sorted(name for name, (_, of) in RATE_SERIES.items() if of is currency and name != LPR))


def _deviation(
    snapshot: MarketSnapshot, kind: FactorKind, currency: Currency, history: FactorHistory | None
) -> MarketDeviation | None:
    """Give how far a rate or a currency moves in a year: approved, else as its history says, else nothing."""
    key, scope = (RATE_VOLATILITY, currency) if kind is FactorKind.RATE else (FX_VOLATILITY, pair_of(currency))
    approved = snapshot.find_parameter(key, scope=scope)
    if approved is not None:
        return MarketDeviation(
            kind=kind, name=currency, deviation=approved.decimal, source=approved.document, is_assumption=True
        )
    deviation = None if history is None else day_deviation(history)
    if history is None or deviation is None:
        return None
    return MarketDeviation(
        kind=kind,
        name=currency,
        deviation=to_decimal(deviation * math.sqrt(TRADING_DAYS_A_YEAR), places=_PLACES),
        source=f"{history.source} {history.points[0].day} 至 {history.points[-1].day}，"
        f"{len(history.points) - 1} 个变动",
        is_assumption=False,
    )
