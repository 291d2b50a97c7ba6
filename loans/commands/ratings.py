"""Commands of ratings by the scorecard: rate, print the report, freeze a benchmark."""

from pathlib import Path
from typing import Annotated

import typer

from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import content_of, terminal_of, written
from carbonfin.web.wire import day_of
from loans import service

_Usci = Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")]


def scorecard(
    context: typer.Context, usci: _Usci, year: Annotated[int | None, typer.Option(help="年度 / year")] = None
) -> None:
    """按评分卡评级并留存决定（本系统自有方法，非深圳企业碳账户评级）/ rate an enterprise by the scorecard."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        recorded = service.rate_by_scorecard(session, terminal.actor, party, year=year, standing=standing)
    outcome = recorded.outcome
    terminal.answer(
        {
            "decision_id": recorded.decision_id,
            "method": outcome.rating.method_zh,
            "year": outcome.year,
            "letter": outcome.rating.letter,
            "points": outcome.rating.points,
            "cut_points": outcome.rating.cut_points,
            "coverage_ratio": outcome.rating.coverage_ratio,
            "confidence": outcome.rating.confidence,
            "benchmark_id": outcome.rating.benchmark_id,
            "valid_to": outcome.rating.valid_to,
            "reasons": [reason.text_zh for reason in outcome.reasons],
            "missing": [one.zh for one in (*outcome.rating.missing, *outcome.lacks)],
        }
    )


def rating_report(
    context: typer.Context,
    usci: _Usci,
    out: Annotated[Path, typer.Option("--out", help="写出的 PDF 文件 / PDF to write")],
) -> None:
    """写出最近一次评分卡评级的碳评级报告 / write the report of the latest rating by the scorecard."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        content = service.rating_report_file(
            session, terminal.actor, party.id, standing=standing, verified_at=terminal.verification_address
        )
    written(out, content)
    terminal.answer({"file": str(out)})


def freeze_benchmark(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="行业碳强度样本 CSV 或 xlsx / intensities of sectors")],
    *,
    name: Annotated[str, typer.Option("--name", help="基准名称 / name of the release")],
    released_on: Annotated[str, typer.Option("--released-on", help="发布日 / day of release")],
    source: Annotated[str, typer.Option("--source", help="样本来源 / source")],
) -> None:
    """冻结行业基准；冻结后不再随他人报送而变 / freeze the peers that ratings stand on."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        release = service.freeze_benchmark_file(
            session,
            terminal.actor,
            content=content_of(file),
            file_name=file.name,
            benchmark_id=name,
            released_on=day_of(released_on, field="released_on"),
            source=source,
            standing=standing_of(session, terminal.actor.organization_id, terminal.clock),
        )
    terminal.answer(
        {
            "benchmark_id": release.benchmark_id,
            "released_on": release.released_on,
            "enterprise_count": release.enterprise_count,
            "digest": release.digest,
        }
    )


def rating_letter(
    context: typer.Context,
    usci: _Usci,
    *,
    month: Annotated[str, typer.Option("--month", help="月份，如 2025-06 / month")],
    out: Annotated[Path, typer.Option("--out", help="写出的 PDF 文件 / PDF to write")],
) -> None:
    """写出企业碳评级的月度变动函 / write the letter on what changed of a rating in a month."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        day = day_of(f"{month}-01", field="month")
        content = service.rating_letter_file(
            session, terminal.actor, party.id, month=day, standing=standing, verified_at=terminal.verification_address
        )
    written(out, content)
    terminal.answer({"file": str(out)})


def rating_stability(
    context: typer.Context,
    year: Annotated[int, typer.Argument(min=2006, max=2099, help="后一年度 / the later year")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="另写出年度报告，.pdf 或 .xlsx / also write the yearly report")
    ] = None,
) -> None:
    """列示评级较上年的迁移、分布稳定与各行业变化 / how ratings moved from the year before."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.rating_stability(session, terminal.actor, year, standing=standing)
    if out is not None:
        write = service.stability_workbook if out.suffix.lower() == ".xlsx" else service.stability_report_pdf
        written(out, write(report, standing=standing))
    terminal.answer(
        {
            "year": report.year,
            "both_count": report.both_count,
            "mobility_index": report.mobility_index,
            "improved_ratio": report.improved_ratio,
            "worsened_ratio": report.worsened_ratio,
            "index": report.index,
            "level": report.level,
            "transitions": [
                f"{one.before}→{one.after} {one.enterprise_count}" for one in report.transitions if one.enterprise_count
            ],
            "alarms": [one.letter for one in report.jumps if one.is_alarm],
        }
    )


def four_colours(
    context: typer.Context, usci: _Usci, year: Annotated[int | None, typer.Option(help="年度 / year")] = None
) -> None:
    """按四色评价并留存决定（本系统自有方法，参照衢州“三维四色”）/ rate an enterprise by four colours."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        recorded = service.rate_by_four_colours(session, terminal.actor, party, year=year, standing=standing)
    outcome = recorded.outcome
    terminal.answer(
        {
            "decision_id": recorded.decision_id,
            "method": outcome.method_zh,
            "year": outcome.year,
            "colour": outcome.colour,
            **{one.name: one.colour for one in outcome.dimensions},
            "benchmark_id": outcome.benchmark_id,
            "missing": [one.zh for one in outcome.missing],
        }
    )
