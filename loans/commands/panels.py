"""The command of the stability study of a panel of installations; it acts for no bank and stores nothing."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from carbonfin.kernel.dates import SystemClock, china_day
from carbonfin.kernel.units import to_decimal
from carbonfin.web.terminal import Terminal, terminal_of
from loans import service
from loans.calc.ratings.panel import CLASSES, LIMITS_EN, LIMITS_ZH, METHOD_EN, METHOD_ZH, PanelStudy

_FAULTS_TOLD = 20
_DRIFTS_TOLD = 10


def ratings_panel(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="面板数据文件夹：installation.csv、compliance.csv / folder of the panel")
    ],
) -> None:
    """对装置面板作分档稳定性研究（面板简化方法，不是企业评级）/ how classes of a panel of installations moved."""
    terminal = terminal_of(context)
    found = service.studied_panel(folder, on=china_day(SystemClock().now()))
    tables = {
        "transitions": _transitions(found.study),
        "years": _years(found.study),
        "drifts": _drifts(found),
        "thresholds": _thresholds(found.study),
    }
    if terminal.json_output:
        terminal.answer(_whole(found) | tables)
        return
    _say(terminal, found, tables)


def _transitions(study: PanelStudy) -> list[dict[str, Any]]:
    matrix = study.transitions
    return [
        {
            "from": CLASSES[before],
            "count": int(matrix.counts[before].sum()),
            **{
                CLASSES[after]: "—"
                if not matrix.counts[before].sum()
                else (
                    f"{_percent(matrix.shares[before, after])} "
                    f"({_percent(matrix.low[before, after])}–{_percent(matrix.high[before, after])})"
                )
                for after in range(len(CLASSES))
            },
        }
        for before in range(len(CLASSES))
    ]


def _years(study: PanelStudy) -> list[dict[str, Any]]:
    return [
        {
            "year": one.year,
            "count": one.count,
            "both_count": one.both_count,
            "mobility_index": None if one.mobility is None else _decimal(one.mobility.index),
            "improved_ratio": None if one.mobility is None else _decimal(one.mobility.improved_ratio),
            "worsened_ratio": None if one.mobility is None else _decimal(one.mobility.worsened_ratio),
            "stability_index": None if one.spread is None else _decimal(one.spread.index),
            "level": None if one.spread is None else one.spread.level,
        }
        for one in study.years
    ]


def _drifts(found: service.StudiedPanel) -> list[dict[str, Any]]:
    return [
        {
            "country": found.countries[one.group],
            "count": one.count,
            "mean_change_points": _decimal(one.mean_change),
            "standard_error": None if one.count == 1 else _decimal(one.standard_error),
        }
        for one in sorted(found.study.drifts, key=lambda one: -one.count)[:_DRIFTS_TOLD]
    ]


def _thresholds(study: PanelStudy) -> list[dict[str, Any]]:
    return [
        {
            "class": CLASSES[place], "points_min": _decimal(one.threshold), "above": one.above_count,
            "below": one.below_count, "chance": _decimal(one.chance), "look": one.is_alarm,
        }
        for place, one in enumerate(study.jumps)
    ]  # fmt: skip


def _whole(found: service.StudiedPanel) -> dict[str, Any]:
    return {
        "method": METHOD_ZH, "method_en": METHOD_EN, "row_count": found.row_count, "failed_count": len(found.failures),
        "without_class": dict(found.classes.refused_count), "pair_count": int(found.study.transitions.counts.sum()),
        "mobility_index": _decimal(found.study.mobility.index), "limits_zh": list(LIMITS_ZH),
        "limits_en": list(LIMITS_EN),
    }  # fmt: skip


def _say(terminal: Terminal, found: service.StudiedPanel, tables: dict[str, list[dict[str, Any]]]) -> None:
    terminal.say(f"{METHOD_ZH}\n{METHOD_EN}")
    terminal.say(
        f"{found.row_count} 行，有误 {len(found.failures)} 行；未分档 {dict(found.classes.refused_count)}；"
        f"相邻两年均有分档 {int(found.study.transitions.counts.sum())} 对，"
        f"迁移指数 {_decimal(found.study.mobility.index)}（0 不动，1 如重新抽取）"
    )
    heads = {
        "transitions": "分档迁移（行为上年，列为当年，占比及 95% 区间）/ transitions, share and band",
        "years": "逐年 / by year",
        "drifts": f"平均得分变化（家数最多的 {len(tables['drifts'])} 国）/ drift by country",
        "thresholds": "分档线附近 / beside where a class begins",
    }
    for name, head in heads.items():
        terminal.say(head)
        terminal.answer(tables[name], columns=tuple(tables[name][0]))
    for text in (*LIMITS_ZH, *LIMITS_EN):
        terminal.say(text)
    for failure in found.failures[:_FAULTS_TOLD]:
        terminal.say(f"{failure.item}：{failure.zh} [{failure.field}]")


def _percent(share: float) -> str:
    return f"{to_decimal(100 * share, places=1)}%"


def _decimal(value: float) -> Decimal:
    return to_decimal(value, places=4)
