"""Shapes of books and their values: strings for exact figures, one copy between struct and value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.web.wire import DayText, IdText, NameText
from pricing.calc.contract_lines import ValueColumns
from pricing.calc.option_traces import option_buckets
from pricing.calc.positions import LineValue
from pricing.calc.settled_limits import limit_breaches
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH, is_labelled
from pricing.schemas.columns import BookColumnsIn, PreviewColumnsOut, ValueColumnsOut
from pricing.schemas.figures import text_of, yuan_text_of
from pricing.schemas.forwards import ForwardFiguresOut
from pricing.schemas.line_figures import FuturesFiguresOut, LimitBreachOut, OptionBucketOut, OptionFiguresOut
from pricing.schemas.positions import PortfolioLineIn
from pricing.service import AppraisalPrice, Preview, Valuation

LINES_MAX = 10_000


class ValuationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to value: a stored portfolio, or a book given here by lines or as columns; one of the three."""

    valuation_date: DayText
    portfolio_id: IdText | None = None
    name: NameText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    columns: BookColumnsIn | None = None


class LineValueOut(Struct, frozen=True, kw_only=True):
    """The value of a line with the price it rests on; `figure` names it in the decision's trace.

    `kind_zh` and `kind_en` say that a futures-style contract in 元 is synthetic.
    A line that is marked `is_valuation_only` cannot be traded; the first of its notes say why. One that is marked
    `is_provisional` is delivered past the known calendar, and its day may move with the next notice.
    """

    line_id: str
    label: str
    kind: str
    kind_zh: str
    kind_en: str
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
    option: OptionFiguresOut | None = None
    forward: ForwardFiguresOut | None = None
    futures: FuturesFiguresOut | None = None
    is_valuation_only: bool = False
    is_provisional: bool = False

    @classmethod
    def of(cls, value: LineValue) -> "LineValueOut":
        """Write a line's value."""
        kind_zh, kind_en = value.kind_labels
        return cls(
            line_id=value.line_id,
            label=value.label,
            kind=value.kind,
            kind_zh=kind_zh,
            kind_en=kind_en,
            unit=str(value.unit),
            quantity_t=value.quantity_t,
            price_cny_per_t=text_of(value.price_cny_per_t),
            price_date=value.price_date.isoformat(),
            price_source=value.price_source,
            staleness_days=value.staleness_days,
            level=value.level,
            is_sample=value.is_sample,
            flags=list(value.flags),
            present_value_cny=text_of(value.present_value_cny),
            variation_margin_cny=None if value.variation_margin_cny is None else text_of(value.variation_margin_cny),
            notes_zh=list(value.notes_zh),
            notes_en=list(value.notes_en),
            figure=value.figure,
            snapshot_digest=value.snapshot_digest,
            option=None if value.option is None else OptionFiguresOut.of(value.option),
            forward=None if value.forward is None else ForwardFiguresOut.of(value.forward),
            futures=None if value.futures is None else FuturesFiguresOut.of(value.futures),
            is_valuation_only=is_labelled(value.notes_zh),
            is_provisional=bool(value.is_provisional),
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
    """A recorded valuation; its trace is the decision's.

    A book that came as columns is answered in `columns`, and `lines` is empty; of its rows that could not be read
    `item` is the row, `line 17`.
    """

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
    columns: ValueColumnsOut | None = None
    option_sensitivities: list[OptionBucketOut] = []
    limit_breaches: list[LimitBreachOut] = []

    @classmethod
    def of(cls, valuation: Valuation, *, unread: Sequence[Failure] = (), is_in_columns: bool = False) -> "ValuationOut":
        """Write a valuation, with the rows that were not read, by lines or as columns."""
        record, value = valuation.record, valuation.value
        return cls(
            valuation_id=record.id,
            decision_id=record.decision_id,
            portfolio_id=record.portfolio_id,
            portfolio_name=record.portfolio_name,
            valuation_date=record.valuation_date.isoformat(),
            known_at=record.known_at.isoformat().replace("+00:00", "Z"),
            snapshot_digest=record.snapshot_digest,
            present_value_cny=text_of(record.present_value_cny),
            variation_margin_cny=text_of(record.variation_margin_cny),
            level_max=record.level_max,
            is_sample=record.is_sample,
            lines=[] if is_in_columns else [LineValueOut.of(line) for line in value.lines],
            failures=[FailureOut.of(failure) for failure in (*unread, *value.failures)],
            columns=ValueColumnsOut.of(value.lines) if is_in_columns else None,
            option_sensitivities=[OptionBucketOut.of(bucket) for bucket in option_buckets(value.lines)],
            limit_breaches=[
                LimitBreachOut.of(one) for one in limit_breaches((line.line_id for line in value.lines), value.trace)
            ],
        )


class PreviewIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to value without keeping it: a stored portfolio, or a book given here.

    With `as_columns` the values come back in `columns`, one array a field, and `lines` is empty.
    """

    valuation_date: DayText
    portfolio_id: IdText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    as_columns: bool = False


class PreviewPriceOut(Struct, frozen=True, kw_only=True):
    """The price of a unit that spot and forward lines rest on."""

    unit: str
    price_cny_per_t: str
    price_date: str
    price_source: str
    staleness_days: int
    level: int
    is_sample: bool
    flags: list[str]
    note_zh: str
    note_en: str

    @classmethod
    def of(cls, price: AppraisalPrice) -> "PreviewPriceOut":
        """Write a price."""
        return cls(
            unit=str(price.unit),
            price_cny_per_t=text_of(price.price_cny_per_t),
            price_date=price.price_date.isoformat(),
            price_source=price.source,
            staleness_days=price.staleness_days,
            level=price.level,
            is_sample=price.is_sample,
            flags=list(price.flags),
            note_zh=price.note_zh,
            note_en=price.note_en,
        )


class PreviewLineOut(Struct, frozen=True, kw_only=True):
    """The value of a line: as a recorded valuation has it, without the trace."""

    line_id: str
    kind_zh: str
    kind_en: str
    price_cny_per_t: str
    level: int
    is_sample: bool
    present_value_cny: str
    variation_margin_cny: str | None
    is_valuation_only: bool
    is_provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewTotals:
    """What the head of a preview says of its lines together.

    Attributes:
        level_max: None where no line has a value.
        units: Those that spot and forward lines rest on.
    """

    present_value_fen: int
    variation_margin_fen: int
    level_max: int | None
    is_sample: bool
    units: frozenset[Unit]

    @classmethod
    def of(cls, lines: ValueColumns) -> "PreviewTotals":
        """Give what values told one by one come to."""
        return cls(
            present_value_fen=sum(lines.present_value_fen),
            variation_margin_fen=sum(fen for fen in lines.variation_margin_fen if fen is not None),
            level_max=max(lines.level, default=None),
            is_sample=any(lines.is_sample),
            units=lines.priced_units,
        )


class PreviewOut(Struct, frozen=True, kw_only=True):
    """A book's value on the market as known at `known_at`; nothing is on record.

    A book asked for `as_columns` is answered in `columns`, and `lines` is empty. A line that is marked
    `is_valuation_only` cannot be traded: `valuation_only_zh` is its label.
    """

    valuation_date: str
    known_at: str
    snapshot_digest: str
    present_value_cny: str
    variation_margin_cny: str
    level_max: int | None
    is_sample: bool
    prices: list[PreviewPriceOut]
    lines: list[PreviewLineOut]
    failures: list[FailureOut]
    columns: PreviewColumnsOut | None = None
    valuation_only_zh: str = VALUATION_ONLY_ZH
    valuation_only_en: str = VALUATION_ONLY_EN

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        """Write a preview line by line."""
        lines = preview.lines
        return cls.under(
            preview,
            PreviewTotals.of(lines),
            lines=[
                PreviewLineOut(
                    line_id=line_id,
                    kind_zh=kind_zh,
                    kind_en=kind_en,
                    price_cny_per_t=text_of(price),
                    level=level,
                    is_sample=is_sample,
                    present_value_cny=yuan_text_of(value_fen),
                    variation_margin_cny=None if margin_fen is None else yuan_text_of(margin_fen),
                    is_valuation_only=is_valuation_only,
                    is_provisional=is_provisional,
                )
                for (
                    line_id,
                    (kind_zh, kind_en),
                    price,
                    level,
                    is_sample,
                    value_fen,
                    margin_fen,
                    is_valuation_only,
                    is_provisional,
                ) in zip(
                    lines.line_id,
                    lines.kind_labels,
                    lines.price_cny_per_t,
                    lines.level,
                    lines.is_sample,
                    lines.present_value_fen,
                    lines.variation_margin_fen,
                    lines.is_valuation_only,
                    lines.is_provisional,
                    strict=True,
                )
            ],
        )

    @classmethod
    def under(cls, preview: Preview, totals: PreviewTotals, *, lines: list[PreviewLineOut]) -> "PreviewOut":
        """Write a preview's head over its lines."""
        market = preview.market.lines
        return cls(
            valuation_date=preview.valuation_date.isoformat(),
            known_at=preview.known_at.isoformat().replace("+00:00", "Z"),
            snapshot_digest=market.digest,
            present_value_cny=yuan_text_of(totals.present_value_fen),
            variation_margin_cny=yuan_text_of(totals.variation_margin_fen),
            level_max=totals.level_max,
            is_sample=totals.is_sample,
            prices=[PreviewPriceOut.of(market.prices[unit]) for unit in sorted(totals.units, key=str)],
            lines=lines,
            failures=[FailureOut.of(failure) for failure in preview.failures],
        )
