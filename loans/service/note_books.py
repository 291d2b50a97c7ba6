"""Loan notes with what was asked of them and received on them, and how each stands on a day."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.calendars import calendar_on
from loans.calc.contracts.terms import CalendarDays
from loans.calc.notes import LoanNote
from loans.calc.servicing.dues import Segment, first_segment
from loans.calc.servicing.linked_dues import linked_dues
from loans.calc.servicing.standing import NoteBook, NoteStanding, standing_on
from loans.service import facts
from loans.store import repayments as store

OVERDUE_UPLIFT = "loans.overdue_uplift"


def note_books(
    session: Session, actor: Actor, notes: Iterable[LoanNote], *, known_at: datetime
) -> tuple[NoteBook, ...]:
    """Give notes with their due payments and receipts, whatever their number, by two questions.

    Raises:
        MissingData: The overdue rate of a note's day of drawdown was not known.
    """
    all_notes = tuple(notes)
    receipts = store.receipts_of_notes(session, actor, all_notes)
    segments = store.segments_of_notes(session, actor, all_notes)
    bank = calendar_on(session, "bank", known_at)
    parameters = facts.parameters(session, actor)
    books = []
    for note in all_notes:
        terms, own = note.terms, receipts.get(note.id, ())
        calendar = CalendarDays.of(bank, start=terms.drawdown_date, end=terms.maturity_date + facts.ROLL_MARGIN)
        uplift = parameters.on(OVERDUE_UPLIFT, valid_on=terms.drawdown_date, known_at=known_at)
        books.append(
            NoteBook(
                note=note,
                dues=linked_dues(
                    terms, calendar, _segments(note, segments.get(note.id, ())), changes=note.rate_changes
                ),
                receipts=tuple(receipt for receipt, _ in own),
                taken_over_to=own[0][1] if own else note.interest_paid_to,
                overdue_uplift=uplift.decimal,
            )
        )
    return tuple(books)


def note_book(session: Session, actor: Actor, note: LoanNote, *, known_at: datetime) -> NoteBook:
    """Give one note with its due payments and receipts."""
    return note_books(session, actor, (note,), known_at=known_at)[0]


def overdue_uplift_of(session: Session, actor: Actor, note: LoanNote, *, known_at: datetime) -> ParameterValue:
    """Give what is added to a note's rate while a payment is overdue, with its source and whether it is confirmed.

    Raises:
        MissingData: The overdue rate of its day of drawdown was not known.
    """
    parameters = facts.parameters(session, actor)
    return parameters.on(OVERDUE_UPLIFT, valid_on=note.terms.drawdown_date, known_at=known_at)


def note_standing(session: Session, actor: Actor, note: LoanNote, *, on: date, known_at: datetime) -> NoteStanding:
    """Give how a note stands at the close of a day."""
    return standing_on(note_book(session, actor, note, known_at=known_at), on)


def _segments(note: LoanNote, later: tuple[Segment, ...]) -> tuple[Segment, ...]:
    if later and later[0].start == note.terms.drawdown_date:
        return later
    return (first_segment(note.terms), *later)
