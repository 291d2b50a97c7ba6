"""Margin calls: issued below the warning line, retracted when coverage recovers, expired at the deadline."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import CoverageRecord, MarginCall, Pledge
from collateral.calc.coverage import CoverageLevel
from collateral.calc.lifecycles import MARGIN_CALL
from collateral.service.call_notices import tell_call, tell_end_of_call
from collateral.service.pledges import take_step
from collateral.service.valuations import strike_coverage
from collateral.service.view import CURE_DAYS, DeskView, desk_view, standing_on
from collateral.store import pledges, valuations

_BREACHED = frozenset({CoverageLevel.WARNING, CoverageLevel.DISPOSAL})


def issue_calls(session: Session, actor: Actor, business_date: date) -> tuple[MarginCall, ...]:
    """Move each pledge by its coverage of the business date and give the calls issued; again, nothing moves.

    DRAWN below the warning line is called; MARGIN_CALLED at or above the initial line is cured; MARGIN_CALLED past its
    deadline expires. Coverage of an older date moves nothing.
    """
    view = desk_view(session, standing_on(session, actor, business_date))
    seen = pledges.pledges_of(session, actor, states=frozenset({"DRAWN", "MARGIN_CALLED"}))
    found = (move_by_coverage(session, actor, one.id, view) for one in seen)
    return tuple(call for call in found if call is not None)


def move_by_coverage(session: Session, actor: Actor, pledge_id: str, view: DeskView) -> MarginCall | None:
    """Move one pledge by its coverage of the view's date, and give the call if one was issued."""
    coverage = valuations.latest_coverages(session, actor, on=view.day).get(pledge_id)
    if coverage is None or coverage.business_date != view.day:
        return None
    pledge = pledges.load_pledge(session, actor, pledge_id, lock=True)
    if pledge.state == "DRAWN" and coverage.level in _BREACHED:
        return _call(session, actor, pledge, coverage, view)
    if pledge.state == "MARGIN_CALLED":
        _follow_up(session, actor, pledge, coverage, view.standing)
    return None


def call_by_order(
    session: Session, actor: Actor, pledge_id: str, *, event: str, standing: Standing, cause: str
) -> MarginCall | None:
    """Move a drawn pledge by an order against its units, and call for what its coverage then lacks.

    Where the coverage cannot be struck, or holds, the pledge moves and no amount is called.
    """
    view = desk_view(session, standing)
    pledge = pledges.load_pledge(session, actor, pledge_id, lock=True)
    try:
        coverage = strike_coverage(session, actor, pledge, view)
    except MissingData:
        coverage = None
    if coverage is None or coverage.level is CoverageLevel.COVERED:
        take_step(session, actor, pledge, event, standing=standing, cause=cause)
        return None
    return _call(session, actor, pledge, coverage, view, event=event, because=cause)


def deadline_of(view: DeskView) -> date:
    """Give the last day to answer a call made on the business date: cure days, in trading days.

    Raises:
        MissingData: The published notices do not reach that far; the day is not guessed.
    """
    return view.calendar.add_open_days(view.day, view.on(CURE_DAYS).integer)


def _call(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    coverage: CoverageRecord,
    view: DeskView,
    *,
    event: str = "breach",
    because: str = "",
) -> MarginCall:
    deadline = deadline_of(view)
    call = valuations.call_issued_on(session, actor, agreement_code=pledge.code, issued_on=view.day)
    if call is None:
        call = valuations.add_call(
            session,
            actor,
            agreement_code=pledge.code,
            issued_on=view.day,
            deadline=deadline,
            currency="CNY",
            cash_amount=coverage.cash_to_initial_cny,
            top_ups=coverage.top_ups,
            decision_id=coverage.decision_id,
            issued_at=view.standing.known_at,
        )
        tell_call(session, actor, call, agreement=f"pledge:{pledge.id}", at=view.standing.known_at)
    take_step(
        session,
        actor,
        pledge,
        event,
        standing=view.standing,
        cause=f"{because}；担保覆盖率 {coverage.coverage_ratio:.4f}，限 {deadline} 前补足"
        if because
        else f"担保覆盖率 {coverage.coverage_ratio:.4f} 低于预警线 {coverage.warning_ratio:.2f}，限 {deadline} 前补足",
        decision_id=coverage.decision_id,
    )
    return call


def _follow_up(session: Session, actor: Actor, pledge: Pledge, coverage: CoverageRecord, standing: Standing) -> None:
    calls = valuations.live_calls(session, actor, agreement_code=pledge.code)
    if coverage.level is CoverageLevel.COVERED:
        for call in calls:
            _end(session, actor, pledge, call, event="retract", standing=standing)
        take_step(
            session,
            actor,
            pledge,
            "cured",
            standing=standing,
            cause=f"担保覆盖率恢复至 {coverage.coverage_ratio:.4f}",
            decision_id=coverage.decision_id,
        )
        return
    deadlines = [call.deadline for call in calls if call.deadline is not None]
    if deadlines and max(deadlines) < standing.business_date:
        for call in calls:
            _end(session, actor, pledge, call, event="no answer by deadline", standing=standing)
        take_step(
            session,
            actor,
            pledge,
            "deadline",
            standing=standing,
            cause=f"截至 {max(deadlines)} 未补足",
            decision_id=coverage.decision_id,
        )


def _end(session: Session, actor: Actor, pledge: Pledge, call: MarginCall, *, event: str, standing: Standing) -> None:
    after = MARGIN_CALL.after(call.state, event)
    closed_on = standing.business_date if after == "RETRACTED" else None
    valuations.change_call(session, call, state=after, closed_on=closed_on)
    tell_end_of_call(session, actor, call, agreement=f"pledge:{pledge.id}", state=after, at=standing.known_at)


def load_call(session: Session, actor: Actor, call_id: str) -> MarginCall:
    """Give a call of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return valuations.load_call(session, actor, call_id)


def live_calls(session: Session, actor: Actor, *, agreement_code: str | None = None) -> tuple[MarginCall, ...]:
    """Give the calls that stand open, the earliest deadline first."""
    return valuations.live_calls(session, actor, agreement_code=agreement_code)
