"""How a figure is built up, step by step: a rate from LPR to executed, a score from its factors."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Words
from carbonfin.documents.sheets import StepKind, Waterfall, WaterfallStep, check_steps
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float

# A reader's Latin letters may be wider than those the drawing was measured with.
_LATIN_ROOM = {"left": 34, "right": 14, "top": 5, "bottom": 5}
_LABEL_PX_MAX = 330  # the longest English name of a factor of the scorecard, whole


def waterfall_chart(
    *,
    title: Words,
    unit: Words,
    steps: Sequence[WaterfallStep],
    source: Words,
    language: Language,
    less_is_better: bool = True,
    titled: bool = True,
    theme: Theme = LIGHT,
    width_px: int = 430,
) -> Chart:
    """Draw steps as horizontal bars on one axis from zero: levels full, changes hanging between them.

    Args:
        title: The question, such as 执行利率是怎样得出的.
        unit: Unit of the axis.
        steps: Levels and changes; later levels must be the running sum.
        source: Where the steps come from.
        language: Language of every word in the drawing.
        less_is_better: Whether a falling step is good news (a rate) or bad (a score).
        titled: Whether title and source stand in the drawing; a sheet prints them as heading and source line instead.
        theme: Colours.
        width_px: Width of the plot.

    Raises:
        InvalidInput: The steps do not add up, or two share a name.
    """
    check_steps(tuple(steps), title=title.on(language))
    labels = [plain(step.label_zh if language == "zh" else step.label_en) for step in steps]
    if len(labels) != len(set(labels)):
        raise InvalidInput("Two steps share a name", zh="两个步骤名称相同", field="steps")
    chart = _layers(steps, labels, plain(unit.on(language)), theme, less_is_better=less_is_better)
    chart = chart.properties(width=width_px, height=28 * len(steps))
    if language == "en":
        chart = chart.properties(padding=_LATIN_ROOM)
    lines = {"zh": f"来源：{source.zh}", "en": f"Source: {source.en}"}
    alternatives = {
        "zh": f"{title.zh}。" + "；".join(f"{step.label_zh} {step.text}" for step in steps) + f"。{lines['zh']}。",
        "en": f"{title.en}. " + "; ".join(f"{step.label_en} {step.text}" for step in steps) + f". {lines['en']}.",
    }
    head = title_of(title.on(language), lines[language])
    return Chart(
        svg=draw(chart.properties(title=head) if titled else chart, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("步骤", f"数值（{unit.zh}）", "依据")
        if language == "zh"
        else ("Step", f"Figure ({unit.en})", "Reason"),
        rows=tuple((label, step.text, step.note) for label, step in zip(labels, steps, strict=True)),
    )


def _layers(
    steps: Sequence[WaterfallStep], labels: list[str], unit: str, theme: Theme, *, less_is_better: bool
) -> alt.LayerChart | alt.FacetChart:
    """Draw the bars, what connects them, and their figures."""
    values = [
        {
            "label": label,
            "from": to_float(start),
            "to": to_float(end),
            "text": plain(step.text),
            "tone": _tone(step, less_is_better=less_is_better),
        }
        for label, step, (start, end) in zip(labels, steps, _spans(steps), strict=True)
    ]
    colours = alt.Scale(domain=["level", "good", "bad"], range=[theme.accent, theme.good, theme.warning])
    source_data = alt.InlineData(values=values)
    y = alt.Y(
        "label:N",
        scale=alt.Scale(domain=labels),
        title=None,
        axis=alt.Axis(
            ticks=False, domain=False, labelLimit=_LABEL_PX_MAX, labelPadding=8, labelColor=theme.ink, labelFontSize=12
        ),
    )
    x = alt.X(
        "from:Q",
        title=unit,
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=6, grid=False),
    )
    bars = (
        alt.Chart(source_data)
        .mark_bar(height={"band": 0.56})
        .encode(x=x, x2="to:Q", y=y, color=alt.Color("tone:N", scale=colours, legend=None))
    )
    words = (
        alt.Chart(source_data)
        .mark_text(align="left", dx=12, color=theme.ink, fontSize=12)
        .encode(x=alt.value("width"), y=y, text="text:N")
    )
    connectors = (
        alt.Chart(alt.InlineData(values=_connectors(labels, steps)))
        .mark_rule(strokeWidth=1, strokeDash=[2, 2], color=theme.muted)
        .encode(
            x="at:Q",
            y=alt.Y("above:N", scale=alt.Scale(domain=labels), bandPosition=0.78),
            y2=alt.Y2("below:N", bandPosition=0.22),
        )
    )
    return alt.layer(bars, connectors, words)


def chart_of(waterfall: Waterfall) -> Chart:
    """Draw a sheet's waterfall, in Chinese and in the colours of paper."""
    return waterfall_chart(
        title=Words(zh=waterfall.title_zh, en=waterfall.title_en),
        unit=Words(zh=waterfall.unit, en=waterfall.unit),
        steps=waterfall.steps,
        source=Words(zh=waterfall.source, en=waterfall.source),
        language="zh",
        less_is_better=waterfall.less_is_better,
        titled=False,
    )


def _spans(steps: Sequence[WaterfallStep]) -> list[tuple[Decimal, Decimal]]:
    spans: list[tuple[Decimal, Decimal]] = []
    running = Decimal(0)
    for step in steps:
        start = Decimal(0) if step.kind is StepKind.LEVEL else running
        running = step.amount if step.kind is StepKind.LEVEL else running + step.amount
        spans.append((start, running))
    return spans


def _connectors(labels: Sequence[str], steps: Sequence[WaterfallStep]) -> list[dict[str, object]]:
    ends = [to_float(end) for _start, end in _spans(steps)]
    return [
        {"at": end, "above": above, "below": below} for end, above, below in zip(ends, labels, labels[1:], strict=False)
    ]


def _tone(step: WaterfallStep, *, less_is_better: bool) -> str:
    if step.kind is StepKind.LEVEL:
        return "level"
    return "good" if (step.amount <= 0) is less_is_better else "bad"
