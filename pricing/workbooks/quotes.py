"""Quotes to take away, the exchange named: tables as pages show them, their quality to print too."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import Column, Note, Row, Section, Sheet, Table, Term, TermGrid
from carbonfin.documents.workbooks import CellKind, SheetColumn, SheetTable
from carbonfin.rules.record import digest_of
from pricing.calc.curve_quotes import CURVE_QUOTE_LABELS, CurveQuote
from pricing.calc.market import PRICE_KIND_LABELS, Quote
from pricing.calc.quality import FINDING_LABELS, VALUE_LABELS, Finding, QualityReport
from pricing.workbooks.taking import SAMPLE_BANNER

FINDINGS_MAX = 200
_COMPOSITE_ZH = (
    "该序列为多年度综合价格，不能据以计算波动率 A composite over vintages: no volatility may be taken from it"
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


def quality_rows(reports: Mapping[str, QualityReport]) -> SheetTable:
    """Give the findings of all units as one table, the unit in each row."""
    days = [report.last_date for report in reports.values()]
    return SheetTable(
        name="质量检查",
        title="行情质量检查",
        columns=(
            SheetColumn(label="品种", kind=CellKind.CODE),
            SheetColumn(label="日期", kind=CellKind.DAY),
            SheetColumn(label="问题", kind=CellKind.TEXT),
            SheetColumn(label="数值", kind=CellKind.TEXT, width=60),
        ),
        rows=tuple((unit, *row) for unit, report in reports.items() for row in quality_table(report).rows),
        reported_on=max(days),
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


def quality_sheet(reports: Sequence[QualityReport], *, organization: str, issued_on: date) -> Sheet:
    """Give what the checks found as a document, at most the latest 200 findings of a unit.

    Args:
        reports: One a unit.
        organization: Whose view of the market it is.
        issued_on: Day printed on it.
    """
    sections: list[Section] = []
    for report in reports:
        sections += [_summary(report), _findings(report)]
    return Sheet(
        title_zh="行情质量报告",
        title_en="Quality of quotes",
        subtitle=organization,
        number=f"ZL-{issued_on:%Y%m%d}",
        version="1",
        digest=digest_of(tuple(reports)),
        banner=None,
        issued_on=issued_on,
        sections=tuple(sections),
        notes=(
            Note(text="本报告仅指出行情中的可疑之处，未改动任何行情 It names what is doubtful and mends nothing"),
            Note(text="全部问题见同页导出的工作簿 Every finding stands in the workbook of the same page"),
        ),
    )


def quality_pdf(reports: Sequence[QualityReport], *, organization: str, issued_on: date, created_at: datetime) -> bytes:
    """Set the document as PDF; equal findings and instants give equal bytes."""
    sheet = quality_sheet(reports, organization=organization, issued_on=issued_on)
    return render_pdf(sheet, attachments={}, created_at=created_at.replace(microsecond=0))


def _summary(report: QualityReport) -> TermGrid:
    counts = (
        ("交易日", "Trading days", report.day_count),
        ("无挂牌成交", "Days without listed trade", report.days_without_listed_trade),
        ("无任何成交", "Days without any trade", report.days_without_any_trade),
        ("有大宗成交", "Days with block trades", report.days_with_block_trade),
        *((*FINDING_LABELS[kind], count) for kind, count in report.counts),
    )
    items = [Term(label_zh=zh, label_en=en, value=str(count)) for zh, en, count in counts]
    if report.is_over_vintages:
        items.append(Term(label_zh="序列性质", label_en="Kind of series", value=_COMPOSITE_ZH, wide=True))
    return TermGrid(
        title_zh=f"{report.unit}（{report.first_date} 至 {report.last_date}）",
        title_en=f"{report.unit}, {report.first_date} to {report.last_date}",
        items=tuple(items),
    )


def _findings(report: QualityReport) -> Table:
    shown = sorted(report.findings, key=lambda finding: finding.quote_date, reverse=True)[:FINDINGS_MAX]
    return Table(
        title_zh=f"{report.unit} 问题明细",
        title_en=f"{report.unit}: findings",
        columns=(
            Column(label_zh="日期", label_en="Day"),
            Column(label_zh="问题", label_en="Finding"),
            Column(label_zh="数值", label_en="Values"),
        ),
        rows=tuple(_row(finding) for finding in shown),
        caption=f"共 {len(report.findings)} 项，列出最近 {len(shown)} 项 "
        f"{len(report.findings)} findings, the latest {len(shown)} listed",
    )


def _row(finding: Finding) -> Row:
    zh, en = FINDING_LABELS[finding.kind]
    values = "，".join(f"{VALUE_LABELS[name][0]} {value}" for name, value in finding.values)
    return Row(cells=(finding.quote_date.isoformat(), f"{zh} {en}", values))
