"""Profit explained, by command."""

from typing import Annotated

import typer

from carbonfin.kernel.errors import MissingData
from carbonfin.web.terminal import terminal_of
from pricing import service
from pricing.calc.profit import PROFIT_PART_LABELS, ProfitPart
from pricing.commands.shared import plain, portfolio_of, tell_faults
from pricing.schemas import ProfitOut

_PART_COLUMNS = tuple(f"{part}_cny" for part in ProfitPart)


def profit(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="组合代码 / portfolio code")],
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", help="期初估值编号，缺省为上一次 / opening valuation, the one before if none"),
    ] = None,
) -> None:
    """把一个组合最近一次估值的损益归因 / explain a portfolio's change of value up to its last recorded valuation."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        portfolio = portfolio_of(terminal, service.list_portfolios(session, terminal.actor), code)
        last = service.valuations_of(session, terminal.actor, portfolio.id, limit=1)
        if not last:
            raise MissingData(
                f"portfolio {code} has no recorded valuation",
                zh=f"组合 {code} 没有留存的估值",
                field="code",
                remedy="Value it on two days: carbonfin pricing value.",
                remedy_zh="请先在两个日期分别估值并留存。",
            )
        answer = ProfitOut.of(service.explained_profit(session, terminal.actor, last[0].id, since=since))
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    rows = [{"line_id": line.line_id, "change_cny": line.change_cny, **plain(line.parts)} for line in answer.lines]
    terminal.answer(rows, columns=("line_id", "change_cny", *_PART_COLUMNS))
    tell_faults(terminal, answer.failures)
    parts = plain(answer.parts)
    told = "，".join(f"{PROFIT_PART_LABELS[part][0]} {parts[f'{part}_cny']}" for part in ProfitPart)
    terminal.say(
        f"{answer.portfolio_name} {answer.opening_date} 至 {answer.closing_date}：损益 {answer.change_cny} 元；{told}"
    )
