"""Volatility surfaces of a day as an organisation knew them, and options valued with them; nothing is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.rulebook import book_for
from pricing.calc.curves.building import curve_set_of
from pricing.calc.curves.origins import CurveBuild
from pricing.calc.curves.surfaces import SurfaceBuild
from pricing.calc.option_lines import OptionLine, OptionLineValue, surface_named, value_option_lines
from pricing.calc.option_market import OptionMarket, option_lines_of, option_market
from pricing.calc.positions import PortfolioLine
from pricing.service.curve_quotes import curves_of
from pricing.service.curves import curve_set, own_calendars

OptionReader = Callable[[Sequence[PortfolioLine]], OptionMarket | None]
_FX_STALE_AFTER_DAYS = "pricing.fx_stale_after_days"


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
    batch = value_option_lines(found.build.curves, lines)
    used = {value.surface for value in batch.values}
    return OptionsAnswer(
        valuation_date=valuation_date,
        known_at=known_at,
        batch=batch,
        surfaces=tuple(one for one in found.build.surfaces if one.name in used),
        set_digest=found.build.curves.digest,
        quotes_digest=found.quotes.digest,
    )


def option_market_of(
    session: Session, actor: Actor, lines: Sequence[PortfolioLine], *, valuation_date: date, known_at: datetime
) -> OptionMarket | None:
    """Give what the options of a book rest on, None for a book without options.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    if not option_lines_of(lines):
        return None
    return option_reader(session, actor, valuation_date=valuation_date, known_at=known_at)(lines)


def option_reader(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> OptionReader:
    """Give what reads the options of any book off the curves of a day, which are built once and when first asked for.

    The session is not used afterwards.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    quotes = curves_of(session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id)
    book = book_for(session, actor.organization_id, packages=("pricing",))
    calendars = own_calendars(session, valuation_date, known_at)

    @lru_cache(maxsize=1)
    def build() -> CurveBuild:
        return curve_set_of(quotes, book=book, calendars=calendars)

    def limit(pair: str) -> int | None:
        own, general = (
            book.find(_FX_STALE_AFTER_DAYS, valid_on=valuation_date, known_at=known_at, scope=scope)
            for scope in (pair, "")
        )
        value = own or general
        return None if value is None else value.integer

    def read(lines: Sequence[PortfolioLine]) -> OptionMarket | None:
        options = option_lines_of(lines)
        return option_market(build(), quotes, options, fx_stale_after_days=limit) if options else None

    return read
