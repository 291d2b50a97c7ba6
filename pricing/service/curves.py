"""The curves of a day as an organisation knew the market, built when asked; nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.rulebook import book_for
from pricing.calc.curve_quotes import CurveQuotes
from pricing.calc.curves.building import curve_set_of
from pricing.calc.curves.origins import CurveBuild, CurveKind
from pricing.calc.curves.reading import CurveReading, read_curve
from pricing.service.curve_quotes import curves_of

_BANK_CALENDAR = "China.IB"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSetAnswer:
    """The curves of a day with the quotes they were built of."""

    build: CurveBuild
    quotes: CurveQuotes


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveAnswer:
    """One curve of a day.

    Attributes:
        reading: Its figures and inputs.
        set_digest: SHA-256 over all curves of the day.
        quotes_digest: SHA-256 over the quotes of the day.
    """

    reading: CurveReading
    valuation_date: date
    known_at: datetime
    set_digest: str
    quotes_digest: str


def curve_set(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> CurveSetAnswer:
    """Build every curve that the quotes of a day allow, as the actor's organisation knew them at an instant.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    quotes = curves_of(session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id)
    book = book_for(session, actor.organization_id, packages=("pricing",))
    return CurveSetAnswer(
        build=curve_set_of(quotes, book=book, calendars=own_calendars(session, valuation_date, known_at)), quotes=quotes
    )


def curve_of(
    session: Session, actor: Actor, *, kind: CurveKind, name: str, valuation_date: date, known_at: datetime
) -> CurveAnswer:
    """Give one curve of a day.

    Raises:
        InvalidInput: The valuation date lies after what is known.
        MissingData: There is no such curve, or its quotes do not make one.
    """
    return curve_in(curve_set(session, actor, valuation_date=valuation_date, known_at=known_at), kind=kind, name=name)


def curve_in(answer: CurveSetAnswer, *, kind: CurveKind, name: str) -> CurveAnswer:
    """Give one curve of a set.

    Raises:
        MissingData: There is no such curve, or its quotes do not make one.
    """
    curves = answer.build.curves
    return CurveAnswer(
        reading=read_curve(answer.build, kind=kind, name=name),
        valuation_date=curves.valuation_date,
        known_at=curves.known_at,
        set_digest=curves.digest,
        quotes_digest=answer.quotes.digest,
    )


def own_calendars(session: Session, valuation_date: date, known_at: datetime) -> Mapping[str, Calendar]:
    """Give the bank's own calendar where its notices speak of the day; QuantLib's stands where they do not."""
    try:
        own = calendar_on(session, "bank", known_at)
    except MissingData:
        return {}
    return {_BANK_CALENDAR: own} if own.knows(valuation_date) else {}
