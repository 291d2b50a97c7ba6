"""What the duals of an optimum say, in words a collateral desk can use."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.solver import Allocation

_LEAST = 1e-9


class ReasonKind(StrEnum):
    """Which row a reason is of."""

    LOT = "lot"
    REQUIREMENT = "requirement"
    LIMIT = "limit"
    HEADROOM = "headroom"
    BOOK = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one more unit of a scarce thing is worth at the optimum, for small changes.

    Attributes:
        kind: Lot, requirement, limit, headroom or limit on the book.
        place: Of the lot, obligation, pool or limit on the book.
        group: Of the limit, else None.
        saves: Cost saved by one more unit: a tonne of the lot or of headroom, or one of money of a limit. Of a
            requirement, the cost that one more of money adds.
    """

    kind: ReasonKind
    place: int
    group: int | None
    saves: float

    def words(self, name: str, name_en: str) -> tuple[str, str]:
        """Say it in Chinese and English; the names are what the desk calls the lot, obligation, pool or limit."""
        saved = f"{self.saves:,.4f}"
        return {
            ReasonKind.LOT: (
                f"{name} 每多 1 吨合格押品，成本减少 {saved} 元",
                f"one more eligible tonne of {name_en} saves {saved}",
            ),
            ReasonKind.REQUIREMENT: (
                f"{name} 的担保需求每增加 1 元，成本增加 {saved} 元",
                f"one more of requirement {name_en} costs {saved}",
            ),
            ReasonKind.LIMIT: (
                f"{name} 的集中度上限每放宽 1 元，成本减少 {saved} 元",
                f"one more of the limit on {name_en} saves {saved}",
            ),
            ReasonKind.HEADROOM: (
                f"{name} 的履约余量每多 1 吨，成本减少 {saved} 元",
                f"one more tonne of headroom of {name_en} saves {saved}",
            ),
            ReasonKind.BOOK: (
                f"{name} 的集中度上限每放宽 1 元，成本减少 {saved} 元",
                f"one more of the limit on {name_en} saves {saved}",
            ),
        }[self.kind]


def reasons(problem: AllocationProblem, allocation: Allocation) -> tuple[Reason, ...]:
    """Give every row that binds with a worth above nought, the dearest of each kind first."""
    per_tonne = allocation.lot_dual * problem.lot_price
    found = [
        *(_one(ReasonKind.LOT, i, None, per_tonne[i]) for i in np.flatnonzero(per_tonne > _LEAST)),
        *(
            _one(ReasonKind.REQUIREMENT, j, None, allocation.requirement_dual[j])
            for j in np.flatnonzero(allocation.requirement_dual > _LEAST)
        ),
        *(
            _one(ReasonKind.LIMIT, j, int(g), allocation.cap_dual[j, g])
            for j, g in np.argwhere(allocation.cap_dual > _LEAST)
        ),
        *(
            _one(ReasonKind.HEADROOM, p, None, allocation.pool_dual[p])
            for p in np.flatnonzero(allocation.pool_dual > _LEAST)
        ),
        *(
            _one(ReasonKind.BOOK, k, None, allocation.book_dual[k])
            for k in np.flatnonzero(allocation.book_dual > _LEAST)
        ),
    ]
    order = {kind: place for place, kind in enumerate(ReasonKind)}
    return tuple(sorted(found, key=lambda one: (order[one.kind], -one.saves, one.place)))


def _one(kind: ReasonKind, place: np.intp, group: int | None, saves: np.float64) -> Reason:
    return Reason(kind=kind, place=int(place), group=group, saves=saves.item())
