"""What a draft of the eligibility table would do to the subsidies that stand, before anybody approves it."""

from dataclasses import replace

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.impact import LiveImpact, LiveMove
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import latest_decisions
from reporting.calc.subsidies import SUBSIDY_DECISION, decide_subsidy


def subsidy_impact(session: Session, actor: Actor, draft: TableVersion) -> LiveImpact:
    """Decide each application's latest decision again by the draft, all else as recorded; nothing is written."""
    table = RecordedTable.of(draft)
    standings = []
    for stands in latest_decisions(session, actor, SUBSIDY_DECISION):
        before = stands.outcome.calculated_cny
        after = decide_subsidy(replace(stands.inputs, share_table=table)).calculated_cny
        standings.append(
            LiveMove(
                subject=stands.subject,
                decision_id=stands.id,
                before=before,
                after=after,
                difference=None if before is None or after is None else after - before,
            )
        )
    return LiveImpact(
        measure_zh="测算金额",
        measure_en="Calculated amount",
        unit="CNY",
        difference_unit="CNY",
        subjects_count=len(standings),
        undecided_before_count=sum(one.before is None for one in standings),
        undecided_after_count=sum(one.after is None for one in standings),
        moves=tuple(one for one in standings if one.before != one.after),
    )
