"""A term sheet as a bank would sign it, with the sample loan's figures."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from carbonfin.documents.charts import Chart, Language, Threshold, Tone, Words, time_series_chart
from carbonfin.documents.charts.lines import PointFlag, SeriesPoint, VolumeBar
from carbonfin.documents.sheets import (
    Align,
    Column,
    Note,
    Paragraphs,
    Row,
    Sheet,
    SignatureBlock,
    StepKind,
    Table,
    Term,
    TermGrid,
    Waterfall,
    WaterfallStep,
)

CREATED_AT = datetime(2025, 6, 30, 9, 0, tzinfo=UTC)
INTEREST_20_DAYS = "18,277.78"

STEPS = (
    WaterfallStep(
        label_zh="一年期贷款市场报价利率",
        label_en="1Y LPR",
        amount=Decimal("3.00"),
        text="3.00%",
        kind=StepKind.LEVEL,
        note="2025-05-20 公布，自公布日起适用",
    ),
    WaterfallStep(
        label_zh="加点",
        label_en="Margin",
        amount=Decimal("0.40"),
        text="+40 bp",
        kind=StepKind.CHANGE,
        note="示例银行授信批复",
        footnote="1",
    ),
    WaterfallStep(
        label_zh="降碳优惠",
        label_en="Carbon concession",
        amount=Decimal("-0.11"),
        text="−11 bp",
        kind=StepKind.CHANGE,
        note="减排指标得分 71.6，高于基准分 60，取整 11 分，每分 1 bp，封顶 20 bp",
    ),
    WaterfallStep(
        label_zh="执行利率",
        label_en="Executed rate",
        amount=Decimal("3.29"),
        text="3.29%",
        kind=StepKind.LEVEL,
        note="不低于下限 2.80%",
    ),
)


def price_chart(language: Language = "zh", **changes: Any) -> Chart:
    points = [
        SeriesPoint(day=date(2025, 6, day), value=Decimal(value), flag=flag)
        for day, value, flag in (
            (23, "74.10", None),
            (24, "74.10", "carried"),
            (25, "73.95", None),
            (26, "74.60", "limit"),
            (27, "74.60", None),
            (30, "75.02", None),
        )
    ]
    arguments: dict[str, Any] = {
        "title": Words(zh="全国碳市场收盘价近一周小幅回升", en="National close edged up within the week"),
        "line_label": Words(zh="收盘价", en="Close"),
        "unit": Words(zh="元/吨", en="CNY/t"),
        "points": points,
        "source": Words(zh="上海环境能源交易所", en="Shanghai Environment and Energy Exchange"),
        "as_of": date(2025, 6, 30),
        "language": language,
        "flags": (
            PointFlag(code="carried", label=Words(zh="沿用前收盘（无成交）", en="Carried close (no trade)")),
            PointFlag(code="limit", label=Words(zh="触及涨跌幅限制", en="At price limit"), tone=Tone.BREACH),
            PointFlag(code="unused", label=Words(zh="从未出现", en="Never seen")),
        ),
        "volumes": [VolumeBar(day=date(2025, 6, 30), listed_t=140694, block_t=300000)],
        "thresholds": (Threshold(label=Words(zh="预警线", en="Warning level"), value=Decimal("73.50"), text="73.50"),),
    }
    return time_series_chart(**(arguments | changes))


def schedule() -> Table:
    periods = [
        ("2025-07-21", 20, INTEREST_20_DAYS, ""),
        ("2025-08-21", 31, "28,330.56", ""),
        ("2025-09-21", 31, "28,330.56", ""),
        ("2025-10-21", 30, "27,416.67", ""),
        ("2025-11-21", 31, "28,330.56", ""),
        ("2025-12-21", 30, "27,416.67", ""),
        ("2026-01-21", 31, "28,330.56", "节假日安排未公布"),
        ("2026-02-21", 31, "28,330.56", "节假日安排未公布"),
    ]
    return Table(
        title_zh="还款计划",
        title_en="Repayment schedule",
        columns=(
            Column(label_zh="期次", label_en="No.", align=Align.CENTER),
            Column(label_zh="付息日", label_en="Payment date", align=Align.CENTER),
            Column(label_zh="天数", label_en="Days", align=Align.RIGHT),
            Column(label_zh="应付本金", label_en="Principal", unit="元", align=Align.RIGHT),
            Column(label_zh="应付利息", label_en="Interest", unit="元", align=Align.RIGHT),
        ),
        rows=tuple(
            Row(cells=(str(number), day, str(days), "0.00", interest), flag=flag, footnote="2" if flag else None)
            for number, (day, days, interest, flag) in enumerate(periods, start=1)
        ),
        totals=("合计", "", "235", "0.00", "214,763.92"),
        caption="利息按实际天数/360 计算，逐期四舍五入至分；起息日计息，到期日不计息。",
    )


def sheet(**changes: Any) -> Sheet:
    values: dict[str, Any] = {
        "title_zh": "贷款条款清单",
        "title_en": "Indicative Term Sheet",
        "subtitle": "降碳贷（示例） · 示例服饰（深圳）有限公司",
        "number": "TS-2025-0001",
        "version": "1",
        "digest": "9f2c4b6d8e0a1c3f5b7d9e1f3a5c7b9d1e3f5a7c9b1d3f5e7a9c1b3d5f7e9a1c",
        "banner": "演示数据（示例），不构成报价或承诺",
        "issued_on": date(2025, 6, 30),
        "sections": (
            TermGrid(title_zh="主要条款", title_en="Key terms", items=terms()),
            Waterfall(
                title_zh="利率形成",
                title_en="Rate build-up",
                unit="%",
                steps=STEPS,
                source="全国银行间同业拆借中心；示例银行产品参数",
            ),
            schedule(),
            price_chart().figure(title_zh="市场参考", title_en="Market reference"),
            Paragraphs(
                title_zh="先决条件与承诺",
                title_en="Conditions and undertakings",
                texts=(
                    "借款人应于首次提款前提交经核查的年度碳排放报告及外部评级报告；评级失效或缺失的，降碳优惠不予适用。",
                    "借款人承诺贷款所产生的减排量不重复申报，单位产品碳排放（tCO₂/万元）按本清单所列方法计算。",
                ),
            ),
        ),
        "notes": (
            Note(mark="1", text="加点为示例银行参数，未经外部文件确认。", unconfirmed=True),
            Note(mark="2", text="2026 年节假日安排尚未公布，按未调整日期列示，公布后重新推算。"),
            Note(text="金额单位为人民币元；所有计算结果可由决策摘要复核。"),
        ),
        "disclaimer": "本清单仅供讨论，不构成任何一方的要约或承诺；以正式签署的合同为准。",
        "signatures": (
            SignatureBlock(party_zh="贷款人", party_en="Lender", name="示例银行股份有限公司深圳分行"),
            SignatureBlock(party_zh="借款人", party_en="Borrower", name="示例服饰（深圳）有限公司"),
        ),
    }
    return Sheet(**(values | changes))


def terms() -> tuple[Term, ...]:
    return (
        Term(
            label_zh="借款人",
            label_en="Borrower",
            value="示例服饰（深圳）有限公司\n统一社会信用代码 91440300EXAMPLE466",
        ),
        Term(label_zh="贷款人", label_en="Lender", value="示例银行股份有限公司深圳分行"),
        Term(label_zh="贷款种类", label_en="Facility", value="流动资金贷款"),
        Term(label_zh="授信额度", label_en="Credit line", value="人民币 20,000,000.00 元"),
        Term(label_zh="贷款金额", label_en="Principal", value="人民币 10,000,000.00 元（人民币壹仟万元整）", wide=True),
        Term(label_zh="提款日", label_en="Drawdown date", value="2025-07-01"),
        Term(label_zh="到期日", label_en="Maturity", value="2026-07-01", footnote="2"),
        Term(
            label_zh="执行利率",
            label_en="Executed rate",
            value="3.29%（年利率）",
            trace_url="https://carbonfin.example/decisions/1#executed_rate",
        ),
        Term(label_zh="计息基准", label_en="Day count", value="实际天数/360"),
        Term(label_zh="还款方式", label_en="Repayment", value="按月付息，到期还本"),
    )
