"""Credit lines and contracts as they stand on a day: what is signed, used, undrawn and may be drawn, each apart."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from loans.calc.facilities import (
    Book,
    CreditLine,
    DrawdownDraft,
    LoanContract,
    Record,
    Use,
    use_of_contract,
    use_of_line,
)
from loans.calc.notes import LoanNote
from loans.store import facilities as store
from loans.store import notes as note_store

EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""What is known at this instant is everything ever signed, for what only names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractStanding:
    """A contract in force with its use and its notes."""

    record: Record[LoanContract]
    use: Use
    notes: tuple[LoanNote, ...]
    waiting: tuple[DrawdownDraft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStanding:
    """A line in force with its use and its contracts."""

    record: Record[CreditLine]
    use: Use
    contracts: tuple[ContractStanding, ...]


def lines_in_force(
    session: Session, actor: Actor, *, valid_on: date, known_at: datetime, number: str | None = None
) -> dict[str, Record[CreditLine]]:
    """Give each line as it holds on a day, as known at an instant: the last revision valid by then."""
    known = store.lines_known(session, actor, known_at=known_at, number=number)
    return {one.terms.number: one for one in known if one.terms.valid_from <= valid_on}


def contracts_in_force(
    session: Session, actor: Actor, *, valid_on: date, known_at: datetime, number: str | None = None
) -> dict[str, Record[LoanContract]]:
    """Give each contract as it holds on a day, as known at an instant: the last revision valid by then."""
    known = store.contracts_known(session, actor, known_at=known_at, number=number)
    return {one.terms.number: one for one in known if one.terms.valid_from <= valid_on}


def load_line(session: Session, actor: Actor, number: str, *, valid_on: date, known_at: datetime) -> Record[CreditLine]:
    """Give a line as it holds on a day.

    Raises:
        NotFound: The bank has none of that number in force.
    """
    found = lines_in_force(session, actor, valid_on=valid_on, known_at=known_at, number=number).get(number)
    if found is None:
        raise NotFound(
            f"there is no credit line {number} in force on {valid_on}",
            zh=f"{valid_on} 无生效的授信 {number}",
            field="line_number",
            remedy="Enter the line and have another person approve it.",
            remedy_zh="请录入授信并由另一人复核。",
        )
    return found


def load_contract(
    session: Session, actor: Actor, number: str, *, valid_on: date, known_at: datetime
) -> Record[LoanContract]:
    """Give a contract as it holds on a day.

    Raises:
        NotFound: The bank has none of that number in force.
    """
    found = contracts_in_force(session, actor, valid_on=valid_on, known_at=known_at, number=number).get(number)
    if found is None:
        raise NotFound(
            f"there is no loan contract {number} in force on {valid_on}",
            zh=f"{valid_on} 无生效的借款合同 {number}",
            field="contract_number",
            remedy="Enter the contract and have another person approve it.",
            remedy_zh="请录入合同并由另一人复核。",
        )
    return found


def known_lines(session: Session, actor: Actor, *, number: str | None = None) -> dict[str, CreditLine]:
    """Give each line by its number, in force or not, as last signed."""
    known = store.lines_known(session, actor, known_at=EVER, number=number)
    return {one.terms.number: one.terms for one in known}


def known_contracts(session: Session, actor: Actor, *, number: str | None = None) -> dict[str, LoanContract]:
    """Give each contract by its number, in force or not, as last signed."""
    known = store.contracts_known(session, actor, known_at=EVER, number=number)
    return {one.terms.number: one.terms for one in known}


def load_known_line(session: Session, actor: Actor, number: str) -> CreditLine:
    """Give a line by everything ever signed of it, for what only names it.

    Raises:
        NotFound: The bank has none of that number.
    """
    found = known_lines(session, actor, number=number).get(number)
    if found is None:
        raise NotFound(f"there is no credit line {number}", zh=f"没有授信 {number}", field="line_number")
    return found


def load_known_contract(session: Session, actor: Actor, number: str) -> LoanContract:
    """Give a contract by everything ever signed of it, for what only names it.

    Raises:
        NotFound: The bank has none of that number.
    """
    found = known_contracts(session, actor, number=number).get(number)
    if found is None:
        raise NotFound(f"there is no loan contract {number}", zh=f"没有借款合同 {number}", field="contract_number")
    return found


def line_revisions(
    session: Session, actor: Actor, number: str, *, known_at: datetime
) -> tuple[Record[CreditLine], ...]:
    """Give every revision of a line known at an instant, the first first."""
    return store.lines_known(session, actor, known_at=known_at, number=number)


def contract_revisions(
    session: Session, actor: Actor, number: str, *, known_at: datetime
) -> tuple[Record[LoanContract], ...]:
    """Give every revision of a contract known at an instant, the first first."""
    return store.contracts_known(session, actor, known_at=known_at, number=number)


def book_of(
    session: Session,
    actor: Actor,
    *,
    waiting: tuple[DrawdownDraft, ...],
    valid_on: date,
    known_at: datetime,
    party_id: str | None = None,
) -> Book:
    """Gather contracts, notes and drawdowns that wait, of one borrower or of all."""
    contracts = contracts_in_force(session, actor, valid_on=valid_on, known_at=known_at)
    return Book(
        contracts=tuple(one.terms for one in contracts.values()),
        notes=note_store.notes_of(session, actor, party_id=party_id),
        waiting=waiting,
    )


def standings_of_lines(
    session: Session,
    actor: Actor,
    *,
    waiting: tuple[DrawdownDraft, ...],
    valid_on: date,
    known_at: datetime,
    number: str | None = None,
) -> tuple[LineStanding, ...]:
    """Give the bank's lines, or one, as they hold on a day with their use and contracts."""
    lines = lines_in_force(session, actor, valid_on=valid_on, known_at=known_at, number=number)
    contracts = contracts_in_force(session, actor, valid_on=valid_on, known_at=known_at)
    book = book_of(session, actor, waiting=waiting, valid_on=valid_on, known_at=known_at)
    return tuple(
        LineStanding(
            record=line,
            use=use_of_line(line.terms, book, on=valid_on),
            contracts=tuple(
                _standing(contract, line.terms, book, on=valid_on)
                for contract in contracts.values()
                if contract.terms.line_number == line.terms.number
            ),
        )
        for line in lines.values()
    )


def _standing(contract: Record[LoanContract], line: CreditLine, book: Book, *, on: date) -> ContractStanding:
    own = book.of_contract(contract.terms.number)
    return ContractStanding(
        record=contract,
        use=use_of_contract(contract.terms, line, book, on=on),
        notes=own.notes,
        waiting=own.waiting,
    )
