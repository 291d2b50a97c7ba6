"""A simulated default of a pledge on the command line."""

from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from collateral.commands.arguments import pledge_of_code
from collateral.schemas.default_simulations import DefaultAssumedIn, DefaultSimulationOut
from collateral.service.default_simulations import simulate_default


def simulate(
    *,
    context: typer.Context,
    pledge: Annotated[str, typer.Argument(help="质押编号 / pledge")],
    after_days: Annotated[int, typer.Option(min=1, max=2000, help="补足期届满至拍卖，交易日 / trading days")],
    discount: Annotated[str, typer.Option(help="拍卖折价，例如 0.30 / discount of the auction")],
    success: Annotated[str, typer.Option(help="拍卖成交比例，例如 0.60 / part of auctions that sell")],
    costs: Annotated[str, typer.Option(help="处置费用，元 / costs, CNY")] = "0.00",
) -> None:
    """模拟一笔质押的违约处置，不留存 / simulate a pledge's default; nothing is kept."""
    terminal = terminal_of(context)
    given = DefaultAssumedIn(after_days=after_days, discount_ratio=discount, success_ratio=success, costs_cny=costs)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = pledge_of_code(session, terminal, pledge)
        body = DefaultSimulationOut.of(
            simulate_default(session, terminal.actor, found.id, given.assumed(), standing=standing)
        )
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    terminal.answer([msgspec.to_builtins(one) for one in body.recovery_quantiles], columns=("level", "value"))
    terminal.say(
        f"债权 {body.claim_cny} 元：平均回收率 {body.recovery_mean_ratio}（标准误 {body.recovery_error_ratio}），"
        f"受损概率 {body.shortfall_ratio}，平均退还出质人 {body.surplus_mean_cny} 元"
    )
    for one in body.units:
        if one.season.note_zh:
            terminal.say(f"{one.unit}：{one.season.note_zh}")
