"""Reporting commands: build a quarter's report, list applications."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.terminal import terminal_of
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.calc.subsidies import OUTCOME_TITLES
from reporting.schemas import ApplicationOut, ReportOut

commands = typer.Typer(no_args_is_help=True, help="贴息与披露 / subsidies and reports")

_APPLICATION_COLUMNS = ("reference", "scheme", "applicant_name", "note_number", "submitted_at", "gross_cny")
_LINE_COLUMNS = ("reference", "applicant", "scheme", "outcome", "calculated_cny", "proposed_cny", "reason")


@commands.command("build")
def build(
    context: typer.Context,
    quarter: Annotated[str, typer.Argument(help="季度，如 2025Q3 / quarter, such as 2025Q3")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="报表日 YYYY-MM-DD，缺省为业务日期")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="写入 xlsx、csv、json 的目录 / folder for the files")
    ] = None,
) -> None:
    """生成一个季度的贴息报表并留存决定 / build a quarter's report and keep its decisions."""
    terminal = terminal_of(context)
    with terminal.progress("贴息报表 / report", total=3) as steps, terminal.sessions.begin() as session:
        asked = None if as_of is None else day_of(as_of, field="--as-of")
        day = service.report_day(session, terminal.actor, terminal.clock, asked=asked)
        steps.done("逐件审核 / deciding")
        report = service.build_report(session, terminal.actor, quarter=Quarter.parse(quarter), as_of=day)
        steps.done("写出 / writing")
        written = [] if out is None else _written(out, report)
        steps.done("完成 / done")
    answer = ReportOut.of(report)
    if terminal.json_output:
        terminal.answer(_plain(answer) | {"files": [str(path) for path in written]})
        return
    terminal.answer(
        [
            {
                "reference": line.application.reference,
                "applicant": line.application.applicant_name,
                "scheme": line.scheme_title,
                "outcome": OUTCOME_TITLES[line.decision.outcome][0],
                "calculated_cny": line.decision.calculated_cny,
                "proposed_cny": line.decision.proposed_cny,
                "reason": line.decision.reason_zh,
            }
            for line in report.lines
        ],
        columns=_LINE_COLUMNS,
    )
    for failure in report.failures:
        terminal.say(f"未能处理 {failure.item}：{failure.zh}。{failure.remedy_zh}")
    terminal.say(
        f"{report.quarter} 截至 {report.as_of}：{len(report.lines)} 件，测算{_amount(report.calculated_cny)}，"
        f"拟资助{_amount(report.proposed_cny)}；报表 {report.report_id}"
    )
    for path in written:
        terminal.say(str(path))


@commands.command("applications")
def applications(context: typer.Context) -> None:
    """列出贴息申请 / list subsidy applications."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.applications_of(session, terminal.actor)
    terminal.answer([_plain(ApplicationOut.of(filed)) for filed in found], columns=_APPLICATION_COLUMNS)


def _written(folder: Path, report: SubsidyReport) -> list[Path]:
    contents = {
        "xlsx": service.report_workbook(report),
        "csv": service.report_csv(report),
        "json": service.report_json(report),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in contents.items():
            (folder / f"subsidy-report-{report.quarter}.{ending}").write_bytes(content)
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be written: {error.strerror}", zh=f"无法写入 {folder}", field="--out"
        ) from error
    return [folder / f"subsidy-report-{report.quarter}.{ending}" for ending in contents]


def _amount(value: Decimal | None) -> str:
    return "未决定" if value is None else f" {value} 元"


def _plain(answer: Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain
