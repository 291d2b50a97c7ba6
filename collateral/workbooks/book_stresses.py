"""The stress of the collateral book as PDF, and the charts that its page draws too: values in, bytes out."""

from collections.abc import Iterable
from decimal import Decimal

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
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
from collateral.calc.book_stress.decision import ScenarioOutcome, StressOutcome
from collateral.calc.book_stress.terms import StressInputs, StressScenario, StressUnit
from collateral.workbooks.haircut_reports import ReportFacts, shown_percent

_RIGHT = Align.RIGHT
_BARS_MOST = 12
_ROWS_MOST = 40


def stress_charts(
    inputs: StressInputs, outcome: StressOutcome, opened: str, language: Language
) -> list[tuple[str, Chart]]:
    """Draw the stresses beside one another, and the agreements that lose under the one that is opened, each named."""
    names = {one.code: Words(zh=one.name_zh, en=one.name_en) for one in inputs.scenarios}
    drawn = [
        ("losses", ("哪种压力损失最大？", "Which stress loses most?"),
         [_bar(names[one.code], one.loss_tail_cny) for one in outcome.scenarios]),
        ("due", ("单日最多需追加多少？", "How much falls due on one day?"),
         [_bar(names[one.code], one.peak_due_cny) for one in outcome.scenarios]),
    ]  # fmt: skip
    one = _scenario(outcome, opened)
    lossy = sorted(one.agreements, key=lambda each: -each.loss_tail_cny)[:_BARS_MOST]
    if lossy and lossy[0].loss_tail_cny:
        title = (f"{names[opened].zh}：损失在哪些协议？", f"{names[opened].en}: whose losses?")
        drawn.append(("agreements", title, [_bar(Words(zh=e.code, en=e.code), e.loss_tail_cny) for e in lossy]))
    source = Words(zh="本行决定记录", en="decision on record")
    return [
        (
            name,
            bar_chart(
                title=Words(zh=title[0], en=title[1]), unit=Words(zh="万元", en="CNY 10,000"), bars=bars,
                source=source, as_of=inputs.business_date, language=language,
            ),
        )
        for name, title, bars in drawn
    ]  # fmt: skip


def book_stress_pdf(inputs: StressInputs, outcome: StressOutcome, facts: ReportFacts) -> bytes:
    """Set a stress as PDF with its worst scenario opened; the same decision gives the same bytes."""
    sheet = Sheet(
        title_zh="押品组合压力测试",
        title_en="Stress of the collateral book",
        subtitle=f"{facts.bank}　{inputs.business_date}",
        number=f"YLCS-{inputs.business_date}",
        version="1",
        digest=facts.decision_id,
        banner="示例" if facts.is_sample else None,
        issued_on=inputs.business_date,
        sections=tuple(_sections(inputs, outcome, facts)),
        notes=tuple(_assumptions(inputs)),
        disclaimer="逐日按价格路径计算担保值，低于预警线即追加，期满以出质人自有配额与已载明资金补足，不足即违约并波及其全部协议；"
        "违约押品同场处置，按类别政策卖出，没有政策或成交未知的按无法变现计。未计出质人之外的担保。可由决定记录重算。",
    )
    return render_pdf(sheet, attachments={}, created_at=facts.created_at.replace(microsecond=0))


def _sections(inputs: StressInputs, outcome: StressOutcome, facts: ReportFacts) -> Iterable[Section]:
    asked = {one.code: one for one in inputs.scenarios}
    worst = _scenario(outcome, outcome.worst)
    yield _summary(inputs, outcome, facts)
    yield _scenario_table(asked, outcome)
    for _, chart in stress_charts(inputs, outcome, outcome.worst, "zh"):
        yield ChartFigure(svg=chart.svg, alt=chart.alt_zh)
    if worst.agreements:
        yield _agreement_table(asked[worst.code].name_zh, worst)
    if worst.units:
        yield _unit_table(asked[worst.code].name_zh, worst)
    texts = tuple(f"{one.unit}：{one.depth_words[0]}{_basis(one)}" for one in inputs.units)
    yield Paragraphs(title_zh="处置所依据的市场深度", title_en="The depth that sales meet", texts=texts)
    if outcome.findings:
        texts = tuple(zh for zh, _ in outcome.findings)
        yield Paragraphs(title_zh="数据缺口与未纳入", title_en="What is missing or left out", texts=texts)


def _basis(one: StressUnit) -> str:
    return "" if one.season is None else f"（{one.season.source}）"


def _assumptions(inputs: StressInputs) -> Iterable[Note]:
    """Name each value that nobody confirmed, with the scenario it is of and where it was read."""
    names = {one.code: one.name_zh for one in inputs.scenarios}
    for one in inputs.parameters:
        if not one.confirmed:
            scope = names.get(one.scope, one.scope)
            said = f"{one.title_zh}{f'（{scope}）' if scope else ''} {one.value}：{one.document}"
            yield Note(text=said, unconfirmed=True)


