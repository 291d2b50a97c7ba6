"""Impact of a change: hand-counted populations, who moves and by how much."""

from decimal import Decimal

from carbonfin.rules.impact import Impact, Standing, impact_of
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from tests.rules.samples import output_column, sample_table

GRADE = {"grade": "code{A,B,C}"}
CURRENT = sample_table(GRADE, [("A", "-30"), ("B", "-10"), ("C", "0")])
DRAFT = sample_table(GRADE, [("A", "-40"), ("B", "-10"), ("C", "5")])
CASES: list[dict[str, object]] = [{"grade": "A"}, {"grade": "B"}, {"grade": "C"}, {"grade": "A"}, {}]
UNKNOWN = Standing(refused=Refused.MISSING_INPUT, missing=("grade",))


def stands(*answers: str) -> Standing:
    return Standing(answer=tuple((answer,) for answer in answers))


def both(current: DecisionTable | None, draft: DecisionTable) -> Impact:
    return impact_of(current, draft, CASES)


def test_who_moves_from_where_to_where_and_by_how_much() -> None:
    impact = both(CURRENT, DRAFT)
    assert [(move.place, move.difference) for move in impact.moves] == [(0, -10), (2, 5), (3, -10)]
    assert impact.crossings == {(stands("-30"), stands("-40")): 2, (stands("0"), stands("5")): 1}
    assert impact.difference_total == -15
    assert impact.cases_count == 5


def test_totals_per_answer_under_both_tables() -> None:
    impact = both(CURRENT, DRAFT)
    assert impact.before == {stands("-30"): 2, stands("-10"): 1, stands("0"): 1, UNKNOWN: 1}
    assert impact.after == {stands("-40"): 2, stands("-10"): 1, stands("5"): 1, UNKNOWN: 1}
    assert (impact.undecided_before_count, impact.undecided_after_count) == (1, 1)


def test_a_case_that_is_decided_no_more_moves_without_a_difference() -> None:
    impact = both(CURRENT, sample_table(GRADE, [("A", "-30"), ("B", "-10")]))
    (move,) = impact.moves
    assert (move.place, move.after, move.difference) == (2, Standing(refused=Refused.NO_ROW), None)
    assert (impact.undecided_before_count, impact.undecided_after_count) == (1, 2)
    assert impact.difference_total is None


def test_another_row_with_the_same_answer_is_no_move() -> None:
    assert both(CURRENT, sample_table(GRADE, [("C", "0"), ("B", "-10"), ("A", "-30")])).moves == ()


def test_the_first_table_of_its_name_moves_nobody() -> None:
    impact = both(None, DRAFT)
    assert impact.moves == ()
    assert impact.before == {}
    assert impact.after[stands("-40")] == 2
    assert impact.cases_count == 5


def test_numbers_of_different_kinds_have_no_difference() -> None:
    as_ratio = sample_table(
        GRADE, [("A", "-30"), ("B", "0.1"), ("C", "0")], outputs=[output_column("r", OutputKind.RATIO)]
    )
    impact = both(CURRENT, as_ratio)
    assert [(move.place, move.difference) for move in impact.moves] == [(1, None)]
    counted = sample_table(GRADE, [("A", "7"), ("A|B", "7"), ("C", "7")], policy=HitPolicy.COLLECT_COUNT)
    assert {move.difference for move in both(CURRENT, counted).moves} == {None}


def test_sums_and_exact_ratios_differ_exactly() -> None:
    ratio = [output_column("share", OutputKind.RATIO)]
    current = sample_table(
        GRADE, [("A", "0.1"), ("A|B", "0.2"), ("C", "0")], policy=HitPolicy.COLLECT_SUM, outputs=ratio
    )
    draft = sample_table(GRADE, [("A", "0.2"), ("A|B", "0.2"), ("C", "0")], policy=HitPolicy.COLLECT_SUM, outputs=ratio)
    impact = both(current, draft)
    assert [move.difference for move in impact.moves] == [Decimal("0.1"), Decimal("0.1")]
    assert impact.difference_total == Decimal("0.2")


def test_lists_move_with_their_order_and_an_empty_list_is_an_answer() -> None:
    current = sample_table(GRADE, [("A", "1"), ("A|B", "2")], policy=HitPolicy.RULE_ORDER)
    draft = sample_table(GRADE, [("A|B", "2"), ("A", "1")], policy=HitPolicy.RULE_ORDER)
    impact = both(current, draft)
    assert {(move.before, move.after) for move in impact.moves} == {(stands("1", "2"), stands("2", "1"))}
    assert impact.after[Standing()] == 1
    assert Standing().is_decided
    assert impact.difference_total is None
