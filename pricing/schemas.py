"""Shapes of the pricing API: strings for exact figures, one copy between struct and value."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.web.wire import DayText, IdText, NameText, PriceText, UnitText, day_of, decimal_of
from pricing.calc.market import Quote
from pricing.calc.positions import LineKind, LineValue, PortfolioLine
from pricing.calc.quality import FINDING_LABELS, Finding, QualityReport
from pricing.service import ForwardAnswer, ImportReport, Valuation

LINES_MAX = 10_000
FILE_TEXT_MAX = 7_000_000


class PortfolioLineIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One position of a book: a spot holding, an OTC forward or a futures-style contract."""

    line_id: IdText
    kind: Literal["spot", "forward", "futures"]
    unit: UnitText
    quantity_t: Annotated[
        int, Meta(ge=-1_000_000_000, le=1_000_000_000, description="Whole tonnes; negative for a sale of a contract.")
    ]
    label: Annotated[str, Meta(max_length=200)] = ""
    strike_cny_per_t: PriceText | None = None
    delivery_date: DayText | None = None
    contract_code: IdText | None = None
    trade_date: DayText | None = None

    def line(self, place: int) -> PortfolioLine:
        """Give the line as a value; what the market cannot bear is found when it is valued."""
        at = f"/lines/{place}"
        return PortfolioLine(
            line_id=self.line_id,
            kind=LineKind(self.kind),
            unit=Unit.parse(self.unit),
            quantity_t=self.quantity_t,
            label=self.label,
            strike_cny_per_t=None if self.strike_cny_per_t is None else decimal_of(self.strike_cny_per_t),
            delivery_date=None
            if self.delivery_date is None
            else day_of(self.delivery_date, field=f"{at}/delivery_date"),
            contract_code=self.contract_code,
            trade_date=None if self.trade_date is None else day_of(self.trade_date, field=f"{at}/trade_date"),
        )


class ValuationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to value: a stored portfolio, or a book given here."""

    valuation_date: DayText
    portfolio_id: IdText | None = None
    name: NameText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None


class LineValueOut(Struct, frozen=True, kw_only=True):
    """The value of a line with the price it rests on; `figure` names it in the decision's trace."""

    line_id: str
    label: str
    kind: str
    unit: str
    quantity_t: int
    price_cny_per_t: str
    price_date: str
    price_source: str
    staleness_days: int
    level: int
    is_sample: bool
    flags: list[str]
    present_value_cny: str
    variation_margin_cny: str | None
    notes_zh: list[str]
    notes_en: list[str]
    figure: str
    snapshot_digest: str

    @classmethod
    def of(cls, value: LineValue) -> "LineValueOut":
        """Write a line's value."""
        return cls(
            line_id=value.line_id,
            label=value.label,
            kind=value.kind,
            unit=str(value.unit),
            quantity_t=value.quantity_t,
            price_cny_per_t=_text(value.price_cny_per_t),
            price_date=value.price_date.isoformat(),
            price_source=value.price_source,
            staleness_days=value.staleness_days,
            level=value.level,
            is_sample=value.is_sample,
            flags=list(value.flags),
            present_value_cny=_text(value.present_value_cny),
            variation_margin_cny=None if value.variation_margin_cny is None else _text(value.variation_margin_cny),
            notes_zh=list(value.notes_zh),
            notes_en=list(value.notes_en),
            figure=value.figure,
            snapshot_digest=value.snapshot_digest,
        )


class FailureOut(Struct, frozen=True, kw_only=True):
    """An item that failed: which, where, why, and what to do."""

    item: str
    field: str | None
    detail: str
    detail_zh: str
    remedy: str
    remedy_zh: str

    @classmethod
    def of(cls, failure: Failure) -> "FailureOut":
        """Write a failure."""
        return cls(
            item=failure.item,
            field=failure.field,
            detail=failure.detail,
            detail_zh=failure.zh,
            remedy=failure.remedy,
            remedy_zh=failure.remedy_zh,
        )


