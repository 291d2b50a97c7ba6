"""Value at risk, expected shortfall and contributions of a book, by every method that its market allows."""

from collections.abc import Sequence
from decimal import Decimal

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.record import DecisionKind
from pricing.calc.line_faults import failure_of
from pricing.calc.portfolio import value_portfolio
from pricing.calc.portfolio_risk.draws import drawn_scenarios
from pricing.calc.portfolio_risk.exposures import ExposedLine, exposed_lines, fen
from pricing.calc.portfolio_risk.inputs import (
    CONFIDENCE,
    HORIZON_DAYS,
    LineRisk,
    PortfolioRisk,
    RiskInputs,
    RiskMethod,
)
from pricing.calc.portfolio_risk.methods import Measured, measured_by_drawing, measured_by_history, pnl_blocks
from pricing.calc.portfolio_risk.named_stresses import named_stresses
from pricing.calc.portfolio_risk.stresses import stress_results
from pricing.calc.portfolio_risk.traces import risk_trace
from pricing.calc.risk.contributions import contributions_of_blocks
from pricing.calc.tradability import is_labelled, labels_lines

_BY_HISTORY = (RiskMethod.HISTORICAL, RiskMethod.FILTERED_HISTORICAL)


def measure_risk(inputs: RiskInputs) -> PortfolioRisk:
    """Measure value at risk, expected shortfall, contributions and stresses of a book.

    Raises:
        InvalidInput: The number of scenarios is out of range, or a custom move is below -100 %.
        MissingData: The method asked for has no history to rest on.
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
    drawn, is_undiversified = drawn_scenarios(inputs, exposed, horizon)
    by_method = [measured_by_drawing(inputs, exposed, drawn, confidence)] if exposed else []
    if inputs.market is not None and exposed:
        by_method += [measured_by_history(one, inputs, exposed, confidence, horizon) for one in _BY_HISTORY]
    first = _chosen(inputs, by_method)
    measured = exposed if first is None else first.lines
    lines = () if first is None else _line_risks(inputs, first, confidence, is_labelling=labels_lines(snapshot))
    stresses = tuple(stress_results(inputs, exposed))
    present_cny = sum((one.value.present_value_cny for one in measured), Decimal("0.00"))
    still = _still(inputs, exposed)
    methods = tuple(one.risk for one in by_method)
    risk = None if first is None else first.tail
    return PortfolioRisk(
        present_value_cny=present_cny,
        confidence=confidence,
        horizon_days=horizon,
        value_at_risk_cny=None if risk is None else fen(risk.value_at_risk),
        expected_shortfall_cny=None if risk is None else fen(risk.expected_shortfall),
        interval_cny=(None, None) if first is None else first.risk.interval_cny,
        scenario_count=inputs.scenario_count if first is None else first.risk.scenario_count,
        is_undiversified=is_undiversified and (first is None or first.risk.method is RiskMethod.MONTE_CARLO),
        volatilities=inputs.volatilities,
        lines=lines,
        stresses=stresses,
        failures=(
            *value.failures,
            *failures,
            *_without_history(first, exposed),
            *named_stresses(snapshot.parameters)[1],
        ),
        is_sample=value.is_sample or any(one.is_assumption for one in inputs.volatilities) or _has_samples(inputs),
        snapshot_digest=value.snapshot_digest,
        trace=risk_trace(
            inputs, lines, stresses, risk=risk, present_cny=present_cny, still=still or (), methods=methods
        ),
        volatility_moves=inputs.volatility_moves,
        still_volatilities=still,
        methods=None if inputs.market is None else methods,
        method=inputs.method,
    )


def _chosen(inputs: RiskInputs, by_method: Sequence[Measured]) -> Measured | None:
    """Give the method asked for; None where nothing could be measured at all.

    Raises:
        MissingData: It refuses the book; no other takes its place.
    """
    wanted = inputs.method or RiskMethod.MONTE_CARLO
    found = next((one for one in by_method if one.risk.method is wanted), None)
    if found is not None and found.risk.refusal is not None:
        why = found.risk.refusal
        raise MissingData(why.detail, zh=why.zh, field="method", remedy=why.remedy, remedy_zh=why.remedy_zh)
    return found


def _without_history(first: Measured | None, exposed: Sequence[ExposedLine]) -> list[Failure]:
    """Say which lines the method asked for leaves out, as its figures are of the others alone."""
    left_out = set() if first is None else set(first.risk.left_out)
    return [
        failure_of(
            one.line,
            MissingData(
                f"the price of {one.factor} has no history that may be used",
                zh=f"{one.factor} 没有可用的价格历史",
                field="history",
                remedy="Import the daily quotes of one vintage, or measure by Monte Carlo.",
                remedy_zh="请导入单一配额年度的逐日行情，或改用蒙特卡罗模拟。",
            ),
        )
        for one in exposed
        if one.line.line_id in left_out
    ]


def _has_samples(inputs: RiskInputs) -> bool:
    return inputs.market is not None and any(one.is_sample for one in inputs.market.histories)


def _still(inputs: RiskInputs, exposed: Sequence[ExposedLine]) -> tuple[str, ...] | None:
    """Name the factors of options whose volatilities no history moves; None where moves were not asked for."""
    if inputs.volatility_moves is None:
        return None
    known = {one.factor for one in inputs.volatility_moves}
    return tuple(sorted({one.factor for one in exposed if one.option is not None} - known))


def _line_risks(
    inputs: RiskInputs, first: Measured, confidence: Decimal, *, is_labelling: bool
) -> tuple[LineRisk, ...]:
    assert first.scenarios is not None, "a method that was chosen has scenarios"
    assert first.total is not None, "and a sum"
    split = contributions_of_blocks(pnl_blocks(inputs, first.lines, first.scenarios), first.total, confidence)
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
            is_foreign=True if one.value.futures is not None else None,
            component_value_at_risk_cny=(
                None if inputs.market is None else fen(split.component_value_at_risk[place].item())
            ),
        )
        for place, one in enumerate(first.lines)
    )


PORTFOLIO_RISK: DecisionKind[RiskInputs, PortfolioRisk] = DecisionKind(
    name="pricing.risk", version="1", inputs=RiskInputs, outputs=PortfolioRisk, decide=measure_risk
)
