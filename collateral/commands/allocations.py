"""The cheapest safe use of a client's units over its pledges on the command line."""

from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import terminal_of
from collateral.schemas.allocations import AllocationIn, AllocationOut, SchemeLimitIn
from collateral.service.allocations import weigh_allocation


def allocate(
    *,
    context: typer.Context,
    pledgor: Annotated[str, typer.Argument(help="出质人统一社会信用代码 / pledgor's USCI")],
    use_cost: Annotated[str, typer.Option(help="占用成本率，例如 0.03 / cost of a yuan tied up")],
    movement_cost: Annotated[str, typer.Option(help="移动成本率，例如 0.001 / cost of a yuan moved")] = "0",
    without: Annotated[list[str] | None, typer.Option(help="不使用的品种 / a unit not to be used")] = None,
    released: Annotated[list[str] | None, typer.Option(help="拟解除的质押 / a pledge let go")] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="每笔需求的品种上限，例如 SZA=0.6 / most of a scheme in each need")
    ] = None,
) -> None:
    """在客户的质押之间以最低成本分配配额，试算不留存 / allocate a client's units at least cost; nothing is kept."""
    terminal = terminal_of(context)
    given = AllocationIn(
        pledgor=pledgor, use_cost_rate=use_cost, movement_cost_rate=movement_cost, without=without or [],
        released=released or [], limits=[_limit(one) for one in limit or []],
    )  # fmt: skip
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, pledgor)
        body = AllocationOut.of(weigh_allocation(session, terminal.actor, given.asked(party.id), standing=standing))
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    if body.is_feasible:
        lines = [msgspec.to_builtins(one) for one in body.lines]
        terminal.answer(lines, columns=("need", "unit", "held_t", "proposed_t", "haircut_ratio"))
    else:
        needs = [msgspec.to_builtins(one) for one in body.needs]
        terminal.answer(needs, columns=("name", "required_cny", "shortfall_cny"))
    for one in (*body.reasons, *body.left_out, *body.held_to, *body.notes):
        terminal.say(f"{one.unit}：{one.text_zh}" if one.unit else one.text_zh)


def _limit(text: str) -> SchemeLimitIn:
    scheme, _, ratio = text.partition("=")
    return SchemeLimitIn(scheme=scheme.strip().upper(), limit_ratio=str(parse_decimal(ratio, field="limit")))
