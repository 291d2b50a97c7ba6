"""A note's rate changed (利率调整): the new line, and the compensating accrual of days booked before.

Its link moves it, a reset to the LPR, or a concession that stops or comes back.

compensation = sum over days booked at another rate of round(balance x new rate x days / year, fen) less the old
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.contracts.interest import interest_fen
from loans.calc.linked.rate_lines import AdjustmentStep, AllInFloor, BaseRate, RateSpell, floor_of, rate_on, spells_of
from loans.calc.rounding import fen, yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSpan:
    """A balance interest runs on for `[start, end)`: one interest period, or the part of one gone by."""

    start: date
    end: date
    balance_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChangeInputs:
    """Everything a change of a note's rate takes.

    Attributes:
        link_number: The link whose adjustment `steps` are; empty where the note has none.
        base_rate: The note's own rate, before any adjustment.
        steps: Where the link's adjustment stands, from which day, as now known.
        before: The line as it was booked until now.
        period_starts: First days of the note's interest periods.
        spans: Balances from the drawdown to `known_from`, by interest period.
        all_in_floor_rate: The floor agreed last; None where none is.
        known_from: The business date: days before it are booked already.
        floors: The floor from each day on where it was amended; None where it is the one throughout.
        bases: The rate before adjustment from each day on where it moved; None where it is the note's own throughout.
    """

    note_code: str
    link_number: str
    cause: str
    base_rate: Decimal
    all_in_floor_rate: Decimal | None
    basis: DayCount
    steps: tuple[AdjustmentStep, ...]
    before: tuple[RateSpell, ...]
    period_starts: tuple[date, ...]
    spans: tuple[BalanceSpan, ...]
    known_from: date
    floors: tuple[AllInFloor, ...] | None = field(default=None, metadata=ADDED_LATER)
    bases: tuple[BaseRate, ...] | None = field(default=None, metadata=ADDED_LATER)

    @property
    def all_in_floors(self) -> tuple[AllInFloor, ...]:
        """The floor from each day on."""
        return self.floors or (AllInFloor(valid_from=date.min, rate=self.all_in_floor_rate),)

    def __post_init__(self) -> None:
        """Refuse spans that reach past what is booked, or do not follow on each other."""
        for one, other in pairwise(self.spans):
            if one.end != other.start:
                raise InvalidInput(f"balances leave {one.end} to {other.start} out", zh="余额区间不连续", field="spans")
        if self.spans and self.spans[-1].end > self.known_from:
            raise InvalidInput(f"balances reach past {self.known_from}", zh="余额区间晚于业务日期", field="spans")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationLine:
    """Days booked at one rate that should have run at another."""

    start: date
    end: date
    days: int
    balance_cny: Decimal
    rate_before: Decimal
    rate_after: Decimal
    interest_before_cny: Decimal
    interest_after_cny: Decimal

    @property
    def difference_cny(self) -> Decimal:
        """What is booked on top; below zero is the borrower's."""
        return self.interest_after_cny - self.interest_before_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChange:
    """The new line and what makes up for the days booked before it was known."""

    spells: tuple[RateSpell, ...]
    lines: tuple[CompensationLine, ...]
    compensation_cny: Decimal
    trace: tuple[Figure, ...]


def decide_rate_change(inputs: RateChangeInputs) -> RateChange:
    """Give the note's rate line as now known, and the compensating accrual."""
    spells = spells_of(
        inputs.steps, period_starts=inputs.period_starts, base_rate=inputs.base_rate,
        floors=inputs.all_in_floors, bases=inputs.bases or (),
    )  # fmt: skip
    lines = _compensation(inputs, spells)
    total = sum((one.difference_cny for one in lines), Decimal("0.00"))
    return RateChange(spells=spells, lines=lines, compensation_cny=total, trace=_trace(inputs, spells, lines, total))


def _compensation(inputs: RateChangeInputs, spells: tuple[RateSpell, ...]) -> tuple[CompensationLine, ...]:
    cuts = {one.start for one in (*inputs.before, *spells)}
    found = []
    for span in inputs.spans:
        days = [span.start, *sorted(day for day in cuts if span.start < day < span.end), span.end]
        for start, end in pairwise(days):
            before = rate_on(inputs.before, start, base_rate=inputs.base_rate)
            after = rate_on(spells, start, base_rate=inputs.base_rate)
            if before != after:
                found.append(_line(inputs, span, start=start, end=end, before=before, after=after))
    return tuple(found)


