"""The yearly report on the stability of a bank's ratings: transitions, distribution, thresholds, drift."""

import json
from datetime import date, datetime
from decimal import Decimal

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import Align, Column, Note, Paragraphs, Row, Section, Sheet, Table, Term, TermGrid
from carbonfin.rules.record import canonical, digest_of
from loans.calc.ratings.scorecard import LETTERS, METHOD_ZH
from loans.calc.ratings.stability_reports import StabilityReport
from loans.workbooks.rating_reports import SAMPLE_BANNER

LEVELS_ZH = {"stable": "稳定", "watch": "关注", "act": "须处置"}
READ_ZH = (
    "占比后为置信区间（Wilson）；家数少时区间很宽，不宜据以判断。",
    "“仅抽样波动可达”为两年分布相同时，该家数下指数的单侧分位；指数在其以内的，不能说明分布变了。",
    "迁移指数：0 为不动，1 如重新抽取。分布稳定指数的关注线、处置线为经验值，未确认。",
    "等级线上方家数明显多于下方的，是查看的理由，不是作弊的证明。",
    "本报告只说明等级怎样变动，不说明为什么变动。",
)


def stability_report_pdf(
    report: StabilityReport, *, producer: str, issued_on: date, created_at: datetime, is_sample: bool
) -> bytes:
    """Set the report as PDF with its figures attached; numbered by year and by the digest of the figures."""
    values = json.dumps(canonical(report), ensure_ascii=False, sort_keys=True, indent=1)
    document = stability_report(report, producer=producer, issued_on=issued_on, is_sample=is_sample)
    return render_pdf(
        document, attachments={"report.json": values.encode()}, created_at=created_at.replace(microsecond=0)
    )


def stability_report(report: StabilityReport, *, producer: str, issued_on: date, is_sample: bool) -> Sheet:
    """Give the report as a document."""
    sections: list[Section] = [_summary(report, producer)]
    if report.both_count:
        sections += [_transitions(report), *_drifts(report)]
    else:
        text = "没有企业两年均获评级，不作迁移与漂移统计。"
        sections.append(Paragraphs(title_zh="等级迁移", title_en="Transitions", texts=(text,)))
    sections += [_thresholds(report), Paragraphs(title_zh="怎样读", title_en="How to read it", texts=READ_ZH)]
    return Sheet(
        title_zh="评级稳定性年度报告",
        title_en="Yearly report on the stability of ratings",
        subtitle=f"{report.year} 年度与 {report.year - 1} 年度比较",
        number=f"RS-{report.year}",
        version="1",
        digest=digest_of(report),
        banner=SAMPLE_BANNER if is_sample else None,
        issued_on=issued_on,
        sections=tuple(sections),
        notes=(
            Note(text="区间置信水平、检验窗宽与警示概率为本系统缺省值，未经本行批准替换的为未确认", unconfirmed=True),
        ),
        disclaimer=METHOD_ZH,
    )


def _summary(report: StabilityReport, producer: str) -> TermGrid:
    items = (
        ("上年有等级（家）", "Letters the year before", str(report.before_count)),
        ("当年有等级（家）", "Letters this year", str(report.after_count)),
        ("两年均有（家）", "In both", str(report.both_count)),
        ("迁移指数", "Mobility", _text(report.mobility_index)),
        ("上调占比", "Improved", _percent(report.improved_ratio)),
        ("下调占比", "Worsened", _percent(report.worsened_ratio)),
        ("分布稳定指数", "Population stability", _text(report.index)),
        ("判断", "Level", level_words(report, none="—")),
        ("仅抽样波动可达", "Index by chance alone", _text(report.index_by_chance)),
        ("方法", "Method", METHOD_ZH), ("出具机构", "Producer", producer),
    )  # fmt: skip
    return TermGrid(
        title_zh="概要", title_en="Summary",
        items=tuple(
            Term(label_zh=zh, label_en=en, value=value, wide=zh in {"方法", "出具机构"}) for zh, en, value in items
        ),
    )  # fmt: skip


def level_words(report: StabilityReport, *, none: str) -> str:
    """Say the level of the index, and where so few enterprises cannot tell; `none` where there is no index."""
    words = LEVELS_ZH.get(report.level or "", none)
    return f"{words}（家数过少，不足以判断）" if report.is_index_of_few else words


def _transitions(report: StabilityReport) -> Table:
    moved = {(one.before, one.after): one for one in report.transitions}

    def cell(before: str, after: str) -> str:
        one = moved[before, after]
        if one.share_ratio is None:
            return "—"
        band = f"{_percent(one.low_ratio)}–{_percent(one.high_ratio)}"
        return f"{one.enterprise_count}：{_percent(one.share_ratio)}（{band}）"

    return Table(
        title_zh="等级迁移（行为上年，列为当年；家数，占比及区间）", title_en="Transitions",
        columns=(Column(label_zh="上年"), *(Column(label_zh=letter, align=Align.RIGHT) for letter in LETTERS)),
        rows=tuple(Row(cells=(before, *(cell(before, after) for after in LETTERS))) for before in LETTERS),
    )  # fmt: skip


def _drifts(report: StabilityReport) -> list[Table]:
    by_sector = [(one.section, one.enterprise_count, one.mean_change, one.standard_error) for one in report.drifts]
    by_size = [(one.size_zh, one.enterprise_count, one.mean_change, one.standard_error) for one in report.size_drifts]
    return [
        Table(
            title_zh=title, title_en=english,
            columns=(
                Column(label_zh=head), Column(label_zh="家数", align=Align.RIGHT),
                Column(label_zh="平均变化", unit="分", align=Align.RIGHT),
                Column(label_zh="标准误", unit="分", align=Align.RIGHT),
            ),
            rows=tuple(Row(cells=(name, str(count), str(mean), _text(error))) for name, count, mean, error in rows),
        )
        for title, english, head, rows in (
            ("各行业门类平均得分变化", "Drift by sector", "门类", by_sector),
            ("各规模平均得分变化", "Drift by size", "规模", by_size),
        )
    ]  # fmt: skip


def _thresholds(report: StabilityReport) -> Table:
    return Table(
        title_zh="等级线附近的聚集", title_en="Points beside where a letter begins",
        columns=(
            Column(label_zh="等级"), Column(label_zh="下限", unit="分", align=Align.RIGHT),
            Column(label_zh="线上", align=Align.RIGHT), Column(label_zh="线下", align=Align.RIGHT),
            Column(label_zh="偶然概率", align=Align.RIGHT), Column(label_zh="提示"),
        ),
        rows=tuple(
            Row(
                cells=(
                    one.letter, str(one.threshold), str(one.above_count), str(one.below_count), str(one.chance),
                    one.words[0],
                )
            )
            for one in report.jumps
        ),
    )  # fmt: skip


def _percent(ratio: Decimal | None) -> str:
    return "—" if ratio is None else f"{ratio * 100:.2f}%"


def _text(value: Decimal | None) -> str:
    return "—" if value is None else str(value)
