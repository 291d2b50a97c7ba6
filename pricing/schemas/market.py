"""Shapes of quotes, their quality, price files and forward prices."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import NameText
from pricing.calc.market import Quote
from pricing.calc.quality import FINDING_LABELS, Finding, FindingKind, QualityReport
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import ImportReport

FILE_TEXT_MAX = 7_000_000


class QuoteOut(Struct, frozen=True, kw_only=True):
    """A day of a unit; volumes and ranges are null where not published, flags where nothing was checked."""

    unit: str
    quote_date: str
    price_cny_per_t: str
    price_kind: str
    listed_volume_t: int | None
    listed_amount_cny: str | None
    block_volume_t: int | None
    block_amount_cny: str | None
    known_from: str
    exchange: str
    document: str
    grade: str
    is_sample: bool
    product: str | None
    open_cny_per_t: str | None
    high_cny_per_t: str | None
    low_cny_per_t: str | None
    vwap_cny_per_t: str | None
    flags: list[str] | None

    @classmethod
    def of(cls, quote: Quote, flags: Sequence[FindingKind] | None = None) -> "QuoteOut":
        """Write a quote with what the checks found on its day; None where nothing was checked."""
        return cls(
            unit=str(quote.unit),
            quote_date=quote.quote_date.isoformat(),
            price_cny_per_t=text_of(quote.price_cny_per_t),
            price_kind=quote.price_kind,
            listed_volume_t=quote.listed_volume_t,
            listed_amount_cny=optional_text_of(quote.listed_amount_cny),
            block_volume_t=quote.block_volume_t,
            block_amount_cny=optional_text_of(quote.block_amount_cny),
            known_from=quote.known_from.isoformat(),
            exchange=quote.exchange,
            document=quote.document,
            grade=quote.grade,
            is_sample=quote.is_sample,
            product=quote.product,
            open_cny_per_t=optional_text_of(quote.open_cny_per_t),
            high_cny_per_t=optional_text_of(quote.high_cny_per_t),
            low_cny_per_t=optional_text_of(quote.low_cny_per_t),
            vwap_cny_per_t=optional_text_of(quote.vwap_cny_per_t),
            flags=None if flags is None else [kind.value for kind in flags],
        )


class QuoteListOut(Struct, frozen=True, kw_only=True):
    """Quotes of one unit, ascending; the exchange stands with every one."""

    unit: str
    known_at: str
    quotes: list[QuoteOut]


class FindingOut(Struct, frozen=True, kw_only=True):
    """One thing found on one day."""

    kind: str
    label_zh: str
    label_en: str
    quote_date: str
    values: dict[str, str]

    @classmethod
    def of(cls, finding: Finding) -> "FindingOut":
        """Write a finding."""
        zh, en = FINDING_LABELS[finding.kind]
        return cls(
            kind=finding.kind,
            label_zh=zh,
            label_en=en,
            quote_date=finding.quote_date.isoformat(),
            values=dict(finding.values),
        )


class QualityOut(Struct, frozen=True, kw_only=True):
    """What the checks found over the quotes of one unit."""

    unit: str
    first_date: str
    last_date: str
    day_count: int
    days_without_listed_trade: int
    days_without_any_trade: int
    days_with_block_trade: int
    days_close_equals_listed_mean: int
    is_over_vintages: bool
    counts: dict[str, int]
    findings: list[FindingOut]

    @classmethod
    def of(cls, report: QualityReport) -> "QualityOut":
        """Write a report."""
        return cls(
            unit=str(report.unit),
            first_date=report.first_date.isoformat(),
            last_date=report.last_date.isoformat(),
            day_count=report.day_count,
            days_without_listed_trade=report.days_without_listed_trade,
            days_without_any_trade=report.days_without_any_trade,
            days_with_block_trade=report.days_with_block_trade,
            days_close_equals_listed_mean=report.days_close_equals_listed_mean,
            is_over_vintages=report.is_over_vintages,
            counts={kind.value: count for kind, count in report.counts},
            findings=[FindingOut.of(finding) for finding in report.findings],
        )


class PriceFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of market data (CSV or xlsx) and who published it; `preview` reads it and stores nothing."""

    file_name: NameText
    exchange: NameText
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=FILE_TEXT_MAX,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The file's bytes in base64.",
        ),
    ]
    document: Annotated[str, Meta(max_length=200, description="Bulletin the prices come from.")] = ""
    preview: bool = False


class ImportReportOut(Struct, frozen=True, kw_only=True):
    """What a price file said and what was stored."""

    file_name: str
    encoding: str
    row_count: int
    stored: bool
    added_count: int
    unchanged_count: int
    corrected: list[QuoteOut]
    failures: list[FailureOut]
    quality: list[QualityOut]

    @classmethod
    def of(cls, report: ImportReport) -> "ImportReportOut":
        """Write a report."""
        return cls(
            file_name=report.file.file_name,
            encoding=report.file.encoding,
            row_count=report.file.row_count,
            stored=report.stored,
            added_count=report.added_count,
            unchanged_count=report.unchanged_count,
            corrected=[QuoteOut.of(quote) for quote in report.corrected],
            failures=[FailureOut.of(failure) for failure in report.failures],
            quality=[QualityOut.of(quality) for quality in report.quality],
        )
