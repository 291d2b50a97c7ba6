"""A book valued again in every scenario: alike lines as one, options read off grids whose error is said.

European options of one factor and expiry are one smooth function of two moves, whatever their strikes and their
volatilities; where there are many it is valued on a Chebyshev grid. Those that lose most are then valued exactly, so
that the figures of the tail are those of the lines.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

import numpy as np

from pricing.calc.curves.nodes import FloatArray, IntArray
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.portfolio_risk.compression import compressed
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios
from pricing.calc.portfolio_risk.option_legs import EuropeanLegs, OptionLeg
from pricing.calc.risk.chebyshev import interpolated

TOLERANCE = 1e-9
"""Largest estimated error of a grid over the largest value on it."""
_FEWEST_OPTIONS = 8
"""Different options below which a grid saves nothing."""
_CHECKED = 64
_SAFETY = 4.0  # the terms left out, and what they are taken for at the nodes, are a few times the last ones kept
_LEAST_MOVE = -1.0 + 1e-9
_MORE_THAN_TAIL = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Revaluation:
    """P&L of a book by scenario.

    Attributes:
        pnl: In 元, shape (scenarios,).
        interpolated_count: Lines that were read off a grid or a polynomial; the others are exact.
        error_cny: What the P&L of any scenario may be off by: for each group the larger of four times the series' last
            terms and of what scenarios valued exactly were off by, summed. Nought where all are exact. No order
            statistic and no mean of P&L is off by more than its scenarios are.
    """

    pnl: FloatArray
    interpolated_count: int
    error_cny: float


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Options of one factor, currency and expiry, each different one once with the tonnes of all."""

    line: ExposedLine
    legs: tuple[OptionLeg, ...]
    count: int
    european: EuropeanLegs | None

    @classmethod
    def of(cls, lines: Sequence[ExposedLine], legs: tuple[OptionLeg, ...]) -> "_Group":
        is_european = legs[0].style is ExerciseStyle.EUROPEAN
        return cls(lines[0], legs, len(lines), EuropeanLegs.of(legs) if is_european else None)

    def exact(self, scenarios: MarketScenarios) -> FloatArray:
        moves = _moves(self.line, scenarios)
        if self.european is not None:
            return self.european.exact_pnl(*moves)
        total = np.zeros(scenarios.count)
        for leg in self.legs:
            total += leg.exact_pnl(*moves)
        return total

    def fitted(self, scenarios: MarketScenarios) -> FloatArray:
        """Sum the options as each line of them is valued: exactly, or off its own polynomial."""
        total = np.zeros(scenarios.count)
        for leg in self.legs:
            total += leg.market_pnl(*_moves(self.line, scenarios))
        return total


def revalued(lines: Sequence[ExposedLine], scenarios: MarketScenarios, confidence: Decimal) -> Revaluation:
    """Value a book in every scenario, exactly in those of its tail.

    Args:
        lines: Of the book.
        scenarios: Moves of all that they hang on.
        confidence: a; the worst 1 - a and as many again are valued exactly.
    """
    total = np.zeros(scenarios.count)
    for one in compressed([line for line in lines if line.option is None]):
        total += one.scenario_pnl(scenarios)
    read: list[tuple[_Group, FloatArray, float]] = []
    for group in _groups(lines):
        if group.european is None:
            pnl = group.fitted(scenarios)
            read.append((group, pnl, 0.0))
        elif len(group.legs) < _FEWEST_OPTIONS or (found := _on_grid(group, group.european, scenarios)) is None:
            pnl = group.exact(scenarios)
        else:
            pnl, error = found
            read.append((group, pnl, error))
        total += pnl
    error_cny = 0.0
    tail, checked = _looked_at(total, confidence)
    for group, pnl, error in read:
        off = _difference(group, pnl, scenarios, checked)
        if group.european is not None:
            exact = group.exact(_at(scenarios, tail)) - pnl[tail]
            total[tail] += exact
            off = max(off, float(np.abs(exact).max(initial=0.0)))
        error_cny += max(error, off)
    return Revaluation(pnl=total, interpolated_count=sum(group.count for group, _, _ in read), error_cny=error_cny)


