"""Holds on units in two phases: reserved, confirmed by the registry, released or enforced; each carries its agreement.

A book is a value; each step gives the book after it and the entry that led there, so that the entries alone give the
positions again. A hold is resolved once. A freeze never times out: without an answer it stays, and is queried.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from collateral.calc import ledger
from collateral.calc.ledger import Bucket, Entry, Position, Posting
from collateral.calc.lifecycles import ENCUMBRANCE

Place = tuple[str, Unit]
"""An account and a unit."""

BOUND = frozenset({"PENDING", "LOCKED", "RELEASE_PENDING"})
"""States in which a hold keeps units from anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Units bound to an agreement, which stays with them through conversions and moves."""

    agreement_code: str
    account_id: str
    unit: Unit
    quantity_t: int
    state: str

    @property
    def place(self) -> Place:
        """Where the units stand."""
        return self.account_id, self.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Positions by account and unit, and the holds on them by their keys."""

    positions: Mapping[Place, Position]
    holds: Mapping[str, Hold]

    def position(self, place: Place) -> Position:
        """Give a position; an empty one where the account has none of the unit."""
        return self.positions.get(place) or Position(unit=place[1], total_t=0, pending_t=0, locked_t=0)

    def hold(self, key: str) -> Hold:
        """Give a hold.

        Raises:
            NotFound: There is none with this key.
        """
        if key not in self.holds:
            raise NotFound(f"there is no hold {key}", zh=f"没有权利负担 {key}", field="key")
        return self.holds[key]

    def after(self, place: Place, position: Position) -> "Book":
        """Give the book with one position changed."""
        return replace(self, positions={**self.positions, place: position})

    def held(self, key: str, hold: Hold) -> "Book":
        """Give the book with one hold changed."""
        return replace(self, holds={**self.holds, key: hold})


Step = tuple[Book, Entry]

EMPTY = Book(positions={}, holds={})


def receive(book: Book, place: Place, quantity_t: int) -> Step:
    """Take units in from outside."""
    after = book.after(place, ledger.received(book.position(place), quantity_t))
    return after, ledger.moved(*place, quantity_t, start=Bucket.OUTSIDE, end=Bucket.FREE)


def deliver(book: Book, place: Place, quantity_t: int) -> Step:
    """Give free units away, surrender or cancel them."""
    after = book.after(place, ledger.delivered(book.position(place), quantity_t))
    return after, ledger.moved(*place, quantity_t, start=Bucket.FREE, end=Bucket.OUTSIDE)


def reserve(book: Book, key: str, *, agreement_code: str, place: Place, quantity_t: int) -> Step:
    """Reserve free units for a freeze that is asked for.

    Raises:
        Conflict: Too little is free, or the key has been used before.
    """
    if key in book.holds:
        raise Conflict(f"hold {key} is there already", zh=f"权利负担 {key} 已存在", field="key")
    hold = Hold(
        agreement_code=agreement_code, account_id=place[0], unit=place[1], quantity_t=quantity_t,
        state=ENCUMBRANCE.after("FREE", "reserve"),
    )  # fmt: skip
    after = book.after(place, ledger.reserved(book.position(place), quantity_t)).held(key, hold)
    return after, ledger.moved(*place, quantity_t, start=Bucket.FREE, end=Bucket.PENDING)


def confirm(book: Book, key: str) -> Step:
    """Lock a reserved hold: the registry froze the units."""
    hold = book.hold(key)
    locked = replace(hold, state=ENCUMBRANCE.after(hold.state, "confirm"))
    after = book.after(hold.place, ledger.confirmed(book.position(hold.place), hold.quantity_t)).held(key, locked)
    return after, ledger.moved(*hold.place, hold.quantity_t, start=Bucket.PENDING, end=Bucket.LOCKED)


def void(book: Book, key: str) -> Step:
    """Drop a reserved hold: the registry said that it did not freeze the units."""
    hold = book.hold(key)
    dropped = replace(hold, state=ENCUMBRANCE.after(hold.state, "void"))
    after = book.after(hold.place, ledger.voided(book.position(hold.place), hold.quantity_t)).held(key, dropped)
    return after, ledger.moved(*hold.place, hold.quantity_t, start=Bucket.PENDING, end=Bucket.FREE)


