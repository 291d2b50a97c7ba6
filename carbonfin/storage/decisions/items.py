"""Items of a batch: what each was decided from, which row of the table answered and which fitted, and the outcome.

A batch is one decision with the facts that all its items share; its kind's name ends with `_batch`. No item keeps a
trace: it is made again from the batch's facts and the item's own. Items are chained by digests in their order, and the
batch's record, which the organisation's chain seals, names their count and the last digest.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.storage.decisions.rows import DecisionItemRow, DecisionRow, DecisionSealRow
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.rows import insert_many

BATCH_ENDING = "_batch"
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One item as it was decided.

    Attributes:
        subject: What it is about.
        inputs: What is its own among the inputs, as canonical JSON.
        row_place: Place of the row that answered, from 0; None where none did.
        match_mask: Rows that failed on nothing, row 0 the lowest bit, in hexadecimal; None where no table was asked.
        outputs: The outcome without its trace, as canonical JSON.
    """

    subject: str
    inputs: str
    row_place: int | None
    match_mask: str | None
    outputs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionItem:
    """An item at rest: its place in the batch, from 1, and the digest over it and all before it."""

    decision_id: str
    place: int
    said: BatchItem
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFault:
    """What is wrong with the items of a batch."""

    decision_id: str
    detail: str
    zh: str


def chained(organization_id: str, items: Iterable[BatchItem]) -> tuple[str, ...]:
    """Give the digest of each item over itself and all before it."""
    digests, previous = [], items_genesis(organization_id)
    for place, item in enumerate(items, 1):
        previous = _digest(previous, place, item)
        digests.append(previous)
    return tuple(digests)


def items_genesis(organization_id: str) -> str:
    """Give what the first item of a batch stands on; the last digest of a batch without items."""
    return digest_of({"items": organization_id})


def keep_items(
    session: Session, actor: Actor, decision_id: str, items: Sequence[BatchItem], digests: Sequence[str]
) -> None:
    """Keep the items of a batch for good, in their order, with their digests."""
    rows = [
        {
            "place": place, "subject": item.subject, "inputs": item.inputs, "row_place": item.row_place,
            "match_mask": item.match_mask, "outputs": item.outputs, "digest": digest,
        }
        for place, (item, digest) in enumerate(zip(items, digests, strict=True), 1)
    ]  # fmt: skip
    same = {"decision_id": decision_id, "organization_id": actor.organization_id}
    insert_many(session, DecisionItemRow, rows, same=same)


def load_item(session: Session, actor: Actor, decision_id: str, place: int) -> DecisionItem:
    """Give one item of a batch of the actor's organisation.

    Raises:
        NotFound: There is none.
    """
    row = session.get(DecisionItemRow, (decision_id, place))
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(
            f"batch {decision_id} has no item {place}", zh=f"该批次没有第 {place} 项", field="place"
        )  # fmt: skip
    return _item(row)


def items_page(session: Session, actor: Actor, decision_id: str, place: Place) -> Slice[DecisionItem]:
    """Give a page of the items of a batch of the actor's organisation, in their order."""
    query = select(DecisionItemRow).where(
        DecisionItemRow.organization_id == actor.organization_id, DecisionItemRow.decision_id == decision_id
    )
    rows = session.exec(beginning_after(query, (col(DecisionItemRow.place),), place)).all()
    return slice_of(rows, place, keys=lambda row: (row.place,), value=_item)


def every_item(session: Session, organization_id: str, decision_id: str) -> Iterator[DecisionItem]:
    """Give the items of a batch one by one, in their order."""
    query = (
        select(DecisionItemRow)
        .where(DecisionItemRow.organization_id == organization_id, DecisionItemRow.decision_id == decision_id)
        .order_by(col(DecisionItemRow.place))
        .execution_options(yield_per=_ROWS_AT_ONCE, populate_existing=True)
    )
    with session.exec(query) as rows:
        yield from map(_item, rows)


