"""What a draft of a rule would do to everything that stands, as pages and systems are told it."""

from collections.abc import Sequence

from msgspec import Struct
from sqlmodel import Session

from carbonfin.app.packages import PARAMETER_IMPACTS, TABLE_CONTRACTS, TABLE_IMPACTS
from carbonfin.kernel.actors import Actor
from carbonfin.rules.contracts import contract_findings
from carbonfin.rules.live_impact import LiveFailure, LiveFigure, LiveImpact, LiveMove, LiveTotal
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.approvals import Approval
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, TABLE_APPROVAL, draft_of, proposed_value

MOVES_TOLD = 1000


def live_impacts(session: Session, actor: Actor, draft: ParameterValue | TableVersion) -> tuple[LiveImpact, ...]:
    """Give what a draft would do to each population that reads it; none where it breaks its contract."""
    if isinstance(draft, ParameterValue):
        found = [impact(session, actor, draft) for impact in PARAMETER_IMPACTS]
        return tuple(one for one in found if one is not None)
    table_impact = TABLE_IMPACTS.get(draft.table.name)
    if table_impact is None or any(one.is_fatal for one in contract_findings(TABLE_CONTRACTS, draft.table)):
        return ()
    impact = table_impact(session, actor, draft)
    return () if impact is None else (impact,)


class LiveFigureOut(Struct, frozen=True, kw_only=True):
    """One figure by the rule in force and by the draft; empty where a side has none."""

    name: str
    label_zh: str
    unit: str
    before: str
    after: str
    difference: str | None

    @classmethod
    def of(cls, one: LiveFigure) -> "LiveFigureOut":
        """Make it of the figure."""
        return cls(
            name=one.name, label_zh=one.label_zh, unit=one.unit, before=one.before, after=one.after,
            difference=None if one.difference is None else format(one.difference, "f"),
        )  # fmt: skip


class LiveMoveOut(Struct, frozen=True, kw_only=True):
    """One subject that would come out otherwise, with the decision that stands for it."""

    subject: str
    decision_id: str
    figures: list[LiveFigureOut]

    @classmethod
    def of(cls, one: LiveMove) -> "LiveMoveOut":
        """Make it of the move."""
        figures = [LiveFigureOut.of(figure) for figure in one.figures]
        return cls(subject=one.subject, decision_id=one.decision_id, figures=figures)


class LiveFailureOut(Struct, frozen=True, kw_only=True):
    """One subject that cannot be run; `is_of_draft` where the rule in force does answer it."""

    subject: str
    decision_id: str
    reason_zh: str
    detail: str
    is_of_draft: bool

    @classmethod
    def of(cls, one: LiveFailure) -> "LiveFailureOut":
        """Make it of the failure."""
        return cls(
            subject=one.subject, decision_id=one.decision_id, reason_zh=one.reason_zh, detail=one.reason_en,
            is_of_draft=one.is_of_draft,
        )  # fmt: skip


class LiveTotalOut(Struct, frozen=True, kw_only=True):
    """A figure added up over all that both rules answer; `count` says for how many it moves."""

    name: str
    label_zh: str
    unit: str
    count: int
    before: str
    after: str
    difference: str

    @classmethod
    def of(cls, one: LiveTotal) -> "LiveTotalOut":
        """Make it of the total."""
        return cls(
            name=one.name, label_zh=one.label_zh, unit=one.unit, count=one.count, before=format(one.before, "f"),
            after=format(one.after, "f"), difference=format(one.difference, "f"),
        )  # fmt: skip


class LiveImpactOut(Struct, frozen=True, kw_only=True):
    """What the draft would do to one population: the greatest losses first, a thousand at most; totals count all."""

    population: str
    basis: dict[str, str]
    population_count: int
    moves_count: int
    failures_count: int
    left_unanswered_count: int
    totals: list[LiveTotalOut]
    moves: list[LiveMoveOut]
    failures: list[LiveFailureOut]

    @classmethod
    def of(cls, one: LiveImpact) -> "LiveImpactOut":
        """Make it of the impact."""
        return cls(
            population=one.noun_en,
            basis={basis.label_en: basis.text for basis in one.basis},
            population_count=one.population_count,
            moves_count=len(one.moves),
            failures_count=len(one.failures),
            left_unanswered_count=one.left_unanswered_count,
            totals=[LiveTotalOut.of(total) for total in one.totals],
            moves=[LiveMoveOut.of(move) for move in one.moves[:MOVES_TOLD]],
            failures=[LiveFailureOut.of(failure) for failure in one.failures[:MOVES_TOLD]],
        )


def impacts_of(session: Session, actor: Actor, approval: Approval) -> tuple[LiveImpact, ...]:
    """Give what a proposed table or value would do while its approval waits; none where it is about something else."""
    if not approval.is_open:
        return ()
    if approval.kind == PARAMETER_APPROVAL.name:
        return live_impacts(session, actor, proposed_value(approval))
    if approval.kind == TABLE_APPROVAL.name:
        return live_impacts(session, actor, draft_of(approval))
    return ()


def impacts_out(impacts: Sequence[LiveImpact]) -> list[LiveImpactOut]:
    """Give impacts as systems are told them."""
    return [LiveImpactOut.of(one) for one in impacts]
