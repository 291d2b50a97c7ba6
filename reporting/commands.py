"""Reporting commands: build a quarter's report, hold it against an earlier one, list applications."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of, written
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.differences import DIFFERENCE_TITLES, Stand
from reporting.calc.outcomes import Verdict
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.calc.schemes import Term
from reporting.calc.statistics import Dimension
from reporting.calc.statistics_selection import Selection
from reporting.calc.subsidies import OUTCOME_TITLES
from reporting.schemas import (
    ApplicationOut,
    BankDisclosureOut,
    OutcomeOut,
    ReportDifferenceOut,
    ReportOut,
    StatisticsOut,
    WhatIfOut,
)

commands = typer.Typer(no_args_is_help=True, help="贴息与披露 / subsidies and reports")

_APPLICATION_COLUMNS = ("reference", "scheme", "applicant_name", "note_number", "submitted_at", "gross_cny")
_OUTCOME_COLUMNS = (
    "reference", "applicant_name", "quarter", "as_of", "outcome", "calculated_cny", "granted_cny", "review_zh",
    "reason",
)  # fmt: skip
_CELL_COLUMNS = ("quarter", "kind", "dimension", "name", "count", "enterprise_count", "amount_cny")
_MOVE_COLUMNS = ("reference", "applicant", "outcome_before", "outcome_after", "before_cny", "after_cny", "change_cny")
_FINANCED_COLUMNS = ("note_code", "method", "balance_cny", "emissions_t", "financed_t", "data_quality", "lacks_zh")
_DIFFERENCE_COLUMNS = (
    "kind", "reference", "bank", "outcome_before", "outcome_after", "granted_before_cny", "granted_after_cny",
)  # fmt: skip
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
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.build_report(
            session, terminal.actor, quarter=Quarter.parse(quarter), as_of=day, told_at=standing.known_at
        )
        steps.done("写出 / writing")
        files = [] if out is None else _files_written(out, report)
        steps.done("完成 / done")
    answer = ReportOut.of(report)
    if terminal.json_output:
        terminal.answer(_plain(answer) | {"files": [str(path) for path in files]})
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
    for path in files:
        terminal.say(str(path))


@commands.command("difference")
def difference(
    context: typer.Context,
    report: Annotated[str, typer.Argument(help="报表编号 / identifier of the report")],
    since: Annotated[
        str | None, typer.Option("--since", help="与之比较的报表，缺省为同批次的上一份 / the report it is held against")
    ] = None,
) -> None:
    """列出报表与同批次较早报表的差异 / list what a report says otherwise than an earlier one of its quarter."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.difference_of(session, terminal.actor, report, since=since)
    if terminal.json_output:
        terminal.answer(_plain(ReportDifferenceOut.of(found)))
        return
    terminal.answer(
        [
            {
                "kind": DIFFERENCE_TITLES[line.kind][0], "reference": line.reference, "bank": line.bank,
                "outcome_before": _outcome(line.before), "outcome_after": _outcome(line.after),
                "granted_before_cny": None if line.before is None else line.before.granted_cny,
                "granted_after_cny": None if line.after is None else line.after.granted_cny,
            }
            for line in found.lines
        ],
        columns=_DIFFERENCE_COLUMNS,
    )  # fmt: skip
    for source in found.terms_new:
        terminal.say(f"新条款 {source.scheme_title} {source.title_zh}：{source.value}（{source.source}）")
    for source in found.terms_gone:
        terminal.say(f"原条款 {source.scheme_title} {source.title_zh}：{source.value}（{source.source}）")
    for failure in found.failures_new:
        terminal.say(f"新增未能处理 {failure.item}：{failure.zh}。{failure.remedy_zh}")
    for failure in found.failures_gone:
        terminal.say(f"原未能处理，现已处理 {failure.item}：{failure.zh}")
    granted = f"{_amount(found.granted_before_cny)} → {_amount(found.granted_after_cny)}"
    terminal.say(
        f"{found.quarter} 截至 {found.later_as_of} 与截至 {found.earlier_as_of} 相比：{len(found.lines)} 件不同，"
        f"{found.unchanged_count} 件相同；拟资助{granted}"
    )


def _outcome(stand: Stand | None) -> str:
    return "" if stand is None else OUTCOME_TITLES[stand.outcome][0]


