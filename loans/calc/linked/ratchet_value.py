"""What a margin ratchet is worth: expected adjustment by grade and period, present value, and the par spread.

E_t(i) is the expectation of the adjustment in period t from grade i, by the chain of grades; with N balance, tau year
fraction and df discount factor

PV(i) = sum_t N_t E_t(i) / 10^4 tau_t df_t,   par(i) = PV(i) / sum_t N_t tau_t df_t,   df_t = prod 1 / (1 + r tau).

An absolute ratchet stands at the step of the grade last observed, within its floor and cap; a cumulative one moves by
the step of each observed grade from where it stands, within them each time: the chain is that of (grade, level). An
all-in floor of the rate cuts what is left of a discount. A positive value is the bank's, a negative one the borrower's.
Until the first observation there is no adjustment. Everything is exact rationals, rounded once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.linked.ratchet_terms import PLACES_MAX, RatchetInputs, RatchetKind
from loans.calc.rounding import half_up

_CHANCE_SCALE = 10**PLACES_MAX
_BP = 10_000
_Distribution = Mapping[tuple[int, Fraction], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeValue:
    """What the ratchet is worth to a borrower who now has a grade.

    Attributes:
        expected_bp: Expected adjustment of each period, six places.
        pv_cny: Present value to the bank, to the fen; negative where the borrower gains.
        par_bp: The fixed adjustment of the same value, six places.
    """

    name: str
    expected_bp: tuple[Decimal, ...]
    pv_cny: Decimal
    par_bp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RatchetValue:
    """The value from each grade; the trace is that of the current one."""

    current_grade: str
    pv_cny: Decimal
    par_bp: Decimal
    annuity_cny: Decimal
    grades: tuple[GradeValue, ...]
    trace: tuple[Figure, ...]


def value_ratchet(inputs: RatchetInputs) -> RatchetValue:
    """Value the ratchet from every grade."""
    factors = _discount_factors(inputs)
    weights = [
        Fraction(one.balance_cny) * one.year_fraction * factor
        for one, factor in zip(inputs.periods, factors, strict=True)
    ]
    annuity = sum(weights, start=Fraction(0))
    found = []
    for place, grade in enumerate(inputs.grades):
        expected = expected_adjustments(inputs, place)
        worth = sum((each * weight for each, weight in zip(expected, weights, strict=True)), start=Fraction(0)) / _BP
        found.append(
            GradeValue(
                name=grade.name,
                expected_bp=tuple(half_up(each, places=6) for each in expected),
                pv_cny=half_up(worth, places=2),
                par_bp=half_up(worth * _BP / annuity, places=6) if annuity else Decimal(0),
            )
        )
    current = next(one for one in found if one.name == inputs.current_grade)
    return RatchetValue(
        current_grade=current.name,
        pv_cny=current.pv_cny,
        par_bp=current.par_bp,
        annuity_cny=half_up(annuity, places=2),
        grades=tuple(found),
        trace=_trace(inputs, current, factors, half_up(annuity, places=2)),
    )


def expected_adjustments(inputs: RatchetInputs, place: int) -> list[Fraction]:
    """Give the expected adjustment in bp of each period, exact, from the grade at a place."""
    distribution: _Distribution = {(place, Fraction(0)): 1}
    scale, observed, expected = 1, 0, []
    for period in inputs.periods:
        while observed < period.observations:
            distribution = _observed(inputs, distribution)
            scale *= _CHANCE_SCALE
            observed += 1
        total = sum((weight * _let_through(inputs, level) for (_, level), weight in distribution.items()), Fraction(0))
        expected.append(total / scale)
    return expected


def _observed(inputs: RatchetInputs, distribution: _Distribution) -> _Distribution:
    """Move the chain by one observation: chances in millionths, so that weights stay whole."""
    after: dict[tuple[int, Fraction], int] = {}
    for (place, level), weight in distribution.items():
        for next_place, chance in enumerate(inputs.grades[place].transitions):
            if chance:
                key = (next_place, _level(inputs, next_place, level))
                after[key] = after.get(key, 0) + weight * int(chance * _CHANCE_SCALE)
    return after


def _level(inputs: RatchetInputs, place: int, level: Fraction) -> Fraction:
    """Give where the ratchet stands after a grade was observed, within its own floor and cap."""
    step = Fraction(inputs.grades[place].adjustment_bp)
    moved = level + step if inputs.kind is RatchetKind.CUMULATIVE else step
    if inputs.floor_bp is not None:
        moved = max(moved, Fraction(inputs.floor_bp))
    return moved if inputs.cap_bp is None else min(moved, Fraction(inputs.cap_bp))


def _let_through(inputs: RatchetInputs, level: Fraction) -> Fraction:
    """Give what the all-in floor lets through of an adjustment, at the base rate held."""
    if inputs.all_in_floor_rate is None:
        return level
    return max(level, (Fraction(inputs.all_in_floor_rate) - Fraction(inputs.base_rate)) * _BP)


def _discount_factors(inputs: RatchetInputs) -> list[Fraction]:
    rate = Fraction(inputs.discount_rate)
    factor = 1 / (1 + rate * Fraction(inputs.stub_days, inputs.periods[0].year_days))
    factors = []
    for period in inputs.periods:
        factor /= 1 + rate * period.year_fraction
        factors.append(factor)
    return factors


def _entered(inputs: RatchetInputs, current: GradeValue) -> list[Figure]:
    grade = next(one for one in inputs.grades if one.name == current.name)
    return [
        Figure(
            name="current_grade", label_zh="当前碳评级等级", label_en="Current grade", value=current.name, unit="code",
            source=inputs.source, confirmed=inputs.confirmed,
            note_zh="" if inputs.confirmed else "迁移概率未经复核", note_en="" if inputs.confirmed else "not confirmed",
        ),
        Figure(
            name="current_step_bp", label_zh="当前等级的利差调整", label_en="Step of the current grade",
            value=str(grade.adjustment_bp), unit="bp", source="合同约定",
        ),
        Figure(
            name="base_rate", label_zh="调整前利率", label_en="Rate before the ratchet", value=str(inputs.base_rate),
            unit="rate", source="合同约定",
        ),
        Figure(
            name="discount_rate", label_zh="贴现利率", label_en="Discount rate", value=str(inputs.discount_rate),
            unit="rate", source=inputs.source,
        ),
    ]  # fmt: skip


def _trace(
    inputs: RatchetInputs, current: GradeValue, factors: list[Fraction], annuity_cny: Decimal
) -> tuple[Figure, ...]:
    figures = _entered(inputs, current)
    rows = zip(inputs.periods, factors, current.expected_bp, strict=True)
    for number, (period, factor, expected_bp) in enumerate(rows, start=1):
        figures += [
            Figure(
                name=f"balance_cny.{number}", label_zh=f"第 {number} 期余额", label_en=f"Balance {number}",
                value=str(period.balance_cny), unit="CNY", source="还款计划",
            ),
            Figure(
                name=f"discount_factor.{number}", label_zh=f"第 {number} 期贴现因子",
                label_en=f"Discount factor {number}", value=str(half_up(factor, places=12)), unit="ratio",
                formula="∏ 1 / (1 + r·τ)", inputs=("discount_rate",),
            ),
            Figure(
                name=f"expected_bp.{number}", label_zh=f"第 {number} 期预期调整",
                label_en=f"Expected adjustment {number}",
                value=str(expected_bp), unit="bp", formula="e_i·P^k·clip(b)", inputs=("current_grade",),
            ),
        ]  # fmt: skip
    numbers = range(1, len(inputs.periods) + 1)
    weights = tuple(name for one in numbers for name in (f"balance_cny.{one}", f"discount_factor.{one}"))
    figures += [
        Figure(
            name="annuity_cny", label_zh="年金基数", label_en="Annuity", value=str(annuity_cny), unit="CNY",
            formula="Σ N·τ·df", inputs=weights,
        ),
        Figure(
            name="pv_cny", label_zh="挂钩条款现值（正为银行得）", label_en="Present value (positive is the bank's)",
            value=str(current.pv_cny), unit="CNY", formula="Σ N·E/10⁴·τ·df",
            inputs=(*weights, *(f"expected_bp.{one}" for one in numbers)),
        ),
        Figure(
            name="par_bp", label_zh="平价利差", label_en="Par spread", value=str(current.par_bp), unit="bp",
            formula="PV·10⁴ / annuity", inputs=("pv_cny", "annuity_cny"),
        ),
    ]  # fmt: skip
    return checked_trace(tuple(figures))


RATCHET_VALUE_KIND: DecisionKind[RatchetInputs, RatchetValue] = DecisionKind(
    name="loans.ratchet_value", version="1", inputs=RatchetInputs, outputs=RatchetValue, decide=value_ratchet
)
