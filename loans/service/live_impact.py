"""What a draft of a rate rule would do to every loan: its rate, and the interest of a year on what is outstanding."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import cny
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
from carbonfin.storage.decisions import LatestDecision
from carbonfin.storage.parties import parties_of
from loans.calc.jiangtandai import CONCESSION_TABLE, ConcessionTerms, RateDecision, RateInputs, rate_without_trace
from loans.calc.notes import NoteState
from loans.service.rate_batches import latest_rates
from loans.store.notes import notes_of

_TERMS = {f"loans.jiangtandai.{one.name}": one.name for one in fields(ConcessionTerms)}
_NO_DECISION = MissingData(
    "no rate decision is kept for the borrower", zh="借款人没有降碳贷利率决定，无法试算", field="party_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    """A borrower's rate decision by the rule it was made by and by the draft."""

    decision_id: str
    before: RateDecision
    after: RateDecision | CarbonFinError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loan:
    """One running note, or a borrower with a rate and no note yet.

    Attributes:
        outstanding_cny: Zero where nothing is drawn.
        rated: None where no rate decision is kept.
    """

    subject: str
    outstanding_cny: Decimal
    rated: _Rated | None

    def rates(self) -> tuple[Decimal, Decimal] | None:
        """Give both rates, where both are decided."""
        if self.rated is None or isinstance(self.rated.after, CarbonFinError):
            return None
        before, after = self.rated.before.executed_rate, self.rated.after.executed_rate
        return None if before is None or after is None else (before, after)


def rate_impact(session: Session, actor: Actor, draft: ParameterValue | TableVersion) -> LiveImpact | None:
    """Decide the latest rate of each borrower again by the draft and put it to each note's principal; nothing is kept.

    Interest of a year = outstanding principal x rate, half up to the fen, note by note. The draft is tried on every
    rate, also on one that applies before it would be valid, and on notes whose rate is fixed until it is set anew. A
    borrower with a rate and without a running note counts with nothing outstanding. None where no rate reads such a
    parameter.
    """
    if isinstance(draft, ParameterValue) and draft.key not in _TERMS:
        return None
    loans = list(_loans(session, actor, draft))
    pairs = [(one.outstanding_cny, rates) for one in loans if (rates := one.rates()) is not None]
    interest = [(cny(owed * before), cny(owed * after)) for owed, (before, after) in pairs]
    moved = [(owed if before != after else Decimal(0)) for owed, (before, after) in pairs]
    return LiveImpact(
        noun_zh="贷款",
        noun_en="loans",
        basis=_basis(draft),
        population_count=len(loans),
        moves=largest_first((move for one in loans if (move := _move(one)) is not None), by="interest"),
        failures=tuple(failure for one in loans if (failure := _failure(one)) is not None),
        totals=(
            total_of("interest", ("一年利息", "Interest of a year"), "CNY", interest),
            total_of("principal_moved", ("利率改变的未还本金", "Principal whose rate moves"), "CNY",
                     [(Decimal(0), owed) for owed in moved]),
        ),
    )  # fmt: skip


def _loans(session: Session, actor: Actor, draft: ParameterValue | TableVersion) -> Iterator[_Loan]:
    codes = {party.id: party.code for party in parties_of(session, actor)}
    rated = {code: _rated(one, draft) for code, one in latest_rates(session, actor).items()}
    drawn = set()
    for note in notes_of(session, actor):
        if note.state is NoteState.RUNNING and note.outstanding_cny:
            code = codes[note.party_id]
            drawn.add(code)
            yield _Loan(subject=f"loan:{note.code}", outstanding_cny=note.outstanding_cny, rated=rated.get(code))
    for code, one in rated.items():
        if code not in drawn:
            yield _Loan(subject=code, outstanding_cny=Decimal("0.00"), rated=one)


def _rated(stands: LatestDecision[RateInputs, RateDecision], draft: ParameterValue | TableVersion) -> _Rated:
    after: RateDecision | CarbonFinError
    try:
        after, _ = rate_without_trace(_under(stands.inputs, draft))
    except CarbonFinError as error:
        after = error
    return _Rated(decision_id=stands.id, before=stands.outcome, after=after)


def _under(inputs: RateInputs, draft: ParameterValue | TableVersion) -> RateInputs:
    if isinstance(draft, ParameterValue):
        return replace(inputs, terms=replace(inputs.terms, **{_TERMS[draft.key]: draft}))
    table = RecordedTable.of(replace(draft, valid_from=min(draft.valid_from, inputs.applies_from), valid_to=None))
    if draft.table.name == CONCESSION_TABLE.name:
        return replace(inputs, concession_table=table)
    return replace(inputs, points_table=table)


def _move(one: _Loan) -> LiveMove | None:
    if one.rated is None or isinstance(one.rated.after, CarbonFinError) or one.rated.after.executed_rate is None:
        return None
    before, after = one.rated.before, one.rated.after
    sides = [
        ("", "", "")
        if side.executed_rate is None
        else (str(side.executed_rate), str(side.concession_bp), str(cny(one.outstanding_cny * side.executed_rate)))
        for side in (before, after)
    ]
    names = (
        ("rate", "执行利率", "Executed rate", "rate"),
        ("concession", "利率优惠", "Concession", "bp"),
        ("interest", "一年利息", "Interest of a year", "CNY"),
    )
    figures = moved_figures(
        LiveFigure(name=name, label_zh=zh, label_en=en, unit=unit, before=was, after=now)
        for (name, zh, en, unit), was, now in zip(names, *sides, strict=True)
    )
    return LiveMove(subject=one.subject, decision_id=one.rated.decision_id, figures=figures) if figures else None


def _failure(one: _Loan) -> LiveFailure | None:
    """Say why a loan has no rate by the draft, or none at all; None where the draft decides it."""
    if one.rated is None:
        return LiveFailure.of(one.subject, "", _NO_DECISION, _NO_DECISION)
    after = one.rated.after
    if isinstance(after, RateDecision) and after.executed_rate is not None:
        return None
    if isinstance(after, RateDecision):
        after = MissingData(
            "; ".join(field.en for field in after.missing),
            zh="；".join(field.zh for field in after.missing),
            field="rate",
        )
    before = after if one.rated.before.executed_rate is None else one.rated.before
    return LiveFailure.of(one.subject, one.rated.decision_id, before, after)


def _basis(draft: ParameterValue | TableVersion) -> tuple[LiveBasis, ...]:
    version = draft.named_shortly if isinstance(draft, ParameterValue) else draft.table.digest[:12]
    return (
        LiveBasis(label_zh="现行", label_en="In force", text="各借款人最近一次利率决定及其所据规则版本"),
        LiveBasis(label_zh="试算版本", label_en="Draft", text=version),
    )
