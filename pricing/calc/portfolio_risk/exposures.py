"""Lines with what a scenario needs: the leg that moves with the price, and the fixed leg that is discounted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from pricing.calc.compliance import VintageState, vintage_use
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.forward_market import ForwardTerms
from pricing.calc.futures_market import is_foreign_future
from pricing.calc.line_faults import failure_of
from pricing.calc.liquidity import fair_price
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionTerms
from pricing.calc.portfolio_risk.inputs import VOLATILITY, RiskInputs
from pricing.calc.portfolio_risk.option_legs import OptionLeg
from pricing.calc.positions import ForwardBasis, ForwardFigures, LineKind, LineValue, PortfolioLine


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketScenarios:
    """Moves by factor and scenario; each array of shape (scenarios,).

    Attributes:
        price: Relative, by price factor.
        log_volatility: Logarithmic, by price factor of options; a factor that is not here stays.
        rate: Parallel differences, by currency.
        fx: Relative, by currency turned into 元.
        count: Scenarios.
    """

    price: Mapping[str, FloatArray]
    log_volatility: Mapping[str, FloatArray]
    rate: Mapping[str, FloatArray]
    fx: Mapping[str, FloatArray]
    count: int


@dataclass(frozen=True, slots=True)
class ExposedLine:
    """A valued line with what a scenario needs: its price leg and its fixed leg, in CNY, or its option.

    Of an option the price leg is what it would gain along delta if the future doubled; scenarios value it again. Of a
    forward on a futures curve a rate discounts both legs; of one carried from spot the fixed leg alone.

    Attributes:
        price_currency: Of the price leg, with which it moves in 元.
        fixed_currency: Of the fixed leg, whose rate discounts it; of an option the one currency it has.
    """

    line: PortfolioLine
    value: LineValue
    factor: str
    price_leg: float
    fixed_leg: float
    years: float
    option: OptionLeg | None = None
    is_forward_priced: bool = False
    price_currency: Currency = Currency.CNY
    fixed_currency: Currency = Currency.CNY

    def pnl(self, move: float, rate_move: float, *, fx_move: float = 0.0, log_volatility: float = 0.0) -> float:
        """Give the exact P&L of a relative price move and a parallel move of the rate.

        Args:
            move: Of the price.
            rate_move: Of every rate.
            fx_move: Relative move of every currency in 元.
            log_volatility: Logarithmic move of an option's volatility.
        """
        if fx_move != 0.0 or (log_volatility != 0.0 and self.option is not None):
            names = {self.price_currency, self.fixed_currency}
            given = {self.factor: np.array([log_volatility])} if log_volatility != 0.0 else {}
            return float(
                self.scenario_pnl(
                    MarketScenarios(
                        price={self.factor: np.array([move])},
                        log_volatility=given,
                        rate={name: np.array([rate_move]) for name in names},
                        fx={name: np.array([fx_move]) for name in names if name is not Currency.CNY},
                        count=1,
                    )
                )[0]
            )
        if self.option is not None:
            return float(self.option.pnl(np.array([move]), rate_move)[0])
        if self.is_forward_priced:
            value = self.price_leg - self.fixed_leg
            return (self.price_leg * move + value) * math.exp(-rate_move * self.years) - value
        return self.price_leg * move - self.fixed_leg * math.expm1(-rate_move * self.years)

    def price_pnl(self, moves: FloatArray, log_volatility: FloatArray | None = None) -> FloatArray:
        """Give P&L of relative price moves, and of an option's volatility beside them, shape (scenarios,)."""
        if self.option is None:
            return self.price_leg * moves
        return self.option.pnl(moves) if log_volatility is None else self.option.joint_pnl(moves, log_volatility)

    def scenario_pnl(self, scenarios: MarketScenarios) -> FloatArray:
        """Give P&L of moves of price, volatility, rates and exchange rates together, shape (scenarios,).

        What is not moved stays. With m, r, x the moves of price, rate and currency and T the years: the price leg
        becomes P (1 + m) (1 + x) and, on a futures curve, exp(-r T) of it; the fixed leg L (1 + x) exp(-r T).
        """
        price = scenarios.price[self.factor]
        still = np.zeros(scenarios.count)
        rate, fx = (moves.get(self.fixed_currency, still) for moves in (scenarios.rate, scenarios.fx))
        if self.option is not None:
            return self.option.market_pnl(price, scenarios.log_volatility.get(self.factor), rate, fx)
        held = (1.0 + price) * (1.0 + scenarios.fx.get(self.price_currency, still))
        if self.is_forward_priced:
            held = held * np.exp(-scenarios.rate.get(self.price_currency, still) * self.years)
        owed = (1.0 + fx) * np.exp(-rate * self.years)
        return np.asarray(self.price_leg * (held - 1.0) - self.fixed_leg * (owed - 1.0))


