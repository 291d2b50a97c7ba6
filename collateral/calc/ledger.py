"""The ledger's rules: hold, confirm, release; pending and locked never exceed what is held."""

from dataclasses import dataclass, replace
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput


class Bucket(StrEnum):
    """Where units stand in the ledger; OUTSIDE is the world beyond the accounts kept here."""

    OUTSIDE = "outside"
    FREE = "free"
    PENDING = "pending"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Units of one account: all, those reserved for a freeze asked for, and those frozen."""

    unit: Unit
    total_t: int
    pending_t: int
    locked_t: int

    def __post_init__(self) -> None:
        """Hold that nothing is negative and that pending and locked stay within the holding."""
        fits = self.pending_t >= 0 and self.locked_t >= 0 and self.pending_t + self.locked_t <= self.total_t
        if not fits:
            raise Conflict(
                f"{self.unit}: pending {self.pending_t} t and locked {self.locked_t} t exceed {self.total_t} t held",
                zh=f"{self.unit} 预留与锁定之和超过持有量",
                field="quantity_t",
            )

    @property
    def free_t(self) -> int:
        """Units neither reserved nor locked."""
        return self.total_t - self.pending_t - self.locked_t


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One side of an entry: tonnes into (positive) or out of a bucket of an account."""

    account_id: str
    unit: Unit
    bucket: Bucket
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Postings that belong together and balance for each unit."""

    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        """Refuse an entry that does not balance."""
        sums: dict[Unit, int] = {}
        for posting in self.postings:
            sums[posting.unit] = sums.get(posting.unit, 0) + posting.quantity_t
        if not self.postings or any(sums.values()):
            raise InvalidInput(f"entry does not balance: {sums}", zh="台账分录借贷不平", field="postings")


def moved(account_id: str, unit: Unit, quantity_t: int, *, start: Bucket, end: Bucket) -> Entry:
    """Give the entry that takes tonnes of one account from one bucket to another."""
    return Entry(
        postings=(
            Posting(account_id=account_id, unit=unit, bucket=start, quantity_t=-quantity_t),
            Posting(account_id=account_id, unit=unit, bucket=end, quantity_t=quantity_t),
        )
    )


def _require(quantity_t: int, available_t: int, unit: Unit, what: str, what_zh: str) -> None:
    if quantity_t <= 0:
        raise InvalidInput(f"{quantity_t} t is not a positive quantity", zh="数量须为正整数", field="quantity_t")
    if quantity_t > available_t:
        raise Conflict(
            f"{unit}: {quantity_t} t asked, {available_t} t {what}",
            zh=f"{unit} 申请 {quantity_t} 吨，{what_zh} {available_t} 吨",
            field="quantity_t",
            remedy="Ask for less, or release other encumbrances first.",
            remedy_zh="请减少数量，或先解除其他权利负担。",
            available_t=available_t,
        )


def received(position: Position, quantity_t: int) -> Position:
    """Give the position with more units held."""
    if quantity_t <= 0:
        raise InvalidInput(f"{quantity_t} t is not a positive quantity", zh="数量须为正整数", field="quantity_t")
    return replace(position, total_t=position.total_t + quantity_t)


def delivered(position: Position, quantity_t: int) -> Position:
    """Give the position with free units gone."""
    _require(quantity_t, position.free_t, position.unit, "free", "可用")
    return replace(position, total_t=position.total_t - quantity_t)


def reserved(position: Position, quantity_t: int) -> Position:
    """Give the position with free units reserved for a freeze asked for."""
    _require(quantity_t, position.free_t, position.unit, "free", "可用")
    return replace(position, pending_t=position.pending_t + quantity_t)


def confirmed(position: Position, quantity_t: int) -> Position:
    """Give the position with reserved units locked, as the registry froze them."""
    _require(quantity_t, position.pending_t, position.unit, "pending", "预留")
    return replace(position, pending_t=position.pending_t - quantity_t, locked_t=position.locked_t + quantity_t)


def voided(position: Position, quantity_t: int) -> Position:
    """Give the position with reserved units free again; only after the registry said they are not frozen."""
    _require(quantity_t, position.pending_t, position.unit, "pending", "预留")
    return replace(position, pending_t=position.pending_t - quantity_t)


def released(position: Position, quantity_t: int) -> Position:
    """Give the position with locked units free again, as the registry unfroze them."""
    _require(quantity_t, position.locked_t, position.unit, "locked", "锁定")
    return replace(position, locked_t=position.locked_t - quantity_t)
