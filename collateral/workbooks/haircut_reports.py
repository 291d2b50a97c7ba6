"""The monthly haircut report as PDF, and the charts that its page draws too: values in, bytes out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from carbonfin.documents.charts import (
    Bar,
    Chart,
    Language,
    PointFlag,
    SeriesPoint,
    Threshold,
    Tone,
    Words,
    bar_chart,
    time_series_chart,
)
from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import (
    Align,
    ChartFigure,
    Column,
    Note,
    Paragraphs,
    Row,
    Section,
    Sheet,
    Table,
    Term,
    TermGrid,
)
from collateral.calc.haircut_models.sale_backtest import WINDOW_DAYS, Exceedances
from collateral.calc.haircut_models.stack import TITLES
from collateral.calc.haircut_reports import HaircutReportInputs, HaircutReportOutcome

TESTED_NAMES = {
    "policy": ("按本政策", "by this policy"),
    "naive": ("按收盘价直接推算（对照）", "naive, from closes (beside)"),
}
_ROWS_MOST = 40
_CHART_PX = 520
_RIGHT = Align.RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What the document says beside the figures; `address` is where its decision is opened, of an absolute address."""

    bank: str
    decision_id: str
    address: str
    is_sample: bool
    created_at: datetime


def shown_percent(ratio: Decimal, places: int = 2) -> str:
    """Write a ratio as a percentage."""
    return f"{ratio * 100:.{places}f}%"


def driver_chart(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, language: Language) -> Chart:
    """Draw each component and the haircut they come to."""
    stack = outcome.stack
    bars = [_bar(TITLES[one.name], one.ratio) for one in stack.components] + [
        _bar(("折扣系数", "Haircut"), stack.haircut_ratio)
    ]
    return _bars(("哪一项决定折扣系数？", "Which component decides the haircut?"), bars, inputs, language)


def sensitivity_chart(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, language: Language) -> Chart:
    """Draw the haircut as it is and with each fact worse."""
    bars = [
        _bar(("现状", "As it is"), outcome.stack.haircut_ratio),
        *(_bar((one.label_zh, one.label_en), one.haircut_ratio) for one in outcome.sensitivities),
    ]
    return _bars(("哪一项变差影响最大？", "Which fact made worse moves it most?"), bars, inputs, language)


def peer_chart(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, language: Language) -> Chart | None:
    """Draw the haircut beside what clearing houses published; None where nothing of theirs is on record."""
    if not inputs.peers:
        return None
    bars = [
        _bar(("本行折扣系数", "Our haircut"), outcome.stack.haircut_ratio),
        *(
            _bar(
                (
                    f"{one.scope} {one.valid_from:%Y-%m}{'' if one.confirmed else '（未确认）'}",
                    f"{one.scope} {one.valid_from:%Y-%m}{'' if one.confirmed else ' (unconfirmed)'}",
                ),
                one.decimal,
            )
            for one in inputs.peers
        ),
    ]  # fmt: skip
    return _bars(("与同业公布水平相差多少？", "How far from peers' public levels?"), bars, inputs, language)


def history_chart(inputs: HaircutReportInputs, language: Language) -> Chart | None:
    """Draw the largest haircut struck on each day of the month; None where it was on fewer than two days."""
    largest: dict[object, Decimal] = {}
    for one in inputs.struck:
        largest[one.day] = max(largest.get(one.day, Decimal(0)), one.haircut_ratio)
    days = sorted({one.day for one in inputs.struck})
    if len(days) < 2:
        return None
    method = inputs.method
    return time_series_chart(
        title=Words(zh="本月折扣系数如何变动？", en="How did the haircut move this month?"),
        line_label=Words(zh="当日最高折扣系数", en="Largest haircut of the day"),
        unit=Words(zh="%", en="%"),
        points=[SeriesPoint(day=day, value=largest[day] * 100) for day in days],
        thresholds=[
            Threshold(label=Words(zh="准入上限", en="ceiling"), value=method.ceiling_ratio * 100,
                      text=shown_percent(method.ceiling_ratio), tone=Tone.BREACH),
            Threshold(label=Words(zh="政策表值", en="table's value"), value=method.table_ratio * 100,
                      text=shown_percent(method.table_ratio), tone=Tone.PLAIN),
        ],
        source=Words(zh="本行决定记录", en="decisions on record"), as_of=inputs.as_of, language=language,
        width_px=_CHART_PX,
    )  # fmt: skip


def exceedance_chart(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, language: Language) -> Chart | None:
    """Draw what each supposed default's sale lost beyond what was promised; None where none was seen."""
    if not outcome.defaults:
        return None
    return time_series_chart(
        title=Words(zh="假设违约的处置损失是否超出折扣系数？", en="Did the sales lose more than was promised?"),
        line_label=Words(zh="处置损失减折扣系数", en="Loss less haircut"),
        unit=Words(zh="个百分点", en="points"),
        points=[
            SeriesPoint(
                day=one.day, value=(one.loss_ratio - one.promised_ratio) * 100,
                flag="exceeded" if one.is_exceeded else None,
            )
            for one in outcome.defaults
        ],
        flags=[PointFlag(code="exceeded", label=Words(zh="超出", en="exceeded"), tone=Tone.BREACH)],
        thresholds=[Threshold(label=Words(zh="超出线", en="exceeded above"), value=Decimal(0), text="0",
                              tone=Tone.BREACH)],
        source=Words(zh=inputs.facts.source, en=inputs.facts.source), as_of=inputs.as_of, language=language,
        width_px=_CHART_PX,
    )  # fmt: skip


