"""What a structured trade rests on: forward prices, discount factors and volatilities, each with its figure."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc.cross_currency import composite_vol
from pricing.calc.forward_lines import forward_of
from pricing.calc.forward_market import ForwardMarket
from pricing.calc.forward_traces import CURVES, curves_figure, yield_name
from pricing.calc.forwards import maturity_years
from pricing.calc.lines import FORWARD_RATE, Forward
from pricing.calc.liquidity import price_figures
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionMarket, OptionPoint
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio import priced_market
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.structured.trades import StructuredTrade, StructureKind, days_to_come
from pricing.calc.traces import price_name

VOLATILITY = "pricing.volatility"
"""Approved volatility of a unit's price, by unit; it goes before what the surface says, as in risk."""
FX_VOLATILITY = "pricing.fx_volatility"
"""Approved volatility of an exchange rate, by pair."""
PRICE_FX_CORRELATION = "pricing.price_fx_correlation"
"""Approved correlation of a price with an exchange rate in units of the payment currency, by unit and pair."""
PRICE_CORRELATION = "pricing.price_correlation"
"""Approved correlation of two prices, by both units or for all."""
_PLACES, _FACTOR_PLACES = 10, 12
_FLAT_RATE = "flat_rate"  # `rate` is the trade's own
_STRIKE_PLACES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureInputs:
    """All that the value of a structured trade takes; valuing it again gives the same bits.

    Attributes:
        forwards: What the forward prices and discount factors rest on; None where the bank chose its flat rate.
        options: Volatilities at the money of the days to come; None where none was read.
    """

    trade: StructuredTrade
    valuation_date: date
    known_at: datetime
    snapshot: MarketSnapshot
    forwards: ForwardMarket | None
    options: OptionMarket | None


def forward_lines_of(trade: StructuredTrade, valuation_date: date) -> tuple[PortfolioLine, ...]:
    """Give the forwards of one tonne whose markets the trade rests on, each once."""
    wanted: dict[str, PortfolioLine] = {}
    for day in days_to_come(trade, valuation_date):
        for unit, currency in _legs(trade):
            line = forward_line(unit, day, currency)
            wanted[line.line_id] = line
    return tuple(wanted.values())


def _legs(trade: StructuredTrade) -> tuple[tuple[Unit, Currency], ...]:
    """Give which unit's forward is wanted in which currency."""
    if trade.kind is StructureKind.LENDING:
        assert trade.other_unit is not None, "a sound lending has the unit that comes back"
        return ((trade.other_unit, trade.currency),)
    own = ((trade.unit, trade.currency),)
    if trade.price_currency is not None:
        return (*own, (trade.unit, trade.price_currency))
    return own if trade.other_unit is None else (*own, (trade.other_unit, trade.currency))


def forward_line(unit: Unit, day: date, currency: Currency) -> PortfolioLine:
    """Give a forward of one tonne; its agreed price plays no part."""
    is_cny = currency is Currency.CNY
    return PortfolioLine(
        line_id=f"{unit}.{day}.{currency}", kind=LineKind.FORWARD, unit=unit, quantity_t=1, delivery_date=day,
        strike_cny_per_t=Decimal(1) if is_cny else None, strike_per_t=None if is_cny else Decimal(1),
        currency=None if is_cny else currency,
    )  # fmt: skip


def option_lines_of(
    trade: StructuredTrade, snapshot: MarketSnapshot, forwards: ForwardMarket | None
) -> tuple[PortfolioLine, ...]:
    """Give options at the money whose volatility the trade rests on, where the bank has approved none by itself.

    Only a unit with a futures curve has a surface; of the others the volatility must be approved.
    """
    if forwards is None:
        return ()
    wanted = []
    for unit in volatile_units(trade):
        if snapshot.find_parameter(VOLATILITY, scope=str(unit)) is not None:
            continue
        points = [one for one in forwards.points if one.terms.unit == unit and one.forward_per_t is not None]
        for day, forward in sorted({(one.terms.delivery_date, one.forward_per_t) for one in points}):
            assert forward is not None, "left out above"
            wanted.append(
                PortfolioLine(
                    line_id=f"{unit}.{day}.volatility", kind=LineKind.OPTION, unit=unit, quantity_t=1,
                    delivery_date=day, expiry_date=day, option_type=OptionType.CALL,
                    option_style=ExerciseStyle.EUROPEAN, strike_per_t=round(forward, _STRIKE_PLACES),
                )
            )  # fmt: skip
    return tuple(wanted)


