"""Series over days: price or ratio as a line, flagged points apart, thresholds dashed, volume in a panel beneath."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import altair as alt

from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Tone, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float

_SHAPES = ("diamond", "triangle-up", "square", "triangle-down", "cross")
_LONG_SPAN_DAYS = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFlag:
    """Why a point is not an ordinary one, such as a carried close; explained in the legend."""

    code: str
    label: Words
    tone: Tone = Tone.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """The value of a day; None leaves a gap, and a flag names one of the chart's flags."""

    day: date
    value: Decimal | None
    flag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBar:
    """The volume of a day, listed (挂牌) and block (大宗) apart."""

    day: date
    listed_t: int
    block_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A level drawn as a dashed line with its value."""

    label: Words
    value: Decimal
    text: str
    tone: Tone = Tone.WARNING


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
    _check(points, flags)
    source_line = _source_line(source, as_of, language)
    by_code = {flag.code: flag for flag in flags}
    values = [
        {
            "day": point.day.isoformat(),
            "value": None if point.value is None else to_float(point.value),
            "kind": _kind(point, by_code, line_label, language),
        }
        for point in points
    ]
    days = _day_axis([point.day for point in points], labels=not volumes)
    price = _price_panel(
        values,
        points,
        by_code,
        days,
        line_label=line_label,
        unit=unit,
        thresholds=thresholds,
        language=language,
        theme=theme,
    )
    price = price.properties(width=width_px, height=height_px)
    panel: alt.TopLevelMixin = price
    if volumes:
        days = _day_axis([point.day for point in points], labels=True)
        bar_px = max(1.0, 0.7 * width_px / ((points[-1].day - points[0].day).days + 3))
        volume = _volume_panel(volumes, days, bar_px, language, theme)
        volume = volume.properties(width=width_px, height=max(60, height_px // 3))
        panel = alt.vconcat(price, volume, spacing=14).resolve_scale(
            x="shared", color="independent", shape="independent"
        )
    titled = panel.properties(title=title_of(title.on(language), source_line))
    alternatives = {
        each: _alternative(
            points,
            by_code,
            title=title,
            line_label=line_label,
            unit=unit,
            thresholds=thresholds,
            source_line=_source_line(source, as_of, each),
            language=each,
        )
        for each in ("zh", "en")
    }
    columns, rows = _table(points, by_code, volumes, line_label=line_label, unit=unit, language=language)
    return Chart(
        svg=draw(titled, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=source_line,
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=columns,
        rows=rows,
    )


def _check(points: Sequence[SeriesPoint], flags: Sequence[PointFlag]) -> None:
    if not any(point.value is not None for point in points):
        raise InvalidInput("A chart needs at least one value", zh="图中没有可画的数据", field="points")
    days = [point.day for point in points]
    if days != sorted(set(days)):
        raise InvalidInput("Days must rise and not repeat", zh="日期须递增且不重复", field="points")
    unknown = sorted({point.flag for point in points if point.flag is not None} - {flag.code for flag in flags})
    if unknown:
        raise InvalidInput(
            f"No meaning is given for the flags {', '.join(unknown)}",
            zh=f"标记 {'、'.join(unknown)} 没有图例说明",
            field="flags",
        )


def _kind(point: SeriesPoint, by_code: dict[str, PointFlag], line_label: Words, language: Language) -> str:
    label = line_label if point.flag is None else by_code[point.flag].label
    return plain(label.on(language))


def _price_panel(
    values: list[dict[str, Any]],
    points: Sequence[SeriesPoint],
    by_code: dict[str, PointFlag],
    x: alt.X,
    *,
    line_label: Words,
    unit: Words,
    thresholds: Sequence[Threshold],
    language: Language,
    theme: Theme,
) -> alt.LayerChart:
    source = alt.InlineData(values=values)
    y = alt.Y("value:Q", title=plain(unit.on(language)), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    line = plain(line_label.on(language))
    layers: list[alt.Chart] = [
        alt.Chart(source)
        .transform_calculate(kind=f"{_quoted(line)}")
        .mark_line(strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=[line], range=[theme.accent]),
                legend=alt.Legend(symbolType="stroke", title=None),
            ),
        )
    ]
    occurring = [flag for code, flag in by_code.items() if any(point.flag == code for point in points)]
    if occurring:
        domain = [plain(flag.label.on(language)) for flag in occurring]
        colours = [theme.of_tone(flag.tone) for flag in occurring]
        shapes = list(_SHAPES[: len(occurring)])
        marks = alt.InlineData(values=[value for value, point in zip(values, points, strict=True) if point.flag])
        legend = alt.Legend(title=None)
        layers.append(
            alt.Chart(marks)
            .mark_point(filled=False, size=46, strokeWidth=1.5, opacity=1)
            .encode(
                x=x,
                y=y,
                stroke=alt.Stroke("kind:N", scale=alt.Scale(domain=domain, range=colours), legend=legend),
                shape=alt.Shape("kind:N", scale=alt.Scale(domain=domain, range=shapes), legend=legend),
            )
        )
    for threshold in thresholds:
        layers.extend(_threshold_layers(threshold, points, language, theme))
    panel: alt.LayerChart = alt.layer(*layers).resolve_scale(
        color="independent", stroke="independent", shape="independent"
    )
    return panel


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


def _is_freer_at_left(level: Decimal, points: Sequence[SeriesPoint]) -> bool:
    """Tell at which end of the plot the line keeps further from a level, so that its words cross nothing."""
    known = [point.value for point in points if point.value is not None]
    reach = max(1, len(known) // 5)
    return min(abs(value - level) for value in known[:reach]) > min(abs(value - level) for value in known[-reach:])


def _volume_panel(volumes: Sequence[VolumeBar], x: alt.X, bar_px: float, language: Language, theme: Theme) -> alt.Chart:
    listed, block = _volume_words(language)
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


def _volume_words(language: Language) -> tuple[str, str]:
    return ("挂牌成交量", "大宗成交量") if language == "zh" else ("Listed volume", "Block volume")


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


def _source_line(source: Words, as_of: date, language: Language) -> str:
    if language == "zh":
        return f"来源：{source.zh}；数据截至 {as_of.isoformat()}"
    return f"Source: {source.en}; as of {as_of.isoformat()}"


def _alternative(
    points: Sequence[SeriesPoint],
    by_code: dict[str, PointFlag],
    *,
    title: Words,
    line_label: Words,
    unit: Words,
    thresholds: Sequence[Threshold],
    source_line: str,
    language: Language,
) -> str:
    known = [(point.value, point.day) for point in points if point.value is not None]
    (first, first_day), (last, last_day) = known[0], known[-1]
    low, high = min(known), max(known)
    counts = [(flag.label.on(language), sum(point.flag == code for point in points)) for code, flag in by_code.items()]
    if language == "zh":
        parts = [
            f"{title.zh}。{line_label.zh}（{unit.zh}）：{first_day} 为 {first}，{last_day} 为 {last}",
            f"最低 {low[0]}（{low[1]}），最高 {high[0]}（{high[1]}），共 {len(known)} 个数据点",
            *[f"{label} {count} 个" for label, count in counts if count],
            *[f"{threshold.label.zh} {threshold.text}" for threshold in thresholds],
        ]
        return "；".join(parts) + f"。{source_line}。"
    parts = [
        f"{title.en}. {line_label.en} ({unit.en}): {first} on {first_day}, {last} on {last_day}",
        f"lowest {low[0]} ({low[1]}), highest {high[0]} ({high[1]}), {len(known)} points",
        *[f"{label}: {count}" for label, count in counts if count],
        *[f"{threshold.label.en} {threshold.text}" for threshold in thresholds],
    ]
    return "; ".join(parts) + f". {source_line}."


def _table(
    points: Sequence[SeriesPoint],
    by_code: dict[str, PointFlag],
    volumes: Sequence[VolumeBar],
    *,
    line_label: Words,
    unit: Words,
    language: Language,
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    day, flag = ("日期", "标记") if language == "zh" else ("Day", "Flag")
    bracket = f"（{unit.zh}）" if language == "zh" else f" ({unit.en})"
    columns = [day, line_label.on(language) + bracket, flag]
    by_day = {bar.day: bar for bar in volumes}
    if volumes:
        tonnes = "（吨）" if language == "zh" else " (t)"
        columns += [words + tonnes for words in _volume_words(language)]
    rows: list[tuple[str, ...]] = []
    for point in points:
        row = [
            point.day.isoformat(),
            "" if point.value is None else str(point.value),
            "" if point.flag is None else by_code[point.flag].label.on(language),
        ]
        if volumes:
            bar = by_day.get(point.day)
            row += ["", ""] if bar is None else [f"{bar.listed_t:,}", f"{bar.block_t:,}"]
        rows.append(tuple(row))
    return tuple(columns), tuple(rows)
