"""A curve over years ahead: the line as it is read, and its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.lines import source_line
from carbonfin.documents.charts.themes import LANGUAGES, LIGHT, Language, Theme, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float

_NODES = Words(zh="节点", en="Nodes")
_YEARS = Words(zh="期限（年）", en="Years ahead")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What a curve gives for a day some years ahead; a node is where a quote set it."""

    day: date
    years: Decimal
    value: Decimal
    text: str
    is_node: bool


def curve_chart(
    *,
    title: Words,
    line_label: Words,
    unit: Words,
    points: Sequence[CurvePoint],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
    width_px: int = 640,
    height_px: int = 240,
) -> Chart:
    """Draw a curve over years ahead with its nodes marked; the table beside it holds the nodes.

    Args:
        title: The question the chart answers, or the finding.
        line_label: What the line is, for the legend.
        unit: Unit of the values, such as 元/吨 or %.
        points: Values in order of days; nodes and as many between as the line needs to be read.
        source: Who publishes the quotes.
        as_of: The valuation date.
        language: Language of every word in the drawing.
        theme: Colours.
        width_px: Width of the plot.
        height_px: Height of the plot.

    Raises:
        InvalidInput: No node, or days out of order.
    """
    nodes = [point for point in points if point.is_node]
    if not nodes:
        raise InvalidInput("A curve needs at least one node to be drawn", zh="图中没有可画的节点", field="points")
    days = [point.day for point in points]
    if days != sorted(set(days)):
        raise InvalidInput("Days must rise and not repeat", zh="日期须递增且不重复", field="points")
    said = source_line(source, as_of, language)
    drawn = _layers(line_label, unit, points, language, theme).properties(
        width=width_px, height=height_px, title=title_of(title.on(language), said)
    )
    alternatives = {
        each: _alternative(title, line_label, unit, nodes, each) + _said(source_line(source, as_of, each), each)
        for each in LANGUAGES
    }
    bracket = f"（{unit.zh}）" if language == "zh" else f" ({unit.en})"
    return Chart(
        svg=draw(drawn, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=said,
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("日期" if language == "zh" else "Day", _YEARS.on(language), line_label.on(language) + bracket),
        rows=tuple((node.day.isoformat(), f"{node.years:.2f}", node.text) for node in nodes),
    )


def _layers(
    line_label: Words, unit: Words, points: Sequence[CurvePoint], language: Language, theme: Theme
) -> alt.LayerChart:
    name, nodes = plain(line_label.on(language)), plain(_NODES.on(language))
    x = alt.X(
        "years:Q",
        title=plain(_YEARS.on(language)),
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=8, grid=False),
    )
    y = alt.Y("value:Q", title=plain(unit.on(language)), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))

    def values(kind: str, chosen: Sequence[CurvePoint]) -> alt.InlineData:
        return alt.InlineData(
            values=[{"years": to_float(one.years), "value": to_float(one.value), "kind": kind} for one in chosen]
        )

    line = (
        alt.Chart(values(name, points))
        .mark_line(strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=[name], range=[theme.accent]),
                legend=alt.Legend(symbolType="stroke", title=None),
            ),
        )
    )
    marks = (
        alt.Chart(values(nodes, [point for point in points if point.is_node]))
        .mark_point(filled=False, size=46, strokeWidth=1.5, opacity=1, shape="diamond")
        .encode(
            x=x,
            y=y,
            stroke=alt.Stroke(
                "kind:N",
                scale=alt.Scale(domain=[nodes], range=[theme.second]),
                legend=alt.Legend(symbolType="diamond", title=None),
            ),
        )
    )
    both: alt.LayerChart = alt.layer(line, marks).resolve_scale(color="independent", stroke="independent")
    return both


def _said(source: str, language: Language) -> str:
    return f"{source}。" if language == "zh" else f" {source}."


def _alternative(title: Words, line_label: Words, unit: Words, nodes: Sequence[CurvePoint], language: Language) -> str:
    """Say the chart in words, for a reader who cannot see it."""
    if language == "zh":
        spoken = "；".join(f"{node.day} 为 {node.text}" for node in nodes)
        return f"{title.zh}。{line_label.zh}（{unit.zh}）：{spoken}。"
    spoken = "; ".join(f"{node.text} on {node.day}" for node in nodes)
    return f"{title.en}. {line_label.en} ({unit.en}): {spoken}."
