"""What is to be allocated: lots, obligations, who accepts what at which haircut, and the limits.

minimise sum c_i x_ij + m_i (x_ij - held_ij)+, x >= 0 in value, subject to
sum_j x_ij <= V_i; sum_i (1 - h_ij) x_ij >= R_j; sum over the lots i of a group g of (1 - h_ij) x_ij <= cap_jg R_j (the
base of a limit is the requirement, after haircut); sum over the lots i of a pool of x_ij / price_i <= headroom, tonnes;
sum_ij w_ki x_ij <= room_k for each limit k on the whole book, before haircut.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllocationProblem:
    """Lots by obligations; money in one currency.

    Attributes:
        lot_value: V, market value of each lot, shape (lots,).
        lot_price: Value of one unit of a lot (a tonne; one for cash), shape (lots,).
        lot_cost_rate: c, what using a unit of value costs, shape (lots,).
        movement_cost_rate: m, what moving a unit of value there costs, shape (lots,).
        lot_group: Group g of each lot for the limits, such as market and vintage, shape (lots,).
        lot_pool: Pool of each lot, whose surrender headroom is shared; -1 is none, shape (lots,).
        pool_headroom_t: Tonnes that a pool may give in all, shape (pools,).
        requirement: R, value after haircut that each obligation asks, shape (obligations,).
        is_eligible: Whether an obligation accepts a lot, shape (lots, obligations).
        haircut_ratio: h, shape (lots, obligations).
        held_value: Value of each lot that stands there already, shape (lots, obligations).
        cap_ratio: Most of R that a group may cover after haircut, infinite for none, shape (obligations, groups).
        book_weight: w, what a unit of a lot's value counts to a limit on the book, shape (limits, lots).
        book_room: Most of that in all; below nought where something must be allocated to keep it, shape (limits,).
    """

    lot_value: FloatArray
    lot_price: FloatArray
    lot_cost_rate: FloatArray
    movement_cost_rate: FloatArray
    lot_group: IndexArray
    lot_pool: IndexArray
    pool_headroom_t: FloatArray
    requirement: FloatArray
    is_eligible: BoolArray
    haircut_ratio: FloatArray
    held_value: FloatArray
    cap_ratio: FloatArray
    book_weight: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    book_room: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit and numbers that cannot be."""
        lots, obligations = self.lot_value.size, self.requirement.size
        groups, pools = self.cap_ratio.shape[-1] if self.cap_ratio.ndim == 2 else 0, self.pool_headroom_t.size
        if not lots or not obligations:
            raise _wrong("there is no lot or no obligation", "没有可用押品或没有担保需求", "lot_value")
        for name in ("lot_price", "lot_cost_rate", "movement_cost_rate", "lot_group", "lot_pool"):
            if getattr(self, name).shape != (lots,):
                raise _wrong(f"{name} has not one entry a lot", f"{name} 须每批押品一项", name)
        for name in ("is_eligible", "haircut_ratio", "held_value"):
            if getattr(self, name).shape != (lots, obligations):
                raise _wrong(f"{name} is not lots by obligations", f"{name} 须为押品 × 需求", name)
        if self.cap_ratio.shape != (obligations, groups) or not _within(self.lot_group, 0, groups - 1):
            raise _wrong("cap_ratio is not obligations by groups", "集中度上限须为需求 × 组别", "cap_ratio")
        if not _within(self.lot_pool, -1, pools - 1):
            raise _wrong("a lot's pool has no headroom", "押品所属主体缺少履约余量", "pool_headroom_t")
        if self.book_room.size and self.book_weight.shape != (self.book_room.size, lots):
            raise _wrong("book_weight is not limits by lots", "押品库集中度系数须为限额 × 批次", "book_weight")
        self._refuse_numbers()

    def _refuse_numbers(self) -> None:
        positive = {"lot_price": self.lot_price, "requirement": self.requirement}
        not_negative = {
            "lot_value": self.lot_value, "lot_cost_rate": self.lot_cost_rate, "held_value": self.held_value,
            "movement_cost_rate": self.movement_cost_rate, "pool_headroom_t": self.pool_headroom_t,
        }  # fmt: skip
        for name, column in positive.items():
            if not np.all((column > 0.0) & np.isfinite(column)):
                raise _wrong(f"{name} has an entry that is not a positive number", f"{name} 须为正数", name)
        for name, column in not_negative.items():
            if not np.all((column >= 0.0) & np.isfinite(column)):
                raise _wrong(f"{name} has a negative entry or one that is no number", f"{name} 不能为负", name)
        if not np.all((self.haircut_ratio >= 0.0) & (self.haircut_ratio <= 1.0)):
            raise _wrong("a haircut lies outside 0 to 1", "折扣系数须在 0 至 1", "haircut_ratio")
        if not np.all(np.isfinite(self.book_room)):
            raise _wrong("the room of a limit is no number", "集中度余量须为数字", "book_room")
        if not np.all(self.cap_ratio >= 0.0):
            raise _wrong("a limit is negative or no number", "集中度上限不能为负", "cap_ratio")

    def covered(self, value: FloatArray) -> FloatArray:
        """Give the value after haircut by obligation of an allocation of shape (lots, obligations)."""
        return np.asarray(((1.0 - self.haircut_ratio) * value).sum(axis=0))

    def cost(self, value: FloatArray) -> float:
        """Give the cost of an allocation, movements included."""
        moved = np.maximum(value - self.held_value, 0.0)
        return math.fsum(self.lot_cost_rate * value.sum(axis=1) + self.movement_cost_rate * moved.sum(axis=1))

    def group_cover(self, value: FloatArray) -> FloatArray:
        """Give the value after haircut by obligation and group, shape (obligations, groups)."""
        after = ((1.0 - self.haircut_ratio) * value).T
        groups = range(self.cap_ratio.shape[-1])
        return np.stack([after[:, self.lot_group == group].sum(axis=1) for group in groups], axis=1)

    def pool_use_t(self, value: FloatArray) -> FloatArray:
        """Give the units taken from each pool."""
        pooled = self.lot_pool >= 0
        used = value.sum(axis=1) / self.lot_price
        found = np.bincount(self.lot_pool[pooled], weights=used[pooled], minlength=self.pool_headroom_t.size)
        return np.asarray(found, dtype=np.float64)

    def book_use(self, value: FloatArray) -> FloatArray:
        """Give what counts to each limit on the book."""
        return np.asarray(self.book_weight @ value.sum(axis=1)) if self.book_room.size else np.zeros(0)

    def breaches(self, value: FloatArray, *, tolerance: float) -> tuple[str, ...]:
        """Name what an allocation breaks beyond a tolerance relative to the limit; () where it holds.

        The names are eligibility, lots, requirements, concentration, headroom and book.
        """
        slack = 1.0 + tolerance
        cap = np.where(np.isfinite(self.cap_ratio), self.cap_ratio, 1e300) * self.requirement[:, None]
        floor = tolerance * self.requirement.mean()
        broken = {
            "eligibility": bool(np.any(value[~self.is_eligible] > 0.0) or np.any(value < 0.0)),
            "lots": bool(np.any(value.sum(axis=1) > self.lot_value * slack + floor)),
            "requirements": bool(np.any(self.covered(value) < self.requirement * (1.0 - tolerance))),
            "concentration": bool(np.any(self.group_cover(value) > cap * slack + floor)),
            "headroom": bool(np.any(self.pool_use_t(value) > self.pool_headroom_t * slack + tolerance)),
            "book": bool(np.any(self.book_use(value) > self.book_room + tolerance * np.abs(self.book_room) + floor)),
        }
        return tuple(name for name, is_broken in broken.items() if is_broken)


def _within(column: IndexArray, low: int, high: int) -> bool:
    return bool(np.all((column >= low) & (column <= high)))


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