class ValuationOut(Struct, frozen=True, kw_only=True):
    """A recorded valuation; its trace is the decision's."""

    valuation_id: str
    decision_id: str
    portfolio_id: str | None
    portfolio_name: str
    valuation_date: str
    known_at: str
    snapshot_digest: str
    present_value_cny: str
    variation_margin_cny: str
    level_max: int | None
    is_sample: bool
    lines: list[LineValueOut]
    failures: list[FailureOut]

    @classmethod
    def of(cls, valuation: Valuation) -> "ValuationOut":
        """Write a valuation."""
        record, value = valuation.record, valuation.value
        return cls(
            valuation_id=record.id,
            decision_id=record.decision_id,
            portfolio_id=record.portfolio_id,
            portfolio_name=record.portfolio_name,
            valuation_date=record.valuation_date.isoformat(),
            known_at=record.known_at.isoformat().replace("+00:00", "Z"),
            snapshot_digest=record.snapshot_digest,
            present_value_cny=_text(record.present_value_cny),
            variation_margin_cny=_text(record.variation_margin_cny),
            level_max=record.level_max,
            is_sample=record.is_sample,
            lines=[LineValueOut.of(line) for line in value.lines],
            failures=[FailureOut.of(failure) for failure in value.failures],
        )


class QuoteOut(Struct, frozen=True, kw_only=True):
    """A day of a unit; volumes are null where the venue does not publish them."""

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

    @classmethod
    def of(cls, quote: Quote) -> "QuoteOut":
        """Write a quote."""
        return cls(
            unit=str(quote.unit),
            quote_date=quote.quote_date.isoformat(),
            price_cny_per_t=_text(quote.price_cny_per_t),
            price_kind=quote.price_kind,
            listed_volume_t=quote.listed_volume_t,
            listed_amount_cny=None if quote.listed_amount_cny is None else _text(quote.listed_amount_cny),
            block_volume_t=quote.block_volume_t,
            block_amount_cny=None if quote.block_amount_cny is None else _text(quote.block_amount_cny),
            known_from=quote.known_from.isoformat(),
            exchange=quote.exchange,
            document=quote.document,
            grade=quote.grade,
            is_sample=quote.is_sample,
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
            counts={kind.value: count for kind, count in report.counts},
            findings=[FindingOut.of(finding) for finding in report.findings],
        )


class PriceFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price file (CSV, UTF-8 or GBK) and who published it; `preview` reads it and stores nothing."""

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


class ForwardQuoteOut(Struct, frozen=True, kw_only=True):
    """A forward price at the assumed flat rate: for valuation only, not an offer to trade."""

    unit: str
    valuation_date: str
    delivery_date: str
    days: int
    spot_cny_per_t: str
    spot_source: str
    spot_date: str
    rate: str
    rate_document: str
    rate_is_assumption: bool
    forward_cny_per_t: str
    discount_factor: str
    level: int
    note_zh: str
    note_en: str
    snapshot_digest: str

    @classmethod
    def of(cls, answer: ForwardAnswer) -> "ForwardQuoteOut":
        """Write a forward price."""
        return cls(
            unit=str(answer.unit),
            valuation_date=answer.valuation_date.isoformat(),
            delivery_date=answer.delivery_date.isoformat(),
            days=answer.quote.days,
            spot_cny_per_t=_text(answer.quote.spot_cny_per_t),
            spot_source=answer.spot.source,
            spot_date=answer.spot.price_date.isoformat(),
            rate=answer.rate.value,
            rate_document=answer.rate.document,
            rate_is_assumption=True,
            forward_cny_per_t=_text(answer.quote.forward_cny_per_t),
            discount_factor=_text(answer.quote.discount_factor),
            level=3,
            note_zh="；".join(part for part in (answer.tradable_note_zh, answer.spot.note_zh) if part),
            note_en="; ".join(part for part in (answer.tradable_note_en, answer.spot.note_en) if part),
            snapshot_digest=answer.spot.snapshot_digest,
        )


class PortfolioOut(Struct, frozen=True, kw_only=True):
    """A portfolio without its lines."""

    portfolio_id: str
    code: str
    name: str
    is_sample: bool


class PortfolioListOut(Struct, frozen=True, kw_only=True):
    """The organisation's portfolios."""

    portfolios: list[PortfolioOut]


def _text(value: Decimal) -> str:
    return format(value, "f")
