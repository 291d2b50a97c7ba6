"""What a draft of the concession table would do to the rates that stand, before anybody approves it."""

from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.impact import LiveImpact, LiveMove
from carbonfin.rules.record import canonical_json
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import DecisionRecord, decisions_of, rebuilt
from loans.calc.jiangtandai import RATE_KIND, RateDecision, RateInputs, decide_rate

_BP_PER_UNIT = Decimal(10_000)


def concession_impact(session: Session, actor: Actor, draft: TableVersion) -> LiveImpact:
    """Decide each borrower's latest rate again by the draft, all else as recorded; nothing is written.

    The draft is tried on every one of them, also on rates that apply before it would be valid.
    """
    latest = {record.subject: record for record in decisions_of(session, actor, kind=RATE_KIND.name)}
    standings = [_standing(latest[subject], draft) for subject in sorted(latest)]
    return LiveImpact(
        measure_zh="执行利率",
        measure_en="Executed rate",
        unit="rate",
        difference_unit="bp",
        subjects_count=len(standings),
        undecided_before_count=sum(one.before is None for one in standings),
        undecided_after_count=sum(one.after is None for one in standings),
        moves=tuple(one for one in standings if one.before != one.after),
    )


def _standing(record: DecisionRecord, draft: TableVersion) -> LiveMove:
    inputs = rebuilt(canonical_json(record.inputs), RateInputs)
    stands = rebuilt(canonical_json(record.outputs), RateDecision).executed_rate
    table = RecordedTable.of(replace(draft, valid_from=min(draft.valid_from, inputs.applies_from), valid_to=None))
    again = decide_rate(replace(inputs, concession_table=table)).executed_rate
    difference = None if stands is None or again is None else _in_bp(again - stands)
    return LiveMove(
        subject=record.subject,
        decision_id=record.id,
        before=stands,
        after=again,
        difference=difference,
    )


def _in_bp(difference: Decimal) -> Decimal:
    """Give a difference of rates in bp, without needless zeros."""
    scaled = difference * _BP_PER_UNIT
    return scaled.quantize(Decimal(1)) if scaled == scaled.to_integral_value() else scaled.normalize()
