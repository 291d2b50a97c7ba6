"""What a draft of a table that concessions hang on would do to the rates that stand, before anybody approves it."""

from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.impact import LiveImpact, LiveMove
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import LatestDecision, latest_decisions
from loans.calc.jiangtandai import CONCESSION_TABLE, RATE_KIND, RateDecision, RateInputs, decide_rate

_BP_PER_UNIT = Decimal(10_000)


def concession_impact(session: Session, actor: Actor, draft: TableVersion) -> LiveImpact:
    """Decide each borrower's latest rate again by the draft, all else as recorded; nothing is written.

    The draft is tried on every one of them, also on rates that apply before it would be valid.
    """
    standings = [_standing(one, draft) for one in latest_decisions(session, actor, RATE_KIND)]
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


def _standing(stands: LatestDecision[RateInputs, RateDecision], draft: TableVersion) -> LiveMove:
    inputs, before = stands.inputs, stands.outcome.executed_rate
    table = RecordedTable.of(replace(draft, valid_from=min(draft.valid_from, inputs.applies_from), valid_to=None))
    is_whole = draft.table.name == CONCESSION_TABLE.name
    by_draft = replace(inputs, concession_table=table) if is_whole else replace(inputs, points_table=table)
    after = decide_rate(by_draft).executed_rate
    return LiveMove(
        subject=stands.subject,
        decision_id=stands.id,
        before=before,
        after=after,
        difference=None if before is None or after is None else _in_bp(after - before),
    )


def _in_bp(difference: Decimal) -> Decimal:
    """Give a difference of rates in bp, without needless zeros."""
    scaled = difference * _BP_PER_UNIT
    return scaled.quantize(Decimal(1)) if scaled == scaled.to_integral_value() else scaled.normalize()