def ask_release(book: Book, key: str) -> Book:
    """Ask the registry to unfreeze a locked hold; the units stay bound until it does."""
    hold = book.hold(key)
    return book.held(key, replace(hold, state=ENCUMBRANCE.after(hold.state, "request release")))


def release(book: Book, key: str) -> Step:
    """Free a hold whose release was asked for: the registry unfroze the units."""
    hold = book.hold(key)
    freed = replace(hold, state=ENCUMBRANCE.after(hold.state, "registry confirms"))
    after = book.after(hold.place, ledger.released(book.position(hold.place), hold.quantity_t)).held(key, freed)
    return after, ledger.moved(*hold.place, hold.quantity_t, start=Bucket.LOCKED, end=Bucket.FREE)


def release_part(book: Book, key: str, quantity_t: int) -> Step:
    """Free part of a locked hold.

    Raises:
        Conflict: The hold is not locked.
        InvalidInput: That is nothing, or not less than the hold.
    """
    hold = book.hold(key)
    state = ENCUMBRANCE.after(hold.state, "partial release")
    if not 0 < quantity_t < hold.quantity_t:
        raise InvalidInput(
            f"{quantity_t} t is no part of {hold.quantity_t} t", zh="部分解除的数量须小于锁定数量", field="quantity_t"
        )
    kept = replace(hold, state=state, quantity_t=hold.quantity_t - quantity_t)
    after = book.after(hold.place, ledger.released(book.position(hold.place), quantity_t)).held(key, kept)
    return after, ledger.moved(*hold.place, quantity_t, start=Bucket.LOCKED, end=Bucket.FREE)


def enforce(book: Book, key: str) -> Step:
    """Give locked units to whoever bought them in an enforcement."""
    hold = book.hold(key)
    sold = replace(hold, state=ENCUMBRANCE.after(hold.state, "enforce"))
    position = ledger.delivered(ledger.released(book.position(hold.place), hold.quantity_t), hold.quantity_t)
    return book.after(hold.place, position).held(key, sold), ledger.moved(
        *hold.place, hold.quantity_t, start=Bucket.LOCKED, end=Bucket.OUTSIDE
    )


def substitute(book: Book, *, new_key: str, old_key: str) -> Book:
    """Ask to release an old hold of an agreement, now that a new one of it is locked: new in before old out.

    Raises:
        Conflict: The new hold is not locked, or is another agreement's, or is the old one.
    """
    new, old = book.hold(new_key), book.hold(old_key)
    if new_key == old_key or new.state != "LOCKED" or new.agreement_code != old.agreement_code:
        raise Conflict(
            f"hold {new_key} ({new.agreement_code}, {new.state}) does not take the place of {old_key}",
            zh=f"新押品 {new_key} 尚未为同一合同锁定，不得释放原押品 {old_key}",
            field="new_key",
            remedy="Lock the new units first.",
            remedy_zh="请先锁定新押品。",
        )
    return ask_release(book, old_key)


def convert(book: Book, key: str, *, to: Unit, quantity_t: int, part_key: str) -> Step:
    """Make locked units of a vintage into as many of another: the lock stays with them, and with its agreement.

    Part of a lock is split off under a key of its own; both parts carry the agreement.

    Raises:
        Conflict: The hold is not locked, or the part's key has been used before.
        InvalidInput: That is nothing, more than the hold, the same unit, or one of another scheme.
    """
    hold = book.hold(key)
    if hold.state != "LOCKED":
        raise Conflict(f"hold {key} is {hold.state}, not locked", zh=f"权利负担 {key} 未锁定，不得转换", field="key")
    is_part = quantity_t != hold.quantity_t
    if is_part and part_key in book.holds:
        raise Conflict(f"hold {part_key} is there already", zh=f"权利负担 {part_key} 已存在", field="key")
    if not 0 < quantity_t <= hold.quantity_t or to == hold.unit or to.scheme is not hold.unit.scheme:
        raise InvalidInput(
            f"{quantity_t} t of {hold.quantity_t} t of {hold.unit} cannot become {to}",
            zh=f"{hold.unit} 锁定 {hold.quantity_t} 吨，不能将 {quantity_t} 吨转换为 {to}",
            field="quantity_t",
        )
    made, target = replace(hold, unit=to, quantity_t=quantity_t), (hold.account_id, to)
    source = ledger.delivered(ledger.released(book.position(hold.place), quantity_t), quantity_t)
    there = book.position(target)
    arrived = replace(there, total_t=there.total_t + quantity_t, locked_t=there.locked_t + quantity_t)
    after = book.after(hold.place, source).after(target, arrived).held(part_key if is_part else key, made)
    if is_part:
        after = after.held(key, replace(hold, quantity_t=hold.quantity_t - quantity_t))
    return after, converted(hold.place, to, quantity_t)


