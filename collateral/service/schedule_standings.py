"""How the book of collateral stands to the limits of concentration inside the schedules in force, day by day."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.rules.trace import Figure
from collateral.calc.book_limits import BookShare, share_notes, standing_shares
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal
from collateral.service.book_limits import standing_limits
from collateral.service.view import DeskView


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStandings:
    """The shares of the book as it stands.

    Attributes:
        by_schedule: Of each name held that a limit counts, under the schedule's name; `is_above` is of the book,
            without anything asked.
        notes: Limits that are not measured, and units without a price of the day, which are in no share.
        trace: What each share is struck from.
        unconfirmed: Facts among it that nobody confirmed.
    """

    by_schedule: tuple[tuple[str, tuple[BookShare, ...]], ...]
    notes: tuple[Refusal, ...]
    trace: tuple[Figure, ...]
    unconfirmed: tuple[str, ...]

    @property
    def named_shares(self) -> tuple[tuple[str, BookShare], ...]:
        """All of them with their schedule's name, in the order of the schedules."""
        return tuple((name, one) for name, shares in self.by_schedule for one in shares)


NO_STANDINGS = ScheduleStandings(by_schedule=(), notes=(), trace=(), unconfirmed=())


def schedule_standings(session: Session, actor: Actor, view: DeskView) -> ScheduleStandings:
    """Hold what is held against the schedules in force at the day's prices; nothing is asked and nothing kept."""
    limits, figures = standing_limits(session, actor, view), FigureList()
    if limits is None:
        return NO_STANDINGS
    found: dict[str, list[BookShare]] = {}
    for schedule, share in standing_shares(limits, figures):
        found.setdefault(schedule, []).append(share)
    return ScheduleStandings(
        by_schedule=tuple((name, tuple(shares)) for name, shares in found.items()),
        notes=tuple(share_notes((), limits)), trace=figures.trace(), unconfirmed=figures.unconfirmed(),
    )  # fmt: skip
