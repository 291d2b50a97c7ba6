"""Valuations to take away: the lines as the page shows them, with the decision they come from."""

from datetime import date, datetime
from typing import Any

from carbonfin.documents.workbooks import CellKind, Provenance, SheetColumn, SheetTable
from pricing.calc.option_traces import STYLE_LABELS, TYPE_LABELS, option_buckets
from pricing.calc.portfolio import PortfolioValue
from pricing.calc.positions import FORWARD_BASIS_LABELS, ForwardFigures, FuturesFigures, OptionFigures
from pricing.workbooks.taking import SAMPLE_BANNER, workbook_of

_OPTION_COLUMNS = (
    SheetColumn(label="期权方向", kind=CellKind.TEXT),
    SheetColumn(label="行权方式", kind=CellKind.TEXT),
    SheetColumn(label="到期日", kind=CellKind.DAY),
    SheetColumn(label="币种", kind=CellKind.CODE),
    SheetColumn(label="标的期货价（原币/吨）", kind=CellKind.PRICE),
    SheetColumn(label="行权价（原币/吨）", kind=CellKind.PRICE),
    SheetColumn(label="波动率（小数）", kind=CellKind.PRICE),
    SheetColumn(label="汇率（元）", kind=CellKind.PRICE),
    SheetColumn(label="Delta（吨）", kind=CellKind.PRICE),
    SheetColumn(label="Gamma（吨）", kind=CellKind.PRICE),
    SheetColumn(label="Vega（元/百分点）", kind=CellKind.MONEY),
    SheetColumn(label="Theta（元/日）", kind=CellKind.MONEY),
    SheetColumn(label="Rho（元/基点）", kind=CellKind.MONEY),
)


def _option_cells(option: OptionFigures | None) -> tuple[Any, ...]:
    if option is None:
        return (None,) * len(_OPTION_COLUMNS)
    return (
        TYPE_LABELS[option.option_type][0],
        STYLE_LABELS[option.style][0],
        option.expiry_date,
        str(option.currency),
        option.forward_per_t,
        option.strike_per_t,
        option.volatility,
        option.cny_per_unit,
        option.delta_t,
        option.gamma_t,
        option.vega_cny,
        option.theta_cny,
        option.rho_cny,
    )


_FORWARD_COLUMNS = (
    SheetColumn(label="远期价格依据", kind=CellKind.TEXT),
    SheetColumn(label="曲线", kind=CellKind.CODE),
    SheetColumn(label="约定币种", kind=CellKind.CODE),
    SheetColumn(label="远期价（原币/吨）", kind=CellKind.PRICE),
    SheetColumn(label="贴现因子", kind=CellKind.PRICE),
    SheetColumn(label="即期汇率（元）", kind=CellKind.PRICE),
    SheetColumn(label="远期现值（原币）", kind=CellKind.MONEY),
)


def _forward_cells(forward: ForwardFigures | None) -> tuple[Any, ...]:
    if forward is None:
        return (None,) * len(_FORWARD_COLUMNS)
    return (
        FORWARD_BASIS_LABELS[forward.basis][0],
        forward.price_curve,
        str(forward.currency),
        forward.forward_per_t,
        forward.discount_factor,
        forward.cny_per_unit,
        forward.present_value,
    )


_FUTURES_COLUMNS = (
    SheetColumn(label="合约代码", kind=CellKind.CODE),
    SheetColumn(label="结算币种", kind=CellKind.CODE),
    SheetColumn(label="当日结算价（原币/吨）", kind=CellKind.PRICE),
    SheetColumn(label="前一结算价（原币/吨）", kind=CellKind.PRICE),
    SheetColumn(label="结算汇率（元）", kind=CellKind.PRICE),
    SheetColumn(label="变动保证金（原币）", kind=CellKind.MONEY),
)


