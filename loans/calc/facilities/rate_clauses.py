"""What a contract says of its rate after the drawdown: when a concession stops on overdue, and when the LPR is reset.

A contract that says nothing of either is not read as one that says something: no concession stops, no rate is reset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput

STOP_DAYS_MAX = 365
RESET_MONTHS = (1, 3, 6, 12)
FIXING_LAG_DAYS_MAX = 31


class StopsFrom(StrEnum):
    """From which day a concession stops once a payment is past due by more than the contract's days."""

    DUE_DAY = "due-day"
    EXCEEDED = "exceeded"
    NEXT_PERIOD = "next-period"


class Returns(StrEnum):
    """Whether a concession that stopped comes back once nothing is past due any more, and from which day."""

    NEVER = "never"
    PAID = "paid"
    NEXT_PERIOD = "next-period"


class ResetDay(StrEnum):
    """On which days a rate that follows the LPR is reset (重定价日)."""

    ANNIVERSARY = "anniversary"
    CALENDAR = "calendar"


CLAUSE_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "concession_stops_from": {
        StopsFrom.DUE_DAY: ("自应还日起停止", "from the day the payment was due"),
        StopsFrom.EXCEEDED: ("自超过约定天数之日起停止", "from the day the contract's days are exceeded"),
        StopsFrom.NEXT_PERIOD: ("自下一计息期起停止", "from the next interest period"),
    },
    "concession_returns": {
        Returns.NEVER: ("不恢复", "does not come back"),
        Returns.PAID: ("自清偿逾期款项之日起恢复", "from the day nothing is past due"),
        Returns.NEXT_PERIOD: ("自清偿后的下一计息期起恢复", "from the next interest period after that"),
    },
    "reset_day": {
        ResetDay.ANNIVERSARY: ("提款日的对应日", "the day of the drawdown"),
        ResetDay.CALENDAR: ("自然周期首日（1 月 1 日、季首、月首）", "first day of the calendar period"),
    },
}
"""The words of each choice, for forms, pages and those who approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcessionClause:
    """The concession stops where a payment is past due by more than `days` (逾期停止优惠)."""

    days: int
    stops_from: StopsFrom
    returns: Returns

    def __post_init__(self) -> None:
        """Refuse days no contract could state."""
        if not 0 <= self.days <= STOP_DAYS_MAX:
            raise InvalidInput(
                f"the concession stops after {self.days} days, outside 0 to {STOP_DAYS_MAX}",
                zh=f"停止优惠的逾期天数须在 0 至 {STOP_DAYS_MAX} 之间", field="concession_stop_days",
            )  # fmt: skip

    def words(self) -> tuple[str, str]:
        """Give the clause in words."""
        stops = CLAUSE_WORDS["concession_stops_from"][self.stops_from]
        returns = CLAUSE_WORDS["concession_returns"][self.returns]
        return (
            f"逾期超过 {self.days} 天，优惠{stops[0]}；{returns[0]}",
            f"more than {self.days} days past due: stops {stops[1]}; {returns[1]}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetClause:
    """The rate is reset to the LPR published by the day `fixing_lag_days` before each reset day (重定价)."""

    months: int
    day: ResetDay
    fixing_lag_days: int

    def __post_init__(self) -> None:
        """Refuse a cycle or a lag no contract could state."""
        if self.months not in RESET_MONTHS:
            raise InvalidInput(
                f"the rate is reset every {self.months} months, not every {RESET_MONTHS}",
                zh="重定价周期须为 1、3、6 或 12 个月", field="reset_months",
            )  # fmt: skip
        if not 0 <= self.fixing_lag_days <= FIXING_LAG_DAYS_MAX:
            raise InvalidInput(
                f"the fixing lag is {self.fixing_lag_days} days, outside 0 to {FIXING_LAG_DAYS_MAX}",
                zh=f"定价提前天数须在 0 至 {FIXING_LAG_DAYS_MAX} 之间", field="fixing_lag_days",
            )  # fmt: skip

    def words(self) -> tuple[str, str]:
        """Give the clause in words."""
        day = CLAUSE_WORDS["reset_day"][self.day]
        return (
            f"每 {self.months} 个月，{day[0]}重定价；取重定价日前 {self.fixing_lag_days} 日已公布的最近一期 LPR",
            f"every {self.months} months on {day[1]}; LPR published by {self.fixing_lag_days} days before",
        )


def concession_clause(
    *, days: int | None, stops_from: StopsFrom | None, returns: Returns | None, is_fixed: bool
) -> ConcessionClause | None:
    """Give the clause three entries make; None where the contract says nothing.

    Raises:
        InvalidInput: One of them is missing, or the rate is fixed and has no concession.
    """
    _require_all_or_none(
        {"concession_stop_days": days, "concession_stops_from": stops_from, "concession_returns": returns},
        is_fixed=is_fixed, zh="逾期停止优惠", en="the stop of the concession",
    )  # fmt: skip
    if days is None or stops_from is None or returns is None:
        return None
    return ConcessionClause(days=days, stops_from=stops_from, returns=returns)


def reset_clause(
    *, months: int | None, day: ResetDay | None, fixing_lag_days: int | None, is_fixed: bool
) -> ResetClause | None:
    """Give the clause three entries make; None where the contract says nothing.

    Raises:
        InvalidInput: One of them is missing, or the rate is fixed and never reset.
    """
    _require_all_or_none(
        {"reset_months": months, "reset_day": day, "fixing_lag_days": fixing_lag_days},
        is_fixed=is_fixed, zh="重定价", en="the reset of the rate",
    )  # fmt: skip
    if months is None or day is None or fixing_lag_days is None:
        return None
    return ResetClause(months=months, day=day, fixing_lag_days=fixing_lag_days)


def _require_all_or_none(given: Mapping[str, object], *, is_fixed: bool, zh: str, en: str) -> None:
    named = [name for name, value in given.items() if value is not None]
    if named and is_fixed:
        raise InvalidInput(
            f"the rate is fixed and the contract speaks of {en}", zh=f"固定利率合同不适用{zh}条款", field=named[0],
            remedy="Leave it empty, or agree an LPR with a margin.", remedy_zh="请清空该项，或改为 LPR 加减点。",
        )  # fmt: skip
    missing = [name for name, value in given.items() if value is None]
    if named and missing:
        raise InvalidInput(
            f"{missing[0]} is missing of {en}", zh=f"{zh}条款须填写完整", field=missing[0],
            remedy="Enter what the contract says, or leave all three empty where it says nothing.",
            remedy_zh="请按合同填写；合同未约定的，三项均留空。",
        )  # fmt: skip
