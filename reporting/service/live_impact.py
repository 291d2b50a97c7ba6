"""What a draft of the eligibility table would do to every application: who would be paid otherwise, and what in all."""

from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.rules.live_impact import (
    LiveBasis,
    LiveFailure,
    LiveFigure,
    LiveImpact,
    LiveMove,
    largest_first,
    moved_figures,
    total_of,
)
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import latest_decisions
from reporting.calc.schemes import is_of_schemes
from reporting.calc.subsidies import SUBSIDY_DECISION, Outcome, SubsidyDecision, SubsidyInputs, decide_subsidy


def subsidy_impact(session: Session, actor: Actor, draft: ParameterValue | TableVersion) -> LiveImpact | None:
    """Decide each application's latest decision again by the draft, all else as recorded; nothing is written.

    An application that the draft leaves undecided is named with the reason; one that is refused counts with nothing.
    The draft is tried on every one, also on those filed before it would be valid. None where no subsidy reads it.
    """
    if isinstance(draft, ParameterValue) and not is_of_schemes(draft.key):
        return None
    moves, failures, pairs = [], [], []
    stands = latest_decisions(session, actor, SUBSIDY_DECISION)
    for one in stands:
        before, after = one.outcome, _decided(one.inputs, draft)
        if isinstance(after, CarbonFinError) or after.outcome is Outcome.UNDECIDED:
            error = (
                after
                if isinstance(after, CarbonFinError)
                else MissingData(after.reason_en, zh=after.reason_zh, field="application")
            )
            known = error if before.outcome is Outcome.UNDECIDED else before
            failures.append(LiveFailure.of(one.subject, one.id, known, error))
            continue
        if before.outcome is not Outcome.UNDECIDED:
            pairs.append((_amount(before), _amount(after)))
        figures = _moved(before, after)
        if figures:
            moves.append(LiveMove(subject=one.subject, decision_id=one.id, figures=figures))
    return LiveImpact(
        noun_zh="贴息申请",
        noun_en="subsidy applications",
        basis=(
            LiveBasis(label_zh="现行", label_en="In force", text="各申请最近一次决定及其所据规则版本"),
            LiveBasis(label_zh="试算版本", label_en="Draft", text=_version(draft)),
        ),
        population_count=len(stands),
        moves=largest_first(moves, by="calculated"),
        failures=tuple(failures),
        totals=(total_of("calculated", ("测算金额", "Calculated amount"), "CNY", pairs),),
    )


def _decided(inputs: SubsidyInputs, draft: ParameterValue | TableVersion) -> SubsidyDecision | CarbonFinError:
    """Decide by the draft, or say why that cannot be done."""
    if isinstance(draft, ParameterValue):
        changed = replace(inputs, terms=inputs.terms.under(draft))
    else:
        changed = replace(inputs, share_table=RecordedTable.of(draft))
    try:
        return decide_subsidy(changed)
    except CarbonFinError as error:
        return error


def _version(draft: ParameterValue | TableVersion) -> str:
    return draft.named_shortly if isinstance(draft, ParameterValue) else draft.table.digest[:12]


def _moved(before: SubsidyDecision, after: SubsidyDecision) -> tuple[LiveFigure, ...]:
    sides = [
        (side.outcome.value, "" if side.calculated_cny is None else str(side.calculated_cny))
        for side in (before, after)
    ]
    names = (("outcome", "结论", "Outcome", "code"), ("calculated", "测算金额", "Calculated amount", "CNY"))
    return moved_figures(
        LiveFigure(name=name, label_zh=zh, label_en=en, unit=unit, before=was, after=now)
        for (name, zh, en, unit), was, now in zip(names, *sides, strict=True)
    )


def _amount(decision: SubsidyDecision) -> Decimal:
    """Give what a decided application is worth: nothing where it is refused."""
    return decision.calculated_cny if decision.calculated_cny is not None else Decimal(0)
