"""Commands over the rulebook: tables proven, listed, tried over cases and proposed, and parameters."""

from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carbonfin.app.rulebook.commands.options import (
    Draft,
    Follows,
    KnownAt,
    KnownFrom,
    KnownOn,
    Node,
    On,
    Sheet,
    ValidFrom,
)

if TYPE_CHECKING:
    from carbonfin.app.rulebook.parameter_proposals import TypedValue
    from carbonfin.app.rulebook.shelf import Dates
    from carbonfin.rules.tables import TableVersion
    from carbonfin.web.terminal import Terminal

commands = typer.Typer(no_args_is_help=True, help="规则：决策表与参数的校验、试算、发起、查询 / rules as code")

_UNSOUND = 1
File = Annotated[Path, typer.Argument(help="决策表文件，.toml、.xlsx 或 .json（JDM）/ the tables' file")]


@commands.command("validate")
def validate_command(
    *,
    context: typer.Context,
    file: File,
    valid_from: ValidFrom = None,
    known_from: KnownFrom = None,
    follows: Follows = "",
    node: Node = "",
    sheet: Sheet = None,
) -> None:
    """校验决策表：缺口、重叠、无效行、读取约定；不可发布则退出码为 1 / prove tables sound and read, or show why not."""
    from carbonfin.app.rulebook.command_files import beside_file, tables_on_disk
    from carbonfin.app.rulebook.views import findings_of
    from carbonfin.rules.file_places import finding_places
    from carbonfin.web.terminal import plain_answer

    beside = beside_file(valid_from=valid_from, known_from=known_from, follows=follows, node=node, sheet=sheet)
    read = tables_on_disk(context, file, beside)
    found = [
        {"table": version.table.name, "kind": one.kind.value, "is_fatal": one.is_fatal, "zh": one.zh, "en": one.en,
         "counter_example": one.counter_example,
         "places": [place.place for place in finding_places(one, version.table, places)] if places else []}
        for version, places in zip_longest(read.versions, read.places)
        for one in findings_of(version.table)
    ]  # fmt: skip
    columns = ("table", "kind", "is_fatal", "zh", "places")
    plain_answer(found, json_output=context.meta["json_output"], columns=columns)
    if any(one["is_fatal"] for one in found):
        raise typer.Exit(_UNSOUND)


@commands.command("list")
def list_command(context: typer.Context) -> None:
    """列出本机构与产品内置的决策表及其各版本 / list the organisation's tables and the built-in ones, every version."""
    from carbonfin.app.packages import BUILTIN_TABLES
    from carbonfin.storage.rulebook import table_book_for
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        book = table_book_for(session, terminal.actor.organization_id, builtin=BUILTIN_TABLES)
    rows = [
        {"name": name, "title_zh": one.table.title_zh, "valid_from": one.valid_from, "valid_to": one.valid_to,
         "known_from": one.known_from, "digest": one.table.digest,
         "approved_by": "、".join(one.approved_by) or "产品内置",
         "unconfirmed_count": sum(not row.clause.confirmed for row in one.table.rows)}
        for name in book.names()
        for one in book.versions(name)
    ]  # fmt: skip
    terminal.answer(
        rows, columns=("name", "title_zh", "valid_from", "valid_to", "known_from", "unconfirmed_count", "approved_by")
    )


@commands.command("show")
def show_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="决策表名 / the table's name")],
    on: On = None,
    known_on: KnownOn = None,
    known_at: KnownAt = "",
) -> None:
    """以 TOML 输出两个日期下适用的决策表 / write the table that is valid on a day, as it was known, as TOML."""
    from carbonfin.app.rulebook.command_files import dates_said
    from carbonfin.rules.table_files import tables_to_toml
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    dates = dates_said(terminal, on=on, known_on=known_on, known_at=known_at)
    typer.echo(tables_to_toml([_in_force(terminal, name, dates)]), nl=False)


