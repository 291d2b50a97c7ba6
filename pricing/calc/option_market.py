"""The market of a book's options: forward, volatility and discount factor of each, as numbers that can be recorded.

Curves and surfaces hold floats and take seconds to build; what an option rests on is five numbers. They are recorded
with the decision, exactly as they were read, so that a valuation of last year is made again with no curve at hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.record import ADDED_LATER
from pricing.calc.conversion import FxLimit, cny_rate
from pricing.calc.curve_quotes import CurveQuote, CurveQuotes, volatility_point
from pricing.calc.curves.nodes import serial_of
from pricing.calc.curves.origins import CurveBuild
from pricing.calc.curves.surfaces import SurfaceBuild
from pricing.calc.curves.volatility import StrikeAxis
from pricing.calc.line_faults import line_fault
from pricing.calc.market_points import read_points
from pricing.calc.positions import LineKind, PortfolioLine

_Node = TypeVar("_Node", date, Decimal)
_EXACT_PLACES = 18  # a float from 0.1 on comes back from its text bit for bit


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTerms:
    """What tells one option's market from another's."""

    unit: Unit
    expiry_date: date
    delivery_date: date
    strike_per_t: Decimal

    @classmethod
    def of(cls, line: PortfolioLine) -> "OptionTerms":
        """Give the terms of a line that `line_fault` found sound."""
        assert line.expiry_date is not None, "a sound option has an expiry"
        assert line.delivery_date is not None, "a sound option has a delivery"
        assert line.strike_per_t is not None, "a sound option has a strike"
        return cls(
            unit=line.unit,
            expiry_date=line.expiry_date,
            delivery_date=line.delivery_date,
            strike_per_t=line.strike_per_t,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceNode:
    """A volatility that was quoted beside the point read: expiry and strike as published, and by whom."""

    point: str
    volatility: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPoint:
    """What options of the same terms rest on, read off the curves and the surface of a day.

    Attributes:
        surface: Scheme and phase of the surface, EUA/4.
        currency: Currency of the futures curve; forward and strike are in it.
        forward_per_t: F for the delivery.
        volatility: sigma at strike and expiry.
        years: T, act/365 to expiry.
        discount_factor: D to expiry.
        cny_per_unit: 元 for one unit of the currency; 1 for 元.
        fx_source: Where that rate was read; empty for 元.
        quote_date: Day of the volatilities.
        sources: Who published volatilities and settlement prices.
        nodes: The quotes between which the surface was read.
        arbitrages: Nodes of the surface that allow arbitrage; it is read all the same, and who values is told.
        is_assumption: Whether the volatility was assumed for want of quotes.
        is_sample: Whether any quote is invented.
    """

    terms: OptionTerms
    surface: str
    currency: Currency
    forward_per_t: Decimal
    volatility: Decimal
    years: Decimal
    discount_factor: Decimal
    cny_per_unit: Decimal
    fx_source: str
    quote_date: date
    sources: tuple[str, ...]
    nodes: tuple[SurfaceNode, ...]
    arbitrages: tuple[str, ...]
    is_assumption: bool
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionMarket:
    """The points of a book's options, and the options that have none with the reason.

    Attributes:
        valuation_date: Day of curves and surfaces.
        set_digest: SHA-256 over all curves and surfaces of the day.
        quotes_digest: SHA-256 over the quotes they were built of.
        points: One for each distinct terms.
        gaps: One failure for each line without a point; the item is the line's code.
        marks_calendar: Whether expiries past the known calendar are marked or refused; None where it was recorded
            before they were.
    """

    valuation_date: date
    set_digest: str
    quotes_digest: str
    points: tuple[OptionPoint, ...]
    gaps: tuple[Failure, ...]
    marks_calendar: bool | None = field(default=None, metadata=ADDED_LATER)


def option_lines_of(lines: Iterable[PortfolioLine]) -> list[PortfolioLine]:
    """Give the options of a book that are sound by themselves."""
    return [line for line in lines if line.kind is LineKind.OPTION and line_fault(line) is None]


def option_market(
    build: CurveBuild,
    quotes: CurveQuotes,
    lines: Sequence[PortfolioLine],
    *,
    fx_stale_after_days: FxLimit,
) -> OptionMarket:
    """Read what each option rests on; one whose market is not known is a gap, and the others stand.

    Args:
        build: Curves and surfaces of the day.
        quotes: What they were built of.
        lines: Options that are sound by themselves.
        fx_stale_after_days: Calendar days after which the exchange rate of a pair may not be used; None if not set.
    """
    reader = _Reader(build, quotes, fx_stale_after_days)
    points, gaps = read_points(lines, OptionTerms.of, reader.point)
    return OptionMarket(
        valuation_date=build.curves.valuation_date,
        set_digest=build.curves.digest,
        quotes_digest=quotes.digest,
        points=points,
        gaps=gaps,
        marks_calendar=True,
    )


class _Reader:
    """Reads points off the curves of one day."""

    def __init__(self, build: CurveBuild, quotes: CurveQuotes, fx_stale_after_days: FxLimit) -> None:
        self._build, self._quotes, self._fx_limit = build, quotes, fx_stale_after_days
        self._today = build.curves.valuation_date

    def point(self, terms: OptionTerms) -> OptionPoint:
        if terms.expiry_date <= self._today:
            raise _expired(terms.expiry_date)
        found = self._surface(terms)
        surface, curves = found.surface, self._build.curves
        futures = curves.futures_of(surface.product)
        expiry, delivery = (np.array([serial_of(day)]) for day in (terms.expiry_date, terms.delivery_date))
        for error, place in (
            (futures.error_outside(delivery), "delivery_date"), (surface.error_outside(expiry), "expiry_date")
        ):  # fmt: skip
            if error is not None:
                raise MissingData(
                    error.detail, zh=error.zh, field=place, remedy=error.remedy, remedy_zh=error.remedy_zh
                ) from error
        strike = np.array([to_float(terms.strike_per_t)])
        forward = futures.forwards_per_t(delivery)
        variance = surface.total_variances(expiry_serials=expiry, strikes_per_t=strike, forwards_per_t=forward)
        years = float(year_fraction(DayCount.ACT_365, self._today, terms.expiry_date))
        discount = curves.discount_of(futures.currency).discount_factors(expiry)
        settled = next((q for q in self._quotes.quotes if q.kind == "settlement" and q.name == terms.unit.scheme), None)
        rate = cny_rate(self._quotes, futures.currency, stale_after_days=self._fx_limit)
        axis = terms.strike_per_t if surface.axis is StrikeAxis.STRIKE else _exact((strike[0] / forward[0]).item())
        return OptionPoint(
            terms=terms,
            surface=found.name,
            currency=futures.currency,
            forward_per_t=_exact(forward[0].item()),
            volatility=_exact(np.sqrt(variance[0] / years).item()),
            years=_exact(years),
            discount_factor=_exact(discount[0].item()),
            cny_per_unit=rate.cny_per_unit,
            fx_source=rate.source,
            quote_date=max(quote.quote_date for quote in found.inputs),
            sources=tuple(sorted({one.source for one in (*found.inputs, *((settled,) if settled else ()))})),
            nodes=_around(found.inputs, terms.expiry_date, axis),
            arbitrages=tuple(f"{one.kind} {one.expiry_date} {one.strike:g}" for one in found.arbitrages),
            is_assumption=surface.is_assumption,
            is_sample=rate.is_sample or any(one.is_sample for one in (*found.inputs, *((settled,) if settled else ()))),
        )

    def _surface(self, terms: OptionTerms) -> SurfaceBuild:
        """Give the scheme's surface that reaches the expiry, else the one that says why it does not."""
        scheme = terms.unit.scheme
        for failure in self._build.surface_failures:
            if failure.item == f"volatility {scheme}":
                raise MissingData(
                    failure.detail, zh=failure.zh, field=failure.field, remedy=failure.remedy,
                    remedy_zh=failure.remedy_zh,
                )  # fmt: skip
        named = [one for one in self._build.surfaces if one.surface.product.scheme is scheme]
        if not named:
            raise MissingData(
                f"{scheme} has no volatility surface on {self._today}",
                zh=f"{self._today} 没有 {scheme} 波动率曲面",
                field="unit",
                remedy="Import the volatilities of that day; none is ever assumed.",
                remedy_zh="请导入当日期权波动率，系统不作假设。",
            )
        expiry = np.array([serial_of(terms.expiry_date)])
        return next((one for one in named if one.surface.error_outside(expiry) is None), named[0])


