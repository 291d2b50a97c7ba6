"""Charts drawn on the server: the same SVG on the page and in the PDF, the same picture in Word."""

from carbonfin.documents.charts.bars import Bar, CoverageBar, bar_chart, coverage_chart
from carbonfin.documents.charts.curves import CurvePoint, curve_chart
from carbonfin.documents.charts.drawing import Chart, chart_png
from carbonfin.documents.charts.groups import group_chart
from carbonfin.documents.charts.heat import Tile, heat_chart
from carbonfin.documents.charts.intervals import Interval, interval_chart
from carbonfin.documents.charts.limits import LimitBar, limit_chart
from carbonfin.documents.charts.lines import PointFlag, SeriesPoint, Threshold, VolumeBar
from carbonfin.documents.charts.series import time_series_chart
from carbonfin.documents.charts.themes import DARK, LIGHT, Language, Theme, Tone, Words, chart_stylesheet
from carbonfin.documents.charts.waterfall import waterfall_chart

__all__ = [
    "DARK",
    "LIGHT",
    "Bar",
    "Chart",
    "CoverageBar",
    "CurvePoint",
    "Interval",
    "Language",
    "LimitBar",
    "PointFlag",
    "SeriesPoint",
    "Theme",
    "Threshold",
    "Tile",
    "Tone",
    "VolumeBar",
    "Words",
    "bar_chart",
    "chart_png",
    "chart_stylesheet",
    "coverage_chart",
    "curve_chart",
    "group_chart",
    "heat_chart",
    "interval_chart",
    "limit_chart",
    "time_series_chart",
    "waterfall_chart",
]