def latest_items(session: Session, actor: Actor, kind: str) -> tuple[tuple[DecisionItem, int | None], ...]:
    """Give the item decided last for each subject among the batches of a kind of the actor's organisation.

    Beside each stands its batch's place in the organisation's chain; None until that is sealed.
    """
    newest = sa.func.row_number().over(
        partition_by=col(DecisionItemRow.subject),
        order_by=(
            col(DecisionSealRow.sequence).desc().nulls_first(), col(DecisionRow.known_at).desc(),
            col(DecisionItemRow.place).desc(),
        ),
    )  # fmt: skip
    ranked = (
        sa.select(
            col(DecisionItemRow.decision_id).label("decision_id"), col(DecisionItemRow.place).label("place"),
            col(DecisionSealRow.sequence).label("sequence"), newest.label("rank"),
        )
        .join(DecisionRow, col(DecisionRow.id) == DecisionItemRow.decision_id)
        .join(DecisionSealRow, col(DecisionSealRow.decision_id) == DecisionItemRow.decision_id, isouter=True)
        .where(col(DecisionItemRow.organization_id) == actor.organization_id, col(DecisionRow.kind) == kind)
        .subquery()
    )  # fmt: skip
    rows = session.exec(
        select(DecisionItemRow, ranked.c.sequence)
        .join(
            ranked,
            sa.and_(
                ranked.c.decision_id == DecisionItemRow.decision_id, ranked.c.place == DecisionItemRow.place
            ),
        )
        .where(ranked.c.rank == 1)
        .order_by(DecisionItemRow.subject)
    ).all()  # fmt: skip
    return tuple((_item(row), sequence) for row, sequence in rows)


def item_faults(session: Session, organization_id: str) -> tuple[ItemFault, ...]:
    """Recompute the digests of the items of all batches of an organisation; name the first fault of each batch."""
    batches = session.exec(
        select(DecisionRow.id, DecisionRow.inputs)
        .where(
            DecisionRow.organization_id == organization_id,
            col(DecisionRow.kind).endswith(BATCH_ENDING, autoescape=True),
        )
        .order_by(DecisionRow.id)
    ).all()
    found = (_fault(session, organization_id, decision_id, json.loads(inputs)) for decision_id, inputs in batches)
    return tuple(one for one in found if one is not None)


def _fault(session: Session, organization_id: str, decision_id: str, inputs: dict[str, object]) -> ItemFault | None:
    previous, count = items_genesis(organization_id), 0
    for item in every_item(session, organization_id, decision_id):
        count += 1
        if item.place != count:
            return _missing(decision_id, count)
        previous = _digest(previous, count, item.said)
        if previous != item.digest:
            return ItemFault(
                decision_id=decision_id, detail=f"item {count} of the batch was changed",
                zh=f"批次第 {count} 项已被改动",
            )  # fmt: skip
    if count != inputs["items_count"]:
        return _missing(decision_id, count + 1)
    if previous != inputs["items_digest"]:
        return ItemFault(
            decision_id=decision_id, detail="the items of the batch are not those its record names",
            zh="批次各项与其记录不符",
        )  # fmt: skip
    return None


def _missing(decision_id: str, place: int) -> ItemFault:
    return ItemFault(
        decision_id=decision_id, detail=f"item {place} of the batch is not where it was",
        zh=f"批次第 {place} 项缺失或被移动",
    )  # fmt: skip


def _digest(previous: str, place: int, item: BatchItem) -> str:
    text = canonical_json(
        {
            "inputs": item.inputs, "mask": item.match_mask, "outputs": item.outputs, "place": place,
            "previous": previous, "row": item.row_place, "subject": item.subject,
        }
    )  # fmt: skip
    return sha256_hex(text.encode())


def _item(row: DecisionItemRow) -> DecisionItem:
    return DecisionItem(
        decision_id=row.decision_id, place=row.place, digest=row.digest,
        said=BatchItem(
            subject=row.subject, inputs=row.inputs, row_place=row.row_place, match_mask=row.match_mask,
            outputs=row.outputs,
        ),
    )  # fmt: skip
