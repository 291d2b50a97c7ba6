"""The concession by a bank's own table: decided by hand, capped, floored, expired, undecided, and replayed by digest."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import faults
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.rules.tables import TableVersion
from carbonfin.rules.trace import Figure
from carbonfin.rules.validate import validate
from loans.calc.jiangtandai import CONCESSION_TABLE, ConcessionReason, RateDecision, RateStatus, decide_rate
from loans.calc.term_sheets import draft_term_sheet
from tests.loans.concession_samples import CLAUSE, ROWS, concession_table, recorded, table_rate
from tests.loans.samples import NO_REPORT, e4_report, l1_rate, l1_term_sheet

AGED = replace(e4_report(score="87"), report_date=date(2025, 1, 1))
"""181 days before interest begins on 2025-07-01."""


def figures(decision: RateDecision) -> dict[str, Figure]:
    return {figure.name: figure for figure in decision.trace}


def test_the_sample_table_is_sound_and_keeps_the_contract() -> None:
    table = concession_table()
    assert validate(table).may_be_published
    assert faults(CONCESSION_TABLE, table) == ()


# LPR 3.00 % + 40 bp = 3.40 %; base 60, report of 2025-06-15, interest from 2025-07-01: 16 days.
@pytest.mark.parametrize(
    ("report", "cap", "row", "concession", "executed", "reason"),
    [
        (e4_report(score="71.6"), "20", "R8", -10, "0.0330", ConcessionReason.BY_TABLE),
        (e4_report(score="87"), "20", "R6", -20, "0.0320", ConcessionReason.BY_TABLE),
        (AGED, "20", "R7", -15, "0.0325", ConcessionReason.BY_TABLE),
        (e4_report(score="95"), "30", "R4", -30, "0.0310", ConcessionReason.BY_TABLE),
        (e4_report(score="95"), "20", "R4", -20, "0.0320", ConcessionReason.CAPPED),
        (e4_report(score="95"), "0", "R4", 0, "0.0340", ConcessionReason.CAPPED),
        (e4_report(score="60"), "20", "R10", 0, "0.0340", ConcessionReason.BY_TABLE),
        (e4_report(score="60.5"), "20", "R9", -5, "0.0335", ConcessionReason.BY_TABLE),
        (replace(e4_report(score="95"), confirmed=False), "20", "R2", 0, "0.0340", ConcessionReason.BY_TABLE),
        (e4_report(score=None), "20", "R1", 0, "0.0340", ConcessionReason.BY_TABLE),
    ],
)
def test_the_table_decides_within_the_cap(
    *, report: object, cap: str, row: str, concession: int, executed: str, reason: ConcessionReason
) -> None:
    decision = decide_rate(table_rate(report=report, cap=cap))
    assert (decision.status, decision.missing) == (RateStatus.DECIDED, ())
    assert figures(decision)["concession_row"].value == row
    assert (decision.concession_bp, decision.reason) == (concession, reason)
    assert decision.executed_rate == Decimal(executed)


def test_the_all_in_floor_still_holds() -> None:
    decision = decide_rate(table_rate(report=e4_report(score="87"), margin_bp=-15))
    assert decision.floor_applied
    assert decision.executed_rate == Decimal("0.0280")  # 3.00 % - 15 bp - 20 bp = 2.65 %


def test_an_expired_report_earns_nothing_though_the_table_forgets_to_ask() -> None:
    forgetful = concession_table((("<60", "0"), (">=60", "-20")), columns=("score",))
    report = e4_report(score="87", valid_to=date(2025, 6, 30))
    decision = decide_rate(table_rate(forgetful, report=report))
    assert (decision.concession_bp, decision.reason) == (0, ConcessionReason.REPORT_EXPIRED)
    assert decision.executed_rate == Decimal("0.0340")
    assert "concession_row" not in figures(decision)
    last_day = decide_rate(table_rate(forgetful, report=e4_report(score="87", valid_to=date(2025, 7, 1))))
    assert last_day.executed_rate == Decimal("0.0320")


NARROW = concession_table(
    tuple((row[0].replace("null", "<0.1"), *row[1:]) for row in ROWS),
)
"""The table without a word on missing inputs."""


@pytest.mark.parametrize(
    ("report", "named"),
    [
        (NO_REPORT, ["report"]),
        (e4_report(score=None), ["score"]),
        (replace(e4_report(), report_date=date(2022, 6, 1)), ["report_age_days"]),  # 1126 days of at most 1095
        (e4_report(score="71.600000000000001"), ["score", "points_over_base"]),  # more digits than a table reads
    ],
)
def test_what_is_missing_leaves_the_rate_not_decided_and_is_named(report: object, named: list[str]) -> None:
    decision = decide_rate(table_rate(NARROW, report=report))
    assert decision.status is RateStatus.NOT_DECIDED
    assert [missing.field for missing in decision.missing] == named
    assert all(missing.zh.startswith("未决定：") for missing in decision.missing)
    assert (decision.executed_rate, decision.concession_bp, decision.reason) == (None, None, None)
    found = figures(decision)
    assert found["concession_row"].value == "missing_input"
    assert "取决于缺失的" in found["concession_row"].note_zh
    assert {"executed_rate", "concession_bp"}.isdisjoint(found)


def test_a_table_with_a_gap_decides_nothing_in_it() -> None:
    gapped = concession_table(((">=90", "-20"),), columns=("score",))
    (missing,) = decide_rate(table_rate(gapped)).missing
    assert missing.field == "loans.concession"


def test_the_trace_names_version_row_clause_and_the_cells_that_failed() -> None:
    unsure = replace(CLAUSE, confirmed=False)
    found = figures(decide_rate(table_rate(concession_table(clause=unsure), report=e4_report(score="87"))))
    used, row = found["concession_table"], found["concession_row"]
    digest = concession_table(clause=unsure).digest
    assert (used.value, used.source) == ("loans.concession", "甲、乙")
    assert used.note_zh == f"2025-01-01 起适用，2025-06-01 起知悉，摘要 {digest}"
    assert row.parameter is not None
    assert (row.parameter.key, row.parameter.scope, row.parameter.digest) == ("loans.concession", "R6", digest)
    assert (row.parameter.document, row.parameter.article) == (CLAUSE.document, "第8条")
    assert not row.confirmed
    assert row.inputs == ("concession_table", "score", "points_over_base", "report_confirmed", "report_age_days")
    assert "R4 不符：score >=90；R5 不符：score >=90" in row.note_zh
    assert "R2 fails: report_confirmed false" in row.note_en
    assert (found["points_over_base"].value, found["points_over_base"].inputs) == ("27", ("score", "base_score"))
    assert (found["report_age_days"].value, found["report_confirmed"].value) == ("16", "true")
    assert found["concession_bp"].formula == "max(answer of the table, -cap)"
    assert found["concession_bp"].inputs == ("table_concession_bp", "cap_bp")
    assert {"bp_per_point", "fraction"}.isdisjoint(found), "what a table replaces is no part of the trace"


def test_a_table_that_asks_only_for_validity_shows_that() -> None:
    table = concession_table((("true", "-5"), ("false", "0")), columns=("report_valid",))
    found = figures(decide_rate(table_rate(table)))
    assert (found["report_valid"].value, found["concession_bp"].value) == ("true", "-5")
    assert "base_score" not in found


@pytest.mark.parametrize(
    "rows", [((">=0", "20"),), ((">=0", "-1001"),)], ids=["a concession that costs", "more than any rate"]
)
def test_an_answer_that_is_no_concession_is_refused(rows: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(InvalidInput, match="no concession"):
        decide_rate(table_rate(concession_table(rows, columns=("score",))))


def test_scale_cap_day_and_text_are_held_with_a_table_too() -> None:
    with pytest.raises(InvalidInput, match="exceeds the scale"):
        decide_rate(table_rate(report=e4_report(score="100.1")))
    with pytest.raises(InvalidInput, match="cap"):
        decide_rate(table_rate(cap="-1"))
    version = TableVersion(
        table=concession_table(), valid_from=date(2025, 7, 2), valid_to=None, known_from=date(2025, 6, 1)
    )
    with pytest.raises(InvalidInput, match="does not speak of 2025-07-01"):
        replace(l1_rate(), concession_table=type(recorded(version.table)).of(version))
    one = recorded(concession_table())
    with pytest.raises(InvalidInput, match="does not fit its digest"):
        replace(one, content=one.content.replace('"-30"', '"-40"'))


def test_without_a_table_inputs_and_decisions_are_what_they_were_to_the_bit() -> None:
    # digests written down before the table came to the inputs
    assert digest_of(l1_rate()) == "b3713277c949a11438b973786b13d2edc1aedfc2cf285b69079e90e7af835aa5"
    assert digest_of(decide_rate(l1_rate())) == "f0b02a034bcf39f1ecb7e5750f496ffc96f14d109108c21481c44ee758e562be"
    absent = l1_rate(report=NO_REPORT)
    assert digest_of(absent) == "12a420e2f614eae2ab31a49eff9e29844360fef0e2d410cf8a3217f953bfefaa"
    assert digest_of(decide_rate(absent)) == "8a8f096dbc25dbdd124f877ac788dd88fd0c75f8da2e9abeaeb25feb3caa7762"
    sheet = l1_term_sheet()
    assert digest_of(sheet) == "b2552959be7461cb91774a0d7afb83b16648dfd17122b2b2a44ab44ad16cae15"
    assert digest_of(draft_term_sheet(sheet)) == "26a6c0eb03699253f2644b28dc379b018eb30a4e86eb8e742f28fb594e075842"
    assert "concession_table" not in canonical_json(l1_rate())


def test_the_term_sheet_says_by_which_table_and_row() -> None:
    sheet = draft_term_sheet(l1_term_sheet(rate=table_rate(report=e4_report(score="87"))))
    lines = {line.label_zh: line for group in sheet.groups for line in group.lines}
    assert lines["利率优惠"].value_zh == "−20 BP（按本行利率优惠表）"
    assert lines["利率优惠"].value_en == "−20 BP (by the bank's own concession table)"
    assert lines["优惠依据"].value_zh == "本行利率优惠表 loans.concession（2025-01-01 起适用，2025-06-01 起知悉）"
    assert "每分优惠" not in lines
    earned = next(step for step in sheet.steps if step.figure_name == "concession_bp")
    assert earned.note_zh == "优惠表 loans.concession 第 R6 行，封顶 20 BP"
    for line in lines.values():
        assert not line.figure_name or line.figure_name in {figure.name for figure in sheet.trace}, line


def test_the_term_sheet_without_report_follows_the_tables_row_on_what_is_missing() -> None:
    sheet = draft_term_sheet(l1_term_sheet(rate=table_rate(report=NO_REPORT)))
    assert sheet.rate.executed_rate == Decimal("0.0340")
    assert [step.label_zh for step in sheet.steps] == ["LPR（1Y）", "加减点", "降碳优惠", "执行利率"]
    expired = e4_report(valid_to=date(2025, 6, 30))
    steps = draft_term_sheet(l1_term_sheet(rate=table_rate(report=expired))).steps
    assert "报告已失效，无优惠" in [step.note_zh for step in steps]
