"""The end of a business day: registry, rates, accrue, revalue, headroom, call, report, remind, tell, decide, sign.

Each step is one transaction with the note that it ran for the job, the organisation and the business date, so whoever
runs it, and however often, its effects are there once. What talks to another system does so before that transaction, in
transactions of its own that may each come twice.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.jobs.notices import tell_of_the_broken_chain, tell_of_the_day
from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.cryptography import Signer
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.kernel.errors import Conflict
from carbonfin.storage import approvals
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.decisions import sign_head
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome, JobRun, job_runs_of, run_job_once
from carbonfin.storage.parties import DayState, roll_business_date, standing_of
from carbonfin.web.language import Text
from collateral import jobs as collateral_jobs
from collateral.registries.port import Registry
from loans import jobs as loan_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a step has beside the database: the clock, the signer of the day's chain head, and the registry.

    Attributes:
        registry: Opens the registry; None where none is configured.
    """

    clock: Clock
    signer: Signer
    registry: Callable[[], AbstractContextManager[Registry]] | None = None


Apart = Callable[[Sessions, Actor, date, Means], JobOutcome]
Work = Callable[[Session, Actor, date, Means], JobOutcome]
ROLL = "day.roll"
ROLL_TEXT = Text("进入下一营业日", "move to the next open day")
_BANKS = frozenset({OrganizationKind.BANK})
_ALL = frozenset({OrganizationKind.BANK, OrganizationKind.BUREAU})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the day's end: its name, what it does, the plain function that does it, and for whom.

    Attributes:
        work: Done in the transaction that notes the run; None where all is done before it.
        apart: Done before it, in transactions of its own; done again where the note was not reached.
    """

    name: str
    text: Text
    work: Work | None
    kinds: frozenset[OrganizationKind] = _BANKS
    apart: Apart | None = None


def _of_the_day(work: Callable[[Session, Actor, date], JobOutcome]) -> Work:
    """Give a step that needs no clock: it takes the day alone."""
    return lambda session, actor, day, _: work(session, actor, day)


def _by_the_clock(work: Callable[[Session, Actor, date, Clock], JobOutcome]) -> Work:
    """Give a step that needs the day and the clock."""
    return lambda session, actor, day, means: work(session, actor, day, means.clock)


def carry_out_due(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Carry out what two people approved for a day that has come; what is no longer possible is named and stays."""
    batch = approvals.make_due_effective(
        session, actor, kinds=APPROVAL_KINDS, business_date=business_date, at=clock.now()
    )
    return JobOutcome(done_count=len(batch.values), failures=batch.failures)


def expire_overdue(session: Session, actor: Actor, _: date, clock: Clock) -> JobOutcome:
    """End what was not decided in time."""
    return JobOutcome(done_count=approvals.expire_overdue(session, actor, at=clock.now(), kinds=APPROVAL_KINDS))


def sign_chain(session: Session, actor: Actor, business_date: date, means: Means) -> JobOutcome:
    """Seal what waits and sign the head of the chain; a broken chain is not signed, and the auditor is told."""
    at = means.clock.now()
    signing = sign_head(session, actor, means.signer, business_date=business_date, at=at)
    if signing.fault is None:
        return JobOutcome(done_count=1)
    tell_of_the_broken_chain(session, actor, business_date, signing.fault, at=at)
    fault = signing.fault
    broken = Failure(
        item="decisions", field=None, detail=f"the chain is broken: {fault.detail}", zh=f"决定存证链不完整：{fault.zh}"
    )
    return JobOutcome(done_count=0, failures=(broken,))


def settle_with_registry(sessions: Sessions, actor: Actor, _: date, means: Means) -> JobOutcome:
    """Ask the registry for what is unknown, send what waits, and reconcile; what it does not answer stays held."""
    if means.registry is None:
        return collateral_jobs.registry_left_alone(sessions, actor)
    with means.registry() as registry:
        return collateral_jobs.settle_with_registry(sessions, actor, registry, clock=means.clock)


END_OF_DAY: tuple[Step, ...] = (
    Step(
        name="collateral.registry",
        text=Text("查询未决冻结、发送登记申请并对账", "ask the registry, send what waits, reconcile"),
        work=None,
        apart=settle_with_registry,
    ),
    Step(
        name="loans.resets",
        text=Text("重定价：按已公布的 LPR 调整利率", "reset rates to the published LPR"),
        work=_by_the_clock(loan_jobs.reset_rates),
    ),
    Step(
        name="loans.concessions",
        text=Text("按合同停止或恢复逾期贷款的利率优惠", "stop concessions on overdue, bring them back"),
        work=_by_the_clock(loan_jobs.stop_concessions),
    ),
    Step(
        name="loans.accrue",
        text=Text("计提利息并过账敞口", "accrue interest and post exposure"),
        work=_of_the_day(loan_jobs.accrue_interest),
    ),
    Step(
        name="loans.reroll",
        text=Text("重排暂定还款日", "move provisional payment days"),
        work=_of_the_day(loan_jobs.reroll_provisional_schedules),
    ),
    Step(
        name="loans.notices",
        text=Text("生成还款与逾期通知", "make notices of payments"),
        work=_by_the_clock(loan_jobs.make_loan_notices),
    ),
    Step(
        name="collateral.revalue",
        text=Text("重估押品并计算覆盖率", "revalue pledges and strike coverage"),
        work=_of_the_day(collateral_jobs.revalue),
    ),
    Step(
        name="collateral.headroom",
        text=Text("计算履约余量", "strike compliance headroom"),
        work=_of_the_day(collateral_jobs.strike_headroom),
    ),
    Step(
        name="collateral.calls",
        text=Text("生成预警与追加担保通知", "issue warnings and margin calls"),
        work=_of_the_day(collateral_jobs.issue_calls),
    ),
    Step(
        name="collateral.haircut_reports",
        text=Text("生成上月折扣系数月报", "report last month's haircuts"),
        work=_of_the_day(collateral_jobs.report_haircuts),
    ),
    Step(
        name="collateral.reminders",
        text=Text("提示最后可用日与清缴期限", "remind of last usable dates and surrenders"),
        work=_of_the_day(collateral_jobs.remind),
    ),
    Step(
        name="messages.notices",
        text=Text("通知相关人员与对接系统", "tell people and systems"),
        work=_by_the_clock(tell_of_the_day),
    ),
    Step(
        name="approvals.due",
        text=Text("执行到期生效的审批", "carry out approvals whose day has come"),
        work=_by_the_clock(carry_out_due),
        kinds=_ALL,
    ),
    Step(
        name="approvals.expire",
        text=Text("终止逾期未决的审批", "end approvals not decided in time"),
        work=_by_the_clock(expire_overdue),
        kinds=_ALL,
    ),
    Step(
        name="decisions.sign",
        text=Text("封印并签名决定链", "seal and sign the decision chain"),
        work=sign_chain,
        kinds=_ALL,
    ),
)
"""Facts flow down: what the registry froze is known and loans post what is owed before collateral looks at its cover,
calls follow, people are told; the signature comes last and covers it all."""

