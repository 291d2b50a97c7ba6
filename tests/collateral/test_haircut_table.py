"""Haircuts by the decision table: the figures of before, the row with its clause in the trace, and refusals by name."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
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
    TableVersion,
    table_of,
)
from carbonfin.rules.validate import validate
from carbonfin.rules.whole_trace import whole_trace
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import TABLE_APPROVAL, propose_table
from collateral.calc.coverage import CoverageInputs, CoverageOutcome, Debt, decide_coverage
from collateral.calc.haircuts import HAIRCUT_TABLE, Haircut, HaircutUse
from collateral.calc.tables_asked import tables_asked_of_coverage
from collateral.service.view import desk_view, haircut_of
from tests.collateral.desk import Desk
from tests.collateral.world import KNOWN_AT, TODAY, haircut, haircut_table, line, safety_terms, thresholds

CLAUSE = Clause(document="示例银行押品管理办法（示例）", article="第十二条", grade=Grade.SAMPLE, confirmed=True)
OUTPUTS = ("price_share", "currency_share", "additional_ratio")
DOMAINS = {
    "use": "code{pledge,repo}", "scheme": "code{CEA,SZA,CCER}", "vintage": "whole[2005..2099] year",
    "cross_currency": "boolean",
}  # fmt: skip


def table(columns: tuple[str, ...], *rows: tuple[tuple[str, ...], tuple[str, ...]]) -> DecisionTable:
    """A table of a bank's own, its rows being cells and outputs."""
    return table_of(
        name="collateral.haircut", title_zh="本行折扣系数", title_en="Own haircuts", hit_policy=HitPolicy.UNIQUE,
        inputs=[InputColumn(name=one, title_zh=one, title_en=one, domain=domain_from(DOMAINS[one])) for one in columns],
        outputs=[OutputColumn(name=one, title_zh=one, title_en=one, kind=OutputKind.RATIO) for one in OUTPUTS],
        rows=[
            RowDraft(id=f"R{place}", when=when, then=then, clause=CLAUSE)
            for place, (when, then) in enumerate(rows, 1)
        ],
    )  # fmt: skip


def recorded(own: DecisionTable) -> RecordedTable:
    return RecordedTable.of(
        TableVersion(table=own, valid_from=date(2025, 1, 1), known_from=date(2025, 6, 1), approved_by=("甲", "乙"))
    )


# Old vintages lose a tenth more; in figures of its own the bank needs no parameter.
BY_VINTAGE = table(
    ("vintage",), (("<= 2022",), ("1", "0", "0.10")), (("> 2022",), ("1", "0", "0")),
)  # fmt: skip
IN_FIGURES = table(
    ("use", "scheme"),
    (("pledge", "CEA"), ("0", "0", "0.45")),
    (("pledge", "!= CEA"), ("0", "0", "0.70")),
    (("repo", "-"), ("0", "0", "0.80")),
)


def coverage(*units: str) -> CoverageInputs:
    return CoverageInputs(
        agreement_code="P9", valuation_date=TODAY, end_date=date(2025, 10, 31),
        lines=tuple(line(unit, 1000) for unit in units),
        debt=Debt(
            principal_cny=Decimal("30000.00"), accrued_cny=Decimal("0.00"), costs_cny=Decimal("0.00"),
            exposure_date=TODAY, source="test",
        ),
        thresholds=thresholds(), safety=safety_terms(*units), candidates=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "use", "cross_currency", "ratio", "row"),
    [
        ("CEA-2023", HaircutUse.PLEDGE, False, "0.40", "pledge"),
        ("SZA-2022", HaircutUse.PLEDGE, False, "0.50", "pledge"),
        ("CCER", HaircutUse.PLEDGE, False, "0.60", "pledge"),
        ("SZA-2023", HaircutUse.PLEDGE, True, "0.58", "pledge_cross"),
        ("SZA-2023", HaircutUse.REPO, False, "0.40", "repo"),
        ("SZA-2023", HaircutUse.REPO, True, "0.48", "repo_cross"),
    ],
)
def test_the_built_in_table_puts_the_banks_parts_together(
    unit: str, use: HaircutUse, *, cross_currency: bool, ratio: str, row: str
) -> None:
    # The parts are those of the sample bank: CEA 0.40, SZA 0.50, CCER 0.60, repo of SZA 0.40, currency 0.08 added.
    found = haircut(Unit.parse(unit), use=use, cross_currency=cross_currency)
    assert found.rule is not None
    assert (canonical_json(found.ratio), found.rule.row.outcome.row_id) == (canonical_json(Decimal(ratio)), row)


