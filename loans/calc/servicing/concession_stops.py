"""When a note's concession stops on overdue and comes back, as its contract says (逾期停止优惠).

A payment due on D is past due by t - D days at the close of day t. On the first t at which that exceeds the days the
contract states on t, the concession stops: from D, from t, or from the first interest period that begins on or after t.
It comes back, where the contract says so, from the day on which nothing is past due any more, or from the first
interest period that begins on or after that day. A contract that says nothing of it stops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.facilities.rate_clauses import ConcessionClause, Returns, StopsFrom
from loans.calc.servicing.missed import MissedPayment
from loans.calc.servicing.unlinked_rates import ConcessionStop

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedClause:
    """What a revision of the contract says from its day on; None where it says nothing of it."""

    revision: int
    valid_from: date
    document: str
    clause: ConcessionClause | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcessionStopInputs:
    """Everything the stop of a concession takes.

    Attributes:
        agreed: The contract's revisions in order; of those valid on a day the last counts.
        missed: Payments missed by the close of `on`, as the receipts are known.
        period_starts: First days of the note's interest periods.
        on: The business date.
    """

    note_code: str
    contract_number: str
    agreed: tuple[AgreedClause, ...]
    missed: tuple[MissedPayment, ...]
    period_starts: tuple[date, ...]
    maturity_date: date
    on: date

    def __post_init__(self) -> None:
        """Refuse revisions out of order, and payments missed after the day."""
        revisions = [one.revision for one in self.agreed]
        if revisions != sorted(revisions):
            raise InvalidInput("revisions of the contract are out of order", zh="合同版次未按先后排列", field="agreed")
        if any(one.due_on >= self.on for one in self.missed):
            raise InvalidInput(f"a payment is missed after {self.on}", zh="逾期款项晚于业务日期", field="missed")

    def clause_on(self, day: date) -> AgreedClause | None:
        """Give what the contract says on a day."""
        return next((one for one in reversed(self.agreed) if one.valid_from <= day), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcessionStops:
    """The days on which the concession stands still, as now known."""

    stops: tuple[ConcessionStop, ...]
    trace: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trigger:
    """A missed payment that stopped the concession: when that came about, and the clause of that day."""

    missed: MissedPayment
    exceeded_on: date
    agreed: AgreedClause
    clause: ConcessionClause


def decide_concession_stops(inputs: ConcessionStopInputs) -> ConcessionStops:
    """Give the days on which a note's concession is stopped, apart from each other and ascending."""
    triggers = [found for one in inputs.missed if (found := _trigger(inputs, one)) is not None]
    stops: list[ConcessionStop] = []
    for trigger in triggers:
        start = _start(inputs, trigger)
        if start is None or start >= inputs.maturity_date:
            continue  # no interest runs on the days it would hold
        stop = ConcessionStop(start=start, end=_end(inputs, trigger), due_on=trigger.missed.due_on)
        if stop.end is None or stop.end > stop.start:
            stops.append(stop)
    joined = _joined(stops)
    return ConcessionStops(stops=joined, trace=_trace(inputs, triggers, joined))


def _trigger(inputs: ConcessionStopInputs, missed: MissedPayment) -> _Trigger | None:
    last = inputs.on if missed.cleared_on is None else min(inputs.on, missed.cleared_on - _DAY)
    day = missed.due_on + _DAY
    while day <= last:
        agreed = inputs.clause_on(day)
        if agreed is not None and agreed.clause is not None and (day - missed.due_on).days > agreed.clause.days:
            return _Trigger(missed=missed, exceeded_on=day, agreed=agreed, clause=agreed.clause)
        day += _DAY
    return None


def _start(inputs: ConcessionStopInputs, trigger: _Trigger) -> date | None:
    if trigger.clause.stops_from is StopsFrom.DUE_DAY:
        return trigger.missed.due_on
    if trigger.clause.stops_from is StopsFrom.EXCEEDED:
        return trigger.exceeded_on
    return _next_period(inputs, trigger.exceeded_on)


