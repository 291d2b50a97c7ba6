"""The calls of a day's surface that expire within a compliance period, as prices a model is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import round_half_up, to_float
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind, volatility_point
from pricing.calc.models.cautions import FloatArray
from pricing.calc.option_market import OptionPoint
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.service.curve_quotes import curve_quotes_of
from pricing.service.curve_readers import CurveReader, curve_reader

_LOOK_BACK = timedelta(days=7)
_QUOTES_MAX = 12
"""Options a fit takes, those nearest the money: far from it a quote says more of its spread than of the model."""
_STRIKE_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuotedCalls:
    """Calls as the volatilities of a day price them, by Black-76 on their own forwards; arrays have shape (quotes,)."""

    points: tuple[OptionPoint, ...]
    forward_per_t: FloatArray
    strike_per_t: FloatArray
    expiry_years: FloatArray
    discount_factor: FloatArray
    call_per_t: FloatArray


def quoted_calls(
    session: Session, actor: Actor, scheme: Scheme, *, until: date, valuation_date: date, known_at: datetime
) -> QuotedCalls:
    """Give the calls whose volatilities were quoted last, that expire before a day; at most twelve.

    Raises:
        MissingData: No such volatility is stored, or a quote has no forward or discount factor.
    """
    quotes = curve_quotes_of(
        session, actor, kind=CurveQuoteKind.VOLATILITY, name=scheme, from_date=valuation_date - _LOOK_BACK,
        to_date=valuation_date, known_at=known_at,
    )  # fmt: skip
    last = max((one.quote_date for one in quotes), default=None)
    alive = [one for one in quotes if one.quote_date == last and _expires_inside(one, valuation_date, until)]
    if not alive:
        raise MissingData(
            f"{scheme} has no option volatility in the week to {valuation_date} that expires before {until}",
            zh=f"{scheme} 在 {valuation_date} 前一周没有 {until} 之前到期的期权波动率",
            field="calibrated_to",
            remedy="Import volatilities by expiry and strike, or calibrate to history.",
            remedy_zh="请导入按到期日与行权价的波动率，或改为按历史价格校准。",
        )
    reader = curve_reader(session, actor, valuation_date=valuation_date, known_at=known_at)
    points = _points(reader, scheme, _strikes(reader, scheme, alive))
    nearest = sorted(points, key=lambda one: (abs(_moneyness(one)), one.terms.expiry_date, one.terms.strike_per_t))
    kept = tuple(nearest[:_QUOTES_MAX])
    forward, strike, years, factor, volatility = (
        np.array([to_float(value) for value in column])
        for column in zip(
            *(
                (one.forward_per_t, one.terms.strike_per_t, one.years, one.discount_factor, one.volatility)
                for one in kept
            ),
            strict=True,
        )
    )
    call = black76_value_per_t(
        forward_per_t=forward, strike_per_t=strike, total_volatility=volatility * np.sqrt(years),
        discount_factor=factor, option_sign=np.ones_like(strike),
    )  # fmt: skip
    return QuotedCalls(
        points=kept, forward_per_t=forward, strike_per_t=strike, expiry_years=years, discount_factor=factor,
        call_per_t=call,
    )  # fmt: skip


def _expires_inside(quote: CurveQuote, start: date, end: date) -> bool:
    return quote.expiry_date is not None and start < quote.expiry_date < end


def _moneyness(point: OptionPoint) -> float:
    return float(np.log(to_float(point.terms.strike_per_t) / to_float(point.forward_per_t)))


def _strikes(reader: CurveReader, scheme: Scheme, quotes: Sequence[CurveQuote]) -> set[tuple[date, Decimal]]:
    """Give expiry and strike of each quote; one over the forward is turned into a strike."""
    read = [(one.expiry_date, *volatility_point(one)) for one in quotes if one.expiry_date is not None]
    relative = {day for day, _, is_ratio in read if is_ratio}
    forwards = {
        one.terms.expiry_date: one.forward_per_t for one in _points(reader, scheme, {(d, Decimal(1)) for d in relative})
    }
    return {
        (day, round_half_up(number * forwards[day], _STRIKE_PLACES) if is_ratio else number)
        for day, number, is_ratio in read
    }


def _points(reader: CurveReader, scheme: Scheme, wanted: set[tuple[date, Decimal]]) -> tuple[OptionPoint, ...]:
    lines = [
        PortfolioLine(
            line_id=f"{day}/{strike}", kind=LineKind.OPTION, unit=Unit(scheme), quantity_t=1,
            option_type=OptionType.CALL, option_style=ExerciseStyle.EUROPEAN, expiry_date=day, delivery_date=day,
            strike_per_t=strike,
        )
        for day, strike in sorted(wanted)
    ]  # fmt: skip
    market = reader.options(lines) if lines else None
    if market is None:
        return ()
    if market.gaps:
        gap = market.gaps[0]
        raise MissingData(gap.detail, zh=gap.zh, field=gap.field, remedy=gap.remedy, remedy_zh=gap.remedy_zh)
    return market.points
