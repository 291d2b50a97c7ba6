"""How the holds of a pledge are resolved: confirmed, voided or released, each once, with its journal entry."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Encumbrance
from collateral.calc.ledger import Bucket, Entry, moved
from collateral.calc.lifecycles import ENCUMBRANCE
from collateral.store import holds
from collateral.store import ledger as store


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a hold is resolved: its entry's kind, the event and the state it is taken in, and where the units go.

    `is_any_change` tells that without a change named it takes what any change let go, not the first hold alone.
    """

    kind: str
    event: str
    before: str
    start: Bucket
    end: Bucket
    is_any_change: bool = False


CONFIRM = Step(kind="confirm", event="confirm", before="PENDING", start=Bucket.PENDING, end=Bucket.LOCKED)
VOID = Step(kind="void", event="void", before="PENDING", start=Bucket.PENDING, end=Bucket.FREE)
RELEASE = Step(
    kind="release", event="registry confirms", before="RELEASE_PENDING", start=Bucket.LOCKED, end=Bucket.FREE,
    is_any_change=True,
)  # fmt: skip


def resolve(
    session: Session,
    actor: Actor,
    step: Step,
    *,
    pledge_id: str,
    change_id: str | None,
    standing: Standing,
    cause: str,
) -> None:
    """Resolve a pledge's holds, or those of a change; a change never moves another's. One by one where they are many.

    Raises:
        Conflict: The pledge has nothing in that state, or another transaction moved it first.
    """
    to = ENCUMBRANCE.after(step.before, step.event)
    takes_any = step.is_any_change and change_id is None
    if holds.has_one_statement(session) and holds.resolve(
        session, actor, noted(step.kind, step.start, step.end, standing, cause), pledge_id=pledge_id,
        before=step.before, after=to, change_id=change_id, is_any_change=takes_any,
    ):  # fmt: skip
        return
    for held in held_in(session, actor, pledge_id, step.before):
        if not takes_any and held.change_id != change_id:
            continue
        entry = moved(held.account_id, held.unit, held.quantity_t, start=step.start, end=step.end)
        store.move_encumbrance(session, actor, held, to=to)
        store.move_position(
            session, actor, account_id=held.account_id, unit=held.unit,
            pending_t=_change_t(entry, Bucket.PENDING), locked_t=_change_t(entry, Bucket.LOCKED),
        )  # fmt: skip
        journal(
            session, actor, entry, kind=step.kind, agreement_code=held.agreement_code, standing=standing, cause=cause
        )


def _change_t(entry: Entry, bucket: Bucket) -> int:
    return sum(posting.quantity_t for posting in entry.postings if posting.bucket is bucket)


def noted(kind: str, start: Bucket, end: Bucket, standing: Standing, cause: str) -> holds.Noted:
    """Say how a movement between two buckets is written into the journal."""
    return holds.Noted(
        start=start, end=end, kind=kind, business_date=standing.business_date, entered_at=standing.known_at,
        cause=cause,
    )  # fmt: skip


def held_in(session: Session, actor: Actor, pledge_id: str, state: str) -> tuple[Encumbrance, ...]:
    """Give a pledge's holds in a state.

    Raises:
        Conflict: There is none.
    """
    held = tuple(
        one for one in store.encumbrances_of(session, actor, pledge_id=pledge_id, live_only=True) if one.state == state
    )
    if not held:
        raise Conflict(
            f"pledge {pledge_id} has nothing {state.lower()} in the ledger",
            zh="台账中没有相应的占用",
            remedy="Read the pledge again.",
            remedy_zh="请刷新后重试。",
        )
    return held


def journal(
    session: Session,
    actor: Actor,
    entry: Entry,
    *,
    kind: str,
    agreement_code: str | None,
    standing: Standing,
    cause: str,
) -> None:
    """Write an entry into the journal."""
    store.add_entry(
        session,
        actor,
        entry,
        kind=kind,
        agreement_code=agreement_code,
        business_date=standing.business_date,
        entered_at=standing.known_at,
        cause=cause,
    )