def _groups(lines: Sequence[ExposedLine]) -> list[_Group]:
    """Give options by factor, currency, expiry and whether exercise is European; none whose tonnes cancel out."""
    found: dict[tuple[object, ...], dict[tuple[object, ...], list[ExposedLine]]] = {}
    for one in lines:
        if one.option is not None:
            is_european = one.option.style is ExerciseStyle.EUROPEAN
            key = (one.factor, one.price_currency, one.option.columns.years.item(), is_european)
            found.setdefault(key, {}).setdefault(terms_of(one, one.option), []).append(one)
    groups = []
    for alike in found.values():
        netted = [(mine[0].option, math.fsum(_amount(one) for one in mine)) for mine in alike.values()]
        legs = tuple(replace(leg, amount=amount) for leg, amount in netted if leg is not None and amount != 0.0)
        mine = [one for lines in alike.values() for one in lines]
        if legs:
            groups.append(_Group.of(mine, legs))
    return groups


def terms_of(line: ExposedLine, leg: OptionLeg) -> tuple[object, ...]:
    """Give what two options must share to be worth the same in every scenario, a tonne of them."""
    return (line.factor, line.price_currency, leg.style, line.line.averaging, *(one.item() for one in leg.columns))


def _amount(line: ExposedLine) -> float:
    assert line.option is not None, "grouped as an option"
    return line.option.amount


def _moves(
    line: ExposedLine, scenarios: MarketScenarios
) -> tuple[FloatArray, FloatArray | None, FloatArray, FloatArray]:
    still = np.zeros(scenarios.count)
    return (
        scenarios.price[line.factor],
        scenarios.log_volatility.get(line.factor),
        scenarios.rate.get(line.fixed_currency, still),
        scenarios.fx.get(line.fixed_currency, still),
    )


def _on_grid(group: _Group, european: EuropeanLegs, scenarios: MarketScenarios) -> tuple[FloatArray, float] | None:
    """Read European options of one expiry off a grid; with the error in 元, or None where no grid is fine enough."""
    price, log_volatility, rate, fx = _moves(group.line, scenarios)

    def worth(log_price: FloatArray, log_ratio: FloatArray) -> FloatArray:
        return european.worth(np.expm1(log_price), log_ratio)

    log_price = np.log1p(np.maximum(price, _LEAST_MOVE))
    moved = np.zeros(scenarios.count) if log_volatility is None else log_volatility
    found = interpolated(worth, log_price, moved, tolerance=TOLERANCE)
    if found is None:
        return None
    base = worth(np.zeros(1), np.zeros(1))[0]
    carried = (1.0 + fx) * np.exp(-rate * group.legs[0].columns.years[0])
    return np.asarray(carried * found.values - base), _SAFETY * found.error * float(carried.max())


def _looked_at(total: FloatArray, confidence: Decimal) -> tuple[IntArray, IntArray]:
    """Give the scenarios of the tail and as many again, and some from the best to the worst."""
    order = np.argsort(total, kind="stable")
    count = total.size
    tail = count - int((confidence * count).to_integral_value(ROUND_CEILING)) + 1
    spread = np.unique(np.linspace(0, count - 1, min(_CHECKED, count)).astype(np.int64))
    return order[: min(count, 2 * tail + _MORE_THAN_TAIL)], order[spread]


def _at(scenarios: MarketScenarios, places: IntArray) -> MarketScenarios:
    return MarketScenarios(
        price={name: one[places] for name, one in scenarios.price.items()},
        log_volatility={name: one[places] for name, one in scenarios.log_volatility.items()},
        rate={name: one[places] for name, one in scenarios.rate.items()},
        fx={name: one[places] for name, one in scenarios.fx.items()},
        count=places.size,
    )


def _difference(group: _Group, pnl: FloatArray, scenarios: MarketScenarios, places: IntArray) -> float:
    """Give the largest difference between what was read off and what scenarios valued exactly come to."""
    return float(np.abs(group.exact(_at(scenarios, places)) - pnl[places]).max(initial=0.0))
