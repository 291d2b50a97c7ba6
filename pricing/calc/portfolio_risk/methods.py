"""Value at risk and expected shortfall of a book by each method, with what its sample can say."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios, fen
from pricing.calc.portfolio_risk.histories import FactorHistory, FactorKind, pair_of
from pricing.calc.portfolio_risk.inputs import FILTER_DECAY, MethodRisk, RiskInputs, RiskMethod
from pricing.calc.portfolio_risk.joint_moves import FactorKey, JointMoves, joint_moves
from pricing.calc.portfolio_risk.revaluation import Revaluation, revalued, terms_of
from pricing.calc.risk.measures import TailRisk, interval_of, tail_risk
from pricing.calc.risk.scenarios import filtered_moves, historical_moves

_FEW_IN_TAIL = 10
_BLOCK = 64
_KNOWN_MOST = 512
_LOG_MOST = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One method's figures with the lines and scenarios they rest on; no scenarios where it refuses the book."""

    risk: MethodRisk
    lines: tuple[ExposedLine, ...]
    scenarios: MarketScenarios | None
    total: FloatArray | None
    tail: TailRisk | None


def line_pnl(inputs: RiskInputs, one: ExposedLine, scenarios: MarketScenarios) -> FloatArray:
    """Give the P&L of a line by scenario; where no market is recorded its price alone moves, to the bit as before."""
    if inputs.market is None:
        return one.price_pnl(scenarios.price[one.factor], scenarios.log_volatility.get(one.factor))
    return one.scenario_pnl(scenarios)


def pnl_blocks(inputs: RiskInputs, lines: Sequence[ExposedLine], scenarios: MarketScenarios) -> Iterator[FloatArray]:
    """Give P&L by line and scenario in blocks of lines, none of one line but that of a book of one.

    Of options with the same terms one is valued, and the others are as many times it.
    """
    starts = list(range(0, len(lines), _BLOCK))
    if len(starts) > 1 and len(lines) - starts[-1] == 1:
        starts.pop()  # a sum over one row is added in another order than that over several
    known: dict[tuple[object, ...], tuple[float, FloatArray]] = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield np.stack([_row(inputs, one, scenarios, known) for one in lines[start:end]])


def _row(
    inputs: RiskInputs,
    one: ExposedLine,
    scenarios: MarketScenarios,
    known: dict[tuple[object, ...], tuple[float, FloatArray]],
) -> FloatArray:
    if one.option is None or inputs.market is None:
        return line_pnl(inputs, one, scenarios)
    key = terms_of(one, one.option)
    if key not in known:
        if len(known) >= _KNOWN_MOST:
            known.clear()
        known[key] = one.option.amount, line_pnl(inputs, one, scenarios)
    amount, pnl = known[key]
    return pnl if amount == one.option.amount else pnl * (one.option.amount / amount)


def book_pnl(
    inputs: RiskInputs, lines: Sequence[ExposedLine], scenarios: MarketScenarios, confidence: Decimal
) -> Revaluation:
    """Sum the P&L of lines by scenario: no array of all lines by scenarios is made.

    Where no market is recorded each line is added by itself, to the bit as before.
    """
    if inputs.market is not None:
        return revalued(lines, scenarios, confidence)
    total = np.zeros(scenarios.count)
    for one in lines:
        total += line_pnl(inputs, one, scenarios)
    return Revaluation(pnl=total, interpolated_count=0, error_cny=0.0)


def measured_by_drawing(
    inputs: RiskInputs, exposed: Sequence[ExposedLine], scenarios: MarketScenarios, confidence: Decimal
) -> Measured:
    """Measure the whole book over drawn scenarios; what does not move for want of a history is told."""
    deviations = () if inputs.market is None else inputs.market.deviations
    known = {(one.kind, one.name) for one in deviations}
    still = sorted(key for key in market_keys(exposed) if key not in known)
    remarks = tuple(_held_still(kind, name) for kind, name in still)
    return _measured(
        RiskMethod.MONTE_CARLO, inputs, exposed, scenarios, confidence, independent=scenarios.count, remarks=remarks
    )


def measured_by_history(
    method: RiskMethod, inputs: RiskInputs, exposed: Sequence[ExposedLine], confidence: Decimal, horizon: int
) -> Measured:
    """Measure the lines whose price has a history, over its moves as they were or rescaled to today's volatility."""
    histories = () if inputs.market is None else inputs.market.histories
    remarks: list[tuple[str, str]] = []
    try:
        lines, left_out = lines_with_history(inputs, exposed)
        remarks += sorted({(one.zh, one.detail) for one in left_out})
        used, still = used_histories(histories, lines)
        joint = joint_moves(used)
        scenarios, independent = _history_scenarios(method, inputs, joint, horizon)
    except CarbonFinError as error:
        return _refused(method, error, [one.line.line_id for one in exposed], remarks)
    remarks += [_held_still(kind, name) for kind, name in still]
    remarks += _history_remarks(method, joint, scenarios.count, independent, horizon)
    return _measured(
        method, inputs, lines, scenarios, confidence, independent=independent, remarks=tuple(remarks), joint=joint,
        left_out=tuple(one.item for one in left_out),
    )  # fmt: skip


