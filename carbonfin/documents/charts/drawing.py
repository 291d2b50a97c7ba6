"""From a Vega-Lite chart to one clean SVG: no inline style, no outside reference, colours named by token."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import vl_convert

from carbonfin.documents.charts.later import alt
from carbonfin.documents.charts.themes import LIGHT, Theme
from carbonfin.documents.fonts import FONT_FOLDER, SANS, printable
from carbonfin.documents.sheets import ChartFigure

PAGE_FONTS = f"{SANS}, PingFang SC, Microsoft YaHei, sans-serif"
VEGA_LITE_VERSION = "6.1"

_SVG = "{http://www.w3.org/2000/svg}"
_DROPPED = {"aria-hidden", "aria-roledescription", "aria-label", "role", "pointer-events", "class", "font-family"}
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_drawing_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its words and the figures behind it.

    Args:
        svg: The drawing; title, units, source and as-of stand inside it.
        title: The question it answers, in the drawing's language.
        source_line: Source and as-of, in the drawing's language.
        alt_zh: What it shows, in Chinese.
        alt_en: What it shows, in English.
        columns: Heads of the table beside or behind the drawing, in the drawing's language.
        rows: That table's rows.
    """

    svg: str
    title: str
    source_line: str
    alt_zh: str
    alt_en: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def figure(self, *, title_zh: str = "", title_en: str = "") -> ChartFigure:
        """Give the chart as a section of a sheet, with the Chinese text alternative."""
        return ChartFigure(svg=self.svg, alt=self.alt_zh, title_zh=title_zh, title_en=title_en)


def plain(text: str) -> str:
    """Give text that the chart font can draw; subscript digits become plain ones (CO₂ to CO2)."""
    return printable(text.translate({0x2080 + digit: str(digit) for digit in range(10)}))


def draw(chart: alt.TopLevelMixin, *, theme: Theme, alternative: str) -> str:
    """Draw a chart as SVG; the same chart gives the same bytes."""
    specification = chart.to_dict()
    specification["config"] = _config(theme) | {"view": {"stroke": None}}
    text = json.dumps(specification, ensure_ascii=False, sort_keys=True, default=str)
    return _clean(_svg_of(text), theme=theme, alternative=plain(alternative))


def chart_png(svg: str, *, scale: int = 3, ground: str = LIGHT.ground) -> bytes:
    """Give an SVG as a picture for Word, on a ground of its own: a clear one blurs thin lines in print."""
    _register_fonts()
    head, _, rest = svg.partition(">")
    with _drawing_lock:
        return bytes(
            vl_convert.svg_to_png(f'{head}><rect width="100%" height="100%" fill="{ground}"/>{rest}', scale=scale)
        )


def title_of(title: str, source_line: str) -> alt.TitleParams:
    """Give the title with the source and as-of line under it."""
    return alt.TitleParams(text=plain(title), subtitle=plain(source_line), anchor="start", offset=14)


@lru_cache(maxsize=256)
def _svg_of(specification: str) -> str:
    _register_fonts()
    with _drawing_lock:
        return str(vl_convert.vegalite_to_svg(json.loads(specification), vl_version=VEGA_LITE_VERSION))


@cache
def _register_fonts() -> None:
    vl_convert.register_font_directory(str(FONT_FOLDER))


def _config(theme: Theme) -> dict[str, Any]:
    label = {"labelColor": theme.muted, "labelFontSize": 11, "labelFontWeight": "normal"}
    title = {"titleColor": theme.muted, "titleFontSize": 11, "titleFontWeight": "normal"}
    return {
        "font": SANS,
        "background": None,
        "axis": label | title | {"gridColor": theme.grid, "domainColor": theme.muted, "tickColor": theme.muted},
        "legend": label | title | {"orient": "top", "title": None, "symbolStrokeWidth": 1.5, "columnPadding": 16},
        "title": {
            "color": theme.ink,
            "fontSize": 14,
            "fontWeight": "normal",
            "subtitleColor": theme.muted,
            "subtitleFontSize": 10.5,
            "subtitlePadding": 5,
        },
        "text": {"color": theme.ink, "fontSize": 11},
    }


def _clean(svg: str, *, theme: Theme, alternative: str) -> str:
    """Turn Vega's SVG into one that a strict content policy, a screen reader and a PDF take alike."""
    root = ET.fromstring(svg)  # noqa: S314  the text was written by vl-convert in this process
    tokens = theme.tokens()
    prefix = f"chart-{hashlib.sha256(svg.encode()).hexdigest()[:12]}-"
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for name in [name for name in element.attrib if name in _DROPPED]:
            del element.attrib[name]
        _spread_style(element)
        _name_colours(element, tokens)
        _prefix_references(element, prefix)
    _drop_empty(root)
    size = {name: root.attrib[name] for name in ("width", "height", "viewBox")}
    root.attrib.clear()
    root.attrib.update({"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": alternative})
    root.attrib.update(size | {"class": "chart-drawing", "font-family": PAGE_FONTS})
    return ET.tostring(root, encoding="unicode")


def _spread_style(element: ET.Element) -> None:
    style = element.attrib.pop("style", "")
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        name, _, value = declaration.partition(":")
        if name.strip() != "pointer-events":
            element.attrib.setdefault(name.strip(), value.strip())


def _name_colours(element: ET.Element, tokens: dict[str, str]) -> None:
    classes = [
        f"chart-{part}-{tokens[element.attrib[part]]}"
        for part in ("fill", "stroke")
        if element.attrib.get(part) in tokens
    ]
    if classes:
        element.attrib["class"] = " ".join(classes)


def _prefix_references(element: ET.Element, prefix: str) -> None:
    if "id" in element.attrib:
        element.attrib["id"] = prefix + element.attrib["id"]
    for name, value in element.attrib.items():
        if "url(#" in value:
            element.attrib[name] = _REFERENCE.sub(rf"url(#{prefix}\1)", value)


def _drop_empty(element: ET.Element) -> None:
    """Remove shapes that draw nothing: hidden foregrounds, empty paths and groups."""
    for child in list(element):
        _drop_empty(child)
        hidden = child.attrib.get("display") == "none"
        pointless = child.tag == "path" and child.attrib.get("d", "") in {"", "M0,0h0v0h0Z"}
        hollow = child.tag == "g" and len(child) == 0
        if hidden or pointless or hollow:
            element.remove(child)
