"""Market data: show a curve, import and fetch quotes, check their quality."""

from pathlib import Path
from typing import Annotated

import typer

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.units import Currency
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import content_of, terminal_of
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.curves.origins import CurveKind
from pricing.commands.shared import plain, tell_faults
from pricing.feeds.curve_files import CurveFileKind
from pricing.feeds.http import http_market_feed
from pricing.feeds.port import FeedResource
from pricing.schemas import CurveImportOut, CurveOut, ImportReportOut, QualityOut, VolatilityEstimatesOut
from pricing.schemas.options import VolatilitySurfaceOut

_NODE_COLUMNS = {
    CurveKind.DISCOUNT: ("date", "years", "discount_factor", "zero_rate"),
    CurveKind.FUTURES: ("date", "years", "forward_price_per_t", "net_carry_rate"),
    CurveKind.FX: ("date", "years", "exchange_rate"),
}

_VOLATILITY_COLUMNS = ("estimator", "label_zh", "volatility", "standard_error", "return_count", "is_default")


def curve(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="币种、品种或货币对，如 CNY、EUA、EURCNY / currency, scheme or pair: CNY, EUA, EURCNY")
    ],
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """由当日报价生成一条曲线：节点、所用报价与还原误差 / build a curve of a day: nodes, quotes used, residuals."""
    terminal = terminal_of(context)
    kind = _kind_of(name)
    with terminal.progress("生成 / building", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="--on")
        found = service.curve_of(
            session, terminal.actor, kind=kind, name=name, valuation_date=day, known_at=standing.known_at
        )
        steps.done("完成 / done")
    answer = CurveOut.of(found)
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    terminal.answer([plain(node) for node in answer.nodes], columns=_NODE_COLUMNS[kind])
    if answer.unconfirmed:
        terminal.say(f"未确认：{'、'.join(answer.unconfirmed)}")
    if answer.carry_note_zh is not None:
        terminal.say(f"未给出净持有成本：{answer.carry_note_zh}")
    terminal.say(
        f"{answer.name} {answer.label_zh} {answer.valuation_date}：{len(answer.inputs)} 个报价，"
        f"可查至 {answer.last_date}；来源：{'；'.join(answer.sources)}；摘要 {answer.set_digest[:12]}"
    )


def volatility(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(help="品种，如 SZA-2023、CCER / unit")],
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """由历史行情估计年化波动率：更新过程方差为默认，其他方法及其已知偏差并列 / estimate a unit's volatility."""
    terminal = terminal_of(context)
    with terminal.progress("估计 / estimating", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="--on")
        found = service.volatility_estimates(
            session, terminal.actor, unit=Unit.parse(unit), valuation_date=day, known_at=standing.known_at
        )
        steps.done("完成 / done")
    answer = VolatilityEstimatesOut.of(found)
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    terminal.answer([plain(one) for one in answer.estimates], columns=_VOLATILITY_COLUMNS)
    terminal.say(answer.bias_source_zh)
    terminal.say(
        f"{answer.unit} {answer.first_date} 至 {answer.last_date}：{answer.quoted_count} 个报价日，"
        f"{answer.traded_count} 日有挂牌成交，{answer.limit_count} 日收于涨跌停价；来源：{answer.source}"
    )


def volatility_surface(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="曲面，如 EUA 或 EUA/4 / surface: EUA or EUA/4")],
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """由当日期权波动率生成曲面：到期日、远期、各行权价与无套利检查 / build a volatility surface of a day."""
    terminal = terminal_of(context)
    with terminal.progress("生成 / building", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="--on")
        found = service.surfaces_on(session, terminal.actor, valuation_date=day, known_at=standing.known_at)
        steps.done("完成 / done")
    answer = VolatilitySurfaceOut.of(service.surface_in(found, name), found)
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    rows = [
        {
            "expiry_date": row.expiry_date,
            "forward_per_t": row.forward_per_t,
            **dict(zip(answer.strikes, row.volatilities, strict=True)),
        }
        for row in answer.expiries
    ]
    terminal.answer(rows, columns=tuple(rows[0]))
    for one in answer.arbitrages:
        terminal.say(f"允许套利：{one.kind} {one.expiry_date} 行权价 {one.strike}，偏离 {one.excess}")
    terminal.say(
        f"{answer.name} 波动率曲面 {answer.valuation_date}：{len(answer.inputs)} 个报价，可查至 {answer.last_date}；"
        f"来源：{'；'.join(answer.sources)}；摘要 {answer.set_digest[:12]}"
    )


def _kind_of(name: str) -> CurveKind:
    """Tell by its name what a curve is of: a currency, a scheme, or a pair of currencies."""
    if name in Currency.__members__:
        return CurveKind.DISCOUNT
    return CurveKind.FUTURES if name.split("/", 1)[0] in Scheme.__members__ else CurveKind.FX


