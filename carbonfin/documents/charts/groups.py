"""Columns side by side: a few series over the same categories, such as months, to be held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from carbonfin.documents.charts.bars import Bar, source_lines
from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float


def group_chart(
    *,
    title: Words,
    unit: Words,
    categories: Sequence[Words],
    bars: Sequence[Bar],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
    width_px: int = 620,
    height_px: int = 200,
) -> Chart:
    """Draw amounts as columns, those of one category side by side.

    Args:
        title: The question the chart answers, or the finding.
        unit: Unit of the amounts.
        categories: What stands along the axis, in order; one without a bar leaves its place empty.
        bars: Amounts by category and series; a category may lack a series.
        source: Where the amounts come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        theme: Colours.
        width_px: Width of the plot.
        height_px: Height of the plot.

    Raises:
        InvalidInput: No bar, a bar without a series, or more series than colours.
    """
    labels = [plain(one.on(language)) for one in categories]
    chart, series = _columns(bars, labels, unit, language, theme)
    lines = source_lines(source, as_of)
    spoken = {each: "；".join(_spoken(bar, each) for bar in bars) for each in ("zh", "en")}
    alternatives = {
        "zh": f"{title.zh}（{unit.zh}）：{spoken['zh']}。{lines['zh']}。",
        "en": f"{title.en} ({unit.en}): {spoken['en']}. {lines['en']}.",
    }
    titled = chart.properties(width=width_px, height=height_px, title=title_of(title.on(language), lines[language]))
    return Chart(
        svg=draw(titled, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("类别", *series) if language == "zh" else ("Category", *series),
        rows=tuple((label, *(_cell(bars, label, one, language) for one in series)) for label in labels),
    )


def _columns(
    bars: Sequence[Bar], labels: list[str], unit: Words, language: Language, theme: Theme
) -> tuple[alt.Chart, list[str]]:
    """Draw the columns, and give their series."""
    palette = [theme.accent, theme.second, theme.muted]
    series = list(dict.fromkeys(plain(bar.series.on(language)) for bar in bars if bar.series is not None))
    if not series or len(series) > len(palette) or any(bar.series is None for bar in bars):
        raise InvalidInput(
            f"{len(series)} series; a chart of groups takes 1 to {len(palette)}, and each bar one of them",
            zh=f"分组图须有 1 至 {len(palette)} 个系列，每项属于其一", field="bars",
        )  # fmt: skip
    values = [
        {
            "label": plain(bar.label.on(language)),
            "series": plain(bar.series.on(language)) if bar.series is not None else "",
            "amount": to_float(bar.amount),
        }
        for bar in bars
    ]
    columns: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=alt.X(
                "label:N", title=None,
                scale=alt.Scale(domain=labels, paddingInner=0.25),
                axis=alt.Axis(ticks=False, labelAngle=0, labelColor=theme.ink, labelFontSize=12),
            ),
            xOffset=alt.XOffset("series:N", scale=alt.Scale(domain=series)),
            y=alt.Y("amount:Q", title=plain(unit.on(language)), axis=alt.Axis(tickCount=5)),
            color=alt.Color("series:N", scale=alt.Scale(domain=series, range=palette[: len(series)])),
        )
    )  # fmt: skip
    return columns, series


def _spoken(bar: Bar, language: Language) -> str:
    assert bar.series is not None, "checked at the door"
    return f"{bar.label.on(language)} {bar.series.on(language)} {bar.text}"


def _cell(bars: Sequence[Bar], label: str, series: str, language: Language) -> str:
    return next(
        (
            bar.text
            for bar in bars
            if bar.series is not None
            and (plain(bar.label.on(language)), plain(bar.series.on(language))) == (label, series)
        ),
        "—",
    )
