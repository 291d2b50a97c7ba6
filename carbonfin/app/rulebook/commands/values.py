"""A parameter's values on the command line: `carbonfin rules parameter-history | parameter-diff`."""

from typing import Annotated

import typer

from carbonfin.app.rulebook.commands.options import KnownAt, KnownOn, On

Key = Annotated[str, typer.Argument(help="参数代码 / the parameter")]


def parameter_history_command(
    context: typer.Context, key: Key, on: On = None, known_on: KnownOn = None, known_at: KnownAt = ""
) -> None:
    """列出参数的历次取值及其在两个日期上的状态 / list every value a parameter has had, by both dates."""
    from carbonfin.app.rulebook.command_files import dates_said
    from carbonfin.app.rulebook.parameter_list import history_of, whole_book
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    dates = dates_said(terminal, on=on, known_on=known_on, known_at=known_at)
    with terminal.sessions.read() as session:
        history = history_of(whole_book(session, terminal.actor), key, dates)
    terminal.answer(
        [
            {"scope": one.value.scope, "value": one.value.value, "unit": one.value.unit, "state": one.state[1].en,
             "state_zh": one.state[1].zh, "valid_from": one.value.valid_from, "valid_to": one.value.valid_to,
             "known_from": one.value.known_from, "known_at": one.value.known_at, "document": one.value.document,
             "digest": one.value.digest}
            for one in history
        ],
        columns=("scope", "value", "unit", "state_zh", "valid_from", "valid_to", "known_from", "digest"),
    )  # fmt: skip


def parameter_diff_command(
    *,
    context: typer.Context,
    key: Key,
    scope: Annotated[str, typer.Option(help="适用范围 / scope")] = "",
    old: Annotated[str, typer.Option(help="旧取值的摘要，默认最早知悉者 / digest, by default the first known")] = "",
    new: Annotated[str, typer.Option(help="新取值的摘要，默认最近知悉者 / digest, by default the last known")] = "",
) -> None:
    """比较参数的两个取值，逐项列出差异 / say what one value of a parameter says otherwise than another."""
    from carbonfin.app.rulebook.command_files import dates_said
    from carbonfin.app.rulebook.parameter_difference import field_changes
    from carbonfin.app.rulebook.parameter_list import history_of, value_named, whole_book
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        history = history_of(whole_book(session, terminal.actor), key, dates_said(terminal))
    before, after = (
        value_named(history, old, scope=scope, last=False),
        value_named(history, new, scope=scope, last=True),
    )
    terminal.answer(
        [
            {"field": one.name.en, "field_zh": one.name.zh, "before": one.before.zh, "after": one.after.zh}
            for one in field_changes(before, after)
        ],
        columns=("field_zh", "before", "after"),
    )
