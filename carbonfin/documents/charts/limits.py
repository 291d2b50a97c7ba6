"""Shares against limits of their own: a bar a name, a mark where its limit stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.documents.charts.bars import category_axis, source_lines
from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.themes import LANGUAGES, LIGHT, Language, Theme, Tone, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float

_ROOM = 1.06


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBar:
    """A share with its own limit, and the state its owner has decided.

    Attributes:
        share_ratio: Share of the whole.
        limit_ratio: Its limit of the same whole.
        text: Share as printed.
        limit_text: Limit as printed.
    """

    label: Words
    share_ratio: Decimal
    limit_ratio: Decimal
    text: Words
    limit_text: Words
    state: Words
    tone: Tone


def limit_chart(
    *,
    title: Words,
    bars: Sequence[LimitBar],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
    width_px: int = 420,
) -> Chart:
    """Draw shares as horizontal bars in the order given, each with the mark of its limit and both in words.

    A limit beyond the longest bar and the whole has its mark outside the drawing; its words stand beside the bar.

    Args:
        title: The question the chart answers, or the finding.
        bars: Shares in the order to be read; the state is the caller's decision, never the drawing's.
        source: Where the shares come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        theme: Colours.
        width_px: Width of the plot.

    Raises:
        InvalidInput: No share to draw.
    """
    if not bars:
        raise InvalidInput("A chart needs at least one share", zh="图中没有可画的占比", field="bars")
    lines = source_lines(source, as_of)
    alternatives = {each: _alternative(title, bars, lines[each], each) for each in LANGUAGES}
    shown = _layers(bars, language, theme).properties(
        width=width_px, height=38 * len(bars) + 10, title=title_of(title.on(language), lines[language])
    )
    return Chart(
        svg=draw(shown, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=("口径", "占比", "上限", "结论") if language == "zh" else ("By", "Share", "Limit", "Finding"),
        rows=tuple(
            (one.label.on(language), one.text.on(language), one.limit_text.on(language), one.state.on(language))
            for one in bars
        ),
    )


def _layers(bars: Sequence[LimitBar], language: Language, theme: Theme) -> alt.LayerChart | alt.FacetChart:
    furthest = _ROOM * max(
        [*(to_float(one.share_ratio) for one in bars), *(min(1.0, to_float(one.limit_ratio)) for one in bars)]
    )
    limit, outside = {"zh": ("上限", "（在图外）"), "en": ("limit", " (off the chart)")}[language]
    values: list[dict[str, Any]] = [
        {
            "label": plain(one.label.on(language)), "share": to_float(one.share_ratio),
            "limit": to_float(one.limit_ratio), "tone": one.tone.value,
            "text": plain(
                f"{one.text.on(language)}  {limit} {one.limit_text.on(language)}"
                f"{outside if to_float(one.limit_ratio) > furthest else ''}  {one.state.on(language)}"
            ),
        }
        for one in bars
    ]  # fmt: skip
    y = category_axis([str(value["label"]) for value in values], theme)
    tones = list(Tone)
    unit = Words(zh="占比（竖线为各自上限）", en="Share (the mark is its limit)")
    x = alt.X(
        "share:Q", title=plain(unit.on(language)), axis=alt.Axis(tickCount=6, grid=False, format=".0%"),
        scale=alt.Scale(zero=True, nice=False, domainMax=furthest),
    )  # fmt: skip
    colour = alt.Color(
        "tone:N", legend=None,
        scale=alt.Scale(domain=[tone.value for tone in tones], range=[theme.of_tone(tone) for tone in tones]),
    )  # fmt: skip
    every = alt.InlineData(values=values)
    within = alt.InlineData(values=[value for value in values if value["limit"] <= furthest])
    shares = alt.Chart(every).mark_bar(height={"band": 0.45}, fillOpacity=0.5).encode(x=x, y=y, color=colour)
    marks = alt.Chart(within).mark_tick(thickness=3, size=26, color=theme.ink, opacity=1).encode(x="limit:Q", y=y)
    words = alt.Chart(every).mark_text(align="left", dx=12, color=theme.ink, fontSize=12)
    return alt.layer(shares, marks, words.encode(x=alt.value("width"), y=y, text="text:N"))


def _alternative(title: Words, bars: Sequence[LimitBar], line: str, language: Language) -> str:
    limit, stop = {"zh": ("上限", "。"), "en": ("limit", ". ")}[language]
    said = [
        f"{one.label.on(language)} {one.text.on(language)} {limit} {one.limit_text.on(language)}"
        f" {one.state.on(language)}"
        for one in bars
    ]
    joined = {"zh": "；", "en": "; "}[language].join(said)
    return f"{title.on(language)}{stop}{joined}{stop}{line}{stop}".strip()
