"""Tiles and intervals: what they show, in what strength and where, and what they refuse."""

import re
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.documents.charts import (
    DARK,
    Chart,
    Interval,
    Theme,
    Threshold,
    Tile,
    Words,
    chart_png,
    heat_chart,
    interval_chart,
)
from carbonfin.documents.charts.themes import LIGHT
from carbonfin.kernel.errors import InvalidInput

SVG = "{http://www.w3.org/2000/svg}"
SOURCE = Words(zh="本行评级", en="own ratings")
AS_OF = date(2025, 6, 30)
TILES = (
    Tile(row="A", column="A", ratio=Decimal("0.75"), text="75.0%", band="30.1%–95.4%"),
    Tile(row="A", column="B", ratio=Decimal("0.25"), text="25.0%", band="4.6%–69.9%"),
    Tile(row="B", column="A", ratio=None, text="—"),
    Tile(row="B", column="B", ratio=None, text="—"),
)


def heat(theme: Theme = LIGHT) -> Chart:
    return heat_chart(
        title=Words(zh="去向", en="Where"), rows=Words(zh="上年", en="before"), columns=Words(zh="当年", en="now"),
        tiles=TILES, source=SOURCE, as_of=AS_OF, language="zh", theme=theme,
    )  # fmt: skip


def intervals(*found: Interval, levels: tuple[Threshold, ...] = ()) -> Chart:
    return interval_chart(
        title=Words(zh="变化", en="Change"), unit=Words(zh="分", en="points"), intervals=found, source=SOURCE,
        as_of=AS_OF, language="zh", levels=levels,
    )  # fmt: skip


def of(value: str, *, name: str = "甲", half: str | None = None) -> Interval:
    mean = Decimal(value)
    return Interval(
        label=Words(zh=name, en=name), value=mean, text=value,
        low=None if half is None else mean - Decimal(half), high=None if half is None else mean + Decimal(half),
    )  # fmt: skip


def texts(chart: Chart) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(chart.svg).iter(f"{SVG}text")]  # noqa: S314  the product drew it


def test_a_tile_is_as_strong_as_its_share_and_says_figure_and_band() -> None:
    chart = heat()
    found = texts(chart)
    assert {"75.0%", "30.1%–95.4%", "25.0%", "—", "上年", "当年", "来源：本行评级；数据截至 2025-06-30"} <= set(found)
    strengths = [float(each) for each in re.findall(r'fill-opacity="([0-9.]+)"', chart.svg)]
    assert strengths == pytest.approx([0.45, 0.15, 0, 0]), "a whole share would be 0.6"
    assert chart.alt_zh.startswith("去向：A → A 75.0% 30.1%–95.4%；A → B 25.0%")
    assert chart.rows[2] == ("B", "A", "—", "")


def test_colours_are_named_by_token_so_that_a_dark_page_has_its_own() -> None:
    assert "chart-fill-accent" in heat().svg
    assert DARK.accent in heat(DARK).svg
    assert chart_png(heat().svg)[:4] == b"\x89PNG"


def test_points_stand_where_their_figures_are_and_nought_is_in_sight() -> None:
    chart = intervals(of("1", name="甲"), of("2", name="乙"), of("4", name="丙", half="1"))
    marks = [
        float(found[1])
        for found in re.finditer(
            r'<path[^>]*transform="translate\(([0-9.]+),[0-9.]+\)"[^>]*chart-fill-accent', chart.svg
        )
    ] or [
        float(found[1])
        for found in re.finditer(r'chart-fill-accent"[^>]*transform="translate\(([0-9.]+),[0-9.]+\)"', chart.svg)
    ]
    assert len(marks) == 3
    one, two, four = marks
    assert (four - two) / (two - one) == pytest.approx(2, rel=1e-3)
    assert one - (two - one) == pytest.approx(0, abs=0.01), "the axis begins at nought"


def test_levels_stand_in_words_and_negative_figures_are_drawn() -> None:
    level = Threshold(label=Words(zh="关注", en="watch"), value=Decimal("0.1"), text="0.1")
    assert "关注 0.1" in texts(intervals(of("0.13"), levels=(level,)))
    assert "-1.25" in texts(intervals(of("-1.25", half="0.75")))
    assert texts(intervals(of("0"))), "all nought draws, too"


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one figure"):
        intervals()
    with pytest.raises(InvalidInput, match="at least one tile"):
        heat_chart(title=SOURCE, rows=SOURCE, columns=SOURCE, tiles=(), source=SOURCE, as_of=AS_OF, language="zh")
