"""Settlement curves, rates and exchange rates: files that people bring, and the curves of a day as they were known."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from pricing.calc.curve_quotes import LPR, CurveQuote, CurveQuoteKind, CurveQuotes, curve_quote_order
from pricing.feeds.curve_files import CurveFile, CurveFileKind, read_curve_file
from pricing.feeds.tables import DataSource
from pricing.service.lending_rates import lpr_known
from pricing.store import curve_quotes

_LOOKED_BACK = timedelta(days=31)
_SLIP_FACTOR = 5
_SLIPPING = frozenset({CurveQuoteKind.SETTLEMENT, CurveQuoteKind.FX})


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveImport:
    """What a table of curve quotes said and what was stored: all rows, or none if any failed.

    Attributes:
        corrected: Quotes whose stored value differs; their new revision, known from today.
    """

    file: CurveFile
    failures: tuple[Failure, ...]
    stored: bool
    added_count: int
    unchanged_count: int
    corrected: tuple[CurveQuote, ...]


def import_curve_file(
    session: Session,
    actor: Actor,
    *,
    kind: CurveFileKind,
    content: bytes,
    file_name: str,
    exchange: str,
    document: str,
    known_at: datetime,
    preview: bool,
) -> CurveImport:
    """Read a file of curve quotes for the actor's organisation; store all its rows, or none if any failed.

    Raises:
        InvalidInput: The file as a whole cannot be read, or no source is named.
    """
    if not exchange.strip():
        raise InvalidInput(
            "who published the values is not named", zh="请填写数据来源", field="exchange",
            remedy="Name the venue or administrator.", remedy_zh="请填写交易所或发布机构名称。",
        )  # fmt: skip
    source = DataSource(
        exchange=exchange.strip(),
        document=document.strip() or file_name,
        known_from=china_day(known_at),
        is_sample=actor.is_sample,
    )
    file = read_curve_file(content, kind=kind, file_name=file_name, source=source)
    return take_curve_table(session, actor, file, known_on=source.known_from, preview=preview)


def take_curve_table(session: Session, actor: Actor, file: CurveFile, *, known_on: date, preview: bool) -> CurveImport:
    """Store what a table said for the actor's organisation: all rows, or none if any failed or it is a preview.

    A price, exchange rate or LPR more than five times the last known one, or less than a fifth of it, is taken for a
    slip of its unit and fails.
    """
    failures = (
        *file.failures,
        *_slips(session, actor, file.quotes, known_on=known_on),
        *_lending_slips(session, actor, file.quotes, known_on=known_on),
    )
    if failures or preview:
        return CurveImport(
            file=file, failures=failures, stored=False, added_count=0, unchanged_count=0, corrected=()
        )  # fmt: skip
    saved = curve_quotes.save_curve_quotes(session, file.quotes, organization_id=actor.organization_id)
    return CurveImport(
        file=file,
        failures=(),
        stored=True,
        added_count=saved.added_count,
        unchanged_count=saved.unchanged_count,
        corrected=saved.corrected,
    )


def _slips(session: Session, actor: Actor, quotes: tuple[CurveQuote, ...], *, known_on: date) -> list[Failure]:
    checked = [quote for quote in quotes if quote.kind in _SLIPPING]
    if not checked:
        return []
    first, last = min(quote.quote_date for quote in checked), max(quote.quote_date for quote in checked)
    known = curve_quotes.curve_quotes_known(
        session,
        organization_id=actor.organization_id,
        from_date=first - _LOOKED_BACK,
        to_date=last,
        known_on=known_on,
    )
    sent = {(*_point(quote), quote.quote_date) for quote in checked}
    series = [quote for quote in known if (*_point(quote), quote.quote_date) not in sent] + checked
    failures = []
    before: dict[tuple[str, str, str], CurveQuote] = {}
    for quote in sorted(series, key=lambda one: one.quote_date):
        last_one = before.get(_point(quote))
        before[_point(quote)] = quote
        is_sent = (*_point(quote), quote.quote_date) in sent
        if is_sent and last_one is not None and not _is_near(quote, last_one):
            failures.append(_slip(quote, last_one))
            before[_point(quote)] = last_one
    return failures


def _lending_slips(session: Session, actor: Actor, quotes: tuple[CurveQuote, ...], *, known_on: date) -> list[Failure]:
    """Compare each LPR with the publication before it: loans rest on it, and a slip would make them cheap."""
    failures = []
    for quote in quotes:
        if quote.name != LPR or quote.kind is not CurveQuoteKind.FIXING:
            continue
        last = lpr_known(
            session,
            quote.point,
            on=quote.quote_date - timedelta(days=1),
            known_on=known_on,
            organization_id=actor.organization_id,
        )
        if last is not None and not last.value / _SLIP_FACTOR <= quote.value <= last.value * _SLIP_FACTOR:
            what = f"{quote.name} {quote.point} {quote.quote_date}"
            failures.append(
                Failure(
                    item=what,
                    field="rate",
                    detail=f"{what} is {quote.value}, on {last.published_on} it was {last.value}: a slip is suspected",
                    zh=f"{what} 为 {quote.value}，{last.published_on} 为 {last.value}，疑似单位错误",
                    remedy="Give rate as a decimal (0.0300) or rate_percent in percent (3.00).",
                    remedy_zh="“利率(小数)”按 0.0300 填写，“利率(%)”按 3.00 填写。",
                )
            )
    return failures


def _point(quote: CurveQuote) -> tuple[str, str, str]:
    return str(quote.kind), quote.name, quote.point


def _is_near(quote: CurveQuote, before: CurveQuote) -> bool:
    return before.value / _SLIP_FACTOR <= quote.value <= before.value * _SLIP_FACTOR


def _slip(quote: CurveQuote, before: CurveQuote) -> Failure:
    what = f"{quote.name} {quote.point} {quote.quote_date}"
    return Failure(
        item=what,
        field="price_per_t" if quote.kind is CurveQuoteKind.SETTLEMENT else "rate",
        detail=f"{what} is {quote.value}, on {before.quote_date} it was {before.value}: a unit slip is suspected",
        zh=f"{what} 为 {quote.value}，{before.quote_date} 为 {before.value}，疑似单位错误",
        remedy="Give the price per tonne, and the exchange rate for one unit; rate_per_100 takes rates for 100 units.",
        remedy_zh="价格按每吨填写，汇率按 1 单位外币填写；按 100 单位公布的请用“汇率（每100外币）”列。",
    )


def curves_of(session: Session, *, valuation_date: date, known_at: datetime, organization_id: str) -> CurveQuotes:
    """Give the last quotes of every curve on a day, as an organisation knew them at an instant.

    Of each settlement curve, rate and pair only its last day within a month is taken, so that no curve mixes days.

    Raises:
        InvalidInput: The valuation date lies after what is known.
    """
    known_on = china_day(known_at)
    if valuation_date > known_on:
        raise InvalidInput(
            f"curves of {valuation_date} cannot be known on {known_on}",
            zh=f"{known_on} 尚不可能知悉 {valuation_date} 的曲线报价",
            field="valuation_date",
            remedy=f"Choose {known_on} or earlier.",
            remedy_zh=f"请选择 {known_on} 或更早的日期。",
        )
    found = curve_quotes.curve_quotes_known(
        session,
        organization_id=organization_id,
        from_date=valuation_date - min(_LOOKED_BACK, valuation_date - date.min),
        to_date=valuation_date,
        known_on=known_on,
    )
    last = {(quote.kind, quote.name): quote.quote_date for quote in found}
    return CurveQuotes(
        valuation_date=valuation_date,
        known_at=known_at,
        quotes=tuple(
            sorted(
                (quote for quote in found if quote.quote_date == last[quote.kind, quote.name]), key=curve_quote_order
            )
        ),
    )


def foreign_settlements_of(
    session: Session, actor: Actor, *, valuation_date: date, known_at: datetime
) -> tuple[CurveQuote, ...]:
    """Give the settlement prices of a month up to a day that are not in 元, as known at an instant, by day."""
    found = curve_quotes.curve_quotes_known(
        session,
        organization_id=actor.organization_id,
        from_date=valuation_date - min(_LOOKED_BACK, valuation_date - date.min),
        to_date=valuation_date,
        known_on=china_day(known_at),
        kind=CurveQuoteKind.SETTLEMENT,
    )
    return tuple(quote for quote in found if quote.currency is not Currency.CNY)


def curve_quotes_of(
    session: Session,
    actor: Actor,
    *,
    kind: CurveQuoteKind | None,
    name: str | None,
    from_date: date,
    to_date: date,
    known_at: datetime,
) -> tuple[CurveQuote, ...]:
    """Give the quotes of curves of days in `[from_date, to_date]` as known at an instant, by day and curve."""
    return curve_quotes.curve_quotes_known(
        session,
        organization_id=actor.organization_id,
        from_date=from_date,
        to_date=to_date,
        known_on=china_day(known_at),
        kind=kind,
        name=name,
    )