def import_quotes(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV 文件，UTF-8 或 GBK / CSV file, UTF-8 or GBK")],
    *,
    exchange: Annotated[str, typer.Option(help="发布行情的交易所 / exchange that published the prices")],
    document: Annotated[str, typer.Option(help="依据 / bulletin")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="只预览，不存入 / read only")] = False,
) -> None:
    """导入行情文件：全部存入或一行不存 / import a price file, all rows or none."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.progress("读取 / reading", total=1) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.import_price_file(
            session,
            terminal.actor,
            content=content,
            file_name=file.name,
            exchange=exchange,
            document=document,
            known_at=standing.known_at,
            preview=preview,
        )
        steps.done("完成 / done")
    answer = ImportReportOut.of(report)
    if terminal.json_output:
        terminal.answer(plain(answer))
    else:
        tell_faults(terminal, answer.failures)
        outcome = "已存入" if answer.stored else "未存入任何一行"
        terminal.say(
            f"{answer.file_name}（{answer.encoding}）{answer.row_count} 行：{outcome}；新增 {answer.added_count}，"
            f"相同 {answer.unchanged_count}，更正 {len(answer.corrected)}，有误 {len(answer.failures)}"
        )
    if answer.failures:
        raise typer.Exit(code=1)


def import_curve_quotes(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV（UTF-8 或 GBK）或 xlsx 文件 / CSV or xlsx file")],
    *,
    kind: Annotated[CurveFileKind, typer.Option(help="文件类别：结算价、利率、汇率 / what the file holds")],
    exchange: Annotated[str, typer.Option(help="发布数据的交易所或机构 / who published the values")],
    document: Annotated[str, typer.Option(help="依据 / bulletin")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="只预览，不存入 / read only")] = False,
) -> None:
    """导入结算价、利率或汇率文件：全部存入或一行不存 / import settlements, rates or exchange rates, all or none."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.progress("读取 / reading", total=1) as steps, terminal.sessions.begin() as session:
        report = service.import_curve_file(
            session,
            terminal.actor,
            kind=kind,
            content=content,
            file_name=file.name,
            exchange=exchange,
            document=document,
            known_at=standing_of(session, terminal.actor.organization_id, terminal.clock).known_at,
            preview=preview,
        )
        steps.done("完成 / done")
    answer = CurveImportOut.of(report)
    if terminal.json_output:
        terminal.answer(plain(answer))
    else:
        tell_faults(terminal, answer.failures)
        outcome = "已存入" if answer.stored else "未存入任何一行"
        terminal.say(
            f"{answer.file_name}（{answer.encoding}）{answer.row_count} 行：{outcome}；新增 {answer.added_count}，"
            f"相同 {answer.unchanged_count}，更正 {len(answer.corrected)}，有误 {len(answer.failures)}"
        )
    if answer.failures:
        raise typer.Exit(code=1)


def fetch_market(
    context: typer.Context,
    *,
    feed: Annotated[str, typer.Option(envvar="CARBONFIN_MARKET_FEED_URL", help="行情源接口地址 / address of the feed")],
    exchange: Annotated[str, typer.Option(help="发布行情的机构 / who publishes the values")],
    from_date: Annotated[str | None, typer.Option("--from", help="起始日 YYYY-MM-DD，缺省为截止日")] = None,
    to_date: Annotated[str | None, typer.Option("--to", help="截止日 YYYY-MM-DD，缺省为业务日期")] = None,
    resources: Annotated[
        list[FeedResource] | None, typer.Option("--table", help="只取该表，可重复 / only this table, may be repeated")
    ] = None,
    timeout_seconds: Annotated[float, typer.Option(help="每步等待秒数 / seconds each step may take")] = 10,
    preview: Annotated[bool, typer.Option("--preview", help="只预览，不存入 / read only")] = False,
) -> None:
    """从行情源取数：全部存入或一行不存 / fetch market data from a feed, all rows or none."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
    with (
        terminal.progress("取数 / fetching", total=1) as steps,
        http_market_feed(feed, timeout_seconds=timeout_seconds) as opened,
        terminal.sessions.begin() as session,
    ):
        last = standing.business_date if to_date is None else day_of(to_date, field="--to")
        report = service.fetch_market(
            session,
            terminal.actor,
            opened,
            resources=tuple(resources or FeedResource),
            exchange=exchange,
            from_date=last if from_date is None else day_of(from_date, field="--from"),
            to_date=last,
            known_at=standing.known_at,
            preview=preview,
        )
        steps.done("完成 / done")
    rows = [
        {
            "table": one.resource, "row_count": one.row_count, "added_count": one.added_count,
            "unchanged_count": one.unchanged_count, "corrected_count": one.corrected_count,
            "failed_count": len(one.failures), "attempt_count": one.attempt_count, "digest": one.digest,
        }
        for one in report.resources
    ]  # fmt: skip
    terminal.answer(rows, columns=tuple(rows[0]) if rows else ())
    for failure in report.failures:
        terminal.say(f"{failure.item}：{failure.zh} [{failure.field}] {failure.remedy_zh}")
    if report.failures:
        raise typer.Exit(code=1)


def quality(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(help="品种，如 CEA、CCER / unit")] = "CEA",
    from_date: Annotated[str | None, typer.Option("--from", help="起始日 YYYY-MM-DD")] = None,
    to_date: Annotated[str | None, typer.Option("--to", help="截止日 YYYY-MM-DD，缺省为业务日期")] = None,
) -> None:
    """检查行情质量 / check the quality of quotes."""
    terminal = terminal_of(context)
    with terminal.progress("检查 / checking", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.quality_of(
            session,
            terminal.actor,
            unit=Unit.parse(unit),
            from_date=None if from_date is None else day_of(from_date, field="--from"),
            to_date=standing.business_date if to_date is None else day_of(to_date, field="--to"),
            known_at=standing.known_at,
        )
        steps.done()
    answer = QualityOut.of(report)
    if terminal.json_output:
        terminal.answer(plain(answer))
        return
    terminal.answer([plain(finding) for finding in answer.findings], columns=("quote_date", "label_zh", "values"))
    terminal.say(
        f"{answer.unit} {answer.first_date} 至 {answer.last_date}：{answer.day_count} 个交易日，"
        f"无挂牌成交 {answer.days_without_listed_trade} 天，其中无任何成交 {answer.days_without_any_trade} 天，"
        f"有大宗 {answer.days_with_block_trade} 天"
    )
