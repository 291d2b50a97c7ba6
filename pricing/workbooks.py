"""Tables of valuations and quotes to take away: exactly what the page shows, the exchange named."""

from collections.abc import Sequence
from datetime import date, datetime

from carbonfin.documents.workbooks import (
    CellKind,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    csv_text,
    write_workbook,
)
from pricing.calc.curve_quotes import CURVE_QUOTE_LABELS, CurveQuote
from pricing.calc.market import PRICE_KIND_LABELS, Quote
from pricing.calc.portfolio import PortfolioValue
from pricing.calc.positions import LINE_KIND_LABELS
from pricing.calc.quality import FINDING_LABELS, VALUE_LABELS, QualityReport

SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"


def valuation_table(value: PortfolioValue, *, portfolio_name: str, valuation_date: date) -> SheetTable:
    """Give the lines of a valuation as a table with totals."""
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
        ),
        rows=tuple(
            (
                line.line_id,
                line.label,
                LINE_KIND_LABELS[line.kind][0],
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
            )
            for line in value.lines
        ),
        reported_on=valuation_date,
        banner=SAMPLE_BANNER if value.is_sample else None,
        notes=(
            f"行情快照摘要 SHA-256：{value.snapshot_digest}",
            *(f"未估值：{failure.item}——{failure.zh}。{failure.remedy_zh}" for failure in value.failures),
        ),
    )


def quote_table(quotes: Sequence[Quote], *, unit_name: str, to_date: date, report: QualityReport | None) -> SheetTable:
    """Give the days of one unit as a table; the exchange stands in every row and under the table.

    Without a report nothing was checked, and the flags of every day say so.
    """
    exchanges = sorted({quote.exchange for quote in quotes})
    return SheetTable(
        name="行情",
        title=f"{unit_name} 每日行情（截至 {to_date}）",
        columns=(
            SheetColumn(label="品种", kind=CellKind.CODE),
            SheetColumn(label="日期", kind=CellKind.DAY),
            SheetColumn(label="价格", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="价格口径", kind=CellKind.TEXT),
            SheetColumn(label="挂牌成交量", kind=CellKind.TONNES, unit="吨", totalled=True),
            SheetColumn(label="挂牌成交额", kind=CellKind.MONEY, unit="元", totalled=True),
            SheetColumn(label="大宗成交量", kind=CellKind.TONNES, unit="吨", totalled=True),
            SheetColumn(label="大宗成交额", kind=CellKind.MONEY, unit="元", totalled=True),
            SheetColumn(label="开盘价", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="最高价", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="最低价", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="加权均价", kind=CellKind.PRICE, unit="元/吨"),
            SheetColumn(label="质量标记", kind=CellKind.TEXT, width=40),
            SheetColumn(label="交易所", kind=CellKind.TEXT),
            SheetColumn(label="依据", kind=CellKind.TEXT),
        ),
        rows=tuple(
            (
                str(quote.unit),
                quote.quote_date,
                quote.price_cny_per_t,
                PRICE_KIND_LABELS[quote.price_kind][0],
                quote.listed_volume_t,
                quote.listed_amount_cny,
                quote.block_volume_t,
                quote.block_amount_cny,
                quote.open_cny_per_t,
                quote.high_cny_per_t,
                quote.low_cny_per_t,
                quote.vwap_cny_per_t,
                _flags_text(quote, report),
                quote.exchange,
                quote.document,
            )
            for quote in quotes
        ),
        reported_on=to_date,
        banner=SAMPLE_BANNER if any(quote.is_sample for quote in quotes) else None,
        notes=(f"来源：{'；'.join(exchanges)}。转载须注明交易所。",),
    )


def _flags_text(quote: Quote, report: QualityReport | None) -> str:
    if report is None:
        return "未检查"
    return "；".join(FINDING_LABELS[kind][0] for kind in report.flags_on(quote.quote_date))


def curve_quote_table(quotes: Sequence[CurveQuote], *, from_date: date, to_date: date) -> SheetTable:
    """Give quotes of curves as a table; rates stand as decimals, and who published them in every row."""
    return SheetTable(
        name="曲线报价",
        title=f"曲线报价（{from_date} 至 {to_date}）",
        columns=(
            SheetColumn(label="日期", kind=CellKind.DAY),
            SheetColumn(label="类别", kind=CellKind.TEXT),
            SheetColumn(label="名称", kind=CellKind.CODE),
            SheetColumn(label="期限或合约", kind=CellKind.CODE),
            SheetColumn(label="到期日", kind=CellKind.DAY),
            SheetColumn(label="数值（结算价每吨，利率为小数）", kind=CellKind.PRICE),
            SheetColumn(label="币种", kind=CellKind.CODE),
            SheetColumn(label="知悉日", kind=CellKind.DAY),
            SheetColumn(label="来源", kind=CellKind.TEXT),
            SheetColumn(label="依据", kind=CellKind.TEXT),
        ),
        rows=tuple(
            (
                quote.quote_date,
                CURVE_QUOTE_LABELS[quote.kind][0],
                quote.name,
                quote.point,
                quote.expiry_date,
                quote.value,
                quote.currency.value,
                quote.known_from,
                quote.source,
                quote.document,
            )
            for quote in quotes
        ),
        reported_on=to_date,
        banner=SAMPLE_BANNER if any(quote.is_sample for quote in quotes) else None,
    )


def quality_table(report: QualityReport, *, sheet_name: str = "质量检查") -> SheetTable:
    """Give the findings of a quality check as a table."""
    return SheetTable(
        name=sheet_name,
        title=f"{report.unit} 行情质量检查（{report.first_date} 至 {report.last_date}）",
        columns=(
            SheetColumn(label="日期", kind=CellKind.DAY),
            SheetColumn(label="问题", kind=CellKind.TEXT),
            SheetColumn(label="数值", kind=CellKind.TEXT, width=60),
        ),
        rows=tuple(
            (
                finding.quote_date,
                FINDING_LABELS[finding.kind][0],
                "，".join(f"{VALUE_LABELS[name][0]} {value}" for name, value in finding.values),
            )
            for finding in report.findings
        ),
        reported_on=report.last_date,
    )


def workbook_of(
    *tables: SheetTable, title: str, created_at: datetime, provenance: tuple[Provenance, ...] = ()
) -> bytes:
    """Write tables as one workbook."""
    return write_workbook(Workbook(title=title, sheets=tables, created_at=created_at, provenance=provenance))


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


def csv_of(table: SheetTable) -> bytes:
    """Write a table as CSV that a spreadsheet opens as UTF-8."""
    return csv_text(table).encode("utf-8")
