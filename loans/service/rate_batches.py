"""Rates of many borrowers decided at once; each kept by the row that answered and the rows that fitted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, NotFound
from carbonfin.rules.record import canonical_json
from carbonfin.rules.row_hits import RowHit
from carbonfin.rules.whole_trace import WholeTrace, whole_trace
from carbonfin.storage.decisions import (
    BatchItem,
    DecisionItem,
    LatestDecision,
    chained,
    every_item,
    items_genesis,
    items_page,
    keep_items,
    latest_decisions,
    latest_items,
    load_inputs,
    load_item,
    rebuilt,
    record_decision,
)
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import parties_of
from loans.calc.jiangtandai import (
    RATE_BATCH_KIND,
    RATE_KIND,
    AnsweredRow,
    DecidedRate,
    LeftOut,
    RateBatchInputs,
    RateDecision,
    RateFacts,
    RateInputs,
    RateItem,
    RateRequest,
    RateStatus,
    decide_item,
    is_the_same,
    rebuilt_rate,
    single_inputs,
    tables_asked,
)
from loans.service import facts
from loans.store.accounts import latest_reports

RATE_BATCH_SUBJECT = "rate-batch"
_DIFFERENCES_MAX = 100
_PLACE_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBatch:
    """A batch as it stands on record."""

    decision_id: str
    inputs: RateBatchInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRate:
    """One rate of a batch as it was kept: no trace, but the row that answered and the rows that fitted."""

    place: int
    item: RateItem
    decided: DecidedRate
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltRate:
    """One rate of a batch with its trace, made again from what was recorded.

    Attributes:
        decision: The single decision from the same inputs, with its whole trace.
        same: Whether outcome, row and rows that fitted are those that were kept.
        tables: The table that the rate rests on with every row and cell; none where it rests on none.
    """

    kept: BatchRate
    decision: RateDecision
    same: bool
    tables: tuple[WholeTrace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedBatch:
    """A batch just decided."""

    batch: RateBatch
    decided_count: int
    not_decided_count: int


def decide_rates(
    session: Session,
    actor: Actor,
    requests: Sequence[RateRequest],
    *,
    lpr_tenor: str,
    applies_from: date,
    decided_on: date,
    known_at: datetime,
) -> DecidedBatch:
    """Decide the rates of many borrowers from their latest reports, and keep them as one batch.

    Who is not known, or cannot be decided at all, is left out with the reason; the others are decided all the same.

    Raises:
        MissingData: The LPR or one of the bank's parameters was not known.
        InvalidInput: The bank's concession table breaks its contract.
    """
    shared = facts.rate_facts(
        session, actor, lpr_tenor=lpr_tenor, applies_from=applies_from, decided_on=decided_on, known_at=known_at
    )
    parties = {party.code: party for party in parties_of(session, actor)}
    reports = latest_reports(session, actor, {one.id: code for code, one in parties.items()}, known_at=known_at)
    items: list[BatchItem] = []
    left_out: list[LeftOut] = []
    decided_count = unconfirmed_count = 0
    for request in requests:
        party = parties.get(request.usci)
        if party is None:
            left_out.append(_unknown(request.usci))
            continue
        item = RateItem(usci=party.code, margin_bp=request.margin_bp, report=reports.get(party.id))
        try:
            decided = decide_item(shared, item)
        except CarbonFinError as error:
            left_out.append(LeftOut(usci=party.code, field=error.field or "", detail=error.detail, zh=error.zh))
            continue
        decided_count += decided.outcome.status is RateStatus.DECIDED
        unconfirmed_count += item.report is not None and not item.report.confirmed
        items.append(_batch_item(item, decided))
    digests = chained(actor.organization_id, items)
    answered = Counter(item.row_place for item in items if item.row_place is not None)
    inputs = RateBatchInputs(
        facts=shared,
        items_count=len(items),
        items_digest=digests[-1] if digests else items_genesis(actor.organization_id),
        answered=tuple(AnsweredRow(place=place, rates_count=count) for place, count in sorted(answered.items())),
        unconfirmed_reports_count=unconfirmed_count,
        left_out=tuple(left_out),
    )
    recorded = record_decision(
        session, actor, RATE_BATCH_KIND, inputs, subject=RATE_BATCH_SUBJECT, valid_on=decided_on, known_at=known_at
    )
    keep_items(session, actor, recorded.decision_id, items, digests)
    batch = RateBatch(decision_id=recorded.decision_id, inputs=inputs)
    return DecidedBatch(batch=batch, decided_count=decided_count, not_decided_count=len(items) - decided_count)


def load_rate_batch(session: Session, actor: Actor, batch_id: str) -> RateBatch:
    """Give a batch of rates of the actor's bank.

    Raises:
        NotFound: There is none.
    """
    return RateBatch(decision_id=batch_id, inputs=load_inputs(session, actor, RATE_BATCH_KIND, batch_id))


def rates_of_batch(session: Session, actor: Actor, batch_id: str, place: Place) -> Slice[BatchRate]:
    """Give a page of the rates of a batch, in their order.

    Raises:
        NotFound: There is no such batch.
    """
    load_rate_batch(session, actor, batch_id)
    found = items_page(session, actor, batch_id, place)
    return Slice(items=tuple(_batch_rate(one) for one in found.items), last=found.last)


def rebuilt_rate_of(session: Session, actor: Actor, batch_id: str, place: int) -> RebuiltRate:
    """Give one rate of a batch with its trace, which is made again from what was recorded; nothing is written.

    Raises:
        NotFound: There is no such batch, or no such place in it.
    """
    shared = load_rate_batch(session, actor, batch_id).inputs.facts
    kept = _batch_rate(load_item(session, actor, batch_id, place))
    decision = rebuilt_rate(shared, kept.item)
    same = is_the_same(decision, kept.decided, decide_item(shared, kept.item))
    asked = tables_asked(single_inputs(shared, kept.item))
    return RebuiltRate(kept=kept, decision=decision, same=same, tables=tuple(whole_trace(one) for one in asked))


def latest_rates(session: Session, actor: Actor) -> dict[str, LatestDecision[RateInputs, RateDecision]]:
    """Give the rate decided last for each borrower of the actor's bank, by code: alone or in a batch.

    A rate of a batch is named by its batch and has no trace.
    """
    found = {one.subject: one for one in latest_decisions(session, actor, RATE_KIND)}
    shared: dict[str, RateFacts] = {}
    for item, sequence in latest_items(session, actor, RATE_BATCH_KIND.name):
        batch_id, subject = item.decision_id, item.said.subject
        standing = found.get(subject)
        if standing is not None and _chain_order(sequence) < _chain_order(standing.sequence):
            continue
        if batch_id not in shared:
            shared[batch_id] = load_rate_batch(session, actor, batch_id).inputs.facts
        found[subject] = LatestDecision(
            id=batch_id, sequence=sequence, subject=subject,
            inputs=single_inputs(shared[batch_id], rebuilt(item.said.inputs, RateItem)),
            outcome=rebuilt(item.said.outputs, RateDecision),
        )  # fmt: skip
    return dict(sorted(found.items()))


def _chain_order(sequence: int | None) -> tuple[bool, int]:
    """Order places in a chain; what is not sealed yet comes last."""
    return sequence is None, sequence or 0


def place_in_batch(text: str) -> int:
    """Read a place in a batch from an address.

    Raises:
        NotFound: It is no place.
    """
    if text.isascii() and text.isdigit() and len(text) <= _PLACE_DIGITS_MAX:
        return int(text)
    raise NotFound(f"there is no item {text}", zh=f"没有第“{text}”项", field="place")


def rate_batch_differences(session: Session, actor: Actor, batch_id: str) -> tuple[str, ...]:
    """Decide every rate of a batch again and say where one comes out otherwise, the first hundred; nothing is written.

    Raises:
        NotFound: There is no such batch.
    """
    shared = load_rate_batch(session, actor, batch_id).inputs.facts
    differing = (
        f"/items/{one.place}: recorded {one.said.outputs}, row {one.said.row_place}, mask {one.said.match_mask};"
        f" replayed {again.outputs}, row {again.row_place}, mask {again.match_mask}"
        for one in every_item(session, actor.organization_id, batch_id)
        if (again := _again(shared, one)) != one.said
    )
    return tuple(islice(differing, _DIFFERENCES_MAX))


def _again(shared: RateFacts, one: DecisionItem) -> BatchItem:
    item = rebuilt(one.said.inputs, RateItem)
    return _batch_item(item, decide_item(shared, item))


def _batch_item(item: RateItem, decided: DecidedRate) -> BatchItem:
    hit = decided.hit
    return BatchItem(
        subject=item.usci,
        inputs=canonical_json(item),
        row_place=None if hit is None else hit.place,
        match_mask=None if hit is None else f"{hit.mask:x}",
        outputs=canonical_json(decided.outcome),
    )


def _batch_rate(one: DecisionItem) -> BatchRate:
    said = one.said
    hit = None if said.match_mask is None else RowHit(place=said.row_place, mask=int(said.match_mask, 16))
    decided = DecidedRate(outcome=rebuilt(said.outputs, RateDecision), hit=hit)
    return BatchRate(place=one.place, item=rebuilt(said.inputs, RateItem), decided=decided, digest=one.digest)


def _unknown(usci: str) -> LeftOut:
    return LeftOut(usci=usci, field="usci", detail=f"there is no party {usci}", zh=f"没有主体 {usci}")
