"""Rates of many borrowers as JSON: what is asked, what was kept of each, and one with its trace made again."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.tables_tried import TableTriedOut
from carbonfin.web.wire import DayText, FigureOut, UsciText
from loans.calc.jiangtandai import LeftOut
from loans.schemas.lending import LprTenor, MarginBp, MissingOut
from loans.service import RATES_MAX, BatchRate, DecidedBatch, RateRequest, RebuiltRate


class BatchedRateIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One borrower of a batch."""

    usci: UsciText
    margin_bp: MarginBp

    def request(self) -> RateRequest:
        """Copy it into what the service takes."""
        return RateRequest(usci=self.usci, margin_bp=self.margin_bp)


class RateBatchIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide the rates of many borrowers from their latest reports, each as a single decision would."""

    lpr_tenor: LprTenor
    applies_from: DayText
    rates: Annotated[list[BatchedRateIn], Meta(min_length=1, max_length=RATES_MAX)]


class LeftOutOut(Struct, frozen=True, kw_only=True):
    """A borrower of whom no rate was decided at all, and why."""

    usci: str
    field: str
    detail: str
    detail_zh: str

    @classmethod
    def of(cls, left_out: LeftOut) -> "LeftOutOut":
        """Copy it."""
        return cls(usci=left_out.usci, field=left_out.field, detail=left_out.detail, detail_zh=left_out.zh)


class RateBatchOut(Struct, frozen=True, kw_only=True):
    """A batch that was decided; its rates are read in pages, and `batch_id` is its decision."""

    batch_id: str
    rates_count: int
    decided_count: int
    not_decided_count: int
    items_digest: str
    left_out: list[LeftOutOut]
    rates_address: str

    @classmethod
    def of(cls, made: DecidedBatch) -> "RateBatchOut":
        """Copy a batch."""
        batch = made.batch
        return cls(
            batch_id=batch.decision_id,
            rates_count=batch.inputs.items_count,
            decided_count=made.decided_count,
            not_decided_count=made.not_decided_count,
            items_digest=batch.inputs.items_digest,
            left_out=[LeftOutOut.of(one) for one in batch.inputs.left_out],
            rates_address=f"/v1/rate-batches/{batch.decision_id}/rates",
        )


class BatchRateOut(Struct, frozen=True, kw_only=True):
    """A rate of a batch as it was kept: the row of the table that answered and the rows that fitted, no trace.

    `row_place` counts from 0; `match_mask` is in hexadecimal, the first row the lowest bit. Both are null where no
    table was asked. `digest` covers this rate and all before it.
    """

    place: int
    usci: str
    margin_bp: int
    status: str
    missing: list[MissingOut]
    rate_before_concession: str
    concession_bp: str | None
    reason: str | None
    floor_applied: bool
    executed_rate: str | None
    row_place: int | None
    match_mask: str | None
    digest: str

    @classmethod
    def of(cls, rate: BatchRate) -> "BatchRateOut":
        """Copy a rate."""
        outcome, hit = rate.decided.outcome, rate.decided.hit
        return cls(
            place=rate.place,
            usci=rate.item.usci,
            margin_bp=rate.item.margin_bp,
            status=outcome.status.value,
            missing=[MissingOut.of(one) for one in outcome.missing],
            rate_before_concession=str(outcome.rate_before_concession),
            concession_bp=None if outcome.concession_bp is None else str(outcome.concession_bp),
            reason=None if outcome.reason is None else outcome.reason.value,
            floor_applied=outcome.floor_applied,
            executed_rate=None if outcome.executed_rate is None else str(outcome.executed_rate),
            row_place=None if hit is None else hit.place,
            match_mask=None if hit is None else f"{hit.mask:x}",
            digest=rate.digest,
        )


class BatchRateListOut(Struct, frozen=True, kw_only=True):
    """Rates of a batch, in their order."""

    rates: list[BatchRateOut]


class RebuiltRateOut(Struct, frozen=True, kw_only=True):
    """A rate of a batch with its trace, which is not stored but made again from what was.

    `same` says whether outcome, row and rows that fitted come out as they were kept. `tables` has the table that the
    rate rests on with every row and cell.
    """

    batch_id: str
    rate: BatchRateOut
    trace_is_rebuilt: bool
    same: bool
    trace: list[FigureOut]
    tables: list[TableTriedOut]

    @classmethod
    def of(cls, batch_id: str, rebuilt: RebuiltRate) -> "RebuiltRateOut":
        """Copy a rate made again."""
        return cls(
            batch_id=batch_id,
            rate=BatchRateOut.of(rebuilt.kept),
            trace_is_rebuilt=True,
            same=rebuilt.same,
            trace=[FigureOut.of(figure) for figure in rebuilt.decision.trace],
            tables=[TableTriedOut.of(one) for one in rebuilt.tables],
        )