def test_the_trace_shows_the_row_its_clause_and_why_no_other_row_hit() -> None:
    outcome = decide_coverage(coverage("CEA-2023", "SZA-2022"))
    figures = {figure.name: figure for figure in outcome.trace}
    row = figures["haircut_row_pledge"]
    assert row.parameter is not None
    assert (row.parameter.key, row.parameter.scope) == ("collateral.haircut", "pledge")
    assert (row.parameter.document, row.parameter.grade) == ("本系统押品估值方法", Grade.READ)
    ratio = figures["haircut_ratio_SZA-2022"]
    assert (ratio.value, ratio.inputs) == ("0.50", ("haircut_row_pledge", "haircut_SZA"))
    assert "repo 不符：用途 repo" in ratio.note_zh
    assert figures["collateral_value_SZA-2022"].inputs == ("market_value_SZA-2022", "haircut_ratio_SZA-2022")
    assert not [name for name in outcome.unconfirmed if name.startswith("collateral.haircut[")]


def test_a_row_that_nobody_confirmed_is_unconfirmed_wherever_its_figure_goes() -> None:
    crossed = haircut(Unit.parse("CEA-2023"), cross_currency=True)
    inputs = coverage("CEA-2023")
    outcome = decide_coverage(replace(inputs, lines=(replace(inputs.lines[0], haircut=crossed),)))
    assert "collateral.haircut[pledge_cross]" in outcome.unconfirmed
    marked = {figure.name for figure in outcome.trace if not figure.confirmed}
    assert {"haircut_row_pledge_cross", "haircut_ratio_CEA-2023", "collateral_value_CEA-2023", "coverage"} <= marked


def test_values_by_the_table_are_to_the_bit_those_of_parts_that_were_added() -> None:
    by_table = coverage("CEA-2023", "SZA-2022", "SZA-2023")
    before = replace(
        by_table, lines=tuple(replace(one, haircut=Haircut(parts=one.haircut.parts)) for one in by_table.lines)
    )
    pairs = [decide_coverage(one) for one in (by_table, before)]
    assert canonical_json(pairs[0].valuation) == canonical_json(pairs[1].valuation)
    assert '"rule"' not in canonical_json(before), "what was decided before is written as it was"


def test_a_decision_by_the_table_replays_from_its_record_alone() -> None:
    inputs = coverage("CEA-2023", "SZA-2022")
    again = rebuilt(canonical_json(inputs), CoverageInputs)
    assert digest_of(again) == digest_of(inputs)
    outcome: CoverageOutcome = decide_coverage(inputs)
    assert canonical_json(decide_coverage(again)) == canonical_json(outcome)


def test_a_record_carries_the_table_once_and_decides_alike() -> None:
    whole = coverage("CEA-2023", "SZA-2022")
    once = whole.with_table_once(haircut_table())
    assert canonical_json(once).count("additional_ratio") == canonical_json(whole).count("additional_ratio") // 2
    assert canonical_json(decide_coverage(once)) == canonical_json(decide_coverage(whole))
    assert canonical_json(decide_coverage(rebuilt(canonical_json(once), CoverageInputs))) == canonical_json(
        decide_coverage(once)
    )
    with pytest.raises(InvalidInput, match="lacks its table"):
        decide_coverage(replace(once, haircut_table=None))