def lines_with_history(inputs: RiskInputs, exposed: Sequence[ExposedLine]) -> tuple[list[ExposedLine], list[Failure]]:
    """Give the lines whose price has a history, and why each other has none.

    Raises:
        MissingData: None has one.
    """
    histories = () if inputs.market is None else inputs.market.histories
    prices = {one.name: one for one in histories if one.kind is FactorKind.PRICE}
    lines, failures = [], []
    for one in exposed:
        own = prices.get(one.factor)
        if own is not None and own.refusal is None:
            lines.append(one)
            continue
        why = _without_history(one.factor) if own is None or own.refusal is None else own.refusal
        failures.append(replace(why, item=one.line.line_id))
    if not lines:
        raise _nothing_to_measure(failures[0] if failures else None)
    return lines, failures


def _without_history(factor: str) -> Failure:
    return Failure(
        item=factor, field="history", detail=f"{factor} has no quotes of days before",
        zh=f"{factor} 没有此前各日的报价", remedy="Import daily quotes or settlement prices.",
        remedy_zh="请导入逐日行情或结算价。",
    )  # fmt: skip


def _measured(
    method: RiskMethod,
    inputs: RiskInputs,
    lines: Sequence[ExposedLine],
    scenarios: MarketScenarios,
    confidence: Decimal,
    *,
    independent: int,
    remarks: tuple[tuple[str, str], ...],
    joint: JointMoves | None = None,
    left_out: tuple[str, ...] = (),
) -> Measured:
    revaluation = book_pnl(inputs, lines, scenarios, confidence)
    total = revaluation.pnl
    tail = tail_risk(total, confidence)
    low, high = interval_of(total, confidence, independent_count=independent)
    few = _few_in_tail(tail.tail_count, independent, confidence)
    risk = MethodRisk(
        method=method,
        present_value_cny=sum((one.value.present_value_cny for one in lines), Decimal("0.00")),
        value_at_risk_cny=fen(tail.value_at_risk),
        expected_shortfall_cny=fen(tail.expected_shortfall),
        interval_cny=(_finite(low), _finite(high)),
        scenario_count=scenarios.count,
        independent_count=independent,
        tail_count=tail.tail_count,
        first_date=None if joint is None else joint.first_date,
        last_date=None if joint is None else joint.last_date,
        line_count=len(lines),
        left_out=left_out,
        remarks=(*remarks, *few),
        interpolated_count=None if inputs.market is None else revaluation.interpolated_count,
        revaluation_error_cny=None if inputs.market is None else _up(revaluation.error_cny),
    )
    return Measured(risk=risk, lines=tuple(lines), scenarios=scenarios, total=total, tail=tail)


def _refused(
    method: RiskMethod, error: CarbonFinError, line_ids: Sequence[str], remarks: Sequence[tuple[str, str]]
) -> Measured:
    risk = MethodRisk(
        method=method, present_value_cny=Decimal("0.00"), value_at_risk_cny=None, expected_shortfall_cny=None,
        interval_cny=(None, None), scenario_count=0, independent_count=0, tail_count=0, first_date=None,
        last_date=None, line_count=0, left_out=tuple(line_ids), remarks=tuple(remarks),
        refusal=Failure.of(method, error),
    )  # fmt: skip
    return Measured(risk=risk, lines=(), scenarios=None, total=None, tail=None)


def _nothing_to_measure(refusal: Failure | None) -> MissingData:
    return MissingData(
        "no line's price has a history" + (f": {refusal.detail}" if refusal else ""),
        zh="没有任何持仓的价格因子具备可用行情历史" + (f"：{refusal.zh}" if refusal else ""),
        field="history",
        remedy="Import the daily quotes of one vintage, or settlement prices of the strip.",
        remedy_zh="请导入单一配额年度的逐日行情，或期货逐日结算价。",
    )


def used_histories(
    histories: Sequence[FactorHistory], lines: Sequence[ExposedLine]
) -> tuple[list[FactorHistory], list[tuple[FactorKind, str]]]:
    """Give the histories that move these lines, of each of which the price has one, and the factors that stay."""
    factors = sorted({one.factor for one in lines})
    options = sorted({one.factor for one in lines if one.option is not None})
    wanted = [(FactorKind.VOLATILITY, name) for name in options] + sorted(market_keys(lines))
    known = {(one.kind, one.name): one for one in histories if one.refusal is None}
    used = [known[FactorKind.PRICE, name] for name in factors]
    found = [
        (key, known.get((key[0], pair_of(Currency(key[1])) if key[0] is FactorKind.FX else key[1]))) for key in wanted
    ]
    still = []
    for key, one in found:
        if one is None or len(one.points) < _FEW_IN_TAIL:
            still.append(key)
        else:
            used.append(one)
    return used, still


