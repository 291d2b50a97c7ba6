"""Points that earn a concession by the decision table: the rates of before, the row in the trace, a table of one's own."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import faults
from carbonfin.rules.domains import domain_from
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    TableBook,
    TableVersion,
    table_of,
)
from carbonfin.rules.validate import validate
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.rulebook import builtin_tables
from loans.calc.jiangtandai import POINTS_TABLE, ConcessionReason, RateInputs, decide_rate
from tests.loans.concession_samples import table_rate
from tests.loans.samples import concession_terms, e4_report, l1_rate
from tests.loans.world import KNOWN_AT

CLAUSE = Clause(document="示例银行降碳贷产品办法（示例）", article="第五条", grade=Grade.SAMPLE, confirmed=True)
DOMAINS = {"report_valid": "boolean", "report_confirmed": "boolean", "report_age_days": "whole[0..1095] days"}


def builtin() -> RecordedTable:
    book = TableBook(builtin_tables("loans"))
    return RecordedTable.of(book.on(POINTS_TABLE.name, valid_on=date(2025, 7, 1), known_at=KNOWN_AT))


def points_table(columns: tuple[str, ...], *rows: tuple[tuple[str, ...], str]) -> DecisionTable:
    return table_of(
        name="loans.concession_points", title_zh="本行计分条件", title_en="Own points", hit_policy=HitPolicy.UNIQUE,
        inputs=[InputColumn(name=one, title_zh=one, title_en=one, domain=domain_from(DOMAINS[one])) for one in columns],
        outputs=[OutputColumn(name="points_share", title_zh="比例", title_en="Share", kind=OutputKind.RATIO)],
        rows=[
            RowDraft(id=f"R{place}", when=when, then=(then,), clause=CLAUSE)
            for place, (when, then) in enumerate(rows, 1)
        ],
    )  # fmt: skip


def recorded(table: DecisionTable) -> RecordedTable:
    version = TableVersion(
        table=table, valid_from=date(2025, 1, 1), known_from=date(2025, 6, 1), approved_by=("甲", "乙")
    )
    return RecordedTable.of(version)


HALF_WHEN_UNCHECKED = points_table(
    ("report_confirmed",), (("true",), "1"), (("false",), "0.5"),
)  # fmt: skip
YOUNG_REPORTS = points_table(("report_age_days",), (("<= 90",), "1"), (("> 90",), "0"))


def by_points(score: str | None, *, table: RecordedTable | None = None, cap: str = "20") -> RateInputs:
    inputs = l1_rate(report=e4_report(score=score), terms=concession_terms(cap=cap))
    return replace(inputs, points_table=table or builtin())


# Base 60, one bp a whole point, cap 20: by hand.
@pytest.mark.parametrize(
    ("score", "bp", "reason", "row"),
    [
        ("71.6", "-11", ConcessionReason.POINTS, "above_base"),
        ("95", "-20", ConcessionReason.CAPPED, "above_base"),
        ("60", "0", ConcessionReason.BELOW_BASE, "at_or_below_base"),
        ("60.5", "0", ConcessionReason.BELOW_BASE, "above_base"),
        ("12", "0", ConcessionReason.BELOW_BASE, "at_or_below_base"),
    ],
)
def test_the_built_in_table_counts_the_points_of_a_valid_report(
    score: str, bp: str, reason: ConcessionReason, row: str
) -> None:
    decision = decide_rate(by_points(score))
    figures = {figure.name: figure for figure in decision.trace}
    assert (decision.concession_bp, decision.reason) == (Decimal(bp), reason)
    assert figures["points_row"].value == row
    assert figures["points_row"].parameter is not None
    assert figures["points_row"].parameter.key == "loans.concession_points"
    assert "points_row" in figures["concession_bp"].inputs


def test_the_clause_that_nobody_confirmed_is_marked() -> None:
    figures = {figure.name: figure for figure in decide_rate(by_points("71.6")).trace}
    assert figures["points_row"].confirmed is False
    assert figures["points_row"].source.startswith("南财观察 2024-07")
    assert {figure.name: figure for figure in decide_rate(by_points("12")).trace}["points_row"].confirmed is True


def test_every_rate_is_that_of_the_points_before_there_was_a_table() -> None:
    chance = random.Random(20250701)  # noqa: S311 - the same inputs every time, no secret
    reasons = set()
    for _ in range(1_000):
        score = None if chance.random() < 0.05 else str(Decimal(chance.randrange(1001)) / 10)
        report = replace(
            e4_report(score=score), valid_to=date(2025, 7, 1) + timedelta(days=chance.choice((-1, 0, 1, 300)))
        )
        terms = concession_terms(cap=str(chance.choice((0, 5, 20, 100))))
        inputs = l1_rate(report=None if chance.random() < 0.05 else report, terms=terms)
        before, by_table = decide_rate(inputs), decide_rate(replace(inputs, points_table=builtin()))
        assert replace(by_table, trace=()) == replace(before, trace=())
        assert canonical_json(replace(by_table, trace=())) == canonical_json(replace(before, trace=()))
        reasons.add(by_table.reason)
    assert reasons >= {None, *ConcessionReason} - {ConcessionReason.BY_TABLE, ConcessionReason.NOT_COUNTED}


def test_a_table_of_the_banks_own_says_to_what_share_points_count() -> None:
    for table in (HALF_WHEN_UNCHECKED, YOUNG_REPORTS):
        assert validate(table).may_be_published
        assert faults(POINTS_TABLE, table) == ()
    checked = by_points("71.6", table=recorded(HALF_WHEN_UNCHECKED))
    assert checked.report is not None
    halves = [
        decide_rate(replace(checked, report=replace(checked.report, confirmed=confirmed))).concession_bp
        for confirmed in (True, False)
    ]
    assert halves == [Decimal(-11), Decimal("-5.5")]
    old = replace(checked.report, report_date=date(2025, 1, 2))
    decision = decide_rate(replace(checked, report=old, points_table=recorded(YOUNG_REPORTS)))
    assert (decision.concession_bp, decision.reason) == (Decimal(0), ConcessionReason.NOT_COUNTED)


def test_what_the_table_cannot_read_leaves_the_rate_undecided() -> None:
    inputs = by_points("71.6", table=recorded(YOUNG_REPORTS))
    assert inputs.report is not None
    ancient = replace(inputs.report, report_date=date(2020, 1, 1))
    decision = decide_rate(replace(inputs, report=ancient))
    assert decision.executed_rate is None
    assert [one.field for one in decision.missing] == ["report_age_days"]


def test_a_concession_table_comes_before_the_table_of_points_and_days_are_held() -> None:
    by_table = replace(table_rate(), points_table=builtin())
    assert decide_rate(by_table).reason is ConcessionReason.BY_TABLE
    with pytest.raises(InvalidInput, match="does not speak of"):
        replace(by_points("71.6"), applies_from=date(2023, 12, 31))


def test_a_rate_by_the_table_replays_from_its_record_alone() -> None:
    inputs = by_points("71.6")
    again = rebuilt(canonical_json(inputs), RateInputs)
    assert digest_of(again) == digest_of(inputs)
    assert canonical_json(decide_rate(again)) == canonical_json(decide_rate(inputs))
