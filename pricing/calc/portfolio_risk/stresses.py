"""Named stresses of a book: each an assumption, computed exactly line by line."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.compliance import vintage_use
from pricing.calc.market import MarketSnapshot
from pricing.calc.portfolio_risk.exposures import ExposedLine, fen
from pricing.calc.portfolio_risk.inputs import (
    STRESS_LIMIT_DAYS,
    STRESS_PRICE_MOVE,
    STRESS_RATE_MOVE,
    CustomStress,
    RiskInputs,
    StressResult,
)
from pricing.calc.risk.scenarios import StressKind, limit_down_move

STRESS_LABELS: dict[StressKind, tuple[str, str]] = {
    StressKind.POLICY_SHOCK: ("政策冲击", "policy shock"),
    StressKind.VINTAGE_CLIFF: (
        "配额年度断崖（到期且不能结转者归零）",
        "vintage cliff: what ends and is not carried over",
    ),
    StressKind.LIMIT_DOWN_STREAK: ("连续跌停", "closes in a row at the lower limit"),
    StressKind.PENALTY_CHANGE: ("罚款倍数提高", "higher fines"),
    StressKind.OTHER: ("自定义情景", "a scenario of your own"),
}


def stress_results(inputs: RiskInputs, exposed: Sequence[ExposedLine]) -> list[StressResult]:
    """Give what each stress in force does to the book, and the one a person asked for last.

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
    return _stress(
        exposed,
        StressKind.OTHER,
        lambda unit: moves.get(unit.scheme, Decimal(0)),
        rate_move=asked.rate_move,
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
) -> StressResult:
    pnl = tuple(
        (one.line.line_id, fen(one.pnl(to_float(move_of(one.line.unit)), to_float(rate_move)))) for one in exposed
    )
    units = sorted({one.line.unit for one in exposed})
    return StressResult(
        kind=kind,
        pnl_cny=sum((amount for _, amount in pnl), Decimal("0.00")),
        moves=tuple((str(unit), move_of(unit)) for unit in units),
        rate_move=rate_move,
        line_pnl_cny=pnl,
        note_zh=note_zh,
    )
