"""Moves of all factors of a book on the same days, scaled to one day."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.portfolio_risk.histories import GAP_MAX, FactorHistory, FactorKind, HistoryPoint

FEWEST_MOVES = 60
"""Moves below which a history says nothing of a tail."""
FactorKey = tuple[FactorKind, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointMoves:
    """Moves of one day of each factor, the oldest first.

    Attributes:
        keys: The factors, in the order of the rows.
        moves: Logarithmic, of rates differences; shape (factors, moves).
        days: Day to which each move goes.
        first_date: Day from which the first one goes.
        scaled_count: Moves that took more than one quoted day, each divided by the root of its days.
    """

    keys: tuple[FactorKey, ...]
    moves: FloatArray
    days: tuple[date, ...]
    first_date: date
    scaled_count: int

    @property
    def last_date(self) -> date:
        """Day to which the last move goes."""
        return self.days[-1]


def joint_moves(histories: Sequence[FactorHistory]) -> JointMoves:
    """Give the moves between the days on which every price of a book was a price.

    A move over n quoted days is divided by sqrt(n), as a renewal variance counts it; where the factors count
    differently the fewest days are taken, which makes the move the larger. Rates and exchange rates are those of the
    day or the last ones of the week before it.

    Args:
        histories: At least one price among them, none refused.

    Raises:
        MissingData: Fewer than sixty moves come out.
    """
    prices = [one for one in histories if one.kind is FactorKind.PRICE]
    days = sorted(set.intersection(*({point.day for point in one.points} for one in prices)))
    readers = [_levels(one, days) for one in histories]
    usable = [day for day in days if all(day in levels for levels in readers)]
    if len(usable) - 1 < FEWEST_MOVES:
        raise MissingData(
            f"{max(len(usable) - 1, 0)} joint moves of {_names(histories)} can be used, at least {FEWEST_MOVES} are "
            "needed",
            zh=f"{_names(histories)} 可用的共同变动仅 {max(len(usable) - 1, 0)} 个，少于 {FEWEST_MOVES} 个",
            field="history",
            remedy="Import a longer history of these factors.",
            remedy_zh="请导入这些因子更长的行情历史。",
        )
    rows = np.empty((len(histories), len(usable) - 1))
    numbers = [{point.day: point.day_number for point in one.points} for one in prices]
    elapsed = [min(one[after] - one[before] for one in numbers) for before, after in pairwise(usable)]
    for place, (history, levels) in enumerate(zip(histories, readers, strict=True)):
        values = np.array([to_float(levels[day].level) for day in usable])
        rows[place] = np.diff(values if history.kind is FactorKind.RATE else np.log(values))
    spans = np.maximum(np.array(elapsed, dtype=np.float64), 1.0)
    return JointMoves(
        keys=tuple((one.kind, one.name) for one in histories),
        moves=rows / np.sqrt(spans),
        days=tuple(usable[1:]),
        first_date=usable[0],
        scaled_count=int(np.count_nonzero(spans > 1.0)),
    )


def day_deviation(history: FactorHistory) -> float | None:
    """Give the standard deviation of one factor's move in a quoted day, about nought; None below sixty moves."""
    if history.refusal is not None or len(history.points) - 1 < FEWEST_MOVES:
        return None
    values = np.array([to_float(one.level) for one in history.points])
    moves = np.diff(values if history.kind is FactorKind.RATE else np.log(values))
    return math.sqrt(float(np.dot(moves, moves)) / (history.points[-1].day_number - history.points[0].day_number))


def _levels(history: FactorHistory, days: Sequence[date]) -> Mapping[date, HistoryPoint]:
    """Give the point of a factor that speaks for each day: of a price its own, of the rest the last of a week."""
    own = {one.day: one for one in history.points}
    if history.kind is FactorKind.PRICE:
        return own
    found, place = {}, -1
    for day in days:
        while place + 1 < len(history.points) and history.points[place + 1].day <= day:
            place += 1
        if place >= 0 and day - history.points[place].day <= GAP_MAX:
            found[day] = history.points[place]
    return found


def _names(histories: Sequence[FactorHistory]) -> str:
    return "、".join(one.name for one in histories)
