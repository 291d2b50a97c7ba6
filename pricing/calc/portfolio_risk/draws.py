"""Drawn scenarios: moves of prices with a Student t distribution, and with them volatilities, rates and FX."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.normal import normal_ppf
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios
from pricing.calc.portfolio_risk.histories import FactorKind
from pricing.calc.portfolio_risk.inputs import TAIL_DEGREES, RiskInputs
from pricing.calc.volatility import TRADING_DAYS_A_YEAR

_MOVE_LEAST = -1.0 + 1e-12  # a price that falls by all of it has no logarithm
_LOG_MOST = 3.0  # volatility moves at most twentyfold: beyond, no solver and no market goes
_RATE_BUMP, _FX_BUMP = 1e-4, 1e-3


def drawn_scenarios(inputs: RiskInputs, exposed: Sequence[ExposedLine], horizon: int) -> tuple[MarketScenarios, bool]:
    """Draw moves over the horizon, and say whether all prices lose together for want of a correlation.

    Rates and exchange rates always move the way that hurts where prices do: no correlation of theirs is approved.
    """
    factors = sorted({one.factor for one in exposed})
    net = {factor: sum(one.price_leg for one in exposed if one.factor == factor) for factor in factors}
    degrees = inputs.book.snapshot.parameter(TAIL_DEGREES, scope="").integer
    random = Draws(inputs.seed, inputs.scenario_count)
    common, scale = random.normal(), random.tail(degrees)
    rho = 0.0 if inputs.correlation is None else to_float(inputs.correlation.decimal)
    is_undiversified = inputs.correlation is None and len(factors) > 1
    root = math.sqrt(horizon / TRADING_DAYS_A_YEAR)
    moves: dict[str, FloatArray] = {}
    for factor in factors:
        volatility = next(one.volatility for one in inputs.volatilities if one.factor == factor)
        deviation = to_float(volatility) * root
        if is_undiversified or len(factors) == 1:
            noise = math.copysign(1.0, net[factor]) * common
        else:
            noise = math.sqrt(rho) * common + math.sqrt(1.0 - rho) * random.normal()
        moves[factor] = np.expm1(deviation * scale * noise)
    volatilities = _volatility_moves(inputs, moves, random, horizon)
    is_signed = is_undiversified or len(factors) == 1
    gains = 1.0 if is_signed else math.copysign(1.0, sum(net.values()))
    rate, fx = _market_moves(inputs, exposed, gains * root * scale * common)
    scenarios = MarketScenarios(price=moves, log_volatility=volatilities, rate=rate, fx=fx, count=inputs.scenario_count)
    return scenarios, is_undiversified


def _market_moves(
    inputs: RiskInputs, exposed: Sequence[ExposedLine], gains: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Give moves of rates and currencies along the noise by which prices gain, each to the book's harm."""
    rate: dict[str, FloatArray] = {}
    fx: dict[str, FloatArray] = {}
    for one in inputs.market.deviations if inputs.market is not None else ():
        deviation, name = to_float(one.deviation), Currency(one.name)
        is_rate = one.kind is FactorKind.RATE
        gain = _gain_of(exposed, name, rate_move=_RATE_BUMP if is_rate else 0.0, fx_move=0.0 if is_rate else _FX_BUMP)
        move = math.copysign(1.0, gain) * deviation * gains
        if is_rate:
            rate[name] = move
        else:
            fx[name] = np.expm1(move)
    return rate, fx


def _gain_of(exposed: Sequence[ExposedLine], currency: Currency, *, rate_move: float, fx_move: float) -> float:
    """Give what the book gains where one currency's rate, or the currency itself, rises a little."""
    name = str(currency)
    rate, fx = {name: np.array([rate_move])}, {name: np.array([fx_move])}
    total = 0.0
    for one in exposed:
        if currency in {one.price_currency, one.fixed_currency}:
            price = {one.factor: np.zeros(1)}
            bumped = MarketScenarios(price=price, log_volatility={}, rate=rate, fx=fx, count=1)
            total += float(one.scenario_pnl(bumped)[0])
    return total


def _volatility_moves(
    inputs: RiskInputs, moves: Mapping[str, FloatArray], random: "Draws", horizon: int
) -> dict[str, FloatArray]:
    """Give the logarithmic move of volatility in each scenario: the slope on the price's move, and the rest drawn.

    Drawn after all prices, so that these are the same with and without.
    """
    root = math.sqrt(horizon / TRADING_DAYS_A_YEAR)
    known = {one.factor: one for one in inputs.volatility_moves or ()}
    found = {}
    for factor in sorted(moves.keys() & known.keys()):
        price = np.log1p(np.maximum(moves[factor], _MOVE_LEAST))
        rest = to_float(known[factor].residual) * root * random.normal()
        found[factor] = np.clip(to_float(known[factor].slope) * price + rest, -_LOG_MOST, _LOG_MOST)
    return found


class Draws:
    """Random numbers from the raw stream of a bit generator, whose bits a later library keeps."""

    def __init__(self, seed: int, count: int) -> None:
        """Begin a stream of numbers, so many at a time."""
        self._source, self._count = np.random.PCG64(seed), count

    def _uniform(self) -> FloatArray:
        bits = self._source.random_raw(self._count) >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) * 2.0**-53

    def normal(self) -> FloatArray:
        """Draw standard normal numbers."""
        return normal_ppf(self._uniform())

    def tail(self, degrees: int) -> FloatArray:
        """Draw sqrt((n - 2) / chi-square(n)) for an even n: chi-square is twice a sum of n/2 exponentials."""
        if degrees <= 4 or degrees % 2:
            raise InvalidInput(
                f"{TAIL_DEGREES} is {degrees}; an even number above 4 is expected",
                zh=f"参数 {TAIL_DEGREES} 为 {degrees}，应为大于 4 的偶数",
                field=TAIL_DEGREES,
            )
        total = np.zeros(self._count)
        for _ in range(degrees // 2):
            total -= 2.0 * np.log(self._uniform())
        return np.sqrt((degrees - 2.0) / total)
