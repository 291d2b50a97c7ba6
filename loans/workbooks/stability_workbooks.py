"""The yearly report on the stability of ratings as a workbook: the figures of the printed one, each in its own cell."""

from datetime import date, datetime

from carbonfin.documents.workbooks import (
    CellKind,
    CellValue,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    write_workbook,
)
from carbonfin.rules.record import digest_of
from loans.calc.ratings.scorecard import METHOD_ZH
from loans.calc.ratings.stability_reports import StabilityReport
from loans.workbooks.rating_reports import SAMPLE_BANNER
from loans.workbooks.stability_reports import LEVELS_ZH, READ_ZH, level_words

_TEXT, _COUNT, _RATIO, _POINTS = CellKind.TEXT, CellKind.COUNT, CellKind.RATIO, CellKind.PRICE
_INDEX = CellKind.PRICE


def stability_workbook(
    report: StabilityReport, *, producer: str, issued_on: date, created_at: datetime, is_sample: bool
) -> bytes:
    """Write the report; equal figures give equal bytes."""

    def sheet(name: str, columns: tuple[SheetColumn, ...], rows: list[tuple[CellValue, ...]]) -> SheetTable:
        return SheetTable(
            name=name, title=f"评级稳定性年度报告 {report.year}：{name}", columns=columns, rows=tuple(rows),
            reported_on=issued_on, reporting_body=producer, banner=SAMPLE_BANNER if is_sample else None,
            notes=(METHOD_ZH,),
        )  # fmt: skip

    return write_workbook(
        Workbook(
            title=f"评级稳定性年度报告 {report.year}",
            sheets=(
                sheet("概要", *_summary(report)), sheet("等级迁移", *_transitions(report)),
                sheet("分布稳定", *_indices(report)), sheet("等级线", *_thresholds(report)),
                sheet("行业", *_by_sector(report)), sheet("规模", *_by_size(report)),
            ),
            created_at=created_at,
            guide=READ_ZH,
            provenance=(
                Provenance(
                    subject=f"报告 {report.year}", value=f"RS-{report.year}", source="本行各年最后一次评分卡评级",
                    digest=digest_of(report),
                ),
                *(
                    Provenance(
                        subject=one.title_zh, value=str(one.value), source=one.document, confirmed=one.is_confirmed
                    )
                    for one in report.limits
                ),
            ),
        )
    )  # fmt: skip


_Sheet = tuple[tuple[SheetColumn, ...], list[tuple[CellValue, ...]]]


def _summary(report: StabilityReport) -> _Sheet:
    columns = (
        SheetColumn(label="年度", kind=_COUNT), SheetColumn(label="上年有等级", kind=_COUNT, unit="家"),
        SheetColumn(label="当年有等级", kind=_COUNT, unit="家"), SheetColumn(label="两年均有", kind=_COUNT, unit="家"),
        SheetColumn(label="迁移指数", kind=_INDEX), SheetColumn(label="上调占比", kind=_RATIO),
        SheetColumn(label="下调占比", kind=_RATIO), SheetColumn(label="分布稳定指数", kind=_INDEX),
        SheetColumn(label="判断", kind=_TEXT), SheetColumn(label="仅抽样波动可达", kind=_INDEX),
    )  # fmt: skip
    row = (
        report.year, report.before_count, report.after_count, report.both_count, report.mobility_index,
        report.improved_ratio, report.worsened_ratio, report.index, level_words(report, none="不作判断"),
        report.index_by_chance,
    )  # fmt: skip
    return columns, [row]


def _transitions(report: StabilityReport) -> _Sheet:
    columns = (
        SheetColumn(label="上年等级", kind=_TEXT), SheetColumn(label="当年等级", kind=_TEXT),
        SheetColumn(label="家数", kind=_COUNT, totalled=True), SheetColumn(label="占上年该等级", kind=_RATIO),
        SheetColumn(label="区间下限", kind=_RATIO), SheetColumn(label="区间上限", kind=_RATIO),
    )  # fmt: skip
    return columns, [
        (
            one.before,
            one.after,
            one.enterprise_count,
            one.share_ratio,
            *_band(one.share_ratio, one.low_ratio, one.high_ratio),
        )
        for one in report.transitions
    ]


def _band(share: CellValue, low: CellValue, high: CellValue) -> tuple[CellValue, CellValue]:
    """Leave the band of a row that nobody stands in empty: it is the whole of 0 to 1."""
    return (None, None) if share is None else (low, high)


def _indices(report: StabilityReport) -> _Sheet:
    columns = (
        SheetColumn(label="年度", kind=_COUNT), SheetColumn(label="分布稳定指数", kind=_INDEX),
        SheetColumn(label="判断", kind=_TEXT),
    )  # fmt: skip
    return columns, [(one.year, one.index, LEVELS_ZH.get(one.level or "", "不作判断")) for one in report.indices]


def _thresholds(report: StabilityReport) -> _Sheet:
    columns = (
        SheetColumn(label="等级", kind=_TEXT), SheetColumn(label="下限", kind=_POINTS, unit="分"),
        SheetColumn(label="线上", kind=_COUNT, unit="家"), SheetColumn(label="线下", kind=_COUNT, unit="家"),
        SheetColumn(label="偶然概率", kind=_RATIO), SheetColumn(label="提示", kind=_TEXT),
    )  # fmt: skip
    return columns, [
        (
            one.letter, one.threshold, one.above_count, one.below_count, one.chance,
            one.words[0],
        )
        for one in report.jumps
    ]  # fmt: skip


def _by_sector(report: StabilityReport) -> _Sheet:
    rows: list[tuple[CellValue, ...]] = [
        (one.section, one.enterprise_count, one.mean_change, one.standard_error) for one in report.drifts
    ]
    return _drift_columns("门类"), rows


def _by_size(report: StabilityReport) -> _Sheet:
    rows: list[tuple[CellValue, ...]] = [
        ("未登记" if one.size_zh == "-" else one.size_zh, one.enterprise_count, one.mean_change, one.standard_error)
        for one in report.size_drifts
    ]
    return _drift_columns("规模"), rows


def _drift_columns(label: str) -> tuple[SheetColumn, ...]:
    return (
        SheetColumn(label=label, kind=_TEXT), SheetColumn(label="家数", kind=_COUNT, totalled=True),
        SheetColumn(label="平均变化", kind=_POINTS, unit="分"), SheetColumn(label="标准误", kind=_POINTS, unit="分"),
    )  # fmt: skip
