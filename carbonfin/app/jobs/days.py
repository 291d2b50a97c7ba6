"""Which business days are to be closed: the organisation's own first, each open day after it, none left out."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session

from carbonfin.app.jobs.end_of_day import ROLL, next_open_day, steps_for
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData
from carbonfin.storage.job_requests import JobAsk, JobRequest, ask_for_job
from carbonfin.storage.parties import Standing, standing_of

END_OF_DAY_JOB = "end-of-day"
DAYS_AT_ONCE_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedDays:
    """Open days that lie behind and are not closed; `unknown_from` is where the holiday notices end, if they do."""

    days: tuple[date, ...]
    unknown_from: date | None = None


def ask_for_end_of_day(
    session: Session, actor: Actor, *, first: date | None, last: date | None, rolls: bool, clock: Clock
) -> JobRequest:
    """Ask the worker to close the organisation's business day, or each day up to a later one.

    Args:
        session: The open transaction.
        actor: Who asks, and for which organisation.
        first: The first day; another than the business date is refused. None takes the business date.
        last: The last day; None takes the first.
        rolls: Whether the business date moves on after the last day too.
        clock: No day after today can be closed.

    Raises:
        Conflict: The job waits or runs already, or the first day would leave a gap.
        InvalidInput: The last day lies before the first, ahead of today, too far off, or banks are closed on it.
    """
    days = days_to_close(session, actor, first=first, last=last, clock=clock)
    ask = JobAsk(
        job=END_OF_DAY_JOB,
        business_date=days[0],
        last_date=days[-1],
        rolls=rolls,
        total_count=len(planned_steps(actor, days, rolls=rolls)),
    )
    return ask_for_job(session, actor, ask, at=clock.now())


def planned_steps(actor: Actor, days: tuple[date, ...], *, rolls: bool) -> tuple[tuple[date, str], ...]:
    """Give each step of each day by name, with the move to the next open day between days."""
    names = [step.name for step in steps_for(actor.organization_kind)]
    return tuple(
        (day, name) for day in days for name in (*names, *([ROLL] if rolls or day != days[-1] else ()))
    )  # fmt: skip


def days_to_close(
    session: Session, actor: Actor, *, first: date | None, last: date | None, clock: Clock
) -> tuple[date, ...]:
    """Give the open days from the business date to the last one asked for, in order.

    Raises:
        Conflict: The first day is not the organisation's business date.
        InvalidInput: The last day lies before it, ahead of today, too far off, or banks are closed on it.
        MissingData: The holiday notices do not reach that far.
    """
    business_date = standing_of(session, actor.organization_id, clock).business_date
    if first is not None and first != business_date:
        raise _gap(first, business_date)
    last = business_date if last is None else last
    if last < business_date:
        raise _refusal(
            f"{last} lies before the business date {business_date}", f"{last} 早于当前业务日期 {business_date}"
        )
    today = china_day(clock.now())
    if last > today:
        raise _refusal(f"{last} lies ahead of today, {today}", f"{last} 晚于今日 {today}，不得提前日终")
    days = [business_date]
    while days[-1] < last:
        if len(days) == DAYS_AT_ONCE_MAX:
            raise _refusal(
                f"more than {DAYS_AT_ONCE_MAX} days lie between {business_date} and {last}",
                f"{business_date} 至 {last} 超过 {DAYS_AT_ONCE_MAX} 个营业日，请分次补跑",
            )
        days.append(next_open_day(session, days[-1]))
    if days[-1] != last:
        raise _refusal(f"banks are closed on {last}", f"{last} 不是营业日")
    return tuple(days)


def missed_days(session: Session, standing: Standing, clock: Clock) -> MissedDays:
    """Give the open days from the business date to yesterday; a sample organisation lives in its own time: none."""
    if standing.is_sample:
        return MissedDays(days=())
    yesterday = china_day(clock.now()) - timedelta(days=1)
    days: list[date] = []
    day = standing.business_date
    try:
        while day <= yesterday and len(days) < DAYS_AT_ONCE_MAX:
            days.append(day)
            day = next_open_day(session, day)
    except MissingData:
        return MissedDays(days=tuple(days), unknown_from=day)
    return MissedDays(days=tuple(days))


def _gap(first: date, business_date: date) -> Conflict:
    why, zh = (
        (f"the days from {business_date} on would be left out", f"{business_date} 起的营业日将被跳过")
        if first > business_date
        else (
            f"{first} is closed; the business date is {business_date}",
            f"{first} 已日终，当前业务日期为 {business_date}",
        )
    )
    return Conflict(
        why,
        zh=zh,
        field="business_date",
        remedy=f"Begin with {business_date}.",
        remedy_zh=f"请从 {business_date} 开始。",
        business_date=business_date.isoformat(),
    )


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        why,
        zh=zh,
        field="last_date",
        remedy="Name an open day from the business date to today.",
        remedy_zh="请填写当前业务日期至今日之间的营业日。",
    )