def volatile_units(trade: StructuredTrade) -> tuple[Unit, ...]:
    """Give the units whose volatility moves the value of a trade."""
    has_limits = trade.link_floor_rate is not None or trade.link_cap_rate is not None
    if trade.kind is StructureKind.SPREAD_OPTION:
        assert trade.other_unit is not None, "a sound spread has two units"
        return trade.unit, trade.other_unit
    is_quanto = trade.kind is StructureKind.QUANTO_FORWARD
    return (trade.unit,) if is_quanto or (trade.kind is StructureKind.CARBON_BOND and has_limits) else ()


class Readings:
    """Reads what a trade rests on, and keeps the figure of each reading in the order of reading."""

    def __init__(self, inputs: StructureInputs) -> None:
        self.inputs = inputs
        units = {line.unit for line in forward_lines_of(inputs.trade, inputs.valuation_date)}
        self.market = priced_market(inputs.snapshot, units)
        self.forwards: dict[str, Forward] = {}
        self.figures: dict[str, Figure] = {}
        self.volatilities: list[OptionPoint] = []
        self.assumed: list[ParameterValue] = []
        if inputs.forwards is not None:
            self._keep(curves_figure(inputs.forwards))

    def forward(self, unit: Unit, day: date, currency: Currency) -> tuple[Forward, tuple[str, str]]:
        """Give what a delivery rests on, and the names of the figures of its price and factor.

        Raises:
            MissingData: A price, a curve or the flat rate is not known.
        """
        line = forward_line(unit, day, currency)
        name = f"leg.{line.line_id}"
        if line.line_id not in self.forwards:
            found = forward_of(
                self.market.lines, line, forwards=self.inputs.forwards, unpriced=self.market.unpriced
            )  # fmt: skip
            self.forwards[line.line_id] = found
            self._tell_forward(line, name, found, currency)
        return self.forwards[line.line_id], (f"{name}.forward_per_t", f"{name}.discount_factor")

    def _tell_forward(self, line: PortfolioLine, name: str, found: Forward, currency: Currency) -> None:
        day = line.delivery_date
        curve = _FLAT_RATE if found.point is None else CURVES
        if found.point is None:
            self._keep(Figure.of_parameter(_FLAT_RATE, self.inputs.snapshot.parameter(FORWARD_RATE, scope="")))
        behind = [curve]
        if found.spot is not None:
            own = price_name(str(line.unit))
            for figure in price_figures(self.inputs.snapshot, found.spot, name=own):
                self._keep(figure)
            behind.append(own)
        if found.convenience_yield is not None:
            figure = Figure.of_parameter(yield_name(found.convenience_yield), found.convenience_yield)
            self._keep(figure)
            behind.append(figure.name)
        said = "flat rate" if found.point is None else found.point.price_curve
        self._keep(
            Figure(
                name=f"{name}.discount_factor", label_zh=f"{currency} 贴现因子（{day}）",
                label_en=f"{currency} discount factor, {day}", unit="ratio", inputs=(curve,),
                value=format(to_decimal(found.discount_factor, places=_FACTOR_PLACES), "f"),
                formula="flat rate" if found.point is None else f"{currency} discount curve",
            )
        )  # fmt: skip
        self._keep(
            Figure(
                name=f"{name}.forward_per_t", label_zh=f"{line.unit} 远期价格（{day}）",
                label_en=f"{line.unit} forward price, {day}", unit=f"{currency}/t",
                value=format(to_decimal(found.forward_per_t, places=_PLACES).normalize(), "f"),
                formula=f"{'spot carried along' if found.spot is not None else 'futures curve'} {said}",
                inputs=tuple(behind),
            )
        )  # fmt: skip

    def cny_per_unit(self) -> tuple[float, Figure]:
        """Give 元 for one unit of the trade's currency, as any of its forwards has it."""
        currency = self.inputs.trade.currency
        points = [one.point for one in self.forwards.values() if one.point is not None]
        point = next((one for one in points if one.terms.currency is currency), None)
        rate = Decimal(1) if point is None else point.cny_per_unit
        figure = Figure(
            name="cny_per_unit", label_zh=f"{currency} 汇率", label_en=f"exchange rate of {currency}",
            value=format(rate, "f"), unit="ratio" if currency is Currency.CNY else f"CNY/{currency}",
            source="人民币" if point is None or not point.fx_source else point.fx_source,
        )  # fmt: skip
        return to_float(rate), self._keep(figure)

    def volatility(self, unit: Unit, day: date, currency: Currency) -> tuple[float, str]:
        """Give the volatility of a unit's price in a currency to a day, and the name of its figure.

        What the bank approved goes before the surface at the money; a price quoted in another currency takes the
        exchange rate's volatility in: sqrt(sF^2 + sX^2 + 2 rho sF sX).

        Raises:
            MissingData: A volatility or a correlation is not known; none is assumed.
        """
        own, name = self._price_volatility(unit, day)
        found = self.forwards[forward_line(unit, day, currency).line_id].point
        quoted = currency if found is None else found.price_currency
        if quoted is currency:
            return own, name
        fx, fx_name = self.fx_volatility(quoted, currency)
        rho, rho_name = self.parameter(PRICE_FX_CORRELATION, f"{unit}.{quoted}{currency}")
        both = float(composite_vol(price_vol=own, fx_vol=fx, price_fx_correlation=rho))
        figure = Figure(
            name=f"leg.{unit}.{day}.{currency}.volatility", label_zh=f"{unit} 波动率（{currency}，{day}）",
            label_en=f"volatility of {unit} in {currency}, {day}", unit="ratio",
            value=format(to_decimal(both, places=_PLACES), "f"),
            formula="sqrt(price_vol^2 + fx_vol^2 + 2 * correlation * price_vol * fx_vol)",
            inputs=(name, fx_name, rho_name),
        )  # fmt: skip
        return both, self._keep(figure).name

    def _price_volatility(self, unit: Unit, day: date) -> tuple[float, str]:
        approved = self.inputs.snapshot.find_parameter(VOLATILITY, scope=str(unit))
        if approved is not None:
            return self.parameter(VOLATILITY, str(unit))
        options = self.inputs.options
        points = () if options is None else options.points
        point = next((one for one in points if one.terms.unit == unit and one.terms.expiry_date == day), None)
        if point is None:
            gaps = () if options is None else options.gaps
            gap = next((one for one in gaps if one.item == f"{unit}.{day}.volatility"), None)
            raise _no_volatility(
                unit, day, "" if gap is None else f"{gap.zh}；", "" if gap is None else f"{gap.detail}; "
            )
        self.volatilities.append(point)
        figure = Figure(
            name=f"leg.{unit}.{day}.volatility", label_zh=f"{unit} 平值波动率（{day}）",
            label_en=f"volatility of {unit} at the money, {day}", unit="ratio",
            value=format(point.volatility, "f"),
            source=f"{point.surface} 曲面（{'、'.join(point.sources)}）{point.quote_date}",
            confirmed=not (point.is_sample or point.is_assumption),
        )  # fmt: skip
        return to_float(point.volatility), self._keep(figure).name

    def fx_volatility(self, foreign: Currency, own: Currency) -> tuple[float, str]:
        """Give the approved volatility of an exchange rate, quoted either way round, and the name of its figure.

        Raises:
            MissingData: None is approved.
        """
        return self.parameter(FX_VOLATILITY, f"{foreign}{own}", f"{own}{foreign}")

    def parameter(self, key: str, *scopes: str) -> tuple[float, str]:
        """Give an approved number of the first scope that has one, and the name of its figure.

        Raises:
            MissingData: None has.
        """
        found = (self.inputs.snapshot.find_parameter(key, scope=scope) for scope in scopes)
        value = next((one for one in found if one is not None), None)
        if value is None:
            raise MissingData(
                f"{key}[{scopes[0]}] is not approved",
                zh=f"参数 {key}（{scopes[0]}）没有经核定的取值",
                field=key,
                remedy=f"Enter and approve {key}[{scopes[0]}] with its source.",
                remedy_zh=f"请录入参数 {key}（{scopes[0]}）及依据并经复核。",
            )
        self.assumed.append(value)
        return to_float(value.decimal), self._keep(Figure.of_parameter(f"{key}.{value.scope}", value)).name

    def years(self, day: date) -> float:
        """Give act/365 years to a day."""
        return float(np.float64(maturity_years(self.inputs.valuation_date, day)))

    def _keep(self, figure: Figure) -> Figure:
        return self.figures.setdefault(figure.name, figure)


def _no_volatility(unit: Unit, day: date, why_zh: str, why: str) -> MissingData:
    return MissingData(
        f"{why}{unit} has no volatility to {day}, and none is approved",
        zh=f"{why_zh}{unit} 至 {day} 没有可用波动率，也没有经核定的取值",
        field="volatility",
        remedy=f"Import volatilities of that day, or enter and approve {VOLATILITY}[{unit}].",
        remedy_zh=f"请导入当日期权波动率，或录入参数 {VOLATILITY}（{unit}）并经复核。",
    )