def converted(place: Place, to: Unit, quantity_t: int) -> Entry:
    """Give the entry of locked units of a place that became as many of another unit on the same account."""
    return Entry(
        postings=(
            *_passed(place, Bucket.LOCKED, -quantity_t),
            *_passed((place[0], to), Bucket.LOCKED, quantity_t),
        )
    )


def relocate(book: Book, source: Place, target: Place) -> Step:
    """Move all units of a place to another, their holds with them: a vintage converted, or an account merged.

    Raises:
        InvalidInput: The places are the same, or neither account nor unit stays.
        Conflict: There is nothing to move.
    """
    if source == target or (source[0] != target[0] and source[1] != target[1]):
        raise InvalidInput(
            f"units cannot go from {source} to {target}", zh="只能变更账户或配额年度之一", field="target"
        )
    there = book.position(source)
    if not there.total_t:
        raise Conflict(f"there are no units at {source}", zh="没有可转移的配额", field="source")
    arrived = book.position(target)
    joined = Position(
        unit=target[1], total_t=arrived.total_t + there.total_t, pending_t=arrived.pending_t + there.pending_t,
        locked_t=arrived.locked_t + there.locked_t,
    )  # fmt: skip
    emptied = replace(there, total_t=0, pending_t=0, locked_t=0)
    holds = {
        key: replace(hold, account_id=target[0], unit=target[1])
        if hold.place == source and hold.state in BOUND
        else hold
        for key, hold in book.holds.items()
    }
    buckets = {Bucket.FREE: there.free_t, Bucket.PENDING: there.pending_t, Bucket.LOCKED: there.locked_t}
    postings = [
        posting
        for bucket, quantity_t in buckets.items()
        if quantity_t
        for posting in (*_passed(source, bucket, -quantity_t), *_passed(target, bucket, quantity_t))
    ]
    positions = {**book.positions, source: emptied, target: joined}
    return Book(positions=positions, holds=holds), Entry(postings=tuple(postings))


def _passed(place: Place, bucket: Bucket, quantity_t: int) -> tuple[Posting, Posting]:
    """Write units into a bucket of a place and out of the outside, so that the entry balances for each unit."""
    account_id, unit = place
    return (
        Posting(account_id=account_id, unit=unit, bucket=bucket, quantity_t=quantity_t),
        Posting(account_id=account_id, unit=unit, bucket=Bucket.OUTSIDE, quantity_t=-quantity_t),
    )


def replayed(entries: Iterable[Entry]) -> dict[Place, Position]:
    """Give the positions that a journal leads to; places that hold nothing are left out.

    Raises:
        Conflict: The entries take more than there is.
    """
    sums: dict[Place, dict[Bucket, int]] = {}
    for entry in entries:
        for posting in entry.postings:
            buckets = sums.setdefault((posting.account_id, posting.unit), dict.fromkeys(Bucket, 0))
            buckets[posting.bucket] += posting.quantity_t
    return {
        place: Position(
            unit=place[1], total_t=-buckets[Bucket.OUTSIDE], pending_t=buckets[Bucket.PENDING],
            locked_t=buckets[Bucket.LOCKED],
        )
        for place, buckets in sums.items()
        if buckets[Bucket.OUTSIDE]
    }  # fmt: skip