def _exact(value: float) -> Decimal:
    return to_decimal(value, places=_EXACT_PLACES).normalize()


def _around(inputs: Sequence[CurveQuote], expiry_date: date, strike: Decimal) -> tuple[SurfaceNode, ...]:
    """Give the quotes at the expiries and strikes on either side of a point, at most four."""
    expiries = sorted({one.expiry_date for one in inputs if one.expiry_date is not None})
    strikes = sorted({volatility_point(one)[0] for one in inputs})
    days, levels = _beside(expiries, expiry_date), _beside(strikes, strike)
    return tuple(
        SurfaceNode(point=one.point, volatility=one.value, source=f"{one.source} {one.quote_date}")
        for one in inputs
        if one.expiry_date in days and volatility_point(one)[0] in levels
    )


def _beside(nodes: Sequence[_Node], value: _Node) -> set[_Node]:
    below = max((node for node in nodes if node <= value), default=nodes[0])
    above = min((node for node in nodes if node >= value), default=nodes[-1])
    return {below, above}


def _expired(expiry_date: date) -> InvalidInput:
    return InvalidInput(
        f"it expired on {expiry_date}",
        zh=f"期权已于 {expiry_date} 到期",
        field="expiry_date",
        remedy="Take it out of the book; enter what was delivered as a holding or future.",
        remedy_zh="请从组合中删除；已行权的请录为现货或期货。",
    )
