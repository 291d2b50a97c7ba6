"""Telling people and systems how the day ended: its close, items not done, and what became of a request."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import ChainFault
from carbonfin.storage.job_requests import JobRequest
from carbonfin.storage.jobs import JobOutcome, job_runs_of
from carbonfin.storage.messages import InboxNotice, publish, tell
from carbonfin.storage.parties import actor_of
from carbonfin.web.language import Text
from collateral import service as collateral

DAY_CLOSED = "event.end_of_day.closed"


def tell_of_the_day(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Tell systems that the day is closed and with how many calls, and risk of what could not be done.

    Each call was told when it was issued, in the transaction that issued it.
    """
    issued = [call for call in collateral.live_calls(session, actor) if call.issued_on == business_date]
    runs = job_runs_of(session, actor.organization_id, business_date)
    not_done = [failure for run in runs for failure in run.failures]
    if not_done:
        tell(session, _items_not_done(actor, business_date, len(not_done)), clock.now())
    payload = {"business_date": business_date.isoformat(), "call_count": len(issued), "not_done_count": len(not_done)}
    publish(session, actor, subject="end-of-day", kind=DAY_CLOSED, payload=payload)
    return JobOutcome(done_count=1 + bool(not_done))


def tell_of_the_end(session: Session, actor: Actor, request: JobRequest, step: Text | None, *, at: datetime) -> None:
    """Tell who asked, or where a system asked those who may ask again, that a request is done or where it stopped.

    Args:
        session: The open transaction.
        actor: The worker, for the request's organisation.
        request: As it ended.
        step: The words for the step it stopped at; None where it did not.
        at: The present instant.
    """
    is_done = request.failure is None
    days = f"{request.business_date}" if request.last_date == request.business_date else (
        f"{request.business_date} – {request.last_date}"
    )  # fmt: skip
    where_zh = f"停在 {request.step_date} {step.zh}：" if step is not None else ""
    where_en = f"Stopped on {request.step_date} at: {step.en}. " if step is not None else ""
    person_id = _person_who_asked(session, request)
    notice = InboxNotice(
        organization_id=request.organization_id,
        key=f"job:{request.id}",
        kind="job.done" if is_done else "job.failed",
        subject=f"job:{request.id}",
        title_zh=f"日终{'已完成' if is_done else '中止'} {days}",
        title_en=f"End of day {'done' if is_done else 'stopped'} {days}",
        text_zh="全部步骤已完成。"
        if is_done
        else f"{where_zh}{request.failure_zh}。处理后请重新申请，将从停下处继续。",
        text_en="Every step is done." if is_done else f"{where_en}{request.failure}. Settle it and ask again.",
        address=f"/jobs/{request.id}",
        role=None if person_id is not None else _askers(actor),
        person_id=person_id,
    )
    tell(session, notice, at)


def tell_of_the_broken_chain(
    session: Session, actor: Actor, business_date: date, fault: ChainFault, *, at: datetime
) -> None:
    """Tell the auditor that the chain of decisions does not verify and was not signed."""
    notice = InboxNotice(
        organization_id=actor.organization_id,
        key=f"chain:{business_date}",
        kind="chain.broken",
        subject="chain",
        title_zh=f"决定链核对不符，{business_date} 未签名",
        title_en=f"The decision chain does not verify; not signed for {business_date}",
        text_zh=f"{fault.zh}。请停止变更，保留数据库现状并核查。",
        text_en=f"{fault.detail}. Keep the database as it is and find out why.",
        address="/decisions/chain",
        role=Role.AUDITOR,
    )
    tell(session, notice, at)


def _items_not_done(actor: Actor, business_date: date, count: int) -> InboxNotice:
    return InboxNotice(
        organization_id=actor.organization_id,
        key=f"end-of-day:{business_date}:not-done",
        kind="job.items_not_done",
        subject=f"end-of-day:{business_date}",
        title_zh=f"日终有 {count} 项未能处理 {business_date}",
        title_en=f"{count} items not done at the end of {business_date}",
        text_zh="各项及原因列在日终页面；多为缺少行情、汇率或参数，补录后次日日终将重新计算。",
        text_en="Each is listed with its reason on the page of the day's end; mostly a quote or a rate is missing.",
        address="/jobs",
        role=Role.RISK,
    )


def _person_who_asked(session: Session, request: JobRequest) -> str | None:
    try:
        return actor_of(session, request.asked_by).id
    except NotFound:
        return None


def _askers(actor: Actor) -> Role:
    return Role.CHECKER if actor.organization_kind is OrganizationKind.BANK else Role.BUREAU
