"""Charts: what the drawing holds, what it does not, and that it is the same everywhere."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from carbonfin.documents.charts import (
    DARK,
    LIGHT,
    Bar,
    Chart,
    CoverageBar,
    CurvePoint,
    Language,
    Theme,
    Threshold,
    Tone,
    Words,
    bar_chart,
    chart_png,
    chart_stylesheet,
    coverage_chart,
    curve_chart,
    waterfall_chart,
)
from carbonfin.documents.charts.lines import SeriesPoint
from carbonfin.documents.charts.waterfall import chart_of
from carbonfin.documents.sheets import StepKind, Waterfall, WaterfallStep
from carbonfin.kernel.errors import InvalidInput
from tests.documents import samples

SVG = "{http://www.w3.org/2000/svg}"
SOURCE = Words(zh="深圳排放权交易所（示例报价）", en="China Emissions Exchange (sample quotes)")


def rate_waterfall(language: Language = "zh") -> Chart:
    return waterfall_chart(
        title=Words(zh="执行利率是怎样得出的", en="How the rate is built"),
        unit=Words(zh="%", en="%"),
        steps=samples.STEPS,
        source=SOURCE,
        language=language,
    )


def coverage(language: Language = "zh") -> Chart:
    return coverage_chart(
        title=Words(zh="一笔押品低于预警线", en="One pledge below the warning line"),
        bars=(
            CoverageBar(
                label=Words(zh="P3 啤酒", en="P3 Beer"),
                ratio=Decimal("0.9348"),
                text="0.9348",
                state=Words(zh="预警", en="Warning"),
                tone=Tone.WARNING,
            ),
            CoverageBar(
                label=Words(zh="P1 燃气", en="P1 Gas"),
                ratio=Decimal("1.1095"),
                text="1.1095",
                state=Words(zh="正常", en="Normal"),
                tone=Tone.PLAIN,
            ),
        ),
        levels=(
            Threshold(label=Words(zh="初始", en="Initial"), value=Decimal("1.00"), text="1.00", tone=Tone.GOOD),
            Threshold(label=Words(zh="预警线", en="Warning"), value=Decimal("0.95"), text="0.95"),
            Threshold(label=Words(zh="处置线", en="Liquidation"), value=Decimal("0.85"), text="0.85", tone=Tone.BREACH),
        ),
        source=SOURCE,
        as_of=date(2025, 6, 30),
        language=language,
    )


def holdings(language: Language = "zh") -> Chart:
    return bar_chart(
        title=Words(zh="持仓", en="Holdings"),
        unit=Words(zh="万吨", en="10,000 t"),
        bars=tuple(
            Bar(
                label=Words(zh=zh, en=en), amount=Decimal(amount), text=amount, series=Words(zh=series_zh, en=series_en)
            )
            for zh, en, amount, series_zh, series_en in (
                ("燃气", "Gas", "56.0", "可用", "Free"),
                ("燃气", "Gas", "5.0", "已质押", "Pledged"),
                ("微电子", "Micro", "36.8", "可用", "Free"),
            )
        ),
        source=SOURCE,
        as_of=date(2025, 6, 30),
        language=language,
    )


CURVE = tuple(
    CurvePoint(day=date(year, 12, 15), years=Decimal(years), value=Decimal(value), text=value, is_node=is_node)
    for year, years, value, is_node in (
        (2025, "0.46", "70.10", True),
        (2026, "1.46", "71.55", False),
        (2027, "2.46", "73.20", True),
    )
)


def forward_prices(language: Language = "zh", points: tuple[CurvePoint, ...] = CURVE) -> Chart:
    return curve_chart(
        title=Words(zh="远期价格", en="Forward prices"),
        line_label=Words(zh="价格", en="Price"),
        unit=Words(zh="元/吨", en="CNY/t"),
        points=points,
        source=SOURCE,
        as_of=date(2025, 6, 30),
        language=language,
    )


Drawer = Callable[[Language], Chart]
DRAWERS: tuple[Drawer, ...] = (samples.price_chart, rate_waterfall, coverage, holdings, forward_prices)


def texts_of(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314  drawn here


@pytest.mark.parametrize("drawer", DRAWERS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_drawing_passes_a_strict_policy_and_names_itself(drawer: Drawer, language: Language) -> None:
    chart = drawer(language)
    root = ET.fromstring(chart.svg)  # noqa: S314  drawn here
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == (chart.alt_zh if language == "zh" else chart.alt_en)
    for element in root.iter():
        assert element.tag not in {f"{SVG}style", f"{SVG}script", f"{SVG}foreignObject", f"{SVG}image"}
        assert not {name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name}
        assert all("url(" not in value for value in element.attrib.values())
    assert chart.title in texts_of(chart.svg)
    assert chart.source_line in texts_of(chart.svg)
    assert all(len(row) == len(chart.columns) for row in chart.rows)


@pytest.mark.parametrize("drawer", DRAWERS)
def test_an_english_drawing_has_no_chinese_word(drawer: Drawer) -> None:
    chart = drawer("en")
    words = " ".join(
        [*texts_of(chart.svg), chart.alt_en, *chart.columns, *(cell for row in chart.rows for cell in row[:2])]
    )
    assert re.findall(r"[\u4e00-\u9fff]+", words) == []


def test_flagged_points_are_drawn_apart_and_explained_and_thresholds_carry_their_value() -> None:
    svg = samples.price_chart().svg
    texts = texts_of(svg)
    for words in (
        "收盘价",
        "沿用前收盘（无成交）",
        "触及涨跌幅限制",
        "预警线 73.50",
        "挂牌成交量",
        "大宗成交量",
        "元/吨",
        "来源：上海环境能源交易所；数据截至 2025-06-30",
    ):
        assert words in texts
    assert "从未出现" not in texts
    marks = [
        element.attrib["d"]
        for element in ET.fromstring(svg).iter(f"{SVG}path")  # noqa: S314  drawn here
        if element.attrib.get("stroke") in {LIGHT.warning, LIGHT.breach}
        and element.attrib.get("fill") in {None, "transparent", "none"}
    ]
    assert len(marks) == 4  # each of the two flagged days, and its sign in the legend
    assert len(set(marks)) >= 2
    assert svg.count('stroke-dasharray="5,4"') == 1


def test_days_stand_in_order_at_even_spacing_whatever_the_machine_s_zone() -> None:
    program = "import sys; from tests.documents import samples; sys.stdout.write(samples.price_chart().svg)"
    drawn = samples.price_chart().svg
    for zone in ("America/New_York", "Pacific/Auckland"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            text=True,
            env={"TZ": zone, "PYTHONHASHSEED": "3"},
        )
        assert run.stdout == drawn
    (line,) = [
        element.attrib["d"]
        for element in ET.fromstring(drawn).iter(f"{SVG}path")  # noqa: S314  drawn here
        if element.attrib.get("stroke") == LIGHT.accent and element.attrib["d"].count("L") == 5
    ]
    positions = [float(x) for x in re.findall(r"[ML]([\d.]+),", line)]
    steps = [after - before for before, after in pairwise(positions)]
    day_px = 640 / 9  # the plot reaches from 22 June to 1 July, a day more than the points on each side
    assert steps == pytest.approx([day_px] * 4 + [3 * day_px], abs=0.01)
    assert positions[0] == pytest.approx(day_px, abs=0.01)


def test_waterfall_bars_keep_the_order_and_hang_between_levels() -> None:
    svg = rate_waterfall().svg
    texts = texts_of(svg)
    labels = [step.label_zh for step in samples.STEPS]
    assert [text for text in texts if text in labels] == labels
    bars = [
        re.fullmatch(r"M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+Z", element.attrib["d"])
        for element in ET.fromstring(svg).iter(f"{SVG}path")  # noqa: S314
        if element.attrib.get("fill") in {LIGHT.accent, LIGHT.good, LIGHT.warning}
    ]
    spans = [(float(bar[1]), float(bar[1]) + float(bar[3])) for bar in bars if bar is not None]
    per_point = spans[0][1] / 3.00
    expected = [(0, 3.00), (3.00, 3.40), (3.29, 3.40), (0, 3.29)]
    assert len(spans) == 4
    for (start, end), (low, high) in zip(spans, expected, strict=True):
        assert (start / per_point, end / per_point) == pytest.approx((low, high), abs=0.005)


LOST = (
    WaterfallStep(label_zh="满分", label_en="Full", amount=Decimal(100), text="100", kind=StepKind.LEVEL),
    WaterfallStep(label_zh="核查", label_en="Verification", amount=Decimal(-4), text="6/10", kind=StepKind.CHANGE),
    WaterfallStep(label_zh="得分", label_en="Points", amount=Decimal(96), text="96", kind=StepKind.LEVEL),
)


def test_a_sheet_says_whether_less_is_better() -> None:
    """Points lost are bad news on paper as on the page: the colour of a fall follows what the sheet says."""

    def falls(*, less_is_better: bool) -> bool:
        sheet = Waterfall(title_zh="题", title_en="Title", unit="分", steps=LOST, less_is_better=less_is_better)
        fills = {element.attrib.get("fill") for element in ET.fromstring(chart_of(sheet).svg).iter(f"{SVG}path")}  # noqa: S314
        assert len(fills & {LIGHT.good, LIGHT.warning}) == 1
        return LIGHT.good in fills

    assert (falls(less_is_better=True), falls(less_is_better=False)) == (True, False)


def test_two_steps_of_one_name_are_refused() -> None:
    lpr, margin, concession, executed = samples.STEPS
    twice = (lpr, margin, replace(concession, label_zh=margin.label_zh), executed)
    with pytest.raises(InvalidInput, match="share a name"):
        waterfall_chart(
            title=Words(zh="利", en="r"), unit=Words(zh="%", en="%"), steps=twice, source=SOURCE, language="zh"
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": []}, "at least one value"),
        ({"points": [SeriesPoint(day=date(2025, 6, 30), value=None)]}, "at least one value"),
        ({"points": [SeriesPoint(day=date(2025, 6, day), value=Decimal(1)) for day in (2, 1)]}, "Days must rise"),
        (
            {
                "points": [
                    SeriesPoint(day=date(2025, 6, 1), value=Decimal(1)),
                    SeriesPoint(day=date(2025, 6, 1), value=Decimal(1)),
                ]
            },
            "Days must rise",
        ),
        ({"points": [SeriesPoint(day=date(2025, 6, 1), value=Decimal(1), flag="strange")]}, "strange"),
    ],
)
def test_series_that_cannot_be_drawn_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        samples.price_chart(**changes)


def test_one_point_alone_can_be_drawn() -> None:
    chart = samples.price_chart(
        points=[SeriesPoint(day=date(2025, 6, 30), value=Decimal("75.02"), flag="carried")], volumes=(), thresholds=()
    )
    assert "沿用前收盘（无成交）" in texts_of(chart.svg)


def test_a_gap_breaks_the_line() -> None:
    points = [SeriesPoint(day=date(2025, 6, day), value=None if day == 3 else Decimal(70 + day)) for day in range(1, 6)]
    chart = samples.price_chart(points=points, volumes=(), thresholds=())
    (line,) = [
        element.attrib["d"]
        for element in ET.fromstring(chart.svg).iter(f"{SVG}path")  # noqa: S314  drawn here
        if element.attrib.get("stroke") == LIGHT.accent and element.attrib["d"].count("M") == 2
    ]
    assert line.count("L") == 2
    assert chart.rows[2] == ("2025-06-03", "", "")


@pytest.mark.parametrize(
    "text", ["'; alert(1) //", "</text><script>alert(1)</script>", "datum.value", "\\u0041' + 1 + '", "😀 & <b>"]
)
def test_words_of_a_customer_are_drawn_as_words(text: str) -> None:
    chart = samples.price_chart(title=Words(zh=text, en=text), line_label=Words(zh=text, en=text))
    shown = text.replace("😀", "〔U+1F600〕")
    assert texts_of(chart.svg).count(shown) == 2


def test_the_table_beside_a_chart_says_what_it_shows() -> None:
    chart = samples.price_chart()
    assert chart.columns == ("日期", "收盘价（元/吨）", "标记", "挂牌成交量（吨）", "大宗成交量（吨）")
    assert chart.rows[1] == ("2025-06-24", "74.10", "沿用前收盘（无成交）", "", "")
    assert chart.rows[-1] == ("2025-06-30", "75.02", "", "140,694", "300,000")
    for words in ("最低 73.95（2025-06-25）", "最高 75.02（2025-06-30）", "沿用前收盘（无成交） 1 个", "预警线 73.50"):
        assert words in chart.alt_zh


def test_a_picture_is_a_png_of_the_drawing_s_size_times_scale() -> None:
    svg = coverage().svg
    picture = chart_png(svg, scale=2)
    width = ET.fromstring(svg).attrib["width"]  # noqa: S314  drawn here
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20]) == 2 * int(width)
    assert chart_png(svg, scale=2) == picture


def _luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_of_words_stand_out_from_the_ground_and_are_told_apart(theme: Theme) -> None:
    ground = _luminance(theme.ground)
    for colour in (
        theme.ink,
        theme.muted,
        theme.accent,
        theme.good,
        theme.warning,
        theme.breach,
        theme.rise,
        theme.fall,
    ):
        darker, lighter = sorted((ground, _luminance(colour)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5
    assert len(theme.tokens()) == 12


def test_each_drawn_colour_follows_the_page_by_a_rule_of_its_own() -> None:
    rules = chart_stylesheet()
    classes = set(re.findall(r'class="(chart-[^"]+)"', coverage().svg + samples.price_chart().svg))
    names = {name for each in classes for name in each.split()} - {"chart-drawing"}
    assert len(names) >= 6
    assert [name for name in names if f".{name} {{" not in rules] == []
    assert "prefers-color-scheme: dark" in rules


def test_the_page_s_dark_colours_are_drawn_where_asked() -> None:
    svg = samples.price_chart(theme=DARK).svg
    assert DARK.accent in svg
    assert LIGHT.accent not in svg


def test_a_curve_shows_years_units_and_each_node_and_only_nodes_in_its_table() -> None:
    chart = forward_prices()
    words = texts_of(chart.svg)
    assert {"期限（年）", "元/吨", "价格", "节点"} <= set(words)
    assert chart.columns == ("日期", "期限（年）", "价格（元/吨）")
    assert chart.rows == (("2025-12-15", "0.46", "70.10"), ("2027-12-15", "2.46", "73.20"))
    assert "2027-12-15 为 73.20" in chart.alt_zh
    assert "71.55" not in chart.alt_zh


def test_a_curve_without_nodes_or_out_of_order_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one node"):
        forward_prices(points=tuple(replace(point, is_node=False) for point in CURVE))
    with pytest.raises(InvalidInput, match="rise"):
        forward_prices(points=CURVE[::-1])
