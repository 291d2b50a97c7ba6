"""Headroom (履约余量): what an emitter may still pledge or sell and yet surrender in time."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.units import round_down, round_up
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.compliance_years import YearPosition
from collateral.calc.figures import FigureList
from collateral.calc.surrender import TradingDays


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitHolding:
    """Units on the emitter's accounts, locked ones included."""

    unit: Unit
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLock:
    """Units bound to an agreement; an uncertain lock (freeze unknown) counts whatever its end."""

    agreement_code: str
    unit: Unit
    quantity_t: int
    end_date: date | None
    is_certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomInputs:
    """Everything the headroom of one emitter, scheme and compliance year hangs on.

    Attributes:
        emissions_t: Verified or projected emissions, whole tonnes.
        true_up_expected_t: Allocation still to be issued.
        unconfirmed: Why emissions and true-up are 未确认, or empty.
        unfreeze_days: Trading days between the end of a pledge and the units being usable.
        position: The compliance position of the year, on which emissions still owed, true-up and recall rest; None in
            decisions made before positions were struck.
    """

    party_code: str
    scheme: Scheme
    compliance_year: int
    valuation_date: date
    surrender_date: ParameterValue
    holdings: tuple[UnitHolding, ...]
    locks: tuple[UnitLock, ...]
    emissions_t: int
    emissions_source: str
    true_up_expected_t: int
    true_up_source: str
    unconfirmed: str
    true_up_counted: ParameterValue
    buffer: ParameterValue
    unfreeze_days: ParameterValue
    trading_days: TradingDays
    position: YearPosition | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomOutcome:
    """The headroom in whole tonnes, and its parts."""

    holdings_t: int
    true_up_counted_t: int
    locked_past_deadline_t: int
    emissions_t: int
    buffer_t: int
    headroom_t: int
    surrender_date: date
    days_to_surrender: int
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def is_locked_past(lock: UnitLock, *, free_by: date, valuation_date: date) -> bool:
    """Tell whether units are not back in time: uncertain, open-ended, overdue or ending after `free_by`."""
    if not lock.is_certain or lock.end_date is None:
        return True
    return lock.end_date > free_by or lock.end_date < valuation_date


def counts_for(unit: Unit, scheme: Scheme, compliance_year: int) -> bool:
    """Tell whether a unit may be surrendered: same scheme, no credit, no later vintage."""
    return unit.scheme is scheme and not unit.is_credit and (unit.vintage is None or unit.vintage <= compliance_year)


def decide_headroom(inputs: HeadroomInputs) -> HeadroomOutcome:
    """Give headroom = holdings + counted true-up - recallable - locked past the deadline - owed - buffer, in tonnes.

    Holdings, true-up, recall and what is owed come from the year's compliance position where there is one; decisions
    made before positions were struck took emissions as owed. The true-up counts rounded down, the buffer of emissions
    rounded up; credits, later vintages and units past use do not count.
    """
    figures = FigureList()
    holdings_t = _sum_holdings(inputs, figures)
    true_up_t = _true_up(inputs, figures)
    locked_t = _sum_locks(inputs, figures)
    emissions = figures.fact(
        "emissions",
        ("核查排放量", "Verified emissions"),
        inputs.emissions_t,
        "t",
        inputs.emissions_source,
        confirmed=not inputs.unconfirmed,
        note_zh=inputs.unconfirmed,
    )
    buffer_t = int(round_up(Decimal(inputs.emissions_t) * inputs.buffer.decimal))
    ratio = figures.parameter("buffer_ratio", inputs.buffer)
    figures.result(
        "buffer", ("履约缓冲", "Buffer"), buffer_t, "t", "emissions × ratio, rounded up", inputs=(emissions, ratio)
    )
    owed_t, owed = _owed(inputs, emissions, figures)
    headroom_t = holdings_t + true_up_t - locked_t - owed_t - buffer_t
    figures.result(
        "headroom", ("履约余量", "Headroom"), headroom_t, "t",
        "holdings + true-up counted − locked past the deadline − emissions − buffer"
        if inputs.position is None
        else "holdings + true-up counted − locked past the deadline − recallable − outstanding − buffer",
        inputs=("holdings", "true_up", "locked_past_deadline", *owed, "buffer"),
        note_zh="减排量不计入", note_en="credits are not counted",
    )  # fmt: skip
    return HeadroomOutcome(
        holdings_t=holdings_t, true_up_counted_t=true_up_t, locked_past_deadline_t=locked_t,
        emissions_t=inputs.emissions_t, buffer_t=buffer_t, headroom_t=headroom_t,
        surrender_date=inputs.surrender_date.day,
        days_to_surrender=(inputs.surrender_date.day - inputs.valuation_date).days,
        unconfirmed=figures.unconfirmed(), trace=figures.trace(),
    )  # fmt: skip


