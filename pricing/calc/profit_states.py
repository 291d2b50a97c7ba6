"""What a line's value rests on at a valuation, as numbers that can be moved one by one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.fixings import Fixings, fixings_of
from pricing.calc.forward_market import ForwardTerms
from pricing.calc.forwards import maturity_years
from pricing.calc.futures_market import is_foreign_future
from pricing.calc.line_faults import line_fault
from pricing.calc.lines import CONVENIENCE_YIELD, FORWARD_RATE
from pricing.calc.option_market import OptionPoint, OptionTerms
from pricing.calc.option_positions import OptionColumns, option_values
from pricing.calc.portfolio import PortfolioInputs, PricedMarket
from pricing.calc.positions import LineKind, PortfolioLine


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """What a line rests on; what its kind does not use is 0, or 1 for the exchange rate.

    Attributes:
        valuation_date: Day of the valuation.
        price_per_t: Spot price, settlement price, or forward price off a futures curve, in its currency.
        years: act/365 to delivery of a forward or expiry of an option.
        rate: Continuously compounded rate that discounts a forward or an option.
        carry_rate: Rate less convenience yield at which spot of a forward is carried; 0 for a price of the delivery.
        volatility: Of an option.
        fx_forward: Units of the currency of a forward's agreed price for one of its price's, at delivery.
        cny_per_unit: 元 for one unit of the option's currency, of the forward's agreed price, or of the settlement's.
        fixings: Of an average-price option, as they stand on the day.
        is_of_use: Whether the unit may still be used when it is held or delivered; one past use is worth nothing.
    """

    valuation_date: date
    price_per_t: float
    years: float = 0.0
    rate: float = 0.0
    carry_rate: float = 0.0
    volatility: float = 0.0
    fx_forward: float = 1.0
    cny_per_unit: float = 1.0
    fixings: Fixings | None = None
    is_of_use: bool = True


def line_state(
    inputs: PortfolioInputs, market: PricedMarket, points: Mapping[OptionTerms, OptionPoint], line: PortfolioLine
) -> LineState | None:
    """Give what a line rests on at a valuation, None where that is not known or the line has come to its end.

    Args:
        inputs: What the valuation took.
        market: Fair prices on it.
        points: What its options rest on.
        line: The line, of this valuation's book or of another's.
    """
    if line_fault(line) is not None:
        return None
    snapshot = inputs.snapshot
    today = snapshot.valuation_date
    if line.kind is LineKind.OPTION:
        point = points.get(OptionTerms.of(line))
        return None if point is None else _option_state(point, line, today)
    if line.kind is LineKind.FUTURES:
        return _settled_state(inputs, line)
    day = line.delivery_date or today
    is_of_use = market.lines.past_use(line.unit, day) is None
    if line.kind is LineKind.FORWARD:
        state = None if day <= today else _forward_state(inputs, market, line)
        return None if state is None else replace(state, is_of_use=is_of_use)
    price = market.lines.prices.get(line.unit)
    if price is None:
        return None
    return LineState(valuation_date=today, price_per_t=to_float(price.price_cny_per_t), is_of_use=is_of_use)


def _forward_state(inputs: PortfolioInputs, market: PricedMarket, line: PortfolioLine) -> LineState | None:
    """Give what a forward rests on: its point of the curves where the valuation took them, else the flat rate."""
    today = inputs.valuation_date
    spot = market.lines.prices.get(line.unit)
    assert line.delivery_date is not None, "checked by `line_fault`"
    if inputs.forwards is None:
        flat = inputs.snapshot.find_parameter(FORWARD_RATE, scope="")
        if flat is None or spot is None:
            return None
        rate = to_float(flat.decimal)
        return LineState(
            valuation_date=today, price_per_t=to_float(spot.price_cny_per_t),
            years=maturity_years(today, line.delivery_date), rate=rate, carry_rate=rate,
        )  # fmt: skip
    terms = ForwardTerms.of(line)
    point = next((one for one in inputs.forwards.points if one.terms == terms), None)
    if point is None or (point.forward_per_t is None and spot is None):
        return None
    years = to_float(point.years)
    state = LineState(
        valuation_date=today, price_per_t=0.0, years=years, rate=-math.log(to_float(point.discount_factor)) / years,
        fx_forward=to_float(point.fx_forward), cny_per_unit=to_float(point.cny_per_unit),
    )  # fmt: skip
    if point.forward_per_t is not None:
        return replace(state, price_per_t=to_float(point.forward_per_t))
    assert spot is not None, "checked above"
    assert point.carry_factor is not None, "without a futures curve spot is carried"
    yielded = inputs.snapshot.find_parameter(CONVENIENCE_YIELD, scope=line.unit.scheme)
    carry = -math.log(to_float(point.carry_factor)) / years - (0.0 if yielded is None else to_float(yielded.decimal))
    return replace(state, price_per_t=to_float(spot.price_cny_per_t), carry_rate=carry)


def _settled_state(inputs: PortfolioInputs, line: PortfolioLine) -> LineState | None:
    settled = settlement_on(inputs, line)
    if settled is None:
        return None
    price_per_t, cny_per_unit = settled
    return LineState(
        valuation_date=inputs.valuation_date, price_per_t=to_float(price_per_t), cny_per_unit=to_float(cny_per_unit)
    )


def settlement_on(inputs: PortfolioInputs, line: PortfolioLine) -> tuple[Decimal, Decimal] | None:
    """Give the settlement price of a contract on the day in its currency, and 元 for a unit; None without a price."""
    today = inputs.valuation_date
    if not is_foreign_future(line):
        own = [one for one in inputs.snapshot.settlements_of(line.contract_code or "") if one.settlement_date == today]
        return (own[-1].price_cny_per_t, Decimal(1)) if own else None
    contract = None if inputs.futures is None else inputs.futures.contract_of(line)
    if contract is None:
        return None
    prices = [one.price_per_t for one in contract.prices if one.settlement_date == today]
    return (prices[-1], contract.cny_per_unit) if prices else None


def _option_state(point: OptionPoint, line: PortfolioLine, today: date) -> LineState | None:
    try:
        fixings = None if line.averaging is None else fixings_of(line.averaging, today)
    except InvalidInput:
        return None
    years = to_float(point.years)
    return LineState(
        valuation_date=today,
        price_per_t=to_float(point.forward_per_t),
        years=years,
        rate=-math.log(to_float(point.discount_factor)) / years,
        volatility=to_float(point.volatility),
        cny_per_unit=to_float(point.cny_per_unit),
        fixings=fixings,
    )


def worth(line: PortfolioLine, state: LineState) -> float:
    """Give a line's value in 元; of a futures-style contract its price times tonnes, whose moves are its margin."""
    price = state.price_per_t if state.is_of_use else 0.0
    if line.kind is LineKind.FORWARD:
        strike = to_float(line.agreed_per_t or Decimal(0))
        forward = price * math.exp(state.carry_rate * state.years) * state.fx_forward
        return (forward - strike) * line.quantity_t * math.exp(-state.rate * state.years) * state.cny_per_unit
    if line.kind is not LineKind.OPTION:
        return price * line.quantity_t * state.cny_per_unit
    assert line.option_style is not None, "checked by `line_fault`"
    assert line.option_type is not None, "checked by `line_fault`"
    columns = OptionColumns(
        forward=np.array([price]),
        strike=np.array([to_float(line.strike_per_t or Decimal(0))]),
        volatility=np.array([state.volatility]),
        years=np.array([state.years]),
        discount=np.array([math.exp(-state.rate * state.years)]),
        sign=np.array([line.option_type.sign], dtype=np.float64),
    )
    per_t = float(option_values(line.option_style, columns, state.valuation_date, state.fixings)[0])
    return per_t * state.cny_per_unit * line.quantity_t
