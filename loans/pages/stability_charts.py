"""Drawings of the stability of ratings: who moved where, how letters spread over years, where points gather, drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from carbonfin.documents.charts import (
    Bar,
    Chart,
    Interval,
    Threshold,
    Tile,
    Tone,
    Words,
    bar_chart,
    heat_chart,
    interval_chart,
)
from carbonfin.web.language import Language, Text
from loans.calc.ratings.stability_reports import SectorDrift, SizeDrift, StabilityReport

_SOURCE = Words(zh="本行各年最后一次评分卡评级", en="the bank's last rating by the scorecard of each year")
_TENTH, _HUNDREDTH = Decimal("0.1"), Decimal("0.01")
_POINTS = Words(zh="分", en="points")


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityCharts:
    """The drawings of a report; None where there is nothing to draw.

    Attributes:
        transitions: Letters of both years as tiles, each share with its band.
        indices: Population stability of the last years beside both limits.
        jumps: Enterprises just above and just below where each letter begins.
        by_section: Mean change of points by sector, with one standard error to both sides.
        by_size: The same by size.
    """

    transitions: Chart | None
    indices: Chart | None
    jumps: Chart | None
    by_section: Chart | None
    by_size: Chart | None


def stability_charts(
    report: StabilityReport, *, sections: Mapping[str, Text], sizes: Mapping[str, Text], as_of: date, language: Language
) -> StabilityCharts:
    """Draw a report."""
    return StabilityCharts(
        transitions=_transitions(report, as_of, language) if report.both_count else None,
        indices=_indices(report, as_of, language),
        jumps=_jumps(report, as_of, language) if report.after_count else None,
        by_section=_drift(
            Words(zh="各行业平均得分变化", en="Mean change of points by sector"),
            [(sections[one.section], one) for one in report.drifts],
            as_of, language,
        ),
        by_size=_drift(
            Words(zh="各规模平均得分变化", en="Mean change of points by size"),
            [(sizes[one.size_zh], one) for one in report.size_drifts],
            as_of, language,
        ),
    )  # fmt: skip


def _percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).quantize(_TENTH, ROUND_HALF_UP)}%"


def _transitions(report: StabilityReport, as_of: date, language: Language) -> Chart:
    level = _percent(report.limit("confidence_ratio").value)
    return heat_chart(
        title=Words(
            zh=f"上年各等级到了哪里（占比，下为 {level} 区间）",
            en=f"Where each letter went (share, {level} band beneath)",
        ),
        rows=Words(zh="上年等级", en="Letter before"),
        columns=Words(zh="当年等级", en="Letter now"),
        tiles=[
            Tile(row=one.before, column=one.after, ratio=None, text="—")
            if one.share_ratio is None
            else Tile(
                row=one.before, column=one.after, ratio=one.share_ratio, text=_percent(one.share_ratio),
                band=f"{_percent(one.low_ratio)}–{_percent(one.high_ratio)}",
            )
            for one in report.transitions
        ],
        source=_SOURCE,
        as_of=as_of,
        language=language.value,
    )  # fmt: skip


def _indices(report: StabilityReport, as_of: date, language: Language) -> Chart | None:
    known = [
        Interval(label=Words(zh=f"{one.year} 年", en=str(one.year)), value=one.index, text=str(one.index))
        for one in report.indices
        if one.index is not None
    ]
    if not known:
        return None
    return interval_chart(
        title=Words(zh="等级分布逐年变了多少", en="How the spread of letters changed year by year"),
        unit=Words(zh="分布稳定指数", en="population stability index"),
        intervals=known,
        levels=(
            _level(report, "index_watch", Words(zh="关注", en="watch"), Tone.WARNING),
            _level(report, "index_act", Words(zh="处置", en="act"), Tone.BREACH),
        ),
        source=_SOURCE,
        as_of=as_of,
        language=language.value,
    )


def _level(report: StabilityReport, name: str, words: Words, tone: Tone) -> Threshold:
    """Give a limit as a line that says whether somebody has confirmed it."""
    limit = report.limit(name)
    marked = words if limit.is_confirmed else Words(zh=f"{words.zh}（未确认）", en=f"{words.en} (unconfirmed)")
    return Threshold(label=marked, value=limit.value, text=str(limit.value), tone=tone)


def _jumps(report: StabilityReport, as_of: date, language: Language) -> Chart:
    window = report.limit("bunching_window_points").value
    above, below = Words(zh="线上", en="above"), Words(zh="线下", en="below")
    return bar_chart(
        title=Words(
            zh=f"等级线上下各 {window} 分之内的家数", en=f"Enterprises within {window} points of where a letter begins"
        ),
        unit=Words(zh="家", en="enterprises"),
        bars=[
            Bar(label=label, amount=Decimal(count), text=str(count), series=series)
            for one in report.jumps
            for label in (Words(zh=f"{one.letter} 级线 {one.threshold}", en=f"{one.letter} begins at {one.threshold}"),)
            for series, count in ((above, one.above_count), (below, one.below_count))
        ],
        source=_SOURCE,
        as_of=as_of,
        language=language.value,
    )


def _drift(
    title: Words, found: Sequence[tuple[Text, SectorDrift | SizeDrift]], as_of: date, language: Language
) -> Chart | None:
    if not found:
        return None
    return interval_chart(
        title=Words(zh=f"{title.zh}（横线为一倍标准误）", en=f"{title.en} (one standard error to both sides)"),
        unit=_POINTS,
        intervals=[
            Interval(
                label=Words(zh=f"{name.zh}（{one.enterprise_count} 家）", en=f"{name.en} ({one.enterprise_count})"),
                value=one.mean_change,
                text=f"{one.mean_change.quantize(_HUNDREDTH, ROUND_HALF_UP):+}".replace("-", "−"),
                low=None if one.standard_error is None else one.mean_change - one.standard_error,
                high=None if one.standard_error is None else one.mean_change + one.standard_error,
            )
            for name, one in found
        ],
        source=_SOURCE,
        as_of=as_of,
        language=language.value,
    )