def test_what_a_table_asks_and_is_missing_is_refused_by_name() -> None:
    assert validate(BY_VINTAGE).may_be_published
    assert faults(HAIRCUT_TABLE, BY_VINTAGE) == ()
    ratios = [haircut(Unit.parse(one), table=recorded(BY_VINTAGE)).ratio for one in ("SZA-2022", "SZA-2023")]
    assert ratios == [Decimal("0.60"), Decimal("0.50")]
    with pytest.raises(MissingData, match="does not decide: vintage is absent") as refused:
        haircut(Unit.parse("CCER"), table=recorded(BY_VINTAGE))
    assert refused.value.field == "vintage"
    with pytest.raises(MissingData, match="scheme is an unknown code"):
        haircut(Unit.parse("GDEA-2024"), table=recorded(IN_FIGURES))


def test_a_table_in_figures_needs_no_parameter_of_the_bank() -> None:
    assert validate(IN_FIGURES).may_be_published
    found = haircut(Unit.parse("CEA-2023"), table=recorded(IN_FIGURES))
    assert (found.ratio, found.parts) == (Decimal("0.45"), ())
    outside = recorded(table(("use",), (("pledge",), ("1", "0", "0.7")), (("repo",), ("1", "0", "0.7"))))
    with pytest.raises(InvalidInput, match="do not stay within 0 to 1"):
        haircut(Unit.parse("CEA-2023"), table=outside)


def test_a_table_kinder_to_what_is_missing_breaks_the_contract() -> None:
    kind = table(
        ("vintage",), (("null",), ("1", "0", "0")), (("-",), ("1", "0", "0.10")),
    )  # fmt: skip
    assert [one.place for one in faults(HAIRCUT_TABLE, kind)] == ["R1/additional_ratio"]


def test_an_approved_table_of_the_bank_takes_the_place_of_the_built_in_one_from_its_day(
    desk_sessions: Sessions, desk: Desk
) -> None:
    draft = TableVersion(table=BY_VINTAGE, valid_from=TODAY, known_from=TODAY)
    with desk_sessions.begin() as session:
        proposed = propose_table(
            session, desk.maker, draft, reason="押品办法修订", at=KNOWN_AT, contracts=(HAIRCUT_TABLE,)
        )
        waiting = haircut_of(
            desk_view(session, desk.standing), Unit.parse("SZA-2022"), use=HaircutUse.PLEDGE, cross_currency=False
        )
        approvals.approve(
            session, desk.checker, proposed.id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="同意"), at=KNOWN_AT,
            business_date=TODAY,
        )  # fmt: skip
    yesterday = date(2025, 6, 29)
    before = replace(desk.standing, business_date=yesterday, known_at=end_of_china_day(yesterday))
    elsewhere = replace(desk.standing, organization_id=desk.stranger.organization_id)
    with desk_sessions.read() as session:
        own = desk_view(session, desk.standing)
        builtin = [desk_view(session, one).haircut_table for one in (before, elsewhere)]
        found = haircut_of(own, Unit.parse("SZA-2022"), use=HaircutUse.PLEDGE, cross_currency=False)
    assert (waiting.ratio, found.ratio) == (Decimal("0.50"), Decimal("0.60"))
    assert own.haircut_table.digest == BY_VINTAGE.digest
    assert own.haircut_table.approved_by == (desk.maker.name, desk.checker.name)
    assert [one.approved_by for one in builtin] == [(), ()]


def test_each_unit_of_a_coverage_shows_every_row_of_the_haircut_table() -> None:
    inputs = coverage("CEA-2023", "SZA-2022", "CEA-2023")
    used = inputs.lines[0].haircut.rule
    assert used is not None
    recorded = inputs.with_table_once(used.table)
    for one in (inputs, rebuilt(canonical_json(recorded), CoverageInputs)):
        wholes = [whole_trace(asked) for asked in tables_asked_of_coverage(one)]
        assert [whole.asked.about for whole in wholes] == ["CEA-2023", "SZA-2022"]
        assert [[row.row_id for row in whole.rows if row.answers] for whole in wholes] == [["pledge"], ["pledge"]]
        assert [len(whole.rows) for whole in wholes] == [4, 4]
    before = replace(
        inputs, lines=tuple(replace(one, haircut=Haircut(parts=one.haircut.parts)) for one in inputs.lines)
    )
    assert tables_asked_of_coverage(before) == ()
