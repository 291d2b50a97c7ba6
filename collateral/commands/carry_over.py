"""Carry-over on the command line."""

from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.allowances import Scheme
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import terminal_of
from carbonfin.web.wire import day_of
from collateral import service
from collateral.schemas.carry_over import CarryOverOut


def carry_over(
    *,
    context: typer.Context,
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
    sold: Annotated[int, typer.Option(min=0, help="窗口期内卖出，吨 / sold, t")],
    bought: Annotated[int, typer.Option(min=0, help="窗口期内买入，吨 / bought, t")],
    registry: Annotated[int, typer.Option(min=0, help="登记持仓可用，吨 / in the registry, t")],
    source: Annotated[str, typer.Option(help="依据 / evidence")],
    applies: Annotated[str, typer.Option(help="申请日 / day of application, YYYY-MM-DD")],
    submitted: Annotated[int, typer.Option(min=0, help="已提交未审核，吨 / submitted, t")],
    late: Annotated[bool, typer.Option("--late/--on-time", help="是否有年度未按时履约 / late on a year, or never")],
    trading: Annotated[int, typer.Option(min=0, help="交易持仓可用，吨 / for trading, t")] = 0,
    frozen: Annotated[int, typer.Option(min=0, help="司法冻结，吨 / judicially frozen, t")] = 0,
    granted: Annotated[int | None, typer.Option(min=0, help="批准结转量，吨 / granted, t")] = None,
    granted_by: Annotated[str, typer.Option(help="批准文件 / document of the grant")] = "",
    record: Annotated[bool, typer.Option("--record", help="留存为决定 / keep as a decision")] = False,
) -> None:
    """计算可结转量，--record 留存 / what an emitter may carry over; --record keeps it."""
    terminal = terminal_of(context)
    draft = service.CarryOverDraft(
        scheme=Scheme.CEA, sold_t=sold, bought_t=bought, registry_t=registry, trading_t=trading,
        judicially_frozen_t=frozen, submitted_t=submitted, is_late=late, applies_on=day_of(applies, field="--applies"),
        source=source, granted_t=granted, granted_source=granted_by,
    )  # fmt: skip
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = party_by_code(session, terminal.actor, party)
        if record:
            kept = service.record_carry_over(session, terminal.actor, found.id, draft, standing=standing)
            body = CarryOverOut.of(kept.outcome, kept.decision_id)
        else:
            outcome = service.try_carry_over(session, terminal.actor, found.id, draft, standing=standing)
            body = CarryOverOut.of(outcome, None)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = ("label_zh", "value", "unit", "formula", "source")
    terminal.answer([msgspec.to_builtins(one) for one in body.trace], columns=columns)
    terminal.say(f"可结转 {body.carried_t} 吨，不再可用 {body.lapsing_t} 吨，计入履约头寸 {body.counted_t} 吨")
