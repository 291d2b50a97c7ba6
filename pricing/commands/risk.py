"""Risk: measure a portfolio, and test what each model would have promised on past days."""

from typing import Annotated

import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from pricing import service
from pricing.calc.portfolio_risk import RiskMethod
from pricing.commands.shared import plain, portfolio_of
from pricing.schemas import BacktestOut, RiskOut

_RISK_COLUMNS = ("line_id", "unit", "factor", "exposure_cny", "component_cny", "component_value_at_risk_cny",
                 "incremental_cny", "is_valuation_only")  # fmt: skip
_BACKTEST_COLUMNS = ("model", "day_count", "exception_count", "expected_count", "p_value", "power")


def risk(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="组合代码 / portfolio code")],
    *,
    method: Annotated[
        RiskMethod, typer.Option(help="首要数字所用方法 / method of the first figures")
    ] = RiskMethod.MONTE_CARLO,
    keep: Annotated[bool, typer.Option("--keep", help="留存决定 / keep the decision")] = False,
) -> None:
    """计量一个组合的风险价值、预期短缺与压力情景 / measure value at risk, shortfall and stresses of a portfolio."""
    terminal = terminal_of(context)
    with terminal.progress("计量 / measuring", total=1) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        portfolio = portfolio_of(terminal, service.list_portfolios(session, terminal.actor), code)
        measured = (service.record_risk if keep else service.risk_of_portfolio)(
            session, terminal.actor, portfolio.id, valuation_date=standing.business_date, known_at=standing.known_at,
            method=method,
        )  # fmt: skip
        steps.done("完成 / done")
    answer = RiskOut.of(measured)
    if terminal.json_output:
        terminal.answer({**plain(answer), "decision_id": measured.decision_id})
        return
    terminal.answer([plain(line) for line in answer.lines], columns=_RISK_COLUMNS)
    for failure in answer.failures:
        terminal.say(f"未计量 {failure.item}：{failure.detail_zh}。{failure.remedy_zh}")
    for stress in answer.stresses:
        terminal.say(f"压力情景 {stress.label_zh}（假设）：{stress.pnl_cny} 元")
    for one in answer.methods:
        if one.refusal is not None:
            terminal.say(f"{one.label_zh}：不能计量，{one.refusal.detail_zh}。{one.refusal.remedy_zh}")
            continue
        terminal.say(
            f"{one.label_zh}：风险价值 {one.value_at_risk_cny} 元，预期短缺 {one.expected_shortfall_cny} 元；"
            f"{one.scenario_count} 个情景，约 {one.independent_count} 个独立，计量 {one.line_count} 条持仓"
        )
        for remark in one.remarks_zh:
            terminal.say(f"  {remark}")
        if one.interpolated_count:
            terminal.say(f"  {one.interpolated_count} 条期权以插值重估，误差不超过约 {one.revaluation_error_cny} 元")
    terminal.say(
        f"{answer.portfolio_name} {answer.valuation_date}：{answer.horizon_days} 个交易日、置信水平 "
        f"{answer.confidence} 的风险价值 {answer.value_at_risk_cny or '—'} 元，"
        f"预期短缺 {answer.expected_shortfall_cny or '—'} 元"
    )


def backtest(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="组合代码 / portfolio code")],
    *,
    window: Annotated[
        int | None, typer.Option(min=121, max=1_000, help="窗口（变动数）/ moves on which each promise rests")
    ] = None,
) -> None:
    """以今日持仓回测风险价值与预期短缺，说明样本量与检验功效 / backtest value at risk and shortfall of a portfolio."""
    terminal = terminal_of(context)
    with terminal.progress("回测 / testing", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        portfolio = portfolio_of(terminal, service.list_portfolios(session, terminal.actor), code)
        found = service.backtest_of_portfolio(
            session, terminal.actor, portfolio.id, valuation_date=standing.business_date, known_at=standing.known_at,
            window_days=window,
        )  # fmt: skip
        steps.done("完成 / done")
    answer = BacktestOut.of(found)
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    rows = [{"model": one.model, **plain(one.kupiec)} for one in answer.models if one.kupiec is not None]
    terminal.answer(rows, columns=_BACKTEST_COLUMNS)
    for failure in answer.failures:
        terminal.say(f"未回测 {failure.item}：{failure.detail_zh}。{failure.remedy_zh}")
    for one in answer.models:
        said = [one.refusal.detail_zh] if one.refusal is not None else one.verdicts_zh
        for words in said:
            terminal.say(f"{one.label_zh}：{words}")
    terminal.say(
        f"{answer.portfolio_name} {answer.valuation_date}：{answer.first_date} 至 {answer.last_date}，"
        f"窗口 {answer.window_days} 个变动，置信水平 {answer.confidence}，持有期一日"
    )
