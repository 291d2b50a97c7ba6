"""One pledge between two ends of day: struck anew after its units changed, and moved by what that gives."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import CoverageRecord
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.pledge import IN_FORCE
from collateral.service import calls, daily_run
from collateral.service.pledges import take_step
from collateral.service.view import DeskView, desk_view
from collateral.store import daily, pledges, valuations


def strike_coverage(session: Session, actor: Actor, pledge_id: str, view: DeskView) -> CoverageRecord:
    """Strike coverage of one pledge as the day's run does, and keep it; the same inputs again change nothing.

    Raises:
        MissingData: The day's exposure, a price or a parameter is not known, or nothing is pledged any more.
    """
    daily_run.strike_one(session, actor, view, pledge_id)
    history = valuations.coverage_history(session, actor, pledge_id=pledge_id)
    return next(one for one in reversed(history) if one.business_date == view.day)


def strike_and_move(session: Session, actor: Actor, pledge_id: str, *, standing: Standing) -> None:
    """Strike coverage anew and move the pledge by it; without the day's exposure or a price the day's end does both.

    A pledge that is not in force any more, its loan repaid, has no coverage to strike.
    """
    view = desk_view(session, standing)
    running = daily.running_pledges(session, actor, IN_FORCE, only=pledge_id)
    if not running:
        return
    try:
        strike_coverage(session, actor, pledge_id, view)
    except MissingData:
        return
    if running[0].state in calls.CALLABLE:
        calls.move_by_coverage(session, actor, view, running)


def call_by_order(
    session: Session, actor: Actor, pledge_id: str, *, event: str, standing: Standing, cause: str
) -> None:
    """Move a drawn pledge by an order against its units, and call for what its coverage then lacks.

    Where the coverage cannot be struck, or holds, the pledge moves and no amount is called.
    """
    view = desk_view(session, standing)
    try:
        coverage = strike_coverage(session, actor, pledge_id, view)
    except MissingData:
        coverage = None
    pledge = pledges.load_pledge(session, actor, pledge_id, lock=True)
    take_step(session, actor, pledge, event, standing=standing, cause=cause)
    if coverage is not None and coverage.level is not CoverageLevel.COVERED:
        running = daily.running_pledges(session, actor, calls.CALLABLE, only=pledge_id)
        calls.move_by_coverage(session, actor, view, running)
