"""Which payments of a note were missed, from when to when, as its receipts are now known."""

from dataclasses import dataclass, replace
from datetime import date

from loans.calc.servicing.standing import NoteBook, standing_on


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedPayment:
    """What was due on one day and not paid in full on it.

    Attributes:
        cleared_on: The day on which nothing of it was owed any more; None where something still is.
    """

    due_on: date
    cleared_on: date | None


def missed_payments(book: NoteBook, *, on: date) -> tuple[MissedPayment, ...]:
    """Give the payments missed by the close of a day, the oldest first; one paid on its own day is in time.

    A payment is cleared by the receipt after which neither interest, principal nor its penalties are owed. What stood
    at a receipt is worked out with the receipts known up to it alone.
    """
    days = sorted({receipt.paid_on for receipt in book.receipts if receipt.paid_on <= on})
    cleared: dict[date, date] = {}
    for day in days:
        by_then = replace(book, receipts=tuple(one for one in book.receipts if one.paid_on <= day))
        for one in standing_on(by_then, day).dues:
            if one.is_paid:
                cleared.setdefault(one.due.start, day)
            else:
                cleared.pop(one.due.start, None)
    known = replace(book, receipts=tuple(one for one in book.receipts if one.paid_on <= on))
    missed: dict[date, date | None] = {}
    for one in standing_on(known, on).dues:
        due_on = one.due.due_on
        if due_on >= on or not (one.interest_cny or one.principal_cny):
            continue
        until = cleared.get(one.due.start, due_on) if one.is_paid else None
        if until is None or until > due_on:
            before = missed.get(due_on, due_on)
            missed[due_on] = None if until is None or before is None else max(until, before)
    return tuple(MissedPayment(due_on=day, cleared_on=missed[day]) for day in sorted(missed))
