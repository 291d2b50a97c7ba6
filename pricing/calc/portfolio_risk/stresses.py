"""Named stresses of a book: each an assumption, computed exactly line by line."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.compliance import vintage_use
from pricing.calc.market import MarketSnapshot
from pricing.calc.portfolio_risk.exposures import ExposedLine, fen
from pricing.calc.portfolio_risk.inputs import (
    STRESS_FX_MOVE,
    STRESS_LIMIT_DAYS,
    STRESS_PRICE_MOVE,
    STRESS_RATE_MOVE,
    STRESS_VOLATILITY_MOVE,
    CustomStress,
    RiskInputs,
    StressResult,
)
from pricing.calc.portfolio_risk.named_stresses import named_stresses
from pricing.calc.portfolio_risk.revaluation import terms_of
from pricing.calc.risk.scenarios import StressKind, limit_down_move

STRESS_LABELS: dict[StressKind, tuple[str, str]] = {
    StressKind.POLICY_SHOCK: ("政策冲击", "policy shock"),
    StressKind.VINTAGE_CLIFF: (
        "配额年度断崖（到期且不能结转者归零）",
        "vintage cliff: what ends and is not carried over",
    ),
    StressKind.LIMIT_DOWN_STREAK: ("连续跌停", "closes in a row at the lower limit"),
    StressKind.PENALTY_CHANGE: ("罚款倍数提高", "higher fines"),
    StressKind.PRICE_ALONE: ("仅价格变动（取不利方向）", "prices alone, the worse way"),
    StressKind.RATE_ALONE: ("仅利率平移（取不利方向）", "rates alone, the worse way"),
    StressKind.FX_ALONE: ("仅汇率变动（取不利方向）", "exchange rates alone, the worse way"),
    StressKind.VOLATILITY_ALONE: ("仅期权波动率变动（取不利方向）", "option volatilities alone, the worse way"),
    StressKind.NAMED: ("本机构情景", "a scenario of the organisation"),
    StressKind.OTHER: ("自定义情景", "a scenario of your own"),
}


def stress_labels(result: StressResult) -> tuple[str, str]:
    """Name a stress in both languages; a kept one has the name it was given."""
    return STRESS_LABELS[result.kind] if result.name is None else (result.name, result.name)


_ALONE: dict[StressKind, str] = {
    StressKind.PRICE_ALONE: STRESS_PRICE_MOVE,
    StressKind.RATE_ALONE: STRESS_RATE_MOVE,
    StressKind.FX_ALONE: STRESS_FX_MOVE,
    StressKind.VOLATILITY_ALONE: STRESS_VOLATILITY_MOVE,
}
"""Stresses of one thing alone, each with the parameter that says how far it moves either way."""


def stress_results(inputs: RiskInputs, exposed: Sequence[ExposedLine]) -> list[StressResult]:
    """Give what each stress in force does to the book, those the organisation keeps, and the one asked for last.

    Raises:
        InvalidInput: A move asked for is below -100 %.
    """
    snapshot = inputs.book.snapshot
    found = [
        result
        for kind in (StressKind.POLICY_SHOCK, StressKind.PENALTY_CHANGE)
        if (result := _parallel(snapshot, exposed, kind)) is not None
    ]
    days = snapshot.find_parameter(STRESS_LIMIT_DAYS, scope="")
    if days is not None:
        found.append(_limit_down(snapshot, exposed, days))
    found.append(_cliff(snapshot, exposed))
    found += [result for kind in _ALONE if (result := _alone(snapshot, exposed, kind)) is not None]
    for value, stress in named_stresses(snapshot.parameters)[0]:
        note_zh = "；".join(part for part in (value.note, value.document) if part)
        found.append(replace(_custom(stress, exposed), kind=StressKind.NAMED, name=value.scope, note_zh=note_zh))
    if inputs.custom is not None:
        found.append(_custom(inputs.custom, exposed))
    return found


def _parallel(snapshot: MarketSnapshot, exposed: Sequence[ExposedLine], kind: StressKind) -> StressResult | None:
    move = snapshot.find_parameter(STRESS_PRICE_MOVE, scope=kind)
    rate = snapshot.find_parameter(STRESS_RATE_MOVE, scope=kind)
    if move is None:
        return None
    fall = move.decimal
    return _stress(
        exposed, kind, lambda _: fall, rate_move=Decimal(0) if rate is None else rate.decimal, note_zh=move.note
    )


def _alone(snapshot: MarketSnapshot, exposed: Sequence[ExposedLine], kind: StressKind) -> StressResult | None:
    """Move one thing by its size either way and give the worse; None where no size is set."""
    size = snapshot.find_parameter(_ALONE[kind], scope=kind)
    if size is None:
        return None
    nothing = Decimal(0)
    both = []
    for move in (-size.decimal, size.decimal):
        price = move if kind is StressKind.PRICE_ALONE else nothing
        both.append(
            _stress(
                exposed, kind, _same(price),
                rate_move=move if kind is StressKind.RATE_ALONE else nothing,
                fx_move=move if kind is StressKind.FX_ALONE else None,
                volatility_move=move if kind is StressKind.VOLATILITY_ALONE else None,
                note_zh=size.note,
            )
        )  # fmt: skip
    return min(both, key=lambda one: one.pnl_cny)


def _same(move: Decimal) -> Callable[[Unit], Decimal]:
    """Give what moves every unit alike."""
    return lambda _: move


def _custom(asked: CustomStress, exposed: Sequence[ExposedLine]) -> StressResult:
    moves = dict(asked.price_moves)
    if any(move < -1 for move in moves.values()):
        raise InvalidInput(
            "a price cannot fall by more than all of it",
            zh="价格跌幅不能超过 100%",
            field="price_move",
            remedy="Give -1 at least.",
            remedy_zh="价格变动不得低于 -100%。",
        )
    for field, what, move in (("fx_move", "汇率", asked.fx_move), ("volatility_move", "波动率", asked.volatility_move)):
        if move is not None and not move > -1:
            raise InvalidInput(
                f"{field} is {move}; nothing of it would be left",
                zh=f"{what}变动须高于 -100%",
                field=field,
                remedy="Give more than -1.",
                remedy_zh=f"{what}变动须高于 -100%。",
            )
    return _stress(
        exposed,
        StressKind.OTHER,
        lambda unit: moves.get(unit.scheme, Decimal(0)),
        rate_move=asked.rate_move,
        fx_move=asked.fx_move or None,
        volatility_move=asked.volatility_move or None,
        note_zh="本次输入的情景",
    )


def _limit_down(snapshot: MarketSnapshot, exposed: Sequence[ExposedLine], days: ParameterValue) -> StressResult:
    def move(unit: Unit) -> Decimal:
        limit = snapshot.find_parameter("pricing.limit_ratio", scope=unit.scheme)
        return Decimal(0) if limit is None else limit_down_move(limit.decimal, days.integer)

    return _stress(
        exposed, StressKind.LIMIT_DOWN_STREAK, move, rate_move=Decimal(0),
        note_zh=f"{days.note}：连续 {days.value} 个交易日收于跌停价",
    )  # fmt: skip


def _cliff(snapshot: MarketSnapshot, exposed: Sequence[ExposedLine]) -> StressResult:
    def move(unit: Unit) -> Decimal:
        use = vintage_use(lambda key, scope: snapshot.find_parameter(key, scope=scope), unit)
        return Decimal(-1) if use.last_usable is not None else Decimal(0)

    return _stress(
        exposed, StressKind.VINTAGE_CLIFF, move, rate_move=Decimal(0),
        note_zh="假设：有最后可用日的年度在到期前未能清缴、结转或出售",
    )  # fmt: skip


def _stress(
    exposed: Sequence[ExposedLine],
    kind: StressKind,
    move_of: Callable[[Unit], Decimal],
    *,
    rate_move: Decimal,
    note_zh: str,
    fx_move: Decimal | None = None,
    volatility_move: Decimal | None = None,
) -> StressResult:
    fx = 0.0 if fx_move is None else to_float(fx_move)
    log_volatility = 0.0 if volatility_move is None else math.log1p(to_float(volatility_move))
    known: dict[tuple[object, ...], float] = {}
    pnl = tuple(
        (
            one.line.line_id,
            fen(
                _pnl(
                    one, known, to_float(move_of(one.line.unit)), to_float(rate_move), fx=fx, volatility=log_volatility
                )
            ),
        )
        for one in exposed
    )
    units = sorted({one.line.unit for one in exposed})
    return StressResult(
        kind=kind,
        pnl_cny=sum((amount for _, amount in pnl), Decimal("0.00")),
        moves=tuple((str(unit), move_of(unit)) for unit in units),
        rate_move=rate_move,
        line_pnl_cny=pnl,
        note_zh=note_zh,
        fx_move=fx_move,
        volatility_move=volatility_move,
    )


def _pnl(
    one: ExposedLine,
    known: dict[tuple[object, ...], float],
    move: float,
    rate_move: float,
    *,
    fx: float,
    volatility: float,
) -> float:
    """Give a line's P&L; of options with the same terms one tonne is valued, once, to the bits of each by itself."""
    if one.option is None:
        return one.pnl(move, rate_move, fx_move=fx, log_volatility=volatility)
    key = terms_of(one, one.option)
    if key not in known:
        single = replace(one, option=replace(one.option, amount=1.0))
        known[key] = single.pnl(move, rate_move, fx_move=fx, log_volatility=volatility)
    return one.option.amount * known[key]
