"""Coverage drawn against the bank's initial, warning and disposal lines."""

from datetime import date
from decimal import Decimal

from carbonfin.documents.charts import (
    Chart,
    CoverageBar,
    Language,
    SeriesPoint,
    Threshold,
    Tone,
    Words,
    coverage_chart,
    time_series_chart,
)
from collateral.calc.agreements import CoverageRecord
from collateral.calc.coverage import CoverageLines
from collateral.pages.words import LEVELS, TONES, four_places
from collateral.service import DeskPledge

_SOURCE = Words(zh="本行押品台账", en="collateral ledger")


def _levels(lines: CoverageLines) -> list[Threshold]:
    return [
        Threshold(label=Words(zh="初始线", en="initial"), value=lines.initial.decimal, text=lines.initial.value,
                  tone=Tone.PLAIN),
        Threshold(label=Words(zh="预警线", en="warning"), value=lines.warning.decimal, text=lines.warning.value,
                  tone=Tone.WARNING),
        Threshold(label=Words(zh="处置线", en="disposal"), value=lines.disposal.decimal, text=lines.disposal.value,
                  tone=Tone.BREACH),
    ]  # fmt: skip


def desk_chart(
    pledges: tuple[DeskPledge, ...], lines: CoverageLines, *, as_of: date, language: Language
) -> Chart | None:
    """Draw the coverage of each running pledge, nearest to the line first; None where none is struck."""
    bars = [
        _bar(line.pledge.code, line.coverage, is_sample=line.pledge.is_sample)
        for line in pledges
        if line.coverage is not None and line.coverage.coverage_ratio is not None
    ]
    if not bars:
        return None
    title = Words(zh="哪些质押接近预警线？", en="Which pledges are near the warning line?")
    return coverage_chart(
        title=title, bars=bars, levels=_levels(lines), source=_SOURCE, as_of=as_of, language=language, width_px=560
    )


def pledge_chart(
    history: tuple[CoverageRecord, ...], lines: CoverageLines, *, code: str, is_sample: bool, language: Language
) -> Chart | None:
    """Draw a pledge's coverage: by date where there are several dates, else as a bar; None where none is struck."""
    struck = [record for record in history if record.coverage_ratio is not None]
    if not struck:
        return None
    last = struck[-1]
    mark_zh, mark_en = ("（示例）", " (sample)") if is_sample else ("", "")
    if len(struck) == 1:
        return coverage_chart(
            title=Words(zh=f"{code} 担保覆盖率{mark_zh}", en=f"Coverage of {code}{mark_en}"),
            bars=[_bar(code, last, is_sample=False)],
            levels=_levels(lines),
            source=_SOURCE,
            as_of=last.business_date,
            language=language,
            width_px=560,
        )
    return time_series_chart(
        title=Words(zh=f"{code} 担保覆盖率{mark_zh}", en=f"Coverage of {code}{mark_en}"),
        line_label=Words(zh="担保覆盖率", en="coverage"),
        unit=Words(zh="倍", en="times"),
        points=[SeriesPoint(day=record.business_date, value=four_places(record.coverage_ratio)) for record in struck],
        source=_SOURCE,
        as_of=last.business_date,
        language=language,
        thresholds=_levels(lines),
    )


def _bar(code: str, record: CoverageRecord, *, is_sample: bool) -> CoverageBar:
    ratio = four_places(record.coverage_ratio) or Decimal(0)
    words = LEVELS[record.level][1]
    mark_zh, mark_en = ("（示例）", " (sample)") if is_sample else ("", "")
    return CoverageBar(
        label=Words(zh=f"{code}{mark_zh}", en=f"{code}{mark_en}"),
        ratio=ratio,
        text=f"{ratio:.4f}",
        state=Words(zh=words.zh, en=words.en),
        tone=TONES[record.level],
    )
