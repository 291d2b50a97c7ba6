"""Shapes of settlement curves, rates and exchange rates, and of the files that bring them."""

from msgspec import Struct

from pricing.calc.curve_quotes import CURVE_QUOTE_LABELS, CurveQuote
from pricing.schemas.figures import text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import CurveImport


class CurveQuoteOut(Struct, frozen=True, kw_only=True):
    """One instrument of a curve on one day: a price in the currency per tonne, a decimal rate, or an exchange rate."""

    kind: str
    label_zh: str
    label_en: str
    name: str
    point: str
    expiry_date: str | None
    quote_date: str
    value: str
    currency: str
    known_from: str
    source: str
    document: str
    grade: str
    is_sample: bool

    @classmethod
    def of(cls, quote: CurveQuote) -> "CurveQuoteOut":
        """Write a quote of a curve."""
        zh, en = CURVE_QUOTE_LABELS[quote.kind]
        return cls(
            kind=quote.kind,
            label_zh=zh,
            label_en=en,
            name=quote.name,
            point=quote.point,
            expiry_date=None if quote.expiry_date is None else quote.expiry_date.isoformat(),
            quote_date=quote.quote_date.isoformat(),
            value=text_of(quote.value),
            currency=quote.currency,
            known_from=quote.known_from.isoformat(),
            source=quote.source,
            document=quote.document,
            grade=quote.grade,
            is_sample=quote.is_sample,
        )


class CurveQuoteListOut(Struct, frozen=True, kw_only=True):
    """Quotes of curves by day; who published each stands with it."""

    known_at: str
    quotes: list[CurveQuoteOut]


class CurveImportOut(Struct, frozen=True, kw_only=True):
    """What a file of curve quotes said and what was stored."""

    file_name: str
    encoding: str
    row_count: int
    stored: bool
    added_count: int
    unchanged_count: int
    corrected: list[CurveQuoteOut]
    failures: list[FailureOut]

    @classmethod
    def of(cls, report: CurveImport) -> "CurveImportOut":
        """Write a report."""
        return cls(
            file_name=report.file.file_name,
            encoding=report.file.encoding,
            row_count=report.file.row_count,
            stored=report.stored,
            added_count=report.added_count,
            unchanged_count=report.unchanged_count,
            corrected=[CurveQuoteOut.of(quote) for quote in report.corrected],
            failures=[FailureOut.of(failure) for failure in report.failures],
        )
