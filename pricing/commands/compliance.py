"""Compliance values of portfolios."""

from typing import Annotated

import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from carbonfin.web.wire import day_of
from pricing import service
from pricing.commands.shared import plain, portfolio_of
from pricing.feeds.obligation_texts import read_net_sales, read_obligations
from pricing.schemas import ComplianceValueOut

_COLUMNS = ("unit", "quantity_t", "state", "last_usable_date", "surrendered_t", "carried_t", "lapsed_t", "value_cny")


def compliance_value(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="组合代码 / portfolio code")],
    *,
    obligations: Annotated[
        list[str] | None,
        typer.Option(
            "--owed", help="清缴义务：品种,年度,吨数[,截止日]，可重复 / CEA,2024,50000[,2025-12-31], repeated"
        ),
    ] = None,
    net_sales: Annotated[
        list[str] | None, typer.Option("--net-sales", help="净卖出量：品种,吨数，可重复 / CEA,12000, repeated")
    ] = None,
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """按清缴义务计一个组合的履约价值、缺口与罚款区间 / value a portfolio's holdings against obligations by date."""
    terminal = terminal_of(context)
    with terminal.progress("计算 / valuing", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = portfolio_of(terminal, service.list_portfolios(session, terminal.actor), code)
        answer = service.compliance_value_of(
            session,
            terminal.actor,
            holdings=service.holdings_of(service.load_portfolio(session, terminal.actor, found.id).lines),
            obligations=read_obligations("\n".join(obligations or ())),
            net_sales_t=read_net_sales("\n".join(net_sales or ())),
            valuation_date=standing.business_date if valuation_date is None else day_of(valuation_date, field="--on"),
            known_at=standing.known_at,
        )
        steps.done("完成 / done")
    told = ComplianceValueOut.of(answer)
    if terminal.json_output:
        terminal.answer(plain(told))
        return
    terminal.answer([plain(one) for one in told.holdings], columns=_COLUMNS)
    for holding in told.holdings:
        if holding.reason_zh:
            terminal.say(f"{holding.unit}：{holding.reason_zh}")
    for lack in told.shortfalls:
        terminal.say(
            f"缺口 {lack.scheme} {lack.year}（{lack.surrender_date}）：{lack.quantity_t} 吨，"
            f"补购 {lack.purchase_cny or '—'} 元，"
            f"罚款 {lack.penalty_low_cny or '—'} 至 {lack.penalty_high_cny or '—'} 元"
        )
    terminal.say(
        f"{found.name} {told.valuation_date}：履约价值 {told.value_cny} 元，无法计值 {told.without_value_count} 项"
    )