def _true_up(inputs: HeadroomInputs, figures: FigureList) -> int:
    position = inputs.position
    expected = figures.fact(
        "true_up_expected",
        ("应补发配额", "Expected true-up"),
        inputs.true_up_expected_t,
        "t",
        inputs.true_up_source,
        confirmed=not inputs.unconfirmed,
        note_zh=inputs.unconfirmed,
    )
    counted = figures.parameter("true_up_counted_ratio", inputs.true_up_counted)
    if position is None:
        true_up_t = int(round_down(inputs.true_up_expected_t * inputs.true_up_counted.decimal))
    else:
        true_up_t = position.to_come_counted_t
    figures.result(
        "true_up", ("计入的应补发配额", "True-up counted"), true_up_t, "t",
        "expected × ratio, rounded down" if position is None else "Σ floor(to come × ratio) of the compliance position",
        inputs=(expected, counted),
    )  # fmt: skip
    return true_up_t


def _owed(inputs: HeadroomInputs, emissions: str, figures: FigureList) -> tuple[int, tuple[str, ...]]:
    """Give what is owed and may be taken back, and the figures that say so."""
    position = inputs.position
    if position is None:
        return inputs.emissions_t, (emissions,)
    parts = [
        figures.fact(name, label, quantity_t, "t", "履约头寸")
        for name, label, quantity_t in (
            ("arrears", ("以前年度欠缴", "Arrears of earlier years"), position.arrears_t),
            ("surrendered", ("已清缴", "Surrendered"), position.surrendered_t),
        )
    ]
    outstanding = figures.result(
        "outstanding", ("待清缴", "Still to surrender"), position.outstanding_t, "t",
        "emissions + arrears − surrendered",
        inputs=(emissions, *parts),
    )  # fmt: skip
    recallable = figures.fact(
        "recallable", ("可能收回的配额", "Allocation subject to recall"), position.recallable_t, "t", "履约头寸"
    )
    return position.outstanding_t + position.recallable_t, (recallable, outstanding)


def _sum_holdings(inputs: HeadroomInputs, figures: FigureList) -> int:
    if inputs.position is not None:
        counted = [(one.unit, one.quantity_t) for one in inputs.position.usable]
    else:
        counted = [
            (one.unit, one.quantity_t)
            for one in inputs.holdings
            if counts_for(one.unit, inputs.scheme, inputs.compliance_year)
        ]
    names = [
        figures.fact(f"holding_{unit}", (f"{unit} 持有", f"{unit} held"), quantity_t, "t", "配额台账")
        for unit, quantity_t in counted
    ]
    total_t = sum(quantity_t for _, quantity_t in counted)
    figures.result("holdings", ("持有配额", "Holdings"), total_t, "t", "Σ holdings of the scheme", inputs=names)
    return total_t


def _sum_locks(inputs: HeadroomInputs, figures: FigureList) -> int:
    deadline = figures.parameter("surrender_date", inputs.surrender_date)
    lead = figures.parameter("unfreeze_days", inputs.unfreeze_days)
    free_by = _free_by(inputs)
    limit = figures.result(
        "free_by", ("最迟到期日", "Latest end of a pledge"), free_by, "date",
        "surrender date − unfreeze trading days", inputs=(deadline, lead),
    )  # fmt: skip
    names, total_t = [limit], 0
    usable = None if inputs.position is None else {one.unit: one.quantity_t for one in inputs.position.usable}
    for lock in inputs.locks:
        if not counts_for(lock.unit, inputs.scheme, inputs.compliance_year):
            continue
        past = is_locked_past(lock, free_by=free_by, valuation_date=inputs.valuation_date)
        bound_t = lock.quantity_t if past else 0
        if usable is not None and past:
            # What the position does not count cannot be missed again because it is bound.
            bound_t = min(bound_t, usable.get(lock.unit, 0))
            usable[lock.unit] = usable.get(lock.unit, 0) - bound_t
        total_t += bound_t
        names.append(
            figures.fact(
                f"lock_{lock.agreement_code}_{lock.unit}",
                (f"{lock.agreement_code} 占用 {lock.unit}", f"{lock.agreement_code} binds {lock.unit}"),
                lock.quantity_t,
                "t",
                f"质押台账 到期 {lock.end_date or '未定'}",
                note_zh=("计入" if past else "清缴前解除，不计入")
                + ("" if lock.is_certain else "；冻结状态未知，按占用计"),
                note_en=("counted" if past else "ends before the deadline")
                + ("" if lock.is_certain else "; freeze unknown"),
            )
        )
    figures.result(
        "locked_past_deadline",
        ("清缴后仍占用", "Locked past the deadline"),
        total_t,
        "t",
        "Σ units not free by the latest end",
        inputs=names,
    )
    return total_t


def _free_by(inputs: HeadroomInputs) -> date:
    """Give the last day a pledge may end and be unfrozen in time; the valuation date where none is left."""
    anchor = min(inputs.surrender_date.day, inputs.trading_days.known_until)
    if anchor < inputs.valuation_date:
        return inputs.valuation_date
    return inputs.trading_days.last_before(anchor, inputs.unfreeze_days.integer) or inputs.valuation_date


HEADROOM = DecisionKind(
    name="collateral.headroom", version="1", inputs=HeadroomInputs, outputs=HeadroomOutcome, decide=decide_headroom
)