def line_factor(snapshot: MarketSnapshot, line: PortfolioLine) -> str:
    """Name the price factor of a line: the unit itself of an option, and of a contract whose unit has no spot.

    Raises:
        MissingData: Nothing is quoted for the unit of a holding or of a contract settled in 元.
    """
    if line.kind is LineKind.OPTION:
        return str(line.unit)
    try:
        return factor_of(snapshot, line.unit)
    except MissingData:
        if line.kind is LineKind.FORWARD or is_foreign_future(line):
            return str(line.unit)
        raise


def factor_of(snapshot: MarketSnapshot, unit: Unit) -> str:
    """Name the price factor of a unit: itself where it is quoted, else its scheme's composite."""
    return str(snapshot.quotes_of(unit)[0].unit)


def exposed_lines(inputs: RiskInputs, values: dict[str, LineValue]) -> tuple[list[ExposedLine], list[Failure]]:
    """Give the valued lines whose factor has a volatility, and why the others are left out."""
    snapshot = inputs.book.snapshot
    known = {one.factor for one in inputs.volatilities}
    points = {} if inputs.book.options is None else {one.terms: one for one in inputs.book.options.points}
    forwards = {} if inputs.book.forwards is None else {one.terms: one for one in inputs.book.forwards.points}
    exposed, failures = [], []
    for line in inputs.book.lines:
        value = values.get(line.line_id)
        if value is None:
            continue
        factor = line_factor(snapshot, line)
        if factor not in known:
            failures.append(failure_of(line, _no_volatility(factor)))
            continue
        if value.forward is not None:
            priced = forwards[ForwardTerms.of(line)].price_currency
            exposed.append(_forward_legs(line, value, value.forward, factor, priced))
        elif value.option is None:
            exposed.append(_legs(snapshot, line, value, factor))
        else:
            point = points[OptionTerms.of(line)]
            leg = OptionLeg.of(line, point, snapshot.valuation_date)
            exposure_cny = value.option.delta_t * value.option.forward_per_t * value.option.cny_per_unit
            years = to_float(value.option.years)
            exposed.append(
                ExposedLine(
                    line, value, factor, to_float(exposure_cny), 0.0, years, leg, price_currency=point.currency,
                    fixed_currency=point.currency,
                )
            )  # fmt: skip
    return exposed, failures


def _no_volatility(factor: str) -> InvalidInput:
    return InvalidInput(
        f"{factor} has no volatility: its quotes mix vintages or are too few, and none is approved",
        zh=f"{factor} 没有可用波动率：行情为跨年度综合价格或样本不足，且没有经核定的假设",
        field="volatility",
        remedy=f"Enter and approve the parameter {VOLATILITY}[{factor}].",
        remedy_zh=f"请录入参数 {VOLATILITY}（{factor}）并经复核。",
    )


def _legs(snapshot: MarketSnapshot, line: PortfolioLine, value: LineValue, factor: str) -> ExposedLine:
    """Split a line: value = price leg - fixed leg; a forward's fixed leg is what is paid, discounted."""
    today = snapshot.valuation_date
    if is_foreign_future(line):
        # Settled each day it is worth nothing: a currency moves what a move of the price makes, not the price itself.
        leg = to_float(value.price_cny_per_t * line.quantity_t)
        currency = line.agreed_currency
        return ExposedLine(line, value, factor, leg, leg, 0.0, price_currency=currency, fixed_currency=currency)
    if line.kind is LineKind.FUTURES:
        price_cny_per_t, fixed_cny, years = value.price_cny_per_t, 0.0, 0.0
    else:
        use = vintage_use(lambda key, scope: snapshot.find_parameter(key, scope=scope), line.unit)
        day = line.delivery_date or today
        is_past = use.state_on(day) is VintageState.PAST_USE
        price_cny_per_t = Decimal(0) if is_past else fair_price(snapshot, line.unit).price_cny_per_t
        years = (day - today).days / 365.0
        fixed_cny = to_float(price_cny_per_t * line.quantity_t - value.present_value_cny)
    return ExposedLine(line, value, factor, to_float(price_cny_per_t * line.quantity_t), fixed_cny, years)


def _forward_legs(
    line: PortfolioLine, value: LineValue, forward: ForwardFigures, factor: str, priced: Currency
) -> ExposedLine:
    """Split a forward on curves: the price leg is F q D X, the fixed leg what is left to its value."""
    price_leg = to_float(
        forward.forward_per_t * forward.discount_factor * forward.cny_per_unit * Decimal(line.quantity_t)
    )
    return ExposedLine(
        line=line,
        value=value,
        factor=factor,
        price_leg=price_leg,
        fixed_leg=price_leg - to_float(value.present_value_cny),
        years=to_float(forward.years),
        is_forward_priced=forward.basis is ForwardBasis.FUTURES_CURVE,
        price_currency=priced,
        fixed_currency=forward.currency,
    )


def fen(amount: float) -> Decimal:
    """Round an amount to the fen; nothing has no sign."""
    return to_decimal(amount, places=2) + Decimal(0)
