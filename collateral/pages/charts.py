"""Coverage against the bank's initial, warning and disposal lines, and shares of the book against schedules' limits."""

from datetime import date
from decimal import Decimal

from carbonfin.documents.charts import (
    Chart,
    CoverageBar,
    Language,
    LimitBar,
    SeriesPoint,
    Threshold,
    Tone,
    Words,
    coverage_chart,
    limit_chart,
    time_series_chart,
)
from carbonfin.web.filters import percent
from collateral.calc.agreements import CoverageRecord
from collateral.calc.book_limits import BookShare
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


def schedule_chart(schedule: str, shares: tuple[BookShare, ...], *, as_of: date, language: Language) -> Chart:
    """Draw the shares of the book against the limits of a schedule, each with its own."""
    return limit_chart(
        title=Words(
            zh=f"清单 {schedule}：哪些占比接近或超过上限？", en=f"Schedule {schedule}: which shares near their limit?"
        ),
        bars=[_limit_bar(one) for one in shares],
        source=Words(
            zh="本行押品台账与当日价格，存续质押与回购，折扣前",
            en="collateral ledger at the day's prices, pledges and repos, before haircut",
        ),
        as_of=as_of,
        language=language,
    )


def _limit_bar(one: BookShare) -> LimitBar:
    text, limit = Words(zh=percent(one.after_ratio), en=percent(one.after_ratio)), percent(one.limit_ratio)
    limit_text = Words(zh=limit, en=limit)
    if one.after_cny is not None and one.limit_cny is not None:
        text = Words(zh=f"{one.after_cny:,.2f} 元", en=f"{one.after_cny:,.2f} CNY")
        limit_text = Words(zh=f"{one.limit_cny:,.2f} 元", en=f"{one.limit_cny:,.2f} CNY")
    above = Words(zh="超过上限", en="above"), Words(zh="未超上限", en="within")
    return LimitBar(
        label=Words(zh=one.label_zh, en=one.label_en), share_ratio=one.after_ratio, limit_ratio=one.limit_ratio,
        text=text, limit_text=limit_text, state=above[0] if one.is_above else above[1],
        tone=Tone.BREACH if one.is_above else Tone.PLAIN,
    )  # fmt: skip


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