def _futures_cells(futures: FuturesFigures | None) -> tuple[Any, ...]:
    if futures is None:
        return (None,) * len(_FUTURES_COLUMNS)
    return (
        futures.contract_code,
        str(futures.currency),
        futures.settlement_per_t,
        futures.before_per_t,
        futures.cny_per_unit,
        futures.variation_margin,
    )


def valuation_table(value: PortfolioValue, *, portfolio_name: str, valuation_date: date) -> SheetTable:
    """Give the lines of a valuation with totals; where there are options or contracts, with what each came from."""
    has_futures = any(line.futures is not None for line in value.lines)
    has_options = any(line.option is not None for line in value.lines)
    has_forwards = any(line.forward is not None for line in value.lines)
    return SheetTable(
        name="估值明细",
        title=f"{portfolio_name} 估值明细（估值日 {valuation_date}）",
        columns=(
            SheetColumn(label="代码", kind=CellKind.CODE),
            SheetColumn(label="说明", kind=CellKind.TEXT),
            SheetColumn(label="类型", kind=CellKind.TEXT),
            SheetColumn(label="品种", kind=CellKind.CODE),
            SheetColumn(label="数量", kind=CellKind.TONNES, unit="吨"),
            SheetColumn(label="价格", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="价格日期", kind=CellKind.DAY),
            SheetColumn(label="价格来源", kind=CellKind.TEXT),
            SheetColumn(label="距估值日", kind=CellKind.COUNT, unit="交易日"),
            SheetColumn(label="公允价值层次", kind=CellKind.COUNT),
            SheetColumn(label="现值", kind=CellKind.MONEY, unit="元", totalled=True),
            SheetColumn(label="当日变动保证金", kind=CellKind.MONEY, unit="元", totalled=True),
            SheetColumn(label="提示", kind=CellKind.TEXT, width=60),
            *(_OPTION_COLUMNS if has_options else ()),
            *(_FORWARD_COLUMNS if has_forwards else ()),
            *(_FUTURES_COLUMNS if has_futures else ()),
        ),
        rows=tuple(
            (
                line.line_id,
                line.label,
                line.kind_labels[0],
                str(line.unit),
                line.quantity_t,
                line.price_cny_per_t,
                line.price_date,
                line.price_source,
                line.staleness_days,
                line.level,
                line.present_value_cny,
                line.variation_margin_cny,
                "；".join(line.notes_zh),
                *(_option_cells(line.option) if has_options else ()),
                *(_forward_cells(line.forward) if has_forwards else ()),
                *(_futures_cells(line.futures) if has_futures else ()),
            )
            for line in value.lines
        ),
        reported_on=valuation_date,
        banner=SAMPLE_BANNER if value.is_sample else None,
        notes=(
            f"行情快照摘要 SHA-256：{value.snapshot_digest}",
            *(
                f"期权 {bucket.unit} {bucket.expiry_date}：Delta {bucket.delta_t} 吨，Gamma {bucket.gamma_t} 吨，"
                f"Vega {bucket.vega_cny} 元/百分点，Theta {bucket.theta_cny} 元/日，Rho {bucket.rho_cny} 元/基点"
                for bucket in option_buckets(value.lines)
            ),
            *(f"未估值：{failure.item}——{failure.zh}。{failure.remedy_zh}" for failure in value.failures),
        ),
    )


def valuation_workbook(
    value: PortfolioValue, *, portfolio_name: str, valuation_date: date, known_at: datetime, decision_id: str
) -> bytes:
    """Write a recorded valuation's lines with the decision they come from."""
    table = valuation_table(value, portfolio_name=portfolio_name, valuation_date=valuation_date)
    return workbook_of(
        table,
        title=table.title,
        created_at=known_at,
        provenance=(
            Provenance(
                subject="组合现值（元）",
                value=format(value.present_value_cny, "f"),
                source=f"决定记录 {decision_id}",
                digest=value.snapshot_digest,
                confirmed=not value.is_sample,
            ),
        ),
    )
