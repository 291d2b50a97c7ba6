"""The parameters and the table subsidies are decided by."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.contracts import require_kept
from carbonfin.rules.parameters import ParameterBook
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableBook
from carbonfin.storage.rulebook import book_for, builtin_tables, table_book_for
from reporting.calc.eligibility_table import SUBSIDY_TABLE


def subsidy_book(session: Session, actor: Actor) -> ParameterBook:
    """Give the built-in schemes with the organisation's own values."""
    return book_for(session, actor.organization_id, packages=("reporting",))


def subsidy_tables(session: Session, actor: Actor) -> TableBook:
    """Give the built-in table of eligibility with the organisation's own."""
    builtin = builtin_tables("reporting")
    return table_book_for(session, actor.organization_id, name=SUBSIDY_TABLE.name, builtin=builtin)


def share_table(book: TableBook, day: date, known_at: datetime) -> RecordedTable:
    """Give the table that speaks of the day an application was filed on, as known at an instant.

    The contract is looked at here and not in the decision: a stricter one must not keep old decisions from replaying.

    Raises:
        MissingData: None does.
        InvalidInput: The organisation's own table breaks its contract.
    """
    found = book.on(SUBSIDY_TABLE.name, valid_on=day, known_at=known_at)
    require_kept(SUBSIDY_TABLE, found.table)
    return RecordedTable.of(found)
