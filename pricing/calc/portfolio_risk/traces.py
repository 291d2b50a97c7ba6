"""The trace of a measurement: settings, volatilities, exposures, results."""

from collections.abc import Sequence
from decimal import Decimal

from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.portfolio_risk.exposures import fen
from pricing.calc.portfolio_risk.histories import FACTOR_LABELS, FactorHistory
from pricing.calc.portfolio_risk.inputs import (
    CONFIDENCE,
    FILTER_DECAY,
    HORIZON_DAYS,
    RISK_METHOD_LABELS,
    TAIL_DEGREES,
    FactorVolatility,
    LineRisk,
    MarketDeviation,
    MethodRisk,
    RiskInputs,
    StressResult,
)
from pricing.calc.portfolio_risk.stresses import stress_labels
from pricing.calc.portfolio_risk.volatility_moves import HISTORY_MIN, VolatilityMoves
from pricing.calc.risk.measures import TailRisk


def risk_trace(
    inputs: RiskInputs,
    lines: Sequence[LineRisk],
    stresses: Sequence[StressResult],
    *,
    risk: TailRisk | None,
    present_cny: Decimal,
    still: Sequence[str],
    methods: Sequence[MethodRisk],
) -> Trace:
    """Give the whole trace: every input stands before its use."""
    settings = _settings(inputs)
    drawn = Figure(
        name="scenario_count", label_zh="情景数", label_en="scenarios drawn", value=str(inputs.scenario_count),
        unit="count", source=f"PCG64 种子 {inputs.seed}",
    )  # fmt: skip
    volatilities = [
        *(_volatility(one) for one in inputs.volatilities),
        *(figure for one in inputs.volatility_moves or () for figure in _volatility_moves(one)),
        *(_held_still(factor) for factor in still),
        *_market_figures(inputs),
    ]
    digest = inputs.book.snapshot.digest[:12]
    exposures = [_exposure(one, f"行情快照 {digest}") for one in lines]
    taken = tuple(figure.name for figure in (*settings, drawn, *volatilities, *exposures))
    results = [
        _amount("present_value_cny", ("已计量现值", "value measured"), present_cny, formula="sum of lines measured")
    ]
    if risk is not None:
        results += [
            _amount(
                "value_at_risk_cny", ("风险价值", "value at risk"), fen(risk.value_at_risk), inputs=taken,
                formula="least x with P(loss <= x) >= confidence",
            ),
            _amount(
                "expected_shortfall_cny", ("预期短缺", "expected shortfall"), fen(risk.expected_shortfall),
                inputs=taken, formula="mean of the worst (1 - confidence) of losses",
            ),
        ]  # fmt: skip
    if inputs.market is not None:
        results += [figure for one in methods for figure in _method_figures(one, taken)]
    names = tuple(figure.name for figure in exposures)
    shocks = [
        _amount(
            one.code,
            (f"压力损益：{stress_labels(one)[0]}", f"stress: {stress_labels(one)[1]}"),
            one.pnl_cny,
            inputs=names,
            formula="sum of exposure * move - fixed leg * (exp(-rate move * years) - 1)",
        )
        for one in stresses
    ]
    return checked_trace([*settings, drawn, *volatilities, *exposures, *results, *shocks])


def _settings(inputs: RiskInputs) -> list[Figure]:
    snapshot = inputs.book.snapshot
    settings = [
        Figure.of_parameter(name, snapshot.parameter(key, scope=""))
        for name, key in (("confidence", CONFIDENCE), ("horizon_days", HORIZON_DAYS), ("tail_degrees", TAIL_DEGREES))
    ]
    if inputs.correlation is not None:
        settings.append(Figure.of_parameter("correlation", inputs.correlation))
    if inputs.market is not None:
        settings.append(Figure.of_parameter("filter_decay", snapshot.parameter(FILTER_DECAY, scope="")))
    return settings


def _market_figures(inputs: RiskInputs) -> list[Figure]:
    """Give how far rates and exchange rates are drawn, and of which days each factor's history is."""
    if inputs.market is None:
        return []
    return [
        *(_deviation(one) for one in inputs.market.deviations),
        *(_history(one) for one in inputs.market.histories),
    ]


