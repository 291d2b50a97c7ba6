"""Commands of compliance positions: what an emitter owes and has, and files of compliance years."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import content_of, terminal_of
from collateral import service
from collateral.schemas.compliance import ComplianceImportOut, SchemePositionOut

_COLUMNS = ("scheme", "year", "surrender_date", "outstanding_t", "usable_t", "to_come_counted_t", "recallable_t",
            "credits_counted_t", "surplus_t", "shortfall_t", "penalty_cny")  # fmt: skip


def compliance(
    context: typer.Context,
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
) -> None:
    """计算一家企业各年度的履约头寸 / an emitter's compliance position by year."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = party_by_code(session, terminal.actor, party)
        positions = service.positions_of(session, terminal.actor, found.id, standing=standing)
    if terminal.json_output:
        terminal.answer([msgspec.to_builtins(SchemePositionOut.of(one)) for one in positions])
        return
    rows = [
        {
            "scheme": str(position.scheme),
            "year": year.compliance_year,
            "surrender_date": year.surrender_date.isoformat(),
            "outstanding_t": year.outstanding_t,
            "usable_t": year.usable_t,
            "to_come_counted_t": year.to_come_counted_t,
            "recallable_t": year.recallable_t,
            "credits_counted_t": year.credits_counted_t,
            "surplus_t": year.surplus_t,
            "shortfall_t": year.shortfall_t,
            "penalty_cny": None
            if year.penalty_low_cny is None
            else f"{year.penalty_low_cny} – {year.penalty_high_cny}",
        }
        for position in positions
        for year in position.outcome.years
    ]
    terminal.answer(rows, columns=_COLUMNS)
    unconfirmed = sorted({name for position in positions for name in position.outcome.unconfirmed})
    if unconfirmed:
        terminal.say("未确认：" + "、".join(unconfirmed))


def import_compliance(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="履约数据 CSV 或 xlsx / compliance years as CSV or xlsx")],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="只读取，不存入 / read only, store nothing")] = False,
) -> None:
    """导入履约数据，整份存入或一行不存 / store a file of compliance years, all rows or none."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.import_compliance_file(
            session, terminal.actor, content=content, file_name=file.name, standing=standing, preview=preview
        )
    terminal.answer(msgspec.to_builtins(ComplianceImportOut.of(report)))
    for failure in report.failures:
        terminal.say(f"{failure.zh} [{failure.field}] {failure.remedy_zh}")
    if report.failures:
        raise typer.Exit(code=1)