def _end(inputs: ConcessionStopInputs, trigger: _Trigger) -> date | None:
    """Give the day from which it comes back, by the clause of the day on which nothing is past due any more."""
    cleared = _all_clear_on(inputs.missed, trigger.missed)
    if cleared is None:
        return None
    agreed = inputs.clause_on(cleared)
    clause = trigger.clause if agreed is None or agreed.clause is None else agreed.clause
    if clause.returns is Returns.NEVER:
        return None
    return cleared if clause.returns is Returns.PAID else _next_period(inputs, cleared)


def _all_clear_on(missed: Sequence[MissedPayment], first: MissedPayment) -> date | None:
    """Give the day on which nothing is past due any more after a missed payment; None where something still is."""
    cleared = first.cleared_on
    while cleared is not None:
        still = [one.cleared_on for one in missed if one.due_on < cleared and (one.cleared_on or date.max) > cleared]
        if not still:
            return cleared
        cleared = None if None in still else max(day for day in still if day is not None)
    return None


def _next_period(inputs: ConcessionStopInputs, day: date) -> date | None:
    return next((start for start in inputs.period_starts if start >= day), None)


def _joined(stops: Sequence[ConcessionStop]) -> tuple[ConcessionStop, ...]:
    """Join stops that overlap or touch: the first missed payment names them."""
    found: list[ConcessionStop] = []
    for stop in sorted(stops, key=lambda one: one.start):
        last = found[-1] if found else None
        if last is None or (last.end is not None and last.end < stop.start):
            found.append(stop)
        else:
            end = None if last.end is None or stop.end is None else max(last.end, stop.end)
            found[-1] = ConcessionStop(start=last.start, end=end, due_on=last.due_on)
    return tuple(found)


def _trace(
    inputs: ConcessionStopInputs, triggers: Sequence[_Trigger], stops: Sequence[ConcessionStop]
) -> tuple[Figure, ...]:
    figures = []
    for one in inputs.agreed:
        zh, en = ("合同未约定", "the contract says nothing") if one.clause is None else one.clause.words()
        figures.append(
            Figure(
                name=f"clause.{one.revision}", label_zh=f"合同第 {one.revision} 版（{one.valid_from} 起）",
                label_en=f"Revision {one.revision} of the contract, from {one.valid_from}", unit="days",
                value="" if one.clause is None else str(one.clause.days), source=one.document, note_zh=zh, note_en=en,
            )
        )  # fmt: skip
    for missed in inputs.missed:
        until = inputs.on if missed.cleared_on is None else missed.cleared_on
        paid = ("至今未清偿", "not paid") if missed.cleared_on is None else (f"{until} 清偿", f"paid on {until}")
        figures.append(
            Figure(
                name=f"late_days.{missed.due_on}", label_zh=f"{missed.due_on} 应还款项逾期天数",
                label_en=f"Days the payment of {missed.due_on} was late", unit="days",
                value=str((until - missed.due_on).days), formula=f"{until} - {missed.due_on}",
                source=f"借据 {inputs.note_code}", note_zh=paid[0], note_en=paid[1],
            )
        )  # fmt: skip
    figures += [
        Figure(
            name=f"exceeded.{trigger.missed.due_on}", label_zh=f"{trigger.missed.due_on} 应还款项超过约定天数之日",
            label_en=f"Day the payment of {trigger.missed.due_on} exceeded the contract's days", unit="date",
            value=trigger.exceeded_on.isoformat(), formula="first day with days past due > days of the contract",
            inputs=(f"clause.{trigger.agreed.revision}", f"late_days.{trigger.missed.due_on}"),
        )
        for trigger in triggers
    ]  # fmt: skip
    for number, stop in enumerate(stops, start=1):
        end = ("未恢复", "not back") if stop.end is None else (f"{stop.end} 起恢复", f"back from {stop.end}")
        figures.append(
            Figure(
                name=f"stop.{number}", label_zh="优惠停止起始日", label_en="The concession is stopped from",
                unit="date", value=stop.start.isoformat(), inputs=(f"exceeded.{stop.due_on}",), note_zh=end[0],
                note_en=end[1],
            )
        )  # fmt: skip
    return checked_trace(figures)


CONCESSION_STOP_KIND: DecisionKind[ConcessionStopInputs, ConcessionStops] = DecisionKind(
    name="loans.concession_stop", version="1", inputs=ConcessionStopInputs, outputs=ConcessionStops,
    decide=decide_concession_stops,
)  # fmt: skip
