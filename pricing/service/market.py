"""The market as an organisation knew it: snapshots, rates, days of a unit and what their checks found."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Calendar, china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.rulebook import book_for, builtin_book
from pricing.calc.curve_quotes import CurveQuoteKind
from pricing.calc.liquidity import WINDOW_DAYS
from pricing.calc.market import FxQuote, MarketSnapshot, Quote, Settlement
from pricing.calc.quality import FindingKind, QualityLimits, QualityReport, check_quotes
from pricing.store import curve_quotes, quotes, rates

_FX_STALE_AFTER_DAYS = "pricing.fx_stale_after_days"
_SETTLEMENTS_KEPT_DAYS = 31
_FLAGS_LOOK_BACK = timedelta(days=31)
FIRST_MARKET_DATE = date(2013, 6, 18)  # 深圳碳市场开市，全国首个试点


def fx_rate_on(session: Session, pair: str, on: date, known_at: datetime) -> FxQuote:
    """Give the reference rate of a pair on a day, or the last one before it that is not stale.

    Raises:
        MissingData: None is known, or the last one is too old.
    """
    own, general = (
        builtin_book("pricing").find(_FX_STALE_AFTER_DAYS, valid_on=on, known_at=known_at, scope=scope)
        for scope in (pair, "")
    )
    limit = own or general
    for quote in rates.fx_known(session, on=on, known_on=china_day(known_at)):
        if quote.pair == pair and limit is not None and (on - quote.quote_date).days <= limit.integer:
            return quote
    raise MissingData(
        f"{pair} on {on} is not known, or its last rate is older than the limit",
        zh=f"{pair} 在 {on} 没有可用汇率，或最近一次汇率已过期",
        field="fx",
        remedy="Import the reference rate of that day.",
        remedy_zh="请导入当日参考汇率。",
    )


def market_snapshot(
    session: Session, *, valuation_date: date, known_at: datetime, organization_id: str
) -> MarketSnapshot:
    """Give the market of a day as an organisation knew it at an instant: quotes of the window, rates, conventions.

    Raises:
        InvalidInput: The valuation date lies after what is known, or before there was a market.
        MissingData: The exchange calendar does not reach the day.
    """
    known_on = china_day(known_at)
    _refuse_unknowable(valuation_date, known_on)
    book = book_for(session, organization_id, packages=("pricing",))
    parameters = _conventions(book, valuation_date=valuation_date, known_at=known_at)
    window = max((value.integer for value in parameters if value.key == WINDOW_DAYS), default=1)
    last_dates = quotes.units_known(session, organization_id=organization_id, to_date=valuation_date, known_on=known_on)
    calendar = calendar_on(session, "exchange", known_at)
    oldest = min(last_dates.values(), default=valuation_date)
    days = _trading_days(calendar, valuation_date, window=window, oldest=oldest)
    first = days[-window:][0] if days else valuation_date
    found = {
        (str(quote.unit), quote.quote_date): quote
        for quote in quotes.quotes_known(
            session, organization_id=organization_id, from_date=first, to_date=valuation_date, known_on=known_on
        )
    }
    for unit, last_date in last_dates.items():
        if last_date < first:
            for quote in quotes.quotes_known(
                session,
                organization_id=organization_id,
                from_date=last_date,
                to_date=last_date,
                known_on=known_on,
                unit=Unit.parse(unit),
            ):
                found[unit, last_date] = quote
    return MarketSnapshot(
        valuation_date=valuation_date,
        known_at=known_at,
        trading_days=days,
        quotes=tuple(found[key] for key in sorted(found)),
        fx=rates.fx_known(session, on=valuation_date, known_on=known_on),
        settlements=_settlements(
            session, organization_id=organization_id, valuation_date=valuation_date, known_on=known_on
        ),
        parameters=parameters,
        calendar_known_until=calendar.known_until,
        tells_unconfirmed=True,
        tells_unconfirmed_limits=True,
    )


def _settlements(
    session: Session, *, organization_id: str, valuation_date: date, known_on: date
) -> tuple[Settlement, ...]:
    """Give the last settlement prices in yuan of each contract; what came in for the curves stands before the rest."""
    first = valuation_date - timedelta(days=_SETTLEMENTS_KEPT_DAYS)
    listed = rates.settlements_known(
        session, organization_id=organization_id, from_date=first, to_date=valuation_date, known_on=known_on
    )
    imported = curve_quotes.curve_quotes_known(
        session, organization_id=organization_id, from_date=first, to_date=valuation_date, known_on=known_on,
        kind=CurveQuoteKind.SETTLEMENT,
    )  # fmt: skip
    found = {(one.contract_code, one.settlement_date): one for one in listed}
    for quote in imported:
        if quote.currency is Currency.CNY:
            found[quote.point, quote.quote_date] = Settlement(
                contract_code=quote.point,
                settlement_date=quote.quote_date,
                price_cny_per_t=quote.value,
                known_from=quote.known_from,
                document=quote.document,
                is_sample=quote.is_sample,
            )
    return tuple(found[key] for key in sorted(found))


def _refuse_unknowable(day: date, known_on: date) -> None:
    """Refuse days after what is known, and days before there was any market."""
    if FIRST_MARKET_DATE <= day <= known_on:
        return
    raise InvalidInput(
        f"valuation date {day} does not lie within {FIRST_MARKET_DATE}, when the first market opened, and {known_on}, "
        "up to which facts are known",
        zh=f"估值日 {day} 不在 {FIRST_MARKET_DATE}（首个碳市场开市）至 {known_on}（当前可知的日期）之间",
        field="valuation_date",
        remedy=f"Choose {known_on} or earlier.",
        remedy_zh=f"请选择 {known_on} 或更早的日期。",
    )


def _conventions(book: ParameterBook, *, valuation_date: date, known_at: datetime) -> tuple[ParameterValue, ...]:
    """Give every valuation convention in force, by key and scope."""
    names = sorted({(value.key, value.scope) for value in book.values() if value.key.startswith("pricing.")})
    found = (book.find(key, valid_on=valuation_date, known_at=known_at, scope=scope) for key, scope in names)
    return tuple(value for value in found if value is not None)


def _trading_days(calendar: Calendar, valuation_date: date, *, window: int, oldest: date) -> tuple[date, ...]:
    """Give the open days up to the valuation date, at least a window of them and back to the oldest last quote."""
    days: list[date] = []
    day = valuation_date
    while len(days) < window or day > oldest:
        if calendar.is_open(day):
            days.append(day)
        day -= timedelta(days=1)
    return tuple(reversed(days))


def quoted_units(session: Session, actor: Actor, *, on: date, known_at: datetime) -> dict[str, date]:
    """Give each unit quoted up to a day, with the day of its last quote."""
    return quotes.units_known(session, organization_id=actor.organization_id, to_date=on, known_on=china_day(known_at))


def market_days(
    session: Session, actor: Actor, *, unit: Unit, from_date: date | None, to_date: date, known_at: datetime
) -> tuple[Quote, ...]:
    """Give the quotes of one unit, ascending, as known at an instant."""
    return quotes.quotes_known(
        session,
        organization_id=actor.organization_id,
        from_date=from_date,
        to_date=to_date,
        known_on=china_day(known_at),
        unit=unit,
    )


def quote_page(
    session: Session,
    actor: Actor,
    place: Place,
    *,
    unit: Unit,
    product: str | None = None,
    from_date: date | None,
    to_date: date,
    known_at: datetime,
) -> Slice[Quote]:
    """Give a page of the quotes of one unit, ascending, as known at an instant."""
    return quotes.quote_page(
        session,
        place,
        organization_id=actor.organization_id,
        from_date=from_date,
        to_date=to_date,
        known_on=china_day(known_at),
        unit=unit,
        product=product,
    )


def quality_of(
    session: Session, actor: Actor, *, unit: Unit, from_date: date | None, to_date: date, known_at: datetime
) -> QualityReport:
    """Check the quotes of one unit and say what was found.

    Raises:
        MissingData: The unit has no quote in these days.
    """
    days = market_days(session, actor, unit=unit, from_date=from_date, to_date=to_date, known_at=known_at)
    if not days:
        raise MissingData(
            f"{unit} has no quote up to {to_date}",
            zh=f"{unit} 在 {to_date} 及之前没有行情",
            field="unit",
            remedy="Import quotes of this unit.",
            remedy_zh="请导入该品种行情。",
        )
    book = book_for(session, actor.organization_id, packages=("pricing",))
    calendar = calendar_on(session, "exchange", known_at)
    first, last = days[0].quote_date, days[-1].quote_date
    return check_quotes(
        days,
        limits=quality_limits(book, unit, valid_on=last, known_at=known_at),
        trading_days=tuple(calendar.open_days(first, last + timedelta(days=1))) if calendar.knows(last) else None,
    )


def flags_of(
    session: Session, actor: Actor, days: Sequence[Quote], *, known_at: datetime
) -> dict[date, tuple[FindingKind, ...]] | None:
    """Give what the checks find on each of some days of one unit or product; None where no limits are set for it.

    The days of a month before are looked at too, so that the first day is checked against the one before it.
    """
    if not days:
        return {}
    unit, last = days[0].unit, days[-1].quote_date
    book = book_for(session, actor.organization_id, packages=("pricing",))
    try:
        limits = quality_limits(book, unit, valid_on=last, known_at=known_at)
    except MissingData:
        return None
    before = quotes.quotes_known(
        session,
        organization_id=actor.organization_id,
        from_date=max(days[0].quote_date, FIRST_MARKET_DATE) - _FLAGS_LOOK_BACK,
        to_date=last,
        known_on=china_day(known_at),
        unit=unit,
        product=days[0].product,
    )
    report = check_quotes(before or days, limits=limits, trading_days=None)
    return {quote.quote_date: report.flags_on(quote.quote_date) for quote in days}


def quality_limits(book: ParameterBook, unit: Unit, *, valid_on: date, known_at: datetime) -> QualityLimits:
    """Give where the checks of a scheme begin to speak."""

    def value(key: str) -> ParameterValue:
        return book.on(f"pricing.{key}", valid_on=valid_on, known_at=known_at, scope=unit.scheme)

    return QualityLimits(
        minimum_print_t=value("minimum_print_t").integer,
        jump_ratio=value("jump_ratio").decimal,
        limit_ratio=value("limit_ratio").decimal,
        block_apart_ratio=value("block_apart_ratio").decimal,
    )