def _summary(inputs: StressInputs, outcome: StressOutcome, facts: ReportFacts) -> TermGrid:
    trace = f"{facts.address}/decisions/{facts.decision_id}"
    worst = _scenario(outcome, outcome.worst)
    name = next(one.name_zh for one in inputs.scenarios if one.code == outcome.worst)
    confidence = shown_percent(1 - inputs.market.tail_ratio, 0)
    return TermGrid(
        title_zh="概要",
        title_en="Summary",
        items=(
            Term(label_zh="债权合计（已扣保证金）", label_en="Debt", value=_yuan(outcome.debt_cny), trace_url=trace),
            Term(label_zh="折扣后押品", label_en="Collateral", value=_yuan(outcome.collateral_cny), trace_url=trace),
            Term(label_zh="协议", label_en="Agreements", value=f"{len(inputs.agreements):,} 份"),
            Term(label_zh="路径与随机种子", label_en="Paths, seed", value=f"{inputs.path_count:,}，{inputs.seed}"),
            Term(label_zh="最坏情景", label_en="Worst stress", value=name),
            Term(
                label_zh=f"其尾部损失（{confidence}）", label_en="Its tail loss", value=_yuan(worst.loss_tail_cny),
                trace_url=trace,
            ),
        ),
    )  # fmt: skip


def _scenario_table(asked: dict[str, StressScenario], outcome: StressOutcome) -> Table:
    return Table(
        title_zh="各情景：谁被追加、谁违约、折扣后损失", title_en="Each stress",
        columns=(
            Column(label_zh="情景", label_en="Stress"), Column(label_zh="假设", label_en="Supposes"),
            Column(label_zh="被追加", label_en="Called", unit="份", align=_RIGHT),
            Column(label_zh="违约", label_en="Failed", unit="份", align=_RIGHT),
            Column(label_zh="单日最高追加", label_en="Most due", unit="元", align=_RIGHT),
            Column(label_zh="平均损失", label_en="Mean loss", unit="元", align=_RIGHT),
            Column(label_zh="尾部损失", label_en="Tail loss", unit="元", align=_RIGHT),
        ),
        rows=tuple(
            Row(cells=(
                asked[one.code].name_zh, _supposed(asked[one.code]), str(one.called_mean), str(one.failed_mean),
                f"{one.peak_due_cny:,.2f}", f"{one.loss_mean_cny:,.2f}", f"{one.loss_tail_cny:,.2f}",
            ))
            for one in outcome.scenarios
        ),
    )  # fmt: skip


def _supposed(asked: StressScenario) -> str:
    said = ["随机路径，各品种联动并共同下跳"] if asked.is_simulated else []
    if asked.price_ratio:
        said.append(f"价格 {asked.price_days} 日跌 {shown_percent(asked.price_ratio, 0)}")
    if asked.cliff_day is not None:
        said.append(f"第 {asked.cliff_day} 日起旧年度失效")
    if asked.outage_days:
        said.append(f"登记中断 {asked.outage_days} 日")
    return "；".join([*said, f"可用资金 {shown_percent(asked.cash_ratio, 0)}"])


def _agreement_table(name: str, worst: ScenarioOutcome) -> Table:
    ranked = sorted(worst.agreements, key=lambda one: (-one.loss_tail_cny, one.code))
    left_out = len(ranked) - _ROWS_MOST
    return Table(
        title_zh=f"{name}：受影响的协议", title_en="Agreements touched",
        columns=(
            Column(label_zh="协议", label_en="Agreement"), Column(label_zh="出质人", label_en="Pledgor"),
            Column(label_zh="债权", label_en="Debt", unit="元", align=_RIGHT),
            Column(label_zh="被追加概率", label_en="Called", align=_RIGHT),
            Column(label_zh="违约概率", label_en="Failed", align=_RIGHT),
            Column(label_zh="平均损失", label_en="Mean loss", unit="元", align=_RIGHT),
            Column(label_zh="尾部损失", label_en="Tail loss", unit="元", align=_RIGHT),
        ),
        rows=tuple(
            Row(cells=(
                one.code, one.pledgor, f"{one.debt_cny:,.2f}", shown_percent(one.called_ratio, 1),
                shown_percent(one.failed_ratio, 1), f"{one.loss_mean_cny:,.2f}", f"{one.loss_tail_cny:,.2f}",
            ))
            for one in ranked[:_ROWS_MOST]
        ),
        caption=f"按尾部损失列前 {_ROWS_MOST} 份，另有 {left_out} 份。" if left_out > 0 else "",
    )  # fmt: skip


def _unit_table(name: str, worst: ScenarioOutcome) -> Table:
    return Table(
        title_zh=f"{name}：处置量与市场深度", title_en="What is sold",
        columns=(
            Column(label_zh="品种", label_en="Unit"),
            Column(label_zh="待处置", label_en="To sell", unit="吨", align=_RIGHT),
            Column(label_zh="相当于成交日数", label_en="Days of volume", align=_RIGHT),
            Column(label_zh="平均售完", label_en="Days to sell", unit="交易日", align=_RIGHT),
            Column(label_zh="平均所得／违约日价", label_en="Proceeds over price", align=_RIGHT),
        ),
        rows=tuple(
            Row(cells=(
                one.unit, f"{one.sold_mean_t:,}", "成交未知" if one.volume_days is None else str(one.volume_days),
                str(one.days_to_sell) if one.share_mean else "无法变现", shown_percent(one.share_mean or Decimal(0), 1),
            ))
            for one in worst.units
        ),
    )  # fmt: skip


def _scenario(outcome: StressOutcome, code: str) -> ScenarioOutcome:
    return next(one for one in outcome.scenarios if one.code == code)


def _yuan(amount_cny: Decimal) -> str:
    return f"{amount_cny:,.2f} 元"


def _bar(label: Words, amount_cny: Decimal) -> Bar:
    return Bar(label=label, amount=amount_cny / 10_000, text=f"{amount_cny / 10_000:,.2f}")