def _line(
    inputs: RateChangeInputs, span: BalanceSpan, *, start: date, end: date, before: Decimal, after: Decimal
) -> CompensationLine:
    days = days_between(inputs.basis, start, end)
    balance = fen(span.balance_cny)
    old, new = (
        yuan(interest_fen(balance_fen=balance, rate=rate, days=days, basis=inputs.basis)) for rate in (before, after)
    )
    return CompensationLine(
        start=start, end=end, days=days, balance_cny=span.balance_cny, rate_before=before, rate_after=after,
        interest_before_cny=old, interest_after_cny=new,
    )  # fmt: skip


def _trace(
    inputs: RateChangeInputs, spells: tuple[RateSpell, ...], lines: tuple[CompensationLine, ...], total: Decimal
) -> tuple[Figure, ...]:
    figures = [
        Figure(
            name="base_rate", label_zh="调整前利率", label_en="Rate before the adjustment", unit="rate",
            value=format(inputs.base_rate, "f"), source=f"借据 {inputs.note_code}",
        )
    ]  # fmt: skip
    for floor in inputs.all_in_floors:
        if floor.rate is not None:
            since = ("", "") if inputs.floors is None else (f"（{floor.valid_from} 起）", f" from {floor.valid_from}")
            figures.append(
                Figure(
                    name=_floor_name(inputs, floor), label_zh=f"综合利率下限{since[0]}",
                    label_en=f"All-in floor{since[1]}", unit="rate", value=format(floor.rate, "f"),
                    source=f"挂钩条款 {inputs.link_number}",
                )
            )  # fmt: skip
    figures += [
        Figure(
            name=f"base_rate.{one.start}", label_zh=f"{one.start} 起调整前利率",
            label_en=f"Rate before the adjustment from {one.start}", unit="rate", value=format(one.rate, "f"),
            source=one.cause,
        )
        for one in inputs.bases or ()
    ]  # fmt: skip
    for number, spell in enumerate(spells, start=1):
        figures += _spell_figures(inputs, number, spell)
    for number, line in enumerate(lines, start=1):
        figures.append(
            Figure(
                name=f"difference_cny.{number}", label_zh=f"{line.start} 至 {line.end} 利息差额",
                label_en=f"Difference of {line.start} to {line.end}", value=str(line.difference_cny), unit="CNY",
                formula=f"round({line.balance_cny} x {line.rate_after} x {line.days}d, 2) = {line.interest_after_cny}"
                f" - round({line.balance_cny} x {line.rate_before} x {line.days}d, 2) = {line.interest_before_cny}",
                inputs=("base_rate",),
            )
        )  # fmt: skip
    figures.append(
        Figure(
            name="compensation_cny", label_zh="补计利息（负数为应退借款人）", label_en="Compensating accrual",
            unit="CNY", value=str(total), formula="sum of the differences",
            inputs=tuple(f"difference_cny.{number}" for number, _ in enumerate(lines, start=1)),
        )
    )  # fmt: skip
    return checked_trace(figures)


def _floor_name(inputs: RateChangeInputs, floor: AllInFloor) -> str:
    return "all_in_floor_rate" if inputs.floors is None else f"all_in_floor_rate.{floor.valid_from}"


def _base_name(inputs: RateChangeInputs, day: date) -> str:
    started = [one.start for one in inputs.bases or () if one.start <= day]
    return f"base_rate.{max(started)}" if started else "base_rate"


def _spell_figures(inputs: RateChangeInputs, number: int, spell: RateSpell) -> list[Figure]:
    of_day = floor_of(inputs.all_in_floors, spell.start)
    floor = () if of_day.rate is None else (_floor_name(inputs, of_day),)
    return [
        Figure(
            name=f"level_bp.{number}", label_zh=f"{spell.start} 起利差调整", label_en=f"Adjustment from {spell.start}",
            value=format(spell.level_bp, "f"), unit="bp", source=spell.cause,
        ),
        Figure(
            name=f"rate.{number}", label_zh=f"{spell.start} 起执行利率", label_en=f"Rate from {spell.start}",
            value=format(spell.rate, "f"), unit="rate", formula="max(base + adjustment, all-in floor)",
            inputs=(_base_name(inputs, spell.start), f"level_bp.{number}", *floor),
            note_zh="按综合利率下限" if spell.floor_applied else "",
            note_en="at the floor" if spell.floor_applied else "",
        ),
    ]  # fmt: skip


RATE_CHANGE_KIND: DecisionKind[RateChangeInputs, RateChange] = DecisionKind(
    name="loans.rate_change", version="1", inputs=RateChangeInputs, outputs=RateChange, decide=decide_rate_change
)