@commands.command("applications")
def applications(context: typer.Context) -> None:
    """列出贴息申请 / list subsidy applications."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.applications_of(session, terminal.actor)
    terminal.answer([_plain(ApplicationOut.of(filed)) for filed in found], columns=_APPLICATION_COLUMNS)


@commands.command("outcomes")
def outcomes(
    context: typer.Context,
    quarter: Annotated[str | None, typer.Option("--quarter", help="申报季度，如 2025Q3 / quarter")] = None,
    outcome: Annotated[Verdict | None, typer.Option("--outcome", help="结论 / outcome")] = None,
) -> None:
    """列出本行贴息申请的审核结果 / list what became of the applications the bank filed, the latest of each."""
    terminal = terminal_of(context)
    asked = service.OutcomesAsked(
        quarter=str(Quarter.parse(quarter, field="--quarter")) if quarter else None, verdict=outcome
    )
    with terminal.sessions.read() as session:
        found = service.outcomes_asked(session, terminal.actor, asked)
    answers = [_plain(OutcomeOut.of(told)) for told in found]
    terminal.answer(
        answers if terminal.json_output else [one | {"reason": one["details"]["reason_zh"]} for one in answers],
        columns=_OUTCOME_COLUMNS,
    )


@commands.command("statistics")
def statistics(
    context: typer.Context,
    *,
    first: Annotated[str | None, typer.Option("--first", help="起始季度，如 2025Q1 / first quarter")] = None,
    last: Annotated[str | None, typer.Option("--last", help="截止季度 / last quarter")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="截至日 YYYY-MM-DD，缺省为业务日期")] = None,
    known_on: Annotated[
        str | None, typer.Option("--known-on", help="认知日 YYYY-MM-DD，缺省为截至日 / day up to which facts are known")
    ] = None,
    bank: Annotated[str | None, typer.Option("--bank", help="银行 / bank")] = None,
    district: Annotated[str | None, typer.Option("--district", help="区 / district")] = None,
    industry: Annotated[str | None, typer.Option("--industry", help="行业 / industry")] = None,
    product: Annotated[str | None, typer.Option("--product", help="产品 / product")] = None,
    by: Annotated[Dimension, typer.Option("--by", help="口径 / by")] = Dimension.PRODUCT,
    out: Annotated[Path | None, typer.Option("--out", help="写入工作簿 / write the workbook")] = None,
) -> None:
    """按季度统计融资、补贴、降碳与碳预算 / count financing, subsidies, cuts and the carbon budget by quarter."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        asked = None if as_of is None else day_of(as_of, field="--as-of")
        day = service.report_day(session, terminal.actor, terminal.clock, asked=asked)
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        view = service.statistics_view(
            session, terminal.actor, first=Quarter.parse(first, field="--first") if first else None,
            last=Quarter.parse(last, field="--last") if last else None, as_of=day,
            standing=standing, known_on=None if known_on is None else day_of(known_on, field="--known-on"),
            only=Selection(bank=bank, district=district, industry=industry, product=product),
        )  # fmt: skip
        series = () if out is None else service.statistics_series(session, terminal.actor, view, standing=standing)
    if out is not None:
        written(out, service.statistics_workbook(view, series))
    answer = _plain(StatisticsOut.of(view, dimension=by.value))
    if terminal.json_output:
        terminal.answer(answer)
        return
    terminal.answer(answer["financing"], columns=_CELL_COLUMNS)
    terminal.say(
        f"贷款 {answer['loans_count']} 笔 {answer['loans_cny']} 元；授信 {answer['credit_lines_count']} 笔 "
        f"{answer['credit_lines_cny']} 元（不相加）"
    )


@commands.command("disclosure")
def disclosure(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", help="写入工作簿 / write the workbook")] = None,
) -> None:
    """列示银行环境信息披露各表 / show the tables a bank discloses, as of its business date."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        view = service.disclosure_view(session, terminal.actor, standing=standing)
    if out is not None:
        written(out, service.disclosure_workbook(view))
    answer = _plain(BankDisclosureOut.of(view))
    if terminal.json_output:
        terminal.answer(answer)
        return
    terminal.answer(answer["financed"], columns=_FINANCED_COLUMNS)
    for basis in answer["bases"]:
        terminal.say(f"{basis['table']}：{basis['text']}{'' if basis['confirmed'] else '（未确认）'}")


@commands.command("what-if")
def what_if(
    context: typer.Context,
    scheme: Annotated[str, typer.Argument(help="项目代码 / code of the scheme")],
    terms: Annotated[
        list[str], typer.Option("--term", help="试算的条款，如 rate=0.4，可多次 / a term tried, such as rate=0.4")
    ],
    as_of: Annotated[str | None, typer.Option("--as-of", help="截至日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """试算改变项目条款的影响，不改动任何规则 / try other terms of a scheme; no rule changes."""
    terminal = terminal_of(context)
    changes = dict(_term_tried(text) for text in terms)
    with terminal.sessions.read() as session:
        asked = None if as_of is None else day_of(as_of, field="--as-of")
        day = service.report_day(session, terminal.actor, terminal.clock, asked=asked)
        view = service.what_if(session, terminal.actor, scheme, changes, as_of=day)
    answer = _plain(WhatIfOut.of(view))
    if terminal.json_output:
        terminal.answer(answer)
        return
    terminal.answer(answer["moves"], columns=_MOVE_COLUMNS)
    terminal.say(
        f"{view.title}：{view.population_count} 件申请，{len(view.found.moves)} 件变动，"
        f"资金变动 {answer['cost_change_cny']} 元"
    )


def _term_tried(text: str) -> tuple[Term, str]:
    name, sign, value = text.partition("=")
    known = [term.value for term in service.CHANGEABLE]
    if not sign or name not in known:
        raise InvalidInput(
            f"{text!r} names no term that can be tried", zh=f"“{text}”不是可试算的条款", field="--term",
            remedy=f"Write one of {', '.join(known)}, = and the value.",
            remedy_zh=f"请写“条款=取值”，条款为 {'、'.join(known)} 之一。",
        )  # fmt: skip
    return Term(name), value


def _files_written(folder: Path, report: SubsidyReport) -> list[Path]:
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
