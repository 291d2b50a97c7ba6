"""Commands over one table: history, difference, trial, files out, and a draft or proposal as its checker sees it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carbonfin.app.rulebook.commands.options import Follows, KnownAt, KnownFrom, KnownOn, Node, On, Sheet, ValidFrom

if TYPE_CHECKING:
    from carbonfin.app.rulebook.draft_views import DraftView
    from carbonfin.rules.live_impact import LiveImpact
    from carbonfin.web.terminal import Terminal

Name = Annotated[str, typer.Argument(help="决策表名 / the table's name")]
Key = Annotated[str, typer.Option(help="版本，见 history 的 key 列 / a version by its key")]


def history_command(
    context: typer.Context, name: Name, on: On = None, known_on: KnownOn = None, known_at: KnownAt = ""
) -> None:
    """列出决策表的各版本及其在两个日期下的状态 / every version of a table and what became of it on both dates."""
    from carbonfin.app.rulebook.command_files import dated_shelf, dates_said
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    dates = dates_said(terminal, on=on, known_on=known_on, known_at=known_at)
    rows = [
        {"key": one.key, "state_zh": one.state[1].zh, "state": one.state[1].en, "is_in_force": one.is_in_force,
         "valid_from": one.version.valid_from, "valid_to": one.version.valid_to,
         "known_from": one.version.known_from, "known_at": one.version.known_at,
         "digest": one.version.table.digest,
         "approved_by": "、".join(one.version.approved_by) or "产品内置"}
        for one in dated_shelf(terminal, dates).history(name)
    ]  # fmt: skip
    terminal.answer(
        rows, columns=("key", "state_zh", "valid_from", "valid_to", "known_from", "approved_by", "digest")
    )  # fmt: skip


def diff_command(context: typer.Context, name: Name, old: Key = "", new: Key = "") -> None:
    """比较决策表的两个版本；默认最早与最近知悉的版本 / what one version says otherwise than another."""
    from carbonfin.app.rulebook.command_files import dated_shelf, dates_said
    from carbonfin.app.rulebook.shelf import chosen
    from carbonfin.rules.difference import differences
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    history = dated_shelf(terminal, dates_said(terminal)).history(name)
    before = chosen(history, old) if old else history[-1]
    after = chosen(history, new) if new else history[0]
    terminal.say(f"{before.key} → {after.key}")
    terminal.answer(
        list(differences(before.version.table, after.version.table)),
        columns=("kind", "row", "column", "before", "after"),
    )


def try_command(
    *,
    context: typer.Context,
    name: Name,
    given: Annotated[list[str] | None, typer.Option("--input", help="输入项=值，可多次 / name=value")] = None,
    on: On = None,
    known_on: KnownOn = None,
    known_at: KnownAt = "",
    version: Key = "",
    file: Annotated[Path | None, typer.Option(help="试算文件中的草案 / the draft in a file instead")] = None,
    valid_from: ValidFrom = None,
    known_from: KnownFrom = None,
    follows: Follows = "",
    node: Node = "",
    sheet: Sheet = None,
) -> None:
    """试算决策表的一个版本或文件中的草案，逐行列出结果；不留存 / ask a version or a draft, row by row."""
    from msgspec import to_builtins

    from carbonfin.app.rulebook.command_files import beside_file, dated_shelf, dates_said, tables_on_disk
    from carbonfin.app.rulebook.shelf import chosen
    from carbonfin.app.rulebook.trials import TrialAnswerOut, inputs_typed, trial_inputs
    from carbonfin.kernel.errors import NotFound
    from carbonfin.rules.compiled_tables import compiled
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    if file is None:
        shelf = dated_shelf(terminal, dates_said(terminal, on=on, known_on=known_on, known_at=known_at))
        history = shelf.history(name)
        found = chosen(history, version).version if version else shelf.in_force(name)
    else:
        beside = beside_file(valid_from=valid_from, known_from=known_from, follows=follows, node=node, sheet=sheet)
        read = tables_on_disk(context, file, beside).versions
        found = next((one for one in read if one.table.name == name), None)
    if found is None:
        raise NotFound(
            f"no version of table {name} answers", zh=f"决策表 {name} 没有适用的版本", field="name",
            remedy="See `rules history`, or name a version.", remedy_zh="请以 rules history 查看各版本，或指明版本。",
        )  # fmt: skip
    table = found.table
    answer = TrialAnswerOut.of(compiled(table).decide(trial_inputs(table, inputs_typed(given or ()))))
    whole = {"table": table.name, "digest": table.digest, "valid_from": found.valid_from, **to_builtins(answer)}
    if terminal.json_output:
        terminal.answer(whole)
        return
    terminal.answer({key: value for key, value in whole.items() if key != "tried"})
    terminal.answer(whole["tried"], columns=("row_id", "state", "failed_column", "cell", "unknown_columns"))


def export_command(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="写入的文件：.xlsx、.csv、.toml 或 .json（JDM）/ the file to write")],
    version: Key = "",
) -> None:
    """将决策表的一个版本写为工作簿、CSV、TOML 或 JDM / write a version as a workbook, CSV, TOML or JDM."""
    from carbonfin.app.rulebook.command_files import dated_shelf, dates_said
    from carbonfin.app.rulebook.exports import table_file
    from carbonfin.app.rulebook.shelf import chosen
    from carbonfin.web.terminal import terminal_of, written

    terminal = terminal_of(context)
    found = chosen(dated_shelf(terminal, dates_said(terminal)).history(name), version)
    written(file, table_file(found.version, file.suffix.removeprefix(".").lower()))
    terminal.answer({"file": str(file), "key": found.key, "digest": found.version.table.digest})


def review_command(
    *,
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="决策表文件 / the tables' file")] = None,
    proposal: Annotated[str, typer.Option(help="审批编号，代替文件 / an approval instead of a file")] = "",
    valid_from: ValidFrom = None,
    known_from: KnownFrom = None,
    follows: Follows = "",
    node: Node = "",
    sheet: Sheet = None,
) -> None:
    """查看草案或已发起的决策表：差异、校验、生效安排、对存续业务的影响 / a draft or proposal as its checker sees it."""
    from carbonfin.app.rulebook.command_files import beside_file, draft_shelf, tables_on_disk
    from carbonfin.app.rulebook.draft_views import draft_views
    from carbonfin.app.rulebook.live_impacts import live_impacts
    from carbonfin.kernel.errors import InvalidInput
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    if (file is None) is not bool(proposal):
        raise InvalidInput(
            "name a file or a proposal, one of them", zh="请填写文件或审批编号之一", field="file",
            remedy="Give FILE or --proposal ID.", remedy_zh="请给出 FILE 或 --proposal 编号。",
        )  # fmt: skip
    if file is None:
        reviewed = [_proposed(terminal, proposal)]
    else:
        beside = beside_file(valid_from=valid_from, known_from=known_from, follows=follows, node=node, sheet=sheet)
        read = tables_on_disk(context, file, beside)
        shelf = draft_shelf(terminal)
        with terminal.sessions.read() as session:
            reviewed = [
                (one, live_impacts(session, terminal.actor, one.version))
                for one in draft_views(session, terminal.actor, shelf, read.versions, read.places)
            ]
    answers = [_review(*one) for one in reviewed]
    if terminal.json_output:
        terminal.answer(answers)
        return
    for answer in answers:
        _tell(terminal, answer)


def _proposed(terminal: "Terminal", approval_id: str) -> "tuple[DraftView, tuple[LiveImpact, ...]]":
    from carbonfin.app.rulebook.draft_views import proposed_table
    from carbonfin.app.rulebook.live_impacts import impacts_of
    from carbonfin.kernel.errors import NotFound
    from carbonfin.storage import approvals

    with terminal.sessions.read() as session:
        approval = approvals.load_approval(session, terminal.actor, approval_id)
        draft = proposed_table(session, terminal.actor, terminal.clock, approval)
        impacts = impacts_of(session, terminal.actor, approval)
    if draft is None:
        raise NotFound(
            f"approval {approval_id} is about no decision table", zh="该审批不是决策表", field="proposal"
        )  # fmt: skip
    return draft, impacts


def _review(draft: "DraftView", impacts: "tuple[LiveImpact, ...]") -> dict[str, Any]:
    """Give a draft as systems are told it, with what it would do to everything that stands."""
    from msgspec import to_builtins

    from carbonfin.app.rulebook.live_impacts import impacts_out
    from carbonfin.app.rulebook.table_api import DraftReviewOut

    return {**to_builtins(DraftReviewOut.of(draft)), "impacts": to_builtins(impacts_out(impacts))}


def _tell(terminal: "Terminal", answer: dict[str, Any]) -> None:
    """Tell a person the parts one after another."""
    version, current = answer["version"], answer["in_force"]
    terminal.say(
        f"{version['name']}：{version['valid_from']} 起，{version['known_from']} 知悉；"
        + ("可发起" if answer["may_be_proposed"] else "校验未通过，不能发起")
        + f"；{'首次采用' if current is None else '与现行版本相比 ' + str(len(answer['changes'])) + ' 处不同'}"
    )
    terminal.answer(answer["changes"], columns=("kind", "row", "column", "before", "after"))
    findings = [
        {"后果": "不能发起" if one["finding"]["is_fatal"] else "仅提示", "说明": one["finding"]["zh"],
         "位置": "、".join(place["place"] for place in one["places"]),
         "反例": "，".join(f"{name} = {value}" for name, value in one["finding"]["counter_example"].items())}
        for one in answer["findings"]
    ]  # fmt: skip
    terminal.answer(findings, columns=("后果", "说明", "位置", "反例"))
    spans = [
        {"自": one["first_day"], "至": one["last_day"],
         "现由": _digest(one["before"]), "生效后由": _digest(one["after"])}
        for one in answer["spans"]
    ]  # fmt: skip
    terminal.answer(spans, columns=("自", "至", "现由", "生效后由"))
    for impact in answer["impacts"]:
        terminal.answer({key: value for key, value in impact.items() if not isinstance(value, list)})
        terminal.answer(impact["totals"], columns=("label_zh", "unit", "count", "before", "after", "difference"))


def _digest(version: dict[str, Any] | None) -> str | None:
    return None if version is None else version["digest"][:16]
