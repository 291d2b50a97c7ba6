"""Credit lines and contracts for readers: as they stand on a day, with drawdowns that wait counted in."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from loans.calc.facilities import CreditLine, Record
from loans.service import facilities
from loans.service.drawdowns import waiting_drawdowns
from loans.service.facilities import ContractStanding, LineStanding


def credit_lines(session: Session, actor: Actor, *, valid_on: date, known_at: datetime) -> tuple[LineStanding, ...]:
    """Give the bank's lines in force on a day, by number."""
    return facilities.standings_of_lines(
        session, actor, waiting=waiting_drawdowns(session, actor), valid_on=valid_on, known_at=known_at
    )


def load_credit_line(
    session: Session, actor: Actor, number: str, *, valid_on: date, known_at: datetime
) -> LineStanding:
    """Give one line with its contracts.

    Raises:
        NotFound: The bank has none of that number in force.
    """
    facilities.load_line(session, actor, number, valid_on=valid_on, known_at=known_at)
    found = facilities.standings_of_lines(
        session, actor, waiting=waiting_drawdowns(session, actor), valid_on=valid_on, known_at=known_at, number=number
    )
    return found[0]


def load_loan_contract(
    session: Session, actor: Actor, number: str, *, valid_on: date, known_at: datetime
) -> tuple[Record[CreditLine], ContractStanding]:
    """Give one contract with its line.

    Raises:
        NotFound: The bank has none of that number in force, or its line is not.
    """
    contract = facilities.load_contract(session, actor, number, valid_on=valid_on, known_at=known_at)
    line = load_credit_line(session, actor, contract.terms.line_number, valid_on=valid_on, known_at=known_at)
    return line.record, next(one for one in line.contracts if one.record.terms.number == number)
