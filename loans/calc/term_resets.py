"""The reset of the rate (重定价) on a term sheet: what the draft offers, on which days, and what stays open until then.

A request without a clause is one at a rate that is fixed to maturity, and its lines are those it always had.
"""

from dataclasses import dataclass
from datetime import date

from carbonfin.rules.trace import Figure
from loans.calc.contracts.terms import LoanTerms
from loans.calc.facilities.rate_clauses import CLAUSE_WORDS, ResetClause
from loans.calc.servicing.rate_resets import fixing_date_of, reset_dates

RESET_GROUP = "reset"
AS_DRAWN_ZH = "（按起息日利率）"
AS_DRAWN_EN = " (at the rate of the drawdown)"
_AGREED = "合同约定"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedResets:
    """The resets a term sheet offers.

    Attributes:
        tenor: LPR tenor, 1Y or 5Y.
        first: First reset day; None where none falls before maturity, so that the rate stays.
        count: Reset days before maturity.
    """

    clause: ResetClause
    tenor: str
    first: date | None
    count: int

    @property
    def fixing(self) -> date | None:
        """The day by which the LPR of the first reset has to be published."""
        return None if self.first is None else fixing_date_of(self.first, self.clause)

    def kind_words(self) -> tuple[str, str]:
        """Say in one line that the rate floats."""
        return f"浮动，随 LPR（{self.tenor}）重定价", f"floating, reset to the {self.tenor} LPR"

    def until_words(self) -> tuple[str, str]:
        """Say how long the executed rate holds."""
        if self.first is None:
            return "到期前无重定价日", "no reset before maturity"
        return f"至首个重定价日 {self.first}", f"until the first reset on {self.first}"


def offered_resets(clause: ResetClause | None, terms: LoanTerms, *, tenor: str) -> OfferedResets | None:
    """Give the resets of a draft; None where its rate is fixed to maturity."""
    if clause is None:
        return None
    days = tuple(reset_dates(terms, clause))
    return OfferedResets(clause=clause, tenor=tenor, first=days[0] if days else None, count=len(days))


def reset_figures(resets: OfferedResets) -> list[Figure]:
    """Give the cycle, the lag and the first days as figures of the term sheet's trace."""
    clause = resets.clause
    figures = [
        Figure(
            name="reset_months", label_zh="重定价周期", label_en="Months between resets", value=str(clause.months),
            unit="months", source=_AGREED,
        ),
        Figure(
            name="fixing_lag_days", label_zh="取价提前天数", label_en="Fixing lag", value=str(clause.fixing_lag_days),
            unit="days", source=_AGREED,
        ),
        Figure(
            name="reset_count", label_zh="到期前重定价次数", label_en="Resets before maturity",
            value=str(resets.count), unit="",
            formula=f"reset days after drawdown and before maturity, by {clause.day.value}", inputs=("reset_months",),
        ),
    ]  # fmt: skip
    if resets.first is None or resets.fixing is None:
        return figures
    return [
        *figures,
        Figure(
            name="first_reset_date", label_zh="首个重定价日", label_en="First reset", value=resets.first.isoformat(),
            unit="date", formula=f"first reset day after drawdown, by {clause.day.value}", inputs=("reset_months",),
        ),
        Figure(
            name="first_fixing_date", label_zh="首次取价截止日", label_en="First fixing",
            value=resets.fixing.isoformat(), unit="date", formula="first reset day - fixing lag in calendar days",
            inputs=("first_reset_date", "fixing_lag_days"),
        ),
    ]  # fmt: skip


def reset_lines(resets: OfferedResets) -> tuple[tuple[str, str, str, str, str], ...]:
    """Give label and value in both languages with the figure behind each, line by line."""
    clause = resets.clause
    day_zh, day_en = CLAUSE_WORDS["reset_day"][clause.day]
    lag = clause.fixing_lag_days
    lines = [
        ("重定价基准", "Reset to", f"LPR {resets.tenor}", f"{resets.tenor} LPR", "lpr_rate"),
        ("重定价周期", "Cycle", f"每 {clause.months} 个月", _cycle_en(clause.months), "reset_months"),
        ("重定价日", "Reset days", day_zh, day_en, ""),
        (
            "取价规则", "Fixing", f"取重定价日前 {lag} 日（日历日）及以前已公布的最近一期 LPR",
            f"LPR published last by {lag} calendar days before the reset day", "fixing_lag_days",
        ),
    ]  # fmt: skip
    if resets.first is None:
        lines.append(
            ("首个重定价日", "First reset", "到期前无重定价日，执行利率不变", "none before maturity", "reset_count")
        )
    else:
        times = f"，到期前共 {resets.count} 次", f"; {resets.count} before maturity"
        lines.append(
            ("首个重定价日", "First reset", f"{resets.first}{times[0]}", f"{resets.first}{times[1]}",
             "first_reset_date")
        )  # fmt: skip
        fixing = str(resets.fixing)
        lines.append(("首次取价截止日", "First fixing", fixing, fixing, "first_fixing_date"))
    return (*lines, _STAYS, _DECIDED_AGAIN)


_STAYS = "重定价时的加减点", "Margin at a reset", "不变", "stays as agreed", "margin_bp"
_DECIDED_ZH = (
    "按重定价日有效的碳评级报告与本行参数重新决定，综合利率下限照常适用；报告失效的无优惠，报告或得分缺失的不予重定价"
)
_DECIDED_EN = (
    "by the report and the bank's terms of the day, under the all-in floor; none if the report expired; "
    "no reset without report or score"
)
_DECIDED_AGAIN = "重定价时的利率优惠", "Concession at a reset", _DECIDED_ZH, _DECIDED_EN, ""


def _cycle_en(months: int) -> str:
    return "every month" if months == 1 else f"every {months} months"
