"""A bank's concession table as the tests know it, written out by hand: ten rows, the better report never paying more."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from carbonfin.rules.domains import domain_from
from carbonfin.rules.parameters import Grade
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    TableVersion,
    table_of,
)
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import TABLE_APPROVAL, propose_table
from loans.calc.jiangtandai import CONCESSION_TABLE, RateInputs
from tests.loans.samples import concession_terms, l1_rate
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank

DOMAINS = {
    "score": "number[0..100] points",
    "points_over_base": "number[-100..100] points",
    "report_valid": "boolean",
    "report_age_days": "whole[0..1095] days",
    "report_confirmed": "boolean",
}
COLUMNS = ("score", "points_over_base", "report_confirmed", "report_age_days")
ROWS = (
    ("null", "-", "-", "-", "0"),
    ("-", "-", "false", "-", "0"),
    ("-", "-", "true", ">365", "0"),
    (">=90", ">=25", "true", "<=90", "-30"),
    (">=90", "-", "true", "<=365", "-25"),
    (">=80", "-", "true", "<=180", "-20"),
    (">=80", "-", "true", "<=365", "-15"),
    (">=70", "-", "true", "<=365", "-10"),
    (">=60", ">0", "true", "<=365", "-5"),
    ("-", "-", "true", "<=365", "0"),
)
CLAUSE = Clause(document="示例银行降碳贷利率优惠办法", article="第8条", grade=Grade.SAMPLE, confirmed=True)


def concession_table(
    rows: tuple[tuple[str, ...], ...] = ROWS,
    *,
    columns: tuple[str, ...] = COLUMNS,
    policy: HitPolicy = HitPolicy.FIRST,
    clause: Clause = CLAUSE,
    ranking: tuple[int, ...] = (),
) -> DecisionTable:
    return table_of(
        name="loans.concession",
        title_zh="利率优惠表(示例)",
        title_en="Concession table (sample)",
        hit_policy=policy,
        inputs=[InputColumn(name=one, title_zh=one, title_en=one, domain=domain_from(DOMAINS[one])) for one in columns],
        outputs=[
            OutputColumn(
                name="concession_bp", title_zh="利率优惠", title_en="Concession", kind=OutputKind.BP, ranking=ranking
            )
        ],
        rows=[
            RowDraft(id=f"R{place}", when=row[:-1], then=row[-1:], clause=clause) for place, row in enumerate(rows, 1)
        ],
    )


def recorded(table: DecisionTable) -> RecordedTable:
    return RecordedTable.of(
        TableVersion(
            table=table,
            valid_from=date(2025, 1, 1),
            valid_to=None,
            known_from=date(2025, 6, 1),
            approved_by=("甲", "乙"),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From when a version of the table speaks and is known."""

    valid_from: date = date(2025, 1, 1)
    known_from: date = BUSINESS_DATE


AT_ONCE = Days()


def enter(
    sessions: Sessions,
    bank: Bank,
    table: DecisionTable | None = None,
    *,
    days: Days = AT_ONCE,
    at: datetime = KNOWN_AT,
) -> None:
    """Propose a table as the bank's officer and approve it as its checker, the sample table where none is given."""
    draft = TableVersion(table=table or concession_table(), valid_from=days.valid_from, known_from=days.known_from)
    with sessions.begin() as session:
        proposed = propose_table(
            session, bank.officer, draft, reason="优惠办法", at=at, contracts=(CONCESSION_TABLE,)
        )  # fmt: skip
        approvals.approve(
            session, bank.checker, proposed.id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="同意"), at=at,
            business_date=BUSINESS_DATE,
        )  # fmt: skip


def table_rate(
    table: DecisionTable | None = None,
    *,
    report: object | None = None,
    cap: str = "20",
    margin_bp: int = 40,
) -> RateInputs:
    inputs = l1_rate(report=report, margin_bp=margin_bp, terms=concession_terms(cap=cap))
    return replace(inputs, concession_table=recorded(table or concession_table()))