def _deviation(one: MarketDeviation) -> Figure:
    what = FACTOR_LABELS[one.kind]
    return Figure(
        name=f"deviation.{one.kind}.{one.name}", label_zh=f"{one.name} {what[0]}年化波动",
        label_en=f"{one.name} {what[1]}, deviation a year", value=format(one.deviation, "f"), unit="ratio",
        source=one.source, confirmed=not one.is_assumption,
    )  # fmt: skip


def _history(one: FactorHistory) -> Figure:
    what = FACTOR_LABELS[one.kind]
    left_out = one.quoted_count - len(one.points)
    if one.refusal is not None:
        note = (one.refusal.zh, one.refusal.detail)
    elif left_out:
        note = (f"{left_out} 个报价日未采用", f"{left_out} quoted days are not used")
    else:
        note = ("", "")
    return Figure(
        name=f"history.{one.kind}.{one.name}", label_zh=f"{one.name} {what[0]}历史可用日数",
        label_en=f"{one.name} {what[1]}, days of history that are used", value=str(len(one.points)), unit="count",
        source=f"{one.source} {one.points[0].day} 至 {one.points[-1].day}" if one.points else one.source,
        note_zh=note[0], note_en=note[1],
    )  # fmt: skip


def _method_figures(one: MethodRisk, taken: tuple[str, ...]) -> list[Figure]:
    """Give the figures of a method that gives any."""
    label = RISK_METHOD_LABELS[one.method]
    named = (
        ("value_at_risk_cny", ("风险价值", "value at risk"), one.value_at_risk_cny),
        ("expected_shortfall_cny", ("预期短缺", "expected shortfall"), one.expected_shortfall_cny),
    )
    return [
        _amount(
            f"{one.method}.{name}", (f"{label[0]}：{words[0]}", f"{label[1]}: {words[1]}"), amount, inputs=taken,
            formula=f"of {one.scenario_count} scenarios, {one.independent_count} independent",
        )
        for name, words, amount in named
        if amount is not None
    ]  # fmt: skip


def _volatility(one: FactorVolatility) -> Figure:
    return Figure(
        name=f"volatility.{one.factor}", label_zh=f"{one.factor} 年化波动率", label_en=f"{one.factor} volatility",
        value=format(one.volatility, "f"), unit="ratio", source=one.source, confirmed=not one.is_assumption,
        note_zh="假设" if one.is_assumption else "", note_en="assumption" if one.is_assumption else "",
    )  # fmt: skip


def _volatility_moves(one: VolatilityMoves) -> tuple[Figure, Figure]:
    """Give what the price's move makes of volatility, and how the rest is spread, by the history of the surface."""
    source = f"{one.source}，{one.move_count} 个联合变动"
    return (
        Figure(
            name=f"volatility_slope.{one.factor}", label_zh=f"{one.factor} 波动率对价格的弹性",
            label_en=f"{one.factor} slope of volatility on price", value=format(one.slope, "f"), unit="", source=source,
        ),
        Figure(
            name=f"volatility_residual.{one.factor}", label_zh=f"{one.factor} 波动率自身的年化波动",
            label_en=f"{one.factor} spread of volatility's own moves, a year", value=format(one.residual, "f"),
            unit="ratio", source=source,
        ),
    )  # fmt: skip


def _held_still(factor: str) -> Figure:
    return Figure(
        name=f"volatility_still.{factor}", label_zh=f"{factor} 期权波动率未变动",
        label_en=f"{factor} option volatilities held still", value="true", unit="code", confirmed=False,
        source=f"历史联合变动不足 {HISTORY_MIN} 个", note_zh="曲面历史不足，仅价格变动",
        note_en="the surface has too little history; prices alone move",
    )  # fmt: skip


def _exposure(one: LineRisk, source: str) -> Figure:
    return Figure(
        name=f"line.{one.line_id}.exposure_cny", label_zh=f"{one.line_id} 价格敞口",
        label_en=f"{one.line_id} price exposure", value=format(one.exposure_cny, "f"), unit="CNY",
        formula="quantity_t * price", source=source,
    )  # fmt: skip


def _amount(
    name: str, labels: tuple[str, str], amount_cny: Decimal, *, formula: str, inputs: tuple[str, ...] = ()
) -> Figure:
    return Figure(
        name=name, label_zh=labels[0], label_en=labels[1], value=format(amount_cny, "f"), unit="CNY", formula=formula,
        inputs=inputs,
    )  # fmt: skip