def haircut_report_pdf(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, facts: ReportFacts) -> bytes:
    """Set the report as PDF; the same decision gives the same bytes."""
    stack = outcome.stack
    sheet = Sheet(
        title_zh="折扣系数月报",
        title_en="Monthly haircut report",
        subtitle=f"{facts.bank}　{inputs.code}　{inputs.month}",
        number=f"ZKXS-{inputs.code}-{inputs.month}",
        version="1",
        digest=facts.decision_id,
        banner="示例" if facts.is_sample else None,
        issued_on=inputs.as_of,
        sections=tuple(_sections(inputs, outcome, facts)),
        notes=(
            Note(
                text=f"每次假设违约的折扣系数只取其前 {WINDOW_DAYS} 个行情日，历史过短的按保守值，"
                "不含错向附加与最后可用日；处置在补足期与通知期后按参与率、当日收盘价卖出，跌停与无成交日不卖。"
            ),
            *(
                Note(text=f"{one.document}：{one.note or '未与原文核对'}", unconfirmed=not one.confirmed)
                for one in inputs.peers
            ),
        ),
        disclaimer="本报告依据本行行情与经复核的政策作出，可由决定记录重算；折扣系数不作资本缓释，同业公布水平仅为有日期的事实，"
        "不代表适用于本行押品。" + (f"不予接受：{stack.refusal_zh}。" if stack.refusal_zh else ""),
    )
    return render_pdf(sheet, attachments={}, created_at=facts.created_at.replace(microsecond=0))


def _sections(
    inputs: HaircutReportInputs, outcome: HaircutReportOutcome, facts: ReportFacts
) -> Iterable[Section]:  # fmt: skip
    yield _summary(inputs, outcome, facts)
    yield from _drawn(history_chart(inputs, "zh"))
    yield _history_table(inputs)
    yield from _drawn(driver_chart(inputs, outcome, "zh"))
    yield _driver_table(outcome)
    yield from _drawn(exceedance_chart(inputs, outcome, "zh"))
    if outcome.tested:
        yield _tested_table(outcome.tested)
    yield Paragraphs(
        title_zh="数据能说明什么", title_en="What the data can say", texts=tuple(zh for zh, _ in outcome.findings)
    )
    yield from _drawn(sensitivity_chart(inputs, outcome, "zh"))
    yield _sensitivity_table(outcome)
    if inputs.peers:
        yield from _drawn(peer_chart(inputs, outcome, "zh"))
        yield _peer_table(inputs)


def _summary(inputs: HaircutReportInputs, outcome: HaircutReportOutcome, facts: ReportFacts) -> TermGrid:
    stack, method = outcome.stack, inputs.method
    trace = f"{facts.address}/decisions/{facts.decision_id}"
    return TermGrid(
        title_zh="概要",
        title_en="Summary",
        items=(
            Term(label_zh="押品类别与政策", label_en="Class and policy", value=inputs.policy),
            Term(label_zh="截至日", label_en="As of", value=inputs.as_of.isoformat()),
            Term(label_zh="品种", label_en="Unit", value=inputs.facts.unit),
            Term(label_zh="数量", label_en="Quantity", value=f"{inputs.facts.quantity_t:,} 吨"),
            Term(
                label_zh="折扣系数", label_en="Haircut", value=shown_percent(stack.haircut_ratio), trace_url=trace
            ),
            Term(label_zh="起决定作用", label_en="Binding", value=TITLES[stack.binding][0]),
            Term(
                label_zh="可用抵质押率", label_en="Pledge ratio",
                value=shown_percent(min(inputs.pledge_ratio_max, 1 - stack.haircut_ratio)),
            ),
            Term(label_zh="准入上限", label_en="Ceiling", value=shown_percent(method.ceiling_ratio)),
            Term(label_zh="复审日", label_en="Review by", value=inputs.review_by.isoformat()),
            Term(label_zh="行情", label_en="Market data", value=inputs.facts.source),
        ),
    )  # fmt: skip


