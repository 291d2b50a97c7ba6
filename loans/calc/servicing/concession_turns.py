"""What became of a note's concession between two looks at what it owes: stopped, back, or put right."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from loans.calc.servicing.unlinked_rates import ConcessionStop


class ConcessionTurn(StrEnum):
    """What became of a concession."""

    STOPPED = "stopped"
    RETURNED = "returned"
    CORRECTED = "corrected"


TURN_NAMES: Mapping[ConcessionTurn, tuple[str, str]] = {
    ConcessionTurn.STOPPED: ("利率优惠停止通知书", "Notice that the concession is stopped"),
    ConcessionTurn.RETURNED: ("利率优惠恢复通知书", "Notice that the concession is back"),
    ConcessionTurn.CORRECTED: ("利率优惠停止期间更正通知书", "Notice of corrected days of a stopped concession"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTurn:
    """A turn as it is kept.

    Attributes:
        effective_on: The day from which it counts.
        stops: The days on which the concession is stopped, as known from then on.
        rate_before: The executed rate of `effective_on` as it was booked, with what a link did to it.
        rate_after: The same as it is now known.
        compensation_cny: What the days before `known_from` lacked; below zero is the borrower's.
        change_number: The change of the note's rate it led to; None where the rate stayed.
    """

    number: int
    known_from: date
    turn: ConcessionTurn
    effective_on: date
    stops: tuple[ConcessionStop, ...]
    rate_before: Decimal
    rate_after: Decimal
    compensation_cny: Decimal
    change_number: int | None
    decision_id: str

    @property
    def is_stopped(self) -> bool:
        """Whether it has not come back."""
        return bool(self.stops) and self.stops[-1].end is None


def turn_of(before: tuple[ConcessionStop, ...], after: tuple[ConcessionStop, ...]) -> tuple[ConcessionTurn, date]:
    """Give what became of a concession and from which day it counts; the two differ.

    A stop of which nothing is known any more, since a receipt of an earlier day came in late, is back from its own
    first day.
    """
    was, now = _open(before), _open(after)
    if now is not None and was is None:
        return ConcessionTurn.STOPPED, now.start
    if was is not None and now is None:
        same = next((one.end for one in after if one.start == was.start), None)
        return ConcessionTurn.RETURNED, was.start if same is None else same
    return ConcessionTurn.CORRECTED, min(one.start for one in {*before} ^ {*after})


def _open(stops: tuple[ConcessionStop, ...]) -> ConcessionStop | None:
    return stops[-1] if stops and stops[-1].end is None else None
