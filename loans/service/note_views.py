"""A loan note as its page and the API show it: where it stands, its schedule as it is now, receipts and vouchers."""

from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.parties import Standing
from loans.calc.contracts.schedule import ScheduleRow
from loans.calc.facilities import LoanContract
from loans.calc.green import GreenCategory, GreenRecognition, category_on
from loans.calc.linked.records import RecordedChange
from loans.calc.notes import InterestVoucher, LoanNote, NoteState
from loans.calc.past_due import PastDue, past_due_of
from loans.calc.servicing.classification import Classification, is_too_good
from loans.calc.servicing.concession_turns import RecordedTurn
from loans.calc.servicing.notices import LoanNotice
from loans.calc.servicing.rate_resets import RateReset
from loans.calc.servicing.receipts import Receipt
from loans.calc.servicing.standing import NoteBook, NoteStanding, standing_on
from loans.service import facts
from loans.service.facilities import contracts_in_force
from loans.service.note_books import note_book, note_books, overdue_uplift_of
from loans.service.note_rates import rate_changes_of
from loans.store import green as green_store
from loans.store import notes as note_store
from loans.store import notices as notice_store
from loans.store import rate_turns as turn_store
from loans.store import repayments as store

SUBSTANDARD_DAYS = "loans.substandard_from_days_past_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLine:
    """A note of a list, as it stands on the business date.

    Attributes:
        classification: Its risk class as the bank's system gave it last; None where it gave none.
        substandard_days: Days past due beyond which a class may not be a performing one.
        green: The category of the catalogue it is recognised by (绿色认定); None: 未认定.
    """

    note: LoanNote
    standing: NoteStanding
    classification: Classification | None
    substandard_days: int
    green: GreenCategory | None

    @property
    def is_class_too_good(self) -> bool:
        """Whether the class lags behind the days past due."""
        return self.classification is not None and is_too_good(
            self.classification,
            days_past_due=self.standing.days_past_due,
            substandard_days=self.substandard_days,
        )

    @property
    def accrued_cny(self) -> Decimal | None:
        """Interest owed by the day, penalties included; None where interest is paid past it or nothing is owed."""
        is_ahead = self.note.interest_paid_to > self.standing.on
        return None if is_ahead or self.note.state is NoteState.SETTLED else self.standing.interest_owed_cny

    @property
    def past_due(self) -> PastDue | None:
        """What of it is overdue."""
        return None if self.note.state is NoteState.SETTLED else past_due_of(self.standing)

    @property
    def next_row(self) -> ScheduleRow | None:
        """The payment that was missed first, or else comes next."""
        if self.note.state is NoteState.SETTLED:
            return None
        return next((one.due.row for one in self.standing.dues if not one.is_paid), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """One note with all that belongs to it.

    Attributes:
        receipts: Each with the reference it was entered with.
        notices: What the borrower was told, the latest first.
        overdue_uplift: What is added to its rate while a payment is overdue, as a ratio of the rate.
        rate_changes: Every change of its rate as it was booked.
        resets: Resets of its rate to the LPR.
        turns: Stops of its concession on overdue, and its return.
        contract: What its contract says of its rate today; None where it was taken over without one.
        green: Every revision of its green recognition.
    """

    line: NoteLine
    rows: tuple[ScheduleRow, ...]
    vouchers: tuple[InterestVoucher, ...]
    receipts: tuple[tuple[Receipt, str], ...]
    notices: tuple[LoanNotice, ...]
    overdue_uplift: ParameterValue
    rate_changes: tuple[RecordedChange, ...]
    resets: tuple[RateReset, ...]
    turns: tuple[RecordedTurn, ...]
    contract: LoanContract | None
    green: tuple[GreenRecognition, ...]


def note_lines(
    session: Session, actor: Actor, *, standing: Standing, party_id: str | None = None
) -> tuple[NoteLine, ...]:
    """Give the bank's notes by code, of one enterprise or of all, as they stand on the business date."""
    notes = note_store.notes_of(session, actor, party_id=party_id)
    return _lines(session, actor, note_books(session, actor, notes, known_at=standing.known_at), standing=standing)


def note_view(session: Session, actor: Actor, code: str, *, standing: Standing) -> NoteView:
    """Give one note with its schedule as the bank calendar is known, its receipts and vouchers.

    Raises:
        NotFound: The bank has no such note.
    """
    note = note_store.load_note(session, actor, code)
    book = note_book(session, actor, note, known_at=standing.known_at)
    references = store.references_of(session, actor, note)
    return NoteView(
        line=_lines(session, actor, (book,), standing=standing)[0],
        rows=tuple(due.row for due in book.dues),
        vouchers=note_store.vouchers_of(session, actor, note),
        receipts=tuple((receipt, references[receipt.number]) for receipt in book.receipts),
        notices=tuple(notice for notice, _ in notice_store.notices_of(session, actor, note)),
        overdue_uplift=overdue_uplift_of(session, actor, note, known_at=standing.known_at),
        rate_changes=rate_changes_of(session, actor, note),
        resets=tuple(one for one, _ in turn_store.resets_of(session, actor, note_ids=(note.id,)).get(note.id, ())),
        turns=tuple(one for one, _ in turn_store.turns_of(session, actor, note_ids=(note.id,)).get(note.id, ())),
        contract=_contract(session, actor, note, standing=standing),
        green=green_store.recognitions_of(session, actor, (note.id,), known_at=standing.known_at).get(note.id, ()),
    )


def _contract(session: Session, actor: Actor, note: LoanNote, *, standing: Standing) -> LoanContract | None:
    number = note.contract_number
    if number is None:
        return None
    found = contracts_in_force(
        session, actor, valid_on=standing.business_date, known_at=standing.known_at, number=number
    ).get(number)
    return None if found is None else found.terms


def _lines(session: Session, actor: Actor, books: tuple[NoteBook, ...], *, standing: Standing) -> tuple[NoteLine, ...]:
    day = standing.business_date
    classes = notice_store.classes_of(session, actor, [book.note for book in books], on=day)
    green = green_store.recognitions_of(session, actor, [book.note.id for book in books], known_at=standing.known_at)
    limit = facts.parameters(session, actor).on(SUBSTANDARD_DAYS, valid_on=day, known_at=standing.known_at).integer
    return tuple(
        NoteLine(
            note=book.note,
            standing=standing_on(book, day),
            classification=classes.get(book.note.id),
            substandard_days=limit,
            green=category_on(green.get(book.note.id, ()), day),
        )
        for book in books
    )
