"""Surrender safety: how long a sale takes and until when a pledge may run before its vintage is worth nothing."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.figures import FigureList

CARRIES_FORWARD = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDays:
    """The open days of one exchange calendar in `[start, end]`, written down so that a decision replays without it.

    Attributes:
        start: First day the list speaks of.
        end: Last day the list speaks of, never past `known_until`.
        known_until: Last day the published holiday notices reach.
        days: Open days, ascending.
    """

    start: date
    end: date
    known_until: date
    days: tuple[date, ...]

    def last_before(self, day: date, count: int) -> date | None:
        """Give the day `count` open days before a day, the day itself not counted; None if that lies before start."""
        earlier = [one for one in self.days if one < day]
        if count == 0:
            return day
        return earlier[-count] if len(earlier) >= count else None


def trading_days_of(calendar: Calendar, *, start: date, end: date) -> TradingDays:
    """Write down a calendar's open days from `start` to `end`, or to where the notices reach."""
    reach = min(end, calendar.known_until)
    days = tuple(calendar.open_days(start, reach + timedelta(days=1))) if reach >= start else ()
    return TradingDays(start=start, end=reach, known_until=calendar.known_until, days=days)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeDepth:
    """How much of one scheme the market takes a day, and the share of it a sale may take."""

    scheme: Scheme
    average_daily_volume_t: int
    source: str
    participation: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class VintageUse:
    """What is known of the end of a vintage: a last usable date, or that it carries forward, or neither."""

    unit: Unit
    last_usable: ParameterValue | None
    carries_forward: ParameterValue | None


class SafeDateKind(StrEnum):
    """How far a last safe date can be relied on."""

    DATED = "dated"
    ONE_STEP_EARLIER = "one_step_earlier"
    NOT_LIMITED = "not_limited"
    PASSED = "passed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeDate:
    """The last day a pledge may end: `day` is set for `dated` and `one_step_earlier` only."""

    kind: SafeDateKind
    day: date | None
    unit: Unit | None


def closeout_days(quantity_t: int, depth: SchemeDepth) -> int:
    """Give the days a sale takes, by `sale_days`."""
    return sale_days(
        depth.scheme, quantity_t, volume_t=depth.average_daily_volume_t, participation_ratio=depth.participation.decimal
    )


def sale_days(scheme: Scheme, quantity_t: int, *, volume_t: int, participation_ratio: Decimal) -> int:
    """Give the days a sale takes: N = ceil(Q / (participation * ADV)).

    Raises:
        MissingData: The average daily volume is zero: nothing says that a sale ends.
        InvalidInput: The participation does not lie in (0, 1].
    """
    if not 0 < participation_ratio <= 1:
        raise InvalidInput(
            f"participation {participation_ratio} lies outside 0 to 1",
            zh="处置参与率须大于 0 且不超过 1",
            field="participation_ratio",
        )
    if volume_t <= 0:
        raise MissingData(
            f"{scheme} has no average daily volume, so the close-out time is not known",
            zh=f"{scheme} 没有日均成交量，无法计算处置天数",
            field="average_daily_volume_t",
            remedy="Load the trading volumes of the window.",
            remedy_zh="请导入该品种的成交量。",
        )
    return math.ceil(quantity_t / (participation_ratio * volume_t))


def last_safe_date(use: VintageUse, *, lead_days: int, trading_days: TradingDays) -> SafeDate:
    """Give the last day a pledge of one vintage may end, by `safe_date_of`."""
    return safe_date_of(
        use.unit, lead_days=lead_days, trading_days=trading_days,
        last_usable=None if use.last_usable is None else use.last_usable.day,
        carries_forward=use.carries_forward is not None and use.carries_forward.value == CARRIES_FORWARD,
    )  # fmt: skip