def market_keys(lines: Sequence[ExposedLine]) -> set[tuple[FactorKind, str]]:
    """Name the rates and currencies that lines hang on."""
    found: set[tuple[FactorKind, str]] = set()
    for one in lines:
        if (one.fixed_leg != 0.0 and one.years > 0.0) or one.option is not None:
            found.add((FactorKind.RATE, one.fixed_currency))
        if one.is_forward_priced:
            found.add((FactorKind.RATE, one.price_currency))
        found |= {(FactorKind.FX, name) for name in (one.price_currency, one.fixed_currency) if name != Currency.CNY}
    return found


def _history_scenarios(
    method: RiskMethod, inputs: RiskInputs, joint: JointMoves, horizon: int
) -> tuple[MarketScenarios, int]:
    """Give moves over the horizon, and how many of them are independent."""
    if method is RiskMethod.HISTORICAL:
        moves = historical_moves(joint.moves, horizon_days=horizon)
        independent = joint.moves.shape[1] // horizon
    else:
        decay = inputs.book.snapshot.parameter(FILTER_DECAY, scope="").decimal
        moves = filtered_moves(joint.moves, decay=to_float(decay), horizon_days=horizon)
        independent = moves.shape[1]
    return moves_as_scenarios(joint.keys, moves), independent


def moves_as_scenarios(keys: Sequence[FactorKey], moves: FloatArray) -> MarketScenarios:
    """Give moves by factor, shape (factors, scenarios), as the scenarios that lines are valued in."""
    rows = dict(zip(keys, moves, strict=True))

    def of(kind: FactorKind) -> dict[str, FloatArray]:
        return {name: row for (one, name), row in rows.items() if one is kind}

    return MarketScenarios(
        price={name: np.expm1(row) for name, row in of(FactorKind.PRICE).items()},
        log_volatility={
            name: np.clip(row, -_LOG_MOST, _LOG_MOST) for name, row in of(FactorKind.VOLATILITY).items()
        },
        rate=of(FactorKind.RATE),
        fx={name.removesuffix("CNY"): np.expm1(row) for name, row in of(FactorKind.FX).items()},
        count=moves.shape[1],
    )  # fmt: skip


def _history_remarks(
    method: RiskMethod, joint: JointMoves, count: int, independent: int, horizon: int
) -> list[tuple[str, str]]:
    found = []
    if method is RiskMethod.HISTORICAL and horizon > 1:
        found.append(
            (
                f"{count} 个 {horizon} 日收益相互重叠，约合 {independent} 个独立情景",
                f"{count} sums over {horizon} days overlap and say as much as about {independent} of their own",
            )
        )
    if method is RiskMethod.FILTERED_HISTORICAL and horizon > 1:
        found.append(
            (
                f"日收益按持有期 {horizon} 日平方根换算，涨跌停下长持有期损失可能高于所列",
                f"moves of a day are scaled by the root of {horizon} days; limits may make losses larger",
            )
        )
    if joint.scaled_count:
        found.append(
            (
                f"{joint.scaled_count} 个变动跨多个报价日，已按天数平方根折为一日",
                f"{joint.scaled_count} moves took several quoted days and were divided by the root of their days",
            )
        )
    return found


def _few_in_tail(tail_count: int, independent: int, confidence: Decimal) -> tuple[tuple[str, str], ...]:
    own = int((1 - confidence) * independent)
    if min(tail_count, own) >= _FEW_IN_TAIL:
        return ()
    return (
        (
            f"尾部仅 {tail_count} 个情景，其中约 {own} 个独立：该置信水平的损失主要由少数最坏情景决定",
            f"the tail holds {tail_count} scenarios, about {own} of their own: the worst few decide the figure",
        ),
    )


def _held_still(kind: FactorKind, name: str) -> tuple[str, str]:
    what = {
        FactorKind.RATE: ("利率", "rate"), FactorKind.FX: ("兑人民币汇率", "exchange rate in CNY"),
        FactorKind.VOLATILITY: ("期权波动率", "option volatility"),
    }[kind]  # fmt: skip
    return (
        f"{name} {what[0]}历史不足，在情景中未变动，相应损失未计入",
        f"{name} {what[1]} has too little history and is held still: what it may cost is not in the figure",
    )


def _up(amount: float) -> Decimal:
    """Round an error up to the fen: it is never less than it is."""
    return to_decimal(math.ceil(amount * 100.0) / 100.0, places=2)


def _finite(amount: float) -> Decimal | None:
    return fen(amount) if math.isfinite(amount) else None
