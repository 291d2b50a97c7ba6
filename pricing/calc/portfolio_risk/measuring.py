"""Value at risk, expected shortfall and contributions of a book over drawn scenarios."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.record import DecisionKind
from pricing.calc.normal import normal_ppf
from pricing.calc.portfolio import value_portfolio
from pricing.calc.portfolio_risk.exposures import ExposedLine, exposed_lines, fen
from pricing.calc.portfolio_risk.inputs import (
    CONFIDENCE,
    HORIZON_DAYS,
    TAIL_DEGREES,
    LineRisk,
    PortfolioRisk,
    RiskInputs,
)
from pricing.calc.portfolio_risk.stresses import stress_results
from pricing.calc.portfolio_risk.traces import risk_trace
from pricing.calc.risk.contributions import contributions
from pricing.calc.risk.measures import tail_risk
from pricing.calc.tradability import is_labelled, labels_lines
from pricing.calc.volatility import TRADING_DAYS_A_YEAR

FloatArray = npt.NDArray[np.float64]
_MOVE_LEAST = -1.0 + 1e-12  # a price that falls by all of it has no logarithm
_LOG_MOST = 3.0  # volatility moves at most twentyfold: beyond, no solver and no market goes


def measure_risk(inputs: RiskInputs) -> PortfolioRisk:
    """Measure value at risk, expected shortfall, contributions and stresses of a book.

    Raises:
        InvalidInput: The number of scenarios is out of range, or a custom move is below -100 %.
    """
    if not 1_000 <= inputs.scenario_count <= 1_000_000:
        raise InvalidInput(
            "between 1,000 and 1,000,000 scenarios are drawn", zh="情景数须在 1000 至 1000000", field="scenario_count"
        )
    snapshot = inputs.book.snapshot
    value = value_portfolio(inputs.book)
    exposed, failures = exposed_lines(inputs, {one.line_id: one for one in value.lines})
    confidence = snapshot.parameter(CONFIDENCE, scope="").decimal
    horizon = snapshot.parameter(HORIZON_DAYS, scope="").integer
    pnl, is_undiversified = _scenario_pnl(inputs, exposed, horizon)
    risk = tail_risk(np.sum(pnl, axis=0), confidence) if exposed else None
    lines = _line_risks(exposed, pnl, confidence, is_labelling=labels_lines(snapshot)) if exposed else ()
    stresses = tuple(stress_results(inputs, exposed))
    present_cny = sum((one.value.present_value_cny for one in exposed), Decimal("0.00"))
    still = _still(inputs, exposed)
    return PortfolioRisk(
        present_value_cny=present_cny,
        confidence=confidence,
        horizon_days=horizon,
        value_at_risk_cny=None if risk is None else fen(risk.value_at_risk),
        expected_shortfall_cny=None if risk is None else fen(risk.expected_shortfall),
        interval_cny=(None, None) if risk is None else (_finite_fen(risk.interval[0]), _finite_fen(risk.interval[1])),
        scenario_count=inputs.scenario_count,
        is_undiversified=is_undiversified,
        volatilities=inputs.volatilities,
        lines=lines,
        stresses=stresses,
        failures=(*value.failures, *failures),
        is_sample=value.is_sample or any(one.is_assumption for one in inputs.volatilities),
        snapshot_digest=value.snapshot_digest,
        trace=risk_trace(inputs, lines, stresses, risk=risk, present_cny=present_cny, still=still or ()),
        volatility_moves=inputs.volatility_moves,
        still_volatilities=still,
    )


def _still(inputs: RiskInputs, exposed: Sequence[ExposedLine]) -> tuple[str, ...] | None:
    """Name the factors of options whose volatilities no history moves; None where moves were not asked for."""
    if inputs.volatility_moves is None:
        return None
    known = {one.factor for one in inputs.volatility_moves}
    return tuple(sorted({one.factor for one in exposed if one.option is not None} - known))


def _scenario_pnl(inputs: RiskInputs, exposed: Sequence[ExposedLine], horizon: int) -> tuple[FloatArray, bool]:
    """Draw moves and give P&L by line and scenario, and whether all exposures lose together."""
    factors = sorted({one.factor for one in exposed})
    net = {factor: sum(one.price_leg for one in exposed if one.factor == factor) for factor in factors}
    degrees = inputs.book.snapshot.parameter(TAIL_DEGREES, scope="").integer
    random = _Draws(inputs.seed, inputs.scenario_count)
    common, scale = random.normal(), random.tail(degrees)
    rho = 0.0 if inputs.correlation is None else to_float(inputs.correlation.decimal)
    is_undiversified = inputs.correlation is None and len(factors) > 1
    moves: dict[str, FloatArray] = {}
    for factor in factors:
        volatility = next(one.volatility for one in inputs.volatilities if one.factor == factor)
        deviation = to_float(volatility) * math.sqrt(horizon / TRADING_DAYS_A_YEAR)
        if is_undiversified or len(factors) == 1:
            noise = math.copysign(1.0, net[factor]) * common
        else:
            noise = math.sqrt(rho) * common + math.sqrt(1.0 - rho) * random.normal()
        moves[factor] = np.expm1(deviation * scale * noise)
    if not exposed:
        return np.zeros((0, inputs.scenario_count)), False
    volatilities = _volatility_moves(inputs, moves, random, horizon)
    rows = [one.price_pnl(moves[one.factor], volatilities.get(one.factor)) for one in exposed]
    return np.stack(rows), is_undiversified


def _volatility_moves(
    inputs: RiskInputs, moves: Mapping[str, FloatArray], random: "_Draws", horizon: int
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


class _Draws:
    """Random numbers from the raw stream of a bit generator, whose bits a later library keeps."""

    def __init__(self, seed: int, count: int) -> None:
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


def _line_risks(
    exposed: Sequence[ExposedLine], pnl: FloatArray, confidence: Decimal, *, is_labelling: bool
) -> tuple[LineRisk, ...]:
    split = contributions(pnl, confidence)
    return tuple(
        LineRisk(
            line_id=one.line.line_id,
            unit=one.line.unit,
            kind=one.line.kind,
            factor=one.factor,
            exposure_cny=fen(one.price_leg),
            component_cny=fen(split.component_shortfall[place].item()),
            incremental_cny=fen(split.incremental[place].item()),
            is_valuation_only=is_labelled(one.value.notes_zh) if is_labelling else None,
        )
        for place, one in enumerate(exposed)
    )


def _finite_fen(amount: float) -> Decimal | None:
    return fen(amount) if math.isfinite(amount) else None


PORTFOLIO_RISK: DecisionKind[RiskInputs, PortfolioRisk] = DecisionKind(
    name="pricing.risk", version="1", inputs=RiskInputs, outputs=PortfolioRisk, decide=measure_risk
)