def safe_date_of(
    unit: Unit, *, last_usable: date | None, carries_forward: bool, lead_days: int, trading_days: TradingDays
) -> SafeDate:
    """Give the last day a pledge of one vintage may end: last usable date minus lead, in trading days.

    Where the last usable date lies past the published notices, the day the notices reach takes its place: one safe
    step earlier, never later. A vintage of which neither date nor carrying forward is known has no safe date.
    """
    if last_usable is None:
        kind = SafeDateKind.NOT_LIMITED if carries_forward else SafeDateKind.UNKNOWN
        return SafeDate(kind=kind, day=None, unit=unit)
    is_known = last_usable <= trading_days.known_until
    anchor = last_usable if is_known else trading_days.known_until
    day = trading_days.last_before(anchor, lead_days) if anchor >= trading_days.start else None
    if day is None:
        return SafeDate(kind=SafeDateKind.PASSED, day=None, unit=unit)
    return SafeDate(kind=SafeDateKind.DATED if is_known else SafeDateKind.ONE_STEP_EARLIER, day=day, unit=unit)


_WORST_FIRST = (SafeDateKind.PASSED, SafeDateKind.UNKNOWN)


def earliest_safe_date(dates: tuple[SafeDate, ...]) -> SafeDate:
    """Give the binding one: passed and unknown before any day, the earliest day before no limit."""
    for kind in _WORST_FIRST:
        for one in dates:
            if one.kind is kind:
                return one
    dated = [one for one in dates if one.day is not None]
    if dated:
        return min(dated, key=lambda one: one.day or date.max)
    return SafeDate(kind=SafeDateKind.NOT_LIMITED, day=None, unit=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyTerms:
    """Everything the end of a pledge hangs on.

    Attributes:
        depths: Daily volume and participation by scheme.
        cure_days: 补足期, trading days.
        unfreeze_days: 解冻期, trading days.
        uses: What is known of each pledged vintage.
        trading_days: Open days from the valuation date to the latest last usable date.
    """

    depths: tuple[SchemeDepth, ...]
    cure_days: ParameterValue
    unfreeze_days: ParameterValue
    uses: tuple[VintageUse, ...]
    trading_days: TradingDays


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """How long a close-out takes and until when the pledge may run."""

    closeout_days: int
    safe_date: SafeDate


def safety_of(quantities: tuple[tuple[Unit, int], ...], terms: SafetyTerms, figures: FigureList) -> Safety:
    """Give close-out days (schemes sell side by side, so the longest counts) and the last safe date, with trace."""
    by_scheme: dict[Scheme, int] = {}
    for unit, quantity_t in quantities:
        by_scheme[unit.scheme] = by_scheme.get(unit.scheme, 0) + quantity_t
    names, longest = [], 0
    for depth in terms.depths:
        if depth.scheme not in by_scheme:
            continue
        days = closeout_days(by_scheme[depth.scheme], depth)
        longest = max(longest, days)
        names.append(_closeout_figure(depth, by_scheme[depth.scheme], days, figures))
    if len(names) != len(by_scheme):
        raise MissingData("a pledged scheme has no trading volume", zh="有质押品种缺少成交量", field="units")
    whole = figures.result(
        "closeout_days",
        ("处置天数", "Close-out days"),
        longest,
        "days",
        "max over schemes ceil(Q/(ρ·ADV))",
        inputs=names,
    )
    cure = figures.parameter("cure_days", terms.cure_days)
    unfreeze = figures.parameter("unfreeze_days", terms.unfreeze_days)
    lead_days = terms.cure_days.integer + longest + terms.unfreeze_days.integer
    lead = figures.result(
        "lead_days",
        ("预留交易日", "Lead days"),
        lead_days,
        "days",
        "cure + close-out + unfreeze",
        inputs=(cure, whole, unfreeze),
    )
    uses = {use.unit: use for use in terms.uses}
    dates = []
    for unit in dict.fromkeys(unit for unit, _ in quantities):
        use = uses.get(unit, VintageUse(unit=unit, last_usable=None, carries_forward=None))
        dates.append(last_safe_date(use, lead_days=lead_days, trading_days=terms.trading_days))
        _safe_date_figure(use, dates[-1], lead, terms.trading_days, figures)
    binding = earliest_safe_date(tuple(dates))
    figures.result(
        "last_safe_date", ("最后安全日", "Last safe date"), binding.day or binding.kind, "date", "min over vintages",
        inputs=tuple(f"last_safe_date_{one.unit}" for one in dates),
        note_zh=SAFE_DATE_NOTES_ZH[binding.kind], note_en=SAFE_DATE_NOTES_EN[binding.kind],
    )  # fmt: skip
    return Safety(closeout_days=longest, safe_date=binding)


SAFE_DATE_NOTES_ZH: dict[SafeDateKind, str] = {
    SafeDateKind.DATED: "按该年度配额最后可用日倒推交易日",
    SafeDateKind.ONE_STEP_EARLIER: "最后可用日之前有节假日安排未公布，按已知日历末日倒推，只早不晚",
    SafeDateKind.NOT_LIMITED: "该配额可结转使用，无年度期限（依据见参数）",
    SafeDateKind.PASSED: "最后安全日已过",
    SafeDateKind.UNKNOWN: "该年度配额的最后可用日未知，未推定",
}

SAFE_DATE_NOTES_EN: dict[SafeDateKind, str] = {
    SafeDateKind.DATED: "counted back in trading days from the vintage's last usable date",
    SafeDateKind.ONE_STEP_EARLIER: "holiday notices do not reach the last usable date; counted from where they end",
    SafeDateKind.NOT_LIMITED: "the vintage carries forward, so it sets no end",
    SafeDateKind.PASSED: "the last safe date has passed",
    SafeDateKind.UNKNOWN: "the vintage's last usable date is not known and not assumed",
}


def _closeout_figure(depth: SchemeDepth, quantity_t: int, days: int, figures: FigureList) -> str:
    scheme = depth.scheme
    volume = figures.fact(
        f"adv_{scheme}", (f"{scheme} 日均成交量", f"{scheme} average daily volume"),
        depth.average_daily_volume_t, "t", depth.source,
    )  # fmt: skip
    share = figures.parameter(f"participation_{scheme}", depth.participation)
    quantity = figures.fact(
        f"pledged_{scheme}", (f"{scheme} 质押数量合计", f"{scheme} quantity pledged"), quantity_t, "t", "质押合同"
    )
    return figures.result(
        f"closeout_days_{scheme}", (f"{scheme} 处置天数", f"{scheme} close-out days"), days, "days",
        "ceil(Q/(ρ·ADV))", inputs=(quantity, share, volume),
    )  # fmt: skip


def _safe_date_figure(
    use: VintageUse, safe: SafeDate, lead: str, trading_days: TradingDays, figures: FigureList
) -> None:
    known = figures.fact(
        "calendar_known_until", ("交易日历已知至", "Calendar known until"), trading_days.known_until, "date", "放假通知"
    )
    inputs = [lead, known]
    if use.last_usable is not None:
        inputs.append(figures.parameter(f"last_usable_date_{use.unit}", use.last_usable))
    elif use.carries_forward is not None:
        inputs.append(figures.parameter(f"carries_forward_{use.unit.scheme}", use.carries_forward))
    figures.result(
        f"last_safe_date_{use.unit}", (f"{use.unit} 最后安全日", f"{use.unit} last safe date"),
        safe.day or safe.kind, "date", "last usable date - (cure + close-out + unfreeze) trading days", inputs=inputs,
        note_zh=SAFE_DATE_NOTES_ZH[safe.kind], note_en=SAFE_DATE_NOTES_EN[safe.kind],
    )  # fmt: skip


REMINDER_DAYS = (90, 60, 30)
"""Calendar days before a surrender date on which the desk is reminded, the nearest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrenderReminder:
    """A reminder that has fallen due."""

    days_before: int
    due_on: date


def reminder_due(*, surrender_date: date, told_until: date | None, on: date) -> SurrenderReminder | None:
    """Give the reminder that fell due last up to a day, None if it was told by `told_until` (None: nothing was told).

    Of several that fell due together it is the nearest to the date; from the surrender date on there is none.
    """
    if on >= surrender_date:
        return None
    for days in reversed(REMINDER_DAYS):
        due_on = surrender_date - timedelta(days=days)
        if due_on <= on:
            is_told = told_until is not None and due_on <= told_until
            return None if is_told else SurrenderReminder(days_before=days, due_on=due_on)
    return None
