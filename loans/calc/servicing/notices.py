"""What a borrower is told of a note: a payment that comes (还款通知), one that was missed (逾期催收通知)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from loans.calc.notes import LoanNote, NoteState
from loans.calc.servicing.standing import DueStanding, NoteStanding


class NoticeKind(StrEnum):
    """What a notice is about."""

    PAYMENT = "payment"
    OVERDUE = "overdue"


NOTICE_NAMES: Mapping[NoticeKind, tuple[str, str]] = {
    NoticeKind.PAYMENT: ("还款通知书", "Notice of payment"),
    NoticeKind.OVERDUE: ("逾期催收通知书", "Notice of a missed payment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanNotice:
    """A notice with its figures as they stood when it was made; it is never made again for the same payment.

    Attributes:
        due_start: The payment, by the day its interest begins on.
        due_on: The day to pay on.
        is_provisional: The day may still move with the holiday notices.
        penalty_cny: Penalty and compound interest up to the day it was made.
    """

    kind: NoticeKind
    note_code: str
    due_start: date
    due_on: date
    is_provisional: bool
    made_on: date
    interest_cny: Decimal
    principal_cny: Decimal
    penalty_cny: Decimal
    rate: Decimal
    outstanding_cny: Decimal
    late_days: int

    @property
    def total_cny(self) -> Decimal:
        """All that is asked for."""
        return self.interest_cny + self.principal_cny + self.penalty_cny


def notices_due(note: LoanNote, standing: NoteStanding, *, lead_days: int) -> Iterator[LoanNotice]:
    """Give what should have been told by a day: each missed payment, and the next within so many days.

    Whether it was told before is for the caller to know.
    """
    if note.state is NoteState.SETTLED:
        return
    for one in standing.late:
        yield _notice(NoticeKind.OVERDUE, note, one, standing)
    following = standing.next_due
    if following is not None and following.due.due_on <= standing.on + timedelta(days=lead_days):
        yield _notice(NoticeKind.PAYMENT, note, following, standing)


def _notice(kind: NoticeKind, note: LoanNote, one: DueStanding, standing: NoteStanding) -> LoanNotice:
    return LoanNotice(
        kind=kind,
        note_code=note.code,
        due_start=one.due.start,
        due_on=one.due.due_on,
        is_provisional=one.due.row.provisional,
        made_on=standing.on,
        interest_cny=one.interest_unpaid_cny,
        principal_cny=one.principal_unpaid_cny,
        penalty_cny=one.penalty_cny + one.compound_cny,
        rate=one.due.rate,
        outstanding_cny=standing.outstanding_cny,
        late_days=one.late_days,
    )
