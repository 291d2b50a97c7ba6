"""Eligible-collateral schedules on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import terminal_of
from carbonfin.web.wire import day_of
from collateral.schemas.eligibility_schedules import EligibilityScheduleListOut
from collateral.service import eligibility_schedules
from collateral.service.schedule_standings import schedule_standings
from collateral.service.view import desk_view

_SHARE_COLUMNS = ("label_zh", "after_ratio", "after_cny", "limit_ratio", "limit_cny", "is_above")


def propose_schedule(
    *,
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CDM JSON 文件 / CDM JSON")],
    code: Annotated[str, typer.Option(help="清单编号 / code")],
    valid_from: Annotated[str, typer.Option(help="生效日 / valid from, YYYY-MM-DD")],
    document: Annotated[str, typer.Option(help="依据文件 / document")],
    reason: Annotated[str, typer.Option(help="理由 / reason")],
) -> None:
    """提交合格担保品清单，待另一人复核 / propose a schedule of eligible collateral for another person to approve."""
    terminal = terminal_of(context)
    draft = eligibility_schedules.ScheduleDraft(
        code=code, cdm=file.read_text(encoding="utf-8-sig", errors="replace"),
        valid_from=day_of(valid_from, field="valid_from"), document=document, reason=reason,
    )  # fmt: skip
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        waiting = eligibility_schedules.propose_schedule(
            session, terminal.actor, draft, standing=standing, at=terminal.clock.now()
        )
        body = ProposedOut.of(waiting)
    terminal.answer(msgspec.to_builtins(body))


def eligibility(
    context: typer.Context,
    export: Annotated[str, typer.Option(help="输出该编号清单的 CDM JSON / print a schedule's CDM JSON")] = "",
) -> None:
    """列出在册品种对各生效清单的结论与存续押品的清单上限 / verdicts on units held, and shares against limits."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        if export:
            typer.echo(eligibility_schedules.load_schedule(session, export, standing=standing).cdm)
            return
        view = desk_view(session, standing)
        found = eligibility_schedules.verdicts_of_holdings(session, terminal.actor, view)
        stands = schedule_standings(session, terminal.actor, view)
        schedules = eligibility_schedules.schedules_in_force(view)
    body = EligibilityScheduleListOut.of(standing.business_date, schedules, found, stands)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    verdicts, shares = map(msgspec.to_builtins, (body.verdicts, body.shares))
    terminal.answer(verdicts, columns=("unit", "schedule", "is_eligible", "haircut_ratio", "reason_zh"))
    if shares:
        terminal.say("存续押品与清单上限 / the book against the limits of schedules")
        terminal.answer(shares, columns=_SHARE_COLUMNS)
    for one in body.notes:
        terminal.say(one.detail_zh)