@commands.command("impact")
def impact_command(
    *,
    context: typer.Context,
    file: File,
    cases: Annotated[Path, typer.Argument(help="试算样本，CSV，表头为输入项 / cases, a CSV headed by inputs")],
    on: On = None,
    valid_from: ValidFrom = None,
    known_from: KnownFrom = None,
    follows: Follows = "",
    node: Node = "",
    sheet: Sheet = None,
) -> None:
    """试算变更影响：哪些样本由何结果变为何结果、相差多少 / what a draft would change over these cases."""
    from carbonfin.app.rulebook.command_files import beside_file, dates_said, tables_on_disk
    from carbonfin.app.rulebook.files import cases_of
    from carbonfin.kernel.errors import MissingData
    from carbonfin.rules.impact import impact_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    beside = beside_file(valid_from=valid_from, known_from=known_from, follows=follows, node=node, sheet=sheet)
    answers = []
    for draft in tables_on_disk(context, file, beside).versions:
        try:
            current = _in_force(terminal, draft.table.name, dates_said(terminal, on=on)).table
        except MissingData:
            current = None
        impact = impact_of(current, draft.table, cases_of(cases, draft.table))
        answers.append({
            "table": draft.table.name, "is_new": current is None, "cases_count": impact.cases_count,
            "moves_count": len(impact.moves), "undecided_before_count": impact.undecided_before_count,
            "undecided_after_count": impact.undecided_after_count, "difference_total": impact.difference_total,
            "lines": [move.place + 2 for move in impact.moves],
        })  # fmt: skip
    terminal.answer(
        answers,
        columns=(
            "table", "is_new", "cases_count", "moves_count", "undecided_before_count", "undecided_after_count",
            "difference_total",
        ),
    )  # fmt: skip


@commands.command("propose")
def propose_command(
    *,
    context: typer.Context,
    file: File,
    reason: Annotated[str, typer.Option(help="提交理由 / why")],
    declares_gap: Annotated[bool, typer.Option(help="声明空档：其间规则已废止 / repealed between")] = False,
    draft: Draft = False,
    valid_from: ValidFrom = None,
    known_from: KnownFrom = None,
    follows: Follows = "",
    node: Node = "",
    sheet: Sheet = None,
) -> None:
    """发起决策表，由另一人复核后生效，或以 --draft 存为草稿；全部或全不 / propose or draft tables; all or none."""
    from carbonfin.app.packages import TABLE_CONTRACTS
    from carbonfin.app.rulebook.command_files import beside_file, tables_on_disk
    from carbonfin.storage.rulebook import draft_table, propose_table
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    beside = beside_file(valid_from=valid_from, known_from=known_from, follows=follows, node=node, sheet=sheet)
    versions = tables_on_disk(context, file, beside).versions
    with terminal.sessions.begin() as session:
        proposed = [
            (draft_table if draft else propose_table)(
                session,
                terminal.actor,
                one,
                reason=reason,
                at=terminal.clock.now(),
                contracts=TABLE_CONTRACTS,
                declares_gap=declares_gap,
            )
            for one in versions
        ]
    terminal.answer(
        [{"approval": one.id, "subject": one.subject, "state": one.state.value} for one in proposed],
        columns=("approval", "subject", "state"),
    )


@commands.command("parameters")
def parameters_command(
    *,
    context: typer.Context,
    package: Annotated[str, typer.Option(help="pricing、collateral、loans 或 reporting；默认全部 / the package")] = "",
    on: On = None,
    known_on: KnownOn = None,
    known_at: KnownAt = "",
    key: Annotated[str, typer.Option(help="只列该参数 / only this parameter")] = "",
) -> None:
    """按业务与两个日期列出参数取值 / list the parameter values by package and both dates."""
    from carbonfin.app.rulebook.command_files import dates_said
    from carbonfin.app.rulebook.parameter_list import Wanted, whole_book
    from carbonfin.storage.keyset import Place
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    dates = dates_said(terminal, on=on, known_on=known_on, known_at=known_at)
    wanted = Wanted(package=package, key=key)
    with terminal.sessions.read() as session:
        values = whole_book(session, terminal.actor).in_force(valid_on=dates.valid_on, known_at=dates.known_at)
    terminal.answer(
        list(wanted.page(values, Place(limit=len(values) or 1)).items),
        columns=("key", "scope", "value", "unit", "valid_from", "valid_to", "known_from", "document", "confirmed"),
    )


