"""Why a note's rate moved, in words: what is kept is the cause's own code."""

from loans.calc.linked.agreements import EVENTS_EN, EVENTS_ZH, LinkEvent

_FIXED: dict[str, tuple[str, str]] = {
    "drawdown": ("提款时适用挂钩利差", "the link's adjustment at the drawdown"),
    "concession stopped": ("逾期停止利率优惠", "concession stopped on overdue"),
    "concession returned": ("恢复利率优惠", "concession back"),
    "concession corrected": ("更正优惠停止期间", "days of the stopped concession corrected"),
    **{event.value: (f"挂钩条款{EVENTS_ZH[event]}", f"link {EVENTS_EN[event]}") for event in LinkEvent},
}


def cause_words(cause: str) -> tuple[str, str]:
    """Give a cause in Chinese and English; one without words is shown as it is."""
    kind, _, rest = cause.partition(" ")
    if kind == "reset":
        return f"LPR 重定价（{rest}）", f"LPR reset of {rest}"
    if kind == "observation":
        number, _, version = rest.partition(" version ")
        return f"第 {number} 次可持续观察（第 {version} 版）", f"observation {number}, version {version}"
    return _FIXED.get(cause, (cause, cause))