STEP_NAMES: Mapping[str, Text] = {step.name: step.text for step in END_OF_DAY} | {ROLL: ROLL_TEXT}


def steps_for(kind: OrganizationKind) -> tuple[Step, ...]:
    """Give the steps of the day's end of a bank or a bureau."""
    return tuple(step for step in END_OF_DAY if kind in step.kinds)


def run_end_of_day(
    sessions: Sessions,
    actor: Actor,
    *,
    clock: Clock,
    signer: Signer,
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
        signer: Signs the head of the decision chain.
        business_date: The day meant; another than the organisation's is refused. None takes the organisation's.
        registry: Where open freezes are asked for, sent and reconciled; None leaves them as they are, and says so.
        on_step: Told what is being done.

    Raises:
        Conflict: The organisation's business date is another.
    """
    with sessions.read() as session:
        day = standing_of(session, actor.organization_id, clock).business_date
    if business_date not in {None, day}:
        raise _other_day(day)
    opened = None if registry is None else lambda: nullcontext(registry)
    means = Means(clock=clock, signer=signer, registry=opened)
    runs = []
    for step in steps_for(actor.organization_kind):
        if on_step is not None:
            on_step(step.text.zh)
        runs.append(run_step(sessions, actor, step, day, means))
    return tuple(runs)


def run_step(sessions: Sessions, actor: Actor, step: Step, day: date, means: Means) -> JobRun:
    """Run one step of a day unless it was run before.

    Raises:
        Conflict: It has not run for that day, and the organisation's business date is another.
    """
    before = None if step.apart is None else _done_apart(sessions, actor, step, day, means)
    with sessions.begin() as session:

        def work() -> JobOutcome:
            business_date = standing_of(session, actor.organization_id, means.clock).business_date
            if business_date != day:
                raise _other_day(business_date)
            outcome = before if step.work is None else step.work(session, actor, day, means)
            assert outcome is not None, f"step {step.name} does something"
            return outcome

        return run_job_once(
            session,
            job=step.name,
            organization_id=actor.organization_id,
            business_date=day,
            clock=means.clock,
            work=work,
        )


def _done_apart(sessions: Sessions, actor: Actor, step: Step, day: date, means: Means) -> JobOutcome | None:
    """Do what a step does before its note; None where the note is there, or the day is another."""
    assert step.apart is not None, f"step {step.name} has work of its own"
    with sessions.read() as session:
        is_due = bool(steps_not_run(session, actor.organization_id, (step,), day))
        is_today = standing_of(session, actor.organization_id, means.clock).business_date == day
    return step.apart(sessions, actor, day, means) if is_due and is_today else None


def roll_to_next_open_day(sessions: Sessions, actor: Actor, *, clock: Clock, business_date: date | None = None) -> date:
    """Move the organisation's business date to the bank's next open day, once the day's end has been run.

    Args:
        sessions: The database.
        actor: Who acts, and for which organisation.
        clock: Stamps the run.
        business_date: The day to be left; where it was left before, nothing happens. None takes the organisation's.

    Raises:
        Conflict: A step of the day's end has not run.
        MissingData: The holiday notice for the next day is not known.
    """
    with sessions.begin() as session:
        day = business_date or standing_of(session, actor.organization_id, clock).business_date

        def work() -> JobOutcome:
            _require_all_steps(session, actor, day)
            following = next_open_day(session, day)
            roll_business_date(session, actor.organization_id, expected=day, to=following, state=DayState.OPEN)
            return JobOutcome(done_count=1)

        run_job_once(
            session, job=ROLL, organization_id=actor.organization_id, business_date=day, clock=clock, work=work
        )
        return standing_of(session, actor.organization_id, clock).business_date


def next_open_day(session: Session, day: date) -> date:
    """Give the bank's next open day after a day, by the notices known at its close.

    Raises:
        MissingData: The holiday notice for it is not known.
    """
    return calendar_on(session, "bank", end_of_china_day(day)).add_open_days(day, 1)


def steps_not_run(session: Session, organization_id: str, steps: Sequence[Step], day: date) -> tuple[Step, ...]:
    """Give the steps of a day that have not run."""
    done = {run.job for run in job_runs_of(session, organization_id, day)}
    return tuple(step for step in steps if step.name not in done)


def _require_all_steps(session: Session, actor: Actor, day: date) -> None:
    for step in steps_not_run(session, actor.organization_id, steps_for(actor.organization_kind), day):
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
