"""A note's rate before its link adjusts it: as it was drawn, as the LPR was reset, with the concession or without."""

from collections.abc import Sequence

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.approvals import load_approval
from carbonfin.storage.decisions import load_outcome
from loans.calc.jiangtandai import RATE_KIND
from loans.calc.linked.rate_lines import BaseRate
from loans.calc.notes import LoanNote
from loans.calc.servicing.rate_resets import RateReset
from loans.calc.servicing.unlinked_rates import ConcessionStop, DecidedRate, base_rates
from loans.store import rate_turns as store


def drawn_rate(session: Session, actor: Actor, note: LoanNote) -> DecidedRate | None:
    """Give the rate decision a note was drawn by; None where its rate was not decided here: its build-up is unknown."""
    if note.approval_id is None:
        return None
    decision_id = load_approval(session, actor, note.approval_id).payload.get("rate_decision_id")
    if decision_id is None:
        return None
    outcome = load_outcome(session, actor, RATE_KIND, decision_id)
    assert outcome.executed_rate == note.terms.rate, "a note is drawn at the rate that was decided for it"
    return DecidedRate(
        start=note.terms.drawdown_date, with_concession=note.terms.rate,
        without_concession=outcome.executed_rate_without_concession, cause="drawn",
    )  # fmt: skip


def bases_with(
    note: LoanNote, drawn: DecidedRate, *, resets: Sequence[RateReset], stops: Sequence[ConcessionStop]
) -> tuple[BaseRate, ...]:
    """Give the rate beneath a link's adjustment, from each day on which it moved."""
    decided = [
        drawn,
        *(
            DecidedRate(
                start=one.reset_date, with_concession=one.rate, without_concession=one.rate_without_concession,
                cause=f"reset {one.reset_date}",
            )
            for one in sorted(resets, key=lambda each: each.reset_date)
        ),
    ]  # fmt: skip
    return base_rates(decided, stops, maturity_date=note.terms.maturity_date)


def base_rates_of(session: Session, actor: Actor, note: LoanNote) -> tuple[BaseRate, ...]:
    """Give the rate beneath a link's adjustment as it is on record; empty where it is the note's own throughout."""
    resets = [one for one, _ in store.resets_of(session, actor, note_ids=(note.id,)).get(note.id, ())]
    turns = [one for one, _ in store.turns_of(session, actor, note_ids=(note.id,)).get(note.id, ())]
    if not resets and not turns:
        return ()
    drawn = drawn_rate(session, actor, note)
    assert drawn is not None, "what was reset or stopped was decided before"
    return bases_with(note, drawn, resets=resets, stops=turns[-1].stops if turns else ())
