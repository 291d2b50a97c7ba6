"""A grid of shares as tiles: the darker, the larger; each tile says its figure and its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.documents.charts.bars import source_lines
from carbonfin.documents.charts.drawing import Chart, draw, plain, title_of
from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.themes import LIGHT, Language, Theme, Words
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float

_TILE_WIDTH_PX, _TILE_HEIGHT_PX = 104, 52
_STRONGEST = 0.6
"""Opacity of a whole share: words in ink stay readable on it in both themes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile of the grid.

    Args:
        row: Name of its row.
        column: Name of its column.
        ratio: The share it is coloured by, 0 to 1; None leaves it blank.
        text: The figure as printed.
        band: What stands beneath, such as an interval.
    """

    row: str
    column: str
    ratio: Decimal | None
    text: str
    band: str = ""


def heat_chart(
    *,
    title: Words,
    rows: Words,
    columns: Words,
    tiles: Sequence[Tile],
    source: Words,
    as_of: date,
    language: Language,
    theme: Theme = LIGHT,
) -> Chart:
    """Draw shares as tiles in the order given.

    Args:
        title: The question the chart answers, or the finding.
        rows: What the rows are.
        columns: What the columns are.
        tiles: Row by row, each with its figure.
        source: Where the shares come from.
        as_of: The day they speak of.
        language: Language of every word in the drawing.
        theme: Colours.

    Raises:
        InvalidInput: No tile.
    """
    if not tiles:
        raise InvalidInput("A chart needs at least one tile", zh="图中没有可画的数据", field="tiles")
    down, across = (list(dict.fromkeys(names)) for names in ((t.row for t in tiles), (t.column for t in tiles)))
    lines = source_lines(source, as_of)
    spoken = {
        each: "；".join(f"{t.row} → {t.column} {t.text} {t.band}".strip() for t in tiles) for each in ("zh", "en")
    }
    alternatives: dict[Language, str] = {
        "zh": f"{title.zh}：{spoken['zh']}。{lines['zh']}。",
        "en": f"{title.en}: {spoken['en']}. {lines['en']}.",
    }
    shown = _layers(tiles, rows.on(language), columns.on(language), theme).properties(
        width=_TILE_WIDTH_PX * len(across), height=_TILE_HEIGHT_PX * len(down),
        title=title_of(title.on(language), lines[language]),
    )  # fmt: skip
    return Chart(
        svg=draw(shown, theme=theme, alternative=alternatives[language]),
        title=title.on(language),
        source_line=lines[language],
        alt_zh=alternatives["zh"],
        alt_en=alternatives["en"],
        columns=(
            rows.on(language),
            columns.on(language),
            *(("数值", "区间") if language == "zh" else ("Share", "Band")),
        ),
        rows=tuple((tile.row, tile.column, tile.text, tile.band) for tile in tiles),
    )


def _layers(tiles: Sequence[Tile], rows: str, columns: str, theme: Theme) -> alt.LayerChart | alt.FacetChart:
    values: list[dict[str, Any]] = [
        {
            "row": plain(tile.row), "column": plain(tile.column), "text": plain(tile.text), "band": plain(tile.band),
            "strength": 0.0 if tile.ratio is None else to_float(tile.ratio) * _STRONGEST,
        }
        for tile in tiles
    ]  # fmt: skip
    down, across = (list(dict.fromkeys(value[name] for value in values)) for name in ("row", "column"))
    axis: dict[str, Any] = {"ticks": False, "domain": False, "labelFontSize": 12, "labelColor": theme.ink}
    x = alt.X(
        "column:N", scale=alt.Scale(domain=across, paddingInner=0.04), title=plain(columns),
        axis=alt.Axis(orient="top", labelAngle=0, **axis),
    )  # fmt: skip
    y = alt.Y("row:N", scale=alt.Scale(domain=down, paddingInner=0.06), title=plain(rows), axis=alt.Axis(**axis))
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x, y=y)
    fill = base.mark_rect(fill=theme.accent, stroke=theme.grid).encode(
        fillOpacity=alt.FillOpacity("strength:Q", scale=None, legend=None)
    )
    figures = base.mark_text(color=theme.ink, fontSize=13, dy=-7).encode(text="text:N")
    bands = base.mark_text(color=theme.ink, fontSize=10, dy=11).encode(text="band:N")
    return alt.layer(fill, figures, bands)