@commands.command("propose-parameter")
def propose_parameter_command(
    *,
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="参数代码 / the parameter")],
    value: Annotated[str, typer.Argument(help="取值 / the value")],
    unit: Annotated[str, typer.Option(help="单位 / its unit")],
    valid_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="生效日 / first day")],
    known_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="知悉日，不早于复核日 / known from")],
    document: Annotated[str, typer.Option(help="依据文件 / the document it comes from")],
    reason: Annotated[str, typer.Option(help="提交理由 / why")],
    scope: Annotated[str, typer.Option(help="适用范围 / scope")] = "",
    valid_to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="失效日 / last day")] = None,
    document_number: Annotated[str, typer.Option(help="文号 / the document's number")] = "",
    article: Annotated[str, typer.Option(help="条款 / article")] = "",
    quote: Annotated[str, typer.Option(help="引文，仅限原文在手 / its own words")] = "",
    grade: Annotated[str, typer.Option(help="read、secondary、memory、unknown 或 sample / grade")] = "unknown",
    confirmed: Annotated[bool, typer.Option(help="已与原文核对 / compared with the document")] = False,
    note: Annotated[str, typer.Option(help="说明 / note")] = "",
    declares_gap: Annotated[bool, typer.Option(help="声明空档：其间规则已废止 / repealed between")] = False,
    evidence: Annotated[list[str] | None, typer.Option(help="依据附件的 SHA-256，可多次 / digests of files")] = None,
    draft: Draft = False,
    preview: Annotated[bool, typer.Option(help="只校验与试算，不发起 / prove and try alone")] = False,
) -> None:
    """发起参数的新取值，由另一人复核后生效；--draft 存为草稿，--preview 只看校验与影响 / propose a value."""
    from carbonfin.app.rulebook.parameter_proposals import TypedValue, proposed
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    typed = TypedValue(
        key=key, scope=scope, value=value, unit=unit, valid_from=valid_from.date(),
        valid_to=None if valid_to is None else valid_to.date(), known_from=known_from.date(), document=document,
        article=article, grade=grade, confirmed=confirmed, note=note,
        document_number=document_number, quote=quote, declares_gap=declares_gap,
    )  # fmt: skip
    if preview:
        _show_preview(terminal, typed)
        return
    with terminal.sessions.begin() as session:
        approval = proposed(
            session,
            terminal.actor,
            typed,
            reason=reason,
            at=terminal.clock.now(),
            evidence=evidence or (),
            is_draft=draft,
        )
    terminal.answer({"approval": approval.id, "subject": approval.subject, "state": approval.state.value})


def _show_preview(terminal: "Terminal", typed: "TypedValue") -> None:
    """Prove and try a value; end with an error where it may not be proposed."""
    import msgspec

    from carbonfin.app.rulebook.live_impacts import impacts_out
    from carbonfin.app.rulebook.parameter_proposals import previewed

    with terminal.sessions.read() as session:
        found = previewed(session, terminal.actor, typed, at=terminal.clock.now())
    terminal.answer(
        {
            "may_be_proposed": not found.faults,
            "faults": [{"field": one.field or "", "zh": one.zh} for one in found.faults],
            "value_now": "" if found.current is None else found.current.value,
            "decisions_count": 0 if found.impact is None else found.impact.decisions_count,
            "moves_count": 0 if found.impact is None else len(found.impact.moves),
            "impacts": msgspec.to_builtins(impacts_out(found.live)),
        }
    )
    if found.faults:
        raise typer.Exit(_UNSOUND)


@commands.command("verify")
def verify_command(context: typer.Context) -> None:
    """核对参数、决策表与复核时是否一致，绕过系统的改动逐项列出 / hold each against what two people approved."""
    from carbonfin.kernel.errors import Conflict
    from carbonfin.storage.rulebook import verify_parameters, verify_tables
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        values, wrong_values = verify_parameters(session, terminal.actor.organization_id)
        tables, wrong_tables = verify_tables(session, terminal.actor.organization_id)
    count, faults = values + tables, (*wrong_values, *wrong_tables)
    if faults:
        listed = [f"{one.name} {one.valid_from} ({one.known_from}): {one.en}" for one in faults]
        raise Conflict(
            f"{len(faults)} of {count} values and tables are not those that were approved: {'; '.join(listed)}",
            zh=f"{count} 项参数与决策表中 {len(faults)} 项与复核时不一致："
            + "；".join(f"{one.name}（{one.valid_from} 起）{one.zh}" for one in faults),
            remedy="Keep the database as it is, find out who wrote past the service, and restore a backup beside it.",
            remedy_zh="请保留数据库现状，查明绕过系统的写入，并另行恢复备份对照。",
        )
    terminal.answer({"verified_count": count, "different_count": 0})


def _in_force(terminal: "Terminal", name: str, dates: "Dates") -> "TableVersion":
    """Give the organisation's table of a name that answers on a pair of dates."""
    from carbonfin.app.rulebook.command_files import dated_shelf

    return dated_shelf(terminal, dates).book.on(name, valid_on=dates.valid_on, known_at=dates.known_at)
