"""The scorecard of a day as decisions take it: read, held to its rules and written once while nothing changes."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import written_text
from carbonfin.storage.kept_rows import KeptMade
from carbonfin.storage.parties import Standing
from loans.calc.ratings.scorecard import Scorecard, scorecard_on
from loans.service import facts


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOfDay:
    """The scorecard's values of a day, and their canonical text."""

    parameters: tuple[ParameterValue, ...]
    text: str


_VALUES_READ: KeptMade[tuple[tuple[str, str], ...]] = KeptMade()
_METHODS: KeptMade[MethodOfDay] = KeptMade()


def method_of_day(session: Session, actor: Actor, standing: Standing) -> MethodOfDay:
    """Give the scorecard's values in force, read and held to its rules once for as long as each of them is the same.

    Raises:
        InvalidInput: The values make no scorecard.
        MissingData: A value is not known.
    """
    book = facts.parameters(session, actor)

    def card() -> Scorecard:
        return scorecard_on(book, valid_on=standing.business_date, known_at=standing.known_at)

    # Which values a scorecard reads hangs on the book alone, never on a day.
    read = _VALUES_READ.made((book,), (), lambda: tuple((one.key, one.scope) for one in card().parameters))
    values = tuple(
        book.on(key, scope=scope, valid_on=standing.business_date, known_at=standing.known_at) for key, scope in read
    )
    return _METHODS.made(
        (book, *values), (),
        lambda: MethodOfDay(parameters=card().parameters, text=written_text(card().parameters)),
    )  # fmt: skip
