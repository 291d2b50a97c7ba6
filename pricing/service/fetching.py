"""Market data fetched from a feed: read first, checked as a whole, then stored for an organisation, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.market import Quote
from pricing.feeds.curve_files import CurveFile, CurveFileKind, read_curve_table
from pricing.feeds.port import FeedResource, MarketFeed
from pricing.feeds.price_files import PriceFile, read_price_table
from pricing.feeds.tables import DataSource, read_json_rows
from pricing.service.curve_quotes import take_curve_table
from pricing.store import quotes

_LOOKED_BACK = timedelta(days=31)
_SLIP_FACTOR = 5
_EMPTY = b"[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedResource:
    """What came of one table of a feed.

    Attributes:
        digest: SHA-256 of the answer, kept in the document of every value stored from it.
        failures: The rows that cannot be taken, with field and remedy.
    """

    resource: FeedResource
    digest: str
    attempt_count: int
    row_count: int
    added_count: int
    unchanged_count: int
    corrected_count: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReport:
    """What came of a feed; nothing is stored if a row of any table failed or it is a preview."""

    stored: bool
    resources: tuple[FetchedResource, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The rows that cannot be taken, with their table."""
        return tuple(
            replace(failure, item=f"{one.resource} {failure.item}")
            for one in self.resources
            for failure in one.failures
        )


def fetch_market(
    session: Session,
    actor: Actor,
    feed: MarketFeed,
    *,
    resources: Sequence[FeedResource],
    exchange: str,
    from_date: date,
    to_date: date,
    known_at: datetime,
    preview: bool,
) -> FetchReport:
    """Fetch tables of some days and store all their rows for the actor's organisation, or none if any failed.

    Everything is fetched and read before the session is first used, so no connection waits for the feed.

    Raises:
        InvalidInput: No source is named, the days are not in order, or an answer is no table at all.
        UpstreamFailed: The feed did not give a table.
    """
    if not exchange.strip() or from_date > to_date:
        raise InvalidInput(
            "a feed needs the name of its source and days in order",
            zh="须填写数据来源，且起始日不得晚于截止日",
            field="exchange" if not exchange.strip() else "from",
            remedy="Name the venue and choose the days again.",
            remedy_zh="请填写发布机构并重新选择日期。",
        )
    known_on = china_day(known_at)
    read: list[tuple[FetchedResource, PriceFile | CurveFile]] = []
    for resource in resources:
        table = feed.fetch(resource, from_date=from_date, to_date=to_date)
        source = DataSource(
            exchange=exchange.strip(),
            document=f"{table.address} SHA-256 {table.digest}",
            known_from=known_on,
            is_sample=actor.is_sample,
        )
        file = _read(resource, table.content, source)
        outcome = FetchedResource(
            resource=resource, digest=table.digest, attempt_count=table.attempt_count, row_count=file.row_count,
            added_count=0, unchanged_count=0, corrected_count=0, failures=file.failures,
        )  # fmt: skip
        read.append((outcome, file))
    checked = [_taken(session, actor, one, file, known_on=known_on, preview=True) for one, file in read]
    if preview or any(one.failures for one in checked):
        return FetchReport(stored=False, resources=tuple(checked))
    stored = tuple(_taken(session, actor, one, file, known_on=known_on, preview=False) for one, file in read)
    return FetchReport(stored=True, resources=stored)


def _read(resource: FeedResource, content: bytes, source: DataSource) -> PriceFile | CurveFile:
    if content.strip() == _EMPTY:
        if resource is FeedResource.QUOTES:
            return PriceFile(file_name=str(resource), encoding="json", row_count=0, quotes=(), failures=())
        kind = CurveFileKind(resource.value)
        return CurveFile(kind=kind, file_name=str(resource), encoding="json", row_count=0, quotes=(), failures=())
    table = read_json_rows(content, name=str(resource))
    if resource is FeedResource.QUOTES:
        return read_price_table(table, source=source)
    return read_curve_table(table, kind=CurveFileKind(resource.value), source=source)


def _taken(
    session: Session,
    actor: Actor,
    outcome: FetchedResource,
    file: PriceFile | CurveFile,
    *,
    known_on: date,
    preview: bool,
) -> FetchedResource:
    if isinstance(file, CurveFile):
        taken = take_curve_table(session, actor, file, known_on=known_on, preview=preview)
        return replace(
            outcome,
            failures=taken.failures,
            added_count=taken.added_count,
            unchanged_count=taken.unchanged_count,
            corrected_count=len(taken.corrected),
        )
    failures = (*file.failures, *_slips(session, actor, file.quotes, known_on=known_on))
    if failures or preview:
        return replace(outcome, failures=failures)
    saved = quotes.save_quotes(session, file.quotes, organization_id=actor.organization_id)
    return replace(
        outcome,
        added_count=saved.added_count,
        unchanged_count=saved.unchanged_count,
        corrected_count=len(saved.corrected),
    )


def _slips(session: Session, actor: Actor, fetched: Sequence[Quote], *, known_on: date) -> list[Failure]:
    """Find prices more than five times the last known one of the unit, or less than a fifth of it."""
    failures: list[Failure] = []
    for unit, product in sorted({(quote.unit, quote.product or "") for quote in fetched}):
        sent = [quote for quote in fetched if (quote.unit, quote.product or "") == (unit, product)]
        known = quotes.quotes_known(
            session,
            organization_id=actor.organization_id,
            from_date=min(quote.quote_date for quote in sent) - _LOOKED_BACK,
            to_date=max(quote.quote_date for quote in sent),
            known_on=known_on,
            unit=unit,
            product=product or None,
        )
        days = {quote.quote_date for quote in sent}
        before: Quote | None = None
        for quote in sorted([*sent, *(one for one in known if one.quote_date not in days)], key=_day):
            if quote.quote_date in days and before is not None and not _is_near(quote, before):
                failures.append(_slip(quote, before))
            else:
                before = quote
    return failures


def _day(quote: Quote) -> date:
    return quote.quote_date


def _is_near(quote: Quote, before: Quote) -> bool:
    return before.price_cny_per_t / _SLIP_FACTOR <= quote.price_cny_per_t <= before.price_cny_per_t * _SLIP_FACTOR


def _slip(quote: Quote, before: Quote) -> Failure:
    return Failure(
        item=f"{quote.unit} {quote.quote_date}",
        field="price_cny_per_t",
        detail=f"{quote.unit} on {quote.quote_date} is {quote.price_cny_per_t} 元/吨, on {before.quote_date} it was "
        f"{before.price_cny_per_t}: a unit slip is suspected",
        zh=f"{quote.unit} {quote.quote_date} 为 {quote.price_cny_per_t} 元/吨，{before.quote_date} 为 "
        f"{before.price_cny_per_t} 元/吨，疑似单位错误",
        remedy="Compare it with the bulletin; a true price is imported as a file.",
        remedy_zh="请对照公告核对；确属实际价格的，请以文件导入。",
    )
