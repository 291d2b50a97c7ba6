"""Notes' rates moved by their link, a reset or a stop: each change a decision, its compensating accrual with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.parties import Standing
from loans.calc.contracts.schedule import interest_periods
from loans.calc.linked.agreements import SustainabilityLink
from loans.calc.linked.rate_changes import RATE_CHANGE_KIND, BalanceSpan, RateChangeInputs
from loans.calc.linked.rate_lines import AdjustmentStep, AllInFloor, BaseRate, BookedChange
from loans.calc.linked.records import RecordedChange
from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.dues import Due
from loans.service import facts
from loans.service.note_bases import base_rates_of
from loans.service.note_books import note_book
from loans.store import notes as note_store
from loans.store import rate_changes as store


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLine:
    """What a link says of the rates of its contract's notes.

    Attributes:
        number: The link; empty where the contract has none, or one that decided nothing.
        all_in_floor_rate: The floor agreed last.
        steps: Where its adjustment stands, from which day.
        floors: The floor from each day on.
    """

    number: str = ""
    all_in_floor_rate: Decimal | None = None
    steps: tuple[AdjustmentStep, ...] = ()
    floors: tuple[AllInFloor, ...] = ()


def rate_changes_of(session: Session, actor: Actor, note: LoanNote) -> tuple[RecordedChange, ...]:
    """Give the changes of a note's rate, the first first."""
    return tuple(store.changes_of(session, actor, note_ids=(note.id,)).get(note.id, ()))


def notes_under(session: Session, actor: Actor, contract_number: str) -> tuple[LoanNote, ...]:
    """Give the notes drawn under a contract, by code."""
    return note_store.notes_of(session, actor, contract_number=contract_number)


def rerate_notes(
    session: Session,
    actor: Actor,
    codes: Iterable[str],
    link: SustainabilityLink,
    *,
    steps: Sequence[AdjustmentStep],
    floors: Sequence[AllInFloor],
    cause: str,
    standing: Standing,
    at: datetime,
) -> tuple[str, ...]:
    """Move notes of a link's contract to its line as now known; give those moved, by code.

    A note that is settled, or whose line stays as it is, is left alone. What resets and stops made of a note's rate
    before the link stands beneath the link's adjustment.
    """
    line = LinkLine(
        number=link.number, all_in_floor_rate=link.ratchet.all_in_floor_rate, steps=tuple(steps), floors=tuple(floors)
    )
    moved = []
    for code in codes:
        note_store.lock_note(session, actor, code)
        note = note_store.load_note(session, actor, code)
        bases = base_rates_of(session, actor, note)
        if rerate(session, actor, note, line, bases=bases, cause=cause, standing=standing, at=at) is not None:
            moved.append(code)
    return tuple(moved)


def rerate(
    session: Session,
    actor: Actor,
    note: LoanNote,
    line: LinkLine,
    *,
    bases: tuple[BaseRate, ...],
    cause: str,
    standing: Standing,
    at: datetime,
) -> BookedChange | None:
    """Move a locked note to what its link and the rate beneath it come to; None where the line stays as it is."""
    if note.state is not NoteState.RUNNING:
        return None
    changes = rate_changes_of(session, actor, note)
    before = changes[-1].booked.spells if changes else ()
    terms = note.terms
    calendar = facts.bank_days(session, start=terms.drawdown_date, end=terms.maturity_date, known_at=standing.known_at)
    dues = note_book(session, actor, note, known_at=standing.known_at).dues
    inputs = RateChangeInputs(
        note_code=note.code,
        link_number=line.number,
        cause=cause,
        base_rate=terms.rate,
        all_in_floor_rate=line.all_in_floor_rate,
        basis=terms.basis,
        steps=line.steps,
        before=before,
        period_starts=tuple(one.start for one in interest_periods(terms, calendar)),
        spans=_spans(note, dues, standing=standing),
        known_from=standing.business_date,
        floors=line.floors if len(line.floors) > 1 else None,
        bases=bases or None,
    )
    found = RATE_CHANGE_KIND.decide(inputs)
    if [(one.start, one.rate) for one in found.spells] == [(one.start, one.rate) for one in before]:
        return None
    recorded = record_decision(
        session, actor, RATE_CHANGE_KIND, inputs, subject=f"loan_note:{note.code}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    store.add_change(
        session, actor, note.id, inputs, recorded.outcome, number=len(changes) + 1, decision_id=recorded.decision_id,
        recorded_at=at,
    )  # fmt: skip
    return BookedChange(
        known_from=inputs.known_from, spells=recorded.outcome.spells,
        compensation_cny=recorded.outcome.compensation_cny,
    )  # fmt: skip


def _spans(note: LoanNote, dues: tuple[Due, ...], *, standing: Standing) -> tuple[BalanceSpan, ...]:
    """Give the balances interest ran on up to the business date."""
    booked_to = min(standing.business_date, note.terms.maturity_date)
    return tuple(
        BalanceSpan(start=one.start, end=min(one.end, booked_to), balance_cny=one.row.opening_balance_cny)
        for one in dues
        if one.start < booked_to
    )
