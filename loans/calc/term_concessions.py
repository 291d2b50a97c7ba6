"""The stop of the concession on overdue (逾期停止优惠) on a term sheet: what is offered, or that nothing is.

Sheets drafted before say nothing of it, and their lines are those they always had.
"""

from carbonfin.rules.trace import Figure
from loans.calc.facilities.rate_clauses import CLAUSE_WORDS, ConcessionClause
from loans.calc.term_lines import TermGroup, TermLine

CONCESSION_GROUP = "concession-stop"
_NOT_AGREED = (
    ("逾期停止优惠", "Concession on overdue", "未约定，逾期不停止优惠", "not agreed: overdue stops nothing", ""),
)
_MEANWHILE_ZH = "不含优惠的利率（LPR 加减点，综合利率下限照常适用）；已计提的利息不改写"
_MEANWHILE_EN = "the rate without the concession, under the all-in floor; what was accrued stays"


def concession_figures(clause: ConcessionClause | None) -> list[Figure]:
    """Give the days as a figure of the term sheet's trace."""
    if clause is None:
        return []
    return [
        Figure(
            name="concession_stop_days", label_zh="停止优惠的逾期天数",
            label_en="Days past due that stop the concession", value=str(clause.days), unit="days", source="合同约定",
        )
    ]  # fmt: skip


def concession_group(clause: ConcessionClause | None) -> TermGroup:
    """Give the lines of the clause, or the one that says there is none."""
    lines = _NOT_AGREED if clause is None else _clause_lines(clause)
    return TermGroup(
        name=CONCESSION_GROUP, title_zh="逾期停止优惠", title_en="Concession on overdue",
        lines=tuple(
            TermLine(
                label_zh=label_zh, label_en=label_en, value_zh=zh, value_en=en, figure_name=figure, unconfirmed=False
            )
            for label_zh, label_en, zh, en, figure in lines
        ),
    )  # fmt: skip


def _clause_lines(clause: ConcessionClause) -> tuple[tuple[str, str, str, str, str], ...]:
    stops_zh, stops_en = CLAUSE_WORDS["concession_stops_from"][clause.stops_from]
    returns_zh, returns_en = CLAUSE_WORDS["concession_returns"][clause.returns]
    return (
        (
            "停止条件", "It stops", f"任一期款项逾期超过 {clause.days} 天",
            f"where a payment is more than {clause.days} days past due", "concession_stop_days",
        ),
        ("停止起算日", "From which day", stops_zh, stops_en, ""),
        ("停止期间利率", "Rate meanwhile", _MEANWHILE_ZH, _MEANWHILE_EN, ""),
        ("清偿后恢复", "Once it is paid", returns_zh, returns_en, ""),
    )  # fmt: skip
