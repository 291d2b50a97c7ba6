"""Shapes of large books in pieces: columns in, columns out, one JSON document a line."""

from msgspec import Struct

from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.figures import text_of, yuan_text_of
from pricing.schemas.valuations import FailureOut, PreviewPriceOut
from pricing.service import PieceValue, StreamTotal


class StreamHeadOut(Struct, frozen=True, kw_only=True, tag_field="record", tag="head"):
    """What the book is valued on, and the label of lines marked `is_valuation_only`; comes first."""

    valuation_date: str
    known_at: str
    snapshot_digest: str
    valuation_only_zh: str = VALUATION_ONLY_ZH
    valuation_only_en: str = VALUATION_ONLY_EN


class StreamLinesOut(Struct, frozen=True, kw_only=True, tag_field="record", tag="lines"):
    """Lines that were valued, as columns of one length; `line` counts in the file or from 1 in the columns sent."""

    line: list[int]
    line_id: list[str]
    kind_zh: list[str]
    price_cny_per_t: list[str]
    level: list[int]
    is_sample: list[bool]
    present_value_cny: list[str]
    variation_margin_cny: list[str | None]
    is_valuation_only: list[bool]
    is_provisional: list[bool]

    @classmethod
    def of(cls, value: PieceValue) -> "StreamLinesOut":
        """Write the values of a piece."""
        lines = value.lines
        return cls(
            line=lines.line_number,
            line_id=lines.line_id,
            kind_zh=[zh for zh, _ in lines.kind_labels],
            price_cny_per_t=[text_of(price) for price in lines.price_cny_per_t],
            level=lines.level,
            is_sample=lines.is_sample,
            present_value_cny=[yuan_text_of(fen) for fen in lines.present_value_fen],
            variation_margin_cny=[None if fen is None else yuan_text_of(fen) for fen in lines.variation_margin_fen],
            is_valuation_only=lines.is_valuation_only,
            is_provisional=lines.is_provisional,
        )


class StreamFailuresOut(Struct, frozen=True, kw_only=True, tag_field="record", tag="failures"):
    """Lines that were not valued, each with field and remedy; `item` is `line 17`."""

    failures: list[FailureOut]

    @classmethod
    def of(cls, value: PieceValue) -> "StreamFailuresOut":
        """Write the failures of a piece."""
        return cls(failures=[FailureOut.of(failure) for failure in value.failures])


class StreamTotalOut(Struct, frozen=True, kw_only=True, tag_field="record", tag="total"):
    """What the book came to; comes last, and an answer without it was cut off."""

    book_digest: str
    row_count: int
    valued_count: int
    failure_count: int
    present_value_cny: str
    variation_margin_cny: str
    level_max: int | None
    is_sample: bool
    prices: list[PreviewPriceOut]

    @classmethod
    def of(cls, total: StreamTotal, *, book_digest: str) -> "StreamTotalOut":
        """Write the total of a book, with the SHA-256 of the bytes sent."""
        return cls(
            book_digest=book_digest,
            row_count=total.row_count,
            valued_count=total.valued_count,
            failure_count=total.failure_count,
            present_value_cny=text_of(total.present_value_cny),
            variation_margin_cny=text_of(total.variation_margin_cny),
            level_max=total.level_max,
            is_sample=total.is_sample,
            prices=[PreviewPriceOut.of(price) for price in total.prices],
        )


class StreamProblemOut(Struct, frozen=True, kw_only=True, tag_field="record", tag="problem"):
    """Why the rest of the book could not be read; comes last, in place of the total."""

    code: str
    detail: str
    detail_zh: str
    field: str | None
    remedy: str
    remedy_zh: str


def records_of(value: PieceValue | StreamTotal, *, book_digest: str) -> list[Struct]:
    """Write what a book's piece, or the whole, came to as records: lines, then failures, or the total."""
    if isinstance(value, StreamTotal):
        return [StreamTotalOut.of(value, book_digest=book_digest)]
    lines: list[Struct] = [StreamLinesOut.of(value)] if value.lines.line_number else []
    return [*lines, StreamFailuresOut.of(value)] if value.failures else lines
