"""Volatility surfaces of a day as an organisation knew them, and options valued with them; nothing is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.rulebook import book_for
from pricing.calc.curves.surfaces import SurfaceBuild
from pricing.calc.delivery_days import PROVISIONAL_DAYS, KnownCalendar
from pricing.calc.option_lines import OptionLine, OptionLineValue, surface_named, value_option_lines
from pricing.service.curves import curve_set


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfacesAnswer:
    """The volatility surfaces of a day, and those that could not be built.

    Attributes:
        set_digest: SHA-256 over all curves and surfaces of the day.
        quotes_digest: SHA-256 over the quotes of the day.
    """

    valuation_date: date
    known_at: datetime
    surfaces: tuple[SurfaceBuild, ...]
    failures: tuple[Failure, ...]
    set_digest: str
    quotes_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAnswer:
    """What options are worth on the curves of a day, and those that could not be valued.

    Attributes:
        surfaces: The surfaces that priced them.
        set_digest: SHA-256 over all curves and surfaces of the day.
        quotes_digest: SHA-256 over the quotes of the day.
    """

    valuation_date: date
    known_at: datetime
    batch: Batch[OptionLineValue]
    surfaces: tuple[SurfaceBuild, ...]
    set_digest: str
    quotes_digest: str


def surfaces_on(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> SurfacesAnswer:
    """Build every volatility surface that the quotes of a day allow.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    found = curve_set(session, actor, valuation_date=valuation_date, known_at=known_at)
    return SurfacesAnswer(
        valuation_date=valuation_date,
        known_at=known_at,
        surfaces=found.build.surfaces,
        failures=found.build.surface_failures,
        set_digest=found.build.curves.digest,
        quotes_digest=found.quotes.digest,
    )


def surface_in(answer: SurfacesAnswer, name: str) -> SurfaceBuild:
    """Give one surface of a day by scheme and phase, or by scheme where it has one.

    Raises:
        MissingData: There is no such surface, or its quotes do not make one; the reason is told.
    """
    for failure in answer.failures:
        if failure.item == f"volatility {name.split('/', 1)[0]}":
            raise MissingData(
                failure.detail, zh=failure.zh, field=failure.field, remedy=failure.remedy, remedy_zh=failure.remedy_zh
            )
    surface = surface_named([one.surface for one in answer.surfaces], name, answer.valuation_date)
    return next(one for one in answer.surfaces if one.surface is surface)


def value_options(
    session: Session, actor: Actor, lines: Sequence[OptionLine], *, valuation_date: date, known_at: datetime
) -> OptionsAnswer:
    """Value options on the stored curves and surfaces of a day.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    found = curve_set(session, actor, valuation_date=valuation_date, known_at=known_at)
    batch = value_option_lines(
        found.build.curves, lines, calendar=_known_calendar(session, actor, valuation_date, known_at)
    )
    used = {value.surface for value in batch.values}
    return OptionsAnswer(
        valuation_date=valuation_date,
        known_at=known_at,
        batch=batch,
        surfaces=tuple(one for one in found.build.surfaces if one.name in used),
        set_digest=found.build.curves.digest,
        quotes_digest=found.quotes.digest,
    )


def _known_calendar(session: Session, actor: Actor, valuation_date: date, known_at: datetime) -> KnownCalendar:
    """Give how far the exchange's holidays were published at an instant, and for how long days past it may stand."""
    try:
        until = calendar_on(session, "exchange", known_at).known_until
    except MissingData:
        # Without any notice no day to come is known.
        return KnownCalendar(until=valuation_date, provisional_days=0)
    book = book_for(session, actor.organization_id, packages=("pricing",))
    days = book.on(PROVISIONAL_DAYS, valid_on=valuation_date, known_at=known_at)
    return KnownCalendar(until=until, provisional_days=days.integer)
