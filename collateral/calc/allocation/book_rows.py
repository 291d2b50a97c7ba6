"""Limits of concentration inside schedules as rows of an allocation: what each lot's market value counts, and the room.

    part of all other collateral + what is allocated of the name <= limit x (base of all other collateral + what is
    allocated of the units the schedule admits)

is linear in what is allocated. An amount has no base. Where the other collateral alone lies above the limit, and no
allocation brings the share down to it, none may make it larger.

A base that counts as a least amount is the larger of the two, of which no single programme can speak: what keeps the
limit keeps it of the one or of the other, so the optimum is the better of the programmes that take either.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import to_float
from collateral.calc.allocation.problem import FloatArray
from collateral.calc.book_limits import BookLimit, BookLimits

_FEN = 0.01
_SHUT_OUT = 1e-9  # of a share that is itself shut out: less than a fen of any book of ten million


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookRows:
    """The limits that hold an allocation.

    Attributes:
        limits: In the order of the rows.
        weight: What a unit of a lot's market value counts, shape (limits, lots).
        room: Most of it in 元; below nought where the other collateral alone lies above the limit, shape (limits,).
    """

    limits: tuple[BookLimit, ...]
    weight: FloatArray
    room: FloatArray

    @property
    def room_of_others_above(self) -> FloatArray:
        """The room where no share is to be made larger than the other collateral's alone, which nothing keeps."""
        return np.maximum(self.room, 0.0)

    def words(self) -> tuple[tuple[str, str], ...]:
        """Say each limit with what the other collateral has of it already, Chinese and English."""
        found = []
        for one in self.limits:
            limit = one.by_schedule
            assert limit is not None, "a row is a schedule's limit"
            sign, upper = "≤" if limit.is_inclusive else "<", limit.upper
            others = f"{one.others_cny:,.2f}"
            if limit.is_amount:
                said = f"{sign} {upper:,.2f}"
                zh = f"{one.label_zh}市值 {said} 元；其他存续押品已有 {others} 元"
                found.append((zh, f"{one.label_en}: market value {said} CNY; other collateral has {others} CNY of it"))
                continue
            said, base = f"{sign} {upper:.2%}", f"{limit.base_others_cny:,.2f}"
            least = ("", "") if limit.base_least is None else (
                f"（不足 {limit.least_cny:,.2f} 元按其计）", f" (taken as {limit.least_cny:,.2f} CNY at least)"
            )  # fmt: skip
            zh = (
                f"{one.label_zh}占该清单合格的全部存续押品市值{least[0]} {said}；"
                f"其他存续押品 {base} 元中已有 {others} 元"
            )
            en = f"{said} of all collateral the schedule admits{least[1]}; other collateral has {others} of {base} CNY"
            found.append((zh, f"{one.label_en}: {en}"))
        return tuple(found)


def rows_by_base(limits: BookLimits | None, units: Sequence[Unit]) -> tuple[BookRows, ...]:
    """Give the rows of each choice of bases, first the least amount of every schedule whose others are below it."""
    held = () if limits is None else limits.limits
    small = dict.fromkeys(
        of.schedule for one in held if (of := one.by_schedule) is not None and of.base_others_cny < of.least_cny
    )
    choices = product(*(((name,), ()) for name in small))
    return tuple(book_rows(limits, units, at_least={name for part in parts for name in part}) for parts in choices)


def book_rows(limits: BookLimits | None, units: Sequence[Unit], *, at_least: Collection[str] = ()) -> BookRows:
    """Give the schedules' limits as rows over the lots of some units; the bank's dated ones hold no allocation.

    Args:
        limits: The limits, and the other collateral of the book.
        units: Of each lot.
        at_least: Schedules whose shares are struck of their least base, whatever is allocated.
    """
    held = () if limits is None else tuple(one for one in limits.limits if one.by_schedule is not None)
    weight, room = np.zeros((len(held), len(units))), np.zeros(len(held))
    for place, one in enumerate(held):
        limit = one.by_schedule
        assert limit is not None, "the others were left out"
        counts = np.array([unit in one.units for unit in units], dtype=np.float64)
        upper, others = to_float(limit.upper), to_float(one.others_cny)
        if limit.is_amount:
            weight[place], room[place] = counts, upper - others - (0.0 if limit.is_inclusive else _FEN)
            continue
        upper *= 1.0 if limit.is_inclusive else 1.0 - _SHUT_OUT
        if limit.schedule in at_least:
            weight[place], room[place] = counts, upper * to_float(limit.least_cny) - others
            continue
        admitted = np.array([unit in limit.base_units for unit in units], dtype=np.float64)
        weight[place] = counts - upper * admitted
        room[place] = upper * to_float(limit.base_others_cny) - others
    return BookRows(limits=held, weight=weight, room=room)
