"""Figures with their intervals: a point a line, its band to both sides, nought or a threshold to hold them against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.documents.charts.bars import category_axis, level_layers, source_lines
from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.lines import Threshold
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its band.

    Args:
        label: What it is of.
        value: The figure.
        text: As printed.
        low: Lower end of the band; None where it has none.
        high: Upper end.
    """

    label: Words
    value: Decimal
    text: str
    low: Decimal | None = None
    high: Decimal | None = None


def interval_chart(
    *,
    title: Words,
    unit: Words,
    intervals: Sequence[Interval],
    source: Words,
    as_of: date,
    language: Language,
    levels: Sequence[Threshold] = (),
    theme: Theme = LIGHT,
    width_px: int = 460,
) -> Chart:
    """Draw figures as points on lines of their own, in the order given, nought always in sight.

    Args:
        title: The question the chart answers, or the finding.
        unit: Unit of the figures.
        intervals: The figures.
        source: Where they come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        levels: Lines across, such as a limit.
        theme: Colours.
        width_px: Width of the plot.

    Raises:
        InvalidInput: No figure.
    """
    if not intervals:
        raise InvalidInput("A chart needs at least one figure", zh="图中没有可画的数据", field="intervals")
    lines = source_lines(source, as_of)
    spoken = {each: "；".join(f"{one.label.on(each)} {one.text}" for one in intervals) for each in ("zh", "en")}
    limits = {each: "；".join(f"{one.label.on(each)} {one.text}" for one in levels) for each in ("zh", "en")}
    alternatives: dict[Language, str] = {
        "zh": f"{title.zh}（{unit.zh}）：{spoken['zh']}。{limits['zh']}。{lines['zh']}。",
        "en": f"{title.en} ({unit.en}): {spoken['en']}. {limits['en']}. {lines['en']}.",
    }
    shown = _layers(intervals, levels, unit, language, theme).properties(
        width=width_px, height=34 * len(intervals) + 10, title=title_of(title.on(language), lines[language])
    )
    return Chart(
        svg=draw(shown, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("项目", f"数值（{unit.zh}）") if language == "zh" else ("Item", f"Figure ({unit.en})"),
        rows=tuple((one.label.on(language), one.text) for one in intervals),
    )


def _layers(
    intervals: Sequence[Interval], levels: Sequence[Threshold], unit: Words, language: Language, theme: Theme
) -> alt.LayerChart | alt.FacetChart:
    values: list[dict[str, Any]] = [
        {
            "label": plain(one.label.on(language)), "value": to_float(one.value), "text": plain(one.text),
            "low": to_float(one.value if one.low is None else one.low),
            "high": to_float(one.value if one.high is None else one.high),
        }
        for one in intervals
    ]  # fmt: skip
    y = category_axis([str(value["label"]) for value in values], theme)
    ends = [
        0.0,
        *(end for value in values for end in (value["low"], value["high"])),
        *(to_float(one.value) for one in levels),
    ]
    room = (max(ends) - min(ends)) * 0.06 or 1.0
    scale = alt.Scale(zero=True, nice=False, domain=[min(ends) - (room if min(ends) < 0 else 0), max(ends) + room])
    base = alt.Chart(alt.InlineData(values=values))
    axis = alt.Axis(tickCount=6, grid=True)
    bands = base.mark_rule(strokeWidth=3, color=theme.accent_soft).encode(
        x=alt.X("low:Q", title=plain(unit.on(language)), scale=scale, axis=axis), x2="high:Q", y=y
    )
    points = base.mark_point(filled=True, size=70, opacity=1, color=theme.accent).encode(
        x=alt.X("value:Q", scale=scale, title=plain(unit.on(language)), axis=axis), y=y
    )
    words = base.mark_text(align="left", dx=12, color=theme.ink, fontSize=12).encode(
        x=alt.value("width"), y=y, text="text:N"
    )
    nought = alt.Chart(alt.InlineData(values=[{"at": 0.0}])).mark_rule(color=theme.muted).encode(x="at:Q")
    return alt.layer(nought, bands, points, words, *level_layers(levels, language, theme))
