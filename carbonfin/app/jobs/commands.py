"""The commands `carbonfin jobs …`: run a day's end at once, ask the worker for it, look, catch up, be the worker."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from carbonfin.app.jobs.overview import StepState
    from carbonfin.storage.jobs import JobRun

commands = typer.Typer(no_args_is_help=True, help="批量作业 / jobs")
_RUN_COLUMNS = ("job", "business_date", "done_count", "failures", "repeated")


@commands.command("end-of-day")
def end_of_day(
    context: typer.Context,
    business_date: Annotated[str | None, typer.Option(help="业务日期 / business date, YYYY-MM-DD")] = None,
    registry: Annotated[str | None, typer.Option(help="登记系统地址 / address of the registry")] = None,
    roll: Annotated[bool, typer.Option("--roll", help="完成后进入下一营业日 / then move to the next open day")] = False,
) -> None:
    """立即日终：计提、敞口、重估、覆盖率、通知、审批 / run the end of day here and now."""
    from contextlib import ExitStack

    from carbonfin.app.jobs.end_of_day import roll_to_next_open_day, run_end_of_day, steps_for
    from carbonfin.app.jobs.registry import registry_opener
    from carbonfin.app.settings import settings_from
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    day = _day(business_date, "--business-date")
    with ExitStack() as stack:
        opener = registry_opener(terminal.clock, address=registry)
        asked = None if opener is None else stack.enter_context(opener())
        total = len(steps_for(terminal.actor.organization_kind))
        steps = stack.enter_context(terminal.progress("日终", total=total))
        runs = run_end_of_day(
            terminal.sessions, terminal.actor, clock=terminal.clock, signer=settings_from().signing.signer(),
            business_date=day, registry=asked, on_step=steps.done,
        )  # fmt: skip
    terminal.answer(runs if terminal.json_output else _in_words(runs), columns=_RUN_COLUMNS)
    if roll:
        following = roll_to_next_open_day(terminal.sessions, terminal.actor, clock=terminal.clock)
        terminal.say(f"业务日期已进入 {following}")


@commands.command("backfill")
def backfill(
    context: typer.Context,
    first: Annotated[str | None, typer.Option("--from", help="起始日，须为当前业务日期 / the business date")] = None,
    last: Annotated[str | None, typer.Option("--to", help="截止日，须为营业日 / an open day, not after today")] = None,
) -> None:
    """立即补跑：自当前业务日期起逐日日终并进入下一营业日 / close missed days here and now, in order."""
    from carbonfin.app.jobs.days import END_OF_DAY_JOB, days_to_close
    from carbonfin.app.jobs.end_of_day import roll_to_next_open_day, run_end_of_day, steps_for
    from carbonfin.app.settings import settings_from
    from carbonfin.storage.job_requests import open_request_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        days = days_to_close(
            session, terminal.actor, first=_day(first, "--from"), last=_day(last, "--to"), clock=terminal.clock
        )
        waiting = open_request_of(session, terminal.actor.organization_id, END_OF_DAY_JOB)
    if waiting is not None:
        raise _left_to_worker(waiting.id)
    signer = settings_from().signing.signer()
    runs: list[JobRun] = []
    with terminal.progress("补跑", total=len(days) * len(steps_for(terminal.actor.organization_kind))) as steps:
        for day in days:
            runs += run_end_of_day(
                terminal.sessions,
                terminal.actor,
                clock=terminal.clock,
                signer=signer,
                business_date=day,
                on_step=steps.done,
            )
            roll_to_next_open_day(terminal.sessions, terminal.actor, clock=terminal.clock, business_date=day)
    terminal.answer(runs if terminal.json_output else _in_words(runs), columns=_RUN_COLUMNS)


@commands.command("ask")
def ask(
    context: typer.Context,
    last: Annotated[str | None, typer.Option("--to", help="截止日；不填仅当前业务日期 / last day to close")] = None,
    stay: Annotated[bool, typer.Option("--stay", help="最后一日完成后不进入下一营业日 / do not move on")] = False,
) -> None:
    """申请由作业进程日终 / ask the worker to close the business date, or each day up to another."""
    from carbonfin.app.jobs.days import ask_for_end_of_day
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        request = ask_for_end_of_day(
            session, terminal.actor, first=None, last=_day(last, "--to"), rolls=not stay, clock=terminal.clock
        )
    terminal.answer(request)


@commands.command("status")
def status(context: typer.Context) -> None:
    """查看业务日期、步骤、申请与作业进程 / the business date, its steps, requests, and whether a worker is there."""
    from carbonfin.app.jobs.overview import overview
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        seen = overview(session, terminal.actor, terminal.clock)
    if terminal.json_output:
        terminal.answer(seen)
        return
    terminal.say(f"业务日期 {seen.business_date}；作业进程{'在运行' if seen.worker_is_alive else '未运行'}")
    if seen.missed.days:
        terminal.say(f"待补跑 {len(seen.missed.days)} 个营业日：{seen.missed.days[0]} 至 {seen.missed.days[-1]}")
    terminal.answer(_in_words(seen.steps), columns=("name", "state", "finished_at", "done_count", "failures"))
    terminal.answer(
        seen.requests,
        columns=("id", "business_date", "last_date", "state", "step_date", "step", "done_count", "total_count",
                 "failure_zh"),
    )  # fmt: skip


@commands.command("work")
def work_command(
    context: typer.Context,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="无待办时结束 / end when nothing waits")] = False,
) -> None:
    """运行作业进程，直到中断 / be the worker until told to stop."""
    import signal
    import threading

    from carbonfin.app.cli import opened
    from carbonfin.app.jobs.end_of_day import Means
    from carbonfin.app.jobs.registry import registry_opener
    from carbonfin.app.jobs.worker import work
    from carbonfin.app.logs import open_logs
    from carbonfin.app.messages.worker import deliverer
    from carbonfin.app.settings import settings_from
    from carbonfin.kernel.dates import SystemClock
    from carbonfin.storage.engine import Sessions

    assert context is not None
    open_logs()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = settings_from()
    engine = opened(settings.database_url)
    clock = SystemClock()
    means = Means(clock=clock, signer=settings.signing.signer(), registry=registry_opener(clock))
    work(Sessions(engine), means=means, stop=stop, until_idle=until_idle, deliver=deliverer(settings))
    engine.dispose()


def _day(text: str | None, field: str) -> "date | None":
    from carbonfin.web.wire import day_of

    return None if text is None else day_of(text, field=field)


def _in_words(rows: "Iterable[JobRun | StepState]") -> list[dict[str, object]]:
    """Give rows for a table, with what could not be done as sentences."""
    return [
        {**asdict(row), "failures": "；".join(f"{one.item}：{one.zh} / {one.detail}" for one in row.failures) or None}
        for row in rows
    ]


def _left_to_worker(request_id: str) -> Exception:
    from carbonfin.kernel.errors import Conflict

    return Conflict(
        f"the worker has been asked to close days, as request {request_id}",
        zh=f"已有日终申请（{request_id}）由作业进程执行",
        remedy="Wait until it has ended: `carbonfin jobs status`.",
        remedy_zh="请待其结束：carbonfin jobs status。",
    )
