"""What a note's margin ratchet is worth on the business date: tried, or kept as a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import days_between
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.decisions import decisions_of, load_outcome, record_decision
from carbonfin.storage.parties import Standing
from loans.calc.contracts.interest import DAYS_PER_YEAR
from loans.calc.linked import (
    RATCHET_VALUE_KIND,
    GradeStep,
    RatchetInputs,
    RatchetKind,
    RatchetPeriod,
    RatchetValue,
    value_ratchet,
)
from loans.calc.notes import LoanNote, NoteState
from loans.service.note_books import note_book
from loans.service.notes import load_note

OBSERVATIONS_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RatchetRequest:
    """The ratchet of a note as it is agreed, and the chances of the grades.

    Attributes:
        observation_dates: Days on which a grade is observed, ascending; each moves the margin from the next interest
            period on.
        source: Where the chances come from; they count as unconfirmed.
    """

    note_code: str
    kind: RatchetKind
    grades: tuple[GradeStep, ...]
    current_grade: str
    floor_bp: Decimal | None
    cap_bp: Decimal | None
    all_in_floor_rate: Decimal | None
    discount_rate: Decimal
    observation_dates: tuple[date, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedRatchet:
    """The value with the periods it rests on, and the decision that keeps it; None where it was only tried."""

    inputs: RatchetInputs
    outcome: RatchetValue
    decision_id: str | None


def try_ratchet_value(session: Session, actor: Actor, request: RatchetRequest, *, standing: Standing) -> ValuedRatchet:
    """Value a note's ratchet over the interest periods ahead; nothing is stored.

    Raises:
        NotFound: The bank has no such note.
        InvalidInput: The ratchet cannot be, or no interest period is left for it.
    """
    inputs = _inputs(session, actor, request, standing=standing)
    return ValuedRatchet(inputs=inputs, outcome=value_ratchet(inputs), decision_id=None)


def record_ratchet_value(
    session: Session, actor: Actor, request: RatchetRequest, *, standing: Standing
) -> ValuedRatchet:
    """Value a note's ratchet and keep the decision; otherwise as `try_ratchet_value`."""
    inputs = _inputs(session, actor, request, standing=standing)
    recorded = record_decision(
        session, actor, RATCHET_VALUE_KIND, inputs, subject=f"loan_note:{request.note_code}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    return ValuedRatchet(inputs=inputs, outcome=recorded.outcome, decision_id=recorded.decision_id)


def latest_ratchet_values(session: Session, actor: Actor, codes: Sequence[str]) -> dict[str, tuple[str, RatchetValue]]:
    """Give the value recorded last of each note's ratchet, by the note, with its decision."""
    found = {}
    for code in codes:
        records = decisions_of(session, actor, subject=f"loan_note:{code}", kind=RATCHET_VALUE_KIND.name)
        if records:
            found[code] = (records[-1].id, load_outcome(session, actor, RATCHET_VALUE_KIND, records[-1].id))
    return found


def _inputs(session: Session, actor: Actor, request: RatchetRequest, *, standing: Standing) -> RatchetInputs:
    note = load_note(session, actor, request.note_code)
    periods = _periods(session, actor, note, request, standing=standing)
    stub = days_between(note.terms.basis, standing.business_date, periods[0].start) if periods else 0
    return RatchetInputs(
        subject=note.code,
        valuation_date=standing.business_date,
        kind=request.kind,
        grades=request.grades,
        current_grade=request.current_grade,
        floor_bp=request.floor_bp,
        cap_bp=request.cap_bp,
        base_rate=note.terms.rate,
        all_in_floor_rate=request.all_in_floor_rate,
        discount_rate=request.discount_rate,
        stub_days=stub,
        periods=periods,
        source=request.source,
        confirmed=False,
    )


def _periods(
    session: Session, actor: Actor, note: LoanNote, request: RatchetRequest, *, standing: Standing
) -> tuple[RatchetPeriod, ...]:
    """Give the interest periods that have not begun: a running one keeps the rate it began with."""
    _require_ahead(request.observation_dates, after=standing.business_date, before=note.terms.maturity_date)
    if note.state is NoteState.SETTLED:
        return ()
    rows = [due.row for due in note_book(session, actor, note, known_at=standing.known_at).dues]
    return tuple(
        RatchetPeriod(
            start=row.start, end=row.end, balance_cny=row.opening_balance_cny, days=row.days,
            year_days=DAYS_PER_YEAR[note.terms.basis],
            observations=sum(day <= row.start for day in request.observation_dates),
        )
        for row in rows
        if row.start >= standing.business_date
    )  # fmt: skip


def _require_ahead(days: tuple[date, ...], *, after: date, before: date) -> None:
    ordered = all(one < two for one, two in pairwise(days))
    if not 1 <= len(days) <= OBSERVATIONS_MAX or not ordered or not after < days[0] <= days[-1] < before:
        raise InvalidInput(
            f"observation dates must ascend between {after} and {before}, at most {OBSERVATIONS_MAX}",
            zh=f"观察日须按先后列出，在 {after} 之后、{before} 之前，最多 {OBSERVATIONS_MAX} 个",
            field="observation_dates",
        )
