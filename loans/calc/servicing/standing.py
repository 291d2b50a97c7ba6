"""How a loan note stands on a day: what of each due payment is paid, what is overdue with its penalty, what accrues."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.dates import DayCount, days_between
from loans.calc.contracts.interest import DAYS_PER_YEAR, accrued_interest_cny
from loans.calc.notes import LoanNote
from loans.calc.rounding import half_up
from loans.calc.servicing.dues import Due
from loans.calc.servicing.receipts import Receipt, ReceiptLine

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteBook:
    """A note with all that was asked of it and received on it.

    Attributes:
        taken_over_to: Interest was paid up to this day before the first receipt here; so was principal due by then.
        overdue_uplift: What the contract adds to its rate while a payment is overdue, as a ratio of the rate: 0.5 is
            half again as much.
    """

    note: LoanNote
    dues: tuple[Due, ...]
    receipts: tuple[Receipt, ...]
    taken_over_to: date
    overdue_uplift: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStanding:
    """One due payment on a day.

    Attributes:
        interest_cny: Interest asked for; of a note taken over within the period, for the rest alone.
        penalty_cny: Penalty interest on its principal since its day, not yet charged (罚息).
        compound_cny: Compound interest on its interest since its day, not yet charged (复利).
        late_days: Days since its day where something of it is unpaid, else 0.
        accrued_cny: Interest accrued by the day of a payment not due yet, less what was paid of it; never below zero.
        settling_cny: The same with all compensations booked for it, as settling the note takes it; below zero is the
            borrower's.
    """

    due: Due
    interest_cny: Decimal
    principal_cny: Decimal
    interest_unpaid_cny: Decimal
    principal_unpaid_cny: Decimal
    penalty_cny: Decimal
    compound_cny: Decimal
    late_days: int
    accrued_cny: Decimal
    settling_cny: Decimal

    @property
    def is_paid(self) -> bool:
        """Nothing of it is owed any more."""
        return not self.unpaid_cny

    @property
    def unpaid_cny(self) -> Decimal:
        """All that is still owed of it by then."""
        return self.interest_unpaid_cny + self.principal_unpaid_cny + self.penalty_cny + self.compound_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteStanding:
    """A loan note on a day; all amounts to the fen."""

    on: date
    dues: tuple[DueStanding, ...]
    outstanding_cny: Decimal

    @property
    def due(self) -> tuple[DueStanding, ...]:
        """Payments whose day has come and that are not paid in full, the oldest first."""
        return tuple(one for one in self.dues if one.due.due_on <= self.on and not one.is_paid)

    @property
    def late(self) -> tuple[DueStanding, ...]:
        """Payments whose day is past and that are not paid in full, the oldest first."""
        return tuple(one for one in self.due if one.late_days)

    @property
    def days_past_due(self) -> int:
        """Days since the oldest missed payment's day (逾期天数)."""
        return max((one.late_days for one in self.late), default=0)

    @property
    def due_cny(self) -> Decimal:
        """What is due by the day in all, penalties included."""
        return _sum(one.unpaid_cny for one in self.due)

    @property
    def interest_due_cny(self) -> Decimal:
        """Interest that is due and not paid."""
        return _sum(one.interest_unpaid_cny for one in self.due)

    @property
    def principal_due_cny(self) -> Decimal:
        """Principal that is due and not repaid."""
        return _sum(one.principal_unpaid_cny for one in self.due)

    @property
    def penalty_cny(self) -> Decimal:
        """Penalty interest not charged yet (罚息)."""
        return _sum(one.penalty_cny for one in self.dues)

    @property
    def compound_cny(self) -> Decimal:
        """Compound interest not charged yet (复利)."""
        return _sum(one.compound_cny for one in self.dues)

    @property
    def accrued_cny(self) -> Decimal:
        """Interest of the running period up to the day, not due yet."""
        return _sum(one.accrued_cny for one in self.dues)

    @property
    def unused_compensation_cny(self) -> Decimal:
        """Compensations booked that what accrued by the day has not borne yet (补计利息); below zero is a refund."""
        return _sum(one.settling_cny for one in self.dues) - self.accrued_cny

    @property
    def interest_owed_cny(self) -> Decimal:
        """All interest owed by the day: due, accrued, penalty and compound."""
        return self.interest_due_cny + self.accrued_cny + self.penalty_cny + self.compound_cny

    @property
    def payoff_cny(self) -> Decimal:
        """What would settle the note on the day: principal, all interest owed, and what a change of rate gives back.

        Compensation for repaying early is the contract's, and apart.
        """
        return self.outstanding_cny + self.interest_owed_cny + self.unused_compensation_cny

    @property
    def next_due(self) -> DueStanding | None:
        """The next payment whose day has not come."""
        return next((one for one in self.dues if one.due.due_on > self.on and not one.is_paid), None)


