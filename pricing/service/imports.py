"""What comes in: the project's public figures, sample quotes, and price files that people bring."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput, NotPermitted
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.rulebook import book_for
from pricing.calc.market import Quote
from pricing.calc.quality import QualityReport, check_quotes
from pricing.feeds import built_in
from pricing.feeds.price_files import PriceFile, read_price_file
from pricing.feeds.tables import DataSource
from pricing.service.market import quality_limits
from pricing.store import curve_quotes, quotes, rates


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInImport:
    """How many of the project's public figures were new."""

    quote_count: int
    rate_count: int
    fx_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What a price file said and what was stored: all rows, or none if any failed.

    Attributes:
        stored: Whether the rows were stored; False for a preview and whenever a row failed.
        corrected: Days whose stored figures differ; their new revision, known from today.
        quality: What the checks found over the file, by unit.
    """

    file: PriceFile
    stored: bool
    added_count: int
    unchanged_count: int
    corrected: tuple[Quote, ...]
    quality: tuple[QualityReport, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The faults, line by line."""
        return self.file.failures


def import_builtin_market(session: Session) -> BuiltInImport:
    """Bring in the project's own public figures; a second time changes nothing."""
    saved = quotes.save_quotes(session, [*built_in.cea_quotes(), *built_in.ccer_quotes()], organization_id=None)
    return BuiltInImport(
        quote_count=saved.added_count,
        rate_count=rates.save_rates(session, built_in.lpr_rates()),
        fx_count=rates.save_fx(session, built_in.fx_quotes()),
    )


def import_sample_quotes(session: Session, actor: Actor) -> int:
    """Bring the invented quotes, settlement prices and curves into a sample organisation and give how many were new.

    Raises:
        NotPermitted: The organisation is a real one.
    """
    if not actor.is_sample:
        raise NotPermitted(
            "sample quotes belong in a sample organisation only",
            zh="示例报价只能写入示例机构",
            remedy="Import the exchange's quotes.",
            remedy_zh="请导入交易所行情。",
        )
    saved = quotes.save_quotes(session, built_in.sample_quotes(), organization_id=actor.organization_id)
    added = rates.save_settlements(session, built_in.sample_settlements(), organization_id=actor.organization_id)
    curves = curve_quotes.save_curve_quotes(
        session, built_in.sample_curve_quotes(), organization_id=actor.organization_id
    )
    return saved.added_count + added + curves.added_count


def sample_parameters() -> tuple[ParameterValue, ...]:
    """Give the sample bank's own assumptions, for its rulebook."""
    return tuple(built_in.sample_book().values())


def import_price_file(
    session: Session,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    exchange: str,
    document: str,
    known_at: datetime,
    preview: bool,
) -> ImportReport:
    """Read a price file for the actor's organisation; store all its rows, or none if any failed or it is a preview.

    Raises:
        InvalidInput: The file as a whole cannot be read, or no exchange is named.
    """
    if not exchange.strip():
        raise InvalidInput(
            "the exchange that published the prices is not named", zh="请填写行情来源交易所", field="exchange"
        )
    source = DataSource(
        exchange=exchange.strip(),
        document=document.strip() or file_name,
        known_from=china_day(known_at),
        is_sample=actor.is_sample,
    )
    file = read_price_file(content, file_name=file_name, source=source)
    book = book_for(session, actor.organization_id, packages=("pricing",))
    quality = tuple(
        check_quotes(
            [quote for quote in file.quotes if quote.unit == unit],
            limits=quality_limits(book, unit, valid_on=source.known_from, known_at=known_at),
            trading_days=None,
        )
        for unit in sorted({quote.unit for quote in file.quotes}, key=str)
        if book.find("pricing.limit_ratio", valid_on=source.known_from, known_at=known_at, scope=unit.scheme)
    )
    if file.failures or preview:
        return ImportReport(file=file, stored=False, added_count=0, unchanged_count=0, corrected=(), quality=quality)
    saved = quotes.save_quotes(session, file.quotes, organization_id=actor.organization_id)
    return ImportReport(
        file=file,
        stored=True,
        added_count=saved.added_count,
        unchanged_count=saved.unchanged_count,
        corrected=saved.corrected,
        quality=quality,
    )
