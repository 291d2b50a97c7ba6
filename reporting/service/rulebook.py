"""The parameters subsidies are decided by."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.rulebook import book_for


def subsidy_book(session: Session, actor: Actor) -> ParameterBook:
    """Give the built-in schemes with the organisation's own values."""
    return book_for(session, actor.organization_id, packages=("reporting",))
