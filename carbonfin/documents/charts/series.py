"""Series over days: price or ratio as a line, flagged points apart, thresholds dashed, volume in a panel beneath."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.lines import (
    Line,
    PointFlag,
    SeriesPoint,
    Threshold,
    VolumeBar,
    alternative,
    source_line,
    table,
    volume_words,
)
from carbonfin.documents.charts.themes import LANGUAGES, LIGHT, Language, Theme, Words
from carbonfin.kernel.units import to_float

_SHAPES = ("diamond", "triangle-up", "square", "triangle-down", "cross")
_LONG_SPAN_DAYS = 75


def time_series_chart(
    *,
    title: Words,
    line_label: Words,
    unit: Words,
    points: Sequence[SeriesPoint],
    source: Words,
    as_of: date,
    language: Language,
    flags: Sequence[PointFlag] = (),
    volumes: Sequence[VolumeBar] = (),
    thresholds: Sequence[Threshold] = (),
    theme: Theme = LIGHT,
    width_px: int = 640,
    height_px: int = 220,
) -> Chart:
    """Draw a line over days with its flagged points, thresholds and volumes.

    Args:
        title: The question the chart answers, or the finding.
        line_label: What the line is, for the legend.
        unit: Unit of the values, such as 元/吨.
        points: Values by day, in order of days.
        source: Who publishes the values.
        as_of: The last day the values speak of.
        language: Language of every word in the drawing.
        flags: What each flag of a point means; only those that occur enter the legend.
        volumes: Volumes by day; drawn as a second panel when given.
        thresholds: Levels to compare with.
        theme: Colours.
        width_px: Width of the plot.
        height_px: Height of the line's panel.

    Raises:
        InvalidInput: No point, days out of order, or a flag without its meaning.
    """
    line = Line(label=line_label, unit=unit, points=points, flags=flags, thresholds=thresholds)
    price = _line_panel(line, language, theme, labels=not volumes).properties(width=width_px, height=height_px)
    panel: alt.TopLevelMixin = price
    if volumes:
        panel = _with_volumes(price, line.days, volumes, language, theme, width_px=width_px, height_px=height_px)
    said = source_line(source, as_of, language)
    titled = panel.properties(title=title_of(title.on(language), said))
    alternatives = {
        each: alternative(line, title=title, source=source_line(source, as_of, each), language=each)
        for each in LANGUAGES
    }
    columns, rows = table(line, volumes, language)
    return Chart(
        svg=draw(titled, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=said,
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=columns,
        rows=rows,
    )


def _line_panel(line: Line, language: Language, theme: Theme, *, labels: bool) -> alt.LayerChart:
    """Draw the line with its flagged points and thresholds; `labels` tells whether the days stand under this panel."""
    values: list[dict[str, Any]] = [
        {
            "day": point.day.isoformat(),
            "value": None if point.value is None else to_float(point.value),
            "kind": line.kind_of(point, language),
        }
        for point in line.points
    ]
    source = alt.InlineData(values=values)
    x = _day_axis(line.days, labels=labels)
    y = alt.Y("value:Q", title=plain(line.unit.on(language)), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    name = plain(line.label.on(language))
    layers: list[alt.Chart] = [
        alt.Chart(source)
        .transform_calculate(kind=f"{_quoted(name)}")
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
    ]
    if line.occurring_flags:
        marked = [value for value, point in zip(values, line.points, strict=True) if point.flag]
        layers.append(_flag_layer(line.occurring_flags, marked, x, y, language=language, theme=theme))
    for threshold in line.thresholds:
        layers.extend(_threshold_layers(threshold, line.points, language, theme))
    panel: alt.LayerChart = alt.layer(*layers).resolve_scale(
        color="independent", stroke="independent", shape="independent"
    )
    return panel


def _flag_layer(
    flags: Sequence[PointFlag], marked: list[dict[str, Any]], x: alt.X, y: alt.Y, *, language: Language, theme: Theme
) -> alt.Chart:
    domain = [plain(flag.label.on(language)) for flag in flags]
    colours = [theme.of_tone(flag.tone) for flag in flags]
    shapes = list(_SHAPES[: len(flags)])
    legend = alt.Legend(title=None)
    points: alt.Chart = (
        alt.Chart(alt.InlineData(values=marked))
        .mark_point(filled=False, size=46, strokeWidth=1.5, opacity=1)
        .encode(
            x=x,
            y=y,
            stroke=alt.Stroke("kind:N", scale=alt.Scale(domain=domain, range=colours), legend=legend),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=domain, range=shapes), legend=legend),
        )
    )
    return points


def _threshold_layers(
    threshold: Threshold, points: Sequence[SeriesPoint], language: Language, theme: Theme
) -> list[alt.Chart]:
    colour = theme.of_tone(threshold.tone)
    source = alt.InlineData(
        values=[{"value": to_float(threshold.value), "text": plain(f"{threshold.label.on(language)} {threshold.text}")}]
    )
    rule = alt.Chart(source).mark_rule(strokeDash=[5, 4], strokeWidth=1.2, color=colour).encode(y="value:Q")
    at_left = _is_freer_at_left(threshold.value, points)
    words = (
        alt.Chart(source)
        .mark_text(
            align="left" if at_left else "right", baseline="bottom", dy=-3, dx=4 if at_left else -2, color=colour
        )
        .encode(y="value:Q", x=alt.value(0) if at_left else alt.value("width"), text="text:N")
    )
    return [rule, words]


def _with_volumes(
    price: alt.LayerChart,
    days: Sequence[date],
    volumes: Sequence[VolumeBar],
    language: Language,
    theme: Theme,
    *,
    width_px: int,
    height_px: int,
) -> alt.TopLevelMixin:
    """Put the volumes' panel under the line's, over the same days."""
    bar_px = max(1.0, 0.7 * width_px / ((days[-1] - days[0]).days + 3))
    volume = _volume_panel(volumes, _day_axis(days, labels=True), bar_px, language, theme)
    volume = volume.properties(width=width_px, height=max(60, height_px // 3))
    both: alt.TopLevelMixin = alt.vconcat(price, volume, spacing=14).resolve_scale(
        x="shared", color="independent", shape="independent"
    )
    return both


def _is_freer_at_left(level: Decimal, points: Sequence[SeriesPoint]) -> bool:
    """Tell at which end of the plot the line keeps further from a level, so that its words cross nothing."""
    known = [point.value for point in points if point.value is not None]
    reach = max(1, len(known) // 5)
    return min(abs(value - level) for value in known[:reach]) > min(abs(value - level) for value in known[-reach:])


def _volume_panel(volumes: Sequence[VolumeBar], x: alt.X, bar_px: float, language: Language, theme: Theme) -> alt.Chart:
    listed, block = volume_words(language)
    values = [
        {"day": bar.day.isoformat(), "volume_10kt": amount / 10_000, "kind": kind, "order": order}
        for bar in volumes
        for order, (kind, amount) in enumerate(((listed, bar.listed_t), (block, bar.block_t)))
        if amount > 0
    ]
    bars: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(width=bar_px)
        .encode(
            x=x,
            y=alt.Y("volume_10kt:Q", title="万吨" if language == "zh" else "10,000 t", axis=alt.Axis(tickCount=3)),
            color=alt.Color("kind:N", scale=alt.Scale(domain=[listed, block], range=[theme.accent, theme.second])),
            order="order:Q",
        )
    )
    return bars


def _day_axis(days: Sequence[date], *, labels: bool) -> alt.X:
    long = (days[-1] - days[0]).days > _LONG_SPAN_DAYS
    ends = [(days[0] - timedelta(days=1)).isoformat(), (days[-1] + timedelta(days=1)).isoformat()]
    axis = alt.Axis(
        format="%Y-%m" if long else "%m-%d", tickCount=8, grid=False, labelOverlap=True, labels=labels, ticks=labels
    )
    # A day's text is read as midnight UTC by the scale's expression, whatever zone the machine stands in.
    domain = alt.Scale(
        type="utc", domain=[alt.ExprRef(expr=f"utc({_utc(end)})") for end in ends], nice=False, padding=0
    )
    return alt.X("day:T", title=None, scale=domain, axis=axis)


def _utc(day: str) -> str:
    year, month, date_of_month = (int(part) for part in day.split("-"))
    return f"{year}, {month - 1}, {date_of_month}"


def _quoted(text: str) -> str:
    """Give a text as a Vega string, so that no character of it is read as an expression."""
    return "'" + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in text) + "'"