def standing_on(book: NoteBook, on: date) -> NoteStanding:
    """Give how a note stands at the close of a day.

    Penalty interest of a due payment = principal unpaid x rate x (1 + uplift) x days / year, summed over the stretches
    between receipts and rounded once; compound interest the same on interest unpaid, and bears none itself. The day a
    payment is due is in time; charges count from it.
    """
    by_due: dict[date, list[tuple[date, ReceiptLine]]] = {}
    for receipt in book.receipts:
        for line in receipt.lines:
            by_due.setdefault(line.due_start, []).append((receipt.paid_on, line))
    dues = tuple(_due_standing(book, due, by_due.get(due.start, []), on) for due in book.dues)
    return NoteStanding(on=on, dues=dues, outstanding_cny=book.note.outstanding_cny)


def _due_standing(book: NoteBook, due: Due, paid: list[tuple[date, ReceiptLine]], on: date) -> DueStanding:
    interest, principal = _asked(book, due)
    interest_unpaid = interest - _sum(line.interest_cny for _, line in paid)
    principal_unpaid = principal - _sum(line.principal_cny for _, line in paid)
    penalty = compound = _NOTHING
    if due.due_on < on:
        # The last payment's interest may be a refund: it lessens the principal that bears penalty, and bears nothing.
        refund = min(interest, _NOTHING)
        repaid = [(day, line.principal_cny + (line.interest_cny if refund else _NOTHING)) for day, line in paid]
        penalty = _charge(book, due, principal + refund, repaid, on)
        if not refund:
            compound = _charge(book, due, interest, [(day, line.interest_cny) for day, line in paid], on)
        penalty -= _sum(line.penalty_cny for _, line in paid)
        compound -= _sum(line.compound_cny for _, line in paid)
    accrued = settling = _NOTHING
    if due.due_on > on:
        accrued, settling = _accrued(book, due, interest_unpaid, paid, on)
    owes = bool(interest_unpaid or principal_unpaid or penalty or compound)
    return DueStanding(
        due=due,
        interest_cny=interest,
        principal_cny=principal,
        interest_unpaid_cny=interest_unpaid,
        principal_unpaid_cny=principal_unpaid,
        penalty_cny=penalty,
        compound_cny=compound,
        late_days=(on - due.due_on).days if owes and due.due_on < on else 0,
        accrued_cny=accrued,
        settling_cny=settling,
    )


def _asked(book: NoteBook, due: Due) -> tuple[Decimal, Decimal]:
    """Give interest and principal of a payment that were not paid before the note came here.

    A compensation booked before that day was paid with the interest up to it.
    """
    if due.end <= book.taken_over_to:
        return _NOTHING, _NOTHING
    if due.start < book.taken_over_to:
        interest = _interest(book.note.terms.basis, due, book.taken_over_to, due.end)
        return interest + due.compensated_cny(start=book.taken_over_to, end=date.max), due.row.principal_cny
    return due.row.interest_cny - due.compensated_cny(start=date.min, end=book.taken_over_to), due.row.principal_cny


def _accrued(
    book: NoteBook, due: Due, interest_unpaid_cny: Decimal, paid: list[tuple[date, ReceiptLine]], on: date
) -> tuple[Decimal, Decimal]:
    """Give the interest of a payment not due yet as far as it accrued by the day, and as settling then takes it."""
    if on >= due.end:
        return max(interest_unpaid_cny, _NOTHING), interest_unpaid_cny
    start = max(due.start, book.taken_over_to)
    unpaid = _interest(book.note.terms.basis, due, start, on) - _sum(line.interest_cny for _, line in paid)
    accrued = unpaid + due.compensated_cny(start=book.taken_over_to, end=on)
    return max(accrued, _NOTHING), unpaid + due.compensated_cny(start=book.taken_over_to, end=date.max)


def _interest(basis: DayCount, due: Due, start: date, end: date) -> Decimal:
    if end <= start:
        return _NOTHING
    return accrued_interest_cny(
        balance_cny=due.row.opening_balance_cny, rate=due.rate, basis=basis, paid_to=start, accrual_date=end
    )


def _charge(book: NoteBook, due: Due, amount_cny: Decimal, paid: list[tuple[date, Decimal]], on: date) -> Decimal:
    """Give what an unpaid amount costs from its day to another, at the overdue rate, to the fen half up."""
    basis = book.note.terms.basis
    yearly = Fraction(due.rate) * (1 + Fraction(book.overdue_uplift)) / DAYS_PER_YEAR[basis]
    unpaid, since, exact = Fraction(amount_cny), due.due_on, Fraction(0)
    for day, part in sorted(paid):
        if day > on:
            break
        if day > since:
            exact += unpaid * yearly * days_between(basis, since, day)
            since = day
        unpaid -= Fraction(part)
    exact += unpaid * yearly * days_between(basis, since, on)
    return half_up(exact, places=2)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, start=_NOTHING)
