"""The end of a business day, in order: accrue and post exposure, revalue, strike headroom, call, roll the date."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome, JobRun, job_runs_of, run_job_once
from carbonfin.storage.parties import DayState, roll_business_date, standing_of
from carbonfin.web.language import Text
from collateral import jobs as collateral_jobs
from collateral.registries.port import Registry
from loans import jobs as loan_jobs

Work = Callable[[Session, Actor, date], JobOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the day's end: its name, what it does, and the plain function that does it."""

    name: str
    text: Text
    work: Work


END_OF_DAY: tuple[Step, ...] = (
    Step(
        name="loans.accrue",
        text=Text("计提利息并过账敞口", "accrue interest and post exposure"),
        work=loan_jobs.accrue_interest,
    ),
    Step(
        name="loans.reroll",
        text=Text("重排暂定还款日", "move provisional payment days"),
        work=loan_jobs.reroll_provisional_schedules,
    ),
    Step(
        name="collateral.revalue",
        text=Text("重估押品并计算覆盖率", "revalue pledges and strike coverage"),
        work=collateral_jobs.revalue,
    ),
    Step(
        name="collateral.headroom",
        text=Text("计算履约余量", "strike compliance headroom"),
        work=collateral_jobs.strike_headroom,
    ),
    Step(
        name="collateral.calls",
        text=Text("生成预警与追加担保通知", "issue warnings and margin calls"),
        work=collateral_jobs.issue_calls,
    ),
)
"""Facts flow down: loans post what is owed before collateral looks at its cover, and calls come last."""


def run_end_of_day(
    sessions: Sessions,
    actor: Actor,
    *,
    clock: Clock,
    business_date: date | None = None,
    registry: Registry | None = None,
    on_step: Callable[[str], None] | None = None,
) -> tuple[JobRun, ...]:
    """Run the end of the organisation's business day; what was run before is not run again.

    Each step is one transaction with the note that it ran, so a day that stops half way goes on where it stopped.

    Args:
        sessions: The database.
        actor: Who acts, and for which organisation.
        clock: Stamps the runs.
        business_date: The day meant; another than the organisation's is refused. None takes the organisation's.
        registry: Where open freezes are asked for first; None leaves them as they are.
        on_step: Told what is being done.

    Raises:
        Conflict: The organisation's business date is another.
    """
    with sessions.read() as session:
        day = standing_of(session, actor.organization_id, clock).business_date
    if business_date not in {None, day}:
        raise _other_day(day)
    if registry is not None:
        collateral_jobs.query_open_requests(sessions, actor, registry, clock=clock)
        collateral_jobs.dispatch_registry_messages(sessions, actor, registry, clock=clock)
    return tuple(_run(sessions, actor, step, day, clock=clock, on_step=on_step) for step in END_OF_DAY)


def roll_to_next_open_day(sessions: Sessions, actor: Actor, *, clock: Clock) -> date:
    """Move the organisation's business date to the bank's next open day, once the day's end has been run.

    Raises:
        Conflict: A step of the day's end has not run.
        MissingData: The holiday notice for the next day is not known.
    """
    with sessions.begin() as session:
        day = standing_of(session, actor.organization_id, clock).business_date
        _require_all_steps(session, actor, day)
        following = calendar_on(session, "bank", end_of_china_day(day)).add_open_days(day, 1)
        roll_business_date(session, actor.organization_id, expected=day, to=following, state=DayState.OPEN)
    return following


def _run(
    sessions: Sessions, actor: Actor, step: Step, day: date, *, clock: Clock, on_step: Callable[[str], None] | None
) -> JobRun:
    if on_step is not None:
        on_step(step.text.zh)
    with sessions.begin() as session:
        return run_job_once(
            session,
            job=step.name,
            organization_id=actor.organization_id,
            business_date=day,
            clock=clock,
            work=lambda: step.work(session, actor, day),
        )


def _require_all_steps(session: Session, actor: Actor, day: date) -> None:
    done = {run.job for run in job_runs_of(session, actor.organization_id, day)}
    for step in END_OF_DAY:
        if step.name not in done:
            raise _not_run(step, day)


def _not_run(step: Step, day: date) -> Conflict:
    return Conflict(
        f"{step.name} has not run for {day}",
        zh=f"{day} 的日终步骤“{step.text.zh}”尚未完成",
        field="business_date",
        remedy="Run the end of day first.",
        remedy_zh="请先执行日终作业。",
    )


def _other_day(day: date) -> Conflict:
    return Conflict(
        f"the business date is {day}",
        zh=f"当前业务日期为 {day}",
        field="business_date",
        remedy="Run the end of the organisation's own business date.",
        remedy_zh="只能对机构当前业务日期执行日终。",
    )
