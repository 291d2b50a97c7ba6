"""Bars: amounts by category, and coverage of pledges against their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.lines import Threshold
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Tone, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """An amount of a category, in one series of perhaps several."""

    label: Words
    amount: Decimal
    text: str
    series: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageBar:
    """The coverage of one pledge, with the state its owner has decided."""

    label: Words
    ratio: Decimal
    text: str
    state: Words
    tone: Tone


def bar_chart(
    *,
    title: Words,
    unit: Words,
    bars: Sequence[Bar],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
    width_px: int = 460,
) -> Chart:
    """Draw amounts as horizontal bars in the order given, each with its figure; several series stand stacked.

    Args:
        title: The question the chart answers, or the finding.
        unit: Unit of the amounts.
        bars: Amounts by category and, where there are several, by series.
        source: Where the amounts come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        theme: Colours.
        width_px: Width of the plot.

    Raises:
        InvalidInput: No bar, or more series than colours.
    """
    chart, labels = _amount_layers(bars, unit, language, theme)
    lines = source_lines(source, as_of)
    alternatives = {
        "zh": f"{title.zh}（{unit.zh}）：" + "；".join(_spoken(bar, "zh") for bar in bars) + f"。{lines['zh']}。",
        "en": f"{title.en} ({unit.en}): " + "; ".join(_spoken(bar, "en") for bar in bars) + f". {lines['en']}.",
    }
    titled = chart.properties(
        width=width_px, height=34 * len(labels), title=title_of(title.on(language), lines[language])
    )
    return Chart(
        svg=draw(titled, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("类别", "系列", f"数值（{unit.zh}）")
        if language == "zh"
        else ("Category", "Series", f"Amount ({unit.en})"),
        rows=tuple(
            (bar.label.on(language), bar.series.on(language) if bar.series is not None else "", bar.text)
            for bar in bars
        ),
    )


def coverage_chart(
    *,
    title: Words,
    bars: Sequence[CoverageBar],
    levels: Sequence[Threshold],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
    width_px: int = 460,
) -> Chart:
    """Draw the coverage of pledges against the initial, warning and disposal lines.

    Args:
        title: The question the chart answers, or the finding.
        bars: Coverage by pledge, in the order to be read; the state is the caller's decision, never the drawing's.
        levels: The lines (初始, 预警线, 处置线).
        source: Where price and debt come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        theme: Colours.
        width_px: Width of the plot.

    Raises:
        InvalidInput: No bar to draw.
    """
    if not bars:
        raise InvalidInput("A chart needs at least one pledge", zh="图中没有可画的押品", field="bars")
    chart = _coverage_layers(bars, levels, language, theme)
    lines = source_lines(source, as_of)
    alternatives = {each: _coverage_alternative(title, bars, levels, lines[each], each) for each in ("zh", "en")}
    shown = chart.properties(
        width=width_px, height=38 * len(bars) + 10, title=title_of(title.on(language), lines[language])
    )
    return Chart(
        svg=draw(shown, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("押品", "覆盖率", "状态") if language == "zh" else ("Pledge", "Coverage", "State"),
        rows=tuple((bar.label.on(language), bar.text, bar.state.on(language)) for bar in bars),
    )


def _amount_layers(
    bars: Sequence[Bar], unit: Words, language: Language, theme: Theme
) -> tuple[alt.LayerChart | alt.FacetChart, list[str]]:
    """Draw the bars, with their figures where they are not stacked, and give their categories."""
    if not bars:
        raise InvalidInput("A chart needs at least one bar", zh="图中没有可画的数据", field="bars")
    palette = [theme.accent, theme.second, theme.accent_soft, theme.muted]
    series = list(dict.fromkeys(plain(bar.series.on(language)) for bar in bars if bar.series is not None))
    if len(series) > len(palette):
        raise InvalidInput(
            f"{len(series)} series, at most {len(palette)} can be told apart", zh="系列过多", field="bars"
        )
    labels = list(dict.fromkeys(plain(bar.label.on(language)) for bar in bars))
    values: list[dict[str, object]] = [
        {
            "label": plain(bar.label.on(language)),
            "amount": to_float(bar.amount),
            "text": plain(bar.text),
            "order": order,
            "series": plain(bar.series.on(language)) if bar.series is not None else "",
        }
        for order, bar in enumerate(bars)
    ]
    y = category_axis(labels, theme)
    colour = (
        alt.Color("series:N", scale=alt.Scale(domain=series, range=palette[: len(series)]))
        if series
        else alt.value(theme.accent)
    )
    shapes = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(height={"band": 0.6})
        .encode(
            x=alt.X("amount:Q", title=plain(unit.on(language)), axis=alt.Axis(tickCount=6, grid=False)),
            y=y,
            color=colour,
            order="order:Q",
        )
    )
    chart = alt.layer(shapes) if series else alt.layer(shapes, _bar_words(values, y, theme))
    return chart, labels


def _coverage_layers(
    bars: Sequence[CoverageBar], levels: Sequence[Threshold], language: Language, theme: Theme
) -> alt.LayerChart | alt.FacetChart:
    """Draw the bars in the colours of their states, with the lines across."""
    labels = [plain(bar.label.on(language)) for bar in bars]
    values: list[dict[str, object]] = [
        {
            "label": label,
            "amount": to_float(bar.ratio),
            "tone": bar.tone.value,
            "text": plain(f"{bar.text}  {bar.state.on(language)}"),
        }
        for label, bar in zip(labels, bars, strict=True)
    ]
    tones = list(Tone)
    y = category_axis(labels, theme)
    unit = Words(zh="覆盖率（倍）", en="Coverage (times)")
    scale = alt.Scale(zero=True, nice=False, domainMax=_widest(bars, levels))
    shapes = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(height={"band": 0.5}, fillOpacity=0.5)
        .encode(
            x=alt.X("amount:Q", title=unit.on(language), scale=scale, axis=alt.Axis(tickCount=6, grid=False)),
            y=y,
            color=alt.Color(
                "tone:N",
                legend=None,
                scale=alt.Scale(domain=[tone.value for tone in tones], range=[theme.of_tone(tone) for tone in tones]),
            ),
        )
    )
    return alt.layer(shapes, _bar_words(values, y, theme), *level_layers(levels, language, theme))


def category_axis(labels: list[str], theme: Theme) -> alt.Y:
    """Give the axis of names, in their order, without ticks."""
    axis = alt.Axis(ticks=False, domain=False, labelLimit=240, labelPadding=8, labelColor=theme.ink, labelFontSize=12)
    return alt.Y("label:N", scale=alt.Scale(domain=labels), title=None, axis=axis)


def _bar_words(values: list[dict[str, object]], y: alt.Y, theme: Theme) -> alt.Chart:
    source = alt.InlineData(values=values)
    words: alt.Chart = (
        alt.Chart(source)
        .mark_text(align="left", dx=12, color=theme.ink, fontSize=12)
        .encode(x=alt.value("width"), y=y, text="text:N")
    )
    return words


def _widest(bars: Sequence[CoverageBar], levels: Sequence[Threshold]) -> float:
    """Give the axis a little room past the longest bar or highest line."""
    return max([to_float(bar.ratio) for bar in bars] + [to_float(level.value) for level in levels]) * 1.06


def level_layers(levels: Sequence[Threshold], language: Language, theme: Theme) -> list[alt.Chart]:
    """Give the lines across with their words, which stand at three heights in turn."""
    layers: list[alt.Chart] = []
    for rank, level in enumerate(sorted(levels, key=lambda each: each.value)):
        colour = theme.of_tone(level.tone)
        source = alt.InlineData(
            values=[{"at": to_float(level.value), "text": plain(f"{level.label.on(language)} {level.text}")}]
        )
        layers.append(alt.Chart(source).mark_rule(strokeDash=[5, 4], strokeWidth=1.2, color=colour).encode(x="at:Q"))
        layers.append(
            alt.Chart(source)
            .mark_text(align="center", baseline="bottom", dy=-4 - 13 * (rank % 3), color=colour, fontSize=11)
            .encode(x="at:Q", y=alt.value(0), text="text:N")
        )
    return layers


def source_lines(source: Words, as_of: date) -> dict[Language, str]:
    """Give the line that says where figures come from and of which day, in both languages."""
    return {
        "zh": f"来源：{source.zh}；数据截至 {as_of.isoformat()}",
        "en": f"Source: {source.en}; as of {as_of.isoformat()}",
    }


def _spoken(bar: Bar, language: Language) -> str:
    series = f"{bar.series.on(language)} " if bar.series is not None else ""
    return f"{bar.label.on(language)} {series}{bar.text}"


def _coverage_alternative(
    title: Words, bars: Sequence[CoverageBar], levels: Sequence[Threshold], line: str, language: Language
) -> str:
    pledges = [f"{bar.label.on(language)} {bar.text} {bar.state.on(language)}" for bar in bars]
    lines = [f"{level.label.on(language)} {level.text}" for level in levels]
    if language == "zh":
        return f"{title.zh}。{'；'.join(pledges)}。{'；'.join(lines)}。{line}。"
    return f"{title.en}. {'; '.join(pledges)}. {'; '.join(lines)}. {line}."