def _history_table(inputs: HaircutReportInputs) -> Table:
    shown = inputs.struck[-_ROWS_MOST:]
    left_out = len(inputs.struck) - len(shown)
    caption = "" if shown else "本月没有留存的折扣系数。"
    if left_out:
        caption = f"仅列最近 {_ROWS_MOST} 项，另有 {left_out} 项。"
    return Table(
        title_zh="本月留存的折扣系数", title_en="Haircuts on record",
        columns=(
            Column(label_zh="业务日期", label_en="Date"), Column(label_zh="品种", label_en="Unit"),
            Column(label_zh="数量档", label_en="Step", unit="吨", align=_RIGHT),
            Column(label_zh="折扣系数", label_en="Haircut", align=_RIGHT),
            Column(label_zh="起决定作用", label_en="Binding"),
        ),
        rows=tuple(
            Row(cells=(one.day.isoformat(), one.unit, "—" if one.quantity_t is None else f"{one.quantity_t:,}",
                       shown_percent(one.haircut_ratio), TITLES[one.binding][0]))
            for one in shown
        ),
        caption=caption,
    )  # fmt: skip


def _driver_table(outcome: HaircutReportOutcome) -> Table:
    standings = {"computed": "已计算", "conservative": "保守值", "unsaleable": "不可变现"}
    return Table(
        title_zh="组成项", title_en="Components",
        columns=(
            Column(label_zh="组成项", label_en="Component"), Column(label_zh="数值", label_en="Ratio", align=_RIGHT),
            Column(label_zh="状态", label_en="State"), Column(label_zh="原因", label_en="Reason"),
        ),
        rows=tuple(
            Row(cells=(TITLES[one.name][0], shown_percent(one.ratio), standings[one.standing.value],
                       one.reason_zh or "—"))
            for one in outcome.stack.components
        ),
    )  # fmt: skip


def _tested_table(tested: tuple[Exceedances, ...]) -> Table:
    return Table(
        title_zh="超出检验", title_en="Exceedances",
        columns=(
            Column(label_zh="口径", label_en="Haircut"), Column(label_zh="假设违约", label_en="Defaults", align=_RIGHT),
            Column(label_zh="平均折扣", label_en="Mean", align=_RIGHT),
            Column(label_zh="超出", label_en="Exceeded", align=_RIGHT),
            Column(label_zh="超出率 95% 区间", label_en="95% interval", align=_RIGHT),
            Column(label_zh="最大超出", label_en="Worst beyond", align=_RIGHT),
            Column(label_zh="拒绝界", label_en="Rejects from", align=_RIGHT),
        ),
        rows=tuple(
            Row(cells=(
                TESTED_NAMES[one.name][0], str(one.default_count), shown_percent(one.mean_ratio),
                f"{one.exceeded_count}{'（拒绝）' if one.is_rejected else ''}",
                f"{shown_percent(one.interval_low_ratio, 1)} 至 {shown_percent(one.interval_high_ratio, 1)}",
                "—" if one.worst_beyond_ratio is None else shown_percent(one.worst_beyond_ratio),
                str(one.rejecting_count),
            ))
            for one in tested
        ),
    )  # fmt: skip


def _sensitivity_table(outcome: HaircutReportOutcome) -> Table:
    now = outcome.stack.haircut_ratio
    return Table(
        title_zh="敏感性", title_en="Sensitivity",
        columns=(
            Column(label_zh="情形", label_en="Case"), Column(label_zh="折扣系数", label_en="Haircut", align=_RIGHT),
            Column(label_zh="变动", label_en="Change", unit="个百分点", align=_RIGHT),
            Column(label_zh="是否接受", label_en="Accepted"),
        ),
        rows=tuple(
            Row(cells=(one.label_zh, shown_percent(one.haircut_ratio), f"{(one.haircut_ratio - now) * 100:+.2f}",
                       "接受" if one.is_accepted else "不接受"))
            for one in outcome.sensitivities
        ),
    )  # fmt: skip


def _peer_table(inputs: HaircutReportInputs) -> Table:
    return Table(
        title_zh="同业公布水平（事实，未核对原文）", title_en="Peers' public levels",
        columns=(
            Column(label_zh="机构", label_en="Clearing house"),
            Column(label_zh="折扣系数", label_en="Haircut", align=_RIGHT),
            Column(label_zh="起始", label_en="From"), Column(label_zh="依据", label_en="Source"),
        ),
        rows=tuple(
            Row(cells=(one.scope, shown_percent(one.decimal), one.valid_from.isoformat(), one.document),
                flag="" if one.confirmed else "未确认")
            for one in inputs.peers
        ),
    )  # fmt: skip


def _drawn(chart: Chart | None) -> Iterable[ChartFigure]:
    if chart is not None:
        yield ChartFigure(svg=chart.svg, alt=chart.alt_zh)


def _bar(label: tuple[str, str], ratio: Decimal) -> Bar:
    return Bar(label=Words(zh=label[0], en=label[1]), amount=ratio * 100, text=shown_percent(ratio))


def _bars(title: tuple[str, str], bars: list[Bar], inputs: HaircutReportInputs, language: Language) -> Chart:
    return bar_chart(
        title=Words(zh=title[0], en=title[1]), unit=Words(zh="%", en="%"), bars=bars,
        source=Words(zh=f"{inputs.policy}，{inputs.facts.source}", en=f"{inputs.policy}, {inputs.facts.source}"),
        as_of=inputs.as_of, language=language, width_px=420,
    )  # fmt: skip
